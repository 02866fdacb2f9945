# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bundles: the same bytes every time, all or nothing when unpacked, and no archive that can do harm."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pynqtorch.board import archive as strict
from pynqtorch.board import bundle
from pynqtorch.board.manifest import NOT_ON_HARDWARE, parse_manifest
from pynqtorch.errors import FormatError, MissingToolError, StorageError, UsageError
from pynqtorch.hw.openfpga.header import format_header, make_header

zstandard = pytest.importorskip("zstandard", reason="zstandard is an optional extra (bundle)")

PART = "xc7z020clg400-1"
HWH = """<EDKSYSTEM><SYSTEMINFO DEVICE="7z020" NAME="vector_add" PACKAGE="clg400" SPEEDGRADE="-1"/><MODULES>
<MODULE INSTANCE="ps" MODTYPE="processing_system7"><PARAMETERS>{}</PARAMETERS></MODULE></MODULES></EDKSYSTEM>""".format(
    "".join(f'<PARAMETER NAME="PCW_FCLK{i}_PERIPHERAL_DIVISOR{d}" VALUE="1"/>' for i in range(4) for d in range(2))
)


def overlay(folder: Path, name: str = "vector_add", part: str = "xc7z020clg400-1") -> Path:
    """The files of an overlay: real headers, and content that means nothing."""
    target = folder / name
    target.mkdir(parents=True)
    content = hashlib.sha256(name.encode()).digest() * 40
    header = format_header(make_header("top", part.removeprefix("xc")[:-2], 0, "test"), len(content))
    (target / f"{name}.bit").write_bytes(header + content)
    (target / f"{name}.bit.bin").write_bytes(content)
    (target / f"{name}.hwh").write_text(HWH)
    (target / "manifest.json").write_text(
        json.dumps({"verified": [{"what": "cosim of x", "how": "512 cycles", "result": "pass"}]})
    )
    (target / "report.html").write_text("<html></html>")
    return target


def packed(folder: Path, name: str = "b.tar.zst", **changes: object) -> Path:
    source = folder / "in" / "vector_add"
    if not source.exists():
        overlay(folder / "in")
    arguments: dict[str, object] = {
        "board": "pynq-z2", "part": PART, "overlays": {"vector_add": source}, "commit": "c" * 40,
        "epoch": 1_700_000_000,
    }  # fmt: skip
    bundle.pack(folder / name, **{**arguments, **changes})  # type: ignore[arg-type]
    return folder / name


def raw_tar(path: Path) -> bytes:
    return bytes(zstandard.ZstdDecompressor().decompress(path.read_bytes(), max_output_size=1 << 26))


def as_archive(path: Path, data: bytes) -> Path:
    path.write_bytes(zstandard.ZstdCompressor(level=1).compress(data))
    return path


def tar_of(members: Iterable[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for info, data in members:
            if info.isreg():
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def file(name: str, data: bytes = b"x", **changes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    for key, value in changes.items():
        setattr(info, key, value)
    return info, data


def refused(path: Path, match: str) -> None:
    """Both verify and unpack refuse it, and unpack leaves nothing behind."""
    before = sorted(path.parent.iterdir())
    with pytest.raises(FormatError, match=match):
        bundle.verify(path)
    with pytest.raises(FormatError, match=match):
        bundle.unpack(path, path.parent / "out")
    assert sorted(path.parent.iterdir()) == before


# ---------------------------------------------------------------- what is right


def test_pack_and_unpack(tmp_path: Path) -> None:
    source = overlay(tmp_path / "in")
    (source / "run.sh").write_text("#!/bin/sh\n")
    (source / "run.sh").chmod(0o750)
    (source / "manifest.json").chmod(0o600)
    path = packed(tmp_path)
    manifest = bundle.unpack(path, tmp_path / "out")
    assert manifest == bundle.verify(path)
    assert (manifest.board, manifest.part, manifest.commit) == ("pynq-z2", PART, "c" * 40)
    assert manifest.hardware == NOT_ON_HARDWARE
    assert manifest.overlays["vector_add"].verified == ("cosim of x: pass (512 cycles)",)
    out = tmp_path / "out"
    for name in bundle.required_files("vector_add"):
        assert (out / "overlays/vector_add" / name).read_bytes() == (source / name).read_bytes()
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in out.rglob("*") if p.is_file()}
    assert modes["run.sh"] == 0o755
    assert modes["manifest.json"] == modes["bundle.json"] == 0o644
    assert stat.S_IMODE(out.stat().st_mode) == 0o755
    listed = {line[66:]: line[:64] for line in (out / "SHA256SUMS").read_text().splitlines()}
    found = {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file() and p.name != "SHA256SUMS"}
    assert listed == {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in found.items()}
    assert parse_manifest((out / "bundle.json").read_bytes(), "x") == manifest
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tar.zst", "in", "out"]


def test_same_bytes_wherever_and_whenever(tmp_path: Path) -> None:
    first = packed(tmp_path / "in" / "..", "b.tar.zst")
    other = tmp_path / "other"
    overlay(other / "in")
    for path in (other / "in").rglob("*"):
        os.utime(path, (1, 1))
    second = packed(other)
    assert first.read_bytes() == second.read_bytes()
    assert packed(other, "c.tar.zst", epoch=1).read_bytes() != second.read_bytes()


def test_a_plain_tar_reads_it_too(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(raw_tar(packed(tmp_path)))) as archive:
        members = archive.getmembers()
    assert [m.name for m in members] == sorted(m.name for m in members)
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} == {(0, 0, "", "", 1_700_000_000)}
    assert {m.mode for m in members} <= {0o644, 0o755}


def test_empty_destination_is_taken_and_another_refused(tmp_path: Path) -> None:
    path = packed(tmp_path)
    (tmp_path / "out").mkdir()
    bundle.unpack(path, tmp_path / "out")
    with pytest.raises(UsageError, match="not empty"):
        bundle.unpack(path, tmp_path / "out")
    with pytest.raises(UsageError, match="no folder"):
        bundle.unpack(path, path)
    with pytest.raises(UsageError, match="no folder"):
        bundle.unpack(path, tmp_path / "no" / "where")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="no folder"):
        bundle.unpack(path, tmp_path / "link")


def test_links_of_a_step_are_followed(tmp_path: Path) -> None:
    source, staged = overlay(tmp_path / "in"), tmp_path / "step" / "vector_add"
    staged.mkdir(parents=True)
    for path in source.iterdir():
        (staged / path.name).symlink_to(path)
    assert packed(tmp_path, overlays={"vector_add": staged}).read_bytes() == packed(tmp_path, "c.tar.zst").read_bytes()


# ---------------------------------------------------------------- what pack refuses


@pytest.mark.parametrize("name", bundle.required_files("vector_add"))
def test_missing_or_empty_file(tmp_path: Path, name: str) -> None:
    source = overlay(tmp_path / "in")
    (source / name).write_bytes(b"")
    with pytest.raises(FormatError, match=f"{name} is missing or empty"):
        packed(tmp_path)
    (source / name).unlink()
    with pytest.raises(FormatError, match=f"{name} is missing or empty"):
        packed(tmp_path)
    assert not (tmp_path / "b.tar.zst").exists()


def test_another_part(tmp_path: Path) -> None:
    overlay(tmp_path / "in", part="xc7z010clg400-1")
    with pytest.raises(FormatError, match=r"vector_add\.bit is for 7z010clg400"):
        packed(tmp_path)
    other = overlay(tmp_path / "other")
    (other / "vector_add.hwh").write_text(HWH.replace("7z020", "7z010"))
    with pytest.raises(FormatError, match=r"vector_add\.hwh is for xc7z010clg400-1"):
        packed(tmp_path, overlays={"vector_add": other})


@pytest.mark.parametrize("name", ["with space", "-x", ".hidden", "ä"])
def test_odd_names(tmp_path: Path, name: str) -> None:
    (overlay(tmp_path / "in") / name).write_text("x")
    with pytest.raises(FormatError, match="cannot be in a bundle"):
        packed(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_name_too_long_for_a_header(tmp_path: Path) -> None:
    (overlay(tmp_path / "in") / ("x" * 120)).write_text("x")
    with pytest.raises(FormatError, match="shorter"):
        packed(tmp_path)


@pytest.mark.parametrize("text", ["[", "[]", "{}", '{"verified": 3}', '{"verified": [3]}', "[" * 100_000])
def test_wrong_overlay_manifest(tmp_path: Path, text: str) -> None:
    (overlay(tmp_path / "in") / "manifest.json").write_text(text)
    with pytest.raises(FormatError, match=r"manifest\.json"):
        packed(tmp_path)


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs an overlay"):
        packed(tmp_path, overlays={})
    with pytest.raises(UsageError, match="time"):
        packed(tmp_path, epoch=-1)
    with pytest.raises(UsageError, match="part"):
        packed(tmp_path, part="zynq")
    with pytest.raises(FormatError, match="no folder"):
        packed(tmp_path, overlays={"x": tmp_path / "x"})
    with pytest.raises(StorageError):
        packed(tmp_path, "no/where.tar.zst")


# ---------------------------------------------------------------- what unpack refuses


def test_every_truncation(tmp_path: Path) -> None:
    data = packed(tmp_path).read_bytes()
    path = tmp_path / "t.tar.zst"
    for length in {*range(0, len(data), max(1, len(data) // 40)), len(data) - 1}:
        path.write_bytes(data[:length])
        refused(path, "truncated")


def test_tar_without_its_end(tmp_path: Path) -> None:
    tar = raw_tar(packed(tmp_path)).rstrip(b"\0")
    whole = -(-len(tar) // 512) * 512
    refused(as_archive(tmp_path / "t.tar.zst", tar.ljust(whole, b"\0")), "ends within a header")


def test_data_behind_the_end(tmp_path: Path) -> None:
    path = packed(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data + b"x")
    refused(path, "behind the end")
    path.write_bytes(data + data)
    refused(path, "behind the end")
    refused(
        as_archive(path, zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 26) + b"x" * 512), "behind"
    )


@pytest.mark.parametrize(
    ("member", "match"),
    [
        (file("/etc/passwd"), "absolute"),
        (file("../x"), "leaves the folder"),
        (file("a/../../x"), "leaves the folder"),
        (file("a/./x"), "allowed"),
        (file("a//x"), "allowed"),
        (file("a\\b"), "allowed"),
        (file("C:x"), "allowed"),
        (file(".ssh"), "allowed"),
        (file("link", b"", type=tarfile.SYMTYPE, linkname="/etc"), "a link"),
        (file("link", b"", type=tarfile.SYMTYPE, linkname="overlays"), "a link"),
        (file("link", b"", type=tarfile.LNKTYPE, linkname="overlays"), "a hard link"),
        (file("dev", b"", type=tarfile.CHRTYPE), "a device"),
        (file("dev", b"", type=tarfile.BLKTYPE), "a device"),
        (file("pipe", b"", type=tarfile.FIFOTYPE), "a pipe"),
        (file("folder", b"", type=tarfile.DIRTYPE), "a folder"),
        (file("setuid", mode=0o4755), "mode 4755"),
    ],
)
def test_dangerous_entries(tmp_path: Path, member: tuple[tarfile.TarInfo, bytes], match: str) -> None:
    refused(as_archive(tmp_path / "t.tar.zst", tar_of([file("first"), member])), match)


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (("a", "a"), "twice"),
        (("a", "A"), "case only"),
        (("dir/a", "DIR/b"), "case only"),
        (("a", "a/b"), "is a file"),
        (("a/b", "a"), "a folder of this name"),
    ],
)
def test_colliding_names(tmp_path: Path, names: tuple[str, ...], match: str) -> None:
    refused(as_archive(tmp_path / "t.tar.zst", tar_of(file(name) for name in names)), match)


def test_long_names_of_gnu_and_pax_are_refused(tmp_path: Path) -> None:
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        refused(as_archive(tmp_path / "t.tar.zst", tar_of([file("x" * 200)], form)), "ustar|of type")


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = as_archive(tmp_path / "t.tar.zst", tar_of([file("zeros", bytes(80 << 20))]))
    assert path.stat().st_size < 20_000
    refused(path, "unpacks to more than")
    monkeypatch.setattr(strict, "MAX_TOTAL", 1 << 20)
    refused(as_archive(path, tar_of([file("noise", os.urandom(3 << 20))])), "unpacks to more than")
    monkeypatch.setattr(strict, "MAX_ENTRIES", 3)
    refused(as_archive(path, tar_of(file(f"f{i}") for i in range(4))), "more than 3 entries")


def test_size_that_is_not_there(tmp_path: Path) -> None:
    tar = bytearray(tar_of([file("a")]))
    tar[124:136] = b"77777777777\0"
    tar[148:156] = b"%06o\0 " % (sum(tar[:148]) + 8 * 32 + sum(tar[156:512]))
    refused(as_archive(tmp_path / "t.tar.zst", bytes(tar)), "ends within a")


def test_changed_content_and_lists(tmp_path: Path) -> None:
    path = packed(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(raw_tar(path))) as archive:
        members = {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]

    def changed(**changes: bytes | None) -> Path:
        names = {key.replace("__", "/").replace("_dot_", "."): value for key, value in changes.items()}
        now = {key: value for key, value in {**members, **names}.items() if value is not None}
        return as_archive(path, tar_of(file(key, value) for key, value in now.items()))

    refused(changed(overlays__vector_add__vector_add_dot_bit=b"x"), "another checksum")
    refused(changed(overlays__vector_add__report_dot_html=None), "not in the archive")
    refused(changed(extra=b"x"), "does not list extra")
    refused(changed(SHA256SUMS=None), "no SHA256SUMS")
    refused(changed(bundle_dot_json=None), "bundle.json|not in the archive")
    refused(changed(SHA256SUMS=b"zz"), "SHA256SUMS:1")
    refused(changed(SHA256SUMS=b"\xff"), "not ASCII")
    sums = members["SHA256SUMS"]
    refused(changed(SHA256SUMS=sums + sums.splitlines(keepends=True)[0]), "not a checksum and a new name")
    old = hashlib.sha256(members["bundle.json"]).hexdigest().encode()
    manifest = members["bundle.json"]
    wrong = {
        "not JSON": b"{", "JSON: maximum": b"[" * 99_999, "no object": b"[]", "format 2": b'{"format": 2}',
        "board is no text": manifest.replace(b'"board": "pynq-z2"', b'"board": 3'),
        "not in the archive": manifest.replace(b"report.html", b"repart.html"),
    }  # fmt: skip
    for match, new in wrong.items():
        digest = hashlib.sha256(new).hexdigest().encode()
        refused(changed(bundle_dot_json=new, SHA256SUMS=sums.replace(old, digest)), match)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", bytes(4096)])
def test_other_files(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.tar.zst").write_bytes(data)
    refused(tmp_path / "t.tar.zst", "truncated|not Zstandard")


def test_no_such_file(tmp_path: Path) -> None:
    refused(tmp_path / "t.tar.zst", "cannot be read")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, bytes]:
    folder = tmp_path_factory.mktemp("good")
    path = packed(folder)
    data, tar = path.read_bytes(), raw_tar(path)
    path.unlink()
    return folder, data, tar


CHANGE = st.tuples(st.floats(0, 1), st.integers(0, 600), st.binary(max_size=12))


def mutated(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for place, length, new in changes:
        start = int(place * len(data))
        data = data[:start] + new + data[start + length :]
    return data


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGE, min_size=1, max_size=3), inside=st.booleans())
def test_mutated_archives_end_in_format_errors_only(
    good: tuple[Path, bytes, bytes], changes: list[tuple[float, int, bytes]], inside: bool
) -> None:
    folder, data, tar = good
    path, out = folder / "t.tar.zst", folder / "out"
    new = mutated(tar if inside else data, changes)
    if inside:
        as_archive(path, new)
    else:
        path.write_bytes(new)
    try:
        bundle.unpack(path, out)
    except FormatError:
        assert not out.exists()
    else:  # the change made no difference that matters (a byte by itself, a user's name in a header)
        files = [p for p in sorted(out.rglob("*")) if p.is_file()]
        assert bundle.verify(path).digests().keys() <= {p.relative_to(out).as_posix() for p in files}
        for file_ in files:
            file_.unlink()
        for folder_ in sorted((p for p in out.rglob("*")), reverse=True):
            folder_.rmdir()
        out.rmdir()
    path.unlink()
    assert {p.name for p in folder.iterdir()} == {"in"}


# ---------------------------------------------------------------- command and step


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = overlay(tmp_path / "in"), str(tmp_path / "b.tar.zst")
    words = ["pack", "--output", target, "--board", "pynq-z2", "--part", PART, "--commit", "c" * 40]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert bundle.main([*words, "--overlay", f"vector_add={source}"]) == 0
    assert NOT_ON_HARDWARE in capsys.readouterr().out
    assert (tmp_path / "b.tar.zst").read_bytes() == packed(tmp_path, "c.tar.zst").read_bytes()
    assert bundle.main(["verify", target]) == 0
    assert bundle.main(["unpack", target, str(tmp_path / "out")]) == 0
    assert bundle.main(["unpack", target, str(tmp_path / "out")]) == UsageError.code
    assert bundle.main(["verify", str(source / "vector_add.bit")]) == FormatError.code
    assert bundle.main([*words, "--overlay", "vector_add"]) == UsageError.code
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "now")
    assert bundle.main([*words, "--overlay", f"vector_add={source}"]) == UsageError.code
    assert "SOURCE_DATE_EPOCH" in capsys.readouterr().err


def test_without_zstandard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    for call in (lambda: bundle.verify(path), lambda: packed(tmp_path, "c.tar.zst")):
        with pytest.raises(MissingToolError, match="zstandard") as caught:
            call()
        assert "pynqtorch[bundle]" in caught.value.hint


def test_step() -> None:
    files = {name: f"step:overlay.vector_add/{name}" for name in bundle.required_files("vector_add")}
    step = bundle.step("pynq-z2", PART, {"vector_add": files}, commit="c", publish="out/bundles/pynq-z2.tar.zst")
    assert step.name == "bundle.pynq-z2"
    assert step.needs() == {"overlay.vector_add"}
    assert "overlays/vector_add/vector_add.bit" in {item.staged for item in step.inputs}
    assert "zstandard-" in step.tool.version
