"""Under what Gatekeeper's constraints and their templates are found.

A constraint is found under the kinds that it is about, `*` where it takes any; a template under the kind of its
constraints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.graph.index import key_of

if TYPE_CHECKING:
    from kscan_lsp.graph.index import Key, Object

TEMPLATES: Final = "templates.gatekeeper.sh"
CONSTRAINTS: Final = "constraints.gatekeeper.sh"


def gatekeeper_keys(one: Object) -> list[Key]:
    """The keys that an object of Gatekeeper's is found under besides those that every object has."""
    spec = _map(one.data.get("spec"))
    if one.id.group == TEMPLATES:
        kind = _map(_map(_map(spec.get("crd")).get("spec")).get("names")).get("kind")
        return [key_of("template", kind)] if isinstance(kind, str) else []
    if one.id.group != CONSTRAINTS:
        return []
    listed = _map(spec.get("match")).get("kinds")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    named = {kind for entry in entries for kind in _texts(entry.get("kinds")) or ["*"]} or {"*"}
    return [key_of("constrains", kind) for kind in (["*"] if "*" in named else sorted(named))]


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
