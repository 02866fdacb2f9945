# SPDX-License-Identifier: AGPL-3.0-or-later
"""The engine against real signals, full and read-only file systems, and other runs at the same time."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "unit")]
from engine_driver import EXPECTED  # noqa: E402
from engine_samples import build, processes_with, shell, statuses  # noqa: E402

from pynqtorch.plan import Output  # noqa: E402

pytestmark = pytest.mark.real

DRIVER = [sys.executable, str(HERE / "engine_driver.py")]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
KILLS = 60
SEED = 20261122


def start(root: Path, plan: str, mark: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*DRIVER, str(root), plan, mark],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 60) -> tuple[int, str]:
    output, _ = process.communicate(timeout=timeout)
    return process.returncode, output


def no_process_left(mark: str, seconds: float = 5.0) -> bool:
    """Nothing of the run lives; the supervisor needs a moment to see that the engine is gone."""
    deadline = time.monotonic() + seconds
    while processes_with(mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src.txt").write_text("hello\n")
    return tmp_path


def test_a_run_that_is_killed_at_any_instant_continues_correctly(root: Path) -> None:
    random.seed(SEED)
    clean = time.monotonic()
    assert finish(start(root, "diamond", "first"))[0] == 0
    whole = time.monotonic() - clean
    stages = {"killed": 0, "too late": 0}
    for number in range(KILLS):
        mark = f"{root}/{number}"
        content = f"hello {number % 3}\n"
        (root / "src.txt").write_text(content)
        if number % 3 == 0:
            shutil.rmtree(root / "out/store")
        process = start(root, "diamond", mark)
        time.sleep(random.uniform(0, whole))
        process.kill()
        code, _ = finish(process)
        stages["killed" if code == -signal.SIGKILL else "too late"] += 1
        assert no_process_left(mark), f"kill {number}: processes are left"
        code, output = finish(start(root, "diamond", mark))
        assert code == 0, f"kill {number}: {output}"
        expected = EXPECTED.replace("HELLO\n", content.upper())
        assert (root / "out/final/e").read_text() == expected, f"kill {number}"
        assert (root / "out/final/d/1").read_text() == content.upper()
        assert finish(start(root, "diamond", mark))[1].split() == [
            "done",
            "a=up-to-date",
            "b=up-to-date",
            "c=up-to-date",
            "e=up-to-date",
        ]
    assert stages["killed"] >= 40


def in_child(work: Callable[[], None]) -> int:
    """Exit code of a function in a forked process, -n for signal n."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("store", ["cold", "warm"])
def test_a_kill_at_each_file_operation_of_the_engine_is_mended(root: Path, store: str) -> None:
    tree = Output("d", tree=True, publish="out/final/d")
    steps = (
        shell("a", "tr a-z A-Z < in > out.txt", reads={"in": "src.txt"}),
        shell("b", "mkdir d; cat in > d/1; echo x > d/2", reads={"in": "step:a/out.txt"}, makes=(tree,)),
    )

    def killed_at(number: int) -> None:
        count = 0

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal count
            if event == "open" or event.startswith("os."):
                count += any(str(root) in str(argument) for argument in arguments)
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        build(root, *steps)

    def correct() -> None:
        build(root, *steps)
        text = (root / "src.txt").read_text().upper()
        assert (root / "out/final/d/1").read_text() == text == (root / "out/steps/b/d/1").read_text()
        assert (root / "out/final/d/2").read_text() == "x\n"
        assert build(root, *steps).up_to_date

    if store == "warm":
        for text in "ab":
            (root / "src.txt").write_text(f"{text}\n")
            build(root, *steps)
    kills = 0
    for number in range(1, 400):
        (root / "src.txt").write_text("ab"[number % 2] + "\n")
        if store == "cold":
            shutil.rmtree(root / "out/store", ignore_errors=True)
        if in_child(partial(killed_at, number)) == 0:
            break
        kills += 1
        assert in_child(correct) == 0, f"kill at operation {number}"
    assert kills > 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("step", ["a", "b", "e"])
def test_an_interrupt_ends_all_and_the_next_call_continues(root: Path, number: signal.Signals, step: str) -> None:
    process = start(root, "slow", str(root))
    assert process.stdout is not None
    for line in process.stdout:
        if line == f"started {step}\n":
            break
    process.send_signal(number)
    code, output = finish(process, 10)
    assert code == 130
    assert "InterruptedRunError" in output
    assert "Traceback" not in output
    assert no_process_left(f"ENGINE_TEST={root}", 0)
    code, output = finish(start(root, "slow", str(root)))
    assert code == 0
    assert ("a=up-to-date" in output) == (step != "a")
    assert (root / "out/final/e").read_text() == EXPECTED


def test_an_interrupt_at_any_instant_ends_cleanly(root: Path) -> None:
    random.seed(SEED)
    codes = []
    for number in range(12):
        shutil.rmtree(root / "out", ignore_errors=True)
        process = start(root, "diamond", f"{root}/{number}")
        assert process.stdout is not None
        assert process.stdout.readline() == "started a\n"
        time.sleep(random.uniform(0, 0.8))
        process.send_signal(signal.SIGINT)
        code, output = finish(process, 20)
        codes.append(code)
        assert "Traceback" not in output
        assert no_process_left(f"{root}/{number}", 0.5)
        assert finish(start(root, "diamond", f"{root}/{number}"))[0] == 0
        assert (root / "out/final/e").read_text() == EXPECTED
    assert set(codes) <= {0, 130, -signal.SIGINT}
    assert codes.count(130) >= 6


def test_a_second_interrupt_does_not_wait_for_a_tool_that_ignores_the_first(root: Path) -> None:
    process = start(root, "endless", str(root))
    assert process.stdout is not None
    assert process.stdout.readline() == "started endless\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    assert finish(process, 20)[0] == 130
    assert time.monotonic() - begun < 2.5
    assert no_process_left(f"ENGINE_TEST={root}", 0)


def test_the_grace_ends_with_sigkill(root: Path) -> None:
    process = start(root, "endless", str(root))
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert finish(process, 20)[0] == 130
    assert no_process_left(f"ENGINE_TEST={root}", 0)


def test_two_runs_at_once_the_second_waits_and_finds_it_done(root: Path) -> None:
    one = start(root, "slow", str(root))
    assert one.stdout is not None
    assert one.stdout.readline() == "started a\n"
    two = start(root, "slow", str(root))
    assert finish(one)[0] == 0
    code, output = finish(two)
    assert code == 0
    assert "message a: waiting for another run" in output
    assert "started a" not in output
    assert (root / "out/final/e").read_text() == EXPECTED


def test_four_runs_at_once_make_one_correct_result(root: Path) -> None:
    for _ in range(3):
        shutil.rmtree(root / "out", ignore_errors=True)
        runs = [start(root, "diamond", "same") for _ in range(4)]
        results = [finish(run) for run in runs]
        assert [code for code, _ in results] == [0] * 4, results
        started = "".join(output for _, output in results).split("\n")
        assert sorted(line for line in started if line.startswith("started")) == [f"started {n}" for n in "abce"]
        assert (root / "out/final/e").read_text() == EXPECTED


def test_a_dead_run_holds_no_lock(root: Path) -> None:
    process = start(root, "endless", str(root))
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    finish(process)
    assert no_process_left(f"ENGINE_TEST={root}")
    code, output = finish(start(root, "one"))
    assert (code, "waiting" in output) == (0, False)


def in_namespace(script: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """A shell script in a private mount namespace; skips where none can be made."""
    enter = ["unshare", "--mount", "--propagation", "private", "--"]
    if os.geteuid() != 0:
        enter[1:1] = ["--user", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*enter, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no privilege for a private mount namespace")
    return subprocess.run(
        [*enter, "sh", "-euc", script, "sh", *argv], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )


@pytest.mark.parametrize("plan", ["fill-tool", "fill"])
def test_a_full_disk_is_a_storage_error_with_figures(root: Path, plan: str) -> None:
    size = "16m" if plan == "fill-tool" else "8m"  # fill: the output fits, its copy in the store does not
    script = (
        f'mkdir "$1/out"; mount -t tmpfs -o size={size} tmpfs "$1/out"; shift; "$@" || c=$?; "$@" | tail -1; exit $c'
    )
    done = in_namespace(script, str(root), *DRIVER, str(root), plan)
    assert done.returncode == 8, done.stdout + done.stderr
    assert "StorageError" in done.stdout
    assert "MiB free" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    # What was made before the disk was full is kept: the next call finds it.
    assert ("done small=up-to-date big=up-to-date" in done.stdout) == (plan == "fill")


def test_a_read_only_out_is_a_storage_error(root: Path) -> None:
    script = 'mkdir "$1/out"; mount -t tmpfs -o ro tmpfs "$1/out"; shift; exec "$@"'
    done = in_namespace(script, str(root), *DRIVER, str(root), "one")
    assert done.returncode == 8
    assert "cannot write" in done.stdout
    assert "Read-only file system" in done.stdout


def test_a_mount_below_a_step_directory_is_never_removed_through(root: Path) -> None:
    (root / "precious").mkdir()
    (root / "precious/file").write_text("x")
    script = 'mkdir -p "$1/out/steps/one/m"; mount --bind "$1/precious" "$1/out/steps/one/m"; shift; exec "$@"'
    done = in_namespace(script, str(root), *DRIVER, str(root), "one")
    assert done.returncode == 8
    assert "something is mounted on" in done.stdout
    assert (root / "precious/file").read_text() == "x"


def test_a_step_runs_in_a_rootfs_with_the_same_paths(root: Path) -> None:
    if in_namespace("true").returncode:
        pytest.skip("no namespaces")
    make_rootfs(root / "out/rootfs/mini", "sh", "cat", "sleep")
    step = shell("inside", "cat in > out.txt; echo $PATH >> out.txt", reads={"in": "src.txt"}, where="rootfs:mini")
    assert statuses(build(root, step)) == ["ran"]
    first, path = (root / "out/steps/inside/out.txt").read_text().splitlines()
    assert first == "hello"
    assert path.startswith("/usr/local/sbin:")


def test_killing_the_engine_ends_what_runs_in_a_rootfs(root: Path) -> None:
    if in_namespace("true").returncode:
        pytest.skip("no namespaces")
    make_rootfs(root / "out/rootfs/mini", "sh", "sleep")
    code = (
        "import sys; from pathlib import Path; from engine_samples import build, shell; "
        f"root = {str(root)!r}; step = shell('a', 'echo 1 > here; sleep 300', where='rootfs:mini', env={{'E': root}}); "
        "build(Path(root), step)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**ENVIRONMENT, "PYTHONPATH": f"{HERE.parents[1]}:{HERE.parent / 'unit'}"},
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while not (root / "out/steps/a/here").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert no_process_left(f"E={root}")


def make_rootfs(folder: Path, *programs: str) -> None:
    """A file system of a few of the host's programs and their libraries."""
    (folder / "usr/bin").mkdir(parents=True)
    (folder / "bin").symlink_to("usr/bin")
    for program in programs:
        found = shutil.which(program)
        assert found is not None
        shutil.copy(found, folder / "usr/bin" / program)
        listed = subprocess.run(["ldd", found], capture_output=True, text=True, check=True).stdout
        for word in listed.split():
            if word.startswith("/"):
                target = folder / word.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, target)


def test_stamps_say_what_was_made_of_what(root: Path) -> None:
    finish(start(root, "diamond", "x"))
    stamp = json.loads((root / "out/steps/e/pynqtorch.step.json").read_text())
    assert set(stamp["description"]["inputs"]) == {"i1", "i2"}
    assert stamp["outputs"]["out.txt"].startswith("f:")
