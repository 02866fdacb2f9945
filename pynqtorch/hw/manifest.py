# SPDX-License-Identifier: AGPL-3.0-or-later
"""A finished overlay's folder against its manifest.json (schema 1, written by `openfpga.publish`)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pynqtorch.errors import OutputError, VerifyError

MANIFEST = "manifest.json"


def verify_folder(folder: Path) -> tuple[str, ...]:
    """Names of the overlay's files, the manifest last, after comparing sizes and digests.

    Raises:
        OutputError: the manifest or a file that it names is not there, or does not parse.
        VerifyError: a file is not the one that the manifest names.
    """
    hint = f"build it again: ./inv build-overlay {folder.name}"
    try:
        named = json.loads((folder / MANIFEST).read_bytes())["files"]
        expected = {name: (entry["sha256"], entry["bytes"]) for name, entry in named.items()}
        found = {name: (folder / name).read_bytes() for name in expected if Path(name).name == name}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"{folder}: not a finished overlay ({type(error).__name__}: {error})", hint=hint) from error
    wrong = [
        name
        for name, (digest, size) in expected.items()
        if name not in found or (hashlib.sha256(found[name]).hexdigest(), len(found[name])) != (digest, size)
    ]
    if wrong:
        raise VerifyError(f"{folder}: not what {MANIFEST} names: {', '.join(wrong)}", hint=hint)
    return (*expected, MANIFEST)
