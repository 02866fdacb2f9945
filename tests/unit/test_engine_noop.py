# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pynqtorch.engine import noop

LATER_NS = 3_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "out/.state").mkdir(parents=True)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes/a.yaml").write_text("a")
    return tmp_path


WATCHED = ("recipes", "recipes/a.yaml", "not/there")


def remember(root: Path, argv: tuple[str, ...] = ("build",), text: str = "nothing to do") -> bool:
    """As if the command had started a while after the last change."""
    return noop.record(root, argv, WATCHED, text, started_ns=time.time_ns() + LATER_NS)


def test_an_unchanged_state_gives_the_message_back(root: Path) -> None:
    assert noop.check(root, ["build"]) is None
    assert remember(root, text="two\nlines")
    assert noop.check(root, ["build"]) == "two\nlines"
    assert noop.check(root, ["build", "--force"]) is None
    assert noop.check(root, ["build --force"]) is None


@pytest.mark.parametrize("change", ["content", "touch", "new file", "gone", "appeared", "replaced"])
def test_any_change_is_seen(root: Path, change: str) -> None:
    remember(root)
    file = root / "recipes/a.yaml"
    if change == "content":
        file.write_text("b")
    elif change == "touch":
        file.touch()
    elif change == "new file":
        (root / "recipes/b.yaml").write_text("b")
    elif change == "gone":
        file.unlink()
    elif change == "appeared":
        (root / "not").mkdir()
        (root / "not/there").write_text("")
    else:
        other = root / "other"
        other.write_text("a")
        os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
        other.rename(file)
    assert noop.check(root, ["build"]) is None


@pytest.mark.parametrize("name", ["PATH", "PYNQTORCH_STORE", "XILINX_VIVADO", "SOURCE_DATE_EPOCH"])
def test_variables_that_count_are_part_of_the_state(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    remember(root)
    monkeypatch.setenv("COLUMNS", "77")
    monkeypatch.setenv("PYNQTORCH_COMMAND_LINE", "set by ./inv between check and record")
    assert noop.check(root, ["build"]) is not None
    monkeypatch.setenv(name, "/other")
    assert noop.check(root, ["build"]) is None


def test_nothing_is_recorded_if_a_file_changed_while_the_command_ran(root: Path) -> None:
    started = time.time_ns() + LATER_NS
    os.utime(root / "recipes/a.yaml", ns=(started, started))
    assert not noop.record(root, ["build"], WATCHED, "x", started_ns=started)
    assert not noop.record(root, ["build"], WATCHED, "x", started_ns=time.time_ns())
    assert noop.check(root, ["build"]) is None


@pytest.mark.parametrize("keep", [0, 10, -1, -7])
def test_a_cut_record_is_no_record(root: Path, keep: int) -> None:
    remember(root)
    (file,) = (root / "out/.state").glob("noop-*")
    file.write_bytes(file.read_bytes()[:keep])
    assert noop.check(root, ["build"]) is None


def test_old_records_are_forgotten(root: Path) -> None:
    for number in range(40):
        remember(root, ("build", str(number)))
    assert len(list((root / "out/.state").glob("noop-*"))) == 32
    assert noop.check(root, ["build", "39"]) is not None


def test_it_loads_nothing_of_ours_and_no_parser(root: Path) -> None:
    code = (
        f"import os, sys; sys.path.insert(0, {str(Path(noop.__file__).parent)!r}); before = set(sys.modules); "
        f"import noop; noop.check({str(root)!r}, ['build']); print(*(set(sys.modules) - before - {{'__future__'}}))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "noop"
