# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bitstream tools on the real prjxray database, on a bitstream that Vivado made, and beside prjxray's own tools.

`PYNQTORCH_PRJXRAY_DB` names the database (else it is looked for in the built rootfs), `PYNQTORCH_IN_FPGA` the command
that runs a program inside the rootfs with the FPGA tools, where they are not on the PATH.
"""

import os
import random
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from pynqtorch.errors import FormatError
from pynqtorch.hw.openfpga.bitfile import Bitstream, read_bit, write_bit
from pynqtorch.hw.openfpga.compare import compare
from pynqtorch.hw.openfpga.conform import conform
from pynqtorch.hw.openfpga.decode import Disassembly, disassemble, restore
from pynqtorch.hw.openfpga.device import Device, load_device
from pynqtorch.hw.openfpga.encode import assemble
from pynqtorch.hw.openfpga.fasm import FasmLine, format_lines, parse
from pynqtorch.hw.openfpga.frames import ECC_MASK, Frames, format_frames, set_bits
from pynqtorch.hw.openfpga.header import make_header
from pynqtorch.hw.openfpga.sites import floorplan

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
VIVADO = ROOT.parent / "shared" / "data" / "matrix_mult.bit"
PARTS = ("xc7z020clg400-1", "xc7z010clg400-1")
BODY_BYTES = {"xc7z020clg400-1": 4_045_564, "xc7z010clg400-1": 2_083_740}  # UG470, table 1-1, in bits there


@pytest.fixture(scope="module")
def database() -> Path:
    named = os.environ.get("PYNQTORCH_PRJXRAY_DB")
    found = [Path(named)] if named else sorted(ROOT.glob("out/rootfs/*/usr/share/prjxray/database"))
    if not found or not found[0].is_dir():
        pytest.skip("no prjxray database: set PYNQTORCH_PRJXRAY_DB or build the rootfs with the FPGA tools")
    return found[0]


@pytest.fixture(scope="module", params=PARTS)
def device(request: pytest.FixtureRequest, database: Path) -> Device:
    return load_device(database, request.param)


@pytest.fixture(scope="module")
def z020(database: Path) -> Device:
    return load_device(database, PARTS[0])


@pytest.fixture(scope="module")
def vivado() -> bytes:
    if not VIVADO.exists():
        pytest.skip(f"no {VIVADO}: the Vivado-made bitstream is not part of the project")
    return VIVADO.read_bytes()


@pytest.fixture(scope="module")
def stream(z020: Device, vivado: bytes) -> Bitstream:
    return read_bit(vivado, z020)


@pytest.fixture(scope="module")
def decoded(z020: Device, stream: Bitstream) -> Disassembly:
    return disassemble(z020, stream.frames)


def _random_features(device: Device, seed: int, tiles: int) -> list[FasmLine]:
    """One feature each for some tiles, in so far as they exclude no other and none is a mere default."""
    generator = random.Random(seed)
    names = sorted(name for name, tile in device.tiles.items() if device.tile_bits(tile).features)
    lines = []
    for name in generator.sample(names, tiles):
        features = device.tile_bits(device.tiles[name]).features
        feature = generator.choice(sorted(features))
        index = generator.choice(sorted(features[feature]))
        if features[feature][index].ones:
            lines.append(FasmLine(f"{name}.{feature}", index, index))
    return lines


def test_vivados_crcs_are_right_and_its_file_is_written_again_byte_for_byte(
    z020: Device, stream: Bitstream, vivado: bytes
) -> None:
    assert stream.crc_checks == 2
    assert stream.header is not None
    assert stream.header.part == z020.header_part
    assert write_bit(z020, stream.frames, stream.header)[0] == vivado


def test_vivados_bits_come_back_but_for_those_outside_of_the_database(
    z020: Device, stream: Bitstream, decoded: Disassembly
) -> None:
    lines = parse(format_lines(decoded.features))
    frames = assemble(z020, lines)
    both = stream.frames.keys() | frames.keys()
    different = {
        (address, bit)
        for address in both
        for bit in set_bits((stream.frames.get(address, 0) ^ frames.get(address, 0)) & ~ECC_MASK)
    }
    assert different == {(bit.frame, 32 * bit.word + bit.bit) for bit in decoded.unknown}
    assert sum((frame & ~ECC_MASK).bit_count() for frame in stream.frames.values()) == 867_129
    assert len(decoded.unknown) == 128
    for bit in decoded.unknown:
        assert (bit.frame & 0x7F, bit.bit) == (27, 15)
        assert any(tile.startswith("DSP_") for tile in bit.tiles)
    assert not decoded.odd_ecc, "the computed code is Vivado's, in every frame"
    assert restore(frames, decoded.unknown) == stream.frames


def test_vivados_own_features_need_nothing_added(decoded: Disassembly) -> None:
    result = conform(decoded.features)
    assert result.added == ()
    assert result.routed == ()


def test_the_evidence_of_the_rules_is_what_the_bitstream_shows(z020: Device, decoded: Disassembly) -> None:
    counts = floorplan(z020, decoded.features).counts
    assert counts["DSP48E1"] == (220, 220)
    assert counts["RAMB18E1"] == (129, 280)
    dsp = compare(z020, parse("DSP_L_X64Y110.DSP48.DSP_1.ZDREG\n"), decoded.features)["DSP48E1"]
    always = {
        *(f"{pin}.DSP_GND" for pin in ("ALUMODE2", "ALUMODE3", "OPMODE6", *(f"INMODE{i}" for i in range(5)))),
        *(f"ZIS_INMODE_INVERTED[{i}]" for i in range(5)),
        *("ZIS_ALUMODE_INVERTED[2]", "ZIS_ALUMODE_INVERTED[3]", "ZIS_OPMODE_INVERTED[6]"),
        *("MASK[]", "ZAREG_2_ACASCREG_1", "ZBREG_2_BCASCREG_1"),
    }
    assert always <= set(dsp["always_theirs"])
    tiles = {line.feature for line in decoded.features}
    lower = {name.removesuffix(".RAMB18_Y0.IN_USE") for name in tiles if name.endswith(".RAMB18_Y0.IN_USE")}
    assert len(lower) == 62
    assert lower == {name.removesuffix(".ZALMOST_FULL_OFFSET") for name in tiles if "ZALMOST_FULL" in name}


def test_the_pins_of_the_rules_are_wired_as_the_database_says(database: Path) -> None:
    import json

    from pynqtorch.hw.openfpga import conform as module

    for side in "LR":
        description = json.loads((database / "zynq7" / f"tile_type_DSP_{side}.json").read_text())
        sources: dict[str, set[str]] = {}
        for pip in description["pips"].values():
            sources.setdefault(pip["dst_wire"], set()).add(pip["src_wire"])
        ties = {f"DSP_GND_{side}", f"DSP_VCC_{side}"}
        for pin, (_, _, *wires) in module._TIED_PINS.items():
            for number, wire in enumerate(wires):
                assert sources[f"DSP_{number}_{pin}"] == {f"DSP_{wire}"} | ties


@pytest.mark.parametrize("seed", range(3))
def test_random_features_come_back_on_every_part(device: Device, seed: int) -> None:
    lines = _random_features(device, seed, 400)
    frames = assemble(device, lines)
    header = make_header("top", device.header_part, 0, "test")
    bit, binary = write_bit(device, frames, header)
    assert len(binary) == BODY_BYTES[device.part]
    assert read_bit(bit, device).frames == read_bit(binary, device).frames == frames
    result = disassemble(device, frames)
    assert result.unknown == ()
    assert assemble(device, result.features) == frames
    known = {(line.feature, index) for line in result.features for index in line.indices()}
    assert {(line.feature, index) for line in lines for index in line.indices()} <= known


def test_random_bits_come_back_with_the_side_channel(device: Device) -> None:
    generator = random.Random(5)
    frames: Frames = assemble(device, [])
    for address in generator.sample(device.frame_addresses, 60):
        frames[address] = frames.get(address, 0) | generator.getrandbits(3232) & generator.getrandbits(3232)
    result = disassemble(device, frames)
    assert restore(assemble(device, result.features), result.unknown, result.odd_ecc) == frames


def test_a_bitstream_of_the_other_part_is_refused(database: Path, vivado: bytes) -> None:
    with pytest.raises(FormatError, match="wrong part"):
        read_bit(vivado, load_device(database, PARTS[1]))


def _tool(name: str) -> list[str]:
    prefix = shlex.split(os.environ.get("PYNQTORCH_IN_FPGA", ""))
    if not prefix and not shutil.which(name):
        pytest.skip(f"no {name}: not on the PATH, and PYNQTORCH_IN_FPGA does not say how to reach the FPGA tools")
    return [*prefix, name]


def test_prjxrays_tools_read_and_write_the_same_bits(device: Device, tmp_path: Path) -> None:
    """Two tools that are not ours: one makes a .bit from our frames, the other reads our .bit."""
    frames = assemble(device, _random_features(device, 11, 500))
    (tmp_path / "ours.frames").write_text(format_frames(frames))
    (tmp_path / "ours.bit").write_bytes(write_bit(device, frames, make_header("top", device.header_part, 0, "t"))[0])
    part = tmp_path / "part.yaml"
    part.write_text((device.family / device.part / "part.yaml").read_text())
    make = [f"--part_file={part}", f"--part_name={device.part}", "--frm_file=ours.frames", "--output_file=theirs.bit"]
    subprocess.run([*_tool("xc7frames2bit"), *make], cwd=tmp_path, check=True, timeout=120)
    assert read_bit((tmp_path / "theirs.bit").read_bytes(), device).frames == frames
    read = [f"--part_file={part}", "-o", "ours.bits", "-z", "-y", "ours.bit"]
    subprocess.run([*_tool("bitread"), *read], cwd=tmp_path, check=True, timeout=120)
    found: Frames = {}
    for line in (tmp_path / "ours.bits").read_text().split():
        _, address, word, bit = line.split("_")
        found[int(address, 16)] = found.get(int(address, 16), 0) | 1 << (32 * int(word) + int(bit))
    assert found == {address: frame & ~ECC_MASK for address, frame in frames.items()}
