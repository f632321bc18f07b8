"""What a fix changes in data: operations with everything filled in, and data with them made.

Left out on purpose: text (`edits/`). What the data must be after a fix is worked out here, apart from how text is
edited, so that one proves the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from kscan_lsp.paths import Path


class DataChange(Struct, frozen=True):
    """One operation with everything filled in. `path` counts from the document's root."""

    verb: str
    """`set`, `add`, `remove`, or `rename`, whose value is the new key."""
    path: Path
    value: Any = None


def applied(data: Any, changes: tuple[DataChange, ...]) -> Any:
    """Data with changes made; copies only what lies on the way."""
    for change in changes:
        data = _changed(data, change.path, change)
    return data


def _changed(here: Any, path: Path, change: DataChange) -> Any:
    if not path:
        if change.verb == "add":
            return [*(here or []), change.value]
        return change.value
    head, rest = path[0], path[1:]
    if isinstance(head, int):
        items = list(here) if isinstance(here, list) else []
        if head >= len(items):
            return items
        if not rest and change.verb == "remove":
            del items[head]
        else:
            items[head] = _changed(items[head], rest, change)
        return items
    mapping = dict(here) if isinstance(here, dict) else {}
    if not rest and change.verb == "rename":
        return {change.value if key == head else key: value for key, value in mapping.items()}
    if not rest and change.verb == "remove":
        mapping.pop(head, None)
    else:
        mapping[head] = _changed(mapping.get(head), rest, change)
    return mapping
