# SPDX-License-Identifier: AGPL-3.0-or-later
"""The generated Verilog top of an overlay: PS7, clock, reset, shell (hw/shell) and kernels.

The top has no ports: DDR and the fixed I/O of the PS are dedicated pins of the PS7, and nextpnr wants them
unconnected.  Signal names are `<port or instance>_<AXI name>`; vectors of several masters or slaves are packed, index
`i` of a W-bit signal at `[i*W +: W]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pynqtorch.errors import RecipeError
from pynqtorch.hw.addresses import WINDOW, addresses
from pynqtorch.hw.openfpga import ps7
from pynqtorch.hw.openfpga.ps7 import CONTROL_PORTS, INTERRUPTS, MEMORY_PORTS
from pynqtorch.hw.openfpga.verilog import Pins, bus, cell, select, wires
from pynqtorch.hw.registers import address_bits
from pynqtorch.recipes.models import Instance, Kernel, Overlay

TOP = "top"
"""Name of the generated module."""
RESERVED = frozenset({TOP, "PS7", "BUFG", "clk", "reset_n", "fclk", "fclk_reset_n", "ps7", "bufg_clk", "reset"})


@dataclass(frozen=True, slots=True)
class Master:
    """A kernel's m_axi bundle at a memory port; `width` is its data width in bits."""

    instance: str
    bundle: str
    width: int

    @property
    def name(self) -> str:
        """Prefix of its wires."""
        return f"{self.instance}_{self.bundle}"


def clock_of(overlay: Overlay) -> str:
    """The one clock that all kernels run on.

    Raises:
        RecipeError: two kernels have different clocks, or the clock has no frequency in the recipe.
    """
    used = {instance.clock: name for name, instance in overlay.kernels.items()}
    if len(used) > 1:
        several = ", ".join(f"{name} on {clock}" for clock, name in used.items())
        raise RecipeError(
            f"overlay {overlay.overlay}: the open flow supports one clock, but there is {several}",
            hint="use fclk0 for all kernels",
        )
    clock = next(iter(used))
    if clock not in overlay.clocks:
        raise RecipeError(
            f"overlay {overlay.overlay}: kernels use {clock}, which has no frequency", hint=f"add {clock} to clocks"
        )
    return clock


def masters(overlay: Overlay, kernels: Mapping[str, Kernel]) -> dict[str, tuple[Master, ...]]:
    """Memory port -> the bundles on it, in the order of the recipe.

    Raises:
        RecipeError: a kernel is not there or has no RTL, or a bundle is unknown, missing or put nowhere.
    """
    result: dict[str, list[Master]] = {}
    for name, instance in overlay.kernels.items():
        kernel = _kernel(overlay, name, instance, kernels)
        unknown = [bundle for bundle in instance.memory if bundle not in kernel.bundles]
        missing = [bundle for bundle in kernel.bundles if bundle not in instance.memory]
        if unknown or missing:
            text = f"no bundle {unknown[0]!r}" if unknown else f"bundle {missing[0]!r} is on no memory port"
            raise RecipeError(
                f"overlay {overlay.overlay}: kernels.{name}.memory: {text}",
                hint=f"kernel {kernel.kernel} has " + (", ".join(kernel.bundles) or "no m_axi bundle"),
            )
        for bundle in kernel.bundles:
            width = kernel.rtl.data_width.get(bundle, 32) if kernel.rtl else 32
            result.setdefault(instance.memory[bundle], []).append(Master(name, bundle, width))
    for port, found in result.items():
        if len(found) > (most := 1 << MEMORY_PORTS[port].id_width):
            raise RecipeError(f"overlay {overlay.overlay}: {len(found)} masters on {port}, which takes {most}")
    return {port: tuple(found) for port, found in result.items()}


def render(overlay: Overlay, kernels: Mapping[str, Kernel]) -> str:
    """The Verilog text of module `top`.

    Raises:
        RecipeError: what `clock_of`, `masters` or `addresses` find wrong, a name that the top uses itself, or more
            kernels than interrupts.
    """
    clock = clock_of(overlay)
    at_memory = masters(overlay, kernels)
    bases = addresses(overlay)
    if len(overlay.kernels) > INTERRUPTS:
        raise RecipeError(f"overlay {overlay.overlay}: more than {INTERRUPTS} kernels", hint="the PS has 16 interrupts")
    _check_names(overlay, kernels, at_memory)
    blocks = [_header(overlay, clock, bases), *_clock(clock)]
    ps7_pins: Pins = []
    for port, prefix in CONTROL_PORTS.items():
        names = [name for name, instance in overlay.kernels.items() if instance.control == port]
        if names:
            blocks += _control(port, names, bases)
            ps7_pins += _control_pins(port, prefix)
    for port, found in at_memory.items():
        blocks += _memory(port, found)
        ps7_pins += _memory_pins(port)
    blocks += [
        _instance(overlay, index, name, kernels[instance.kernel])
        for index, (name, instance) in enumerate(overlay.kernels.items())
    ]
    blocks.append(_ps7(len(overlay.kernels), ps7_pins))
    return "\n".join(blocks) + "\nendmodule\n`default_nettype wire\n"


def _check_names(overlay: Overlay, kernels: Mapping[str, Kernel], at_memory: Mapping[str, tuple[Master, ...]]) -> None:
    """Instances must not be called as a module, wire or cell of the top is."""
    prefixes = [f"{_short(port)}_" for port in (*CONTROL_PORTS, *MEMORY_PORTS)]
    prefixes += [f"{master.name}_" for found in at_memory.values() for master in found]
    tops = {kernels[instance.kernel].top for instance in overlay.kernels.values()}
    for name in overlay.kernels:
        if name in RESERVED or name in tops or name.startswith(tuple(prefixes)):
            raise RecipeError(
                f"overlay {overlay.overlay}: an instance cannot be named {name!r}: the generated top uses such names",
                hint="name it <kernel>_<number>",
            )


def _kernel(overlay: Overlay, name: str, instance: Instance, kernels: Mapping[str, Kernel]) -> Kernel:
    kernel = kernels.get(instance.kernel)
    if kernel is None:
        raise RecipeError(f"overlay {overlay.overlay}: kernels.{name}: there is no kernel {instance.kernel!r}")
    if kernel.rtl is None:
        raise RecipeError(
            f"overlay {overlay.overlay}: kernel {kernel.kernel} has no rtl section, and the open flow has no HLS",
            hint="write its RTL by hand, or build the overlay with the vendor flow",
        )
    return kernel


def _header(overlay: Overlay, clock: str, bases: Mapping[str, int]) -> str:
    lines = [f"//   0x{base:08X}  {name}" for name, base in bases.items()]
    return "\n".join(
        [
            "// Generated by PYNQtorch from the recipe of overlay " + overlay.overlay + "; changes here are lost.",
            f"// One clock, {clock}. Windows of 64 KiB:",
            *lines,
            "`default_nettype none",
            f"module {TOP};",
        ]
    )


def _clock(clock: str) -> list[str]:
    index = clock.removeprefix("fclk")
    return [
        "    // clock and reset",
        "    wire [3:0] fclk, fclk_reset_n;",
        '    (* keep = "true" *) wire clk;',
        "    wire reset_n;",
        cell("BUFG", "bufg_clk", [("I", f"fclk[{index}]"), ("O", "clk")]),
        cell(
            "shell_reset", "reset", [("clk", "clk"), ("ext_reset_n", "fclk_reset_n[0]"), ("reset_n", "reset_n")],
            parameters=[("HOLD", "16")],
        ),
    ]  # fmt: skip


def _control(port: str, names: list[str], bases: Mapping[str, int]) -> list[str]:
    """PS7 master -> shell_gp_to_axil -> shell_axil_mux -> packed AXI4-Lite of all kernels on this port."""
    prefix, count = _short(port), len(names)
    table = ", ".join(f"32'h{bases[name]:08X}" for name in reversed(names))
    return [
        f"\n    // {port}: " + ", ".join(names),
        wires(prefix, ps7.control_axi3()),
        wires(f"{prefix}_lite", ps7.lite()),
        wires(f"{prefix}_slaves", ps7.lite(), count),
        cell(
            "shell_gp_to_axil", f"{prefix}_to_lite",
            [*_CLOCKED, *bus("s_axi_", prefix, ps7.control_axi3()), *bus("m_axi_", f"{prefix}_lite", ps7.lite())],
            parameters=[("ID_WIDTH", "12")],
        ),
        cell(
            "shell_axil_mux", f"{prefix}_mux",
            [*_CLOCKED, *bus("s_axi_", f"{prefix}_lite", ps7.lite()),
             *bus("m_axi_", f"{prefix}_slaves", ps7.lite())],
            parameters=[("N", str(count)), ("BASES", f"{{{table}}}"),
                        ("WINDOW_BITS", str(WINDOW.bit_length() - 1))],
        ),
    ]  # fmt: skip


def _memory(port: str, found: tuple[Master, ...]) -> list[str]:
    """Each bundle -> shell_axi4_to_axi3 -> packed bursts -> shell_axi_mux -> PS7 slave."""
    facts, prefix, count = MEMORY_PORTS[port], _short(port), len(found)
    burst = ps7.burst_axi(facts.data_width)
    blocks = [f"\n    // {port}: " + ", ".join(master.name for master in found)]
    blocks += [wires(master.name, ps7.kernel_axi4(master.width)) for master in found]
    blocks += [wires(f"{prefix}_masters", burst, count), wires(prefix, ps7.memory_axi3(facts))]
    for index, master in enumerate(found):
        blocks.append(
            cell(
                "shell_axi4_to_axi3", f"{master.name}_bursts",
                [*_CLOCKED, *bus("s_axi_", master.name, ps7.kernel_axi4(master.width)),
                 *bus("m_axi_", f"{prefix}_masters", burst, part=(index, count))],
                parameters=[("S_DATA_WIDTH", str(master.width)), ("M_DATA_WIDTH", str(facts.data_width)),
                            ("S_ID_WIDTH", "1"), ("S_ADDR_WIDTH", "64")],
            )
        )  # fmt: skip
    to_port = bus("m_axi_", prefix, ps7.memory_axi3(facts))
    if not facts.coherent:
        to_port += [("m_axi_AWUSER", ""), ("m_axi_ARUSER", "")]
    blocks.append(
        cell(
            "shell_axi_mux", f"{prefix}_mux", [*_CLOCKED, *bus("s_axi_", f"{prefix}_masters", burst), *to_port],
            parameters=[("N", str(count)), ("DATA_WIDTH", str(facts.data_width)), ("ID_WIDTH", str(facts.id_width)),
                        ("CACHE", facts.cache), ("USER", facts.user)],
        )
    )  # fmt: skip
    return blocks


def _instance(overlay: Overlay, index: int, name: str, kernel: Kernel) -> str:
    instance = overlay.kernels[name]
    siblings = [other for other, item in overlay.kernels.items() if item.control == instance.control]
    slot, slaves = siblings.index(name), f"{_short(instance.control)}_slaves"
    pins = [("ap_clk", "clk"), ("ap_rst_n", "reset_n")]
    control = f"s_axi_{kernel.control}_"
    for signal, width, _ in ps7.lite():
        bits = address_bits(kernel) if signal.endswith("ADDR") else width
        pins.append((control + signal, select(f"{slaves}_{signal}", width, slot, len(siblings), bits)))
    for bundle in kernel.bundles:
        assert kernel.rtl is not None  # noqa: S101  masters() has refused it
        axi = ps7.kernel_axi4(kernel.rtl.data_width.get(bundle, 32))
        pins += bus(f"m_axi_{bundle}_", f"{name}_{bundle}", axi)
        pins += [(f"m_axi_{bundle}_{signal}", "1'b0") for signal in ps7.KERNEL_TIED]
        pins += [(f"m_axi_{bundle}_{signal}", "") for signal in ps7.KERNEL_OPEN]
    pins.append(("interrupt", f"interrupt[{index}]"))
    declared = f"    wire [{len(overlay.kernels) - 1}:0] interrupt;\n" if index == 0 else ""
    return f"\n{declared}" + cell(kernel.top, name, pins)


def _control_pins(port: str, prefix: str) -> Pins:
    short = _short(port)
    return [(f"{prefix}ACLK", "clk"), *((prefix + s, f"{short}_{s}") for s, _, _ in ps7.control_axi3())]


def _memory_pins(port: str) -> Pins:
    facts, short = MEMORY_PORTS[port], _short(port)
    pins = [(f"{facts.prefix}ACLK", "clk")]
    pins += [(facts.prefix + signal, f"{short}_{signal}") for signal, _, _ in ps7.memory_axi3(facts)]
    if facts.high_performance:
        pins += [(f"{facts.prefix}RDISSUECAP1EN", "1'b0"), (f"{facts.prefix}WRISSUECAP1EN", "1'b0")]
    return pins


def _ps7(interrupts: int, pins: Pins) -> str:
    lines = [
        "\n    // Processing system. nextpnr ties every input that is left open to 0, but for those named DDR*.",
        "    /* verilator lint_off PINMISSING */",
        cell(
            "PS7", "ps7",
            [("FCLKCLK", "fclk"), ("FCLKRESETN", "fclk_reset_n"), ("DDRARB", "4'b0000"),
             ("IRQF2P", f"{{{20 - interrupts}'d0, interrupt}}"), *pins],
            attribute="(* keep *) ",
        ),
        "    /* verilator lint_on PINMISSING */",
    ]  # fmt: skip
    return "\n".join(lines)


_CLOCKED = [("clk", "clk"), ("reset_n", "reset_n")]


def _short(port: str) -> str:
    """S_AXI_HP0 -> hp0, M_AXI_GP0 -> m_gp0, S_AXI_GP0 -> s_gp0."""
    name = port.replace("_AXI_", "_").lower()
    return name if "gp" in name else name.removeprefix("s_")
