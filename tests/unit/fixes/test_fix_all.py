"""One fix after the other, until none is left that is wanted."""

from __future__ import annotations

import pytest
from support.judging import FILE, project_of

from kscan_lsp.fixes import fix_all as fixing
from kscan_lsp.fixes.fix_all import Container, containers_of, fix_all, offers_fix, outlook
from kscan_lsp.fixes.verify import Site

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
  hostPID: true
  containers:
  - {name: api, tty: true}
  - {name: proxy, tty: true}
"""
CHECKS = {
    "T-0001": "- {each: containers, deny: container.tty, at: tty, message: m, fix: {set: {tty: false}, safe: true}}\n",
    "T-0002": "- {each: pod, deny: pod.hostNetwork, at: hostNetwork, message: m, fix: {set: {hostNetwork: false}}}\n",
    "T-0003": "- {each: pod, deny: '!has(pod.hostname)', message: m, fix: {choose: {hostname: names}}}\n",
}
ALL = POD.replace("tty: true", "tty: false").replace("hostNetwork: true", "hostNetwork: false")


def site_of(text: str = POD, checks: dict[str, str] = CHECKS) -> Site:
    return Site(project_of(checks, a=text), FILE, 0)


def test_everything_is_fixed_but_what_somebody_must_choose() -> None:
    project, done = fix_all(site_of(), lambda _: True)
    assert project.files[FILE].text == ALL
    assert [finding.control for finding, _ in done] == ["T-0002", "T-0001", "T-0001"]
    assert [finding.control for finding in project.files[FILE].parts[0].findings] == ["T-0003"]
    assert done[-1][1].text == ALL


def test_only_what_is_accepted_is_fixed() -> None:
    asked: list[str] = []

    def safe(draft) -> bool:
        asked.append(draft.title)
        return draft.safe

    project, done = fix_all(site_of(), safe)
    assert project.files[FILE].text == POD.replace("tty: true", "tty: false")
    assert {fix.safe for _, fix in done} == {True}
    assert len(done) == 2
    assert set(asked) == {
        "Set spec.hostNetwork to false",
        "Set tty of container 'api' to false",
        "Set tty of container 'proxy' to false",
    }


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_work_can_be_stopped(steps: int) -> None:
    turns = iter(range(10))
    project, done = fix_all(site_of(), lambda _: True, lambda: next(turns) >= steps)
    assert len(done) == steps
    assert project.files[FILE].text.count("true") == 4 - steps


def test_what_is_suppressed_is_left_alone() -> None:
    text = POD.replace("hostNetwork: true", "hostNetwork: true # kscan:ignore T-0002 -- needed")
    project, done = fix_all(site_of(text), lambda _: True)
    assert project.files[FILE].text == text.replace("tty: true", "tty: false")
    assert [finding.control for finding, _ in done] == ["T-0001", "T-0001"]


def test_what_was_in_the_way_of_a_fix_may_go() -> None:
    """Labels bring up a finding for as long as the pod is in the network of its node."""
    checks = {
        "T-0001": "- {each: resource, deny: '!has(object.metadata.labels)', at: metadata, message: m,\n"
        "   fix: {set: {metadata.labels: {a: b}}}}\n",
        "T-0002": CHECKS["T-0002"],
        "T-0003": "- {each: pod, deny: 'object.metadata.?labels.hasValue() && pod.hostNetwork', message: m}\n",
    }
    project, done = fix_all(site_of(checks=checks), lambda _: True)
    assert [finding.control for finding, _ in done] == ["T-0002", "T-0001"]
    assert project.files[FILE].parts[0].findings == ()


def test_a_broken_document_is_left_alone() -> None:
    site = site_of(POD.replace("hostPID: true", "hostPID true"))
    project, done = fix_all(site, lambda _: True)
    assert done == []
    assert project is site.project


def test_all_objects_of_a_document_are_fixed() -> None:
    items = POD.replace("\n", "\n  ").rstrip()
    text = f"apiVersion: v1\nkind: List\nitems:\n- {items}\n- {items}\n"
    project, done = fix_all(site_of(text), lambda _: True)
    assert project.files[FILE].text == text.replace("tty: true", "tty: false").replace(
        "Network: true", "Network: false"
    )
    assert len(done) == 6


@pytest.mark.parametrize(
    ("controls", "text", "any_fix", "safe_fix"),
    [
        (["T-0001"], POD, True, True),
        (["T-0002"], POD, True, False),
        (["T-0003"], POD, False, False),
        (["T-0003", "T-0002"], POD, True, False),
        (["T-0001"], POD.replace("tty: true", "tty: false"), False, False),
        (["T-0002"], POD.replace("Network: true", "Network: true # kscan:ignore T-0002"), False, False),
        (["T-0001"], POD.replace("hostPID: true", "hostPID true"), False, False),
    ],
)
def test_whether_there_is_a_fix_is_known_before_any_is_made(
    controls: list[str], text: str, any_fix: bool, safe_fix: bool
) -> None:
    site = site_of(text, {id_: CHECKS[id_] for id_ in controls})
    evaluator = site.project.evaluator
    assert offers_fix(site.checked, evaluator, site.project.index, safe_only=False) == any_fix
    assert offers_fix(site.checked, evaluator, site.project.index, safe_only=True) == safe_fix


def test_the_steps_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixing, "MAX_STEPS", 2)
    assert len(fix_all(site_of(), lambda _: True)[1]) == 2


TWO = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {runAsUser: 0}
  hostPID: true
  containers:
  - {name: api, tty: true, stdin: true}
  - {name: proxy, tty: true, securityContext: {runAsUser: 0}}
"""
OF_CONTAINERS = {
    "T-0001": """\
- {each: containers, deny: "container.?tty.orValue(false)", at: tty, message: m, fix: {set: {tty: false}}}
- {each: containers, deny: "container.?stdin.orValue(false)", at: stdin, message: m, fix: {remove: [stdin]}}
- each: containers
  deny: effective.?runAsUser.orValue(1) == 0
  at: effective.runAsUser
  message: m
  fix: {set: {effective.runAsUser: 1000}}
- {each: pod, deny: "pod.?hostPID.orValue(false)", at: hostPID, message: m, fix: {remove: [hostPID]}}
"""
}


def test_one_container_is_fixed_with_what_holds_for_it() -> None:
    site = site_of(TWO, OF_CONTAINERS)
    found = [containers_of(site, finding) for finding in site.checked.findings]
    api, proxy = (Container(0, ("spec", "containers", number)) for number in (0, 1))
    assert sorted(found) == sorted([[api], [api], [proxy], [api], [proxy], []])
    assert outlook(site, api) == (3, 3)
    project, done = fix_all(site, lambda _: True, container=api)
    assert len(done) == 3
    expected = TWO.replace("name: api, tty: true, stdin: true", "name: api, tty: false")
    expected = expected.replace(
        "  securityContext: {runAsUser: 0}\n", "  securityContext: {runAsUser: 1000}\n", 1
    )
    assert project.files[site.file].text == expected
    project, done = fix_all(site, lambda _: True, container=proxy)
    assert len(done) == outlook(site, proxy).fixes == 2
    assert project.files[site.file].text == TWO.replace("proxy, tty: true", "proxy, tty: false").replace(
        "{runAsUser: 0}}", "{runAsUser: 1000}}"
    )
    assert fix_all(site, lambda _: True, container=Container(0, ("spec", "containers", 7)))[1] == []


def test_what_several_controls_ask_for_counts_once() -> None:
    site = site_of(TWO, {"T-0001": OF_CONTAINERS["T-0001"], "T-0002": OF_CONTAINERS["T-0001"]})
    api = Container(0, ("spec", "containers", 0))
    assert outlook(site, api) == (6, 3)
    assert len(fix_all(site, lambda _: True, container=api)[1]) == 3


def test_nothing_is_fixed_in_a_container_of_a_broken_document() -> None:
    site = site_of(TWO.replace("hostPID: true", "hostPID true"), OF_CONTAINERS)
    assert outlook(site, Container(0, ("spec", "containers", 0))).fixes == 0
