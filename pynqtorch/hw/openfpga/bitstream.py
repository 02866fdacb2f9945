# SPDX-License-Identifier: AGPL-3.0-or-later
"""The step from FASM to a bitstream, and the check that the bitstream says what the FASM says.

nextpnr's FASM is completed (`conform`), assembled into .bit and .bit.bin, and the .bit is taken apart again: its
features must assemble to the same frames, and every set bit must be explained by the database.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from pynqtorch.errors import FormatError, OutputError, VerifyError
from pynqtorch.hw.openfpga.command import read_bytes
from pynqtorch.modules import module_sources, python_step
from pynqtorch.plan import Check, Input, Output, Resources, Step

DATABASE = "usr/share/prjxray/database"
"""prjxray's database below the root of the rootfs."""
_PACKAGE = "pynqtorch.hw.openfpga"


def bitstream_step(
    name: str, *, part: str, database: Input, source_date_epoch: int, package: str = "pynqtorch"
) -> Step:
    """Step ``bitstream.<overlay>``.

    Args:
        name: of the overlay; also the design's name in the header.
        part: with speed grade, ``xc7z020clg400-1``.
        database: prjxray's, staged as ``db``, with the package's version as identity.
        source_date_epoch: time in the header, seconds since 1970.
        package: as in `pynqtorch.modules.python_step`.
    """
    bit, binary, lower = f"{name}.bit", f"{name}.bit.bin", name.lower()
    commands = {
        "conform": ["--fasm", "top.fasm", "--out", "conformed.fasm", "--json", "conform.json"],
        "assemble": [
            "--db", "db", "--part", part, "--fasm", "conformed.fasm", "--bit", bit, "--bitbin", binary,
            "--design", name, "--source-date-epoch", str(source_date_epoch),
        ],
        "disassemble": [
            "--db", "db", "--part", part, "--bit", bit, "--fasm", "readback.fasm", "--unknown", "unknown.json",
            "--verify",
        ],
    }  # fmt: skip
    sources = {source for module in commands for source in module_sources(f"{_PACKAGE}.{module}")}
    step = python_step(
        f"bitstream.{lower}",
        f"{_PACKAGE}.assemble",
        [],
        inputs=(Input("top.fasm", f"step:route.{lower}/top.fasm"), database),
        # the gate has passed, or its failure was allowed
        outputs=(Output(bit), Output(binary), Output("conform.json"), Output("unknown.json"), Output("readback.fasm")),
        sources=sorted(sources),
        title=f"make and read back the bitstream of {name}",
        resources=Resources(cores=1, memory_mib=1000),
        checks=(Check(f"{_PACKAGE}.bitstream:check_bitstream", (bit, binary, name, part)),),
        package=package,
    )
    return replace(
        step,
        commands=tuple(("python", "-m", f"{_PACKAGE}.{module}", *args) for module, args in commands.items()),
        after=(f"timing.{lower}",),
    )


def check_bitstream(directory: Path, bit: str, binary: str, design: str, part: str) -> None:
    """The header names design and part, .bit.bin is the .bit's body byte-swapped, and no bit is unexplained.

    Raises:
        VerifyError: bits that the database does not know, or the two files differ.
        FormatError: the header is wrong.
        OutputError: unknown.json does not parse.
    """
    from pynqtorch.hw.openfpga.header import parse_header

    data = read_bytes(directory / bit)
    header, start = parse_header(data, bit)
    wanted = part.removeprefix("xc").rpartition("-")[0]
    if header.top != design or header.part != wanted:
        raise FormatError(
            f"{bit}: header says {header.top} for {header.part}, not {design} for {wanted}",
            hint="run the step again",
        )
    if _swapped(data[start:]) != read_bytes(directory / binary):
        raise VerifyError(f"{binary} is not {bit} byte-swapped", hint="report this bug")
    try:
        content = json.loads(read_bytes(directory / "unknown.json"))
        bits = content["bits"]
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(f"unknown.json: {type(error).__name__}: {error}", hint="run the step again") from error
    if bits:
        raise VerifyError(
            f"{bit}: {len(bits)} set bits are in no feature of the database, the first in frame {bits[0]['frame']}",
            hint="report this bug",
        )


def _swapped(data: bytes) -> bytes:
    from array import array

    words = array("I", data)
    words.byteswap()
    return words.tobytes()
