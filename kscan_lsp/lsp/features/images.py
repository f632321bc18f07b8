"""What is known of the image on a line: a table for the hover, a lens, and actions that rest on what a source shows.

All of it is a lookup in facts that were read with the settings. A tag or a digest is offered only where a report has
it: nothing is guessed, and nothing is asked of a registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lsprotocol import types

from kscan_lsp.evidence.image_facts import counted_of, counts_text
from kscan_lsp.fixes.changes import DataChange
from kscan_lsp.fixes.draft import Draft
from kscan_lsp.fixes.verify import VerifiedFix, proven
from kscan_lsp.graph.binding import Followed
from kscan_lsp.kubernetes.images import image_ref
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.workspace_edit import workspace_edit
from kscan_lsp.lsp.rendered import diagnostic_of
from kscan_lsp.regex import regex
from kscan_lsp.report.printable import counted, printable
from kscan_lsp.text import Span, TextEdit, apply_edits
from kscan_lsp.workspace.image_uses import known_of, uses_in
from kscan_lsp.workspace.images import of_images

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.evidence.image_facts import ImageFacts
    from kscan_lsp.evidence.images import ImageReport, Vulnerability
    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.rendered import ChartMark
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot
    from kscan_lsp.workspace.image_uses import ImageUse
    from kscan_lsp.workspace.results import PlacedDocument

SHOW_IMAGE: Final = "kscan.showImage"
"""The command of a client that shows what is known of an image; its arguments are a document's URI and the image."""
SCAN: Final = "kscan.scanImage"
"""The command that has an image scanned anew; its arguments are a document's URI and the image."""
ACCEPT: Final = "kscan.acceptVulnerability"
"""The command that writes a VEX statement; its arguments are a document's URI, an image, an id and a package."""
BY_SEVERITY: Final = ("KS-0060", "KS-0061", "KS-0062")
"""The controls that find an image by its worst vulnerability."""
MAX_ROWS: Final = 12
"""Vulnerabilities that a hover shows."""
MAX_ACCEPTED: Final = 3
"""Vulnerabilities for which a menu has an action."""

MAX_TITLE: Final = 100
"""Characters of a reason above a line."""

_SPECIAL: Final = regex(r"([\\`*_\[\]|<>&#!~$])")


class KnownImage(NamedTuple):
    """An image on a line, with what is known of it; `report` is None where nothing is."""

    placed: PlacedDocument
    use: ImageUse
    report: ImageReport | None
    vulnerabilities: Sequence[Vulnerability]
    """Those that count, the worst first."""
    mark: ChartMark | None = None
    """Where it is shown in a file of a chart, by what is found of it."""

    @property
    def span(self) -> Span:
        """Its place in the file."""
        if self.mark is not None:
            return self.mark.span
        return Span(self.use.span.start + self.placed.offset, self.use.span.end + self.placed.offset)


def images_of(snapshot: DocumentSnapshot) -> Iterator[KnownImage]:
    """The images of a document in order; none where there are no facts about any.

    In a file of a chart they are those of which something is found, at the template and at the value that gives them.
    """
    known = known_of(snapshot.project)
    if known is None:
        return
    followed = Followed(snapshot.project.index)
    for placed in snapshot.checked.documents:
        for use in uses_in(placed.checked, snapshot.project, followed):
            yield _known(known, placed, use)
    controls = of_images(snapshot.configuration.ruleset.policies) if snapshot.chart else ()
    shown: set[tuple[Span, str]] = set()
    for mark in snapshot.chart.marks if snapshot.chart else ():
        finding, rendered = mark.finding, mark.placed
        if finding is None or rendered is None or finding.control not in controls:
            continue
        for use in uses_in(rendered.checked, snapshot.project, followed):
            is_meant = (use.resource.id, use.path) == (finding.resource, finding.path)
            if is_meant and (mark.span, use.image) not in shown:
                shown.add((mark.span, use.image))
                yield _known(known, rendered, use)._replace(mark=mark)


def _known(known: ImageFacts, placed: PlacedDocument, use: ImageUse) -> KnownImage:
    report = known.images.of(use.image)
    found = counted_of(report, only_fixable=known.only_fixable) if report else ()
    return KnownImage(placed, use, report, found)


def images_on(snapshot: DocumentSnapshot, span: Span) -> list[KnownImage]:
    """The images on the lines of a span."""
    first, last = snapshot.lines.line_of(span.start), snapshot.lines.line_of(span.end)
    return [one for one in images_of(snapshot) if first <= snapshot.lines.line_of(one.span.start) <= last]


def page_at(snapshot: DocumentSnapshot, at: int) -> tuple[str, Span] | None:
    """What a hover says of the image at an offset, and its place; of several where values files give several."""
    there = [one for one in images_of(snapshot) if one.span.start <= at <= one.span.end]
    markdown = snapshot.capabilities.markup is types.MarkupKind.Markdown
    pages = dict.fromkeys(_page(snapshot, one, markdown=markdown) for one in there)
    return ("\n\n".join(pages), there[0].span) if there else None


def _page(snapshot: DocumentSnapshot, one: KnownImage, *, markdown: bool) -> str:
    name = inline(one.use.image) if markdown else one.use.image
    bold = f"**{name}**" if markdown else name
    if one.report is None:
        state = snapshot.scans.get(one.use.image, "no report is about this image")
        return f"{bold}: {inline(state) if markdown else printable(state)}"
    head = f"{bold}: {counts_text(one.vulnerabilities)}"
    if one.use.exposure:
        head += f"; reachable from outside ({', '.join(map(inline if markdown else printable, one.use.exposure))})"
    about = f"{one.report.source}{_age(snapshot, one.report)}"
    if one.report.system:
        ended = ", which gets no updates any more" if one.report.end_of_life else ""
        about += f"; built on {one.report.system}{ended}"
    lines = [head, "", *_table(one.vulnerabilities[:MAX_ROWS], markdown=markdown)]
    more = len(one.vulnerabilities) - MAX_ROWS
    lines += ["", f"and {more:,} more"] if more > 0 else []
    return "\n".join([*lines, "", inline(about) if markdown else printable(about)])


def _age(snapshot: DocumentSnapshot, report: ImageReport) -> str:
    if report.made is None:
        return ""
    return f", {counted((snapshot.project.evidence.today - report.made).days, 'day')} old"


def _table(found: Sequence[Vulnerability], *, markdown: bool) -> Iterator[str]:
    if not markdown:
        for one in found:
            fixed = f", fixed in {', '.join(one.fixed)}" if one.fixed else ""
            kev = ", exploited" if one.kev else ""
            yield printable(f"{_severity(one)} {one.id}: {one.package} {one.installed}{fixed}{kev}")
        return
    if found:
        yield "| severity | id | package | installed | fixed in | |"
        yield "| --- | --- | --- | --- | --- | --- |"
    for one in found:
        name = f"[{inline(one.id)}]({_address(one.url)})" if one.url else inline(one.id)
        fixed = inline(", ".join(one.fixed[:3]))
        marks = " ".join(
            [*(["exploited"] if one.kev else []), *([f"EPSS {one.epss:.0%}"] if one.epss else [])]
        )
        yield f"| {_severity(one)} | {name} | {inline(one.package)} | {inline(one.installed)} | {fixed} | {marks} |"


def _severity(one: Vulnerability) -> str:
    return one.severity.label if one.severity else "not rated"


def inline(text: str) -> str:
    """Text as nothing but text in Markdown."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def _address(url: str) -> str:
    return (
        url.replace("(", "%28")
        .replace(")", "%29")
        .replace("<", "%3C")
        .replace(">", "%3E")
        .replace("|", "%7C")
    )


def lens_title(snapshot: DocumentSnapshot, one: KnownImage) -> str:
    """What the line above an image says."""
    state = snapshot.scans.get(one.use.image, "")
    if one.report is None:
        return printable(state)[:MAX_TITLE] or "no report about this image"
    outside = ["reachable from outside"] if one.use.exposure else []
    parts = [
        counts_text(one.vulnerabilities),
        *outside,
        f"{one.report.source}{_age(snapshot, one.report)}",
    ]
    return printable(" \u00b7 ".join([*parts, *([state[:MAX_TITLE]] if state else [])]))


def image_actions(snapshot: DocumentSnapshot, at: types.Range) -> Iterator[types.CodeAction]:
    """What can be done about the images on the lines of a range."""
    span = convert.span_of(at, snapshot.lines, snapshot.capabilities.encoding)
    for one in images_on(snapshot, span):
        if one.report is not None and one.placed.checked.document.complete:
            if one.mark is None:  # of a chart that takes a rendering: `chart_images.py`
                yield from _changes(snapshot, one)
            yield from _accepting(snapshot, one)
        yield from _asking(snapshot, one)


def _changes(snapshot: DocumentSnapshot, one: KnownImage) -> Iterator[types.CodeAction]:
    """What changes the text by what a report has shown."""
    for title, draft, finding in tag_changes(snapshot, one):
        if (edit := _replaced(snapshot, one, draft, finding)) is not None:
            action = action_for(snapshot, one, title)
            action.edit = edit
            yield action


def _accepting(snapshot: DocumentSnapshot, one: KnownImage) -> Iterator[types.CodeAction]:
    """What writes a statement about a vulnerability."""
    for known in one.vulnerabilities[:MAX_ACCEPTED] if snapshot.capabilities.apply_edit else ():
        title = f"Accept {known.id} in {known.package}, with a reason (VEX)"
        arguments = [snapshot.uri, one.use.image, known.id, known.package]
        yield action_for(snapshot, one, title, ACCEPT, arguments)


def _asking(snapshot: DocumentSnapshot, one: KnownImage) -> Iterator[types.CodeAction]:
    """What is asked for about an image, and changes no text."""
    arguments = [snapshot.uri, one.use.image]
    if one.report is not None and one.report.vulnerabilities and snapshot.capabilities.image_pages:
        number = counted(len(one.report.vulnerabilities), "vulnerability", "vulnerabilities")
        yield action_for(snapshot, one, f"Show all {number} of {one.use.image}", SHOW_IMAGE, arguments)
    if snapshot.capabilities.image_scanning is not None:
        again = "Scan image again" if one.report else "Scan image"
        yield action_for(snapshot, one, f"{again}: {one.use.image}", SCAN, arguments)


def action_for(
    snapshot: DocumentSnapshot,
    one: KnownImage,
    title: str,
    command: str = "",
    arguments: list[str] | None = None,
) -> types.CodeAction:
    """An action for what is found of an image: editors list those first that are for a diagnostic."""
    shown, worst = printable(title), _worst(one)
    encoding = snapshot.capabilities.encoding
    found = None
    if one.mark is not None:
        found = [diagnostic_of(one.mark, snapshot.lines, encoding)]
    elif worst is not None:
        found = [convert.diagnostic_of(worst, one.placed.offset, snapshot.lines, encoding)]
    run = types.Command(shown, command, arguments=arguments) if command else None
    return types.CodeAction(shown, types.CodeActionKind.QuickFix, diagnostics=found, command=run)


def _better(snapshot: DocumentSnapshot, one: KnownImage, report: ImageReport) -> Iterator[tuple[str, str]]:
    """Tags of the same repository of which a report says that they are better, the best first."""
    known, ref = known_of(snapshot.project), image_ref(one.use.image)
    if known is None or ref["digest"] or not one.vulnerabilities:
        return
    written = one.use.image.removesuffix(f":{ref['tag']}") if ref["tag"] else one.use.image
    now = {(name, v.package) for v in one.vulnerabilities for name in v.ids}
    found: list[tuple[int, int, str, str]] = []
    for name, other in known.images.by_name.items():
        repository, _, tag = name.rpartition(":")
        if repository != ref["name"] or other is report or tag == (ref["tag"] or "latest"):
            continue
        there = counted_of(other, only_fixable=known.only_fixable)
        left = {(name_, v.package) for v in there for name_ in v.ids}
        fixed = sum(left.isdisjoint((name_, v.package) for name_ in v.ids) for v in one.vulnerabilities)
        new = sum(now.isdisjoint((name_, v.package) for name_ in v.ids) for v in there)
        if fixed > new:
            others = f" and {counted(new, 'other')}" if new else ""
            total = len(one.vulnerabilities)
            title = f"Change to {written}:{tag}, which has {fixed} of these {total} fixed{others}"
            found.append((new - fixed, new, title, f"{written}:{tag}"))
    for _, _, title, image in sorted(found)[:2]:
        yield printable(title), image


def _pinned(one: KnownImage, report: ImageReport) -> Iterator[tuple[str, str]]:
    ref = image_ref(one.use.image)
    if report.pinned and ref["tag"] and not ref["digest"]:
        yield f"Pin this digest: {report.pinned[:19]}\u2026", f"{one.use.image}@{report.pinned}"


def tag_changes(snapshot: DocumentSnapshot, one: KnownImage) -> Iterator[tuple[str, Draft, Finding | None]]:
    """Other images that a report shows in place of one: what that does, and the finding that has to be gone then."""
    if one.report is None:
        return
    worst = _worst(one)
    path = (*one.use.resource.root, *one.use.path)
    controls = of_images(snapshot.configuration.ruleset.policies)
    changes = [(title, image, worst) for title, image in _better(snapshot, one, one.report)]
    changes += [(title, image, None) for title, image in _pinned(one, one.report)]
    for title, image, finding in changes:
        change = DataChange("set", path, image)
        yield title, Draft(title, False, (change,), leaves=controls, within=path), finding


def _replaced(
    snapshot: DocumentSnapshot, one: KnownImage, draft: Draft, finding: Finding | None
) -> types.WorkspaceEdit | None:
    """The edit that writes another image, made and judged before it is offered; None where it does not hold."""
    document = one.placed.checked.document
    text = document.text[one.use.span.start : one.use.span.end]
    at = text.rfind(one.use.image)
    if at < 0 or text.count(one.use.image) != 1:  # it stands elsewhere, as behind an alias
        return None
    start = one.use.span.start + at
    edit = TextEdit(Span(start, start + len(one.use.image)), str(draft.changes[0].value))
    made = VerifiedFix(draft.title, False, draft.changes, (edit,), apply_edits(document.text, [edit]))
    fix, _ = proven(snapshot.site(one.placed), made, draft, finding)
    if isinstance(fix, str):
        return None
    edits = convert.text_edits(fix.edits, one.placed.offset, snapshot.lines, snapshot.capabilities.encoding)
    return workspace_edit(snapshot, edits)


def _worst(one: KnownImage) -> Finding | None:
    """The worst that is found of an image where it is written: another image has to be without it."""
    found = [
        finding
        for verdicts in one.placed.checked.verdicts
        if verdicts.resource is one.use.resource
        for finding in verdicts.findings
        if finding.control in BY_SEVERITY and finding.path == one.use.path
    ]
    return max(found, key=lambda finding: finding.severity, default=None)
