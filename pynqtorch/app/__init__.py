# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the tasks do: puts recipes, plans, engine and display together; the only place that knows all of them."""
