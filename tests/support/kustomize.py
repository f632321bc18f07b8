"""Kustomize for tests: on PATH, or named in KSCAN_KUSTOMIZE."""

from __future__ import annotations

import pytest

from kscan_lsp.render.kustomize.maker import Kustomize, kustomize


def found() -> Kustomize:
    """What builds overlays; a test that needs it is skipped where there is none."""
    maker = kustomize()
    if maker is None:
        pytest.skip(
            "needs kustomize or kubectl on PATH, or the path of one in KSCAN_KUSTOMIZE",
            allow_module_level=True,
        )
    return maker
