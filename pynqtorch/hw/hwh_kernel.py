# SPDX-License-Identifier: AGPL-3.0-or-later
"""MODULE element of a kernel in a .hwh, with the parameters and properties that Vivado writes for an HLS IP."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from pynqtorch.hw.hwh_axi import add, add_bus, add_parameters, axi, megahertz, memory_range
from pynqtorch.hw.hwh_design import Design, fclk
from pynqtorch.hw.hwh_facts import CONCAT_INSTANCE, PS_INSTANCE, IpFacts
from pynqtorch.hw.registers import Field, address_bits, register_map
from pynqtorch.recipes.models import Kernel

# what Vitis HLS sets for an m_axi interface where the source does not say otherwise (UG1399, "M_AXI parameters")
_M_AXI_PARAMETERS = {
    "ADDR_WIDTH": "64", "ARUSER_WIDTH": "1", "AWUSER_WIDTH": "1", "BUSER_WIDTH": "1", "CACHE_VALUE": '"0011"',
    "DATA_WIDTH": "", "ID_WIDTH": "1", "PROT_VALUE": '"000"', "RUSER_WIDTH": "1", "USER_VALUE": "0x00000000",
    "WUSER_WIDTH": "1", "ENABLE_ID_PORTS": "true", "ENABLE_USER_PORTS": "false",
}  # fmt: skip


def add_kernel(modules: Element, design: Design, ip: IpFacts) -> None:
    """Append the MODULE of one kernel."""
    kernel = design.kernel(ip.name)
    module = add(
        modules, "MODULE", COREREVISION="1", FULLNAME=f"/{ip.name}", HWVERSION=kernel.version, INSTANCE=ip.name,
        IPTYPE="PERIPHERAL", IS_ENABLE="1", MODCLASS="PERIPHERAL", MODTYPE=kernel.top, VLNV=ip.vlnv,
    )  # fmt: skip
    add(module, "DOCUMENTS")
    _registers(module, kernel, ip)
    add_parameters(add(module, "PARAMETERS"), _parameters(design, kernel, ip))
    _ports(module, design, ip)
    _buses(module, design, kernel, ip)
    memory = add(module, "MEMORYMAP")
    for m in ip.memory:
        memory_range(memory, master=m.interface, instance=PS_INSTANCE, slave=m.port, block=m.block, base=m.base,
                     high=m.base + m.size - 1, register=False)  # fmt: skip
    add(add(module, "PERIPHERALS"), "PERIPHERAL", INSTANCE=PS_INSTANCE)


def data_width(kernel: Kernel, bundle: str) -> int:
    """Bits of a bundle's data bus."""
    return kernel.rtl.data_width.get(bundle, 32) if kernel.rtl else 32


def _registers(module: Element, kernel: Kernel, ip: IpFacts) -> None:
    block = add(
        add(module, "ADDRESSBLOCKS"), "ADDRESSBLOCK", ACCESS="read-write", INTERFACE=ip.interface, NAME="Reg",
        RANGE=str(ip.size), USAGE="register",
    )  # fmt: skip
    registers = add(block, "REGISTERS")
    for register in register_map(kernel):
        element = add(registers, "REGISTER", NAME=register.name)
        _properties(
            element, DESCRIPTION=register.description, ADDRESS_OFFSET=str(register.offset), SIZE=str(register.bits),
            ACCESS=register.access, IS_ENABLED="true", RESET_VALUE=str(register.reset),
        )  # fmt: skip
        fields = add(element, "FIELDS")
        for field in register.fields:
            _field(fields, field)


def _field(fields: Element, field: Field) -> None:
    _properties(
        add(fields, "FIELD", NAME=field.name), DESCRIPTION=field.description, ADDRESS_OFFSET=str(field.bit_offset),
        ACCESS=field.access, MODIFIED_READ_VALUES=field.modified_write, WRITE_CONSTRAINT="0",
        READ_ACTION=field.read_action, BIT_OFFSET=str(field.bit_offset), BIT_WIDTH=str(field.bit_width),
    )  # fmt: skip


def _properties(parent: Element, **values: str) -> None:
    for name, value in values.items():
        add(parent, "PROPERTY", NAME=name, VALUE=value)


def _parameters(design: Design, kernel: Kernel, ip: IpFacts) -> dict[str, str]:
    result: dict[str, str] = {}
    for bundle in kernel.bundles:
        for name, value in _M_AXI_PARAMETERS.items():
            result[f"C_M_AXI_{bundle.upper()}_{name}"] = value or str(data_width(kernel, bundle))
    control = f"C_{ip.interface.upper()}"
    return result | {
        f"{control}_ADDR_WIDTH": str(address_bits(kernel)), f"{control}_DATA_WIDTH": "32",
        "Component_Name": f"{design.overlay.overlay}_{ip.name}_0", "clk_period": megahertz(kernel.clock * 1000),
        "combinational": "0", "machine": "64", "EDK_IPTYPE": "PERIPHERAL",
        f"{control}_BASEADDR": f"0x{ip.address:08X}", f"{control}_HIGHADDR": f"0x{ip.address + ip.size - 1:08X}",
    }  # fmt: skip


def _ports(module: Element, design: Design, ip: IpFacts) -> None:
    ports = add(module, "PORTS")
    clock = design.overlay.kernels[ip.name].clock
    signal = f"{PS_INSTANCE}_{fclk(clock)}"
    port = add(ports, "PORT", CLKFREQUENCY=str(design.frequency(clock)), DIR="I", NAME="ap_clk", SIGIS="clk",
               SIGNAME=signal)  # fmt: skip
    add(add(port, "CONNECTIONS"), "CONNECTION", INSTANCE=PS_INSTANCE, PORT=fclk(clock))
    add(ports, "PORT", DIR="I", NAME="ap_rst_n", POLARITY="ACTIVE_LOW", SIGIS="rst")
    if ip.name not in design.interrupts:
        add(ports, "PORT", DIR="O", NAME="interrupt", SENSITIVITY="LEVEL_HIGH", SIGIS="INTERRUPT")
        return
    port = add(ports, "PORT", DIR="O", NAME="interrupt", SENSITIVITY="LEVEL_HIGH", SIGIS="INTERRUPT",
               SIGNAME=f"{ip.name}_interrupt")  # fmt: skip
    bit = design.interrupts.index(ip.name)
    target = (PS_INSTANCE, "IRQ_F2P") if len(design.interrupts) == 1 else (CONCAT_INSTANCE, f"In{bit}")
    add(add(port, "CONNECTIONS"), "CONNECTION", INSTANCE=target[0], PORT=target[1])


def _buses(module: Element, design: Design, kernel: Kernel, ip: IpFacts) -> None:
    buses = add(module, "BUSINTERFACES")
    clock = design.overlay.kernels[ip.name].clock
    frequency, domain = design.frequency(clock), design.domain(clock)
    add_bus(
        buses, ip.interface, "SLAVE", bus=f"{PS_INSTANCE}_{ip.control}",
        parameters=axi("AXI4LITE", data=32, address=address_bits(kernel), identifier=0, burst=1, outstanding=1,
                       threads=4, frequency=frequency, domain=domain),
    )  # fmt: skip
    for memory in ip.memory:
        width = data_width(kernel, memory.interface.removeprefix("m_axi_"))
        add_bus(
            buses, memory.interface, "MASTER", bus=f"{ip.name}_{memory.interface}",
            parameters=axi("AXI4", data=width, address=64, identifier=1, burst=256, outstanding=16, threads=1,
                           frequency=frequency, domain=domain, HAS_BURST="0", HAS_REGION="1",
                           MAX_READ_BURST_LENGTH="16", MAX_WRITE_BURST_LENGTH="16"),
        )  # fmt: skip
