# SPDX-License-Identifier: AGPL-3.0-or-later
"""cocotb tests of the kernel vector_add."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from kernel_bench import AUTO_RESTART, CTRL, DONE, GIER, IDLE, IER, INTERRUPT, ISR, READY, START, KernelBench

N = 0x34
GUARD = 64


async def add(bench: KernelBench, n: int, addresses: tuple[int, int, int], seed: int) -> None:
    """One call; checks the result and that nothing around it was written."""
    rng = np.random.default_rng(seed)
    count = max(n, 0)
    a, b = (rng.integers(-(2**31), 2**31, count, dtype=np.int64).astype(np.int32) for _ in range(2))
    bench.memory.write(addresses[2] - GUARD, b"\xa5" * (4 * count + 2 * GUARD))
    bench.memory.write(addresses[0], a.tobytes())
    bench.memory.write(addresses[1], b.tobytes())
    await bench.set_pointers(addresses)
    await bench.control.write_dword(N, n & 0xFFFFFFFF)
    await bench.run()
    got = bench.memory.read(addresses[2], 4 * count)
    np.testing.assert_array_equal(np.frombuffer(got, np.int32), a + b)
    assert bench.memory.read(addresses[2] - GUARD, GUARD) == b"\xa5" * GUARD
    assert bench.memory.read(addresses[2] + 4 * count, GUARD) == b"\xa5" * GUARD


@cocotb.test()
async def sizes_and_alignments(dut: Any) -> None:
    bench = KernelBench(dut)
    await bench.reset()
    for index, n in enumerate((1, 15, 16, 17, 33, 300, 0, -5, -(2**31), 2)):
        await add(bench, n, (0x10000, 0x20000, 0x30000), index)
    for index, addresses in enumerate(
        ((0x10FC4, 0x20FEC, 0x30FF8), (0x10004, 0x20FFC, 0x30000), (0x11000, 0x20FC0, 0x30FFC))
    ):
        await add(bench, 77, addresses, 50 + index)


@cocotb.test()
async def back_pressure(dut: Any) -> None:
    bench = KernelBench(dut, pause=0.3, seed=1)
    await bench.reset()
    await add(bench, 200, (0x10FD4, 0x20F08, 0x30FE0), 1)


@cocotb.test()
async def heavy_back_pressure(dut: Any) -> None:
    bench = KernelBench(dut, pause=0.7, seed=9)
    await bench.reset()
    await add(bench, 130, (0x10000, 0x20000, 0x30000), 3)
    await add(bench, 31, (0x10000, 0x20000, 0x30000), 4)


@cocotb.test()
async def bursts_are_long(dut: Any) -> None:
    bench = KernelBench(dut)
    await bench.reset()
    await add(bench, 256, (0x10000, 0x20000, 0x30000), 7)
    assert bench.checker.bursts["AW"] == [(0x30000 + 64 * i, 16) for i in range(16)]
    assert len(bench.checker.bursts["AR"]) == 32


@cocotb.test()
async def registers(dut: Any) -> None:
    bench = KernelBench(dut)
    await bench.reset()
    assert await bench.control.read_dword(CTRL) == IDLE
    await bench.set_pointers((0x1_2345_6780_0010, 0x20000, 0x30000))
    await bench.control.write(N + 1, b"\xee")  # one byte lane only
    assert await bench.control.read_qword(0x10) == 0x1_2345_6780_0010
    assert await bench.control.read_dword(N) == 0xEE00
    assert await bench.control.read_dword(0x18) == 0
    assert await bench.control.read_dword(0x3C) == 0
    await bench.set_pointers((0x10000, 0x20000, 0x30000))
    await bench.control.write_dword(N, 40)
    await bench.control.write_dword(CTRL, START)
    value = await bench.wait_done()
    assert value & (DONE | IDLE | READY | START) == DONE | IDLE | READY
    assert await bench.control.read_dword(CTRL) == IDLE  # done and ready clear on read


@cocotb.test()
async def interrupt_and_auto_restart(dut: Any) -> None:
    bench = KernelBench(dut)
    await bench.reset()
    bench.memory.write(0x10000, np.arange(20, dtype=np.int32).tobytes())
    bench.memory.write(0x20000, np.full(20, 5, np.int32).tobytes())
    await bench.set_pointers((0x10000, 0x20000, 0x30000))
    await bench.control.write_dword(N, 20)
    await bench.control.write_dword(IER, 1)
    await bench.control.write_dword(CTRL, START)
    await bench.wait_done()
    assert int(dut.interrupt.value) == 0  # GIER is still 0
    assert await bench.control.read_dword(ISR) == 1
    await bench.control.write_dword(ISR, 1)
    await bench.control.write_dword(GIER, 1)
    await bench.control.write_dword(CTRL, START)
    await bench.wait_interrupt()
    assert await bench.control.read_dword(CTRL) & (DONE | INTERRUPT) == DONE | INTERRUPT
    await bench.control.write_dword(ISR, 1)
    await ClockCycles(dut.ap_clk, 3)
    assert int(dut.interrupt.value) == 0
    # it runs again and again on its own, and ends when AUTO_RESTART is taken back
    await bench.control.write_dword(CTRL, START | AUTO_RESTART)
    before = len(bench.checker.bursts["AW"])
    await ClockCycles(dut.ap_clk, 1500)
    assert len(bench.checker.bursts["AW"]) >= before + 8
    assert not await bench.control.read_dword(CTRL) & DONE
    await bench.control.write_dword(CTRL, 0)
    await bench.wait_interrupt()
    assert await bench.control.read_dword(CTRL) & (DONE | IDLE) == DONE | IDLE
    assert np.frombuffer(bench.memory.read(0x30000, 80), np.int32).tolist() == list(range(5, 25))
