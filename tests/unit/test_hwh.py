# SPDX-License-Identifier: AGPL-3.0-or-later
"""The .hwh that we write, read back by our reader and by PYNQ's parser, and compared with one that Vivado wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynqtorch.errors import FormatError, MissingToolError, RecipeError
from pynqtorch.hw import hwh
from pynqtorch.hw.hwh_check import pynq_facts, runtime_metadata
from pynqtorch.hw.hwh_facts import HwhFacts, differences, facts_from_json
from pynqtorch.hw.hwh_reader import parse_bytes
from pynqtorch.recipes.models import Board, Kernel, Overlay

VIVADO = Path(__file__).parents[2].parent / "shared" / "data" / "matrix_mult.hwh"
POINTER = {"type": "int32", "shape": [256, 256], "port": "m_axi", "bundle": "gmem"}


def kernel(name: str = "matrix_mult", **changes: Any) -> Kernel:
    out = {**POINTER, "register": "out_r", "direction": "out"}
    data = {
        "kernel": name, "top": name, "clock": "5ns", "arguments": {"in1": POINTER, "in2": POINTER, "out": out},
        "hls": {"sources": ["k.cpp"], "testbench": ["k_tb.cpp"]},
    }  # fmt: skip
    return Kernel.model_validate({**data, **changes})


def board(**ps7: Any) -> Board:
    return Board.model_validate({
        "board": "b", "part": "xc7z020clg400-1", "ps7": {"crystal": "33.333333MHz", "io_pll": "1.6GHz", **ps7},
        "resources": {"lut": 1, "ff": 1, "bram36": 1, "dsp": 1},
        "software": {"pynq": "3.1.1", "glibc": "2.35", "python": "3.10", "triple": "arm-linux-gnueabihf",
                     "machine": "armv7l"},
    })  # fmt: skip


def overlay(**changes: Any) -> Overlay:
    data = {
        "overlay": "matrix_mult", "board": "b", "clocks": {"fclk0": "50MHz"},
        "kernels": {"matrix_mult_0": {"kernel": "matrix_mult", "memory": {"gmem": "S_AXI_HP0"}}},
    }  # fmt: skip
    return Overlay.model_validate({**data, **changes})


class Made:
    """One design, by default that of Vivado's file."""

    def __init__(self, **changes: Any) -> None:
        self.overlay: Overlay = changes.pop("overlay", overlay())
        self.kernels: dict[str, Kernel] = changes.pop("kernels", {"matrix_mult": kernel()})
        self.board: Board = changes.pop("board", board())
        self.places: dict[str, Any] = {
            "addresses": changes.pop("addresses", {"matrix_mult_0": 0x4000_0000}),
            "dividers": changes.pop("dividers", {"fclk0": (8, 4)}),
        }
        self.options = changes

    def text(self) -> str:
        return hwh.render(self.overlay, self.kernels, self.board, **self.places, **self.options)

    def facts(self) -> HwhFacts:
        return hwh.expected(self.overlay, self.kernels, self.board, **self.places)


def large() -> Made:
    """Three kernels, two clocks, both control ports, HP0, HP3 and ACP, scalars, interrupts."""
    arguments = {
        "a": POINTER, "b": {**POINTER, "bundle": "other"}, "n": {"type": "int32"}, "small": {"type": "int8"},
        "scale": {"type": "double"},
    }  # fmt: skip
    odd = kernel("odd", arguments=arguments, control="BUS_A", vendor="me", description='<&"odd">',
                 rtl={"sources": ["odd.v"], "data_width": {"gmem": 64}})  # fmt: skip
    two = {"gmem": "S_AXI_ACP", "other": "S_AXI_HP3"}
    kernels = {
        "matrix_mult_0": {"kernel": "matrix_mult", "memory": {"gmem": "S_AXI_HP0"}},
        "matrix_mult_1": {"kernel": "matrix_mult", "memory": {"gmem": "S_AXI_HP0"}},
        "odd_0": {"kernel": "odd", "control": "M_AXI_GP1", "memory": two, "clock": "fclk1"},
    }
    return Made(
        overlay=overlay(overlay="large", clocks={"fclk0": "100MHz", "fclk1": "142.857143MHz"}, kernels=kernels),
        kernels={"matrix_mult": kernel(), "odd": odd},
        board=board(crystal="50MHz", io_pll="1GHz", preset={"CONFIG.PCW_UIPARAM_DDR_PARTNO": "MT41J256M16 RE-125",
                                                           "CONFIG.PCW_DDR_RAM_HIGHADDR": "0x3FFFFFFF"}),
        addresses={"matrix_mult_0": 0x4000_0000, "matrix_mult_1": 0x4001_0000, "odd_0": 0x8000_0000},
        dividers={"fclk0": (10, 1), "fclk1": (7, 1)},
        interrupts=("matrix_mult_0", "matrix_mult_1", "odd_0"),
    )  # fmt: skip


def flat(value: object, *path: str) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from flat(item, *path, str(key))
    else:
        yield path, value


# ---------------------------------------------------------------- against Vivado

VIEWS = (
    "ip_dict", "mem_dict", "clock_dict", "gpio_dict", "hierarchy_dict", "interrupt_controllers", "interrupt_pins",
)  # fmt: skip

# Keys of PYNQ's dictionaries that only Vivado's file has. No key differs in value and none is ours alone.
HLS_ESTIMATES = {
    ("matrix_mult_0", "parameters", "II"),  # the HLS scheduler's estimates of this run; no recipe knows them
    ("matrix_mult_0", "parameters", "latency"),
}
PS7_DIALOG = (
    "processing_system7_0",
    "parameters",
)  # the PS7 dialog has some 840 settings more, which PYNQ does not read


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Any, Any]:
    """PYNQ's parser on our file and on Vivado's."""
    if not VIVADO.is_file():
        pytest.skip(f"Vivado's handoff is not here: {VIVADO}")
    pytest.importorskip("pynqmetadata", reason="PYNQ's parser is an optional extra (hwh)")
    ours = tmp_path / "matrix_mult.hwh"
    ours.write_text(Made().text(), encoding="utf-8")
    return runtime_metadata(ours), runtime_metadata(VIVADO)


def test_pynq_reads_the_same_as_from_vivado(pair: tuple[Any, Any]) -> None:
    for view in VIEWS:
        ours, theirs = (dict(flat(getattr(parser, view))) for parser in pair)
        assert {key: ours[key] for key in ours if key in theirs} == {key: theirs[key] for key in ours if key in theirs}
        assert not ours.keys() - theirs.keys()
        missing = {key for key in theirs.keys() - ours.keys() if key[:2] != PS7_DIALOG}
        assert missing == (HLS_ESTIMATES if view == "ip_dict" else set())
    assert pair[0].ps_name == pair[1].ps_name
    assert pair[0].family_ps == pair[1].family_ps


def test_address_maps_of_all_masters_are_those_of_vivado(pair: tuple[Any, Any]) -> None:
    maps = []
    for parser in pair:
        maps.append({
            f"{block}.{port.name}": (getattr(port, "addrmap", None), getattr(port, "baseaddr", None),
                                     getattr(port, "range", None))
            for block in ("matrix_mult_0", "processing_system7_0")
            for port in parser.md.blocks[block].ports.values()
            if hasattr(port, "addrmap") or hasattr(port, "baseaddr")
        })  # fmt: skip
    assert maps[0] == maps[1]
    assert maps[0].keys() >= {"matrix_mult_0.m_axi_gmem", "matrix_mult_0.s_axi_CTRL", "processing_system7_0.S_AXI_HP0"}


def test_registers_have_vivados_properties_too(pair: tuple[Any, Any]) -> None:
    """What PYNQ does not read but other tools do: reset values, read and write actions."""
    from xml.etree import ElementTree

    def properties(text: bytes) -> list[tuple[str, dict[str, str]]]:
        return [
            (element.get("NAME", ""), {p.get("NAME", ""): p.get("VALUE", "") for p in element.findall("PROPERTY")})
            for element in ElementTree.fromstring(text).iter()  # noqa: S314 (files of our own)
            if element.tag in ("REGISTER", "FIELD")
        ]

    assert properties(Made().text().encode()) == properties(VIVADO.read_bytes())


def test_our_reader_finds_in_vivados_file_what_the_recipes_say() -> None:
    if not VIVADO.is_file():
        pytest.skip(f"Vivado's handoff is not here: {VIVADO}")
    assert differences(Made().facts(), hwh.parse(VIVADO)) == []


# ---------------------------------------------------------------- ours


@pytest.mark.parametrize("made", [Made(), large()], ids=["one", "large"])
def test_read_back_by_both_readers(made: Made, tmp_path: Path) -> None:
    pytest.importorskip("pynqmetadata", reason="PYNQ's parser is an optional extra (hwh)")
    file = tmp_path / "x.hwh"
    file.write_text(made.text(), encoding="utf-8")
    assert hwh.parse(file) == made.facts()
    assert differences(made.facts(), pynq_facts(file, made.board.part)) == []


def test_large_design_in_pynq(tmp_path: Path) -> None:
    pytest.importorskip("pynqmetadata", reason="PYNQ's parser is an optional extra (hwh)")
    file = tmp_path / "large.hwh"
    file.write_text(large().text(), encoding="utf-8")
    parser = runtime_metadata(file)
    odd = parser.ip_dict["odd_0"]
    assert odd["type"] == "me:hls:odd:1.0"
    assert odd["mem_id"] == "s_axi_BUS_A"
    assert odd["registers"]["n"]["address_offset"] == 0x28
    assert {"scale_1", "scale_2", "small_r"} <= odd["registers"].keys()
    assert [parser.clock_dict[i]["enable"] for i in range(4)] == [1, 1, 0, 0]
    assert parser.ip_dict["processing_system7_0"]["parameters"]["PCW_ACT_FPGA1_PERIPHERAL_FREQMHZ"] == "142.857143"
    memory = {m.interface: (m.port, m.block, m.size) for m in large().facts().ips[2].memory}
    assert memory["m_axi_gmem"] == ("S_AXI_ACP", "ACP_DDR_LOWOCM", 0x4000_0000)
    inputs = parser.md.blocks["xlconcat_0"].ports
    assert set(inputs) == {"In0", "In1", "In2", "dout"}
    connected = next(iter(inputs["In2"].sig()._connections.values()))
    assert (connected.parent().parent().name, connected.name) == ("odd_0", "interrupt")


def test_same_bytes_every_time_and_no_date_of_its_own() -> None:
    assert large().text() == large().text()
    assert "TIMESTAMP" not in Made().text()
    assert 'TIMESTAMP="Sun"' in Made(timestamp="Sun").text()
    assert 'TOOL="a &lt;b&gt; &amp; &quot;c&quot;"' in Made(tool='a <b> & "c"').text()


def test_control_character_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"U\+0007"):
        Made(tool="\a").text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dividers": {}}, "no dividers"),
        ({"dividers": {"fclk0": (64, 1)}}, "1 to 63"),
        ({"dividers": {"fclk0": (0, 1)}}, "1 to 63"),
        ({"dividers": {"fclk0": (8, 3)}}, r"make 66\.666667MHz .* more than 1% from 50MHz"),
        ({"addresses": {}}, "no address"),
        ({"kernels": {}}, "no kernel"),
        ({"overlay": overlay(kernels={"matrix_mult_0": {"kernel": "matrix_mult"}})}, "no port for gmem"),
        ({"overlay": overlay(kernels={"processing_system7_0": {"kernel": "matrix_mult"}})}, "taken"),
        ({"interrupts": ("nobody",)}, "nobody"),
        ({"interrupts": ("matrix_mult_0", "matrix_mult_0")}, "once"),
        ({"board": board(preset={"CONFIG.PCW_DDR_RAM_HIGHADDR": "all"})}, "PCW_DDR_RAM_HIGHADDR"),
    ],
)
def test_wrong_designs_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Made(**changes).text()


@pytest.mark.parametrize(
    ("wanted", "accepted"), [("49.6MHz", True), ("50.4MHz", True), ("49.4MHz", False), ("51MHz", False)]
)
def test_dividers_may_miss_the_clock_by_a_hundredth(wanted: str, accepted: bool) -> None:
    """As recipes may; 8 and 4 make 50 MHz, and timing is held against those."""
    made = Made(overlay=overlay(clocks={"fclk0": wanted}))
    if accepted:
        assert made.facts().clocks[0].divisor0 == 8
    else:
        with pytest.raises(RecipeError, match="more than 1% from"):
            made.facts()


def test_clock_that_is_off_is_refused() -> None:
    instance = {"kernel": "matrix_mult", "memory": {"gmem": "S_AXI_HP0"}, "clock": "fclk2"}
    with pytest.raises(RecipeError, match="fclk2 is not under clocks"):
        Made(overlay=overlay(kernels={"matrix_mult_0": instance})).text()


# ---------------------------------------------------------------- the step and its command


def test_step_carries_text_and_facts() -> None:
    made = Made()
    step = hwh.step(made.overlay, made.kernels, made.board, **made.places, publish="out/overlays/m/m.hwh")
    assert step.name == "hwh.matrix_mult"
    assert [o.path for o in step.outputs] == ["matrix_mult.hwh"]
    assert "pynqmetadata" in step.tool.version
    assert "src/pynqtorch/hw/hwh_check.py" in {item.staged for item in step.inputs}
    assert facts_from_json(step.files["handoff.json"], "x") == made.facts()


def test_step_runs_with_nothing_but_its_inputs(tmp_path: Path) -> None:
    """As the engine does it: rendered files, links to the inputs, the step's environment."""
    pytest.importorskip("pynqmetadata", reason="PYNQ's parser is an optional extra (hwh)")
    made = Made()
    step = hwh.step(made.overlay, made.kernels, made.board, **made.places)
    for name, text in step.files.items():
        (tmp_path / name).write_text(text)
    for item in step.inputs:
        link = tmp_path / item.staged
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path(__file__).parents[2] / item.source)
    argv = [sys.executable, *step.commands[0][1:]]
    environment = {"PATH": os.environ["PATH"], **step.env}
    result = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "read back by PYNQ's parser" in result.stdout
    assert (tmp_path / "matrix_mult.hwh").read_text() == made.text()


def command(folder: Path, text: str, facts: str) -> int:
    (folder / "t.xml").write_text(text, encoding="utf-8")
    (folder / "f.json").write_text(facts, encoding="utf-8")
    paths = {"--text": "t.xml", "--facts": "f.json", "--output": "m.hwh"}
    return hwh.main([word for key, name in paths.items() for word in (key, str(folder / name))])


def test_command_writes_what_was_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pynqmetadata", reason="PYNQ's parser is an optional extra (hwh)")
    made = Made()
    assert command(tmp_path, made.text(), made.facts().to_json()) == 0
    assert (tmp_path / "m.hwh").read_text() == made.text()
    assert "10 registers" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.json", "m.hwh", "t.xml"]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('BASEVALUE="0x40000000"', 'BASEVALUE="0x40010000"', "matrix_mult_0.address"),
        ('DIVISOR0" VALUE="8"', 'DIVISOR0" VALUE="9"', "clocks.0.divisor0"),
        ('NAME="AP_DONE"', 'NAME="DONE"', "AP_DONE"),
        ("HP0_DDR_LOWOCM", "HP1_DDR_LOWOCM", "m_axi_gmem.block"),
    ],
)
def test_command_names_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, key: str
) -> None:
    made = Made()
    high = made.text().replace('HIGHVALUE="0x4000FFFF"', 'HIGHVALUE="0x4001FFFF"') if "BASE" in old else made.text()
    assert command(tmp_path, high.replace(old, new), made.facts().to_json()) == FormatError.code
    assert key in capsys.readouterr().err
    assert not (tmp_path / "m.hwh").exists()


def test_command_without_pynqs_parser(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynqmetadata", None)
    made = Made()
    assert command(tmp_path, made.text(), made.facts().to_json()) == MissingToolError.code
    assert "pynqtorch[hwh]" in capsys.readouterr().err
    assert not (tmp_path / "m.hwh").exists()


@pytest.mark.parametrize("facts", ["", "[]", "{}", '{"design": 1, "part": "", "ips": [3], "clocks": []}', "\x00"])
def test_command_with_wrong_facts(tmp_path: Path, facts: str) -> None:
    assert command(tmp_path, Made().text(), facts) == FormatError.code


# ---------------------------------------------------------------- the reader


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not XML"),
        (b"<EDKSYSTEM/>", "no SYSTEMINFO"),
        (b"<html/>", "html"),
        (b"\xff\xfe<\x00a\x00", "UTF-8"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><EDKSYSTEM>&b;</EDKSYSTEM>', "DOCTYPE"),
        (b"<EDKSYSTEM><SYSTEMINFO/></EDKSYSTEM>", "0 modules"),
        (b"<EDKSYSTEM><MODULE/></EDKSYSTEM>", "MODULE without INSTANCE"),
    ],
)
def test_reader_refuses(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_bytes(data, "x.hwh")


def test_reader_refuses_a_huge_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pynqtorch.hw.hwh_reader.MAX_BYTES", 1 << 20)
    file = tmp_path / "x.hwh"
    file.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(FormatError, match="more than 1 MiB"):
        hwh.parse(file)
    with pytest.raises(FormatError, match="cannot be read"):
        hwh.parse(tmp_path / "nothing.hwh")


SMALL = Made().text().encode()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SMALL) - 1), st.integers(0, 20), st.binary(max_size=8))
def test_reader_on_damaged_files(start: int, length: int, new: bytes) -> None:
    damaged = SMALL[:start] + new + SMALL[start + length :]
    try:
        facts = parse_bytes(damaged, "x.hwh")
    except FormatError:
        return
    assert json.loads(facts.to_json())["design"] is not None
