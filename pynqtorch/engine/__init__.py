# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs a Plan: up-to-date check, processes, executors, store, explanations."""
