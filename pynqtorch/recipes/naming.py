# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names that go into C++, Verilog and VHDL, and what HLS makes of them in the register map.

The word lists are those of the standards: C++17, IEEE 1364-2005, the common ones of IEEE 1800-2012, IEEE 1076-2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pynqtorch.recipes.models import Argument, Kernel

_CPP = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl
    const const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit export
    extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr
    operator or or_eq private protected public register reinterpret_cast return short signed sizeof static
    static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename
    union unsigned using virtual void volatile wchar_t while xor xor_eq
"""
CPP_WORDS = frozenset(_CPP.split())
_VERILOG = """
    always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default
    defparam design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive
    endspecify endtable endtask event for force forever fork function generate genvar highz0 highz1 if ifnone
    incdir include initial inout input instance integer join large liblist library localparam macromodule medium
    module nand negedge nmos nor noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive
    pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent rcmos real realtime reg release repeat
    rnmos rpmos rtran rtranif0 rtranif1 scalared showcancelled signed small specify specparam strong0 strong1
    supply0 supply1 table task time tran tranif0 tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire
    vectored wait wand weak0 weak1 while wire wor xnor xor
"""
VERILOG_WORDS = frozenset(_VERILOG.split())
_SYSTEM_VERILOG = """
    always_comb always_ff always_latch assert assume bit break byte class clocking const constraint continue
    cover endclass endinterface endpackage endprogram endproperty endsequence enum export extends extern final
    foreach import inside int interface logic longint modport new null package packed priority program property
    pure rand ref return sequence shortint shortreal static string struct super this timeprecision timeunit type
    typedef union unique var virtual void
"""
SYSTEM_VERILOG_WORDS = frozenset(_SYSTEM_VERILOG.split())
_VHDL = """
    abs access after alias all and architecture array assert assume attribute begin block body buffer bus case
    component configuration constant context cover default disconnect downto else elsif end entity exit fairness
    file for force function generate generic group guarded if impure in inertial inout is label library linkage
    literal loop map mod nand new next nor not null of on open or others out package parameter port postponed
    procedure process property protected pure range record register reject release rem report restrict return
    rol ror select sequence severity shared signal sla sll sra srl strong subtype then to transport type
    unaffected units until use variable vmode vprop vunit wait when while with xnor xor
"""
VHDL_WORDS = frozenset(_VHDL.split())
# Not a keyword, and yet HLS's drivers say Set_length_r (many public drivers made by Vivado HLS and Vitis HLS do).
_ALSO_RENAMED = frozenset({"length"})
CONTROL_REGISTERS = ("CTRL", "GIER", "IP_IER", "IP_ISR")
"""What Vitis HLS's ap_ctrl_hs slave has itself, at 0x00 to 0x0c."""


def hdl_word(name: str) -> str:
    """The language in which `name` is reserved (Verilog, VHDL, SystemVerilog), or nothing.  VHDL ignores case."""
    if name in VERILOG_WORDS:
        return "Verilog"
    if name.lower() in VHDL_WORDS:
        return "VHDL"
    return "SystemVerilog" if name in SYSTEM_VERILOG_WORDS else ""


def register_name(argument: str) -> str:
    """The name in the register map that HLS gives to an argument: reserved words get ``_r`` (out -> out_r, in -> in_r).

    Checked against a .hwh of Vivado 2025.2 for `out`, `in1`, `in2`; the rest is inferred from the word lists of Verilog
    and VHDL.  Where HLS does otherwise, the recipe's ``register:`` says so.
    """
    renamed = argument in VERILOG_WORDS or argument.lower() in VHDL_WORDS or argument in _ALSO_RENAMED
    return f"{argument}_r" if renamed else argument


def register_of(name: str, argument: Argument) -> str:
    """The name of an argument in the register map: the recipe's ``register:``, or what HLS makes of its name."""
    return argument.register_name or register_name(name)


def register_words(name: str, argument: Argument) -> tuple[str, ...]:
    """The 32-bit registers of an argument; 64-bit ones (pointers, int64, uint64, double) are ``x_1`` and ``x_2``."""
    register = register_of(name, argument)
    wide = argument.port == "m_axi" or argument.type in {"int64", "uint64", "double"}
    return (f"{register}_1", f"{register}_2") if wide else (register,)


def ip_vendor(kernel: Kernel) -> str:
    """The vendor in a kernel's VLNV: Vitis HLS's own is ``xilinx.com`` (the recipe's default), others are as given."""
    return "xilinx.com" if kernel.vendor == "xilinx" else kernel.vendor


def vlnv(kernel: Kernel) -> str:
    """``vendor:library:name:version`` of the IP that HLS makes of a kernel; PYNQ finds drivers by it.

    The name is that of the top function, which is Vitis HLS's default for ``package.ip.name`` (UG1399).
    """
    return f"{ip_vendor(kernel)}:{kernel.library}:{kernel.top}:{kernel.version}"
