# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long commands that build nothing take, as ratios to ``python -c pass`` of the same interpreter.

    python benchmarks/startup.py [--rounds 9] [--kernels 300]

Cases: --list, recipe.check, a no-op as `./inv` answers it (a remembered command line whose files are all as they were),
and a command line that was not remembered.  They take turns in each round, so the machine's mood hits all alike.  The
no-op is remembered in a temporary copy of the checkout's files, never in the checkout itself; with --kernels that copy
has so many generated kernels more (recipe, sources, RTL, and a step's stamp and report each).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
COPIED = ("tasks.py", "recipes", "hw", "pynqtorch", "scripts", "requirements.lock")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--kernels", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pynqtorch-startup-") as folder:
        top = _checkout(Path(folder))
        for index in range(given.kernels):
            _generate(top, f"kernel_{index:03d}")
        _measure(top, given.rounds)


def _checkout(top: Path) -> Path:
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, top / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, top / name)
    (top / "out/.state").mkdir(parents=True)
    return top


def _generate(top: Path, name: str) -> None:
    """A kernel like vector_add, with what its steps leave behind."""
    recipe = (top / "recipes/kernels/vector_add.yaml").read_text()
    (top / f"recipes/kernels/{name}.yaml").write_text(recipe.replace("vector_add", name))
    source, target = top / "hw/kernel/vector_add", top / "hw/kernel" / name
    for path in source.rglob("*"):
        if path.is_file():
            copy = target / str(path.relative_to(source)).replace("vector_add", name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text().replace("vector_add", name))
    for step in ("csim", "cosim", "ooc"):
        folder = top / "out/steps" / f"{step}.{name}"
        folder.mkdir(parents=True)
        for file in ("pynqtorch.step.json", f"{step}.json"):
            (folder / file).write_text("{}")


def _measure(top: Path, rounds: int) -> None:
    entry = [sys.executable, "-S", "-E", str(top / "scripts/entry.py")]
    cases = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "./inv --list": [*entry, "--list"],
        "./inv recipe.check": [*entry, "recipe.check"],
        "./inv build (no-op)": [*entry, "build"],
    }
    for argv in (cases["./inv --list"], cases["./inv recipe.check"]):  # bytecode is there, as after any first call
        _call(argv, top)
    time.sleep(2.5)  # the no-op check trusts no file that is younger
    _remember(top)
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    cpu: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, argv in cases.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            started = time.perf_counter()
            shown = _call(argv, top)
            seconds[name].append(time.perf_counter() - started)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu[name].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            if "no-op" in name and "up to date" not in shown:
                raise SystemExit(f"{name} did not take the short way: {shown}")
    bare = statistics.median(seconds["python -c pass"])
    print(f"medians of {rounds} rounds, Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    print(f"{'command':22} {'ms':>7} {'CPU ms':>7} {'x python':>9}")
    for name in cases:
        wall = statistics.median(seconds[name])
        print(f"{name:22} {wall * 1e3:7.0f} {statistics.median(cpu[name]) * 1e3:7.0f} {wall / bare:9.1f}")


def _call(argv: list[str], folder: Path) -> str:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{argv}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def _remember(top: Path) -> None:
    """As after a build that found everything up to date, with as many files as a real one watches."""
    files = [
        str(path.relative_to(top)) for name in (*COPIED, "out/steps") for path in (top / name, *(top / name).rglob("*"))
    ]
    code = (
        "import json, sys, time; sys.path.insert(0, 'pynqtorch/engine'); import noop\n"
        "files = json.load(sys.stdin)\n"
        "assert noop.record(sys.argv[1], ['build'], files, 'everything is up to date', started_ns=time.time_ns())"
    )
    argv = [sys.executable, "-S", "-E", "-c", code, str(top)]
    given = json.dumps([name for name in files if "__pycache__" not in name])
    subprocess.run(argv, input=given, cwd=top, text=True, check=True)


if __name__ == "__main__":
    if importlib.util.find_spec("invoke") is None:
        raise SystemExit("run it with the Python of .venv")
    main()
