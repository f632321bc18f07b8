"""In which order files are told: by their names, folder by folder.

An editor calls files by URIs, the command line by names relative to where it runs; the files below one folder come in
the same order either way. What is numbered in that order, such as fingerprints, is the same in both. (What a command
names outside of its working directory has an absolute name, and comes first.)
"""

from __future__ import annotations

from bisect import bisect
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")


def name_order(name: str) -> list[str]:
    """What to compare to put files in order: the parts of a name or of a `file:` URI."""
    return (unquote(name) if name.startswith("file:") else name).split("/")


def with_files_in_order(files: Mapping[str, _T], changed: Mapping[str, _T]) -> Mapping[str, _T]:
    """A mapping by file name, which is in order, with some files more or other values for some."""
    if len(changed) == 1:
        ((name, value),) = changed.items()
        return with_file_in_order(files, name, value)
    together = {**files, **changed}
    if len(together) == len(files):
        return together
    return {name: together[name] for name in sorted(together, key=name_order)}


def with_file_in_order(files: Mapping[str, _T], name: str, value: _T) -> dict[str, _T]:
    """A mapping by file name, which is in order, with one file more or another value for one."""
    if name in files:
        return {**files, name: value}
    names = list(files)
    at = bisect(names, name_order(name), key=name_order)
    if at == len(names):
        return {**files, name: value}
    return {
        **{before: files[before] for before in names[:at]},
        name: value,
        **{after: files[after] for after in names[at:]},
    }
