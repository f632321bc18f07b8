"""Following chains of relations: from an object to those that they lead to, and to the keys that decided it.

A thousand pods of one service account have the same thousand bindings. So what a relation leads to is found once for
all that ask the same (`following.py`), and they share the answer, down to the tuples: whoever makes something of one
knows it again.

Left out on purpose: which relations there are (`relations.py`), and when to follow them (`workspace/project.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.graph.following import Answers, Keys, Link, asked_of, follow
from kscan_lsp.graph.references import is_read

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from kscan_lsp.graph.index import Index, Key, Object
    from kscan_lsp.paths import Path


class Bound(Struct, frozen=True):
    """The relations of one object: what each leads to, and the keys that decided it."""

    links: tuple[Mapping[str, tuple[Link, ...]], ...]
    """For each of its pod templates, as if it had no other; once for an object without any."""
    dependencies: Keys
    asked: tuple[Mapping[str, Hashable], ...] = ()
    """For each, what tells the questions of its relations from others, where anybody remembers; the same for as long as
    the object is."""


def any_of(dependencies: Iterable[frozenset[Key]], keys: AbstractSet[Key]) -> bool:
    """Whether some keys are among those of dependencies."""
    return any(not part.isdisjoint(keys) for part in dependencies)


class Followed:
    """What relations were found to lead to in one index, for as long as somebody asks."""

    __slots__ = ("answers", "ends", "parts")

    def __init__(self, index: Index) -> None:
        self.answers = Answers(index)
        self.ends: dict[tuple[str, int], tuple[tuple[Link, ...], _FollowedChain]] = {}
        """By the name of a chain and the identity of where its last relation starts, which is kept with it."""
        self.parts: dict[tuple[Link, ...], tuple[Link, ...]] = {}
        """Links that several chains lead to are one tuple."""


class _FollowedChain(Struct, frozen=True):
    """What a chain of relations leads to, and the keys that decided its last relation."""

    links: tuple[Link, ...]
    keys: Keys


def bind(subject: Object, names: Collection[str], followed: Followed, before: Bound | None = None) -> Bound:
    """Follow relations from an object.

    Args:
        subject: where they start.
        names: of `relations.NAMES`; one with dots is a chain, each relation followed from what the one before leads to.
        followed: what was found before in the workspace.
        before: what the relations of this very object led to in another version of the workspace.
    """
    dependencies: set[frozenset[Key]] = set()
    subjects = [subject]
    if len(subject.templates) > 1:
        subjects = [replace(subject, templates=(one,)) for one in subject.templates]
    asked = [dict(one) for one in before.asked] if before and before.asked else [{} for _ in subjects]
    links = [
        _linked(one, names, followed, questions, dependencies)
        for one, questions in zip(subjects, asked, strict=True)
    ]
    return Bound(tuple(links), frozenset(dependencies), tuple(asked))


def bind_edited(
    subject: Object, was: Object, before: Bound, path: Path | None, changed: AbstractSet[Key]
) -> Bound | None:
    """What relations lead to from an object after an edit; None where they must be followed for that.

    Args:
        subject: the object as it is now (`references.object_edited`).
        was: the same before the edit.
        before: what they led to then.
        path: the value in it that is another; None where its data is as it was.
        changed: the keys of the index under which anything is different since.
    """
    if subject.keys != was.keys or any_of(before.dependencies, changed):
        return None
    if path is None or not is_read(path):
        return replace(before, asked=tuple({} for _ in before.asked))
    return None


def _linked(
    subject: Object,
    names: Collection[str],
    followed: Followed,
    asked: dict[str, Hashable],
    dependencies: set[frozenset[Key]],
) -> dict[str, tuple[Link, ...]]:
    ends: dict[str, tuple[Link, ...]] = {}
    for name in sorted(names):
        so_far = ""
        for step in name.split("."):
            start, so_far = so_far, f"{so_far}.{step}" if so_far else step
            if so_far in ends:
                continue
            if start:
                chained = _chained(so_far, step, ends[start], followed)
                ends[so_far], keys = chained.links, chained.keys
            else:
                if step not in asked:
                    asked[step] = asked_of(step, subject)
                found = follow(step, subject, followed.answers, asked[step])
                ends[so_far], keys = found.links, found.keys
            dependencies |= keys
    return {name: ends[name] for name in names}


def _chained(name: str, step: str, start: tuple[Link, ...], followed: Followed) -> _FollowedChain:
    known = followed.ends.get((name, id(start)))
    if known is None:
        keys: set[frozenset[Key]] = set()
        links: list[Link] = []
        for link in start:
            found = follow(step, link.object, followed.answers, asked_of(step, link.object))
            keys |= found.keys
            links += [Link(one.object, (*link.via, link.object)) for one in found.links]
        known = followed.ends[name, id(start)] = (
            start,
            _FollowedChain(_shared(links, followed), frozenset(keys)),
        )
    return known[1]


def _shared(links: Iterable[Link], followed: Followed) -> tuple[Link, ...]:
    made = tuple(links)
    return followed.parts.setdefault(made, made)
