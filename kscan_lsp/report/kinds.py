"""Kinds that no control looks at: what was scanned and passed over, so that nobody takes that for clean.

A kind is known if Kubernetes serves it, if it runs pods (`kubernetes/pod_templates.py`, `podSpecPaths`), if its objects
are policies that are read, or if a control, on or off, or a relation is about it. All else is listed, with what it may
be a slip of.

Left out on purpose: whether a custom resource definition for it exists. Only a cluster knows.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kscan_lsp.kubernetes.kinds import GROUPS, meant_kind
from kscan_lsp.kubernetes.network_policies import CALICO
from kscan_lsp.kubernetes.pod_templates import PLACES
from kscan_lsp.kubernetes.schema import known_fields
from kscan_lsp.report.model import KindNotJudged
from kscan_lsp.workspace.admitting import is_read_as_policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.policy.ruleset import Ruleset


def kinds_not_judged(objects: Iterable[tuple[ResourceId, Ruleset]]) -> tuple[KindNotJudged, ...]:
    """The kinds among some objects that nothing here knows, the most frequent first.

    Args:
        objects: what was scanned, each with the ruleset it was judged by.
    """
    counted = Counter((who.kind, who.api_version, ruleset) for who, ruleset in objects)
    named: dict[int, frozenset[tuple[str, str]]] = {}
    found: Counter[tuple[str, str]] = Counter()
    for (kind, api_version, ruleset), count in counted.items():
        group = api_version.rpartition("/")[0]
        if id(ruleset) not in named:
            named[id(ruleset)] = _named_by_controls(ruleset)
        by_control = not named[id(ruleset)].isdisjoint({(group, kind), ("*", kind)})
        if not by_control and not _known(group, kind, ruleset):
            found[kind, api_version] += count
    return tuple(
        KindNotJudged(kind, api_version, count, meant_kind(api_version, kind))
        for (kind, api_version), count in sorted(found.items(), key=lambda entry: (-entry[1], entry[0]))
    )


def _known(group: str, kind: str, ruleset: Ruleset) -> bool:
    served = GROUPS.get(group)
    return (
        (served is not None and kind in served.kinds)
        or (group, kind) in PLACES
        or (group, kind) in ruleset.pod_spec_paths
        or known_fields(group, kind) is not None
        or is_read_as_policy(group, kind)
        or (group in CALICO and kind == "NetworkPolicy")
    )


def _named_by_controls(ruleset: Ruleset) -> frozenset[tuple[str, str]]:
    """(group, kind) of all that any control is about by name; `*` is any group."""
    matches = [
        match
        for control in ruleset.policies.controls.values()
        for match in (control.match, *(check.match for check in control.checks))
    ]
    return frozenset(
        (group, kind)
        for wanted in matches
        for groups, kinds in wanted or ()
        for group in groups
        for kind in kinds
    )
