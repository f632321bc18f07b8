"""The plan for each kind of object: which checks look at it, grouped by what they judge and by what they read."""

from __future__ import annotations

from itertools import count

from kscan_lsp.engine.plan import Plans, plans_for
from kscan_lsp.kubernetes.pod_templates import PLACES
from kscan_lsp.policy import load as loading
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.yaml.document import read_document


def control(number: int, *checks: str) -> str:
    listed = "".join(f"- {{{check}, message: m}}\n" for check in checks)
    return f"""\
id: KS-000{number}
title: Title
score: 7.5
description: d
remediation: r
checks:
{listed}"""


ROLES = "match: [{groups: [rbac.authorization.k8s.io], kinds: [Role]}]"
CONTROLS = [
    control(1, "each: containers, deny: container.image == 'a'"),
    control(2, f"{ROLES}, deny: 'true'"),
    control(3, "each: 'containers.env[*]', deny: item.name == 'a'"),
    control(4, "each: containers, deny: container.image == 'b'", "deny: object.metadata.name == 'a'"),
    control(5, "deny: 'true'", "relations: {policies: networkPolicies}, deny: policies.size() == 0"),
]
POLICIES = loading.load((f"{n}.yaml", read_document(text)) for n, text in enumerate(CONTROLS))
assert POLICIES.problems == ()
RULESET, _ = choose(
    POLICIES, Settings.of({"frameworks": [], "controls": {"include": list(POLICIES.controls)}})
)


def plans(group: str, kind: str) -> Plans:
    places = PLACES.get((group, kind), ())
    return plans_for(
        group, kind, places, workload=bool(places), ruleset=RULESET, evidence=(), numbers=count()
    )


DEPLOYMENT = plans("apps", "Deployment")


def test_the_plan_groups_checks_by_what_they_judge() -> None:
    plan = DEPLOYMENT.alone
    assert [(r.each.start, r.each.itemised, [check.control for check in r.checks]) for r in plan.rounds] == [
        ("containers", False, ["KS-0001", "KS-0004"]),
        ("containers", True, ["KS-0003"]),
        ("object", False, ["KS-0004"]),
    ]
    assert sorted(plan.controls) == ["KS-0001", "KS-0003", "KS-0004"]
    assert plans("rbac.authorization.k8s.io", "Role").alone.controls == ("KS-0002",)
    of_a_service = plans("", "Service").alone
    assert (of_a_service.rounds, of_a_service.dependencies, of_a_service.controls) == ((), (), ())


def test_checks_that_read_the_same_are_one_group() -> None:
    containers, items, whole = DEPLOYMENT.alone.rounds
    assert [len(round_.groups) for round_ in (containers, items, whole)] == [1, 1, 1]
    assert [planned.index for planned in containers.groups[0].checks] == [0, 0]
    assert [planned.index for planned in whole.groups[0].checks] == [1]
    assert containers.groups[0].checks[0].decisive == (("container", "image"),)
    assert ("container", "image") in DEPLOYMENT.alone.dependencies
    assert DEPLOYMENT.alone.reads_of(containers.each) == {"container": frozenset({"image"})}
    numbers = [
        planned.number for round_ in DEPLOYMENT.alone.rounds for g in round_.groups for planned in g.checks
    ]
    assert len(set(numbers)) == len(numbers)


def test_a_control_that_asks_for_other_objects_waits_for_them_with_all_its_checks() -> None:
    related = DEPLOYMENT.related
    assert related.controls == ("KS-0005",)
    assert related.relations == {"networkPolicies"}
    assert [planned.index for group in related.rounds[0].groups for planned in group.checks] == [0, 1]


def test_what_only_a_fix_reads_is_not_handed_to_what_judges() -> None:
    whole = "each: containers, deny: container.name == 'a', fix: {when: pod.containers.size() < 9, set: {image: b}}"
    loaded = loading.load([("a.yaml", read_document(control(1, whole)))])
    assert loaded.problems == ()
    chosen, _ = choose(loaded, Settings.of({"frameworks": [], "controls": {"include": ["KS-0001"]}}))
    plan = plans_for(
        "", "Pod", PLACES["", "Pod"], workload=True, ruleset=chosen, evidence=(), numbers=count()
    ).alone
    (round_,) = plan.rounds
    assert "pod" not in round_.reads
    assert plan.reads_of(round_.each)["pod"] == frozenset({"containers"})
