# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m pynqtorch.hw.openfpga.disassemble`: .bit or .bit.bin -> FASM, and the bits that FASM cannot say."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pynqtorch.errors import VerifyError
from pynqtorch.hw.openfpga.bitfile import read_bit
from pynqtorch.hw.openfpga.command import parser, read_bytes, run, write_file
from pynqtorch.hw.openfpga.decode import disassemble, format_unknown, restore
from pynqtorch.hw.openfpga.device import load_device
from pynqtorch.hw.openfpga.encode import assemble
from pynqtorch.hw.openfpga.fasm import format_lines

_SHOWN = 10


def main(arguments: list[str] | None = None) -> None:
    """Parse `arguments` and do it. Raises `FatalError` classes."""
    options = _options(arguments)
    device = load_device(options.db, options.part)
    stream = read_bit(read_bytes(options.bit), device, str(options.bit))
    result = disassemble(device, stream.frames)
    if options.verify and restore(assemble(device, result.features), result.unknown, result.odd_ecc) != stream.frames:
        raise VerifyError(f"{options.bit}: the features do not assemble to the same frames", hint="report this bug")
    write_file(options.fasm, format_lines(result.features))
    if options.unknown:
        write_file(options.unknown, format_unknown(device.part, result))
    print(f"{len(result.features)} FASM lines from {len(stream.frames)} frames with content")
    if result.unknown:
        print(f"{len(result.unknown)} set bits are in no feature of the database:", file=sys.stderr)
        for bit in result.unknown[:_SHOWN]:
            tiles = ", ".join(bit.tiles) or "no known tile"
            print(f"  frame 0x{bit.frame:08X} word {bit.word} bit {bit.bit}: {tiles}", file=sys.stderr)
        if len(result.unknown) > _SHOWN:
            print(f"  ... and {len(result.unknown) - _SHOWN} more (all with --unknown FILE)", file=sys.stderr)
    if result.odd_ecc:
        print(f"{len(result.odd_ecc)} frames have another error-correction code than computed", file=sys.stderr)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    options = parser("pynqtorch.hw.openfpga.disassemble", "bitstream to FASM")
    options.add_argument("--bit", type=Path, required=True, help="input: .bit or .bit.bin")
    options.add_argument("--fasm", type=Path, required=True, help="output")
    options.add_argument("--unknown", type=Path, help="output: JSON of set bits that no feature explains")
    options.add_argument("--verify", action="store_true", help="assemble again and compare every bit")
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(run(main))
