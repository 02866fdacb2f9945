# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from engine_samples import shell
from hypothesis import given, settings
from hypothesis import strategies as st

from pynqtorch.engine.digest import describe, file_sha256, key_of, manifest, manifest_digest
from pynqtorch.engine.statcache import StatCache, is_racy, signature
from pynqtorch.errors import OutputError
from pynqtorch.plan import Check, Input, Output, Resources, Step, Tool

_WORD = st.text(st.sampled_from("abcxyz019_"), min_size=1, max_size=6)
_STEPS = st.builds(
    Step,
    name=_WORD,
    tool=st.builds(Tool, name=_WORD, version=_WORD),
    commands=st.lists(st.lists(_WORD, min_size=1, max_size=3).map(tuple), min_size=1, max_size=2).map(tuple),
    outputs=st.lists(st.builds(Output, path=_WORD, publish=_WORD, tree=st.booleans()), max_size=2).map(tuple),
    files=st.dictionaries(_WORD, st.text(max_size=8), max_size=2),
    env=st.dictionaries(_WORD, _WORD, max_size=2),
    where=st.sampled_from(["host", "rootfs:fpga"]),
    checks=st.lists(st.builds(Check, _WORD, st.tuples(_WORD)), max_size=1).map(tuple),
    log_parser=_WORD,
)
_INPUTS = st.dictionaries(_WORD, _WORD, max_size=3)


def _key(step: Step, inputs: dict[str, str]) -> str:
    return key_of(describe(step, inputs))


@given(_STEPS, _INPUTS, _STEPS, _INPUTS)
@settings(max_examples=50, deadline=None)
def test_keys_are_equal_exactly_if_all_that_decides_the_result_is(
    one: Step, one_inputs: dict[str, str], other: Step, other_inputs: dict[str, str]
) -> None:
    names = ("name", "tool", "commands", "outputs", "files", "env", "where", "checks", "log_parser")
    same = all(getattr(one, n) == getattr(other, n) for n in names) and one_inputs == other_inputs
    assert (_key(one, one_inputs) == _key(other, other_inputs)) == same


@given(_STEPS, _INPUTS, st.sampled_from(["tool", "commands", "files", "env", "where", "outputs", "checks", "inputs"]))
@settings(max_examples=30, deadline=None)
def test_a_key_changes_with_each_field(step: Step, inputs: dict[str, str], field: str) -> None:
    before = _key(step, inputs)
    changed: dict[str, object] = {
        "tool": Tool(name=step.tool.name, version=step.tool.version + "+"),
        "commands": (*step.commands, ("more",)),
        "files": {**step.files, "new.file": ""},
        "env": {**step.env, "NEW": ""},
        "where": "rootfs:other",
        "outputs": (*step.outputs, Output("new.out")),
        "checks": (*step.checks, Check("a:b", ("new",))),
    }
    if field == "inputs":
        assert _key(step, inputs | {"new.in": "f:0"}) != before
    else:
        assert _key(replace(step, **{field: changed[field]}), inputs) != before


@given(_STEPS, _INPUTS)
@settings(max_examples=20, deadline=None)
def test_a_key_does_not_know_titles_resources_or_where_inputs_lie(step: Step, inputs: dict[str, str]) -> None:
    other = replace(
        step,
        title="new",
        resources=Resources(cores=7),
        after=("x",),
        network=True,
        inputs=(Input("a", "/elsewhere/a"),),
    )
    assert _key(step, inputs) == _key(other, inputs)


@given(st.dictionaries(_WORD, st.binary(max_size=8), min_size=1, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_a_folder_has_one_digest_whatever_order_it_was_made_in(content: dict[str, bytes], random: object) -> None:
    with tempfile.TemporaryDirectory() as top:
        digests = set()
        for name in ("one", "two"):
            items = list(content.items())
            random.shuffle(items)  # type: ignore[attr-defined]
            for file, data in items:
                path = Path(top) / name / f"d{len(file)}" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            digests.add(manifest_digest(manifest(f"{top}/{name}", file_sha256)))
        assert len(digests) == 1
        (Path(top) / "two" / "d1").mkdir(exist_ok=True)
        (Path(top) / "two" / "d1" / "another").write_bytes(b"")
        assert manifest_digest(manifest(f"{top}/two", file_sha256)) not in digests


def test_a_folder_digest_sees_executable_bits_links_and_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    seen = [manifest_digest(manifest(str(tmp_path), file_sha256))]
    (tmp_path / "f").chmod(0o755)
    seen.append(manifest_digest(manifest(str(tmp_path), file_sha256)))
    (tmp_path / "l").symlink_to("f")
    seen.append(manifest_digest(manifest(str(tmp_path), file_sha256)))
    (tmp_path / "l").unlink()
    (tmp_path / "l").symlink_to("elsewhere")
    seen.append(manifest_digest(manifest(str(tmp_path), file_sha256)))
    (tmp_path / "e").mkdir()
    seen.append(manifest_digest(manifest(str(tmp_path), file_sha256)))
    assert len(set(seen)) == 5


def test_a_pipe_in_a_folder_is_refused_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="pipe"):
        manifest(str(tmp_path), file_sha256)


def _old(path: Path) -> None:
    """Wait until a change of the file would show in its times."""
    while is_racy(signature(path.stat()), time.time_ns()):
        time.sleep(0.01)


def test_a_file_that_has_just_changed_is_not_remembered(tmp_path: Path) -> None:
    file = tmp_path / "f"
    cache = StatCache(tmp_path / "cache.json", tmp_path)
    file.write_text("a")
    cache.digest(str(file))
    cache.save()
    assert not (tmp_path / "cache.json").exists()
    _old(file)
    cache.digest(str(file))
    cache.save()
    assert "f" in (tmp_path / "cache.json").read_text()


def test_same_size_and_mtime_with_other_content_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("aaaa")
    _old(file)
    cache = StatCache(tmp_path / "cache.json", tmp_path)
    before, times = cache.digest(str(file)), file.stat()
    file.write_text("bbbb")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert cache.digest(str(file)) != before


def test_two_writers_of_the_cache_keep_each_others_entries(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
        _old(tmp_path / name)
    caches = [StatCache(tmp_path / "cache.json", tmp_path) for _ in range(2)]
    for cache, name in zip(caches, "ab", strict=True):
        cache.digest(str(tmp_path / name))
    for cache in caches:
        cache.save()
    text = (tmp_path / "cache.json").read_text()
    assert '"a"' in text
    assert '"b"' in text


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"version": 1}', '{"version": 1, "files": {"f": [1]}}'])
def test_a_damaged_cache_file_is_an_empty_cache(tmp_path: Path, damage: str) -> None:
    (tmp_path / "cache.json").write_text(damage)
    (tmp_path / "f").write_text("a")
    assert StatCache(tmp_path / "cache.json", tmp_path).digest(str(tmp_path / "f")).startswith("f:ca978112")


def test_a_step_is_described_without_paths_of_this_machine() -> None:
    step = shell("a", "true", reads={"x": "/some/where/x"})
    assert "/some/where" not in str(describe(step, {"x": "f:1"}))
