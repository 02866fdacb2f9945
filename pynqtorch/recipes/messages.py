# SPDX-License-Identifier: AGPL-3.0-or-later
"""A document against its model: pydantic's errors in the words of the recipe, at the place in the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from pynqtorch.recipes.diagnostics import Problem, did_you_mean, nearest, shorten
from pynqtorch.recipes.document import Document, Key, bounded
from pynqtorch.recipes.fields import PATTERN_WORDS

M = TypeVar("M", bound=BaseModel)
_UNION_MEMBERS = frozenset({"str", "constrained-str", "int", "float", "bool"})
_KINDS = {
    "model_type": "must be a mapping (key: value)",
    "dict_type": "must be a mapping (key: value)",
    "tuple_type": "must be a list, e.g. [a, b]",
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "string_type": "must be a text",
    "scalar_type": "must be a text, a number, true or false",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_LENGTHS = {
    "too_short": ("least", "min_length", ("entry", "entries")),
    "too_long": ("most", "max_length", ("entry", "entries")),
    "string_too_short": ("least", "min_length", ("character", "characters")),
    "string_too_long": ("most", "max_length", ("character", "characters")),
}


def validate(document: Document, model: type[M]) -> tuple[M | None, tuple[Problem, ...]]:
    """The model of a document, or every problem that keeps it from being one."""
    if document.root is None:
        return None, document.problems
    found: M | None = None
    problems: list[Problem] = []
    try:
        found = model.model_validate(document.data)
    except ValidationError as error:
        problems = list(_problems(document, model, error))
    if document.problems or problems:
        return None, bounded(sorted({*document.problems, *problems}))
    return found, ()


def dotted(keys: Iterable[Key]) -> str:
    """``arguments.a.shape[0]``"""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{shorten(key, 40)}" if text else shorten(key, 40)
    return text


def _problems(document: Document, model: type[BaseModel], error: ValidationError) -> Iterable[Problem]:
    meant: set[tuple[Key, ...]] = set()
    missing: list[tuple[Key, ...]] = []
    for item in error.errors(include_url=False):
        location: tuple[Key, ...] = item["loc"]
        kind: str = item["type"]
        context: Mapping[str, Any] = item.get("ctx") or {}
        in_key = bool(location) and location[-1] == "[key]"
        keys = location[:-1] if in_key else location
        if keys and keys[-1] in _UNION_MEMBERS and document.node(keys) is None:
            keys, kind = keys[:-1], "scalar_type"
        if document.told(keys) or _follows(document, kind, keys, context, item["input"]):
            continue
        parent, last = keys[:-1], keys[-1] if keys else ""
        inside = f"{dotted(parent)}: " if parent else ""
        if kind == "missing":
            missing.append(keys)
        elif kind == "extra_forbidden":
            known = _known_keys(model, parent)
            meant.update((*parent, name) for name in nearest(str(last), known))
            yield document.problem(
                keys, f"{inside}unknown key {shorten(last)!r}{did_you_mean(str(last), known)}", key=True
            )
        else:
            text = _words(kind, context, item["input"], _raw(document, keys), item["msg"])
            named = inside if in_key else f"{dotted(keys)}: " if keys else ""
            yield document.problem(keys, named + text, key=in_key)
    for keys in missing:
        if keys not in meant:  # else the misspelt key has been told
            inside = f"{dotted(keys[:-1])}: " if keys[:-1] else ""
            yield document.problem(keys[:-1], f"{inside}the key {keys[-1]!r} is missing", key=True)


def _follows(document: Document, kind: str, keys: tuple[Key, ...], context: Mapping[str, Any], value: object) -> bool:
    """Whether an error only follows from another one: keys or entries that were wrong are not counted by pydantic."""
    if kind == "missing":
        parent = document.node(keys[:-1])
        return parent is not None and parent.partial
    if kind == "too_short":
        node = document.node(keys)
        partial = node is not None and node.partial
        return partial or (isinstance(value, Sized) and len(value) >= context["min_length"])
    return False


def _raw(document: Document, keys: Sequence[Key]) -> str:
    node = document.node(keys)
    return node.raw if node is not None else ""


def _words(kind: str, context: Mapping[str, Any], value: object, raw: str, fallback: str) -> str:
    """A message in plain words for one of pydantic's error types."""
    text = _KINDS.get(kind) or fallback[:1].lower() + fallback[1:]
    if kind == "value_error":
        text = str(context["error"])
    elif kind == "literal_error":
        text = _literal(str(context["expected"]), value)
    elif kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        text = f"{shorten(value)!r}: {PATTERN_WORDS.get(pattern, f'must match {pattern}')}"
    elif kind == "string_type" and isinstance(value, int | float):
        text = f'must be a text; write "{shorten(raw, 40)}" in quotes'
    elif kind == "int_type" and isinstance(value, str) and value.isdecimal():
        text = "must be a whole number, not in quotes"
    elif kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        text = f"must be {words} {context[name]}"
    elif kind in _LENGTHS:
        words, name, unit = _LENGTHS[kind]
        count = context[name]
        text = f"must have at {words} {count} {unit[0] if count == 1 else unit[1]}"
    return text


def _literal(expected: str, value: object) -> str:
    names = [part.strip(" '") for part in expected.replace(" or ", ", ").split(",")]
    if not isinstance(value, str):
        return f"must be one of {', '.join(names)}"
    near = did_you_mean(value, names)
    known = "" if near.startswith("; known") else f" (known: {', '.join(names)})"
    return f"{shorten(value)!r} is not known here{near}{known}"


def _known_keys(model: type[BaseModel], keys: Sequence[Key]) -> list[str]:
    """The keys that the model at a path of keys takes."""
    at: Any = model
    for key in keys:
        if isinstance(at, type) and issubclass(at, BaseModel):
            named = (f.annotation for name, f in at.model_fields.items() if (f.alias or name) == key)
            at = next(named, None)
        else:
            at = next((a for a in reversed(get_args(at)) if a is not Ellipsis), None)
        at = _model_inside(at)
    if isinstance(at, type) and issubclass(at, BaseModel):
        return [f.alias or name for name, f in at.model_fields.items()]
    return []


def _model_inside(annotation: Any) -> Any:
    """`X | None` and Annotated[X, …] without what is around X."""
    if get_origin(annotation) is None or get_origin(annotation) in {dict, tuple}:
        return annotation
    return next((_model_inside(a) for a in get_args(annotation) if a is not type(None)), annotation)
