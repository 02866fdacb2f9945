# SPDX-License-Identifier: AGPL-3.0-or-later
"""The stamp of a step: ``pynqtorch.step.json``, written last; without it nothing in the step's directory counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pynqtorch.engine.digest import FORMAT
from pynqtorch.engine.files import write_atomic
from pynqtorch.engine.model import RAN, Outcome
from pynqtorch.plan import Finding, Step

STAMP = "pynqtorch.step.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """What was made, of what, and how.

    Attributes:
        key: SHA-256 of `description`.
        description: see `digest.describe`.
        outputs: path -> digest; for a folder that is not kept in the store the sorted names in it.
        status: ran or restored.
        started: Unix time in s.
        wall_seconds, cpu_seconds, peak_rss_bytes: of the run that made it, maybe on another day.
        findings, summary: as in Outcome.
    """

    key: str
    description: Mapping[str, Any]
    outputs: Mapping[str, Any]
    status: str
    started: float = 0.0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    findings: tuple[Finding, ...] = ()
    summary: Mapping[str, object] = field(default_factory=dict)

    def figures(self) -> dict[str, object]:
        """What a restored step shows again."""
        return {
            "started": self.started,
            "wall_seconds": self.wall_seconds,
            "cpu_seconds": self.cpu_seconds,
            "peak_rss_bytes": self.peak_rss_bytes,
            "findings": findings_data(self.findings),
            "summary": dict(self.summary),
        }


def write(folder: Path, stamp: Stamp) -> None:
    """Write the stamp, atomically.

    Raises:
        OSError: as the system says.
    """
    data = {
        "format": FORMAT,
        "key": stamp.key,
        "status": stamp.status,
        "outputs": dict(stamp.outputs),
        **stamp.figures(),
        "description": dict(stamp.description),
    }
    write_atomic(folder / STAMP, json.dumps(data, indent=1).encode() + b"\n")


def read(folder: str) -> Stamp | None:
    """The stamp in a step's directory; None if there is none, or none of this format."""
    try:
        with open(f"{folder}/{STAMP}", "rb") as stream:  # noqa: PTH123  # one for each step of a no-op run
            data = json.loads(stream.read())
        if data["format"] != FORMAT:
            return None
        return Stamp(
            key=data["key"],
            description=dict(data["description"]),
            outputs=dict(data["outputs"]),
            status=data["status"],
            **figures_of(data),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a damaged stamp is no stamp: the step runs again


def figures_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Inverse of `Stamp.figures`.

    Raises:
        KeyError, TypeError, ValueError: it is not what `figures` gives.
    """
    return {
        "started": float(data["started"]),
        "wall_seconds": float(data["wall_seconds"]),
        "cpu_seconds": float(data["cpu_seconds"]),
        "peak_rss_bytes": int(data["peak_rss_bytes"]),
        "findings": tuple(Finding(f["severity"], f["text"], f["source"]) for f in data["findings"]),
        "summary": dict(data["summary"]),
    }


def findings_data(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Findings as plain data."""
    return [asdict(finding) for finding in findings]


def outcome_of(step: Step, status: str, stamp: Stamp, reasons: tuple[str, ...] = ()) -> Outcome:
    """The outcome of a step that is done; times only if it ran now."""
    ran = status == RAN
    return Outcome(
        name=step.name,
        status=status,
        key=stamp.key,
        wall_seconds=stamp.wall_seconds if ran else 0.0,
        cpu_seconds=stamp.cpu_seconds if ran else 0.0,
        peak_rss_bytes=stamp.peak_rss_bytes if ran else 0,
        findings=stamp.findings,
        summary=stamp.summary,
        reasons=reasons,
    )
