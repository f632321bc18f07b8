"""The report as JSON, for programs: the contract that `docs/schemas/report.schema.json` publishes.

Keys come in one order and lists in the report's, so that two scans of the same text are the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kscan_lsp import __version__
from kscan_lsp.report.drift_data import drift_data
from kscan_lsp.report.json_lines import FindingLines, json_of, resource_data
from kscan_lsp.report.spreading import in_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.evidence.images import Vulnerability
    from kscan_lsp.report.image_model import ReportedImage
    from kscan_lsp.report.model import ControlResult, Report, Reported
    from kscan_lsp.report.spreading import Spread
    from kscan_lsp.report.standards import FrameworkScore, StandardChange

SCHEMA_VERSION = 2


def render(report: Report) -> str:
    """The report as a JSON text."""
    return "".join(pieces(report))


def pieces(report: Report, spread: Spread = in_turn) -> Iterator[str]:
    """The report as a JSON text, piece by piece: one line for each part, and in lists one for each item.

    That is good to search and to compare line by line, and much faster to write than indented text.

    Args:
        report: the report.
        spread: what makes the lines of findings, which are nearly all of it.
    """
    before = "{\n"
    for key, value in _parts(report).items():
        yield f'{before}  "{key}": '
        before = ",\n"
        if key == "findings":
            yield from _list(spread(_finding_lines, report.findings))
        else:
            yield from _list(map(json_of, value)) if isinstance(value, list) else (json_of(value),)
    yield "\n}\n"


def _finding_lines(entries: Iterable[Reported]) -> Iterator[str]:
    return map(FindingLines().line, entries)


def _list(lines: Iterable[str]) -> Iterator[str]:
    before = "[\n    "
    for line in lines:
        yield before + line
        before = ",\n    "
    yield "[]" if before.startswith("[") else "\n  ]"


def _parts(report: Report) -> dict[str, Any]:
    """The parts of the report; the findings are left to `FindingLines`."""
    statuses = [said.status for entry in report.findings if (said := entry.finding.disposition) is not None]
    return {
        "schema": SCHEMA_VERSION,
        "tool": {"name": "kscan", "version": __version__},
        "summary": {
            "files": report.files,
            "resources": report.resources,
            "findings": {severity.label: count for severity, count in report.by_severity().items()},
            "suppressed": statuses.count("accepted"),
            "baseline": statuses.count("baseline"),
            "skipped": report.skipped_by_reason(),
            "frameworks": [_framework(framework) for framework in report.frameworks],
            **_answered(report),
        },
        "controls": [_control(result) for result in report.controls],
        "packs": [*map(str, report.circumstances.packs)],
        "changes": [{"change": one.what, **_change(one)} for one in report.changes],
        "skipped": [{"file": s.file, "reason": s.reason, "hint": s.hint} for s in report.skipped],
        "kindsNotJudged": [
            {"kind": one.kind, "apiVersion": one.api_version, "count": one.objects, "meant": one.meant}
            for one in report.kinds_not_judged
        ],
        "notScanned": [{"file": n.file, "line": n.line, "reason": n.reason} for n in report.not_scanned],
        "problems": [
            {"file": p.file, "line": p.range.start.line, "column": p.range.start.column, "message": p.message}
            for p in report.problems
        ],
        "findings": (),
        "drift": [drift_data(one) for one in report.drift],
        "images": [_image(one) for one in report.images],
    }


def _answered(report: Report) -> dict[str, Any]:
    """How many findings policies answer that change objects; nothing where none is asked to."""
    found = [{"policy": policy, "findings": count} for policy, count in report.answered]
    return {"answered": found} if found else {}


def _image(image: ReportedImage) -> dict[str, Any]:
    return {
        "reference": image.reference,
        "digest": image.digest,
        "source": image.source or None,
        "made": image.made and image.made.isoformat(),
        "ageDays": image.age_days,
        "system": image.system,
        "endOfLife": image.end_of_life,
        "counts": image.counts,
        "exposure": list(image.exposure),
        "workloads": [
            {
                "resource": resource_data(place.resource),
                "container": place.container,
                "file": place.file,
                "line": place.line,
                "exposure": list(place.exposure),
            }
            for place in image.places
        ],
        "vulnerabilities": [_vulnerability(one) for one in (*image.vulnerabilities, *image.settled)],
    }


def _vulnerability(one: Vulnerability) -> dict[str, Any]:
    return {
        "id": one.id,
        "aliases": list(one.aliases),
        "severity": one.severity.label if one.severity else None,
        "package": one.package,
        "purl": one.purl,
        "installed": one.installed,
        "fixed": list(one.fixed),
        "vector": one.vector,
        "score": one.score or None,
        "epss": one.epss,
        "kev": one.kev,
        "title": one.title,
        "url": one.url,
        "status": one.status or None,
        "reason": one.reason,
    }


def _framework(framework: FrameworkScore) -> dict[str, Any]:
    changed = {what: [_change(one) for one in framework.changed(what)] for what in _CHANGES}
    replaced_by = framework.replaced_by
    return {
        "id": framework.id,
        "score": framework.score if framework.judged else None,
        "scoreAccepted": framework.score_accepted if framework.judged else None,
        "replacedBy": replaced_by and {"file": replaced_by.file, "line": replaced_by.line},
        "controls": {"run": framework.run, **changed, "notEvaluated": list(framework.not_evaluated)},
    }


_CHANGES = ("excluded", "replaced", "lowered")


def _change(change: StandardChange) -> dict[str, Any]:
    data: dict[str, Any] = {"id": change.id, "file": change.file or None, "line": change.line or None}
    return {**data, "detail": change.detail} if change.detail else data


def _control(result: ControlResult) -> dict[str, Any]:
    missing = None
    if result.not_evaluated:
        reasons = [
            {"file": r.file, "line": r.line, "path": r.path, "reason": r.reason} for r in result.reasons
        ]
        missing = {"count": result.not_evaluated, "reasons": reasons}
    return {
        "id": result.id,
        "evaluated": result.evaluated,
        "failed": result.failed,
        "accepted": result.accepted,
        "notEvaluated": missing,
    }
