# SPDX-License-Identifier: AGPL-3.0-or-later
"""Frames <-> .bit and .bit.bin on a very small device."""

import re
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prjxray_sample import IDCODE, PART, make_database

from pynqtorch.errors import FormatError
from pynqtorch.hw.openfpga import bitfile, crc
from pynqtorch.hw.openfpga.bitfile import read_bit, write_bit
from pynqtorch.hw.openfpga.device import Device, load_device
from pynqtorch.hw.openfpga.frames import FRAME_BITS, Frames
from pynqtorch.hw.openfpga.header import Header, format_header, make_header, parse_header

HEADER = make_header("top", "7z999clg1", 1_766_000_000, "test")
_FRAMES = st.dictionaries(
    st.sampled_from([0, 3, 0x80, 0x9B, 0x400000, 0x800001, 0xC00001]), st.integers(1, (1 << FRAME_BITS) - 1), max_size=3
)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    return load_device(make_database(tmp_path_factory.mktemp("db")), PART)


@pytest.fixture(scope="module")
def bit(device: Device) -> bytes:
    return write_bit(device, {0: 1, 0x81: 1 << 77}, HEADER)[0]


@settings(deadline=None)
@given(frames=_FRAMES, user_access=st.none() | st.integers(0, 0xFFFFFFFF))
def test_frames_come_back_from_both_kinds_of_file(device: Device, frames: Frames, user_access: int | None) -> None:
    bit, binary = write_bit(device, frames, HEADER, user_access=user_access)
    for data, header in ((bit, HEADER), (binary, None)):
        stream = read_bit(data, device)
        assert (stream.frames, stream.header, stream.user_access) == (frames, header, user_access)
        assert (stream.idcode, stream.crc_checks) == (IDCODE, 2)


def test_the_file_is_the_same_for_the_same_input(device: Device, bit: bytes) -> None:
    assert write_bit(device, {0: 1, 0x81: 1 << 77}, HEADER)[0] == bit


def test_the_binary_has_the_words_of_the_bit_file_swapped(device: Device) -> None:
    bit, binary = write_bit(device, {0: 1}, HEADER)
    words = array("I", bit[parse_header(bit)[1] :])
    words.byteswap()
    assert binary == words.tobytes()


def test_every_frame_and_two_empty_ones_a_row_are_written(device: Device, bit: bytes) -> None:
    words = array("I", bit[parse_header(bit)[1] :])
    words.byteswap()
    frames = len(device.frame_addresses) + 2 * len(device.rows)
    assert 0x50000000 | 101 * frames in words


def test_the_crc_is_that_of_its_definition() -> None:
    def slowly(state: int, register: int, word: int) -> int:
        value = register << 32 | word
        for bit in range(37):
            state = state >> 1 ^ (0x82F63B78 if (state ^ value >> bit) & 1 else 0)
        return state

    words = [0x12345678, 0, 0xFFFFFFFF, *[0] * 250, 7]
    expected = 0xDEADBEEF
    for word in words:
        expected = slowly(expected, 2, word)
    assert crc.update(0xDEADBEEF, 2, array("I", words)) == expected


def test_the_header_is_in_vivados_form() -> None:
    header = make_header("matrix_mult_wrapper", "7z020clg400", 1_765_990_423, "2025.2")
    text = format_header(header, 0)
    assert b"matrix_mult_wrapper;UserID=0XFFFFFFFF;Version=2025.2\0b\0\x0c7z020clg400\0c\0\x0b2025/12/17\0" in text
    assert text.endswith(b"d\0\x0916:53:43\0e\0\0\0\0")
    assert header.top == "matrix_mult_wrapper"


@pytest.mark.parametrize("design", ["", "a\0b", "\u00fc", "x" * 70000, "line\nbreak"])
def test_text_that_a_header_cannot_hold_is_an_error(design: str) -> None:
    with pytest.raises(FormatError, match="field a"):
        format_header(Header(design, "p", "d", "t"), 0)


def test_a_time_that_is_none_is_an_error() -> None:
    with pytest.raises(FormatError, match="time of day"):
        make_header("top", "p", 10**20, "v")


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_a_damaged_file_gives_a_clear_error_or_the_same_frames(device: Device, bit: bytes, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["cut", "byte", "insert"]))
    at = data.draw(st.integers(0, 600) | st.integers(0, len(bit) - 1))
    if kind == "cut":
        damaged = bit[:at]
    elif kind == "byte":
        damaged = bit[:at] + data.draw(st.binary(min_size=1, max_size=1)) + bit[at + 1 :]
    else:
        damaged = bit[:at] + data.draw(st.binary(min_size=1, max_size=8)) + bit[at:]
    problem = ""
    frames = {0: 1, 0x81: 1 << 77}
    try:
        frames = read_bit(damaged, device, "x.bit").frames
    except FormatError as error:
        problem = error.message
    assert frames == {0: 1, 0x81: 1 << 77}, "damage in the header or in padding only"
    assert not problem or problem.startswith("x.bit: ")


@given(st.binary(max_size=200), st.booleans())
def test_bytes_that_are_no_bitstream_give_a_clear_error(content: bytes, with_magic: bool) -> None:
    data = bytes.fromhex("00090ff00ff00ff00ff0000001") + content if with_magic else content
    with pytest.raises(FormatError, match=r"x\.bit: "):
        read_bit(data, source="x.bit")


def test_a_cut_file_and_one_with_more_are_told_apart(bit: bytes) -> None:
    with pytest.raises(FormatError, match=r"cut short: the header announces \d+ bytes of configuration, \d+ follow"):
        read_bit(bit[:-4])
    with pytest.raises(FormatError, match="bytes after its end"):
        read_bit(bit + b"\0")


def test_a_wrong_length_field_is_an_error(bit: bytes) -> None:
    at = parse_header(bit)[1]
    with pytest.raises(FormatError, match="announces 5 bytes"):
        read_bit(bit[: at - 4] + (5).to_bytes(4, "big") + bit[at:])


def test_a_wrong_crc_is_an_error(device: Device, bit: bytes) -> None:
    value = re.search(rb"\x30\x00\x00\x01(....)\x20\0\0\0", bit, re.DOTALL)
    assert value
    with pytest.raises(FormatError, match="wrong CRC: the file says 0x00000000"):
        read_bit(bit[: value.start(1)] + bytes(4) + bit[value.end(1) :], device)


def test_a_changed_frame_is_found_by_the_crc(device: Device, bit: bytes) -> None:
    at = len(bit) // 2
    with pytest.raises(FormatError, match="wrong CRC"):
        read_bit(bit[:at] + bytes([bit[at] ^ 1]) + bit[at + 1 :], device)


def test_a_file_for_another_part_is_an_error(device: Device, bit: bytes) -> None:
    other = Device("xc7z998clg1-1", device.family, device.fabric, 0x3798093, device.rows, device.tiles, "")
    with pytest.raises(FormatError, match="IDCODE 0x03799093, xc7z998clg1-1 has 0x03798093"):
        read_bit(bit, other)


def _file(*words: int) -> bytes:
    body = b"".join(word.to_bytes(4, "big") for word in (0xFFFFFFFF, bitfile.SYNC, *words))
    return format_header(HEADER, len(body)) + body


_DESYNC = (0x30008001, 0x0000000D)
_IDCODE = (0x30018001, IDCODE)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "without a DESYNC"),
        ((0x20000000,), "without a DESYNC"),
        (_DESYNC, "no IDCODE"),
        ((0x50000001, 0), "is no packet"),
        ((0xE0000000,), "is no packet"),
        ((0x28018001,), "reads the device"),
        ((0x30008002, 0), "cut short inside of a write to register 4"),
        ((*_IDCODE, 0x30014001, 0), "compressed"),
        ((*_IDCODE, 0x30016001, 0), "encrypted"),
        ((*_IDCODE, 0x30004001, 0), "no frame address"),
        ((*_IDCODE, 0x30002001, 0, 0x30004001, 0), "no whole number of frames"),
        ((*_IDCODE, 0x30002001, 0x7F, 0x30004065, *[0] * 101), "frame 0x0000007F does not exist"),
        ((*_IDCODE, 0x30002001, 0xC00001, 0x30004000 | 404, *[0] * 404), "has fewer"),
        ((*_IDCODE, 0x30002001, 0, 0x30004065, *[1] * 101), "padding frame"),
    ],
)
def test_packets_that_make_no_sense_are_errors(device: Device, words: tuple[int, ...], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_bit(_file(*words), device)


def test_no_sync_word_is_an_error() -> None:
    with pytest.raises(FormatError, match="no sync word"):
        read_bit(format_header(HEADER, 8) + bytes(8))


def test_an_odd_number_of_bytes_is_an_error() -> None:
    body = bitfile.SYNC.to_bytes(4, "big") + bytes(5)
    with pytest.raises(FormatError, match="inside of a word"):
        read_bit(format_header(HEADER, len(body)) + body)


def test_frames_and_values_that_the_device_cannot_take_are_errors(device: Device) -> None:
    with pytest.raises(FormatError, match="frame 0x00000004 does not exist"):
        write_bit(device, {4: 1}, HEADER)
    with pytest.raises(FormatError, match="USR_ACCESS"):
        write_bit(device, {}, HEADER, user_access=1 << 32)
