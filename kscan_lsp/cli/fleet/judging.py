"""One project -> its row: a scan as `kscan scan PROJECT` would make it, cut down to what is compared.

It runs in other processes and on other machines, so it takes and gives plain data, looks at nothing but the project,
and never raises: a project that breaks something is a row that says so. In one process one is judged at a time.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.cli.asked import ScanRequest
from kscan_lsp.cli.baselines import compare
from kscan_lsp.cli.gates import gate_of
from kscan_lsp.cli.options import FailOn, UsageError
from kscan_lsp.cli.reports import report_of
from kscan_lsp.cli.request import built_overlays, rendered_charts
from kscan_lsp.cli.scan import scan as scan_paths
from kscan_lsp.files.commit import commit_of
from kscan_lsp.files.discover import discover
from kscan_lsp.report.fleet.model import FleetControl, FleetFinding, FleetRow, FleetScore
from kscan_lsp.report.gates import exit_status

if TYPE_CHECKING:
    from kscan_lsp.report.fleet.model import FleetProject
    from kscan_lsp.report.model import Report

WORST: Final = 20
"""Findings of a project that are named."""
_ONE_AT_A_TIME: Final = threading.Lock()


class FleetRequest(Struct, frozen=True):
    """How all projects are judged; `day` is that of all of them, as in 2026-01-31."""

    day: str
    frameworks: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    fail_on: str = ""
    """Empty for what the settings of each say."""


def judge(project: FleetProject, request: FleetRequest) -> FleetRow:
    """What becomes of one project."""
    if project.problem:
        return FleetRow(project, 2, project.problem)
    try:
        with _ONE_AT_A_TIME:
            return _judged(project, request)
    except UsageError as error:
        return FleetRow(project, 2, str(error))
    except Exception as error:  # noqa: BLE001 - whatever one project does, the others are reported
        return FleetRow(project, 3, f"it could not be judged: {type(error).__name__}: {error}"[:500])


def _judged(project: FleetProject, request: FleetRequest) -> FleetRow:
    day = date.fromisoformat(request.day)
    asked = ScanRequest((project.path,), None, request.frameworks, request.controls)
    scan = scan_paths(asked, day, discover=discover, charts=rendered_charts, overlays=built_overlays)
    gate, _ = gate_of(scan, FailOn(request.fail_on) if request.fail_on else None, (), allow_unscanned=False)
    compared = compare(scan, None)
    report = report_of(compared.scan, asked, day, gate=gate)
    commit = commit_of(Path(project.path))
    return replace(
        _row(project, report),
        status=exit_status(report),
        problem=_problem(project, report),
        commit=commit.id if commit else "",
    )


def _row(project: FleetProject, report: Report) -> FleetRow:
    statuses = Counter(one.finding.status for one in report.findings)
    found = sorted(report.open(), key=lambda one: -one.finding.severity)
    counted = Counter(one.finding.control for one in found)
    first = {one.finding.control: one for one in reversed(found)}
    order = sorted(counted, key=lambda i: (-first[i].finding.severity, -counted[i], i))
    return FleetRow(
        project,
        0,
        files=report.files,
        resources=report.resources,
        open=tuple(report.by_severity().values()),
        accepted=statuses["accepted"],
        baseline=statuses["baseline"],
        not_scanned=len(report.not_scanned),
        scores=tuple(
            FleetScore(one.id, one.score, one.score_accepted) for one in report.frameworks if one.judged
        ),
        controls=tuple(
            FleetControl(i, first[i].rule.title, first[i].finding.severity.label, counted[i]) for i in order
        ),
        worst=tuple(
            FleetFinding(
                one.finding.control,
                one.finding.severity.label,
                _inside(project, one.file),
                one.range.start.line,
                one.finding.message,
                one.fingerprint,
            )
            for one in found[:WORST]
        ),
    )


def _problem(project: FleetProject, report: Report) -> str:
    """The first thing that counts for the status, with its place."""
    if report.not_scanned:
        place = report.not_scanned[0]
        return f"{_inside(project, place.file)}:{place.line}: {place.reason}"
    if report.wrong_setup:
        wrong = next(one for one in report.problems if one.is_fault)
        return f"{_inside(project, wrong.file)}:{wrong.range.start.line}: {wrong.message}"
    return ""


def _inside(project: FleetProject, name: str) -> str:
    """A file's name in a report, as the project knows it."""
    path = Path(os.path.abspath(name))
    return path.relative_to(project.path).as_posix() if path.is_relative_to(project.path) else path.as_posix()
