"""A server with all its handlers, and the process around it."""

from __future__ import annotations

import gc
import logging
import sys

from kscan_lsp.lsp.server import stdio
from kscan_lsp.lsp.server.commands import handle_commands, handle_fixes
from kscan_lsp.lsp.server.notifications import handle_documents, handle_lifecycle, handle_settings
from kscan_lsp.lsp.server.requests import handle_requests
from kscan_lsp.lsp.server.server import Server
from kscan_lsp.redaction.logs import RedactingFormatter


def create() -> Server:
    """A server with all its handlers, not started."""
    server = Server()
    handle_lifecycle(server)
    handle_settings(server)
    handle_documents(server)
    handle_requests(server)
    handle_commands(server)
    handle_fixes(server)
    return server


def serve() -> None:
    """Serve one editor on standard input and output until it says goodbye."""
    logging.getLogger("pygls").setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a log on a full disk is not worth a word to the editor
    if (
        not logging.getLogger().handlers
    ):  # without a log file, warnings go to standard error, which editors keep
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(RedactingFormatter("%(message)s"))
        logging.getLogger().addHandler(handler)
    # an edit must not wait long for the thread that works out a fix of everything
    sys.setswitchinterval(0.001)
    # trees of thousands of nodes come and go with each edit, and hardly any of them is part of a cycle
    gc.set_threshold(100_000, 50, 20)
    server = create()
    try:
        stdio.serve(server.protocol)
    finally:
        if server.images is not None:
            server.images.stop()  # a scan that goes on would keep the process from ending
        server.overlays.close()  # likewise
        server.charts.close()  # else the process would wait for a chart that is being rendered
