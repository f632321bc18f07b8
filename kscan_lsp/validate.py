"""Text that must fit a pydantic model, with every misfit at its place.

Settings, controls and frameworks are all files that people write; one function reads them, so that all of them
give the same kind of error: what is wrong, where, and the nearest name that would be right.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from kscan_lsp.findings import Problem
from kscan_lsp.text import Span
from kscan_lsp.yaml import data

if TYPE_CHECKING:
    from kscan_lsp.documents import Document

M = TypeVar("M", bound=BaseModel)

_PLAIN = {
    "missing": "is missing",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
}


def validate(model: type[M], document: Document, code: str) -> tuple[M | None, tuple[Problem, ...]]:
    """Read a document into a model.

    Args:
        model: the pydantic model the document must fit.
        document: a document as read; its own problems come first, and a document that is not complete is not judged.
        code: the code that the problems get.

    Returns:
        The model's instance, or None where there are problems; and the problems, placed in the document.
    """
    problems = document.problems
    if not document.complete or any(p.fatal for p in problems):
        return None, problems
    try:
        return model.model_validate({} if document.data is None else document.data), problems
    except ValidationError as error:
        placed = [_problem(model, document, e["loc"], e["type"], e["msg"], code) for e in error.errors()]
        return None, (*problems, *dict.fromkeys(placed))


def place(document: Document, path: tuple[str | int, ...], *, on_key: bool = False) -> Span:
    """The span of what stands at a path, or of its nearest ancestor that is there."""
    if document.root is None:
        return Span(0, 0)
    found = data.nearest(document.root, path)
    if found.entry is not None and (on_key or found.depth < len(path)):
        return Span(found.entry.key.start, found.entry.key.end)
    end = document.text.find("\n", found.node.start, found.node.end)
    return Span(found.node.start, found.node.end if end < 0 else end)


def nearest_name(name: str, known: list[str]) -> str:
    """A sentence that proposes the nearest known name, or lists all of a few; empty where nothing fits."""
    if match := difflib.get_close_matches(name, known, n=1, cutoff=0.6):
        return f"; did you mean '{match[0]}'?"
    return f"; known are {', '.join(known)}" if len(known) <= 12 else ""


def _problem(
    model: type[BaseModel], document: Document, loc: tuple[Any, ...], kind: str, message: str, code: str
) -> Problem:
    path, tags = _path_of(document, loc)
    name = next((str(p) for p in reversed(path) if isinstance(p, str)), "this file")
    if kind == "extra_forbidden":
        text = f"unknown key '{name}'{nearest_name(name, _siblings(model, tags[:-1]))}"
        return Problem(place(document, path, on_key=True), text, code)
    if kind == "value_error":
        return Problem(place(document, path), message.removeprefix("Value error, "), code)
    said = _PLAIN.get(kind)
    text = f"'{name}' {said}" if said else f"'{name}': {message[:1].lower()}{message[1:]}"
    return Problem(place(document, path), text, code)


def _path_of(document: Document, loc: tuple[Any, ...]) -> tuple[tuple[str | int, ...], tuple[Any, ...]]:
    """Pydantic's location without the tags it inserts for unions: only what can be followed in the data."""
    path: list[str | int] = []
    here: Any = document.data
    for index, step in enumerate(loc):
        if isinstance(here, dict) and str(step) in here:
            path.append(str(step))
            here = here[str(step)]
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            path.append(step)
            here = here[step]
        elif index == len(loc) - 1:
            path.append(step)
    return tuple(path), loc


def _siblings(model: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """The keys a model allows at a location."""
    schema = model.model_json_schema()
    here: Any = schema
    for step in loc:
        here = _resolve(here, schema)
        options = [here, *here.get("anyOf", []), *here.get("oneOf", [])]
        for option in (_resolve(o, schema) for o in options):
            if isinstance(step, int) and "items" in option:
                here = option["items"]
                break
            if step in option.get("properties", {}):
                here = option["properties"][step]
                break
            if isinstance(option.get("additionalProperties"), dict):
                here = option["additionalProperties"]
                break
    here = _resolve(here, schema)
    options = [here, *(_resolve(o, schema) for o in [*here.get("anyOf", []), *here.get("oneOf", [])])]
    options += [_resolve(o["items"], schema) for o in options if "items" in o]
    return sorted({name for option in options for name in option.get("properties", {})})


def _resolve(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else part
