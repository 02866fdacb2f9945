# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tasks of `invoke` (and `./inv`): names, flags and help; what they do stands in pynqtorch.app."""

from __future__ import annotations

from invoke import Collection, Context

from pynqtorch.cli.command import command
from pynqtorch.cli.words import adapt_parser

adapt_parser()

OVERLAY = {"overlay": "Overlay names, with or without this flag; without any, the board's default overlays."}
KERNEL = {"kernel": "Kernel names, with or without this flag; without any, every kernel."}
INSTALL = {"no_install": "Only say which system packages are missing; install nothing."}
TIMING = {"allow_timing_failure": "Keep a bitstream that misses its clock, labelled as such everywhere."}
BOARD = {"board": "Board recipe (pynq-z2)."}


@command(
    words="overlay",
    help=OVERLAY | INSTALL | TIMING | BOARD | {"all": "Every overlay of the board, not only its default ones."},
)
def build(
    context: Context,
    overlay: list[str] = [],
    board: str = "pynq-z2",
    all: bool = False,
    no_install: bool = False,
    allow_timing_failure: bool = False,
    **flags: object,
) -> None:
    """Recipes to bitstreams and the board's bundle: everything, on a fresh machine."""
    from pynqtorch.app import commands

    commands.build(
        overlay, board=board, every=all, no_install=no_install, allow_timing_failure=allow_timing_failure, **flags
    )


@command(words="kernel", help=KERNEL | INSTALL | {"trace": "Write an FST waveform of the co-simulation."})
def build_hls(
    context: Context,
    kernel: list[str] = [],
    trace: bool = False,
    no_install: bool = False,
    **flags: object,
) -> None:
    """Kernels: C simulation, and the same testbench against the RTL."""
    from pynqtorch.app import commands

    commands.build_hls(kernel, trace=trace, no_install=no_install, **flags)


@command(words="overlay", help=OVERLAY | INSTALL | TIMING | BOARD)
def build_overlay(
    context: Context,
    overlay: list[str] = [],
    board: str = "pynq-z2",
    no_install: bool = False,
    allow_timing_failure: bool = False,
    **flags: object,
) -> None:
    """Overlays: .bit, .bit.bin, .hwh, manifest and report in out/overlays/<name>/."""
    from pynqtorch.app import commands

    commands.build_overlay(
        overlay, board=board, no_install=no_install, allow_timing_failure=allow_timing_failure, **flags
    )


@command(help=INSTALL)
def setup(context: Context, no_install: bool = False, **flags: object) -> None:
    """Install the system packages that the open flow needs (says which, first)."""
    from pynqtorch.app import commands

    commands.setup(no_install=no_install, **flags)


@command(
    words="path",
    help={
        "path": "Test files or pytest node names; without any, everything.",
        "unit": "Only the fast tests: no tool, no rootfs.",
        "match": "pytest's -k expression.",
        "no_install": INSTALL["no_install"],
    },
)
def test(
    context: Context,
    path: list[str] = [],
    unit: bool = False,
    match: str = "",
    no_install: bool = False,
    **flags: object,
) -> None:
    """All tests: lint, types, unit tests, and real builds with the real tools."""
    from pynqtorch.app import quality

    quality.test(path, unit=unit, match=match, no_install=no_install, **flags)


@command()
def lint(context: Context, **flags: object) -> None:
    """Ruff, mypy --strict, shellcheck and the recipes."""
    from pynqtorch.app import quality

    quality.lint(**flags)


@command(help={"all": "Also the store, the history and the root file systems: all of out/."})
def clean(context: Context, all: bool = False, **flags: object) -> None:
    """Remove what was built; the store is kept, so the next build restores what it can."""
    from pynqtorch.app import housekeeping

    housekeeping.clean(everything=all, **flags)


@command(help=BOARD | {"step": "A step's name, as progress and --dry-run show it (route.vector_add)."})
def explain(context: Context, step: str, board: str = "pynq-z2", **flags: object) -> None:
    """Why a step would run, or not: which input, text, tool version or variable changed."""
    from pynqtorch.app import commands

    commands.explain(step, board=board, **flags)


@command(name="check")
def recipe_check(context: Context, **flags: object) -> None:
    """Check every recipe; all problems at once, as file:line:column."""
    from pynqtorch.app import housekeeping

    housekeeping.recipe_check(**flags)


@command(name="schema")
def recipe_schema(context: Context, **flags: object) -> None:
    """Write the recipes' JSON Schemas for editors into docs/schema/."""
    from pynqtorch.app import housekeeping

    housekeeping.recipe_schema(**flags)


@command(name="export", words="kernel", help=KERNEL)
def recipe_export(
    context: Context,
    kernel: list[str] = [],
    **flags: object,
) -> None:
    """Write description.json and hls_config.cfg beside kernels, for building by hand."""
    from pynqtorch.app import housekeeping

    housekeeping.recipe_export(kernel, **flags)


@command(name="export", words="overlay", help={"overlay": "Overlay names; without any, all that were built."})
def overlay_export(
    context: Context,
    overlay: list[str] = [],
    **flags: object,
) -> None:
    """Copy finished overlays to hw/overlay/<name>/, checked against their manifests."""
    from pynqtorch.app import housekeeping

    housekeeping.overlay_export(overlay, **flags)


@command(name="info")
def cache_info(context: Context, **flags: object) -> None:
    """Show what the store holds, and its size."""
    from pynqtorch.app import housekeeping

    housekeeping.cache_info(**flags)


@command(name="prune", help={"days": "Remove what was not used for so many days.", "max_mib": "Keep at most so much."})
def cache_prune(context: Context, days: int = -1, max_mib: int = -1, **flags: object) -> None:
    """Remove from the store what was not used lately."""
    from pynqtorch.app import housekeeping

    housekeeping.cache_prune(days=days, max_mib=max_mib, **flags)


namespace = Collection(build, build_hls, build_overlay, setup, test, lint, clean, explain)
namespace.add_collection(Collection("recipe", recipe_check, recipe_schema, recipe_export))
namespace.add_collection(Collection("overlay", overlay_export))
namespace.add_collection(Collection("cache", cache_info, cache_prune))
