"""Following one relation from many objects, so that n of them that lead to n others cost n and not their square.

What asks the same shares the answer. Among what is found under a key, those that a relation cannot tell apart are asked
about once, all together; which of these groups an object is led to decides its answer, so that a thousand pods whose
labels differ share what a thousand policies with one selector are for them.

Left out on purpose: chains of relations (`binding.py`).
"""

from __future__ import annotations

from collections import Counter
from itertools import chain, compress
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from kscan_lsp.graph.builtin import find_builtin
from kscan_lsp.graph.index import key_of
from kscan_lsp.graph.relations import relation_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from kscan_lsp.graph.index import Index, Key, Object
    from kscan_lsp.graph.relations import Relation

MAX_INTERCHANGEABLE: Final = 20
"""Objects of one sort that a relation leads to where any of them would do (`Relation.sort`)."""

Keys: TypeAlias = "frozenset[frozenset[Key]]"
"""Keys in parts, which objects that ask the same share."""


class Link(Struct, frozen=True):
    """An object that a relation leads to, and those that a chain of relations passed on the way."""

    object: Object
    via: tuple[Object, ...] = ()


class FollowedStep(Struct, frozen=True):
    """What a relation leads to from an object, and the keys that decided it."""

    links: tuple[Link, ...]
    keys: Keys


class Answers:
    """What single relations were found to lead to in one index."""

    __slots__ = ("candidates", "closed", "found", "index", "known", "links", "unions")

    def __init__(self, index: Index) -> None:
        self.index = index
        self.known: dict[Hashable, FollowedStep] = {}
        """By the question, as `asked_of` puts it."""
        self.candidates: dict[tuple[str, Key], _Candidates] = {}
        self.found: dict[tuple[str, _Groups], _Found] = {}
        self.links: dict[int, tuple[_Found, tuple[Link, ...]]] = {}
        """By the identity of what was found, which is kept with it; so in the next two."""
        self.closed: dict[tuple[str, int], tuple[_Found, _Found, Keys]] = {}
        self.unions: dict[tuple[str, int], tuple[_Found, _Found, Keys]] = {}


_Groups: TypeAlias = "tuple[tuple[Key, tuple[int, ...]], ...]"
"""By key, the groups of candidates that a relation leads to."""


class _Candidates(Struct, frozen=True):
    """What is found under a key: each with the number of its group, and one of each group."""

    objects: tuple[Object, ...]
    group_of: tuple[int, ...]
    examples: tuple[Object, ...]


class _Found(Struct, frozen=True):
    """Some objects, each once."""

    objects: tuple[Object, ...] = ()
    members: frozenset[Object] = frozenset()


_NOTHING: Final = _Found()


def asked_of(name: str, subject: Object) -> Hashable:
    """What tells a question from others: equal only where the answers are."""
    relation = relation_of(name)
    if relation.others or (relation.holds is not None and relation.reads is None):
        return name, subject
    if relation.reads is None and next(iter(relation.made(subject)), None) is not None:
        return name, subject
    if relation.before and next(iter(relation_of(relation.before).look(subject)), None) is not None:
        return name, subject
    return name, tuple(relation.look(subject)), relation.reads and relation.reads(subject)


def follow(name: str, subject: Object, answers: Answers, asked: Hashable) -> FollowedStep:
    """What a relation leads to from an object, and the keys that decided it.

    Args:
        name: of `relations.NAMES`.
        subject: where it starts.
        answers: what was found before in the same index.
        asked: the question (`asked_of`).
    """
    known = answers.known.get(asked)
    if known is None:
        found, keys = _ends(relation_of(name), name, subject, answers)
        known = answers.known[asked] = FollowedStep(_links(found, answers), keys)
    return known


def _links(found: _Found, answers: Answers) -> tuple[Link, ...]:
    known = answers.links.get(id(found))
    if known is None:
        known = answers.links[id(found)] = (found, tuple(map(Link, found.objects)))
    return known[1]


def _ends(relation: Relation, name: str, subject: Object, answers: Answers) -> tuple[_Found, Keys]:
    found, keys = _step(name, subject, answers)
    if relation.before:
        first, keys_of_first = _step(relation.before, subject, answers)
        others, keys_of_others = _closed(relation.before, first, answers)
        more, keys_of_more = _all_of(name, others, answers)
        keys = keys.union(keys_of_first, keys_of_others, keys_of_more)
        found = _both(found, more)
    if relation.after and found.objects:
        ends = found
        found, keys_after = _closed(relation.after, ends, answers)
        keys |= keys_after
        # the rules that a role of every cluster takes from others of them are among its own
        if relation.after == "members" and any(not end.file for end in ends.objects):
            found = _of([one for one in found.objects if one.file or one in ends.members])
    return found, keys


def _step(name: str, subject: Object, answers: Answers) -> tuple[_Found, Keys]:
    """What a relation leads to, and nothing before or after it."""
    relation = relation_of(name)
    keys = dict.fromkeys(relation.look(subject))
    groups: list[tuple[Key, tuple[int, ...]]] = []
    for key in keys:
        there = _candidates(name, key, answers)
        held = tuple(
            [
                number
                for number, example in enumerate(there.examples)
                if relation.holds is None or relation.holds(subject, example)
            ]
        )
        if held:
            groups.append((key, held))
    found = _in_groups(name, tuple(groups), answers)
    if relation.others and subject in found.members:
        found = _of([one for one in found.objects if one is not subject])
    if made := [one for one in relation.made(subject) if not _is_declared(one, answers.index)]:
        found = _of([*found.objects, *made])
    return found, frozenset([frozenset(keys)])


def _is_declared(one: Object, index: Index) -> bool:
    return any(True for _ in index.find(key_of("object", one.id.kind, one.namespace, one.id.name)))


def _candidates(name: str, key: Key, answers: Answers) -> _Candidates:
    known = answers.candidates.get((name, key))
    if known is None:
        relation = relation_of(name)
        declared = answers.index.find(key)
        objects = tuple(chain(declared, find_builtin(key, answers.index)) if relation.builtin else declared)
        examples: dict[Hashable, Object] = {}
        numbers: dict[Hashable, int] = {}
        group_of: list[int] = []
        for one in objects:
            alike = _alike(relation, one)
            examples.setdefault(alike, one)
            group_of.append(numbers.setdefault(alike, len(numbers)))
        known = _Candidates(objects, tuple(group_of), tuple(examples.values()))
        answers.candidates[name, key] = known
    return known


def _alike(relation: Relation, one: Object) -> Hashable:
    if relation.holds is None:
        return None
    return one if relation.alike is None else relation.alike(one)


def _in_groups(name: str, groups: _Groups, answers: Answers) -> _Found:
    if not groups:
        return _NOTHING
    known = answers.found.get((name, groups))
    if known is None:
        found: dict[Object, None] = {}
        for key, held in groups:
            there = _candidates(name, key, answers)
            wanted = set(held)
            found |= dict.fromkeys(compress(there.objects, [number in wanted for number in there.group_of]))
        known = answers.found[name, groups] = _of(_without_too_many(relation_of(name), found))
    return known


def _without_too_many(relation: Relation, found: Iterable[Object]) -> Iterable[Object]:
    if relation.sort is None:
        return found
    kept: list[Object] = []
    sorts: Counter[Hashable] = Counter()
    for one in found:
        sort = relation.sort(one)
        sorts[sort] += 1
        if sorts[sort] <= MAX_INTERCHANGEABLE:
            kept.append(one)
    return kept


def _closed(name: str, starts: _Found, answers: Answers) -> tuple[_Found, Keys]:
    """Some objects, and all that a relation leads to from them in any number of steps."""
    if not starts.objects:
        return _NOTHING, frozenset()
    known = answers.closed.get((name, id(starts)))
    if known is None:
        waiting = list(starts.objects)
        seen = set(waiting)
        expanded: dict[int, _Found] = {}
        keys: set[Key] = set()
        for one in waiting:  # which grows on the way
            found, asked = _step(name, one, answers)
            keys.update(*asked)
            if id(found) not in expanded:
                expanded[id(found)] = found
                new = [other for other in found.objects if other not in seen]
                seen.update(new)
                waiting += new
        whole = starts if len(waiting) == len(starts.objects) else _of(waiting)
        known = answers.closed[name, id(starts)] = (starts, whole, frozenset([frozenset(keys)]))
    return known[1:]


def _all_of(name: str, starts: _Found, answers: Answers) -> tuple[_Found, Keys]:
    """What a relation leads to from any of some objects."""
    if not starts.objects:
        return _NOTHING, frozenset()
    known = answers.unions.get((name, id(starts)))
    if known is None:
        found: dict[Object, None] = {}
        keys: set[Key] = set()
        for one in starts.objects:
            there, asked = _step(name, one, answers)
            found |= dict.fromkeys(there.objects)
            keys.update(*asked)
        known = answers.unions[name, id(starts)] = (starts, _of(found), frozenset([frozenset(keys)]))
    return known[1:]


def _both(one: _Found, other: _Found) -> _Found:
    if not one.objects or not other.objects:
        return one if one.objects else other
    return _of(dict.fromkeys([*one.objects, *other.objects]))


def _of(objects: Iterable[Object]) -> _Found:
    made = tuple(objects)
    return _Found(made, frozenset(made)) if made else _NOTHING
