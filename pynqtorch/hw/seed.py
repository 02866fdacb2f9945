# SPDX-License-Identifier: AGPL-3.0-or-later
"""description.json and hls_config.cfg for people who build a kernel by hand with Vitis."""

from __future__ import annotations

import json

from pynqtorch.hw.registers import argument_registers
from pynqtorch.recipes.models import Kernel
from pynqtorch.recipes.naming import ip_vendor, vlnv


def description(kernel: Kernel) -> str:
    """The kernel as JSON: what it is, its arguments and where each stands in the register map."""
    registers = argument_registers(kernel)
    arguments = [
        {
            "name": name,
            "type": argument.type,
            "shape": list(argument.shape),
            "port": f"m_axi_{argument.bundle}" if argument.port == "m_axi" else f"s_axi_{kernel.control}",
            "direction": argument.direction,
            "register": registers[name].name,
            "offset": registers[name].offset,
        }
        for name, argument in kernel.arguments.items()
    ]
    document = {
        "name": kernel.kernel,
        "description": kernel.description,
        "top": kernel.top,
        "vlnv": vlnv(kernel),
        "clock_ps": kernel.clock,
        "sources": list(kernel.hls.sources),
        "testbench": list(kernel.hls.testbench),
        "arguments": arguments,
    }
    return json.dumps(document, indent=2) + "\n"


def hls_config(kernel: Kernel, *, part: str) -> str:
    """hls_config.cfg for ``vitis-run --mode hls`` and ``v++ -c --mode hls``.

    `part` stands outside ``[hls]`` (UG1399 2025.2, HLS Config File Commands); without ``package.output.format`` the
    default is ``rtl``, which makes no IP.
    """
    lines = [
        f"# written by ./inv recipe.export from recipes/kernels/{kernel.kernel}.yaml",
        f"part={part}",
        "",
        "[hls]",
        f"clock={kernel.clock / 1000:g}ns",
        "flow_target=vivado",
        f"syn.top={kernel.top}",
        *(f"syn.file={source}" for source in kernel.hls.sources),
        f"syn.cflags={' '.join(kernel.hls.cflags)}",
        *(f"tb.file={source}" for source in kernel.hls.testbench),
        f"tb.cflags={' '.join(kernel.hls.cflags)}",
        "package.output.format=ip_catalog",
        "package.output.syn=false",
        f"package.ip.vendor={ip_vendor(kernel)}",
        f"package.ip.library={kernel.library}",
        f"package.ip.name={kernel.top}",
        f"package.ip.version={kernel.version}",
    ]
    return "\n".join(lines) + "\n"
