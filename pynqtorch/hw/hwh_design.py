# SPDX-License-Identifier: AGPL-3.0-or-later
"""An overlay resolved for the .hwh: facts, recipes and who is connected to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pynqtorch.errors import RecipeError
from pynqtorch.hw.hwh_facts import PS_INSTANCE, HwhFacts
from pynqtorch.recipes.models import Board, Kernel, Overlay

MAX_INTERRUPTS = 16


@dataclass(frozen=True)
class Design:
    """What the XML is made of.

    Attributes:
        interrupts: instances in the order of their bits of IRQ_F2P.
    """

    overlay: Overlay
    kernels: Mapping[str, Kernel]
    board: Board
    facts: HwhFacts
    interrupts: tuple[str, ...]

    def __post_init__(self) -> None:
        where = f"overlay {self.overlay.overlay}"
        unknown = [name for name in self.interrupts if name not in self.overlay.kernels]
        if unknown or len(set(self.interrupts)) != len(self.interrupts):
            raise RecipeError(f"{where}: interrupts {', '.join(self.interrupts)} are not instances, each once")
        if len(self.interrupts) > MAX_INTERRUPTS:
            raise RecipeError(f"{where}: {len(self.interrupts)} interrupts; IRQ_F2P has {MAX_INTERRUPTS}")
        for name, instance in self.overlay.kernels.items():
            if instance.clock not in self.overlay.clocks:
                raise RecipeError(
                    f"{where}: kernels.{name}.clock: {instance.clock} is not under clocks",
                    hint=f"add it there: clocks: {{{instance.clock}: 100MHz}}",
                )

    def kernel(self, instance: str) -> Kernel:
        """Recipe of an instance."""
        return self.kernels[self.overlay.kernels[instance].kernel]

    def frequency(self, clock: str) -> int:
        """Hertz that the dividers really make, rounded; 0 for a clock that is off."""
        facts = self.facts.clocks[int(clock.removeprefix("fclk"))]
        return round(self.board.ps7.io_pll / (facts.divisor0 * facts.divisor1)) if facts.enabled else 0

    def domain(self, clock: str) -> str:
        """CLK_DOMAIN as Vivado calls it."""
        return f"{self.overlay.overlay}_{PS_INSTANCE}_0_{fclk(clock)}"

    def control_ports(self) -> dict[str, str]:
        """Control ports in use, sorted, with the clock of the first kernel behind each."""
        return self._ports((self.overlay.kernels[ip.name].clock, ip.control) for ip in self.facts.ips)

    def memory_ports(self) -> dict[str, str]:
        """Memory ports in use, sorted, with the clock of the first kernel behind each."""
        return self._ports((self.overlay.kernels[ip.name].clock, m.port) for ip in self.facts.ips for m in ip.memory)

    @staticmethod
    def _ports(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
        found: dict[str, str] = {}
        for clock, port in pairs:
            found.setdefault(port, clock)
        return dict(sorted(found.items()))

    def memory_bus(self, port: str) -> str:
        """Name of the bus at a memory port: of its first master."""
        return next(f"{ip.name}_{m.interface}" for ip in self.facts.ips for m in ip.memory if m.port == port)

    def clocked_by(self, clock: str) -> list[tuple[str, str]]:
        """(instance, port) of all that an FCLK drives."""
        ports = {**self.control_ports(), **self.memory_ports()}
        ps = [(PS_INSTANCE, f"{port}_ACLK") for port, driver in ports.items() if driver == clock]
        return ps + [(ip.name, "ap_clk") for ip in self.facts.ips if self.overlay.kernels[ip.name].clock == clock]


def fclk(clock: str) -> str:
    """Port of the PS: fclk0 -> FCLK_CLK0."""
    return f"FCLK_CLK{clock.removeprefix('fclk')}"
