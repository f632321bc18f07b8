"""Links: the right text leads to the right page, and no link is guessed."""

from __future__ import annotations

import pytest
from lsprotocol import types
from support.positions import covered
from support.views import view_of

from kscan_lsp.lsp.features.document_links import document_links, image_page

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {kscan.dev/ignore: "C-0044,c-0045 -- see C-0046; C-0048 -- b"}
spec:
  template:
    metadata: {annotations: {kscan.dev/ignore: "C-0055 -- c"}}
    spec:
      # kscan:ignore C-0057, C-9999 until=2027-01-31 -- as C-0013 says
      initContainers: [{name: é🚀, image: "quay.io/shop/migrate:1@sha256:abc"}, {name: b, image: &used redis}]
      containers:
      - name: api
        image: nginx:1.25 # the front
      - name: twice
        image: *used
      - name: folded
        image: >-
          busybox
"""


@pytest.mark.parametrize(
    ("image", "page"),
    [
        ("nginx", "https://hub.docker.com/_/nginx"),
        ("docker.io/library/nginx:1", "https://hub.docker.com/_/nginx"),
        ("grafana/loki:3", "https://hub.docker.com/r/grafana/loki"),
        ("quay.io/prometheus/node-exporter", "https://quay.io/repository/prometheus/node-exporter"),
        ("ghcr.io/acme/shop@sha256:00", "https://ghcr.io/acme/shop"),
        ("gcr.io/distroless/static:nonroot", "https://gcr.io/distroless/static"),
        ("public.ecr.aws/nginx/nginx:1", "https://gallery.ecr.aws/nginx/nginx"),
        ("registry.k8s.io/pause:3.9", ""),
        ("registry.example.com/a/b", ""),
        ("localhost:5000/a", ""),
        ("a/b/c", ""),
        ("quay.io/only", ""),
        ("${IMAGE}", ""),
        ("a b", ""),
        ("../../etc", ""),
        ("quay.io/a/b?x=<script>", ""),
        ("", ""),
    ],
)
def test_pages_of_images(image, page):
    assert image_page(image) == page


def test_links_lie_under_what_they_are_about():
    links = document_links(view_of(DEPLOYMENT))
    where = {covered(DEPLOYMENT, link.range, "utf-16"): link.target for link in links}
    assert where.pop("quay.io/shop/migrate:1@sha256:abc") == "https://quay.io/repository/shop/migrate"
    assert where.pop("redis") == "https://hub.docker.com/_/redis"
    assert where.pop("nginx:1.25") == "https://hub.docker.com/_/nginx"
    assert where.keys() == {"C-0044", "c-0045", "C-0048", "C-0055", "C-0057"}
    assert all(page.startswith("https://") for page in where.values())
    assert len(links) == 8


@pytest.mark.asyncio
async def test_links_over_the_wire(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "web.yaml").as_uri()
    editor.open(uri, DEPLOYMENT)
    params = types.DocumentLinkParams(types.TextDocumentIdentifier(uri=uri))
    assert len(await editor.text_document_document_link_async(params)) == 8
