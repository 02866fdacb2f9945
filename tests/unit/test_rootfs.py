# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pynqtorch.errors import FormatError, MissingToolError, OutputError, StorageError, UsageError
from pynqtorch.recipes.models import Rootfs
from pynqtorch.sw import apt, build_rootfs, rootfs
from pynqtorch.sw.rootfs_log import parse_line

ROOT = Path(__file__).parents[2]
FPGA = Rootfs(
    rootfs="fpga",
    suite="forky",
    packages=("yosys", "g++"),
    tools={"yosys": "yosys", "g++": "g++"},
)
HERE = {"ID": "debian", "VERSION_CODENAME": "bookworm", "PRETTY_NAME": "Debian 12"}


# ---------------------------------------------------------------- the step and the command


def test_step_is_the_same_for_every_checkout_and_mirror_free() -> None:
    step = rootfs.step(FPGA, environment={"HOME": "/h", "LANG": "C"})
    assert step.name == "rootfs.fpga"
    assert step.network
    assert step.where == "host"
    assert not any(word.startswith("/") for command in step.commands for word in command)
    assert "HOME" not in step.env
    assert {output.path: output.keep_in_store for output in step.outputs} == {"rootfs.json": False, "tree": False}
    assert Rootfs.model_validate_json(step.files["recipe.json"]) == FPGA


def test_settings_of_the_user_reach_the_step() -> None:
    step = rootfs.step(FPGA, environment={"PYNQTORCH_MIRROR": "http://mirror.test/debian", "OTHER": "x"})
    assert step.env["PYNQTORCH_MIRROR"] == "http://mirror.test/debian"
    assert "OTHER" not in step.env


def test_command_checks_signatures_and_takes_no_recommended_packages() -> None:
    argv = rootfs.mmdebstrap_argv(FPGA, Path("/o/.fpga.1.partial"), mirror="http://m.test/d", keyring=Path("/k.gpg"))
    assert argv[-3:] == ("forky", "/o/.fpga.1.partial", "deb [signed-by=/k.gpg] http://m.test/d forky main")
    assert "--include=yosys,g++" in argv
    assert '--aptopt=APT::Install-Recommends "false"' in argv
    text = " ".join(argv)
    for weak in ("trusted=yes", "AllowInsecure", "allow-insecure", "no-check-gpg", "Check-Valid-Until", "Check-Date"):
        assert weak not in text


def test_a_pinned_date_and_only_that_may_be_old() -> None:
    pinned = FPGA.model_copy(update={"snapshot": "20261101T000000Z"})
    argv = rootfs.mmdebstrap_argv(pinned, Path("/t"), mirror="http://m.test/d", keyring=Path("/k"))
    assert '--aptopt=Acquire::Check-Valid-Until "false"' in argv


def test_description_does_not_make_a_rootfs_anew_but_packages_do() -> None:
    digest = rootfs.recipe_digest(FPGA)
    assert digest == rootfs.recipe_digest(FPGA.model_copy(update={"description": "other", "tools": {}}))
    assert digest != rootfs.recipe_digest(FPGA.model_copy(update={"packages": ("yosys",)}))
    assert digest != rootfs.recipe_digest(FPGA.model_copy(update={"suite": "sid"}))


def test_shipped_recipe_has_a_package_for_each_of_its_tools() -> None:
    recipe = Rootfs(**yaml.safe_load((ROOT / "recipes/rootfs/fpga.yaml").read_text()))
    assert set(recipe.tools.values()) <= set(recipe.packages)
    assert "nextpnr-himbaechel-xilinx-chipdb" in recipe.packages


# ---------------------------------------------------------------- the host's apt

ONE_LINE = """\
# deb http://commented.test/debian bookworm main
deb cdrom:[Debian 12]/ bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/vendor.gpg] http://vendor.test/apt bookworm main
deb-src http://mirror.test/debian bookworm main
deb http://security.test/debian-security bookworm-security main
deb [ arch=amd64 ] http://mirror.test/debian bookworm main contrib  # the one
"""
DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.test/debian
 http://second.test/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://off.test/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb
URIs: http://vendor.test/apt
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
"""


def test_mirror_of_the_host_in_both_formats() -> None:
    assert apt.host_mirror(apt.parse_one_line(ONE_LINE), HERE, "debian") == "http://mirror.test/debian"
    found = apt.parse_deb822(DEB822)
    assert [(s.uri, s.suite) for s in found[:2]] == [
        ("http://mirror.test/debian", "bookworm"),
        ("http://mirror.test/debian", "bookworm-updates"),
    ]
    assert "http://off.test/debian" not in {source.uri for source in found}
    assert apt.host_mirror(found, HERE, "debian") == "http://mirror.test/debian"


def test_suites_by_alias_and_in_the_order_of_apt(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://first.test/debian unstable main\n")
    (tmp_path / "sources.list.d" / "b.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "c.list.save").write_text("deb http://saved.test/debian bookworm main\n")
    sources = apt.read_sources(tmp_path)
    assert apt.host_mirror(sources, {"ID": "debian"}, "debian") == "http://first.test/debian"
    assert apt.host_mirror(sources, HERE, "debian") == "http://mirror.test/debian"
    assert "http://saved.test/debian" not in {source.uri for source in sources}
    assert apt.read_sources(tmp_path / "absent") == ()


def test_another_distribution_has_no_mirror_and_the_error_says_what_to_set() -> None:
    ubuntu = {"ID": "ubuntu", "VERSION_CODENAME": "jammy", "PRETTY_NAME": "Ubuntu 22.04"}
    sources = apt.parse_one_line("deb http://mirror.test/ubuntu jammy main universe\n")
    assert apt.host_mirror(sources, ubuntu, "ubuntu") == "http://mirror.test/ubuntu"
    with pytest.raises(UsageError, match=r"Debian mirror.*Ubuntu 22\.04") as caught:
        apt.mirror("debian", None, {}, sources, ubuntu)
    assert "PYNQTORCH_MIRROR" in caught.value.hint
    given = apt.mirror("debian", None, {"PYNQTORCH_MIRROR": "https://given.test/debian"}, sources, ubuntu)
    assert given == "https://given.test/debian"


def test_snapshots_need_a_template_with_a_date() -> None:
    for settings in ({}, {"PYNQTORCH_SNAPSHOT_MIRROR": "http://snapshot.test/debian"}):
        with pytest.raises(UsageError, match="snapshot"):
            apt.mirror("debian", "20261101T000000Z", settings, (), HERE)
    settings = {"PYNQTORCH_SNAPSHOT_MIRROR": "http://snapshot.test/{date}/debian"}
    found = apt.mirror("debian", "20261101T000000Z", settings, (), HERE)
    assert found == "http://snapshot.test/20261101T000000Z/debian"


@pytest.mark.parametrize("address", ["mirror.test/debian", "[trusted=yes] http://m.test/d", "http://", "http://a b"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        apt.mirror("debian", None, {"PYNQTORCH_MIRROR": address}, (), HERE)


def test_keys_of_the_distribution_or_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError) as caught:
        apt.keyring("debian", {}, tmp_path)
    assert caught.value.hint == "apt-get install debian-archive-keyring"
    (tmp_path / "debian-archive-keyring.gpg").touch()
    assert apt.keyring("debian", {}, tmp_path).parent == tmp_path
    with pytest.raises(MissingToolError, match="PYNQTORCH_KEYRING"):
        apt.keyring("debian", {"PYNQTORCH_KEYRING": str(tmp_path / "absent")}, tmp_path)
    (tmp_path / "my keys.gpg").touch()
    with pytest.raises(UsageError, match="no path for apt"):
        apt.keyring("debian", {"PYNQTORCH_KEYRING": str(tmp_path / "my keys.gpg")}, tmp_path)


def test_only_what_the_host_sets_is_taken_over_and_nothing_about_signatures() -> None:
    dump = """\
APT::Architecture "amd64";
Acquire::Check-Valid-Until "false";
Acquire::AllowInsecureRepositories "1";
Acquire::AllowWeakRepositories "1";
Acquire::http "";
Acquire::http::Proxy "http://proxy.test:3128";
Acquire::Languages:: "en";
"""
    assert apt.options_of_host(dump) == (
        'Acquire::Check-Valid-Until "false"',
        'Acquire::http::Proxy "http://proxy.test:3128"',
    )
    assert apt.options_of_host('APT::Architecture "amd64";\n') == ()


_WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126, blacklist_characters="#[]:"), min_size=1, max_size=9)
_URI = _WORD.map(lambda name: f"http://{name.replace('/', '')}.test/debian")


@given(_URI, _WORD, st.lists(_WORD, max_size=3), st.sampled_from(["", "[arch=amd64] ", "[ a=b signed-by=/k.gpg ] "]))
def test_an_entry_reads_the_same_in_both_formats(uri: str, suite: str, components: list[str], options: str) -> None:
    line = f"deb {options}{uri} {suite} {' '.join(components)}\n"
    signed = "Signed-By: /k.gpg\n" if "signed-by" in options else ""
    stanza = f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {' '.join(components)}\n{signed}"
    assert apt.parse_one_line(line) == apt.parse_deb822(stanza)


@given(st.text())
def test_any_text_parses_to_entries_or_nothing(text: str) -> None:
    for source in (*apt.parse_one_line(text), *apt.parse_deb822(text)):
        assert source.uri
        assert source.suite
    assert isinstance(apt.options_of_host(text), tuple)
    assert all(key == key.strip() for key in apt.parse_os_release(text))


# ---------------------------------------------------------------- the log


@pytest.mark.parametrize(
    ("line", "severity", "part"),
    [
        ("I: running apt-get update...", "phase", "package lists"),
        ("I: extracting archives...", "phase", "unpacking"),
        ("E: Unable to locate package yosyss", "error", "see `packages`"),
        ("Err:1 http://m.test/debian forky InRelease", "info", "InRelease"),
        ("E: The repository 'http://m.test forky InRelease' is not signed.", "error", "PYNQTORCH_KEYRING"),
        ("W: GPG error: NO_PUBKEY 6ED0E7B82643E131", "warning", "PYNQTORCH_KEYRING"),
        ("E: Release file is not valid yet (invalid for 2h)", "error", "clock"),
        ("E: Write error - write (28: No space left on device)", "error", "free space"),
        ("dpkg: error processing package g++ (--configure):", "error", "g++"),
    ],
)
def test_lines_that_a_person_should_see(line: str, severity: str, part: str) -> None:
    finding = parse_line(line + "\n")
    assert finding is not None
    assert finding.severity == severity
    assert part in finding.text


@pytest.mark.parametrize(
    "line",
    [
        "I: success in 45.8 seconds",
        "Get:1 http://m.test/debian forky/main amd64 yosys",
        "W: Download is performed unsandboxed as root as file couldn't be accessed by user _apt",
        "",
    ],
)
def test_lines_that_say_nothing(line: str) -> None:
    assert parse_line(line) is None


# ---------------------------------------------------------------- what came out

RELEASE = "-----BEGIN PGP SIGNED MESSAGE-----\n\nSuite: testing\nCodename: forky\nDate: Fri, 30 Oct 2026 08:08:01 UTC\n"
STATUS = """\
Package: yosys
Status: install ok installed
Version: 0.66-1
Description: synthesis
 Package: not a field

Package: g++
Status: install ok installed
Version: 4:16.1.0-3

Package: g++-16
Status: install ok installed
Version: 16.2.0-3

Package: gone
Status: deinstall ok config-files
Version: 1
"""


def _tree(folder: Path, release: str = RELEASE, status: str = STATUS, archives: str = "") -> Path:
    for name, text in (
        ("var/lib/pynqtorch/Release", release),
        ("var/lib/pynqtorch/archives", archives),
        ("var/lib/dpkg/status", status),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_manifest_says_what_is_inside_and_reads_back(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "t")
    manifest = build_rootfs.describe(FPGA, tree)
    assert manifest.codename == "forky"
    assert manifest.packages == {"g++": "4:16.1.0-3", "g++-16": "16.2.0-3", "yosys": "0.66-1"}
    (tree / rootfs.MANIFEST).write_text(manifest.to_json())
    assert rootfs.read_manifest(tree) == manifest
    assert rootfs.read_manifest(tree / rootfs.MANIFEST) == manifest
    assert rootfs.versions(manifest) == {"yosys": "0.66-1", "g++": "4:16.1.0-3 (g++-16 16.2.0-3)"}


def test_an_unpacked_rootfs_without_dpkg_database_lists_its_archives(tmp_path: Path) -> None:
    archives = "g++_4%3a16.1.0-3_amd64.deb\nlock\npartial\nyosys_0.66-1_amd64.deb\n"
    manifest = build_rootfs.describe(FPGA, _tree(tmp_path, status="", archives=archives))
    assert manifest.packages == {"g++": "4:16.1.0-3", "yosys": "0.66-1"}


def test_another_suite_or_a_missing_package_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="calls itself"):
        build_rootfs.describe(FPGA, _tree(tmp_path / "a", release=RELEASE.replace("forky", "sid")))
    with pytest.raises(OutputError, match="yosys of the recipe fpga is not installed"):
        build_rootfs.describe(FPGA, _tree(tmp_path / "b", status=STATUS.replace("Package: yosys", "Package: other")))
    odd = FPGA.model_copy(update={"tools": {"make": "make"}})
    with pytest.raises(OutputError, match="`tools` names make"):
        build_rootfs.describe(odd, _tree(tmp_path / "c"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "name": "x"}', "\x00"])
def test_a_broken_manifest_is_no_rootfs(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rootfs.json"
    file.write_text(text)
    with pytest.raises(FormatError, match="remove the rootfs"):
        rootfs.read_manifest(file)


def test_no_rootfs(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match="there is no rootfs"):
        rootfs.read_manifest(tmp_path)


def test_a_rootfs_of_the_same_recipe_is_kept_and_one_of_another_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, here = tmp_path / "rootfs/fpga", tmp_path / "steps/rootfs.fpga"
    here.mkdir(parents=True)
    tree = _tree(target)
    (tree / rootfs.MANIFEST).write_text(build_rootfs.describe(FPGA, tree).to_json())
    manifest = build_rootfs.make(FPGA, target, here)
    assert json.loads((here / "rootfs.json").read_text())["packages"] == manifest.packages
    assert (here / "tree").readlink() == Path("../../rootfs/fpga")
    fewer = FPGA.model_copy(update={"tools": {"yosys": "yosys"}})
    assert build_rootfs.make(fewer, target, here).tools == {"yosys": "0.66-1"}
    monkeypatch.setattr(build_rootfs, "problems", lambda *_: (rootfs.Obstacle("no such luck", "install luck"),))
    with pytest.raises(MissingToolError, match="no such luck"):
        build_rootfs.make(FPGA.model_copy(update={"packages": ("yosys",)}), target, here)
    assert rootfs.read_manifest(target).name == "fpga"


def test_program_ends_with_the_code_of_the_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build_rootfs.main([]) == UsageError.code
    assert "usage:" in capsys.readouterr().err
    assert build_rootfs.main([str(tmp_path / "absent.json"), str(tmp_path / "t")]) == StorageError.code


def test_what_keeps_a_machine_from_making_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    monkeypatch.setattr("pynqtorch.sw.namespace.SEARCH_PATH", "/nonexistent")
    found = rootfs.problems(FPGA, tmp_path / "not/yet", path="")
    texts = " ".join(obstacle.message for obstacle in found)
    assert "mmdebstrap is not installed" in texts
    assert "free" in texts
