"""An apply configuration merged into an object, as server-side apply merges.

Values are never changed in place: what a patch leaves alone is the very same afterwards, which is how it is known what
was there before (`tracing.py`).

Source: sigs.k8s.io/structured-merge-diff v6 (typed/merge.go), and smd.go of
apiserver/pkg/admission/plugin/policy/mutating/patch, v1.35.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import paths
from kscan_lsp.kubernetes.merging import (
    ANYTHING,
    KEY_DEFAULTS,
    SCALARS,
    Listing,
    Structure,
    root_of,
    shape_of,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from kscan_lsp.kubernetes.merging import Shape
    from kscan_lsp.paths import Path


class PatchRefusedError(Exception):
    """The API server cannot apply a patch. Where it is `always` so, it refuses the object, whatever the policy says."""

    def __init__(self, message: str, *, always: bool = False) -> None:
        super().__init__(message)
        self.always = always


class PatchUnknownError(Exception):
    """Nobody can say here what a patch does, and why."""


def merged_with(data: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """An object with an apply configuration merged into it.

    Args:
        data: the object.
        patch: the fields that it is to have.

    Raises:
        PatchRefusedError: it cannot be merged.
        PatchUnknownError: nothing is known of the fields that it is about.
    """
    root = root_of(str(data.get("apiVersion", "")), str(data.get("kind", "")))
    about = {key: patch[key] for key in patch if key not in {"apiVersion", "kind"}}
    check_fields(root, about, ())
    if whole := next(_replaced_as_a_whole(root, about, ()), None):
        raise PatchRefusedError(
            f"an apply configuration may not set what is replaced as a whole: {paths.show(whole)}"
        )
    merged = _merge(root, data, about, ())
    return merged if isinstance(merged, dict) else data


_SCALAR_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "s": (str,), "n": (int, float), "b": (bool,), "u": (str, int, float, bool),
}  # fmt: skip


def check_fields(shape: Shape, value: Any, path: Path) -> None:
    """That a value has fields that there are, of the types that they have.

    Args:
        shape: what its place takes.
        value: the value.
        path: its place in the object.

    Raises:
        PatchRefusedError: it has others.
    """
    if value is None or shape == ANYTHING:
        return
    if isinstance(shape, str):
        fits = isinstance(value, _SCALAR_TYPES[shape]) and (shape in "bu" or not isinstance(value, bool))
        if not fits:
            raise PatchRefusedError(f"{paths.show(path)} must be {SCALARS[shape]}")
    elif isinstance(shape, Structure):
        if not isinstance(value, dict):
            raise PatchRefusedError(f"{paths.show(path)} must be a map")
        for key, inner in value.items():
            kind = shape.fields.get(key, shape.every)
            if not kind:
                raise PatchRefusedError(f"there is no field {paths.show((*path, key))}")
            check_fields(shape_of(kind), inner, (*path, key))
    else:
        if not isinstance(value, list):
            raise PatchRefusedError(f"{paths.show(path)} must be a list")
        entry = shape_of(shape.entry)
        for number, inner in enumerate(value):
            check_fields(entry, inner, (*path, number))
        if not shape.whole:
            _names(shape, value, path, twice=False)


def _replaced_as_a_whole(shape: Shape, value: Any, path: Path) -> Iterator[Path]:
    """Where a value sets what is replaced as a whole."""
    if isinstance(shape, Structure) and isinstance(value, dict):
        if shape.whole:
            yield path
        for key, inner in value.items():
            if key in shape.fields:
                yield from _replaced_as_a_whole(shape_of(shape.fields[key]), inner, (*path, key))
    elif isinstance(shape, Listing) and isinstance(value, list):
        if shape.whole:
            yield path
        for number, inner in enumerate(value):
            yield from _replaced_as_a_whole(shape_of(shape.entry), inner, (*path, number))


_ABSENT: Final = object()


def _merge(shape: Shape, there: Any, given: Any, path: Path) -> Any:
    """What becomes of a value; what is merged with nothing is what was there."""
    if given is None:
        return there
    if isinstance(shape, Structure) and not shape.whole:
        return _merged_maps(shape, there, given, path)
    if isinstance(shape, Listing) and not shape.whole:
        return _merged_lists(shape, there, given, path)
    if shape == ANYTHING:
        if isinstance(given, dict):
            return _merged_maps(Structure("", {}, ANYTHING), there, given, path)
        if isinstance(given, list):
            raise PatchUnknownError(
                f"nothing is known here of the list {paths.show(path)} and how it is merged"
            )
    return given


def _merged_maps(shape: Structure, there: Any, given: dict[str, Any], path: Path) -> Any:
    if not isinstance(there, dict):
        if there is not None and there is not _ABSENT:
            raise PatchRefusedError(f"{paths.show(path)} of the object is no map")
        there = {}
    found = dict(there)
    for key, value in given.items():
        kind = shape_of(shape.fields.get(key, shape.every) or ANYTHING)
        merged = _merge(kind, there.get(key, _ABSENT), value, (*path, key))
        if merged is not _ABSENT:
            found[key] = merged
    return found


def _merged_lists(shape: Listing, there: Any, given: list[Any], path: Path) -> Any:
    """Entries in an order that suits both: those of the object, and what is new where the patch has it."""
    if not isinstance(there, list):
        if there is not None and there is not _ABSENT:
            raise PatchRefusedError(f"{paths.show(path)} of the object is no list")
        there = []
    entry = shape_of(shape.entry)
    left, right = _names(shape, there, path, twice=True), _names(shape, given, path, twice=False)
    by_name = dict(zip(right, given, strict=True))
    was: dict[Hashable, Any] = {}
    for name, value in zip(left, there, strict=True):
        was[name] = _ABSENT if name in was else value  # what is there twice is merged with nothing
    shared = iter([name for name in right if name in was])
    upcoming = next(shared, None)
    found: list[Any] = []
    done: set[Hashable] = set()
    one = other = 0

    def take(name: Hashable) -> None:
        nonlocal other, upcoming
        done.add(name)
        found.append(_merge(entry, was.get(name, _ABSENT), by_name[name], (*path, len(found))))
        other += 1
        if name == upcoming:
            upcoming = next(shared, None)

    while one < len(left) or other < len(right):
        if one < len(left) and other < len(right):
            if left[one] == right[other]:
                one += 1
                take(right[other])
                continue
            if left[one] in by_name and upcoming is not None and upcoming != left[one]:
                one += 1  # it comes where the patch has it
                continue
        if one < len(left):
            if left[one] not in by_name:
                found.append(there[one])
                one += 1
                continue
            if left[one] in done:
                one += 1
        if other < len(right):
            take(right[other])
    return found


def _names(shape: Listing, items: list[Any], path: Path, *, twice: bool) -> list[Hashable]:
    """What tells the entries of a list apart."""
    found: list[Hashable] = []
    for number, item in enumerate(items):
        if not shape.keys:
            if isinstance(item, list | dict):
                raise PatchRefusedError(f"{paths.show((*path, number))} must be a scalar")
            found.append((type(item), item))
            continue
        if not isinstance(item, dict):
            raise PatchRefusedError(f"{paths.show((*path, number))} must be a map")
        name = tuple(item.get(key, KEY_DEFAULTS.get(key)) for key in shape.keys)
        if None in name or any(isinstance(part, list | dict) for part in name):
            missing = next(
                (k for k, part in zip(shape.keys, name, strict=True) if part is None), shape.keys[0]
            )
            raise PatchRefusedError(
                f"{paths.show((*path, number))} has no '{missing}', which tells it from others"
            )
        found.append(name)
    if not twice and len({*found}) != len(found):
        raise PatchRefusedError(f"{paths.show(path)} has two entries that nothing tells apart")
    return found
