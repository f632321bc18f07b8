"""The parameters of a constraint by the schema of its template: their defaults, and what does not fit.

Left out: formats, patterns and bounds, which few templates have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.admission.model import PolicyFault
from kscan_lsp.text import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path

MAX_DEPTH: Final = 30
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,),
}  # fmt: skip
_ARTICLES: Final = {"object": "a map", "array": "a list", "string": "a text", "integer": "a whole number",
                    "number": "a number", "boolean": "true or false"}  # fmt: skip


def with_parameter_defaults(value: Any, schema: dict[str, Any], depth: int = 0) -> Any:
    """A value with the defaults of a schema, in the maps that are there."""
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, dict):
        fields, others = _map(schema.get("properties")), schema.get("additionalProperties")
        made = {
            key: with_parameter_defaults(
                one, _map(fields.get(key) or (others if key not in fields else None)), depth + 1
            )
            for key, one in value.items()
        }
        for name, field in fields.items():
            if made.get(name) is None and isinstance(field, dict) and field.get("default") is not None:
                made[name] = with_parameter_defaults(field["default"], field, depth + 1)
        return made
    if isinstance(value, list):
        items = _map(schema.get("items"))
        return [with_parameter_defaults(one, items, depth + 1) for one in value]
    return value


def misfits(
    value: Any, schema: dict[str, Any], path: Path, *, legacy: bool, depth: int = 0
) -> Iterator[PolicyFault]:
    """What of a value does not fit a schema.

    Args:
        value: the parameters, or a part of them.
        schema: theirs.
        path: of the value in the constraint.
        legacy: whether fields that the schema does not have are kept.
        depth: how deep it is in the parameters.
    """
    wanted = schema.get("type")
    if depth > MAX_DEPTH or (value is None and (schema.get("nullable") is True or depth > 0)):
        return
    known = _TYPES.get(wanted) if isinstance(wanted, str) else None
    if known and not _has_type(value, known) and not schema.get("x-kubernetes-int-or-string"):
        yield PolicyFault(path, f"'{path[-1]}' must be {_ARTICLES[str(wanted)]}, as its template says")
        return
    among = schema.get("enum")
    if isinstance(among, list) and among and value not in among:
        yield PolicyFault(path, f"'{path[-1]}' must be one of {', '.join(map(str, among[:10]))}")
    if isinstance(value, dict):
        yield from _fields(value, schema, path, legacy=legacy, depth=depth)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from misfits(
                one, _map(schema.get("items")), (*path, number), legacy=legacy, depth=depth + 1
            )


def _fields(
    value: dict[str, Any], schema: dict[str, Any], path: Path, *, legacy: bool, depth: int
) -> Iterator[PolicyFault]:
    fields, others = _map(schema.get("properties")), schema.get("additionalProperties")
    needed = schema.get("required")
    for name in needed if isinstance(needed, list) else ():
        if isinstance(name, str) and name not in value:
            yield PolicyFault(path, f"'{name}' is missing, which its template asks for")
    open_to_all = legacy or others or schema.get("x-kubernetes-preserve-unknown-fields") or not fields
    for name, one in value.items():
        if name in fields or open_to_all:
            inner = fields.get(name) if name in fields else others
            yield from misfits(one, _map(inner), (*path, name), legacy=legacy, depth=depth + 1)
            continue
        near = close_matches(name, list(fields), n=1, cutoff=0.6)
        meant = f"; did you mean '{near[0]}'?" if near else ""
        yield PolicyFault((*path, name), f"its template has no parameter '{name}'{meant}")


def _has_type(value: object, known: tuple[type, ...]) -> bool:
    return isinstance(value, known) and (isinstance(value, bool) == (known == (bool,)))


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
