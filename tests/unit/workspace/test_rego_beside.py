"""Rego that is asked beside what somebody types: never waited for, never out of order, and the same in the end."""

from __future__ import annotations

import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp.admission import remembered
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.gatekeeper import problems
from kscan_lsp.policy.rego import AlertedObject, RegoAlert, RegoAnswer
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import settings_of
from kscan_lsp.workspace import rego
from kscan_lsp.workspace.project import Project
from kscan_lsp.workspace.rego_beside import RegoBeside
from tests.support.admitting import admitting_project, policy
from tests.support.evaluating import fresh
from tests.support.gatekeeper import constraint, template
from tests.support.kubescape import OWNER, control, framework, library, metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.policy.rego import RegoSource


REGO = template(code=[{"engine": "Rego", "source": {"rego": "package x\nviolation[x] { x }\n"}}])
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec:\n  nodeName: %s\n"
PODS = {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}
POLICY = ("p.yaml", policy("object.spec.nodeName != 'bad'"), False)
PATIENCE = 20


class Held:
    """An engine that objects to every `nodeName` but `good`, and answers when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.asked: list[str] = []
        self.busy = threading.Event()

    def ask(self, sources: Sequence[RegoSource], given: Any) -> list[RegoAnswer]:
        objects = given if isinstance(given, list) else [given["review"]["object"]]
        name = objects[0]["spec"]["nodeName"]
        self.asked.append(name)
        self.busy.set()
        assert self.let.wait(PATIENCE)
        return [_answer(one, name) for one in sources]


def _answer(source: RegoSource, name: str) -> RegoAnswer:
    if name == "good":
        return RegoAnswer()
    message = f"<{name}> is no node"
    if source.asks == "messages":
        return RegoAnswer((message,))
    about = (AlertedObject("v1", "Pod", "shop", "p"),)
    return RegoAnswer(alerts=(RegoAlert(message, ("spec.nodeName",), (), about),))


class Typing:
    """A workspace in which somebody types."""

    def __init__(self, engine: Held, around: Project) -> None:
        self.engine = engine
        self.heard = threading.Semaphore(0)
        self.beside = RegoBeside(self.heard.release)
        self.around = around
        self.project = around

    def type(self, name: str, file: str = "a.yaml") -> list[str]:
        """What is said at once of a text."""
        self.project = self.beside.during(self.project.with_file, file, POD % name)
        return self.said(file)

    def said(self, file: str = "a.yaml") -> list[str]:
        return _messages(self.project, file)

    def hear(self) -> list[str]:
        """What is said when there are answers to all that waits."""
        self.engine.let.set()
        while self.project.waiting:
            assert self.heard.acquire(timeout=PATIENCE)
            waiting = [*self.project.waiting]
            self.project = self.beside.during(self.project.with_relations, waiting)
        return self.said()


def _messages(project: Project, file: str = "a.yaml") -> list[str]:
    return [finding.message for _, finding in project.files[file].findings()]


def _with_constraint() -> Project:
    return admitting_project().with_files(
        [("t.yaml", REGO, False), ("c.yaml", constraint(match=PODS), False), POLICY]
    )


def _with_rules() -> Project:
    """With a rule of a control, and what says which objects it can fail at all."""
    pods = [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["Pod"]}]
    rules = {"node": (metadata("node", pods), OWNER)}
    own = framework("Own", "ORG-0001")
    policies = library(rules, [control("ORG-0001", "node")], [own], counted=OWNER.replace("has no", "has an"))
    ruleset, _ = choose(policies, settings_of({"frameworks": ["own"]}))
    return Project(Evaluator(ruleset, Evidence(date(2026, 11, 29)))).with_files([POLICY])


@pytest.fixture(params=[_with_constraint, _with_rules])
def typing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Typing:
    engine = Held()
    monkeypatch.setattr(rego, "rego_engine", lambda: engine)
    monkeypatch.setattr(problems, "has_engine", lambda: True)
    remembered.forget()
    return Typing(engine, request.param())


def test_the_rest_is_said_at_once_and_the_answer_when_it_comes(typing: Typing) -> None:
    assert typing.type("bad") == ["failed expression: object.spec.nodeName != 'bad'"]
    assert typing.project.waiting == {"a.yaml"}
    (verdicts,) = typing.project.files["a.yaml"].parts[0].verdicts
    (unevaluated,) = verdicts.unevaluated
    assert unevaluated.reason.endswith("it is being evaluated")
    assert sorted(typing.hear()) == ["<bad> is no node", "failed expression: object.spec.nodeName != 'bad'"]
    (verdicts,) = typing.project.files["a.yaml"].parts[0].verdicts
    assert not verdicts.unevaluated
    scanned = typing.around.with_file("a.yaml", POD % "bad")
    found = [*typing.project.files["a.yaml"].findings()]
    assert [one for _, one in scanned.files["a.yaml"].findings()] == [one for _, one in found]


def test_what_was_said_stays_in_its_place_until_the_answer_comes(typing: Typing) -> None:
    typing.type("other")
    assert typing.hear() == ["<other> is no node"]
    typing.engine.let.clear()
    assert typing.type("good") == ["<other> is no node"]
    ((placed, one),) = typing.project.files["a.yaml"].findings()
    assert placed.checked.document.text[one.span.start : one.span.end] == "nodeName: good"
    assert typing.hear() == []


def test_a_key_replaces_the_question_of_the_key_before(typing: Typing) -> None:
    typing.type("first", "other.yaml")
    assert typing.engine.busy.wait(PATIENCE)  # what is asked now is answered, whatever is typed
    for name in ("g", "go", "goo", "good"):
        typing.type(name)
    assert typing.hear() == []
    assert typing.engine.asked == ["first", "good"]
    assert typing.said("other.yaml") == ["<first> is no node"]


def test_an_answer_that_comes_late_is_not_taken_for_another_text(typing: Typing) -> None:
    typing.type("bad")
    assert typing.engine.busy.wait(PATIENCE)
    typing.type("good")
    assert typing.hear() == []
    assert typing.engine.asked == ["bad", "good"]


def test_who_judges_otherwise_has_the_answer_at_once(typing: Typing) -> None:
    typing.type("other")
    typing.engine.let.set()
    edited = typing.project.with_file("a.yaml", POD % "another")
    assert _messages(edited) == ["<another> is no node"]
    assert not edited.waiting
    assert typing.hear() == ["<other> is no node"]


def test_what_was_answered_is_not_asked_again(typing: Typing) -> None:
    typing.type("other")
    typing.hear()
    typing.type("good")
    typing.hear()
    assert typing.type("other") == ["<other> is no node"]
    assert not typing.project.waiting
    assert typing.engine.asked == ["other", "good"]


@pytest.mark.parametrize("typing", [_with_constraint], indirect=True)
def test_what_stays_is_what_was_answered_last(typing: Typing) -> None:
    typing.project = Project(fresh()).with_files(
        [(path, file.text, False) for path, file in typing.project.files.items()]
    )
    typing.type("other")
    typing.hear()
    typing.type("good")  # one value, of which only this policy is asked
    assert "<other> is no node" not in typing.hear()
    typing.engine.let.clear()
    typing.project = typing.beside.during(
        typing.project.with_file, "a.yaml", f"{POD % 'worse'}  hostPID: true\n"
    )
    assert not [one for one in typing.said() if "is no node" in one]
    assert "<worse> is no node" in typing.hear()
