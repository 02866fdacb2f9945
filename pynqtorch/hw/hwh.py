# SPDX-License-Identifier: AGPL-3.0-or-later
"""The hardware handoff (.hwh) of an overlay: text, the step that checks it, and the command of that step.

``pynq.Overlay`` reads the .hwh next to the .bit to know addresses, registers, clocks and memory.  Vivado writes it
from a block design; the open flow has none, so this module writes it from the recipes.  The shell between the PS and
the kernels (AXI protocol conversion, multiplexers, reset) is left out: control and memory interfaces of kernels meet
the PS's ports directly, by bus name and memory map, and no AXI signal is listed one by one.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from pynqtorch.errors import FatalError, FormatError, RecipeError, StorageError
from pynqtorch.hw.hwh_axi import add, element
from pynqtorch.hw.hwh_check import check
from pynqtorch.hw.hwh_design import Design
from pynqtorch.hw.hwh_facts import HwhFacts, differences, expected, facts_from_json
from pynqtorch.hw.hwh_kernel import add_kernel
from pynqtorch.hw.hwh_ps7 import add_ps7
from pynqtorch.hw.hwh_reader import MAX_BYTES, parse, parse_bytes
from pynqtorch.plan import Input, Output, Step
from pynqtorch.recipes.models import Board, Kernel, Overlay

__all__ = ["HwhFacts", "expected", "main", "parse", "render", "step"]

TEXT = "handoff.xml"
FACTS = "handoff.json"


def render(
    overlay: Overlay,
    kernels: Mapping[str, Kernel],
    board: Board,
    *,
    addresses: Mapping[str, int],
    dividers: Mapping[str, tuple[int, int]],
    interrupts: Sequence[str] = (),
    tool: str = "PYNQtorch",
    timestamp: str = "",
) -> str:
    """Text of the .hwh, UTF-8 with a final newline; the same arguments give the same bytes.

    Args:
        kernels: kernel name -> recipe, for each kernel that the overlay uses.
        addresses: instance -> base of its 64 KiB window.
        dividers: clock (``fclk0``) -> both divisors of the IO PLL.
        interrupts: instances whose interrupt goes to IRQ_F2P, bit 0 first; several pass through an xlconcat.  (PYNQ
            takes interrupts through an AXI interrupt controller only, so its interrupt_pins stay empty.)
        tool: what wrote it, with version; stands where Vivado writes its own.
        timestamp: free text; left out if empty.

    Raises:
        RecipeError: see `expected`; or a text has a character that XML cannot hold.
    """
    facts = expected(overlay, kernels, board, addresses=addresses, dividers=dividers)
    design = Design(overlay, kernels, board, facts, tuple(interrupts))
    match = re.fullmatch(r"xc(7z\d{3})([a-z]{3}\d{3})(-\d)", board.part)
    if match is None:
        raise RecipeError(f"board {board.board}: part {board.part!r} is not of the form xc7z020clg400-1")
    top = element("EDKSYSTEM", EDWVERSION="1.2", **({"TIMESTAMP": timestamp} if timestamp else {}), TOOL=tool)
    add(top, "SYSTEMINFO", ARCH="zynq", DEVICE=match[1], NAME=overlay.overlay, PACKAGE=match[2], SPEEDGRADE=match[3])
    add(top, "EXTERNALPORTS")
    add(top, "EXTERNALINTERFACES")
    modules = add(top, "MODULES")
    for ip in facts.ips:
        add_kernel(modules, design, ip)
    add_ps7(modules, design)
    ElementTree.indent(top, "  ")
    text = ElementTree.tostring(top, encoding="unicode", short_empty_elements=True)
    return f'<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n{text}\n'


def step(
    overlay: Overlay,
    kernels: Mapping[str, Kernel],
    board: Board,
    *,
    addresses: Mapping[str, int],
    dividers: Mapping[str, tuple[int, int]],
    interrupts: Sequence[str] = (),
    inputs: Sequence[Input] = (),
    publish: str = "",
    package: str = "pynqtorch",
) -> Step:
    """The step ``hwh.<overlay>``: output ``<overlay>.hwh``, read back by PYNQ's parser.

    Args:
        inputs: what has to be there first (the bitstream, say); not read.
        publish: as in plan.Output.
        package: as in `pynqtorch.modules.python_step`.

    Raises:
        RecipeError: see `render`.
    """
    from pynqtorch.modules import python_step

    text = render(overlay, kernels, board, addresses=addresses, dividers=dividers, interrupts=interrupts)
    facts = expected(overlay, kernels, board, addresses=addresses, dividers=dividers)
    name = f"{overlay.overlay}.hwh"
    return python_step(
        f"hwh.{overlay.overlay}".lower(),
        "pynqtorch.hw.hwh",
        ["--text", TEXT, "--facts", FACTS, "--output", name],
        files={TEXT: text, FACTS: facts.to_json()},
        inputs=inputs,
        outputs=[Output(name, publish=publish)],
        distributions=("pynqmetadata", "pynqutils"),
        title=f"{overlay.overlay}: hardware handoff",
        package=package,
    )


def write_checked(text: bytes, facts: HwhFacts, output: Path) -> None:
    """Write a .hwh after our reader and PYNQ's parser found in it what `facts` say.

    Raises:
        FormatError: they found something else; nothing is left at `output`.
        MissingToolError: PYNQ's parser is not installed.
        StorageError: it cannot be written.
    """
    wrong = differences(facts, parse_bytes(text, output.name))
    if wrong:
        raise FormatError(f"{output}: not what was asked for:\n  " + "\n  ".join(wrong))
    temporary = output.with_name(f".{output.stem}.{os.getpid()}.hwh")
    try:
        temporary.write_bytes(text)
        check(temporary, facts)
        temporary.replace(output)
    except OSError as error:
        raise StorageError(f"{output}: cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m pynqtorch.hw.hwh``; the exit code is that of the error class."""
    parser = argparse.ArgumentParser(prog="python -m pynqtorch.hw.hwh", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--text", type=Path, required=True, help="the rendered handoff")
    parser.add_argument("--facts", type=Path, required=True, help="JSON of what software must find in it")
    parser.add_argument("--output", type=Path, required=True, help="the .hwh to write")
    options = parser.parse_args(argv)
    try:
        facts = facts_from_json(_read(options.facts).decode("utf-8", "replace"), str(options.facts))
        write_checked(_read(options.text), facts, options.output)
    except FatalError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    registers = sum(len(ip.registers) for ip in facts.ips)
    print(f"{options.output}: {len(facts.ips)} kernel(s), {registers} registers, read back by PYNQ's parser")
    return 0


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
