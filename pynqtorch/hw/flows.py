# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which flow makes an overlay: the vendor's (Vitis HLS and Vivado) or the open one (yosys, nextpnr, prjxray)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from pynqtorch.errors import MissingToolError, UsageError
from pynqtorch.plan import Plan

Requested = Literal["auto", "vendor", "open"]
REQUESTS: tuple[Requested, ...] = ("auto", "vendor", "open")
_SETTINGS = {"vivado": "XILINX_VIVADO", "vitis-run": "XILINX_VITIS"}
"""Command -> variable that the vendor's settings64.sh sets."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A way to make overlays.

    Attributes:
        name: ``open`` or ``vendor``.
        label: how reports and manifests call it.
        plan: see `pynqtorch.hw.openfpga.flow.plan`.
        why: one sentence for the screen.
    """

    name: str
    label: str
    plan: Callable[..., Plan]
    why: str


def choose(requested: Requested = "auto", *, environment: Mapping[str, str] | None = None) -> Flow:
    """The flow for a request.

    ``auto`` is the open flow: the vendor flow has no steps yet, and what is chosen must not depend on what happens to
    be installed without saying so.

    Args:
        requested: ``auto``, ``vendor`` or ``open``.
        environment: variables; None: those of this process.

    Raises:
        MissingToolError: the vendor flow is asked for; says what of it is missing.
        UsageError: another word.
    """
    variables = os.environ if environment is None else environment
    missing = _missing(variables)
    if requested == "vendor":
        raise _no_vendor_flow(missing)
    if requested not in REQUESTS:
        raise UsageError(f"no flow {requested!r}", hint="choose " + ", ".join(REQUESTS))
    from pynqtorch.hw.openfpga import flow

    if requested == "open":
        why = "the open flow was asked for"
    elif missing:
        why = "the open flow: " + ", ".join(missing)
    else:
        why = "the open flow: Vivado is installed, but this version has no vendor flow yet"
    return Flow("open", flow.FLOW, flow.plan, why)


def _missing(variables: Mapping[str, str]) -> list[str]:
    """What of the vendor's tools is not found, as texts."""
    return [
        f"{command} is not on PATH and {variable} is not set"
        for command, variable in _SETTINGS.items()
        if not variables.get(variable) and shutil.which(command, path=variables.get("PATH", "")) is None
    ]


def _no_vendor_flow(missing: list[str]) -> MissingToolError:
    found = "; ".join(missing) if missing else "Vivado and Vitis are there"
    return MissingToolError(
        f"the vendor flow cannot run: {found}; and its steps are not part of this version (they come with the "
        "vendor-flow issue)",
        hint="use --flow open, which needs no vendor tools and is experimental; to prepare for the vendor flow install "
        "Vitis and Vivado and run `source <install>/settings64.sh` before ./inv",
    )
