"""A scan in two lines, for who has the report itself in a file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kscan_lsp.report.gates import gate_failures
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.report.model import Report


def brief(report: Report, written: Sequence[str]) -> str:
    """What was found, what keeps the scan from passing, and where the reports are.

    Args:
        report: the report.
        written: the files that it was written to.
    """
    found = [f"{count} {severity.label}" for severity, count in report.by_severity().items() if count]
    statuses = Counter(entry.finding.status for entry in report.findings)
    found += [f"{statuses[status]} {status}" for status in ("accepted", "baseline") if statuses[status]]
    parts = [f"{counted(report.files, 'file')} scanned, found {', '.join(found) or 'nothing'}"]
    if report.not_scanned:
        parts.append(f"{counted(len(report.not_scanned), 'place')} not scanned, or not fully")
    if failures := gate_failures(report):
        parts.append(f"failed: {', '.join(failure.why for failure in failures)}")
    return f"{'; '.join(parts)}\nwritten: {', '.join(written)}"
