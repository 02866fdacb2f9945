# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a plain (unquoted) YAML scalar means in a recipe.

YAML 1.1 (PyYAML) and YAML 1.2 (editors, other tools) read some scalars differently: ``on``, ``017``, ``1:30``,
``1_000``, ``2026-01-01``.  A recipe must mean the same everywhere, so those are refused with the advice to quote them.
What is left: text, ``true``/``false``, decimal and 0x integers of 64 bits, decimals with a point, and null.
"""

from __future__ import annotations

import math
import re
from typing import TypeAlias

from pynqtorch.recipes.diagnostics import shorten

Scalar: TypeAlias = str | int | float | bool | None

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_HEX = re.compile(r"0x[0-9A-Fa-f]+")
_DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]+")
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None, "~": None, "": None}
_OTHER_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/")
_REFUSED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[-+]?0[0-9][0-9_]*"), "a leading 0 means octal to some YAML readers"),
    (re.compile(r"[-+]?0o[0-7]+|[-+]?0b[01_]+|[-+]0x[0-9A-Fa-f_]+"), "recipes write whole numbers as 10 or 0x0a"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"), "a base-60 number to some YAML readers"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"), "a date to some YAML readers"),
    (
        re.compile(r"[-+]?[0-9][0-9]*_[0-9_]*(?:\.[0-9_]*)?"),
        "digits with underscores are a number to some YAML readers",
    ),
    (re.compile(r"="), "a sign of its own to some YAML readers"),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), "no number of a recipe"),
    (
        re.compile(r"[-+]?(?:[0-9]+\.|\.[0-9]+|[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+|\.[0-9]+[eE][-+]?[0-9]+)"),
        "a number to some YAML readers; recipes write numbers as 1.5",
    ),
)


def read_scalar(text: str) -> Scalar:
    """The value of a plain scalar.

    Raises:
        ValueError: readers of YAML differ about it, or the number is too large; the message says what to write.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text.lower() in _OTHER_WORDS:
        raise ValueError(f'{text} is true or false to some YAML readers; write true or false, or "{text}" for a text')
    if text[0] in _LETTERS:
        return text
    if _INTEGER.fullmatch(text) or _HEX.fullmatch(text):
        return _whole_number(text)
    if _DECIMAL.fullmatch(text):
        number = float(text) if len(text) <= 64 else math.inf
        if not math.isfinite(number):
            raise ValueError("this number is too large")
        return number
    for pattern, why in _REFUSED:
        if pattern.fullmatch(text):
            raise ValueError(f"{shorten(text, 40)}: {why}; in quotes it is a text")
    return text


def _whole_number(text: str) -> int:
    number = int(text, 0) if len(text) <= 21 else 1 << 64
    if not -(1 << 63) <= number < 1 << 64:
        raise ValueError("this whole number does not fit into 64 bits")
    return number
