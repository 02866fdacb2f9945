# SPDX-License-Identifier: AGPL-3.0-or-later
"""The few ways a run can end badly: one class, and one exit code, for each.

Every message says what went wrong, where, and what to do next.  `tasks.py` has the only handler; a class below is
raised anywhere else and never caught to be hidden.  Steps that run a module of ours in a process of its own end with
the same codes, and the engine turns them back into the class (`error_for_code`).
"""

from __future__ import annotations


class FatalError(Exception):
    """Base of all errors that a user may see.

    Args:
        message: what went wrong and where (file:line where there is one).
        hint: what to do next, one sentence; printed under the message.
    """

    code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  next: {self.hint}" if self.hint else self.message


class UsageError(FatalError):
    """The command line asks for something that does not exist or does not fit."""

    code = 2


class RecipeError(FatalError):
    """A recipe is wrong; the message lists every problem as file:line:column."""

    code = 3


class MissingToolError(FatalError):
    """A tool, package or rootfs that a step needs is not there; the hint says how to get it."""

    code = 4


class BuildError(FatalError):
    """A step's process failed, or its log has an error line."""

    code = 5


class OutputError(FatalError):
    """A step's process ended with 0, but an output is missing, stale, empty or does not parse."""

    code = 6


class TimingError(FatalError):
    """The design is slower than its clock; no bitstream is kept under the final name."""

    code = 7


class StorageError(FatalError):
    """No space, no permission, or a corrupted store entry that could not be mended."""

    code = 8


class VerifyError(FatalError):
    """A simulation or comparison ran to its end and the results are not equal."""

    code = 9


class FormatError(FatalError):
    """A file of a known format (.bit, FASM, frames, .hwh, archive) does not follow it."""

    code = 10


class LimitError(FatalError):
    """A result breaks a limit that the recipe or the part sets (utilization, say)."""

    code = 11


class InterruptedRunError(FatalError):
    """Ctrl-C or SIGTERM; what was finished is kept, the rest continues at the next call."""

    code = 130


def error_for_code(code: int) -> type[FatalError] | None:
    """The class whose exit code is `code` (3 to 11), or None: used for steps that run our own modules."""
    known: tuple[type[FatalError], ...] = (
        RecipeError,
        MissingToolError,
        BuildError,
        OutputError,
        TimingError,
        StorageError,
        VerifyError,
        FormatError,
        LimitError,
    )
    return next((cls for cls in known if cls.code == code), None)
