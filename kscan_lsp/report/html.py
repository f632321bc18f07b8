"""The report as one HTML page: a score for each framework, and the findings by severity, by control and by file.

The page stands alone: no script, no image, no address of another host, and a policy in its head that allows nothing
but the style it carries, so that nothing a manifest says can do anything where the page is shown. What it shows of
manifests are names, places and messages, never their text: a value may be a secret.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from kscan_lsp import __version__
from kscan_lsp.findings import Severity
from kscan_lsp.report.html_style import STYLE
from kscan_lsp.report.printable import counted, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.report.model import ControlResult, FixOption, FrameworkScore, LineColumn, Report, Reported

    UriOf = Callable[[str], str | None]

PLACE_SCHEME: Final = "kscan-place:"
"""Links to places: this, the file's URI percent-encoded, `#L`, line, comma, column. An editor knows what to do."""

_UNFOLDED: Final = 40
"""Up to so many findings, all are to be seen at once; of more, first the controls."""

_CHANGES: Final = {
    "excluded": "taken out",
    "lowered": "lowered from {}",
    "replaced": "defined by this project",
}

_GOOD_SCORE: Final = 90
_FAIR_SCORE: Final = 60

_POLICY: Final = (
    "default-src 'none'; style-src 'sha256-"
    f"{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; base-uri 'none'; form-action 'none'"
)


def no_uri(_: str) -> None:
    """What has no address: files for a page that is read where they are not."""


def render(report: Report, uri_of: UriOf = no_uri) -> str:
    """The report as a page.

    Args:
        report: what to show.
        uri_of: the URI of a file by its name in the report; where there is none, its places are text, not links.
    """
    return "\n".join((
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>kscan report</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        *_Page(report, uri_of).sections(),
        "</body>",
        "</html>",
        "",
    ))  # fmt: skip


class _Page:
    """Writes the parts of one page."""

    def __init__(self, report: Report, uri_of: UriOf) -> None:
        self.report = report
        self.uri_of = uri_of

    def sections(self) -> Iterator[str]:
        yield from self.head()
        yield from self.not_scanned()
        if any(framework.judged for framework in self.report.frameworks):
            yield from _scores(self.report.frameworks)
        yield from self.changes()
        yield from self.controls()
        yield from self.files()
        yield from self.kinds_not_judged()
        yield from self.not_evaluated()
        yield from self.problems()
        yield from self.accepted()
        yield from self.skipped()

    def head(self) -> Iterator[str]:
        report = self.report
        skipped = ", ".join(
            f"{count} {reason}" for reason, count in report.skipped_by_reason().items() if count
        )
        yield "<h1>kscan report</h1>"
        yield (
            f'<p class="quiet">{counted(report.files, "file")} and {counted(report.resources, "resource")} checked'
            f"{f'; left alone: {skipped}' if skipped else ''}; kscan {__version__}</p>"
        )
        yield '<ul class="tiles">'
        for severity, count in report.by_severity().items():
            yield _tile(severity.label, count, severity.label)
        statuses = Counter(entry.finding.status for entry in report.findings)
        for status in ("accepted", "baseline"):
            if statuses[status]:
                yield _tile(status, statuses[status], "")
        yield "</ul>"
        if not report.files and not report.not_scanned:
            yield '<p class="warning">No Kubernetes manifest was found: nothing is known about these files.</p>'

    def not_scanned(self) -> Iterator[str]:
        """What is not in the counts: it must not be overlooked."""
        if self.report.not_scanned:
            yield "<h2>Not scanned, or not fully</h2>"
            yield from _table((self.place(n.file, n.line), _text(n.reason)) for n in self.report.not_scanned)

    def controls(self) -> Iterator[str]:
        """Open findings, the worst first, each control in a fold of its own."""
        ordered = sorted(self.report.open(), key=_worst_first)
        grouped = [list(group) for _, group in groupby(ordered, key=_worst_first)]
        yield "<h2>Findings by control</h2>"
        if not grouped:
            yield f'<p class="quiet">{"Nothing was found." if self.report.files else "Nothing was checked."}</p>'
        unfold = " open" if len(ordered) <= _UNFOLDED else ""
        for entries in grouped:
            first, finding = entries[0], entries[0].finding
            yield f'<details class="{finding.severity.label}"{unfold}>'
            yield (
                f'<summary><span class="tag">{finding.severity.label}</span><b>{_text(first.rule.title)}</b>'
                f'<code class="quiet">{_text(finding.control)}</code>'
                f'<span class="tag">{counted(len(entries), "finding")}</span></summary>'
            )
            yield f'<div class="inside"><p class="quiet">{_prose(first.rule.remediation)}</p>'
            yield from _table(self.row(entry, _fix(entry.fixes)) for entry in entries)
            yield "</div></details>"

    def row(self, entry: Reported, more: str) -> tuple[str, str, str]:
        start = entry.range.start
        related = "".join(
            f'<span class="also quiet">{_text(place.message)}: '
            f"{self.place(place.file, place.range.start.line, place.range.start.column)}</span>"
            for place in entry.related
        )
        message = f"{_text(entry.finding.message)}{related}{more}"
        return self.place(entry.file, start.line, start.column), _named(entry.finding.resource), message

    def files(self) -> Iterator[str]:
        counted: dict[str, Counter[Severity]] = {}
        first: dict[str, LineColumn] = {}
        for entry in self.report.open():
            counted.setdefault(entry.file, Counter())[entry.finding.severity] += 1
            first[entry.file] = min(first.get(entry.file, entry.range.start), entry.range.start)
        if not counted:
            return
        levels = sorted(Severity, reverse=True)
        worst = sorted(counted, key=lambda file: ([-counted[file][level] for level in levels], file))
        heads = "".join(f'<th class="count" scope="col">{level.label}</th>' for level in levels)
        yield "<h2>Findings by file</h2>"
        yield f'<table><thead><tr><th scope="col">file</th>{heads}</tr></thead><tbody>'
        for file in worst:
            cells = "".join(
                f'<td class="count {level.label}">{counted[file][level] or ""}</td>' for level in levels
            )
            yield f"<tr><td>{self.link(file, _text(file), first[file])}</td>{cells}</tr>"
        yield "</tbody></table>"

    def kinds_not_judged(self) -> Iterator[str]:
        kinds = self.report.kinds_not_judged
        if kinds:
            yield "<h2>Kinds that were not judged</h2>"
            yield '<p class="quiet">No control looks at these: nothing is known about them.</p>'
            yield from _table(
                (
                    f"{_text(one.kind)} <code>{_text(one.api_version)}</code>",
                    str(one.objects),
                    f"did you mean {_text(one.meant)}?" if one.meant else "",
                )
                for one in kinds
            )

    def not_evaluated(self) -> Iterator[str]:
        missing = [result for result in self.report.controls if result.not_evaluated]
        if missing:
            yield "<h2>Could not be evaluated</h2>"
            yield '<p class="quiet">Nobody knows whether these pass, so for the scores they do not.</p>'
            yield from _table(row for result in missing for row in self.reasons(result))

    def reasons(self, result: ControlResult) -> Iterator[tuple[str, str, str]]:
        for reason in result.reasons:
            where = self.place(reason.file, reason.line)
            yield where, f"<code>{_text(result.id)}</code>", f"{_text(reason.path)}: {_text(reason.reason)}"
        if rest := result.not_evaluated - len(result.reasons):
            yield "", f"<code>{_text(result.id)}</code>", f"and {counted(rest, 'more resource')}"

    def problems(self) -> Iterator[str]:
        if self.report.problems:
            yield "<h2>Problems in files</h2>"
            yield from _table(
                (self.place(p.file, p.range.start.line, p.range.start.column), _text(p.message))
                for p in self.report.problems
            )

    def accepted(self) -> Iterator[str]:
        entries = [entry for entry in self.report.findings if entry.finding.status == "accepted"]
        if entries:
            yield "<h2>Accepted</h2><details>"
            yield f'<summary><b>{counted(len(entries), "finding")}</b></summary><div class="inside">'
            yield from _table(self.row(entry, _disposition(entry)) for entry in entries)
            yield "</div></details>"

    def changes(self) -> Iterator[str]:
        """What is no longer as the standards have it: a good score may be owed to that."""
        if self.report.changes:
            yield "<h2>Changed standards</h2>"
            yield from _table(
                (
                    self.place(one.file, one.line) if one.file else _text(one.place),
                    f"<code>{_text(one.id)}</code>",
                    _text(_CHANGES[one.what].format(one.detail)),
                )
                for one in self.report.changes
            )

    def skipped(self) -> Iterator[str]:
        """What was left alone by design, by name."""
        if self.report.skipped:
            yield "<h2>Left alone</h2><details>"
            many = counted(len(self.report.skipped), "file or folder", "files and folders")
            yield f"<summary><b>{many}</b></summary>"
            yield '<div class="inside">'
            yield from _table(
                (
                    _text(entry.file),
                    _text(entry.reason),
                    f"<code>{_text(entry.hint)}</code>" if entry.hint else "",
                )
                for entry in self.report.skipped
            )
            yield "</div></details>"

    def place(self, file: str, line: int, column: int = 0) -> str:
        """A place in a file, as a link where there is somewhere to go."""
        at = f":{line}:{column}" if column else f":{line}"
        name = _text(file).replace("/", "/<wbr>")
        return self.link(
            file, f'<span class="place">{name}<span class="at">{at}</span></span>', (line, column or 1)
        )

    def link(self, file: str, label: str, at: tuple[int, int]) -> str:
        uri = self.uri_of(file)
        if uri is None:
            return label
        return f'<a href="{PLACE_SCHEME}{quote(uri, safe="")}#L{at[0]},{at[1]}">{label}</a>'


def _scores(frameworks: Iterable[FrameworkScore]) -> Iterator[str]:
    yield '<h2>Compliance</h2><table class="scores"><tbody>'
    for framework in frameworks:
        score = framework.score if framework.judged else 0
        shown = f"{score:.1f}%" if framework.judged else "no score"
        # a width in a style attribute would need a policy that allows it for everything
        yield (
            f'<tr class="{_grade(score) if framework.judged else "quiet"}"><td>{_text(framework.title)} '
            f'<code class="quiet">{_text(framework.id)}</code></td>'
            '<td class="bar"><svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
            '<rect class="track" width="100" height="1"/>'
            f'<rect class="fill" width="{score:g}" height="1"/></svg></td>'
            f'<td class="number">{shown}{_of(framework)}</td></tr>'
        )
    yield "</tbody></table>"


def _of(framework: FrameworkScore) -> str:
    """What a score is a mean of, where that is not the whole framework, and what it were with accepted risks passed."""
    notes = []
    if framework.score_accepted != framework.score:
        notes.append(f"{framework.score_accepted:.1f}% with accepted risks")
    if framework.changed("excluded"):
        notes.append(f"of {framework.run} of {framework.total} controls")
    if framework.replaced_by:
        notes.append("this project's own")
    return "".join(f'<span class="also quiet">{_text(note)}</span>' for note in notes)


def _grade(score: float) -> str:
    return "good" if score >= _GOOD_SCORE else "medium" if score >= _FAIR_SCORE else "high"


def _tile(label: str, count: int, tone: str) -> str:
    return f'<li class="{tone if count else "none"}"><strong>{count}</strong>{label}</li>'


def _table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows of a place, perhaps what it is, and what there is to say; all of it HTML."""
    yield "<table><tbody>"
    for where, *what, detail in rows:
        cells = "".join(f'<td class="what">{cell}</td>' for cell in what)
        yield f'<tr><td class="where">{where}</td>{cells}<td>{detail}</td></tr>'
    yield "</tbody></table>"


def _worst_first(entry: Reported) -> tuple[int, str]:
    return -entry.finding.severity, entry.finding.control


def _fix(options: Sequence[FixOption]) -> str:
    if not options:
        return ""
    others = f", or {counted(len(options) - 1, 'other value')}" if len(options) > 1 else ""
    note = "safe fix" if options[0].safe else "fix to review"
    return f'<span class="fix">{note}: {_text(options[0].title)}{others}</span>'


def _disposition(entry: Reported) -> str:
    disposition = entry.finding.disposition
    if disposition is None:
        return ""
    until = f" until {disposition.until}" if disposition.until else ""
    text = f"{entry.finding.control}, {disposition.by}{until}: {disposition.reason or 'no reason given'}"
    return f'<span class="also quiet">{_text(text)}</span>'


def _named(resource: ResourceId) -> str:
    space = f'<span class="also quiet">in {_text(resource.namespace)}</span>' if resource.namespace else ""
    return f"{_text(resource.kind)} <b>{_text(resource.shown_name)}</b>{space}"


def _prose(text: str) -> str:
    """What a control's author wrote, with `code` shown as such."""
    parts = _text(text).split("`")
    return "".join(
        f"<code>{part}</code>" if n % 2 and n < len(parts) - 1 else part for n, part in enumerate(parts)
    )


def _text(text: str) -> str:
    """Text of a manifest, or anything else, as nothing but text."""
    return escape(printable(text))
