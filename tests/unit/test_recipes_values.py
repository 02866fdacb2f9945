# SPDX-License-Identifier: AGPL-3.0-or-later
"""Units, clocks, addresses, names; our own recipes and their schemas."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from recipe_samples import make_checkout

from pynqtorch.errors import UsageError
from pynqtorch.recipes import schema
from pynqtorch.recipes.addresses import control_addresses
from pynqtorch.recipes.clocks import fclk_dividers, format_frequency, reachable
from pynqtorch.recipes.kinds import KINDS
from pynqtorch.recipes.models import Argument, Overlay
from pynqtorch.recipes.naming import register_name, register_of, register_words
from pynqtorch.recipes.repository import check, load
from pynqtorch.recipes.units import parse_address, parse_frequency, parse_time

OURS = Path(__file__).parents[2]


def test_quantities() -> None:
    assert parse_frequency("100MHz") == 100_000_000
    assert parse_frequency("33.333333 MHz") == 33_333_333
    assert parse_time("5ns") == 5000
    assert parse_time("0.5ns") == 500
    assert parse_address("0x4000_0000") == parse_address(0x4000_0000) == 1 << 30
    for wrong in ("0.5ps", "5", "ns", "-5ns", "5 MHz", "\u0665ns", 5, None, True):
        with pytest.raises(ValueError, match="time"):
            parse_time(wrong)
    for wrong in ("", "x", True, None, 1.5, "1" * 5000):
        with pytest.raises(ValueError, match="address"):
            parse_address(wrong)


@pytest.mark.parametrize(
    ("io_pll", "wanted", "expected"),
    [
        (1_000_000_000, 100_000_000, (5, 2, 100_000_000)),
        (1_600_000_000, 50_000_000, (8, 4, 50_000_000)),  # as Vivado 2025.2 divides
        (1_000_000_000, 142_857_143, (7, 1, 142_857_143)),
        (1_000_000_000, 250_000_000, (2, 2, 250_000_000)),
        (1_000_000_000, 10_000_000, (10, 10, 10_000_000)),
        (1_000_000_000, 1, (63, 63, 251_953)),
    ],
)
def test_dividers(io_pll: int, wanted: int, expected: tuple[int, int, int]) -> None:
    assert fclk_dividers(io_pll, wanted) == expected


@given(st.integers(200_000_000, 2_000_000_000), st.integers(1, 400_000_000))
def test_no_other_dividers_are_nearer(io_pll: int, wanted: int) -> None:
    div0, div1, actual = fclk_dividers(io_pll, wanted)
    assert 1 <= div1 <= div0 <= 63
    best = min(abs(io_pll / (a * b) - wanted) for a in range(1, 64) for b in range(1, 64))
    assert abs(io_pll / (div0 * div1) - wanted) == best
    assert reachable(actual, wanted) == (abs(actual - wanted) <= 0.01 * wanted)


def test_frequencies_are_written_as_in_recipes() -> None:
    for hertz in (1, 999, 100_000_000, 142_857_143, 1_000_000_000, 33_333_333, 251_953):
        assert parse_frequency(format_frequency(hertz)) == hertz
    with pytest.raises(ValueError, match="positive"):
        fclk_dividers(0, 1)


def overlay(**instances: dict[str, object]) -> Overlay:
    kernels = {name: {"kernel": "add", **rest} for name, rest in instances.items()}
    return Overlay.model_validate({"overlay": "o", "board": "b", "clocks": {"fclk0": "100MHz"}, "kernels": kernels})


def test_addresses_are_given_out_in_order_around_those_of_the_recipe() -> None:
    found = control_addresses(
        overlay(a={}, b={"address": 0x4001_0000}, c={}, d={"control": "M_AXI_GP1"}, e={"address": "0x4000_0000"}, f={})
    )
    assert found == {
        "a": 0x4002_0000, "b": 0x4001_0000, "c": 0x4003_0000, "d": 0x8000_0000, "e": 0x4000_0000, "f": 0x4004_0000,
    }  # fmt: skip


def test_a_port_without_a_free_window_is_an_error() -> None:
    full = {f"k{i}": {"address": 0x8000_0000 + i * 0x1_0000, "control": "M_AXI_GP1"} for i in range(0x4000)}
    with pytest.raises(ValueError, match="no free 64 KiB window on M_AXI_GP1 for last"):
        control_addresses(overlay(**full, last={"control": "M_AXI_GP1"}))


def test_names_in_the_register_map() -> None:
    assert [register_name(n) for n in ("in", "out", "IN", "in1", "a", "n", "reg", "length", "bit")] == [
        "in_r", "out_r", "IN_r", "in1", "a", "n", "reg_r", "length_r", "bit",
    ]  # fmt: skip
    array = Argument.model_validate({"type": "int8", "shape": [4], "port": "m_axi", "bundle": "g"})
    assert register_words("out", array) == ("out_r_1", "out_r_2")
    assert register_words("n", Argument.model_validate({"type": "int32"})) == ("n",)
    assert register_of("out", Argument.model_validate({"type": "int32", "register": "o"})) == "o"


def test_our_own_recipes_are_right() -> None:
    assert check(OURS, sources=False) == ()


def test_boards_reach_their_clocks() -> None:
    for board in load(OURS, sources=False).boards.values():
        div0, div1, actual = fclk_dividers(board.ps7.io_pll, 100_000_000)
        assert (div0 * div1, actual) == (10, 100_000_000)
        assert len({pin.loc for pin in board.pins.values()}) == len(board.pins) == 4


@pytest.mark.parametrize("kind", schema.KINDS)
def test_the_checked_in_schema_is_current(kind: str) -> None:
    text = (OURS / f"docs/schema/{kind}.json").read_text(encoding="utf-8")
    assert text == schema.render(kind), "run ./inv recipe.schema"


def test_every_recipe_names_its_schema() -> None:
    for kind in KINDS.values():
        for path in (OURS / "recipes" / kind.folder).glob("*.yaml"):
            first = path.read_text(encoding="utf-8").splitlines()[0]
            assert first == schema.header(kind.key), path
            target = path.parent / first.partition("$schema=")[2]
            assert target.resolve() == (OURS / f"docs/schema/{kind.key}.json").resolve()


def test_schemas_say_how_quantities_are_written(tmp_path: Path) -> None:
    assert {path.name for path in schema.write_all(tmp_path / "new")} == {f"{kind}.json" for kind in schema.KINDS}
    kernel = json.loads((tmp_path / "new/kernel.json").read_text())
    clock = kernel["properties"]["clock"]
    assert clock["type"] == "string"
    assert re.search(clock["pattern"], "5ns")
    assert not re.search(clock["pattern"], "5")
    assert kernel["additionalProperties"] is False
    assert "register" in kernel["$defs"]["Argument"]["properties"]
    overlay_schema = schema.schema("overlay")
    assert overlay_schema["properties"]["clocks"]["additionalProperties"]["pattern"].startswith("^")
    with pytest.raises(UsageError, match="did you mean 'kernel'"):
        schema.schema("kernels")


def test_every_field_says_what_it_is() -> None:
    for kind in schema.KINDS:
        body = schema.schema(kind)
        for part in (body, *body.get("$defs", {}).values()):
            for name, field in part["properties"].items():
                described = field.get("description") or field.get("$ref") or field.get("enum") or field.get("items")
                assert described, f"{kind}: {name}"


def test_the_sample_checkout_is_right(tmp_path: Path) -> None:
    assert check(make_checkout(tmp_path)) == ()


def test_our_recipes_follow_their_schemas() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    for kind in KINDS.values():
        body = schema.schema(kind.key)
        jsonschema.Draft7Validator.check_schema(body)
        for path in (OURS / "recipes" / kind.folder).glob("*.yaml"):
            jsonschema.Draft7Validator(body).validate(yaml.safe_load(path.read_text(encoding="utf-8")))
