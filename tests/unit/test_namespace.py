# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynqtorch.errors import StorageError, UsageError
from pynqtorch.sw import mounts, namespace
from pynqtorch.sw.mounts import Mount, parse_mountinfo, uses, within_file_system
from pynqtorch.sw.namespace import enter, explain_refusal

ROOTFS = Path("/r/out/rootfs/fpga")


def _script(argv: tuple[str, ...]) -> str:
    return argv[argv.index("-c") + 1]


def test_root_needs_no_user_namespace_and_a_plain_user_gets_one() -> None:
    as_root = enter(ROOTFS, ["yosys"], cwd=Path("/r"), root=True)
    as_user = enter(ROOTFS, ["yosys"], cwd=Path("/r"), root=False)
    assert "--user" not in as_root
    assert as_user[:3] == ("unshare", "--user", "--map-root-user")
    for argv in (as_root, as_user):
        assert {"--mount", "--pid", "--fork", "--kill-child"} <= set(argv)
        assert argv[argv.index("--propagation") + 1] == "private"


def test_network_only_when_asked_for() -> None:
    assert "--net" in enter(ROOTFS, ["true"], cwd=Path("/r"))
    assert "--net" not in enter(ROOTFS, ["true"], cwd=Path("/r"), network=True)


@given(st.lists(st.text(st.characters(blacklist_characters="\0")), min_size=1, max_size=4))
def test_arguments_never_become_shell_text(words: list[str]) -> None:
    argv = enter(ROOTFS, words, cwd=Path("/r/$(touch x)/`id`"), binds=[Path("/r")])
    assert list(argv[-len(words) :]) == words
    assert _script(argv) == _script(enter(ROOTFS, ["true"], cwd=Path("/r")))


def test_working_directory_is_bound_and_what_another_bind_covers_is_not_bound_twice() -> None:
    argv = enter(ROOTFS, ["true"], cwd=Path("/r/out/steps/a"), binds=[Path("/r"), Path("/venv"), Path("/r/hw")])
    assert "/r\n/venv" in argv
    argv = enter(ROOTFS, ["true"], cwd=Path("/elsewhere"), binds=[Path("/r")])
    assert "/elsewhere\n/r" in argv


def test_names_with_blanks_are_escaped_in_the_mount_table_only() -> None:
    argv = enter(ROOTFS, ["true"], cwd=Path("/my work/a\\b"))
    assert "/my work/a\\b" in argv
    assert "/my\\040work/a\\134b" in argv


@pytest.mark.parametrize("path", ["relative", "/a/../b", "/", "/a\nb"])
def test_paths_that_cannot_be_bound(path: str) -> None:
    with pytest.raises(UsageError, match="cannot bind"):
        enter(ROOTFS, ["true"], cwd=Path("/r"), binds=[Path(path)])


def test_nothing_to_run() -> None:
    with pytest.raises(UsageError, match="nothing to run"):
        enter(ROOTFS, [], cwd=Path("/r"))


def test_the_script_is_clean_for_shellcheck(tmp_path: Path) -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("no shellcheck")
    for number, text in enumerate((_script(enter(ROOTFS, ["true"], cwd=Path("/r"))), mounts._REMOVE)):
        file = tmp_path / f"{number}.sh"
        file.write_text("#!/bin/sh\n" + text)
        found = subprocess.run([shellcheck, str(file)], capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("is_root", "settings", "expected"),
    [
        (True, {}, "CAP_SYS_ADMIN"),
        (False, {"kernel/apparmor_restrict_unprivileged_userns": "1"}, "apparmor_restrict_unprivileged_userns=0"),
        (False, {"kernel/unprivileged_userns_clone": "0"}, "unprivileged_userns_clone=1"),
        (False, {"user/max_user_namespaces": "0"}, "max_user_namespaces="),
        (False, {"kernel/apparmor_restrict_unprivileged_userns": "0"}, "run as root"),
    ],
)
def test_what_is_in_the_way_and_what_mends_it(is_root: bool, settings: dict[str, str], expected: str) -> None:
    told = explain_refusal("unshare: Operation not permitted", is_root=is_root, settings=settings)
    assert expected in told.hint


def test_a_plain_chroot_is_told_from_a_container() -> None:
    told = explain_refusal("unshare: cannot change root filesystem propagation: x", is_root=True, settings={})
    assert "mount --bind" in told.hint


# ---------------------------------------------------------------- mounts and deleting

TABLE = """\
29 1 254:0 / / rw,relatime - ext4 /dev/vda rw
41 29 0:35 / /proc rw - proc proc rw
90 29 254:0 /srv/a\\040b /mnt/with\\040blank rw - ext4 /dev/vda rw
91 29 8:1 / /data rw - ext4 /dev/sda1 rw
"""


def test_mountinfo() -> None:
    table = parse_mountinfo(TABLE)
    assert table[2] == Mount("254:0", PurePosixPath("/srv/a b"), PurePosixPath("/mnt/with blank"))
    assert within_file_system(Path("/data/x/y"), table) == ("8:1", PurePosixPath("/x/y"))
    assert within_file_system(Path("/home/u"), table) == ("254:0", PurePosixPath("/home/u"))
    assert within_file_system(Path("/mnt/with blank/c"), table) == ("254:0", PurePosixPath("/srv/a b/c"))


@given(st.text())
def test_any_text_is_a_mount_table(text: str) -> None:
    for mount in parse_mountinfo(text):
        assert mount.target.is_absolute()


def test_a_rootfs_is_in_use_where_another_namespace_has_bound_a_part_of_it() -> None:
    own = parse_mountinfo(TABLE)
    rootfs = Path("/data/out/rootfs/fpga")
    here = within_file_system(rootfs, own)
    inside = parse_mountinfo("5 4 8:1 /out/rootfs/fpga/usr /usr ro - ext4 /dev/sda1 rw\n")
    other = parse_mountinfo("5 4 8:1 /out/rootfs/other/usr /usr ro - ext4 /dev/sda1 rw\n")
    same_name_elsewhere = parse_mountinfo("5 4 8:2 /out/rootfs/fpga/usr /usr ro - ext4 /dev/sdb1 rw\n")
    below = parse_mountinfo("5 4 0:9 / /data/out/rootfs/fpga/proc rw - proc proc rw\n")
    assert uses(rootfs, inside, here)
    assert uses(rootfs, below, here)
    assert not uses(rootfs, other, here)
    assert not uses(rootfs, same_name_elsewhere, here)
    assert not uses(rootfs, own, here)


def _proc(folder: Path, own: str, other: str) -> Path:
    for name, text in (("self", own), ("17", other)):
        (folder / name / "ns").mkdir(parents=True)
        (folder / name / "mountinfo").write_text(text)
        (folder / name / "ns" / "mnt").symlink_to(f"mnt:[{name}]")
    return folder


def test_refusal_names_the_mount_or_the_process(tmp_path: Path) -> None:
    rootfs = tmp_path / "fpga"
    mount = f"9 1 0:9 / {rootfs}/proc rw - proc proc rw\n"
    with pytest.raises(StorageError, match="mounted on") as caught:
        mounts.check_unused(rootfs, proc=_proc(tmp_path / "a", TABLE + mount, TABLE))
    assert caught.value.hint == f"umount {rootfs}/proc"
    with pytest.raises(StorageError, match="process 17"):
        mounts.check_unused(rootfs, proc=_proc(tmp_path / "b", TABLE, TABLE + mount))
    mounts.check_unused(rootfs, proc=_proc(tmp_path / "c", TABLE, TABLE))


def test_delete_takes_the_folder_and_not_what_links_lead_to(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("precious")
    doomed = tmp_path / "rootfs with blank"
    (doomed / "etc").mkdir(parents=True)
    (doomed / "etc" / "link").symlink_to(kept)
    (doomed / "etc").chmod(0o500)
    mounts.delete(doomed)
    mounts.delete(doomed)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    link = tmp_path / "link"
    link.symlink_to(kept)
    namespace.delete_tree(link)
    assert (kept / "file").read_text() == "precious"


def test_sweep_takes_only_what_killed_runs_of_this_rootfs_left(tmp_path: Path) -> None:
    for name in (
        ".fpga.12.partial",
        ".fpga.13.removing",
        ".fpga.x.12.partial",
        ".other.12.partial",
        "fpga",
        ".fpga.12",
    ):
        (tmp_path / name).mkdir()
    removed = {path.name for path in mounts.sweep(tmp_path, "fpga")}
    assert removed == {".fpga.12.partial", ".fpga.13.removing"}
    assert {path.name for path in tmp_path.iterdir()} == {".fpga.x.12.partial", ".other.12.partial", "fpga", ".fpga.12"}
    assert mounts.sweep(tmp_path / "absent", "fpga") == ()


def test_tools_are_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "SEARCH_PATH", "/nonexistent")
    told = namespace.available()
    assert told is not None
    assert re.search("unshare and mount", told.message)
