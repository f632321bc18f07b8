"""Hover in a control file: types and values of parts of expressions, for the first test and what is open."""

from __future__ import annotations

import pytest
from lsprotocol import types
from msgspec.structs import replace
from support import controls
from support.controls import control_view, place_of
from support.positions import covered

from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features.control_completion import control_completion
from kscan_lsp.lsp.features.control_hover import control_hover

HEAD = f"""{controls.HEAD}\
inputs: {{names: [web, api]}}
checks:
"""
TESTS = """\
tests:
  - name: a good one
    manifest: |
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: none}
  - name: one that fails
    manifest: |
      apiVersion: v1
      kind: Pod
      metadata: {name: shop}
      spec:
        volumes: [{name: data}]
        containers:
        - name: api
          image: shop/api:1.0
          ports: [{containerPort: 80}, {containerPort: 8080}]
        - name: web
          image: shop/web:1.0
          securityContext: {privileged: true}
          env: [{name: TOKEN, value: hunter2}]
"""
CONTAINERS = f"""{HEAD}\
  - each: containers
    let:
      context: container.?securityContext.orValue({{}})
    deny: context.?privileged.orValue(false) && container.name in inputs.names
    message: "{{container.name}} of {{pod.containers.map(c, c.name).join(', ')}} is bad"
    at: securityContext.privileged
{TESTS}"""


@pytest.fixture
def said(tmp_path):
    """What a hover says at a text in a control file, and what it is about."""

    def hover(text, mark, by=0, **open_ones):
        found = control_hover(control_view(tmp_path, text, **open_ones), place_of(text, mark, by))
        return found and (covered(text, found.range, "utf-16"), found.contents.value.split("\n"))

    return hover


def test_a_part_has_its_type_and_value_for_the_element_that_fails(said):
    of = "  container 'web' of Pod 'shop', in the test 'one that fails'"
    assert said(CONTAINERS, "?privileged.or") == (
        "context.?privileged",
        ["context.?privileged", "optional(bool)", "true", of],
    )
    assert said(CONTAINERS, "orValue(false)")[1] == [
        "context.?privileged.orValue(false)",
        "bool",
        "true",
        of,
    ]
    assert said(CONTAINERS, "inputs.names", 8)[1] == ["inputs.names", "list(string)", '["web", "api"]', of]
    assert said(CONTAINERS, "&&") == (
        "context.?privileged.orValue(false) && container.name in inputs.names",
        [
            "context.?privileged.orValue(false) && container.name in inputs.names",
            "bool",
            "true",
            of,
            "  because of 'context.?privileged.orValue(false)', 'container.name in inputs.names'",
        ],
    )


def test_what_an_open_manifest_gives_is_said_beside_the_test(said):
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: x}]}\n"
    found = said(CONTAINERS, "?privileged.or", manifests={"other.yaml": "a: b\n", "a.yaml": pod})
    assert found[1][-2:] == ["absent", "  container 'x' of Pod 'a', in a.yaml"]


def test_a_part_inside_a_macro_is_said_for_each_of_the_first_entries(said):
    assert said(CONTAINERS, "c.name", 2) == (
        "c.name",
        [
            "c.name",
            "string",
            '"api" (c: entry 1 of 2)',
            '"web" (c: entry 2 of 2)',
            "  container 'web' of Pod 'shop', in the test 'one that fails'",
        ],
    )


def test_secrets_are_masked_and_long_values_cut(said):
    shown = said(CONTAINERS, "container.name in")[1][2]
    assert "hunter2" not in shown
    assert '"TOKEN", "value": "********"' in shown
    text = CONTAINERS.replace("deny: ", "deny: container.env.exists(e, e.value == 'a') || ")
    assert '"********" (e: entry 1 of 1)' in said(text, "e.value", 3)[1]
    whole = said(CONTAINERS.replace("hunter2", "x" * 9_000), "pod.containers", 1)[1][2]
    assert len(whole) <= 300
    named = CONTAINERS.replace("let:", "let:\n      held: container.?env.orValue([])[0].value")
    named = named.replace("deny: ", "deny: held == '' || ")
    assert said(named, "held ==")[1][:3] == ["held", "string", '"********"']


@pytest.mark.parametrize(
    "deny",
    [
        "deny: object.metadata.name == 'é😀' || true",
        "deny: \"object.metadata.name == '\\xE9\\U0001F600' || true\"",
        "deny: 'object.metadata.name == ''é😀'' || true'",
        "deny: >-\n      object.metadata.name\n      == 'é😀' ||\n      true",
        "deny: |\n      object.metadata.name == 'é😀'\n      // é\n      || true",
        "deny: object.metadata.name ==\n      'é😀' || true",
        "'deny': &x \"object.metadata.name ==\\\n      'é😀' || true\"",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_places_are_right_in_every_style(said, deny, line_end):
    text = f"{HEAD}  - match: [{{groups: [''], kinds: [Pod]}}]\n    {deny}\n    message: a\n{TESTS}"
    text = text.replace("\n", line_end)
    assert said(text, "metadata.name", 2) == (
        "object.metadata",
        ["object.metadata", "object with name, generateName, namespace, labels, annotations, ownerReferences",
         '{"name": "shop"}', "  Pod 'shop', in the test 'one that fails'"],
    )  # fmt: skip
    written, (_, kind, value, *_) = said(text, "true")
    assert (written, kind, value) == ("true", "bool", "true")


def test_half_an_expression_still_says_what_a_chain_of_fields_is(said):
    text = CONTAINERS.replace("deny: context", "deny: pod.volumes. && (context")
    assert said(text, "volumes. ", 3)[1][1:3] == [
        "list(object)",
        '[{"name": "data"}]',
    ]


def test_a_path_and_a_fix_are_made_of_expressions_too(said):
    text = CONTAINERS.replace(
        "at: securityContext.privileged",
        "at: 'env[{container.env.map(e, e.name).indexOf(\"TOKEN\")}]'\n"
        "    fix: {set: {securityContext.privileged: {expr: size(container.name) > 9}}}",
    )
    assert said(text, "container.name) > 9", 11)[1][2] == '"web"'
    assert said(text, "e.name", 2)[1][2] == '"TOKEN" (e: entry 1 of 1)'


def test_relations_and_namespaces_have_values(said):
    text = f"""{HEAD}\
  - each: namespace
    relations: {{quotas: "namespace:ResourceQuota"}}
    deny: quotas.size() == 0
    message: a
tests:
  - name: one
    manifest: |
      apiVersion: v1
      kind: ConfigMap
      metadata: {{name: a, namespace: shop}}
"""
    assert said(text, "quotas.size")[1][2:] == ["[]", "  Namespace 'shop', in the test 'one'"]
    assert said(text, "0\n")[1][:3] == ["0", "int", "0"]


def test_a_control_without_tests_has_types(said):
    text = CONTAINERS.partition("tests:")[0]
    assert said(text, "?privileged.or")[1] == ["context.?privileged", "optional(bool)"]


def test_a_text_that_is_typed_key_by_key_never_raises(tmp_path):
    text = CONTAINERS.replace("1.0", "1.0é😀")
    view = control_view(tmp_path, text)
    for end in range(text.index("checks:"), text.index("tests:")):
        for typed in (text[:end], text[:end] + text[text.index("tests:") :]):
            lines = type(view.lines)(typed)
            control_hover(replace(view, lines=lines), place_of(typed, typed[:end], end))


def test_markdown_shows_values_as_code_whatever_is_in_them(said):
    client = Capabilities(markup=types.MarkupKind.Markdown)
    text = CONTAINERS.replace("{name: shop}", '{name: "a`[x](y)``"}').replace(
        "deny: ", "deny: object.metadata.name == '' || "
    )
    assert said(text, "metadata.name ==", 10, client=client)[1] == [
        "```cel", "object.metadata.name", "```", "`string`", "",
        '``` "a`[x](y)``" ```  ',
        "container 'web' of Pod 'a\\`\\[x\\]\\(y\\)\\`\\`', in the test 'one that fails'",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mark", "begin"),
    [("C-0057", "**C-0057 Privileged container**"), ("names: [", "**names**, an input"), ("services", "the Services")],
)  # fmt: skip
def test_names_outside_of_expressions_are_explained(said, mark, begin):
    text = CONTAINERS.replace("tests:", "    relations: {a: services}\n  - use: C-0057\ntests:")
    assert said(text, mark, 2)[1][0].startswith(begin)


def test_a_definition_of_a_pack_is_asked_of_what_its_controls_judge(tmp_path):
    pack = "name: a\nversion: 1.0.0\ndefinitions:\n  named: container.name\n  long: named.size() > 3\n"
    text = CONTAINERS.replace("deny: ", "deny: long || ")
    (tmp_path / "kscan-pack.yaml").write_text(pack)
    view = control_view(tmp_path, text, others={})
    path = tmp_path / "kscan-pack.yaml"
    view = replace(view, path=path, lines=type(view.lines)(pack), uri=path.as_uri())
    found = control_hover(view, place_of(pack, "named.size", 1))
    assert found.contents.value.split("\n") == [
        "named",
        "dyn",
        '"api"',
        "  container 'api' of Pod 'shop', in the test 'one that fails' of ORG-0001",
    ]


@pytest.mark.parametrize(
    "bomb",
    [
        "a" + ".b" * 3_000,
        "(" * 3_000,
        "[" * 400 + "]" * 400,
        " && ".join(["true"] * 1_500),
        "!" * 3_000 + "true",
        "pod.containers.all(a, pod.containers.all(b, pod.containers.all(c, pod.containers.all(d, d.name != ''))))",
    ],
)
def test_what_no_person_writes_is_left_alone(tmp_path, bomb):
    text = CONTAINERS.replace("deny: ", f"deny: {bomb!r}\n    when: ")
    view = control_view(tmp_path, text)
    for by in (1, len(bomb) // 2, len(bomb)):
        at = place_of(text, "deny: ", 7 + by)
        control_hover(view, at)
        control_completion(view, at)
