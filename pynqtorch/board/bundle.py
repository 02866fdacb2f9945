# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bundles: overlays of a board with checksums in one .tar.zst.

::

    bundle.json                       what it is, from which commit, what was verified
    SHA256SUMS                        of all other files, for ``sha256sum --check``
    overlays/<name>/<name>.bit .bit.bin .hwh manifest.json report.html …

The same files, commit and epoch give the same bytes (with the same zstandard library).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pynqtorch import __version__
from pynqtorch.board.archive import Names, zstandard
from pynqtorch.board.manifest import MANIFEST, NOT_ON_HARDWARE, SUMS, BundleManifest, OverlayEntry, sums_text
from pynqtorch.board.unpack import unpack, verify
from pynqtorch.errors import FatalError, FormatError, StorageError, UsageError
from pynqtorch.plan import Input, Output, Resources, Step

__all__ = ["BundleManifest", "main", "pack", "required_files", "step", "unpack", "verify"]

LEVEL = 12
_PART = re.compile(r"xc(7z\d{3}[a-z]{3}\d{3})-\d")


def required_files(overlay: str) -> tuple[str, ...]:
    """Files that each overlay must bring."""
    return (f"{overlay}.bit", f"{overlay}.bit.bin", f"{overlay}.hwh", "manifest.json")


def pack(
    output: Path,
    *,
    board: str,
    part: str,
    overlays: Mapping[str, Path],
    commit: str = "",
    epoch: int = 0,
    hardware: str = NOT_ON_HARDWARE,
    level: int = LEVEL,
) -> BundleManifest:
    """Write a bundle, read it back, and rename it into place.

    Args:
        part: as in the board's recipe, ``xc7z020clg400-1``; .bit and .hwh must be for it.
        overlays: name -> folder with its files; links to files are followed (a step's inputs are links).
        commit: git commit of the recipes.
        epoch: modification time of all entries, seconds since 1970 (SOURCE_DATE_EPOCH).
        hardware: what was run on a board.
        level: of Zstandard, 1 to 22.

    Returns:
        The manifest.  What was verified is taken from ``verified`` in each overlay's manifest.json.

    Raises:
        UsageError: no overlays, or an epoch that tar cannot hold.
        FormatError: a required file is missing or empty, is for another part, or has a name that is refused.
        StorageError: a file cannot be read or the bundle cannot be written.
        MissingToolError: the zstandard package is not installed.
    """
    if not overlays:
        raise UsageError(f"{output}: a bundle needs an overlay")
    if not 0 <= epoch < 1 << 33:
        raise UsageError(f"{epoch} is no time for a tar archive", hint="SOURCE_DATE_EPOCH is in seconds since 1970")
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        entries: dict[str, OverlayEntry] = {}
        members: dict[str, bytes | Path] = {}
        for overlay, folder in sorted(overlays.items()):
            found = _overlay(overlay, folder, part)
            members |= {f"overlays/{overlay}/{name}": path for name, path in found.items()}
            digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}
            entries[overlay] = OverlayEntry(digests, _verified(found["manifest.json"]))
        manifest = BundleManifest(board, part, commit, f"PYNQtorch {__version__}", entries, hardware)
        text = manifest.to_json().encode("ascii")
        sums = {**manifest.digests(), MANIFEST: hashlib.sha256(text).hexdigest()}
        members |= {MANIFEST: text, SUMS: sums_text(sums).encode("utf-8")}
        _write(temporary, members, epoch=epoch, level=level)
        verify(temporary)  # also finds a file that changed since its checksum was taken
        temporary.replace(output)
    except OSError as error:
        raise StorageError(f"{error.filename or output}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return manifest


def _write(target: Path, members: Mapping[str, bytes | Path], *, epoch: int, level: int) -> None:
    """Write the archive: sorted names, one time, owner 0, modes 644 and 755 (where the source's owner may run it)."""
    names = Names()
    compressor = zstandard(target).ZstdCompressor(level=level, write_checksum=True, write_content_size=False)
    with (
        target.open("xb") as raw,
        compressor.stream_writer(raw, closefd=False) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, member in sorted(members.items()):
            if problem := names.add(name):
                raise FormatError(f"{name}: cannot be in a bundle: {problem}", hint="rename it")
            data = member if isinstance(member, bytes) else member.read_bytes()
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), epoch
            info.mode = 0o755 if isinstance(member, Path) and member.stat().st_mode & 0o100 else 0o644
            try:
                archive.addfile(info, io.BytesIO(data))
            except ValueError as error:  # tarfile says so where a name has no place in a ustar header
                raise FormatError(f"{name}: cannot be in a bundle: {error}", hint="choose a shorter name") from error


def _overlay(name: str, folder: Path, part: str) -> dict[str, Path]:
    """Files of an overlay by name below its folder, checked."""
    if not folder.is_dir():
        raise FormatError(f"overlay {name}: {folder} is no folder", hint=f"build it first: ./inv build {name}")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path
        elif not path.is_dir() or path.is_symlink():
            raise FormatError(f"overlay {name}: {path} is neither a file nor a folder")
    for required in required_files(name):
        if required not in found or not found[required].stat().st_size:
            raise FormatError(
                f"overlay {name}: {folder / required} is missing or empty", hint=f"build it first: ./inv build {name}"
            )
    _check_part(name, found, part)
    return found


def _check_part(name: str, found: Mapping[str, Path], part: str) -> None:
    from pynqtorch.hw.hwh_reader import parse
    from pynqtorch.hw.openfpga.header import parse_header

    match = _PART.fullmatch(part)
    if match is None:
        raise UsageError(f"part {part!r} is not of the form xc7z020clg400-1")
    bit = found[f"{name}.bit"]
    header, _ = parse_header(bit.read_bytes(), str(bit))
    if header.part != match[1]:
        raise FormatError(f"{bit} is for {header.part}, the board has {match[1]}")
    handoff = found[f"{name}.hwh"]
    if (other := parse(handoff).part) != part:
        raise FormatError(f"{handoff} is for {other}, the board has {part}")


def _verified(path: Path) -> tuple[str, ...]:
    """A line for each entry under ``verified`` in an overlay's manifest.json (`what`, `how`, `result`)."""
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not JSON: {error}") from error
    try:
        return tuple(f"{entry['what']}: {entry['result']} ({entry['how']})" for entry in data["verified"])
    except (KeyError, TypeError) as error:
        raise FormatError(f"{path}: verified is no list of what, how and result") from error


def step(
    board: str,
    part: str,
    overlays: Mapping[str, Mapping[str, str]],
    *,
    commit: str = "",
    epoch: int = 0,
    publish: str = "",
    package: str = "pynqtorch",
) -> Step:
    """The step ``bundle.<board>``: output ``<board>.tar.zst``.

    Args:
        overlays: overlay -> file name -> source as in plan.Input (``step:overlay.vector_add/vector_add.bit``).
        publish: as in plan.Output.
        package: as in `pynqtorch.modules.python_step`.
    """
    from pynqtorch.modules import python_step

    arguments = ["pack", "--output", f"{board}.tar.zst", "--board", board, "--part", part, "--commit", commit]
    for name in sorted(overlays):
        arguments += ["--overlay", f"{name}=overlays/{name}"]
    return python_step(
        f"bundle.{board}",
        "pynqtorch.board.bundle",
        [*arguments, "--epoch", str(epoch)],
        inputs=[
            Input(f"overlays/{name}/{file}", source)
            for name, files in sorted(overlays.items())
            for file, source in sorted(files.items())
        ],
        outputs=[Output(f"{board}.tar.zst", publish=publish)],
        distributions=("zstandard",),
        title=f"{board}: bundle",
        resources=Resources(memory_mib=1024),
        package=package,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m pynqtorch.board.bundle pack|unpack|verify``; the exit code is that of the error class."""
    parser = argparse.ArgumentParser(prog="python -m pynqtorch.board.bundle", description="bundles of overlays")
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="write a bundle")
    packing.add_argument("--output", type=Path, required=True)
    packing.add_argument("--board", required=True)
    packing.add_argument("--part", required=True, help="xc7z020clg400-1")
    packing.add_argument("--overlay", action="append", default=[], metavar="NAME=FOLDER")
    packing.add_argument("--commit", default="")
    packing.add_argument("--epoch", default=os.environ.get("SOURCE_DATE_EPOCH", "0"))
    packing.add_argument("--hardware", default=NOT_ON_HARDWARE, help="what was run on a board")
    reading = commands.add_parser("verify", help="compare all checksums")
    reading.add_argument("archive", type=Path)
    unpacking = commands.add_parser("unpack", help="unpack into a new folder")
    unpacking.add_argument("archive", type=Path)
    unpacking.add_argument("destination", type=Path)
    options = parser.parse_args(argv)
    try:
        if options.command == "pack":
            manifest = pack(
                options.output, board=options.board, part=options.part, overlays=_folders(options.overlay),
                commit=options.commit, epoch=_epoch(options.epoch), hardware=options.hardware,
            )  # fmt: skip
        elif options.command == "verify":
            manifest = verify(options.archive)
        else:
            manifest = unpack(options.archive, options.destination)
    except FatalError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    print(f"{manifest.board} ({manifest.part}): {', '.join(manifest.overlays)}; {manifest.hardware}")
    return 0


def _folders(values: Sequence[str]) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for value in values:
        name, equals, folder = value.partition("=")
        if not (name and equals and folder) or name in folders:
            raise UsageError(f"--overlay {value}: not NAME=FOLDER with a new name")
        folders[name] = Path(folder)
    return folders


def _epoch(value: str) -> int:
    if not re.fullmatch(r"\d{1,10}", value):
        raise UsageError(f"epoch {value!r} is no number of seconds", hint="set SOURCE_DATE_EPOCH or --epoch")
    return int(value)


if __name__ == "__main__":
    sys.exit(main())
