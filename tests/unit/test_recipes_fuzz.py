# SPDX-License-Identifier: AGPL-3.0-or-later
"""Broken recipes of all sorts: bytes, tokens and structures are changed at random.

Nothing but problems may come of it, each inside its file; and where there is none, PyYAML reads the same values.
PYNQTORCH_FUZZ sets the number of cases of each test (150 if it is not set, then always the same ones).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st
from recipe_samples import FILES, make_checkout

from pynqtorch.recipes.repository import check, load
from pynqtorch.recipes.yaml_source import load_document

COUNT = int(os.environ.get("PYNQTORCH_FUZZ", "150"))
fuzz = settings(
    max_examples=COUNT,
    derandomize="PYNQTORCH_FUZZ" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
NAMES = st.sampled_from(sorted(FILES))
TOKENS = [
    *"{}[],:-?&*!|>%@`\"'#~= \n\t\r\\", "<<", "---", "...", "&a ", "*a", "!!str ", "? ", "- ", ": ", "|\n",
    "null", "yes",
    "true", "0", "-1", "007", "1e9", ".nan", "0x4000_0000", "0xffffffff", "1:30", "2026-01-01", "5ns", "100MHz",
    "9" * 30, '"', "''", '"\\0"', '"\\ud800"', "\ufeff", "\u2028", "\u202e", "\u65e5", "\U0001f600",
    "int", "out", "gmem",
    "S_AXI_HP9", "fclk1", "../../../../etc/passwd", "kernel", "board", "address", "register", "shape", "clock",
]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(TOKENS)
    | st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALARS, inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkout(tmp_path_factory.mktemp("fuzz"))


def same(ours: object, theirs: object) -> bool:
    """Equal, but for what a recipe leaves as text: 0x4000_0000."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, tuple) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, str) and isinstance(theirs, int):
        return int(ours, 16) == theirs
    return type(ours) is type(theirs) and ours == theirs


def assert_only_problems(root: Path, name: str, content: bytes) -> None:
    path = root / name
    original = path.read_bytes()
    path.write_bytes(content)
    try:
        problems = check(root)
        assert problems or load(root).count == len(FILES)
    finally:
        path.write_bytes(original)
    lines = {file: (root / file).read_text("utf-8").split("\n") for file in FILES if file != name}
    lines[name] = content.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    for problem in problems:
        text = lines[problem.path]
        assert 1 <= problem.line <= len(text)
        assert 1 <= problem.column <= len(text[problem.line - 1]) + 1
        assert problem.message.isprintable()
        assert len(problem.message) < 500
        assert len(problem.render().split("\n")) in {1, 3}
    document = load_document(name, content)
    if not document.problems:
        assert same(document.data, yaml.load(content.decode("utf-8"), Loader=yaml.CSafeLoader))


@fuzz
@hypothesis_given(name=NAMES, data=st.data())
def test_changed_bytes(root: Path, name: str, data: st.DataObject) -> None:
    content = bytearray(FILES[name].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.sampled_from([0, 0, 1, 1, 2, 7, 40])))
        content[start:end] = data.draw(
            st.binary(max_size=4) | st.sampled_from([bytes(content[start:end]) * 2, b"\n", b" "])
        )
    assert_only_problems(root, name, bytes(content))


@fuzz
@hypothesis_given(name=NAMES, data=st.data())
def test_changed_tokens(root: Path, name: str, data: st.DataObject) -> None:
    tokens = re.findall(r"\w+|\s+|.", FILES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(tokens) - 1))
        other = data.draw(st.sampled_from(TOKENS) | st.sampled_from(tokens))
        action = data.draw(st.sampled_from(["replace", "insert", "delete", "swap"]))
        if action == "replace":
            tokens[at] = other
        elif action == "insert":
            tokens.insert(at, other)
        elif action == "delete" and len(tokens) > 1:
            del tokens[at]
        else:
            to = data.draw(st.integers(0, len(tokens) - 1))
            tokens[at], tokens[to] = tokens[to], tokens[at]
    assert_only_problems(root, name, "".join(tokens).encode("utf-8", "surrogatepass"))


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every value below."""
    found = []
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += [(value, key), *places(below)]
    return found


@fuzz
@hypothesis_given(name=NAMES, data=st.data())
def test_changed_structure(root: Path, name: str, data: st.DataObject) -> None:
    recipe = yaml.safe_load(FILES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(recipe))) if places(recipe) else (recipe, "x")
        if isinstance(container, dict) and data.draw(st.booleans()):
            below = container.pop(key)
            if data.draw(st.booleans()):
                container[data.draw(SCALARS)] = below
        else:
            container[key] = data.draw(VALUES)
    text = yaml.dump(recipe, allow_unicode=data.draw(st.booleans()), default_flow_style=data.draw(st.booleans()))
    assert_only_problems(root, name, text.encode("utf-8", "surrogatepass"))
