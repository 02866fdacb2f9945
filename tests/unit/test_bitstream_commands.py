# SPDX-License-Identifier: AGPL-3.0-or-later
"""The commands that the engine runs, and the comparison and floorplan behind them, on a very small device."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from prjxray_sample import PART, make_database

from pynqtorch.hw.openfpga import assemble, compare, conform, disassemble
from pynqtorch.hw.openfpga.bitfile import read_bit
from pynqtorch.hw.openfpga.command import run
from pynqtorch.hw.openfpga.device import Device, load_device
from pynqtorch.hw.openfpga.fasm import parse
from pynqtorch.hw.openfpga.sites import Place, floorplan

FASM = """
# routing for net clk
INT_L_X0Y0.BYP_ALT0.EAST
BRAM_L_X1Y0.RAMB18_Y0.IN_USE
BRAM_L_X1Y0.RAMB18_Y0.INIT_00[7:0] = 8'h5a
LIOB33_SING_X0Y0.IOB_Y0.DRIVE
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_database(tmp_path / "db")


@pytest.fixture
def device(database: Path) -> Device:
    return load_device(database, PART)


def common(database: Path) -> list[str]:
    return ["--db", str(database), "--part", PART]


def build(database: Path, directory: Path, *more: str, fasm: str = FASM) -> int:
    (directory / "in.fasm").write_text(fasm)
    outputs = [f"--{kind}={directory / kind}" for kind in ("frames", "bit", "bitbin")]
    return run(assemble.main, [*common(database), f"--fasm={directory / 'in.fasm'}", *outputs, *more])


def test_fasm_to_bitstream_and_back(database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(database, tmp_path, "--design=abc", "--source-date-epoch=1766000000", "--usr-access=0xCAFE") == 0
    stream = read_bit((tmp_path / "bit").read_bytes(), load_device(database, PART))
    assert stream.header is not None
    assert (stream.header.top, stream.header.date, stream.user_access) == ("abc", "2025/12/17", 0xCAFE)
    assert (tmp_path / "frames").read_text().startswith("0x00000000 0x00000001,0x00000000,")
    back, unknown = tmp_path / "back.fasm", tmp_path / "unknown.json"
    files = [f"--bit={tmp_path / 'bitbin'}", f"--fasm={back}", f"--unknown={unknown}", "--verify"]
    assert run(disassemble.main, [*common(database), *files]) == 0
    features = {line.feature: line.value for line in parse(back.read_text())}
    assert features == {
        "INT_L_X0Y0.BYP_ALT0.EAST": 1,
        "BRAM_L_X1Y0.RAMB18_Y0.IN_USE": 1,
        "BRAM_L_X1Y0.RAMB18_Y0.INIT_00": 0x5A,
        "LIOB33_SING_X0Y0.IOB_Y0.DRIVE": 1,
        "CFG_CENTER_MID_X5Y5.ALWAYS": 1,
    }
    assert json.loads(unknown.read_text()) == {"part": PART, "bits": [], "ecc": {}}
    assert "in no feature" not in capsys.readouterr().err


def test_unknown_bits_are_reported_and_can_be_put_back(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bits = [{"frame": "0x00000002", "word": 1, "bit": 9, "tiles": []}]
    unknown = tmp_path / "u.json"
    unknown.write_text(json.dumps({"part": PART, "bits": bits, "ecc": {}}))
    assert build(database, tmp_path, f"--unknown={unknown}") == 0
    again = tmp_path / "again.json"
    files = [f"--bit={tmp_path / 'bit'}", f"--fasm={tmp_path / 'o.fasm'}", f"--unknown={again}", "--verify"]
    assert run(disassemble.main, [*common(database), *files]) == 0
    assert "frame 0x00000002 word 1 bit 9: INT_L_X0Y0" in capsys.readouterr().err
    bits[0]["tiles"] = ["INT_L_X0Y0"]
    assert json.loads(again.read_text())["bits"] == bits
    unknown.write_text(json.dumps({"part": "xc7z020clg400-1", "bits": [], "ecc": {}}))
    assert build(database, tmp_path, f"--unknown={unknown}") == 10
    assert "these bits are of xc7z020clg400-1" in capsys.readouterr().err


def test_the_same_input_gives_the_same_bytes(database: Path, tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert build(database, tmp_path / name, "--source-date-epoch=5") == 0
        contents.append([(tmp_path / name / kind).read_bytes() for kind in ("frames", "bit", "bitbin")])
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("fasm", "more", "expected"),
    [
        ("INT_L_X0Y0.BYP_ALT0.EAT", "", (10, "in.fasm:1: unknown feature")),
        ("INT_L_X0Y0 BYP", "", (10, "in.fasm:1:12: unexpected")),
        ("\udcff", "", (10, "in.fasm:1:1:")),
        (FASM, "--part=xc7z020clg400-1", (4, "has no part xc7z020clg400-1")),
        (FASM, "--unknown=/nonexistent", (4, "/nonexistent: not readable")),
        (FASM, "--source-date-epoch=99999999999999999999", (10, "no time of day")),
        (FASM, "--usr-access=0x100000000", (10, "USR_ACCESS")),
        (FASM, "--bit=/proc/none/x.bit", (8, "/proc/none/x.bit: not written")),
    ],
)
def test_a_failed_run_says_why_and_leaves_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fasm: str, more: str, expected: tuple[int, str]
) -> None:
    database = make_database(tmp_path / "db")
    (tmp_path / "in.fasm").write_bytes(fasm.encode("utf-8", "surrogateescape"))
    files = [f"--fasm={tmp_path / 'in.fasm'}", f"--bit={tmp_path / 'x.bit'}"]
    assert run(assemble.main, [*common(database), *files, *([more] if more else [])]) == expected[0]
    error = capsys.readouterr().err
    assert expected[1] in error
    assert "Traceback" not in error
    assert not list(tmp_path.glob("*.bit"))
    assert not list(tmp_path.glob(".*"))


def test_no_output_asked_for_is_an_error(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(assemble.main, [*common(database), "--fasm=x"]) == 2
    assert "nothing to write" in capsys.readouterr().err


def test_the_modules_run_as_processes(database: Path, tmp_path: Path) -> None:
    (tmp_path / "in.fasm").write_text(FASM)
    argv = [sys.executable, "-m", "pynqtorch.hw.openfpga.assemble", *common(database), "--fasm=in.fasm"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*argv, "--bit=x.bit"], cwd=tmp_path, env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 FASM lines" in done.stdout
    assert (tmp_path / "x.bit").exists()


def test_conform_writes_the_lines_and_the_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out, report = tmp_path / "in.fasm", tmp_path / "out.fasm", tmp_path / "out.json"
    source.write_text(FASM)
    assert run(conform.main, [f"--fasm={source}", f"--out={out}", f"--json={report}"]) == 0
    assert "2 features added" in capsys.readouterr().out
    assert "BRAM_L_X1Y0.ZALMOST_FULL_OFFSET[12:0] = 13'h1fff" in out.read_text()
    assert json.loads(report.read_text())["rules"][-1]["added"]


def test_the_comparison_tells_what_the_other_always_has(database: Path, tmp_path: Path) -> None:
    ours, theirs, report = tmp_path / "a.fasm", tmp_path / "b.fasm", tmp_path / "c.json"
    ours.write_text("BRAM_L_X1Y0.RAMB18_Y0.INIT_00[0]\nLIOB33_SING_X0Y0.IOB_Y0.DRIVE\nINT_L_X0Y0.BYP_ALT0.EAST\n")
    theirs.write_text("BRAM_L_X1Y0.RAMB18_Y0.IN_USE\nLIOB33_SING_X0Y0.IOB_Y0.DRIVE\nINT_L_X0Y0.BYP_ALT0.WEST\n")
    files = [f"--ours={ours}", f"--theirs={theirs}", f"--json={report}"]
    assert run(compare.main, [*common(database), *files]) == 0
    assert json.loads(report.read_text()) == {
        "IOB33": {
            "ours": 1,
            "theirs": 1,
            "only_ours": {},
            "only_theirs": {},
            "always_theirs": [],
            "shared": {"DRIVE": [1, 1]},
        },
        "RAMB18E1": {
            "ours": 1,
            "theirs": 1,
            "only_ours": {},
            "only_theirs": {"IN_USE": 1},
            "always_theirs": ["IN_USE"],
            "shared": {},
        },
    }


def test_the_floorplan_has_a_place_for_each_used_site(device: Device) -> None:
    lines = parse(FASM + "BRAM_L_X1Y0.RAMB18_Y1.IN_USE = 0\nNOT_A_TILE.X\n")
    plan = floorplan(device, lines)
    assert (plan.width, plan.height) == (10, 10)
    assert plan.used == (Place(0, 9, "IOB33"), Place(4, 9, "routing"), Place(6, 9, "RAMB18E1"))
    assert plan.counts == {"IOB33": (1, 1), "RAMB18E1": (1, 2)}
