# SPDX-License-Identifier: AGPL-3.0-or-later
"""YAML text to plain values, each with its line and column.

Works on the parser's events, not on composed nodes: PyYAML's C composer recurses without a bound and takes the whole
process down on ``[[[[…``.  Here depth and number of nodes (aliases expanded) are bounded, and problems are collected
rather than raised: a file's problems are shown all at once.  Only a syntax error ends the reading early.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pynqtorch.recipes.diagnostics import Problem, did_you_mean, shorten
from pynqtorch.recipes.document import MAX_PROBLEMS, Document, Node, bounded, problem_in
from pynqtorch.recipes.scalars import read_scalar
from pynqtorch.recipes.yaml_text import CONTROL, decode, syntax_message

MAX_BYTES = 1 << 20
MAX_NODES = 20_000
MAX_DEPTH = 24

# Libyaml's loader where PyYAML was built with it (all wheels are), about eight times as fast; the events are the same.
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    decoded, lines, problems = decode(path, content)
    if problems:
        return Document(path, lines, None, problems)
    reader = _Reader(path, lines)
    try:
        root = reader.read(yaml.parse(decoded, Loader=_LOADER))
    except _StopReadingError:
        root = None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reader.problems.append(problem_in(path, lines, line, column, syntax_message(error, lines)))
        root = None
    return Document(path, lines, root, bounded(reader.problems))


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
        self.problems.append(problem_in(self.path, self.lines, line, column, message))
        if len(self.problems) > MAX_PROBLEMS:
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
        if self.root is None or (self.root.value is None and self.root.children is None):
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
            if CONTROL.search(text) or "\t" in text:
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
        elif text != text.strip():
            top.key_wrong = True
            self.add(line, column, f"the key {shorten(text)!r} begins or ends with a blank; remove it")
        elif text == "<<":
            top.key_wrong = True
            self.add(line, column, "merge keys (<<) are not used in recipes; write the keys out")
        elif text in top.node.keys:
            top.key_wrong = True
            first = top.node.keys[text][0]
            self.add(line, column, f"the key {shorten(text)!r} is here twice (first in line {first})")
        if top.key_wrong:
            top.node.partial = True
        else:
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


def _unread(path: str, message: str) -> Document:
    return Document(path, ("",), None, (Problem(path, 1, 1, message),))
