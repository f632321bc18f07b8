"""Code actions: what a client is asked to confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from msgspec.structs import replace
from support.views import edited, never, settings, view_of

from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features import code_actions, fix_all

if TYPE_CHECKING:
    from kscan_lsp.workspace.configuration import Configuration

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  serviceAccount: web
  containers:
  - name: api
    image: shop/api:1.0
    securityContext:
      privileged: true
"""
PLAIN = Capabilities(document_changes=True)
ASKING = replace(PLAIN, change_annotations=True)


QUICK_FIX = types.CodeActionKind.QuickFix


def offered(
    text: str,
    client: Capabilities = PLAIN,
    lines: tuple[int, int] | None = None,
    configuration: Configuration | None = None,
    name: str = "deploy.yaml",
    **context: Any,
) -> list[types.CodeAction]:
    """The actions for some lines of a text, from 0, or for all of it."""
    view = view_of(text, name, client=client, configuration=configuration)
    first, last = lines or (0, text.count("\n"))
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(view.uri),
        types.Range(types.Position(first, 0), types.Position(last, 0)),
        types.CodeActionContext([], **context),
    )
    return code_actions.code_actions(view, params, never)


def fix_of(client: Capabilities, control: str) -> types.CodeAction:
    found = offered(POD, client, only=[QUICK_FIX])
    return next(action for action in found if action.title.endswith(f"[{control}]"))


def needs_confirmation(edit: types.WorkspaceEdit) -> bool:
    """Whether a client asks before it makes any of the edits, for each of them."""
    (change,) = edit.document_changes
    asked = {isinstance(one, types.AnnotatedTextEdit) for one in change.edits}
    assert len(asked) == 1
    if asked == {True}:
        notes = [edit.change_annotations[one.annotation_id] for one in change.edits]
        assert all(note.needs_confirmation and note.description for note in notes)
    return asked == {True}


def test_a_single_fix_is_made_at_once():
    unsafe, safe = "C-0057", "C-0294"
    assert not needs_confirmation(fix_of(ASKING, unsafe).edit)
    assert not needs_confirmation(fix_of(ASKING, safe).edit)
    assert "(review)" in fix_of(PLAIN, unsafe).title
    assert edited(POD, fix_of(ASKING, unsafe).edit) == POD.replace("privileged: true", "privileged: false")


def test_a_client_that_lets_fixes_be_chosen_is_asked_to_do_that():
    title = "kscan: Fix all problems (review)"
    (action,) = [action for action in offered(POD, replace(ASKING, reviews=True)) if action.title == title]
    assert action.edit is None
    assert action.command == types.Command(title, "kscan.reviewFixes", arguments=[view_of(POD).uri])
    (asked,) = offered(POD, replace(ASKING, reviews=True), only=[fix_all.FIX_REVIEW])
    assert asked == action


TWO = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostPID: true
  serviceAccount: web
  containers:
  - name: api
    image: shop/api:1.0
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostPID: true
  containers:
  - name: api
    image: shop/api:1.0
    securityContext: {allowPrivilegeEscalation: false}
"""


def review(text: str) -> dict[str, Any]:
    found = fix_all.fixes_to_review(view_of(text), never)
    assert found is not None
    return found


def test_each_finding_that_would_be_fixed_can_be_chosen():
    found = review(TWO)
    open_ones = [finding for _, finding in view_of(TWO).checked.findings() if finding.fixable]
    assert [fix["control"] for fix in found["fixes"]].count("C-0038") == 2
    assert len({fix["id"] for fix in found["fixes"]}) == len(found["fixes"]) <= len(open_ones)
    lines = TWO.splitlines()
    places = [(fix["range"].start.line, fix["range"].start.character) for fix in found["fixes"]]
    assert places == sorted(places)
    assert {lines[fix["range"].start.line] for fix in found["fixes"] if fix["control"] == "C-0038"} == {
        "  hostPID: true"
    }


@pytest.mark.parametrize("left_out", ["C-0016", "C-0038", "C-0294"])
def test_only_what_is_chosen_is_fixed(left_out: str):
    chosen = [fix["id"] for fix in review(TWO)["fixes"] if fix["control"] != left_out]
    fixed = fix_all.fix_chosen(view_of(TWO, client=ASKING), chosen, never)
    text = edited(TWO, fixed.edit)
    assert fixed.number == len(chosen)
    found = {finding.control for _, finding in view_of(text).checked.findings() if finding.fixable}
    assert found - {"C-0271"} == {left_out}  # a limit is for the user to choose
    assert not needs_confirmation(fixed.edit)


def test_nothing_chosen_is_nothing_fixed():
    assert fix_all.fix_chosen(view_of(TWO), [], never) is None
    assert fix_all.fixes_to_review(view_of(TWO), lambda: True) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (POD, "1 safe fix here, and 4 fixes may change how the workload runs."),
        (UNSAFE_ONLY := POD.replace("  serviceAccount: web\n", ""),
         "No safe fix here. 4 fixes may change how the workload runs: review them."),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n", "Nothing to fix here."),
        (UNSAFE_ONLY + "  bad\n   : [", "No fix here before the text can be read: repair what is marked first."),
    ],
)  # fmt: skip
def test_what_there_is_to_fix_is_said_in_words(text: str, message: str):
    assert review(text)["message"] == message


def test_a_client_without_versioned_edits_is_not_asked():
    edit = fix_of(Capabilities(change_annotations=True), "C-0057").edit
    assert edit.document_changes is None
    assert edited(POD, edit) == POD.replace("privileged: true", "privileged: false")


@pytest.mark.parametrize(("kind", "asks"), [(fix_all.FIX_SAFE, False), (fix_all.FIX_REVIEW, True)])
def test_fixing_everything_asks_if_it_is_not_all_safe(kind, asks):
    fixed = fix_all.fix_everything(view_of(POD, client=ASKING), kind, never)
    assert needs_confirmation(fixed.edit) == asks


def titles(text: str, start: str, **given: Any) -> list[str]:
    return [a.title for a in offered(text, **given) if a.title.startswith(start)]


def test_a_control_with_two_findings_on_a_line_is_ignored_once():
    text = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers: [{name: api, securityContext: {privileged: true}}, {name: b, securityContext: {privileged: true}}]
  hostPID: true
"""
    (ignoring,) = [a for a in offered(text, lines=(4, 4)) if a.title == "Ignore C-0057 here"]
    assert [diagnostic.code for diagnostic in ignoring.diagnostics] == ["C-0057", "C-0057"]
    result = view_of(edited(text, ignoring.edit)).checked.findings()
    assert {f.status for _, f in result if f.control == "C-0057"} == {"accepted"}


def test_ignoring_in_json_keeps_what_the_annotation_says_already():
    text = (
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "annotations":\n'
        ' {"kscan.dev/ignore": "C-0038 -- debugs the node"}}, "spec": {"containers": [], "hostPID": true,\n'
        ' "hostNetwork": true}}'
    )
    (ignoring,) = [a for a in offered(text, name="web.json") if a.title == "Ignore C-0041 on line 3"]
    after = edited(text, ignoring.edit)
    assert '"C-0038 -- debugs the node; C-0041 -- TODO: say why"' in after
    found = view_of(after, "web.json").checked.findings()
    kept = {f.control: f.disposition.reason for _, f in found if f.disposition}
    assert kept == {"C-0038": "debugs the node", "C-0041": "TODO: say why"}
    (problem,) = [problem for _, problem in view_of(after, "web.json").checked.problems()]
    assert problem.message.startswith("this suppression has no reason yet")


def test_what_is_ignored_on_which_of_several_lines_is_said():
    two = (
        POD
        + """\
  - name: second
    image: shop/api:1.0
    securityContext:
      privileged: true
"""
    )
    assert titles(two, "Ignore C-0057") == ["Ignore C-0057 on line 10", "Ignore C-0057 on line 14"]


WITH_SUPPRESSED = POD.replace("  serviceAccount", "  # kscan:ignore C-0294\n  serviceAccount")


@pytest.mark.parametrize("resolving", [False, True])
@pytest.mark.parametrize(("text", "safe"), [(POD, True), (UNSAFE_ONLY, False), (WITH_SUPPRESSED, False)])
def test_fixing_all_safe_problems_is_offered_where_there_is_one(text: str, safe: bool, resolving: bool):
    client = replace(PLAIN, resolve_edits=resolving)
    assert titles(text, "kscan:", client=client) == [
        *(["kscan: Fix all safe problems"] if safe else []),
        "kscan: Fix all problems (review)",
    ]


def test_fixing_all_problems_is_not_offered_where_each_asks_for_a_choice_or_a_hand():
    text = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: api
    image: shop/api:1.0
"""
    chosen = settings(frameworks=[], controls={"include": ["C-0004"]})
    assert titles(text, "kscan:", configuration=chosen, client=replace(PLAIN, resolve_edits=True)) == []
    assert titles(text, "Set limits.memory of container 'api'", configuration=chosen) != []


def test_a_credential_is_taken_from_a_secret_and_shown_nowhere():
    text = POD + "    env:\n    - name: DB_PASSWORD\n      value: hunter2trout\n"
    (fix,) = [action for action in offered(text, ASKING, only=[QUICK_FIX]) if "[C-0012]" in action.title and action.edit
              and "Ignore" not in action.title]  # fmt: skip
    assert fix.title == (
        "Take the value from Secret 'web-credentials-todo', a placeholder (env[name=DB_PASSWORD] of container 'api') "
        "(review) [C-0012]"
    )
    assert not needs_confirmation(fix.edit)
    assert "hunter2trout" not in repr(fix)
    after = edited(text, fix.edit)
    assert "hunter2trout" not in after
    assert "KS-0052" in {found.finding.control for found in view_of(after).checked.findings()}
    assert fix_all.fix_everything(view_of(after), fix_all.FIX_SAFE, never).number == 1  # serviceAccount
