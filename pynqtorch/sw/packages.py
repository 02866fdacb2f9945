# SPDX-License-Identifier: AGPL-3.0-or-later
"""The host's own packages that a stage needs: what is missing, the command that installs it, and installing it.

The list is short because the tools of the flow live in a rootfs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pynqtorch.errors import MissingToolError, UsageError
from pynqtorch.sw.namespace import SEARCH_PATH


@dataclass(frozen=True, slots=True)
class Need:
    """A command or file that a stage needs.

    Attributes:
        probe: a program's name, or alternatives of an absolute path; any one is enough.
        package: the Debian (and Ubuntu) package that has it.
        why: what for, in a few words.
        plain_user_only: root does without.
    """

    probe: tuple[str, ...]
    package: str
    why: str
    plain_user_only: bool = False


_KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp")
STAGES: Mapping[str, tuple[Need, ...]] = {
    "open": (
        Need(("mmdebstrap",), "mmdebstrap", "makes the rootfs with the FPGA tools"),
        Need(("apt-config",), "apt", "mmdebstrap downloads with it"),
        Need(_KEYRINGS, "debian-archive-keyring", "the keys that the rootfs' packages are checked with"),
        Need(("unshare",), "util-linux", "runs the tools in private namespaces"),
        Need(("setpriv",), "util-linux", "ends the rootfs' making with the build"),
        Need(("mount",), "mount", "shows the checkout inside of the rootfs"),
        Need(("newuidmap",), "uidmap", "lets a plain user unpack a rootfs", plain_user_only=True),
    ),
    "test": (Need(("iverilog",), "iverilog", "simulates the Verilog with cocotb, whose libraries are on the host"),),
}
"""Stage -> what it needs besides Python and .venv."""


def missing(stages: Sequence[str], *, path: str | None = None, root: bool | None = None) -> tuple[Need, ...]:
    """What the stages need and this machine lacks, each package once.

    Args:
        stages: keys of `STAGES`.
        path: search path of programs; the environment's and the system's if None.
        root: whether the caller is root; asked from the system if None.

    Raises:
        UsageError: no such stage.
    """
    is_root = os.geteuid() == 0 if root is None else root
    found: dict[str, Need] = {}
    for stage in stages:
        if stage not in STAGES:
            raise UsageError(f"no stage {stage!r}", hint="one of " + ", ".join(STAGES))
        for need in STAGES[stage]:
            if not (need.plain_user_only and is_root) and not _there(need, path):
                found.setdefault(need.package, need)
    return tuple(found.values())


def _there(need: Need, path: str | None) -> bool:
    places = f"{os.environ.get('PATH', '')}:{SEARCH_PATH}" if path is None else path
    return any(
        Path(probe).exists() if probe.startswith("/") else shutil.which(probe, path=places) is not None
        for probe in need.probe
    )


def commands(needs: Sequence[Need], *, root: bool | None = None) -> tuple[tuple[str, ...], ...]:
    """The argv lists that install them: apt-get update, apt-get install, by sudo for a plain user."""
    is_root = os.geteuid() == 0 if root is None else root
    before = () if is_root else ("sudo",)
    names = sorted({need.package for need in needs})
    return (
        (*before, "apt-get", "update"),
        (*before, "apt-get", "install", "-y", "--no-install-recommends", *names),
    )


def command(needs: Sequence[Need], *, root: bool | None = None) -> str:
    """The same as a line for a shell."""
    return " && ".join(" ".join(argv) for argv in commands(needs, root=root))


def install(needs: Sequence[Need]) -> None:
    """Say what will run, run it, and look again.

    Raises:
        MissingToolError: not a Debian, neither root nor sudo, apt-get failed, or something is still missing.
    """
    if not needs:
        return
    names = ", ".join(sorted({need.package for need in needs}))
    if shutil.which("apt-get") is None:
        raise MissingToolError(
            f"system packages are missing: {names} (Debian's names), and there is no apt-get here",
            hint="install them with this system's package manager, or build on Debian 12 or Ubuntu 22.04 and later",
        )
    if os.geteuid() != 0 and shutil.which("sudo") is None:
        raise MissingToolError(f"system packages are missing: {names}", hint="as root: " + command(needs, root=True))
    for argv in commands(needs):
        print("$ " + " ".join(argv), file=sys.stderr, flush=True)
        # sudo takes no variables of ours; there apt's own questions have --no-install-recommends -y as the answer
        done = subprocess.run(argv, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=2, check=False)
        if done.returncode != 0:
            raise MissingToolError(
                f"`{' '.join(argv)}` ended with exit code {done.returncode}",
                hint="see its message above; then run it yourself, or call again with --no-install to be told only",
            )
    still = [need for need in needs if not _there(need, None)]
    if still:
        raise MissingToolError(
            "installed, but still missing: " + ", ".join(need.probe[0] for need in still),
            hint="is the package's folder on PATH?",
        )
