"""Hardening a container: one action of many verified fixes, at its name and at what is found in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lsprotocol import types
from support.views import edited, never, settings, view_of

from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features import code_actions, harden
from kscan_lsp.lsp.features.workspace_edit import REVIEW

if TYPE_CHECKING:
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot

TEXT = """\
# The shop.
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      hostPID: true
      containers:
      - name: api # ours
        image: registry.example/api:1.0
        securityContext:
          privileged: true
      - name: proxy
        image: registry.example/proxy:1.0
        securityContext:
          privileged: true
"""
EDITOR = Capabilities(document_changes=True, change_annotations=True)
LAZY = Capabilities(document_changes=True, resolve_edits=True)


def offered(
    view: DocumentSnapshot, first: str, last: str = "", *, automatic: bool = False
) -> list[types.CodeAction]:
    """The actions on the lines of a view where some texts stand."""
    text = view.lines.text
    lines = [text[: text.index(part)].count("\n") for part in (first, last or first)]
    at = types.Range(*(types.Position(line, 9) for line in lines))
    kind = types.CodeActionTriggerKind.Automatic if automatic else types.CodeActionTriggerKind.Invoked
    context = types.CodeActionContext([], only=["quickfix"], trigger_kind=kind)
    params = types.CodeActionParams(types.TextDocumentIdentifier(view.uri), at, context)
    return [a for a in code_actions.code_actions(view, params, never) if a.title.startswith("Harden")]


def controls(text: str) -> list[tuple[str, str]]:
    """The findings of a text: control, and the container, if its path is in one."""
    return sorted(
        (found.finding.control, str(found.finding.path[5:6])) for found in view_of(text).checked.findings()
    )


def test_a_container_is_hardened_in_one_edit() -> None:
    view = view_of(TEXT, client=EDITOR)
    (action,) = offered(view, "name: api")
    assert action.title == "Harden container 'api': 4 fixes (review)"
    (note,) = action.edit.change_annotations.values()
    assert note.needs_confirmation
    assert note.description == "container 'api': 4 fixes at once; these may change what it does"
    after = edited(TEXT, action.edit)
    assert after.startswith(TEXT[: TEXT.index("        image")])  # nothing of the pod's own, and no comment
    assert TEXT[TEXT.index("      - name: proxy") :] in after
    assert after.count("privileged: true") == 1
    before, now = controls(TEXT), controls(after)
    assert len(before) - len(now) >= 4
    # what is left of the container has no fix, or one with a choice
    assert offered(view_of(after, client=EDITOR), "name: api") == []
    assert [one for one in now if one not in before] == []


def test_it_is_offered_at_findings_of_the_container_too() -> None:
    view = view_of(TEXT, client=EDITOR)
    (at_name,) = offered(view, "name: api")
    (at_finding,) = offered(view, "privileged: true")
    assert (at_finding.title, at_finding.edit) == (at_name.title, at_name.edit)
    assert REVIEW in at_finding.edit.change_annotations
    # not at what is none of its lines, nor of the pod
    assert offered(view, "# The shop") == offered(view, "hostPID") == []
    assert [action.title.split("'")[1] for action in offered(view, "name: api", "name: proxy")] == [
        "api", "proxy",
    ]  # fmt: skip


def test_a_selection_of_many_is_no_place_to_harden_one() -> None:
    more = "".join(
        f"      - name: c{n}\n        image: registry.example/c:1.0\n" for n in range(harden.MAX_CONTAINERS)
    )
    view = view_of(TEXT + more, client=EDITOR)
    assert offered(view, "name: api", "name: c2") == []
    assert len(offered(view, "name: c0", "name: c2")) == harden.MAX_CONTAINERS


def test_one_fix_is_offered_as_a_fix() -> None:
    chosen = settings(frameworks=[], controls={"include": ["C-0057"]})
    view = view_of(TEXT, client=EDITOR, configuration=chosen)
    assert offered(view, "name: api") == []
    chosen = settings(frameworks=[], controls={"include": ["C-0057", "C-0016"]})
    view = view_of(TEXT, client=EDITOR, configuration=chosen)
    assert [action.title for action in offered(view, "name: api")] == [
        "Harden container 'api': 2 fixes (review)"
    ]


def test_the_edit_is_worked_out_when_it_is_asked_for() -> None:
    view = view_of(TEXT, client=LAZY)
    (action,) = offered(view, "name: proxy", automatic=True)
    assert action.edit is None
    place = ("spec", "template", "spec", "containers", 1)
    findings = [found for _, found in view.checked.findings() if found.path[:5] == place]
    assert action.title == f"Harden container 'proxy': what can be fixed of {len(findings)} findings (review)"
    edit = code_actions.resolved(view, action.data, never)
    (direct,) = offered(view_of(TEXT, client=EDITOR), "name: proxy")
    assert edited(TEXT, edit) == edited(TEXT, direct.edit)
    assert code_actions.resolved(view, action.data, lambda: True) is None


@pytest.mark.parametrize(
    "place", [None, 3, [], [0, 0], ["a", 0, "x"], [0, -1, "x"], [9, 0, "x"], [0, 9, "x"], [0, 0, "spec", 3]]
)
def test_a_place_that_is_none_has_no_edit(place: object) -> None:
    view = view_of(TEXT, client=LAZY)
    data = {"uri": view.uri, "version": 1, "kind": harden.HARDEN, "place": place}
    assert code_actions.resolved(view, data, never) is None


def test_containers_of_a_template_that_is_put_together() -> None:
    """A Workflow's containers are written elsewhere than in a pod; they are hardened where they are written."""
    text = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: build, namespace: ci}
spec:
  entrypoint: main
  templates:
  - name: main
    container:
      name: main
      image: registry.example/build:1.0
      securityContext: {privileged: true}
"""
    (action,) = offered(view_of(text, client=EDITOR), "privileged")
    after = edited(text, action.edit)
    assert "privileged: false" in after or "privileged" not in after
    assert "allowPrivilegeEscalation: false" in after


def test_json_stays_json() -> None:
    text = (
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}, "spec":\n'
        ' {"containers": [{"name": "api", "image": "registry.example/a:1",\n'
        '   "securityContext": {"privileged": true}}]}}\n'
    )
    view = view_of(text, "web.json", client=EDITOR)
    (action,) = offered(view, '"api"')
    after = view_of(edited(text, action.edit), "web.json")
    assert after.checked.parts[0].document.complete
    assert "C-0057" not in {found.finding.control for found in after.checked.findings()}


def test_a_name_that_may_be_a_secret_or_is_none_is_not_shown() -> None:
    token = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2z4A"
    (action,) = offered(
        view_of(TEXT.replace("name: api", f"name: {token}"), client=LAZY), token, automatic=True
    )
    assert token not in action.title
    (action,) = offered(view_of(TEXT.replace("name: api", "name: ''"), client=LAZY), "privileged")
    assert action.title.startswith("Harden this container: ")
