# SPDX-License-Identifier: AGPL-3.0-or-later
"""`./inv` in this checkout, as a user calls it: vector_add placed and routed for real, and what comes after."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
OVERLAY = ROOT / "out" / "overlays" / "vector_add"


def inv(*arguments: str, root: Path = ROOT, timeout: float = 3000) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "invoke", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def inv_json(*arguments: str, root: Path = ROOT) -> dict[str, Any]:
    done = inv(*arguments, "--json", root=root)
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-2000:]
    return dict(json.loads(done.stdout))


def statuses(result: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["status"] for step in result["steps"]}


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    """The bundle of vector_add, from recipes; minutes where nothing is there yet."""
    return inv_json("build", "vector_add", "--no-install")


def test_every_file_of_the_overlay_is_published_and_is_what_the_manifest_says(built: dict[str, Any]) -> None:
    manifest = json.loads((OVERLAY / "manifest.json").read_text())
    assert {"vector_add.bit", "vector_add.bit.bin", "vector_add.hwh", "report.json", "report.html"} == set(
        manifest["files"]
    )
    for name, entry in manifest["files"].items():
        assert hashlib.sha256((OVERLAY / name).read_bytes()).hexdigest() == entry["sha256"], name
    assert manifest["part"] == "xc7z020clg400-1"
    assert manifest["timing"]["met"] is True
    assert manifest["verified_on_hardware"] is False
    what = {item["what"]: item["result"] for item in manifest["verified"]}
    assert {"csim", "cosim", "postsynth"} <= {name.split()[0] for name in what}
    assert set(what.values()) == {"pass"}


def test_the_report_has_the_figures_that_people_compare(built: dict[str, Any]) -> None:
    report = json.loads((OVERLAY / "report.json").read_text())
    assert 0 < report["utilization"]["lut"]["used"] < report["utilization"]["lut"]["available"]
    assert report["utilization"]["dsp"]["used"] == 0
    assert report["bitstream"]["unknown_bits"] == 0
    cosim = next(item for item in report["simulations"] if item["kind"] == "cosim")
    assert max(cosim["runs"][0]["cycles"]) > 1000
    page = (OVERLAY / "report.html").read_text()
    assert "not verified on hardware" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_pynq_s_own_parser_finds_the_kernel_in_the_handoff(built: dict[str, Any]) -> None:
    pytest.importorskip("pynqmetadata", reason="the hwh extra is not installed")
    from pynqtorch.hw.hwh_check import pynq_facts

    facts = pynq_facts(OVERLAY / "vector_add.hwh", "xc7z020clg400-1")
    (kernel,) = facts.ips
    assert (kernel.name, kernel.address) == ("vector_add_0", 0x4000_0000)


def test_the_bundle_unpacks_and_its_checksums_hold(built: dict[str, Any], tmp_path: Path) -> None:
    bundle = ROOT / "out" / "bundles" / "pynq-z2.tar.zst"
    argv = [sys.executable, "-m", "pynqtorch.board.bundle", "unpack", str(bundle), str(tmp_path / "board")]
    subprocess.run(argv, check=True, cwd=ROOT, timeout=60)
    sums = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path / "board", timeout=60, check=False
    )
    assert sums.returncode == 0
    assert (tmp_path / "board" / "overlays" / "vector_add" / "vector_add.bit").read_bytes() == (
        OVERLAY / "vector_add.bit"
    ).read_bytes()


def test_a_second_run_has_nothing_to_do_and_says_why_on_request(built: dict[str, Any]) -> None:
    assert set(statuses(inv_json("build", "vector_add", "--no-install")).values()) == {"up-to-date"}
    assert inv_json("explain", "route.vector_add")["reasons"] == ["up to date"]


def test_the_bitstream_step_run_again_gives_the_same_bytes(built: dict[str, Any]) -> None:
    before = (OVERLAY / "vector_add.bit").read_bytes()
    for folder in (ROOT / "out" / "steps" / "bitstream.vector_add", ROOT / "out" / "steps" / "overlay.vector_add"):
        shutil.rmtree(folder)
    store = ROOT / "out" / "store"
    aside = store.with_name("store.aside")
    store.rename(aside)
    try:
        again = statuses(inv_json("build-overlay", "vector_add", "--no-install"))
    finally:
        shutil.rmtree(store, ignore_errors=True)
        aside.rename(store)
    assert again["bitstream.vector_add"] == "ran"
    assert again["route.vector_add"] == "up-to-date"
    assert (OVERLAY / "vector_add.bit").read_bytes() == before


@pytest.fixture
def copy(built: dict[str, Any], tmp_path: Path) -> Path:
    """The checkout with what was built, as a second checkout in another place."""
    target = tmp_path / "another checkout"
    skipped = shutil.ignore_patterns("out", ".venv", ".git", "__pycache__", ".*_cache", ".hypothesis", ".cache")
    shutil.copytree(ROOT, target, ignore=skipped, symlinks=True)
    for part in ("store", "rootfs"):
        (target / "out").mkdir(exist_ok=True)
        argv = ["cp", "-a", "--reflink=auto", str(ROOT / "out" / part), str(target / "out" / part)]
        subprocess.run(argv, check=True, timeout=300)
    return target


def test_another_checkout_restores_and_a_change_of_one_kernel_touches_that_kernel_only(copy: Path) -> None:
    first = statuses(inv_json("build-overlay", "vector_add", "--no-install", root=copy))
    assert first["route.vector_add"] == "restored"
    assert first["ooc.vector_add"] == "restored"
    assert (copy / "out/overlays/vector_add/vector_add.bit").read_bytes() == (OVERLAY / "vector_add.bit").read_bytes()

    source = copy / "hw/kernel/vector_add/rtl/vector_add.v"
    source.touch()
    untouched = inv_json("build-overlay", "vector_add", "--no-install", "--dry-run", root=copy)
    assert set(statuses(untouched).values()) == {"up-to-date"}

    source.write_text(source.read_text() + "\n// a change\n")
    dry = inv_json("build", "vector_add", "matrix_mult", "--no-install", "--dry-run", root=copy)
    would = {name for name, status in statuses(dry).items() if status == "would-run"}
    assert {"ooc.vector_add", "cosim.vector_add"} <= would
    reasons = {step["name"]: " ".join(step["reasons"]) for step in dry["steps"]}
    assert "vector_add.v" in reasons["ooc.vector_add"]
    assert "vector_add.v" not in reasons["ooc.matrix_mult"]


def test_a_killed_run_goes_on_and_leaves_no_mount_and_no_process(built: dict[str, Any]) -> None:
    argv = [sys.executable, "-m", "invoke", "build-hls", "vector_add", "--force", "--no-install"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for delay in (1.5, 4.0, 9.0):
        run = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        run.send_signal(signal.SIGKILL)
        run.wait(30)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and _processes_in(ROOT / "out" / "steps"):
            time.sleep(0.2)
        assert not _processes_in(ROOT / "out" / "steps")
        assert str(ROOT / "out") not in Path("/proc/self/mountinfo").read_text()
    after = inv_json("build-hls", "vector_add", "--no-install")
    assert {step["name"] for step in after["steps"]} == {"csim.vector_add", "cosim.vector_add"}
    assert json.loads((ROOT / "out/steps/csim.vector_add/csim.json").read_text())["verdict"] == "pass"


def test_two_runs_at_once_do_the_work_once(built: dict[str, Any]) -> None:
    shutil.rmtree(ROOT / "out" / "steps" / "csim.vector_add")
    argv = [sys.executable, "-m", "invoke", "build-hls", "vector_add", "--no-install", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYNQTORCH_STORE": str(ROOT / "out" / "store.empty")}
    try:
        runs = [
            subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        ended = [run.communicate(timeout=600) for run in runs]
    finally:
        shutil.rmtree(ROOT / "out" / "store.empty", ignore_errors=True)
    assert [run.returncode for run in runs] == [0, 0], ended
    found = sorted(statuses(json.loads(out))["csim.vector_add"] for out, _ in ended)
    assert found == ["ran", "up-to-date"]


def _processes_in(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                if str(folder) in str((process / "cwd").readlink()):
                    found.append(process.name)
            except OSError:
                continue  # it has ended, or is not ours
    return found
