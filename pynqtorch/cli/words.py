# SPDX-License-Identifier: AGPL-3.0-or-later
"""Words after a task become values of its list argument: ``invoke build-overlay vector_add matrix_mult``.

invoke takes a fixed number of positional arguments, and a word beyond them for the next task.  Its parser has no
extension point for "the rest" (and its state machine cannot be subclassed), so one method of it is wrapped: a word that
is neither a flag nor a task goes to the list argument of the task before it.  ``--overlay NAME`` works with or without.
"""

from __future__ import annotations

from functools import wraps

from invoke.parser import Argument
from invoke.parser.parser import ParseMachine

_MARK = "_pynqtorch_words"


def allow_words() -> None:
    """Make invoke's parser accept words after a task (idempotent)."""
    plain = ParseMachine.handle
    if hasattr(plain, _MARK):
        return

    @wraps(plain)
    def handle(machine: ParseMachine, token: str) -> None:
        rest = _list_argument(machine)
        if (
            rest is None
            or machine.current_state == "unknown"
            or token.startswith("-")
            or machine.waiting_for_flag_value
            or token in machine.contexts
        ):
            plain(machine, token)
        else:
            rest.value = token

    setattr(handle, _MARK, True)
    setattr(ParseMachine, "handle", handle)  # noqa: B010  # a plain assignment would need to lie about its type


def _list_argument(machine: ParseMachine) -> Argument | None:
    if machine.context is None or machine.context is machine.initial:
        return None
    return next((argument for argument in machine.context.args.values() if argument.kind is list), None)
