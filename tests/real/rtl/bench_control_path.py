# SPDX-License-Identifier: AGPL-3.0-or-later
"""cocotb tests of the control path: M_AXI_GP0 to two AXI4-Lite slaves."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiBurstType, AxiBus, AxiLiteBus, AxiLiteRam, AxiMaster, AxiResp
from kernel_bench import pauses

BASE0, BASE1, NOBODY = 0x4000_0000, 0x43C1_0000, 0x4001_0000


async def start(dut: Any, pause: float = 0.0) -> tuple[AxiMaster, list[AxiLiteRam]]:
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
    dut.ext_reset_n.value = 0
    reset = {"reset": dut.reset_n, "reset_active_level": False}
    master = AxiMaster(AxiBus.from_prefix(dut, "s"), dut.clk, max_burst_len=16, **reset)
    slaves = [AxiLiteRam(AxiLiteBus.from_prefix(dut, name), dut.clk, size=1 << 16, **reset) for name in ("m0", "m1")]
    if pause:
        channels = [master.write_if.aw_channel, master.write_if.w_channel, master.write_if.b_channel]
        channels += [master.read_if.ar_channel, master.read_if.r_channel]
        for slave in slaves:
            channels += [slave.write_if.aw_channel, slave.write_if.w_channel, slave.write_if.b_channel]
            channels += [slave.read_if.ar_channel, slave.read_if.r_channel]
        for index, channel in enumerate(channels):
            channel.set_pause_generator(pauses(index, pause))
    await ClockCycles(dut.clk, 5)
    dut.ext_reset_n.value = 1
    await RisingEdge(dut.reset_n)
    await RisingEdge(dut.clk)
    return master, slaves


@cocotb.test()
async def reset_holds(dut: Any) -> None:
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
    dut.ext_reset_n.value = 0
    await ClockCycles(dut.clk, 8)
    assert int(dut.reset_n.value) == 0
    dut.ext_reset_n.value = 1
    await ClockCycles(dut.clk, 15)
    assert int(dut.reset_n.value) == 0
    await ClockCycles(dut.clk, 8)
    assert int(dut.reset_n.value) == 1
    dut.ext_reset_n.value = 0
    await ClockCycles(dut.clk, 6)
    assert int(dut.reset_n.value) == 0


@cocotb.test()
async def single_beats(dut: Any) -> None:
    master, slaves = await start(dut)
    await master.write_dword(BASE0 + 0x10, 0x12345678)
    await master.write_dword(BASE1 + 0xFFFC, 0xCAFEBABE)
    assert slaves[0].read_dword(0x10) == 0x12345678
    assert slaves[1].read_dword(0xFFFC) == 0xCAFEBABE
    assert await master.read_dword(BASE0 + 0x10) == 0x12345678
    assert await master.read_dword(BASE1 + 0xFFFC) == 0xCAFEBABE
    await master.write_byte(BASE0 + 0x12, 0xEE)
    assert slaves[0].read_dword(0x10) == 0x12EE5678


@cocotb.test()
async def nobody_there(dut: Any) -> None:
    master, slaves = await start(dut)
    for length in (4, 64):
        answer = await with_timeout(master.write(NOBODY, b"\xff" * length), 10, "us")
        assert answer.resp == AxiResp.DECERR
        read = await with_timeout(master.read(NOBODY, length), 10, "us")
        assert read.resp == AxiResp.DECERR
        assert read.data == bytes(length)
    await master.write_dword(BASE0, 7)
    assert slaves[0].read_dword(0) == 7


@cocotb.test()
async def bursts(dut: Any) -> None:
    for_pause = random.Random(5)
    master, slaves = await start(dut, pause=0.3)
    model = [bytearray(1 << 16) for _ in slaves]
    for _ in range(25):
        index, offset, length = for_pause.randrange(2), for_pause.randrange(512), for_pause.randrange(1, 130)
        size = for_pause.choice((0, 1, 2, 2, 2))
        data = for_pause.randbytes(length)
        base = (BASE0, BASE1)[index]
        answer = await master.write(base + offset, data, size=size)
        assert answer.resp == AxiResp.OKAY
        model[index][offset : offset + length] = data
        read = await master.read(base + offset - offset % 4, length + 4, size=size)
        assert read.data == bytes(model[index][offset - offset % 4 :][: length + 4])
    for slave, expected in zip(slaves, model, strict=True):
        assert slave.read(0, 1024) == bytes(expected[:1024])


@cocotb.test()
async def fixed_and_wrap(dut: Any) -> None:
    master, slaves = await start(dut)
    await master.write(BASE0 + 0x20, bytes(range(16)), burst=AxiBurstType.FIXED)
    assert slaves[0].read(0x20, 16) == bytes(range(12, 16)) + bytes(12)
    seen: list[int] = []

    async def watch() -> None:
        while True:
            await RisingEdge(dut.clk)
            if int(dut.m1_ARVALID.value) and int(dut.m1_ARREADY.value):
                seen.append(int(dut.m1_ARADDR.value))

    task = cocotb.start_soon(watch())
    await with_timeout(master.read(BASE1 + 0x48, 16, burst=AxiBurstType.WRAP), 10, "us")
    assert seen == [BASE1 + 0x48, BASE1 + 0x4C, BASE1 + 0x40, BASE1 + 0x44]
    seen.clear()
    await with_timeout(master.read(BASE1 + 0x4A, 8, burst=AxiBurstType.WRAP, size=1), 10, "us")
    assert seen == [BASE1 + 0x4A, BASE1 + 0x4C, BASE1 + 0x4E, BASE1 + 0x48]
    task.cancel()
