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

    from kscan_lsp.graph.index import Key


class Dependents(Struct, frozen=True, eq=False):
    """The keys that files depend on, both ways round."""

    _keys: Mapping[str, frozenset[Key]] = {}
    _files: Mapping[Key, frozenset[str]] = {}

    def updated(self, dependencies: Mapping[str, frozenset[Key]]) -> Dependents:
        """The same with other keys for some files; none for one that is gone."""
        nothing: frozenset[Key] = frozenset()
        nobody: frozenset[str] = frozenset()
        changed = {path: keys for path, keys in dependencies.items() if self._keys.get(path, nothing) != keys}
        if not changed:
            return self
        by_path, by_key = dict(self._keys), dict(self._files)
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
        return Dependents(by_path, by_key)

    def depends(self, path: str, keys: AbstractSet[Key]) -> bool:
        """Whether a file depends on any of some keys."""
        return not self._keys.get(path, frozenset()).isdisjoint(keys)

    def of(self, keys: Iterable[Key]) -> set[str]:
        """The files that depend on any of some keys."""
        return {path for key in keys for path in self._files.get(key, ())}
