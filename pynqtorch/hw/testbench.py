# SPDX-License-Identifier: AGPL-3.0-or-later
"""What every run of a kernel's C++ testbench has in common: staged sources, the run script, the report, the verdict.

The testbench runs inside the rootfs, where there is no Python of ours. So a small POSIX script runs it and writes the
report; the script ends with 0 even if the testbench fails, and `passed`, a check of the step, then raises VerifyError
with what the testbench said.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynqtorch.errors import MissingToolError, OutputError, VerifyError
from pynqtorch.plan import SUMMARY, Check, Finding, Input
from pynqtorch.recipes.models import Kernel

if TYPE_CHECKING:
    from jinja2 import Environment

KERNELS = "hw/kernel"
"""Folder of all kernels, relative to the repository."""
STAGED = "kernel"
"""Where they are staged in a step, with the same layout, so that relative includes hold."""
AP_TYPES = "ap_types"
RUN_SCRIPT = "run_testbench.sh"

_HEADERS = (".h", ".hh", ".hpp")
_GCC = re.compile(r"(?P<source>[^\s:]+:\d+)(?::\d+)?: (?P<severity>fatal error|error|warning): (?P<text>.*)")
_LINKER = re.compile(r"(?:.*/ld: )?(?P<source>[^\s:]+(?::\d+)?).*: (?P<text>undefined reference to .*)")
_VERILATOR = re.compile(
    r"%(?P<severity>Error|Warning)(?:-\w+)?: (?:(?P<source>[^\s:]+:\d+)(?::\d+)?: *(?:\.\.\. )?)?(?P<text>.*)"
)
_SANITIZER = re.compile(r"(?:(?P<source>[^\s:]+:\d+)(?::\d+)?: )?(?P<text>runtime error: .*|==\d+==ERROR: .*)")
_SIMULATION = re.compile(r"simulation: (?:error|warning): (?P<text>.*)")
_PATTERNS = ((_VERILATOR, ""), (_SIMULATION, "warning"), (_SANITIZER, "warning"), (_GCC, ""), (_LINKER, "error"))
"""Patterns and the severity of what they find; empty: the line says."""


@dataclass(frozen=True, slots=True)
class ApTypes:
    """Xilinx's open C++ headers (ap_int.h and others).

    Attributes:
        folder: absolute path of the folder that holds ap_int.h.
        identity: the package and its version, which stands for the content.
    """

    folder: str
    identity: str

    @property
    def input(self) -> Input:
        """As an input of a step."""
        return Input(AP_TYPES, self.folder, self.identity)


def find_ap_types() -> ApTypes:
    """The headers in the hls4ml wheel; hls4ml itself is not imported.

    Raises:
        MissingToolError: hls4ml is not installed, or has no such headers.
    """
    from importlib import metadata
    from importlib.util import find_spec

    hint = "install the simulation extra: pip install 'pynqtorch[sim]'"
    spec = find_spec("hls4ml")
    if spec is None or not spec.submodule_search_locations:
        raise MissingToolError("the ap_types headers are missing: no package hls4ml", hint=hint)
    folder = Path(next(iter(spec.submodule_search_locations))) / "templates" / "vivado" / "ap_types"
    if not (folder / "ap_int.h").is_file():
        raise MissingToolError(f"the ap_types headers are missing: no ap_int.h in {folder}", hint=hint)
    return ApTypes(str(folder), f"hls4ml-{metadata.version('hls4ml')}")


def header(kernel: Kernel) -> str:
    """The header that declares the top function, relative to the kernel's folder; by convention <kernel>.hpp."""
    return f"{kernel.kernel}.hpp"


def staged(kernel: Kernel, path: str) -> str:
    """Staged name of a file that the recipe names relative to the kernel's folder; `..` may lead to its neighbours."""
    return posixpath.normpath(f"{STAGED}/{kernel.kernel}/{path}")


def source_input(kernel: Kernel, path: str) -> Input:
    """A file that the recipe names, as an input of a step."""
    return Input(staged(kernel, path), posixpath.normpath(f"{KERNELS}/{kernel.kernel}/{path}"))


def cxx_inputs(kernel: Kernel, paths: Iterable[str]) -> tuple[Input, ...]:
    """The header and the named files, each once."""
    return tuple(source_input(kernel, path) for path in dict.fromkeys((header(kernel), *paths)))


def compiled(paths: Iterable[str]) -> tuple[str, ...]:
    """Without headers, which recipes may list among the sources."""
    return tuple(path for path in paths if not path.endswith(_HEADERS))


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """One run of the program: `name` is that of its log and its figures (<name>.log, <name>.json)."""

    name: str
    argv: tuple[str, ...]


def render(template: str, values: Mapping[str, object]) -> str:
    """A template of pynqtorch/hw/templates; a name that it wants and does not get is an error."""
    return _environment().get_template(template).render(values)


def run_script(subject: str, kind: str, report: str, runs: Iterable[ProgramRun], simulator: str = "") -> str:
    """The script that runs the testbench and writes `report`, and a summary with the longest call of the first run.

    Args:
        subject: kernel or overlay.
        kind: `csim`, `cosim`, ….
        report: name of the JSON file.
        runs: at least one.
        simulator: name and version, where there is one.
    """
    return render(
        "run_testbench.sh.j2",
        {
            "subject": subject,
            "kind": kind,
            "report": report,
            "simulator": simulator,
            "summary": SUMMARY,
            "runs": [{"name": run.name, "argv": shlex.join(run.argv)} for run in runs],
        },
    )


def verdict_check(report: str) -> Check:
    """The step's check on its report."""
    return Check("pynqtorch.hw.testbench:passed", (report,))


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run as the report tells it; `simulation` holds the simulator's figures (empty for C simulation)."""

    name: str
    passed: bool
    exit_code: int
    seconds: float
    problem: str
    last_line: str
    simulation: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """csim.json, cosim.json or postsynth.json."""

    subject: str
    kind: str
    verdict: str
    compiler: str
    simulator: str
    runs: tuple[RunResult, ...]


def load(path: Path) -> Report:
    """The report in a file.

    Raises:
        OutputError: it is missing or not such a report.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        runs = tuple(RunResult(**{**run, "simulation": run["simulation"] or {}}) for run in data.pop("runs"))
        report = Report(**data, runs=runs)
    except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise OutputError(
            f"{path}: not a testbench report: {error}", hint="run the step again; if that happens again, it is a bug"
        ) from error
    if not report.runs or report.verdict not in {"pass", "fail"}:
        raise OutputError(f"{path}: a testbench report without runs or verdict", hint="run the step again")
    return report


def passed(directory: Path, report: str) -> None:
    """Check: every run of the testbench passed.

    Raises:
        VerifyError: one did not; the message is the first problem that was seen, or the testbench's last line.
        OutputError: the report is missing or broken.
    """
    found = load(directory / report)
    for run in found.runs:
        if not run.passed:
            said = run.problem or run.last_line or f"it ended with {run.exit_code} and said nothing"
            raise VerifyError(
                f"{found.kind} of {found.subject}: the testbench failed in run {run.name!r}: {said}",
                hint=f"read {directory / run.name}.log; `sh {RUN_SCRIPT}` in that folder repeats it",
            )
    if found.verdict != "pass":
        raise VerifyError(
            f"{found.kind} of {found.subject}: verdict {found.verdict!r}", hint=f"read {directory / report}"
        )


def parse_line(line: str) -> Finding | None:
    """Log parser for g++, ld, Verilator, the sanitizers and the simulation.

    What the sanitizers and the simulation say is a warning here: it decides the verdict, which `passed` judges.
    """
    line = line.rstrip()
    if line.startswith("== "):
        return Finding("phase", line.removeprefix("== "))
    for pattern, given in _PATTERNS:
        if match := pattern.match(line):
            fields = match.groupdict()
            severity = given or ("warning" if fields["severity"].lower() == "warning" else "error")
            return Finding(severity, fields["text"].strip(), fields.get("source") or "")
    return None


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("pynqtorch.hw"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  C++ and shell, not HTML
    )
