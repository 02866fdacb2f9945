# SPDX-License-Identifier: AGPL-3.0-or-later
"""invoke's command line as we want it: words after a task, and mistakes that end with exit code 2 and a suggestion.

Words after a task become values of its list argument, ``invoke build-overlay vector_add matrix_mult``: invoke takes a
fixed number of positional arguments, and a word beyond them for the next task.  Its parser has no extension point for
"the rest" (and its state machine cannot be subclassed), so one method of it is wrapped: a word that is neither a flag
nor a task goes to the list argument of the task before it.  ``--overlay NAME`` works with or without.

A command line that does not parse ends invoke with exit code 1 (what Python itself ends with), ``--jobs many`` with a
traceback; both become a UsageError here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import NoReturn

from invoke import Program
from invoke.exceptions import Exit, ParseError
from invoke.parser import Argument, Parser, ParserContext
from invoke.parser.parser import ParseMachine

from pynqtorch.errors import UsageError

_MARK = "_pynqtorch"


def adapt_parser() -> None:
    """Make invoke's parser do so (idempotent)."""
    if hasattr(ParseMachine.handle, _MARK):
        return
    # invoke switches it off, and then compiles all of our modules again at each call (a third of a second).
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
    plain_handle = ParseMachine.handle

    @wraps(plain_handle)
    def handle(machine: ParseMachine, token: str) -> None:
        rest = _list_argument(machine)
        if (
            rest is None
            or machine.current_state == "unknown"
            or token.startswith("-")
            or machine.waiting_for_flag_value
            or token in machine.contexts
        ):
            flag = machine.flag if machine.waiting_for_flag_value else None
            try:
                plain_handle(machine, token)
            except ValueError as error:  # int("many")
                what = f"--{flag.name.replace('_', '-')} {token!r}" if flag is not None else repr(token)
                raise ParseError(f"{what}: not a whole number", machine.context) from error
        else:
            rest.value = token

    setattr(handle, _MARK, True)
    setattr(ParseMachine, "handle", handle)  # noqa: B010  # a plain assignment would need to lie about its type
    # Not the parser itself: invoke's completion lives on its errors. The second is where --help meets what is no task.
    for stage in ("parse_tasks", "parse_cleanup"):
        setattr(Program, stage, _telling(getattr(Program, stage)))


def _telling(stage: Callable[[Program], None]) -> Callable[[Program], None]:
    @wraps(stage)
    def wrapped(program: Program) -> None:
        try:
            stage(program)
        except ParseError as error:
            _end(_usage_error(error, program.parser), as_json="--json" in program.argv)

    return wrapped


def _end(error: UsageError, *, as_json: bool) -> NoReturn:
    """Print the error and end invoke with its code."""
    from pynqtorch.ui.messages import print_error

    print_error(error, as_json=as_json)
    raise Exit(code=error.code) from None


def _list_argument(machine: ParseMachine) -> Argument | None:
    if machine.context is None or machine.context is machine.initial:
        return None
    return next((argument for argument in machine.context.args.values() if argument.kind is list), None)


def _usage_error(error: ParseError, parser: Parser) -> UsageError:
    """invoke's message as ours, with the names that are near a wrong one."""
    text = str(error)
    task = error.context.name if error.context is not None else None
    help_line = f"./inv --help {task} lists its flags" if task else "./inv --list shows the tasks"
    wrong = text.removeprefix("No idea what '").removesuffix("' is!")
    if value := re.fullmatch(r"Flag <Argument: ([\w-]+).*> needed value.*", text):
        return UsageError(f"--{value[1]} needs a value", hint=help_line)
    if lacking := re.fullmatch(r"'(\S+)' did not receive required positional arguments: (.*)", text):
        return UsageError(f"{lacking[1]} needs a word after it: {lacking[2]}", hint=help_line)
    if wrong == text:
        return UsageError(text, hint=help_line)
    if wrong.startswith("-"):
        known: list[str] = [*error.context.flags, *error.context.inverse_flags] if error.context is not None else []
        return _unknown(f"no flag {wrong}" + (f" of {task}" if task else ""), wrong, known, help_line)
    tasks = [name for name in parser.contexts if name]
    if isinstance(error.context, ParserContext) and task:
        return _unknown(f"{task} takes no word {wrong!r}, and it is no task", wrong, tasks, help_line)
    return _unknown(f"no task {wrong!r}", wrong, tasks, help_line)


def _unknown(what: str, wrong: str, known: Iterable[str], otherwise: str) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(wrong, list(known), n=3)
    return UsageError(what, hint=f"did you mean {' or '.join(near)}?" if near else otherwise)
