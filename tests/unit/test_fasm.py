# SPDX-License-Identifier: AGPL-3.0-or-later
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynqtorch.errors import FormatError
from pynqtorch.hw.openfpga.fasm import FasmLine, format_line, format_lines, parse, parse_line

_WORD = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
_NAME = st.lists(_WORD, min_size=1, max_size=4).map(".".join)
_TEXT = st.text(string.ascii_letters + string.digits + ' "\\#{}=,.', max_size=12)
_COMMENT = st.none() | st.text(string.printable.replace("\n", "").replace("\r", "").replace("\x0b", ""), max_size=12)


@st.composite
def fasm_lines(draw: st.DrawFn) -> FasmLine:
    msb = lsb = None
    width = 1
    if draw(st.booleans()):
        lsb = draw(st.integers(0, 300))
        width = draw(st.integers(1, 260))
        msb = lsb + width - 1
    value = draw(st.integers(0, (1 << width) - 1))
    annotations = tuple(draw(st.lists(st.tuples(_NAME, _TEXT), max_size=3)))
    comment = draw(_COMMENT)
    return FasmLine(draw(_NAME), msb, lsb, value, annotations, comment.rstrip() if comment else comment)


@given(fasm_lines())
def test_a_printed_line_parses_to_itself(line: FasmLine) -> None:
    assert parse_line(format_line(line)) == line


@given(st.lists(fasm_lines(), max_size=5))
def test_a_printed_file_parses_to_itself(lines: list[FasmLine]) -> None:
    assert [line._replace(number=0) for line in parse(format_lines(lines))] == lines


@given(st.text(max_size=40))
def test_any_text_gives_a_line_or_a_clear_error(text: str) -> None:
    problem = "<fasm>:"
    try:
        parse(text)
    except FormatError as error:
        problem = error.message
    assert problem.startswith("<fasm>:")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A.B", 1),
        ("A.B = 0", 0),
        ("A[3]=1", 1),
        ("A[7:0] = 8'b1010_0101", 0xA5),
        ("A[7:0] = 8'hA5", 0xA5),
        ("A[7:0] = 8'o245", 0xA5),
        ("A[7:0] = 8'd165", 0xA5),
        ("A[7:0] = 'hA5 # x", 0xA5),
        ("A[7:0] = 165", 0xA5),
    ],
)
def test_every_form_of_value_is_read(text: str, value: int) -> None:
    line = parse_line(text)
    assert line is not None
    assert line.value == value


def test_the_indices_of_a_line_are_the_bits_it_sets() -> None:
    line = parse_line("A[11:8] = 4'b1010")
    assert line is not None
    assert list(line.indices()) == [9, 11]
    assert list(FasmLine("A").indices()) == [0]
    assert list(FasmLine("A", value=0).indices()) == []


def test_comments_and_blank_lines_keep_the_line_numbers() -> None:
    lines = parse("# head\n\n A.B  \r\nC.D # why\n")
    assert [(line.feature, line.number) for line in lines] == [("", 1), ("A.B", 3), ("C.D", 4)]
    assert lines[2].comment == " why"


@pytest.mark.parametrize(
    ("text", "column", "what"),
    [
        ("A.B C", 5, "unexpected"),
        ("A..B", 2, "unexpected"),
        ("A[", 2, "address"),
        ("A[0:3]", 2, "lowest bit first"),
        ("A[99999999]", 2, "out of any"),
        ("A[3:0] = 5'b10000", 10, "needs 5 bits, the address has 4"),
        ("A = 2", 5, "needs 2 bits"),
        ("A[3:0] = 2'b111", 10, "declared with 2"),
        ("A =", 4, "no value"),
        ("A = 'h_", 5, "not a number"),
        ('A { .x = "1" ', 14, "',' or '}'"),
        ("A { x }", 5, "annotation"),
    ],
)
def test_a_bad_line_names_its_place(text: str, column: int, what: str) -> None:
    with pytest.raises(FormatError, match=what) as caught:
        parse("GOOD\n" + text, "x.fasm")
    assert caught.value.message.startswith(f"x.fasm:2:{column}:")
