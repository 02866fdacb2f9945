# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a person sees while steps run and after: live on a terminal, plain lines elsewhere, tables."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from report_samples import report

from pynqtorch.engine.model import Outcome, RunResult
from pynqtorch.errors import OutputError
from pynqtorch.plan import Finding, Output, Plan, Step, Tool
from pynqtorch.ui import messages, progress, tables
from pynqtorch.ui.messages import duration, size

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def fresh_consoles(monkeypatch: pytest.MonkeyPatch) -> None:
    """They read the environment when they are made."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for console in (messages.console, messages.output):
        console.cache_clear()


def step(name: str = "route.one", publish: str = "") -> Step:
    return Step(
        name=name, tool=Tool(name="nextpnr", version="1"), commands=(("x",),), title="place and route [one]",
        outputs=(Output("report.json", publish=publish),),
    )  # fmt: skip


def test_durations_and_sizes() -> None:
    assert [duration(s) for s in (0.04, 9.94, 42.3, 59.7, 187, 7500)] == [
        "0.0 s", "9.9 s", "42 s", "1 min 00 s", "3 min 07 s", "2 h 05 min",
    ]  # fmt: skip
    assert [size(b) for b in (0, 1023, 4_089_446, 3 << 40)] == ["0 B", "1023 B", "3.9 MiB", "3072.0 GiB"]


# ---------------------------------------------------------------- plain lines


def test_plain_lines_say_what_matters(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.observer() as display:
        assert isinstance(display, progress.PlainLines)
        display.message("waiting for another run")
        display.step_started(step(), 187.0)
        display.line(step(), "Info: [3/7] routing", Finding("phase", "[3/7] routing"))
        display.line(step(), "just a line", None)
        display.line(step(), "Warning: [net] has no driver", Finding("warning", "[net] has no driver", "top.v:3"))
        for seconds in (5, 10, 31, 36, 62):
            now[0] = 100.0 + seconds
            display.heartbeat(step(), seconds, seconds * 0.9, 1 << 30, seconds)
        display.step_finished(step(), Outcome(name="route.one", status="ran", wall_seconds=63, cpu_seconds=61))
        display.step_finished(step("csim.a"), Outcome(name="csim.a", status="up-to-date"))
        display.step_finished(step("synth.one"), Outcome(name="synth.one", status="restored"))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "waiting for another run",
        "> route.one: place and route [one] (last time 3 min 07 s)",
        "  route.one: [3/7] routing",
        "  route.one: [net] has no driver (top.v:3)",
        "  route.one: still running, 31 s, CPU 28 s, 1.0 GiB",
        "  route.one: still running, 1 min 02 s, CPU 56 s, 1.0 GiB",
        "< route.one: place and route [one]: 1 min 03 s, CPU 1 min 01 s",
        "< synth.one: place and route [one]: restored",
    ]


def test_failed_step_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.observer() as display:
        display.step_started(step(), None)
        display.line(step(), "ERROR: x", Finding("error", "no placement"))
        display.step_finished(step(), Outcome(name="route.one", status="failed"))
    assert capsys.readouterr().err.splitlines()[1:] == [
        "  route.one: no placement",
        "< route.one: place and route [one]: failed",
    ]


# ---------------------------------------------------------------- a terminal

LIVE = """
import time
from pynqtorch.engine.model import Outcome
from pynqtorch.plan import Finding, Output, Step, Tool
from pynqtorch.ui.progress import observer
step = Step(name="route.one", tool=Tool(name="nextpnr", version="1"), commands=(("x",),), outputs=(Output("o"),),
            title="place and route [one]")
with observer() as display:
    print(type(display).__name__)
    display.step_started(step, 187.0)
    time.sleep(0.6)
    display.line(step, "", Finding("phase", "[2/5] first router iteration [/]"))
    display.heartbeat(step, 65.0, 61.0, 1 << 30, 60.0)
    time.sleep(0.6)
    display.line(step, "", Finding("warning", "[net] has no driver"))
    display.step_finished(step, Outcome(name="route.one", status="ran", wall_seconds=66, cpu_seconds=61))
"""


def on_terminal(code: str, *, columns: int = 120, **environment: str) -> str:
    """What a program writes to a terminal."""
    outer, inner = pty.openpty()
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=inner, stdout=inner, stderr=inner, close_fds=True,
        env={**clean, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm-256color", "COLUMNS": str(columns), **environment},
    )  # fmt: skip
    os.close(inner)
    shown, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([outer], [], [], 1)
        try:
            data = os.read(outer, 65536) if ready else b"-"
        except OSError:  # the other end is closed
            break
        shown += data if ready else b""
    process.wait(timeout=30)
    os.close(outer)
    text = shown.decode()
    assert process.returncode == 0, text
    return text


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.parametrize("columns", [80, 140])
def test_live_display_shows_a_silent_step_at_work(columns: int) -> None:
    shown = on_terminal(LIVE, columns=columns)
    text = plain(shown)
    assert "LiveDisplay" in text
    assert "route.one" in text
    assert re.search(r"0:00:0\d", text)  # elapsed
    assert "of ~3 min 07 s" in text
    assert "CPU 1 min 01 s, 1.0 GiB" in text
    assert "[2/5]" in text  # brackets in a tool's words are no markup, however narrow the terminal
    assert "route.one: [net] has no driver" in text
    assert "✓ place and route [one]: 1 min 06 s, CPU 1 min 01 s" in text
    assert "\x1b[3" in shown
    if columns > 100:
        assert "silent for 1 min 00 s" in text
        assert "[2/5] first router iteration [/]" in text
    assert max(len(line) for line in re.split(r"[\r\n]+", text)) <= columns


def test_no_color_on_a_terminal() -> None:
    shown = on_terminal(LIVE, NO_COLOR="1")
    assert "CPU 1 min 01 s" in plain(shown)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9](;|m)", shown)


def test_dumb_terminal_gets_lines() -> None:
    shown = on_terminal(LIVE, TERM="dumb")
    assert "PlainLines" in shown
    assert "\x1b" not in shown


# ---------------------------------------------------------------- tables


def test_tables_after_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "o").mkdir()
    (tmp_path / "o/report.json").write_text(json.dumps(report()))
    plan = Plan((step(publish="o/report.json"), step("synth.one")))
    outcomes = (
        Outcome(name="route.one", status="ran", wall_seconds=63, cpu_seconds=61, peak_rss_bytes=1 << 30),
        Outcome(name="synth.one", status="up-to-date"),
    )
    tables.print_steps(plan, RunResult(outcomes))
    tables.print_overlays(tmp_path, plan)
    out = capsys.readouterr().out
    assert re.search(r"route\.one .* ran .* 1 min 03 s .* 1 min 01 s .* 1\.0 GiB", out)
    assert "synth.one" not in out
    for words in ("9412 18%", " 132/100 ", "532,512", "5.33", "not verified on hardware"):
        assert words in out, words
    assert "MISSED" not in out


def test_missed_timing_and_missing_cosim_in_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    changed = report()
    changed["timing"]["clocks"]["clk"].update(met=False, fmax_mhz=88.1)
    changed["simulations"] = []
    (tmp_path / "o").mkdir()
    (tmp_path / "o/report.json").write_text(json.dumps(changed))
    tables.print_overlays(tmp_path, Plan((step(publish="o/report.json"),)))
    assert "88/100 MISSED" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["{", "[]", '{"utilization": {}}'])
def test_report_that_is_none_is_an_error_of_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o/report.json").write_text(text)
    with pytest.raises(OutputError, match=r"report\.json"):
        tables.print_overlays(tmp_path, Plan((step(publish="o/report.json"),)))


def test_cycles_are_the_longest_call_of_the_nominal_run() -> None:
    runs = report()["simulations"][1]["runs"]
    assert tables._longest(runs[:1]) == ("532,512", "5.33")
    assert tables._longest([]) == ("", "")
