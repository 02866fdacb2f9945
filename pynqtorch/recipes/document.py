# SPDX-License-Identifier: AGPL-3.0-or-later
"""A recipe's text as values, each with its line and column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from pynqtorch.recipes.diagnostics import Problem

MAX_PROBLEMS = 100
Key: TypeAlias = str | int
Value: TypeAlias = "str | int | float | bool | tuple[Value, ...] | dict[str, Value] | None"


@dataclass(slots=True)
class Node:
    """A value of the document, where it stands, and what is below it.

    `wrong` marks a value about which a problem has been told, `partial` a mapping of which a key has been: no second
    problem shall follow from it.
    """

    value: Value
    line: int
    column: int
    raw: str = ""
    children: dict[str, Node] | list[Node] | None = None
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    size: int = 1
    height: int = 1
    wrong: bool = False
    partial: bool = False

    def child(self, key: Key) -> Node | None:
        """The node below `key`, or None."""
        if isinstance(self.children, dict):
            return self.children.get(key) if isinstance(key, str) else None
        if isinstance(self.children, list) and isinstance(key, int) and 0 <= key < len(self.children):
            return self.children[key]
        return None


@dataclass(frozen=True, slots=True)
class Document:
    """A recipe's text as read: `data` and positions, or the problems that kept it from being read."""

    path: str
    lines: tuple[str, ...]
    root: Node | None
    problems: tuple[Problem, ...] = ()

    @property
    def data(self) -> dict[str, Value]:
        """The mapping at the root (empty where it could not be read); lists are tuples."""
        return self.root.value if self.root is not None and isinstance(self.root.value, dict) else {}

    def node(self, keys: Sequence[Key]) -> Node | None:
        """The node at a path of keys, or None."""
        node = self.root
        for key in keys:
            if node is None:
                return None
            node = node.child(key)
        return node

    def position(self, keys: Sequence[Key], *, key: bool = False) -> tuple[int, int]:
        """(line, column) of the value at a path; with `key`, of its key.  Falls back to the nearest parent."""
        node, place = self.root, (1, 1)
        for depth, step in enumerate(keys):
            if node is None:
                break
            last = depth == len(keys) - 1
            below = node.child(step)
            if isinstance(step, str) and step in node.keys:
                place = node.keys[step]
            if below is not None and not (key and last and isinstance(step, str)):
                place = (below.line, below.column)
            node = below
        return place

    def problem(self, keys: Sequence[Key], message: str, *, key: bool = False) -> Problem:
        """A problem at a path of keys."""
        return self.problem_at(*self.position(keys, key=key), message)

    def problem_at(self, line: int, column: int, message: str) -> Problem:
        """A problem at a place, moved into the file where it lies outside."""
        return problem_in(self.path, self.lines, line, column, message)

    def told(self, keys: Sequence[Key]) -> bool:
        """Whether a problem has been told of the value at `keys` or of one that it is part of."""
        node = self.root
        for key in keys:
            if node is None or node.wrong:
                break
            node = node.child(key)
        return node is not None and node.wrong


def bounded(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """At most MAX_PROBLEMS of a file: more help nobody."""
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    last = problems[MAX_PROBLEMS - 1]
    return (
        *problems[: MAX_PROBLEMS - 1],
        replace(last, message="and more problems behind this line; mend these first"),
    )


def problem_in(path: str, lines: Sequence[str], line: int, column: int, message: str) -> Problem:
    """A problem at a place, moved into the file where it lies outside of it."""
    line = min(max(line, 1), len(lines))
    if line == len(lines) > 1 and not lines[-1]:  # behind the last newline: show the end of the last line instead
        line, column = line - 1, len(lines[line - 2]) + 1
    source = lines[line - 1]
    return Problem(path, line, min(max(column, 1), len(source) + 1), message, source)
