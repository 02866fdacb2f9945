# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the real tests of namespaces and rootfs share: a tiny rootfs, and running as another user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLAIN_ID = 65534
"""nobody: a user without home, rights and subordinate ids."""


def as_plain_user(argv: Sequence[str], user: int = PLAIN_ID) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--inh-caps=-all", "--", *argv)


def little_rootfs(folder: Path) -> Path:
    """The host's /bin/busybox or shell with its libraries, in a folder; enough to start programs."""
    for name in ("usr/bin", "etc", "proc", "var/lib/kept", "opt/tool/data"):
        (folder / name).mkdir(parents=True)
    for name in ("sh", "sleep", "cat", "touch", "id", "mkdir", "ls", "env", "readlink", "test"):
        found = shutil.which(name, path="/usr/bin:/bin")
        assert found is not None
        _copy_program(Path(found), folder, name)
    (folder / "bin").symlink_to("usr/bin")
    (folder / "etc" / "issue").write_text("little\n")
    (folder / "var/lib/kept/file").write_text("kept\n")
    (folder / "var/run").symlink_to("/run")
    return folder


def _copy_program(program: Path, folder: Path, name: str) -> None:
    shutil.copy(program.resolve(), folder / "usr/bin" / name)
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
    for word in listed.split():
        if word.startswith("/") and not (target := folder / word[1:]).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(word).resolve(), target)


def processes_with(mark: str) -> list[str]:
    """Processes whose command line has `mark`, but for this one."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if mark in line:
                found.append(f"{folder.name}: {line}")
    return found


def mounts_with(mark: str) -> list[str]:
    """Mounts that have `mark` in any namespace that can be seen."""
    found: set[str] = set()
    for table in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            found.update(line for line in table.read_text(errors="replace").splitlines() if mark in line)
        except OSError:
            continue
    return sorted(found)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)


def python_for_others() -> str | None:
    """An interpreter of this version that a plain user may run, with this environment's packages, or None."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = shutil.which(name, path="/usr/bin:/usr/local/bin")
    if found is None:
        return None
    tried = subprocess.run(
        as_plain_user([found, "-c", "import pydantic, pynqtorch"]), env=python_environment(), check=False, cwd="/"
    )
    return found if tried.returncode == 0 else None


def python_environment() -> dict[str, str]:
    import pydantic

    packages = Path(pydantic.__file__).parents[1]
    return {"PATH": "/usr/bin:/bin", "HOME": "/", "PYTHONPATH": f"{ROOT}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"}
