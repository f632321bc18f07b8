"""What policies said of objects, for as long as nothing that decides it is different.

A key that is typed changes one field, and of thirty policies a few read that: the others, which take up to milliseconds
each, said what they said. So each object is kept as it was when it was judged last, with what each policy said then. An
edit is compared with that once, and a policy asked again only where what differs is among what it reads.

What is typed is often what was there before: a setting is turned on and off, a word taken back. So of an object that is
edited it is also known what its policies said of what they read, by digests of that.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from kscan_lsp.admission.asking import read_policy
from kscan_lsp.admission.reads import as_read, different, is_same, touches, tree_of_policy
from kscan_lsp.engine.digests import digest_of
from kscan_lsp.policy.admission import control_id, policy_part

if TYPE_CHECKING:
    from collections.abc import Hashable

    from kscan_lsp.admission.asking import Deciding
    from kscan_lsp.admission.reads import FieldTree
    from kscan_lsp.graph.index import Object
    from kscan_lsp.paths import Path

T = TypeVar("T")
MAX_REMEMBERED: Final = 2_048
"""Objects."""
MAX_READ: Final = 8
"""Of an object and a policy, what is remembered of what it said."""
MAX_DIFFERENT: Final = 20
"""Places in which two objects differ, before all of them counts as different."""


_Answer: TypeAlias = "tuple[tuple[object, ...], Any]"
"""What decided besides the object what a policy said, and that."""


class _LastSaid(NamedTuple):
    """An object as it was judged last, and the answer of each policy."""

    data: Any
    said: dict[Hashable, _Answer]
    read: dict[Hashable, dict[bytes, _Answer]]
    """Since it is edited, the answers of each by digests of what it read of the object."""


_LAST: Final[OrderedDict[Hashable, _LastSaid]] = OrderedDict()


class LastAnswers(Generic[T]):
    """What policies said of an object when it was judged last, and what is different about it now."""

    def __init__(self, key: Hashable, data: Any, *, partly: bool = False) -> None:
        """Compare an object with what it was.

        Args:
            key: whose policies, and which object.
            data: it as it is judged now.
            partly: whether only those policies are asked that say something else now.
        """
        self._key = key
        self._partly = partly
        self._last = _LAST.get(key)
        self._now = _LastSaid(data, {}, {} if self._last is None else self._last.read)
        self._digests: dict[Hashable, bytes] = {}
        self._places: list[Path] | None = None
        self._compared: dict[tuple[int, int], tuple[object, object, bool]] = {}
        """Whether two things that decide are the same, which most policies share; by identity, so they are kept."""

    def said(self, policy: Hashable, decided: tuple[object, ...], read: FieldTree | None) -> T | None:
        """What a policy said of it, if it says the same now; else None.

        Args:
            policy: the policy, or what tells it from all others.
            decided: what decides its answer besides the object: the request, the bindings with their params, and so on.
            read: what it reads of the object; None for all of it.
        """
        known = None if self._last is None else self._last.said.get(policy)
        if known is None:
            return None
        if (
            self._partly
            or not self._is_decided_so(known[0], decided)
            or any(touches(place, read) for place in self._different())
        ):
            known = None if read is None else self._said_of(policy, decided, read)
        return None if known is None else known[1]

    def _said_of(self, policy: Hashable, decided: tuple[object, ...], read: FieldTree) -> _Answer | None:
        """What a policy said when what it reads was what it is now."""
        digest = self._digests[policy] = digest_of(as_read(self._now.data, read))
        known = self._now.read.get(policy, {}).get(digest)
        return known if known is not None and self._is_decided_so(known[0], decided) else None

    def before(self, policy: Hashable) -> T | None:
        """What a policy said of it last, whatever is different since."""
        return self._last.said[policy][1] if self._last is not None and policy in self._last.said else None

    def keep(self, policy: Hashable, decided: tuple[object, ...], said: T) -> None:
        """Remember what a policy says of it now; what is decided by nothing is not said of it as it is now."""
        self._now.said[policy] = decided, said
        if policy in self._digests and decided:
            known = self._now.read.setdefault(policy, {})
            known[self._digests[policy]] = decided, said
            if len(known) > MAX_READ:
                with contextlib.suppress(KeyError):  # as below
                    del known[next(iter(known))]

    def close(self) -> None:
        """Make what is said now what was said last."""
        if self._partly:
            # the object that is kept with the others is not the one that they are about
            if self._last is not None:
                self._last.said.update({policy: ((), said) for policy, (_, said) in self._now.said.items()})
            return
        _LAST.pop(self._key, None)
        _LAST[self._key] = self._now
        if len(_LAST) > MAX_REMEMBERED:
            with contextlib.suppress(KeyError):  # another thread may have taken it out
                _LAST.popitem(last=False)

    def _different(self) -> list[Path]:
        """Where it is another than when it was judged last."""
        if self._places is None:
            before = None if self._last is None else self._last.data
            self._places = [*islice(different(before, self._now.data), MAX_DIFFERENT + 1)]
            if len(self._places) > MAX_DIFFERENT:
                self._places = [()]
        return self._places

    def _is_decided_so(self, one: tuple[object, ...], other: tuple[object, ...]) -> bool:
        return len(one) == len(other) and all(
            a is b or self._is_same(a, b) for a, b in zip(one, other, strict=True)
        )

    def _is_same(self, one: object, other: object) -> bool:
        both = id(one), id(other)
        if both not in self._compared:
            self._compared[both] = (one, other, is_same(one, other))
        return self._compared[both][2]


def reading(asked: Deciding, place: Path) -> frozenset[str]:
    """Which policies read what stands at a place, by what their ids have in common."""
    return _reading(asked.policies, place)


@lru_cache(maxsize=256)
def _reading(policies: tuple[tuple[Object, object], ...], place: Path) -> frozenset[str]:
    return frozenset(
        policy_part(control_id(declared.id.name))
        for declared, _ in policies
        if touches(place, tree_of_policy(read_policy(declared)))
    )


def forget() -> None:
    """Remember nothing any more."""
    _LAST.clear()
