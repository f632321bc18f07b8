"""What an editor shows beside the text: counts and scores of a file and of the workspace, and what was not checked.

Silence must not be read as clean: a file that is left alone says why, one that is judged in part has no score, and the
workspace says how many files were checked and how many were not. The words are made here, so that every editor shows
the same, and the same as a terminal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.findings import Severity
from kscan_lsp.lsp.session.snapshot import SCANNING
from kscan_lsp.lsp.uris import name_in, path_of
from kscan_lsp.report.compliance import compliance, control_results
from kscan_lsp.report.left_alone import WORDS, rendered_by
from kscan_lsp.report.printable import counted
from kscan_lsp.report.standards import percentage
from kscan_lsp.report.unscanned import NOT_WHOLLY_JUDGED, is_wholly_judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kscan_lsp.files.partials import Partials
    from kscan_lsp.lsp.rendered import ChartView
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, WorkspaceSnapshot
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.results import CheckedFile

EXPECTED: Final = frozenset(("excluded", "not-kubernetes"))
"""Reasons to leave a file alone that nobody takes for an omission."""

UNTRUSTED: Final = "Policies of this workspace are not loaded, since it is not trusted"
MAX_LISTED: Final = 5
"""Files that are named for each reason."""


def status(snapshot: DocumentSnapshot) -> dict[str, Any] | None:
    """A document's open findings by severity, what is suppressed or in the baseline, and its score in each framework.

    A document that is left alone has `skipped`, the reason, and `hint`, a command that has it judged or nothing; None
    for one that nobody expects to be checked. A framework that looked at nothing in it is left out, and all are where
    not all was judged (`whole`): there is no score. `text` says it in few words, `lines` in more.
    """
    checked = snapshot.checked
    if snapshot.chart is not None and (checked.skipped or snapshot.chart.built):
        return _of_chart(snapshot.chart)
    if checked.skipped:
        return None if checked.skipped in EXPECTED else _left_alone(snapshot)
    findings = [finding for placed in checked.documents for finding in placed.checked.findings]
    statuses = Counter(finding.status for finding in findings)
    found = _by_severity(finding.severity for finding in findings if finding.status == "open")
    ruleset = snapshot.configuration.ruleset
    whole = checked.limit is None and all(
        is_wholly_judged(placed.checked, placed.checked.verdicts, ruleset) for placed in checked.documents
    )
    results = control_results((judged.verdicts, judged.failing()) for judged in snapshot.objects())
    scores = [f for f in compliance([ruleset], results) if f.judged] if whole else []
    shown = [f"{f.title} {percentage(f.score)}" for f in scores] if whole else [NOT_WHOLLY_JUDGED]
    counts = _counts(found)
    scanning = sum(said == SCANNING for said in snapshot.scans.values())
    working = [f"scanning {counted(scanning, 'image')}"] if scanning else []
    untrusted = [] if snapshot.configuration.trusted else [UNTRUSTED]
    known = [f"{statuses['accepted']} accepted"]
    if snapshot.configuration.baseline is not None:
        counts = f"{sum(found.values())} new" + (f" ({counts})" if any(found.values()) else "")
        known.append(f"{statuses['baseline']} in the baseline")
    return {
        **found,
        "suppressed": statuses["accepted"],
        "baseline": statuses["baseline"],
        "whole": whole,
        "frameworks": [
            {"id": f.id, "name": f.title, "score": f.score, "scoreAccepted": f.score_accepted} for f in scores
        ],
        "text": " \u00b7 ".join([counts, *shown[:1], *working]),
        "lines": [f"This file: {', '.join([counts, *known])}", *shown, *working, *untrusted],
    }


def _of_chart(view: ChartView) -> dict[str, Any]:
    """What is found in a file of a chart or of overlays. A chart has a score, none of its files has."""
    how, said = (
        ("as overlays build it",) * 2 if view.built else ("as the chart renders", "as its chart renders")
    )
    marks = [mark.finding for mark in view.marks if mark.finding]
    found = _by_severity(finding.severity for finding in marks if finding.status == "open")
    faults = [mark.message for mark in view.marks if mark.finding is None]
    statuses = Counter(finding.status for finding in marks)
    counts = _counts(found)
    return {
        **found,
        "suppressed": statuses["accepted"],
        "baseline": statuses["baseline"],
        "whole": not faults,
        "frameworks": [],
        "text": f"{counts} \u00b7 {NOT_WHOLLY_JUDGED if faults else how}",
        "lines": [f"This file, {said}: {counts}", *faults],
    }


def _left_alone(snapshot: DocumentSnapshot) -> dict[str, Any]:
    reason = snapshot.checked.skipped
    hint = hint_for(snapshot.path, reason, snapshot.partials, snapshot.folders)
    lines = [f"This file is not checked: {WORDS[reason][0]}"]
    if hint:
        lines.append(f"To have it checked, run: {hint}")
    return {"skipped": reason, "hint": hint, "text": f"not checked: {WORDS[reason][0]}", "lines": lines}


def workspace_status(
    snapshot: WorkspaceSnapshot, complete: bool, stopped: Callable[[], bool]
) -> dict[str, Any] | None:
    """How many files of the workspace were checked, what was found in them, and what was not checked.

    Args:
        snapshot: all that is known.
        complete: whether all files have been read.
        stopped: asked before each file; there is no number of a part of them.

    Returns:
        As `totals`, `skipped` with the number of files for each reason, and `text` and `lines` as for `status`; None
        where there is nothing to speak of.
    """
    found = totals(takewhile(lambda _: not stopped(), (file for file, _ in snapshot.files)))
    left: defaultdict[str, list[str]] = defaultdict(list)
    for file, project in snapshot.files:
        if file.skipped and file.skipped not in EXPECTED:
            left[file.skipped].append(_named(file, snapshot, snapshot.partials.get(project)))
    unread = [f"{name_in(path, snapshot.folders)}: {reason}" for path, reason in snapshot.unreadable]
    unread += [
        f"{name_in(path_of(file.path), snapshot.folders)}: {file.limit.message}"
        for file, _ in snapshot.files
        if file.limit
    ]
    missing = sum(map(len, left.values())) + len(unread)
    if stopped() or not (found["files"] or missing):
        return None
    number = sum(found["findings"].values())
    text = f"{counted(number, 'finding')} in {counted(found['files'], 'file')}"
    if missing:
        text += f", {missing} not checked"
    lines = [f"Workspace: {text}" + ("" if complete else ", and not all files read yet")]
    for reason, names in left.items():
        lines += _listed(f"Not checked, {counted(len(names), *WORDS[reason])}", names)
    if unread:
        lines += _listed("Could not be read", unread)
    return {
        **found,
        "skipped": {reason: len(names) for reason, names in left.items()},
        "text": text,
        "lines": lines,
    }


def together(of_file: dict[str, Any] | None, of_all: dict[str, Any] | None) -> dict[str, Any] | None:
    """What to show where there is room for one text: the file's, with what is known of the workspace in its lines."""
    if of_file is None or of_all is None:
        return of_file or of_all
    return {**of_file, "lines": [*of_file["lines"], *of_all["lines"]]}


def _named(file: CheckedFile, snapshot: WorkspaceSnapshot, partials: Partials | None) -> str:
    path = path_of(file.path)
    hint = hint_for(path, file.skipped, partials, snapshot.folders)
    name = name_in(path, snapshot.folders) or file.path
    return f"{name}; run: {hint}" if hint else name


def hint_for(path: Path | None, reason: str, partials: Partials | None, folders: Sequence[Path]) -> str:
    """The command that has a file judged that is left alone, as a terminal in its folder takes it; or nothing."""
    if path is None or partials is None:
        return ""
    found = partials.rendering(path)
    named = (found[0], name_in(Path(found[1]), folders)) if found else None
    return rendered_by(name_in(path, folders), reason, named)


def _listed(title: str, names: list[str]) -> list[str]:
    more = [f"  and {len(names) - MAX_LISTED} more"] if len(names) > MAX_LISTED else []
    return [f"{title}:", *(f"  {name}" for name in sorted(names)[:MAX_LISTED]), *more]


def _by_severity(found: Iterable[Severity]) -> dict[str, int]:
    number = Counter(found)
    return {severity.label: number[severity] for severity in sorted(Severity, reverse=True)}


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {label}" for label, count in found.items() if count) or "no findings"


def frameworks(configuration: Configuration) -> list[dict[str, Any]]:
    """Every framework there is, and whether it is chosen."""
    ruleset = configuration.ruleset
    chosen = {framework.id for framework in ruleset.frameworks}
    return [
        {"id": framework.id, "name": framework.title, "active": framework.id in chosen}
        for framework in ruleset.policies.frameworks.values()
    ]


def totals(files: Iterable[CheckedFile]) -> dict[str, Any]:
    """How many manifests there are among some files, and their open findings by severity."""
    judged = [file for file in files if not file.skipped]
    found = _by_severity(f.severity for file in judged for _, f in file.findings() if f.status == "open")
    return {"files": len(judged), "findings": found}
