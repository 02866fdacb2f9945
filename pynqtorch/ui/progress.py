# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a person sees while steps run: a live display on a terminal, plain lines elsewhere.

Both show the current phase, the elapsed time against an estimate from earlier runs, and, for a tool that says nothing
for long (nextpnr's first routing iteration takes minutes), its CPU time and memory as a sign of life.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from pynqtorch.ui.messages import console, duration, size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pynqtorch.engine import Outcome
    from pynqtorch.plan import Finding, Step

PLAIN_HEARTBEAT_SECONDS = 30.0
SILENT_SECONDS = 15.0
WIDE = 100
"""Columns from which on there is room for a bar and for how long a tool has been silent."""
_MARKS = {"ran": "[green]✓[/]", "restored": "[cyan]↺[/]", "up-to-date": "[dim]·[/]", "failed": "[red]✗[/]"}


def observer() -> LiveDisplay | PlainLines:
    """The display that fits stderr: live on a terminal, lines otherwise."""
    return LiveDisplay() if console().is_terminal and not console().is_dumb_terminal else PlainLines()


def _finished(step: Step, outcome: Outcome) -> str:
    name = step.title or step.name
    if outcome.status == "ran":
        return f"{name}: {duration(outcome.wall_seconds)}, CPU {duration(outcome.cpu_seconds)}"
    return f"{name}: {outcome.status}"


class PlainLines:
    """One line for each event that matters; for logs and CI."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, float] = {}

    def __enter__(self) -> PlainLines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def _say(self, text: str, style: str = "") -> None:
        with self._lock:
            console().print(text, style=style or None, markup=False)

    def message(self, text: str) -> None:
        """A remark of the engine (waiting for another run, a damaged store entry)."""
        self._say(text, "yellow")

    def step_started(self, step: Step, estimate: float | None) -> None:
        """A step's process is about to start."""
        self._said[step.name] = time.monotonic()
        about = f" (last time {duration(estimate)})" if estimate and estimate >= 1 else ""
        self._say(f"> {step.name}: {step.title or step.tool.name}{about}")

    def line(self, step: Step, text: str, finding: Finding | None) -> None:
        """A line of a step's log."""
        if finding is None or finding.severity == "info":
            return
        self._said[step.name] = time.monotonic()
        source = f" ({finding.source})" if finding.source else ""
        style = {"error": "red", "warning": "yellow"}.get(finding.severity, "")
        self._say(f"  {step.name}: {finding.text}{source}", style)

    def heartbeat(
        self, step: Step, elapsed: float, cpu_seconds: float, rss_bytes: float, silent_seconds: float
    ) -> None:
        """A sign of life of a running step."""
        now = time.monotonic()
        if now - self._said.get(step.name, now) >= PLAIN_HEARTBEAT_SECONDS:
            self._said[step.name] = now
            self._say(
                f"  {step.name}: still running, {duration(elapsed)}, CPU {duration(cpu_seconds)}, {size(rss_bytes)}"
            )

    def step_finished(self, step: Step, outcome: Outcome) -> None:
        """A step has ended."""
        if outcome.status != "up-to-date":
            self._say(f"< {step.name}: {_finished(step, outcome)}")


class LiveDisplay:
    """A line for each running step that moves, and a lasting line for each that ended."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskID] = {}
        self._progress: Progress | None = None

    def __enter__(self) -> LiveDisplay:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        def text(field: str, style: str = "none", **column: Any) -> TextColumn:
            # No markup: names and phases are tools' words, and "[3/7]" is no style.
            place = Column(no_wrap=True, overflow="ellipsis", **column)
            return TextColumn(f"{{task.fields[{field}]}}", style=style, markup=False, table_column=place)

        bar = (BarColumn(bar_width=16),) if console().width >= WIDE else ()
        self._progress = Progress(
            SpinnerColumn(),
            text("step", "bold"),
            *bar,
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
            text("about", "dim"),
            text("pulse", "dim"),
            text("phase", ratio=1, min_width=8),
            console=console(),
            refresh_per_second=4,
            expand=True,
        )
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def _live(self) -> Progress:
        if self._progress is None:
            raise RuntimeError("the display is used as a context manager")
        return self._progress

    def message(self, text: str) -> None:
        """A remark of the engine."""
        self._live().console.print(text, style="yellow", markup=False)

    def step_started(self, step: Step, estimate: float | None) -> None:
        """A step's process is about to start."""
        about = f"of ~{duration(estimate)}" if estimate and estimate >= 1 else ""
        self._tasks[step.name] = self._live().add_task(
            step.name, total=estimate, step=step.name, about=about, phase=step.title, pulse=""
        )

    def line(self, step: Step, text: str, finding: Finding | None) -> None:
        """A line of a step's log."""
        if finding is None or step.name not in self._tasks:
            return
        if finding.severity == "phase":
            self._live().update(self._tasks[step.name], phase=finding.text)
        elif finding.severity in {"error", "warning"}:
            style = "red" if finding.severity == "error" else "yellow"
            self._live().console.print(f"  {step.name}: {finding.text}", style=style, markup=False)

    def heartbeat(
        self, step: Step, elapsed: float, cpu_seconds: float, rss_bytes: float, silent_seconds: float
    ) -> None:
        """A sign of life of a running step."""
        if step.name in self._tasks:
            pulse = f"CPU {duration(cpu_seconds)}, {size(rss_bytes)}"
            if silent_seconds >= SILENT_SECONDS and console().width >= WIDE:
                pulse += f", silent for {duration(silent_seconds)}"
            self._live().update(self._tasks[step.name], pulse=pulse, completed=elapsed)

    def step_finished(self, step: Step, outcome: Outcome) -> None:
        """A step has ended."""
        task = self._tasks.pop(step.name, None)
        if task is not None:
            self._live().remove_task(task)
        if outcome.status != "up-to-date":
            from rich.markup import escape

            self._live().console.print(f"{_MARKS.get(outcome.status, ' ')} {escape(_finished(step, outcome))}")
