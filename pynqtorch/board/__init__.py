# SPDX-License-Identifier: AGPL-3.0-or-later
"""What goes to the board: bundles, deployment, the twin."""
