"""Answers are remembered by what they rest on: an evaluator that has judged much says what a new one says."""

from __future__ import annotations

import gc
import itertools
import types

import pytest
from msgspec import msgpack
from support.evaluating import TODAY, fresh, judged

from kscan_lsp.engine import digests, elements, evaluate, memo, plan
from kscan_lsp.engine import evaluator as engine
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.graph.binding import Followed, bind
from kscan_lsp.graph.index import Index, Object
from kscan_lsp.graph.references import object_of
from kscan_lsp.kubernetes.resources import resources_of
from kscan_lsp.policy import load as loading
from kscan_lsp.policy import model as policies
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: shop, labels: {{app: shop}}}}
spec:
  hostNetwork: {network}
  securityContext: {{runAsUser: {user}}}
  containers:
  - name: {name}
    image: shop:1.0
    securityContext: {{privileged: {privileged}}}
    env:
    - {{name: DB_PASSWORD, value: {value}}}
  - name: helper
    image: helper
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shop}
spec: {podSelector: {matchLabels: {app: APP}}}
"""
VALUES = {
    "network": ("true", "false"),
    "user": ("0", "1000"),
    "name": ("api", "web"),
    "privileged": ("true", "1", '"true"', "1.0", "null", "[]", "false"),
    "value": ("hunter2", '""', "1"),
}
RECKONED = """\
id: KS-9001
title: Title
score: 5.0
description: d
remediation: r
checks:
- each: containers
  deny: container.args.all(a, (container.args + container.args).size() > 0)
  message: m
- each: containers
  deny: size(container.env) > 0
  message: has variables
"""


def test_remembered_answers_are_those_of_a_new_evaluator() -> None:
    warm = fresh()
    for values in itertools.product(*VALUES.values()):
        text = POD.format(**dict(zip(VALUES, values, strict=True)))
        assert judged(text, warm) == judged(text, fresh()), values


@pytest.mark.parametrize("field", ["runAsUser: 0", "seccompProfile: {type: Unconfined}"])
def test_what_holds_from_elsewhere_now_is_shown_there(field: str) -> None:
    """The answer is the same, but not the place."""
    warm = fresh()
    context = f"securityContext: {{{field}}}"
    shown = set()
    for pod, container in ((context, ""), (context, context), ("", context)):
        text = (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\n"
            f"spec:\n  {pod}\n  containers:\n  - name: shop\n    image: shop\n    {container}\n"
        )
        assert judged(text, warm) == judged(text, fresh())
        ((findings, *_),) = judged(text, warm)
        shown |= {finding.path for finding in findings if "securityContext" in finding.path}
    assert {path[1] for path in shown} == {"securityContext", "containers"}


def test_asked_again_nothing_is_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    warm = fresh()
    text = POD.format(network="true", user="0", name="api", privileged="true", value="hunter2")
    expected = judged(text, warm)
    asked: list[object] = []
    deny = evaluate.cel.deny
    monkeypatch.setattr(evaluate.cel, "deny", lambda *what: asked.append(what) or deny(*what))
    moved = text.replace("metadata:", "# moved by a comment\nmetadata:")
    assert [[f.message for f in findings] for findings, *_ in judged(moved, warm)] == [
        [f.message for f in findings] for findings, *_ in expected
    ]
    assert asked == []
    judged(text.replace("hunter2", "hunter3"), warm)
    assert 0 < len(asked) < 12


def test_an_answer_that_depends_on_size_is_asked_for_every_size() -> None:
    known = loading.load([("own.yaml", read_document(RECKONED))], builtin_policies())
    assert known.problems == ()
    warm = fresh(known)
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    args: [x]\n"
    large = f"    env: [{', '.join(f'{{name: V{n}}}' for n in range(8000))}]\n"
    for text in (pod, pod + large, pod):
        assert judged(text, warm) == judged(text, fresh(known))


OWN = "id: KS-9001\ntitle: Title\nscore: 5.0\ndescription: d\nremediation: r\nchecks:\n"
NO_POD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: "
LARGE = f"name: a, args: [x], env: [{', '.join(f'{{name: V{n}}}' for n in range(8000))}]"


@pytest.mark.parametrize(
    ("checks", "texts"),
    [
        pytest.param(
            "- {each: resource, deny: 'true', message: m, at: [podTemplate.metadata.labels, object.metadata]}",
            (NO_POD + "{template: {metadata: {labels: {a: b}}}}", NO_POD + "{}"),
            id="points into what is no pod",
        ),
        pytest.param(
            "- {each: resource, deny: \"true\", message: m, at: ['pod[0]', object.metadata]}",
            (NO_POD + "{template: {spec: [1]}}", NO_POD + "{template: {spec: []}}"),
            id="points into a list for a pod",
        ),
        pytest.param(
            "- {each: resource, deny: .object.metadata.name == 'a', message: m}\n"
            "- {each: resource, deny: object.metadata.name == 'z', message: m}",
            [f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}" for name in "ab"],
            id="name of the root",
        ),
        pytest.param(
            "- each: containers\n"
            "  deny: container.args.all(a, (container.args + container.args).size() > 0)\n"
            "  message: m\n"
            "- each: containers\n"
            "  match: [{groups: [''], kinds: [Pod]}]\n"
            "  deny: size(container) > 100\n"
            "  message: m",
            (
                f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{{LARGE}}}]}}",
                NO_POD + f"{{template: {{spec: {{containers: [{{{LARGE}}}]}}}}}}",
            ),
            id="too much work with what is read for others",
        ),
    ],
)
def test_odd_controls_are_remembered_by_all_they_rest_on(checks: str, texts: list[str]) -> None:
    known = loading.load([("own.yaml", read_document(OWN + checks))])
    assert known.problems == ()
    warm = fresh_of(known)
    expected = [judged(text, fresh_of(known)) for text in texts]
    assert expected[0] != expected[1]
    assert [judged(text, warm) for text in (*texts, *texts)] == expected * 2


def fresh_of(known: policies.PolicySet) -> Evaluator:
    chosen = Settings.of({"frameworks": [], "controls": {"include": list(known.controls)}})
    return Evaluator(choose(known, chosen)[0], Evidence(TODAY))


def test_a_place_below_0_cannot_be_pointed_at() -> None:
    check = "- {each: resource, deny: 'true', message: m, at: 'object.items[{-9}]'}"
    known = loading.load([("own.yaml", read_document(OWN + check))])
    assert known.problems == ()
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nitems: [1]\n"
    ((findings, _, unevaluated),) = judged(text, fresh_of(known))
    assert findings == ()
    assert [entry.reason for entry in unevaluated] == ["a part of a path must not be below 0"]


def test_an_item_that_is_null_is_not_one_that_is_not_there() -> None:
    check = """\
- match: [{groups: ['*'], kinds: [Shop]}]
  each: EACH
  relations: {spaces: namespaces}
  deny: spaces.size() > 0
  related: "item == null ? spaces : []"
  message: m
"""
    known = loading.load(
        [
            (
                "own.yaml",
                read_document(
                    OWN + check.replace("EACH", "resource") + check.replace("EACH", "object.things[*]")
                ),
            )
        ]
    )
    assert known.problems == ()
    shop = "apiVersion: v1\nkind: Shop\nmetadata: {name: a}\nthings: [null, 1]\n"
    space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n---\n"
    file = Project(fresh_of(known)).with_file("shop.yaml", space + shop).files["shop.yaml"]
    related = {entry.finding.path: len(entry.finding.related) for entry in file.findings()}
    assert related == {(): 0, ("things", 0): 1, ("things", 1): 0}


def test_threads_share_one_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found is remembered by its plan: two of one kind would remember everything twice."""
    warm = fresh()
    text = POD.format(**{name: given[0] for name, given in VALUES.items()})
    made: list[object] = []
    plans_for = engine.plans_for

    def slow(*what, **rest):
        first = not made
        made.append(plans := plans_for(*what, **rest))
        if first:
            judged(text, warm)  # as another thread would, meanwhile
        return plans

    monkeypatch.setattr(engine, "plans_for", slow)
    judged(text, warm)
    monkeypatch.setattr(evaluate.cel, "deny", lambda *_: pytest.fail("something was not found again"))
    judged(text, warm)
    assert len(made) == 2
    assert warm.memo_fill()["plans"].entries == 1


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "MAX_ANSWERS", 100)
    monkeypatch.setattr(memo, "MAX_RESULTS", 2)
    monkeypatch.setattr(memo, "MAX_PLANS", 2)
    monkeypatch.setattr(digests, "MAX_DIGESTS", 10)
    warm = fresh()
    kinds = ("Pod", "Service", "ConfigMap", "Secret", "Pod")
    for name, kind in zip(("api", "web", "job", "cart", "shop"), kinds, strict=True):
        text = POD.format(network="true", user="0", name=name, privileged="true", value="hunter2")
        text = text.replace("kind: Pod", f"kind: {kind}")
        assert judged(text, warm) == judged(text, fresh())
        fill = warm.memo_fill()
        assert fill["plans"].entries in {1, 2}
        assert 0 < fill["answers"].entries <= 100
        assert 0 < fill["results"].entries <= fill["results"].bound
        assert 0 < fill["digests"].entries <= 10
        assert all(one.entries <= one.bound for one in fill.values())


def test_what_groups_found_is_bounded_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "MAX_RESULTS", 2)
    warm = fresh()
    for name in ("api", "web", "job"):
        judged(POD.format(network="true", user="0", name=name, privileged="true", value="hunter2"), warm)
    groups = [len(found) for found in warm._memo.results.values()]
    assert max(groups) in {1, 2}
    assert warm.memo_fill()["results"] == memo.Fill(sum(groups), 2 * len(groups))
    assert warm._memo.results_kept == sum(groups)


def test_what_all_groups_found_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "MAX_ALL_RESULTS", 20)
    warm = fresh()
    for number in range(30):
        text = POD.format(network="true", user="0", name="api", privileged="true", value="hunter2")
        text = text.replace("kind: Pod", f"kind: Pod{number}")
        assert judged(text, warm) == judged(text, fresh())
        assert warm.memo_fill()["results"].entries == warm._memo.results_kept <= 20


def test_no_more_of_old_texts_is_kept_than_a_few_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "MAX_DIGESTED", 10_000)
    warm = fresh()
    for text in ("a" * 4000, "b" * 4000, "c" * 40_000, "d" * 4000):
        manifest = POD.format(network="true", user="0", name="api", privileged="true", value=text)
        assert judged(manifest, warm) == judged(manifest, fresh())
        kept = [len(msgpack.encode(value)) for value, _ in warm._memo.digests._known.values()]
        assert len(kept) == 1 or sum(kept) <= 10_000
        assert warm.memo_fill()["bytes digested"].entries == sum(kept)


def test_an_answer_that_rests_on_other_objects_is_asked_again_when_they_change() -> None:
    warm = fresh()
    text = POD.format(network="false", user="1000", name="api", privileged="false", value="1")
    for app in ("shop", "cart", "shop"):
        failed = [
            "C-0260" in placed.checked.verdicts[0].failed
            for project in (
                Project(warm),
                Project(fresh()),
            )
            for placed in project.with_file("policy.yaml", POLICY.replace("APP", app))
            .with_file("pod.yaml", text)
            .files["pod.yaml"]
            .documents
        ]
        assert failed == [app == "cart"] * 2


def test_a_variable_without_a_field_is_not_one_without_a_value() -> None:
    """A pod that is no mapping cannot be judged, whatever is remembered of pods that lack the field asked for."""
    text = POD.format(network="false", user="1000", name="api", privileged="false", value="1")
    broken = text.partition("spec:")[0] + "spec: nonsense\n"
    warm = fresh()
    for manifest in (text, broken, text):
        assert judged(manifest, warm) == judged(manifest, fresh())
    assert "C-0034" in {entry.control for _, _, missing in judged(broken, warm) for entry in missing}


def test_what_is_too_much_to_judge_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    control = RECKONED.replace("each: containers", "each: containers.env[*]")
    text = POD.format(**{name: given[0] for name, given in VALUES.items()}).replace(
        "env:", "env:\n" + 3 * "    - {name: A}\n", 1
    )
    monkeypatch.setattr(elements, "MAX_ELEMENTS", 3)
    loaded = loading.load([("c.yaml", read_document(control))])
    ((_, _, unevaluated),) = judged(text, fresh_of(loaded))
    assert {entry.reason for entry in unevaluated} == {
        "more than 3 entries are too many to judge; shorten the list, or split it over several objects"
    }


@pytest.mark.parametrize(
    ("line", "control"),
    [("   securityContext: {privileged: true}", "C-0057"), ("     hostPID: true", "C-0038")],
)
def test_a_control_does_not_pass_for_want_of_a_line_that_cannot_be_read(line: str, control: str) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec:\n"
        f"  hostNetwork: true\n  containers:\n  - name: shop\n    image: shop:1\n{line}\n"
    )
    (placed,) = Project(fresh()).with_file("pod.yaml", text).files["pod.yaml"].documents
    (verdicts,) = placed.checked.verdicts
    assert not placed.checked.complete
    assert control in {entry.control for entry in verdicts.unevaluated}
    assert control not in verdicts.passed
    assert "C-0041" in verdicts.failed  # what can be read is judged
    assert verdicts.passed  # and what the line has nothing to do with passes


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ("containers", ("spec", "containers", 0, "securityContext", "privileged")),
        ("initContainers", ("spec", "initContainers", 0, "securityContext", "privileged")),
    ],
)
def test_what_cannot_be_judged_is_told_by_the_field_of_the_wrong_type(where: str, path: object) -> None:
    good = "{name: a, securityContext: {runAsUser: 1}}"
    lists = {
        "containers": good,
        "initContainers": good,
        where: "{name: b, securityContext: {privileged: 'x'}}",
    }
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n"
    text += "".join(f"  {name}: [{listed}]\n" for name, listed in lists.items())
    (verdicts,) = Project(fresh()).with_file("a.yaml", text).files["a.yaml"].parts[0].verdicts
    (told,) = [entry for entry in verdicts.unevaluated if entry.control == "C-0057"]
    assert told.path == path
    assert told.reason.startswith("'privileged' must be true or false")


def test_an_edit_leaves_nothing_to_the_garbage_collector() -> None:
    """What only the collector can free stays for hundreds of edits, and then all of them wait for it at once."""
    text = POD.format(network="true", user="0", name="api", privileged="true", value="hunter2")
    texts = [text, text.replace("name: api", "name: apis"), text.replace("kind:", "kin"), f"{text}  broken\n"]
    project = Project(fresh())
    found: set[str] = set()
    for gathered in (False, True):
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL if gathered else 0)
        try:
            for one in texts:
                project = project.with_file("pod.yaml", one)
            gc.collect()
            found = {type(thing).__name__ for thing in gc.garbage if "kscan" in type(thing).__module__}
            found |= {thing.f_code.co_name for thing in gc.garbage if isinstance(thing, types.FrameType)}
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert found == set()


def test_what_is_too_much_together_is_too_much_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many elements, what one check reads decides whether they are too large for the others, too."""
    monkeypatch.setattr(elements, "MAX_WORK", 500)
    checks = "".join(f"- {{each: 'pod.volumes[*]', deny: item.{field} == 1, message: m}}\n" for field in "ab")
    known = loading.load([("own.yaml", read_document(OWN + checks))])
    assert known.problems == ()
    small, large = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  volumes:\n"
        + f"  - {{a: 0, b: {b}}}\n" * (elements.FEW + 1)
        for b in ("0", str([0] * 20))
    )
    warm = fresh_of(known)
    for text in (small, large, small):
        assert judged(text, warm) == judged(text, fresh_of(known))
    assert {bool(unevaluated) for text in (small, large) for *_, unevaluated in judged(text, warm)} == {
        False,
        True,
    }


def test_a_field_of_a_wrong_type_may_be_that_of_the_pod() -> None:
    check = "- {each: containers, deny: effective.runAsUser == 0 || effective.runAsUser < 0, message: m}"
    known = loading.load([("own.yaml", read_document(OWN + check))])
    assert known.problems == ()
    text = POD.format(network="true", user="root", name="api", privileged="false", value="1")
    ((findings, passed, (told,)),) = judged(text, fresh_of(known))
    assert (findings, passed) == ((), frozenset())
    assert told.path == ("spec", "securityContext", "runAsUser")
    assert told.reason.startswith("'runAsUser' must be a whole number")


def test_what_holds_for_a_container_cannot_be_told_without_its_security_context() -> None:
    check = "- {each: containers, deny: 'effective.?privileged.orValue(false)', message: m}"
    known = loading.load([("own.yaml", read_document(OWN + check))])
    assert known.problems == ()
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n"
    for line, passed in (("    securityContext x\n", set()), ("    somethingElse x\n", {"KS-9001"})):
        ((findings, found, unevaluated),) = judged(f"{pod}{line}    image: a\n", fresh_of(known))
        assert findings == ()
        assert found == passed
        assert {entry.control for entry in unevaluated} == {"KS-9001"} - passed


def test_a_container_that_moves_to_another_list_is_found_there() -> None:
    """All that its checks read is as it was, but for where it stands."""
    check = "- {each: containers, deny: container.image == 'b', message: m}"
    known = loading.load([("own.yaml", read_document(OWN + check))])
    assert known.problems == ()
    warm = fresh_of(known)
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - image: a\n"
    for line, path in (("", ("containers", 1)), ("  initContainers:\n", ("initContainers", 0))):
        ((((finding,)), *_),) = judged(f"{pod}{line}  - image: b\n", warm)
        assert finding.path == ("spec", *path)


LONELY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    spec:
      volumes: VOLUMES
      containers:
      - name: shop
        image: shop
        securityContext: {privileged: true}
        volumeMounts: [{name: run, mountPath: /run}]
        env: [{name: A, value: b}]
"""


@pytest.mark.parametrize(
    ("volumes", "related", "asked"),
    [
        ("[{name: run, hostPath: {path: /var/run}}]", {"C-0045", "C-0074"}, ["both"]),
        ("[{name: run, emptyDir: {}}]", set(), ["both"]),
        ("{run: 1}", set(), ["both"]),
        ("'no'", set(), ["both"]),
        ("[{name: run, persistentVolumeClaim: {claimName: run}}]", set(), ["alone", "related"]),
    ],
)
def test_what_is_related_to_nothing_is_judged_at_once_as_one_by_one(
    monkeypatch: pytest.MonkeyPatch, volumes: str, related: set[str], asked: list[str]
) -> None:
    plans: list[plan.Plan] = []

    def counted(one, *given, **named):
        plans.append(one)
        return evaluate.evaluate(one, *given, **named)

    monkeypatch.setattr(engine, "evaluate", counted)
    rules, _ = choose(builtin_policies(), Settings.of({"frameworks": ["recommended"]}))
    (resource,), _ = resources_of(read_document(LONELY.replace("VOLUMES", volumes)), rules.pod_spec_paths)
    one = object_of("a.yaml", resource)

    def said(seen: Object | None) -> list[tuple]:
        evaluator = Evaluator(rules, Evidence(TODAY))
        alone = evaluator.evaluate(resource, None, seen)
        both = evaluator.evaluate_related(
            alone, bind(one, evaluator.relations_of(resource), Followed(Index()))
        )
        assert {finding.control for finding in both.related.findings} == related
        return [
            (v.findings, v.failed, v.passed, v.unevaluated, v.problems, v.type_errors)
            for v in (alone, both, both.related)
        ]

    at_once = said(one)
    seen, plans = plans, []
    assert at_once == said(None)
    alone, others = ({*one.groups} for one in plans)
    names = {"alone": alone, "related": others, "both": alone | others}
    assert [len([*one.groups]) for one in seen] == [len(names[name]) for name in asked]
