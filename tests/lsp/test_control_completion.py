"""Completion in the expressions of a control file."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.controls import WITH_INPUTS, control_view, place_of
from support.positions import offset

from kscan_lsp.lsp.features.control_completion import control_completion

HEAD = f"{WITH_INPUTS}checks:\n"
CHECK = f"""{HEAD}\
  - each: containers.env[*]
    relations: {{accounts: serviceAccounts}}
    let:
      held: container.?securityContext
    deny: DENY
    message: bad
tests:
  - name: a
    manifest: 'object.'
"""


@pytest.fixture
def offered(tmp_path):
    """What is offered at the bar of a control file, and the text that comes of taking each."""

    def offer(text):
        at = text.index("|")
        text = text.replace("|", "", 1)
        found = {}
        for item in control_completion(control_view(tmp_path, text), place_of(text, text, at)):
            start, end = (
                offset(text, p, "utf-16") for p in (item.text_edit.range.start, item.text_edit.range.end)
            )
            line = text[text.rindex("\n", 0, start) + 1 : start].lstrip()
            found.setdefault(
                item.label, (line + item.text_edit.new_text, item.detail, item.documentation, end)
            )
            assert end == at
        return found

    return offer


def deny(text, check=CHECK):
    return check.replace("DENY", text)


def test_fields_come_from_the_schema_and_are_asked_for_as_they_may_be_absent(offered):
    found = offered(deny("container.|"))
    assert found["image"][:2] == ("deny: container.?image", "string")
    assert found["name"][:2] == ("deny: container.name", "string")
    assert found["ports"][:2] == ("deny: container.?ports", "list(object)")
    assert "hostNetwork" not in found
    assert found["size"] == ("deny: container.size()", "size()", found["size"][2], found["size"][3])
    assert offered(deny("pod.?host|"))["hostNetwork"][0] == "deny: pod.?hostNetwork"
    assert "exists" not in offered(deny("pod.?host|"))
    assert set(offered(deny("item.valueFrom.|"))) >= {"secretKeyRef", "configMapKeyRef"}


def test_names_are_those_that_the_check_has(offered):
    found = offered(deny("|"))
    assert [*found][:2] == ["held", "accounts"]
    assert found["held"][1:3] == ("object", "`container.?securityContext`")
    assert found["accounts"][2].startswith("the ServiceAccount")
    assert found["object"][2].startswith("the object, as it stands")
    assert found["matchesAny"][:2] == ("deny: matchesAny(", "matchesAny(t, list)")
    assert {"container", "item", "index", "effective", "pod", "inputs", "true"} <= set(found)
    other = offered(deny("|", CHECK.replace("containers.env[*]", "resource")))
    assert {"pod", "object"} <= set(other)
    assert not {"container", "item", "index"} & set(other)
    ours = offered(
        HEAD + '  - match: [{groups: [""], kinds: [Service]}]\n    deny: object.spec.|\n    message: a\n'
    )
    assert "externalIPs" in ours
    assert "template" not in ours


def test_what_is_behind_a_let_a_relation_and_inputs_is_known(offered):
    assert offered(deny("held.|"))["orValue"][0] == "deny: held.orValue("
    assert offered(deny("held.|"))["privileged"][0] == "deny: held.?privileged"
    assert "automountServiceAccountToken" in offered(deny("accounts.exists(a, a.object.|)"))
    inputs = offered(deny("inputs.|"))
    assert inputs["registries"][:2] == ("deny: inputs.registries", "list(string)")
    assert inputs["most"][1] == "int"


def test_names_of_macros_count_inside_them(offered):
    found = offered(deny("pod.containers.exists(c, c.image == 'a(' && c.|"))
    assert found["image"][0].endswith("c.?image")
    assert next(iter(offered(deny("pod.containers.all(c, c.name == |")))) == "c"
    assert "c" not in offered(deny("pod.containers.all(c, c.name == 'a') && |"))
    nested = offered(
        deny("pod.?volumes.orValue([]).filter(v, v.?projected.?sources.orValue([]).exists(s, s.|")
    )
    assert "serviceAccountToken" in nested
    assert "sizeLimit" in offered(deny("cel.bind(e, pod.volumes[0].emptyDir, e.|"))
    assert "privileged" in offered(deny("container.?securityContext.optMap(s, s.|"))


def test_methods_are_those_of_the_type(offered):
    assert "startsWith" in offered(deny("container.image.|"))
    assert "exists" not in offered(deny("container.image.|"))
    assert {"exists", "map"} <= set(offered(deny("pod.containers.|")))
    assert "startsWith" not in offered(deny("pod.containers.|"))
    assert "asInteger" in offered(deny("quantity('1').|"))
    assert {"exists", "startsWith"} <= set(offered(deny("object.nothing.|")))


@pytest.mark.parametrize(
    "written",
    [
        'deny: "container.|',
        "deny: 'container.|",
        "deny: >-\n      true &&\n      container.|\n",
        'message: "a {container.|',
        'message: "a {container.name} {container.|}"',
        "message: a {container.|",
        "at: 'env[{container.|}]'",
        "when: container.|",
        "allow: {registries: 'container.|",
        "fix: {set: {image: {expr: 'container.|",
    ],
)
def test_half_a_text_is_enough(offered, written):
    text = f"{HEAD}  - each: containers\n    {written}"
    assert "securityContext" in offered(text)


@pytest.mark.parametrize(
    "text",
    ["'container.|", "'container.|'", "container.name // container.|", "1.|", "container.name).|", "(.|"],
)
def test_nothing_is_offered_in_a_text_a_comment_or_a_number(offered, text):
    check = CHECK.replace("deny: DENY", f"deny: >-\n      {text}")
    assert offered(check) == {}


def test_nothing_is_offered_outside_of_expressions(offered):
    assert offered(CHECK.replace("'object.'", "'object.|'")) == {}
    assert offered(CHECK.replace("title: a", "title: object.|")) == {}
    assert offered(CHECK.replace("message: bad", "message: object.|")) == {}


def test_a_text_that_is_typed_key_by_key_never_raises(tmp_path):
    text = deny("pod.containers.exists(c, c.?image.orValue('é😀') == 'x') && held.?privileged.orValue(true)")
    view = control_view(tmp_path, text)
    for end in range(text.index("  - each"), text.index("tests:"), 2):
        typed = text[:end]
        control_completion(replace(view, lines=type(view.lines)(typed)), place_of(typed, typed, end))
