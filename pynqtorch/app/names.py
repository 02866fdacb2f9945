# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names that a person gave on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from pynqtorch.errors import UsageError


def pick(
    kind: str, wanted: Sequence[str], known: Iterable[str], default: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The wanted names in their order, each once; without any, `default`, or all that are known.

    Raises:
        UsageError: a name that is not known; the message names the nearest.
    """
    names = tuple(known)
    for name in wanted:
        if name not in names:
            near = get_close_matches(name, names, n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(near)}?" if near else "known: " + ", ".join(names)
            raise UsageError(f"no {kind} {name!r}", hint=hint)
    return tuple(dict.fromkeys(wanted)) or tuple(default if default is not None else names)
