# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long a command with (nearly) nothing to do takes: our engine against doit, on the same graph of 300 steps.

    python benchmarks/noop.py [--steps 300] [--rounds 9] [--doit-python PYTHON]

Each step concatenates a source, a shared file and (but for the first sixty) an earlier step's output.  Cases: nothing
changed; every source touched with the same content; one source changed.  Engines take turns in each round, so the
machine's mood hits all alike; what counts are the ratios.  Every run's answer is checked: how many steps it ran.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BACK = 60

OURS = """\
import sys, time
started = time.time_ns()
root, repository, fast = sys.argv[1:4]
sys.path.insert(0, repository + "/pynqtorch/engine")
import noop
del sys.path[0]
answer = noop.check(root, ["build"]) if fast == "fast" else None
if answer is None:
    sys.path.insert(0, repository)
    sys.path.insert(0, root)
    from pathlib import Path
    from graph import plan
    from pynqtorch.engine import run
    result = run(plan(), root=Path(root), jobs=2)
    answer = f"ran {result.count('ran')}"
    if result.up_to_date:
        noop.record(root, ["build"], [*result.watched, "graph.py", "src"], answer, started_ns=started)
print(answer)
"""

GRAPH = """\
from pynqtorch.plan import Input, Output, Plan, Step, Tool
def plan():
    tool, steps = Tool(name="cat", version="9"), []
    for n in range({steps}):
        inputs = [Input("own", f"src/{{n}}.txt"), Input("shared", "src/shared.txt")]
        if n >= {back}:
            inputs.append(Input("before", f"step:s{{n - {back}}}/out.txt"))
        argv = ("sh", "-c", "cat " + " ".join(i.staged for i in inputs) + " > out.txt")
        outputs = (Output("out.txt"),)
        steps.append(Step(name=f"s{{n}}", tool=tool, commands=(argv,), outputs=outputs, inputs=tuple(inputs)))
    return Plan(tuple(steps))
"""

DODO = """\
DOIT_CONFIG = {{"verbosity": 0}}
def task_s():
    for n in range({steps}):
        reads = [f"src/{{n}}.txt", "src/shared.txt"] + ([f"o/{{n - {back}}}.txt"] if n >= {back} else [])
        yield {{"name": str(n), "file_dep": reads, "targets": [f"o/{{n}}.txt"],
               "actions": ["cat " + " ".join(reads) + f" > o/{{n}}.txt"]}}
"""


@dataclass
class Engine:
    """A command, and how many steps it says that it ran."""

    name: str
    argv: list[str]
    ran: Callable[[str], int | None]
    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def call(self, folder: Path, case: str, expected: int | None) -> None:
        """Run once; a wrong number of steps ends the benchmark."""
        before, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(self.argv, cwd=folder, capture_output=True, text=True, check=True)
        seconds, now = time.perf_counter() - before, resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = self.ran(done.stdout)
        if expected is not None and ran is not None and ran != expected:
            raise SystemExit(f"{self.name}, {case}: ran {ran} steps, not {expected}")
        self.seconds.setdefault(case, []).append(seconds)
        self.cpu.setdefault(case, []).append(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--doit-python", default=sys.executable, help="a Python that has doit")
    options = parser.parse_args()
    has_doit = options.doit_python != sys.executable or importlib.util.find_spec("doit") is not None
    top = Path(tempfile.mkdtemp(prefix="pynqtorch-noop-"))
    try:
        _measure(top, options.steps, options.rounds, options.doit_python if has_doit else None)
    finally:
        shutil.rmtree(top)


def _engines(top: Path, doit_python: str | None) -> list[Engine]:
    def ours(mode: str) -> list[str]:
        return [sys.executable, str(top / mode / "ours.py"), str(top / mode), str(REPOSITORY), mode]

    engines = [
        Engine("python -c pass", [sys.executable, "-c", "pass"], lambda _: None),
        Engine("ours", ours("fast"), lambda text: int(text.split()[-1])),
        Engine("ours, no fast path", ours("full"), lambda text: int(text.split()[-1])),
    ]
    if doit_python is not None:
        argv = [doit_python, "-m", "doit", "run"]
        engines.append(Engine("doit", argv, lambda text: sum(line.startswith(".") for line in text.splitlines())))
    return engines


def _measure(top: Path, steps: int, rounds: int, doit_python: str | None) -> None:
    engines = _engines(top, doit_python)
    folders = {"ours": top / "fast", "ours, no fast path": top / "full", "doit": top / "doit"}
    for folder in folders.values():
        _make(folder, steps)
    for engine in engines[1:]:
        engine.call(folders[engine.name], "everything", steps)
    time.sleep(2.5)  # as after any pause: files older than the slack of the fast path
    for engine in engines[1:]:
        engine.call(folders[engine.name], "first call after", 0)
    for number in range(rounds):
        for case, expected in (("nothing changed", 0), ("all touched", 0), ("one changed", 1)):
            for engine in engines:
                folder = folders.get(engine.name, top)
                if case == "all touched":
                    _touch(folder, steps)
                elif case == "one changed" and engine.name in folders:
                    (folder / f"src/{steps - 1}.txt").write_text(f"round {number}\n")
                engine.call(folder, case, expected)
        for engine in engines[1:]:  # back to a state in which the fast path knows that there is nothing to do
            engine.call(folders[engine.name], "settling", 0)
        time.sleep(2.5)
        for engine in engines[1:]:
            engine.call(folders[engine.name], "settling", 0)
    _print(engines, steps, rounds)


def _make(folder: Path, steps: int) -> None:
    (folder / "src").mkdir(parents=True)
    (folder / "o").mkdir()
    (folder / "src/shared.txt").write_text("shared\n" * 50)
    for number in range(steps):
        (folder / f"src/{number}.txt").write_text(f"{number}\n" * 50)
    (folder / "ours.py").write_text(OURS)
    (folder / "graph.py").write_text(GRAPH.format(steps=steps, back=BACK))
    (folder / "dodo.py").write_text(DODO.format(steps=steps, back=BACK))


def _touch(folder: Path, steps: int) -> None:
    for number in range(steps):
        path = folder / f"src/{number}.txt"
        if path.exists():
            os.utime(path)


def _print(engines: list[Engine], steps: int, rounds: int) -> None:
    bare = statistics.median(engines[0].seconds["nothing changed"])
    print(f"{steps} steps, medians of {rounds} rounds, python -c pass: {bare * 1000:.0f} ms, {os.cpu_count()} cores")
    print(f"{'case':18} {'engine':20} {'ms':>8} {'CPU ms':>8} {'x python':>9} {'x doit':>7}")
    for case in ("everything", "nothing changed", "all touched", "one changed"):
        doit = next((statistics.median(e.seconds[case]) for e in engines if e.name == "doit"), None)
        for engine in engines:
            if case in engine.seconds and (engine is not engines[0] or case == "nothing changed"):
                wall, cpu = statistics.median(engine.seconds[case]), statistics.median(engine.cpu[case])
                ratio = f"{wall / doit:7.2f}" if doit else "      -"
                print(f"{case:18} {engine.name:20} {wall * 1e3:8.0f} {cpu * 1e3:8.0f} {wall / bare:9.1f} {ratio}")


if __name__ == "__main__":
    main()
