"""The table: a row for each finding, whatever became of it, and no formula."""

from __future__ import annotations

import csv as reader
import io
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from support.reporting import POD, report_of

from kscan_lsp.report import csv

if TYPE_CHECKING:
    from kscan_lsp.report.model import Report

ACCEPTED = POD.replace(
    "privileged: true", "privileged: true # kscan:ignore T-0001 until=2099-01-31 -- mounts, disks"
)


def rows(report: Report) -> list[dict[str, str]]:
    return [*reader.DictReader(io.StringIO(csv.render(report), newline=""))]


def test_accepted_findings_are_rows_too() -> None:
    found = {row["control"]: row for row in rows(report_of({"web.yaml": ACCEPTED}))}
    assert found["T-0002"]["status"] == "open"
    accepted = found["T-0001"]
    assert [accepted[key] for key in ("status", "acceptedBy", "reason", "owner", "until")] == [
        "accepted", "comment", "mounts, disks", "", "2099-01-31",
    ]  # fmt: skip
    assert [accepted[key] for key in ("file", "line", "column", "endLine", "endColumn")] == [
        "web.yaml", "9", "7", "9", "23",
    ]  # fmt: skip
    assert [accepted[key] for key in ("severity", "score", "kind", "namespace", "name")] == [
        "high", "8.0", "Pod", "shop", "web",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", "  =1", "\uff1d1", "|cmd", "%0A"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    report = report_of({"web.yaml": POD})
    entry = report.findings[0]
    changed = replace(report, findings=(replace(entry, finding=replace(entry.finding, message=text)),))
    assert rows(changed)[0]["message"] == f"'{text.strip()}"


def test_a_table_of_nothing_has_its_head() -> None:
    assert csv.render(report_of({})) == ",".join(csv.COLUMNS) + "\r\n"
