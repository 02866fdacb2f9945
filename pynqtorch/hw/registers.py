# SPDX-License-Identifier: AGPL-3.0-or-later
"""The s_axilite register map of a kernel, as Vitis HLS lays it out.

Offsets are bytes from the base of the kernel's window, widths are bits.  Names, fields, descriptions and the access of
CTRL, GIER, IP_IER, IP_ISR and of m_axi pointers are what Vitis HLS 2025.2 wrote into a hardware handoff (compared in
tests/unit/test_hwh.py).  Scalars follow the same pattern and UG1399, "S_AXILITE Control Register Map"; the RESERVED
field above a scalar of less than 32 bits was not compared with a file of Vitis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pynqtorch.recipes.models import TYPE_BITS, Argument, Kernel
from pynqtorch.recipes.naming import register_of

Access = Literal["read-write", "read-only", "write-only"]

POINTER_BITS = 64
"""Vitis HLS makes m_axi offsets 64 bits wide by default, whatever the address width of the device."""
FIRST_ARGUMENT = 0x10
WORD = 4


@dataclass(frozen=True, slots=True)
class Field:
    """Bits of a register.

    Attributes:
        modified_write: IP-XACT modifiedWriteValue as Vitis writes it (`modify`, `oneToToggle` or empty).
        read_action: IP-XACT readAction as Vitis writes it (`modify` or empty).
    """

    name: str
    bit_offset: int
    bit_width: int
    access: Access
    description: str
    modified_write: str = ""
    read_action: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """One 32-bit word of the window that software may touch."""

    name: str
    offset: int
    bits: int
    access: Access
    description: str
    reset: int
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class ArgumentRegister:
    """Where an argument stands.

    Attributes:
        argument: name in the C++ source.
        name: name in the register map (`out_r`); with 64 bits its two words are `<name>_1` and `<name>_2`.
        offset: byte offset of the low word.
        bits: 8, 16, 32 or 64.
    """

    argument: str
    name: str
    offset: int
    bits: int

    @property
    def words(self) -> tuple[tuple[str, int], ...]:
        """(register name, offset) of the 32-bit words, low word first."""
        if self.bits <= 32:
            return ((self.name, self.offset),)
        return ((f"{self.name}_1", self.offset), (f"{self.name}_2", self.offset + WORD))


def register_map(kernel: Kernel) -> tuple[Register, ...]:
    """All registers by rising offset: CTRL, GIER, IP_IER, IP_ISR, then the arguments; reserved words are left out."""
    words = [word for placed in argument_registers(kernel).values() for word in _argument_words(placed)]
    return (*_control_registers(), *words)


def argument_registers(kernel: Kernel) -> dict[str, ArgumentRegister]:
    """Argument -> place, in order of declaration; a reserved word follows each argument."""
    placed: dict[str, ArgumentRegister] = {}
    offset = FIRST_ARGUMENT
    for name, argument in kernel.arguments.items():
        place = ArgumentRegister(name, register_of(name, argument), offset, _bits(argument))
        placed[name] = place
        offset += WORD * (len(place.words) + 1)
    return placed


def window_end(kernel: Kernel) -> int:
    """Byte offset just behind the last reserved word."""
    last = list(argument_registers(kernel).values())[-1]
    return last.offset + WORD * (len(last.words) + 1)


def address_bits(kernel: Kernel) -> int:
    """Width of AWADDR and ARADDR of s_axi_<control> (C_S_AXI_<CONTROL>_ADDR_WIDTH): 6 for three pointers.

    The reserved word behind the last argument counts: public HLS-made RTL that ends with one at 0x40 has 7 bits.
    """
    return (window_end(kernel) - 1).bit_length()


def _bits(argument: Argument) -> int:
    return POINTER_BITS if argument.port == "m_axi" else TYPE_BITS[argument.type]


def _argument_words(place: ArgumentRegister) -> list[Register]:
    words = []
    for index, (name, offset) in enumerate(place.words):
        low = 32 * index
        width = min(place.bits - low, 32)
        fields = [Field(place.name, 0, width, "write-only", f"Bit {low + width - 1} to {low} of {place.name}")]
        if width < 32:
            fields.append(_reserved("RESERVED", width, 32 - width))
        words.append(Register(name, offset, 32, "write-only", f"Data signal of {place.name}", 0, tuple(fields)))
    return words


def _control_registers() -> tuple[Register, ...]:
    def word(name: str, offset: int, description: str, *fields: Field) -> Register:
        return Register(name, offset, 32, "read-write", description, 0, fields)

    return (
        word(
            "CTRL", 0x00, "Control signals",
            _written("AP_START", 0, "Control signal Register for 'ap_start'."),
            _status("AP_DONE", 1, "Control signal Register for 'ap_done'."),
            _status("AP_IDLE", 2, "Control signal Register for 'ap_idle'."),
            _status("AP_READY", 3, "Control signal Register for 'ap_ready'."),
            _reserved("RESERVED_1", 4, 3),
            _written("AUTO_RESTART", 7, "Control signal Register for 'auto_restart'."),
            _reserved("RESERVED_2", 8, 1),
            _status("INTERRUPT", 9, "Control signal Register for 'interrupt'."),
            _reserved("RESERVED_3", 10, 22),
        ),
        word(
            "GIER", 0x04, "Global Interrupt Enable Register",
            _written(
                "Enable", 0,
                "Master enable for the device interrupt output to the system interrupt controller: "
                "0 = Disabled, 1 = Enabled",
            ),
            _reserved("RESERVED", 1, 31),
        ),
        word(
            "IP_IER", 0x08, "IP Interrupt Enable Register",
            _written("CHAN0_INT_EN", 0, "Enable Channel 0 (ap_done) Interrupt.  0 = Disabled, 1 = Enabled."),
            _written("CHAN1_INT_EN", 1, "Enable Channel 1 (ap_ready) Interrupt.  0 = Disabled, 1 = Enabled."),
            _reserved("RESERVED_0", 2, 30),
        ),
        word(
            "IP_ISR", 0x0C, "IP Interrupt Status Register",
            _toggled(0, "ap_done"),
            _toggled(1, "ap_ready"),
            _reserved("RESERVED_0", 2, 30),
        ),
    )  # fmt: skip


def _written(name: str, bit: int, description: str) -> Field:
    return Field(name, bit, 1, "read-write", description, modified_write="modify")


def _status(name: str, bit: int, description: str) -> Field:
    return Field(name, bit, 1, "read-only", description, read_action="modify")


def _reserved(name: str, bit: int, width: int) -> Field:
    return Field(name, bit, width, "read-only", "Reserved.  0s on read.", read_action="modify")


def _toggled(channel: int, event: str) -> Field:
    text = (
        f"Channel {channel} ({event}) Interrupt Status. 0 = No Channel {channel} interrupt, "
        f"1 = Channel {channel} interrupt."
    )
    return Field(f"CHAN{channel}_INT_ST", channel, 1, "read-only", text, "oneToToggle", "modify")
