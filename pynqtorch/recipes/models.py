# SPDX-License-Identifier: AGPL-3.0-or-later
"""The recipes' models: frozen, unknown keys forbidden, every quantity in one unit.

Frequencies are hertz, times picoseconds (both int), sizes in memory bytes.  A name is what a C, Verilog and Tcl
identifier can be at once.  What one file can say wrong is checked here; what needs other files (a kernel's name, a
board's port, two windows on one address) is checked in `pynqtorch.recipes.repository`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from pynqtorch.recipes.units import parse_address, parse_frequency, parse_time

NAME = r"^[A-Za-z][A-Za-z0-9_]{0,62}$"
FILE_NAME = r"^[a-z0-9][a-z0-9_.-]{0,62}$"
RELATIVE_PATH = r"^[^/\\\x00-\x1f][^\\\x00-\x1f]*$"
PART = r"^xc7z\d{3}[a-z]{3}\d{3}-\d$"
PIN = r"^[A-Z]{1,2}[0-9]{1,2}$"
VERSION = r"^\d+\.\d+$"
SUITE = r"^[a-z]+$"
PACKAGE = r"^[a-z0-9][a-z0-9+.-]+$"
SNAPSHOT = r"^\d{8}T\d{6}Z$"
PATTERN_WORDS = {
    NAME: "a name begins with a letter and has letters, digits and _ only, 63 at most",
    FILE_NAME: "a name has small letters, digits, '-', '_' and '.' only, 63 at most, and begins with a letter or digit",
    RELATIVE_PATH: "a path is relative and uses / (no leading /, no backslash)",
    PART: "a Zynq-7000 part looks like xc7z020clg400-1",
    PIN: "a pin of the package looks like R14",
    VERSION: 'a version looks like "1.0"',
    SUITE: "a suite is the release's code name in small letters, e.g. trixie",
    PACKAGE: "a package's name has small letters, digits, '+', '.' and '-' only",
    SNAPSHOT: "a snapshot looks like 20260115T000000Z",
}
"""What a pattern asks for, in words, for messages."""

_ADDRESS_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": 0xFFFF_FFFF},
        {"type": "string", "pattern": "^0x[0-9A-Fa-f]+(_[0-9A-Fa-f]+)*$"},
    ],
    "examples": ["0x4000_0000"],
}
_HERTZ_SCHEMA = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(Hz|kHz|MHz|GHz)\s*$", "examples": ["100MHz"]}
_TIME_SCHEMA = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(ps|ns|us|ms)\s*$", "examples": ["5ns"]}

Name = Annotated[str, StringConstraints(pattern=NAME)]
FileName = Annotated[str, StringConstraints(pattern=FILE_NAME)]
# In JSON a quantity is written as in a recipe, so that model_validate_json reads what model_dump_json wrote.
Hertz = Annotated[
    int,
    BeforeValidator(parse_frequency),
    Field(gt=0, lt=1 << 40),
    PlainSerializer(lambda value: f"{value}Hz", return_type=str, when_used="json"),
    WithJsonSchema(_HERTZ_SCHEMA),
]
Picoseconds = Annotated[
    int,
    BeforeValidator(parse_time),
    Field(gt=0, lt=1 << 40),
    PlainSerializer(lambda value: f"{value}ps", return_type=str, when_used="json"),
    WithJsonSchema(_TIME_SCHEMA),
]
Address = Annotated[int, BeforeValidator(parse_address), Field(ge=0, le=0xFFFF_FFFF), WithJsonSchema(_ADDRESS_SCHEMA)]
RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=240, pattern=RELATIVE_PATH)]
ScalarType = Literal["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float", "double"]
MemoryPort = Literal["S_AXI_HP0", "S_AXI_HP1", "S_AXI_HP2", "S_AXI_HP3", "S_AXI_GP0", "S_AXI_GP1", "S_AXI_ACP"]
ControlPort = Literal["M_AXI_GP0", "M_AXI_GP1"]
ClockName = Literal["fclk0", "fclk1", "fclk2", "fclk3"]

TYPE_BITS: dict[str, int] = {
    "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "int64": 64, "uint64": 64,
    "float": 32, "double": 64,
}  # fmt: skip


class FrozenDict(dict[Any, Any]):
    """A dict that cannot be changed, so that a model is frozen all the way down (and hashable)."""

    def _frozen(self, *_args: object, **_keywords: object) -> NoReturn:
        raise TypeError("recipes are frozen; make a changed copy with model_copy(update=...)")

    __setitem__ = __delitem__ = _frozen
    __ior__ = _frozen
    clear = pop = popitem = setdefault = update = _frozen

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[Any, Any]]]:
        return FrozenDict, (dict(self),)


K = TypeVar("K")
V = TypeVar("V")
Table = Annotated[dict[K, V], AfterValidator(FrozenDict)]
"""A mapping of a recipe: read like any dict, in the recipe's order."""
List = Annotated[tuple[V, ...], Strict(False)]
"""A list of a recipe, as a tuple."""


class Model(BaseModel):
    """Base of all: frozen, strict about keys and types ("1" is no number, 1 is no text)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)


# ---------------------------------------------------------------- boards


class Ps7(Model):
    """The processing system as the board wires it."""

    crystal: Hertz = Field(description="PS_CLK input, e.g. 50MHz")
    io_pll: Hertz = Field(description="IO PLL output that the FCLK dividers start from (UG585 ch. 25)")
    preset: Table[str, str | int | float | bool] = Field(
        default_factory=FrozenDict, description="CONFIG.PCW_* values of the board (DDR, MIO) for the vendor flow"
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
    cflags: List[str] = ()


class Pin(Model):
    """A pin of the package that goes somewhere on the board."""

    loc: Annotated[str, StringConstraints(pattern=PIN)]
    iostandard: str


class Board(Model):
    """recipes/boards/<name>.yaml"""

    board: FileName
    description: str = ""
    part: Annotated[str, StringConstraints(pattern=PART)]
    board_part: str = Field(default="", description="Vivado board part, e.g. tul.com.tw:pynq-z2:part0:1.0")
    ps7: Ps7
    resources: PartResources
    software: Software
    pins: Table[Name, Pin] = Field(default_factory=FrozenDict)
    overlays: List[Name] = Field(default=(), description="what `./inv build` makes for this board")


# ---------------------------------------------------------------- kernels


class Argument(Model):
    """One argument of the top function, in the order of its declaration."""

    type: ScalarType
    shape: List[Annotated[int, Field(gt=0, le=1 << 26)]] = Field(
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

    sources: List[RelativePath] = Field(min_length=1)
    testbench: List[RelativePath] = Field(min_length=1)
    cflags: List[str] = ("-std=c++14",)


class RtlSource(Model):
    """The same interface by hand; what the open flow implements."""

    sources: List[RelativePath] = Field(min_length=1)
    data_width: Table[Name, Literal[32, 64, 128, 256, 512]] = Field(
        default_factory=FrozenDict, description="m_axi data width in bits for each bundle; 32 where not named"
    )
    parameters: Table[Name, int] = Field(default_factory=FrozenDict)


class Kernel(Model):
    """recipes/kernels/<name>.yaml"""

    kernel: Name
    description: str = ""
    top: Name
    clock: Picoseconds = Field(description="target period for HLS, e.g. 5ns")
    control: Name = Field(default="CTRL", description="s_axilite bundle of the control registers: s_axi_<control>")
    vendor: Name = "xilinx"
    library: Name = "hls"
    version: Annotated[str, StringConstraints(pattern=VERSION)] = "1.0"
    arguments: Table[Name, Argument] = Field(min_length=1, max_length=64)
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
    memory: Table[Name, MemoryPort] = Field(default_factory=FrozenDict, description="bundle -> port of the PS")
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
    clocks: Table[ClockName, Hertz] = Field(min_length=1)
    kernels: Table[Name, Instance] = Field(min_length=1)
    open: OpenFlow = OpenFlow()
    limits: Limits = Limits()


# ---------------------------------------------------------------- root file systems


class Rootfs(Model):
    """recipes/rootfs/<name>.yaml"""

    rootfs: FileName
    description: str = ""
    distribution: Literal["debian", "ubuntu"] = "debian"
    suite: Annotated[str, StringConstraints(pattern=SUITE)]
    architecture: Literal["amd64", "arm64", "armhf", "armel"] = "amd64"
    variant: Literal["extract", "custom", "essential", "apt", "minbase"] = "apt"
    components: List[Literal["main", "contrib", "non-free", "universe"]] = ("main",)
    packages: List[Annotated[str, StringConstraints(pattern=PACKAGE)]] = Field(min_length=1)
    snapshot: Annotated[str, StringConstraints(pattern=SNAPSHOT)] | None = Field(
        default=None, description="pin to a date of the snapshot archive; needs a mirror that has one"
    )
    tools: Table[str, str] = Field(
        default_factory=FrozenDict, description="tool -> package whose version is the tool's version in step keys"
    )
