"""Code actions in a control's file, each of which leaves a control that is better by its own tests."""

from __future__ import annotations

import pytest
from lsprotocol import types
from msgspec.structs import replace
from support import controls
from support.controls import control_view, place_of
from support.views import edited

from kscan_lsp.lsp.features.control_actions import control_actions
from kscan_lsp.policy.load import load
from kscan_lsp.testing.run import run_tests
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.yaml.document import read_document

HEAD = f"""{controls.HEAD}\
checks:
"""
PRIVILEGED = """\
  - each: containers
    deny: container.?securityContext.?privileged.orValue(false)
    at: securityContext.privileged
    message: a
"""
OWNER = """\
  - match: [{groups: [apps], kinds: [Deployment]}]
    deny: object.metadata.labels.owner == ''
    at: metadata.labels.owner
    message: b
"""
TESTS = """\
tests:
  - name: one
    manifest: |
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: é
        labels: {owner: ""}
      # ^^^ ORG-0001
      spec: {template: {spec: {containers: [{name: a}]}}}
  - name: two
    manifest: |
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: b
        labels: {owner: me}
      spec: {template: {spec: {containers: [{name: a}]}}}
"""


@pytest.fixture
def offered(tmp_path):
    """The actions at a text of a control, by title, each with the text that comes of it."""

    def offer(text, mark):
        at = place_of(text, mark)
        context = types.CodeActionContext(diagnostics=[])
        params = types.CodeActionParams(types.TextDocumentIdentifier("a"), types.Range(at, at), context)
        found = control_actions(control_view(tmp_path, text), params)
        return {action.title: edited(text, action.edit) for action in found}

    return offer


def failures(text):
    policies = load([("a.yaml", read_document(text))], builtin_policies())
    assert policies.problems == ()
    return [one.failure.partition("\n")[0] for one in run_tests(policies.controls["ORG-0001"], policies)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_marks_of_a_failing_test_become_what_is_found(offered, line_end):
    text = f"{HEAD}{OWNER}{TESTS}".replace("\n", line_end)
    found = offered(text, 'labels: {owner: ""}')
    assert [*found] == ["Mark what is found in this test"]
    marked = found["Mark what is found in this test"]
    assert failures(marked) == ["", ""]
    assert marked == text.replace(
        f"      # ^^^ ORG-0001{line_end}", f"               # ^^^^^^^^^ ORG-0001{line_end}"
    )
    assert offered(marked, 'labels: {owner: ""}') == {}


def test_marks_that_are_missing_or_too_many_are_set_and_taken_out(offered):
    text = f"{HEAD}{OWNER}{TESTS}".replace("      # ^^^ ORG-0001\n", "").replace(
        "labels: {owner: me}\n", "labels: {owner: me}\n        #        ^^^ ORG-0001\n"
    )
    for mark, rest in (("name: one", 1), ("name: two", 0)):
        (text,) = offered(text, mark).values()
        assert sum(map(bool, failures(text))) == rest


def test_nothing_is_offered_where_the_marks_would_not_help(offered):
    wrong = f"{HEAD}{OWNER}{TESTS}".replace("labels.owner ==", "labels.owner.?nothing ==")
    assert offered(wrong, "name: one") == {}
    assert offered(f"{HEAD}{OWNER}{TESTS}".replace("deny: ", "deny: ("), "name: one") == {}
    quoted = f'{HEAD}{OWNER}tests:\n- name: one\n  manifest: "apiVersion: apps/v1\\nkind: Deployment"\n'
    assert "Mark what is found in this test" not in offered(quoted, "name: one")


def test_a_field_that_is_absent_is_asked_for_safely(offered):
    title = "Ask for 'labels' with '.?'"
    good = TESTS.replace("# ^^^ O", "#          ^^^^^^^^^^ O").replace('owner: ""', "owner: bad")
    text = f"{HEAD}{OWNER}{good}".replace("        labels: {owner: me}\n", "").replace("== ''", "== 'bad'")
    fixed = offered(text, "deny:")[title]
    assert fixed == text.replace("object.metadata.labels.owner", "object.metadata.?labels.owner.orValue('')")
    assert offered(text, "name: b")[title] == fixed
    assert title not in offered(text, "name: one")


def test_a_chain_and_what_follows_it_stay_one(offered):
    check = OWNER.replace(
        "object.metadata.labels.owner == ''", "\"object.metadata.labels.team.startsWith('a')\""
    )
    tests = TESTS.replace("      # ^^^ ORG-0001\n", "")
    (text,) = (text for title, text in offered(f"{HEAD}{check}{tests}", "deny:").items() if ".?" in title)
    assert "object.metadata.labels.?team.orValue('').startsWith('a')" in text


def test_a_control_without_tests_gets_one_that_fails(offered):
    text = f"{HEAD}{PRIVILEGED}"
    made = offered(text, "id:")["Add a test that fails this check"]
    assert made.startswith(
        f"{text}tests:\n  - name: what fails check 1\n    manifest: |\n      apiVersion: v1\n"
    )
    assert "            privileged: true\n          # ^^^^^^^^^^^^^^^^ ORG-0001\n" in made
    assert failures(made) == [""]
    assert offered(made, "id:") == {}
    assert offered(made, "deny:") == {}


def test_a_check_that_no_test_shows_gets_one_behind_the_others(offered):
    good = TESTS.replace("# ^^^ O", "#          ^^^^^^^^^ O")
    text = f"{HEAD}{PRIVILEGED}{OWNER}{good}# the end\n"
    made = offered(text, "container.?")["Add a test that fails this check"]
    assert failures(made) == ["", "", ""]
    assert made.endswith("ORG-0001\n# the end\n")
    assert offered(text, "match:") == {}


@pytest.mark.parametrize(
    ("check", "shown"),
    [
        ("each: containers\n    deny: container.?resources.?limits.orValue({}).size() == 0", "name: app"),
        ("each: pod.volumes[*]\n    deny: has(item.hostPath)\n    at: hostPath", "path: example"),
        ("each: podTemplate\n    deny: pod.?hostNetwork.orValue(false)\n    at: pod.hostNetwork", "hostNetwork"),
        ("match: [{groups: ['*'], kinds: [Service]}]\n    deny: object.?spec.?type.orValue('') == ''", "Service"),
        ("match: [{groups: [batch], kinds: [CronJob]}]\n    each: containers\n    deny: role != ''", "batch/v1"),
        ("each: namespace\n    deny: objectName == 'example'", "kind: Namespace"),
    ],
)  # fmt: skip
def test_a_manifest_is_made_for_what_is_judged(offered, check, shown):
    made = offered(f"{HEAD}  - {check}\n    message: a\n", "deny:")
    assert [*made] in (["Add a test that fails this check"], ["Add a test that is clean"])
    (text,) = made.values()
    assert shown in text
    assert failures(text)[0] == ""


def test_what_nothing_fails_gets_a_test_that_is_clean(offered):
    text = f"{HEAD}{PRIVILEGED}".replace(".orValue(false)", ".orValue(false) && container.name == 'x'")
    (made,) = offered(text, "id:").values()
    assert "- name: what is right\n" in made


def test_a_text_that_is_typed_key_by_key_never_raises(tmp_path):
    text = f"{HEAD}{OWNER}{TESTS}"
    view = control_view(tmp_path, text)
    for end in range(0, len(text), 11):
        typed = text[:end]
        at = place_of(typed, typed, end)
        params = types.CodeActionParams(
            types.TextDocumentIdentifier("a"), types.Range(at, at), types.CodeActionContext(diagnostics=[])
        )
        control_actions(replace(view, lines=type(view.lines)(typed)), params)
