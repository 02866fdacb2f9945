# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs a program in the checkout's rootfs with the FPGA tools: ``python tests/real/in_fpga.py yosys -V``."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOTFS = ROOT / "out" / "rootfs" / "fpga"


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from pynqtorch.sw.namespace import enter

    binds = (ROOT, Path(sys.prefix), Path(tempfile.gettempdir()))
    argv = enter(ROOTFS, sys.argv[1:], cwd=Path.cwd(), binds=tuple(dict.fromkeys(binds)))
    os.execvp(argv[0], argv)  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
