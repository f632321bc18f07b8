"""What a template has in Rego: how it is read, what it is asked, and which field its messages are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp.admission.before import as_it_was
from kscan_lsp.gatekeeper import problems, rego
from kscan_lsp.gatekeeper.rego import kinds_asked, place_of, rego_of
from kscan_lsp.graph.index import BEFORE
from kscan_lsp.policy.rego import RegoAnswer
from kscan_lsp.workspace import rego as evaluating
from kscan_lsp.workspace.objects import objects_of
from tests.support.admitting import admitting_project, at_revision, said, said_of, unanswered
from tests.support.gatekeeper import constraint, template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.policy.rego import RegoSource

POD = """apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
spec:
  containers:
  - {name: web, image: nginx}
  - {name: side, image: 'nginx:1.2'}
"""


def in_rego(text: str = "package x\nviolation[x] { x }\n", **source: Any) -> str:
    """A template in Rego alone."""
    return template(code=[{"engine": "Rego", "source": {"rego": text, **source}}])


UPDATED = [("CREATE", None), ("UPDATE", "nginx:1.1")]


class Told:
    """An engine that says what it was told to, and notes what it is asked."""

    def __init__(self, answer: RegoAnswer) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def ask(self, sources: Sequence[RegoSource], given: dict[str, Any]) -> list[RegoAnswer]:
        self.asked.append(given)
        return [self.answer for _ in sources]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    engine = Told(RegoAnswer(("container <side> has an invalid image <nginx:1.2>",)))
    monkeypatch.setattr(evaluating, "rego_engine", lambda: engine)
    monkeypatch.setattr(problems, "has_engine", lambda: True)
    return engine


def test_its_messages_are_findings_at_the_field_they_name(told: Told) -> None:
    (one,) = said(POD, in_rego(), constraint({"a": 1}, enforcementAction="warn"))
    assert one == (
        "spec.containers[1].image",
        "image: 'nginx:1.2'",
        "medium",
        "container <side> has an invalid image <nginx:1.2>",
    )
    (given,) = told.asked
    assert given["parameters"] == {"a": 1}
    review = given["review"]
    assert (review["operation"], review["namespace"], review["name"]) == ("CREATE", "shop", "p")
    assert review["kind"] == {"group": "", "version": "v1", "kind": "Pod"}
    assert review["object"]["spec"]["containers"][0]["image"] == "nginx"
    assert "userInfo" not in review


def test_it_is_asked_of_what_is_created_and_of_what_was_there(told: Told) -> None:
    for text, operations in (("violation[x] { x }", [("CREATE", None)]), ("input.review.oldObject", UPDATED)):
        told.asked.clear()
        asking = in_rego(f"package x\n{text}\n")
        files = [("a.yaml", POD, False), ("t.yaml", asking, False), ("c.yaml", constraint(), False)]
        before = at_revision(admitting_project(), {"a.yaml": POD.replace("nginx:1.2", "nginx:1.1")})
        said_once = said_of(before.with_files(files).files["a.yaml"])
        found = [(one["review"]["operation"], one["review"].get("oldObject")) for one in told.asked]
        assert [(name, was and was["spec"]["containers"][1]["image"]) for name, was in found] == operations
        assert len(said_once) == 1


def test_an_object_of_which_it_is_said_what_it_was_is_an_update_alone(told: Told) -> None:
    project = admitting_project()
    was = objects_of("a.yaml", POD.replace("nginx:1.2", "nginx:1.1"), project.ruleset)
    asking = in_rego("package x\ninput.review.operation\n")
    files = [("a.yaml", POD, False), ("t.yaml", asking, False), ("c.yaml", constraint(), False)]
    project.with_objects(BEFORE, tuple(map(as_it_was, was))).with_files(files)
    assert [one["review"]["operation"] for one in told.asked] == ["UPDATE"]


def test_nothing_is_asked_twice(told: Told) -> None:
    files = [("a.yaml", POD, False), ("t.yaml", in_rego(), False), ("c.yaml", constraint(), False)]
    project = admitting_project().with_files(files)
    project = project.with_files([("a.yaml", POD + "# a comment\n", False)])
    assert len(told.asked) == 1
    project = project.with_files([("a.yaml", POD.replace("nginx:1.2", "nginx:1.3"), False)])
    assert len(told.asked) == 2
    assert len(said_of(project.files["a.yaml"])) == 1


def test_what_it_says_of_a_secret_is_not_shown(told: Told) -> None:
    told.answer = RegoAnswer(("value hunter2 is bad",))
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter2}\n"
    (one,) = said(text, in_rego(), constraint())
    assert "hunter2" not in one.message
    assert one.path == "metadata.name"


def test_what_is_not_evaluated_is_said(told: Told) -> None:
    told.answer = RegoAnswer(why="it took more than 1 s")
    assert said(POD, in_rego(), constraint()) == []
    assert unanswered(POD, in_rego(), constraint()) == ["it took more than 1 s"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("package x\nviolation[x] { input.review.userInfo.username == x }", "asks who creates the object"),
        ("package x\nviolation[x] { external_data(x) }", "a provider of external data"),
        ("package x\nviolation[x] { http.send(x) }", "asks the network"),
        ("violation[x] { x }", "it has no package"),
        (f"package x\n{'#' * 200_001}", "longer than 200,000"),
    ],
)
def test_what_no_file_answers_is_not_asked(told: Told, text: str, why: str) -> None:
    (reason,) = unanswered(POD, in_rego(text), constraint())
    assert why in reason
    assert told.asked == []


def test_without_an_engine_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "rego_engine", lambda: None)
    monkeypatch.setattr(problems, "has_engine", lambda: False)
    assert said(POD, in_rego(), constraint()) == []
    (reason,) = unanswered(POD, in_rego(), constraint())
    assert "'regorus', which evaluates that, is not installed" in reason
    file = admitting_project().with_files([("t.yaml", in_rego(), False)]).files["t.yaml"]
    assert [problem.message for _, problem in file.problems()] == [f"not judged here: {reason}"]


def test_rego_stands_in_for_cel_that_is_too_large_here(told: Told) -> None:
    deep = {"validations": [{"expression": "(" * 300 + "true" + ")" * 300}]}
    code = [
        {"engine": "K8sNativeValidation", "source": deep},
        {"engine": "Rego", "source": {"rego": "package x\n"}},
    ]
    assert len(said(POD, template(code=code), constraint())) == 1
    code[0]["source"] = {"validations": [{"expression": "true"}]}
    assert said(POD, template(code=code), constraint()) == []


INVENTORY = "package x\nviolation[x] { x := data.inventory.namespace[_][_].Service[_] }\n"


def test_a_template_sees_the_objects_of_the_kinds_that_it_names(told: Told) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec: {}\n"
    files = [("a.yaml", POD, False), ("t.yaml", in_rego(INVENTORY), False), ("c.yaml", constraint(), False)]
    project = admitting_project().with_files([*files, ("s.yaml", service, False)])
    given = next(one for one in told.asked if one["review"]["name"] == "p")
    assert given["kscan_inventory"]["namespace"]["shop"]["v1"]["Service"]["s"]["kind"] == "Service"
    assert given["kscan_inventory"]["cluster"] == {}
    told.asked.clear()
    project.with_files([("s.yaml", service.replace("{}", "{type: NodePort}"), False)])
    assert "p" in {one["review"]["name"] for one in told.asked}


def test_old_templates_have_their_rego_in_the_target() -> None:
    source = rego_of({"rego": "package a.b\n", "libs": ["package lib.c\n", 3], "target": "x"})
    assert source.package == "a.b"
    assert source.modules == ("package a.b\n", "package lib.c\n")
    assert kinds_asked({"rego": "package a.b\n"}) is None
    assert kinds_asked({"rego": INVENTORY}) == {"Service"}
    assert "data.inventory" not in rego_of({"rego": INVENTORY}).modules[0]
    assert rego_of({}).unsupported == "it has no package"


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ("container <web> has no limits", ("spec", "containers", 0, "name")),
        ("Container side has no limits.", ("spec", "containers", 1, "name")),
        ("container <side> has the image <nginx:1.2>", ("spec", "containers", 1, "image")),
        ("image 'nginx' is wrong", ("spec", "containers", 0, "image")),
        ("not as it should be", ("metadata", "name")),
        ("containers web and side are wrong", ("metadata", "name")),  # which?
        ("image 'other' must be of [\"nginx\"]", ("metadata", "name")),  # what would be right
        ("the value 'twice' is wrong", ("metadata", "name")),
        ("the kind 'Pod' is wrong", ("metadata", "name")),
    ],
)
def test_the_place_is_the_only_field_that_a_message_can_be_about(message: str, path: tuple[Any, ...]) -> None:
    data = {
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {"a": "twice", "b": "twice"}},
        "spec": {"containers": [{"name": "web", "image": "nginx"}, {"name": "side", "image": "nginx:1.2"}]},
    }
    assert place_of(message, data) == path


def test_looking_for_a_place_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rego, "MAX_WALKED", 3)
    assert place_of("'x'", {"a": {"b": {"c": {"d": {"e": "x"}}}}}) == ("metadata", "name")
