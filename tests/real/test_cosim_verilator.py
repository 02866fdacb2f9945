# SPDX-License-Identifier: AGPL-3.0-or-later
"""C simulation and co-simulation with real g++ and Verilator; a kernel with built-in faults shows what is noticed."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import step_runner

from pynqtorch.errors import VerifyError
from pynqtorch.hw import cosim, csim, simulation, testbench
from pynqtorch.plan import Step, Tool
from pynqtorch.recipes.models import Kernel

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "cosim"
VERILATOR = Tool(name="verilator", version="test")
GCC = Tool(name="g++", version="test")
COPY_WORDS = Kernel.model_validate(
    {
        "kernel": "copy_words", "top": "copy_words", "clock": "10ns",
        "arguments": {
            "a": {"type": "int32", "shape": [2048], "port": "m_axi", "bundle": "gmem"},
            "out": {"type": "int32", "shape": [2048], "port": "m_axi", "bundle": "gmem", "direction": "out"},
            "n": {"type": "int32"},
            "fault": {"type": "int32"},
        },
        "hls": {"sources": ["copy_words.cpp"], "testbench": ["copy_words_tb.cpp"]},
        "rtl": {"sources": ["copy_words.v"]},
    }
)  # fmt: skip


MIXED = Kernel.model_validate(
    {
        "kernel": "mixed", "top": "mixed", "clock": "10ns", "control": "regs",
        "arguments": {
            "x": {"type": "float", "shape": [2, 16], "port": "m_axi", "bundle": "wide", "direction": "inout"},
            "state": {"type": "int64", "shape": [4], "port": "m_axi", "bundle": "thin", "direction": "inout"},
            "small": {"type": "int8"},
            "large": {"type": "int64"},
            "real": {"type": "double"},
            "few": {"type": "uint16", "shape": [8], "port": "m_axi", "bundle": "thin", "direction": "out"},
        },
        "hls": {"sources": ["mixed.cpp"], "testbench": ["mixed_tb.cpp"]},
        "rtl": {"sources": ["mixed.v"], "data_width": {"wide": 512}, "parameters": {"BYTE": 1}},
    }
)  # fmt: skip


def repository(folder: Path) -> Path:
    """A repository with the kernels of these tests and the shared RTL of ours."""
    shutil.copytree(HERE, folder / "hw/kernel/copy_words")
    shutil.copytree(HERE.with_name("cosim_mixed"), folder / "hw/kernel/mixed")
    (folder / "hw/kernel/common").symlink_to(ROOT / "hw/kernel/common")
    return folder


@dataclass(frozen=True)
class Built:
    step: Step
    directory: Path
    prefix: tuple[str, ...]

    def again(self, fault: int) -> testbench.Report:
        """Runs the program that is already built; raises what the step would."""
        code, log = step_runner.run(self.step.commands[-1], self.directory, self.prefix, COPY_WORDS_FAULT=str(fault))
        assert code == 0, log
        step_runner.check(self.step, self.directory)
        return testbench.load(self.directory / cosim.REPORT)


@pytest.fixture(scope="module")
def copy_words(tmp_path_factory: pytest.TempPathFactory) -> Built:
    prefix = step_runner.prefix_for("verilator")
    root = repository(tmp_path_factory.mktemp("repository"))
    directory = tmp_path_factory.mktemp("step")
    hasty = simulation.Condition(name="hasty", max_cycles=3000)
    slow = simulation.Condition(name="slow", seed=3, stall_percent=90, max_cycles=20_000)
    step = cosim.step(COPY_WORDS, tool=VERILATOR, ap_types=testbench.find_ap_types(), conditions=(hasty, slow))
    step_runner.run_step(step, root, directory)
    return Built(step, directory, prefix)


def test_a_right_kernel_passes_with_its_figures(copy_words: Built) -> None:
    report = copy_words.again(0)
    nominal = report.runs[0].simulation
    assert report.verdict == "pass"
    assert nominal["calls"] == 3
    assert (nominal["bytes_read"], nominal["bytes_written"]) == (4 * 21, 4 * 21)
    assert (nominal["read_bursts"], nominal["write_bursts"]) == (2, 2)
    assert nominal["waits"] == ["poll", "interrupt", "poll"]
    assert nominal["cycles_max"] == nominal["cycles"][0] > nominal["cycles"][1] > nominal["cycles"][2]
    assert report.runs[1].simulation["cycles"][0] != nominal["cycles"][0]


def test_wide_and_narrow_buses_wrapping_bursts_and_every_kind_of_scalar(tmp_path: Path) -> None:
    step = cosim.step(MIXED, tool=VERILATOR, ap_types=testbench.find_ap_types())
    step_runner.run_step(step, repository(tmp_path / "repository"), tmp_path / "step")
    figures = testbench.load(tmp_path / "step" / cosim.REPORT).runs[0].simulation
    assert figures["bytes_read"] == 2 * (64 + 8)
    assert figures["bytes_written"] == 2 * (64 + 8 + 1)
    assert figures["waits"] == ["poll", "poll"]  # it has no interrupt


def test_latency_and_bandwidth_of_the_memory_cost_cycles(copy_words: Built) -> None:
    def cycles(*arguments: str) -> int:
        argv = (f"./{simulation.PROGRAM}", "--report=by_hand.json", *arguments)
        code, log = step_runner.run(argv, copy_words.directory, copy_words.prefix)
        assert code == 0, log
        return int(json.loads((copy_words.directory / "by_hand.json").read_text())["cycles"][0])

    fast = cycles("--read-latency=1", "--write-latency=1")
    assert cycles("--read-latency=101", "--write-latency=1") == pytest.approx(fast + 100, abs=8)
    assert cycles("--read-latency=1", "--write-latency=101") == pytest.approx(fast + 100, abs=8)
    # 16 words there and 16 back at one byte a cycle, in place of one word a cycle
    assert cycles("--read-latency=1", "--write-latency=1", "--bandwidth=1") == pytest.approx(fast + 32 * 3, abs=16)


def test_a_trace_is_written(tmp_path: Path) -> None:
    prefix = step_runner.prefix_for("verilator")
    code, _ = step_runner.run(
        ("g++", "-fsyntax-only", "-include", "zlib.h", "-x", "c++", "/dev/null"), tmp_path, prefix
    )
    if code != 0:
        pytest.skip("the rootfs has no zlib.h (package zlib1g-dev), which FST traces need")
    step = cosim.step(COPY_WORDS, tool=VERILATOR, ap_types=testbench.find_ap_types(), trace=True)
    step_runner.run_step(step, repository(tmp_path / "repository"), tmp_path / "step")
    assert (tmp_path / "step" / cosim.TRACE).stat().st_size > 1000


def test_a_run_can_be_repeated_exactly(copy_words: Built) -> None:
    first, second = (copy_words.again(0).runs[1].simulation for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (1, r"out\[15\] is 53, expected 52"),
        (2, r"no ap_done within 3000 cycles"),
        (3, r"WLAST is 0 at beat 16 of 16"),
        (4, r"16 beats of 4 bytes: it crosses a 4 KB boundary"),
        (5, r"AWVALID fell before AWREADY"),
        (6, r"reads 0x[0-9a-f]{8}, where no buffer is; .*\(0 bytes behind its end\)"),
        (7, r"ap_done, but writes are still under way"),
        (8, r"writes 0x[0-9a-f]{8} in a, an input"),
        (9, r"the payload of W changed while WVALID waited"),
        (10, r"WSTRB 0xf of beat 1 .* is outside of its byte lanes"),
        (11, r"reads 0x[0-9a-f]{8} in out, an output"),
        (12, r"call 2: no interrupt within 3000 cycles"),
        (13, r"ap_idle stays 0 after ap_done"),
        (14, r"WLAST is 0 at beat 16 of 16"),
        (100, r"ended without a call of the kernel"),
    ],
)
def test_faults_are_found_and_named(copy_words: Built, fault: int, said: str) -> None:
    with pytest.raises(VerifyError, match=said):
        copy_words.again(fault)
    assert testbench.load(copy_words.directory / cosim.REPORT).verdict == "fail"


def test_a_hang_shows_every_channel(copy_words: Built) -> None:
    with pytest.raises(VerifyError):
        copy_words.again(2)
    log = (copy_words.directory / "hasty.log").read_text()
    assert "s_axi_CTRL: AW" in log
    assert "m_axi_gmem: AW" in log


def test_the_program_rejects_options_it_does_not_know(copy_words: Built) -> None:
    program = f"./{simulation.PROGRAM}"
    for argument in ("--sed=1", "--seed=x", "--seed", "--alignment=3"):
        code, log = step_runner.run((program, argument), copy_words.directory, copy_words.prefix)
        assert code == 2, log
        assert argument in log


def test_a_recipe_that_does_not_fit_the_header_does_not_compile(tmp_path: Path) -> None:
    prefix = step_runner.prefix_for("g++")
    narrow = COPY_WORDS.model_dump(by_alias=True, exclude={"clock"}) | {"clock": "10ns"}
    narrow["arguments"]["n"]["type"] = "int16"
    step = cosim.step(Kernel.model_validate(narrow), tool=VERILATOR, ap_types=testbench.find_ap_types())
    step_runner.prepare(step, repository(tmp_path / "repository"), tmp_path / "step")
    argv = ("g++", "-std=gnu++20", "-fsyntax-only", "-Isim", "-Ikernel/copy_words", "sim/standin_copy_words.cpp")
    code, log = step_runner.run(argv, tmp_path / "step", prefix)
    assert code != 0
    assert "n: the recipe says int16" in log
    assert any(
        f and f.severity == "error" and "recipe says" in f.text for f in map(testbench.parse_line, log.splitlines())
    )


def test_csim_passes_and_finds_a_write_beyond_an_array(tmp_path: Path) -> None:
    prefix = step_runner.prefix_for("g++")
    step = csim.step(COPY_WORDS, tool=GCC, ap_types=testbench.find_ap_types())
    directory = tmp_path / "step"
    step_runner.run_step(step, repository(tmp_path / "repository"), directory)
    assert testbench.load(directory / csim.REPORT).verdict == "pass"
    step_runner.run(step.commands[-1], directory, prefix, **step.env, COPY_WORDS_FAULT="101")
    with pytest.raises(VerifyError, match="AddressSanitizer: heap-buffer-overflow"):
        step_runner.check(step, directory)
