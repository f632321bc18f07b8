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
from kscan_lsp.kubescape import asking
from kscan_lsp.policy.rego import AlertedObject, RegoAlert, RegoAnswer
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import settings_of
from kscan_lsp.workspace import rego, rego_beside
from kscan_lsp.workspace.admitting import ON_ANSWERS
from kscan_lsp.workspace.project import Project
from kscan_lsp.workspace.rego_beside import RegoBeside
from tests.support.admitting import admitting_project, policy
from tests.support.evaluating import fresh
from tests.support.gatekeeper import constraint, template
from tests.support.kubescape import OWNER, TWICE, control, framework, library, metadata

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


class Twice:
    """An engine that objects to all pods of a `nodeName` that another has, too, and answers when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.busy = threading.Event()
        self.asked: list[list[str]] = []

    def ask(self, sources: Sequence[RegoSource], given: Any) -> list[RegoAnswer]:
        nodes = {one["metadata"]["name"]: one["spec"]["nodeName"] for one in given}
        self.asked += [[*nodes.values()]] * len(sources)
        self.busy.set()
        assert self.let.wait(PATIENCE)
        alerts = [
            RegoAlert(f"<{node}> twice", ("spec.nodeName",), (), (AlertedObject("v1", "Pod", "shop", name),))
            for name, node in nodes.items()
            if [*nodes.values()].count(node) > 1
        ]
        return [RegoAnswer(alerts=tuple(alerts)) for _ in sources]


class TypingTogether(Typing):
    """A workspace with pods that rules look at together."""

    engine: Twice  # type: ignore[assignment]

    def text(self, name: str, file: str) -> str:
        return (POD % name).replace("name: p,", f"name: {file.partition('.')[0]},")

    def type(self, name: str, file: str = "a.yaml") -> list[str]:
        self.beside.typed()
        self.project = self.beside.during(self.project.with_file, file, self.text(name, file))
        return self.said(file)

    def hear(self) -> list[str]:
        self.engine.let.set()
        while self.project.waiting or self.beside.is_asking:
            assert self.heard.acquire(timeout=PATIENCE)
            heard = ON_ANSWERS if self.beside.take_news() else frozenset[str]()
            self.project = self.beside.during(self.project.with_relations, [*self.project.waiting], heard)
        self.engine.let.clear()
        self.engine.busy.clear()
        return [one for file in sorted(self.project.files) for one in self.said(file)]

    def scanned(self) -> list[str]:
        """What a scan says of the same texts."""
        self.engine.let.set()
        asking.forget()
        project = self.around
        for path, file in self.project.files.items():
            project = project.with_file(path, file.text)
        self.engine.let.clear()
        return [one for file in sorted(project.files) for one in _messages(project, file)]


def _together(monkeypatch: pytest.MonkeyPatch, rules: int = 1) -> TypingTogether:
    engine = Twice()
    monkeypatch.setattr(rego, "rego_engine", lambda: engine)
    remembered.forget()
    asking.forget()
    pods = [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["Pod"]}]
    made = {f"twice{n}": (metadata(f"twice{n}", pods), TWICE + "\n" * n) for n in range(rules)}
    ids = [f"ORG-{n + 1:04}" for n in range(rules)]
    policies = library(
        made, [control(i, r) for i, r in zip(ids, made, strict=True)], [framework("Own", *ids)]
    )
    ruleset, _ = choose(policies, settings_of({"frameworks": ["own"]}))
    return TypingTogether(engine, Project(Evaluator(ruleset, Evidence(date(2026, 11, 29)))))  # type: ignore[arg-type]


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> TypingTogether:
    made = _together(monkeypatch)
    for name in ("a", "b"):
        made.type(name, f"{name}.yaml")
    assert made.hear() == []
    return made


def test_a_rule_that_looks_at_several_objects_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    typing = _together(monkeypatch)
    assert typing.type("x", "a.yaml") == []
    assert typing.type("x", "b.yaml") == []
    (verdicts,) = typing.project.files["b.yaml"].parts[0].verdicts
    assert [one.reason for one in verdicts.unevaluated] == ["rule 'twice0': it is being evaluated"]
    assert not verdicts.passed
    assert typing.hear() == ["<x> twice", "<x> twice"]
    assert typing.scanned() == ["<x> twice", "<x> twice"]


def test_what_it_says_of_others_follows_and_these_are_left_alone_until_then(together: TypingTogether) -> None:
    before = together.project.files["b.yaml"]
    together.type("b", "a.yaml")
    assert together.project.waiting == {"a.yaml"}
    assert together.project.files["b.yaml"] is before
    assert together.hear() == ["<b> twice", "<b> twice"]
    before = together.project.files["b.yaml"]
    assert together.type("c", "a.yaml") == ["<b> twice"]  # as it was said, until there is an answer
    assert together.hear() == []
    assert together.project.files["b.yaml"] is not before
    assert together.scanned() == []


def test_a_key_replaces_the_question_about_the_workspace_before(together: TypingTogether) -> None:
    together.engine.asked.clear()
    together.type("first", "a.yaml")
    assert together.engine.busy.wait(PATIENCE)
    for name in ("s", "se", "sec", "b"):
        together.type(name, "a.yaml")
    assert together.hear() == ["<b> twice", "<b> twice"]
    assert together.engine.asked == [["first", "b"], ["b", "b"]]


def test_an_answer_about_another_workspace_is_none(together: TypingTogether) -> None:
    together.type("b", "a.yaml")
    assert together.engine.busy.wait(PATIENCE)
    together.type("a", "a.yaml")
    assert together.hear() == []
    together.type("b", "a.yaml")
    assert together.engine.busy.wait(PATIENCE)
    together.type("a", "a.yaml")
    together.type("b", "a.yaml")
    assert together.hear() == ["<b> twice", "<b> twice"]


def test_what_is_gone_counts_when_there_is_an_answer(together: TypingTogether) -> None:
    together.type("b", "a.yaml")
    together.hear()
    together.project = together.beside.during(together.project.without_file, "a.yaml")
    assert not together.project.waiting
    assert together.beside.is_asking
    assert together.said("b.yaml") == ["<b> twice"]
    assert together.hear() == []


def test_who_does_not_ask_beside_keys_has_the_answer_of_all_at_once(together: TypingTogether) -> None:
    together.type("b", "a.yaml")
    together.engine.let.set()
    again = together.project.with_file("a.yaml", together.text("b", "a.yaml") + "# \n")
    assert [one for file in ("a.yaml", "b.yaml") for one in _messages(again, file)] == ["<b> twice"] * 2
    assert together.hear() == ["<b> twice", "<b> twice"]


def test_more_than_is_remembered_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rego_beside, "MAX_SEVERAL", 1)
    typing = _together(monkeypatch, rules=2)
    typing.engine.let.set()
    typing.type("x", "a.yaml")
    typing.engine.let.set()
    typing.type("x", "b.yaml")
    assert typing.hear() == ["<x> twice"] * 4
