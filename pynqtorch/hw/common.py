# SPDX-License-Identifier: AGPL-3.0-or-later
"""Moved to pynqtorch.modules."""

from pynqtorch.modules import *  # noqa: F403
from pynqtorch.modules import expand_sources, module_sources, package_root, package_source, python_step

__all__ = ["expand_sources", "module_sources", "package_root", "package_source", "python_step"]
