"""Where a manifest has a value of the wrong type.

A control that reads `securityContext.privileged` must not call a manifest clean because the value is the
string "yes", or the parent a list. The API server refuses such an object, so no verdict about it means
anything: the engine reports the place, and counts what would have passed as not evaluated. One table (`schema.py`)
says it for every control, which keeps type tests out of the controls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.kubernetes.schema import BOOL, EVERY, INT, INT_OR_STR, QUANTITY, STR

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.kubernetes.schema import Fields
    from kscan_lsp.paths import Path

MAX_TYPE_ERRORS: Final = 20
"""How many of one object are reported."""

_CHECKS: Final[dict[str, Callable[[Any], bool]]] = {
    STR: lambda v: isinstance(v, str),
    INT: lambda v: isinstance(v, int) and not isinstance(v, bool),
    BOOL: lambda v: isinstance(v, bool),
    QUANTITY: lambda v: isinstance(v, str | int | float) and not isinstance(v, bool),
    INT_OR_STR: lambda v: isinstance(v, str | int) and not isinstance(v, bool),
}


def type_errors(fields: Fields, data: dict[str, Any]) -> list[tuple[Path, str]]:
    """Fields of an object whose value has a type that the API server refuses.

    Args:
        fields: what is known about its kind (`pod_templates.fields_of`).
        data: the object as plain values.

    Returns: (path, message) of each, outermost first: nothing is looked at inside a value of the wrong type.
        Null is never wrong: Kubernetes treats it as absent. At most `MAX_TYPE_ERRORS`.
    """
    found: list[tuple[Path, str]] = []
    _compare(data, fields, (), found)
    return found


def _compare(value: Any, expected: Any, path: Path, found: list[tuple[Path, str]]) -> None:
    if value is None or len(found) >= MAX_TYPE_ERRORS:
        return
    if isinstance(expected, str):
        if not _CHECKS[expected](value):
            found.append((path, _message(path, expected, value)))
    elif isinstance(expected, tuple) and expected[0] == EVERY and isinstance(value, list):
        _compare(value, [expected[1]], path, found)
    elif isinstance(expected, list):
        if isinstance(value, list):
            for index, item in enumerate(value):
                if item is not None:
                    _compare(item, expected[0], (*path, index), found)
                elif len(found) < MAX_TYPE_ERRORS:
                    found.append(((*path, index), _message((*path, index), _noun(expected[0]), None)))
        else:
            found.append((path, _message(path, "a list", value)))
    elif not isinstance(value, dict):
        found.append((path, _message(path, "a mapping", value)))
    elif isinstance(expected, tuple):
        for key, item in value.items():
            _compare(item, expected[1], (*path, key), found)
    else:
        for key, item in value.items():
            if item is not None and (field := expected.get(key)) is not None:
                _compare(item, field, (*path, key), found)


def _noun(expected: Any) -> str:
    if isinstance(expected, str):
        return expected
    return "a list" if isinstance(expected, list) else "a mapping"


def _message(path: Path, expected: str, value: Any) -> str:
    names = [part for part in path if isinstance(part, str)]
    where = f"'{names[-1]}'" if names else "the object"
    if path and isinstance(path[-1], int):
        where = f"item {path[-1] + 1} of {where}"
    hint = "; quote it" if expected == STR and isinstance(value, bool | int | float) else ""
    return f"{where} must be {expected}, not {_kind_of(value)}, and Kubernetes refuses anything else{hint}"


def _kind_of(value: Any) -> str:
    """Names the type only: the value itself may be a secret."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "a mapping"
