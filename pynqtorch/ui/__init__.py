# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a person sees: progress, tables, the HTML report."""
