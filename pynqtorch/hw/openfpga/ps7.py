# SPDX-License-Identifier: AGPL-3.0-or-later
"""The PS7 primitive: its AXI ports, and how their signals are called (UG585, ch. 5 and appendix A)."""

from __future__ import annotations

from dataclasses import dataclass

INTERRUPTS = 16
"""IRQF2P[15:0] go to the interrupt controller; [19:16] are the processors' own nIRQ and nFIQ and stay 0."""


@dataclass(frozen=True, slots=True)
class MemoryPortFacts:
    """A slave port of the PS (AXI3).

    Attributes:
        prefix: of the primitive's pin names.
        data_width, id_width: bits.
        cache, user: AxCACHE and AxUSER of every request, as Verilog constants.
        coherent: the port has AxUSER pins (ACP).
        high_performance: the port has the ISSUECAP1EN pins (HP0 to HP3).
    """

    prefix: str
    data_width: int
    id_width: int
    cache: str = "4'b0011"
    user: str = "5'b00000"
    coherent: bool = False
    high_performance: bool = False


MEMORY_PORTS: dict[str, MemoryPortFacts] = {
    **{f"S_AXI_HP{i}": MemoryPortFacts(f"SAXIHP{i}", 64, 6, high_performance=True) for i in range(4)},
    **{f"S_AXI_GP{i}": MemoryPortFacts(f"SAXIGP{i}", 32, 6) for i in range(2)},
    # a coherent request has AxUSER[0] = 1 and AxCACHE[1] = 1 (UG585, "ACP coherent requests")
    "S_AXI_ACP": MemoryPortFacts("SAXIACP", 64, 3, cache="4'b1111", user="5'b11111", coherent=True),
}
CONTROL_PORTS: dict[str, str] = {"M_AXI_GP0": "MAXIGP0", "M_AXI_GP1": "MAXIGP1"}

Signal = tuple[str, int, bool]
"""Name without prefix, bits, and whether the master drives it."""


def control_axi3(id_width: int = 12) -> tuple[Signal, ...]:
    """Signals of M_AXI_GP0/1 that the shell uses; the PS is the master."""
    address: tuple[tuple[str, int], ...] = (("ID", id_width), ("ADDR", 32), ("LEN", 4), ("SIZE", 2), ("BURST", 2))
    return (
        *_channel("AW", address, master=True),
        ("WDATA", 32, True), ("WSTRB", 4, True), ("WLAST", 1, True), ("WVALID", 1, True), ("WREADY", 1, False),
        ("BID", id_width, False), ("BRESP", 2, False), ("BVALID", 1, False), ("BREADY", 1, True),
        *_channel("AR", address, master=True),
        ("RID", id_width, False), ("RDATA", 32, False), ("RRESP", 2, False), ("RLAST", 1, False),
        ("RVALID", 1, False), ("RREADY", 1, True),
    )  # fmt: skip


def memory_axi3(port: MemoryPortFacts) -> tuple[Signal, ...]:
    """Signals of a memory port; the shell is the master.  AxUSER only where the PS has such pins."""
    address: tuple[tuple[str, int], ...] = (
        ("ID", port.id_width), ("ADDR", 32), ("LEN", 4), ("SIZE", 2), ("BURST", 2), ("LOCK", 2), ("CACHE", 4),
        ("PROT", 3), ("QOS", 4),
    )  # fmt: skip
    if port.coherent:
        address += (("USER", 5),)
    data = port.data_width
    return (
        *_channel("AW", address, master=True),
        ("WID", port.id_width, True), ("WDATA", data, True), ("WSTRB", data // 8, True), ("WLAST", 1, True),
        ("WVALID", 1, True), ("WREADY", 1, False),
        ("BID", port.id_width, False), ("BRESP", 2, False), ("BVALID", 1, False), ("BREADY", 1, True),
        *_channel("AR", address, master=True),
        ("RID", port.id_width, False), ("RDATA", data, False), ("RRESP", 2, False), ("RLAST", 1, False),
        ("RVALID", 1, False), ("RREADY", 1, True),
    )  # fmt: skip


def burst_axi(data_width: int) -> tuple[Signal, ...]:
    """What goes from shell_axi4_to_axi3 to shell_axi_mux: INCR bursts of full-width beats."""
    return (
        *_channel("AW", (("ADDR", 32), ("LEN", 4)), master=True),
        ("WDATA", data_width, True), ("WSTRB", data_width // 8, True), ("WLAST", 1, True),
        ("WVALID", 1, True), ("WREADY", 1, False),
        ("BRESP", 2, False), ("BVALID", 1, False), ("BREADY", 1, True),
        *_channel("AR", (("ADDR", 32), ("LEN", 4)), master=True),
        ("RDATA", data_width, False), ("RRESP", 2, False), ("RLAST", 1, False), ("RVALID", 1, False),
        ("RREADY", 1, True),
    )  # fmt: skip


def lite() -> tuple[Signal, ...]:
    """AXI4-Lite, 32 bits."""
    return (
        *_channel("AW", (("ADDR", 32),), master=True),
        ("WDATA", 32, True), ("WSTRB", 4, True), ("WVALID", 1, True), ("WREADY", 1, False),
        ("BRESP", 2, False), ("BVALID", 1, False), ("BREADY", 1, True),
        *_channel("AR", (("ADDR", 32),), master=True),
        ("RDATA", 32, False), ("RRESP", 2, False), ("RVALID", 1, False), ("RREADY", 1, True),
    )  # fmt: skip


def kernel_axi4(data_width: int, id_width: int = 1) -> tuple[Signal, ...]:
    """Signals of a kernel's m_axi bundle (64-bit addresses) that the shell takes; the kernel is the master."""
    address: tuple[tuple[str, int], ...] = (("ID", id_width), ("ADDR", 64), ("LEN", 8), ("SIZE", 3), ("BURST", 2))
    return (
        *_channel("AW", address, master=True),
        ("WDATA", data_width, True), ("WSTRB", data_width // 8, True), ("WLAST", 1, True),
        ("WVALID", 1, True), ("WREADY", 1, False),
        ("BID", id_width, False), ("BRESP", 2, False), ("BVALID", 1, False), ("BREADY", 1, True),
        *_channel("AR", address, master=True),
        ("RID", id_width, False), ("RDATA", data_width, False), ("RRESP", 2, False), ("RLAST", 1, False),
        ("RVALID", 1, False), ("RREADY", 1, True),
    )  # fmt: skip


KERNEL_OPEN = (
    *(f"{a}{n}" for a in ("AW", "AR") for n in ("LOCK", "CACHE", "PROT", "QOS", "REGION", "USER")),
    "WID",
    "WUSER",
)
"""Outputs of a kernel's m_axi bundle that nothing reads: the shell sets its own."""
KERNEL_TIED = ("RUSER", "BUSER")
"""Inputs of a kernel's m_axi bundle that are 0."""


def _channel(name: str, signals: tuple[tuple[str, int], ...], *, master: bool) -> tuple[Signal, ...]:
    return (
        *((name + signal, width, master) for signal, width in signals),
        (name + "VALID", 1, master),
        (name + "READY", 1, not master),
    )
