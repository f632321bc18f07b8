"""The objects of a workspace, each found under keys that say what it is and what it refers to.

Every object is found under a few keys: its kind, its name, a label of its pods, a subject it binds, ... Whoever looks
under a key depends on what is found there, and a change touches exactly the keys of what came, went or changed. So
an edit costs what it touches, not what there is. An index never changes; `with_file` makes the next one from it.

Left out on purpose: which keys an object has (`references.py`), who looks under which (`relations.py`), and when
(`workspace/project.py`).
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from itertools import compress
from operator import is_not
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from kscan_lsp.files.names import name_order, with_files_in_order
from kscan_lsp.kubernetes.pod_templates import spec_of_pod
from kscan_lsp.kubernetes.selectors import namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.kubernetes.pod_templates import PodTemplate
    from kscan_lsp.paths import Path

BEFORE: Final = "kscan/before"
"""Where an index has what objects were before (`admission/before.py`); no file is called so."""

Key: TypeAlias = str
"""What objects are found under: a word that says what is meant, and the names it is about (`key_of`). Text remembers
its hash, which is most of what an index does with keys."""


class Object(Struct, frozen=True, eq=False):
    """One Kubernetes object as the others in its workspace see it. Two are the same only if they are one.

    `document` is the text of the document that declares it and `root` its path in there: enough to find any place in
    it again, without keeping the tree of every file of a workspace. What every cluster has and no file declares
    (`builtin.py`) has neither file nor document.
    """

    file: str
    document: str
    json: bool
    root: Path
    id: ResourceId
    data: dict[str, Any]
    templates: tuple[PodTemplate, ...] = ()
    """Its pod templates; none for what runs no pods."""
    offset: int = 0
    line: int = 0
    """Where in its file the document began when it was read, of one that is not judged: offset and line, from 0."""
    keys: tuple[Key, ...] = ()

    @property
    def namespace(self) -> str:
        """Where it lives; `default` where the manifest does not say."""
        return namespace_of(self.id)

    @property
    def pods(self) -> list[dict[str, Any]]:
        """The specs of the pods it runs, one for each template."""
        return [spec_of_pod(self.data, template) for template in self.templates]


class Index(Struct, frozen=True, eq=False):
    """All objects of a workspace, found by key. Their order is that of names and texts, however they came."""

    files: Mapping[str, tuple[Object, ...]] = {}
    _found: Mapping[str, Mapping[Key, tuple[Object, ...]]] = {}
    """By file, what is found there under a key."""
    _holders: Mapping[Key, tuple[str, ...]] = {}
    """The files where something is found under a key, in order."""

    @property
    def declared(self) -> dict[str, tuple[Object, ...]]:
        """What files declare as they are now: all but what stands for the past."""
        return {name: objects for name, objects in self.files.items() if name != BEFORE}

    def with_file(self, file: str, objects: tuple[Object, ...]) -> tuple[Index, frozenset[Key]]:
        """The index with what a file declares now, and the keys under which anything is different."""
        return self.with_files({file: objects})

    def with_files(self, files: Mapping[str, tuple[Object, ...]]) -> tuple[Index, frozenset[Key]]:
        """The index with what some files declare now, and the keys under which anything is different."""
        found = dict(self._found)
        present: dict[str, tuple[Object, ...]] = {}
        gone: set[str] = set()
        changed: set[Key] = set()
        moved: defaultdict[Key, dict[str, bool]] = defaultdict(dict)
        """By key, the files where something came to be found or is found no more, and whether it is."""
        # in order, so that of those found under a key only what was there before is to be put among them
        for file in sorted(files, key=name_order) if len(files) > 1 else files:
            before, objects = self.files.get(file, ()), files[file]
            if before == objects:
                continue
            old = self._found.get(file, {})
            new, keys = _changed(old, before, objects)
            changed |= keys
            for key in old.keys() ^ new.keys():
                moved[key][file] = key in new
            if objects:
                found[file] = new
                present[file] = objects
            else:
                del found[file]
                gone.add(file)
        if not present and not gone:
            return self, frozenset()
        kept = {name: there for name, there in self.files.items() if name not in gone} if gone else self.files
        return (
            Index(with_files_in_order(kept, present), found, _with_moved(self._holders, moved)),
            frozenset(changed),
        )

    def find(self, key: Key) -> Iterator[Object]:
        """All that is found under a key."""
        for file in self._holders.get(key, ()):
            yield from self._found[file][key]


def _changed(
    old: Mapping[Key, tuple[Object, ...]], before: tuple[Object, ...], objects: tuple[Object, ...]
) -> tuple[Mapping[Key, tuple[Object, ...]], set[Key]]:
    """What is found in a file under each key now, and the keys under which that is different."""
    if not before:
        found = _by_key(objects)
        return found, {*found}
    replaced = [*compress(zip(before, objects, strict=False), map(is_not, before, objects))]
    # an edit, mostly; of two documents with one text, which declare the very same object, one is still there
    if len(replaced) == 1 and len(before) == len(objects) and replaced[0][0] not in objects:
        ((one, other),) = replaced
        return _replaced(old, one, other, objects), {*one.keys, *other.keys}
    kept = set(before) & set(objects)
    if [one for one in before if one in kept] != [one for one in objects if one in kept]:
        kept = set()  # what is found under a key comes in another order
    return _by_key(objects), {key for one in (*before, *objects) if one not in kept for key in one.keys}


def _with_moved(
    holders: Mapping[Key, tuple[str, ...]], moved: Mapping[Key, Mapping[str, bool]]
) -> Mapping[Key, tuple[str, ...]]:
    """The files where something is found under each key, in order, after some have come and gone."""
    if not moved:
        return holders
    now = dict(holders)
    for key, files in moved.items():
        names = [name for name in holders.get(key, ()) if name not in files]
        came = [name for name, there in files.items() if there]
        if not names:
            names = came
        elif len(came) == 1:
            insort(names, came[0], key=name_order)
        elif came:
            names = sorted([*names, *came], key=name_order)
        if names:
            now[key] = tuple(names)
        else:
            del now[key]
    return now


def _replaced(
    found: Mapping[Key, tuple[Object, ...]], one: Object, other: Object, objects: Iterable[Object]
) -> dict[Key, tuple[Object, ...]]:
    """What is found under each key of `objects`, where that was `found` before one of them came in place of another."""
    now = dict(found)
    for key in one.keys:
        if key in other.keys:
            now[key] = tuple([other if there is one else there for there in now[key]])
        elif len(left := tuple([there for there in now[key] if there is not one])) > 0:
            now[key] = left
        else:
            del now[key]
    for key in other.keys:
        if key not in one.keys:
            now[key] = tuple([there for there in objects if key in there.keys])
    return now


def _by_key(objects: tuple[Object, ...]) -> dict[Key, tuple[Object, ...]]:
    if len(objects) == 1:  # as in most files
        return dict.fromkeys(objects[0].keys, objects)
    found: dict[Key, list[Object]] = {}
    for one in objects:
        for key in one.keys:
            found.setdefault(key, []).append(one)
    return {key: tuple(there) for key, there in found.items()}


def key_of(*parts: str) -> Key:
    """The key for a word that says what is meant, and names."""
    return "\0".join(parts)
