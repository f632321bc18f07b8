"""kscan as it is where something is not installed, for tests that start it."""

from __future__ import annotations

WITHOUT_HELM = """
from kscan_lsp.render import makers
from kscan_lsp.__main__ import main
makers.find_spec = lambda _: None
main()
"""
"""For `python -c`: nothing that renders charts."""
