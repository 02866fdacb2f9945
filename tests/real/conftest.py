# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tests with real tools reach them through the rootfs that `./inv test` makes, unless told otherwise."""

from __future__ import annotations

import os
import shlex
import sys

from in_fpga import ROOTFS

if ROOTFS.is_dir() and "PYNQTORCH_IN_FPGA" not in os.environ:
    script = ROOTFS.parents[2] / "tests" / "real" / "in_fpga.py"
    os.environ["PYNQTORCH_IN_FPGA"] = shlex.join([sys.executable, str(script)])
