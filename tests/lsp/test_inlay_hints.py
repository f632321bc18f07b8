"""Hints: what is in effect without being written, and from where; never anything that verdicts would deny."""

from __future__ import annotations

import pytest
from lsprotocol import types
from msgspec.structs import replace
from support.positions import covered, position, span
from support.views import FOLDER, settings, view_of

from kscan_lsp.lsp.features.inlay_hints import inlay_hints

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  serviceAccountName: web
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    fsGroup: 7
    seccompProfile: {type: RuntimeDefault}
    seLinuxOptions: {level: s0}
  containers:
  - name: é🚀 # first
    image: shop/api:1.0
  - name: own
    image: shop/own:1.0
    securityContext: # here
      runAsUser: 1
      runAsNonRoot: null
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
  - {name: flow, image: 'shop/flow:1.0', securityContext: {seccompProfile: {type: Unconfined}}}
"""
ACCOUNT = """\
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
automountServiceAccountToken: false
"""
DEFAULTS = "allowPrivilegeEscalation: true, readOnlyRootFilesystem: false (default)"


def shown(text, view=None, wanted=None):
    """The text of each line that has a hint, up to the hint, and what that says."""
    everything = span(text, 0, len(text), "utf-16")
    hints = inlay_hints(view or view_of(text), wanted or everything)
    lines = [types.Range(types.Position(one.position.line, 0), one.position) for one in hints]
    return {
        covered(text, at, "utf-16").strip(): "".join(part.value for part in one.label)
        for at, one in zip(lines, hints, strict=True)
    }


def test_a_hint_says_what_is_in_effect_and_where_from():
    assert shown(POD) == {
        "spec:": "automountServiceAccountToken: true (default)",
        "- name: é🚀": f"runAsNonRoot: true, runAsUser: 1000, seccompProfile: RuntimeDefault (from pod), {DEFAULTS}",
        "securityContext:": "runAsNonRoot: true, seccompProfile: RuntimeDefault (from pod)",
        "- {name: flow, image: 'shop/flow:1.0', securityContext: {seccompProfile: {type: Unconfined}}": (
            f"runAsNonRoot: true, runAsUser: 1000 (from pod), {DEFAULTS}"
        ),
    }


def test_what_a_service_account_says_holds_for_its_pods():
    assert shown(POD + ACCOUNT)["spec:"] == "automountServiceAccountToken: false (from ServiceAccount web)"
    elsewhere = ACCOUNT.replace("namespace: shop", "namespace: other")
    assert shown(POD + elsewhere)["spec:"] == "automountServiceAccountToken: true (default)"
    silent = ACCOUNT.replace("automountServiceAccountToken: false\n", "")
    assert shown(POD + silent)["spec:"] == "automountServiceAccountToken: true (default)"
    assert "spec:" not in shown(POD.replace("spec:\n", "spec:\n  automountServiceAccountToken: true\n"))


def test_a_part_leads_to_what_it_comes_from():
    hints = inlay_hints(view_of(POD + ACCOUNT), span(POD, 0, len(POD), "utf-16"))
    places = [part.location for one in hints for part in one.label]
    assert covered(POD + ACCOUNT, places[0].range, "utf-16") == "automountServiceAccountToken: false"
    assert covered(POD, places[1].range, "utf-16") == "runAsNonRoot: true"
    assert covered(POD, places[3].range, "utf-16") == "seccompProfile: {type: RuntimeDefault}"
    assert places[4] is None


def test_only_what_is_in_sight_is_told():
    at = POD.index("- name: own")
    assert len(shown(POD, wanted=span(POD, at, len(POD), "utf-16"))) == 2
    line = types.Range(position(POD, 0, "utf-16"), position(POD, 3, "utf-16"))
    assert shown(POD, wanted=line) == {}


@pytest.mark.parametrize(
    "text",
    [
        POD.replace("runAsNonRoot: true", "runAsNonRoot: 'yes'").replace(
            "runAsUser: 1000", "runAsUser: ${USER}"
        ),
        POD.replace("  serviceAccountName: web\n", "  os: {name: windows}\n"),
    ],
    ids=["wrong types", "windows"],
)
def test_what_does_not_hold_is_not_said(text):
    told = shown(text)["- name: é🚀"]
    assert ("runAsNonRoot" in told) == ("windows" in text)
    assert ("allowPrivilegeEscalation" in told) == ("windows" not in text)


def test_a_text_that_could_not_be_read_whole_has_no_hints():
    assert shown(POD.replace("fsGroup: 7", "fsGroup: '7")) == {}


def test_an_operator_may_set_what_a_task_leaves_out():
    task = """\
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: build}
spec:
  steps:
  - name: make
    image: shop/make:1.0
"""
    assert shown(task) == {}


def test_verdicts_say_the_same():
    everything = settings(frameworks=["allcontrols"])
    text = POD + ACCOUNT
    view = view_of(text, configuration=everything)
    found = {(one.control, one.path[:3]) for _, one in view.checked.findings()}
    for line, told in shown(text, view).items():
        if line != "spec:":
            number = 0 if "é" in line else 2 if "flow" in line else 1
            path = ("spec", "containers", number)
            assert ("allowPrivilegeEscalation" in told) == (("C-0016", path) in found)
            assert ("readOnlyRootFilesystem" in told) == (("C-0017", path) in found)
    assert not any(control == "C-0034" for control, _ in found)


@pytest.mark.asyncio
@pytest.mark.parametrize("able", [True, False])
async def test_hints_over_the_wire(editor, tmp_path, able):
    capabilities = await editor.start(tmp_path, navigation=able)
    assert bool(capabilities.inlay_hint_provider) == able
    if able:
        uri = (tmp_path / "pod.yaml").as_uri()
        editor.open(uri, POD)
        params = types.InlayHintParams(types.TextDocumentIdentifier(uri), span(POD, 0, len(POD), "utf-16"))
        hints = await editor.text_document_inlay_hint_async(params)
        assert [one.padding_left for one in hints] == [True] * 3  # nobody knows what other files say


def test_nothing_is_said_of_an_account_that_may_be_in_a_file_nobody_has_read():
    view = view_of(POD)
    unread = view._replace(project=replace(view.project, whole=False))
    assert "spec:" not in shown(POD, unread)
    assert "- name: é🚀" in shown(POD, unread)


BOUND = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  validations:
  - expression: has(object.spec)
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: b}
spec:
  policyName: p
  validationActions: [Deny]
  matchResources:
    objectSelector: {matchLabels: {team: %s}}
"""


def test_a_binding_that_is_about_nothing_says_so_where_all_files_are_known():
    pods = {"pods.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {team: shop}}\n"}
    view = view_of(BOUND % "show", others=pods)._replace(folders=(FOLDER,))
    assert shown(BOUND % "show", view) == {"matchResources:": "about nothing (of this workspace)"}
    assert shown(BOUND % "show", view._replace(folders=())) == {}
    assert shown(BOUND % "show", view._replace(project=replace(view.project, whole=False))) == {}
    same = view_of(BOUND % "shop", others=pods)._replace(folders=(FOLDER,))
    assert shown(BOUND % "shop", same) == {}
    anywhere = (BOUND % "show").partition("  matchResources")[0]
    alone = view_of(anywhere)._replace(folders=(FOLDER,))
    assert shown(anywhere, alone) == {"policyName: p": "about nothing (of this workspace)"}
