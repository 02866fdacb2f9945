# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tasks about what is there already: recipes, exports, the store, cleaning."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from pynqtorch.app.session import Options, Session, find_root
from pynqtorch.errors import OutputError, RecipeError, UsageError
from pynqtorch.ui.messages import note, output, print_json, size


def recipe_check(**flags: object) -> None:
    """Check every recipe and print all problems.

    Raises:
        RecipeError: there are problems.
    """
    from pynqtorch.recipes import repository
    from pynqtorch.recipes.diagnostics import format_problems

    options = Options.of(flags)
    problems = repository.check(find_root())
    if options.json:
        print_json({"ok": not problems, "problems": [problem.as_dict() for problem in problems]})
    if problems:
        text = "" if options.json else "\n" + format_problems(problems)
        raise RecipeError(f"{len(problems)} problem{'s' * (len(problems) > 1)} in the recipes{text}")
    if not options.json:
        note(f"{Session(options).repository.count} recipes, no problem")


def recipe_schema(**flags: object) -> None:
    """Write the JSON Schemas into docs/schema/."""
    from pynqtorch.recipes import schema

    options = Options.of(flags)
    folder = find_root() / "docs" / "schema"
    if options.dry_run:
        note(f"would write {', '.join(sorted(schema.KINDS))} to {folder}")
        return
    written = schema.write_all(folder)
    if options.json:
        print_json({"ok": True, "files": [str(path) for path in written]})
    else:
        for path in written:
            note(f"wrote {path}")


def recipe_export(kernels: Sequence[str], **flags: object) -> None:
    """Write description.json and hls_config.cfg beside the kernels' sources.

    Raises:
        UsageError: an unknown kernel.
    """
    from pynqtorch.hw import seed
    from pynqtorch.recipes.repository import pick

    session = Session(Options.of(flags))
    repository = session.repository
    board = next(iter(repository.boards.values()))
    for name in pick("kernel", kernels, repository.kernels):
        kernel = repository.kernels[name]
        files = {
            "description.json": seed.description(kernel),
            "hls_config.cfg": seed.hls_config(kernel, part=board.part),
        }
        for file, text in files.items():
            path = session.root / "hw" / "kernel" / name / file
            if session.options.dry_run:
                output().print(f"--- {path.relative_to(session.root)}\n{text}", markup=False)
            else:
                _write(path, text)
                note(f"wrote {path.relative_to(session.root)}")


def overlay_export(overlays: Sequence[str], **flags: object) -> None:
    """Copy finished overlays to hw/overlay/<name>/, after comparing them with their manifests.

    Raises:
        UsageError: an unknown overlay, or none was built.
        OutputError: a file is missing or is not the one that the manifest names.
    """
    from pynqtorch.hw.manifest import verify_folder
    from pynqtorch.recipes.repository import pick

    session = Session(Options.of(flags))
    built = session.root / "out" / "overlays"
    names = pick("overlay", overlays, session.repository.overlays)
    if not overlays:
        names = tuple(name for name in names if (built / name / "manifest.json").is_file())
        if not names:
            raise UsageError("no overlay was built yet", hint="./inv build-overlay")
    for name in names:
        files = verify_folder(built / name)
        target = session.root / "hw" / "overlay" / name
        if session.options.dry_run:
            note(f"would copy {len(files)} files to {target.relative_to(session.root)}")
            continue
        fresh = target.with_name(f".{name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for file in files:
            shutil.copyfile(built / name / file, fresh / file)
        verify_folder(fresh)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
        note(f"exported {target.relative_to(session.root)}: {', '.join(files)}")


def clean(*, everything: bool, **flags: object) -> None:
    """Remove out/ but for the store, the state and the root file systems; with `everything`, all of it.

    Raises:
        StorageError: something is mounted below a rootfs.
    """
    from pynqtorch.sw import mounts

    options = Options.of(flags)
    out = find_root() / "out"
    if not out.is_dir():
        note("nothing to clean")
        return
    kept = set() if everything else {"store", "rootfs", ".state"}
    doomed = sorted(path for path in out.iterdir() if path.name not in kept)
    for path in doomed:
        note(("would remove " if options.dry_run else "removing ") + str(path.relative_to(out.parent)))
        if not options.dry_run:
            mounts.delete(path)


def cache_info(**flags: object) -> None:
    """Show the store's size and entries."""
    from pynqtorch import engine

    options = Options.of(flags)
    info = engine.cache_info(find_root())
    if options.json:
        print_json(info)
        return
    for key, value in info.items():
        shown = size(value) if key.endswith("bytes") and isinstance(value, int) else value
        output().print(f"{key.replace('_', ' ')}: {shown}", markup=False)


def cache_prune(*, days: int, max_mib: int, **flags: object) -> None:
    """Remove what was not used for `days` days, or the least recently used beyond `max_mib`.

    Raises:
        UsageError: neither bound was given.
    """
    from pynqtorch import engine

    options = Options.of(flags)
    if days < 0 and max_mib < 0:
        raise UsageError("cache.prune needs a bound", hint="--days 30, or --max-mib 2000")
    removed = engine.cache_prune(
        find_root(),
        older_than_days=days if days >= 0 else None,
        max_bytes=max_mib << 20 if max_mib >= 0 else None,
        dry_run=options.dry_run,
    )
    if options.json:
        print_json(removed)
    else:
        note(json.dumps(removed, sort_keys=True, default=str))


def _write(path: Path, text: str) -> None:
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent} does not exist", hint="./inv recipe.check")
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(path)
