"""A Report -> the text of a SARIF file that GitHub takes as it is.

GitHub refuses a file with more than 25,000 results, or of more than 10 MB packed, and shows 5,000 results. So the worst
come first, the least severe are what is left out, and a notification says so. Findings that somebody accepted are left
out unless they are asked for: GitHub does not read `suppressions`, and shows them as alerts.

Left out on purpose: times, since the same report gives the same text.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import __version__
from kscan_lsp.report.exchange import one_line, worst_first
from kscan_lsp.report.gates import exit_status
from kscan_lsp.report.sarif.places import ROOT, artifact
from kscan_lsp.report.sarif.results import results
from kscan_lsp.report.sarif.rules import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.report.model import Report, Reported

MAX_RESULTS: Final = 25_000
"""More in one run, and GitHub refuses the file."""
MAX_SHOWN: Final = 5_000
"""GitHub shows the worst of them."""
MAX_PACKED: Final = 10_000_000
"""Bytes of the file packed with gzip; more, and GitHub refuses it."""
MAX_NOTIFICATIONS: Final = 1_000
"""Notifications of one kind; the last one says how many there are besides."""

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_NOT_SCANNED, _PROBLEM, _SETUP, _LIMIT = range(4)
_NOTIFICATIONS: Final = (
    ("not-scanned", "Something that should have been scanned was not, or not fully."),
    ("problem", "Something is wrong with a manifest itself."),
    ("setup", "Something is wrong with the settings or a policy."),
    ("limit", "Results are left out, or not shown, because there are too many."),
)
"""What notifications are about, by their numbers."""
_STATUS: Final = {
    0: "the gate passed",
    1: "the gate failed",
    2: "a setting or a policy is wrong",
    3: "something that should have been scanned was not, or not fully",
}


def render(report: Report) -> str:
    """The findings that count, as SARIF."""
    return _fitting(report, worst_first(report.open()))


def render_with_accepted(report: Report) -> str:
    """All findings; what somebody accepted, or what is in a baseline, is suppressed."""
    return _fitting(report, worst_first(report.findings))


def _fitting(report: Report, entries: Sequence[Reported]) -> str:
    """The text with as many of the findings as GitHub takes, the first ones."""
    kept = min(len(entries), MAX_RESULTS)
    while True:
        text = _text(report, entries[:kept], len(entries))
        size = len(text) if len(text) * 4 <= MAX_PACKED else _packed(text)
        if size <= MAX_PACKED or not kept:
            return text
        kept = min(kept - 1, int(kept * MAX_PACKED / size * 0.9))


def _packed(text: str) -> int:
    return len(zlib.compress(text.encode("utf-8", "backslashreplace")))


def _text(report: Report, kept: Sequence[Reported], of: int) -> str:
    """One line for each result and each rule: good to search, and quick to write."""
    head, results_, tail = _run(report, kept, of)
    parts = [
        *(f"{json.dumps(key)}: {_dump(value)}" for key, value in head.items()),
        f'"results": [{_lines(results_)}]',
        *(f"{json.dumps(key)}: {_dump(value)}" for key, value in tail.items()),
    ]
    run = ",\n".join(parts)
    return f'{{\n"$schema": {json.dumps(_SCHEMA)},\n"version": "2.1.0",\n"runs": [{{\n{run}\n}}]\n}}\n'


def _lines(items: Sequence[dict[str, Any]]) -> str:
    return "\n" + ",\n".join(map(_dump, items)) + "\n" if items else ""


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _run(
    report: Report, kept: Sequence[Reported], of: int
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """What comes before the results, these, and what comes after them."""
    indices = {control: number for number, control in enumerate(report.rules)}
    driver = {
        "name": "kscan",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [rule(control) for control in report.rules.values()],
        "notifications": [{"id": name, "shortDescription": {"text": text}} for name, text in _NOTIFICATIONS],
    }
    packs = [
        {"name": one.name, "version": one.version, "properties": {"digest": one.digest}}
        for one in report.circumstances.packs
    ]
    head = {
        "tool": {"driver": driver, **({"extensions": packs} if packs else {})},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "automationDetails": {"id": "kscan/"},
    }
    return head, results(report, kept, indices), {"invocations": [_invocation(report, len(kept), of)]}


def _invocation(report: Report, kept: int, of: int) -> dict[str, Any]:
    status = exit_status(report)
    return {
        "executionSuccessful": status < 2,
        "exitCode": status,
        "exitCodeDescription": _STATUS[status],
        "toolExecutionNotifications": [*_unscanned(report), *_problems(report), *_limits(kept, of)],
        "toolConfigurationNotifications": [*_setup(report)],
    }


def _unscanned(report: Report) -> Iterator[dict[str, Any]]:
    level = "warning" if report.gate.unscanned else "error"
    for place in report.not_scanned[:MAX_NOTIFICATIONS]:
        yield _notification(_NOT_SCANNED, level, place.reason, _at(report, place.file, place.line))
    yield from _more(_NOT_SCANNED, level, len(report.not_scanned))


def _problems(report: Report) -> Iterator[dict[str, Any]]:
    """What is wrong with manifests: the others are about how the tool is set up."""
    found = [problem for problem in report.problems if problem.file in report.texts]
    for problem in found[:MAX_NOTIFICATIONS]:
        place = _at(report, problem.file, problem.range.start.line)
        yield _notification(_PROBLEM, "warning", problem.message, place)
    yield from _more(_PROBLEM, "warning", len(found))


def _setup(report: Report) -> Iterator[dict[str, Any]]:
    found = [problem for problem in report.problems if problem.file not in report.texts]
    for problem in found[:MAX_NOTIFICATIONS]:
        level = "error" if problem.is_fault else "note"
        place = _at(report, problem.file, problem.range.start.line)
        yield _notification(_SETUP, level, problem.message, place)
    yield from _more(_SETUP, "warning", len(found))


def _limits(kept: int, of: int) -> Iterator[dict[str, Any]]:
    if kept < of:
        text = (
            f"the {of - kept:,} least severe of {of:,} findings are left out: GitHub takes {MAX_RESULTS:,} of a file, "
            f"and {MAX_PACKED // 1_000_000} MB of it packed; the JSON report has all"
        )
        yield _notification(_LIMIT, "warning", text)
    elif kept > MAX_SHOWN:
        yield _notification(_LIMIT, "note", f"GitHub shows the {MAX_SHOWN:,} worst of these {of:,} findings")


def _more(about: int, level: str, number: int) -> Iterator[dict[str, Any]]:
    if number > MAX_NOTIFICATIONS:
        yield _notification(about, level, f"and {number - MAX_NOTIFICATIONS:,} more")


def _notification(about: int, level: str, text: str, *places: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "descriptor": {"id": _NOTIFICATIONS[about][0], "index": about},
        "level": level,
        "message": {"text": one_line(text)},
    }
    if places:
        made["locations"] = [*places]
    return made


def _at(report: Report, file: str, line: int) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": artifact(report, file),
            "region": {"startLine": line},
        }
    }
