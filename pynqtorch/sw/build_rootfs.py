# SPDX-License-Identifier: AGPL-3.0-or-later
"""Make a rootfs: ``python -m pynqtorch.sw.build_rootfs recipe.json TARGET``, the program of the rootfs steps.

It runs mmdebstrap into a hidden folder beside TARGET, checks and describes what came out, and renames it.  A kill at
any time leaves no process, no mount and nothing that looks whole; the next run removes the left-overs.  A TARGET that
was made from the same recipe stays as it is (remove it to get newer packages).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pynqtorch.errors import BuildError, FatalError, MissingToolError, OutputError, StorageError, UsageError
from pynqtorch.recipes.models import Rootfs
from pynqtorch.sw import apt, mounts
from pynqtorch.sw.namespace import SEARCH_PATH
from pynqtorch.sw.rootfs import MANIFEST, Manifest, mmdebstrap_argv, problems, read_manifest, recipe_digest

# Ownership: files of a plain user's rootfs have subordinate ids until all is given to the user, who can then delete it.
_MAKE = r"""
set -eu
target=$1
shift
"$@"
[ "$PYNQTORCH_PLAIN_USER" = no ] || chown -h -R 0:0 "$target"
"""


def make(rootfs: Rootfs, target: Path, here: Path) -> Manifest:
    """Make `target` unless it is there, and put ``rootfs.json`` and the link ``tree`` into `here`.

    Raises:
        MissingToolError: a program, key or right is missing.
        UsageError: no mirror is known.
        BuildError: mmdebstrap failed.
        OutputError: what it made is not what the recipe asks for.
        StorageError: no space, or an old rootfs cannot be removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target = target.parent.resolve() / target.name
    with _locked(target.parent / f".{target.name}.lock"):
        for left in mounts.sweep(target.parent, target.name):
            print(f"removed what a killed run left: {left.name}")
        manifest = _present(rootfs, target)
        if manifest is None:
            manifest = _make(rootfs, target)
        else:
            print(f"kept {target}: made from the same recipe (archive of {manifest.date}); remove it to make it anew")
        text = manifest.to_json()
        _replace_text(here / "rootfs.json", text)
        link = here / "tree"
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(target, here.resolve()))
    return manifest


def _present(rootfs: Rootfs, target: Path) -> Manifest | None:
    try:
        manifest = read_manifest(target)
    except FatalError as error:
        if target.exists():
            print(f"replacing {target}: {error.message}")
        return None
    if manifest.recipe != recipe_digest(rootfs):
        print(f"replacing {target}: the recipe has changed")
        return None
    tools = _tools(rootfs, manifest.packages)
    if tools != manifest.tools:  # only the recipe's list of tools has changed
        manifest = Manifest(**{**vars(manifest), "tools": tools})
        _replace_text(target / MANIFEST, manifest.to_json())
    return manifest


def _make(rootfs: Rootfs, target: Path) -> Manifest:
    missing = problems(rootfs, target.parent)
    if missing:
        raise MissingToolError(
            "cannot make a rootfs here: " + "; ".join(obstacle.message for obstacle in missing),
            hint="; ".join(obstacle.hint for obstacle in missing),
        )
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:{SEARCH_PATH}"  # a plain user's lacks /usr/sbin
    keyring = apt.keyring(rootfs.distribution, os.environ)
    mirror = apt.mirror(
        rootfs.distribution,
        rootfs.snapshot,
        os.environ,
        apt.read_sources(),
        apt.parse_os_release(Path("/etc/os-release").read_text()),
    )
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    partial = target.with_name(f".{target.name}.{os.getpid()}{mounts.PARTIAL}")
    tree, scratch = partial / "tree", partial / "tmp"  # mmdebstrap's own files go with it when it is killed
    argv = mmdebstrap_argv(
        rootfs,
        tree,
        mirror=mirror,
        keyring=keyring,
        apt_options=apt.options_of_host(dump),
        plain_user=os.geteuid() != 0,
    )
    tree.mkdir(parents=True)
    scratch.mkdir()
    try:
        _run(argv, tree, scratch)
        manifest = describe(rootfs, tree)
        _replace_text(tree / MANIFEST, manifest.to_json())
        _put_in_place(tree, target)
    finally:
        mounts.delete(partial)
    return manifest


def _run(argv: Sequence[str], tree: Path, scratch: Path) -> None:
    """mmdebstrap in namespaces that end with this process."""
    plain = "no" if os.geteuid() == 0 else "yes"
    command = [
        *("setpriv", "--pdeathsig", "KILL", "--", *mounts.mapped_root()),
        *("/bin/sh", "-c", _MAKE, "pynqtorch-rootfs", str(tree), *argv),
    ]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TMPDIR": str(scratch), "PYNQTORCH_PLAIN_USER": plain}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, env=environment, check=False)
    if done.returncode != 0:
        raise BuildError(
            f"mmdebstrap ended with exit code {done.returncode}; its first E: or Err: line above says why",
            hint="after a network problem, just call again",
        )


def describe(rootfs: Rootfs, tree: Path) -> Manifest:
    """Check a rootfs that mmdebstrap has made against its recipe; the manifest.

    Raises:
        OutputError: no signed Release file, a package of the recipe is not installed, or it is another suite.
    """
    notes = tree / "var/lib/pynqtorch"
    release = (notes / "Release").read_bytes()
    fields = dict(re.findall(r"^(\w[\w-]*): (.*)$", release.decode(errors="replace"), re.MULTILINE))
    if rootfs.suite not in (fields.get("Suite"), fields.get("Codename")):
        raise OutputError(f"the mirror's {rootfs.suite} calls itself {fields.get('Codename')}", hint="another mirror")
    packages = parse_status((tree / "var/lib/dpkg/status").read_text(errors="replace"))
    packages = packages or parse_archives((notes / "archives").read_text())
    absent = [name for name in rootfs.packages if name not in packages]
    if absent:
        raise OutputError(
            f"mmdebstrap ended well, but {', '.join(absent)} of the recipe {rootfs.rootfs} is not installed",
            hint="these may be virtual packages: name the real ones in `packages`",
        )
    for name in ("Release", "archives"):
        (notes / name).unlink()
    return Manifest(
        name=rootfs.rootfs,
        recipe=recipe_digest(rootfs),
        distribution=rootfs.distribution,
        suite=rootfs.suite,
        codename=fields.get("Codename", ""),
        version=fields.get("Version", ""),
        date=fields.get("Date", ""),
        architecture=rootfs.architecture,
        variant=rootfs.variant,
        release_sha256=hashlib.sha256(release).hexdigest(),
        packages=packages,
        tools=_tools(rootfs, packages),
        made_with={name: _host_version(name) for name in ("mmdebstrap", "apt-get", "dpkg")},
        size_bytes=sum(file.lstat().st_size for file in tree.rglob("*") if file.is_file() and not file.is_symlink()),
    )


def parse_status(text: str) -> dict[str, str]:
    """Installed packages, name -> version, of dpkg's status file (deb-control(5) paragraphs)."""
    found: dict[str, str] = {}
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^(Package|Status|Version): *(.*?)\s*$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed") and "Package" in fields:
            found[fields["Package"]] = fields.get("Version", "")
    return dict(sorted(found.items()))


def parse_archives(text: str) -> dict[str, str]:
    """Name -> version of the package files that were unpacked: ``name_1%3a2.0_amd64.deb`` a line."""
    names = (line.removesuffix(".deb").split("_") for line in text.split() if line.endswith(".deb"))
    return {parts[0]: parts[1].replace("%3a", ":") for parts in sorted(names) if len(parts) == 3}


def _tools(rootfs: Rootfs, packages: Mapping[str, str]) -> dict[str, str]:
    absent = sorted({package for package in rootfs.tools.values() if package not in packages})
    if absent:
        raise OutputError(
            f"recipe {rootfs.rootfs}: `tools` names {', '.join(absent)}, which is not installed in it",
            hint="name the packages that carry the tools",
        )
    return {tool: _version_of(package, packages) for tool, package in rootfs.tools.items()}


def _version_of(package: str, packages: Mapping[str, str]) -> str:
    """``4:16.1.0-3 (g++-16 16.2.0-3)``: a package that only points to a numbered one says little about the tool."""
    pattern = re.compile(rf"{re.escape(package)}-[\d.]+")
    numbered = [f"{name} {version}" for name, version in packages.items() if pattern.fullmatch(name)]
    return packages[package] + (f" ({', '.join(sorted(numbered))})" if numbered else "")


@cache
def _host_version(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    match = re.search(r"\d[\w.+~-]*", done.stdout)
    return match[0].rstrip(".") if match else ""


def _put_in_place(tree: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.{os.getpid()}{mounts.TRASH}")
    if target.exists() or target.is_symlink():
        target.rename(old)
    tree.rename(target)
    if old.exists() or old.is_symlink():
        try:
            mounts.delete(old)
        except StorageError as error:
            print(f"W: the rootfs that was there before stays as {old.name} for now: {error.message}")


def _replace_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_text(text)
    temporary.replace(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another process that makes the same rootfs")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code of the error's class, as the engine expects it of our own programs."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # in order with what mmdebstrap writes
    try:
        if len(given) != 2:
            raise UsageError("usage: python -m pynqtorch.sw.build_rootfs recipe.json TARGET")
        rootfs = Rootfs.model_validate_json(Path(given[0]).read_bytes())
        manifest = make(rootfs, Path(given[1]), Path.cwd())
    except FatalError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except OSError as error:
        told = StorageError(f"{error.filename or 'out/'}: {error.strerror}", hint="check space and permissions")
        print(f"error: {told}", file=sys.stderr)
        return told.code
    print(f"{given[1]}: {len(manifest.packages)} packages, {manifest.size_bytes / 1e6:.0f} MB, {manifest.codename}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
