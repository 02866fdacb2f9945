# SPDX-License-Identifier: AGPL-3.0-or-later
"""One declaration for each command: the flags that hold everywhere, and errors to exit codes."""

from __future__ import annotations

import errno
import inspect
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from invoke import Context, task
from invoke.exceptions import Exit

from pynqtorch.errors import FatalError, InterruptedRunError, StorageError

SHARED: dict[str, tuple[object, str]] = {
    "dry_run": (False, "Print what would run, with its files, and why; run nothing."),
    "json": (False, "Print the result as one JSON document on stdout; progress goes to stderr."),
    "jobs": (0, "Cores to use at once (0: all)."),
    "force": (False, "Run the named steps even if they are up to date."),
    "flow": ("auto", "auto, vendor (Vitis and Vivado) or open (yosys and nextpnr)."),
}
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})


def command(
    *, name: str | None = None, words: str | None = None, help: dict[str, str] | None = None
) -> Callable[[Callable[..., object]], Callable[..., Any]]:
    """A task with the shared flags; what it raises ends the process with the error's own exit code.

    Args:
        name: the task's name where the function's does not say it.
        words: the parameter that takes the words after the task.
        help: text of the function's own parameters.
    """

    def make(function: Callable[..., object]) -> Callable[..., Any]:
        own = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD][1:]
        taken = {parameter.name for parameter in own}

        def body(context: Context, **flags: Any) -> None:
            run_command(function, context, **flags)

        shared = [
            inspect.Parameter(flag, inspect.Parameter.KEYWORD_ONLY, default=value)
            for flag, (value, _) in SHARED.items()
            if flag not in taken
        ]
        first = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        setattr(body, "__signature__", inspect.Signature([first, *keywords, *shared]))  # noqa: B010  # read by invoke
        body.__name__ = function.__name__
        body.__doc__ = function.__doc__
        texts = {flag: text for flag, (_, text) in SHARED.items()} | (help or {})
        iterable = [words] if words else []
        return task(
            body,
            name=name or function.__name__.replace("_", "-"),
            help={flag.replace("_", "-"): text for flag, text in texts.items()},
            positional=_required(own),
            iterable=iterable,
            auto_shortflags=False,
        )

    return make


def _required(parameters: Iterable[inspect.Parameter]) -> list[str]:
    return [p.name for p in parameters if p.default is inspect.Parameter.empty]


def run_command(function: Callable[..., object], context: Context, **flags: Any) -> None:
    """Call `function`; a FatalError is printed in red and becomes the exit code (the only handler there is)."""
    try:
        try:
            function(context, **flags)
        except FatalError as error:
            _end(error, as_json=bool(flags.get("json")))
        except KeyboardInterrupt:
            hint = "run the same command to go on; what is finished is kept"
            _end(InterruptedRunError("interrupted", hint=hint), as_json=bool(flags.get("json")))
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            text = f"{error.filename or 'a file'}: {error.strerror}"
            _end(StorageError(text, hint="check space and permissions"), as_json=bool(flags.get("json")))
    except BrokenPipeError:  # `./inv … | head` is no error; nor is what Python still flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Exit(code=0) from None


def _end(error: FatalError, *, as_json: bool) -> None:
    from pynqtorch.ui.messages import print_error

    print_error(error, as_json=as_json)
    raise Exit(code=error.code) from None
