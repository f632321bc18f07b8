"""What policies said of objects, for as long as nothing that decides it is different.

A key that is typed changes one field, and of thirty policies a few read that: the others, which take up to milliseconds
each, said what they said. So each object is kept as it was when it was judged last, with what each policy said then. An
edit is compared with that once, and a policy asked again only where what differs is among what it reads.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from kscan_lsp.admission.reads import different, is_same, touches

if TYPE_CHECKING:
    from collections.abc import Hashable

    from kscan_lsp.admission.reads import FieldTree
    from kscan_lsp.paths import Path

T = TypeVar("T")
MAX_REMEMBERED: Final = 2_048
"""Objects."""
MAX_DIFFERENT: Final = 20
"""Places in which two objects differ, before all of them counts as different."""


class _LastSaid(NamedTuple):
    """An object as it was judged last, and of each policy what decided besides what it said, and that."""

    data: Any
    said: dict[Hashable, tuple[tuple[object, ...], Any]]


_LAST: Final[OrderedDict[Hashable, _LastSaid]] = OrderedDict()


class LastAnswers(Generic[T]):
    """What policies said of an object when it was judged last, and what is different about it now."""

    def __init__(self, key: Hashable, data: Any) -> None:
        """Compare an object with what it was.

        Args:
            key: whose policies, and which object.
            data: it as it is judged now.
        """
        self._key = key
        self._last = _LAST.get(key)
        self._now = _LastSaid(data, {})
        self._places: list[Path] = []
        if self._last is not None:
            self._places = [*islice(different(self._last.data, data), MAX_DIFFERENT + 1)]
            if len(self._places) > MAX_DIFFERENT:
                self._places = [()]
        self._compared: dict[tuple[int, int], tuple[object, object, bool]] = {}
        """Whether what decided two answers is the same, which most policies share; by identity, so they are kept."""

    def said(self, policy: Hashable, decided: tuple[object, ...], read: FieldTree | None) -> T | None:
        """What a policy said of it, if it says the same now; else None.

        Args:
            policy: the policy, or what tells it from all others.
            decided: what decides its answer besides the object: the request, the bindings with their params, and so on.
            read: what it reads of the object; None for all of it.
        """
        known = None if self._last is None else self._last.said.get(policy)
        if known is None or not self._is_same(known[0], decided):
            return None
        if any(touches(place, read) for place in self._places):
            return None
        said: T = known[1]
        return said

    def keep(self, policy: Hashable, decided: tuple[object, ...], said: T) -> None:
        """Remember what a policy says of it now."""
        self._now.said[policy] = decided, said

    def close(self) -> None:
        """Make what is said now what was said last."""
        _LAST.pop(self._key, None)
        _LAST[self._key] = self._now
        if len(_LAST) > MAX_REMEMBERED:
            with contextlib.suppress(KeyError):  # another thread may have taken it out
                _LAST.popitem(last=False)

    def _is_same(self, one: tuple[object, ...], other: tuple[object, ...]) -> bool:
        both = id(one), id(other)
        if both not in self._compared:
            self._compared[both] = (one, other, is_same(one, other))
        return self._compared[both][2]


def forget() -> None:
    """Remember nothing any more."""
    _LAST.clear()
