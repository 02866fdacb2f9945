# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the reader of YAML refuses, as a user sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipe_samples import BOARD_FILE as BOARD
from recipe_samples import KERNEL_FILE as KERNEL
from recipe_samples import OVERLAY_FILE as OVERLAY
from recipe_samples import ROOTFS_FILE as ROOTFS
from recipe_samples import Case, assert_told

CASES: dict[str, Case] = {
    "syntax": (
        KERNEL,
        "clock: 5ns",
        "clock: [5ns",
        "4:10: not YAML: did not find expected ',' or ']' while parsing a list in [ ] that begins in line 3",
    ),
    "colon_in_text": (
        KERNEL,
        "top: add",
        "top: add: more",
        "2:9: not YAML: mapping values are not allowed in this context; is there a ': ' in a text? "
        "write the text in quotes",
    ),
    "at_sign": (
        KERNEL,
        "top: add",
        "top: @add",
        "2:6: not YAML: found character that cannot start any token; write a text that begins with this "
        "character in quotes",
    ),
    "tab": (KERNEL, "  n: {type", "\tn: {type", "7:1: a tab; indent and separate with spaces"),
    "duplicate_key": (KERNEL, "top: add", "top: add\ntop: sub", "3:1: the key 'top' is here twice (first in line 2)"),
    "merge_key": (
        OVERLAY,
        "  add_0: {kernel: add,",
        "  add_0: {<<: {kernel: add},",
        "5:11: merge keys (<<) are not used in recipes; write the keys out",
    ),
    "undefined_alias": (OVERLAY, "board: zed", "board: *zedd", "2:8: no anchor &zedd before this alias"),
    "recursive_alias": (
        OVERLAY,
        "kernels:\n",
        "kernels: &k\n  x: *k\n",
        "5:6: the alias *k stands inside of what it names",
    ),
    "tag": (
        OVERLAY,
        "board: zed",
        "board: !!python/object:os.system zed",
        "2:8: the tag 'tag:yaml.org,2002:python/object:os.sy...': tags are not used in recipes; remove it",
    ),
    "two_documents": (
        ROOTFS,
        "tools: {yosys",
        "---\ntools: {yosys",
        "4:1: a second document; write one recipe in each file",
    ),
    "directive": (
        ROOTFS,
        "rootfs: tools",
        "%YAML 1.1\n---\nrootfs: tools",
        "1:1: %YAML and %TAG lines are not used in recipes",
    ),
    "list_root": (
        ROOTFS,
        "rootfs: tools",
        "- rootfs",
        "2:1: not YAML: did not find expected '-' indicator while parsing a list that begins in line 1",
    ),
    "number_key": (OVERLAY, "  add_0:", "  0:", '5:3: a key must be a text; write "0" in quotes'),
    "boolean_key": (
        KERNEL,
        "  n: {type",
        "  on: {type",
        '7:3: on is true or false to some YAML readers; write true or false, or "on" for a text',
    ),
    "list_as_key": (OVERLAY, "  add_0:", "  [add_0]:", "5:3: a key must be a text, not a list or a mapping; quote it"),
    "yes": (
        KERNEL,
        "top: add",
        "top: yes",
        '2:6: yes is true or false to some YAML readers; write true or false, or "yes" for a text',
    ),
    "octal": (
        BOARD,
        "lut: 53200",
        "lut: 053200",
        "4:18: 053200: a leading 0 means octal to some YAML readers; in quotes it is a text",
    ),
    "sexagesimal": (
        KERNEL,
        "clock: 5ns",
        "clock: 1:30",
        "3:8: 1:30: a base-60 number to some YAML readers; in quotes it is a text",
    ),
    "date": (
        ROOTFS,
        "suite: trixie",
        "suite: 2026-01-15",
        "2:8: 2026-01-15: a date to some YAML readers; in quotes it is a text",
    ),
    "underscores": (
        BOARD,
        "lut: 53200",
        "lut: 53_200",
        "4:18: 53_200: digits with underscores are a number to some YAML readers; in quotes it is a text",
    ),
    "exponent": (
        BOARD,
        "lut: 53200",
        "lut: 5e4",
        "4:18: 5e4: a number to some YAML readers; recipes write numbers as 1.5; in quotes it is a text",
    ),
    "infinity": (BOARD, "lut: 53200", "lut: .inf", "4:18: .inf: no number of a recipe; in quotes it is a text"),
    "huge_integer": (
        BOARD,
        "lut: 53200",
        "lut: 99999999999999999999999",
        "4:18: this whole number does not fit into 64 bits",
    ),
    "no_value": (KERNEL, "top: add", "top:", "2:1: top has no value; give it one or remove the key"),
    "empty_entry": (ROOTFS, "[yosys, g++]", "\n  - yosys\n  -", "5:4: an empty entry; remove it or give it a value"),
    "blank_in_key": (
        OVERLAY,
        "  add_0:",
        '  " add_0":',
        "5:3: the key ' add_0' begins or ends with a blank; remove it",
    ),
    "control_escape": (
        ROOTFS,
        "rootfs: tools",
        'rootfs: tools\ndescription: "a\\0b"',
        "2:14: a control character in a text (an escape in quotes)",
    ),
    "bidi": (
        ROOTFS,
        "rootfs: tools",
        'rootfs: tools\ndescription: "a\u202eb"',
        "2:16: the character U+202E has no place in a recipe; remove it",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_once_where_it_is(name: str, tmp_path: Path) -> None:
    assert_told(CASES[name], tmp_path)
