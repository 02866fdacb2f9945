# SPDX-License-Identifier: AGPL-3.0-or-later
"""The kinds of recipes: folder below recipes/, the key that names one, and its model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pynqtorch.recipes.models import Board, Kernel, Model, Overlay, Rootfs

KindName: TypeAlias = Literal["boards", "kernels", "overlays", "rootfs"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of recipe."""

    folder: KindName
    key: str
    model: type[Model]


KINDS: dict[KindName, Kind] = {
    "boards": Kind("boards", "board", Board),
    "kernels": Kind("kernels", "kernel", Kernel),
    "overlays": Kind("overlays", "overlay", Overlay),
    "rootfs": Kind("rootfs", "rootfs", Rootfs),
}


def kind_of_key(key: str) -> Kind | None:
    """The kind whose recipes have `key` as the key of their name."""
    return next((kind for kind in KINDS.values() if kind.key == key), None)
