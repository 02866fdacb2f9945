# SPDX-License-Identifier: AGPL-3.0-or-later
"""YAML text to plain values, each with its line and column.

Works on the parser's events, not on composed nodes: PyYAML's C composer recurses without a bound and takes the whole
process down on ``[[[[…``.  Here depth and number of nodes (aliases expanded) are bounded, and problems are collected
rather than raised: a file's problems are shown all at once.  Only a syntax error ends the reading early.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from pynqtorch.recipes.diagnostics import Problem, did_you_mean, shorten
from pynqtorch.recipes.scalars import read_scalar

MAX_BYTES = 1 << 20
MAX_NODES = 20_000
MAX_DEPTH = 24
MAX_PROBLEMS = 100

Key: TypeAlias = str | int
Value: TypeAlias = "str | int | float | bool | tuple[Value, ...] | dict[str, Value] | None"

# Libyaml's loader where PyYAML was built with it (all wheels are), about eight times as fast; the events are the same.
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# C0 and C1 controls, line separators, surrogates, bidirectional overrides (an editor shows another text than is read).
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


@dataclass(slots=True)
class Node:
    """A value of the document, where it stands, and what is below it.

    `wrong` marks a value about which a problem has been told, so that no second one follows from it.
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
        return _problem(self.path, self.lines, line, column, message)

    def told(self, keys: Sequence[Key]) -> bool:
        """Whether a problem has been told of the value at `keys` or of one that it is part of."""
        node = self.root
        for key in keys:
            if node is None or node.wrong:
                break
            node = node.child(key)
        return node is not None and node.wrong


def read_document(file: Path, path: str) -> Document:
    """Reads a recipe; what cannot be read is a problem at 1:1.

    Args:
        file: where it lies.
        path: how messages name it.
    """
    try:
        if not file.is_file():
            return _unread(path, "not a regular file")
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return _unread(path, f"cannot be read: {error.strerror or error}")
    return load_document(path, content)


def load_document(path: str, text: str | bytes) -> Document:
    """Reads the text of a recipe.

    Args:
        path: how messages name the file.
        text: its content.
    """
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(content) > MAX_BYTES:
        return _unread(path, f"larger than {MAX_BYTES >> 20} MiB; this is no recipe")
    try:
        decoded = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        lines = _lines(content.decode("utf-8", "replace"))
        line, column = _place(before, len(before))
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        return Document(path, lines, None, (_problem(path, lines, line, column, message),))
    decoded = decoded.replace("\r\n", "\n")
    lines = _lines(decoded)
    characters = [_problem(path, lines, *place, message) for place, message in _bad_characters(decoded)]
    if characters:
        return Document(path, lines, None, tuple(characters))
    reader = _Reader(path, lines)
    try:
        root = reader.read(yaml.parse(decoded, Loader=_LOADER))
    except _StopReadingError:
        root = None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reader.add(mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, _syntax_message(error, lines))
        root = None
    except yaml.YAMLError as error:
        reader.add(1, 1, f"not YAML: {shorten(str(error), 120)}")
        root = None
    return Document(path, lines, root, tuple(reader.problems[:MAX_PROBLEMS]))


class _StopReadingError(Exception):
    """Nothing sensible can follow in this file."""


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read."""

    node: Node
    anchor: str | None
    key: str | None = None
    key_wrong: bool = False


class _Reader:
    """Events to nodes."""

    def __init__(self, path: str, lines: tuple[str, ...]) -> None:
        self.path, self.lines = path, lines
        self.problems: list[Problem] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.root: Node | None = None
        self.documents = 0
        self.nodes = 0

    def add(self, line: int, column: int, message: str) -> None:
        self.problems.append(_problem(self.path, self.lines, line, column, message))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _StopReadingError

    def read(self, events: Iterator[Any]) -> Node | None:
        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event, {} if kind is yaml.MappingStartEvent else [])
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close()
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                self._document(event)
        if self.root is None:
            self._fail(1, 1, "the file is empty; a recipe is a mapping of keys")
        elif not isinstance(self.root.children, dict) and not self.root.wrong:
            what = "a list" if isinstance(self.root.children, list) else "one value"
            self._fail(self.root.line, self.root.column, f"a recipe is a mapping (key: value), not {what}")
        return self.root

    def _fail(self, line: int, column: int, message: str) -> None:
        self.add(line, column, message)
        raise _StopReadingError

    def _document(self, event: Any) -> None:
        self.documents += 1
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if self.documents > 1:
            self._fail(line, column, "a second document; write one recipe in each file")
        if event.version or event.tags:
            self.add(line, column, "%YAML and %TAG lines are not used in recipes")

    def _scalar(self, event: Any) -> None:
        mark, text = event.start_mark, event.value
        line, column = mark.line + 1, mark.column + 1
        is_key = bool(self.stack) and isinstance(self.stack[-1].node.children, dict) and self.stack[-1].key is None
        wrong, value = False, text
        if event.tag is not None:
            self.add(line, column, f"the tag {shorten(event.tag, 40)!r}: tags are not used in recipes; remove it")
            wrong = True
        elif event.style:  # quoted, or a block
            if _CONTROL.search(text) or "\t" in text:
                self.add(line, column, "a control character in a text (an escape in quotes)")
                wrong = True
        else:
            try:
                value = read_scalar(text)
            except ValueError as error:
                self.add(line, column, str(error))
                wrong = True
        if is_key:
            self._key(line, column, text, wrong or not isinstance(value, str), told=wrong)
            if event.anchor:
                self.anchors[event.anchor] = self._counted(Node(text, line, column, wrong=wrong))
        else:
            node = Node(value, line, column, raw=text, wrong=wrong)
            self._put(self._counted(node), event.anchor)

    def _key(self, line: int, column: int, text: str, wrong: bool, *, told: bool) -> None:
        top = self.stack[-1]
        top.key, top.key_wrong = text, wrong
        if wrong and not told:
            advice = f'write "{shorten(text, 40)}" in quotes' if text else "an empty key has no meaning"
            self.add(line, column, f"a key must be a text; {advice}")
        elif text == "<<":
            top.key_wrong = True
            self.add(line, column, "merge keys (<<) are not used in recipes; write the keys out")
        elif text in top.node.keys:
            top.key_wrong = True
            first = top.node.keys[text][0]
            self.add(line, column, f"the key {shorten(text)!r} is here twice (first in line {first})")
        if not top.key_wrong:
            top.node.keys[text] = (line, column)

    def _open(self, event: Any, children: dict[str, Node] | list[Node]) -> None:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if self.stack and isinstance(self.stack[-1].node.children, dict) and self.stack[-1].key is None:
            self._fail(line, column, "a key must be a text, not a list or a mapping; quote it")
        if len(self.stack) >= MAX_DEPTH:
            self._fail(line, column, f"nested deeper than {MAX_DEPTH} levels")
        node = self._counted(Node(None, line, column, children=children))
        if event.tag is not None:
            self.add(line, column, f"the tag {shorten(event.tag, 40)!r}: tags are not used in recipes; remove it")
            node.wrong = True
        self.stack.append(_Open(node, event.anchor))

    def _close(self) -> None:
        done = self.stack.pop()
        node = done.node
        if isinstance(node.children, dict):
            node.value = {key: below.value for key, below in node.children.items()}
        elif node.children is not None:
            node.value = tuple(below.value for below in node.children)
        self._put(node, done.anchor)

    def _alias(self, event: Any) -> None:
        line, column, name = event.start_mark.line + 1, event.start_mark.column + 1, event.anchor
        if self.stack and isinstance(self.stack[-1].node.children, dict) and self.stack[-1].key is None:
            self._fail(line, column, "an alias as a key; write the key out")
        if any(opened.anchor == name for opened in self.stack):
            self._fail(line, column, f"the alias *{shorten(name, 40)} stands inside of what it names")
        target = self.anchors.get(name)
        if target is None:
            self.add(
                line, column, f"no anchor &{shorten(name, 40)} before this alias{did_you_mean(name, self.anchors)}"
            )
            target = Node(None, line, column, wrong=True)
        if len(self.stack) + target.height > MAX_DEPTH:
            self._fail(line, column, f"nested deeper than {MAX_DEPTH} levels, aliases expanded")
        node = Node(
            target.value,
            line,
            column,
            target.raw,
            target.children,
            target.keys,
            target.size,
            target.height,
            target.wrong,
        )
        self._put(self._counted(node), None)

    def _counted(self, node: Node) -> Node:
        self.nodes += node.size
        if self.nodes > MAX_NODES:
            self._fail(node.line, node.column, f"more than {MAX_NODES} values, aliases expanded; this is no recipe")
        return node

    def _put(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            if anchor in self.anchors:
                self.add(
                    node.line, node.column, f"the anchor &{shorten(anchor, 40)} is here twice; give it another name"
                )
            self.anchors[anchor] = node
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        parent = top.node
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if isinstance(parent.children, list):
            parent.children.append(node)
            if node.value is None and node.children is None and not node.wrong:
                node.wrong = True
                self.add(node.line, node.column, "an empty entry; remove it or give it a value")
            return
        key, top.key = top.key, None
        if top.key_wrong or key is None or parent.children is None:
            return
        parent.children[key] = node
        if node.value is None and node.children is None and not node.wrong:
            node.wrong = True
            self.add(*parent.keys[key], f"{shorten(key)} has no value; give it one or remove the key")


def _problem(path: str, lines: Sequence[str], line: int, column: int, message: str) -> Problem:
    line = min(max(line, 1), len(lines))
    if line == len(lines) > 1 and not lines[-1]:  # behind the last newline: show the end of the last line instead
        line, column = line - 1, len(lines[line - 2]) + 1
    source = lines[line - 1]
    return Problem(path, line, min(max(column, 1), len(source) + 1), message, source)


def _unread(path: str, message: str) -> Document:
    return Document(path, ("",), None, (Problem(path, 1, 1, message),))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.replace("\r\n", "\n").split("\n"))


def _place(text: str, index: int) -> tuple[int, int]:
    start = text.rfind("\n", 0, index) + 1
    return text.count("\n", 0, index) + 1, index - start + 1


def _bad_characters(text: str) -> Iterator[tuple[tuple[int, int], str]]:
    """At most one of tabs, and one of other characters that have no place in a recipe."""
    if text.startswith("\ufeff"):
        yield (1, 1), "a byte-order mark; save the file as UTF-8 without it"
        return
    if (tab := text.find("\t")) >= 0:
        yield _place(text, tab), "a tab; indent and separate with spaces"
    if found := _CONTROL.search(text):
        what = "a carriage return alone" if found[0] == "\r" else f"the character U+{ord(found[0]):04X}"
        yield _place(text, found.start()), f"{what} has no place in a recipe; remove it"


def _syntax_message(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> str:
    """PyYAML's words, with the usual reason where there is one."""
    problem = error.problem or "not YAML"
    mark, hint = error.problem_mark, ""
    if mark is not None and "mapping values are not allowed" in problem:
        hint = "; is there a ': ' in a text? write the text in quotes"
    elif mark is not None and mark.line < len(lines) and "cannot start any token" in problem:
        hint = "; write a text that begins with this character in quotes"
    context = f" {error.context}" if error.context and error.context_mark else ""
    place = f" (line {error.context_mark.line + 1})" if context and error.context_mark else ""
    return f"not YAML: {shorten(problem, 120)}{shorten(context, 80)}{place}{hint}"
