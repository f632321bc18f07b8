"""What rules of Kubescape's say of objects: with an engine that says what it was told to, and with the real one."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp import paths
from kscan_lsp.admission import remembered
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.kubescape import asking
from kscan_lsp.kubescape.helpers import CAUTILS, IMAGE
from kscan_lsp.policy.rego import AlertedObject, RegoAlert, RegoAnswer
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import settings_of
from kscan_lsp.workspace import rego as evaluating
from kscan_lsp.workspace.project import Project
from tests.support.kubescape import OWNER, TWICE, control, library, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.policy.rego import RegoSource

WEB = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 1}
"""
SECRETS = [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["Secret"]}]
SUBJECTS = {"resourcesAggregator": "subject-role-rolebinding"}
RBAC = [
    {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "apiVersions": ["*"],
        "resources": ["ClusterRole", "ClusterRoleBinding"],
    }
]


class Told:
    """An engine that says of each input what it was told to, and notes what it is asked."""

    def __init__(self) -> None:
        self.says: Callable[[Any], RegoAnswer] = lambda given: RegoAnswer()
        self.asked: list[tuple[int, list[Any]]] = []

    def ask(self, sources: Sequence[RegoSource], given: Any) -> list[RegoAnswer]:
        self.asked.append((len(sources), [_name(one) for one in given]))
        return [RegoAnswer(why=one.unsupported) if one.unsupported else self.says(given) for one in sources]


def _name(one: dict[str, Any]) -> str:
    return str(one.get("metadata", one)["name"])


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    engine = Told()
    monkeypatch.setattr(evaluating, "rego_engine", lambda: engine)
    remembered.forget()
    asking.forget()
    yield engine
    remembered.forget()
    asking.forget()


def project(
    *rules: tuple[dict[str, Any], str], settings: dict[str, Any] | None = None, inputs: Any = None
) -> Project:
    """A project that is judged by one control with some rules."""
    named = {one["name"]: (one, raw) for one, raw in rules}
    given = {"settings": {"postureControlInputs": inputs or {}}}
    policies = library(named, [control("ORG-0001", *named, baseScore=8)], inputs=given)
    ruleset, _ = choose(policies, settings_of(settings or {}), only=["ORG-0001"])
    return Project(Evaluator(ruleset, Evidence(date(2026, 11, 29))))


def verdicts(judged: Project) -> list[Verdicts]:
    return [one for file in judged.files.values() for part in file.parts for one in part.verdicts]


def said(judged: Project) -> list[tuple[str, str, str]]:
    """Each finding: its object, its path and its message."""
    found = [finding for one in verdicts(judged) for finding in one.findings]
    return [(one.resource.name, paths.show(one.path), one.message) for one in found]


def unanswered(judged: Project) -> list[str]:
    return [entry.reason for one in verdicts(judged) for entry in one.unevaluated]


def alert(*failed: str, about: str = "web", **others: Any) -> RegoAnswer:
    """An answer with one alert about a Deployment."""
    named = AlertedObject("apps/v1", "Deployment", "shop", about)
    return RegoAnswer(alerts=(RegoAlert("no", failed, others.pop("fixes", ()), (named,), **others),))


def test_an_alert_is_a_finding_of_its_control_at_its_place(told: Told) -> None:
    told.says = lambda given: alert("spec.replicas")
    judged = project((metadata("owner"), OWNER)).with_files([("a.yaml", WEB, False)])
    assert said(judged) == [("web", "spec.replicas", "no")]
    (one,) = verdicts(judged)
    assert (one.failed, one.passed) == ({"ORG-0001"}, frozenset())
    (finding,) = one.findings
    assert (finding.control, finding.severity.label) == ("ORG-0001", "high")
    assert WEB[finding.span.start : finding.span.end] == "replicas: 1"


def test_what_has_to_be_set_is_said(told: Told) -> None:
    told.says = lambda given: alert(fixes=(("spec.replicas", "2"), ("spec.paused", "YOUR_VALUE")))
    judged = project((metadata("owner"), OWNER)).with_files([("a.yaml", WEB, False)])
    assert sorted(said(judged)) == [
        ("web", "spec.paused", "no (to fix it, set spec.paused)"),
        ("web", "spec.replicas", 'no (to fix it, set spec.replicas to "2")'),
    ]


def test_no_alert_is_a_pass_of_the_objects_that_it_is_about_alone(told: Told) -> None:
    other = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {}\n"
    judged = project((metadata("owner"), OWNER)).with_files([("a.yaml", WEB + other, False)])
    assert [one.passed for one in verdicts(judged)] == [{"ORG-0001"}, frozenset()]
    assert told.asked == [(1, ["web"])]


def test_a_reason_is_no_pass_and_names_the_rule(told: Told) -> None:
    told.says = lambda given: RegoAnswer(why="it fails")
    judged = project((metadata("owner"), OWNER)).with_files([("a.yaml", WEB, False)])
    assert unanswered(judged) == ["rule 'owner': it fails"]
    assert verdicts(judged)[0].passed == frozenset()


def test_without_an_engine_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "rego_engine", lambda: None)
    remembered.forget()
    rules = (metadata("owner"), OWNER), (metadata("twice"), TWICE)
    judged = project(*rules).with_files([("a.yaml", WEB, False)])
    (reason,) = unanswered(judged)
    assert "'regorus'" in reason
    assert not said(judged)


def test_one_rule_that_has_no_answer_leaves_what_another_finds(told: Told) -> None:
    broken = metadata("broken", attributes={"resourcesAggregator": "other-form"})
    told.says = lambda given: alert("spec.replicas")
    judged = project((metadata("owner"), OWNER), (broken, OWNER)).with_files([("a.yaml", WEB, False)])
    assert len(said(judged)) == 1
    assert "other-form" in unanswered(judged)[0]


def test_an_edit_asks_again_of_what_was_edited_and_a_comment_of_nothing(told: Told) -> None:
    rules = (metadata("owner"), OWNER), (metadata("other"), OWNER + "\n")
    texts = [("a.yaml", WEB, False), ("b.yaml", WEB.replace("web", "b"), False)]
    judged = project(*rules).with_files(texts)
    assert sorted(told.asked) == [(2, ["b"]), (2, ["web"])]
    told.asked.clear()
    judged = judged.with_files([("a.yaml", "# a comment\n" + WEB, False)])
    assert told.asked == []
    judged.with_files([("a.yaml", WEB.replace("1}", "2}"), False)])
    assert told.asked == [(2, ["web"])]


def test_a_rule_that_looks_at_several_is_asked_once_for_all_and_divided(told: Told) -> None:
    told.says = lambda given: alert("spec.replicas", about="b")
    texts = [("a.yaml", WEB, False), ("b.yaml", WEB.replace("web", "b"), False)]
    judged = project((metadata("twice"), TWICE)).with_files(texts)
    assert told.asked == [(1, ["web", "b"])]
    assert said(judged) == [("b", "spec.replicas", "no")]
    assert [one.passed for one in verdicts(judged)] == [{"ORG-0001"}, frozenset()]
    judged = judged.with_files([("c.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n", False)])
    assert len(told.asked) == 1, "it is about no Service"
    told.says = lambda given: RegoAnswer()
    judged = judged.with_files([("a.yaml", WEB.replace("1}", "2}"), False)])
    assert len(told.asked) == 2
    assert said(judged) == []


def test_rules_that_look_at_the_same_objects_are_asked_together(told: Told) -> None:
    rules = (metadata("twice"), TWICE), (metadata("other"), TWICE + "\n"), (metadata("again"), TWICE)
    project(*rules).with_files([("a.yaml", WEB, False), ("b.yaml", WEB.replace("web", "b"), False)])
    assert told.asked == [(2, ["web", "b"])]


def test_an_alert_that_names_nothing_that_was_asked_about_is_no_pass(told: Told) -> None:
    told.says = lambda given: alert(about="other")
    judged = project((metadata("twice"), TWICE)).with_files([("a.yaml", WEB, False)])
    assert "names none of the objects" in unanswered(judged)[0]


def test_many_objects_are_asked_of_by_namespace_and_too_many_not_at_all(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MAX_TOGETHER", 1)
    texts = [("a.yaml", WEB, False), ("b.yaml", WEB.replace("web", "b").replace("shop", "bank"), False)]
    project((metadata("twice"), TWICE)).with_files(texts)
    assert sorted(names for _, names in told.asked) == [["b"], ["web"]]
    monkeypatch.setattr(asking, "MAX_OBJECTS", 0)
    judged = project((metadata("twice"), TWICE)).with_files(texts)
    assert all("more than 0" in reason for reason in unanswered(judged))
    assert len(unanswered(judged)) == 2


def test_what_is_said_of_a_secret_is_not_shown(told: Told) -> None:
    named = AlertedObject("v1", "Secret", "", "s")
    told.says = lambda given: RegoAnswer(
        alerts=(RegoAlert("it is hunter2", ("data",), (("data.a", "hunter2"),), (named,)),)
    )
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: aHVudGVyMg==}\n"
    judged = project((metadata("owner", SECRETS), OWNER)).with_files([("a.yaml", text, False)])
    assert "hunter2" not in str(said(judged))
    assert len(said(judged)) == 1


BINDING = """apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: root}
subjects:
- {kind: User, name: ann}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: root}
rules:
- {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
"""
GRANTS = """package armo_builtins
import rego.v1

deny contains alert if {
  subject := input[_]
  some i, role in subject.relatedObjects
  some j, binding in subject.relatedObjects
  endswith(role.kind, "Role")
  endswith(binding.kind, "Binding")
  role.rules[k].verbs[l] == "*"
  alert := {
    "alertMessage": sprintf("%v may do anything", [subject.name]),
    "reviewPaths": [
      sprintf("relatedObjects[%d].subjects[0]", [j]), sprintf("relatedObjects[%d].rules[%d].verbs[%d]", [i, k, l]),
    ],
    "alertObject": {"k8sApiObjects": [], "externalObjects": subject},
  }
}
"""


def test_a_rule_about_subjects_sees_them_with_binding_and_role(told: Told) -> None:
    project((metadata("grants", RBAC, attributes=SUBJECTS), GRANTS)).with_files([("a.yaml", BINDING, False)])
    assert told.asked == [(1, ["ann"])]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("regorus", reason="what evaluates Rego is not installed (docs/gatekeeper.md)")
    remembered.forget()
    asking.forget()


@pytest.mark.usefixtures("engine")
def test_what_grants_anything_is_marked_and_the_role_named_beside_it() -> None:
    judged = project((metadata("grants", RBAC, attributes=SUBJECTS), GRANTS)).with_files(
        [("a.yaml", BINDING, False)]
    )
    assert said(judged) == [("all", "subjects[0]", "ann may do anything")]
    (finding,) = verdicts(judged)[0].findings
    assert [(one.resource.name, paths.show(one.path)) for one in finding.related] == [
        ("root", "rules[0].verbs[0]")
    ]
    assert verdicts(judged)[1].passed == {"ORG-0001"}


@pytest.mark.usefixtures("engine")
def test_rules_as_they_are_judge_objects() -> None:
    helped = """package armo_builtins
import data.cautils
deny[alert] {
  wl := input[_]
  cautils.list_contains(data.postureControlInputs.bad, wl.metadata.name)
  old(wl.spec.replicas)
  name := image.parse_normalized_name("nginx:1")
  alert := {"alertMessage": name, "failedPaths": ["metadata.name"], "alertObject": {"k8sApiObjects": [wl]}}
}
old(1)
"""
    fields = {"ruleDependencies": [{"packageName": "cautils"}]}
    rules = (metadata("owner"), OWNER), (metadata("twice"), TWICE), (metadata("helped", **fields), helped)
    texts = [("a.yaml", WEB, False), ("b.yaml", WEB, False)]
    judged = project(*rules, inputs={"bad": ["web"]}).with_files(texts)
    owner = "'web' has no owner (to fix it, set metadata.labels.owner)"
    assert sorted(said(judged)) == sorted(
        [
            ("web", "metadata.labels.owner", owner),
            ("web", "metadata.name", "docker.io/library/nginx:1"),
            ("web", "spec.replicas", "twice"),
        ]
        * 2
    )
    judged = project(*rules, inputs={"bad": ["web"]}, settings={"inputs": {"bad": []}}).with_files(texts[:1])
    assert [path for _, path, _ in said(judged)] == ["metadata.labels.owner"]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("raw", [OWNER.replace("not wl", "wl"), TWICE])
def test_a_filter_says_what_can_fail_at_all(raw: str) -> None:
    counted = """package armo_builtins
deny[alert] {
  wl := input[_]
  wl.spec.replicas > 1
  alert := {"alertObject": {"k8sApiObjects": [wl]}}
}
"""
    policies = library({"r": (metadata("r"), raw)}, [control("ORG-0001", "r")], counted=counted)
    ruleset, _ = choose(policies, settings_of({}), only=["ORG-0001"])
    texts = [("a.yaml", WEB, False), ("b.yaml", WEB.replace("web", "b").replace("1}", "2}"), False)]
    judged = Project(Evaluator(ruleset, Evidence(date(2026, 11, 29)))).with_files(texts)
    assert [one.passed for one in verdicts(judged)] == [frozenset(), {"ORG-0001"}]


def test_helpers_give_what_kubescapes_do() -> None:
    regorus = pytest.importorskip(
        "regorus", reason="what evaluates Rego is not installed (docs/gatekeeper.md)"
    )
    made = regorus.Engine()
    made.set_rego_v0(True)
    made.add_policy("a", CAUTILS)
    made.add_policy("b", IMAGE)

    def value(query: str) -> Any:
        found = json.loads(made.eval_query_as_json(query)).get("result")
        return found[0]["expressions"][0]["value"] if found else None

    assert value('data.cautils.list_contains(["a", "b"], "b")') is True
    assert value('data.cautils.getPodName({"name": "foo"})') == "foo"
    assert value('data.cautils.is_subobject({"a": 1}, {"a": 1, "b": 2})') is True
    assert value('data.cautils.is_subobject({"a": 2}, {"a": 1, "b": 2})') is None
    assert value("data.cautils.unix_permissions_allow(420, 384)") is True
    assert value("data.cautils.unix_permissions_allow(384, 420)") is None
    assert value("data.cautils.unix_permission(420)") == {
        "user": {"read": True, "write": True, "exec": False},
        "group": {"read": True, "write": False, "exec": False},
        "everyone": {"read": True, "write": False, "exec": False},
    }
    for name, full in {
        "nginx": "docker.io/library/nginx",
        "me/nginx:1.2": "docker.io/me/nginx:1.2",
        "localhost/a": "localhost/a",
        "quay.io:5000/a/b@sha256:00": "quay.io:5000/a/b@sha256:00",
        "index.docker.io/nginx": "docker.io/library/nginx",
        "a/B": None,
    }.items():
        assert value(f'data.kscan_image.parse_normalized_name("{name}")') == full


@pytest.mark.usefixtures("engine")
def test_what_has_no_value_in_opa_ends_no_rule() -> None:
    raw = """package armo_builtins
deny[alert] {
  wl := input[_]
  bad(wl)
  alert := {"alertMessage": "bad", "failedPaths": [], "alertObject": {"k8sApiObjects": [wl]}}
}
bad(wl) { count(wl.none) > 1 }
bad(wl) { count(wl.metadata.generation) > 1 }
bad(wl) { json.unmarshal("{") }
bad(wl) { base64.decode("%") }
bad(wl) { yaml.unmarshal("a: [") }
bad(wl) { semver.compare("x", "1.0.0") == 0 }
bad(wl) { not is_set_right(wl.spec.template.spec) }
is_set_right(spec) { spec.fsGroup }
bad(wl) { count(wl.spec) == 1; json.unmarshal("[1]") == [1]; base64.decode("YQ==") == "a" }
"""
    text = WEB.replace("name: web", "name: web, generation: null")
    judged = project((metadata("r"), raw)).with_files([("a.yaml", text, False)])
    assert [message for _, _, message in said(judged)] == ["bad"]
    assert not unanswered(judged)


def test_a_rule_about_the_api_server_sees_its_pod_alone(told: Told) -> None:
    pods = [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["Pod"]}]
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: %s}\nspec: {}\n"
    texts = [
        pod % one for one in (("web", "kube-system"), ("kube-apiserver-a", "kube-system"), ("apiserver", "x"))
    ]
    about = metadata("r", pods, attributes={"resourcesAggregator": "apiserver-pod"})
    project((about, OWNER)).with_files([("a.yaml", "---\n".join(texts), False)])
    assert told.asked == [(1, ["kube-apiserver-a"])]
