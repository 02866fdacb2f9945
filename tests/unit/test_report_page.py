# SPDX-License-Identifier: AGPL-3.0-or-later
"""report.html: what a person reads in it, and that nothing in a recipe can become markup."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import report

from pynqtorch.errors import OutputError
from pynqtorch.modules import python_step
from pynqtorch.plan import Output
from pynqtorch.ui import html
from pynqtorch.ui.parts import outline

REPOSITORY = Path(__file__).parents[2]


class Page(HTMLParser):
    """The page's text, and each element with its attributes; complains about what is not closed."""

    VOID = frozenset({"meta", "br", "rect", "path"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID or (not self.get_starttag_text().endswith("/>") and tag == "path"):  # type: ignore[union-attr]
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def page(**changes: Any) -> Page:
    return Page(html.render({**report(), **changes}))


def missed() -> dict[str, Any]:
    timing = report()["timing"]
    timing["met"] = False
    timing["clocks"]["clk"].update(fmax_mhz=88.1, slack_ns=-1.35, met=False)
    return dict(timing)


def test_the_figures_are_there() -> None:
    text = page().text
    for words in (
        "matrix_mult_dual", "pynq-z2, xc7z020clg400-1, fclk0 100 MHz", "9,412 of 53,200 (17.7 %), limit 20,000",
        "131.6 MHz", "+2.400 ns", "532,480 to 532,512", "7,812 µs", "0 unexplained bits", "not verified on hardware",
        "open (experimental), profile full", "timing met (estimate)", "0x40001000", "gmem → S_AXI_HP1",
        "1,312 features added", "cosim matrix_mult: pass",
    ):  # fmt: skip
        assert words in text, words
    assert "MISSED" not in text
    assert "no co-simulation" not in text


def test_missed_timing_cannot_be_overlooked() -> None:
    found = page(timing=missed())
    assert "timing MISSED" in found.text
    assert "do not expect it to work" in found.text
    assert "-1.350 ns" in found.text
    assert sum(attributes.get("class") == "banner" for _, attributes in found.elements) == 1


def test_what_was_not_simulated_is_said() -> None:
    simulations = [item for item in report()["simulations"] if item["kind"] != "cosim"]
    assert "no co-simulation" in page(simulations=simulations).text
    nothing = page(simulations=[]).text
    assert "None ran." in nothing
    assert "Longest call" not in nothing


def test_failed_run_is_red() -> None:
    simulations = report()["simulations"]
    simulations[1]["verdict"] = "fail"
    simulations[1]["runs"][1]["passed"] = False
    found = page(simulations=simulations)
    assert "cosim matrix_mult: fail" in found.text
    assert sum(attributes.get("class") == "badge bad" for _, attributes in found.elements) == 1


def test_floorplan_is_the_whole_part_with_five_row_blocks() -> None:
    shape = outline("xc7z020clg400-1")
    assert shape is not None
    plan = html.floorplan(report()["floorplan"], {"shell": "#000"}, "xc7z020clg400-1")
    assert (plan["width"], plan["height"]) == (187, 157)
    assert plan["groups"][0]["name"] == "shell"  # kernels are drawn over it
    kernel = plan["groups"][1]["path"]
    assert "M53 10h1v1h-1z" in kernel
    assert "M68 6h1v5h-1z" in kernel  # a DSP tile at row 10 reaches from row 6
    assert "processing system" in page().text


def test_unknown_part_draws_what_is_used() -> None:
    found = page(part="xc7z010clg400-1")
    assert "outline is not known, so only the 111" in found.text
    assert "processing system" not in found.text


def test_shared_luts_do_not_lengthen_the_bar() -> None:
    rows = html.usage(
        {"lut": {"used": 100, "available": 1000, "percent": 10.0, "limit": None}},
        {"k": {"lut": 80}, "shell": {"lut": 40}},
        {"k": "#111", "shell": "#222"},
    )
    assert sum(part["width"] for part in rows[0]["parts"]) == pytest.approx(10.0)
    assert [part["count"] for part in rows[0]["parts"]] == [80, 40]


def test_self_contained() -> None:
    text = html.render(report())
    elements = Page(text).elements
    assert not {tag for tag, _ in elements} & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert not any(name.startswith("on") or name in {"src", "href"} for _, given in elements for name in given)
    assert "url(" not in text
    assert "//" not in text.replace("<!doctype", "")
    assert "default-src 'none'" in text


MARKUP = "</title><script>alert(1)</script><b onclick='x' a=\"y\">&amp;{{ 7*7 }}"


@settings(max_examples=6, deadline=None)
@given(st.text(max_size=20))
def test_nothing_in_a_report_becomes_markup(words: str) -> None:
    bad = MARKUP + words

    def poison(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: poison(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [poison(item, key) for item in value]
        return bad if isinstance(value, str) and key not in {"kind", "type"} else value

    plain, poisoned = page(), Page(html.render(poison(report())))
    tags = {tag for tag, _ in plain.elements}
    assert {tag for tag, _ in poisoned.elements} <= tags
    assert {name for _, given in poisoned.elements for name in given} <= {n for _, g in plain.elements for n in g}
    assert "{{ 7*7 }}" in poisoned.text


@pytest.mark.parametrize("key", sorted(report()))
def test_incomplete_report_is_an_error_of_ours(key: str) -> None:
    broken = report()
    del broken[key]
    with pytest.raises(OutputError, match=key):
        html.render(broken)


def test_wrong_reports_are_errors_of_ours() -> None:
    with pytest.raises(OutputError, match="schema 2"):
        html.render({**report(), "schema": 2})
    with pytest.raises(OutputError):
        html.render({**report(), "utilization": {"lut": 5}})


def test_runs_from_staged_links_and_the_template_is_an_input(tmp_path: Path) -> None:
    """As the engine does it: links to the inputs, the step's environment, its own directory."""
    step = python_step(
        "page", "pynqtorch.ui.html", ["--report", "r.json", "--html", "o.html"], outputs=[Output("o.html")]
    )
    assert "src/pynqtorch/ui/templates/report.html.j2" in {item.staged for item in step.inputs}
    assert "jinja2-" in step.tool.version
    for item in step.inputs:
        link = tmp_path / item.staged
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(REPOSITORY / item.source)
    (tmp_path / "r.json").write_text(json.dumps(report()))
    argv = [sys.executable, *step.commands[0][1:]]
    environment = {"PATH": os.environ["PATH"], **step.env}
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "matrix_mult_dual" in Page((tmp_path / "o.html").read_text(encoding="utf-8")).text
    template = tmp_path / "src/pynqtorch/ui/templates/report.html.j2"
    template.unlink()
    template.write_text("staged: {{ r.overlay }}")
    subprocess.run(argv, cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "o.html").read_text(encoding="utf-8") == "staged: matrix_mult_dual"


def test_report_that_is_not_json_ends_with_code_6(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{")
    argv = [sys.executable, "-m", "pynqtorch.ui.html", "--report", str(tmp_path / "r.json"), "--html", "o.html"]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == OutputError.code
    assert "not JSON" in done.stderr
    assert "Traceback" not in done.stderr
