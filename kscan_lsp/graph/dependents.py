"""Which files have findings that depend on which keys of the index: what is evaluated again when something changes.

Without this an edit in a workspace of a thousand files would ask each of them whether it is concerned.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from kscan_lsp.graph.following import Keys
    from kscan_lsp.graph.index import Key


class Dependents:
    """The keys that files depend on, both ways round; worked out when it is asked, as a scan never does."""

    __slots__ = ("_known",)

    def __init__(
        self, both: BothWays | None = None, waiting: Mapping[str, Iterable[Keys]] | None = None
    ) -> None:
        """What was worked out, and by files and their documents what is to be put in place of some of that."""
        self._known = (both or BothWays(), waiting or {})  # one value, as two threads may ask

    def updated(self, dependencies: Mapping[str, Iterable[Keys]]) -> Dependents:
        """The same with other keys for some files, by their documents; none for one that is gone."""
        both, waiting = self._known
        return Dependents(both, {**waiting, **dependencies}) if dependencies else self

    def depends(self, path: str, keys: AbstractSet[Key]) -> bool:
        """Whether a file depends on any of some keys."""
        return not self._both().keys.get(path, frozenset()).isdisjoint(keys)

    def of(self, keys: Iterable[Key]) -> set[str]:
        """The files that depend on any of some keys."""
        files = self._both().files if keys else {}
        return {path for key in keys for path in files.get(key, ())}

    def _both(self) -> BothWays:
        both, waiting = self._known
        if waiting:
            keys = {
                path: frozenset[str]().union(*frozenset[frozenset[str]]().union(*of_documents))
                for path, of_documents in waiting.items()
            }
            both = both.updated(keys)
            self._known = (both, {})
        return both


class BothWays(Struct, frozen=True, eq=False):
    """The keys of each file, and the files of each key."""

    keys: Mapping[str, frozenset[Key]] = {}
    files: Mapping[Key, frozenset[str]] = {}

    def updated(self, dependencies: Mapping[str, frozenset[Key]]) -> BothWays:
        """The same with other keys for some files."""
        nothing: frozenset[Key] = frozenset()
        nobody: frozenset[str] = frozenset()
        changed = {path: keys for path, keys in dependencies.items() if self.keys.get(path, nothing) != keys}
        if not changed:
            return self
        by_path, by_key = dict(self.keys), dict(self.files)
        # by key first: a thousand files can depend on one, whose set is to be made once, and not for each of them
        come: defaultdict[Key, list[str]] = defaultdict(list)
        gone: defaultdict[Key, list[str]] = defaultdict(list)
        for path, keys in changed.items():
            before = by_path.pop(path, nothing)
            if keys:
                by_path[path] = keys
            for key in keys - before:
                come[key].append(path)
            for key in before - keys:
                gone[key].append(path)
        for key in {**come, **gone}:
            left = by_key.get(key, nobody).difference(gone.get(key, ())).union(come.get(key, ()))
            if left:
                by_key[key] = left
            else:
                del by_key[key]
        return BothWays(by_path, by_key)
