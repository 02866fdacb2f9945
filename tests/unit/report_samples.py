# SPDX-License-Identifier: AGPL-3.0-or-later
"""A report.json of schema 1 with figures like those of a real overlay, for tests that then change one thing."""

from __future__ import annotations

from typing import Any


def simulation(kind: str, subject: str, runs: dict[str, list[int]], simulator: str = "") -> dict[str, Any]:
    return {
        "kind": kind,
        "subject": subject,
        "verdict": "pass",
        "simulator": simulator,
        "runs": [
            {
                "name": name,
                "passed": True,
                "calls": len(cycles) or None,
                "cycles": cycles or None,
                "microseconds": [value / 100 for value in cycles] or None,
            }
            for name, cycles in runs.items()
        ],
    }


def report() -> dict[str, Any]:
    """Two kernels, DSP and BRAM, timing met."""
    tiles = [[x, y, 1, 8] for x in (53, 54, 57, 63, 64, 70) for y in range(10, 50)]
    tiles += [[x, y, 2, 5] for x in (99, 102, 103, 106, 107, 110) for y in range(60, 100)]
    tiles += [[x, y, 0, 3] for x in (73, 74, 77, 78) for y in range(40, 76)]
    tiles += [[68, y, 1, 2] for y in range(10, 50, 5)] + [[93, y, 2, 1] for y in range(57, 97, 5)]
    stages = [
        {"type": "clk-to-q", "delay_ns": 0.45, "cell": "matrix_mult_0.sums.count_FDRE_Q_3", "net": None},
        {"type": "routing", "delay_ns": 2.31, "cell": None, "net": "matrix_mult_0.sums.count[3]"},
        {"type": "logic", "delay_ns": 0.64, "cell": "matrix_mult_0.sums.count_CARRY4_O_2", "net": None},
        {"type": "routing", "delay_ns": 3.9, "cell": None, "net": "matrix_mult_0.sums.next[7]"},
        {"type": "setup", "delay_ns": 0.3, "cell": "matrix_mult_0.sums.count_FDRE_Q", "net": None},
    ]
    return {
        "schema": 1,
        "overlay": "matrix_mult_dual",
        "description": "two matrix multipliers side by side",
        "board": "pynq-z2",
        "part": "xc7z020clg400-1",
        "flow": "open (experimental)",
        "profile": "full",
        "verified_on_hardware": False,
        "clocks": {"fclk0": {"requested_hz": 100_000_000, "actual_hz": 100_000_000, "divisors": [5, 2]}},
        "kernels": [
            {
                "instance": f"matrix_mult_{n}",
                "kernel": "matrix_mult",
                "description": "256x256 int8 matrix multiplication",
                "control": "M_AXI_GP0",
                "address": f"0x4000{n}000",
                "memory": {"gmem": f"S_AXI_HP{n}"},
            }
            for n in range(2)
        ],
        "utilization": {
            "lut": {"used": 9412, "available": 53200, "percent": 17.7, "limit": 20000},
            "ff": {"used": 11240, "available": 106400, "percent": 10.6, "limit": None},
            "bram36": {"used": 36, "available": 140, "percent": 25.7, "limit": None},
            "dsp": {"used": 32, "available": 220, "percent": 14.5, "limit": None},
        },
        "groups": {
            "matrix_mult_0": {"lut": 4300, "ff": 5000, "bram36": 18, "dsp": 16},
            "matrix_mult_1": {"lut": 4310, "ff": 5010, "bram36": 18, "dsp": 16},
            "shell": {"lut": 1049, "ff": 1230, "bram36": 0, "dsp": 0},
        },
        "timing": {
            "schema": 1,
            "note": "estimate: no speed-grade data",
            "met": True,
            "clocks": {"clk": {"required_mhz": 100.0, "fmax_mhz": 131.6, "slack_ns": 2.4, "met": True}},
            "paths": [
                {
                    "from": "posedge clk",
                    "to": "posedge clk",
                    "start": "matrix_mult_0.sums.count_FDRE_Q_3.Q",
                    "end": "matrix_mult_0.sums.count_FDRE_Q.D",
                    "total_ns": 7.6,
                    "logic_ns": 1.39,
                    "routing_ns": 6.21,
                    "levels": 1,
                    "stages": stages,
                }
            ],
            "untimed": [
                {"from": "PS7_PS7", "to": "SLICE_FFX", "start": "ps7.MAXIGP0AWVALID",
                 "end": "shell.control.state_FDRE_Q.D", "fabric_ns": 4.2, "met": True},
            ],
        },
        "simulations": [
            simulation("csim", "matrix_mult", {"csim": []}),
            simulation("cosim", "matrix_mult", {"nominal": [532480, 532512], "stalled": [781204]}, "verilator 5.048-1"),
            simulation("postsynth", "matrix_mult_dual", {"netlist": [540010]}, "verilator 5.048-1"),
        ],
        "floorplan": {"width": 111, "height": 100, "groups": ["shell", "matrix_mult_0", "matrix_mult_1"],
                      "tiles": tiles},
        "conform": {
            "dsp-defaults": {"what": "unused DSP inputs", "evidence": "a bitstream of Vivado 2025.2", "added": 1312},
            "bram-zero": {"what": "INIT of unused RAM", "evidence": "UG473", "added": 0},
        },
        "bitstream": {"unknown_bits": 0, "bytes": 4045671},
    }  # fmt: skip
