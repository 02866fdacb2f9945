# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command line as a user meets it: tasks, words, mistakes, exit codes, JSON, colours."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_samples import Checkout
from invoke import Context
from invoke.exceptions import Exit
from recipe_samples import KERNEL_FILE, edit

from pynqtorch.app import commands
from pynqtorch.cli.command import SHARED, run_command
from pynqtorch.errors import TimingError

REPOSITORY = Path(__file__).parents[2]
TASKS = {
    "build", "build-hls", "build-overlay", "setup", "test", "lint", "clean", "explain", "recipe.check",
    "recipe.schema", "recipe.export", "overlay.export", "cache.info", "cache.prune",
}  # fmt: skip


@pytest.fixture
def inv(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Checkout(tmp_path, capsys, monkeypatch)


def test_list_has_each_task_with_a_sentence(inv: Checkout) -> None:
    listed = json.loads(inv("--list", "--list-format=json").out)
    found = {task["name"]: task["help"] for task in listed["tasks"]}
    for folder in listed["collections"]:
        found |= {f"{folder['name']}.{task['name']}": task["help"] for task in folder["tasks"]}
    assert set(found) == TASKS
    assert all(text for text in found.values())


@pytest.mark.parametrize("task", sorted(TASKS))
def test_every_flag_has_a_help_text(inv: Checkout, task: str) -> None:
    ended = inv("--help", task)
    assert ended.code == 0
    options = ended.out.partition("Options:")[2]
    flags = re.findall(r"^  (?:-\w(?:=\w+)?, |)(--[\w-]+)(?:=\w+|\[=\w+\])?[ ]*(.*)$", options, flags=re.MULTILINE)
    assert {f"--{flag.replace('_', '-')}" for flag in SHARED} <= {flag for flag, _ in flags}
    assert [flag for flag, text in flags if not text] == []
    assert not re.search(r"^  -\w[ ,]", options, flags=re.MULTILINE)  # no guessed short flags


@pytest.mark.parametrize(
    ("argv", "names"),
    [
        (["one", "two", "--json"], ["one", "two"]),
        (["--json", "one", "two"], ["one", "two"]),
        (["--overlay", "one", "--overlay", "two", "--json"], ["one", "two"]),
        (["--overlay", "one", "two", "--jobs", "3", "three", "--json"], ["one", "two", "three"]),
        (["--board=pynq-z2", "one", "--json"], ["one"]),
        (["--json"], []),
    ],
)
def test_words_after_a_task(inv: Checkout, monkeypatch: pytest.MonkeyPatch, argv: list[str], names: list[str]) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(commands, "build_overlay", lambda overlays, **flags: seen.append((overlays, flags)))
    assert inv("build-overlay", *argv).code == 0
    ((overlays, flags),) = seen
    assert overlays == names
    assert flags["json"] is True
    assert flags["jobs"] == (3 if "3" in argv else 0)


def test_two_tasks_in_one_call_keep_their_words(inv: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(commands, "build_hls", lambda kernels, **_: seen.append(kernels))
    monkeypatch.setattr(commands, "build_overlay", lambda overlays, **_: seen.append(overlays))
    inv("build-hls", "add", "build-overlay", "one", "two")
    inv("build-overlay")
    assert seen == [["add"], ["one", "two"], []]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["buildoverlay"], "did you mean build-overlay?"),
        (["recipe.chek"], "did you mean recipe.check"),
        (["build-overlay", "--forse"], "did you mean --force"),
        (["build-overlay", "--zzz"], "no flag --zzz of build-overlay"),
        (["build-overlay", "ome", "--dry-run"], "did you mean 'one'?"),
        (["build-hls", "ad"], "did you mean 'add'?"),
        (["build", "--board", "pynq-z3"], "did you mean 'pynq-z2'?"),
        (["recipe.export", "ad"], "did you mean 'add'?"),
        (["overlay.export", "on"], "did you mean 'one'?"),
        (["build-overlay", "--jobs", "many"], "--jobs 'many': not a whole number"),
        (["build-overlay", "--jobs"], "--jobs needs a value"),
        (["build-overlay", "--jobs", "-1"], "--jobs -1 is negative"),
        (["build-overlay", "--flow", "vivado"], "use --flow auto|vendor|open"),
        (["recipe.check", "extra"], "recipe.check takes no word 'extra'"),
        (["explain"], "explain needs a word after it: 'step'"),
        (["explain", "route.ome"], "did you mean route.one"),
        (["--help", "buil"], "did you mean build"),
        (["cache.prune"], "needs a bound"),
        (["overlay.export"], "no overlay was built yet"),
    ],
)
def test_mistakes_on_the_command_line_end_with_2(inv: Checkout, argv: list[str], message: str) -> None:
    ended = inv(*argv)
    assert ended.code == 2
    assert message in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", "build-overlay"),
        ("build-overlay --al", "--allow-timing-failure"),
        ("build-overlay one --nope --", "--json"),
    ],
)
def test_completion_of_half_a_line(inv: Checkout, typed: str, offered: str) -> None:
    ended = inv("--complete", "--", "inv", *typed.split())
    assert ended.code == 0
    assert offered in ended.out.split()
    assert ended.err == ""


def test_wrong_recipe_ends_with_3_and_says_where(inv: Checkout) -> None:
    edit(inv.root, KERNEL_FILE, "clock: 5ns", "clock: 5")
    for task in ("recipe.check", "build-overlay", "recipe.export"):
        ended = inv(task)
        assert ended.code == 3
        assert f"{KERNEL_FILE}:3:8: " in ended.err
        assert ended.out == ""


def test_vendor_flow_ends_with_4_and_says_what_is_missing(inv: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    for name in ("XILINX_VIVADO", "XILINX_VITIS"):
        monkeypatch.delenv(name, raising=False)
    for task in ("build", "build-overlay", "build-hls"):
        ended = inv(task, "--flow", "vendor")
        assert ended.code == 4
        assert "vivado is not on PATH" in ended.err
        assert "vitis-run is not on PATH" in ended.err


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["recipe.check"], 0),
        (["recipe.schema"], 0),
        (["recipe.schema", "--dry-run"], 0),
        (["recipe.export"], 0),
        (["recipe.export", "--dry-run"], 0),
        (["cache.info"], 0),
        (["cache.prune", "--days", "3"], 0),
        (["clean"], 0),
        (["clean", "--all", "--dry-run"], 0),
        (["build", "--dry-run"], 0),
        (["build-overlay", "one", "--dry-run"], 0),
        (["build-hls", "--dry-run"], 0),
        (["explain", "route.one"], 0),
        (["test", "--dry-run", "--unit", "tests/x.py"], 0),
        (["build-overlay", "two"], 2),
        (["build-overlay", "--nonsense"], 2),
        (["build-overlay", "--jobs", "x"], 2),
        (["nonsense"], 2),
        (["overlay.export"], 2),
        (["build-overlay", "one", "--flow", "vendor"], 4),
    ],
)
def test_json_is_one_document_on_stdout(inv: Checkout, argv: list[str], code: int) -> None:
    ended = inv(*argv, "--json")
    assert ended.code == code
    document = ended.json()
    assert document["ok"] is (code == 0)
    if code:
        assert document["error"]["code"] == code
        assert document["error"]["message"] in ended.err.replace("\n", "")


def test_json_of_wrong_recipes_has_the_places(inv: Checkout) -> None:
    edit(inv.root, KERNEL_FILE, "clock: 5ns", "clock: 5")
    ended = inv("recipe.check", "--json")
    assert ended.code == 3
    document = ended.json()
    assert document["error"]["class"] == "RecipeError"
    (problem,) = document["problems"]
    assert (problem["path"], problem["line"], problem["column"]) == (KERNEL_FILE, 3, 8)


def end_of(error: BaseException, capsys: pytest.CaptureFixture[str], **flags: object) -> tuple[int, str, str]:
    def fail(_: Context, **__: object) -> None:
        raise error

    with pytest.raises(Exit) as ended:
        run_command(fail, Context(), **flags)
    shown = capsys.readouterr()
    return ended.value.code, shown.out, shown.err


def test_errors_become_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = end_of(TimingError("too [slow]", hint="lower it"), capsys)
    assert (code, out) == (7, "")
    assert "error: too [slow]" in err
    assert "next: lower it" in err
    code, out, _ = end_of(KeyboardInterrupt(), capsys, json=True)
    assert code == 130
    assert json.loads(out)["error"]["class"] == "InterruptedRunError"
    code, _, err = end_of(OSError(errno.ENOSPC, "No space left on device", "out/x"), capsys)
    assert code == 8
    assert "out/x: No space left on device" in err


def test_bugs_are_not_hidden() -> None:
    def fail(_: Context, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", "template")

    with pytest.raises(FileNotFoundError):
        run_command(fail, Context())


def test_no_color_and_pipes_have_no_escapes(inv: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in inv("build-overlay", "nope").err
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in inv("build-overlay", "nope").err  # bold may stay, colours may not
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.delenv("NO_COLOR")
    ended = inv("build-overlay", "one", "--dry-run")
    assert "\x1b" not in ended.out + ended.err


def test_reader_that_leaves_early_is_no_error(inv: Checkout) -> None:
    """A real pipe: `./inv build-overlay --dry-run | head -1`."""
    code = "from invoke import Program; Program(binary='./inv').run()"
    argv = [sys.executable, "-c", code, "--search-root", str(inv.root), "build-overlay", "one", "--dry-run", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        argv, cwd=inv.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read().decode()
        code_at_end = process.wait(timeout=60)
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors
    assert code_at_end == 0
