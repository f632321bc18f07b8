"""An object against a pattern, with anchors, and the fields because of which it is not what the pattern says.

Order and outcome are those of Kyverno: of a map the anchors come first, by name, then what has anchors inside, then the
rest, and the first that fails decides. Of a list every element that fails is named.

Source: pkg/engine/validate and pkg/engine/anchor.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.kyverno.budget import MAX_DEPTH, OverBudget
from kscan_lsp.kyverno.leaves import leaf_matches
from kscan_lsp.kyverno.scalars import has_wildcards, wild_match
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from kscan_lsp.kyverno.budget import Budget
    from kscan_lsp.paths import Path

_ANCHOR: Final = regex(r"([+<=X^])?\((.+)\)")
Orders = dict[int, tuple[list[str], list[str]]]
"""By the identity of a map of a pattern that is kept, its keys with anchors, and the others."""
_FIRST: Final = frozenset({"", "^", "=", "X"})
"""The anchors that are looked at before anything else of a map; those of the whole rule, `<`, come with the rest."""
MAX_PLACES: Final = 20


class Anchored(NamedTuple):
    """A key of a pattern: what kind of anchor it is, None for none, and the key that it is about."""

    kind: str | None
    key: str


class Mismatch(NamedTuple):
    """Why an object is not what a pattern says: the rule fails, or says nothing of it."""

    skips: bool
    paths: tuple[Path, ...]
    direct: bool = False
    """Whether a condition of the very map is not met, rather than one of something in it."""


@lru_cache(maxsize=4_096)
def anchor_of(key: str) -> Anchored:
    """What a key of a pattern says."""
    found = _ANCHOR.fullmatch(key.strip())
    return Anchored(found[1] or "", found[2]) if found else Anchored(None, key)


def mismatch_of(value: Any, pattern: Any, budget: Budget, orders: Orders | None = None) -> Mismatch | None:
    """Why a value is not what a pattern says; None where it is.

    Args:
        value: an object, or part of one.
        pattern: the pattern, with the values of its variables in place.
        budget: what that may take.
        orders: in which order its keys are looked at, as far as that is known.

    Raises:
        OverBudget: that takes too much work.
    """
    return _Matching(budget, orders or {}).element(value, pattern, (), 0)


def orders_of(*patterns: Any) -> Orders:
    """In which order the keys of all maps of some patterns are looked at, by the identity of these."""
    found: Orders = {}
    left = [(one, 0) for one in patterns]
    while left:
        one, depth = left.pop()
        if isinstance(one, dict) and id(one) not in found and depth <= MAX_DEPTH:
            found[id(one)] = _parted(one)
        if isinstance(one, dict | list) and depth <= MAX_DEPTH:
            left += [(inner, depth + 1) for inner in (one.values() if isinstance(one, dict) else one)]
    return found


class _Matching:
    def __init__(self, budget: Budget, orders: Orders) -> None:
        self.budget = budget
        self.orders = orders

    def element(self, value: Any, pattern: Any, path: Path, depth: int) -> Mismatch | None:
        self.budget.spend()
        if depth > MAX_DEPTH:
            raise OverBudget("its pattern is nested too deep")
        if isinstance(pattern, dict):
            return self.map(value, pattern, path, depth) if isinstance(value, dict) else _fails(path)
        if isinstance(pattern, list):
            return self.list(value, pattern, path, depth) if isinstance(value, list) else _fails(path)
        if isinstance(value, list):
            wrong = [n for n, one in enumerate(value) if not leaf_matches(one, pattern)]
            return _fails(*((*path, n) for n in wrong)) if wrong else None
        return None if leaf_matches(value, pattern) else _fails(path)

    def map(self, value: dict[str, Any], pattern: dict[str, Any], path: Path, depth: int) -> Mismatch | None:
        pattern = _with_names(pattern, value)
        anchors, others = self.orders.get(id(pattern)) or _parted(pattern)
        skips: list[Mismatch] = []
        applied = 0
        for key in anchors:
            found = self.anchored(value, anchor_of(key), pattern[key], path, depth)
            if found is None:
                applied += 1
            elif found.skips:
                skips.append(found)
            elif not any(one.direct for one in skips):
                return found
        if skips and (not applied or any(one.direct for one in skips)):
            return Mismatch(True, skips[0].paths)
        for key in others:
            found = self.anchored(value, anchor_of(key), pattern[key], path, depth)
            if found is not None:
                return found
        return None

    def anchored(
        self, value: dict[str, Any], anchor: Anchored, pattern: Any, path: Path, depth: int
    ) -> Mismatch | None:
        """What one key of a pattern says of a map."""
        kind, key = anchor
        there = (*path, key)
        if kind == "X":
            return _fails(there) if key in value else None
        if kind is None or kind == "+":
            if pattern == "*":
                return None if value.get(key) is not None else _fails(there)
            return self.element(value.get(key), pattern, there, depth + 1)
        if key not in value:
            return Mismatch(True, (there,), direct=True) if kind == "" else None
        if kind == "^":
            return self.exists(value[key], pattern, there, depth)
        found = self.element(value[key], pattern, there, depth + 1)
        if found is None or kind == "=":
            return found
        return Mismatch(True, found.paths, direct=True)

    def exists(self, value: Any, pattern: Any, path: Path, depth: int) -> Mismatch | None:
        """Whether for each element of a pattern there is one that is so."""
        if not isinstance(value, list) or not isinstance(pattern, list):
            return _fails(path)
        for wanted in pattern:
            if not any(
                self.element(one, wanted, (*path, n), depth + 1) is None for n, one in enumerate(value)
            ):
                return _fails(path)
        return None

    def list(self, value: list[Any], pattern: list[Any], path: Path, depth: int) -> Mismatch | None:
        if not pattern:
            return _fails(path)
        if not isinstance(pattern[0], dict | list):
            return self.element(value, pattern[0], path, depth + 1)
        if isinstance(pattern[0], list):
            if len(value) < len(pattern):
                return _fails(path)
            pairs = list(zip(value, pattern, strict=False))
        else:
            pairs = [(one, pattern[0]) for one in value]
        failing: list[Path] = []
        skips = applied = 0
        for number, (one, wanted) in enumerate(pairs):
            found = self.element(one, wanted, (*path, number), depth + 1)
            if found is None:
                applied += 1
            elif not found.skips:
                failing += found.paths
            elif not failing:  # what comes after the first failure decides nothing
                skips += 1
        if failing:
            return _fails(*failing)
        return Mismatch(True, (path,)) if skips and not applied else None


def _fails(*paths: Path) -> Mismatch:
    return Mismatch(False, paths[:MAX_PLACES])


def _parted(pattern: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The keys with anchors, and the others, each in the order in which they are looked at."""
    anchors = sorted(key for key in pattern if anchor_of(key).kind in _FIRST)
    front: list[str] = []
    back: list[str] = []
    for key in sorted(pattern.keys() - set(anchors)):
        if anchor_of(key).kind == "<" or _has_anchors(pattern[key]):
            front.insert(0, key)
        else:
            back.append(key)
    return anchors, [*front, *back]


def _has_anchors(pattern: Any, depth: int = 0) -> bool:
    if depth > MAX_DEPTH:
        return False
    if isinstance(pattern, dict):
        return any(
            anchor_of(key).kind in {*_FIRST, "<"} or _has_anchors(one, depth + 1)
            for key, one in pattern.items()
        )
    return isinstance(pattern, list) and any(_has_anchors(one, depth + 1) for one in pattern)


def _with_names(pattern: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """The pattern with the labels and annotations that the object has, where it names them with wildcards."""
    within = next((key for key in pattern if anchor_of(key).key == "metadata"), None)
    known = value.get("metadata")
    asked = pattern[within] if within is not None else None
    if not isinstance(known, dict) or not isinstance(asked, dict):
        return pattern
    now = {}
    for key, wanted in asked.items():
        tag = anchor_of(key).key
        there = known.get(tag)
        if tag in {"labels", "annotations"} and isinstance(wanted, dict) and isinstance(there, dict):
            names = {name: _named(name, there) for name in wanted}
            if any(name != named for name, named in names.items()):
                now[key] = {names[name]: one for name, one in wanted.items()}
    return {**pattern, within: {**asked, **now}} if now and within is not None else pattern


def _named(name: str, there: dict[str, Any]) -> str:
    kind, pattern = anchor_of(name)
    if not has_wildcards(pattern):
        return name
    found = next((key for key in there if wild_match(pattern, key)), pattern)
    return found if kind is None else f"{kind}({found})"
