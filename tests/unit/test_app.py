# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the tasks do with files: dry runs, exports, cleaning, remembering that there is nothing to do."""

from __future__ import annotations

import fcntl
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_samples import Checkout
from recipe_samples import KERNEL_FILE, edit

from pynqtorch.app import commands, housekeeping, quality
from pynqtorch.app.session import COMMAND_LINE, Options, Session
from pynqtorch.engine import noop
from pynqtorch.engine.model import Outcome, RunResult
from pynqtorch.errors import StorageError, UsageError
from pynqtorch.plan import Output, Plan, Step, Tool
from pynqtorch.recipes.models import Kernel
from pynqtorch.recipes.naming import vlnv
from pynqtorch.recipes.repository import load

REPOSITORY = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "data" / "export"


@pytest.fixture
def inv(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Checkout:
    return Checkout(tmp_path, capsys, monkeypatch)


# ---------------------------------------------------------------- dry runs


@pytest.mark.parametrize("argv", [["build"], ["build-hls"], ["build-overlay", "one"], ["build", "--all", "--force"]])
def test_dry_run_before_anything_is_there_runs_and_writes_nothing(
    inv: Checkout, monkeypatch: pytest.MonkeyPatch, argv: list[str]
) -> None:
    monkeypatch.setattr("subprocess.Popen", _refuse_but_git)
    before = inv.files()
    ended = inv(*argv, "--dry-run", "--json")
    assert ended.code == 0
    steps = {step["name"]: step for step in ended.json()["steps"]}
    assert "rootfs.fpga" in steps
    assert {step["status"] for step in steps.values()} == {"would-run"}
    assert "csim.add" in steps
    assert inv.files() == before


def _refuse_but_git(argv: list[str], *_: object, **__: object) -> None:
    """git is looked for, and is not there."""
    raise FileNotFoundError(argv[0]) if argv[0] == "git" else AssertionError(f"ran {argv}")


def test_dry_run_shows_what_would_run(inv: Checkout) -> None:
    out = inv("build-overlay", "one", "--dry-run").out
    assert "# route.one: place and route overlay one" in out
    assert "nextpnr-himbaechel-xilinx --device xc7z020clg400-1" in out
    assert "file out/steps/synth.one/top.v" in out
    assert "timing.one" in out


def test_build_makes_a_bundle_of_the_named_overlays(inv: Checkout) -> None:
    steps = {step["name"]: step for step in inv("build", "--dry-run", "--json").json()["steps"]}
    assert any("overlay.one" in reason for reason in steps["bundle.pynq-z2"]["reasons"])
    ended = inv("build-overlay", "one", "--dry-run", "--json")
    assert not any(step["name"].startswith("bundle") for step in ended.json()["steps"])


def test_timing_failure_is_allowed_only_when_asked(inv: Checkout) -> None:
    for flags, there in (([], False), (["--allow-timing-failure"], True)):
        steps = inv("build-overlay", "one", "--dry-run", "--json", *flags).json()["steps"]
        (gate,) = (step for step in steps if step["name"] == "timing.one")
        assert ("--allow-failure" in gate["commands"][0]) is there


# ---------------------------------------------------------------- recipe.export


def test_export_is_as_it_was(inv: Checkout) -> None:
    ended = inv("recipe.export", "add", "--json")
    assert ended.json()["files"] == ["hw/kernel/add/description.json", "hw/kernel/add/hls_config.cfg"]
    for file in ("description.json", "hls_config.cfg"):
        assert (inv.root / "hw/kernel/add" / file).read_text() == (GOLDEN / file).read_text()


def test_dry_export_writes_nothing(inv: Checkout) -> None:
    before = inv.files()
    assert "syn.top=add" in inv("recipe.export", "--dry-run").out
    assert inv.files() == before


def test_vlnv_is_one_everywhere(inv: Checkout) -> None:
    assert vlnv(load(inv.root).kernels["add"]) == "xilinx.com:hls:add:1.0"
    for old, new in (("clock: 5ns", "clock: 5ns\nvendor: acme\nversion: '2.1'"), ("top: add", "top: add_top")):
        edit(inv.root, KERNEL_FILE, old, new)
    kernel: Kernel = load(inv.root).kernels["add"]
    assert vlnv(kernel) == "acme:hls:add_top:2.1"
    inv("recipe.export")
    assert json.loads((inv.root / "hw/kernel/add/description.json").read_text())["vlnv"] == vlnv(kernel)
    lines = (inv.root / "hw/kernel/add/hls_config.cfg").read_text().splitlines()
    given = [dict(line.split("=", 1) for line in lines if "=" in line)[f"package.ip.{key}"]
             for key in ("vendor", "library", "name", "version")]  # fmt: skip
    assert ":".join(given) == vlnv(kernel)


# ---------------------------------------------------------------- overlay.export


def finished(root: Path, name: str = "one") -> Path:
    folder = root / "out" / "overlays" / name
    folder.mkdir(parents=True)
    files = {f"{name}.bit": b"bits", f"{name}.hwh": b"<xml/>"}
    for file, content in files.items():
        (folder / file).write_bytes(content)
    entries = {file: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for file, data in files.items()}
    (folder / "manifest.json").write_text(json.dumps({"files": entries}))
    return folder


def test_export_copies_finished_overlays_and_replaces_old_ones(inv: Checkout) -> None:
    finished(inv.root)
    old = inv.root / "hw/overlay/one"
    old.mkdir(parents=True)
    (old / "stale.txt").write_text("old")
    assert inv("overlay.export").code == 0
    assert {path.name for path in old.iterdir()} == {"one.bit", "one.hwh", "manifest.json"}
    assert [path.name for path in old.parent.iterdir()] == ["one"]


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda folder: (folder / "one.bit").write_bytes(b"bitz"), 9),
        (lambda folder: (folder / "one.hwh").unlink(), 6),
        (lambda folder: (folder / "manifest.json").write_text("{"), 6),
        (lambda folder: (folder / "manifest.json").write_text('{"files": {"../x": {"sha256": "", "bytes": 0}}}'), 9),
    ],
)
def test_altered_overlays_are_refused_and_the_old_export_stays(inv: Checkout, harm: Any, code: int) -> None:
    harm(finished(inv.root))
    old = inv.root / "hw/overlay/one"
    old.mkdir(parents=True)
    (old / "one.bit").write_bytes(b"before")
    ended = inv("overlay.export", "one")
    assert ended.code == code
    assert "build it again: ./inv build-overlay one" in ended.err
    assert [path.name for path in old.iterdir()] == ["one.bit"]


# ---------------------------------------------------------------- clean


def built(root: Path) -> None:
    for folder in ("overlays/one", "steps/synth.one", "bundles", "store/objects", "rootfs/fpga", ".state/locks"):
        (root / "out" / folder).mkdir(parents=True)
        (root / "out" / folder / "file").write_text("x")


def test_clean_keeps_what_takes_long_to_make(inv: Checkout) -> None:
    built(inv.root)
    before = inv.files()
    assert inv("clean", "--dry-run", "--json").json()["removed"] == ["out/bundles", "out/overlays", "out/steps"]
    assert inv.files() == before
    assert inv("clean").code == 0
    assert {path.name for path in (inv.root / "out").iterdir()} == {"store", "rootfs", ".state"}
    assert inv("clean", "--all").code == 0
    assert list((inv.root / "out").iterdir()) == []
    assert "removed nothing" in inv("clean").err


def test_clean_refuses_where_something_is_mounted(inv: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    built(inv.root)

    def mounted(path: Path) -> None:
        if path.name == "rootfs":
            raise StorageError(f"will not remove {path}: something is mounted on {path}/fpga/proc")

    monkeypatch.setattr("pynqtorch.sw.mounts.check_unused", mounted)
    before = inv.files()
    ended = inv("clean", "--all")
    assert ended.code == 8
    assert "mounted" in ended.err
    assert inv.files() == before  # all or nothing: what comes before it in the alphabet is there too


def test_clean_refuses_while_a_step_runs(inv: Checkout) -> None:
    built(inv.root)
    lock = inv.root / "out/.state/locks/synth.one"
    with lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        ended = inv("clean")
    assert ended.code == 8
    assert "step synth.one is running" in ended.err
    assert (inv.root / "out/overlays/one/file").exists()


# ---------------------------------------------------------------- nothing to do


def step(name: str) -> Step:
    return Step(name=name, tool=Tool(name="t", version="1"), commands=(("true",),), outputs=(Output("o"),))


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_to_do_is_remembered_as_it_would_be_told(
    inv: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    """The second identical call is answered without loading anything: with --json that must be JSON too."""
    argv = ["build-overlay", *(["--json"] if as_json else [])]
    (inv.root / "out/.state").mkdir(parents=True)
    monkeypatch.setattr("pynqtorch.app.session._own_files", list)
    session = Session(Options(json=as_json), root=inv.root)
    monkeypatch.setattr(
        "pynqtorch.engine.run",
        lambda plan, **_: RunResult(tuple(Outcome(name=s.name, status="up-to-date") for s in plan)),
    )
    started = max(path.lstat().st_ctime_ns for path in inv.root.rglob("*")) + 10_000_000_000
    monkeypatch.setenv(COMMAND_LINE, json.dumps([started, *argv]))
    commands.finish(session, Plan((step("synth.one"),)), forced=frozenset())
    told = capsys.readouterr().out
    answer = noop.check(inv.root, argv)
    assert answer is not None
    if as_json:
        assert json.loads(answer) == json.loads(told)
        assert json.loads(answer)["steps"][0]["status"] == "up-to-date"
    else:
        assert answer == "everything is up to date"


def test_a_run_that_did_something_is_not_remembered(inv: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it was the tools' rootfs alone."""
    states = iter(["ran", "up-to-date"])
    monkeypatch.setattr(
        "pynqtorch.engine.run",
        lambda plan, **_: RunResult(tuple(Outcome(name=s.name, status=next(states)) for s in plan)),
    )
    monkeypatch.setattr(noop, "record", lambda *_, **__: pytest.fail("recorded"))
    monkeypatch.setenv(COMMAND_LINE, json.dumps([0, "build"]))
    session = Session(Options(), root=inv.root)
    session.run(Plan((step("rootfs.fpga"),)))
    commands.finish(session, Plan((step("synth.one"),)), forced=frozenset())


def real_step(text: str) -> Step:
    return Step(
        name="echo.one", tool=Tool(name="sh", version="1"), commands=(("sh", "-c", f"echo {text} > o"),),
        outputs=(Output("o", publish="out/published.txt"),), title="echo [one]",
    )  # fmt: skip


def test_a_real_run_tells_what_it_did(inv: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    for text, status in (("a", "ran"), ("a", "up-to-date"), ("b", "ran"), ("a", "restored")):
        session = Session(Options(json=True), root=inv.root)
        commands.finish(session, Plan((real_step(text),)), forced=frozenset())
        shown = capsys.readouterr()
        document = json.loads(shown.out)
        assert document["ok"] is True
        assert document["files"] == ["out/published.txt"]
        assert [found["status"] for found in document["steps"]] == [status]
        assert ("echo.one" in shown.err) is (status != "up-to-date")
        assert (inv.root / "out/published.txt").read_text() == f"{text}\n"
    forced = Session(Options(force=True), root=inv.root)
    commands.finish(forced, Plan((real_step("a"),)), forced=frozenset({"echo.one"}))
    shown = capsys.readouterr()
    assert "1 step, 0 up to date, 0 restored" in shown.err
    assert "echo.one" in shown.out  # the table


# ---------------------------------------------------------------- setup, lint, test


def test_missing_packages_are_named_before_anything_is_installed(
    inv: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pynqtorch.sw import packages

    need = packages.Need(("mmdebstrap",), "mmdebstrap", "makes the rootfs")
    monkeypatch.setattr(packages, "missing", lambda _: (need,))
    monkeypatch.setattr(packages, "install", lambda _: pytest.fail("installed"))
    for argv in (["setup", "--no-install"], ["build-overlay", "one", "--no-install"]):
        ended = inv(*argv)
        assert ended.code == 4
        assert "needed: mmdebstrap (makes the rootfs)" in ended.err
        assert "apt-get install" in ended.err
    assert inv("setup", "--dry-run", "--json").json()["missing"] == ["mmdebstrap"]


@pytest.fixture
def linters(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Exit codes of programs that are only pretended to run; the linters' names are those of the argv."""
    codes: dict[str, int] = {}
    monkeypatch.setattr(quality, "_program", lambda name: f"/venv/bin/{name}")

    def call(argv: tuple[str, ...], root: Path) -> int:
        name = argv[2] if argv[1] == "-m" else Path(argv[0]).name
        codes.setdefault(f"called {name}", 1)
        return codes.get(name, 0)

    monkeypatch.setattr(quality, "_call", call)
    return codes


def test_lint_runs_all_before_it_fails(inv: Checkout, linters: dict[str, int]) -> None:
    assert inv("lint", "--json").json()["recipes"] == 5
    (inv.root / "inv").write_text("#!/bin/sh\n")
    linters["ruff"] = 1
    ended = inv("lint")
    assert ended.code == 5
    assert "ruff check, ruff format found something" in ended.err
    assert {"called mypy", "called shellcheck"} <= set(linters)


def test_lint_counts_wrong_recipes_too(inv: Checkout, linters: dict[str, int]) -> None:
    edit(inv.root, KERNEL_FILE, "clock: 5ns", "clock: 5")
    assert inv("lint").code == 3
    assert "called mypy" in linters


@pytest.mark.parametrize(("code", "ended_with"), [(0, 0), (1, 5), (2, 5), (5, 2)])
def test_exit_codes_of_test(inv: Checkout, linters: dict[str, int], code: int, ended_with: int) -> None:
    linters["pytest"] = code
    assert inv("test", "--unit").code == ended_with
    assert "called ruff" in linters


def test_chosen_tests_are_not_linted(inv: Checkout, linters: dict[str, int]) -> None:
    assert inv("test", "--unit", "tests/unit/test_plan.py", "--match", "cycle").code == 0
    assert "called ruff" not in linters


def test_missing_linter_ends_with_4(inv: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    ended = inv("lint")
    assert ended.code == 4
    assert "ruff is not installed" in ended.err


# ---------------------------------------------------------------- the session


def test_outside_of_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="not inside a PYNQtorch checkout"):
        Session(Options())


def test_epoch_must_be_a_number(inv: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    ended = inv("build-overlay", "one", "--dry-run")
    assert ended.code == 2
    assert "SOURCE_DATE_EPOCH='yesterday'" in ended.err


def test_part_of_an_export_is_that_of_a_board_that_uses_the_kernel(inv: Checkout) -> None:
    board = (inv.root / "recipes/boards/pynq-z2.yaml").read_text()
    other = board.replace("board: pynq-z2", "board: a").replace("xc7z020clg400-1", "xc7z010clg400-1")
    (inv.root / "recipes/boards/a.yaml").write_text(other.replace("overlays: [one]\n", ""))
    repository = load(inv.root)
    assert next(iter(repository.boards)) == "a"
    assert housekeeping._part(repository, "add") == "xc7z020clg400-1"
