# SPDX-License-Identifier: AGPL-3.0-or-later
"""Step and Plan: what is to be run, as pure data.

A Step names everything that decides its result: argv, rendered files, inputs, environment, the tool's exact version
and where it runs. It runs in a directory of its own (``out/steps/<name>``), in which the engine puts the rendered
files and links to the inputs under their *staged* names; argv uses only those relative names. So a plan means the
same in any checkout, container or rootfs, and tools that write file names into their output (yosys does) give the
same bytes everywhere. Making a Step reads nothing and runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

from pynqtorch.errors import UsageError

STEP_SOURCE = "step:"
SUMMARY = "pynqtorch.summary.json"
"""A step may write this file (a JSON object) into its directory: figures that the run's report shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A tool as it was found: `version` is the exact version, or the package version in a rootfs."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Input:
    """A file or folder that the step reads.

    Attributes:
        staged: relative name in the step's directory (a link is made there).
        source: a path relative to the repository, an absolute path outside of it, or ``step:<step name>/<output>``.
        identity: if not empty, stands in the key instead of the content (a package version, for a large read-only
            database that a package manager made).  Use it only where the content cannot change without it.
    """

    staged: str
    source: str
    identity: str = ""

    @property
    def producer(self) -> str | None:
        """Name of the step that makes this input, or None."""
        return self.source.removeprefix(STEP_SOURCE).partition("/")[0] if self.source.startswith(STEP_SOURCE) else None


@dataclass(frozen=True, slots=True)
class Output:
    """A file (or, with `tree`, a folder) that the step must have made when it succeeds.

    Attributes:
        path: relative name in the step's directory.
        publish: where a copy goes, relative to the repository (``out/overlays/…``); empty: it stays where it is.
        tree: the output is a folder.
        keep_in_store: False for what is too large to be worth a second copy (a rootfs): it is then not restored by key.
    """

    path: str
    publish: str = ""
    tree: bool = False
    keep_in_store: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """A test on the outputs after the process ended with 0.

    `function` is ``package.module:name``; it is called with the step's directory (Path) and `args`, and raises a
    FatalError (OutputError, TimingError, …) when the outputs are not what they should be: ``function(folder, *args)``.
    """

    function: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """What the step takes while it runs: whole cores, peak memory in MiB, named licences or tokens."""

    cores: int = 1
    memory_mib: int = 512
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One unit of work; see the module's text.

    Attributes:
        name: unique in a plan, stage first (``synth.vector_add``).
        tool: what runs, with its exact version.
        commands: argv lists, run one after the other; each must end with 0.
        files: rendered files, relative name -> text; ``log.txt``, ``tmp`` and ``pynqtorch.step.json`` are the engine's.
        inputs, outputs: see Input and Output.
        env: the whole environment besides PATH, HOME, LANG=C.UTF-8 and TMPDIR, which the engine sets.
        where: ``host``, ``rootfs:<name>`` or ``container:<image>``.
        network: the step may use the network (only steps that fetch).
        checks: tests on the outputs.
        log_parser: ``module:function``, called with each line of the log; gives a Finding or None.
        title: what a person reads while it runs.
        after: names of steps that must be done before this one although no file of theirs is read.
    """

    name: str
    tool: Tool
    commands: tuple[tuple[str, ...], ...]
    outputs: tuple[Output, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    where: str = "host"
    network: bool = False
    resources: Resources = field(default_factory=Resources)
    checks: tuple[Check, ...] = ()
    log_parser: str = ""
    title: str = ""
    after: tuple[str, ...] = ()

    def needs(self) -> frozenset[str]:
        """Names of the steps that must be done before this one."""
        return frozenset(i.producer for i in self.inputs if i.producer) | frozenset(self.after)


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of a tool's log that a person should see.

    Attributes:
        severity: ``error`` (the step fails even if the process ended with 0), ``warning``, ``info`` or ``phase``
            (a phase line only moves the progress display).
        text: the message without the tool's prefix.
        source: ``file:line`` where the tool gave one.
    """

    severity: str
    text: str
    source: str = ""


@dataclass(frozen=True)
class Plan:
    """Steps with unique names, whose producers are all in the plan, without a cycle.

    Raises:
        UsageError: a name twice, an input or `after` of a step that is not there, an output that is not declared,
            two steps that publish to one path, or a cycle.
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        by_name: dict[str, Step] = {}
        published: dict[str, str] = {}
        for step in self.steps:
            if step.name in by_name:
                raise UsageError(f"plan: two steps are named {step.name!r}")
            by_name[step.name] = step
            for output in step.outputs:
                if output.publish and published.setdefault(output.publish, step.name) != step.name:
                    raise UsageError(f"plan: {published[output.publish]} and {step.name} both write {output.publish}")
        for step in self.steps:
            for needed in sorted(step.needs()):
                if needed not in by_name:
                    raise UsageError(f"plan: step {step.name} needs {needed}, which is not in the plan")
            for item in step.inputs:
                if item.producer:
                    wanted = item.source.removeprefix(STEP_SOURCE).partition("/")[2]
                    if not any(_within(wanted, output) for output in by_name[item.producer].outputs):
                        raise UsageError(f"plan: {step.name} reads {wanted}, which {item.producer} does not declare")
        try:
            TopologicalSorter({step.name: step.needs() for step in self.steps}).prepare()
        except CycleError as error:
            raise UsageError("plan: steps wait for each other: " + " -> ".join(error.args[1])) from error

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def step(self, name: str) -> Step:
        """The step of this name.

        Raises:
            UsageError: no such step; the message names the nearest.
        """
        for step in self.steps:
            if step.name == name:
                return step
        from difflib import get_close_matches  # only on the way to an error

        near = get_close_matches(name, [step.name for step in self.steps], n=3)
        hint = (
            f"did you mean {', '.join(near)}?" if near else "steps: " + ", ".join(step.name for step in self.steps[:12])
        )
        raise UsageError(f"no step {name!r} in this plan", hint=hint)

    def only(self, names: Iterable[str]) -> Plan:
        """The named steps and all that they need."""
        wanted: dict[str, Step] = {}
        todo = [self.step(name) for name in names]
        while todo:
            step = todo.pop()
            if step.name not in wanted:
                wanted[step.name] = step
                todo.extend(self.step(name) for name in step.needs())
        return Plan(tuple(step for step in self.steps if step.name in wanted))


def merge(*plans: Plan) -> Plan:
    """One plan of several; equal steps of the same name count once.

    Raises:
        UsageError: two different steps share a name.
    """
    steps: dict[str, Step] = {}
    for plan in plans:
        for step in plan:
            if steps.setdefault(step.name, step) != step:
                raise UsageError(f"plan: two different steps are named {step.name!r}")
    return Plan(tuple(steps.values()))


def _within(wanted: str, output: Output) -> bool:
    if wanted == output.path:
        return True
    return output.tree and PurePosixPath(output.path) in PurePosixPath(wanted).parents
