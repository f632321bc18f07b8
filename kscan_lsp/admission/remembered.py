"""What policies said of objects, for as long as nothing that decides it is different.

A key that is typed changes one field, and of thirty policies a few read that: the others, which take up to milliseconds
each, said what they said.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from typing import Any, Final, Generic, NamedTuple, TypeVar

from kscan_lsp.admission.reads import is_same

T = TypeVar("T")
Key = tuple[object, ...]
"""A policy and an object."""
MAX_REMEMBERED: Final = 4_096


class _Remembered(NamedTuple):
    """What a policy said of an object, and all that decided it."""

    decided: tuple[object, ...]
    fields: tuple[object, ...]
    said: Any


_REMEMBERED: Final[OrderedDict[Key, _Remembered]] = OrderedDict()


class Comparing(Generic[T]):
    """Looks for what is remembered of one object; many policies read the same fields of it."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[object, object, bool]] = {}

    def said_before(self, key: Key, decided: tuple[object, ...], fields: tuple[object, ...]) -> T | None:
        """What a policy said of an object before; None where anything that decides it is different.

        Args:
            key: the policy and the object.
            decided: the request, the operation, the bindings with their params, and the namespace.
            fields: what the object has where the policy reads it.
        """
        known = _REMEMBERED.get(key)
        if known is None or not is_same(known.decided, decided):
            return None
        return known.said if all(map(self._is_same, known.fields, fields)) else None

    def _is_same(self, one: object, other: object) -> bool:
        both = id(one), id(other)
        if both not in self._known:
            # the values are kept, so that no others can come to have their identities
            self._known[both] = (one, other, is_same(one, other))
        return self._known[both][2]


def remember(key: Key, decided: tuple[object, ...], fields: tuple[object, ...], said: object) -> None:
    """Keep what a policy says of an object, as for `Comparing.said_before`."""
    _REMEMBERED.pop(key, None)
    _REMEMBERED[key] = _Remembered(decided, fields, said)
    if len(_REMEMBERED) > MAX_REMEMBERED:
        with contextlib.suppress(KeyError):  # another thread may have taken it out
            _REMEMBERED.popitem(last=False)


def forget() -> None:
    """Remember nothing any more."""
    _REMEMBERED.clear()
