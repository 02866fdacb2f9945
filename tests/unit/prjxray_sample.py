# SPDX-License-Identifier: AGPL-3.0-or-later
"""A very small device in the form of the prjxray database, for tests of the bitstream tools."""

from __future__ import annotations

import json
from pathlib import Path

PART = "xc7z999clg1-1"
IDCODE = 0x3799093


def _buses() -> dict[str, object]:
    columns = {"0": {"frame_count": 4}, "1": {"frame_count": 28}}
    return {
        "CLB_IO_CLK": {"configuration_columns": columns},
        "BLOCK_RAM": {"configuration_columns": {"0": {"frame_count": 2}}},
    }


def _tile(kind: str, place: tuple[int, int], sites: dict[str, str], **buses: dict[str, object]) -> dict[str, object]:
    return {"bits": buses, "grid_x": place[0], "grid_y": place[1], "sites": sites, "type": kind}


def _bits(base: int, frames: int, offset: int, words: int, **more: object) -> dict[str, object]:
    return {"baseaddr": f"0x{base:08X}", "frames": frames, "offset": offset, "words": words, **more}


SEGBITS = {
    "segbits_int_l.db": """
INT_L.BYP_ALT0.EAST 00_00 !00_01
INT_L.BYP_ALT0.WEST !00_00 00_01
INT_L.BYP_ALT0.BOTH 00_00 00_01
INT_L.WIDE[000] 01_00
INT_L.WIDE[001] 01_01
INT_L.WIDE[002] 01_02
INT_L.WIDE[003] 01_03
INT_L.ZERO !02_00
""",
    "ppips_int_l.db": "INT_L.BYP_L0.BYP_ALT0 always\n",
    "segbits_bram_l.db": "BRAM_L.RAMB18_Y0.IN_USE 27_100\n",
    "segbits_bram_l.block_ram.db": "".join(
        f"BRAM_L.RAMB18_Y0.INIT_00[{i:03d}] {i // 300:02d}_{i % 300:02d}\n" for i in range(600)
    ),
    "segbits_liob33.db": """
LIOB33.IOB_Y0.DRIVE 03_70
LIOB33.IOB_Y1.DRIVE 03_10
""",
    "segbits_cfg_center_mid.db": "CFG_CENTER_MID.ALWAYS 03_05\n",
}

HALF = {"alias": {"sites": {}, "start_offset": 2, "type": "LIOB33"}}
GRID = {
    "INT_L_X0Y0": _tile("INT_L", (4, 9), {"TIEOFF_X0Y0": "TIEOFF"}, CLB_IO_CLK=_bits(0, 3, 0, 2)),
    "INT_L_X0Y1": _tile("INT_L", (4, 8), {"TIEOFF_X0Y1": "TIEOFF"}, CLB_IO_CLK=_bits(0, 3, 2, 2)),
    "BRAM_L_X1Y0": _tile(
        "BRAM_L",
        (6, 9),
        {"RAMB18_X0Y0": "FIFO18E1", "RAMB18_X0Y1": "RAMB18E1", "RAMB36_X0Y0": "RAMBFIFO36E1"},
        CLB_IO_CLK=_bits(0x80, 28, 0, 10),
        BLOCK_RAM=_bits(0x800000, 2, 10, 10),
    ),
    "LIOB33_SING_X0Y0": _tile(
        "LIOB33_SING", (0, 9), {"IOB_X0Y0": "IOB33"}, CLB_IO_CLK=_bits(0x400000, 4, 0, 2, **HALF)
    ),
    "CFG_CENTER_MID_X5Y5": _tile("CFG_CENTER_MID", (5, 5), {}, CLB_IO_CLK=_bits(0x400000, 4, 60, 4)),
    "NULL_X9Y9": _tile("NULL", (9, 9), {}),
}


def make_database(directory: Path) -> Path:
    """Write the database below `directory`; the path to give as --db."""
    family = directory / "zynq7"
    for name in ("mapping", PART, "fabric9"):
        (family / name).mkdir(parents=True)
    (family / "mapping" / "parts.yaml").write_text(f"{PART}:\n  device: dev9\n  package: clg1\n  speedgrade: '1'\n")
    (family / "mapping" / "devices.yaml").write_text('# comment\n"dev9":\n  fabric: "fabric9"\n')
    halves = {half: {"rows": {"0": {"configuration_buses": _buses()}}} for half in ("top", "bottom")}
    (family / PART / "part.json").write_text(json.dumps({"idcode": IDCODE, "global_clock_regions": halves}))
    (family / PART / "required_features.fasm").write_text("CFG_CENTER_MID_X5Y5.ALWAYS\n")
    (family / PART / "package_pins.csv").write_text(
        "pin,bank,site,tile,pin_function\nR14,34,IOB_X0Y0,LIOB33_SING_X0Y0,IO_0_34\n"
    )
    (family / "fabric9" / "tilegrid.json").write_text(json.dumps(GRID))
    for name, text in SEGBITS.items():
        (family / name).write_text(text)
    return directory
