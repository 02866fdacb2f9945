# SPDX-License-Identifier: AGPL-3.0-or-later
"""cocotb tests of the memory path: kernels' AXI4 masters to one AXI3 port of the PS."""

from __future__ import annotations

import os
import random
from typing import Any

import cocotb
from axi_checker import AxiChecker
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiBurstType, AxiBus, AxiMaster, AxiResp, AxiSlave, SparseMemoryRegion
from kernel_bench import pauses

MASTERS = int(os.environ["DUT_N"])
S_BYTES = int(os.environ["DUT_S_DATA_WIDTH"]) // 8
BAD = range(0x7000, 0x7080)


class Memory(SparseMemoryRegion):
    """Sparse memory in which the bytes of BAD answer with an error."""

    async def _read(self, address: int, length: int, **kwargs: Any) -> bytes:
        if address in BAD:
            raise OSError("bad address")
        return await super()._read(address, length, **kwargs)

    async def _write(self, address: int, data: bytes, **kwargs: Any) -> None:
        if address in BAD:
            raise OSError("bad address")
        await super()._write(address, data, **kwargs)


class Bench:
    """MASTERS AXI4 masters, the path, one memory with a checker before it."""

    def __init__(self, dut: Any, *, pause: float = 0.0, memory: bool = True) -> None:
        self.dut = dut
        cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
        dut.reset_n.value = 0
        reset = {"reset": dut.reset_n, "reset_active_level": False}
        self.masters = [AxiMaster(AxiBus.from_prefix(dut, f"s{i}"), dut.clk, **reset) for i in range(MASTERS)]
        self.memory = Memory(size=1 << 32)
        self.slaves = [AxiSlave(AxiBus.from_prefix(dut, "m"), dut.clk, target=self.memory, **reset)] if memory else []
        self.checker = AxiChecker(dut, "m", dut.clk, dut.reset_n)
        self.kernel_checkers = [
            AxiChecker(dut, f"s{i}", dut.clk, dut.reset_n, max_beats=256, any_kind=True) for i in range(MASTERS)
        ]
        if pause:
            channels = []
            for end in [*self.masters, *self.slaves]:
                channels += [end.write_if.aw_channel, end.write_if.w_channel, end.write_if.b_channel]
                channels += [end.read_if.ar_channel, end.read_if.r_channel]
            for index, channel in enumerate(channels):
                channel.set_pause_generator(pauses(index, pause))

    async def reset(self) -> None:
        await ClockCycles(self.dut.clk, 4)
        self.dut.reset_n.value = 1
        await ClockCycles(self.dut.clk, 2)

    async def traffic(self, index: int, rounds: int, seed: int) -> None:
        """Random writes and reads of one master in a region of its own, against a model."""
        source = random.Random(seed)
        base = 0x10_0000 * (index + 1)
        model = bytearray(0x4000)
        for _ in range(rounds):
            jobs = []
            for _ in range(source.randrange(1, 4)):  # several at a time, in parts of their own
                quarter = len(jobs) * 0x1400
                offset = quarter + source.randrange(0x200) + source.choice((0, 0xF00 - quarter % 0x100))
                length = source.choice(
                    (1, S_BYTES, 16 * S_BYTES, source.randrange(1, 40 * S_BYTES), source.randrange(1, 400))
                )
                data = source.randbytes(length)
                model[offset : offset + length] = data
                jobs.append(cocotb.start_soon(self.masters[index].write(base + offset, data)))
            for job in jobs:
                assert (await job).resp == AxiResp.OKAY
            offset = source.randrange(0x3000)
            length = source.choice((S_BYTES, 16 * S_BYTES, source.randrange(1, 30 * S_BYTES)))
            reads = [cocotb.start_soon(self.masters[index].read(base + at, length)) for at in (offset, offset // 2)]
            for at, job in zip((offset, offset // 2), reads, strict=True):
                answer = await job
                assert answer.resp == AxiResp.OKAY
                assert answer.data == bytes(model[at : at + length]), f"master {index}, {length} bytes at {at:#x}"


@cocotb.test()
async def random_traffic(dut: Any) -> None:
    bench = Bench(dut)
    await bench.reset()
    tasks = [cocotb.start_soon(bench.traffic(i, 20, 10 + i)) for i in range(MASTERS)]
    for task in tasks:
        await with_timeout(task, 4000, "us")
    assert bench.checker.quiet()


@cocotb.test()
async def random_traffic_back_pressure(dut: Any) -> None:
    bench = Bench(dut, pause=0.4)
    await bench.reset()
    tasks = [cocotb.start_soon(bench.traffic(i, 12, 20 + i)) for i in range(MASTERS)]
    for task in tasks:
        await with_timeout(task, 8000, "us")
    assert bench.checker.quiet()


@cocotb.test()
async def longest_burst(dut: Any) -> None:
    bench = Bench(dut)
    await bench.reset()
    length = min(256 * S_BYTES, 4096)
    data = random.Random(3).randbytes(length)
    await with_timeout(bench.masters[0].write(0x20000, data), 100, "us")
    assert await bench.memory.read(0x20000, length) == data
    assert len(bench.kernel_checkers[0].bursts["AW"]) == 1
    answer = await with_timeout(bench.masters[0].read(0x20000, length), 100, "us")
    assert answer.data == data
    assert {beats for _, beats in bench.checker.bursts["AW"] + bench.checker.bursts["AR"]} == {16}


@cocotb.test()
async def not_supported_is_answered(dut: Any) -> None:
    bench = Bench(dut)
    await bench.reset()
    master = bench.masters[-1]
    four = 4 * S_BYTES
    for address in (0x1_0000_0000, 0x8000_0000_0000_1000):
        answer = await with_timeout(master.write(address, b"\x11" * four), 20, "us")
        assert answer.resp == AxiResp.DECERR
        read = await with_timeout(master.read(address, four), 20, "us")
        assert (read.resp, read.data) == (AxiResp.DECERR, bytes(four))
    for options in ({"burst": AxiBurstType.FIXED}, {"burst": AxiBurstType.WRAP}, {"size": 1}):
        write = cocotb.start_soon(master.write(0x3000, b"\x22" * four, **options))
        behind = cocotb.start_soon(master.write(0x5000, b"\x33" * four))
        assert (await with_timeout(write, 20, "us")).resp == AxiResp.SLVERR
        assert (await with_timeout(behind, 20, "us")).resp == AxiResp.OKAY
        read = await with_timeout(master.read(0x3000, four, **options), 20, "us")
        assert (read.resp, read.data) == (AxiResp.SLVERR, bytes(four))
    assert await bench.memory.read(0x1000, four) == bytes(four)
    assert await bench.memory.read(0x3000, four) == bytes(four)
    assert await bench.memory.read(0x5000, four) == b"\x33" * four


@cocotb.test()
async def errors_are_merged(dut: Any) -> None:
    bench = Bench(dut)
    await bench.reset()
    master = bench.masters[0]
    length = 32 * S_BYTES
    start = BAD.start - length // 2 - S_BYTES
    assert (await with_timeout(master.write(start, bytes(length)), 40, "us")).resp == AxiResp.SLVERR
    assert (await with_timeout(master.read(start, length), 40, "us")).resp == AxiResp.SLVERR
    long = max(length, 0x100)  # the first of its bursts fails, the last does not
    assert (await with_timeout(master.write(BAD.start, bytes(long)), 40, "us")).resp == AxiResp.SLVERR
    assert (await with_timeout(master.write(0x100, bytes(length)), 40, "us")).resp == AxiResp.OKAY
    assert (await with_timeout(master.read(0x100, length), 40, "us")).resp == AxiResp.OKAY


@cocotb.test(skip=MASTERS == 1)
async def shares(dut: Any) -> None:
    """Every master gets its turn while all of them write as fast as they can."""
    bench = Bench(dut)
    await bench.reset()
    jobs = [cocotb.start_soon(m.write(0x10_0000 * (i + 1), bytes(256 * S_BYTES))) for i, m in enumerate(bench.masters)]
    order: list[int] = []
    for _ in range(4000):
        await RisingEdge(dut.clk)
        if int(dut.m_AWVALID.value) and int(dut.m_AWREADY.value):
            order.append(int(dut.m_AWID.value))
        if all(job.done() for job in jobs):
            break
    assert all(job.done() for job in jobs)
    fair = order[: len(order) // 2]
    counts = [fair.count(i) for i in range(MASTERS)]
    assert max(counts) - min(counts) <= 3, order


@cocotb.test(skip=MASTERS == 1)
async def answers_may_be_mixed(dut: Any) -> None:
    """The PS may answer different IDs in any order, beat by beat."""
    for name in ("AWREADY", "WREADY", "BVALID", "BID", "BRESP", "RVALID", "RRESP", "RLAST", "RID", "RDATA"):
        getattr(dut, f"m_{name}").value = 0
    dut.m_ARREADY.value = 1
    bench = Bench(dut, memory=False)
    await bench.reset()
    length = 8 * S_BYTES
    reads = [cocotb.start_soon(master.read(0x1000 * (i + 1), length)) for i, master in enumerate(bench.masters)]
    beats: dict[int, list[int]] = {}
    while len(beats) < MASTERS:
        await RisingEdge(dut.clk)
        if int(dut.m_ARVALID.value):
            beats[int(dut.m_ARID.value)] = list(range(int(dut.m_ARLEN.value) + 1))
    order = [i for turn in range(64) for i in reversed(range(MASTERS)) if turn < len(beats[i])]
    word = len(dut.m_RDATA) // 8
    for index in order:
        beat = beats[index].pop(0)
        dut.m_RVALID.value, dut.m_RID.value = 1, index
        dut.m_RLAST.value = not beats[index]
        dut.m_RDATA.value = int.from_bytes(bytes([16 * index + beat]) * word, "little")
        await RisingEdge(dut.clk)
        while not int(dut.m_RREADY.value):
            await RisingEdge(dut.clk)
    dut.m_RVALID.value = 0
    for index, read in enumerate(reads):
        answer = await with_timeout(read, 5, "us")
        assert answer.data == b"".join(bytes([16 * index + beat]) * word for beat in range(length // word))
