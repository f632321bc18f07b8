"""Images of overlays in the editor: what is known of them is said on the line that names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lsprotocol import types
from support import images
from support.images import NGINX, as_bytes
from support.kustomize import found as maker

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(maker() is None, reason="needs kustomize: KSCAN_KUSTOMIZE, or one on PATH")

FILES = {
    ".kscan.yaml": "frameworks: []\ncontrols: {include: [KS-0060]}\n",
    "base/kustomization.yaml": "resources: [pod.yaml]\n",
    "base/pod.yaml": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"
        "  containers:\n    - name: web\n      image: nginx:1.0\n"
    ),
    "prod/kustomization.yaml": "resources: [../base]\nimages:\n  - name: nginx\n    newTag: 1.25.3\n",
}


@pytest.mark.asyncio
async def test_a_new_tag_says_what_is_known_of_its_image(editor, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (tmp_path / "now.grype.json").write_bytes(as_bytes(images.grype(NGINX)))
    await editor.start(tmp_path)
    uri = (tmp_path / "prod/kustomization.yaml").as_uri()
    editor.open(uri, FILES["prod/kustomization.yaml"])
    found = await editor.until(uri, lambda newest: any(one.code == "KS-0060" for one in newest.diagnostics))
    assert {one.range.start.line for one in found} == {3}
    at = types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(3, 14))
    text = (await editor.text_document_hover_async(at)).contents.value
    assert "critical CVE-2026-0001: libssl3 3.0.11-1~deb12u1, fixed in 3.0.11-1~deb12u2" in text
    assert "Rendered with prod/kustomization.yaml" in text
    assert "there is no scanner" not in text, "it was evaluated"
