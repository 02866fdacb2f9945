#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Writes requirements.lock and requirements-test.lock from pyproject.toml; needs uv.
# Add --upgrade for newer versions than the lock files have.
set -eu
cd -- "$(dirname -- "$0")/.."
command -v uv >/dev/null || { echo "error: uv is not on PATH" >&2; exit 4; }

# pynqutils asks for numpy<2, which has no wheels for Python 3.13 and later; what is used of pynqutils works with 2.
overrides=$(mktemp)
trap 'rm -f "$overrides"' EXIT
printf '%s\n' 'numpy<2 ; python_version < "3.13"' 'numpy>=2 ; python_version >= "3.13"' >"$overrides"

lock() {
    uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header \
        --no-annotate --override "$overrides" "$@" pyproject.toml --extra sim --extra hwh --extra bundle
}
lock "$@" --output-file requirements.lock
lock "$@" --constraint requirements.lock --extra test --output-file requirements-test.lock
