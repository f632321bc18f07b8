"""The report as Kubernetes objects: PolicyReport of wgpolicyk8s.io/v1alpha2, for the dashboards that read those.

A report belongs to a namespace and is about what lives in it, so there is one for each namespace that manifests name,
one without a namespace for what names none (it is applied to the current one), and a ClusterPolicyReport for what lives
in no namespace. An object of the API server has to stay below 1.5 MB: from 1,000 results on there is another one.

What is in it are failures, accepted ones as `skip`; what passed is counted per control, which no report of a namespace
can tell, so it is left out.
Source: kubernetes-sigs/wg-policy-prototypes, policy-report/crd/v1alpha2.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import __version__
from kscan_lsp.kubernetes.kinds import CLUSTER_SCOPED_KINDS
from kscan_lsp.regex import regex
from kscan_lsp.report.exchange import one_line
from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.report.model import Report, Reported

MAX_RESULTS: Final = 1_000
"""Results of one object."""

_RESULTS: Final = {"open": "fail", "baseline": "warn", "accepted": "skip"}
"""What a finding's status is to a policy report."""
_COUNTED: Final = ("pass", "fail", "warn", "error", "skip")
_NAMESPACE: Final = regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_CLUSTER: Final = "\0"
"""Stands for what lives in no namespace."""
_LABELS: Final = {"app.kubernetes.io/managed-by": "kscan"}


def render(report: Report) -> str:
    """The reports as a YAML stream, which kubectl applies."""
    grouped: dict[str, list[dict[str, Any]]] = {"": []}
    for entry in report.findings:
        grouped.setdefault(_group(entry.finding.resource), []).append(_result(entry))
    if len(grouped) > 1 and not grouped[""]:
        del grouped[""]
    objects = [one for group in sorted(grouped) for one in _objects(group, grouped[group])]
    return "".join(f"---\n{_yaml(one)}\n" for one in objects)


def _group(who: ResourceId) -> str:
    if not who.namespace and who.kind in CLUSTER_SCOPED_KINDS:
        return _CLUSTER
    return who.namespace if _NAMESPACE.fullmatch(who.namespace) else ""


def _objects(group: str, results: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Reports of one namespace: one, or as many as its results need."""
    for number, start in enumerate(range(0, max(len(results), 1), MAX_RESULTS), 1):
        some = results[start : start + MAX_RESULTS]
        counts = Counter(result["result"] for result in some)
        metadata: dict[str, Any] = {
            "name": "kscan" if number == 1 else f"kscan-{number}",
            "labels": _LABELS,
        }
        if group not in {"", _CLUSTER}:
            metadata["namespace"] = group
        yield {
            "apiVersion": "wgpolicyk8s.io/v1alpha2",
            "kind": "ClusterPolicyReport" if group == _CLUSTER else "PolicyReport",
            "metadata": metadata,
            "summary": {name: counts[name] for name in _COUNTED},
            "results": some,
        }


def _result(entry: Reported) -> dict[str, Any]:
    finding, rule, start = entry.finding, entry.rule, entry.range.start
    said = finding.disposition
    told = {
        "file": entry.file,
        "line": str(start.line),
        "column": str(start.column),
        "path": finding.printed_path,
        "title": rule.title,
        "fingerprint": entry.fingerprint,
        "version": __version__,
    }
    if said:
        told[finding.status] = f"{said.by}: {said.reason or 'no reason given'}"
        who = {
            "owner": said.owner,
            "until": said.until,
            "ticket": said.ticket,
            "approvedBy": said.approved_by,
            "acceptedIn": f"{entry.accepted_file}:{entry.accepted_line}" if entry.accepted_file else "",
        }
        told |= {name: value for name, value in who.items() if value}
    return {
        "source": "kscan",
        "policy": finding.control,
        **({"category": printable(rule.category)} if rule.category else {}),
        "severity": finding.severity.label,
        "result": _RESULTS[finding.status],
        "scored": True,
        "message": one_line(finding.message),
        "resources": [_resource(finding.resource)],
        "properties": {key: one_line(value) for key, value in told.items() if value},
    }


def _resource(who: ResourceId) -> dict[str, str]:
    named = {"apiVersion": who.api_version, "kind": who.kind, "namespace": who.namespace, "name": who.name}
    return {key: printable(value) for key, value in named.items() if value}


def _yaml(value: Any, indent: str = "") -> str:
    """Plain data as YAML: block style, with every text in quotes, as JSON writes it."""
    if isinstance(value, dict):
        return "\n".join(f"{indent}{key}:{_below(item, indent)}" for key, item in value.items())
    return "\n".join(f"{indent}- {_yaml(item, f'{indent}  ').lstrip()}" for item in value)


def _below(value: Any, indent: str) -> str:
    if isinstance(value, dict | list) and value:
        return f"\n{_yaml(value, f'{indent}  ')}"
    return f" {json.dumps(value, ensure_ascii=False)}"
