# SPDX-License-Identifier: AGPL-3.0-or-later
"""cocotb tests of the kernels matrix_mult and matrix_mult_fabric at small sizes."""

from __future__ import annotations

import os
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from kernel_bench import AUTO_RESTART, CTRL, DONE, GIER, IDLE, IER, INTERRUPT, READY, START, KernelBench
from numpy.typing import NDArray

SIZE, CELLS = int(os.environ["DUT_SIZE"]), int(os.environ["DUT_CELLS"])
GUARD = 64
ADDRESSES = (0x10000, 0x20000, 0x30000)
Matrix = NDArray[np.int8]


async def prepare(bench: KernelBench, a: Matrix, b: Matrix, addresses: tuple[int, int, int] = ADDRESSES) -> None:
    bench.memory.write(addresses[0], a.tobytes())
    bench.memory.write(addresses[1], b.tobytes())
    bench.memory.write(addresses[2] - GUARD, b"\xa5" * (4 * SIZE * SIZE + 2 * GUARD))
    await bench.set_pointers(addresses)


def check(bench: KernelBench, a: Matrix, b: Matrix, addresses: tuple[int, int, int] = ADDRESSES) -> None:
    got = np.frombuffer(bench.memory.read(addresses[2], 4 * SIZE * SIZE), np.int32).reshape(SIZE, SIZE)
    np.testing.assert_array_equal(got, a.astype(np.int32) @ b.astype(np.int32))
    assert bench.memory.read(addresses[2] - GUARD, GUARD) == b"\xa5" * GUARD
    assert bench.memory.read(addresses[2] + 4 * SIZE * SIZE, GUARD) == b"\xa5" * GUARD


def numbers(seed: int) -> Matrix:
    return np.random.default_rng(seed).integers(-128, 128, (SIZE, SIZE), dtype=np.int8)


@cocotb.test()
async def products_back_to_back(dut: Any) -> None:
    bench = KernelBench(dut)
    await bench.reset()
    lowest, highest = np.full((SIZE, SIZE), -128, np.int8), np.full((SIZE, SIZE), 127, np.int8)
    for a, b in (
        (numbers(1), numbers(2)),
        (lowest, lowest),
        (lowest, highest),
        (highest, highest),
        (numbers(3), numbers(4)),
    ):
        await prepare(bench, a, b)
        await bench.run()
        check(bench, a, b)
    assert max(beats for _, beats in bench.checker.bursts["AR"]) == 16
    assert max(beats for _, beats in bench.checker.bursts["AW"]) == 16


@cocotb.test()
async def unaligned_to_4k(dut: Any) -> None:
    bench = KernelBench(dut)
    await bench.reset()
    addresses = (0x10FF8, 0x20FC8, 0x30FA8)
    a, b = numbers(5), numbers(6)
    await prepare(bench, a, b, addresses)
    await bench.run()
    check(bench, a, b, addresses)


@cocotb.test()
async def back_pressure(dut: Any) -> None:
    bench = KernelBench(dut, pause=0.5, seed=4)
    await bench.reset()
    a, b = numbers(7), numbers(8)
    await prepare(bench, a, b)
    await bench.run()
    check(bench, a, b)


@cocotb.test()
async def slow_memory(dut: Any) -> None:
    """Writes are so slow that the array has to wait for room."""
    bench = KernelBench(dut)
    bench.memory.write_if.w_channel.set_pause_generator(step % 12 != 0 for step in range(10_000_000))
    await bench.reset()
    a, b = numbers(9), numbers(10)
    await prepare(bench, a, b)
    await bench.run()
    check(bench, a, b)


@cocotb.test()
async def interrupt_and_auto_restart(dut: Any) -> None:
    bench = KernelBench(dut)
    await bench.reset()
    a, b = numbers(11), numbers(12)
    await prepare(bench, a, b)
    await bench.control.write_dword(IER, 1)
    await bench.control.write_dword(GIER, 1)
    await bench.control.write_dword(CTRL, START | AUTO_RESTART)
    await ClockCycles(dut.ap_clk, 3 * SIZE * SIZE * SIZE // CELLS)
    assert not await bench.control.read_dword(CTRL) & DONE
    await bench.control.write_dword(CTRL, 0)
    await bench.wait_interrupt()
    flags = DONE | IDLE | READY | INTERRUPT
    assert await bench.control.read_dword(CTRL) & flags == flags
    assert len(bench.checker.bursts["AW"]) >= 2 * SIZE * SIZE // 32
    check(bench, a, b)


@cocotb.test()
async def reset_in_the_middle(dut: Any) -> None:
    bench = KernelBench(dut)
    await bench.reset()
    await prepare(bench, numbers(13), numbers(14))
    await bench.control.write_dword(CTRL, START)
    await ClockCycles(dut.ap_clk, SIZE * SIZE)
    bench.checker.task.cancel()
    bench = KernelBench(dut)
    dut.ap_rst_n.value = 0
    await ClockCycles(dut.ap_clk, 2 * CELLS)
    await bench.reset()
    a, b = numbers(15), numbers(16)
    await prepare(bench, a, b)
    await bench.run()
    check(bench, a, b)
