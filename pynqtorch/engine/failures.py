# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a failed process is to be called: the class, the first real error line, the log, the next step."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pynqtorch.engine.files import no_space
from pynqtorch.errors import BuildError, FatalError, error_for_code
from pynqtorch.plan import Finding, Step

OWN_TOOL = "pynqtorch"
TAIL_LINES = 15
_NO_SPACE = "No space left on device"
_OUT_OF_MEMORY = ("Cannot allocate memory", "std::bad_alloc", "out of memory", "internal compiler error: Killed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A command that did not end well.

    Attributes:
        step: whose command it is.
        argv: the command.
        code: exit code, -n for signal n.
        first_error: the first error line of the log, if its parser knew one.
        tail: the last lines of the log.
        log: its path as a person reads it.
        folder: the step's directory.
        oom_kills: how many processes the kernel's out-of-memory killer ended meanwhile, in the whole system.
    """

    step: Step
    argv: Sequence[str]
    code: int
    first_error: Finding | None
    tail: Sequence[str]
    log: str
    folder: Path
    oom_kills: int


def error_of(failure: Failure) -> FatalError:
    """The error that a user sees."""
    step = failure.step
    if any(_NO_SPACE in line for line in failure.tail):
        full = no_space(failure.folder)
        return type(full)(f"step {step.name}: {failure.argv[0]} says: {_NO_SPACE}\n  {full.message}", hint=full.hint)
    known = error_for_code(failure.code) if step.tool.name == OWN_TOOL else None
    if known is not None:
        return _own(known, failure)
    return BuildError("\n".join(_message(failure)), hint=_hint(failure))


def _message(failure: Failure) -> list[str]:
    lines = [f"step {failure.step.name}: {_how(failure)}"]
    if failure.first_error is not None:
        source = f"{failure.first_error.source}: " if failure.first_error.source else ""
        lines.append(f"  {source}{failure.first_error.text}")
    else:
        lines += [f"  | {line[:400]}" for line in failure.tail]
    lines.append(f"  log: {failure.log}")
    return lines


def _how(failure: Failure) -> str:
    name = Path(failure.argv[0]).name
    number = -failure.code if failure.code < 0 else failure.code - 128
    if failure.code < 0 or (number in {int(s) for s in signal.Signals} and failure.step.where != "host"):
        text = signal.Signals(number).name if number in {int(s) for s in signal.Signals} else f"signal {number}"
        if number == signal.SIGKILL:
            return f"{name} was killed ({text}), {_memory(failure)}"
        return f"{name} was ended by {text}"
    if failure.code == 0:
        return f"{name} ended with 0, but its log has an error"
    return f"{name} ended with exit code {failure.code}"


def _memory(failure: Failure) -> str:
    if failure.oom_kills:
        return "and the kernel's out-of-memory killer was at work: out of memory"
    return "possibly out of memory"


def _hint(failure: Failure) -> str:
    if failure.code in {-signal.SIGKILL, 128 + signal.SIGKILL} or any(
        word in line for word in _OUT_OF_MEMORY for line in failure.tail
    ):
        return "run fewer steps at a time (--jobs 1), or on a machine with more memory"
    if failure.first_error is not None and failure.first_error.source:
        return f"look at {failure.first_error.source}; the command was: {_command(failure)}"
    return f"read the log; the command was: {_command(failure)}"


def _command(failure: Failure) -> str:
    text = shlex.join(failure.argv)
    return text if len(text) <= 200 else text[:200] + " …"


def _own(known: type[FatalError], failure: Failure) -> FatalError:
    """Back to the class that our own module ended with: it prints ``error: <message>`` and ``  next: <hint>``."""
    lines = [line for line in failure.tail if line.strip()]
    start = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].startswith("error: ")), max(0, len(lines) - 3))
    told = lines[start:]
    hint = ""
    for number, line in enumerate(told):
        if line.lstrip().startswith("next: "):
            hint = "\n".join([line.lstrip().removeprefix("next: "), *told[number + 1 :]])
            told = told[:number]
            break
    message = "\n".join(told).removeprefix("error: ") or f"{failure.argv[0]} ended with exit code {failure.code}"
    return known(f"step {failure.step.name}: {message}\n  log: {failure.log}", hint=hint)


def oom_kills() -> int:
    """Processes that the kernel's out-of-memory killer has ended since boot; 0 where the kernel does not say."""
    table = Path("/proc/vmstat")
    if table.exists():
        for line in table.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
