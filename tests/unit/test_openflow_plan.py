# SPDX-License-Identifier: AGPL-3.0-or-later
"""The open flow as a plan, its report and manifest, and the choice of flow."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from openflow_samples import (
    REPOSITORY,
    VERSIONS,
    board,
    instance,
    kernel,
    overlay,
    placed,
    repository,
    route_report,
    with_sources,
)

from pynqtorch.errors import LimitError, MissingToolError, RecipeError, UsageError, VerifyError
from pynqtorch.hw import flows, hwh, report
from pynqtorch.hw.addresses import addresses
from pynqtorch.hw.clocks import fabric_clocks
from pynqtorch.hw.openfpga import publish, timing, xdc, yosys
from pynqtorch.hw.openfpga.flow import Options, plan, recipe_digest
from pynqtorch.hw.openfpga.header import format_header, make_header
from pynqtorch.plan import Plan, Step, merge
from pynqtorch.recipes.models import Overlay

QUIET = Options(simulate=False, page=False)


def make(root: Path, made: Overlay | None = None, **arguments: Any) -> Plan:
    made = made or overlay({"a0": instance()})
    found = repository(root, made, arguments.pop("kernel", kernel()))
    return plan(found, made.overlay, **{"tools": VERSIONS, "options": QUIET} | arguments)


def test_the_steps_of_an_overlay(tmp_path: Path) -> None:
    steps = {step.name: step for step in make(tmp_path)}
    assert list(steps) == [
        "ooc.adder", "synth.demo", "route.demo", "timing.demo", "bitstream.demo", "hwh.demo", "report.demo",
        "overlay.demo",
    ]  # fmt: skip
    assert {name for name, step in steps.items() if step.where == "rootfs:fpga"} == {
        "ooc.adder",
        "synth.demo",
        "route.demo",
    }
    published = {output.publish for step in steps.values() for output in step.outputs if output.publish}
    assert {Path(path).parent.as_posix() for path in published} == {"out/overlays/demo"}
    assert all(not o.publish for name, step in steps.items() if name != "overlay.demo" for o in step.outputs)
    assert steps["overlay.demo"].outputs[-1].path == "manifest.json"
    assert "timing.demo" in steps["bitstream.demo"].needs()  # no bitstream of a design that is too slow


def test_nothing_of_this_machine_is_in_a_step(tmp_path: Path) -> None:
    for step in make(tmp_path):
        assert str(tmp_path) not in repr(step)
        for word in (part for command in step.commands for part in command):
            assert not word.startswith("/")


def test_a_commit_changes_the_last_step_only(tmp_path: Path) -> None:
    before = {step.name: step for step in make(tmp_path, git_commit="a" * 40)}
    after = {step.name: step for step in make(tmp_path, git_commit="b" * 40)}
    assert {name for name in before if before[name] != after[name]} == {"overlay.demo"}


def test_what_a_setting_changes(tmp_path: Path) -> None:
    def changed(**settings: Any) -> set[str]:
        base = {step.name: step for step in make(tmp_path)}
        other = {step.name: step for step in make(tmp_path, overlay({"a0": instance()}, **settings))}
        return {name for name in base if base[name] != other[name]}

    # the digest of the recipe is in the manifest
    assert changed(open={"seed": 2}) == {"route.demo", "overlay.demo"}
    assert changed(limits={"lut": 10}) == {"report.demo", "overlay.demo"}
    assert "ooc.adder" not in changed(clocks={"fclk0": "50MHz"})
    assert {"route.demo", "timing.demo", "hwh.demo"} <= changed(clocks={"fclk0": "50MHz"})


def test_overlays_share_a_kernel(tmp_path: Path) -> None:
    one, two = overlay({"a0": instance()}), overlay({"b0": instance(), "b1": instance()}, overlay="twice")
    full = overlay({"c0": instance()}, overlay="bold", open={"profile": "full"})
    merged = merge(*(make(tmp_path, made) for made in (one, two, full)))
    assert [step.name for step in merged if step.name.startswith("ooc.")] == ["ooc.adder", "ooc.adder.full"]
    assert len([i for i in merged.step("synth.twice").inputs if i.staged.startswith("kernels/")]) == 1


def test_the_profile_decides_on_flags_and_checks(tmp_path: Path) -> None:
    safe = make(tmp_path).step("synth.demo")
    full = make(tmp_path, overlay({"a0": instance()}, open={"profile": "full"})).step("synth.demo")
    assert "-nolutram -nosrl" in safe.files["synth.ys"]
    assert "-nolutram" not in full.files["synth.ys"]
    assert (safe.checks[0].args[-1], full.checks[0].args[-1]) == ("safe", "full")


def test_the_clock_that_the_dividers_make_is_the_one_that_counts(tmp_path: Path) -> None:
    found = make(tmp_path, overlay({"a0": instance()}, clocks={"fclk0": "143MHz"}))
    assert "-period 7.000 [get_nets clk]" in found.step("route.demo").files["top.xdc"]
    assert "clk=142857143" in found.step("timing.demo").commands[0]
    assert xdc.render({"clk": 100_000_000}, {"led": board().pins.get("led0")} if board().pins else None) == (
        "create_clock -period 10.000 [get_nets clk]\n"
    )


def test_the_route_is_repeatable_and_never_fails_on_timing_itself(tmp_path: Path) -> None:
    command = make(tmp_path, overlay({"a0": instance()}, open={"seed": 7})).step("route.demo").commands[0]
    text = " ".join(command)
    assert "--seed 7 --threads 1 --timing-allow-fail" in text
    assert "--freq 100 " in text


def test_a_missed_clock_goes_on_only_when_it_is_allowed(tmp_path: Path) -> None:
    assert "--allow-failure" not in make(tmp_path).step("timing.demo").commands[0]
    allowed = make(tmp_path, options=Options(simulate=False, page=False, allow_timing_failure=True))
    assert "--allow-failure" in allowed.step("timing.demo").commands[0]


def test_the_database_is_known_by_its_package(tmp_path: Path) -> None:
    found = next(i for i in make(tmp_path).step("bitstream.demo").inputs if i.staged == "db")
    assert found.identity == f"prjxray-database-{VERSIONS['prjxray-database']}"
    assert found.source == "out/rootfs/fpga/usr/share/prjxray/database"


def test_a_step_that_makes_the_rootfs_comes_first(tmp_path: Path) -> None:
    from pynqtorch.plan import Output, Tool

    made = Step(name="rootfs.fpga", tool=Tool(name="x", version="1"), commands=(("x",),), outputs=(Output("r.json"),))
    found = make(tmp_path, options=Options(simulate=False, page=False, rootfs_step=made))
    assert {s.name for s in found if "rootfs.fpga" in s.needs()} == {
        "ooc.adder",
        "synth.demo",
        "route.demo",
        "bitstream.demo",
    }


def test_the_page_is_made_of_the_report_and_published(tmp_path: Path) -> None:
    found = make(tmp_path, options=Options(simulate=False))
    assert [command[2] for command in found.step("report.demo").commands] == [
        "pynqtorch.hw.report",
        "pynqtorch.ui.html",
    ]
    assert "out/overlays/demo/report.html" in {output.publish for output in found.step("overlay.demo").outputs}


def test_the_page_takes_the_report(tmp_path: Path) -> None:
    from pynqtorch.ui.html import render

    page = render(figures(tmp_path, overlay({"a0": instance()})))
    assert "demo" in page
    assert "experimental" in page


def test_simulations_are_evidence(tmp_path: Path) -> None:
    if find_spec("hls4ml") is None:  # not imported: that takes seconds
        pytest.skip("the ap_types headers come with hls4ml")
    found = make(tmp_path, options=Options(page=False))
    assert {"csim.adder", "cosim.adder"} <= found.step("report.demo").needs()
    assert "csim.adder" in {step.name for step in found.only(["overlay.demo"])}


@pytest.mark.parametrize("tool", ["yosys", "nextpnr-himbaechel-xilinx", "prjxray-database"])
def test_a_tool_without_version_is_missing(tmp_path: Path, tool: str) -> None:
    with pytest.raises(MissingToolError, match=tool):
        make(tmp_path, tools={name: version for name, version in VERSIONS.items() if name != tool})


def test_unknown_overlay_and_missing_shell(tmp_path: Path) -> None:
    found = repository(tmp_path, overlay({"a0": instance()}))
    with pytest.raises(UsageError, match="no overlay 'demmo'"):
        plan(found, "demmo", tools=VERSIONS, options=QUIET)
    (tmp_path / "hw/shell/shell_part.v").unlink()
    with pytest.raises(MissingToolError, match="hw/shell"):
        plan(found, "demo", tools=VERSIONS, options=QUIET)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (("rtl/a.v", "other/a.v"), "two sources are named a.v"),
        (("rtl/a b.v",), "not a Verilog file name"),
        (("rtl/a.vhd",), "not a Verilog"),
    ],
)
def test_sources_that_yosys_could_not_take(sources: tuple[str, ...], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        yosys.ooc_step(with_sources(kernel(), *sources), profile="safe", common=(), version="1", where="rootfs:fpga")


def test_parameters_and_sources_of_another_kernel_reach_yosys() -> None:
    made = with_sources(kernel(), "rtl/adder.v", "../other/rtl/core.sv")
    assert made.rtl is not None
    made = made.model_copy(update={"rtl": made.rtl.model_copy(update={"parameters": {"SIZE": 8}})})
    step = yosys.ooc_step(made, profile="safe", common=("hw/kernel/common/rtl/fifo.v",), version="1", where="host")
    assert {item.staged: item.source for item in step.inputs} == {
        "common/fifo.v": "hw/kernel/common/rtl/fifo.v",
        "rtl/adder.v": "hw/kernel/adder/rtl/adder.v",
        "rtl/core.sv": "hw/kernel/other/rtl/core.sv",
    }
    script = step.files["ooc.ys"]
    assert "chparam -set SIZE 8 adder" in script
    assert "read_verilog -sv -Icommon -Irtl rtl/core.sv" in script


# ---------------------------------------------------------------- report and manifest


def request(made: Overlay) -> dict[str, Any]:
    files = {s.name: s.files for s in plan_of(made)}
    return dict(json.loads(files["overlay.demo"]["request.json"]))


def plan_of(made: Overlay) -> Plan:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        return make(Path(folder), made)


def figures(tmp_path: Path, made: Overlay, **changes: Any) -> dict[str, Any]:
    cells = {"a0.x": "X1Y1/SLICE_X0Y0.A6LUT", "a0.y": "X1Y1/SLICE_X0Y0.AFF", "z": "X2Y1/SLICE_X1Y0.B6LUT"}
    simulations = [
        {"kind": "cosim", "subject": "adder", "verdict": "pass", "compiler": "g++", "simulator": "verilator 5",
         "runs": [{"name": "nominal", "passed": True, "simulation": {"cycles": [100, 250]}}]},
        {"kind": "csim", "subject": "adder", "verdict": "pass", "compiler": "g++", "simulator": "",
         "runs": [{"name": "csim", "passed": True, "simulation": {}}]},
    ]  # fmt: skip
    return report.assemble(
        request(made),
        **{
            "timing": timing.evaluate(route_report(), {"clk": 100_000_000}),
            "placed": placed(tmp_path / "placed.json", cells),
            "simulations": simulations,
            "conform": {"rules": [{"rule": "r", "what": "w", "evidence": "e", "added": ["X.Y"]}], "routed_pins": []},
            "unknown": {"bits": []},
            "bit_bytes": 10,
        }
        | changes,
    )


def test_the_report_has_what_people_ask_for(tmp_path: Path) -> None:
    content = figures(tmp_path, overlay({"a0": instance()}))
    assert content["verified_on_hardware"] is False
    assert content["flow"] == "open (experimental)"
    assert content["utilization"]["lut"] == {"used": 2, "available": 53200, "percent": 0.0, "limit": None}
    assert content["groups"]["shell"]["lut"] == 1
    assert content["clocks"] == {"fclk0": {"requested_hz": 10**8, "actual_hz": 10**8, "divisors": [5, 2]}}
    run = content["simulations"][0]["runs"][0]
    assert (run["cycles"], run["microseconds"]) == ([100, 250], [1.0, 2.5])  # at 100 MHz
    assert content["simulations"][1]["runs"][0]["cycles"] is None  # C simulation has no cycles: null, not 0
    assert content["conform"]["r"]["added"] == 1
    json.dumps(content)


def test_a_broken_limit_fails_the_report(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match=r"limits.lut is 1"):
        figures(tmp_path, overlay({"a0": instance()}, limits={"lut": 1}))


def published(tmp_path: Path, made: Overlay, **changes: Any) -> tuple[dict[str, bytes], dict[str, Any], dict[str, Any]]:
    content = figures(tmp_path, made)
    clocks = fabric_clocks(made, board())
    handoff = hwh.render(
        made, {"adder": kernel()}, board(), addresses=addresses(made),
        dividers={name: (c.divisor0, c.divisor1) for name, c in clocks.items()}, interrupts=tuple(made.kernels),
    )  # fmt: skip
    bit = format_header(make_header("demo", "7z020clg400", 0, "x"), 4) + b"1234"
    files = {
        "demo.bit": bit,
        "demo.bit.bin": b"4321",
        "demo.hwh": handoff.encode(),
        "report.json": json.dumps(content).encode(),
    }
    return files | changes, request(made), content


def test_the_manifest_says_what_was_done_and_what_was_not(tmp_path: Path) -> None:
    made = overlay({"a0": instance()})
    files, wanted, content = published(tmp_path, made)
    publish.check_consistent(files, wanted, content)
    result = publish.manifest(files, wanted, content)
    assert result["verified_on_hardware"] is False
    assert result["profile"] == "safe"
    assert result["recipe_sha256"] == recipe_digest(made, {"adder": kernel()}, board())
    assert result["tools"]["yosys"] == "0.66"
    assert result["files"]["demo.bit"]["sha256"] == hashlib.sha256(files["demo.bit"]).hexdigest()
    assert {item["what"] for item in result["verified"]} == {
        "cosim of adder", "csim of adder", "bitstream", "hardware handoff",
    }  # fmt: skip
    assert not re.search(r"\d\d:\d\d:\d\d", json.dumps(result))


@pytest.mark.parametrize(
    ("name", "top", "part", "message"),
    [("demo", "other", "7z020clg400", "design: 'other'"), ("demo", "demo", "7z010clg400", "part: '7z010clg400'")],
)
def test_a_bitstream_of_something_else_is_not_published(
    tmp_path: Path, name: str, top: str, part: str, message: str
) -> None:
    bit = format_header(make_header(top, part, 0, "x"), 4) + b"1234"
    with pytest.raises(VerifyError, match=message):
        publish.check_consistent(*published(tmp_path, overlay({"a0": instance()}), **{f"{name}.bit": bit}))


def test_a_handoff_with_another_address_is_not_published(tmp_path: Path) -> None:
    files, wanted, content = published(tmp_path, overlay({"a0": instance()}))
    moved = published(tmp_path, overlay({"a0": instance(address="0x4345_0000")}))[0]
    with pytest.raises(VerifyError, match=r"addresses: .*0x43450000"):
        publish.check_consistent(files | {"demo.hwh": moved["demo.hwh"]}, wanted, content)


def test_publishing_copies_checks_and_writes_the_manifest(tmp_path: Path) -> None:
    files, wanted, _ = published(tmp_path, overlay({"a0": instance()}))
    (tmp_path / "in").mkdir()
    for name, data in files.items():
        (tmp_path / "in" / name).write_bytes(data)
    (tmp_path / "request.json").write_text(json.dumps(wanted))
    arguments = [
        "--request",
        str(tmp_path / "request.json"),
        "--from",
        str(tmp_path / "in"),
        "--out",
        str(tmp_path),
        *files,
    ]
    assert publish.run(publish.main, arguments) == 0
    first = (tmp_path / "manifest.json").read_bytes()
    assert {name: (tmp_path / name).read_bytes() for name in files} == files
    assert publish.run(publish.main, arguments) == 0
    assert (tmp_path / "manifest.json").read_bytes() == first
    (tmp_path / "in/demo.bit").write_bytes(b"")
    assert publish.run(publish.main, arguments) == 6


# ---------------------------------------------------------------- choice of flow


def test_auto_and_open_are_the_open_flow_and_say_why() -> None:
    assert flows.choose("open", environment={}).plan is plan
    auto = flows.choose("auto", environment={"PATH": ""})
    assert auto.label == "open (experimental)"
    assert "vivado is not on PATH" in auto.why


def test_the_vendor_flow_says_what_is_missing_and_what_to_do() -> None:
    with pytest.raises(MissingToolError, match=r"vivado is not on PATH and XILINX_VIVADO is not set") as caught:
        flows.choose("vendor", environment={"PATH": ""})
    assert "--flow open" in caught.value.hint
    assert caught.value.code == 4
    with pytest.raises(MissingToolError, match="vendor-flow issue"):
        flows.choose("vendor", environment={"XILINX_VIVADO": "/x", "XILINX_VITIS": "/x"})


def test_another_word_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no flow 'vivado'"):
        flows.choose("vivado", environment={})  # type: ignore[arg-type]


def test_the_plans_of_the_checkout_stand() -> None:
    """Every overlay of this checkout has a plan, whatever tools there are."""
    from pynqtorch.recipes.repository import load

    found = load(REPOSITORY, sources=False)
    merged = merge(*(plan(found, name, tools=VERSIONS, options=QUIET) for name in found.overlays))
    assert len([step for step in merged if step.name.startswith("overlay.")]) == len(found.overlays)
