# SPDX-License-Identifier: AGPL-3.0-or-later
"""Steps that run a module of ours, ``python -m pynqtorch.…``, in a process of its own.

The sources that the module imports are inputs of the step, staged as ``src/pynqtorch/…`` with ``PYTHONPATH=src``: a
change in one of them runs the step again, a change elsewhere does not, and the key knows nothing of where the
checkout or the environment lies (the engine's PATH says which ``python`` it is).

A module that reads files of the package names them in a constant ``DATA``, a tuple of names beside the module
(``DATA = ("templates/report.html.j2",)``); they are sources like any other.  PyPI packages whose versions may change
its result stand in ``DISTRIBUTIONS``, or are given to `python_step`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pynqtorch
from pynqtorch.errors import UsageError
from pynqtorch.plan import Check, Input, Output, Resources, Step, Tool

PACKAGE = "pynqtorch"
STAGED = "src"
"""Folder in the step's directory that is the module search path."""

_ENVIRONMENT = {
    "PYTHONPATH": STAGED,
    "PYTHONSAFEPATH": "1",  # an input called json.py must not be imported
    "PYTHONNOUSERSITE": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
}


def python_step(
    name: str,
    module: str,
    args: Iterable[str],
    *,
    inputs: Iterable[Input] = (),
    outputs: Iterable[Output],
    sources: Iterable[str] | None = None,
    distributions: Iterable[str] = (),
    files: Mapping[str, str] | None = None,
    title: str = "",
    resources: Resources | None = None,
    checks: Iterable[Check] = (),
    log_parser: str = "",
    package: str = PACKAGE,
) -> Step:
    """A Step that runs ``python -m <module> <args>`` on the host.

    Args:
        name: the step's name.
        module: full name, ``pynqtorch.hw.hwh``.
        args: relative names only.
        inputs, outputs, files, title, resources, checks, log_parser: as in Step.
        sources: files or folders relative to the package (``hw/openfpga``, ``errors.py``); None: what the module
            imports of ours, directly or through others, lazy imports too.
        distributions: PyPI packages whose versions may change the result (``pynqmetadata``).
        package: where the package's folder is, as an Input source: relative to the repository, or absolute where the
            package is installed (`package_source`).

    Raises:
        UsageError: the module or a source is not in the package, or two inputs share a staged name.
    """
    if not (module == PACKAGE or module.startswith(PACKAGE + ".")):
        raise UsageError(f"step {name}: {module} is not a module of {PACKAGE}")
    needed = module_sources(module) if sources is None else expand_sources((*sources, _relative_name(module)))
    distributions = dict.fromkeys((*distributions, *_constant(_relative_name(module), "DISTRIBUTIONS")))
    staged = [Input(f"{STAGED}/{PACKAGE}/{path}", f"{package}/{path}") for path in needed]
    all_inputs = (*inputs, *staged)
    seen: set[str] = set()
    for item in all_inputs:
        if item.staged in seen:
            raise UsageError(f"step {name}: two inputs are staged as {item.staged}")
        seen.add(item.staged)
    return Step(
        name=name,
        tool=Tool(name=PACKAGE, version=_version(tuple(distributions))),
        commands=(("python", "-m", module, *args),),
        outputs=tuple(outputs),
        files=dict(files or {}),
        inputs=all_inputs,
        env=dict(_ENVIRONMENT),
        resources=resources or Resources(),
        checks=tuple(checks),
        log_parser=log_parser,
        title=title,
    )


def package_source(root: Path) -> str:
    """`package` of `python_step` for a repository at `root`: relative in a checkout, absolute where installed."""
    own = package_root()
    return PACKAGE if (root / PACKAGE).resolve() == own else str(own)


def package_root() -> Path:
    """Folder of the running package."""
    return Path(pynqtorch.__file__).resolve().parent


def expand_sources(sources: Iterable[str]) -> tuple[str, ...]:
    """Files of the package (relative, sorted) for files and folders, with the ``__init__.py`` above each.

    Folders are opened up into their Python files because a folder as an input would take ``__pycache__`` into the key.

    Raises:
        UsageError: no such file or folder in the package.
    """
    root = package_root()
    found: set[str] = set()
    for source in sources:
        path = root / source
        if path.is_dir():
            files = sorted(path.rglob("*.py"))
        elif path.is_file():
            files = [path]
        else:
            raise UsageError(f"{source} is not in the package {PACKAGE} ({root})")
        for file in files:
            found.add(file.relative_to(root).as_posix())
            found.update(_inits(root, file))
    return tuple(sorted(found))


@cache
def module_sources(module: str) -> tuple[str, ...]:
    """Files of the package that `module` needs: itself, what it imports of ours, what these import, and so on.

    Found in the syntax trees, so imports inside functions count, and so do the files that ``DATA`` names;
    `importlib.import_module` is not seen.

    Raises:
        UsageError: no such module in the package, or ``DATA`` names a file that is not.
    """
    root = package_root()
    todo = [_relative_name(module)]
    found: set[str] = set()
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        todo.extend(_inits(root, root / path))
        tree = ast.parse((root / path).read_bytes(), filename=str(root / path))
        found.update(_data(path, tree))
        todo.extend(file for name in _imports(path, tree) if (file := _file_of(name)) is not None)
    return tuple(sorted(found))


def _data(path: str, tree: ast.Module) -> set[str]:
    """Files that a module's ``DATA`` names, relative to the package."""
    found = {(Path(path).parent / name).as_posix() for name in _constant(path, "DATA", tree)}
    absent = sorted(name for name in found if not (package_root() / name).is_file())
    if absent:
        raise UsageError(f"{path}: DATA names {', '.join(absent)}, which is not in the package {PACKAGE}")
    return found


def _constant(path: str, constant: str, tree: ast.Module | None = None) -> tuple[str, ...]:
    """A module's tuple of names, read from its text; empty where it has none."""
    if tree is None:
        tree = ast.parse((package_root() / path).read_bytes(), filename=path)
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == constant for t in node.targets):
            try:
                names = ast.literal_eval(node.value)
            except ValueError:
                names = None
            if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
                raise UsageError(f"{path}:{node.lineno}: {constant} is not a tuple of names written out")
            return names
    return ()


def _imports(path: str, tree: ast.Module) -> set[str]:
    """Full names that a file of the package imports, with ``from a import b`` as both a and a.b."""
    here = [PACKAGE, *Path(path).parent.parts]
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names.add(origin)
            names.update(f"{origin}.{alias.name}" for alias in node.names)
    return {name for name in names if name.split(".")[0] == PACKAGE}


def _file_of(module: str) -> str | None:
    parts = module.split(".")[1:]
    root = package_root()
    if (root.joinpath(*parts) / "__init__.py").is_file():
        return "/".join([*parts, "__init__.py"])
    if parts and root.joinpath(*parts).with_suffix(".py").is_file():
        return "/".join(parts) + ".py"
    return None


def _relative_name(module: str) -> str:
    path = _file_of(f"{module}.__main__") or _file_of(module)
    if path is None:
        raise UsageError(f"no module {module} in {package_root()}")
    return path


def _inits(root: Path, file: Path) -> set[str]:
    """The ``__init__.py`` of the package and of each sub-package on the way to `file`."""
    folders = [folder for folder in file.parents if folder == root or root in folder.parents]
    return {(f / "__init__.py").relative_to(root).as_posix() for f in folders if (f / "__init__.py").is_file()}


def _version(distributions: tuple[str, ...]) -> str:
    from importlib import metadata

    parts = [pynqtorch.__version__, f"python-{sys.version_info.major}.{sys.version_info.minor}"]
    for name in distributions:
        try:
            parts.append(f"{name}-{metadata.version(name)}")
        except metadata.PackageNotFoundError:
            parts.append(f"{name}-absent")  # the step itself then says what is missing
    return " ".join(parts)
