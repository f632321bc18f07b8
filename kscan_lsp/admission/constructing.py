"""Expressions that make objects, `Object.spec{replicas: 2}` and `JSONPatch{op: "remove", ...}`, for our runtime.

It has no values of such types. So an expression is written in two ways: as one that says to the compiler what it gives
(`kscan_object({...})`), and as one that makes maps, each with the name of its type under `TYPE`, which is what is
evaluated. That an object inside of another has the type of its place is checked on what came out, as in the API server.

Source: apiserver/pkg/cel/mutation and apiserver/pkg/admission/plugin/policy/mutating/patch, v1.35.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.admission.expressions import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.admission.expressions import Part

TYPE: Final = "kscan:type"
"""Where a map says which object it is."""
OBJECT: Final = "Object"
PATCH: Final = "JSONPatch"
PATCH_FIELDS: Final = frozenset({"op", "path", "from", "value"})
_TEXTS: Final = PATCH_FIELDS - {"value"}
_MAKING: Final = {OBJECT: "kscan_object", PATCH: "kscan_patch"}


class ConstructionError(Exception):
    """What is wrong with an object in an expression, and where in its source."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class Rewritten(Struct, frozen=True):
    """An expression as the runtime takes it, and where each piece of it comes from."""

    text: str
    pieces: tuple[tuple[int, int, int], ...]
    """Where a piece begins in it and in the source, and how many characters of the source it has; 0 of what is new."""

    def offset_in_source(self, offset: int) -> int:
        """Where in the source something in the text stands."""
        found = 0
        for start, origin, length in self.pieces:
            if start > offset:
                break
            found = origin + min(offset - start, max(length - 1, 0))
        return found


def rewritten(source: str, *, checking: bool) -> Rewritten:
    """An expression without objects of types that only the API server has.

    Args:
        source: the expression. What cannot be taken apart stays as it is: the compiler says what is wrong with it.
        checking: for the compiler alone, to which objects have types; else for evaluation.

    Raises:
        ConstructionError: an object has a type that there is none of, or a field.
    """
    part = parts_of(source)
    pieces = [] if part is None else [*_around(part, source, checking=checking)]
    text, placed, at = [], [], 0
    for piece, origin, length in pieces or [(source, 0, len(source))]:
        text.append(piece)
        placed.append((at, origin, length))
        at += len(piece)
    return Rewritten("".join(text), tuple(placed))


_Piece = tuple[str, int, int]


def _around(part: Part, source: str, *, checking: bool) -> Iterator[_Piece]:
    """All of a source, whose one part is taken apart already."""
    yield source[: part.start], 0, part.start
    yield from _pieces(part, source, checking=checking)
    yield source[part.end :], part.end, len(source) - part.end


def _pieces(part: Part, source: str, *, checking: bool) -> Iterator[_Piece]:
    if part.kind == "object":
        yield from _made(part, source, checking=checking)
        return
    at = part.start
    for inner in part.parts:
        yield source[at : inner.start], at, inner.start - at
        yield from _pieces(inner, source, checking=checking)
        at = inner.end
    yield source[at : part.end], at, part.end - at


def _made(part: Part, source: str, *, checking: bool) -> Iterator[_Piece]:
    """An object, as a map of its fields."""
    root = part.name.partition(".")[0]
    if root != OBJECT and part.name != PATCH:
        raise ConstructionError(
            f"there is no type '{part.name}': {OBJECT}, its fields, and {PATCH} are", part.start
        )
    yield f"{_MAKING.get(part.name, 'dyn')}(" if checking else "(", part.start, 0
    yield "{" if checking else f"{{{json.dumps(TYPE)}: dyn({json.dumps(part.name)}), ", part.start, 0
    for field, value in zip(part.parts[::2], part.parts[1::2], strict=True):
        name = field.name.removeprefix("?")
        if part.name == PATCH and name not in PATCH_FIELDS:
            raise ConstructionError(
                f"{PATCH} has no field '{name}': it has op, path, from and value", field.start
            )
        yield f"{'?' if name != field.name else ''}{json.dumps(name)}: ", field.start, 0
        texts = checking and part.name == PATCH and name in _TEXTS and name == field.name
        # one of another type is refused where it is added to a text
        yield '""+(' if texts else "(", value.start, 0
        yield from _pieces(value, source, checking=checking)
        yield "), ", value.end - 1, 0
    yield "})", part.end - 1, 0


def type_mismatch(value: Any, place: str) -> str:
    """The first object in a value whose type is not that of its place, in words; empty where all are as they should.

    Args:
        value: what an expression gave.
        place: the type that belongs there.
    """
    if isinstance(value, list):
        return next(filter(None, (type_mismatch(one, place) for one in value)), "")
    if not isinstance(value, dict):
        return ""
    known = value.get(TYPE)
    if known is None:
        return next(filter(None, (type_mismatch(one, place) for one in value.values())), "")
    if known != place:
        return f"there is an object of type '{known}' where '{place}' belongs"
    return next(
        filter(None, (type_mismatch(one, f"{place}.{key}") for key, one in value.items() if key != TYPE)), ""
    )


def plain(value: Any) -> Any:
    """A value as JSON has it: objects without what says their types, and whole numbers as such."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key != TYPE}
    return int(value) if isinstance(value, float) and value.is_integer() else value
