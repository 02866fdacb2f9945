# SPDX-License-Identifier: AGPL-3.0-or-later
"""C simulation: the step, the run script (run for real by sh), the report, the log parser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynqtorch.errors import OutputError, VerifyError
from pynqtorch.hw import csim, testbench
from pynqtorch.hw.testbench import ApTypes, ProgramRun
from pynqtorch.plan import SUMMARY, Finding, Plan, Tool
from pynqtorch.recipes.models import Kernel

AP_TYPES = ApTypes("/somewhere/ap_types", "hls4ml-1.1.0")
GCC = Tool(name="g++", version="14.2.0")


def make_kernel(**hls: object) -> Kernel:
    return Kernel.model_validate(
        {
            "kernel": "scale", "top": "scale", "clock": "5ns",
            "arguments": {
                "x": {"type": "int32", "shape": [8], "port": "m_axi", "bundle": "gmem", "direction": "inout"},
            },
            "hls": {"sources": ["scale.cpp"], "testbench": ["scale_tb.cpp"], **hls},
        }
    )  # fmt: skip


def test_the_step_compiles_with_the_recipes_flags_last() -> None:
    step = csim.step(make_kernel(cflags=["-std=c++17", "-Wno-sign-compare"]), tool=GCC, ap_types=AP_TYPES)
    compile_argv, run_argv = step.commands
    assert step.name == "csim.scale"
    assert step.where == "rootfs:fpga"
    assert compile_argv[0] == "g++"
    assert compile_argv[-6:] == (
        "-std=c++17", "-Wno-sign-compare", "kernel/scale/scale.cpp", "kernel/scale/scale_tb.cpp", "-o", "testbench",
    )  # fmt: skip
    assert "-fsanitize=address,undefined" in compile_argv
    assert run_argv == ("sh", "run_testbench.sh")
    assert not any(argument.startswith("/") for argv in step.commands for argument in argv)
    assert {(i.staged, i.source, i.identity) for i in step.inputs} == {
        ("kernel/scale/scale.hpp", "hw/kernel/scale/scale.hpp", ""),
        ("kernel/scale/scale.cpp", "hw/kernel/scale/scale.cpp", ""),
        ("kernel/scale/scale_tb.cpp", "hw/kernel/scale/scale_tb.cpp", ""),
        ("ap_types", "/somewhere/ap_types", "hls4ml-1.1.0"),
    }
    assert len(Plan((step,))) == 1


def test_headers_and_neighbours_are_staged_where_includes_find_them_and_headers_are_not_compiled() -> None:
    kernel = make_kernel(sources=["scale.cpp", "scale.hpp", "../common/half.hpp", "parts/more.cpp"])
    step = csim.step(kernel, tool=GCC, ap_types=AP_TYPES)
    staged = [item.staged for item in step.inputs]
    assert "kernel/common/half.hpp" in staged
    assert len(staged) == len(set(staged))
    compiled = [argument for argument in step.commands[0] if argument.startswith("kernel/")]
    assert compiled == ["kernel/scale/scale.cpp", "kernel/scale/parts/more.cpp", "kernel/scale/scale_tb.cpp"]


def run_script(tmp_path: Path, program: str, runs: int = 1) -> testbench.Report:
    """Runs the rendered script on a shell program that stands for the testbench."""
    (tmp_path / "program").write_text("#!/bin/sh\n" + program)
    (tmp_path / "program").chmod(0o755)
    script = testbench.run_script(
        "scale", "csim", "csim.json", [ProgramRun(f"run{i}", ("./program", str(i), "two words")) for i in range(runs)]
    )
    (tmp_path / "run.sh").write_text(script)
    done = subprocess.run(["sh", "run.sh"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return testbench.load(tmp_path / "csim.json")


needs_gcc = pytest.mark.skipif(shutil.which("g++") is None, reason="the script asks g++ for its version")


@needs_gcc
def test_a_passing_testbench(tmp_path: Path) -> None:
    report = run_script(tmp_path, 'echo "args $1 $2"; echo "scale: PASS"\n', runs=2)
    assert (report.subject, report.kind, report.verdict) == ("scale", "csim", "pass")
    assert [run.name for run in report.runs] == ["run0", "run1"]
    assert report.runs[0].last_line == "scale: PASS"
    assert (tmp_path / "run1.log").read_text().startswith("args 1 two words\n")
    testbench.passed(tmp_path, "csim.json")
    assert json.loads((tmp_path / SUMMARY).read_text()) == {"verdict": "pass"}


@needs_gcc
def test_the_longest_call_is_in_the_summary(tmp_path: Path) -> None:
    run_script(
        tmp_path, """echo '{"cycles": [7, 9], "cycles_min": 7, "cycles_max": 9, "error": ""}' >run0.json; exit 3\n"""
    )
    assert json.loads((tmp_path / SUMMARY).read_text()) == {"verdict": "fail", "cycles": 9}


@needs_gcc
def test_a_failing_testbench_is_a_verify_error_with_its_last_line(tmp_path: Path) -> None:
    report = run_script(tmp_path, 'echo "scale: FAIL: x[3] is \\"7\\", expected \\\\9"; exit 1\n')
    assert report.verdict == "fail"
    assert report.runs[0].exit_code == 1
    with pytest.raises(VerifyError, match=r'x\[3\] is "7", expected \\9') as error:
        testbench.passed(tmp_path, "csim.json")
    assert "run0.log" in error.value.hint


@needs_gcc
@pytest.mark.parametrize(
    "line",
    [
        "scale.cpp:9:3: runtime error: signed integer overflow",
        "==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1",
        "simulation: error: m_axi_gmem: AWVALID fell before AWREADY",
    ],
)
def test_a_finding_fails_even_where_the_exit_code_is_0(tmp_path: Path, line: str) -> None:
    run_script(tmp_path, f'echo "{line}" >&2; echo "scale: PASS"\n')
    with pytest.raises(VerifyError, match="run0"):
        testbench.passed(tmp_path, "csim.json")


@needs_gcc
def test_a_crash_and_an_old_report_are_not_taken_for_success(tmp_path: Path) -> None:
    (tmp_path / "run0.json").write_text('{"cycles": [1]}')
    report = run_script(tmp_path, "kill -SEGV $$\n")
    assert report.verdict == "fail"
    assert report.runs[0].exit_code == 139
    assert report.runs[0].simulation == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": []}', '{"runs": [{"name": 1}]}', "nonsense"])
def test_a_broken_report_is_an_output_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "csim.json").write_text(text)
    with pytest.raises(OutputError, match=r"csim\.json"):
        testbench.passed(tmp_path, "csim.json")


def test_a_report_without_runs_is_an_output_error(tmp_path: Path) -> None:
    data = {"subject": "s", "kind": "csim", "verdict": "pass", "compiler": "g++", "simulator": "", "runs": []}
    (tmp_path / "csim.json").write_text(json.dumps(data))
    with pytest.raises(OutputError, match="without runs"):
        testbench.passed(tmp_path, "csim.json")


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("kernel/a/a.cpp:12:5: error: 'x' is unknown", Finding("error", "'x' is unknown", "kernel/a/a.cpp:12")),
        ("a.cpp:3:1: warning: unused variable", Finding("warning", "unused variable", "a.cpp:3")),
        ("a.cpp:1:10: fatal error: none.h: No such file", Finding("error", "none.h: No such file", "a.cpp:1")),
        ("a.cpp:(.text+0x1): undefined reference to `f'", Finding("error", "undefined reference to `f'", "a.cpp")),
        ("/usr/bin/ld: tb.o: undefined reference to `f'", Finding("error", "undefined reference to `f'", "tb.o")),
        ("%Error: rtl/a.v:7:9: Can't find 'q'", Finding("error", "Can't find 'q'", "rtl/a.v:7")),
        ("%Warning-WIDTH: rtl/a.v:8:1: Operator ADD", Finding("warning", "Operator ADD", "rtl/a.v:8")),
        ("%Error: Invalid option: -z", Finding("error", "Invalid option: -z")),
        ("a.h:4:2: runtime error: shift exponent 40", Finding("warning", "runtime error: shift exponent 40", "a.h:4")),
        ("simulation: error: no ap_done", Finding("warning", "no ap_done")),
        ("== nominal: ./obj/simulation", Finding("phase", "nominal: ./obj/simulation")),
        ("a.cpp: In function 'int main()':", None),
        ("scale: PASS: 3 cases", None),
    ],
)  # fmt: skip
def test_log_lines(line: str, finding: Finding | None) -> None:
    assert testbench.parse_line(line + "\n") == finding


@given(st.text())
def test_any_line_is_parsed(line: str) -> None:
    found = testbench.parse_line(line)
    assert found is None or found.severity in {"error", "warning", "phase"}


def test_missing_headers_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from pynqtorch.errors import MissingToolError

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="hls4ml") as error:
        testbench.find_ap_types()
    assert "pynqtorch[sim]" in error.value.hint
