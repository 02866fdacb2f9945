# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tasks about what is there already: recipes, exports, the store, cleaning."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pynqtorch.app.session import Options, Session
from pynqtorch.errors import RecipeError, StorageError, UsageError
from pynqtorch.hw.manifest import verify_folder
from pynqtorch.ui.messages import DetailedError, output, size

if TYPE_CHECKING:
    from pynqtorch.recipes.repository import Repository

KEPT = frozenset({"store", "rootfs", ".state"})
"""What `clean` leaves of out/: what takes long to make, and the history that estimates come from."""


def recipe_check(**flags: object) -> None:
    """Check every recipe and print all problems.

    Raises:
        RecipeError: there are problems.
    """
    from pynqtorch.recipes import repository
    from pynqtorch.recipes.diagnostics import format_problems

    session = Session(Options.of(flags))
    problems = repository.check(session.root)
    if problems:
        raise RecipeProblemsError(
            f"{len(problems)} problem{'s' * (len(problems) > 1)} in the recipes\n{format_problems(problems)}",
            details={"problems": [problem.as_dict() for problem in problems]},
        )
    count = sum(not file.name.startswith(".") for file in (session.root / "recipes").glob("*/*.yaml"))
    session.tell({"recipes": count, "problems": []}, f"{count} recipes, no problem")


class RecipeProblemsError(DetailedError, RecipeError):
    """All problems of all recipes, also as data."""


def recipe_schema(**flags: object) -> None:
    """Write the JSON Schemas into docs/schema/."""
    from pynqtorch.recipes import schema

    session = Session(Options.of(flags))
    folder = session.root / "docs" / "schema"
    if session.options.dry_run:
        names = [f"docs/schema/{kind}.json" for kind in schema.KINDS]
        session.tell({"files": names}, *(f"would write {name}" for name in names))
        return
    names = [str(path.relative_to(session.root)) for path in schema.write_all(folder)]
    session.tell({"files": names}, *(f"wrote {name}" for name in names))


def recipe_export(kernels: Sequence[str], **flags: object) -> None:
    """Write description.json and hls_config.cfg beside the kernels' sources.

    Raises:
        UsageError: an unknown kernel.
    """
    from pynqtorch.hw import seed
    from pynqtorch.recipes.repository import pick

    session = Session(Options.of(flags))
    repository = session.repository
    files: dict[str, str] = {}
    for name in pick("kernel", kernels, repository.kernels):
        kernel, part = repository.kernels[name], _part(repository, name)
        files[f"hw/kernel/{name}/description.json"] = seed.description(kernel)
        files[f"hw/kernel/{name}/hls_config.cfg"] = seed.hls_config(kernel, part=part)
    if session.options.dry_run:
        session.tell({"files": files})
        if not session.options.json:
            for path, text in files.items():
                output().print(f"--- {path}\n{text}", markup=False, soft_wrap=True)
        return
    for path, text in files.items():
        _write(session.root / path, text)
    session.tell({"files": list(files)}, *(f"wrote {path}" for path in files))


def _part(repository: Repository, kernel: str) -> str:
    """The part of the first overlay that has the kernel; where none has it, of the first board.

    Raises:
        UsageError: there is no board at all.
    """
    users = [
        overlay.board
        for overlay in repository.overlays.values()
        if any(instance.kernel == kernel for instance in overlay.kernels.values())
    ]
    for name in (*users, *repository.boards):
        return repository.boards[name].part
    raise UsageError("there is no board, and so no part for hls_config.cfg", hint="add one below recipes/boards/")


def overlay_export(overlays: Sequence[str], **flags: object) -> None:
    """Copy finished overlays to hw/overlay/<name>/, after comparing them with their manifests.

    Raises:
        UsageError: an unknown overlay, or none was built.
        OutputError: a file is missing or is not the one that the manifest names.
    """
    from pynqtorch.recipes.repository import pick

    session = Session(Options.of(flags))
    built = session.root / "out" / "overlays"
    names = pick("overlay", overlays, session.repository.overlays)
    if not overlays:
        names = tuple(name for name in names if (built / name / "manifest.json").is_file())
        if not names:
            raise UsageError("no overlay was built yet", hint="./inv build-overlay")
    files = {name: verify_folder(built / name) for name in names}  # all, before one is copied
    if not session.options.dry_run:
        for name in names:
            _copy_overlay(built / name, session.root / "hw" / "overlay" / name, files[name])
    did = "would export" if session.options.dry_run else "exported"
    session.tell(
        {"overlays": {name: [f"hw/overlay/{name}/{file}" for file in files[name]] for name in names}},
        *(f"{did} hw/overlay/{name}: {', '.join(files[name])}" for name in names),
    )


def _copy_overlay(source: Path, target: Path, files: Sequence[str]) -> None:
    """Copy, compare, then put in the place of the old folder."""
    fresh, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    for leftover in (fresh, old):
        if leftover.exists():
            shutil.rmtree(leftover)
    fresh.mkdir(parents=True)
    for file in files:
        shutil.copyfile(source / file, fresh / file)
    verify_folder(fresh)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    if old.exists():
        shutil.rmtree(old)


def clean(*, everything: bool, **flags: object) -> None:
    """Remove out/ but for the store, the state and the root file systems; with `everything`, all of it.

    Raises:
        StorageError: a build runs, or something is mounted below; then nothing at all is removed.
    """
    from pynqtorch.engine.locks import held_all
    from pynqtorch.sw import mounts

    def refuse(lock: Path) -> None:
        raise StorageError(f"step {lock.name} is running", hint="wait for the other ./inv, or end it")

    session = Session(Options.of(flags))
    out = session.root / "out"
    kept = frozenset() if everything else KEPT
    doomed = sorted(path for path in out.iterdir() if path.name not in kept) if out.is_dir() else []
    locks = sorted((out / ".state" / "locks").glob("*"))
    with held_all([(lock, False) for lock in locks], waiting=refuse, check=lambda: None):
        for path in doomed:
            if path.is_dir() and not path.is_symlink():
                mounts.check_unused(path.resolve())
        if not session.options.dry_run:
            for path in doomed:
                mounts.delete(path)
    names = [f"out/{path.name}" for path in doomed]
    did = "would remove" if session.options.dry_run else "removed"
    session.tell({"removed": names}, *(f"{did} {name}" for name in names or ["nothing"]))


def cache_info(**flags: object) -> None:
    """Show the store's size and entries."""
    from pynqtorch import engine

    session = Session(Options.of(flags))
    info = engine.cache_info(session.root)
    session.tell(info)
    for key, value in info.items():
        shown = size(value) if key.endswith("bytes") and isinstance(value, int) else value
        if not session.options.json:
            output().print(f"{key.replace('_', ' ')}: {shown}", markup=False, soft_wrap=True)


def cache_prune(*, days: int, max_mib: int, **flags: object) -> None:
    """Remove what was not used for `days` days, or the least recently used beyond `max_mib`.

    Raises:
        UsageError: neither bound was given.
    """
    from pynqtorch import engine

    session = Session(Options.of(flags))
    if days < 0 and max_mib < 0:
        raise UsageError("cache.prune needs a bound", hint="--days 30, or --max-mib 2000")
    removed = engine.cache_prune(
        session.root,
        older_than_days=days if days >= 0 else None,
        max_bytes=max_mib << 20 if max_mib >= 0 else None,
        dry_run=session.options.dry_run,
    )
    session.tell(removed, json.dumps(removed, sort_keys=True, default=str))


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(path)
