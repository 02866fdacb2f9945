# SPDX-License-Identifier: AGPL-3.0-or-later
"""An overlay with all that the steps of the open flow need, and what the command line decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pynqtorch.errors import MissingToolError
from pynqtorch.hw.clocks import FabricClock
from pynqtorch.hw.openfpga.top import clock_of
from pynqtorch.plan import Step
from pynqtorch.recipes.models import Board, Kernel, Overlay


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line decides.

    Attributes:
        allow_timing_failure: go on when timing is missed; report and manifest then say so.
        simulate: C simulation and co-simulation of the kernels are part of the plan, and of the manifest.
        evidence: further steps whose first output is a testbench report (postsynth.json).
        page: also make report.html (`pynqtorch.ui.html`).
        rootfs: name of the rootfs with the tools.
        rootfs_step: the step that makes it, if it is to be part of the plan.
        package: where the Python package is (`pynqtorch.modules.package_source`).
    """

    allow_timing_failure: bool = False
    simulate: bool = True
    evidence: tuple[Step, ...] = ()
    page: bool = True
    rootfs: str = "fpga"
    rootfs_step: Step | None = None
    package: str = "pynqtorch"


@dataclass(frozen=True)
class Design:
    """An overlay with all that its steps need."""

    overlay: Overlay
    kernels: Mapping[str, Kernel]
    board: Board
    clocks: Mapping[str, FabricClock]
    tools: Mapping[str, str]
    options: Options

    @property
    def name(self) -> str:
        """The overlay's name."""
        return self.overlay.overlay

    @property
    def lower(self) -> str:
        """The name as it stands in names of steps."""
        return self.name.lower()

    @property
    def where(self) -> str:
        """Where the tools run."""
        return f"rootfs:{self.options.rootfs}"

    @property
    def clock_hz(self) -> int:
        """Real frequency of the one clock."""
        return self.clocks[clock_of(self.overlay)].actual

    def version(self, tool: str) -> str:
        """A tool's version.

        Raises:
            MissingToolError: it is not known.
        """
        if tool not in self.tools:
            raise MissingToolError(
                f"the version of {tool} is not known: it is not in rootfs {self.options.rootfs}",
                hint=f"name {tool} under tools in recipes/rootfs/{self.options.rootfs}.yaml, then ./inv build",
            )
        return self.tools[tool]
