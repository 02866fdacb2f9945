# SPDX-License-Identifier: AGPL-3.0-or-later
"""JSON Schema of each kind of recipe, for editors: completion, hover texts and errors while typing.

A recipe's first line names its schema: ``# yaml-language-server: $schema=../../docs/schema/kernel.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pynqtorch.errors import StorageError, UsageError
from pynqtorch.recipes import kinds
from pynqtorch.recipes.diagnostics import did_you_mean

KINDS: tuple[str, ...] = tuple(kind.key for kind in kinds.KINDS.values())
"""The schemas: board, kernel, overlay, rootfs."""


def schema(kind: str) -> dict[str, Any]:
    """The schema of a kind (board, kernel, overlay or rootfs), draft 7.

    Raises:
        UsageError: no such kind.
    """
    found = kinds.kind_of_key(kind)
    if found is None:
        raise UsageError(f"no schema {kind!r}{did_you_mean(kind, KINDS)}")
    body = found.model.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "http://json-schema.org/draft-07/schema#", **_tidy(body)}


def _tidy(part: Any) -> Any:
    """Pydantic's schema as strict as our reader: no null (leave the key out), no key besides the pattern's."""
    if isinstance(part, list):
        return [_tidy(item) for item in part]
    if not isinstance(part, dict):
        return part
    tidy = {key: _tidy(value) for key, value in part.items() if key != "default" or value is not None}
    choices = [choice for choice in tidy.pop("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        tidy = {**choices[0], **tidy}
    elif choices:
        tidy["anyOf"] = choices
    if "patternProperties" in tidy:
        tidy.setdefault("additionalProperties", False)
    return tidy


def render(kind: str) -> str:
    """The text of a schema's file."""
    return json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n"


def header(kind: str) -> str:
    """The first line of a recipe, by which editors find its schema."""
    return f"# yaml-language-server: $schema=../../docs/schema/{kind}.json"


def write_all(folder: Path) -> tuple[Path, ...]:
    """Writes <kind>.json for every kind; the paths.

    Raises:
        StorageError: a file cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in KINDS:
            path = folder / f"{kind}.json"
            fresh = path.with_suffix(".json.new")
            fresh.write_text(render(kind), encoding="utf-8")
            fresh.replace(path)
            written.append(path)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror or error}", hint="check permissions and free space") from error
    return tuple(written)
