# SPDX-License-Identifier: AGPL-3.0-or-later
"""All recipes of a checkout: read, validated and checked against each other and against the files they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pynqtorch.errors import RecipeError, UsageError
from pynqtorch.recipes.checks import check_board, check_kernel, check_overlay, check_rootfs
from pynqtorch.recipes.diagnostics import Problem, did_you_mean, format_problems, shorten
from pynqtorch.recipes.document import Document, Key
from pynqtorch.recipes.kinds import KINDS, Kind, KindName, kind_of_key
from pynqtorch.recipes.messages import validate
from pynqtorch.recipes.models import Board, Kernel, Model, Overlay, Rootfs
from pynqtorch.recipes.sources import check_sources
from pynqtorch.recipes.yaml_source import read_document

_HINT = "mend these lines; `./inv recipe.check` reads the recipes again"


@dataclass(frozen=True, slots=True)
class Repository:
    """The recipes below `root`, by name; nothing in it can be changed."""

    root: Path
    boards: Mapping[str, Board]
    kernels: Mapping[str, Kernel]
    overlays: Mapping[str, Overlay]
    rootfs: Mapping[str, Rootfs]
    documents: Mapping[tuple[KindName, str], Document]

    @property
    def count(self) -> int:
        """Number of recipes."""
        return len(self.documents)

    def path(self, kind: KindName, name: str) -> Path:
        """The file of a recipe, absolute where `root` is.

        Raises:
            UsageError: there is no such recipe; the message says which there are.
        """
        return self.root / self._document(kind, name).path

    def location(self, kind: KindName, name: str, *keys: Key) -> str:
        """``recipes/…/x.yaml:line:column`` of a value (or of the nearest one above it), for errors found later.

        Raises:
            UsageError: there is no such recipe.
        """
        document = self._document(kind, name)
        line, column = document.position(keys)
        return f"{document.path}:{line}:{column}"

    def _document(self, kind: KindName, name: str) -> Document:
        document = self.documents.get((kind, name))
        if document is None:
            names = [known for (folder, known) in self.documents if folder == kind]
            what = KINDS[kind].key if kind in KINDS else kind
            raise UsageError(f"no {what} {shorten(name)!r}{did_you_mean(name, names)}")
        return document


def load(root: Path, *, sources: bool = True) -> Repository:
    """Every recipe below root/recipes.

    Args:
        root: the checkout.
        sources: also check that the source files that kernels name are there.

    Raises:
        RecipeError: with all problems of all files.
    """
    repository, problems = _read(root, sources=sources)
    if problems:
        raise _error(problems)
    return repository


def check(root: Path, *, sources: bool = True) -> tuple[Problem, ...]:
    """All problems of all recipes below root/recipes, sorted; empty if they are right."""
    return _read(root, sources=sources)[1]


def load_one(path: Path) -> Model:
    """One recipe by itself: what needs other files is not checked.

    The kind is that of the folder it lies in or, elsewhere, of the first key that names a kind.

    Raises:
        RecipeError: with all problems of the file.
    """
    document = read_document(path, str(path))
    kind = next((k for k in KINDS.values() if k.folder == path.absolute().parent.name), None)
    kind = kind or next((k for k in map(kind_of_key, document.data) if k), None)
    problems: tuple[Problem, ...]
    if kind is None:
        keys = ", ".join(k.key for k in KINDS.values())
        problems = document.problems or (document.problem_at(1, 1, f"not a recipe: it has none of the keys {keys}"),)
        found: Model | None = None
    else:
        found, problems = validate(document, kind.model)
    if found is None or problems:
        raise _error(problems)
    return found


def pick(what: str, names: Sequence[str], known: Mapping[str, object]) -> tuple[str, ...]:
    """The names that a command line gives, in its order and once each; all known ones where it gives none.

    Args:
        what: kernel, overlay, board or rootfs, for the message.
        names: what was asked for.
        known: recipes by name.

    Raises:
        UsageError: one of them is not known.
    """
    for name in names:
        if name not in known:
            raise UsageError(f"no {what} {shorten(name)!r}{did_you_mean(name, known)}")
    return tuple(dict.fromkeys(names)) or tuple(known)


def _error(problems: Sequence[Problem]) -> RecipeError:
    count = f"{len(problems)} problem{'s' * (len(problems) > 1)} in the recipes"
    return RecipeError(f"{count}\n{format_problems(problems)}", hint=_HINT)


def _read(root: Path, *, sources: bool) -> tuple[Repository, tuple[Problem, ...]]:
    problems: list[Problem] = []
    models: dict[KindName, dict[str, Any]] = {folder: {} for folder in KINDS}
    names: dict[KindName, set[str]] = {folder: set() for folder in KINDS}
    documents: dict[tuple[KindName, str], Document] = {}
    folder_there = (root / "recipes").is_dir()
    if not folder_there:
        problems.append(Problem("recipes", 1, 1, f"there is no folder recipes/ below {root}"))
    for kind in KINDS.values() if folder_there else ():
        for file in _files(root, kind, problems):
            name, document = file.stem, read_document(file, f"recipes/{kind.folder}/{file.name}")
            names[kind.folder].add(name)
            documents[kind.folder, name] = document
            model, found = _one(document, kind, name)
            problems.extend(found)
            if model is not None:
                models[kind.folder][name] = model
    frozen = {folder: MappingProxyType(found) for folder, found in models.items()}
    repository = Repository(
        root=root,
        boards=frozen["boards"],
        kernels=frozen["kernels"],
        overlays=frozen["overlays"],
        rootfs=frozen["rootfs"],
        documents=MappingProxyType(documents),
    )
    problems.extend(_across(repository, names, sources=sources))
    return repository, tuple(sorted(set(problems)))


def _one(document: Document, kind: Kind, name: str) -> tuple[Model | None, tuple[Problem, ...]]:
    first = next(iter(document.data), "")
    other = kind_of_key(first)
    if other is not None and other is not kind and kind.key not in document.data:
        text = f"a recipe of recipes/{other.folder}/? In recipes/{kind.folder}/ the first key is {kind.key!r}"
        return None, (*document.problems, document.problem((first,), text, key=True))
    model, problems = validate(document, kind.model)
    if (
        isinstance(given := document.data.get(kind.key), str)
        and given.strip() != name
        and not document.told((kind.key,))
    ):
        text = f"{kind.key}: {shorten(given)!r} in a file named {shorten(name)}.yaml; name and file must agree"
        return None, (*problems, document.problem((kind.key,), text))
    return model, problems


def _files(root: Path, kind: Kind, problems: list[Problem]) -> list[Path]:
    """The recipes of a kind; hidden files and editors' backups are not looked at."""
    folder = root / "recipes" / kind.folder
    if not folder.is_dir():
        return []
    found = []
    for file in sorted(folder.iterdir()):
        if file.suffix == ".yaml" and not file.name.startswith("."):
            found.append(file)
        elif file.suffix in {".yml", ".YAML", ".YML", ".json"}:
            text = f"recipes end in .yaml; rename it to {shorten(file.stem)}.yaml"
            problems.append(Problem(f"recipes/{kind.folder}/{shorten(file.name, 200)}", 1, 1, text))
    return found


def _across(repository: Repository, names: Mapping[KindName, set[str]], *, sources: bool) -> list[Problem]:
    """What one file alone does not show."""
    problems: list[Problem] = []
    documents = repository.documents
    for name, board in repository.boards.items():
        problems += check_board(documents["boards", name], board, repository.overlays, names)
    for name, kernel in repository.kernels.items():
        problems += check_kernel(documents["kernels", name], kernel)
        problems += check_sources(repository.root, documents["kernels", name], kernel, exist=sources)
    for name, overlay in repository.overlays.items():
        problems += check_overlay(
            documents["overlays", name],
            overlay,
            boards=repository.boards,
            kernels=repository.kernels,
            names=names,
        )
    for name, rootfs in repository.rootfs.items():
        problems += check_rootfs(documents["rootfs", name], rootfs)
    return problems
