"""Text that must fit a pydantic model, with every error at its place.

Settings, controls and frameworks are all files that people write; one function reads them, so that all of
them give the same kind of error: what is wrong, where, and the nearest name that would be right.
"""

from __future__ import annotations

import copy
import difflib
import re
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from kscan_lsp.findings import MAX_PROBLEMS, Problem
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import read_document, split
from kscan_lsp.yaml.layout import line_end
from kscan_lsp.yaml.locate import span_at
from kscan_lsp.yaml.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections import abc

    from kscan_lsp.yaml.document import Document

M = TypeVar("M", bound=BaseModel)


_PLAIN = {
    "missing": "is missing",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
}


def validate(model: type[M], document: Document, code: str) -> tuple[M | None, tuple[Problem, ...]]:
    """Read a document into a model.

    Args:
        model: the pydantic model the document must fit.
        document: a document as read; its own problems come first, and a document that is not complete is not
            judged.
        code: the code that the problems get.

    Returns:
        The model's instance, or None where there are problems; and the problems, placed in the document.
    """
    problems = document.problems
    if several := _second_document(document):
        message = "a file holds one document; put what follows into a file of its own"
        return None, (Problem(several, message, code, fatal=True),)
    if not document.complete or any(p.fatal for p in problems):
        return None, problems
    if tagged := _tagged(document):
        message = "what begins with '!' is a tag in YAML and means nothing here; put the text into quotes"
        return None, (*problems, Problem(tagged, message, code, fatal=True))
    try:
        return model.model_validate({} if document.data is None else document.data), problems
    except ValidationError as error:
        # each is looked up in the model and in the text: of more than are listed nobody looks at the last ones
        first = _without_echoes(error.errors())[: MAX_PROBLEMS + 1]
        placed = [_problem(model, document, e, code) for e in first]
        return None, (*problems, *dict.fromkeys(placed))


def _second_document(document: Document) -> Span | None:
    """The separator in front of a second document, which nobody would read."""
    at, found = 0, 0
    pieces = [] if document.json else [*split(document.text)]
    for piece in pieces if len(pieces) > 1 else []:
        found += read_document(piece).data is not None
        if found > 1:
            return Span(at, at + 3)
        at += len(piece)
    return None


def _tagged(document: Document) -> Span | None:
    """A tag of nobody's, as an expression that begins with '!' has it."""
    waiting = [document.root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            waiting += (part for entry in reversed(node.entries) for part in (entry.value, entry.key))
        elif isinstance(node, Sequence):
            waiting += reversed(node.items)
        if isinstance(node, Scalar | Mapping | Sequence) and (node.tag or "").startswith("!"):
            return Span(node.props, line_end(document.text, node.props))
    return None


def without_errors(model: type[M], document: Document) -> M:
    """A model of what is right in a document that does not fit: each error is taken out, and nothing else.

    The model must have a default for everything at its top.
    """
    value = copy.deepcopy(document.data) if isinstance(document.data, dict) else {}
    while value:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            wrong = {_path_of(value, e["loc"]) for e in error.errors()}
            for path in sorted(
                wrong, reverse=True
            ):  # what is deeper or further back first: the other paths still hold
                _take_out(value, path)
    return model()


def _without_echoes(errors: abc.Sequence[abc.Mapping[str, Any]]) -> list[abc.Mapping[str, Any]]:
    """The errors without keys that are only missing because they are there with a typo."""
    unknown = [error["loc"] for error in errors if error["type"] == "extra_forbidden"]
    return [
        error
        for error in errors
        if error["type"] != "missing"
        or not any(
            error["loc"][:-1] == loc[:-1] and difflib.get_close_matches(str(loc[-1]), [str(error["loc"][-1])])
            for loc in unknown
        )
    ]


def _problem(model: type[BaseModel], document: Document, error: abc.Mapping[str, Any], code: str) -> Problem:
    loc, kind = error["loc"], error["type"]
    path = _path_of(document.data, loc)
    if kind == "missing":
        path = (*path, loc[-1])
    name = next((f"'{p}'" for p in reversed(path) if isinstance(p, str)), "this file")
    if path and isinstance(path[-1], int):
        name = f"each entry of {name}"
    if kind == "extra_forbidden":
        text = f"unknown key {name}{nearest_name(str(loc[-1]), _siblings(model, loc[:-1]))}"
        return Problem(span_at(document, path, on_key=True), text, code)
    text = complaint(error)
    if kind == "value_error" and not (
        text.startswith("must ") and isinstance(error["input"], str | int | float)
    ):
        return Problem(span_at(document, path), text, code)
    if kind == "literal_error" and any(shape.get("type") == "array" for shape in shapes(model, loc)):
        text += ", or a list"
    return Problem(span_at(document, path), f"{name} {text}", code)


def complaint(error: abc.Mapping[str, Any]) -> str:
    """What pydantic has to say about a value, in our words."""
    if error["type"] == "string_type" and isinstance(error["input"], bool | int | float):
        return "must be a string; quote it"
    text = _PLAIN.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    return re.sub(r"^(Input|String) should", "must", text)


def _path_of(root: object, loc: tuple[Any, ...]) -> tuple[str | int, ...]:
    """Pydantic's location without the tags it inserts for unions: only what is there in the data."""
    data: Any = root
    path: list[str | int] = []
    for step in loc:
        index = isinstance(data, list) and isinstance(step, int) and step < len(data)
        if index or (isinstance(data, dict) and step in data):
            data = data[step]
            path.append(step)
    return tuple(path)


def _take_out(value: dict[str, Any], path: tuple[str | int, ...]) -> None:
    here: Any = value
    for step in path[:-1]:
        here = here[step]
    if path:
        del here[path[-1]]
    else:
        value.clear()


def _siblings(model: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """The keys a model allows at a location, or in a list there."""
    found = [*shapes(model, loc), *shapes(model, (*loc, 0))]
    return sorted({name for shape in found for name in shape.get("properties", {})})


def shapes(model: type[BaseModel], loc: tuple[Any, ...]) -> list[dict[str, Any]]:
    """What a model allows at a location, as JSON schemas: several where there is a choice.

    A step that leads nowhere is passed over: pydantic names the options of unions, which are not in the data.
    """
    schema = model.model_json_schema()
    found = _choices(schema, schema)
    for step in loc:
        inner = [choice for part in _inside(found, step) for choice in _choices(part, schema)]
        found = inner or found
    return found


def _choices(part: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    reference = part.get("$ref")
    whole = schema["$defs"][reference.rpartition("/")[2]] if reference else part
    options = [*whole.get("anyOf", []), *whole.get("oneOf", [])]
    return [whole, *(choice for option in options for choice in _choices(option, schema))]


def _inside(found: list[dict[str, Any]], step: str | int) -> list[dict[str, Any]]:
    if isinstance(step, int):
        return [shape["items"] for shape in found if "items" in shape]
    values = (shape.get("properties", {}).get(step, shape.get("additionalProperties")) for shape in found)
    return [value for value in values if isinstance(value, dict)]
