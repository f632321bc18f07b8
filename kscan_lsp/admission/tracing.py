"""Where what an object has after mutations comes from: which of it stands in its text, and which policy did the rest.

Each mutation leaves an object before and one after. From the last back to the first, a key leads to the same key, an
entry of a list to the one that it was: the very same value, else the one with the same name, else what is left over at
the same place. What leads nowhere was added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kscan_lsp import paths
from kscan_lsp.admission.reads import is_same

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from kscan_lsp.graph.index import Object
    from kscan_lsp.paths import Path


class MutationStep(NamedTuple):
    """One mutation that changed something."""

    policy: Object
    place: Path
    """Of the mutation in the policy."""
    before: dict[str, Any]
    after: dict[str, Any]


class Traced(NamedTuple):
    """Where a path of the object as it became comes from."""

    path: Path
    """In the object as it is written: all of it, or the nearest ancestor that is there."""
    whole: bool
    """Whether the value at it was not added."""
    by: MutationStep | None = None
    """What added it, or set it last."""


class Trace:
    """The mutations of one object, in their order."""

    def __init__(self, steps: tuple[MutationStep, ...]) -> None:
        self.steps = steps
        self._origins: dict[tuple[int, int], list[int | None]] = {}
        self._traced: dict[Path, Traced] = {}

    def __reduce__(self) -> tuple[type[Trace], tuple[tuple[MutationStep, ...]]]:
        # what is remembered goes by addresses, which are others in another process
        return Trace, (self.steps,)

    def of(self, path: Path) -> Traced:
        """Where what is at a path of the object comes from."""
        known = self._traced.get(path)
        if known is None:
            known = self._traced[path] = self._of(path)
        return known

    def _of(self, path: Path) -> Traced:
        # what is missing is missing in the text, too, unless what it is missing from is an entry that was added
        missing = bool(self.steps) and paths.lookup(self.steps[-1].after, path) is None
        whole, by = True, None
        for step in reversed(self.steps):
            back, there, changed = self._back(step, path, missing=missing)
            if not there:
                whole, by = False, step
            elif changed and by is None:
                by = step
            path = back
        return Traced(path, whole, by)

    def written(self, path: Path) -> tuple[Path, bool]:
        """The path in the text of what is at a path of the object, and whether it is there (`locate.FieldOrigin`)."""
        traced = self.of(path)
        return traced.path, traced.whole

    def answering(self, path: Path) -> MutationStep | None:
        """The last mutation that touched what is at a path of the text; None where nobody knows."""
        found = None
        here: Path | None = path
        for step in self.steps:
            here, touched = self._forth(step, here)
            found = step if touched else found
            if here is None:
                break
        return found

    def _back(self, step: MutationStep, path: Path, *, missing: bool) -> tuple[Path, bool, bool]:
        """A path before a mutation, or its nearest ancestor there; whether it was all there, and whether it changed."""
        before: Any = step.before
        after: Any = step.after
        found: list[str | int] = []
        for number, part in enumerate(path):
            rest = path[number:]
            if before is after:
                return (*found, *rest), True, False
            if isinstance(part, int):
                items = after if isinstance(after, list) else []
                origin = self._origin(before, items)[part] if part < len(items) else None
                if origin is None:
                    return tuple(found), part >= len(items), part < len(items)
                before, after = before[origin], after[part]
                found.append(origin)
                continue
            had, has = _has(before, part), _has(after, part)
            if not had and (not has or (missing and not _leads_through_list(after, rest))):
                return (*found, *rest), True, False
            if not (had and has):
                return (*found, *rest) if had else tuple(found), had, True
            before, after = before[part], after[part]
            found.append(part)
        return tuple(found), True, not is_same(before, after)

    def _forth(self, step: MutationStep, path: Path | None) -> tuple[Path | None, bool]:
        """A path after a mutation, None for what was taken out; and whether it touched what is there."""
        before: Any = step.before
        after: Any = step.after
        found: list[str | int] = []
        for number, part in enumerate(path or ()):
            if before is after:
                return (*found, *(path or ())[number:]), False
            if isinstance(part, int):
                if not isinstance(before, list) or not isinstance(after, list):
                    return None, True
                kept = self._origin(before, after)
                if part not in kept:
                    return None, True
                before, after = before[part], after[kept.index(part)]
                found.append(kept.index(part))
                continue
            found.append(part)
            before = before.get(part) if isinstance(before, dict) else None
            after = after.get(part) if isinstance(after, dict) else None
        return tuple(found), not is_same(before, after)

    def _origin(self, before: Any, after: list[Any]) -> list[int | None]:
        if not isinstance(before, list):
            return [None] * len(after)
        key = id(before), id(after)
        if key not in self._origins:
            self._origins[key] = origins(before, after)
        return self._origins[key]


def _leads_through_list(value: Any, path: Path) -> bool:
    """Whether a list is on the way that a path with an index in it leads."""
    index = next((n for n, part in enumerate(path) if isinstance(part, int)), None)
    return index is not None and isinstance(paths.lookup(value, path[:index]), list)


def _has(value: Any, key: str) -> bool:
    return isinstance(value, dict) and value.get(key) is not None


def origins(before: list[Any], after: list[Any]) -> list[int | None]:
    """Which entry of a list each entry of what became of it was; None for one that is new."""
    found: list[int | None] = [None] * len(after)
    left = dict.fromkeys(range(len(before)))

    def pair(name: Callable[[list[Any], int], Hashable | None]) -> None:
        known: dict[Hashable, list[int]] = {}
        for number in left:
            known.setdefault(name(before, number), []).append(number)
        for number, item in enumerate(found):
            one = name(after, number) if item is None else None
            if one is not None and known.get(one):
                found[number] = known[one].pop(0)
                del left[found[number]]  # type: ignore[arg-type]

    pair(lambda items, n: id(items[n]) if isinstance(items[n], dict | list) else None)
    pair(lambda items, n: paths.merge_key("", items, n))
    pair(lambda items, n: None if isinstance(items[n], dict | list) else (type(items[n]), items[n]))
    rest = [number for number, item in enumerate(found) if item is None]
    if len(before) == len(after):
        for number in rest:
            if number in left and not _named(before, after, number):
                found[number] = number
    return found


def _named(before: list[Any], after: list[Any], number: int) -> bool:
    """Whether both entries at a place have names, which are different ones."""
    return None not in (paths.merge_key("", before, number), paths.merge_key("", after, number))


def without_defaults(written: Any, filled: Any, now: Any) -> Any:
    """A value after a mutation, without what the API server had filled in before it and nothing changed.

    Args:
        written: the value before.
        filled: the same with what the API server fills in.
        now: what a mutation made of that.
    """
    if now is filled or is_same(now, filled):
        return written
    if isinstance(now, dict) and isinstance(filled, dict):
        given = written if isinstance(written, dict) else {}
        found = {}
        for key, value in now.items():
            if key in given:
                found[key] = without_defaults(given[key], filled.get(key), value)
            elif key not in filled:
                found[key] = value
            elif not is_same(value, filled[key]):
                found[key] = without_defaults({}, filled[key], value)
        return found
    if isinstance(now, list) and isinstance(filled, list) and isinstance(written, list):
        if len(written) != len(filled):
            return now
        return [
            value if origin is None else without_defaults(written[origin], filled[origin], value)
            for value, origin in zip(now, origins(filled, now), strict=True)
        ]
    return now
