"""Policy reports: one for each namespace, small enough for the API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from support.forms import HOSTILE, check_policyreport, reports_of
from support.reporting import POD, report_of

from kscan_lsp.findings import ResourceId
from kscan_lsp.report import policyreport

if TYPE_CHECKING:
    from kscan_lsp.report.model import Report

ACCEPTED = POD.replace("privileged: true", "privileged: true # kscan:ignore T-0001 -- it mounts disks")


def objects(report: Report) -> list[dict[str, Any]]:
    text = policyreport.render(report)
    check_policyreport(text)
    return reports_of(text)


def about(*resources: ResourceId) -> Report:
    """A report with one finding of each of some objects."""
    report = report_of({"web.yaml": POD})
    entry = report.findings[0]
    return replace(
        report,
        findings=tuple(replace(entry, finding=replace(entry.finding, resource=who)) for who in resources),
    )


def test_a_finding_is_a_result() -> None:
    (report,) = objects(report_of({"web.yaml": POD}))
    assert report["metadata"]["namespace"] == "shop"
    result = report["results"][1]
    assert result.pop("properties")["path"] == "spec.containers[0].securityContext.privileged"
    assert result == {
        "source": "kscan", "policy": "T-0001", "severity": "high", "result": "fail",
        "scored": True, "message": "container 'api' is privileged",
        "resources": [{"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web"}],
    }  # fmt: skip


def test_a_namespace_has_a_report_of_its_own() -> None:
    found = objects(
        about(
            ResourceId("v1", "Pod", "b", "x"),
            ResourceId("v1", "Pod", "", "x"),
            ResourceId("rbac.authorization.k8s.io/v1", "ClusterRole", "", "x"),
            ResourceId("v1", "Pod", "b", "y"),
            ResourceId("v1", "Pod", "Not A Name", "y"),
        )
    )
    told = [(one["kind"], one["metadata"].get("namespace"), len(one["results"])) for one in found]
    assert sorted(told, key=str) == [
        ("ClusterPolicyReport", None, 1), ("PolicyReport", "b", 2), ("PolicyReport", None, 2),
    ]  # fmt: skip


def test_a_report_is_small_enough() -> None:
    found = objects(about(*[ResourceId("v1", "Pod", "a", "x")] * 2_500))
    assert [one["metadata"]["name"] for one in found] == ["kscan", "kscan-2", "kscan-3"]
    assert [one["summary"]["fail"] for one in found] == [1_000, 1_000, 500]


def test_what_is_accepted_is_skipped() -> None:
    (report,) = objects(report_of({"web.yaml": ACCEPTED}))
    assert report["summary"] == {"pass": 0, "fail": 1, "warn": 0, "error": 0, "skip": 1}
    accepted = next(one for one in report["results"] if one["result"] == "skip")
    assert accepted["properties"]["accepted"] == "comment: it mounts disks"


def test_a_clean_run_is_an_empty_report() -> None:
    (report,) = objects(report_of({}))
    assert report["results"] == []
    assert report["metadata"]["name"] == "kscan"


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_texts_are_nothing_but_text(word: str) -> None:
    (report,) = objects(about(ResourceId("v1", "Pod", word, word)))
    (result,) = report["results"]
    assert result["resources"][0]["name"] == policyreport.printable(word)
