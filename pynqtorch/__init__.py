# SPDX-License-Identifier: AGPL-3.0-or-later
"""From YAML recipes to PyTorch on an accelerator of one's own, on a PYNQ board."""

__version__ = "0.1.0"
