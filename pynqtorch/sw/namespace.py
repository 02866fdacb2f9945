# SPDX-License-Identifier: AGPL-3.0-or-later
"""Run a command in a rootfs, in namespaces of its own that end with it.

A classic ``mount --bind; chroot`` leaves its mounts behind when it is killed, and the ``rm -rf`` that follows reaches
through them.  Here every mount is made in a private mount namespace, and every process lives in a private pid
namespace: when its first process ends, by whatever signal, the kernel ends the rest and drops the mounts.

What the command sees: a fresh tmpfs as ``/``, onto which the directories of the rootfs are bound read-only, so parallel
steps share one rootfs and cannot change it; ``/tmp``, ``/run``, ``/home`` and ``/root`` empty and its own; ``/proc`` of
its own pid namespace; a small ``/dev``; and the *binds* at the same absolute paths as outside, writable.  A chroot is
no security boundary: this protects against accidents, not against hostile programs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pynqtorch.errors import UsageError

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH inside: the rootfs' own programs, whatever the caller's PATH says."""
ENTER_FAILED = 125
"""Exit code when a mount could not be made (as in env, chroot and docker run); 127 when the command is not there."""

# The tmpfs goes over /sys because no checkout, venv or rootfs can lie there, so no source of a bind is hidden by it.
# nosuid and nodev: a user namespace may not lift these from a bind, and asking for them is allowed everywhere.
# One `mount --all` instead of a dozen mounts: starting mount costs 2 ms, which is more than all that it does.
# The command is not process 1 itself: as such it would ignore SIGTERM. When this shell ends, the kernel ends the rest.
_SCRIPT = r"""
set -euf
root=$1 root_in_table=$2 cwd=$3 network=$4 binds=$5 binds_in_table=$6 new=/sys
shift 6
nl='
'
fail() { printf 'pynqtorch: cannot enter %s: %s\n' "$root" "$1" >&2; exit 125; }
fill() {  # $1: a folder of the rootfs as seen inside; sets folders, files, links, top_links, table
  set +f
  set -- "$1" "$root$1"/* "$root$1"/.[!.]*
  set -f
  inside=$1
  shift
  for entry in "$@"; do
    inside=${entry#"$root"}
    case $inside in
      /proc | /sys | /dev | /tmp | /run | /home | /root | /mnt | /media | /srv | /boot | /lost+found) continue ;;
      *[[:space:]\\]*) fail "$inside: a name with a space or backslash" ;;
    esac
    if [ -L "$entry" ]; then
      case $nl$binds$nl in
        *"$nl$inside/"* | *"$nl$inside$nl"*) fail "a bind goes through $inside, which is a link there" ;;
      esac
      case $inside in
        /*/*) links=$links$inside$nl ;;
        *) top_links=$top_links$entry$nl ;;
      esac
    elif [ -d "$entry" ]; then
      folders=$folders$new$inside$nl
      case $nl$binds in
        *"$nl$inside/"*) fill "$inside" ;;
        *) table="$table$root_in_table$inside $new$inside none bind,ro,nosuid,nodev$nl" ;;
      esac
    elif [ -e "$entry" ]; then
      files=$files$new$inside$nl
      table="$table$root_in_table$inside $new$inside none bind,ro,nosuid,nodev$nl"
    fi
  done
}
[ -d "$root/usr" ] || fail 'it holds no file system'
trap 'case $? in 0 | 125) ;; *) fail "a mount or folder could not be made (see the line above)" ;; esac' EXIT
IFS=$nl
files='' folders='' links='' top_links='' table="proc $new/proc proc nosuid,nodev,noexec$nl"
for device in null${nl}zero${nl}full${nl}random${nl}urandom; do
  files=$files$new/dev/$device$nl
  table="$table/dev/$device $new/dev/$device none bind$nl"
done
fill ''
for bind in $binds; do
  if [ -d "$bind" ]; then
    folders=$folders$new$bind$nl
  elif [ -e "$bind" ]; then
    folders=$folders$new${bind%/*}$nl files=$files$new$bind$nl
  else
    fail "$bind does not exist"
  fi
done
for bind in $binds_in_table; do
  table="$table$bind $new$bind none rbind$nl"
done
if [ "$network" = yes ] && [ -f /etc/resolv.conf ] && [ -f "$root/etc/resolv.conf" ] && [ ! -L "$root/etc/resolv.conf" ]
then
  table="$table/etc/resolv.conf $new/etc/resolv.conf none bind$nl"
fi
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$new"
cd "$new"
PWD=$cwd  # the caller may have exported it
unset OLDPWD
mkdir dev home media mnt proc root run srv sys
mkdir -m 1777 dev/shm tmp
# shellcheck disable=SC2086  # split at line breaks on purpose
[ -z "$folders" ] || mkdir -p $folders
for file in $files; do : >>"$file"; done
cp -P /dev/fd /dev/stdin /dev/stdout /dev/stderr dev/
# shellcheck disable=SC2086
[ -z "$top_links" ] || cp -P $top_links .
for link in $links; do cp -P "$root$link" "$new$link"; done
printf '%s' "$table" >run/pynqtorch.fstab
mount --all --fstab "$new/run/pynqtorch.fstab"
trap - EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
exec 3<&0
unshare --root="$new" --wd="$cwd" -- "$@" <&3 3<&- &
exec 3<&-
wait "$!"
"""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why no namespace can be made here, and the command that mends it."""

    message: str
    hint: str


def enter(
    rootfs: Path,
    argv: Sequence[str],
    *,
    cwd: Path,
    binds: Sequence[Path] = (),
    network: bool = False,
    root: bool | None = None,
) -> tuple[str, ...]:
    """The argv that runs `argv` in `rootfs`; nothing is run or read here.

    Environment variables of the caller are passed on, but for PATH, which is `SEARCH_PATH` inside.  The exit code is
    the command's; 128 + n when signal n ended it; `ENTER_FAILED` when a mount failed; 127 for no such command.
    SIGTERM and SIGINT to the process group end all of it; SIGKILL to any process of it as well.

    Args:
        rootfs: absolute path of an unpacked root file system.
        argv: program (looked up on `SEARCH_PATH` inside) and arguments, passed on as they are.
        cwd: absolute; where the command starts.  It is bound as well where no bind covers it.
        binds: absolute paths (folders or files) that are seen inside at the same path, writable.
        network: without it the command has a network namespace with nothing in it.
        root: whether the caller is root; the effective user id decides when None.

    Raises:
        UsageError: a path is not absolute, is ``/`` or has a line break, or argv is empty.
    """
    if not argv:
        raise UsageError("nothing to run in the rootfs")
    wanted = [*binds, cwd] if cwd != Path("/") else [*binds]
    for path in (rootfs, *wanted):
        _check(path)
    covered = [str(path) for path in sorted(set(wanted)) if not any(other in path.parents for other in wanted)]
    return (
        *namespaces(network=network, root=root),
        *("/bin/sh", "-c", f"PATH={SEARCH_PATH}{_SCRIPT}", "pynqtorch-enter"),
        *(str(rootfs), _in_table(str(rootfs)), str(cwd), "yes" if network else "no"),
        *("\n".join(covered), "\n".join(_in_table(path) for path in covered)),
        *argv,
    )


def namespaces(*, network: bool, root: bool | None = None) -> tuple[str, ...]:
    """The ``unshare`` call in front: private mounts and pids, no network unless asked, root inside for a plain user."""
    is_root = os.geteuid() == 0 if root is None else root
    return (
        "unshare",
        *(() if is_root else ("--user", "--map-root-user")),
        *("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"),
        *(() if network else ("--net",)),
        "--",
    )


def _check(path: Path) -> None:
    if not path.is_absolute() or ".." in path.parts or path == Path("/") or "\n" in str(path):
        raise UsageError(
            f"cannot bind {str(path)!r} into a rootfs",
            hint="give an absolute path without '..' and without a line break",
        )


def _in_table(path: str) -> str:
    """As fstab(5) wants it: backslash, space and tab as octal numbers."""
    return path.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")


_PROBE = f"PATH={SEARCH_PATH}; mount -t tmpfs tmpfs /sys && mount -t proc proc /proc"


def available(*, root: bool | None = None, sysctl: Path = Path("/proc/sys")) -> Obstacle | None:
    """Try to make the namespaces; None if it works (5 ms), else what is in the way and what mends it."""
    is_root = os.geteuid() == 0 if root is None else root
    missing = [tool for tool in ("unshare", "mount") if shutil.which(tool, path=SEARCH_PATH) is None]
    if missing:
        return Obstacle(f"{' and '.join(missing)} not found", "apt-get install util-linux mount")
    tried = subprocess.run(
        [*namespaces(network=False, root=root), "/bin/sh", "-c", _PROBE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    if tried.returncode == 0:
        return None
    settings = {name: _setting(sysctl / name) for name in _SYSCTLS}
    return explain_refusal(tried.stderr.strip(), is_root=is_root, settings=settings)


_SYSCTLS = (
    "kernel/apparmor_restrict_unprivileged_userns",
    "kernel/unprivileged_userns_clone",
    "user/max_user_namespaces",
)


def explain_refusal(error: str, *, is_root: bool, settings: Mapping[str, str]) -> Obstacle:
    """Why the kernel refused.

    Args:
        error: what unshare or mount said.
        is_root: the caller is root (then a container without CAP_SYS_ADMIN is the usual reason).
        settings: the three sysctls of `_SYSCTLS`, name -> value, empty where there is none.
    """
    last = error.splitlines()[-1] if error else "no message"
    if "propagation" in error:
        return Obstacle(
            f"/ is no mount point, as in a plain chroot: {last}",
            "outside of it: mount --bind CHROOT CHROOT, then chroot into it again",
        )
    if is_root:
        return Obstacle(
            f"root may not make namespaces here: {last}",
            "this looks like a container without CAP_SYS_ADMIN: start it with --privileged, "
            "or with --cap-add SYS_ADMIN --security-opt apparmor=unconfined --security-opt seccomp=unconfined",
        )
    if settings.get("kernel/apparmor_restrict_unprivileged_userns", "") not in ("", "0"):
        return Obstacle(
            "AppArmor keeps plain users from user namespaces (the default since Ubuntu 23.10)",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root",
        )
    if settings.get("kernel/unprivileged_userns_clone") == "0":
        return Obstacle(
            "user namespaces are off for plain users",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1, or run as root",
        )
    if settings.get("user/max_user_namespaces") == "0":
        return Obstacle(
            "the kernel allows no user namespace", "sudo sysctl -w user.max_user_namespaces=15000, or run as root"
        )
    return Obstacle(
        f"a plain user may not make namespaces here: {last}",
        "in a container, start it with --privileged; else run as root",
    )


def _setting(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def delete_tree(path: Path) -> None:
    """Remove a file, link or folder so that no mount can be touched (`pynqtorch.sw.mounts.delete`).

    Raises:
        StorageError: a mount lies below, a process uses it, or there is no permission.
    """
    from pynqtorch.sw.mounts import delete  # that module imports this one

    delete(path)
