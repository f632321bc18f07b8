"""The protocol floor: what any server built on pygls pays for an edit before it has looked at the text.

It keeps the text in step, as pygls does by itself, and publishes an empty list with the document's version.
The budgets are multiples of its time, because that holds on a slow machine as on a fast one.
"""

from __future__ import annotations

import logging

from lsprotocol import types
from pygls.lsp.server import LanguageServer

logging.getLogger("pygls").setLevel(logging.WARNING)  # at INFO every message is written out whole
server = LanguageServer("floor", "1")


def publish(ls: LanguageServer, uri: str, version: int) -> None:
    ls.text_document_publish_diagnostics(
        types.PublishDiagnosticsParams(uri=uri, diagnostics=[], version=version)
    )


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
def opened(ls: LanguageServer, params: types.DidOpenTextDocumentParams) -> None:
    publish(ls, params.text_document.uri, params.text_document.version)


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
def changed(ls: LanguageServer, params: types.DidChangeTextDocumentParams) -> None:
    publish(ls, params.text_document.uri, params.text_document.version)


if __name__ == "__main__":
    server.start_io()
