"""Above each object its open findings by severity and its score in each framework, above an image what is known of it.

A file that describes a chart or an overlay says the same of all that this renders to, and shows that; a file that is
part of one says what is found in it.

Which objects there are is told at once, what a line says only of those that are in sight: a file of a hundred objects
has thousands of findings. A click runs a command of the client, so only a client that says it has it gets lenses.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from kscan_lsp.findings import Severity
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.images import images_of, lens_title
from kscan_lsp.lsp.rendered import uri_of
from kscan_lsp.report.compliance import compliance, control_results
from kscan_lsp.report.rendered import counted_objects
from kscan_lsp.report.standards import percentage
from kscan_lsp.report.unscanned import NOT_WHOLLY_JUDGED, is_wholly_judged
from kscan_lsp.text import LineIndex

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.rendered import ChartView, RenderingName
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot

SHOW_FINDINGS: Final = "kscan.showFindings"
"""The client's command; its arguments are a document's URI and the locations of findings."""

SHOW_RENDERED: Final = "kscan.showRendered"
"""Our command; its arguments are a document's URI and that of the rendering to show."""

MAX_RENDERINGS: Final = 6
"""Renderings that a document has lenses for."""


def code_lenses(snapshot: DocumentSnapshot) -> list[types.CodeLens]:
    """A lens for each object of a document, then for each image of which something is known, without what it says.

    In a file of a chart or an overlay: what is found, and each rendering that can be shown.
    """
    lenses = []
    about = {"uri": snapshot.uri, "version": snapshot.version}
    rendered = snapshot.chart is not None and (snapshot.checked.skipped or snapshot.chart.built)
    if rendered and snapshot.chart is not None and snapshot.chart.renderings:
        top = types.Range(types.Position(0, 0), types.Position(0, 0))
        lenses.append(types.CodeLens(top, data={**about, "rendered": True}))
        if snapshot.capabilities.renderings:
            lenses += (
                types.CodeLens(top, data={**about, "rendering": number})
                for number in range(min(len(snapshot.chart.renderings), MAX_RENDERINGS))
            )
    for number, judged in enumerate(snapshot.objects()):
        resource = judged.verdicts.resource
        # above all that says what the object is, whatever comes first
        first = min(resource.resolve((key,)).span for key in ("apiVersion", "kind", "metadata"))
        at = snapshot.range_of(judged.placed, first)
        lenses.append(types.CodeLens(at, data={**about, "object": number}))
    for number, one in enumerate(images_of(snapshot)):
        at = convert.range_of(one.span, snapshot.lines, snapshot.capabilities.encoding)
        lenses.append(types.CodeLens(at, data={**about, "image": number}))
    return lenses


def command(snapshot: DocumentSnapshot, data: dict[str, Any]) -> types.Command | None:
    """What one of the lenses says and does; None if the document has moved on."""
    if snapshot.version != data.get("version"):
        return None
    if isinstance(image := data.get("image"), int):
        known = next(islice(images_of(snapshot), image, None), None)
        return types.Command(lens_title(snapshot, known), "") if known else None
    if data.get("rendered"):
        return _rendered(snapshot, snapshot.chart) if snapshot.chart else None
    if isinstance(rendering := data.get("rendering"), int):
        names = snapshot.chart.renderings[rendering:] if snapshot.chart else ()
        return _shows(snapshot, names[0]) if names else None
    number = data.get("object")
    judged = next(islice(snapshot.objects(), number, None), None) if isinstance(number, int) else None
    if judged is None:
        return None
    open_ones = [finding for finding in judged.findings if finding.status == "open"]
    whole = is_wholly_judged(judged.placed.checked, [judged.verdicts], snapshot.configuration.ruleset)
    counted = [(judged.verdicts, judged.failing())] if whole else None
    title = _title(snapshot, judged.findings, len(judged.verdicts.unevaluated), counted)
    places = [snapshot.range_of(judged.placed, finding.span) for finding in open_ones]
    return _leads_to(snapshot, title, [types.Location(snapshot.uri, at) for at in places])


def _leads_to(snapshot: DocumentSnapshot, title: str, places: list[types.Location]) -> types.Command:
    """What shows findings, if there are any."""
    return (
        types.Command(title, SHOW_FINDINGS, arguments=[snapshot.uri, places])
        if places
        else types.Command(title, "")
    )


def _shows(snapshot: DocumentSnapshot, name: RenderingName) -> types.Command:
    title = f"show rendered: {name.title}" if name.title else "show rendered"
    return types.Command(title, SHOW_RENDERED, arguments=[snapshot.uri, name.uri])


def _rendered(snapshot: DocumentSnapshot, view: ChartView) -> types.Command:
    """What is found in a chart or an overlay, from the file that describes it; in one of its files, from any other."""
    ruleset, encoding = snapshot.configuration.ruleset, snapshot.capabilities.encoding
    if not view.whole:
        marks = [mark for mark in view.marks if mark.finding]
        title = _title(snapshot, [mark.finding for mark in marks if mark.finding], 0, ())
        title = title if not view.faulty else f"{title} \u00b7 {NOT_WHOLLY_JUDGED}"
        spans = [mark.span for mark in marks if mark.finding and mark.finding.status == "open"]
        here = [types.Location(snapshot.uri, convert.range_of(at, snapshot.lines, encoding)) for at in spans]
        return _leads_to(snapshot, title, here)
    known = [
        (placed, one) for file in view.whole for placed in file.documents for one in placed.checked.findings
    ]
    objects = [one for file in view.whole for one in counted_objects(file)]
    whole = not view.faulty and all(
        file.limit is None
        and all(is_wholly_judged(one.checked, one.checked.verdicts, ruleset) for one in file.documents)
        for file in view.whole
    )
    unevaluated = sum(len(verdicts.unevaluated) for _, verdicts, _ in objects)
    counted = [(verdicts, failing) for _, verdicts, failing in objects] if whole else None
    lines = {key: LineIndex(text) for key, text in view.texts.items()}
    places = []
    for placed, finding in known:
        at = placed.locate(finding.span)
        if finding.status == "open" and at.span is not None and at.file in lines:
            places.append(
                types.Location(uri_of(at.file), convert.range_of(at.span, lines[at.file], encoding))
            )
    return _leads_to(
        snapshot, _title(snapshot, [finding for _, finding in known], unevaluated, counted), places
    )


def _title(
    snapshot: DocumentSnapshot,
    findings: Sequence[Finding],
    unevaluated: int,
    judged: Iterable[tuple[Verdicts, Container[str]]] | None,
) -> str:
    """What a lens says of findings.

    Args:
        snapshot: the document that it is in.
        findings: those that it is about.
        unevaluated: how many checks had no answer.
        judged: what is scored: verdicts of objects, each with the controls that fail; None where not all is judged.
    """
    counted = Counter(finding.severity for finding in findings if finding.status == "open")
    parts = [f"{counted[level]} {level.label}" for level in sorted(Severity, reverse=True) if counted[level]]
    parts = parts or ["nothing found"]
    statuses = Counter(finding.status for finding in findings)
    if statuses["baseline"]:
        parts.append(f"{statuses['baseline']} in the baseline")
    if statuses["accepted"]:
        parts.append(f"{statuses['accepted']} accepted")
    if unevaluated:
        parts.append(f"{unevaluated} not evaluated")
    if judged is None:
        return " \u00b7 ".join([", ".join(parts), NOT_WHOLLY_JUDGED])
    scores = compliance([snapshot.configuration.ruleset], control_results(judged))
    shown = (f"{one.id} {percentage(one.score)}" for one in scores if one.judged)
    return " \u00b7 ".join([", ".join(parts), *shown])
