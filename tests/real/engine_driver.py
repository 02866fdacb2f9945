# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs a plan of shell steps in its own process and ends as `./inv` would: ``engine_driver.py ROOT PLAN [MARK]``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from engine_samples import Listener, build, shell

from pynqtorch.errors import FatalError
from pynqtorch.plan import Output, Step


def diamond(mark: str, *, pause: str = "0.05") -> tuple[Step, ...]:
    """Five steps of 50 ms with children and a daemon, one of them with a folder, two published."""
    env = {"ENGINE_TEST": mark}
    busy = f"(setsid sleep 30 &) ; sleep {pause} & wait"
    return (
        shell("a", f"{busy}; tr a-z A-Z < in > out.txt", reads={"in": "src.txt"}, env=env),
        shell("b", f"cat in > out.txt; {busy}; echo b >> out.txt", reads={"in": "step:a/out.txt"}, env=env),
        shell(
            "c",
            f"mkdir d; cat in > d/1; {busy}; echo c > d/2",
            reads={"in": "step:a/out.txt"},
            makes=(Output("d", tree=True, publish="out/final/d"),),
            env=env,
        ),
        shell(
            "e",
            f"cat i1 i2/1 i2/2 > out.txt; {busy}",
            reads={"i1": "step:b/out.txt", "i2": "step:c/d"},
            makes=(Output("out.txt", publish="out/final/e"),),
            env=env,
        ),
    )


EXPECTED = "HELLO\nb\nHELLO\nc\n"

PLANS = {
    "diamond": diamond,
    "slow": lambda mark: diamond(mark, pause="0.5"),
    "endless": lambda mark: (shell("endless", "(trap '' TERM; sleep 300) & sleep 300", env={"ENGINE_TEST": mark}),),
    "fill": lambda _: (
        shell("small", "echo 1 > out.txt"),
        shell("big", "dd if=/dev/zero of=out.txt bs=1M count=6 2>/dev/null; exit 0", after=("small",)),
    ),
    "fill-tool": lambda _: (shell("big", "dd if=/dev/zero of=out.txt bs=1M count=60"),),
    "one": lambda _: (shell("one", "echo 1 > out.txt"),),
}


class Printer(Listener):
    """Tells on stdout what happens, for the test that waits."""

    def message(self, text: str) -> None:
        print("message", text, flush=True)

    def step_started(self, step: Step, estimate: float | None) -> None:
        print("started", step.name, flush=True)


def main() -> int:
    root, plan = Path(sys.argv[1]), sys.argv[2]
    mark = sys.argv[3] if len(sys.argv) > 3 else ""
    try:
        result = build(root, *PLANS[plan](mark), observer=Printer())
    except FatalError as error:
        print(f"error: {type(error).__name__}: {error}", flush=True)
        return error.code
    print("done", *(f"{outcome.name}={outcome.status}" for outcome in result.outcomes), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
