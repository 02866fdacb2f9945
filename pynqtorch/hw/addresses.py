# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where each kernel's control registers stand in the processor's address space (decided in `recipes.addresses`)."""

from __future__ import annotations

from pynqtorch.errors import RecipeError
from pynqtorch.recipes.addresses import WINDOW, control_addresses
from pynqtorch.recipes.models import Overlay

__all__ = ["WINDOW", "addresses"]


def addresses(overlay: Overlay) -> dict[str, int]:
    """Instance -> base of its 64 KiB window, in the order of the recipe.

    Raises:
        RecipeError: a control port has no window left.
    """
    try:
        return control_addresses(overlay)
    except ValueError as error:
        raise RecipeError(f"overlay {overlay.overlay}: {error}", hint="use both M_AXI_GP0 and M_AXI_GP1") from error
