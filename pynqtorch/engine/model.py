# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the engine tells: outcomes of steps, the result of a run, and the protocol of those who watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pynqtorch.errors import FatalError
from pynqtorch.plan import Finding, Step

UP_TO_DATE = "up-to-date"
RESTORED = "restored"
RAN = "ran"
SKIPPED = "skipped"
FAILED = "failed"
WOULD_RUN = "would-run"
WOULD_RESTORE = "would-restore"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a step ended.

    Attributes:
        status: up-to-date, restored, ran, skipped (a step before it failed, or the run was ended) or failed; in a dry
            run also would-run and would-restore.
        key: SHA-256 over all that decides the result; empty if it was not known.
        wall_seconds, cpu_seconds: of the processes in this run, 0 where nothing ran.
        peak_rss_bytes: largest memory of the step's whole process tree, as sampled.
        findings: errors, warnings and remarks of the log (those of the original run where nothing ran).
        summary: what the step wrote into ``pynqtorch.summary.json``.
        reasons: why it ran, or would.
        error: what a failed step is failed with.
    """

    name: str
    status: str
    key: str = ""
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    findings: tuple[Finding, ...] = ()
    summary: Mapping[str, object] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    error: FatalError | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """Outcomes of all steps in the plan's order, and the files that decide whether a next run has anything to do."""

    outcomes: tuple[Outcome, ...]
    watched: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Outcome:
        for outcome in self.outcomes:
            if outcome.name == name:
                return outcome
        raise KeyError(name)

    def count(self, status: str) -> int:
        """How many steps ended so."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def up_to_date(self) -> bool:
        """Nothing had to be done."""
        return all(outcome.status == UP_TO_DATE for outcome in self.outcomes)


class Observer(Protocol):
    """Who watches a run.  Calls come from several threads, but never two at a time."""

    def message(self, text: str) -> None:
        """A remark of the engine (waiting for another run, a damaged store entry)."""

    def step_started(self, step: Step, estimate: float | None) -> None:
        """A step's process is about to start; `estimate` in seconds from earlier runs."""

    def line(self, step: Step, text: str, finding: Finding | None) -> None:
        """A line of the step's log, without its line end."""

    def heartbeat(
        self, step: Step, elapsed: float, cpu_seconds: float, rss_bytes: float, silent_seconds: float
    ) -> None:
        """About every five seconds while a step runs."""

    def step_finished(self, step: Step, outcome: Outcome) -> None:
        """A step has ended, in whatever way; steps that were up to date come without `step_started`."""


class NullObserver:
    """Watches nothing."""

    def message(self, text: str) -> None:
        """Nothing."""

    def step_started(self, step: Step, estimate: float | None) -> None:
        """Nothing."""

    def line(self, step: Step, text: str, finding: Finding | None) -> None:
        """Nothing."""

    def heartbeat(
        self, step: Step, elapsed: float, cpu_seconds: float, rss_bytes: float, silent_seconds: float
    ) -> None:
        """Nothing."""

    def step_finished(self, step: Step, outcome: Outcome) -> None:
        """Nothing."""
