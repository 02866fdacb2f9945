# SPDX-License-Identifier: AGPL-3.0-or-later
"""bundle.json and SHA256SUMS of a bundle: what is in it, where it comes from, and what was verified."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pynqtorch.errors import FormatError

FORMAT = 1
MANIFEST = "bundle.json"
SUMS = "SHA256SUMS"
NOT_ON_HARDWARE = "not verified on hardware"

_SUM = re.compile(r"([0-9a-f]{64})  (\S+)")


@dataclass(frozen=True, slots=True)
class OverlayEntry:
    """An overlay in a bundle.

    Attributes:
        files: file name below ``overlays/<overlay>/`` -> SHA-256 in hex.
        verified: what was verified and how, one line each.
    """

    files: Mapping[str, str]
    verified: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BundleManifest:
    """bundle.json.

    Attributes:
        commit: git commit of the repository that it was made from; empty if unknown.
        hardware: what was run on a board, or `NOT_ON_HARDWARE`.
    """

    board: str
    part: str
    commit: str
    tool: str
    overlays: Mapping[str, OverlayEntry]
    hardware: str = NOT_ON_HARDWARE
    format: int = FORMAT

    def to_json(self) -> str:
        """JSON text, deterministic."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=True) + "\n"

    def digests(self) -> dict[str, str]:
        """Name in the archive -> SHA-256 for all files of overlays."""
        return {
            f"overlays/{overlay}/{name}": digest
            for overlay, entry in self.overlays.items()
            for name, digest in entry.files.items()
        }


def parse_manifest(data: bytes, where: str) -> BundleManifest:
    """The manifest of a bundle.

    Raises:
        FormatError: not JSON, another format version, or a key missing or of another type.
    """
    try:
        values = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{where}: {MANIFEST}: not JSON: {error}") from error
    top = _mapping(values, where, "the whole")
    if top.get("format") != FORMAT:
        raise FormatError(
            f"{where}: {MANIFEST}: format {str(top.get('format'))[:40]}; this version reads {FORMAT}",
            hint="use the PYNQtorch that made the bundle, or a newer one",
        )
    overlays = {}
    for name, entry in _mapping(top.get("overlays"), where, "overlays").items():
        item = _mapping(entry, where, f"overlays.{name}")
        files = _mapping(item.get("files"), where, f"overlays.{name}.files")
        verified = item.get("verified")
        if not isinstance(verified, list):
            raise FormatError(f"{where}: {MANIFEST}: overlays.{name}.verified is no list")
        overlays[name] = OverlayEntry(
            {file: _text(digest, where, f"overlays.{name}.files.{file}") for file, digest in files.items()},
            tuple(_text(line, where, f"overlays.{name}.verified") for line in verified),
        )
    board, part, commit, tool, hardware = (
        _text(top.get(key), where, key) for key in ("board", "part", "commit", "tool", "hardware")
    )
    return BundleManifest(board, part, commit, tool, overlays, hardware)


def sums_text(digests: Mapping[str, str]) -> str:
    """SHA256SUMS as ``sha256sum --check`` reads it."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def parse_sums(data: bytes, where: str) -> dict[str, str]:
    """Name -> SHA-256 in hex.

    Raises:
        FormatError: a line that is not ``<hex>  <name>``, or a name twice.
    """
    digests: dict[str, str] = {}
    try:
        lines = data.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{where}: {SUMS}: not ASCII") from error
    for number, line in enumerate(lines, 1):
        match = _SUM.fullmatch(line)
        if match is None or match[2] in digests:
            raise FormatError(f"{where}: {SUMS}:{number}: not a checksum and a new name")
        digests[match[2]] = match[1]
    return digests


def _mapping(value: object, where: str, key: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise FormatError(f"{where}: {MANIFEST}: {key} is no object")
    return value


def _text(value: object, where: str, key: str) -> str:
    if not isinstance(value, str):
        raise FormatError(f"{where}: {MANIFEST}: {key} is no text")
    return value
