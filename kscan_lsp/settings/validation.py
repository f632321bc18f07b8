"""Text that must fit a model, with every error at its place.

Settings, controls and frameworks are all files that people write; one function reads them, so that all of
them give the same kind of error: what is wrong, where, and the nearest name that would be right.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

from kscan_lsp.findings import MAX_PROBLEMS, Problem
from kscan_lsp.settings.shape import Model, fitting
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.text import Span, close_matches
from kscan_lsp.yaml.document import read_document, split
from kscan_lsp.yaml.layout import line_end
from kscan_lsp.yaml.locate import span_at
from kscan_lsp.yaml.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections import abc

    from kscan_lsp.paths import Path
    from kscan_lsp.settings.shape import Misfit
    from kscan_lsp.yaml.document import Document

M = TypeVar("M", bound=Model)


def validate(model: type[M], document: Document, code: str) -> tuple[M | None, tuple[Problem, ...]]:
    """Read a document into a model.

    Args:
        model: the model the document must fit.
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
    found, misfits = fitting(model, {} if document.data is None else document.data)
    # each is looked up in the text: of more than are listed nobody looks at the last ones
    first = _without_echoes(misfits)[: MAX_PROBLEMS + 1]
    return found, (*problems, *dict.fromkeys([_problem(document, one, code) for one in first]))


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
        found, misfits = fitting(model, value)
        if found is not None:
            return found
        # what is deeper or further back first: the other paths still hold
        for path in sorted({_path_in(value, one.path) for one in misfits}, reverse=True):
            _take_out(value, path)
    return model()


def _without_echoes(misfits: abc.Sequence[Misfit]) -> list[Misfit]:
    """The errors without keys that are only missing because they are there with a typo."""
    unknown = [one for one in misfits if one.kind == "unknown"]
    return [
        one
        for one in misfits
        if one.kind != "missing"
        or not any(one.path == other.path[:-1] and close_matches(other.text, [one.text]) for other in unknown)
    ]


def _problem(document: Document, misfit: Misfit, code: str) -> Problem:
    path = _path_in(document.data, misfit.path)
    if misfit.kind == "missing":
        key = misfit.text
        beside = _path_in(document.data, (*path, key))  # the key may be there, without a value
        return Problem(span_at(document, (*beside, key)), f"'{key}' is missing", code)
    if misfit.kind == "unknown":
        text = f"unknown key '{misfit.text}'{nearest_name(misfit.text, [*misfit.known])}"
        return Problem(span_at(document, path, on_key=True), text, code)
    if misfit.kind == "said" and not (
        misfit.text.startswith("must ") and isinstance(misfit.value, str | int | float)
    ):
        return Problem(span_at(document, path), misfit.text, code)
    name = next((f"'{p}'" for p in reversed(path) if isinstance(p, str)), "this file")
    if path and isinstance(path[-1], int):
        name = f"each entry of {name}"
    return Problem(span_at(document, path), f"{name} {misfit.text}", code)


def in_words(misfit: Misfit) -> str:
    """What is wrong with data that has no text to point into: where, and what."""
    where = ".".join(map(str, misfit.path))
    if misfit.kind == "missing":
        return f"{where}.{misfit.text} is missing"
    if misfit.kind == "unknown":
        return f"{where}: unknown key{nearest_name(misfit.text, [*misfit.known])}"
    return f"{where}{' ' if misfit.text.startswith('must ') else ': '}{misfit.text}"


def _path_in(root: object, path: Path) -> Path:
    """What of a path there is in data: a value that stands for a list of one is no entry."""
    data: Any = root
    found: list[str | int] = []
    for step in path:
        index = isinstance(data, list) and isinstance(step, int) and step < len(data)
        if index or (isinstance(data, dict) and step in data):
            data = data[step]
            found.append(step)
    return tuple(found)


def _take_out(value: dict[str, Any], path: tuple[str | int, ...]) -> None:
    here: Any = value
    for step in path[:-1]:
        here = here[step]
    if path:
        del here[path[-1]]
    else:
        value.clear()
