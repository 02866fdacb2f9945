# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tools that fail, and tools that fail without saying so."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_samples import PARSER, Listener, build, processes_with, shell, statuses

from pynqtorch.errors import (
    BuildError,
    FatalError,
    MissingToolError,
    OutputError,
    StorageError,
    TimingError,
    UsageError,
)
from pynqtorch.plan import Check, Output, Step, Tool

FINAL = Output("out.txt", publish="out/final/result.txt")


def fails(root: Path, step: Step, **options: object) -> FatalError:
    """The error of a step that must fail, with nothing left under its final names."""
    with pytest.raises(FatalError) as caught:
        build(root, step, **options)  # type: ignore[arg-type]
    for output in step.outputs:
        assert not (root / "out/steps" / step.name / output.path).exists()
        assert not output.publish or not (root / output.publish).exists()
    assert not (root / "out/steps" / step.name / "pynqtorch.step.json").exists()
    return caught.value


def test_a_missing_tool_says_which_and_what_to_do(tmp_path: Path) -> None:
    step = Step(
        name="synth", tool=Tool(name="yosys", version="0.63"), commands=(("no-such-yosys",),), outputs=(Output("o"),)
    )
    error = fails(tmp_path, step)
    assert isinstance(error, MissingToolError)
    assert "step synth: no program no-such-yosys on PATH" in error.message
    assert "install yosys (0.63)" in error.hint


def test_a_script_whose_interpreter_is_missing(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/no/such/interpreter\n")
    (tmp_path / "tool").chmod(0o755)
    step = Step(
        name="a", tool=Tool(name="t", version="1"), commands=((str(tmp_path / "tool"),),), outputs=(Output("o"),)
    )
    error = fails(tmp_path, step)
    assert isinstance(error, MissingToolError)
    assert "interpreter" in error.hint


def test_a_missing_rootfs_and_containers_are_missing_tools(tmp_path: Path) -> None:
    assert isinstance(fails(tmp_path, shell("a", "true", where="rootfs:none")), MissingToolError)
    error = fails(tmp_path, shell("a", "true", where="container:x"))
    assert isinstance(error, MissingToolError)
    assert "containers come with another issue" in error.message


@pytest.mark.parametrize("script", ["true", ": > out.txt", "mkdir out.txt"])
def test_a_tool_that_ends_with_0_without_its_output(tmp_path: Path, script: str) -> None:
    error = fails(tmp_path, shell("a", script, makes=(FINAL,)))
    assert isinstance(error, OutputError)
    assert "step a: sh ended with 0, but its output out.txt is" in error.message


def test_an_empty_folder_is_a_missing_output(tmp_path: Path) -> None:
    assert isinstance(fails(tmp_path, shell("a", "mkdir d", makes=(Output("d", tree=True),))), OutputError)


def test_an_output_older_than_the_step_is_not_its_output(tmp_path: Path) -> None:
    error = fails(tmp_path, shell("a", "echo old > out.txt; touch -d '2 hours ago' out.txt", makes=(FINAL,)))
    assert isinstance(error, OutputError)
    assert "older than the start" in error.message


def test_half_a_file_of_a_tool_that_dies_is_no_output(tmp_path: Path) -> None:
    good = shell("a", "echo whole > out.txt", makes=(FINAL,))
    build(tmp_path, good)
    error = fails(tmp_path, shell("a", "printf hal > out.txt; kill -SEGV $$", makes=(FINAL,)))
    assert isinstance(error, BuildError)
    assert "SIGSEGV" in error.message
    assert (tmp_path / "out/steps/a/out.txt.failed").read_text() == "hal"
    assert statuses(build(tmp_path, good)) == ["restored"]


def test_a_killed_tool_may_have_been_out_of_memory(tmp_path: Path) -> None:
    error = fails(tmp_path, shell("a", "kill -KILL $$"))
    assert "killed (SIGKILL)" in error.message
    assert "memory" in error.message
    assert "--jobs 1" in error.hint


def test_an_error_line_fails_a_step_that_ends_with_0(tmp_path: Path) -> None:
    error = fails(
        tmp_path, shell("a", "echo 'ERROR: no such cell'; echo 'ERROR: later'; echo 1 > out.txt", log_parser=PARSER)
    )
    assert isinstance(error, BuildError)
    assert "ended with 0, but its log has an error" in error.message
    assert "top.v:3: no such cell" in error.message
    assert "later" not in error.message
    assert "log: out/steps/a/log.txt" in error.message


def test_without_a_known_error_the_last_lines_are_shown(tmp_path: Path) -> None:
    error = fails(tmp_path, shell("a", "seq 100; exit 3"))
    assert "ended with exit code 3" in error.message
    assert "| 86\n" in error.message
    assert "| 85\n" not in error.message


def test_odd_bytes_in_a_log_do_not_matter(tmp_path: Path) -> None:
    error = fails(tmp_path, shell("a", r"printf 'caf\351 \000 \377\n'; exit 1"))
    assert "caf\N{REPLACEMENT CHARACTER}" in error.message


def test_our_own_modules_end_with_the_class_of_their_exit_code(tmp_path: Path) -> None:
    script = "echo noise; echo 'error: fmax 88 MHz < 100 MHz' >&2; echo '  next: lower fclk0' >&2; exit 7"
    error = fails(tmp_path, shell("timing", script, tool="pynqtorch", makes=(FINAL,)))
    assert isinstance(error, TimingError)
    assert "step timing: fmax 88 MHz < 100 MHz" in error.message
    assert "noise" not in error.message
    assert error.hint == "lower fclk0"


def test_a_tool_on_a_full_disk_is_a_storage_error(tmp_path: Path) -> None:
    error = fails(tmp_path, shell("a", "cat log.txt - /dev/zero < /proc/version > /dev/full"))
    assert isinstance(error, StorageError)
    assert "No space left" in error.message
    assert "MiB free" in error.message


def test_a_failed_check_leaves_no_output_under_the_final_name(tmp_path: Path) -> None:
    step = shell("a", "echo 1 > out.txt", makes=(FINAL,), checks=(Check("test_engine_failures:refuse", ("out.txt",)),))
    assert isinstance(fails(tmp_path, step), TimingError)


def refuse(folder: Path, name: str) -> None:
    """A check that reads the output and does not like it."""
    raise TimingError(f"{(folder / name).read_text().strip()} is too slow")


@pytest.mark.parametrize("name", ["no.such.module:f", "os:no_such_function", "os"])
def test_a_check_or_parser_that_does_not_exist_names_the_step(tmp_path: Path, name: str) -> None:
    assert isinstance(fails(tmp_path, shell("a", "echo 1 > out.txt", checks=(Check(name),))), UsageError)
    assert isinstance(fails(tmp_path, shell("b", "echo 1 > out.txt", log_parser=name)), UsageError)


def test_a_daemon_that_a_step_leaves_behind_is_ended_and_told(tmp_path: Path) -> None:
    listener = Listener()
    mark = f"DAEMON_OF={tmp_path}"
    script = "(setsid sh -c 'setsid sleep 300 &' &) ; sleep 0.1; echo 1 > out.txt"
    assert statuses(build(tmp_path, shell("a", script, env={"DAEMON_OF": str(tmp_path)}), observer=listener)) == ["ran"]
    assert processes_with(mark) == []
    assert any("left behind" in text for text in listener.messages)


def test_when_one_step_fails_the_others_are_ended_with_their_children(tmp_path: Path) -> None:
    slow = shell("slow", "touch ../../slow; setsid sleep 300 & wait", env={"M": str(tmp_path)})
    bad = shell("bad", "until [ -e ../../slow ]; do sleep 0.02; done; exit 1")
    listener = Listener()
    with pytest.raises(BuildError, match="step bad"):
        build(tmp_path, slow, bad, observer=listener)
    assert processes_with(f"M={tmp_path}") == []
    assert {o.name: o.status for o in listener.finished} == {"slow": "skipped", "bad": "failed"}


def test_a_file_in_place_of_out_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(StorageError, match="cannot write"):
        build(tmp_path, shell("a", "echo 1 > out.txt"))


def test_a_read_only_output_folder_can_be_made_anew(tmp_path: Path) -> None:
    step = shell("a", "mkdir d; echo x > d/f; chmod 500 d", makes=(Output("d", tree=True),))
    build(tmp_path, step)
    assert statuses(build(tmp_path, step, force=True)) == ["ran"]
