"""Fixes are named as they are drafted, whatever is remembered of other objects."""

from __future__ import annotations

import operator

import pytest
from support.judging import FILE, project_of

from kscan_lsp.fixes import naming
from kscan_lsp.fixes.draft import drafts
from kscan_lsp.fixes.naming import FixName, FixNames

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  hostname: web
  containers:
  - {name: api, image: a, args: [-v, x], securityContext: {runAsUser: 0}}
  - {name: proxy, image: b, args: [x]}
"""
SETS = "- {each: containers, deny: 'true', message: m, fix: {set: {tty: true}}}"
PLACE = "- {each: containers, deny: 'true', message: m, fix: {set: {effective.runAsUser: 7}}}"
ARGS = "- {each: 'containers.args[*]', deny: item == 'x', message: m, fix: {remove: [item]}}"
QUESTION = "- {each: containers, deny: 'true', message: m, fix: {set: {tag: {expr: container.image}}}}"
HOLE = """\
- each: pod
  deny: 'true'
  message: m
  fix: {remove: ["pod[{pod.?hostname.hasValue() ? 'hostname' : 'other'}]"]}
"""
KEY = """\
- each: object.metadata.labels[*]
  match: [{groups: [""], kinds: [Pod]}]
  deny: 'true'
  message: m
  fix: {set: {'pod.nodeSelector[{item}]': {expr: item}}}
"""
CONDITION = """\
- each: containers
  deny: 'true'
  message: m
  fix: {choose: {image: names}, when: choice != container.image}
"""
TOGETHER = (
    "- {each: containers, at: pod.tty, deny: 'true', message: m, fix: {title: Do it, set: {tty: true}}}"
)


def named(names: FixNames, checks: str, text: str) -> list[list[FixName]]:
    """What the fixes of a text are called, which has to be what their drafts are."""
    project = project_of(checks, a=text)
    (checked,) = project.files[FILE].parts
    found = [list(one) for one in names.of(checked, project.evaluator, project.index)]
    made = drafts(checked, project.evaluator, project.index, lambda _: True)
    assert found == [[FixName(draft.title, draft.safe) for draft in options] for _, options in made]
    return found


def named_in_turn(checks: str, *texts: str) -> list[list[list[FixName]]]:
    """The same of several texts, which one project has as files, so that all are judged by the same checks."""
    others = {f"f{number}": text for number, text in enumerate(texts)}
    project = project_of(checks, a=POD, **others)
    names = FixNames()
    told = []
    for file in project.files.values():
        for checked in file.parts:
            found = [list(one) for one in names.of(checked, project.evaluator, project.index)]
            made = drafts(checked, project.evaluator, project.index, lambda _: True)
            assert found == [[FixName(one.title, one.safe) for one in options] for _, options in made]
            told.append(found)
    return told


@pytest.mark.parametrize(
    ("checks", "was", "now"),
    [
        (SETS, "name: api", "name: shop"),
        (SETS, "kind: Pod", "kind: Unheard"),
        (PLACE, "securityContext: {runAsUser: 0}", "securityContext: {}"),
        (PLACE, "  hostname: web", "  securityContext: {runAsUser: 3}"),
        (ARGS, "args: [-v, x]", "args: [--verbose, x]"),
        (ARGS, "args: [-v, x]", "args: [x, -v]"),
        (QUESTION, "image: a", "image: c"),
        (QUESTION, "image: a, ", ""),
        (HOLE, "  hostname: web", "  other: web"),
        (HOLE, "  hostname: web\n", ""),
        (KEY, "app: web", "app: shop"),
        (KEY, "app: web", "tier: web"),
        (CONDITION, "image: a", "image: one"),
        (TOGETHER, "name: proxy", "name: api"),
    ],
)
def test_what_is_remembered_of_one_object_does_not_show_in_another(checks: str, was: str, now: str) -> None:
    assert was in POD
    before, *_, after = named_in_turn(checks, POD, POD.replace(was, now), POD)
    assert before == after
    assert any(before)


def test_what_differs_in_another_object_is_told() -> None:
    (_, (after, _)) = named_in_turn(SETS, POD.replace("name: api", "name: shop"))
    assert after == [FixName("Set tty of container 'shop' to true", safe=False)]
    (_, (asked, _)) = named_in_turn(QUESTION, POD.replace("image: a", "image: c"))
    assert asked == [FixName("Set tag of container 'api' to c", safe=False)]
    (_, (chosen, _)) = named_in_turn(CONDITION, POD.replace("image: a", "image: one"))
    assert chosen == [FixName("Set image of container 'api' to two", safe=False)]


def test_an_object_of_the_same_shape_is_not_drafted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(SETS, a=POD, b=POD.replace("name: api", "name: shop"))
    names = FixNames()
    one, other = (checked for file in project.files.values() for checked in file.parts)
    assert len(list(names.of(one, project.evaluator, project.index))) == 2
    monkeypatch.setattr(naming, "drafts_by", lambda *_: pytest.fail("drafted again"))
    assert [one for (one,) in names.of(other, project.evaluator, project.index)] == [
        FixName("Set tty of container 'shop' to true", safe=False),
        FixName("Set tty of container 'proxy' to true", safe=False),
    ]


def test_an_object_whose_elements_are_called_the_same_is_not_named_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = project_of(SETS, a=POD, b=POD.replace("name: web", "name: shop"))
    names = FixNames()
    one, other = (checked for file in project.files.values() for checked in file.parts)
    told = list(names.of(one, project.evaluator, project.index))
    monkeypatch.setattr(naming, "titled", lambda *_: pytest.fail("named again"))
    again = list(names.of(other, project.evaluator, project.index))
    assert len(again) == 2
    assert all(map(operator.is_, told, again))


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "MAX_NAMED", 1)
    names = FixNames()
    for checks in (SETS, CONDITION):
        assert [named(names, checks, POD) for _ in range(3)] == [named(FixNames(), checks, POD)] * 3
    kept = (names._kinds, names._known, names._titles, names._places, names._choices)
    assert [len(one) for one in kept] == [1] * 5


def test_a_condition_is_not_evaluated_again_on_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(CONDITION, a=POD, b=POD.replace("name: api", "name: shop"))
    names = FixNames()
    one, other = (checked for file in project.files.values() for checked in file.parts)
    told = len(list(names.of(one, project.evaluator, project.index)))
    monkeypatch.setattr(naming, "choices_of", lambda *_: pytest.fail("asked again"))
    assert len(list(names.of(other, project.evaluator, project.index))) == told == 2
