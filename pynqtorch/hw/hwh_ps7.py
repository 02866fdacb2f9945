# SPDX-License-Identifier: AGPL-3.0-or-later
"""MODULE elements of the processing system and of the interrupt concatenation in a .hwh.

Of the PS7's parameters those are written that the overlay decides (clocks, ports, interrupts), that follow from the
board (crystal, IO PLL, DDR) and the board's own preset; Vivado writes all of its 900, mostly defaults of its dialog.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from pynqtorch.hw.hwh_axi import add, add_bus, add_parameters, axi, megahertz, memory_range
from pynqtorch.hw.hwh_design import Design, fclk
from pynqtorch.hw.hwh_facts import CLOCKS, CONCAT_INSTANCE, PS_INSTANCE, ddr_high, preset
from pynqtorch.hw.openfpga.ps7 import CONTROL_PORTS, MEMORY_PORTS

_DEFAULT_CLOCK = 10_000_000
"""Vivado writes 10 MHz for clocks and ports that are not used."""

# interface metadata of the DDR pins; the memory's real timing is in PCW_UIPARAM_DDR_*
_DDR = {
    "AXI_ARBITRATION_SCHEME": "TDM", "BURST_LENGTH": "8", "CAN_DEBUG": "false", "CAS_LATENCY": "11",
    "CAS_WRITE_LATENCY": "11", "CS_ENABLED": "true", "DATA_MASK_ENABLED": "true", "DATA_WIDTH": "8",
    "MEMORY_TYPE": "COMPONENTS", "MEM_ADDR_MAP": "ROW_COLUMN_BANK", "SLOT": "Single", "TIMEPERIOD_PS": "1250",
}  # fmt: skip


def add_ps7(modules: Element, design: Design) -> None:
    """Append the MODULE of the PS, and of the concatenation if there are several interrupts."""
    module = add(
        modules, "MODULE", CONFIGURABLE="TRUE", COREREVISION="8", FULLNAME=f"/{PS_INSTANCE}", HWVERSION="5.5",
        INSTANCE=PS_INSTANCE, IPTYPE="PERIPHERAL", IS_ENABLE="1", IS_PL="FALSE", MODTYPE="processing_system7",
        VLNV="xilinx.com:ip:processing_system7:5.5",
    )  # fmt: skip
    blocks = add(module, "ADDRESSBLOCKS")
    for memory in {m.port: m for ip in design.facts.ips for m in ip.memory}.values():
        add(blocks, "ADDRESSBLOCK", ACCESS="", INTERFACE=memory.port, NAME=memory.block, RANGE=str(memory.size),
            USAGE="memory")  # fmt: skip
    add_parameters(add(module, "PARAMETERS"), _parameters(design))
    _ports(module, design)
    _buses(module, design)
    memory_map = add(module, "MEMORYMAP")
    for ip in design.facts.ips:
        memory_range(memory_map, master=ip.control, instance=ip.name, slave=ip.interface, block="Reg",
                     base=ip.address, high=ip.address + ip.size - 1, register=True)  # fmt: skip
    peripherals = add(module, "PERIPHERALS")
    for ip in design.facts.ips:
        add(peripherals, "PERIPHERAL", INSTANCE=ip.name)
    if len(design.interrupts) > 1:
        _concat(modules, design)


def _parameters(design: Design) -> dict[str, str]:
    ps7 = design.board.ps7
    high = f"0x{ddr_high(design.board):08X}"
    interrupts = len(design.interrupts)
    result = {
        **preset(design.board),
        "Component_Name": f"{design.overlay.overlay}_{PS_INSTANCE}_0",
        "PCW_CRYSTAL_PERIPHERAL_FREQMHZ": megahertz(ps7.crystal),
        "PCW_IOPLL_CTRL_FBDIV": str(round(ps7.io_pll / ps7.crystal)),
        "PCW_IO_IO_PLL_FREQMHZ": f"{ps7.io_pll / 1e6:.3f}",
        "PCW_DDR_RAM_BASEADDR": "0x00100000", "PCW_DDR_RAM_HIGHADDR": high,
        "C_BASEADDR": "0x00000000", "C_HIGHADDR": high,
        "PCW_USE_FABRIC_INTERRUPT": _bit(interrupts), "PCW_IRQ_F2P_INTR": _bit(interrupts),
        "PCW_NUM_F2P_INTR_INPUTS": str(max(interrupts, 1)), "C_NUM_F2P_INTR_INPUTS": str(max(interrupts, 1)),
        "EDK_IPTYPE": "PERIPHERAL",
    }  # fmt: skip
    for clock in design.facts.clocks:
        i, name = clock.index, f"fclk{clock.index}"
        made = design.frequency(name) or _DEFAULT_CLOCK
        wanted = {str(key): value for key, value in design.overlay.clocks.items()}.get(name, 50_000_000)
        buffered = "TRUE" if clock.enabled else "FALSE"
        result |= {
            f"C_FCLK_CLK{i}_BUF": buffered, f"PCW_FCLK_CLK{i}_BUF": buffered,
            f"PCW_FCLK{i}_PERIPHERAL_CLKSRC": "IO PLL",
            f"PCW_FCLK{i}_PERIPHERAL_DIVISOR0": str(clock.divisor0),
            f"PCW_FCLK{i}_PERIPHERAL_DIVISOR1": str(clock.divisor1),
            f"PCW_FPGA_FCLK{i}_ENABLE": _bit(clock.enabled), f"PCW_EN_CLK{i}_PORT": _bit(clock.enabled),
            f"PCW_FPGA{i}_PERIPHERAL_FREQMHZ": megahertz(wanted),
            f"PCW_ACT_FPGA{i}_PERIPHERAL_FREQMHZ": f"{made / 1e6:.6f}", f"PCW_CLK{i}_FREQ": str(made),
        }  # fmt: skip
    used = {**design.control_ports(), **design.memory_ports()}
    for port in (*CONTROL_PORTS, *MEMORY_PORTS):
        frequency = design.frequency(used[port]) if port in used else _DEFAULT_CLOCK
        result |= {f"{prefix}_USE_{port}": _bit(port in used) for prefix in ("C", "PCW")}
        result[f"PCW_{port}_FREQMHZ"] = megahertz(frequency)
    for port, facts in MEMORY_PORTS.items():
        for prefix in ("C", "PCW"):
            result[f"{prefix}_{port}_ID_WIDTH"] = str(facts.id_width)
            if facts.high_performance:
                result[f"{prefix}_{port}_DATA_WIDTH"] = str(facts.data_width)
    return result


def _bit(value: object) -> str:
    return "1" if value else "0"


def _ports(module: Element, design: Design) -> None:
    ports = add(module, "PORTS")
    for index in range(CLOCKS):
        clock = f"fclk{index}"
        if not design.facts.clocks[index].enabled:
            continue
        port = add(ports, "PORT", CLKFREQUENCY=str(design.frequency(clock)), DIR="O", NAME=fclk(clock), SIGIS="clk",
                   SIGNAME=f"{PS_INSTANCE}_{fclk(clock)}")  # fmt: skip
        connections = add(port, "CONNECTIONS")
        for instance, name in design.clocked_by(clock):
            add(connections, "CONNECTION", INSTANCE=instance, PORT=name)
    add(ports, "PORT", DIR="O", NAME="FCLK_RESET0_N", POLARITY="ACTIVE_LOW", SIGIS="rst")
    if design.interrupts:
        _interrupt_port(ports, design)
    for name, clock in sorted({**design.control_ports(), **design.memory_ports()}.items()):
        port = add(ports, "PORT", CLKFREQUENCY=str(design.frequency(clock)), DIR="I", NAME=f"{name}_ACLK", SIGIS="clk",
                   SIGNAME=f"{PS_INSTANCE}_{fclk(clock)}")  # fmt: skip
        add(add(port, "CONNECTIONS"), "CONNECTION", INSTANCE=PS_INSTANCE, PORT=fclk(clock))


def _interrupt_port(ports: Element, design: Design) -> None:
    count = len(design.interrupts)
    source = (design.interrupts[0], "interrupt") if count == 1 else (CONCAT_INSTANCE, "dout")
    port = add(ports, "PORT", DIR="I", LEFT=str(count - 1), NAME="IRQ_F2P", RIGHT="0", SENSITIVITY="LEVEL_HIGH",
               SIGIS="INTERRUPT", SIGNAME="_".join(source))  # fmt: skip
    add(add(port, "CONNECTIONS"), "CONNECTION", INSTANCE=source[0], PORT=source[1])


def _buses(module: Element, design: Design) -> None:
    buses = add(module, "BUSINTERFACES")
    add_bus(buses, "DDR", "INITIATOR", bus=f"{PS_INSTANCE}_DDR", parameters=_DDR,
            vlnv="xilinx.com:interface:ddrx:1.0")  # fmt: skip
    add_bus(buses, "FIXED_IO", "INITIATOR", bus=f"{PS_INSTANCE}_FIXED_IO", parameters={"CAN_DEBUG": "false"},
            vlnv="xilinx.com:display_processing_system7:fixedio:1.0")  # fmt: skip
    for port, clock in design.control_ports().items():
        add_bus(
            buses, port, "MASTER", bus=f"{PS_INSTANCE}_{port}",
            parameters=axi("AXI3", data=32, address=32, identifier=12, burst=16, outstanding=8, threads=4,
                           frequency=design.frequency(clock), domain=design.domain(clock)),
        )  # fmt: skip
    for port, clock in design.memory_ports().items():
        facts = MEMORY_PORTS[port]
        add_bus(
            buses, port, "SLAVE", bus=design.memory_bus(port),
            parameters=axi("AXI3", data=facts.data_width, address=32, identifier=facts.id_width, burst=16,
                           outstanding=8, threads=1, frequency=design.frequency(clock), domain=design.domain(clock)),
        )  # fmt: skip


def _concat(modules: Element, design: Design) -> None:
    count = len(design.interrupts)
    module = add(
        modules, "MODULE", COREREVISION="1", FULLNAME=f"/{CONCAT_INSTANCE}", HWVERSION="2.1", INSTANCE=CONCAT_INSTANCE,
        IPTYPE="PERIPHERAL", IS_ENABLE="1", MODCLASS="PERIPHERAL", MODTYPE="xlconcat",
        VLNV="xilinx.com:ip:xlconcat:2.1",
    )  # fmt: skip
    add_parameters(add(module, "PARAMETERS"), {"NUM_PORTS": str(count), "dout_width": str(count)})
    ports = add(module, "PORTS")
    for bit, instance in enumerate(design.interrupts):
        port = add(ports, "PORT", DIR="I", LEFT="0", NAME=f"In{bit}", RIGHT="0", SIGIS="undef",
                   SIGNAME=f"{instance}_interrupt")  # fmt: skip
        add(add(port, "CONNECTIONS"), "CONNECTION", INSTANCE=instance, PORT="interrupt")
    port = add(ports, "PORT", DIR="O", LEFT=str(count - 1), NAME="dout", RIGHT="0", SIGIS="undef",
               SIGNAME=f"{CONCAT_INSTANCE}_dout")  # fmt: skip
    add(add(port, "CONNECTIONS"), "CONNECTION", INSTANCE=PS_INSTANCE, PORT="IRQ_F2P")
    add(module, "BUSINTERFACES")
