"""Kubescape's posture exceptions are read as they are, and accept nothing that was not said."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp.dispositions.days import last_day_of
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from pathlib import Path

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {team: payments}
  annotations: {note: legacy}
spec:
  containers:
  - name: api
    image: registry.example/api:1.0
    securityContext:
      privileged: true
"""
TODAY = date(2026, 6, 1)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".kscan.yaml").write_text(
        "frameworks: []\ncontrols: {include: [C-0057, C-0046]}\nexceptions: k.json\n"
    )
    return tmp_path


def accepted(here: Path, text: str, pod: str = POD) -> tuple[list[str], list[str]]:
    """The controls of accepted findings, and what is wrong with the file."""
    (here / "k.json").write_text(text)
    configuration, words = configure(here, today=TODAY)
    assert words == ()
    project = Project(Evaluator(configuration.ruleset, Evidence(TODAY)), exceptions=configuration.exceptions)
    found = [placed.finding for placed in project.with_file("web.yaml", pod).files["web.yaml"].findings()]
    assert found
    return [one.control for one in found if one.status == "accepted"], [
        one[2].message for one in configuration.problems
    ]


def policy(**changes: Any) -> dict[str, Any]:
    return {
        "name": "ours",
        "policyType": "postureExceptionPolicy",
        "actions": ["alertOnly"],
        "resources": [{"designatorType": "Attributes", "attributes": {"kind": "Pod"}}],
        "posturePolicies": [{"controlID": "C-0057"}],
        **changes,
    }


def of(**attributes: Any) -> dict[str, Any]:
    return policy(resources=[{"designatorType": "Attributes", "attributes": attributes}])


def about(*policies: dict[str, Any]) -> dict[str, Any]:
    return policy(posturePolicies=[*policies])


@pytest.mark.parametrize(
    "written",
    [
        policy(),
        policy(actions=["disable"], policyType="postureExceptionPolicy", systemException=True),
        policy(expirationDate="2026-12-31T23:59:59Z"),
        policy(posturePolicies=None),
        policy(posturePolicies=[]),
        about({"controlId": "C-0057"}),
        about({"controlID": "C-0057", "ruleName": None, "frameworkName": ""}),
        of(kind=".*", namespace="sh.p"),
        of(name="web|other"),
        of(name="w[a-z]+", kind="Pod", cluster=".*"),
        of(team="payments"),
        of(team="pay.*", namespace="shop"),
        of(note="legacy"),
        about({"controlID": "c-00.*", "frameworkName": "allcontrols"}),
        about({"controlName": "privileged container"}),
        about({"controlID": "C-9999"}, {"controlID": "C-0057"}),
        about({"frameworkName": "NSA"}),
        about({"frameworkName": "nsa", "controlID": "C-0057", "ruleName": ".*"}),
        about({}),
    ],
    ids=json.dumps,
)
def test_an_exception_is_about_what_kubescape_says(here: Path, written: dict[str, Any]) -> None:
    assert "C-0057" in accepted(here, json.dumps([written]))[0]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (of(name="we"), ""),
        (of(name="^web|x$", kind="Deployment"), ""),
        (of(kind="pod"), ""),
        (of(namespace="default"), ""),
        (of(team="payments", note="legacy"), ""),
        (of(team="pay"), ""),
        (of(other=".*"), ""),
        (of(kind="Pod", cluster="prod"), "a manifest does not say in which cluster it is"),
        (of(kind="Pod", path="apps/.*"), "a manifest does not say where Kubescape found it"),
        (of(kind="Pod", resourceID="x"), "a manifest does not say"),
        (of(), "it says nothing about resources"),
        (of(kind=""), "it says nothing about resources"),
        (of(kind=["Pod"]), "'kind' must be a regular expression"),
        (of(kind="(Pod"), "'kind' must be a regular expression"),
        (of(kind=r"(P)\1"), "'kind' must be a regular expression"),
        (policy(resources=[]), ""),
        (policy(resources=None), "'resources' must be a list"),
        (policy(resources=[{"designatorType": "Wlid", "wlid": "x"}]), "only designators with 'attributes'"),
        (policy(actions=["hide"]), "'actions' may have"),
        (policy(policyType="vulnerabilityExceptionPolicy"), "this is left alone"),
        (policy(expirationDate="2026-06-01T00:00:00Z"), "expired on 2026-05-31"),
        (policy(expirationDate="soon"), "'expirationDate' must be a time"),
        (policy(posturePolicies={}), "'posturePolicies' must be a list"),
        (policy(resources=[{"designatorType": [], "attributes": {"kind": "Pod"}}]), "only designators with"),
        (
            policy(resources=[{"designatorType": "Attributes", "wlid": "x", "attributes": {"kind": "Pod"}}]),
            "only designators with",
        ),
        (policy(ACTIONS=["hide"]), "an exception must be a mapping"),
        (policy(expirationdate="2020-01-01T00:00:00Z"), "expired on"),
        (policy(expirationDate=0), "'expirationDate' must be a time"),
        (about({"controlIDs": "C-0057"}), "'controlIDs' is no key of a policy"),
        (about({"controlID": "C-0057", "severityScore": 8}), "'severityScore' is no key of a policy"),
        (about({"controlID": []}), "'controlID' must be a regular expression"),
        (about({"controlID": 0}), "'controlID' must be a regular expression"),
        (about({"controlID": "C-0057", "controlId": "C-0057"}), "is no key of a policy, or is there twice"),
        (policy(posturePolicies="all"), "'posturePolicies' must be a list"),
        (about({"controlID": "C-0057", "ruleName": "rule-privileged"}), "which of a control's rules"),
        (about({"controlID": "C-0057", "frameworkName": "no-such"}), "no control here is what it names"),
        (about({"controlID": "C-005"}), "no control here"),
        (about({"controlID": "C-9999"}), "no control here"),
        (about({"controlID": "("}), "'controlID' must be a regular expression"),
        (about({"controlID": ["C-0057"]}), "'controlID' must be a regular expression"),
        (about({"controlName": "Privileged"}), "no control here"),
        (3, "an exception must be a mapping"),
        ({**of(kind=".*"), "posturePolicies": [{}]}, "it would accept every finding"),
        (
            {**of(kind=".*", namespace="^.*$"), "posturePolicies": [{"controlID": ".*"}]},
            "it would accept every finding",
        ),
    ],
    ids=str,
)
def test_nothing_is_accepted_that_was_not_said(here: Path, written: Any, why: str) -> None:
    found, said = accepted(here, json.dumps([written]))
    assert found == []
    assert any(why in message for message in said) if why else said == []


def test_what_is_wrong_with_one_leaves_the_others(here: Path) -> None:
    found, said = accepted(here, json.dumps([3, of(kind="("), policy(reason="a driver", createdBy="ciso")]))
    assert found == ["C-0057"]
    assert len(said) == 2


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("2026-12-31T23:59:59Z", date(2026, 12, 31)),
        ("2026-12-31T23:59:00Z", date(2026, 12, 31)),
        ("2026-12-31T12:00:00Z", date(2026, 12, 30)),
        ("2027-01-01T00:00:00Z", date(2026, 12, 31)),
        ("2027-01-01T01:00:00+02:00", date(2026, 12, 30)),
        ("2026-12-31T23:59:59.999Z", date(2026, 12, 31)),
        ("2026-12-31", None),
        ("2026-12-31 23:59:59Z", None),
        ("2026-02-30T00:00:00Z", None),
        ("9999-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("\u0662026-12-31T23:59:59Z", None),
    ],
)
def test_the_last_day_is_the_last_whole_one(time: str, day: date | None) -> None:
    assert last_day_of(time) == day


def test_a_file_of_too_many_exceptions_is_read_in_part_and_accepts_nothing_by_that(here: Path) -> None:
    text = json.dumps([of(kind="(a+)+$", name=f"x{n}") for n in range(11_000)])
    found, said = accepted(here, text, POD.replace("name: web", f"name: {'a' * 250}b"))
    assert found == []
    assert [message for message in said if "too many exceptions" in message]


def test_a_key_that_is_there_twice_costs_its_exception(here: Path) -> None:
    text = json.dumps([policy()])
    assert accepted(here, text.replace('"controlID"', '"controlID": "C-0046", "controlID"'))[0] == []


VALUES: list[Any] = [
    None,
    "",
    "x",
    ".*",
    0,
    1.5,
    True,
    [],
    {},
    [{}],
    [[]],
    {"a": []},
    "\ud800",
    "(",
    ["alertOnly"],
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_no_value_in_any_place_is_too_much(here: Path, value: Any) -> None:
    written = [value, {"": value}]
    written += [policy(**{key: value}) for key in policy()]
    written += [
        policy(resources=[value]),
        policy(resources=[dict.fromkeys(("designatorType", "attributes"), value)]),
    ]
    written += [of(**{key: value}) for key in ("kind", "name", "cluster", "label", "")]
    written += [about({key: value}) for key in ("controlID", "controlName", "frameworkName", "ruleName", "")]
    (here / "k.json").write_text(json.dumps(written))
    configuration, words = configure(here, today=TODAY)
    assert words == ()
    Project(Evaluator(configuration.ruleset, Evidence(TODAY)), exceptions=configuration.exceptions).with_file(
        "a", POD
    )
