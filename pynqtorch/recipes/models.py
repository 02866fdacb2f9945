# SPDX-License-Identifier: AGPL-3.0-or-later
"""The recipes' models: frozen, unknown keys forbidden, every quantity in one unit.

Frequencies are hertz, times picoseconds (both int), sizes in memory bytes.  A name is what a C, Verilog and Tcl
identifier can be at once.  What one file can say wrong is checked here; what needs other files (a kernel's name, a
board's port, two windows on one address) is checked in `pynqtorch.recipes.checks`.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pynqtorch.recipes.fields import (
    Address,
    BoardPart,
    Count,
    Extent,
    FileName,
    Flag,
    FrozenDict,
    Hertz,
    IoStandard,
    List,
    Loc,
    Machine,
    Name,
    Package,
    Part,
    Picoseconds,
    PresetKey,
    RelativePath,
    Release,
    Snapshot,
    Suite,
    Table,
    Tool,
    Triple,
    Version,
)

ScalarType = Literal["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float", "double"]
MemoryPort = Literal["S_AXI_HP0", "S_AXI_HP1", "S_AXI_HP2", "S_AXI_HP3", "S_AXI_GP0", "S_AXI_GP1", "S_AXI_ACP"]
ControlPort = Literal["M_AXI_GP0", "M_AXI_GP1"]
ClockName = Literal["fclk0", "fclk1", "fclk2", "fclk3"]

TYPE_BITS: dict[str, int] = {
    "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "int64": 64, "uint64": 64,
    "float": 32, "double": 64,
}  # fmt: skip


class Model(BaseModel):
    """Base of all: frozen, strict about keys and types ("1" is no number, 1 is no text)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)


# ---------------------------------------------------------------- boards


class Ps7(Model):
    """The processing system as the board wires it."""

    crystal: Hertz = Field(description="PS_CLK input, e.g. 50MHz")
    io_pll: Hertz = Field(description="IO PLL output that the FCLK dividers start from (UG585 ch. 25)")
    preset: Table[PresetKey, str | int | float | bool] = Field(
        default_factory=FrozenDict, description="CONFIG.PCW_* values of the board (DDR, MIO) for the vendor flow"
    )


class PartResources(Model):
    """What the part has; limits for utilization."""

    lut: Count = Field(description="6-input look-up tables")
    ff: Count = Field(description="flip-flops")
    bram36: Count = Field(description="block RAMs of 36 Kbit")
    dsp: Count = Field(description="DSP48E1 slices")


class Software(Model):
    """What runs on the board; wheels are built for it."""

    pynq: Release = Field(description='release of PYNQ, e.g. "3.1.1"')
    glibc: Version = Field(description='glibc of the image, e.g. "2.35"')
    python: Version = Field(description='Python of the image, e.g. "3.10"')
    triple: Triple = Field(description="GNU triple of the compiler, e.g. arm-linux-gnueabihf")
    machine: Machine = Field(description="what `uname -m` says, e.g. armv7l; the wheels' tag")
    cflags: List[Flag] = Field(default=(), description="flags for the board's processor")


class Pin(Model):
    """A pin of the package that goes somewhere on the board."""

    loc: Loc = Field(description="pin of the package, e.g. R14")
    iostandard: IoStandard = Field(description="e.g. LVCMOS33")


class Board(Model):
    """recipes/boards/<name>.yaml"""

    board: FileName = Field(description="the board's name, which is also the file's")
    description: str = Field(default="", description="one line for people")
    part: Part = Field(description="Zynq-7000 part with package and speed grade, e.g. xc7z020clg400-1")
    board_part: BoardPart = Field(default="", description="Vivado board part, e.g. tul.com.tw:pynq-z2:part0:1.0")
    ps7: Ps7
    resources: PartResources
    software: Software
    pins: Table[Name, Pin] = Field(default_factory=FrozenDict, description="name -> pin of the package")
    overlays: List[Name] = Field(default=(), description="what `./inv build` makes for this board")


# ---------------------------------------------------------------- kernels


class Argument(Model):
    """One argument of the top function, in the order of its declaration."""

    type: ScalarType = Field(description="C type of the argument or of one element")
    shape: List[Extent] = Field(
        default=(), max_length=6, description="elements of an array in memory; empty: a scalar in a register"
    )
    port: Literal["m_axi", "s_axilite"] = Field(
        default="s_axilite", description="m_axi: an array in memory; s_axilite: a scalar in a register"
    )
    bundle: Name | None = Field(default=None, description="m_axi bundle; ports are named m_axi_<bundle>")
    direction: Literal["in", "out", "inout"] = Field(default="in", description="as the kernel sees it")
    register_name: Name | None = Field(
        default=None, alias="register", description="name in the register map, where HLS changes it (out -> out_r)"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.port == "m_axi" and not self.shape:
            raise ValueError("an m_axi argument needs a shape")
        if self.port == "m_axi" and self.bundle is None:
            raise ValueError("an m_axi argument needs a bundle, e.g. bundle: gmem")
        if self.port == "s_axilite" and (self.shape or self.bundle):
            raise ValueError("shape and bundle belong to m_axi arguments; say port: m_axi")
        if self.port == "s_axilite" and self.direction != "in":
            raise ValueError("an s_axilite argument is an input; results leave through m_axi")
        return self


class HlsSource(Model):
    """The C++ source; paths are relative to hw/kernel/<kernel>/."""

    sources: List[RelativePath] = Field(min_length=1, description="what HLS synthesizes")
    testbench: List[RelativePath] = Field(
        min_length=1, description="main() that calls top and returns 0 if it is right"
    )
    cflags: List[Flag] = Field(default=("-std=c++14",), description="flags for the compiler and for HLS")


class RtlSource(Model):
    """The same interface by hand; what the open flow implements. Paths are relative to hw/kernel/<kernel>/."""

    sources: List[RelativePath] = Field(min_length=1, description="Verilog files, the top module named as `top`")
    data_width: Table[Name, Literal[32, 64, 128, 256, 512]] = Field(
        default_factory=FrozenDict, description="m_axi data width in bits for each bundle; 32 where not named"
    )
    parameters: Table[Name, int] = Field(default_factory=FrozenDict, description="Verilog parameters of the top module")


class Kernel(Model):
    """recipes/kernels/<name>.yaml"""

    kernel: Name = Field(description="the kernel's name, which is also the file's and the folder's below hw/kernel/")
    description: str = Field(default="", description="one line for people")
    top: Name = Field(description="the C++ function and the Verilog module")
    clock: Picoseconds = Field(description="target period for HLS, e.g. 5ns")
    control: Name = Field(default="CTRL", description="s_axilite bundle of the control registers: s_axi_<control>")
    vendor: Name = Field(default="xilinx", description="vendor in the IP's VLNV; xilinx stands for xilinx.com")
    library: Name = Field(default="hls", description="library in the IP's VLNV")
    version: Version = Field(default="1.0", description="version in the IP's VLNV")
    arguments: Table[Name, Argument] = Field(
        min_length=1, max_length=64, description="name -> argument of top, in the order of its declaration"
    )
    hls: HlsSource
    rtl: RtlSource | None = None

    @property
    def bundles(self) -> tuple[str, ...]:
        """m_axi bundles in order of first use."""
        return tuple(dict.fromkeys(a.bundle for a in self.arguments.values() if a.bundle))


# ---------------------------------------------------------------- overlays


class Instance(Model):
    """A kernel in an overlay."""

    kernel: Name = Field(description="a kernel of recipes/kernels/")
    control: ControlPort = Field(default="M_AXI_GP0", description="port of the PS that reaches the control registers")
    address: Address | None = Field(default=None, description="base of the 64 KiB window; given out in order if absent")
    memory: Table[Name, MemoryPort] = Field(default_factory=FrozenDict, description="bundle -> port of the PS")
    clock: ClockName = Field(default="fclk0", description="one of the overlay's clocks")


class OpenFlow(Model):
    """Settings of the open flow."""

    profile: Literal["safe", "full"] = Field(
        default="safe", description="safe avoids what nextpnr is known to get wrong (docs/open-flow.md)"
    )
    seed: Count = Field(default=1, description="seed of nextpnr's placement")


class Limits(Model):
    """Upper bounds; a build that breaks one fails. Counts of the part's elements."""

    lut: Count | None = Field(default=None, description="6-input look-up tables")
    ff: Count | None = Field(default=None, description="flip-flops")
    bram36: Count | None = Field(default=None, description="block RAMs of 36 Kbit")
    dsp: Count | None = Field(default=None, description="DSP48E1 slices")


class Overlay(Model):
    """recipes/overlays/<name>.yaml"""

    overlay: Name = Field(description="the overlay's name, which is also the file's")
    description: str = Field(default="", description="one line for people")
    board: FileName = Field(description="a board of recipes/boards/")
    clocks: Table[ClockName, Hertz] = Field(min_length=1, description="PL clocks of the PS, e.g. {fclk0: 100MHz}")
    kernels: Table[Name, Instance] = Field(min_length=1, description="instance -> kernel and how it is connected")
    open: OpenFlow = OpenFlow()
    limits: Limits = Limits()


# ---------------------------------------------------------------- root file systems


class Rootfs(Model):
    """recipes/rootfs/<name>.yaml"""

    rootfs: FileName = Field(description="the root file system's name, which is also the file's")
    description: str = Field(default="", description="one line for people")
    distribution: Literal["debian", "ubuntu"] = "debian"
    suite: Suite = Field(description="code name of the release, e.g. trixie")
    architecture: Literal["amd64", "arm64", "armhf", "armel"] = "amd64"
    variant: Literal["extract", "custom", "essential", "apt", "minbase"] = Field(
        default="apt", description="what mmdebstrap installs besides the packages"
    )
    components: List[Literal["main", "contrib", "non-free", "universe"]] = ("main",)
    packages: List[Package] = Field(min_length=1, description="packages to install, with what they depend on")
    snapshot: Snapshot | None = Field(
        default=None, description="pin to a date of the snapshot archive; needs a mirror that has one"
    )
    tools: Table[Tool, Package] = Field(
        default_factory=FrozenDict, description="tool -> package whose version is the tool's version in step keys"
    )
