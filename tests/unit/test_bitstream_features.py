# SPDX-License-Identifier: AGPL-3.0-or-later
"""FASM <-> frames on a very small device."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prjxray_sample import IDCODE, PART, make_database

from pynqtorch.errors import FormatError, MissingToolError
from pynqtorch.hw.openfpga.decode import disassemble, format_unknown, parse_unknown, restore
from pynqtorch.hw.openfpga.device import Device, load_device
from pynqtorch.hw.openfpga.encode import assemble
from pynqtorch.hw.openfpga.fasm import parse
from pynqtorch.hw.openfpga.frames import (
    ECC_MASK,
    ECC_SHIFT,
    FRAME_BITS,
    Frames,
    ecc,
    format_frames,
    parse_frames,
    set_bits,
    with_ecc,
)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    return load_device(make_database(tmp_path_factory.mktemp("db")), PART)


def frames_of(device: Device, text: str) -> Frames:
    """Without the ECC and without the feature that the part requires."""
    frames = {address: frame & ~ECC_MASK for address, frame in assemble(device, parse(text), "x.fasm").items()}
    assert frames[0x400003] >> (32 * 60 + 5) & 1
    frames[0x400003] &= ~(1 << (32 * 60 + 5))
    return {address: frame for address, frame in frames.items() if frame}


def test_the_device_is_what_the_database_says(device: Device) -> None:
    assert device.idcode == IDCODE
    assert device.header_part == "7z999clg1"
    assert len(device.frame_addresses) == 2 * (4 + 28) + 2 * 2
    assert device.frame_addresses[:5] == (0, 1, 2, 3, 0x80)
    assert device.rows[1][0] == 0x400000
    assert device.rows[2] == (0x800000, 0x800001)
    assert device.pins["R14"].tile == "LIOB33_SING_X0Y0"


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("", {}),
        ("# nothing", {}),
        ("INT_L_X0Y0.BYP_ALT0.EAST", {0: 1}),
        ("INT_L_X0Y1.BYP_ALT0.EAST", {0: 1 << 64}),
        ("INT_L_X0Y0.BYP_L0.BYP_ALT0", {}),
        ("INT_L_X0Y0.ZERO", {}),
        ("INT_L_X0Y0.WIDE", {1: 1}),
        ("INT_L_X0Y0.WIDE[2]", {1: 4}),
        ("INT_L_X0Y0.WIDE[3:0] = 4'b1010", {1: 0b1010}),
        ("INT_L_X0Y0.WIDE[3:2] = 2'b01", {1: 0b0100}),
        ("INT_L_X0Y0.WIDE[3:0] = 0", {}),
        ("BRAM_L_X1Y0.RAMB18_Y0.IN_USE", {0x80 + 27: 1 << 100}),
        ("BRAM_L_X1Y0.RAMB18_Y0.INIT_00[301]", {0x800001: 1 << (320 + 1)}),
        ("LIOB33_SING_X0Y0.IOB_Y0.DRIVE", {0x400003: 1 << 6}),
    ],
)
def test_features_set_the_bits_of_their_tile(device: Device, text: str, frames: Frames) -> None:
    assert frames_of(device, text) == frames


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A.B\nINT_L_X0Y7.BYP_ALT0.EAST", r"x\.fasm:2: .*no tile INT_L_X0Y7; did you mean INT_L_X0Y[01]\?"),
        ("INT_L_X0Y0.BYP_ALT0.EAT", r"x\.fasm:1: unknown feature .*did you mean INT_L_X0Y0\.BYP_ALT0\.EAST\?"),
        ("INT_L_X0Y0", r"x\.fasm:1: unknown feature INT_L_X0Y0 "),
        ("NULL_X9Y9.X", r"x\.fasm:1: unknown feature NULL_X9Y9\.X"),
        ("INT_L_X0Y0.WIDE[4]", r"x\.fasm:1: .* has no bit \[4\] \(it has \[3:0\]\)"),
        ("INT_L_X0Y0.BYP_ALT0.EAST[1]", r"\[0\] only"),
        ("LIOB33_SING_X0Y0.IOB_Y1.DRIVE", r"did you mean LIOB33_SING_X0Y0\.IOB_Y0\.DRIVE\?"),
        ("\n".join(f"A{i}.B" for i in range(20)), r"A7\.B[^\n]*\n\.\.\. and 12 more"),
    ],
)
def test_what_the_device_does_not_have_is_an_error(device: Device, text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        assemble(device, parse(text), "x.fasm")


def test_features_that_exclude_each_other_are_both_named(device: Device) -> None:
    text = "INT_L_X0Y0.BYP_ALT0.EAST\n\nINT_L_X0Y0.BYP_ALT0.WEST"
    with pytest.raises(FormatError) as caught:
        assemble(device, parse(text), "x.fasm")
    assert "frame 0x00000000 word 0 bit 0" in caught.value.message
    assert "BYP_ALT0.EAST (x.fasm:1) sets it" in caught.value.message
    assert "BYP_ALT0.WEST (x.fasm:3) needs it clear" in caught.value.message


def test_a_frame_decodes_to_the_features_that_match_exactly(device: Device) -> None:
    result = disassemble(device, with_ecc({0: 0b11, 1: 0b1010 << 64, 2: 1 << 31, 0x81: 1 << 3000}))
    assert [(line.feature, line.value) for line in result.features] == [
        ("INT_L_X0Y0.BYP_ALT0.BOTH", 1),
        ("INT_L_X0Y1.WIDE", 0b1010),
    ]
    assert [(bit.frame, bit.word, bit.bit, bit.tiles) for bit in result.unknown] == [
        (2, 0, 31, ("INT_L_X0Y0",)),
        (0x81, 93, 24, ()),
    ]
    assert not result.odd_ecc


@settings(deadline=None)
@given(data=st.data())
def test_any_configuration_comes_back_bit_by_bit(device: Device, data: st.DataObject) -> None:
    positions = data.draw(
        st.lists(st.tuples(st.sampled_from(device.frame_addresses), st.integers(0, FRAME_BITS - 1)), max_size=60)
    )
    frames: Frames = {}
    for address, bit in positions:
        frames[address] = frames.get(address, 0) | 1 << bit
    frames[0x400003] = frames.get(0x400003, 0) | 1 << (32 * 60 + 5)  # what this part always has
    result = disassemble(device, frames)
    part, unknown, odd = parse_unknown(format_unknown(device.part, result))
    assert part == device.part
    assert restore(assemble(device, result.features), unknown, odd) == frames


def test_a_frame_of_another_part_is_an_error(device: Device) -> None:
    with pytest.raises(FormatError, match="frame 0x00FF0000 does not exist"):
        disassemble(device, {0xFF0000: 1})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"part": "x", "bits": [{}], "ecc": {}}',
        '{"part": "x", "bits": [{"frame": "0x0", "word": 101, "bit": 0, "tiles": []}], "ecc": {}}',
        '{"part": "x", "bits": [], "ecc": {"0x0": 8192}}',
    ],
)
def test_a_damaged_file_of_unknown_bits_is_an_error(text: str) -> None:
    with pytest.raises(FormatError, match=r"u\.json"):
        parse_unknown(text, "u.json")


def test_the_code_of_a_frame_tells_every_single_bit_apart() -> None:
    data = [bit for bit in range(FRAME_BITS) if not ECC_SHIFT <= bit < ECC_SHIFT + 13]
    codes = {ecc(1 << bit) for bit in data}
    assert len(codes) == len(data)
    assert all((code & 0xFFF).bit_count() > 1 for code in codes), "would look like an error in the code itself"
    assert all((code.bit_count() + 1) % 2 == 0 for code in codes), "the last bit is the parity over all"


@given(st.dictionaries(st.integers(0, 0xFFFFFFFF), st.integers(1, (1 << FRAME_BITS) - 1), max_size=3))
def test_printed_frames_parse_to_themselves(frames: Frames) -> None:
    assert parse_frames(format_frames(frames)) == frames


@pytest.mark.parametrize(
    "text", ["x", "0x0 1,2", "0x0 " + ",".join("g" * 101), "0x0 " + ",".join(["0x100000000"] * 101)]
)
def test_a_line_that_is_no_frame_is_an_error(text: str) -> None:
    with pytest.raises(FormatError, match=r"f\.frames:2"):
        parse_frames("\n" + text, "f.frames")


def test_a_repeated_frame_is_an_error() -> None:
    line = format_frames({5: 1})
    with pytest.raises(FormatError, match="twice"):
        parse_frames(line + line)


@given(st.integers(0, (1 << 9000) - 1) | st.sets(st.integers(0, 9000)).map(lambda bits: sum(1 << bit for bit in bits)))
def test_set_bits_lists_every_bit(value: int) -> None:
    assert sum(1 << bit for bit in set_bits(value)) == value


def test_a_missing_database_or_part_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match="no part xc7z020clg400-1"):
        load_device(tmp_path, "xc7z020clg400-1")
    with pytest.raises(MissingToolError, match="no part name"):
        load_device(tmp_path, "../etc")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("fabric9/tilegrid.json", "{", "not JSON"),
        ("fabric9/tilegrid.json", "[]", "not a JSON object"),
        ("fabric9/tilegrid.json", '{"A_X0Y0": {}}', "unknown form"),
        (f"{PART}/part.json", "{}", "unknown form"),
        ("mapping/parts.yaml", "", "no fabric"),
        ("segbits_int_l.db", "INT_L.A 00-00", "is no bit"),
        (f"{PART}/package_pins.csv", "a,b\n", "columns"),
        (f"{PART}/required_features.fasm", "NO_X0Y0.F", "no tile NO_X0Y0"),
    ],
)
def test_a_damaged_database_is_an_error(tmp_path: Path, file: str, content: str, message: str) -> None:
    database = make_database(tmp_path)
    (database / "zynq7" / file).write_text(content)

    def use() -> None:
        loaded = load_device(database, PART)
        assert loaded.pins
        assemble(loaded, parse("INT_L_X0Y0.BYP_ALT0.EAST"))

    with pytest.raises(FormatError, match=message):
        use()
