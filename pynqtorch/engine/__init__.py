# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs a Plan: up-to-date check, processes, executors, store, explanations.

Names are imported when they are first used, so that `noop`, which answers before anything else is loaded, stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pynqtorch.engine.explanation import DryStep, dry_run, explain
    from pynqtorch.engine.model import NullObserver, Observer, Outcome, RunResult
    from pynqtorch.engine.scheduler import run
    from pynqtorch.engine.store import cache_info, cache_prune

__all__ = [
    "DryStep",
    "NullObserver",
    "Observer",
    "Outcome",
    "RunResult",
    "cache_info",
    "cache_prune",
    "dry_run",
    "explain",
    "run",
]

_HOMES = {
    "DryStep": "explanation",
    "dry_run": "explanation",
    "explain": "explanation",
    "NullObserver": "model",
    "Observer": "model",
    "Outcome": "model",
    "RunResult": "model",
    "run": "scheduler",
    "cache_info": "store",
    "cache_prune": "store",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
