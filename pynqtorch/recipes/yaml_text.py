# SPDX-License-Identifier: AGPL-3.0-or-later
"""A recipe's bytes to text: UTF-8 without what an editor does not show; and PyYAML's complaints in other words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import yaml

from pynqtorch.recipes.diagnostics import Problem, shorten
from pynqtorch.recipes.document import problem_in

# C0 and C1 controls, line separators, surrogates, bidirectional overrides (an editor shows another text than is read).
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


_YAML_WORDS = (
    ("flow sequence", "list in [ ]"),
    ("flow mapping", "mapping in { }"),
    ("block mapping", "mapping"),
    ("block collection", "list"),
)


def decode(path: str, content: bytes) -> tuple[str, tuple[str, ...], tuple[Problem, ...]]:
    """The text of a file with newlines made LF, its lines, and what no recipe may have in it."""
    try:
        text = content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8").replace("\r\n", "\n")
        text = content.decode("utf-8", "replace").replace("\r\n", "\n")
        lines = tuple(text.split("\n"))
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        return text, lines, (problem_in(path, lines, *_place(before, len(before)), message),)
    lines = tuple(text.split("\n"))
    return text, lines, tuple(problem_in(path, lines, *place, message) for place, message in _bad_characters(text))


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
    if found := CONTROL.search(text):
        what = "a carriage return alone" if found[0] == "\r" else f"the character U+{ord(found[0]):04X}"
        yield _place(text, found.start()), f"{what} has no place in a recipe; remove it"


def syntax_message(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> str:
    """PyYAML's words, with where the open thing began and the usual reason where there is one."""
    text = shorten(error.problem or "cannot be read", 120)
    if "mapping values are not allowed" in text:
        text += "; is there a ': ' in a text? write the text in quotes"
    elif "cannot start any token" in text:
        text += "; write a text that begins with this character in quotes"
    elif error.context and error.context_mark and error.context_mark.line < len(lines):
        context = error.context
        for theirs, ours in _YAML_WORDS:
            context = context.replace(theirs, ours)
        text += f" {shorten(context, 80)} that begins in line {error.context_mark.line + 1}"
    return f"not YAML: {text}"
