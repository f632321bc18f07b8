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
from kscan_lsp.graph.relations import relation_of

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

    __slots__ = ("answers", "chains", "ends", "known", "parts")

    def __init__(self, index: Index) -> None:
        self.answers = Answers(index)
        self.chains: dict[frozenset[str], tuple[_ChainStep, ...]] = {}
        """The steps of some relations and chains, in the order in which they are followed."""
        self.known: dict[tuple[Hashable, ...], tuple[Mapping[str, tuple[Link, ...]], Keys]] = {}
        """What relations lead to and the keys that decided it, by their names and their questions."""
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
    subjects = [subject]
    if len(subject.templates) > 1:
        subjects = [replace(subject, templates=(one,)) for one in subject.templates]
    asked = [dict(one) for one in before.asked] if before and before.asked else [{} for _ in subjects]
    relations = frozenset(names)
    found = [
        _linked(one, relations, followed, questions) for one, questions in zip(subjects, asked, strict=True)
    ]
    dependencies = found[0][1].union(*[keys for _, keys in found[1:]])
    return Bound(tuple([links for links, _ in found]), dependencies, tuple(asked))


def leads_nowhere(subject: Object, names: Iterable[str]) -> bool:
    """Whether relations of an object lead to nothing, whatever else there is, since it names nothing to look for."""
    for name in names:
        relation = relation_of(name.partition(".")[0])
        if relation.before or any(map(_is_any, (relation.look(subject), relation.made(subject)))):
            return False
    return True


def _is_any(found: Iterable[object]) -> bool:
    return next(iter(found), None) is not None


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


class _ChainStep(Struct, frozen=True):
    """A relation that is followed, from what a chain led to so far, or from the subject itself."""

    chain: str
    """With this step; its name, where nothing is before it."""
    start: str
    relation: str


def _steps(names: Iterable[str]) -> tuple[_ChainStep, ...]:
    """The steps of some relations and chains: each once, behind those that it starts from."""
    found: dict[str, _ChainStep] = {}
    for name in sorted(names):
        so_far = ""
        for relation in name.split("."):
            start, so_far = so_far, f"{so_far}.{relation}" if so_far else relation
            found.setdefault(so_far, _ChainStep(so_far, start, relation))
    return tuple(found.values())


def _linked(
    subject: Object, names: frozenset[str], followed: Followed, asked: dict[str, Hashable]
) -> tuple[Mapping[str, tuple[Link, ...]], Keys]:
    """What relations lead to, and the keys that decided it: the same for all that ask the same questions."""
    steps = followed.chains.get(names)
    if steps is None:
        steps = followed.chains[names] = _steps(names)
    first = [step.chain for step in steps if not step.start]
    for name in first:
        if name not in asked:
            asked[name] = asked_of(name, subject)
    question = (names, *[asked[name] for name in first])
    known = followed.known.get(question)
    if known is not None:
        return known
    dependencies: set[frozenset[Key]] = set()
    ends: dict[str, tuple[Link, ...]] = {}
    for step in steps:
        if step.start:
            chained = _chained(step.chain, step.relation, ends[step.start], followed)
            ends[step.chain], keys = chained.links, chained.keys
        else:
            found = follow(step.chain, subject, followed.answers, asked[step.chain])
            ends[step.chain], keys = found.links, found.keys
        dependencies |= keys
    made = followed.known[question] = ({name: ends[name] for name in names}, frozenset(dependencies))
    return made


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
