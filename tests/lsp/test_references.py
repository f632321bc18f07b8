"""Definitions and references: from a name to what it means, and to all places that name it, in whichever file."""

from __future__ import annotations

import pytest
from lsprotocol import types
from support.positions import offset, position
from support.views import FOLDER, never, settings, view_of

from kscan_lsp.lsp.features.references import definitions, references

APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: store}
spec:
  template:
    metadata: {labels: {app: shop}}
    spec:
      serviceAccountName: "runner" # by hand
      containers:
      - name: shop
        image: shop:1
        envFrom: [{configMapRef: {name: modes}}]
        env:
        - {name: TOKEN, valueFrom: {secretKeyRef: {name: token, key: é🚀}}}
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: store}
spec: {selector: {app: shop}, ports: [{port: 80}]}
"""
REST = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ServiceAccount
  metadata: {namespace: store, name: runner}
- apiVersion: v1
  kind: ServiceAccount
  metadata: {namespace: other, name: runner}
- apiVersion: v1
  kind: Secret
  metadata: {name: token, namespace: store}
  stringData:
    é🚀: hush
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: modes, namespace: store}
  data: {fast: "yes"}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: way, namespace: store}
spec: {defaultBackend: {service: {name: front}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: more, namespace: store}
spec: {scaleTargetRef: {kind: Deployment, name: shop}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: store}
spec: {podSelector: {matchLabels: {app: shop}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: may, namespace: store}
roleRef: {kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: runner}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: store}
rules: []
"""
TEXTS = {"app.yaml": APP, "rest.yaml": REST}
SELECTED = [
    "app.yaml:19:selector: {app: shop}",
    "rest.yaml:28:shop",
    "rest.yaml:33:podSelector: {matchLabels: {app: shop}}",
]
NONE_RELATIONAL = settings(frameworks=[], controls={"include": ["C-0057"]})
ALL = settings(frameworks=["allcontrols"])


@pytest.fixture(params=[NONE_RELATIONAL, ALL], ids=["few controls", "all controls"])
def view(request):
    """A view of one of the two files, the other on disk."""
    return lambda name: view_of(
        TEXTS[name],
        name,
        configuration=request.param,
        others={other: text for other, text in TEXTS.items() if other != name},
    )


def at(name, before, within=0):
    """The position behind some text of a file."""
    text = TEXTS[name]
    return position(text, text.index(before) + len(before) + within, "utf-16")


def shown(places):
    """What is marked, as file:line:text."""
    found = []
    for place in places:
        name = place.uri.rpartition("/")[2]
        text = TEXTS[name]
        start, end = (offset(text, p, "utf-16") for p in (place.range.start, place.range.end))
        found.append(f"{name}:{place.range.start.line + 1}:{text[start:end]}")
    return sorted(found)


@pytest.mark.parametrize(
    ("name", "before", "wanted"),
    [
        ("app.yaml", 'serviceAccountName: "run', ["rest.yaml:6:runner"]),
        ("app.yaml", "serviceAcc", ["rest.yaml:6:runner"]),
        ("app.yaml", "secretKeyRef: {name: tok", ["rest.yaml:12:token"]),
        ("app.yaml", "key: é", ["rest.yaml:14:é🚀: hush"]),
        ("app.yaml", "configMapRef: {name: m", ["rest.yaml:17:modes"]),
        ("app.yaml", "selector: {app: s", ["app.yaml:3:shop"]),
        ("rest.yaml", "service: {name: fr", ["app.yaml:18:front"]),
        ("rest.yaml", "kind: Deployment, name: s", ["app.yaml:3:shop"]),
        ("rest.yaml", "podSelector: {matchL", ["app.yaml:3:shop"]),
        ("rest.yaml", "kind: Role, name: re", ["rest.yaml:43:reader"]),
        ("rest.yaml", "ServiceAccount, name: run", ["rest.yaml:6:runner"]),
        ("app.yaml", "image: shop", []),
        ("app.yaml", "namespace: st", []),
        ("app.yaml", "--", []),
    ],
)
def test_a_name_leads_to_what_it_means(view, name, before, wanted):
    assert shown(definitions(view(name), at(name, before))) == wanted


def test_a_key_that_is_not_there_leads_to_its_object(view):
    missing = APP.replace("key: é🚀", "key: gone")
    there = view_of(missing, "app.yaml", configuration=ALL, others={"rest.yaml": REST})
    place = position(missing, missing.index("gone"), "utf-16")
    assert shown(definitions(there, place)) == ["rest.yaml:12:token"]


@pytest.mark.parametrize(
    ("name", "before", "wanted"),
    [
        ("rest.yaml", "namespace: store, name: run", ["app.yaml:8:runner", "rest.yaml:39:runner"]),
        ("rest.yaml", "namespace: other, name: run", []),
        ("rest.yaml", "metadata: {name: tok", ["app.yaml:14:token"]),
        ("rest.yaml", "stringData:\n    é", ["app.yaml:14:é🚀"]),
        ("rest.yaml", "data: {fa", ["app.yaml:12:modes"]),
        ("rest.yaml", "metadata: {name: rea", ["rest.yaml:38:reader"]),
        ("app.yaml", "metadata: {name: fr", ["rest.yaml:23:front"]),
        (
            "app.yaml",
            "metadata: {name: sh",
            SELECTED,
        ),
        (
            "app.yaml",
            "labels: {app: s",
            SELECTED,
        ),
        ("app.yaml", 'serviceAccountName: "r', ["app.yaml:8:runner", "rest.yaml:39:runner"]),
        ("app.yaml", "image: s", []),
    ],
)  # fmt: skip
def test_everybody_who_names_an_object_is_found(view, name, before, wanted):
    found = references(view(name), at(name, before), never, declaration=False)
    assert shown(found) == wanted


def test_the_declaration_comes_with_them_where_it_is_wanted(view):
    there = view("app.yaml")
    found = references(there, at("app.yaml", 'serviceAccountName: "r'), never, declaration=True)
    assert shown(found) == ["app.yaml:8:runner", "rest.yaml:39:runner", "rest.yaml:6:runner"]
    assert {place.uri for place in found} == {(FOLDER / name).as_uri() for name in TEXTS}


def test_nothing_is_found_in_what_is_no_manifest():
    for text in ("", "a: 1\n", "# nothing\n", "apiVersion: v1\nkind: List\nitems: [1]\n"):
        for place in (types.Position(0, 0), types.Position(9, 9)):
            assert definitions(view_of(text), place) == []
            assert references(view_of(text), place, never, declaration=True) == []


@pytest.mark.asyncio
@pytest.mark.parametrize("able", [True, False])
async def test_the_way_to_files_that_nobody_has_opened(editor, tmp_path, able):
    (tmp_path / "rest.yaml").write_text(REST, encoding="utf-8")
    capabilities = await editor.start(tmp_path, navigation=able)
    assert bool(capabilities.definition_provider) == bool(capabilities.references_provider) == able
    if able:
        uri = (tmp_path / "app.yaml").as_uri()
        editor.open(uri, APP)
        document, place = types.TextDocumentIdentifier(uri), at("app.yaml", 'serviceAccountName: "r')
        found = await editor.text_document_definition_async(types.DefinitionParams(document, place))
        assert shown(found) == ["rest.yaml:6:runner"]
        asked = types.ReferenceParams(types.ReferenceContext(include_declaration=False), document, place)
        assert len(await editor.text_document_references_async(asked)) == 2
