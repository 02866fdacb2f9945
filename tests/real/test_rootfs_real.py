# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rootfs made by mmdebstrap from this machine's mirror: whole, killed, as root and as a plain user."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from namespace_samples import (
    as_plain_user,
    mounts_with,
    processes_with,
    python_environment,
    python_for_others,
    wait_for,
)

from pynqtorch.errors import BuildError, UsageError
from pynqtorch.recipes.models import Rootfs
from pynqtorch.sw import apt, rootfs
from pynqtorch.sw.namespace import enter
from pynqtorch.sw.rootfs_log import parse_line

pytestmark = pytest.mark.real

TINY = Rootfs(
    rootfs="tiny",
    suite="forky",
    variant="extract",
    packages=("base-files", "busybox-static"),
    tools={"busybox": "busybox-static"},
)


@pytest.fixture
def repository() -> Iterator[Path]:
    try:
        apt.mirror(
            "debian", None, os.environ, apt.read_sources(), apt.parse_os_release(Path("/etc/os-release").read_text())
        )
    except UsageError as error:
        pytest.skip(error.message)
    folder = Path(tempfile.mkdtemp(prefix="pynqtorch-rootfs-"))
    folder.chmod(0o755)
    if found := rootfs.problems(TINY, folder):
        pytest.skip("; ".join(obstacle.message for obstacle in found))
    yield folder
    assert mounts_with(folder.name) == []
    assert processes_with(folder.name) == []
    shutil.rmtree(folder)


def start(
    repository: Path, recipe: Rootfs, *, user: int = 0, python: str = sys.executable, **settings: str
) -> subprocess.Popen[str]:
    step = rootfs.step(recipe, environment={**os.environ, **settings})
    folder = repository / "out" / "steps" / step.name
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in step.files.items():
        (folder / name).write_text(text)
    if user:
        for path in (repository, *repository.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
    command = [python, *step.commands[0][1:]]
    environment = {**python_environment(), **{name: step.env[name] for name in apt.SETTINGS if name in step.env}}
    return subprocess.Popen(
        as_plain_user(command, user) if user else command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    text = process.communicate(timeout=280)[0]
    assert process.returncode == code, text
    return text


def check_whole(repository: Path) -> None:
    folder = rootfs.folder(repository, "tiny")
    manifest = rootfs.read_manifest(folder)
    assert manifest.codename == "forky"
    assert set(TINY.packages) <= set(manifest.packages)
    assert rootfs.versions(manifest)["busybox"] == manifest.packages["busybox-static"]
    step = repository / "out/steps/rootfs.tiny"
    assert json.loads((step / "rootfs.json").read_text())["release_sha256"] == manifest.release_sha256
    assert (step / "tree").resolve() == folder.resolve()
    done = subprocess.run(
        enter(folder, ["busybox", "uname"], cwd=repository), capture_output=True, text=True, check=False
    )
    assert done.stdout == "Linux\n", done.stderr
    assert [path.name for path in folder.parent.iterdir() if not path.name.endswith(".lock")] == ["tiny"]


@pytest.mark.skipif(os.geteuid() != 0, reason="as root")
def test_killed_in_the_middle_then_made_then_kept(repository: Path) -> None:
    process = start(repository, TINY)
    folder = repository / "out/rootfs"
    wait_for(lambda: any(folder.glob(".tiny.*.partial/tree/var/lib/apt/lists/*Release")), "apt-get update", 120)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    wait_for(
        lambda: processes_with(folder.name + "/.tiny") == [] and processes_with(repository.name) == [], "end of all"
    )
    assert mounts_with(repository.name) == []
    assert not rootfs.folder(repository, "tiny").exists()

    text = finish(start(repository, TINY))
    assert "removed what a killed run left" in text
    check_whole(repository)
    again = time.monotonic()
    assert "made from the same recipe" in finish(start(repository, TINY))
    assert time.monotonic() - again < 30


def test_a_signature_by_an_unknown_key_is_refused(repository: Path) -> None:
    (repository / "empty.gpg").write_bytes(b"")
    text = finish(start(repository, TINY, PYNQTORCH_KEYRING=str(repository / "empty.gpg")), BuildError.code)
    assert "mmdebstrap ended with exit code" in text
    findings = [finding for line in text.splitlines() if (finding := parse_line(line))]
    assert "PYNQTORCH_KEYRING" in next(finding.text for finding in findings if finding.severity == "error")
    assert not rootfs.folder(repository, "tiny").exists()
    assert [path.name for path in (repository / "out/rootfs").iterdir()] == [".tiny.lock"]


@pytest.fixture
def plain_user() -> Iterator[int]:
    """A user of its own with subordinate ids, as adduser gives them."""
    if os.geteuid() != 0 or shutil.which("useradd") is None:
        pytest.skip("root and useradd make the user")
    name = f"pqtest{os.getpid()}"
    subprocess.run(["useradd", "--no-create-home", name], check=True)
    yield pwd.getpwnam(name).pw_uid
    subprocess.run(["userdel", name], check=True)


def test_a_plain_user_makes_one_in_a_private_folder_and_can_delete_it(plain_user: int, repository: Path) -> None:
    python = python_for_others()
    if python is None:
        pytest.skip("no Python that a plain user may run with these packages")
    repository.chmod(0o700)
    process = start(repository, TINY, user=plain_user, python=python)
    folder = repository / "out/rootfs"
    wait_for(lambda: any(folder.glob(".tiny.*.partial/tree/var/lib/apt/lists/*Release")), "apt-get update", 120)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    wait_for(lambda: processes_with(repository.name) == [], "end of all processes")

    text = finish(start(repository, TINY, user=plain_user, python=python))
    assert "removed what a killed run left" in text
    check_whole(repository)
    tree = rootfs.folder(repository, "tiny")
    assert {path.lstat().st_uid for path in tree.rglob("*")} == {plain_user}
    subprocess.run(as_plain_user(["rm", "-rf", str(tree)], plain_user), check=True)
    assert not tree.exists()
