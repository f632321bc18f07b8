"""Above each object its open findings by severity and its score in each framework, above an image what is known of it.

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
from kscan_lsp.report.compliance import compliance, control_results
from kscan_lsp.report.standards import percentage
from kscan_lsp.report.unscanned import NOT_WHOLLY_JUDGED, is_wholly_judged

if TYPE_CHECKING:
    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, JudgedObject

SHOW_FINDINGS: Final = "kscan.showFindings"
"""The client's command; its arguments are a document's URI and the locations of findings in it."""


def code_lenses(snapshot: DocumentSnapshot) -> list[types.CodeLens]:
    """A lens for each object of a document, then for each image of which something is known, without what it says."""
    lenses = []
    for number, judged in enumerate(snapshot.objects()):
        resource = judged.verdicts.resource
        # above all that says what the object is, whatever comes first
        first = min(resource.resolve((key,)).span for key in ("apiVersion", "kind", "metadata"))
        data = {"uri": snapshot.uri, "version": snapshot.version, "object": number}
        lenses.append(types.CodeLens(snapshot.range_of(judged.placed, first), data=data))
    for number, one in enumerate(images_of(snapshot)):
        data = {"uri": snapshot.uri, "version": snapshot.version, "image": number}
        at = convert.range_of(one.span, snapshot.lines, snapshot.capabilities.encoding)
        lenses.append(types.CodeLens(at, data=data))
    return lenses


def command(snapshot: DocumentSnapshot, data: dict[str, Any]) -> types.Command | None:
    """What one of the lenses says and does; None if the document has moved on."""
    if snapshot.version != data.get("version"):
        return None
    if isinstance(image := data.get("image"), int):
        known = next(islice(images_of(snapshot), image, None), None)
        return types.Command(lens_title(snapshot, known), "") if known else None
    number = data.get("object")
    judged = next(islice(snapshot.objects(), number, None), None) if isinstance(number, int) else None
    if judged is None:
        return None
    open_ones = [finding for finding in judged.findings if finding.status == "open"]
    title = _title(snapshot, judged, open_ones)
    if not open_ones:
        return types.Command(title, "")
    uri = snapshot.uri
    locations = [types.Location(uri, snapshot.range_of(judged.placed, finding.span)) for finding in open_ones]
    return types.Command(title, SHOW_FINDINGS, arguments=[uri, locations])


def _title(snapshot: DocumentSnapshot, judged: JudgedObject, open_ones: list[Finding]) -> str:
    counted = Counter(finding.severity for finding in open_ones)
    parts = [f"{counted[level]} {level.label}" for level in sorted(Severity, reverse=True) if counted[level]]
    parts = parts or ["nothing found"]
    statuses = Counter(finding.status for finding in judged.findings)
    if statuses["baseline"]:
        parts.append(f"{statuses['baseline']} in the baseline")
    if statuses["accepted"]:
        parts.append(f"{statuses['accepted']} accepted")
    if unevaluated := len(judged.verdicts.unevaluated):
        parts.append(f"{unevaluated} not evaluated")
    ruleset = snapshot.configuration.ruleset
    if not is_wholly_judged(judged.placed.checked, [judged.verdicts], ruleset):
        return " \u00b7 ".join([", ".join(parts), NOT_WHOLLY_JUDGED])
    scores = compliance([ruleset], control_results([(judged.verdicts, judged.failing())]))
    shown = (f"{one.id} {percentage(one.score)}" for one in scores if one.judged)
    return " \u00b7 ".join([", ".join(parts), *shown])
