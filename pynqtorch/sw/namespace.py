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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pynqtorch.errors import UsageError

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH inside: the rootfs' own programs, whatever the caller's PATH says."""
ENTER_FAILED = 125
"""Exit code when a mount could not be made (as in env, chroot and docker run); 127 when the command is not there."""

# The tmpfs goes over /sys because no checkout, venv or rootfs can lie there, so no source of a bind is hidden by it.
# nosuid and nodev: a user namespace may not lift these from a bind, and asking for them is allowed everywhere.
# The command is not process 1 itself: as such it would ignore SIGTERM. When this shell ends, the kernel ends the rest.
_SCRIPT = r"""
set -eu
root=$1 cwd=$2 network=$3 binds=$4 new=/sys
shift 4
nl='
'
fail() { printf 'pynqtorch: cannot enter %s: %s\n' "$root" "$1" >&2; exit 125; }
fill() (  # $1 directory of the rootfs, $2 its path inside
  for entry in "$1"/* "$1"/.[!.]*; do
    inside=$2/${entry##*/}
    case $inside in
      /proc | /sys | /dev | /tmp | /run | /home | /root | /mnt | /media | /srv | /boot | /lost+found) continue ;;
    esac
    if [ -L "$entry" ]; then
      case $nl$binds$nl in
        *"$nl$inside/"* | *"$nl$inside$nl"*) fail "a bind goes through $inside, which is a link there" ;;
      esac
      cp -P "$entry" "$new$inside"
    elif [ -d "$entry" ]; then
      mkdir "$new$inside"
      case $nl$binds in
        *"$nl$inside/"*) fill "$entry" "$inside" ;;
        *) mount -o bind,ro,nosuid,nodev "$entry" "$new$inside" ;;
      esac
    elif [ -e "$entry" ]; then
      : >"$new$inside"
      mount -o bind,ro,nosuid,nodev "$entry" "$new$inside"
    fi
  done
)
[ -d "$root/usr" ] || fail 'it holds no file system'
trap 'case $? in 0 | 125) ;; *) fail "a mount or folder could not be made (see the line above)" ;; esac' EXIT
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$new"
cd "$new"
mkdir -p proc dev/shm home media mnt root run srv sys tmp
chmod 1777 tmp dev/shm
cp -P /dev/fd /dev/stdin /dev/stdout /dev/stderr dev/
for device in null zero full random urandom; do
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mount -t proc -o nosuid,nodev,noexec proc proc
fill "$root" ''
if [ "$network" = yes ] && [ -f etc/resolv.conf ] && [ -f /etc/resolv.conf ]; then
  mount --bind /etc/resolv.conf etc/resolv.conf
fi
IFS=$nl
set -f
for bind in $binds; do
  if [ -d "$bind" ]; then
    mkdir -p "$new$bind"
  elif [ -e "$bind" ]; then
    mkdir -p "$new${bind%/*}"
    : >>"$new$bind"
  else
    fail "$bind does not exist"
  fi
  mount --rbind "$bind" "$new$bind"
done
unset IFS
set +f
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
    the command's; 128 + n when signal n ended it; `ENTER_FAILED` when a mount failed; 127 when there is no such command.
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
        *(str(rootfs), str(cwd), "yes" if network else "no", "\n".join(covered)),
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
