# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m pynqtorch.hw.openfpga.compare`: which features two bitstreams never share, by kind of site.

Both are brought to the same form first (assembled, then decoded), so that features with no bits and different
spellings of the same bits do not count.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pynqtorch.hw.openfpga.bitfile import read_bit
from pynqtorch.hw.openfpga.command import parser, read_bytes, read_text, run, write_file
from pynqtorch.hw.openfpga.decode import disassemble
from pynqtorch.hw.openfpga.device import Device, load_device
from pynqtorch.hw.openfpga.encode import assemble
from pynqtorch.hw.openfpga.fasm import FasmLine, parse
from pynqtorch.hw.openfpga.sites import ROUTING, is_data, site_feature

_WIDE = 8  # elements of longer vectors are not told apart


def compare(device: Device, ours: Iterable[FasmLine], theirs: Iterable[FasmLine]) -> dict[str, Any]:
    """Compare the modes of work of two decoded designs.

    Returns:
        per kind of site that either uses: the numbers of sites (`ours`, `theirs`), `only_ours` and `only_theirs`
        (feature -> number of sites), `shared` (feature -> [ours, theirs]), and `always_theirs`, the features that all
        of theirs have and none of ours. Content (INIT) and routing are left out. Plain data, ready for JSON.
    """
    left, right = _count(device, ours), _count(device, theirs)
    report: dict[str, Any] = {}
    for kind in sorted(left.keys() | right.keys()):
        (used_a, a), (used_b, b) = left.get(kind, (0, Counter())), right.get(kind, (0, Counter()))
        report[kind] = {
            "ours": used_a,
            "theirs": used_b,
            "only_ours": {name: a[name] for name in sorted(a.keys() - b.keys())},
            "only_theirs": {name: b[name] for name in sorted(b.keys() - a.keys())},
            "always_theirs": sorted(name for name, count in b.items() if used_a and count == used_b and name not in a),
            "shared": {name: [a[name], b[name]] for name in sorted(a.keys() & b.keys())},
        }
    return report


def _count(device: Device, lines: Iterable[FasmLine]) -> dict[str, tuple[int, Counter[str]]]:
    """Per kind of site: how many are used, and on how many each feature is set."""
    sites: dict[str, set[tuple[str, str]]] = {}
    seen: dict[str, set[tuple[str, str, str]]] = {}
    for line in lines:
        tile_name, _, rest = line.feature.partition(".")
        tile = device.tiles.get(tile_name)
        if tile is None or not line.value:
            continue
        kind, site, name = site_feature(tile, rest)
        if kind == ROUTING:
            continue
        sites.setdefault(kind, set()).add((tile_name, site))
        if is_data(name):
            continue
        width = 1 if line.msb is None or line.lsb is None else line.msb - line.lsb + 1
        if line.msb is None:
            names = [name]
        elif width > _WIDE:
            names = [f"{name}[]"]
        else:
            names = [f"{name}[{index}]" for index in line.indices()]
        seen.setdefault(kind, set()).update((tile_name, site, each) for each in names)
    return {kind: (len(used), Counter(name for _, _, name in seen.get(kind, set()))) for kind, used in sites.items()}


def decoded(device: Device, path: Path) -> tuple[FasmLine, ...]:
    """The features of a file: a bitstream when its name ends in .bit or .bin, else FASM. Raises `FatalError`s."""
    if path.suffix in (".bit", ".bin"):
        frames = read_bit(read_bytes(path), device, str(path)).frames
    else:
        frames = assemble(device, parse(read_text(path), str(path)), str(path))
    return disassemble(device, frames).features


def main(arguments: list[str] | None = None) -> None:
    """Parse `arguments` and do it. Raises `FatalError` classes."""
    options = _options(arguments)
    device = load_device(options.db, options.part)
    report = compare(device, decoded(device, options.ours), decoded(device, options.theirs))
    write_file(options.json, json.dumps(report, indent=1) + "\n")
    for kind, entry in report.items():
        print(
            f"{kind}: {entry['ours']} and {entry['theirs']} used, features: {len(entry['only_ours'])} only ours, "
            f"{len(entry['only_theirs'])} only theirs ({len(entry['always_theirs'])} of them on every site), "
            f"{len(entry['shared'])} shared"
        )


def _options(arguments: list[str] | None) -> argparse.Namespace:
    options = parser("pynqtorch.hw.openfpga.compare", "features that two bitstreams never share")
    options.add_argument("--ours", type=Path, required=True, help="FASM, .bit or .bit.bin")
    options.add_argument("--theirs", type=Path, required=True, help="FASM, .bit or .bit.bin")
    options.add_argument("--json", type=Path, required=True, help="output")
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(run(main))
