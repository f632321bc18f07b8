"""Objects of all folders by name: what fits, in which order, and where it is."""

from __future__ import annotations

import pytest
from lsprotocol import types
from support.views import never, settings, view_of

from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features.workspace_symbols import MAX_SYMBOLS, resolved_symbol, workspace_symbols
from kscan_lsp.lsp.session.snapshot import ProjectsSnapshot

SHOP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: shop}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: front-end, namespace: shop}}
- {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
"""
REST = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: storefront\n"


def found(query, client=None, **others):
    view = view_of(SHOP, "shop.yaml", configuration=settings(), others=others or {"rest.yaml": REST})
    around = ProjectsSnapshot((view.project,), {view.key: "other:/name"}, client or Capabilities())
    symbols = workspace_symbols(around, query, never)
    return [resolved_symbol(around, one) for one in symbols] if client else symbols


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("front", ["Deployment front", "Service front-end", "Secret storefront"]),
        ("depfr", ["Deployment front"]),
        ("service fr", ["Service front-end"]),
        ("FRONT secret", ["Secret storefront"]),
        ("tnorf", []),
        ("", ["Namespace shop", "Deployment front", "Service front-end", "Secret storefront"]),
    ],
)
def test_names_and_kinds_are_found_fuzzily_the_best_first(query, names):
    assert [one.name for one in found(query)] == names


def test_a_symbol_says_where_it_is():
    deployment, service, secret = found("front")
    assert deployment.location.uri == "other:/name"
    assert secret.location.uri == "file:///shop/rest.yaml"
    assert (service.location.range.start, service.container_name) == (types.Position(7, 51), "shop")
    assert (secret.kind, secret.container_name) == (types.SymbolKind.Key, "default")
    assert found("shop")[0].container_name is None


def test_the_line_of_a_symbol_can_wait():
    lazy = Capabilities(resolve_symbols=True)
    assert [one.location for one in found("front", lazy)] == [one.location for one in found("front")]
    view = view_of(SHOP, "shop.yaml")
    around = ProjectsSnapshot((view.project,), {}, lazy)
    first, *_ = workspace_symbols(around, "front", never)
    assert first.location == types.LocationUriOnly(view.uri)
    first.data = {"file": view.key, "is": ["Service", "shop", "gone"]}
    assert resolved_symbol(around, first).location == types.LocationUriOnly(view.uri)
    assert workspace_symbols(around, "", lambda: True) == []


def test_an_answer_has_an_end():
    many = "---\n".join(
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: s{n}}}\n" for n in range(MAX_SYMBOLS + 9)
    )
    assert len(found("", **{"many.yaml": many})) == MAX_SYMBOLS


@pytest.mark.asyncio
@pytest.mark.parametrize("able", [True, False])
async def test_symbols_of_files_that_nobody_has_opened(editor, tmp_path, able):
    (tmp_path / "rest.yaml").write_text(REST, encoding="utf-8")
    capabilities = await editor.start(tmp_path, navigation=able)
    assert bool(capabilities.workspace_symbol_provider) == able
    if able:
        (one,) = await editor.workspace_symbol_async(types.WorkspaceSymbolParams("store"))
        assert one.location.uri == (tmp_path / "rest.yaml").as_uri()
