# SPDX-License-Identifier: AGPL-3.0-or-later
"""YAML recipes to frozen models; errors with file:line:column; JSON Schema."""
