# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from engine_samples import PARSER, Listener, build, shell, statuses

from pynqtorch.engine import dry_run, explain, noop
from pynqtorch.engine.process import LineSplitter
from pynqtorch.errors import BuildError, UsageError
from pynqtorch.plan import Output, Plan, Resources, Step

UP, RAN, RESTORED = "up-to-date", "ran", "restored"


def chain(*, script: str = "tr a-z A-Z < in > out.txt") -> tuple[Step, Step]:
    return (
        shell("first", script, reads={"in": "src.txt"}),
        shell("second", "cat in > out.txt", reads={"in": "step:first/out.txt"}, makes=(_PUBLISHED,)),
    )


_PUBLISHED = Output("out.txt", publish="out/final/result.txt")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src.txt").write_text("hello\n")
    return tmp_path


def test_outputs_are_made_published_and_up_to_date_at_the_next_call(root: Path) -> None:
    assert statuses(build(root, *chain())) == [RAN, RAN]
    assert (root / "out/final/result.txt").read_text() == "HELLO\n"
    again = build(root, *chain())
    assert statuses(again) == [UP, UP]
    assert again.up_to_date
    assert str(root / "src.txt") in again.watched


def test_touching_a_file_without_changing_it_rebuilds_nothing(root: Path) -> None:
    build(root, *chain())
    (root / "src.txt").write_text("hello\n")
    os.utime(root / "src.txt", ns=(1, 1))
    assert statuses(build(root, *chain())) == [UP, UP]


def test_early_cutoff_a_step_with_equal_inputs_does_not_run(root: Path) -> None:
    build(root, *chain())
    (root / "src.txt").write_text("HELLO\n")
    assert statuses(build(root, *chain())) == [RAN, UP]


def test_a_state_seen_before_is_restored_and_not_run(root: Path) -> None:
    build(root, *chain())
    (root / "src.txt").write_text("other\n")
    assert statuses(build(root, *chain())) == [RAN, RAN]
    (root / "src.txt").write_text("hello\n")
    assert statuses(build(root, *chain())) == [RESTORED, RESTORED]
    assert (root / "out/final/result.txt").read_text() == "HELLO\n"


def test_restored_files_are_copies_that_a_tool_may_write_to(root: Path) -> None:
    build(root, *chain())
    shutil.rmtree(root / "out/steps")
    build(root, *chain())
    restored = root / "out/steps/first/out.txt"
    assert restored.stat().st_nlink == 1
    restored.write_text("scribble")
    assert statuses(build(root, *chain())) == [RESTORED, UP]
    assert restored.read_text() == "HELLO\n"


def test_a_changed_or_missing_output_is_made_good(root: Path) -> None:
    build(root, *chain())
    (root / "out/steps/first/out.txt").unlink()
    (root / "out/final/result.txt").write_text("tampered")
    assert statuses(build(root, *chain())) == [RESTORED, RESTORED]
    assert (root / "out/final/result.txt").read_text() == "HELLO\n"


def test_force_runs_even_what_is_up_to_date(root: Path) -> None:
    build(root, *chain())
    assert statuses(build(root, *chain(), force=frozenset({"first"}))) == [RAN, UP]
    assert statuses(build(root, *chain(), force=True)) == [RAN, RAN]
    with pytest.raises(UsageError, match="frist"):
        build(root, *chain(), force=frozenset({"frist"}))


def test_stale_files_do_not_survive_in_a_step_directory(root: Path) -> None:
    build(root, shell("a", "echo 1 > out.txt; echo 1 > leftover"))
    build(root, shell("a", "ls > out.txt"))
    assert "leftover" not in (root / "out/steps/a/out.txt").read_text()


def test_folders_with_links_and_executables_are_restored_as_they_were(root: Path) -> None:
    step = shell(
        "tree",
        "mkdir -p d/e d/empty; echo x > d/e/run; chmod +x d/e/run; ln -s e/run d/link",
        makes=(Output("d", tree=True, publish="out/final/d"),),
    )
    build(root, step)
    shutil.rmtree(root / "out/steps")
    shutil.rmtree(root / "out/final")
    assert statuses(build(root, step)) == [RESTORED]
    for top in (root / "out/steps/tree/d", root / "out/final/d"):
        assert os.access(top / "e/run", os.X_OK)
        assert (top / "link").readlink() == Path("e/run")
        assert (top / "empty").is_dir()


def test_the_environment_is_only_what_the_step_declares(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_SETTING", "1")
    build(root, shell("env", "env > out.txt; pwd >> out.txt; cat >> out.txt", env={"MODE": "x y"}))
    lines = (root / "out/steps/env/out.txt").read_text().splitlines()
    names = {line.partition("=")[0] for line in lines[:-1]} - {"PWD", "OLDPWD", "SHLVL", "_"}
    assert names == {"PATH", "HOME", "LANG", "TMPDIR", "MODE"}
    assert lines[-1] == str(root / "out/steps/env")
    assert not (root / "out/steps/env/tmp").exists()


def test_our_own_modules_find_the_python_that_runs_the_engine(root: Path) -> None:
    import sys

    build(root, shell("py", "python -c 'import sys; print(sys.prefix)' > out.txt"))
    assert (root / "out/steps/py/out.txt").read_text().strip() == sys.prefix


def test_several_commands_run_in_order_and_share_the_directory(root: Path) -> None:
    step = shell("a", "cat r > mid")
    step = Step(
        name="a",
        tool=step.tool,
        commands=(("sh", "-c", "cat sub/r > mid"), ("sh", "-c", "cat mid mid > out.txt")),
        outputs=(Output("out.txt"),),
        files={"sub/r": "text\n"},
    )
    build(root, step)
    assert (root / "out/steps/a/out.txt").read_text() == "text\ntext\n"


def test_figures_and_findings_stay_with_a_step_that_does_not_run(root: Path) -> None:
    step = shell(
        "a",
        """echo 'WARN: slow'; echo '{"luts": 42}' > pynqtorch.summary.json; echo 1 > out.txt""",
        log_parser=PARSER,
    )
    for expected in (RAN, UP):
        outcome = build(root, step)["a"]
        assert (outcome.status, outcome.summary, outcome.findings[0].text) == (expected, {"luts": 42}, "slow")
    shutil.rmtree(root / "out/steps")
    outcome = build(root, step)["a"]
    assert (outcome.status, outcome.summary, outcome.findings[0].text) == (RESTORED, {"luts": 42}, "slow")
    assert json.loads((root / "out/steps/a/pynqtorch.summary.json").read_text()) == {"luts": 42}


def test_what_is_not_kept_in_the_store_is_moved_where_it_is_published_and_survives_a_clean(root: Path) -> None:
    step = shell(
        "rootfs",
        "mkdir -p tree/usr; echo x > tree/usr/big; echo {} > m.json",
        makes=(Output("tree", tree=True, keep_in_store=False, publish="out/rootfs/r"), "m.json"),
    )
    user = shell("user", "cat t/usr/big > out.txt", reads={"t": "step:rootfs/tree"})
    assert statuses(build(root, step, user)) == [RAN, RAN]
    assert (root / "out/rootfs/r/usr/big").read_text() == "x\n"
    assert statuses(build(root, step, user)) == [UP, UP]
    shutil.rmtree(root / "out/steps")
    assert statuses(build(root, step, user)) == [RESTORED, RESTORED]
    shutil.rmtree(root / "out/rootfs/r/usr")
    assert statuses(build(root, step, user))[0] == RAN


def test_steps_run_together_within_the_budget(root: Path) -> None:
    wait = "n=0; until [ -e ../../{1} ]; do sleep 0.05; n=$((n+1)); [ $n -lt 200 ]; done"
    meet = f"touch ../../{{0}}; {wait}; echo 1 > out.txt"
    build(root, shell("a", "set -e; " + meet.format("a", "b")), shell("b", "set -e; " + meet.format("b", "a")))


@pytest.mark.parametrize(
    ("resources", "options"),
    [
        (Resources(cores=2), {"jobs": 2}),
        (Resources(memory_mib=600), {"memory_mib": 1000}),
        (Resources(tokens=("licence",)), {}),
        (Resources(cores=64, memory_mib=1 << 30), {}),
    ],
)
def test_steps_that_do_not_fit_together_run_one_after_the_other(
    root: Path, resources: Resources, options: dict[str, int]
) -> None:
    script = "mkdir ../../busy && sleep 0.1 && rmdir ../../busy && echo 1 > out.txt"
    result = build(root, *(shell(name, script, resources=resources) for name in "abc"), **options)  # type: ignore[arg-type]
    assert statuses(result) == [RAN] * 3


def test_the_longest_way_starts_first_by_history(root: Path) -> None:
    (root / "out/.state").mkdir(parents=True)
    (root / "out/.state/history.json").write_text('{"quick": 1.0, "slow": 50.0, "before": 1.0, "behind": 60.0}')
    behind = shell("behind", "echo 1 > out.txt", after=("before",))
    listener = Listener()
    steps = (*(shell(name, "echo 1 > out.txt") for name in ("quick", "slow", "before")), behind)
    build(root, *steps, jobs=1, observer=listener)
    assert listener.started == ["before", "behind", "slow", "quick"]


def test_explain_names_what_changed(root: Path) -> None:
    def one(**changes: object) -> Plan:
        given = {"reads": {"in": "src.txt"}, "env": {"A": "1"}, "files": {"run.ys": "read x\nsynth\n"}, **changes}
        return Plan((shell("a", str(given.pop("script", "cat in > out.txt")), **given),))  # type: ignore[arg-type]

    assert explain(one(), "a", root=root) == ["never ran here"]
    build(root, *one())
    assert explain(one(), "a", root=root) == ["up to date"]
    assert explain(one(version="2"), "a", root=root) == ["tool: sh 1 -> sh 2"]
    assert explain(one(env={"A": "2"}), "a", root=root) == ["variable A: '1' -> '2'"]
    assert "command 1: sh -c 'cat in > out.txt' -> sh -c true" in explain(one(script="true"), "a", root=root)
    diff = explain(one(files={"run.ys": "read x\nsynth -flatten\n"}), "a", root=root)
    assert diff[0] == "rendered file run.ys changed"
    assert {"-synth", "+synth -flatten"} <= set(diff)
    (root / "out/steps/a/out.txt").unlink()
    assert explain(one(), "a", root=root)[0] == "output out.txt is missing"
    (root / "src.txt").write_text("new\n")
    assert explain(one(), "a", root=root) == ["input in changed"]


def test_explain_tells_a_failure_from_a_step_that_never_ran(root: Path) -> None:
    bad = shell("a", "exit 1")
    with pytest.raises(BuildError):
        build(root, bad)
    assert explain(Plan((bad,)), "a", root=root) == ["its last run here failed or was ended"]


def test_a_dry_run_says_what_would_run_and_touches_nothing(root: Path) -> None:
    steps = dry_run(Plan(chain()), root=root)
    assert [(step.status, step.reasons) for step in steps] == [
        ("would-run", ("never ran here",)),
        ("would-run", ("first would run first",)),
    ]
    assert steps[0].commands == (("sh", "-c", "tr a-z A-Z < in > out.txt"),)
    assert statuses(build(root, *chain(), dry_run=True)) == ["would-run", "would-run"]
    assert not (root / "out").exists()


def test_keep_going_does_what_does_not_need_the_failed_step(root: Path) -> None:
    steps = (
        shell("bad", "exit 1"),
        shell("behind", "cat in > out.txt", reads={"in": "step:bad/out.txt"}),
        shell("good", "sleep 0.2; echo 1 > out.txt"),
    )
    listener = Listener()
    with pytest.raises(BuildError, match="step bad"):
        build(root, *steps, keep_going=True, observer=listener)
    assert {o.name: o.status for o in listener.finished} == {"bad": "failed", "behind": "skipped", "good": RAN}


def test_a_sign_of_life_has_cpu_time_and_memory_of_the_whole_tree(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pynqtorch.engine.process.HEARTBEAT_SECONDS", 0.4)
    monkeypatch.setattr("pynqtorch.engine.process.SAMPLE_SECONDS", 0.2)
    listener = Listener()
    busy = "import time; x = bytearray(60 << 20); e = time.time() + 1.2\nwhile time.time() < e: pass"
    result = build(root, shell("a", f'(python -c "{busy}"); echo 1 > out.txt'), observer=listener)
    assert listener.beats
    assert max(beat[1] for beat in listener.beats) > 0.1
    assert max(beat[2] for beat in listener.beats) > 60 << 20
    assert result["a"].peak_rss_bytes > 60 << 20
    assert result["a"].cpu_seconds > 0.2


def test_progress_lines_odd_bytes_and_endless_lines() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"10%\r20%\r\ndone\n\xff\xfe bad") == ["10%", "20%", "done"]
    assert splitter.feed(b"\r") == []
    assert splitter.feed(b"\nnext") == ["\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} bad"]
    (cut,) = splitter.feed(b"x" * 300_000)
    assert len(cut) < 70_000
    assert splitter.feed(b"x" * 300_000 + b"\nlast") == []
    assert splitter.end() == ["last"]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (shell("A", "true"), "no name of a step"),
        (shell("../a", "true"), "no name of a step"),
        (shell("a", "true", makes=("../x",)), "plain relative path"),
        (shell("a", "true", makes=("/x",)), "plain relative path"),
        (shell("a", "true", makes=(Output("x", publish="../x"),)), "plain relative path"),
        (shell("a", "true", makes=("log.txt",)), "belongs to the engine"),
        (shell("a", "true", makes=("x",), files={"x": ""}), "belongs to a rendered file"),
        (shell("a", "true", where="moon"), "cannot run in 'moon'"),
    ],
)
def test_a_step_that_cannot_be_is_refused_before_anything_runs(root: Path, step: Step, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(root, step)


def test_a_missing_input_names_step_and_file(root: Path) -> None:
    with pytest.raises(UsageError, match=r"step a reads hw/none\.v, which does not exist"):
        build(root, shell("a", "true", reads={"x": "hw/none.v"}))


def test_an_identity_stands_for_a_database_and_its_content_is_not_read(root: Path) -> None:
    from dataclasses import replace

    from pynqtorch.plan import Input

    (root / "db").mkdir()
    (root / "db/f").write_text("1")
    step = replace(shell("a", "cat db/f > out.txt"), inputs=(Input("db", "db", identity="prjxray 1.0"),))
    build(root, step)
    (root / "db/f").write_text("2")
    assert statuses(build(root, step)) == [UP]
    newer = replace(step, inputs=(Input("db", "db", identity="prjxray 1.1"),))
    assert explain(Plan((newer,)), "a", root=root) == ["input db: 'prjxray 1.0' -> 'prjxray 1.1'"]
    assert statuses(build(root, newer)) == [RAN]


def test_an_input_that_changes_while_the_step_runs_fails_it(root: Path) -> None:
    step = shell(
        "a", f"cat in > out.txt; echo changed > '{root}/src.txt'", reads={"in": "src.txt"}, makes=(_PUBLISHED,)
    )
    with pytest.raises(BuildError, match="changed while it ran"):
        build(root, step)
    assert not (root / "out/final/result.txt").exists()


def test_a_run_that_found_nothing_to_do_is_answered_by_the_fast_check(root: Path) -> None:
    build(root, *chain())
    result = build(root, *chain())
    assert noop.record(root, ["build"], result.watched, "done", started_ns=time.time_ns() + 10**10)
    assert noop.check(root, ["build"]) == "done"
    (root / "out/steps/first/out.txt").write_text("x")
    assert noop.check(root, ["build"]) is None


def test_what_is_up_to_date_needs_no_tool(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(root, *chain())
    monkeypatch.setenv("PATH", "/nowhere")
    assert statuses(build(root, *chain())) == [UP, UP]


def test_a_large_log_arrives_whole(root: Path) -> None:
    listener = Listener()
    build(root, shell("a", "seq 1 50000; printf 'no end'; echo 1 > out.txt"), observer=listener)
    assert len(listener.lines) == 50_001
    assert listener.lines[-1] == ("a", "no end")
    assert (root / "out/steps/a/log.txt").read_bytes().count(b"\n") == 50_001  # with the line of the command


def test_a_no_op_run_starts_no_process_and_writes_nothing(root: Path) -> None:
    build(root, *chain())
    time.sleep(0.1)
    build(root, *chain())
    before = {path: path.stat().st_mtime_ns for path in (root / "out").rglob("*")}
    build(root, *chain())
    assert {path: path.stat().st_mtime_ns for path in (root / "out").rglob("*")} == before
