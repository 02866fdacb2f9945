# SPDX-License-Identifier: AGPL-3.0-or-later
"""What ./inv starts (``python -S -E``): the answer "nothing to do" within milliseconds, else invoke with our tasks."""

import os
import sys
import time

STARTED_NS = time.time_ns()


def main() -> None:
    """Answer from file states alone (`pynqtorch.engine.noop`), or load everything."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  # pathlib takes 5 ms
    argv = sys.argv[1:]
    here = os.getcwd()  # noqa: PTH109
    if here != root and not here.startswith(root + "/"):
        os.chdir(root)  # the tasks look for the checkout from the working directory upwards
    # By its path: the packages around it need what is not on the search path yet.
    sys.path[0] = root + "/pynqtorch/engine"
    import noop

    message = noop.check(root, argv)
    if message is not None:
        print(message)
        return
    del sys.modules["noop"]
    sys.path[0] = root
    import json
    import site

    os.environ["PYNQTORCH_COMMAND_LINE"] = json.dumps([STARTED_NS, *argv])
    site.main()  # -S left it out: now the packages of .venv count
    try:
        from invoke import Program
    except ImportError:
        print(
            f"error: {sys.prefix} lacks packages of requirements.lock, and ./inv did not make it\n"
            f"  next: remove it (./inv then makes a new one), or: {sys.executable} -m pip install -e {root}",
            file=sys.stderr,
        )
        sys.exit(4)
    import pynqtorch

    program = Program(version=pynqtorch.__version__, name="PYNQtorch", binary="./inv")
    program.run(["inv", "--search-root", root, *argv])


if __name__ == "__main__":
    main()
