# SPDX-License-Identifier: AGPL-3.0-or-later
"""Loading all recipes: names, places, what is frozen, and that all problems of all files come at once."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from recipe_samples import (
    BOARD,
    BOARD_FILE,
    KERNEL,
    KERNEL_FILE,
    OVERLAY,
    OVERLAY_FILE,
    ROOTFS_FILE,
    edit,
    make_checkout,
)

from pynqtorch.errors import RecipeError, UsageError
from pynqtorch.recipes.kinds import KINDS
from pynqtorch.recipes.models import Kernel, Overlay
from pynqtorch.recipes.repository import check, load, load_one, pick

OURS = Path(__file__).parents[2]


def test_a_checkout_loads_by_name_with_quantities_in_one_unit(tmp_path: Path) -> None:
    repository = load(make_checkout(tmp_path))
    assert (list(repository.boards), list(repository.kernels)) == (["zed"], ["add"])
    assert (list(repository.overlays), list(repository.rootfs)) == (["one"], ["tools"])
    assert repository.count == 4
    kernel = repository.kernels["add"]
    assert kernel.clock == 5000
    assert kernel.bundles == ("gmem",)
    assert list(kernel.arguments) == ["a", "out", "n"]
    assert kernel.arguments["a"].shape == (16,)
    assert repository.overlays["one"].clocks == {"fclk0": 100_000_000}
    assert repository.path("boards", "zed") == tmp_path / "recipes/boards/zed.yaml"


def test_places_for_errors_found_later(tmp_path: Path) -> None:
    repository = load(make_checkout(tmp_path))
    assert repository.location("kernels", "add") == "recipes/kernels/add.yaml:1:1"
    assert repository.location("kernels", "add", "arguments", "out", "register") == "recipes/kernels/add.yaml:6:88"
    assert repository.location("kernels", "add", "rtl", "sources", 0) == "recipes/kernels/add.yaml:9:17"
    assert repository.location("overlays", "one", "limits", "lut") == "recipes/overlays/one.yaml:1:1"
    with pytest.raises(UsageError, match="no kernel 'ad'; did you mean 'add'"):
        repository.location("kernels", "ad")


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    root = make_checkout(tmp_path)
    edit(root, BOARD_FILE, "lut: 53200", "lut: yes")
    edit(root, KERNEL_FILE, "clock: 5ns", "clok: 5ns")
    edit(root, OVERLAY_FILE, "board: zed", "board: zet")
    edit(root, ROOTFS_FILE, "{yosys: yosys}", "{yosys: yosys")
    with pytest.raises(RecipeError) as caught:
        load(root)
    text = caught.value.message
    assert text.startswith("4 problems in the recipes\nrecipes/boards/zed.yaml:4:18: ")
    for part in ("kernels/add.yaml:3:1: unknown key 'clok'", "one.yaml:2:8: board: no board 'zet'", "tools.yaml:4:"):
        assert part in text
    assert "recipe.check" in caught.value.hint
    assert len(check(root)) == 4


def test_sources_may_be_left_unchecked(tmp_path: Path) -> None:
    root = make_checkout(tmp_path)
    (root / "hw/kernel/add/rtl/add.v").unlink()
    with pytest.raises(RecipeError, match=r"there is no file hw/kernel/add/rtl/add\.v"):
        load(root)
    assert load(root, sources=False).count == 4
    assert check(root, sources=False) == ()


def test_no_recipes_at_all(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no folder recipes/"):
        load(tmp_path)


def test_recipes_are_frozen_to_the_bottom_and_hashable(tmp_path: Path) -> None:
    repository = load(make_checkout(tmp_path))
    kernel = repository.kernels["add"]
    with pytest.raises(ValidationError):
        kernel.top = "other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="frozen"):
        kernel.arguments["b"] = kernel.arguments["a"]
    with pytest.raises(TypeError, match="frozen"):
        kernel.arguments.pop("a")
    with pytest.raises(TypeError, match="frozen"):
        repository.overlays["one"].kernels["add_0"].memory.update(gmem="S_AXI_HP1")
    with pytest.raises(TypeError):
        repository.kernels["b"] = kernel  # type: ignore[index]
    assert copy.deepcopy(kernel) == kernel  # by __reduce__, as pickling does
    assert hash(kernel) == hash(load(tmp_path).kernels["add"])


def test_a_model_in_json_reads_back_as_itself(tmp_path: Path) -> None:
    repository = load(make_checkout(tmp_path))
    kernel, overlay = repository.kernels["add"], repository.overlays["one"]
    assert Kernel.model_validate_json(kernel.model_dump_json(by_alias=True)) == kernel
    assert Overlay.model_validate_json(overlay.model_dump_json(by_alias=True)) == overlay


def test_one_recipe_by_itself(tmp_path: Path) -> None:
    for name, text in {"board.yaml": BOARD, "kernel.yaml": KERNEL, "overlay.yaml": OVERLAY}.items():
        path = tmp_path / name
        path.write_text(text)
        assert type(load_one(path)).__name__.lower() + ".yaml" == name
    path.write_text("what: ever\n")
    with pytest.raises(RecipeError, match="it has none of the keys board, kernel, overlay, rootfs"):
        load_one(path)
    path.write_text(OVERLAY.replace("board: zed", "bord: zed"))
    with pytest.raises(RecipeError, match="unknown key 'bord'; did you mean 'board'"):
        load_one(path)
    with pytest.raises(RecipeError, match="not a regular file"):
        load_one(tmp_path / "absent.yaml")


def test_names_of_a_command_line() -> None:
    known = {"a": 1, "b": 2}
    assert pick("kernel", (), known) == ("a", "b")
    assert pick("kernel", ("b", "a", "b"), known) == ("b", "a")
    with pytest.raises(UsageError, match="no kernel 'c'; known: a, b"):
        pick("kernel", ("c",), known)


def test_the_kinds_folders_are_those_of_the_repository() -> None:
    assert {kind.folder for kind in KINDS.values()} <= {path.name for path in (OURS / "recipes").iterdir()}


def test_importing_the_package_imports_no_heavy_library() -> None:
    code = "import sys, pynqtorch.recipes; print(sorted({'pydantic', 'yaml'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], cwd=OURS, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
