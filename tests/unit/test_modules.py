# SPDX-License-Identifier: AGPL-3.0-or-later
"""Steps that run modules of ours: the key sees the sources and nothing of the checkout's place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pynqtorch.errors import UsageError
from pynqtorch.modules import PACKAGE, expand_sources, module_sources, package_root, package_source, python_step
from pynqtorch.plan import Input, Output, Step

REPOSITORY = Path(__file__).parents[2]


def make(**changes: object) -> Step:
    arguments: dict[str, object] = {"outputs": [Output("map.txt")], **changes}
    return python_step("regs.k", "pynqtorch.hw.registers", ["--out", "map.txt"], **arguments)  # type: ignore[arg-type]


def test_the_module_and_all_that_it_imports_are_inputs() -> None:
    staged = {item.staged: item.source for item in make().inputs}
    assert staged["src/pynqtorch/hw/registers.py"] == "pynqtorch/hw/registers.py"
    assert {"src/pynqtorch/__init__.py", "src/pynqtorch/hw/__init__.py"} <= staged.keys()
    assert {"src/pynqtorch/recipes/models.py", "src/pynqtorch/recipes/units.py"} <= staged.keys()  # through models.py
    assert not any("engine" in name or "__pycache__" in name for name in staged)


def test_nothing_names_this_machine() -> None:
    assert str(REPOSITORY) not in repr(make())
    assert sys.executable not in repr(make())


def test_installed_package_has_absolute_sources() -> None:
    assert package_source(REPOSITORY) == PACKAGE
    package = package_source(REPOSITORY / "somewhere" / "else")
    assert package == str(package_root())
    assert all(item.source.startswith(package + "/") for item in make(package=package).inputs)
    assert [item.staged for item in make(package=package).inputs] == [item.staged for item in make().inputs]


def test_folders_open_up_into_their_python_files() -> None:
    files = expand_sources(["recipes", "errors.py"])
    assert {"__init__.py", "errors.py", "recipes/__init__.py", "recipes/models.py"} <= set(files)
    assert list(files) == sorted(files)
    assert all(name.endswith(".py") for name in files)
    given = make(sources=["errors.py"])
    assert {item.staged.removeprefix("src/pynqtorch/") for item in given.inputs} == {
        "__init__.py", "errors.py", "hw/__init__.py", "hw/registers.py",
    }  # fmt: skip


def test_lazy_and_relative_imports_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / PACKAGE
    (package / "a").mkdir(parents=True)
    (package / "b").mkdir()
    for folder in (package, package / "a", package / "b"):
        (folder / "__init__.py").write_text("")
    (package / "a" / "one.py").write_text("def f():\n    from pynqtorch.b import two\n    return two\n")
    (package / "b" / "two.py").write_text("from . import three\nimport json\n")
    (package / "b" / "three.py").write_text("from ..a import one\n")
    (package / "b" / "unused.py").write_text("")
    monkeypatch.setattr("pynqtorch.modules.package_root", lambda: package)
    module_sources.cache_clear()
    try:
        found = module_sources("pynqtorch.a.one")
    finally:
        module_sources.cache_clear()
    assert found == ("__init__.py", "a/__init__.py", "a/one.py", "b/__init__.py", "b/three.py", "b/two.py")


@pytest.mark.parametrize("module", ["json", "pynqtorchery.x", "pynqtorch.no.such"])
def test_foreign_module_is_refused(module: str) -> None:
    with pytest.raises(UsageError, match=module):
        python_step("x", module, [], outputs=[Output("o")])


def test_unknown_source_and_doubled_input_are_refused() -> None:
    with pytest.raises(UsageError, match=r"hw/nothing\.py"):
        make(sources=["hw/nothing.py"])
    with pytest.raises(UsageError, match=r"src/pynqtorch/__init__\.py"):
        make(inputs=[Input("src/pynqtorch/__init__.py", "x")])


def test_versions_of_packages_are_in_the_tool() -> None:
    assert "pydantic-" in make(distributions=["pydantic"]).tool.version
    assert "no-such-package-absent" in make(distributions=["no-such-package"]).tool.version


def test_staged_sources_are_enough_to_import_the_module(tmp_path: Path) -> None:
    """What the engine will do: links, the step's environment, its directory; nothing else of ours on the path."""
    step = make()
    for item in step.inputs:
        link = tmp_path / item.staged
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(REPOSITORY / item.source)
    (tmp_path / "json.py").write_text("raise SystemExit('imported an input')")
    code = "import sys, pynqtorch.hw.registers as m; print(m.__file__); assert 'src' in sys.path[0]"
    environment = {"PATH": os.environ["PATH"], **step.env}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(tmp_path / "src/pynqtorch/hw/registers.py")


def test_data_files_are_sources_and_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / PACKAGE
    (package / "a").mkdir(parents=True)
    for file in ("__init__.py", "a/__init__.py", "a/page.j2"):
        (package / file).write_text("")
    monkeypatch.setattr("pynqtorch.modules.package_root", lambda: package)
    for text, outcome in (
        ('DATA = ("page.j2",)', ""),
        ('DATA = ("other.j2",)', "a/other.j2"),
        ('DATA = "page.j2"', "a/one.py:1"),
        ("DATA = tuple(names)", "a/one.py:1"),
    ):
        (package / "a" / "one.py").write_text(text + "\n")
        module_sources.cache_clear()
        try:
            if outcome:
                with pytest.raises(UsageError, match=outcome):
                    module_sources("pynqtorch.a.one")
            else:
                assert "a/page.j2" in module_sources("pynqtorch.a.one")
        finally:
            module_sources.cache_clear()


def test_distributions_of_the_module_are_in_the_tool() -> None:
    step = python_step("page", "pynqtorch.ui.html", [], outputs=[Output("o")], distributions=["pydantic"])
    assert "jinja2-" in step.tool.version
    assert "pydantic-" in step.tool.version
