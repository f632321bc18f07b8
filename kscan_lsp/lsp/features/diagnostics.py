"""Diagnostics for a client that asks for them: `textDocument/diagnostic` and `workspace/diagnostic`.

Answers are JSON text, like everything about diagnostics (see `convert.py`). A client that names the result it has is
told whether that is still the right one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kscan_lsp.lsp.session.published import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.lsp.session.published import PublishedDiagnostics


def document_report(found: PublishedDiagnostics, previous: str | None) -> str:
    """The answer to `textDocument/diagnostic`, as JSON."""
    if found.result == previous:
        return f'{{"kind":"unchanged","resultId":"{found.result}"}}'
    return f'{{"kind":"full","resultId":"{found.result}","items":[{found.diagnostics}]}}'


def workspace_report(found: Mapping[str, PublishedDiagnostics], previous: Mapping[str, str]) -> str:
    """The answer to `workspace/diagnostic`, as JSON: what is not as it was; empty where all is.

    Args:
        found: what is to be shown, by URI.
        previous: the ids of the results that the client has, by URI.
    """
    gone = {uri: NOTHING for uri, result in previous.items() if uri not in found and result != NOTHING.result}
    changed = {uri: one for uri, one in found.items() if one.result != previous.get(uri, NOTHING.result)}
    items = (
        f'{{"kind":"full","uri":{json.dumps(uri)},"version":{json.dumps(one.version)},'
        f'"resultId":"{one.result}","items":[{one.diagnostics}]}}'
        for uri, one in {**changed, **gone}.items()
    )
    text = ",".join(items)
    return f'{{"items":[{text}]}}' if text else ""
