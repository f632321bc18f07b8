"""Values of charts, put together as Helm does: the worker renders by them, and places are looked for in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Values under others, as Helm merges them."""
    found = dict(below)
    for key, value in above.items():
        known = found.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        found[key] = merged(known, value) if both else value  # type: ignore[arg-type]
    return found
