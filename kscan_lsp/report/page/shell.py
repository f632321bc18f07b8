"""A whole page around what it shows: one that stands alone, and a policy in its head that allows its own style only."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from kscan_lsp.report.page.style import STYLE
from kscan_lsp.report.page.text import text

if TYPE_CHECKING:
    from collections.abc import Iterable

_POLICY: Final = (
    "default-src 'none'; style-src 'sha256-"
    f"{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; base-uri 'none'; form-action 'none'"
)


def page(title: str, body: Iterable[str]) -> str:
    """A page with a title; `body` is HTML."""
    return "\n".join((
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{text(title)}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        *body,
        "</body>",
        "</html>",
        "",
    ))  # fmt: skip
