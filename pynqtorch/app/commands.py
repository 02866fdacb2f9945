# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tasks that make plans and run them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pynqtorch.app import plans
from pynqtorch.app.session import TOOLS_ROOTFS, Options, Session
from pynqtorch.errors import MissingToolError, UsageError
from pynqtorch.plan import merge
from pynqtorch.ui.messages import duration, json_text, note, output

if TYPE_CHECKING:
    from pynqtorch.engine import RunResult
    from pynqtorch.plan import Plan
    from pynqtorch.recipes.models import Board


def build(
    overlays: Sequence[str], *, board: str, every: bool, no_install: bool, allow_timing_failure: bool, **flags: object
) -> None:
    """Overlays of a board and its bundle, from nothing."""
    from pynqtorch.recipes.repository import pick

    session = Session(Options.of(flags))
    repository = session.repository
    (name,) = pick("board", (board,), repository.boards)
    of_board = {key: overlay for key, overlay in repository.overlays.items() if overlay.board == name}
    names = tuple(of_board) if every else pick("overlay", overlays, of_board) if overlays else ()
    chosen = names or _defaults(repository.boards[name])
    prepare(session, no_install=no_install)
    plan = plans.bundle(session, name, chosen, allow_timing_failure=allow_timing_failure)
    finish(session, plan, forced=frozenset(f"route.{overlay.lower()}" for overlay in chosen))


def _defaults(board: Board) -> tuple[str, ...]:
    if not board.overlays:
        hint = f"name them, or add overlays: […] to recipes/boards/{board.board}.yaml"
        raise UsageError(f"board {board.board} has no default overlays", hint=hint)
    return board.overlays


def build_hls(kernels: Sequence[str], *, trace: bool, no_install: bool, **flags: object) -> None:
    """C simulation and co-simulation of kernels."""
    from pynqtorch.recipes.repository import pick

    session = Session(Options.of(flags))
    names = pick("kernel", kernels, session.repository.kernels)
    prepare(session, no_install=no_install)
    plan = plans.simulations(session, names, trace=trace)
    finish(session, plan, forced=frozenset(step.name for step in plan))


def build_overlay(
    overlays: Sequence[str], *, board: str, no_install: bool, allow_timing_failure: bool, **flags: object
) -> None:
    """Overlays into out/overlays/."""
    from pynqtorch.recipes.repository import pick

    session = Session(Options.of(flags))
    repository = session.repository
    if overlays:
        names = pick("overlay", overlays, repository.overlays)
    else:
        (board,) = pick("board", (board,), repository.boards)
        names = _defaults(repository.boards[board])
    prepare(session, no_install=no_install)
    plan = plans.overlays(session, names, allow_timing_failure=allow_timing_failure)
    finish(session, plan, forced=frozenset(f"route.{name.lower()}" for name in names))


def setup(*, no_install: bool, **flags: object) -> None:
    """System packages of the open flow."""
    from pynqtorch.sw import packages

    session = Session(Options.of(flags))
    missing = packages.missing(("open",))
    names = sorted({need.package for need in missing})
    if session.options.dry_run and missing:
        session.tell(
            {"missing": names, "command": packages.command(missing)}, "would run: " + packages.command(missing)
        )
        return
    ensure_packages(("open",), no_install=no_install)
    installed = "installed " + ", ".join(names) if names else "every system package that the open flow needs is there"
    session.tell({"missing": [], "installed": names}, installed)


def explain(step: str, *, board: str, **flags: object) -> None:
    """Why a step would run."""
    from pynqtorch import engine
    from pynqtorch.recipes.repository import pick

    session = Session(replace(Options.of(flags), dry_run=True))
    pick("board", (board,), session.repository.boards)
    names = tuple(name for name, overlay in session.repository.overlays.items() if overlay.board == board)
    kernels = tuple(session.repository.kernels)
    plan = merge(
        plans.rootfs(session, TOOLS_ROOTFS),
        plans.bundle(session, board, names, allow_timing_failure=False),
        plans.simulations(session, kernels, trace=False),
    )
    reasons = engine.explain(plan, step, root=session.root)
    session.tell({"step": step, "reasons": list(reasons)})
    if not session.options.json:
        output().print(f"{step}:", *reasons, sep="\n  ", markup=False, soft_wrap=True)


# ---------------------------------------------------------------- what comes first


def prepare(session: Session, *, no_install: bool) -> None:
    """System packages and the tools' rootfs, unless nothing is to be run.

    Raises:
        MissingToolError: the vendor flow was asked for, or a package is missing and may not be installed.
    """
    from pynqtorch.hw import flows

    flows.choose(session.options.flow)
    if not session.options.dry_run:
        ensure_packages(("open",), no_install=no_install)
        ensure_rootfs(session)


def ensure_packages(stages: Sequence[str], *, no_install: bool) -> None:
    """Install what the stages need, after saying so.

    Raises:
        MissingToolError: something is missing and `no_install` was given.
    """
    from pynqtorch.sw import packages

    missing = packages.missing(stages)
    if not missing:
        return
    for need in missing:
        note(f"needed: {need.package} ({need.why})")
    if no_install:
        raise MissingToolError(
            "system packages are missing: " + ", ".join(need.package for need in missing),
            hint=packages.command(missing),
        )
    packages.install(missing)


def ensure_rootfs(session: Session) -> None:
    """The rootfs with the FPGA tools, made if it is not there as its recipe says.

    Raises:
        MissingToolError: this machine does not let us make the namespaces that steps run in.
    """
    from pynqtorch.sw import namespace

    obstacle = namespace.available()
    if obstacle is not None:
        raise MissingToolError(obstacle.message, hint=obstacle.hint)
    session.run(plans.rootfs(session, TOOLS_ROOTFS))


# ---------------------------------------------------------------- what comes after


def finish(session: Session, plan: Plan, *, forced: frozenset[str]) -> None:
    """Run the plan, or show it, and print the result."""
    forced = forced if session.options.force else frozenset()
    if session.options.dry_run:
        _show(session, merge(plans.rootfs(session, TOOLS_ROOTFS), plan), forced)
        return
    started = time.monotonic()
    result = session.run(plan, force=forced)
    seconds = time.monotonic() - started
    document = _as_json(plan, result, seconds)
    session.remember(json_text({"ok": True, **document}) if session.options.json else "everything is up to date")
    session.tell(document)
    if session.options.json:
        return
    from pynqtorch.ui import tables

    tables.print_steps(plan, result)
    tables.print_overlays(session.root, plan)
    steps = f"{len(plan)} step{'s' * (len(plan) != 1)}"
    kept, restored = result.count("up-to-date"), result.count("restored")
    note(f"{steps}, {kept} up to date, {restored} restored, {duration(seconds)}")


def _show(session: Session, plan: Plan, forced: frozenset[str]) -> None:
    from pynqtorch import engine

    steps = engine.dry_run(plan, root=session.root, force=forced)
    if session.options.json:
        session.tell(
            {
                "steps": [
                    {
                        "name": step.name,
                        "title": step.title,
                        "where": step.where,
                        "status": step.status,
                        "reasons": list(step.reasons),
                        "commands": [list(argv) for argv in step.commands],
                        "files": dict(step.files),
                        "folder": step.folder,
                    }
                    for step in steps
                ]
            }
        )
        return
    import shlex

    screen = output()
    for step in steps:
        screen.print(
            f"\n# {step.name}: {step.title} [{step.where}] {step.status}", style="bold", markup=False, soft_wrap=True
        )
        for reason in step.reasons:
            screen.print(f"#   {reason}", style="dim", markup=False, soft_wrap=True)
        for name, text in step.files.items():
            screen.print(f"# file {step.folder}/{name}: {len(text.splitlines())} lines", markup=False, soft_wrap=True)
        for argv in step.commands:
            screen.print(shlex.join(argv), markup=False, soft_wrap=True)
    note("\n(--json shows the files' text)")


def _as_json(plan: Plan, result: RunResult, seconds: float) -> dict[str, object]:
    return {
        "seconds": round(seconds, 3),
        "steps": [
            {
                "name": outcome.name,
                "status": outcome.status,
                "key": outcome.key,
                "wall_seconds": outcome.wall_seconds,
                "cpu_seconds": outcome.cpu_seconds,
                "peak_rss_bytes": outcome.peak_rss_bytes,
                "summary": dict(outcome.summary),
                "warnings": [finding.text for finding in outcome.findings if finding.severity == "warning"],
            }
            for outcome in result.outcomes
        ],
        "files": sorted(item.publish for step in plan for item in step.outputs if item.publish),
    }
