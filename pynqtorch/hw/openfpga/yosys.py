# SPDX-License-Identifier: AGPL-3.0-or-later
"""Synthesis with yosys: kernels out of context, then each overlay around their netlists.

A kernel is synthesised once for all overlays that use it.  The overlay's synthesis sees it as a black box, so nothing
of it is mapped again; after that the boxes are opened and the design is flattened.  `autoname` calls cells after the
nets they drive, so that cells of instance `x` are `x.…` in reports.  File names in scripts are the staged ones: yosys
writes them into its output.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from posixpath import normpath

from pynqtorch.errors import RecipeError
from pynqtorch.hw.openfpga.top import TOP, render
from pynqtorch.plan import Check, Finding, Input, Output, Resources, Step, Tool
from pynqtorch.recipes.models import Kernel, Overlay

TOOL = "yosys"
PROFILE_FLAGS: dict[str, tuple[str, ...]] = {"safe": ("-nolutram", "-nosrl"), "full": ()}
"""nextpnr 0.11.1 loses initial contents of LUT RAM and shift registers (YosysHQ/nextpnr PR 1765)."""
# abc9 knows delays: vector_add went from 95 to 131 MHz (seed 1) with as many LUTs
_SYNTH = "synth_xilinx -family xc7 -abc9 -flatten -noiopad -noclkbuf"
_SOURCE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*\.(v|sv|vh|svh)")


def ooc_name(kernel: str, profile: str) -> str:
    """Name of the step that synthesises a kernel: the profile is in it, as overlays of both may be in one plan."""
    return f"ooc.{kernel.lower()}" + ("" if profile == "safe" else f".{profile}")


def ooc_step(kernel: Kernel, *, profile: str, common: tuple[str, ...], version: str, where: str) -> Step:
    """Out-of-context synthesis of a kernel.

    Args:
        kernel: with an rtl section.
        profile: ``safe`` or ``full``.
        common: paths of the Verilog files that kernels share, relative to the repository.
        version: yosys' version.
        where: as in Step.

    Raises:
        RecipeError: no rtl section, a source that is no Verilog file, or two of the same name.
    """
    if kernel.rtl is None:
        raise RecipeError(f"kernel {kernel.kernel}: no rtl section, and the open flow has no HLS")
    own = tuple(normpath(f"hw/kernel/{kernel.kernel}/{source}") for source in kernel.rtl.sources)
    inputs = (*_staged("common", [path for path in common if path not in own]), *_staged("rtl", own))
    parameters = [f"chparam -set {name} {value} {kernel.top}" for name, value in kernel.rtl.parameters.items()]
    script = [
        *_read(inputs),
        *parameters,
        f"{_SYNTH} {' '.join(PROFILE_FLAGS[profile])} -top {kernel.top}",
        "check -assert -noinit",
        "autoname",
        "tee -q -o stat.json stat -json -tech xilinx",
        f"select {kernel.top}",
        f"write_rtlil -selected {kernel.kernel}.il",
        f"write_json -selected {kernel.kernel}.json",
    ]
    return Step(
        name=ooc_name(kernel.kernel, profile),
        title=f"synthesise kernel {kernel.kernel} out of context",
        tool=Tool(name=TOOL, version=version),
        commands=((TOOL, "-Q", "-s", "ooc.ys"),),
        files={"ooc.ys": "\n".join(script) + "\n"},
        inputs=inputs,
        outputs=(
            Output(f"{kernel.kernel}.il"),
            Output(f"{kernel.kernel}.json"),
            Output("stat.json"),
        ),
        where=where,
        resources=Resources(cores=1, memory_mib=1000),
        checks=(Check("pynqtorch.hw.openfpga.netlist:check_netlist", (f"{kernel.kernel}.json", kernel.top, profile)),),
        log_parser="pynqtorch.hw.openfpga.yosys:parse_log",
    )


def synth_step(
    overlay: Overlay, kernels: Mapping[str, Kernel], *, shell: tuple[str, ...], version: str, where: str
) -> Step:
    """Synthesis of an overlay: generated top and shell, the kernels' netlists put in after it.

    Raises:
        RecipeError: see `top.render`.
    """
    profile = overlay.open.profile
    used = sorted({instance.kernel for instance in overlay.kernels.values()})
    tops = [kernels[name].top for name in used]
    netlists = tuple(Input(f"kernels/{name}.il", f"step:{ooc_name(name, profile)}/{name}.il") for name in used)
    sources = _staged("shell", shell)
    script = [
        *(f"read_rtlil kernels/{name}.il" for name in used),
        *(f"setattr -mod -set blackbox 1 {top}" for top in tops),
        *_read(sources),
        f"read_verilog {TOP}.v",
        f"{_SYNTH} {' '.join(PROFILE_FLAGS[profile])} -top {TOP}",
        "# name cells now: with the boxes open, cells of the shell would be called after the kernels' ports",
        "autoname",
        "# open the boxes: what is inside is mapped and named already",
        *(f"setattr -mod -unset blackbox ={top}" for top in tops),
        "flatten",
        "opt_clean -purge",
        "check -assert -noinit",
        "tee -q -o stat.json stat -json -tech xilinx",
        f"select {TOP}",
        f"write_json -selected {TOP}.json",
    ]
    return Step(
        name=f"synth.{overlay.overlay.lower()}",
        title=f"synthesise overlay {overlay.overlay}",
        tool=Tool(name=TOOL, version=version),
        commands=((TOOL, "-Q", "-s", "synth.ys"),),
        files={"synth.ys": "\n".join(script) + "\n", f"{TOP}.v": render(overlay, kernels)},
        inputs=(*sources, *netlists),
        outputs=(Output(f"{TOP}.json"), Output("stat.json")),
        where=where,
        resources=Resources(cores=1, memory_mib=1500),
        checks=(Check("pynqtorch.hw.openfpga.netlist:check_netlist", (f"{TOP}.json", TOP, profile)),),
        log_parser="pynqtorch.hw.openfpga.yosys:parse_log",
    )


_ERROR = re.compile(r"(?:(?P<source>[^\s:]+:\d+)(?:\.\d+(?:-\d+(?:\.\d+)?)?)?: )?ERROR: (?P<text>.*)")
_WARNING = re.compile(r"(?:(?P<source>[^\s:]+:\d+)(?:\.\d+(?:-\d+(?:\.\d+)?)?)?: )?Warning: (?P<text>.*)")
_PASS = re.compile(r"(\d+(?:\.\d+)?)\. Executing (\S+) pass(?: \((.*)\))?\.")
_QUIET = ("Resizing cell port", "The network is combinational")
"""Warnings that say nothing about the design: BRAM ports wider than used, ABC on a design without registers."""


def parse_log(line: str) -> Finding | None:
    """What a line of yosys' log says: errors, warnings, and the passes of the two upper levels as phases."""
    text = line.rstrip()
    if match := _ERROR.fullmatch(text):
        return Finding("error", match["text"], match["source"] or "")
    if match := _WARNING.fullmatch(text.removeprefix("ABC: ")):
        if match["text"].startswith(_QUIET):
            return None
        return Finding("warning", match["text"], match["source"] or "")
    if match := _PASS.fullmatch(text):
        what = f" ({match[3]})" if match[3] else ""
        return Finding("phase", f"{match[1]} {match[2].lower()}{what}")
    return None


def _staged(folder: str, sources: Iterable[str]) -> tuple[Input, ...]:
    staged: dict[str, Input] = {}
    for source in sources:
        name = PurePosixPath(source).name
        if not _SOURCE.fullmatch(name):
            raise RecipeError(f"{source} is not a Verilog file name that can be used", hint="rename it to <letters>.v")
        if name in staged:
            raise RecipeError(f"two sources are named {name}: {staged[name].source} and {source}", hint="rename one")
        staged[name] = Input(f"{folder}/{name}", source)
    return tuple(staged.values())


def _read(inputs: tuple[Input, ...]) -> list[str]:
    """Headers are staged but not read: `include finds them."""
    read = [item.staged for item in inputs if item.staged.endswith((".v", ".sv"))]
    folders = " ".join(f"-I{folder}" for folder in sorted({str(PurePosixPath(item.staged).parent) for item in inputs}))
    return [f"read_verilog{' -sv' if name.endswith('.sv') else ''} {folders} {name}" for name in read]
