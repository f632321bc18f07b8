"""Single fields of a control or a framework as their files have them, whatever else stands in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kscan_lsp.policy.rego import RegoRule

FILE: Final = "file"
"""The scope of controls that are judged where there is no cluster."""


def map_of(value: object) -> dict[str, Any]:
    """A map; an empty one where something else stands in its place."""
    return value if isinstance(value, dict) else {}


def sections_of(given: Any, depth: int) -> Iterator[tuple[str, str]]:
    """The section of each control, as `subSections` of a framework have them."""
    for section in given.values() if isinstance(given, dict) and depth < 10 else ():
        if isinstance(section, dict):
            number, controls = section.get("id"), section.get("controlsIDs")
            for control in controls if isinstance(controls, list) else ():
                if isinstance(control, str) and isinstance(number, str):
                    yield control, number
            yield from sections_of(section.get("subSections"), depth + 1)


def not_here(data: Mapping[str, Any], rules: tuple[RegoRule, ...]) -> str:
    """Why no manifest can be judged by a control; empty where some can."""
    scopes = map_of(data.get("scanningScope")).get("matches")
    if isinstance(scopes, list) and scopes and FILE not in scopes:
        named = ", ".join(one for one in scopes if isinstance(one, str))
        return f"it is for {named} alone (scanningScope)"
    if not rules:
        return "it has no rules"
    return "" if any(rule.kinds for rule in rules) else next((r.source.unsupported for r in rules), "")


def category_of(data: Mapping[str, Any]) -> str:
    """The name of the category that a control says it is of."""
    name = map_of(data.get("category")).get("name")
    return name if isinstance(name, str) else ""


def references_of(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The references of a control, as far as they are texts."""
    listed = data.get("references")
    return tuple(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else ()
