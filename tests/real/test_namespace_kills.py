# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import namespace_samples as samples
import pytest
from namespace_samples import as_plain_user, mounts_with, processes_with, wait_for

from pynqtorch.errors import StorageError
from pynqtorch.sw import mounts
from pynqtorch.sw.namespace import ENTER_FAILED, available, enter

pytestmark = pytest.mark.real

USERS = ["root", "plain"] if os.geteuid() == 0 else ["plain"]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a blank in its name, outside of pytest's private one, that any user may write to."""
    if (told := available()) is not None:
        pytest.skip(told.message)
    folder = Path(tempfile.mkdtemp(prefix="pynqtorch test "))
    folder.chmod(0o777)
    yield folder
    assert mounts_with(folder.name.replace(" ", "\\040")) == []
    shutil.rmtree(folder)


def argv(user: str, rootfs: Path, command: Sequence[str], *, cwd: Path, binds: Sequence[Path] = ()) -> tuple[str, ...]:
    entered = enter(rootfs, command, cwd=cwd, binds=binds, root=user == "root")
    return as_plain_user(entered) if user == "plain" and os.geteuid() == 0 else entered


def run(
    user: str, place: Path, script: str, *arguments: str, binds: Sequence[Path] = ()
) -> subprocess.CompletedProcess[str]:
    rootfs = place / "rootfs"
    if not rootfs.exists():
        samples.little_rootfs(rootfs)
    work = place / "work"
    work.mkdir(exist_ok=True)
    work.chmod(0o777)
    command = argv(user, rootfs, ["sh", "-c", script, "sh", *arguments], cwd=work, binds=binds)
    return subprocess.run(command, input="from outside\n", capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("user", USERS)
def test_a_command_sees_the_rootfs_and_the_bound_folders(user: str, place: Path) -> None:
    done = run(user, place, 'readlink /proc/self/cwd; cat; cat /etc/issue; echo "$1"; echo made >made', "a 'b\" $c")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [str(place / "work"), "from outside", "little", "a 'b\" $c"]
    assert (place / "work/made").read_text() == "made\n"


@pytest.mark.parametrize("user", USERS)
def test_the_rootfs_cannot_be_changed_and_nothing_is_left_in_it(user: str, place: Path) -> None:
    samples.little_rootfs(place / "rootfs")
    before = sorted(str(path) for path in (place / "rootfs").rglob("*"))
    done = run(
        user, place, "touch /etc/x; touch /usr/bin/y; touch /tmp/t && touch /run/r && echo tmp is ours; ls /home"
    )
    assert done.stdout == "tmp is ours\n"
    assert done.stderr.count("Read-only file system") == 2
    assert sorted(str(path) for path in (place / "rootfs").rglob("*")) == before


@pytest.mark.parametrize("user", USERS)
def test_exit_codes(user: str, place: Path) -> None:
    assert run(user, place, "exit 7").returncode == 7
    assert run(user, place, "kill -SEGV $$").returncode == 128 + signal.SIGSEGV
    missing = argv(user, place / "rootfs", ["no-such-command"], cwd=place / "work")
    assert subprocess.run(missing, capture_output=True, check=False).returncode == 127
    done = run(user, place, "true", binds=[place / "absent"])
    assert done.returncode == ENTER_FAILED
    assert "absent does not exist" in done.stderr


@pytest.mark.parametrize("user", USERS)
def test_a_checkout_below_a_folder_that_the_rootfs_has_too(user: str, place: Path) -> None:
    samples.little_rootfs(place / "rootfs")
    inside = place / "rootfs/opt/tool"
    assert inside.is_dir()
    checkout = Path("/var/lib/dpkg")
    if not checkout.is_dir():
        pytest.skip("no /var/lib/dpkg to bind")
    done = run(user, place, "cat /var/lib/kept/file; test -d /var/lib/dpkg/info && echo bound", binds=[checkout])
    assert done.stdout == "kept\nbound\n"
    refused = run(user, place, "true", binds=[Path("/var/run/x")])
    assert refused.returncode == ENTER_FAILED
    assert "a link there" in refused.stderr


@pytest.mark.parametrize("user", USERS)
def test_there_is_no_network(user: str, place: Path) -> None:
    done = run(user, place, "cat /proc/net/dev")
    names = [line.split(":")[0].strip() for line in done.stdout.splitlines() if ":" in line]
    assert names == ["lo"]


@pytest.mark.parametrize("user", USERS)
def test_parallel_steps_share_a_rootfs(user: str, place: Path) -> None:
    run(user, place, "true")
    command = argv(user, place / "rootfs", ["sh", "-c", "cat /etc/issue; touch /tmp/same"], cwd=place / "work")
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    assert [process.communicate(timeout=60)[0] for process in started] == ["little\n"] * 8
    assert [process.returncode for process in started] == [0] * 8


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("victim", ["unshare", "process 1", "command"])
def test_kill_leaves_no_process_and_no_mount(user: str, victim: str, place: Path) -> None:
    run(user, place, "true")
    mark = f"mark-{place.name[-8:]}-{user}"
    script = f"(sleep 1000; echo {mark}) & sleep 1000; echo {mark}"
    command = argv(user, place / "rootfs", ["sh", "-c", script], cwd=place / "work")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    escaped = place.name.replace(" ", "\\040")
    wait_for(lambda: len(processes_with(mark)) >= 4, "start")
    assert mounts_with(escaped) != []
    os.kill(_victim(process.pid, victim), signal.SIGKILL)
    process.wait(timeout=30)
    wait_for(lambda: processes_with(mark) == [], "end of all processes")
    wait_for(lambda: mounts_with(escaped) == [], "end of all mounts")


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_to_the_group_end_all(user: str, number: signal.Signals, place: Path) -> None:
    run(user, place, "true")
    mark = f"mark-{place.name[-8:]}-{user}"
    command = argv(user, place / "rootfs", ["sh", "-c", f"trap '' TERM; sleep 1000; echo {mark}"], cwd=place / "work")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    wait_for(lambda: len(processes_with(mark)) >= 3, "start")
    os.killpg(process.pid, number)
    process.wait(timeout=30)
    wait_for(lambda: processes_with(mark) == [], "end of all processes")


def _victim(first: int, name: str) -> int:
    child = _children(first)[0]
    return {"unshare": first, "process 1": child, "command": _children(child)[0]}[name]


def _children(process: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts in the test's own namespace need root")
def test_deleting_never_reaches_through_a_mount(place: Path) -> None:
    outside = place / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    rootfs = place / "rootfs"
    (rootfs / "mnt").mkdir(parents=True)
    (rootfs / "file").write_text("")
    subprocess.run(["mount", "--bind", str(outside), str(rootfs / "mnt")], check=True)
    try:
        with pytest.raises(StorageError, match="something is mounted on"):
            mounts.delete(rootfs)
        with pytest.raises(StorageError):
            mounts._remove(rootfs)  # even without the check before it
        assert (outside / "precious").read_text() == "kept"
    finally:
        subprocess.run(["umount", str(rootfs / "mnt")], check=True)
    mounts.delete(rootfs)
    assert not rootfs.exists()
    assert (outside / "precious").read_text() == "kept"


@pytest.mark.skipif(os.geteuid() != 0, reason="sees the namespaces of root's processes")
def test_a_rootfs_that_a_step_works_in_is_not_deleted(place: Path) -> None:
    run("root", place, "true")
    rootfs = place / "rootfs"
    process = subprocess.Popen(argv("root", rootfs, ["sleep", "1000"], cwd=place / "work"), start_new_session=True)
    try:
        wait_for(lambda: any(f"{rootfs.name}/usr" in line for line in mounts_with(rootfs.name)), "start")
        with pytest.raises(StorageError, match="works in it"):
            mounts.delete(rootfs)
        assert (rootfs / "etc/issue").exists()
    finally:
        process.kill()
        process.wait(timeout=30)
    wait_for(lambda: not any(f"{rootfs.name}/usr" in line for line in mounts_with(place.name.split()[-1])), "end")
    mounts.delete(rootfs)
    assert not rootfs.exists()
