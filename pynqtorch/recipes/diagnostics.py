# SPDX-License-Identifier: AGPL-3.0-or-later
"""Problems of recipes: where (file, line, column), what, the line itself with a caret; as text and as JSON."""

from __future__ import annotations

import difflib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass

_WIDTH = 110
_SHOWN = {"\t": "\N{RIGHTWARDS ARROW}"}


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing that is wrong in a recipe.

    Attributes:
        path: the file, relative to the repository where it lies in it.
        line: counted from 1.
        column: counted from 1, in characters; one behind the last character means the end of the line.
        message: what is wrong and what to write instead.
        source: the text of the line.
    """

    path: str
    line: int
    column: int
    message: str
    source: str = ""

    @property
    def where(self) -> str:
        """``file:line:column``, as editors and terminals link it."""
        return f"{self.path}:{self.line}:{self.column}"

    def as_dict(self) -> dict[str, str | int]:
        """path, line, column, message and source, for JSON."""
        return asdict(self)

    def render(self) -> str:
        """The problem as a user sees it: where and what, then the line with a caret."""
        head = f"{self.where}: {self.message}"
        if not self.source.strip():
            return head
        excerpt, caret = _excerpt(self.source, self.column)
        number = str(self.line)
        return f"{head}\n  {number} | {excerpt}\n  {' ' * len(number)} | {' ' * caret}^"


def format_problems(problems: Iterable[Problem]) -> str:
    """All problems in the order of files, lines and columns."""
    return "\n".join(problem.render() for problem in sorted(problems))


def problems_as_json(problems: Iterable[Problem]) -> str:
    """The same for programs: a JSON list of {path, line, column, message, source}."""
    return json.dumps([problem.as_dict() for problem in sorted(problems)], indent=2, ensure_ascii=False)


def nearest(wrong: str, known: Iterable[str]) -> list[str]:
    """The known name that is most like a wrong one, in a list of one; empty if none is."""
    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name.lower(), name)
    return [folded[near] for near in difflib.get_close_matches(wrong.lower()[:100], list(folded), n=1, cutoff=0.6)]


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?``, or the known ones where none is near (empty if there are none)."""
    names = list(known)
    for near in nearest(wrong, names):
        return f"; did you mean {near!r}?"
    if not names:
        return ""
    shown = ", ".join(names[:12])
    return f"; known: {shown}" + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def shorten(value: object, limit: int = 60) -> str:
    """`value` as it may stand in a message: one line, printable, bounded."""
    text = value if isinstance(value, str) else repr(value)
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: limit + 1])
    return clean if len(clean) <= limit else clean[: limit - 3] + "..."


def _excerpt(source: str, column: int) -> tuple[str, int]:
    """A printable part of `source` around `column`, and how many cells of the terminal stand before the caret."""
    start = max(0, column - 1 - _WIDTH // 2) if len(source) > _WIDTH else 0
    part = source[start : start + _WIDTH]
    clean = "".join(c if c.isprintable() else _SHOWN.get(c, "\N{REPLACEMENT CHARACTER}") for c in part)
    lead = "..." if start else ""
    before = clean[: max(0, column - 1 - start)]
    cells = sum(_cells(c) for c in before)
    return lead + clean + ("..." if start + _WIDTH < len(source) else ""), len(lead) + cells


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
