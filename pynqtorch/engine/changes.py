# SPDX-License-Identifier: AGPL-3.0-or-later
"""What differs between the description in a stamp and the one of now, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pynqtorch.engine.stamp import Stamp

NEVER = "never ran here"
UNFINISHED = "its last run here failed or was ended"


def changes(stamp: Stamp | None, description: Mapping[str, Any]) -> Iterator[str]:
    """One short sentence for each difference.

    Args:
        stamp: of the last success, or None.
        description: of now (`digest.describe`).
    """
    if stamp is None:
        yield NEVER
        return
    then, now = stamp.description, description
    if then.get("tool") != now["tool"]:
        yield f"tool: {' '.join(then.get('tool', ['?']))} -> {' '.join(now['tool'])}"
    if then.get("commands") != now["commands"]:
        yield from _commands(then.get("commands", []), now["commands"])
    yield from _mapping("rendered file", then.get("files", {}), now["files"], values=False)
    yield from _mapping("input", then.get("inputs", {}), now["inputs"], values=False)
    yield from _mapping("variable", then.get("env", {}), now["env"], values=True)
    for name, text in (("where", "place"), ("log_parser", "log parser"), ("format", "format of keys")):
        if then.get(name) != now[name]:
            yield f"{text}: {then.get(name)} -> {now[name]}"
    for name in ("outputs", "checks"):
        if then.get(name) != now[name]:
            yield f"declared {name} changed"


def _commands(then: list[list[str]], now: list[list[str]]) -> Iterator[str]:
    if len(then) != len(now):
        yield f"commands: {len(then)} -> {len(now)}"
        return
    import shlex

    for number, (old, new) in enumerate(zip(then, now, strict=True), 1):
        if old != new:
            yield f"command {number}: {shlex.join(old)} -> {shlex.join(new)}"


def _mapping(what: str, then: Mapping[str, str], now: Mapping[str, str], *, values: bool) -> Iterator[str]:
    for name in sorted(then.keys() | now.keys()):
        if name not in then:
            yield f"{what} {name} is new"
        elif name not in now:
            yield f"{what} {name} is gone"
        elif then[name] != now[name]:
            identities = all(str(side[name]).startswith("identity:") for side in (then, now))
            if values or identities:
                old, new = then[name].removeprefix("identity:"), now[name].removeprefix("identity:")
                yield f"{what} {name}: {old!r} -> {new!r}"
            else:
                yield f"{what} {name} changed"
