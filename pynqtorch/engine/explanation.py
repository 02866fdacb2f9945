# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a step would run, and what it would do: nothing here writes or runs anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pynqtorch.engine.digest import sha256
from pynqtorch.engine.model import UP_TO_DATE, WOULD_RESTORE, WOULD_RUN, Outcome
from pynqtorch.engine.stamp import outcome_of
from pynqtorch.engine.workspace import Decision, Workspace
from pynqtorch.errors import FatalError
from pynqtorch.plan import Plan, Step

_MOST_DIFF_LINES = 60
_STATUS = {"publish": WOULD_RESTORE, "restore": WOULD_RESTORE, "run": WOULD_RUN}


@dataclass(frozen=True, slots=True)
class DryStep:
    """A step as it would run.

    Attributes:
        name, title, where: of the step.
        commands: argv lists.
        files: rendered files, relative name -> text.
        folder: the step's directory, from the repository.
        status: up-to-date, would-restore or would-run.
        reasons: why.
    """

    name: str
    title: str
    where: str
    commands: tuple[tuple[str, ...], ...]
    files: Mapping[str, str]
    folder: str
    status: str
    reasons: tuple[str, ...]


def dry_run(
    plan: Plan, *, root: Path, force: frozenset[str] | bool = False, store: Path | None = None
) -> tuple[DryStep, ...]:
    """What a run would do, step by step.

    A step behind one that would run is shown as would-run too; it does not run if its inputs come out as before.

    Raises:
        UsageError: an input is missing.
    """
    workspace = Workspace(plan, root, store, read_only=True)
    forced = frozenset(step.name for step in plan) if force is True else frozenset(force or ())
    outcomes = {outcome.name: outcome for outcome in dry_outcomes(workspace, plan, forced)}
    return tuple(
        DryStep(
            step.name,
            step.title,
            step.where,
            step.commands,
            step.files,
            workspace.relative(workspace.folder(step.name)),
            outcomes[step.name].status,
            outcomes[step.name].reasons,
        )
        for step in plan
    )


def dry_outcomes(workspace: Workspace, plan: Plan, forced: frozenset[str]) -> tuple[Outcome, ...]:
    """The outcome that each step would have, in the plan's order, as far as it is known now."""
    outcomes: dict[str, Outcome] = {}
    for step in _in_order(plan):
        open_needs = sorted(name for name in step.needs() if outcomes[name].status != UP_TO_DATE)
        if open_needs:
            reasons = tuple(f"{name} {outcomes[name].status.replace('-', ' ')} first" for name in open_needs)
            outcomes[step.name] = Outcome(name=step.name, status=WOULD_RUN, reasons=reasons)
            continue
        decision = workspace.decide(step, force=step.name in forced)
        workspace.keys[step.name] = decision.key
        if decision.action == "up-to-date" and decision.stamp is not None:
            outcomes[step.name] = outcome_of(step, UP_TO_DATE, decision.stamp)
        else:
            outcomes[step.name] = Outcome(
                name=step.name, status=_STATUS[decision.action], key=decision.key, reasons=decision.reasons
            )
    return tuple(outcomes[step.name] for step in plan)


def explain(plan: Plan, step_name: str, *, root: Path, store: Path | None = None) -> list[str]:
    """Why a step would run, in lines; ``["up to date"]`` if it would not.

    Raises:
        UsageError: no such step, or an input is missing.
    """
    step = plan.step(step_name)
    needed = plan.only([step_name])
    workspace = Workspace(needed, root, store, read_only=True)
    outcomes = {o.name: o for o in dry_outcomes(workspace, Plan(tuple(s for s in needed if s != step)), frozenset())}
    lines = [f"{o.name} {o.status.replace('-', ' ')}" for o in outcomes.values() if o.status != UP_TO_DATE]
    lines = [f"a step before it: {line}" for line in lines]
    try:
        decision = workspace.decide(step)
    except FatalError as error:
        return [*lines, error.message]
    except KeyError:  # a folder that only the step before it will name
        return lines
    if decision.action == "up-to-date":
        return lines or ["up to date"]
    lines += decision.reasons
    lines += _diffs(workspace, step, decision)
    if decision.action == "restore":
        lines.append("outputs of exactly this key are in the store: they are restored, nothing runs")
    return lines


def _diffs(workspace: Workspace, step: Step, decision: Decision) -> Iterator[str]:
    """Unified diffs of the rendered files that changed, where the old text is still there."""
    if decision.stamp is None:
        return
    from difflib import unified_diff

    old_digests = decision.stamp.description.get("files", {})
    for name, text in step.files.items():
        path = workspace.folder(step.name) / name
        if old_digests.get(name) in {None, sha256(text.encode("utf-8", "surrogateescape"))} or not path.is_file():
            continue
        raw = path.read_bytes()
        if sha256(raw) != old_digests[name]:
            yield f"{name}: the old text is gone (changed in {workspace.relative(path)})"
            continue
        old = raw.decode("utf-8", "surrogateescape").splitlines()
        diff = [*unified_diff(old, text.splitlines(), f"{name} (then)", f"{name} (now)", n=1, lineterm="")]
        yield from diff[:_MOST_DIFF_LINES]
        if len(diff) > _MOST_DIFF_LINES:
            yield f"… and {len(diff) - _MOST_DIFF_LINES} more lines"


def _in_order(plan: Plan) -> Iterator[Step]:
    from graphlib import TopologicalSorter

    for name in TopologicalSorter({step.name: step.needs() for step in plan}).static_order():
        yield plan.step(name)


def as_json(steps: tuple[DryStep, ...]) -> str:
    """A dry run as JSON text."""
    return json.dumps(
        [
            {
                "name": step.name,
                "title": step.title,
                "where": step.where,
                "commands": [list(argv) for argv in step.commands],
                "files": dict(step.files),
                "folder": step.folder,
                "status": step.status,
                "reasons": list(step.reasons),
            }
            for step in steps
        ],
        indent=1,
    )
