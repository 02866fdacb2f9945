# SPDX-License-Identifier: AGPL-3.0-or-later
"""The recipes' models: frozen, unknown keys forbidden, every quantity in one unit.

Frequencies are hertz, times picoseconds (both int), sizes in memory bytes.  A name is what a C, Verilog and Tcl
identifier can be at once.  What one file can say wrong is checked here; what needs other files (a kernel's name, a
board's port, two windows on one address) is checked in `pynqtorch.recipes.repository`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pynqtorch.recipes.units import parse_address, parse_frequency, parse_time

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]
FileName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
Hertz = Annotated[int, BeforeValidator(parse_frequency), Field(gt=0)]
Picoseconds = Annotated[int, BeforeValidator(parse_time), Field(gt=0)]
Address = Annotated[int, BeforeValidator(parse_address), Field(ge=0, le=0xFFFF_FFFF)]
RelativePath = Annotated[str, Field(min_length=1, max_length=240, pattern=r"^[^/\\\x00-\x1f][^\\\x00-\x1f]*$")]
ScalarType = Literal["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float", "double"]
MemoryPort = Literal["S_AXI_HP0", "S_AXI_HP1", "S_AXI_HP2", "S_AXI_HP3", "S_AXI_GP0", "S_AXI_GP1", "S_AXI_ACP"]
ControlPort = Literal["M_AXI_GP0", "M_AXI_GP1"]
ClockName = Literal["fclk0", "fclk1", "fclk2", "fclk3"]

TYPE_BITS: dict[str, int] = {
    "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "int64": 64, "uint64": 64,
    "float": 32, "double": 64,
}  # fmt: skip


class Model(BaseModel):
    """Base of all: frozen, strict about keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


# ---------------------------------------------------------------- boards


class Ps7(Model):
    """The processing system as the board wires it."""

    crystal: Hertz = Field(description="PS_CLK input, e.g. 50MHz")
    io_pll: Hertz = Field(description="IO PLL output that the FCLK dividers start from (UG585 ch. 25)")
    preset: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="CONFIG.PCW_* values of the board (DDR, MIO) for the vendor flow"
    )


class PartResources(Model):
    """What the part has; limits for utilization."""

    lut: int
    ff: int
    bram36: int
    dsp: int


class Software(Model):
    """What runs on the board; wheels are built for it."""

    pynq: str
    glibc: str
    python: str
    triple: str
    machine: str
    cflags: tuple[str, ...] = ()


class Pin(Model):
    """A pin of the package that goes somewhere on the board."""

    loc: Annotated[str, Field(pattern=r"^[A-Z]{1,2}[0-9]{1,2}$")]
    iostandard: str


class Board(Model):
    """recipes/boards/<name>.yaml"""

    board: FileName
    description: str = ""
    part: Annotated[str, Field(pattern=r"^xc7z\d{3}[a-z]{3}\d{3}-\d$")]
    board_part: str = Field(default="", description="Vivado board part, e.g. tul.com.tw:pynq-z2:part0:1.0")
    ps7: Ps7
    resources: PartResources
    software: Software
    pins: dict[Name, Pin] = Field(default_factory=dict)
    overlays: tuple[Name, ...] = Field(default=(), description="what `./inv build` makes for this board")


# ---------------------------------------------------------------- kernels


class Argument(Model):
    """One argument of the top function, in the order of its declaration."""

    type: ScalarType
    shape: tuple[Annotated[int, Field(gt=0, le=1 << 26)], ...] = Field(
        default=(), max_length=6, description="elements of an array in memory; empty: a scalar in a register"
    )
    port: Literal["m_axi", "s_axilite"] = "s_axilite"
    bundle: Name | None = Field(default=None, description="m_axi bundle; ports are named m_axi_<bundle>")
    direction: Literal["in", "out", "inout"] = "in"
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

    sources: tuple[RelativePath, ...] = Field(min_length=1)
    testbench: tuple[RelativePath, ...] = Field(min_length=1)
    cflags: tuple[str, ...] = ("-std=c++14",)


class RtlSource(Model):
    """The same interface by hand; what the open flow implements."""

    sources: tuple[RelativePath, ...] = Field(min_length=1)
    data_width: dict[Name, Literal[32, 64, 128, 256, 512]] = Field(
        default_factory=dict, description="m_axi data width in bits for each bundle; 32 where not named"
    )
    parameters: dict[Name, int] = Field(default_factory=dict)


class Kernel(Model):
    """recipes/kernels/<name>.yaml"""

    kernel: Name
    description: str = ""
    top: Name
    clock: Picoseconds = Field(description="target period for HLS, e.g. 5ns")
    control: Name = Field(default="CTRL", description="s_axilite bundle of the control registers: s_axi_<control>")
    vendor: Name = "xilinx"
    library: Name = "hls"
    version: Annotated[str, Field(pattern=r"^\d+\.\d+$")] = "1.0"
    arguments: dict[Name, Argument] = Field(min_length=1, max_length=64)
    hls: HlsSource
    rtl: RtlSource | None = None

    @property
    def bundles(self) -> tuple[str, ...]:
        """m_axi bundles in order of first use."""
        return tuple(dict.fromkeys(a.bundle for a in self.arguments.values() if a.bundle))


# ---------------------------------------------------------------- overlays


class Instance(Model):
    """A kernel in an overlay."""

    kernel: Name
    control: ControlPort = "M_AXI_GP0"
    address: Address | None = Field(default=None, description="base of the 64 KiB window; given out in order if absent")
    memory: dict[Name, MemoryPort] = Field(default_factory=dict, description="bundle -> port of the PS")
    clock: ClockName = "fclk0"


class OpenFlow(Model):
    """Settings of the open flow."""

    profile: Literal["safe", "full"] = Field(
        default="safe", description="safe avoids what nextpnr is known to get wrong (docs/open-flow.md)"
    )
    seed: int = Field(default=1, ge=0, lt=1 << 31)


class Limits(Model):
    """Upper bounds; a build that breaks one fails. Counts of the part's elements."""

    lut: int | None = Field(default=None, ge=0)
    ff: int | None = Field(default=None, ge=0)
    bram36: int | None = Field(default=None, ge=0)
    dsp: int | None = Field(default=None, ge=0)


class Overlay(Model):
    """recipes/overlays/<name>.yaml"""

    overlay: Name
    description: str = ""
    board: FileName
    clocks: dict[ClockName, Hertz] = Field(min_length=1)
    kernels: dict[Name, Instance] = Field(min_length=1)
    open: OpenFlow = OpenFlow()
    limits: Limits = Limits()


# ---------------------------------------------------------------- root file systems


class Rootfs(Model):
    """recipes/rootfs/<name>.yaml"""

    rootfs: FileName
    description: str = ""
    distribution: Literal["debian", "ubuntu"] = "debian"
    suite: Annotated[str, Field(pattern=r"^[a-z]+$")]
    architecture: Literal["amd64", "arm64", "armhf", "armel"] = "amd64"
    variant: Literal["extract", "custom", "essential", "apt", "minbase"] = "apt"
    components: tuple[Literal["main", "contrib", "non-free", "universe"], ...] = ("main",)
    packages: tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")], ...] = Field(min_length=1)
    snapshot: Annotated[str, Field(pattern=r"^\d{8}T\d{6}Z$")] | None = Field(
        default=None, description="pin to a date of the snapshot archive; needs a mirror that has one"
    )
    tools: dict[str, str] = Field(
        default_factory=dict, description="tool -> package whose version is the tool's version in step keys"
    )
