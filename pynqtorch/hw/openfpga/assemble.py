# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m pynqtorch.hw.openfpga.assemble`: FASM -> frames, .bit, .bit.bin."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pynqtorch import __version__
from pynqtorch.errors import FormatError, UsageError
from pynqtorch.hw.openfpga.bitfile import read_bit, write_bit
from pynqtorch.hw.openfpga.command import number, parser, read_text, run, write_file
from pynqtorch.hw.openfpga.decode import parse_unknown, restore
from pynqtorch.hw.openfpga.device import Device, load_device
from pynqtorch.hw.openfpga.encode import assemble
from pynqtorch.hw.openfpga.fasm import parse
from pynqtorch.hw.openfpga.frames import Frames, format_frames
from pynqtorch.hw.openfpga.header import make_header


def main(arguments: list[str] | None = None) -> None:
    """Parse `arguments` and do it. Raises `FatalError` classes."""
    options = _options(arguments)
    outputs = (options.frames, options.bit, options.bitbin)
    if not any(outputs):
        raise UsageError("nothing to write", hint="give --frames, --bit or --bitbin")
    device = load_device(options.db, options.part)
    lines = parse(read_text(options.fasm), str(options.fasm))
    frames = assemble(device, lines, str(options.fasm))
    if options.unknown:
        frames = _with_unknown(device, frames, options.unknown)
    header = make_header(options.design, device.header_part, options.source_date_epoch, options.tool, options.user_id)
    bit, binary = write_bit(device, frames, header, user_access=options.usr_access)
    if read_bit(bit, device).frames != frames:
        raise FormatError("the bitstream does not read back as the frames it was made of", hint="report this bug")
    text = format_frames(frames).encode("ascii") if options.frames else b""
    for path, content in zip(outputs, (text, bit, binary), strict=True):
        if path:
            write_file(path, content)
    print(
        f"{sum(bool(line.feature) for line in lines)} FASM lines, {len(frames)} frames with content, {len(bit)} bytes"
    )


def _with_unknown(device: Device, frames: Frames, path: Path) -> Frames:
    part, bits, odd = parse_unknown(read_text(path), str(path))
    if part != device.part:
        raise FormatError(f"{path}: these bits are of {part}, not {device.part}", hint="give the right --part")
    return restore(frames, bits, odd)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    options = parser("pynqtorch.hw.openfpga.assemble", "FASM to frames and bitstream")
    options.add_argument("--fasm", type=Path, required=True, help="input")
    options.add_argument("--unknown", type=Path, help="JSON of bits outside of the database, from the disassembler")
    options.add_argument("--frames", type=Path, help="output: frames as text")
    options.add_argument("--bit", type=Path, help="output: .bit with header")
    options.add_argument("--bitbin", type=Path, help="output: .bit.bin for Linux' fpga manager")
    options.add_argument("--design", default="top", help="name of the top module, for the header")
    options.add_argument("--tool", default=f"PYNQtorch-{__version__}", help="Version= in the header")
    options.add_argument("--user-id", type=number, default=0xFFFFFFFF, help="UserID= in the header (text only)")
    options.add_argument("--usr-access", type=number, help="32 bits for the USR_ACCESS register")
    options.add_argument("--source-date-epoch", type=number, default=0, help="time in the header, seconds since 1970")
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(run(main))
