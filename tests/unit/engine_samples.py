# SPDX-License-Identifier: AGPL-3.0-or-later
"""Small plans of shell steps, an observer that keeps what it hears, and a look for processes left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pynqtorch.engine import Outcome, RunResult, run
from pynqtorch.plan import Check, Finding, Input, Output, Plan, Resources, Step, Tool


def shell(
    name: str,
    script: str,
    *,
    reads: dict[str, str] | None = None,
    makes: tuple[Output | str, ...] = ("out.txt",),
    version: str = "1",
    tool: str = "sh",
    env: dict[str, str] | None = None,
    files: dict[str, str] | None = None,
    checks: tuple[Check, ...] = (),
    log_parser: str = "",
    after: tuple[str, ...] = (),
    resources: Resources | None = None,
    where: str = "host",
) -> Step:
    """A step that runs a shell script; `reads` is staged name -> source."""
    return Step(
        name=name,
        tool=Tool(name=tool, version=version),
        commands=(("sh", "-c", script),),
        outputs=tuple(Output(o) if isinstance(o, str) else o for o in makes),
        inputs=tuple(Input(staged, source) for staged, source in (reads or {}).items()),
        env=env or {},
        files=files or {},
        checks=checks,
        log_parser=log_parser,
        after=after,
        resources=resources or Resources(),
        where=where,
    )


class Listener:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.lines: list[tuple[str, str]] = []
        self.findings: list[Finding] = []
        self.started: list[str] = []
        self.finished: list[Outcome] = []
        self.beats: list[tuple[float, float, float, float]] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def step_started(self, step: Step, estimate: float | None) -> None:
        self.started.append(step.name)

    def line(self, step: Step, text: str, finding: Finding | None) -> None:
        self.lines.append((step.name, text))
        if finding is not None:
            self.findings.append(finding)

    def heartbeat(
        self, step: Step, elapsed: float, cpu_seconds: float, rss_bytes: float, silent_seconds: float
    ) -> None:
        self.beats.append((elapsed, cpu_seconds, rss_bytes, silent_seconds))

    def step_finished(self, step: Step, outcome: Outcome) -> None:
        self.finished.append(outcome)


def build(root: Path, *steps: Step, observer: Listener | None = None, jobs: int = 2, **options: object) -> RunResult:
    """Run a plan of these steps."""
    return run(Plan(steps), root=root, jobs=jobs, observer=observer, **options)  # type: ignore[arg-type]


def statuses(result: RunResult) -> list[str]:
    """Statuses in the plan's order."""
    return [outcome.status for outcome in result.outcomes]


def parse_log(line: str) -> Finding | None:
    """A log parser: ``ERROR: text`` and ``WARN: text``."""
    for word, severity in (("ERROR: ", "error"), ("WARN: ", "warning")):
        if line.startswith(word):
            return Finding(severity, line.removeprefix(word), "top.v:3" if severity == "error" else "")
    return None


PARSER = "engine_samples:parse_log"


def processes_with(mark: str) -> list[int]:
    """Living processes that have `mark` in their argv or environment."""
    return [pid for pid in _all_processes() if pid != os.getpid() and _mentions(pid, mark.encode())]


def _all_processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _mentions(pid: int, mark: bytes) -> bool:
    with suppress(OSError):
        if (Path(f"/proc/{pid}/stat")).read_bytes().rpartition(b")")[2].split()[0] == b"Z":
            return False
        return any(mark in Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
    return False
