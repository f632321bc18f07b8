"""The page about a control, as it is met in a document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from kscan_lsp.lsp.uris import name_in
from kscan_lsp.report.page.explanation import FailingPlace, explanation
from kscan_lsp.report.places import range_of

if TYPE_CHECKING:
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot

SHOW_EXPLANATION: Final = "kscan.showExplanation"
"""The command of a client that shows pages; its arguments are a document's URI and the id of a control."""


def explanation_page(snapshot: DocumentSnapshot, control: str) -> str | None:
    """A page about a control and where it fails in a document; None for a control that there is not."""
    ruleset = snapshot.configuration.ruleset
    known = ruleset.policies.controls.get(control)
    if known is None:
        return None
    failures = []
    for placed, finding in snapshot.checked.findings():
        if finding.control == control:
            line, column = range_of(placed.locate(finding.span), snapshot.project).start
            failures.append(FailingPlace(line, column, finding.message, finding.status))
    name = name_in(snapshot.path, snapshot.folders) or snapshot.uri
    return explanation(known, ruleset, name, snapshot.uri, failures)


def link(snapshot: DocumentSnapshot, control: str) -> str:
    """A link to the page, in Markdown, for a client that has the command."""
    arguments = quote(json.dumps([snapshot.uri, control]), safe="")
    return f"[Explain {control}](command:{SHOW_EXPLANATION}?{arguments})"
