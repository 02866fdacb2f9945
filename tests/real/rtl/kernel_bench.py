# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the kernels' tests share: clock, reset, control registers and memory around a kernel with Vitis' ports."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import cocotb
from axi_checker import AxiChecker
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam
from cocotbext.axi.axi_channels import AxiARSink, AxiAWSink

CTRL, GIER, IER, ISR = 0x00, 0x04, 0x08, 0x0C
START, DONE, IDLE, READY, AUTO_RESTART, INTERRUPT = 1, 2, 4, 8, 0x80, 0x200

# Vitis' ports have AXI3's two lock bits, the model wants AXI4's one (and does not use it)
AxiAWSink._signal_widths = AxiAWSink._signal_widths | {"awlock": 2}
AxiARSink._signal_widths = AxiARSink._signal_widths | {"arlock": 2}


def pauses(seed: int, share: float) -> Iterator[bool]:
    """Endless: True (do not move in this cycle) with probability `share`."""
    source = random.Random(seed)
    while True:
        yield source.random() < share


class KernelBench:
    """A kernel, an AXI4-Lite master on its control port and a memory on m_axi_gmem."""

    def __init__(self, dut: Any, *, memory_bytes: int = 1 << 20, pause: float = 0.0, seed: int = 1) -> None:
        self.dut = dut
        cocotb.start_soon(Clock(dut.ap_clk, 10, "ns").start())
        self.control = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "s_axi_CTRL"), dut.ap_clk, dut.ap_rst_n, reset_active_level=False
        )
        self.memory = AxiRam(
            AxiBus.from_prefix(dut, "m_axi_gmem"), dut.ap_clk, dut.ap_rst_n, reset_active_level=False, size=memory_bytes
        )
        self.checker = AxiChecker(dut, "m_axi_gmem", dut.ap_clk, dut.ap_rst_n)
        if pause:
            write, read = self.memory.write_if, self.memory.read_if
            control = [self.control.write_if, self.control.read_if]
            channels = [write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel]
            channels += [control[0].aw_channel, control[0].w_channel, control[0].b_channel]
            channels += [control[1].ar_channel, control[1].r_channel]
            for index, channel in enumerate(channels):
                channel.set_pause_generator(pauses(seed * 100 + index, pause))

    async def reset(self) -> None:
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, 4)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.dut.ap_clk, 2)

    async def set_pointers(self, addresses: Sequence[int]) -> None:
        for index, address in enumerate(addresses):
            await self.control.write_qword(0x10 + 12 * index, address)

    async def wait_done(self, cycles: int = 200_000) -> int:
        """Poll CTRL until AP_DONE; the value read."""
        for _ in range(cycles):
            value = await self.control.read_dword(CTRL)
            if value & DONE:
                assert self.checker.quiet(), "done before the last response"
                return value
        raise AssertionError("the kernel does not end")

    async def wait_interrupt(self, cycles: int = 200_000) -> None:
        for _ in range(cycles):
            await RisingEdge(self.dut.ap_clk)
            if int(self.dut.interrupt.value):
                return
        raise AssertionError("no interrupt")

    async def run(self) -> None:
        await self.control.write_dword(CTRL, START)
        await self.wait_done()
