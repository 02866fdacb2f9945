# SPDX-License-Identifier: AGPL-3.0-or-later
"""A protocol checker for one AXI master port, independent of the bus models: it samples the wires at each rising edge.

Checked: VALID and its payload stay until READY; INCR bursts within 4 KB and `max_beats`; WLAST exactly on the last beat
of each burst in the order of the addresses, with the WID of AXI3 where there is one; RLAST likewise for each ID; no
response without a request.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

PAYLOAD = {
    "AW": ("ID", "ADDR", "LEN", "SIZE", "BURST"),
    "W": ("DATA", "STRB", "LAST", "ID"),
    "B": ("ID", "RESP"),
    "AR": ("ID", "ADDR", "LEN", "SIZE", "BURST"),
    "R": ("ID", "DATA", "RESP", "LAST"),
}


class AxiChecker:
    """Watches `<prefix>_AWVALID` … of `dut`; raises AssertionError inside the simulation, which fails the test."""

    def __init__(
        self, dut: Any, prefix: str, clock: Any, reset_n: Any, *, max_beats: int = 16, any_kind: bool = False
    ) -> None:
        self.prefix = prefix
        self.clock = clock
        self.reset_n = reset_n
        self.max_beats = max_beats
        self.any_kind = any_kind  # bursts other than INCR of full words are legal here
        self.handles = {
            channel + field: getattr(dut, f"{prefix}_{channel}{field}")
            for channel, fields in PAYLOAD.items()
            for field in ("VALID", "READY", *fields)
            if hasattr(dut, f"{prefix}_{channel}{field}")
        }
        self.data_bytes = len(self.handles["WDATA"]) // 8
        self.bursts: dict[str, list[tuple[int, int]]] = {
            "AW": [],
            "AR": [],
        }  # (address, beats) in order, for tests to read
        self.write_lengths: deque[tuple[int, int]] = deque()  # (beats, ID) whose last beat has not come
        self.early_beats: deque[tuple[bool, int | None]] = deque()  # (WLAST, WID) of beats, also before their address
        self.beat = 0
        self.data_done: int = 0
        self.open_writes: dict[int, int] = defaultdict(int)
        self.open_reads: dict[int, deque[int]] = defaultdict(deque)
        self.beats_read: dict[int, int] = defaultdict(int)
        self.task = cocotb.start_soon(self.run())

    def value(self, name: str) -> int:
        handle = self.handles.get(name)
        return 0 if handle is None else int(handle.value)

    def payload(self, channel: str) -> tuple[str, ...]:
        names = (channel + field for field in PAYLOAD[channel])
        return tuple(str(self.handles[name].value) for name in names if name in self.handles)

    def quiet(self) -> bool:
        """True when every request has been answered."""
        return not self.write_lengths and not any(self.open_writes.values()) and not any(self.open_reads.values())

    async def run(self) -> None:
        waiting: dict[str, tuple[str, ...]] = {}
        while True:
            await RisingEdge(self.clock)
            if int(self.reset_n.value) == 0:
                waiting.clear()
                continue
            for channel in PAYLOAD:
                valid = self.value(f"{channel}VALID")
                if channel in waiting:
                    assert valid, f"{self.prefix}: {channel}VALID fell before READY"
                    now = self.payload(channel)
                    assert now == waiting[channel], (
                        f"{self.prefix}: {channel} changed before READY: {waiting[channel]} {now}"
                    )
                if valid and not self.value(f"{channel}READY"):
                    waiting[channel] = self.payload(channel)
                else:
                    waiting.pop(channel, None)
                    if valid:
                        getattr(self, f"on_{channel.lower()}")()
            self.match_writes()

    def address(self, channel: str) -> tuple[int, int]:
        address, beats = self.value(f"{channel}ADDR"), self.value(f"{channel}LEN") + 1
        size = 1 << self.value(f"{channel}SIZE")
        incr = self.value(f"{channel}BURST") == 1
        assert self.any_kind or (incr and size == self.data_bytes), (
            f"{self.prefix}: {channel} is not INCR of full words"
        )
        assert beats <= self.max_beats, f"{self.prefix}: {beats} beats"
        start = address // size * size
        assert not incr or start // 4096 == (start + beats * size - 1) // 4096, (
            f"{self.prefix}: {address:#x} x {beats} crosses 4 KB"
        )
        self.bursts[channel].append((address, beats))
        return self.value(f"{channel}ID"), beats

    def on_aw(self) -> None:
        identity, beats = self.address("AW")
        self.open_writes[identity] += 1
        self.write_lengths.append((beats, identity))

    def on_ar(self) -> None:
        identity, beats = self.address("AR")
        self.open_reads[identity].append(beats)

    def on_w(self) -> None:
        wid = self.value("WID") if "WID" in self.handles else None
        self.early_beats.append((bool(self.value("WLAST")), wid))

    def match_writes(self) -> None:
        while self.write_lengths and self.early_beats:
            last, wid = self.early_beats.popleft()
            beats, identity = self.write_lengths[0]
            self.beat += 1
            assert last == (self.beat == beats), f"{self.prefix}: WLAST={last} on beat {self.beat} of {beats}"
            assert wid in (None, identity), f"{self.prefix}: WID {wid} in a burst with AWID {identity}"
            if last:
                self.write_lengths.popleft()
                self.beat = 0
                self.data_done += 1

    def on_b(self) -> None:
        identity = self.value("BID")
        assert self.open_writes[identity] > 0, f"{self.prefix}: response without a write, ID {identity}"
        assert self.data_done > 0, f"{self.prefix}: response before the last beat"
        self.open_writes[identity] -= 1
        self.data_done -= 1

    def on_r(self) -> None:
        identity = self.value("RID")
        assert self.open_reads[identity], f"{self.prefix}: read data without a request, ID {identity}"
        self.beats_read[identity] += 1
        last = self.beats_read[identity] == self.open_reads[identity][0]
        assert last == bool(self.value("RLAST")), f"{self.prefix}: RLAST on beat {self.beats_read[identity]}"
        if last:
            self.open_reads[identity].popleft()
            self.beats_read[identity] = 0
