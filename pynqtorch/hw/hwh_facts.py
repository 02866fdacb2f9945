# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a hardware handoff (.hwh) says that software relies on, as data: names, addresses, registers, memory, clocks.

`expected` makes it from recipes, `pynqtorch.hw.hwh_reader` from any .hwh and `pynqtorch.hw.hwh_check` from what PYNQ's
own parser reads, so that the three can be compared key by key.  Addresses and sizes are bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pynqtorch.errors import FormatError, RecipeError
from pynqtorch.hw.addresses import WINDOW
from pynqtorch.hw.clocks import DIVISORS
from pynqtorch.hw.registers import register_map
from pynqtorch.recipes.clocks import TOLERANCE, format_frequency, reachable
from pynqtorch.recipes.models import Board, Kernel, Overlay
from pynqtorch.recipes.naming import vlnv

CLOCKS = 4
PS_INSTANCE = "processing_system7_0"
CONCAT_INSTANCE = "xlconcat_0"
DDR_HIGH = 0x1FFF_FFFF
"""Last byte of 512 MiB, for boards whose preset has no PCW_DDR_RAM_HIGHADDR."""


@dataclass(frozen=True, slots=True)
class RegisterFacts:
    """A register; `fields` are (name, bit offset, bit width, access)."""

    name: str
    offset: int
    bits: int
    access: str
    fields: tuple[tuple[str, int, int, str], ...]


@dataclass(frozen=True, slots=True)
class MemoryFacts:
    """What an m_axi interface reaches through a port of the PS."""

    interface: str
    port: str
    block: str
    base: int
    size: int


@dataclass(frozen=True, slots=True)
class IpFacts:
    """A kernel: its window behind a control port, its registers and its memory."""

    name: str
    vlnv: str
    control: str
    interface: str
    address: int
    size: int
    registers: tuple[RegisterFacts, ...]
    memory: tuple[MemoryFacts, ...]


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """An FCLK: the IO PLL divided by both divisors."""

    index: int
    enabled: bool
    divisor0: int
    divisor1: int


@dataclass(frozen=True, slots=True)
class HwhFacts:
    """The whole handoff; `ips` are sorted by name."""

    design: str
    part: str
    ips: tuple[IpFacts, ...]
    clocks: tuple[ClockFacts, ...]

    def to_json(self) -> str:
        """JSON text, deterministic."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def expected(
    overlay: Overlay,
    kernels: Mapping[str, Kernel],
    board: Board,
    *,
    addresses: Mapping[str, int],
    dividers: Mapping[str, tuple[int, int]],
) -> HwhFacts:
    """The facts that recipes ask for.

    Args:
        kernels: kernel name -> recipe, for each kernel that the overlay uses.
        addresses: instance -> base of its 64 KiB window.
        dividers: clock (``fclk0``) -> both divisors of the IO PLL, for each clock of the overlay.

    Raises:
        RecipeError: a kernel, address, memory port or divider is missing, a divider is not 1 to 63, the clock that
            the dividers make is more than 1 % from the recipe's (timing is held against the clock that is made), or
            an instance has a name that the PS needs.
    """
    where = f"overlay {overlay.overlay}"
    _check_dividers(overlay, board, dividers)
    ips = []
    for name, instance in sorted(overlay.kernels.items()):
        if name in (PS_INSTANCE, CONCAT_INSTANCE):
            raise RecipeError(f"{where}: kernels.{name}: this name is taken", hint="name the instance otherwise")
        if instance.kernel not in kernels:
            raise RecipeError(f"{where}: kernels.{name}: no kernel {instance.kernel!r}")
        if name not in addresses:
            raise RecipeError(f"{where}: kernels.{name} has no address")
        kernel = kernels[instance.kernel]
        missing = [bundle for bundle in kernel.bundles if bundle not in instance.memory]
        if missing:
            raise RecipeError(
                f"{where}: kernels.{name}.memory: no port for {', '.join(missing)}",
                hint=f"say e.g. memory: {{{missing[0]}: S_AXI_HP0}}",
            )
        memory = tuple(
            MemoryFacts(f"m_axi_{bundle}", port, memory_block(port), 0, ddr_high(board) + 1)
            for bundle, port in sorted((bundle, instance.memory[bundle]) for bundle in kernel.bundles)
        )
        registers = tuple(
            RegisterFacts(r.name, r.offset, r.bits, r.access,
                          tuple((f.name, f.bit_offset, f.bit_width, f.access) for f in r.fields))
            for r in register_map(kernel)
        )  # fmt: skip
        interface = f"s_axi_{kernel.control}"
        ips.append(IpFacts(name, vlnv(kernel), instance.control, interface, addresses[name], WINDOW, registers, memory))
    clocks = []
    for index in range(CLOCKS):
        enabled = f"fclk{index}" in overlay.clocks
        divisor0, divisor1 = dividers[f"fclk{index}"] if enabled else (1, 1)
        clocks.append(ClockFacts(index, enabled, divisor0, divisor1))
    return HwhFacts(overlay.overlay, board.part, tuple(ips), tuple(clocks))


def memory_block(port: str) -> str:
    """Vivado's name of the DDR behind a memory port: S_AXI_HP0 -> HP0_DDR_LOWOCM."""
    return f"{port.removeprefix('S_AXI_')}_DDR_LOWOCM"


def ddr_high(board: Board) -> int:
    """Address of the last byte of DDR.

    Raises:
        RecipeError: PCW_DDR_RAM_HIGHADDR in the board's preset is not a number.
    """
    value = preset(board).get("PCW_DDR_RAM_HIGHADDR", str(DDR_HIGH))
    try:
        return int(value, 0)
    except ValueError as error:
        raise RecipeError(f"board {board.board}: PCW_DDR_RAM_HIGHADDR: {value!r} is not an address") from error


def preset(board: Board) -> dict[str, str]:
    """The board's PCW_* values as text, without Vivado's ``CONFIG.`` in front."""
    return {key.removeprefix("CONFIG."): str(value) for key, value in board.ps7.preset.items()}


def facts_from_json(text: str, where: str) -> HwhFacts:
    """The inverse of `HwhFacts.to_json`.

    Raises:
        FormatError: not such a JSON text.
    """
    try:
        data = json.loads(text)
        return HwhFacts(
            data["design"],
            data["part"],
            tuple(_ip(ip) for ip in data["ips"]),
            tuple(ClockFacts(**clock) for clock in data["clocks"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(
            f"{where}: not the facts of a .hwh ({type(error).__name__}: {error})",
            hint="it is written by pynqtorch.hw.hwh.step",
        ) from error


def _ip(data: dict[str, Any]) -> IpFacts:
    registers = tuple(
        RegisterFacts(**{**register, "fields": tuple(tuple(item) for item in register["fields"])})
        for register in data["registers"]
    )
    memory = tuple(MemoryFacts(**item) for item in data["memory"])
    return IpFacts(**{**data, "registers": registers, "memory": memory})


def differences(asked: HwhFacts, found: HwhFacts) -> list[str]:
    """One line for each key that is not equal, is missing or is too many: ``key: asked …, found …``."""
    left, right = _flat("", asdict(asked)), _flat("", asdict(found))
    keys = list(dict.fromkeys((*left, *right)))
    return [
        f"{key}: asked {left.get(key, 'nothing')}, found {right.get(key, 'nothing')}"
        for key in keys
        if left.get(key, None) != right.get(key, None)
    ]


def _flat(prefix: str, value: object) -> dict[str, object]:
    """Dotted keys; items of a list are called by their name, interface or index."""
    if isinstance(value, dict):
        items: Iterable[tuple[str, object]] = ((str(key), item) for key, item in value.items())
    elif isinstance(value, (list, tuple)):
        items = ((_label(index, item), item) for index, item in enumerate(value))
    else:
        return {prefix: value}
    result: dict[str, object] = {}
    for key, item in items:
        result.update(_flat(f"{prefix}.{key}" if prefix else key, item))
    return result


def _label(index: int, item: object) -> str:
    if isinstance(item, dict):
        return str(item.get("name", item.get("interface", item.get("index", index))))
    if isinstance(item, (list, tuple)) and item:
        return str(item[0])
    return str(index)


def _check_dividers(overlay: Overlay, board: Board, dividers: Mapping[str, tuple[int, int]]) -> None:
    for clock, wanted in overlay.clocks.items():
        where = f"overlay {overlay.overlay}: clocks.{clock}"
        if clock not in dividers:
            raise RecipeError(f"{where} has no dividers")
        first, second = dividers[clock]
        if first not in DIVISORS or second not in DIVISORS:
            raise RecipeError(f"{where}: dividers {first} and {second}; each is 1 to {DIVISORS[-1]} (UG585 ch. 25)")
        made = round(board.ps7.io_pll / (first * second))
        if not reachable(made, wanted):
            raise RecipeError(
                f"{where}: dividers {first} and {second} make {format_frequency(made)} of {board.board}'s IO PLL, "
                f"more than {TOLERANCE:.0%} from {format_frequency(wanted)}",
                hint="choose other dividers, or a clock that the IO PLL can be divided to",
            )
