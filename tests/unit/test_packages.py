# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from pynqtorch.errors import MissingToolError, UsageError
from pynqtorch.sw import packages
from pynqtorch.sw.packages import STAGES, Need


def _program(folder: Path, name: str, text: str = "exit 0") -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_what_is_missing_is_named_once_with_a_reason(tmp_path: Path) -> None:
    found = packages.missing(["open", "test"], path=str(tmp_path), root=False)
    names = [need.package for need in found]
    assert {"mmdebstrap", "util-linux", "uidmap"} <= set(names)
    assert len(names) == len(set(names))
    assert all(need.why for need in found)


def test_root_needs_no_uidmap_and_what_is_there_is_not_missing(tmp_path: Path) -> None:
    _program(tmp_path, "mmdebstrap")
    names = {need.package for need in packages.missing(["open"], path=str(tmp_path), root=True)}
    assert "uidmap" not in names
    assert "mmdebstrap" not in names


def test_unknown_stage() -> None:
    with pytest.raises(UsageError, match="no stage 'opne'"):
        packages.missing(["opne"])


def test_command_for_root_and_for_a_plain_user() -> None:
    needs = STAGES["open"]
    as_root = packages.command(needs, root=True)
    assert as_root.startswith("apt-get update && apt-get install -y --no-install-recommends apt ")
    assert "sudo" not in as_root
    assert packages.command(needs, root=False).count("sudo apt-get") == 2


def test_installing_says_what_it_runs_and_looks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _program(tmp_path, "sudo", 'exec "$@"')
    _program(tmp_path, "apt-get", f'echo "ran $*" >>{tmp_path}/log; [ "$1" = update ] || : >{tmp_path}/there')
    monkeypatch.setenv("PATH", str(tmp_path))
    packages.install([Need((f"{tmp_path}/there",), "some-package", "a test")])
    assert "apt-get install -y --no-install-recommends some-package" in capfd.readouterr().err
    assert (tmp_path / "log").read_text().splitlines()[-1].endswith("some-package")
    with pytest.raises(MissingToolError, match="still missing"):
        packages.install([Need(("/nonexistent/x",), "some-package", "a test")])


def test_a_failed_installation_and_other_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need = Need(("/nonexistent/x",), "some-package", "a test")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"some-package \(Debian's names\)"):
        packages.install([need])
    _program(tmp_path, "apt-get", "exit 100")
    _program(tmp_path, "sudo", 'exec "$@"')
    with pytest.raises(MissingToolError, match="exit code 100"):
        packages.install([need])
    packages.install([])
