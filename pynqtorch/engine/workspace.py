# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where things lie in a checkout, what a step's inputs are now, and whether it has anything to do."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynqtorch.engine import stamp as stamps
from pynqtorch.engine.changes import UNFINISHED, changes
from pynqtorch.engine.digest import describe, key_of
from pynqtorch.engine.executors import TEMPORARY, HostExecutor, Job, executor, find_program
from pynqtorch.engine.files import make_folder, write_atomic
from pynqtorch.engine.stamp import STAMP, Stamp
from pynqtorch.engine.statcache import StatCache
from pynqtorch.engine.store import CorruptEntryError, Store, store_path
from pynqtorch.errors import MissingToolError, OutputError, UsageError
from pynqtorch.plan import STEP_SOURCE, SUMMARY, Input, Output, Plan, Step

LOG = "log.txt"
_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*\Z")
_RESERVED = frozenset({LOG, STAMP, TEMPORARY, SUMMARY})


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with a step.

    Attributes:
        action: up-to-date, publish (only copies are missing), restore or run.
        key, description: see `digest`.
        reasons: why, in words.
        stamp: of the last success, if any.
        record: the store's entry, for restore.
        warnings: what the observer should hear.
    """

    action: str
    key: str
    description: Mapping[str, Any]
    reasons: tuple[str, ...] = ()
    stamp: Stamp | None = None
    record: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()


class Workspace:
    """A checkout with its ``out/``, seen by one run."""

    def __init__(self, plan: Plan, root: Path, store: Path | None = None, *, read_only: bool = False) -> None:
        self.root = root.absolute()
        self.steps = self.root / "out" / "steps"
        self.state = self.root / "out" / ".state"
        if not read_only:
            make_folder(self.steps)
            make_folder(self.state / "locks")
        self.cache = StatCache(self.state / "statcache.json", self.root)
        self.store = Store(store_path(self.root, store))
        self._root, self._steps = str(self.root), str(self.steps)
        self.needs = {step.name: step.needs() for step in plan}
        self._programs: dict[str, str] = {}
        self.by_name = {step.name: step for step in plan}
        self.keys: dict[str, str] = {}
        """Keys of the steps that are done."""
        for step in plan:
            validate(step)

    def folder(self, name: str) -> Path:
        """A step's directory."""
        return self.steps / name

    def lock(self, name: str) -> Path:
        """A step's lock file."""
        return self.state / "locks" / name

    def relative(self, path: Path) -> str:
        """As a person reads it, from the repository."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def source(self, item: Input) -> str:
        """Absolute path of an input.  Plain strings here and below: pathlib would double the time of a no-op run."""
        source = item.source
        if source.startswith(STEP_SOURCE):
            return f"{self._steps}/{source[len(STEP_SOURCE) :]}"
        return source if source.startswith("/") else f"{self._root}/{source}"

    def input_digests(self, step: Step) -> dict[str, str]:
        """Staged name -> digest of the content, or identity.

        Raises:
            UsageError: a file of the repository (or an absolute path) is not there.
            OutputError: another step's output is not there.
        """
        return {item.staged: self._input_digest(step, item) for item in step.inputs}

    def _input_digest(self, step: Step, item: Input) -> str:
        path, producer = self.source(item), item.producer
        if item.identity:
            # lexists: what is inside a rootfs may be a link that means something only in there.
            if not producer and not os.path.lexists(path):
                raise _missing(step, item, path)
            return f"identity:{item.identity}"
        if producer:
            wanted = item.source.partition("/")[2]
            for output in self.by_name[producer].outputs:
                if output.tree and not output.keep_in_store and output.path == wanted:
                    return f"made-by:{self.keys[producer]}"
        try:
            return self.cache.digest(path, as_input=True)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _missing(step, item, path) from error
        except OSError as error:
            raise UsageError(f"step {step.name} cannot read its input {path}: {error.strerror}") from error

    def decide(self, step: Step, *, force: bool = False) -> Decision:
        """What is to be done with a step whose producers are done.

        Raises:
            UsageError, OutputError: an input is missing.
        """
        description = describe(step, self.input_digests(step))
        key = key_of(description)
        stamp = stamps.read(f"{self._steps}/{step.name}")
        if force:
            return Decision("run", key, description, ("forced",), stamp)
        warnings: tuple[str, ...] = ()
        if stamp is not None and stamp.key == key:
            reasons = tuple(self._output_problems(step, stamp))
            if not reasons:
                unpublished = tuple(f"{o.publish} is missing or was changed" for o in self.unpublished(step, stamp))
                return Decision("publish" if unpublished else "up-to-date", key, description, unpublished, stamp)
        elif stamp is None and self.folder(step.name).is_dir():
            reasons = (UNFINISHED,)
        else:
            reasons = tuple(changes(stamp, description))
        try:
            record = self.store.lookup(key)
        except CorruptEntryError as error:
            record, warnings = None, (f"{step.name}: {error.message}",)
        if record is not None and not self._still_there(step, key):
            record = None
        return Decision("restore" if record else "run", key, description, reasons, stamp, record, warnings)

    def kept(self, name: str) -> Path:
        """Says which key made the published outputs that are not in the store (a rootfs), so these survive `clean`."""
        return self.state / "kept" / f"{name}.json"

    def note_kept(self, step: Step, stamp: Stamp) -> None:
        """Write what `kept` says.

        Raises:
            OSError: as the system says.
        """
        lonely = [output for output in step.outputs if not output.keep_in_store and output.publish]
        if not lonely:
            return
        recorded = {o.path: _recorded(self.root / o.publish, stamp.outputs[o.path]) for o in lonely}
        self.kept(step.name).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.kept(step.name), json.dumps({"key": stamp.key, "outputs": recorded}).encode())

    def _still_there(self, step: Step, key: str) -> bool:
        """Whether the outputs that no store has are where this key published them."""
        lonely = [output for output in step.outputs if not output.keep_in_store]
        if not lonely:
            return True
        try:
            kept = json.loads(self.kept(step.name).read_bytes())
            return kept["key"] == key and all(
                output.publish and _has(self.root / output.publish, kept["outputs"][output.path]) for output in lonely
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False  # nobody knows what made it: the step runs

    def output_digest(self, step: Step, output: Output) -> Any:
        """As a stamp records it.

        Raises:
            OSError: it is not there.
        """
        path = f"{self._steps}/{step.name}/{output.path}"
        if output.tree and not output.keep_in_store:
            return sorted(os.listdir(path))  # noqa: PTH208
        return self.cache.digest(path)

    def _output_problems(self, step: Step, stamp: Stamp) -> Iterator[str]:
        for output in step.outputs:
            try:
                now = self.output_digest(step, output)
            except OSError:
                yield f"output {output.path} is missing"
                continue
            then = stamp.outputs.get(output.path)
            if isinstance(then, list):
                if missing := sorted(set(then) - set(now)):
                    yield f"output {output.path} has no {missing[0]} any more"
            elif now != then:
                yield f"output {output.path} was changed"

    def unpublished(self, step: Step, stamp: Stamp) -> Iterator[Output]:
        """Outputs whose published copy is not what the step made."""
        for output in step.outputs:
            if not output.publish:
                continue
            path = f"{self._root}/{output.publish}"
            if not output.keep_in_store:
                if not Path(path).exists():
                    yield output
                continue
            try:
                if self.cache.digest(path) != stamp.outputs[output.path]:
                    yield output
            except OSError:
                yield output

    def watched(self, steps: Iterator[Step]) -> tuple[str, ...]:
        """Every file and folder that decides whether these steps are up to date: for `noop.record`."""
        found: dict[str, None] = {}
        for step in steps:
            folder = f"{self._steps}/{step.name}"
            paths = [f"{folder}/{STAMP}"]
            paths += [self.source(item) for item in step.inputs if not item.identity]
            paths += [f"{folder}/{output.path}" for output in step.outputs]
            paths += [f"{self._root}/{output.publish}" for output in step.outputs if output.publish]
            if step.where == "host":
                paths += [file for argv in step.commands if (file := self._program(step, argv[0]))]
            for path in paths:
                if path not in found:
                    found[path] = None
                    if os.path.isdir(path) and not self._is_unhashed(step, path):  # noqa: PTH112
                        found.update(dict.fromkeys(_all_below(path)))
        return tuple(found)

    def _program(self, step: Step, name: str) -> str:
        """File of a host program, empty if it is gone; the same for all steps but those with a PATH of their own."""
        if name not in self._programs or "PATH" in step.env or "/" in name:
            job = Job(step, (name,), self.folder(step.name), self.root)
            try:
                self._programs[name] = find_program(job, HostExecutor().environment(job)["PATH"])
            except MissingToolError:  # what is up to date does not need its tool any more
                self._programs[name] = ""
        return self._programs[name]

    def _is_unhashed(self, step: Step, path: str) -> bool:
        for name in {step.name} | self.needs[step.name]:
            for output in self.by_name[name].outputs:
                inside = {f"{self._steps}/{name}/{output.path}", f"{self._root}/{output.publish}"}
                if output.tree and not output.keep_in_store and path in inside:
                    return True
        return False


def _recorded(path: Path, digest: Any) -> Any:
    """What stands for a published output that is in no store: a folder's names, a file's size and time."""
    status = path.stat()
    return digest if isinstance(digest, list) else [status.st_size, status.st_mtime_ns]


def _has(path: Path, recorded: Any) -> bool:
    if path.is_dir():
        return set(recorded) <= set(os.listdir(path))  # noqa: PTH208
    return bool(recorded == _recorded(path, ""))


def _all_below(top: str) -> Iterator[str]:
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name not in {"__pycache__", ".git"}]
        yield from (f"{folder}/{name}" for name in [*folders, *names])


def _missing(step: Step, item: Input, path: str) -> UsageError | OutputError:
    if item.producer:
        name = item.source.removeprefix(STEP_SOURCE)
        return OutputError(f"step {step.name} reads {name}, which {item.producer} did not make ({path})")
    return UsageError(
        f"step {step.name} reads {item.source}, which does not exist ({path})",
        hint="check the name in the recipe; for a submodule, `git submodule update --init`",
    )


def validate(step: Step) -> None:
    """Names and paths of a step are safe and do not collide.

    Raises:
        UsageError: they are not.
    """
    if not _NAME.match(step.name):
        raise UsageError(f"plan: {step.name!r} is no name of a step", hint="lower-case letters, digits, _ . -")
    executor(step)
    if not step.commands or not all(step.commands):
        raise UsageError(f"step {step.name}: a command is empty, or there is none")
    taken: dict[str, str] = dict.fromkeys(_RESERVED - {SUMMARY}, "the engine")
    groups = (
        ("a rendered file", step.files),
        ("an input", [item.staged for item in step.inputs]),
        ("an output", [output.path for output in step.outputs]),
    )
    for what, names in groups:
        for name in names:
            _inside(step, name)
            if name in taken:
                raise UsageError(f"step {step.name}: {name} is {what} and also belongs to {taken[name]}")
            taken[name] = what
    for output in step.outputs:
        if output.publish:
            _inside(step, output.publish)


def _inside(step: Step, name: str) -> None:
    if "\0" in name or not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise UsageError(f"step {step.name}: {name!r} is not a plain relative path")
