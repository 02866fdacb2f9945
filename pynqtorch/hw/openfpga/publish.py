# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m pynqtorch.hw.openfpga.publish`: collect an overlay's files, check that they belong together, manifest.

No wall time and no host name goes into a published file: the same inputs give the same bytes.  The git commit stands in
the manifest alone, so a commit that changes nothing here runs this step again (a copy and a checksum), and no other.

manifest.json, schema 1: `overlay`, `description`, `board`, `part`, `flow`, `profile`, `recipe_sha256`, `git_commit`,
`tools` {name: version}, `clocks`, `utilization` {resource: used}, `timing` (`met`, `note`, `clocks`, `hold`),
`verified` (list of `what`, `how`, `result`), `verified_on_hardware` (false), `files` {name: `sha256`, `bytes`}.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pynqtorch.errors import FormatError, OutputError, VerifyError
from pynqtorch.hw.hwh_reader import parse_bytes
from pynqtorch.hw.openfpga.command import read_bytes, run, write_file
from pynqtorch.hw.openfpga.header import parse_header

SCHEMA = 1
MANIFEST = "manifest.json"


def check_consistent(files: Mapping[str, bytes], request: Mapping[str, Any], report: Mapping[str, Any]) -> None:
    """The bitstream, the handoff and the report are of this overlay, this part and these addresses.

    Args:
        files: published name -> content.
        request: what the recipes say.
        report: report.json.

    Raises:
        FormatError: a file does not parse.
        VerifyError: two of them do not belong together.
    """
    overlay, part = request["overlay"], request["part"]
    bit, hwh = f"{overlay}.bit", f"{overlay}.hwh"
    header, _ = parse_header(files[bit], bit)
    facts = parse_bytes(files[hwh], hwh)
    wanted_part = part.removeprefix("xc").rpartition("-")[0]
    found: dict[str, tuple[object, object]] = {
        f"{bit}: design": (header.top, overlay),
        f"{bit}: part": (header.part, wanted_part),
        f"{hwh}: design": (facts.design, overlay),
        f"{hwh}: part": (facts.part, part),
        f"{hwh}: addresses": (
            {ip.name: f"0x{ip.address:08X}" for ip in facts.ips},
            {kernel["instance"]: kernel["address"] for kernel in request["kernels"]},
        ),
        "report.json: overlay": (report.get("overlay"), overlay),
        "report.json: part": (report.get("part"), part),
        "report.json: kernels": (report.get("kernels"), request["kernels"]),
    }
    wrong = [f"{what}: {is_!r}, not {should!r}" for what, (is_, should) in found.items() if is_ != should]
    if wrong:
        raise VerifyError(
            f"overlay {overlay}: files that do not belong together: " + "; ".join(wrong),
            hint="run its steps again; if this stays, report this bug",
        )


def manifest(files: Mapping[str, bytes], request: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """manifest.json as data.

    Raises:
        OutputError: report.json lacks a key.
    """
    try:
        timing = report["timing"]
        verified = [
            {"what": f"{item['kind']} of {item['subject']}", "how": _how(item), "result": item["verdict"]}
            for item in report["simulations"]
        ]
        verified += [
            {
                "what": "bitstream",
                "how": "frames read back from the .bit; their features assemble to the same frames; "
                f"{report['bitstream']['unknown_bits']} bits without a feature",
                "result": "pass",
            },
            {"what": "hardware handoff", "how": "read back by PYNQ's own parser", "result": "pass"},
        ]
        return {
            "schema": SCHEMA,
            **{key: request[key] for key in ("overlay", "description", "board", "part", "flow", "profile")},
            "recipe_sha256": request["recipe_sha256"],
            "git_commit": request["git_commit"],
            "tools": request["tools"],
            "clocks": request["clocks"],
            "utilization": {name: figure["used"] for name, figure in report["utilization"].items()},
            "timing": {key: timing[key] for key in ("met", "note", "clocks")} | {"hold": _hold(timing)},
            "verified": verified,
            "verified_on_hardware": False,
            "files": {
                name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
                for name, data in sorted(files.items())
            },
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"report.json: {type(error).__name__}: {error}", hint="run the report step again") from error


def _hold(timing: Mapping[str, Any]) -> dict[str, Any] | None:
    hold = timing["hold"]
    return None if hold is None else {key: hold[key] for key in ("violations", "worst_ns")}


def _how(item: Mapping[str, Any]) -> str:
    runs = ", ".join(run["name"] for run in item["runs"])
    return f"the kernel's testbench, runs: {runs}" + (f"; {item['simulator']}" if item["simulator"] else "")


def main(arguments: list[str] | None = None) -> None:
    """Copies ``in/<file>`` to ``<file>`` and writes manifest.json last."""
    options = argparse.ArgumentParser(prog="python -m pynqtorch.hw.openfpga.publish", description="collect an overlay")
    options.add_argument("--request", type=Path, required=True, help="input: what the recipes and the plan say")
    options.add_argument("--from", dest="source", type=Path, required=True, help="input: folder with the files")
    options.add_argument("--out", type=Path, required=True, help="output: folder")
    options.add_argument("files", nargs="+", help="names of the files to publish")
    given = options.parse_args(arguments)
    files = {name: read_bytes(given.source / name) for name in given.files}
    empty = [name for name, data in files.items() if not data]
    if empty:
        raise OutputError(f"empty: {', '.join(empty)}", hint="run the steps that make them again")
    try:
        request, report = json.loads(read_bytes(given.request)), json.loads(files["report.json"])
    except (ValueError, KeyError) as error:
        raise FormatError(f"request or report: {type(error).__name__}: {error}", hint="run the report again") from error
    check_consistent(files, request, report)
    content = manifest(files, request, report)
    for name, data in files.items():
        write_file(given.out / name, data)
    write_file(given.out / MANIFEST, json.dumps(content, indent=1) + "\n")
    print(f"{request['overlay']}: {len(files)} files, timing {'met' if content['timing']['met'] else 'MISSED'}")


if __name__ == "__main__":
    sys.exit(run(main))
