# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long steps took before: gives estimates to the display and the order of starting."""

from __future__ import annotations

import json
from pathlib import Path

from pynqtorch.engine.files import storage_errors, write_atomic
from pynqtorch.engine.locks import held


class History:
    """Wall seconds of the last successful run of each step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._new: dict[str, float] = {}
        self._known = self._load()

    def estimate(self, name: str) -> float | None:
        """Seconds that the step took last time, or None."""
        return self._known.get(name)

    def add(self, name: str, seconds: float) -> None:
        """The step has just taken so long."""
        self._new[name] = round(seconds, 3)

    def save(self) -> None:
        """Write what is new, together with what another run wrote meanwhile.

        Raises:
            StorageError: it cannot be written.
        """
        if not self._new:
            return
        with storage_errors(self._path), held(self._path.with_name("history.lock")):
            self._known = self._load() | self._new
            write_atomic(self._path, json.dumps(self._known, sort_keys=True, indent=0).encode())
        self._new = {}

    def _load(self) -> dict[str, float]:
        """What is on disk; estimates are a convenience, so a missing or damaged file is no history."""
        try:
            raw = json.loads(self._path.read_bytes())
            return {str(name): float(value) for name, value in raw.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}
