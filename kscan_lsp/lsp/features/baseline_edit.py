"""The edits that take a finding into the baseline, or out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types
from msgspec.structs import replace

from kscan_lsp.dispositions.baseline import BaselineEntry, fingerprint_of, render
from kscan_lsp.lsp import convert
from kscan_lsp.redaction import redact
from kscan_lsp.report.drift import object_name
from kscan_lsp.text import LineIndex, Span, TextEdit
from kscan_lsp.workspace.baselines import found_image, name_in
from kscan_lsp.workspace.image_uses import known_of

if TYPE_CHECKING:
    from kscan_lsp.dispositions.baseline import Baseline, FoundImage
    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot


def baseline_action(snapshot: DocumentSnapshot, finding: Finding) -> tuple[str, types.WorkspaceEdit] | None:
    """What a click says and does: a finding goes into the baseline, or one of it out; None without a baseline."""
    file = snapshot.configuration.baseline
    if file is None or file.baseline is None or snapshot.path is None:
        return None
    called = name_in(file.folder, snapshot.path)
    if finding.status == "baseline":
        title, now = f"Remove {finding.control} from the baseline", _without(file.baseline, called, finding)
    else:
        day = snapshot.project.evidence.today.isoformat()
        title, now = (
            f"Accept {finding.control} into the baseline",
            _with(file.baseline, called, finding, day, found_image(finding, known_of(snapshot.project))),
        )
    edit = _difference(file.text, render(now))
    made = convert.text_edits([edit], 0, LineIndex(file.text), snapshot.capabilities.encoding)
    uri = file.path.as_uri()
    if not snapshot.capabilities.document_changes:
        return title, types.WorkspaceEdit(changes={uri: made})
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=uri)
    return title, types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, list(made))])


def _with(baseline: Baseline, file: str, finding: Finding, day: str, image: FoundImage | None) -> Baseline:
    known = [one for one in _of(baseline, file, finding) if one.covers(image)]
    if known:
        return _changed(baseline, known[0], known[0].count + 1)
    entry = BaselineEntry(
        file=file,
        object=object_name(finding.resource),
        control=finding.control,
        path=redact(finding.stable_path),
        severity=finding.severity.label,
        fingerprint=fingerprint_of(finding),
        since=day,
        image=image.reference if image else "",
        vulnerabilities=image.vulnerabilities if image else 0,
    )
    return replace(baseline, findings=(*baseline.findings, entry))


def _without(baseline: Baseline, file: str, finding: Finding) -> Baseline:
    """The baseline without one of a finding: of its own file, else of the file that it came from."""
    known = _of(baseline, file, finding) or _of(baseline, None, finding)
    return _changed(baseline, known[0], known[0].count - 1) if known else baseline


def _of(baseline: Baseline, file: str | None, finding: Finding) -> list[BaselineEntry]:
    wanted = fingerprint_of(finding)
    return [one for one in baseline.findings if one.fingerprint == wanted and file in {None, one.file}]


def _changed(baseline: Baseline, entry: BaselineEntry, count: int) -> Baseline:
    others = tuple(one for one in baseline.findings if one is not entry)
    return replace(baseline, findings=(*others, replace(entry, count=count)) if count else others)


def _difference(before: str, now: str) -> TextEdit:
    """The one edit that makes a text another: all but what both begin and end with."""
    most = min(len(before), len(now))
    start = next((n for n in range(most) if before[n] != now[n]), most)
    end = next((n for n in range(most - start) if before[-1 - n] != now[-1 - n]), most - start)
    return TextEdit(Span(start, len(before) - end), now[start : len(now) - end])
