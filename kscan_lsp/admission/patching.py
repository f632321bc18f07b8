"""A JSON patch made in an object, as the API server makes it.

As in `applying.py`, what a patch leaves alone is the very same afterwards.

Source: gopkg.in/evanphx/json-patch.v4, whose habits with paths are those of the API server, and json_patch.go of
apiserver/pkg/admission/plugin/policy/mutating/patch, v1.35.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import paths
from kscan_lsp.admission.applying import PatchRefusedError, PatchUnknownError, check_fields
from kscan_lsp.admission.reads import is_same
from kscan_lsp.kubernetes.merging import ANYTHING, Listing, Structure, root_of, shape_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kscan_lsp.kubernetes.merging import Shape

_INDEX: Final = regex(r"[+-]?[0-9]{1,9}")
_TEST_FAILED: Final = object()
MAX_OPERATIONS: Final = 1_000
"""Operations of one JSON patch that are done."""


def patched_by(data: dict[str, Any], operations: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """An object with a JSON patch made in it; as it was where one of its tests fails.

    Args:
        data: the object.
        operations: with `op`, `path`, `from` and `value`.

    Raises:
        PatchRefusedError: an operation cannot be done, or leaves what the API server cannot read.
        PatchUnknownError: there are too many of them.
    """
    here: Any = data
    root = root_of(str(data.get("apiVersion", "")), str(data.get("kind", "")))
    for number, operation in enumerate(operations):
        if number >= MAX_OPERATIONS:
            raise PatchUnknownError(f"more than {MAX_OPERATIONS:,} operations are not done here")
        done = _operated(here, operation)
        if done is _TEST_FAILED:
            return data
        here = done
        if operation.get("op") in {"add", "replace", "copy", "move"}:
            _check_at(root, here, str(operation["path"]))
    if not isinstance(here, dict):
        raise PatchRefusedError("the patch leaves no object", always=True)
    return here


def _check_at(root: Structure, data: Any, pointer: str) -> None:
    """That what a patch has written is of a type that its place takes: the API server reads it strictly."""
    shape: Shape = root
    here: Any = data
    path: list[str | int] = []
    for key in _keys(pointer):
        if isinstance(here, list):
            number = len(here) - 1 if key == "-" else int(key) % len(here)
            here, shape = here[number], shape_of(shape.entry) if isinstance(shape, Listing) else ANYTHING
            path.append(number)
        else:
            kind = (shape.fields.get(key, shape.every) or "") if isinstance(shape, Structure) else ANYTHING
            if not kind:
                raise PatchRefusedError(f"there is no field {paths.show((*path, key))}", always=True)
            here, shape = here.get(key), shape_of(kind)
            path.append(key)
    try:
        check_fields(shape, here, tuple(path))
    except PatchRefusedError as error:
        raise PatchRefusedError(str(error), always=True) from None


def _operated(data: Any, operation: dict[str, Any]) -> Any:
    """What one operation leaves; `_TEST_FAILED` where it is a test that fails."""
    kind, path = operation.get("op", ""), str(operation.get("path", ""))
    value, origin = operation.get("value"), str(operation.get("from", ""))
    match kind:
        case "add":
            return _changed(data, path, lambda there, key: _added(there, key, value, path))
        case "remove":
            return _changed(data, path, lambda there, key: _removed(there, key, path))
        case "replace":
            return (
                value
                if path == ""
                else _changed(data, path, lambda there, key: _set(there, key, value, path))
            )
        case "move" | "copy":
            moved = _get(*_found(data, origin), origin)
            left = data
            if kind == "move":
                left = _changed(data, origin, lambda there, key: _removed(there, key, origin))
            return _changed(left, path, lambda there, key: _added(there, key, moved, path))
        case "test":
            there = data if path == "" else _get(*_found(data, path), path)
            return data if is_same(there, value) else _TEST_FAILED
    raise PatchRefusedError(f"there is no operation '{kind}' of JSON patches")


def _keys(pointer: str) -> list[str]:
    """The keys of a JSON pointer; what stands before its first `/` counts for nothing."""
    return [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]


def _found(data: Any, pointer: str) -> tuple[Any, str]:
    """The map or list that a pointer leads into, and its last key."""
    keys = _keys(pointer)
    here = data
    for key in keys[:-1]:
        here = _get(here, key, pointer)
    if not keys or not isinstance(here, dict | list):
        raise PatchRefusedError(f"there is no '{pointer}' in the object")
    return here, keys[-1]


def _changed(data: Any, pointer: str, change: Callable[[Any, str], Any]) -> Any:
    """The data with the map or list that a pointer leads into changed."""
    _found(data, pointer)

    def within(here: Any, keys: list[str]) -> Any:
        if len(keys) == 1:
            return change(here, keys[0])
        inner = within(_get(here, keys[0], pointer), keys[1:])
        return _set(here, keys[0], inner, pointer)

    return within(data, _keys(pointer))


def _get(there: Any, key: str, pointer: str) -> Any:
    if isinstance(there, dict):
        return there.get(key)
    if isinstance(there, list):
        return there[_index(key, len(there), pointer)]
    raise PatchRefusedError(f"there is no '{pointer}' in the object")


def _set(there: Any, key: str, value: Any, pointer: str) -> Any:
    if isinstance(there, dict):
        return {**there, key: value}
    number = _index(key, len(there), pointer)
    return [*there[:number], value, *there[number + 1 :]]


def _added(there: Any, key: str, value: Any, pointer: str) -> Any:
    if isinstance(there, dict):
        return {**there, key: value}
    number = len(there) if key == "-" else _index(key, len(there) + 1, pointer)
    return [*there[:number], value, *there[number:]]


def _removed(there: Any, key: str, pointer: str) -> Any:
    if isinstance(there, dict):
        if key not in there:
            raise PatchRefusedError(f"there is no '{pointer}' in the object to remove")
        return {name: value for name, value in there.items() if name != key}
    number = _index(key, len(there), pointer)
    return [*there[:number], *there[number + 1 :]]


def _index(key: str, count: int, pointer: str) -> int:
    number = int(key) if _INDEX.fullmatch(key) else count
    if not -count <= number < count:
        raise PatchRefusedError(f"'{key}' in '{pointer}' is no place in that list")
    return number + count if number < 0 else number
