"""Findings have one order and say one thing, whatever came before, and however the runtime walks through a map."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import Case, Step, fewest, smallest, step, texts, whole
from support.judging import judged
from support.objects import empty_project

from kscan_lsp.findings import Finding, ResourceId, Severity, in_order
from kscan_lsp.text import Span

POD = ResourceId("v1", "Pod", "", "shop")
FINDINGS = st.tuples(
    st.sampled_from(["C-0001", "C-0002"]),
    st.lists(st.sampled_from(["spec", "a", 0, 1, 10]), max_size=3).map(tuple),
    st.sampled_from(["one", "two"]),
    st.builds(lambda start, size: Span(start, start + size), st.integers(0, 2), st.integers(0, 1)),
).map(lambda f: Finding(f[0], Severity.LOW, POD, f[1], f[2], f[3], None))


@given(
    st.lists(FINDINGS, max_size=8, unique_by=lambda f: (f.span, f.control, f.path, f.message)), st.randoms()
)
def test_there_is_one_order_of_findings(findings: list[Finding], chance: random.Random) -> None:
    ordered = in_order(findings)
    chance.shuffle(findings)
    assert in_order(findings) == ordered
    places = [(f.span, f.control) for f in ordered]
    assert places == sorted(places)


def test_two_findings_at_one_place_come_as_their_checks_do() -> None:
    """Both fields are missing, so both findings mark what they are missing in; fixes are made in this order."""
    check = "- each: resource\n  at: spec.{}\n  deny: 'true'\n  message: {}\n"
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n"
    for order in (("b", "a"), ("a", "b")):
        checks = "".join(check.format(name, name) for name in order)
        paths = [f.path for part in judged(checks, text).parts for f in part.findings]
        assert paths == [("spec", name) for name in order]


VOLUMES = """\
apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  containers: [{name: shop, image: "x:1"}]
  volumes: {one: {%s}}
"""
SELECTOR = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchExpressions: [{key: app, operator: In, values: {%s}}]}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "x:1"}]}
"""
KEYS = ["nfs", "hostPath", "rbd", "iscsi", "flocker", "glusterfs"]


@pytest.mark.parametrize(
    ("text", "control"), [(VOLUMES, "KS-0025"), (SELECTOR, "C-0296")], ids=["volumes", "selector"]
)
def test_a_message_does_not_rest_on_the_order_of_keys(text: str, control: str) -> None:
    """The runtime walks through a map in an order of its own, which is another one each time."""
    messages = set()
    for turn in range(20):
        keys = random.Random(turn).sample(KEYS, len(KEYS))  # noqa: S311 - reproducible, not secret
        file = empty_project().with_file("a.yaml", text % ", ".join(f"{key}: {{}}" for key in keys))
        found = [f for part in file.files["a.yaml"].parts for f in part.findings]
        messages |= {f.message for f in found if f.control == control}
    assert len(messages) == 1


# The smallest case of a failure


def test_the_fewest_items_are_found() -> None:
    assert fewest(range(100), lambda kept: {17, 63} <= set(kept)) == [17, 63]
    assert fewest([1], lambda _: True) == []


def test_a_case_is_made_small() -> None:
    """A failure in a long case: a text with both words in it, which only the steps bring together."""
    begun = ("".join(f"line {n}\n" for n in range(30)),)
    steps = [Step(0, 0, 0, f"# {n}\n") for n in range(20)]
    steps[5], steps[9] = Step(0, 0, 0, "left\n"), Step(0, 3, 3, "right\n")

    def fails(case: Case) -> bool:
        text = whole(case).steps[-1].text if case.steps else ""
        return "left" in text and "right" in text

    case = smallest(Case(begun, tuple(steps)), fails)
    assert fails(case)
    assert len(case.steps) <= 2
    assert sum(len(one.text.splitlines()) for one in case.steps) <= 4


@given(st.integers(0, 10_000))
def test_a_case_is_the_same_for_the_same_seed(seed: int) -> None:
    cases = []
    for _ in range(2):
        dice = random.Random(seed)  # noqa: S311 - reproducible, not secret
        now = list(texts(dice))
        cases.append((now, [step(dice, now, [[text] for text in now]) for _ in now * 5]))
    assert cases[0] == cases[1]
