# SPDX-License-Identifier: AGPL-3.0-or-later
"""How invoke meets the toolkit: shared flags, names after a task, errors to exit codes."""
