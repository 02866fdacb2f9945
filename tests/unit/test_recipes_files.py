# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that are no recipes: wrong bytes, bombs, links, pipes; and how a problem is shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from recipe_samples import KERNEL_FILE, OVERLAY_FILE, ROOTFS, ROOTFS_FILE, edit, make_checkout

from pynqtorch.recipes.diagnostics import Problem, format_problems, problems_as_json
from pynqtorch.recipes.document import MAX_PROBLEMS
from pynqtorch.recipes.repository import check
from pynqtorch.recipes.yaml_source import MAX_DEPTH, MAX_NODES, load_document


def told(content: bytes | str) -> list[str]:
    return [f"{p.line}:{p.column}: {p.message}" for p in load_document("x.yaml", content).problems]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "1:1: the file is empty; a recipe is a mapping of keys"),
        (b"# only a remark\n\n", "1:1: the file is empty; a recipe is a mapping of keys"),
        (b"---\n...\n", "1:1: the file is empty; a recipe is a mapping of keys"),
        (b"- a\n", "1:1: a recipe is a mapping (key: value), not a list"),
        (b"text\n", "1:1: a recipe is a mapping (key: value), not one value"),
        (b"\xef\xbb\xbfa: b\n", "1:1: a byte-order mark; save the file as UTF-8 without it"),
        (b"a: b\nc: \xff\n", "2:4: byte 0xff is not UTF-8; save the file as UTF-8"),
        ("a: ü\n".encode("latin-1"), "1:4: byte 0xfc is not UTF-8; save the file as UTF-8"),
        ("a: b\n".encode("utf-16"), "1:1: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"a: b\x00\n", "1:5: the character U+0000 has no place in a recipe; remove it"),
        (b"a: b\rc: d\n", "1:5: a carriage return alone has no place in a recipe; remove it"),
        ("a: \ud800".encode("utf-8", "surrogatepass"), "1:4: byte 0xed is not UTF-8; save the file as UTF-8"),
        (b"a: " + b"x" * (1 << 20), "1:1: larger than 1 MiB; this is no recipe"),
    ],
)
def test_what_is_no_text_of_a_recipe_is_refused(content: bytes, expected: str) -> None:
    assert told(content) == [expected]


def test_windows_line_ends_are_read() -> None:
    document = load_document("x.yaml", ROOTFS.replace("\n", "\r\n").encode())
    assert document.problems == ()
    assert document.data["packages"] == ("yosys", "g++")
    assert document.position(("tools", "yosys")) == (4, 16)


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{b: " * 50_000, "- " * 50_000, "a: &x [*x]", "? " * 9999])
def test_depth_is_bounded_before_it_can_hurt(text: str) -> None:
    assert len(told(text)) == 1


def test_an_alias_bomb_is_refused_while_an_alias_is_not() -> None:
    levels = "".join(f"b{i}: &b{i} [{', '.join(f'*b{i - 1}' for _ in range(9))}]\n" for i in range(1, 9))
    problems = told(f"b0: &b0 [x]\n{levels}")
    assert len(problems) == 1
    assert problems[0].endswith(f"more than {MAX_NODES} values, aliases expanded; this is no recipe")
    document = load_document("x.yaml", "a: &k {b: 1}\nc: *k\n")
    assert document.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert document.position(("c",)) == (2, 4)


def test_depth_counts_expanded_aliases() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, MAX_DEPTH + 2))
    assert told(chain)[0].endswith(f"nested deeper than {MAX_DEPTH} levels, aliases expanded")


def test_an_anchor_named_twice_and_a_misspelt_alias() -> None:
    assert told("a: &x 1\nb: &x 2\n") == ["2:4: the anchor &x is here twice; give it another name"]
    assert told("a: &clock 1\nb: *clok\n") == ["2:4: no anchor &clok before this alias; did you mean 'clock'?"]


def test_problems_of_one_file_are_bounded() -> None:
    problems = told("".join(f"k{i}: yes\n" for i in range(500)))
    assert len(problems) == MAX_PROBLEMS
    assert problems[-1].endswith("and more problems behind this line; mend these first")


def test_plain_scalars_that_all_readers_read_alike_are_values() -> None:
    text = 'a: true\nb: -7\nc: 0x1F\nd: 1.50\ne: "yes"\nf: y\ng: 3.1.1\nh: 0x4000_0000\ni: 20260101T000000Z\nj: 1:90\n'
    document = load_document("x.yaml", text)
    assert document.problems == ()
    assert list(document.data.values()) == [
        True, -7, 31, 1.5, "yes", "y", "3.1.1", "0x4000_0000", "20260101T000000Z", "1:90",
    ]  # fmt: skip


def test_files_that_cannot_be_read_are_problems_not_tracebacks(tmp_path: Path) -> None:
    root = make_checkout(tmp_path)
    folder = root / "recipes/rootfs"
    (folder / "a.yaml").symlink_to("nowhere")
    (folder / "b.yaml").mkdir()
    os.mkfifo(folder / "c.yaml")
    (folder / "d.yml").write_text("rootfs: d\n")
    (folder / ".e.yaml").write_text("hidden: files are not looked at")
    (folder / "f.yaml~").write_text("nor: editors' backups")
    assert [f"{Path(p.path).name}: {p.message}" for p in check(root)] == [
        "a.yaml: not a regular file",
        "b.yaml: not a regular file",
        "c.yaml: not a regular file",
        "d.yml: recipes end in .yaml; rename it to d.yaml",
    ]


def test_sources_do_not_leave_the_repository_through_a_link(tmp_path: Path) -> None:
    root = make_checkout(tmp_path / "checkout")
    (tmp_path / "x.v").write_text("module x; endmodule\n")
    (root / "hw/kernel/add/rtl/link.v").symlink_to(tmp_path / "x.v")
    (root / "hw/kernel/common").mkdir()
    (root / "hw/kernel/common/fifo.v").write_text("module fifo; endmodule\n")
    edit(root, KERNEL_FILE, "[rtl/add.v]", "[rtl/link.v, ../common/fifo.v]")
    assert [p.message for p in check(root)] == ["rtl.sources[0]: rtl/link.v is a link that leads out of the repository"]


def test_links_in_a_circle_and_names_too_long_are_problems(tmp_path: Path) -> None:
    root = make_checkout(tmp_path)
    (root / "hw/kernel/add/loop.v").symlink_to("loop.v")
    edit(root, KERNEL_FILE, "[rtl/add.v]", f"[loop.v, {'ü' * 200}]")
    loop, long = check(root)
    assert loop.message == "rtl.sources[0]: there is no file hw/kernel/add/loop.v"
    assert "cannot be looked at: [Errno 36] File name too long" in long.message


def test_a_problem_shows_its_line_and_a_caret(tmp_path: Path) -> None:
    root = make_checkout(tmp_path)
    edit(root, OVERLAY_FILE, "S_AXI_HP0", "S_AXI_HPO")
    edit(root, ROOTFS_FILE, "suite: trixie", "suit: trixie")
    assert format_problems(check(root)) == (
        "recipes/overlays/one.yaml:5:39: kernels.add_0.memory.gmem: 'S_AXI_HPO' is not known here; "
        "did you mean 'S_AXI_HP3'? "
        "(known: S_AXI_HP0, S_AXI_HP1, S_AXI_HP2, S_AXI_HP3, S_AXI_GP0, S_AXI_GP1, S_AXI_ACP)\n"
        "  5 |   add_0: {kernel: add, memory: {gmem: S_AXI_HPO}}\n"
        "    |                                       ^\n"
        "recipes/rootfs/tools.yaml:2:1: unknown key 'suit'; did you mean 'suite'?\n"
        "  2 | suit: trixie\n"
        "    | ^"
    )


def test_the_caret_stands_right_behind_wide_letters_and_in_long_lines() -> None:
    wide = Problem("x.yaml", 1, 4, "here", "\u65e5\u672ca?")
    assert wide.render().splitlines()[1:] == ["  1 | \u65e5\u672ca?", "    |      ^"]
    long = Problem("x.yaml", 1, 501, "here", "a" * 500 + "!" + "b" * 500)
    line, caret = (text.removeprefix("  1 | ").removeprefix("    | ") for text in long.render().splitlines()[1:])
    assert line[caret.index("^")] == "!"
    assert len(line) < 120


def test_problems_for_programs() -> None:
    problem = Problem("x.yaml", 2, 3, "wrong", "  ?")
    assert json.loads(problems_as_json([problem])) == [problem.as_dict()]
    assert problem.as_dict() == {"path": "x.yaml", "line": 2, "column": 3, "message": "wrong", "source": "  ?"}
