"""What policies said of objects, for as long as nothing that they read is different.

Of each object what it was when it was judged last is kept, with what each policy said then. An edit is compared with
that once, and a policy asked again only where what differs is among what it reads.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.admission.reads import is_same
from kscan_lsp.kyverno.reads import ANY

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from kscan_lsp.graph.index import Object
    from kscan_lsp.kyverno.reads import Tree
    from kscan_lsp.paths import Path

MAX_REMEMBERED: Final = 2_048
"""Objects."""
MAX_DIFFERENT: Final = 20
"""Places in which two objects differ, before all of them counts as different."""


class LastSaid(NamedTuple):
    """An object as it was judged last, what decided that besides, and what policies said."""

    data: Any
    decided: tuple[object, ...]
    said: dict[Object, Any]


_LAST: Final[OrderedDict[Hashable, LastSaid]] = OrderedDict()


class Different:
    """What is different about an object since it was judged last."""

    def __init__(self, key: Hashable, data: Any, decided: tuple[object, ...]) -> None:
        self.last = _LAST.get(key)
        self.now = LastSaid(data, decided, {})
        self.key = key
        if self.last is not None and not is_same(self.last.decided, decided):
            self.last = None
        self.places: list[Path] = []
        if self.last is not None:
            for place in _different(self.last.data, data, ()):
                self.places.append(place)
                if len(self.places) > MAX_DIFFERENT:
                    self.places = [()]
                    break

    def said(self, policy: Object, read: Tree | None) -> Any:
        """What a policy said of it, if it says the same now; else None.

        Args:
            policy: the policy.
            read: what it reads of the object.
        """
        known = None if self.last is None else self.last.said.get(policy)
        return None if known is None or any(_touches(place, read) for place in self.places) else known

    def keep(self, policy: Object, said: Any) -> None:
        """Remember what a policy says of it now."""
        self.now.said[policy] = said

    def close(self) -> None:
        """Make what is said now what was said last."""
        _LAST.pop(self.key, None)
        _LAST[self.key] = self.now
        if len(_LAST) > MAX_REMEMBERED:
            with contextlib.suppress(KeyError):  # another thread may have taken it out
                _LAST.popitem(last=False)


def _different(one: Any, other: Any, path: Path) -> Iterator[Path]:
    """Where two values differ."""
    if one is other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            if key not in one or key not in other:
                yield (*path, key)
            else:
                yield from _different(one[key], other[key], (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from _different(first, second, (*path, number))
    elif not is_same(one, other):
        yield path


def _touches(place: Path, tree: Tree | None) -> bool:
    """Whether what is at a place is read, or part of what is."""
    for name in place:
        if tree is None:
            return True
        if isinstance(name, int):
            if ANY not in tree:
                return True
            tree = tree[ANY]
        elif name in tree:
            tree = tree[name]
        else:
            return False
    return True


def forget() -> None:
    """Remember nothing any more."""
    _LAST.clear()
