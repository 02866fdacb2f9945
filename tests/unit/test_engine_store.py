# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from engine_samples import Listener, build, shell, statuses

from pynqtorch.engine import cache_info, cache_prune


def _objects(root: Path) -> list[Path]:
    return sorted((root / "out/store/objects").glob("??/*"))


def _forget(root: Path) -> None:
    shutil.rmtree(root / "out/steps")


@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "entry"])
def test_a_damaged_entry_is_told_removed_and_made_again(tmp_path: Path, damage: str) -> None:
    step = shell("a", "echo result > out.txt")
    build(tmp_path, step)
    _forget(tmp_path)
    (item,) = _objects(tmp_path)
    item.chmod(0o644)
    if damage == "changed":
        item.write_text("tluser\n")
    elif damage == "cut":
        item.write_text("")
    elif damage == "gone":
        item.unlink()
    else:
        next((tmp_path / "out/store/keys").glob("??/*")).write_text("{")
    listener = Listener()
    assert statuses(build(tmp_path, step, observer=listener)) == ["ran"]
    assert any("removed" in text for text in listener.messages)
    assert (tmp_path / "out/steps/a/out.txt").read_text() == "result\n"
    _forget(tmp_path)
    assert statuses(build(tmp_path, step)) == ["restored"]


def test_a_store_may_serve_several_checkouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYNQTORCH_STORE", str(tmp_path / "shared"))
    for name, expected in (("one", "ran"), ("two", "restored")):
        (tmp_path / name).mkdir()
        assert statuses(build(tmp_path / name, shell("a", "echo 1 > out.txt"))) == [expected]
    assert cache_info(tmp_path / "one")["keys"] == 1


def test_objects_are_read_only_and_equal_content_is_kept_once(tmp_path: Path) -> None:
    build(tmp_path, shell("a", "echo same > out.txt"), shell("b", "echo same > out.txt"))
    (item,) = _objects(tmp_path)
    assert item.stat().st_mode & 0o777 == 0o444
    info = cache_info(tmp_path)
    assert (info["keys"], info["objects"], info["size_bytes"]) == (2, 1, 5)


def test_prune_by_age_and_by_size_takes_the_least_recently_used(tmp_path: Path) -> None:
    for name in "abc":
        build(tmp_path, shell(name, f"echo {name} > out.txt"))
    keys = sorted((tmp_path / "out/store/keys").glob("??/*"), key=lambda path: path.stat().st_mtime_ns)
    for days, key in zip((30, 20, 0), keys, strict=True):
        then = time.time() - days * 86400
        os.utime(key, (then, then))
    assert cache_prune(tmp_path, older_than_days=25, dry_run=True) == {"keys": 1, "objects": 1, "size_bytes": 2}
    assert cache_prune(tmp_path, older_than_days=25) == {"keys": 1, "objects": 1, "size_bytes": 2}
    assert cache_prune(tmp_path, max_bytes=2) == {"keys": 1, "objects": 1, "size_bytes": 2}
    _forget(tmp_path)
    again = build(tmp_path, *(shell(name, f"echo {name} > out.txt") for name in "abc"))
    assert sorted(statuses(again)) == ["ran", "ran", "restored"]


def test_prune_waits_for_those_who_write(tmp_path: Path) -> None:
    from threading import Thread

    from pynqtorch.engine.locks import held

    build(tmp_path, shell("a", "echo 1 > out.txt"))
    with held(tmp_path / "out/store/lock", shared=True):
        pruning = Thread(target=cache_prune, args=(tmp_path,), kwargs={"max_bytes": 0})
        pruning.start()
        time.sleep(0.2)
        assert len(_objects(tmp_path)) == 1
    pruning.join(10)
    assert _objects(tmp_path) == []


def test_a_store_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert cache_info(tmp_path)["objects"] == 0
    assert cache_prune(tmp_path, max_bytes=0)["objects"] == 0
