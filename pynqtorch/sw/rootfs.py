# SPDX-License-Identifier: AGPL-3.0-or-later
"""Root file systems by mmdebstrap: the Step, the command line, the manifest, and what a machine lacks for it.

A rootfs lies in ``out/rootfs/<name>/`` and appears there by one rename when it is whole.  Its manifest,
``var/lib/pynqtorch/rootfs.json`` in it, says what is inside; the step's ``rootfs.json`` is a copy.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pynqtorch.errors import FormatError, MissingToolError
from pynqtorch.modules import python_step
from pynqtorch.plan import Output, Resources, Step
from pynqtorch.recipes.models import Rootfs
from pynqtorch.sw.apt import SETTINGS
from pynqtorch.sw.namespace import Obstacle

FORMAT = 1
"""Counts up when the same recipe must be made anew."""
MANIFEST = "var/lib/pynqtorch/rootfs.json"
NEEDED_BYTES = 2_500_000_000
"""Free space that a rootfs of tools is asked to have while it is made (fpga: 0.8 GB, and its packages)."""

# Documentation, translations and fonts are of no use to a build. The recipes' boards are Zynq-7000 only, so of the
# databases for the 7 series the other families' part (478 MB of 570) stays out.
_EXCLUDED = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/fonts/*",
    "/usr/share/prjxray/database/artix7/*",
    "/usr/share/prjxray/database/kintex7/*",
    "/usr/share/prjxray/database/spartan7/*",
    "/usr/share/nextpnr/himbaechel/xilinx/chipdb-xc7[!z]*",
)
_INCLUDED = ("/usr/share/doc/*/copyright",)
# apt's lists and packages are still there after unpacking; they are gone at the end.
_HOOK = (
    'mkdir -p "$1/var/lib/pynqtorch" && cat "$1"/var/lib/apt/lists/*Release >"$1/var/lib/pynqtorch/Release"'
    ' && ls "$1/var/cache/apt/archives" >"$1/var/lib/pynqtorch/archives"'
)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a rootfs holds.

    Attributes:
        recipe: digest of what the recipe says (`recipe_digest`).
        suite, codename, version, date: as the archive's Release file has them.
        release_sha256: of that (signed) file: which state of the archive it was.
        packages: name -> version.
        tools: tool -> version of its package, for the keys of steps.
        made_with: program -> version on the host.
        size_bytes: apparent size of all files.
    """

    name: str
    recipe: str
    distribution: str
    suite: str
    codename: str
    version: str
    date: str
    architecture: str
    variant: str
    release_sha256: str
    packages: Mapping[str, str]
    tools: Mapping[str, str]
    made_with: Mapping[str, str] = field(default_factory=dict)
    size_bytes: int = 0

    def to_json(self) -> str:
        """Sorted, one key a line."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True) + "\n"


def folder(root: Path, name: str) -> Path:
    """Where the rootfs `name` of the repository at `root` lies."""
    return root / "out" / "rootfs" / name


def step(rootfs: Rootfs, *, environment: Mapping[str, str] | None = None, package: str = "pynqtorch") -> Step:
    """The Step that makes a rootfs: mmdebstrap, then checks and the manifest.

    Args:
        rootfs: the recipe.
        environment: the caller's, of which only `SETTINGS` (mirror, keyring, proxies) is used.
        package: where our package's folder is, as an Input source (relative to the repository, or absolute).
    """
    given = environment or {}
    step = python_step(
        f"rootfs.{rootfs.rootfs}",
        "pynqtorch.sw.build_rootfs",
        ["recipe.json", f"../../rootfs/{rootfs.rootfs}"],
        files={"recipe.json": rootfs.model_dump_json(indent=1) + "\n"},
        outputs=(
            Output("rootfs.json", keep_in_store=False),
            Output("tree", tree=True, keep_in_store=False),
        ),
        title=f"root file system {rootfs.rootfs}: {rootfs.distribution} {rootfs.suite}, "
        f"{len(rootfs.packages)} packages and what they need",
        resources=Resources(cores=1, memory_mib=600),
        log_parser="pynqtorch.sw.rootfs_log:parse_line",
        package=package,
    )
    settings = {name: given[name] for name in SETTINGS if given.get(name)}
    return replace(step, env={**step.env, "PYTHONUNBUFFERED": "1", **settings}, network=True)


def recipe_digest(rootfs: Rootfs) -> str:
    """Of all in the recipe that decides what is installed."""
    data = rootfs.model_dump(mode="json", exclude={"description", "tools"})
    return hashlib.sha256(json.dumps([FORMAT, data, _EXCLUDED], sort_keys=True).encode()).hexdigest()


def mmdebstrap_argv(
    rootfs: Rootfs,
    target: Path,
    *,
    mirror: str,
    keyring: Path,
    apt_options: Sequence[str] = (),
    plain_user: bool = False,
) -> tuple[str, ...]:
    """The command that fills `target`, to be run as root or as root of a user namespace.

    Signatures are checked against `keyring` alone.  Options exist in mmdebstrap 0.8.4 (Ubuntu 22.04) and later.
    """
    options = [*apt_options, 'Acquire::Languages "none"', 'APT::Install-Recommends "false"']
    if rootfs.snapshot is not None:
        options.append('Acquire::Check-Valid-Until "false"')  # a pinned date is meant to be old
    if plain_user:
        options.append('APT::Sandbox::User "root"')  # the user _apt cannot look into a private home
    trims = [f"path-exclude={pattern}" for pattern in _EXCLUDED] + [f"path-include={pattern}" for pattern in _INCLUDED]
    return (
        *("mmdebstrap", "--mode=root", "--format=directory", f"--variant={rootfs.variant}"),
        *(f"--architectures={rootfs.architecture}", f"--components={','.join(rootfs.components)}"),
        f"--include={','.join(rootfs.packages)}",
        *(f"--aptopt={option}" for option in dict.fromkeys(options)),
        *(f"--dpkgopt={option}" for option in trims),
        *(("--skip=chroot/mount/sys",) if plain_user else ()),  # sysfs wants a network namespace of its own
        f"--extract-hook={_HOOK}",
        *(rootfs.suite, str(target)),
        # As an entry with signed-by: with --keyring alone every key that the host's apt trusts would do as well.
        f"deb [signed-by={keyring}] {mirror} {rootfs.suite} {' '.join(rootfs.components)}",
    )


def read_manifest(path: Path) -> Manifest:
    """The manifest of a rootfs.

    Args:
        path: the rootfs' folder, or a ``rootfs.json``.

    Raises:
        MissingToolError: there is none, so there is no whole rootfs.
        FormatError: it is not one of ours.
    """
    file = path / MANIFEST if path.is_dir() else path
    try:
        data = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingToolError(f"there is no rootfs in {path}", hint="the build makes it: ./inv build") from error
    except ValueError as error:
        raise FormatError(f"{file}: not JSON ({error})", hint="remove the rootfs; it is then made anew") from error
    if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
        raise FormatError(f"{file}: not a manifest of format {FORMAT}", hint="remove the rootfs; it is then made anew")
    try:
        return Manifest(**data)
    except TypeError as error:
        raise FormatError(f"{file}: {error}", hint="remove the rootfs; it is then made anew") from error


def versions(manifest: Manifest) -> dict[str, str]:
    """Tool -> exact version (of its package), for `Tool.version` in steps that run in the rootfs."""
    return dict(manifest.tools)


def problems(rootfs: Rootfs, out: Path, *, path: str | None = None) -> tuple[Obstacle, ...]:
    """What keeps this machine from making the rootfs; empty if nothing.

    Args:
        rootfs: the recipe.
        out: the folder that will hold it; the nearest existing folder above counts.
        path: search path of programs, the environment's if None.
    """
    from pynqtorch.sw.namespace import SEARCH_PATH, available

    found = []
    everywhere = f"{os.environ.get('PATH', '') if path is None else path}:{SEARCH_PATH}"
    for tool, package in (("mmdebstrap", "mmdebstrap"), ("setpriv", "util-linux"), ("apt-config", "apt")):
        if shutil.which(tool, path=everywhere) is None:
            found.append(Obstacle(f"{tool} is not installed", f"apt-get install {package}"))
    if (refused := available()) is not None:
        found.append(refused)
    elif os.geteuid() != 0:
        found.extend(_plain_user_problems(everywhere))
    if rootfs.variant not in ("extract", "custom") and (emulator := _missing_emulator(rootfs.architecture)):
        found.append(Obstacle(f"no emulator for {rootfs.architecture}: {emulator}", "apt-get install qemu-user-static"))
    place = next(p for p in (out, *out.parents) if p.exists())
    free = shutil.disk_usage(place).free
    if free < NEEDED_BYTES:
        found.append(
            Obstacle(
                f"{place} has {free / 1e9:.1f} GB free, a rootfs wants {NEEDED_BYTES / 1e9:.1f} GB",
                f"free space: df -h {place}",
            )
        )
    return tuple(found)


def _plain_user_problems(path: str) -> list[Obstacle]:
    import getpass
    import subprocess

    if shutil.which("newuidmap", path=path) is None:
        return [Obstacle("newuidmap is not installed (a plain user needs it)", "sudo apt-get install uidmap")]
    tried = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--map-auto", "--", "true"],
        capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if tried.returncode == 0:
        return []
    if "map-auto" in tried.stderr:
        return [
            Obstacle("unshare is older than util-linux 2.38, which a plain user needs", "run as root: sudo ./inv setup")
        ]
    user = getpass.getuser()
    return [
        Obstacle(
            f"user {user} has no subordinate ids: {tried.stderr.strip()}",
            f"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}",
        )
    ]


def _missing_emulator(architecture: str) -> str:
    machine = os.uname().machine
    native = {"x86_64": ("amd64",), "aarch64": ("arm64",), "armv7l": ("armhf", "armel")}.get(machine, ())
    qemu = {"amd64": "qemu-x86_64", "arm64": "qemu-aarch64", "armhf": "qemu-arm", "armel": "qemu-arm"}[architecture]
    if architecture in native or Path("/proc/sys/fs/binfmt_misc", qemu).exists():
        return ""
    return f"{qemu} is not registered with binfmt_misc"
