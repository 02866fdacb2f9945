# SPDX-License-Identifier: AGPL-3.0-or-later
"""The register map: offsets that drivers, RTL and the .hwh must agree on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynqtorch.hw.registers import address_bits, argument_registers, register_map, window_end
from pynqtorch.recipes.models import TYPE_BITS, Kernel


def kernel(arguments: dict[str, dict[str, Any]]) -> Kernel:
    return Kernel.model_validate(
        {
            "kernel": "k",
            "top": "k",
            "clock": "5ns",
            "arguments": arguments,
            "hls": {"sources": ["k.cpp"], "testbench": ["k_tb.cpp"]},
        }
    )


POINTER = {"type": "int32", "shape": [16], "port": "m_axi", "bundle": "gmem"}


def offsets(k: Kernel) -> dict[str, int]:
    return {register.name: register.offset for register in register_map(k)}


def test_three_pointers_and_a_scalar() -> None:
    k = kernel({"a": POINTER, "b": POINTER, "out": {**POINTER, "register": "out_r"}, "n": {"type": "int32"}})
    assert offsets(k) == {
        "CTRL": 0x00, "GIER": 0x04, "IP_IER": 0x08, "IP_ISR": 0x0C,
        "a_1": 0x10, "a_2": 0x14, "b_1": 0x1C, "b_2": 0x20, "out_r_1": 0x28, "out_r_2": 0x2C, "n": 0x34,
    }  # fmt: skip
    assert address_bits(k) == 6
    place = argument_registers(k)["out"]
    assert (place.name, place.offset, place.bits) == ("out_r", 0x28, 64)
    assert argument_registers(k)["n"].words == (("n", 0x34),)


@pytest.mark.parametrize("type_", sorted(TYPE_BITS))
def test_scalar_takes_its_words_and_a_reserved_one(type_: str) -> None:
    k = kernel({"x": {"type": type_}, "y": {"type": "int32"}})
    wide = TYPE_BITS[type_] == 64
    assert offsets(k)["y"] == (0x1C if wide else 0x18)
    assert ("x_2" in offsets(k)) is wide
    first = next(r for r in register_map(k) if r.offset == 0x10)
    assert first.fields[0].bit_width == min(TYPE_BITS[type_], 32)
    assert first.fields[0].name == "x"


@pytest.mark.parametrize(("count", "bits"), [(1, 5), (2, 6), (3, 6), (4, 6), (5, 7)])
def test_address_bits_of_pointers(count: int, bits: int) -> None:
    assert address_bits(kernel({f"p{i}": POINTER for i in range(count)})) == bits


def test_reserved_word_behind_the_last_argument_needs_its_address() -> None:
    pointers: dict[str, dict[str, Any]] = {f"p{i}": POINTER for i in range(3)}
    one, two = kernel({**pointers, "n": {"type": "int32"}}), {**pointers, "n": {"type": "int32"}, "m": {"type": "int8"}}
    assert (address_bits(one), window_end(one)) == (6, 0x3C)
    assert (address_bits(kernel(two)), window_end(kernel(two)), offsets(kernel(two))["m"]) == (7, 0x44, 0x3C)


def test_reserved_words_are_renamed() -> None:
    assert {"out_r", "in_r", "n"} <= offsets(kernel({name: {"type": "int32"} for name in ("out", "in", "n")})).keys()


ARGUMENT = st.one_of(st.just(POINTER), st.sampled_from(sorted(TYPE_BITS)).map(lambda t: {"type": t}))


@given(st.lists(ARGUMENT, min_size=1, max_size=64))
def test_registers_never_overlap_and_fields_fill_the_word(arguments: list[dict[str, Any]]) -> None:
    k = kernel({f"a{i}": argument for i, argument in enumerate(arguments)})
    registers = register_map(k)
    assert [r.offset for r in registers] == sorted({r.offset for r in registers})
    assert len({r.name for r in registers}) == len(registers)
    for register in registers:
        assert register.offset % 4 == 0
        bit = 0
        for field in register.fields:
            assert field.bit_offset == bit
            bit += field.bit_width
        assert bit == 32
    assert registers[-1].offset + 8 == window_end(k) <= 1 << address_bits(k) <= 0x1_0000
