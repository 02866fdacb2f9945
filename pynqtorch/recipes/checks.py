# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a model alone cannot know: names of other recipes, ports, addresses, clocks, words that languages reserve."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import prod

from pynqtorch.recipes.addresses import CONTROL_RANGES, WINDOW
from pynqtorch.recipes.clocks import MAX_FCLK_HZ, fclk_dividers, format_frequency, reachable
from pynqtorch.recipes.diagnostics import Problem, did_you_mean
from pynqtorch.recipes.document import Document, Key
from pynqtorch.recipes.kinds import KindName
from pynqtorch.recipes.models import TYPE_BITS, Board, Kernel, Overlay, Rootfs
from pynqtorch.recipes.naming import CONTROL_REGISTERS, CPP_WORDS, hdl_word, register_name, register_of, register_words

DDR_BYTES = 1 << 30
"""What a Zynq-7000 can address as DDR (UG585, table 4-1: 0x0000_0000 to 0x3fff_ffff)."""


def check_board(
    document: Document, board: Board, overlays: Mapping[str, Overlay], names: Mapping[KindName, Collection[str]]
) -> Iterator[Problem]:
    """The overlays that a board names are there and are for this board.

    Args:
        document: where the board's lines are.
        board: the recipe.
        overlays: the overlays without problems of their own.
        names: names of the files of each kind.
    """
    yield from _twice(document, ("overlays",), board.overlays)
    for index, name in enumerate(board.overlays):
        keys = ("overlays", index)
        other = overlays[name].board if name in overlays else board.board
        if name not in names["overlays"]:
            advice = did_you_mean(name, sorted(names["overlays"]))
            yield document.problem(keys, f"overlays[{index}]: no overlay {name!r}{advice}")
        elif other != board.board and other in names["boards"]:
            yield document.problem(keys, f"overlays[{index}]: the overlay {name!r} is for the board {other!r}")


def check_kernel(document: Document, kernel: Kernel) -> Iterator[Problem]:
    """Names that C++, Verilog and VHDL accept, registers without clashes, arrays that fit, bundles that exist."""
    for key, name in (("kernel", kernel.kernel), ("top", kernel.top)):
        word = "C++" if name in CPP_WORDS else hdl_word(name)
        if word:
            yield document.problem((key,), f"{key}: {name!r} is a reserved word of {word}")
    taken = dict.fromkeys(CONTROL_REGISTERS, "a control register")
    for name, argument in kernel.arguments.items():
        keys: tuple[Key, ...] = ("arguments", name)
        if name in CPP_WORDS:
            yield document.problem(
                keys, f"arguments: {name!r} is a reserved word of C++; no function can have it", key=True
            )
            continue
        yield from _register(document, name, argument.register_name)
        words = register_words(name, argument)
        for word in dict.fromkeys((register_of(name, argument), *words)):
            if word in taken:
                named = argument.register_name is not None
                at = (*keys, "register") if named else keys
                yield document.problem(
                    at, f"arguments.{name}: its register {word!r} is also that of {taken[word]}", key=not named
                )
                break
        taken.update(dict.fromkeys((register_of(name, argument), *words), f"the argument {name!r}"))
        size = prod(argument.shape) * TYPE_BITS[argument.type] // 8
        if size > DDR_BYTES:
            text = f"arguments.{name}.shape: {size / 2**30:.1f} GiB; a Zynq-7000 addresses 1 GiB of memory"
            yield document.problem((*keys, "shape"), text)
    for bundle in kernel.rtl.data_width if kernel.rtl else ():
        if bundle not in kernel.bundles:
            text = f"rtl.data_width: no argument has the bundle {bundle!r}{did_you_mean(bundle, kernel.bundles)}"
            yield document.problem(("rtl", "data_width", bundle), text, key=True)


def check_overlay(
    document: Document,
    overlay: Overlay,
    *,
    boards: Mapping[str, Board],
    kernels: Mapping[str, Kernel],
    names: Mapping[KindName, Collection[str]],
) -> Iterator[Problem]:
    """Board, kernels, memory ports, addresses and clocks of an overlay.

    Args:
        document: where the overlay's lines are.
        overlay: the recipe.
        boards: the boards without problems of their own.
        kernels: the kernels without problems of their own.
        names: names of the files of each kind.
    """
    if overlay.board not in names["boards"]:
        text = f"board: no board {overlay.board!r}{did_you_mean(overlay.board, sorted(names['boards']))}"
        yield document.problem(("board",), text)
    yield from _clocks(document, overlay, boards.get(overlay.board))
    for name, instance in overlay.kernels.items():
        at = f"kernels.{name}"
        if word := hdl_word(name):
            yield document.problem(("kernels", name), f"{at}: {name!r} is a reserved word of {word}", key=True)
        if instance.kernel not in names["kernels"]:
            text = (
                f"{at}.kernel: no kernel {instance.kernel!r}{did_you_mean(instance.kernel, sorted(names['kernels']))}"
            )
            yield document.problem(("kernels", name, "kernel"), text)
        elif instance.kernel in kernels:
            yield from _memory(document, name, kernels[instance.kernel], tuple(instance.memory))
        if instance.clock not in overlay.clocks:
            text = f"{at}.clock: {instance.clock!r} is not among clocks{did_you_mean(instance.clock, overlay.clocks)}"
            yield document.problem(("kernels", name, "clock"), text)
    yield from _addresses(document, overlay)


def check_rootfs(document: Document, rootfs: Rootfs) -> Iterator[Problem]:
    """Tools come from packages of the list, components are the distribution's, and nothing is listed twice."""
    for index, component in enumerate(rootfs.components):
        owner = {"universe": "ubuntu", "contrib": "debian", "non-free": "debian"}.get(component, rootfs.distribution)
        if owner != rootfs.distribution:
            text = f"components[{index}]: {component!r} is a component of {owner}, not of {rootfs.distribution}"
            yield document.problem(("components", index), text)
    yield from _twice(document, ("packages",), rootfs.packages)
    for tool, package in rootfs.tools.items():
        if package not in rootfs.packages:
            text = f"tools.{tool}: {package!r} is not among packages{did_you_mean(package, rootfs.packages)}"
            yield document.problem(("tools", tool), text)


def _register(document: Document, name: str, given: str | None) -> Iterator[Problem]:
    """The recipe says so where HLS renames, so that hardware, .hwh and drivers cannot differ about it."""
    usual = register_name(name)
    if given is None:
        if usual != name:
            reason = f"is a reserved word of {hdl_word(name)}" if hdl_word(name) else "is renamed by HLS"
            text = f"arguments.{name}: {name!r} {reason}; say its name in the register map, register: {usual}"
            yield document.problem(("arguments", name), text, key=True)
    elif register_name(given) != given:
        reason = f"is a reserved word of {hdl_word(given)}" if hdl_word(given) else "is renamed by HLS"
        advice = f"HLS calls it {usual!r}" if given == name else "choose another name"
        text = f"arguments.{name}.register: {given!r} {reason}; {advice}"
        yield document.problem(("arguments", name, "register"), text)


def _clocks(document: Document, overlay: Overlay, board: Board | None) -> Iterator[Problem]:
    for name, wanted in overlay.clocks.items():
        keys = ("clocks", name)
        if wanted > MAX_FCLK_HZ:
            text = (
                f"clocks.{name}: {format_frequency(wanted)} is above the {format_frequency(MAX_FCLK_HZ)} of a PL clock"
            )
            yield document.problem(keys, text)
        elif board is not None:
            div0, div1, actual = fclk_dividers(board.ps7.io_pll, wanted)
            if not reachable(actual, wanted):
                pll = format_frequency(board.ps7.io_pll)
                text = f"{format_frequency(wanted)} cannot be made from the IO PLL's {pll} within 1 %"
                near = f"the nearest is {format_frequency(actual)} (divided by {div0} and {div1})"
                yield document.problem(keys, f"clocks.{name}: {text}; {near}")


def _memory(document: Document, name: str, kernel: Kernel, given: Sequence[str]) -> Iterator[Problem]:
    for bundle in given:
        if bundle not in kernel.bundles:
            text = f"kernels.{name}.memory: the kernel {kernel.kernel!r} has no bundle {bundle!r}"
            yield document.problem(
                ("kernels", name, "memory", bundle), text + did_you_mean(bundle, kernel.bundles), key=True
            )
    missing = [bundle for bundle in kernel.bundles if bundle not in given]
    if missing:
        text = (
            f"kernels.{name}.memory: no port for {', '.join(missing)}; write e.g. memory: {{{missing[0]}: S_AXI_HP0}}"
        )
        yield document.problem(("kernels", name, "memory"), text, key=True)


def _addresses(document: Document, overlay: Overlay) -> Iterator[Problem]:
    windows: list[tuple[int, str]] = []
    for name, instance in overlay.kernels.items():
        address = instance.address
        if address is None:
            continue
        keys = ("kernels", name, "address")
        at = f"kernels.{name}.address: 0x{address:08x}"
        first, last = CONTROL_RANGES[instance.control]
        clash = next((other for base, other in windows if abs(base - address) < WINDOW), None)
        if address % WINDOW:
            text = (
                f"{at} is not a multiple of 0x10000 (64 KiB); the nearest below is 0x{address - address % WINDOW:08x}"
            )
        elif not first <= address <= last:
            text = f"{at} lies outside of {instance.control}, 0x{first:08x} to 0x{last:08x}"
        elif clash is not None:
            text = f"{at} is in the 64 KiB window of {clash}"
        else:
            windows.append((address, name))
            continue
        yield document.problem(keys, text)


def _twice(document: Document, keys: tuple[Key, ...], names: Sequence[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield document.problem((*keys, index), f"{keys[-1]}[{index}]: {name!r} is named twice")
