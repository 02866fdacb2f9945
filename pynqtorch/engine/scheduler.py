# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs a plan: which step when, on a budget of cores, memory and tokens; signals; the first error."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING

from pynqtorch.engine.history import History
from pynqtorch.engine.model import (
    FAILED,
    RAN,
    SKIPPED,
    UP_TO_DATE,
    NullObserver,
    Observer,
    Outcome,
    RunResult,
)
from pynqtorch.engine.stamp import outcome_of
from pynqtorch.engine.workspace import Workspace
from pynqtorch.errors import FatalError, InterruptedRunError, StorageError, UsageError
from pynqtorch.plan import Finding, Plan, Step

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from pynqtorch.engine.process import Processes
    from pynqtorch.engine.runner import Runner

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MOST_THREADS = 64
_UNKNOWN_SECONDS = 1.0

_Event = tuple[Step | None, "Future[Outcome] | None"]


def run(
    plan: Plan,
    *,
    root: Path,
    jobs: int,
    memory_mib: int | None = None,
    force: frozenset[str] | bool = False,
    observer: Observer | None = None,
    dry_run: bool = False,
    keep_going: bool = False,
    store: Path | None = None,
) -> RunResult:
    """Bring every step of a plan up to date.

    Args:
        plan: the steps.
        root: the repository; all is written below its ``out/`` and where outputs are published.
        jobs: cores that steps may take together.
        memory_mib: memory that they may take together; None: what the kernel says is available.
        force: names of steps that run in any case, or True for all.
        observer: who watches.
        dry_run: nothing is written or run; statuses are what would happen as far as that is known now.
        keep_going: after a failure go on with steps that do not need the failed one.
        store: where the store is; None: PYNQTORCH_STORE, else ``out/store``.

    Returns:
        the outcome of each step.

    Raises:
        FatalError: of the first step that failed, after the others were ended (or, with keep_going, were done).
        InterruptedRunError: Ctrl-C, SIGTERM or SIGHUP; what was finished is kept.
    """
    forced = frozenset(step.name for step in plan) if force is True else frozenset(force or ())
    for name in forced:
        plan.step(name)
    if jobs < 1:
        raise UsageError(f"jobs must be at least 1, not {jobs}")
    watcher = _Serial(observer or NullObserver())
    workspace = Workspace(plan, root, store, read_only=dry_run)
    if dry_run:
        from pynqtorch.engine.explanation import dry_outcomes

        return RunResult(dry_outcomes(workspace, plan, forced))
    memory = available_mib() if memory_mib is None else memory_mib
    return _Run(plan, workspace, watcher, forced, cores=jobs, memory_mib=memory, keep_going=keep_going).run()


class _Run:
    def __init__(
        self,
        plan: Plan,
        workspace: Workspace,
        observer: Observer,
        forced: frozenset[str],
        *,
        cores: int,
        memory_mib: int,
        keep_going: bool,
    ) -> None:
        self._plan, self._work, self._observer, self._forced = plan, workspace, observer, forced
        self._cores, self._memory, self._keep_going = cores, memory_mib, keep_going
        self._history = History(workspace.state / "history.json")
        self._processes: Processes | None = None
        self._runner: Runner | None = None
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._dependents: dict[str, list[Step]] = {step.name: [] for step in plan}
        self._missing = {step.name: len(workspace.needs[step.name]) for step in plan}
        for step in plan:
            for name in workspace.needs[step.name]:
                self._dependents[name].append(step)
        self._rank = _ranks(plan, self._dependents, self._history)
        self._unseen = [step for step in plan if not workspace.needs[step.name]]
        self._waiting: list[Step] = []
        self._running: dict[str, Step] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._error: BaseException | None = None
        self._interrupts = 0
        self._ended = False

    def run(self) -> RunResult:
        with self._signals():
            pool = None
            try:
                self._look()
                if self._waiting and not self._stopping():
                    pool = self._get_ready()
                    self._start(pool)
                    while self._running:
                        self._take(*self._events.get())
                        self._look()
                        if not self._stopping():
                            self._start(pool)
            finally:
                if self._processes is not None:
                    self._processes.end_all(at_once=True)
                if pool is not None:
                    pool.shutdown()
                if self._processes is not None:
                    self._processes.close()
                self._save()
            return self._result()

    def _get_ready(self) -> ThreadPoolExecutor:
        """Load what only a run with work needs: a no-op saves 40 ms."""
        from pynqtorch.engine.process import Processes

        self._processes = Processes()
        self._processes.start()  # on the other core, while this one loads the rest
        from concurrent.futures import ThreadPoolExecutor

        from pynqtorch.engine.runner import Runner

        self._runner = Runner(self._work, self._processes, self._observer)
        return ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="step")

    def _stopping(self) -> bool:
        return self._interrupts > 0 or (self._error is not None and not self._keep_going)

    def _look(self) -> None:
        """Steps whose producers are done: those that are up to date are done as well, the others wait for a place."""
        while self._unseen and not self._stopping():
            step = self._unseen.pop()
            try:
                decision = self._work.decide(step, force=step.name in self._forced)
            except FatalError as error:
                self._fail(step, error)
                continue
            for warning in decision.warnings:
                self._observer.message(warning)
            if decision.action == "up-to-date" and decision.stamp is not None:
                self._done(step, outcome_of(step, UP_TO_DATE, decision.stamp))
            else:
                self._waiting.append(step)

    def _start(self, pool: ThreadPoolExecutor) -> None:
        """Start what fits, the step with the longest way to the end first."""
        self._waiting.sort(key=lambda step: -self._rank[step.name])
        for step in [*self._waiting]:
            if self._fits(step):
                self._waiting.remove(step)
                self._running[step.name] = step
                if self._runner is None:
                    raise RuntimeError("nothing is ready to run steps")
                future = pool.submit(
                    self._runner.do, step, self._history.estimate(step.name), force=step.name in self._forced
                )
                future.add_done_callback(partial(self._put, step))

    def _put(self, step: Step, future: Future[Outcome]) -> None:
        self._events.put((step, future))

    def _fits(self, step: Step) -> bool:
        if not self._running:
            return True  # larger than the whole budget: alone
        wanted, others = step.resources, [other.resources for other in self._running.values()]
        tokens = {token for other in others for token in other.tokens}
        return (
            sum(other.cores for other in others) + wanted.cores <= self._cores
            and sum(other.memory_mib for other in others) + wanted.memory_mib <= self._memory
            and not tokens.intersection(wanted.tokens)
            and len(self._running) < _MOST_THREADS
        )

    def _take(self, step: Step | None, future: Future[Outcome] | None) -> None:
        if step is None or future is None:  # a signal
            self._end_running(at_once=self._interrupts > 1)
            return
        del self._running[step.name]
        error = future.exception()
        if error is None:
            outcome = future.result()
            if outcome.status == RAN:
                self._history.add(step.name, outcome.wall_seconds)
            self._done(step, outcome)
        elif isinstance(error, InterruptedRunError) or (self._stopping() and self._ended):
            self._finish(step, Outcome(name=step.name, status=SKIPPED, reasons=("the run was ended",)))
        else:
            self._fail(step, error)

    def _done(self, step: Step, outcome: Outcome) -> None:
        self._work.keys[step.name] = outcome.key
        self._finish(step, outcome)
        for dependent in self._dependents[step.name]:
            self._missing[dependent.name] -= 1
            if self._missing[dependent.name] == 0:
                self._unseen.append(dependent)

    def _fail(self, step: Step, error: BaseException) -> None:
        fatal = error if isinstance(error, FatalError) else None
        if self._error is None:
            self._error = error
        self._finish(step, Outcome(name=step.name, status=FAILED, error=fatal, reasons=(str(error),)))
        if not self._keep_going or fatal is None:
            self._keep_going = False
            self._end_running(at_once=False)

    def _finish(self, step: Step, outcome: Outcome) -> None:
        self._outcomes[step.name] = outcome
        self._observer.step_finished(step, outcome)

    def _end_running(self, *, at_once: bool) -> None:
        self._ended = True
        if self._runner is not None and self._processes is not None:
            self._runner.cancelled.set()
            self._processes.end_all(at_once=at_once)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals become events, so they never cut through the engine's own writing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupted(_number: int, _frame: FrameType | None) -> None:
            self._interrupts += 1
            self._events.put((None, None))

        before = {number: signal.signal(number, interrupted) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _save(self) -> None:
        try:
            self._work.cache.save()
            self._history.save()
        except StorageError as error:
            if self._error is None and not self._interrupts:
                raise
            self._observer.message(str(error))  # the first error is the one to raise

    def _result(self) -> RunResult:
        for step in self._plan:
            if step.name not in self._outcomes:
                self._finish(
                    step, Outcome(name=step.name, status=SKIPPED, reasons=("a step failed, or the run ended",))
                )
        if self._interrupts:
            done = sum(o.status not in {FAILED, SKIPPED} for o in self._outcomes.values())
            raise InterruptedRunError(
                f"interrupted; {done} of {len(self._plan)} steps are done and kept",
                hint="the same command continues with the rest",
            )
        if self._error is not None:
            raise self._error
        ordered = tuple(self._outcomes[step.name] for step in self._plan)
        watched = self._work.watched(iter(self._plan)) if all(o.status == UP_TO_DATE for o in ordered) else ()
        return RunResult(ordered, watched)


class _Serial:
    """One call at a time, whatever the thread."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._lock = threading.Lock()

    def message(self, text: str) -> None:
        with self._lock:
            self._observer.message(text)

    def step_started(self, step: Step, estimate: float | None) -> None:
        with self._lock:
            self._observer.step_started(step, estimate)

    def line(self, step: Step, text: str, finding: Finding | None) -> None:
        with self._lock:
            self._observer.line(step, text, finding)

    def heartbeat(
        self, step: Step, elapsed: float, cpu_seconds: float, rss_bytes: float, silent_seconds: float
    ) -> None:
        with self._lock:
            self._observer.heartbeat(step, elapsed, cpu_seconds, rss_bytes, silent_seconds)

    def step_finished(self, step: Step, outcome: Outcome) -> None:
        with self._lock:
            self._observer.step_finished(step, outcome)


def _ranks(plan: Plan, dependents: dict[str, list[Step]], history: History) -> dict[str, float]:
    """Seconds from the start of each step to the end of the longest chain behind it, by history."""
    ranks: dict[str, float] = {}
    todo = [*plan]
    while todo:
        step = todo[-1]
        later = [other for other in dependents[step.name] if other.name not in ranks]
        if step.name not in ranks and later:
            todo += later
            continue
        todo.pop()
        own = history.estimate(step.name)
        behind = max((ranks[other.name] for other in dependents[step.name]), default=0.0)
        ranks[step.name] = (_UNKNOWN_SECONDS if own is None else own) + behind
    return ranks


def available_mib() -> int:
    """Memory that programs can take without swapping, in MiB, as the kernel estimates it.

    Raises:
        StorageError: the kernel does not say.
    """
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    raise StorageError("/proc/meminfo has no MemAvailable", hint="give the memory in MiB")
