"""A whole page around what it shows: one that stands alone, and a policy in its head that allows what is its own.

That is its style and, where it has one, its script.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from kscan_lsp.report.page.style import STYLE
from kscan_lsp.report.page.text import text

if TYPE_CHECKING:
    from collections.abc import Iterable


def _hash(source: str) -> str:
    """What a policy allows a style or script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


_STYLED: Final = f"default-src 'none'; style-src {_hash(STYLE)}; base-uri 'none'; form-action 'none'"


def page(title: str, body: Iterable[str], script: str = "") -> str:
    """A page with a title; `body` is HTML, and `script` the only one that may run."""
    policy = f"{_STYLED}; script-src {_hash(script)}" if script else _STYLED
    return "\n".join((
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{text(title)}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        *body,
        *([f"<script>{script}</script>"] if script else []),
        "</body>",
        "</html>",
        "",
    ))  # fmt: skip
