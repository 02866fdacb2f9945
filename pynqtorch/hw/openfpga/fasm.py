# SPDX-License-Identifier: AGPL-3.0-or-later
"""FASM text (one configuration feature a line) <-> `FasmLine`.

Grammar: https://fasm.readthedocs.io/en/latest/specification.html . A line is
`FEATURE[msb:lsb] = VALUE { .key = "text", } # comment`, every part but the feature optional; a feature with no value
means 1, and a value of 0 means that nothing is set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pynqtorch.errors import FormatError

_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
_FEATURE = re.compile(rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*", re.ASCII)
_RANGE = re.compile(r"\[\s*(\d+)\s*(?::\s*(\d+)\s*)?\]", re.ASCII)
_VALUE = re.compile(
    r"(\d+)?\s*'\s*(?:h\s*([0-9a-fA-F_]+)|b\s*([01_]+)|o\s*([0-7_]+)|d\s*([0-9_]+))|([0-9][0-9_]*)", re.ASCII
)
_ANNOTATION = re.compile(rf'\.?({_IDENTIFIER}(?:\.{_IDENTIFIER})*)\s*=\s*"((?:[^"\\]|\\.)*)"', re.ASCII)
_SPACE = re.compile(r"[ \t]*")
_MAX_INDEX = 1 << 20  # no feature of a 7-series device is that wide: a larger index is a damaged file


class FasmLine(NamedTuple):
    """One line of FASM.

    `msb` and `lsb` are the address range, or None when the line has none (a single index is `msb == lsb`). `value` has
    at most `msb - lsb + 1` bits. `number` is the line's number in its file, from 1, or 0 when it was not read from one.
    """

    feature: str
    msb: int | None = None
    lsb: int | None = None
    value: int = 1
    annotations: tuple[tuple[str, str], ...] = ()
    comment: str | None = None
    number: int = 0

    def indices(self) -> Iterator[int]:
        """The index of every feature bit that the line sets (0 for a feature with no address)."""
        base, rest = self.lsb or 0, self.value
        while rest:
            low = rest & -rest
            yield base + low.bit_length() - 1
            rest ^= low


def parse_line(text: str, number: int = 0, source: str = "<fasm>") -> FasmLine | None:
    """Parse one line; None when it is blank. A line with nothing but a comment has an empty `feature`.

    Raises:
        FormatError: with source, line and column of what is wrong.
    """
    stripped = text.strip()
    if _FEATURE.fullmatch(stripped):
        return FasmLine(stripped, number=number)
    if not stripped:
        return None
    return _Scanner(text.rstrip("\r\n"), number, source).line()


def parse(text: str, source: str = "<fasm>") -> list[FasmLine]:
    """All lines of a file that hold something. Raises `FormatError` as `parse_line` does."""
    parsed = (parse_line(line, number, source) for number, line in enumerate(text.split("\n"), 1))
    return [line for line in parsed if line is not None]


def format_line(line: FasmLine) -> str:
    """The canonical text of one line: a value only where it isn't 1, ranges in hexadecimal."""
    parts = []
    if line.feature:
        feature = line.feature
        if line.msb is not None and line.lsb is not None:
            single = line.msb == line.lsb
            feature += f"[{line.msb}]" if single else f"[{line.msb}:{line.lsb}]"
            if not single:
                width = line.msb - line.lsb + 1
                feature += f" = {width}'h{line.value:0{(width + 3) // 4}x}"
            elif line.value != 1:
                feature += f" = {line.value}"
        elif line.value != 1:
            feature += f" = {line.value}"
        parts.append(feature)
    if line.annotations:
        inner = ", ".join(f'.{key} = "{_escape(text)}"' for key, text in line.annotations)
        parts.append(f"{{ {inner} }}")
    if line.comment is not None:
        parts.append("#" + line.comment)
    return " ".join(parts)


def format_lines(lines: Iterable[FasmLine]) -> str:
    """The text of a whole file, with a final newline unless there are no lines."""
    return "".join(format_line(line) + "\n" for line in lines)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


class _Scanner:
    """Reads one line from left to right; `at` is the column (from 0)."""

    def __init__(self, text: str, number: int, source: str) -> None:
        self.text, self.number, self.source, self.at = text, number, source, 0

    def line(self) -> FasmLine:
        self.space()
        feature, msb, lsb, value = "", None, None, 1
        match = _FEATURE.match(self.text, self.at)
        if match:
            feature, self.at = match.group(), match.end()
            self.space()
            msb, lsb = self.range()
            self.space()
            value = self.value(1 if msb is None or lsb is None else msb - lsb + 1)
            self.space()
        annotations = self.annotations()
        self.space()
        comment = None
        if self.peek() == "#":
            comment = self.text[self.at + 1 :]
        elif self.at < len(self.text):
            raise self.error(f"unexpected {self.text[self.at :][:20]!r}")
        return FasmLine(feature, msb, lsb, value, annotations, comment, self.number)

    def range(self) -> tuple[int | None, int | None]:
        if self.peek() != "[":
            return None, None
        match = _RANGE.match(self.text, self.at)
        if not match:
            raise self.error("an address must be [index] or [msb:lsb]")
        high, low = match.group(1), match.group(2) or match.group(1)
        if len(high) > 7 or len(low) > 7 or int(high) > _MAX_INDEX:
            raise self.error(f"the address [{high}] is out of any feature's range")
        if int(low) > int(high):
            raise self.error(f"the address [{high}:{low}] has its lowest bit first")
        self.at = match.end()
        return int(high), int(low)

    def value(self, width: int) -> int:
        if self.peek() != "=":
            return 1
        self.at += 1
        self.space()
        match = _VALUE.match(self.text, self.at)
        if not match:
            raise self.error("no value after '='")
        size, hexadecimal, binary, octal, based_decimal, decimal = match.groups()
        digits, base = next(
            (text, base)
            for text, base in ((hexadecimal, 16), (binary, 2), (octal, 8), (based_decimal, 10), (decimal, 10))
            if text is not None
        )
        digits = digits.replace("_", "")
        if not digits or (base == 10 and len(digits) > 4000):
            raise self.error("the value is not a number")
        value = int(digits, base)
        if size is not None and len(size) < 8 and value.bit_length() > int(size):
            raise self.error(f"the value needs {value.bit_length()} bits but is declared with {size}")
        if value.bit_length() > width:
            raise self.error(f"the value needs {value.bit_length()} bits, the address has {width}")
        self.at = match.end()
        return value

    def annotations(self) -> tuple[tuple[str, str], ...]:
        if self.peek() != "{":
            return ()
        self.at += 1
        found: list[tuple[str, str]] = []
        while True:
            self.space()
            if self.peek() == "}":
                self.at += 1
                return tuple(found)
            match = _ANNOTATION.match(self.text, self.at)
            if not match:
                raise self.error('an annotation must be .name = "text", and the list must end with }')
            found.append((match.group(1), re.sub(r"\\(.)", r"\1", match.group(2))))
            self.at = match.end()
            self.space()
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "}":
                raise self.error("',' or '}' is missing after an annotation")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def error(self, what: str) -> FormatError:
        return FormatError(
            f"{self.source}:{self.number}:{self.at + 1}: {what}",
            hint="the line is not FASM; look at the tool that wrote it",
        )
