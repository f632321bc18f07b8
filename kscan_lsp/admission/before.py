"""What an object was before: whether a manifest creates something or updates it, for policies of every kind.

Who knows what objects were declares that in the index, under a name that no file has: each object under its identity
(`as_it_was`), and, where it was read from a revision, what that revision was and which of its files were not read. So
an answer rests on keys like any other, and an object is judged again when another revision counts.

An object is what it was in the same file. One that is in another file now is known by its identity, where the file
that had it has it no more: two files with one identity are mostly two clusters. Where several such files had it, it is
that of the file whose path ends alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.files.partials import KUSTOMIZATION_NAMES
from kscan_lsp.findings import ResourceId
from kscan_lsp.graph.index import BEFORE, Object, key_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from kscan_lsp.graph.index import Index, Key

CREATE: Final = "CREATE"
UPDATE: Final = "UPDATE"
DELETE: Final = "DELETE"
_READS: Final = regex(r"\b(?:oldObject|operation)\b")
_REVISION: Final = key_of("revision")


class Was(Struct, frozen=True):
    """What an object was, and what a manifest of it may therefore be, in the order in which policies are asked."""

    object: Object | None = None
    operations: tuple[str, ...] = (CREATE, UPDATE)
    """Nobody knows what it was: it is created, and updated for those who are about updates alone."""
    why: str = ""
    """Why nobody knows; empty where nobody was asked."""
    same: bool = False
    """Whether it is as it was: nothing is updated then for those who are about updates alone."""


NOT_KNOWN: Final = Was()
_NEW: Final = Was(None, (CREATE,))
GONE: Final = Was(None, (DELETE,))
"""Of an object that is judged as what it was, since it is there no more."""


def as_it_was(one: Object) -> Object:
    """An object as it was before an update: no other sees it, and its namesake is judged as what it became."""
    return replace(one, keys=(_identity(one),))


def file_before(file: str, blob: str, size: int = 0, *, unread: bool = False, why: str = "") -> Object:
    """Stands for a file of a revision, before the objects in it.

    Args:
        file: what it is called.
        blob: what git calls its text.
        size: bytes of that, as far as it was read.
        unread: whether nobody knows what its objects were: what makes them there was not run.
        why: why it was not, as far as somebody says so.
    """
    keys = (key_of("unread", file),) if unread else ()
    data = {"blob": blob, "size": size, "why": why}
    return Object(file, "", json=False, root=(), id=_NOBODY, data=data, keys=keys)


class Making(Struct, frozen=True):
    """What is known of what charts and overlays made at a revision, by the names of their files today."""

    looked: frozenset[str] = frozenset()
    """Those that were looked for there: what has no object of theirs is new."""
    unmade: Mapping[str, str] = {}
    """Those of which it is not known what they made, with the reason."""
    staying: frozenset[str] = frozenset()
    """Those that are there today, and that nothing is moved from."""


NOTHING_MADE: Final = Making()


def of_revision(
    name: str, commit: str = "", why: str = "", unread: tuple[str, ...] = (), making: Making = NOTHING_MADE
) -> Object:
    """Says that what objects were is that of a revision, or why that is not known.

    Args:
        name: what people call it.
        commit: what git calls it.
        why: why nothing is known; empty where it is.
        unread: how the names of files begin of which nobody knows what their objects were.
        making: what is known of charts and overlays.
    """
    data = {"revision": name, "commit": commit, "why": why, "unread": unread, "making": making}
    return Object("", "", json=False, root=(), id=_NOBODY, data=data, keys=(_REVISION,))


def of_ways(
    files: AbstractSet[str], ways: Mapping[str, tuple[tuple[Object, ...], Mapping[str, str]]]
) -> Object:
    """Says what a chart made with each of its values.

    Args:
        files: what its files are called.
        ways: by what values are called, its objects, and of which files it is not known why.
    """
    data = {"files": files, "ways": ways}
    keys = tuple([key_of("ways", name) for name in sorted(files)])
    return Object("", "", json=False, root=(), id=_NOBODY, data=data, keys=keys)


def in_way(index: Index, file: str, values: str) -> tuple[Object, ...]:
    """What objects were where a chart is rendered with other values than those that come first.

    Args:
        index: all that is known.
        file: a file of the chart.
        values: what the values are called.
    """
    known = index.files.get(BEFORE, ())
    told, revision = next(index.find(key_of("ways", file)), None), revision_in(index)
    if told is None or revision is None or values not in told.data["ways"]:
        return known
    files = told.data["files"]
    objects, unmade = told.data["ways"][values]
    making = revision.data["making"]
    others = {name: why for name, why in making.unmade.items() if name not in files}
    if {**others, **unmade} != making.unmade:
        now = replace(making, unmade={**others, **unmade})
        revision = replace(revision, data={**revision.data, "making": now})
    kept = [one for one in known if one.file not in files and one.keys != (_REVISION,)]
    return (revision, *kept, *objects)


_NOBODY: Final = ResourceId("", "", "", "")


def revision_in(index: Index) -> Object | None:
    """What `of_revision` says in an index."""
    return next(index.find(_REVISION), None)


def files_before(index: Index) -> dict[str, tuple[Object, ...]]:
    """By name, each file that was read of the revision in an index: what stands for it, and its objects."""
    found: dict[str, tuple[Object, ...]] = {}
    for one in index.files.get(BEFORE, ()):
        if one.file and (one.file in found or one.id is _NOBODY):  # not what charts and overlays made
            found[one.file] = (*found.get(one.file, ()), one)
    return found


def reads_what_was(text: str) -> bool:
    """Whether expressions in a text may read what an object was, or which operation it is: they name that."""
    return _READS.search(text) is not None


def tells_apart(given: object) -> bool:
    """Whether it counts for a policy or binding, besides its expressions, if a manifest creates or updates something.

    Labels do, since an update that takes them off is one of what had them. One about creations alone is asked anyway.

    Args:
        given: its `matchConstraints` or `matchResources`, as written.
    """
    if not isinstance(given, dict):
        return False
    rules = [_operations(rule) for rule in _listed(given.get("resourceRules"))]
    excluded = [_operations(rule) for rule in _listed(given.get("excludeResourceRules"))]
    if rules and not any({UPDATE, "*"} & some for some in rules):
        return False
    one_sided = any("*" not in some and len({CREATE, UPDATE} & some) == 1 for some in (*rules, *excluded))
    return one_sided or bool(given.get("objectSelector"))


def _operations(rule: object) -> set[object]:
    listed = _listed(rule.get("operations")) if isinstance(rule, dict) else []
    return {one for one in listed if isinstance(one, str)}


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def was_of(one: Object, index: Index, keys: set[Key]) -> Was:
    """What an object was.

    Args:
        one: the object.
        index: all that is known.
        keys: where the keys are noted under which is looked.
    """
    identity = _identity(one)
    keys |= {identity, _REVISION}
    found = [*index.find(identity)]
    revision = revision_in(index)
    if revision is None:  # somebody says it of this very object, or nobody does
        return Was(found[0], (UPDATE,)) if found else NOT_KNOWN
    told = revision.data
    if told["why"]:
        return Was(why=told["why"])
    keys.add(there := key_of("unread", one.file))
    file = one.file.rpartition("/")[2]
    making = told["making"]
    unread = file in KUSTOMIZATION_NAMES or any(map(one.file.startswith, told["unread"]))
    marked = next(index.find(there), None)
    if one.file in making.unmade or (unread and one.file not in making.looked) or marked is not None:
        why = making.unmade.get(one.file) or (marked.data["why"] if marked else "")
        return Was(why=f"it is not known what '{file}' made at {told['revision']}{why and f': {why}'}")
    if not found or not one.id.name:
        return _NEW
    same = next((other for other in found if other.file == one.file), None)
    if same is not None:
        return _updates(one, same)
    gone = _moved(one, [other for other in found if other.file not in making.staying], index, keys)
    if len(gone) > 1:
        return Was(why=f"several files that are gone had it at {told['revision']}")
    return _updates(one, gone[0]) if gone else _NEW


def _updates(one: Object, before: Object) -> Was:
    """What is in a revision is updated; a policy about creations alone is asked, too: it may be created elsewhere."""
    return Was(before, (UPDATE, CREATE), same=before.data is one.data or before.data == one.data)


def _moved(one: Object, found: list[Object], index: Index, keys: set[Key]) -> list[Object]:
    """What an object was in another file that has it no more; several where that is not sure."""
    key = key_of("object", one.id.kind, one.namespace, one.id.name)
    keys.add(key)
    still = {other.file for other in index.find(key) if other.id.group == one.id.group}
    gone = [other for other in found if other.file not in still]
    if all(other.data == gone[0].data for other in gone):
        return gone[:1]
    ends = [_common_end(other.file, one.file) for other in gone]
    return [other for other, end in zip(gone, ends, strict=True) if end == max(ends)]


def _common_end(one: str, other: str) -> int:
    """How many of the last parts of two paths are the same."""
    count = 0
    for mine, theirs in zip(reversed(one.split("/")), reversed(other.split("/")), strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _identity(one: Object) -> Key:
    return key_of("was", one.id.group, one.id.kind, one.namespace, one.id.name)
