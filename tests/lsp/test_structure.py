"""Symbols, folds and selections: what a document consists of, and how much is wrong in which part."""

from __future__ import annotations

from itertools import pairwise

import pytest
from lsprotocol import types
from support.positions import covered, position
from support.views import settings, view_of

from kscan_lsp.lsp.capabilities import Capabilities, capabilities_of
from kscan_lsp.lsp.features.folding import folding_ranges
from kscan_lsp.lsp.features.selection import selection_ranges
from kscan_lsp.lsp.features.symbols import document_symbols

FILE = """\
# a shop
apiVersion: apps/v1
kind: Deployment
metadata: {name: é🚀, namespace: shop}
spec:
  template:
    spec:
      initContainers:
      - name: setup
        image: shop/setup:1.0
      containers:
      - name: api
        image: shop/api:1.0
        args:
        - |
          one
          two
        securityContext:
          privileged: true
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: keys}
- {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: x, image: 'a/b:1'}], hostPID: true}}
"""
ONLY = settings(controls={"exclude": [], "include": ["C-0057", "C-0038"]}, frameworks=[])


def test_containers_are_below_their_object_and_findings_are_counted_in_both():
    symbols = document_symbols(view_of(FILE, configuration=ONLY))
    assert [(one.name, one.detail) for one in symbols] == [
        ("Deployment é🚀", "shop \u00b7 1 high"),
        ("Secret keys", None),
        ("Pod p", "1 high"),
    ]
    assert [(one.name, one.detail) for one in symbols[0].children] == [("setup", "init"), ("api", "1 high")]
    assert symbols[1].kind is types.SymbolKind.Key
    assert symbols[2].children[0].detail is None


def test_a_symbol_covers_what_it_stands_for_and_is_found_at_its_name():
    symbols = document_symbols(view_of(FILE))
    deployment, secret, pod = symbols
    assert covered(FILE, deployment.range, "utf-16") == FILE[FILE.index("apiV") : FILE.index("\n---")]
    assert covered(FILE, deployment.selection_range, "utf-16") == "name: é🚀"
    assert (
        covered(FILE, deployment.children[0].range, "utf-16") == "name: setup\n        image: shop/setup:1.0"
    )
    assert covered(FILE, pod.range, "utf-16") == FILE.splitlines()[-1][2:]
    assert covered(FILE, secret.selection_range, "utf-16") == "name: keys"


def test_accepted_findings_are_not_counted():
    accepted = FILE.replace("privileged: true", "privileged: true # kscan:ignore C-0057 -- it is")
    assert document_symbols(view_of(accepted, configuration=ONLY))[0].detail == "shop"


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Pod\nmetadata:\n",
        "x: &pod {apiVersion: v1, kind: Pod, spec: {containers: [1, {name: 2}, {}]}}\nkind: List\nitems: [*pod]\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nx: &c {name: c}\nspec: {containers: [*c, {<<: *c}]}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: '\n",
        "a: 1\n",
        "",
    ],
)
def test_a_name_lies_inside_of_its_symbol_however_odd_the_text(text):
    def inside(symbol):
        outer, inner = symbol.range, symbol.selection_range
        places = [(p.line, p.character) for p in (outer.start, inner.start, inner.end, outer.end)]
        return places == sorted(places) and symbol.name and all(map(inside, symbol.children or ()))

    view = view_of(text)
    assert all(map(inside, document_symbols(view)))
    folding_ranges(view)
    for at in range(len(text) + 1):
        selection_ranges(view, [position(text, at, "utf-16")])


def test_documents_objects_and_containers_fold():
    lines = FILE.splitlines()
    folds = folding_ranges(view_of(FILE, client=Capabilities(fold_lines=True)))
    folded = {lines[one.start_line].strip(): lines[one.end_line].strip() for one in folds}
    assert folded["apiVersion: apps/v1"] == "privileged: true"
    assert folded["---"] == lines[-1]
    assert folded["- apiVersion: v1"] == "metadata: {name: keys}"
    assert folded["- name: setup"] == "image: shop/setup:1.0"
    assert folded["- |"] == "two"
    assert folded["spec:"] == "privileged: true"
    assert len({one.start_line for one in folds}) == len(folds)
    assert all(one.end_character is None for one in folds)
    (first, *_) = folding_ranges(view_of(FILE, client=Capabilities(fold_limit=1)))
    assert (first.start_character, first.end_character) == (19, len("          privileged: true"))


def test_what_is_no_manifest_is_folded_by_the_editor():
    assert folding_ranges(view_of("a:\n  b: 1\n")) is None


def test_selections_grow_node_by_node():
    view = view_of(FILE)
    at = FILE.index("true")
    (found,) = selection_ranges(view, [position(FILE, at, "utf-16")])
    texts = []
    while found is not None:
        texts.append(covered(FILE, found.range, "utf-16"))
        found = found.parent
    assert texts[:4] == ["true", "privileged: true", "securityContext:\n          privileged: true",
                         texts[3]]  # fmt: skip
    assert texts[3].startswith("name: api")
    assert texts[-2:] == [FILE[: FILE.index("---")], FILE]
    assert all(inner in outer and inner != outer for inner, outer in pairwise(texts))


def test_each_position_has_a_selection_of_its_own():
    view = view_of(FILE)
    places = [position(FILE, FILE.index(word), "utf-16") for word in ("shop\n", "keys", "---")]
    found = selection_ranges(view, places)
    assert [covered(FILE, one.range, "utf-16") for one in found][1] == "keys"
    assert len(found) == 3


def test_a_client_gets_what_it_asks_for():
    def able(**abilities):
        document = types.TextDocumentClientCapabilities(**abilities)
        params = types.InitializeParams(capabilities=types.ClientCapabilities(text_document=document))
        return capabilities_of(params).navigation

    assert able() == frozenset()
    flat = types.DocumentSymbolClientCapabilities()
    assert able(document_symbol=flat, folding_range=types.FoldingRangeClientCapabilities()) == {
        "textDocument/foldingRange"
    }


@pytest.mark.asyncio
@pytest.mark.parametrize("able", [True, False])
async def test_structure_over_the_wire(editor, tmp_path, able):
    capabilities = await editor.start(tmp_path, navigation=able)
    offered = (
        capabilities.document_symbol_provider,
        capabilities.folding_range_provider,
        capabilities.selection_range_provider,
    )
    assert [bool(one) for one in offered] == [able] * 3
    if able:
        uri = (tmp_path / "shop.yaml").as_uri()
        editor.open(uri, FILE)
        document = types.TextDocumentIdentifier(uri=uri)
        symbols = await editor.text_document_document_symbol_async(types.DocumentSymbolParams(document))
        assert [one.name for one in symbols] == ["Deployment é🚀", "Secret keys", "Pod p"]
        folds = await editor.text_document_folding_range_async(types.FoldingRangeParams(document))
        assert all(one.start_character is None for one in folds)
        place = types.Position(3, 18)
        selected = await editor.text_document_selection_range_async(
            types.SelectionRangeParams(document, [place])
        )
        assert covered(FILE, selected[0].range, "utf-16") == "é🚀"
