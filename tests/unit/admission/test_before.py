"""What an object was before decides whether it is created or updated, for policies of every kind."""

from __future__ import annotations

from typing import Any

import pytest

from kscan_lsp.policy.admission import is_of_admission
from kscan_lsp.workspace.admitting import ask_what_was
from tests.support.admitting import admitting_project, at_revision, mutating, policy, said_of
from tests.support.gatekeeper import constraint, template
from tests.support.kyverno import about, cluster_policy, denying

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {team: a}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
"""
MORE = WEB.replace("replicas: 2", "replicas: 6")
OTHER = WEB.replace("app: web", "app: other")


def rules(*operations: str) -> dict[str, Any]:
    """What a policy about some operations is about."""
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": [*operations], "resources": ["*"]}
    return {"resourceRules": [rule]}


def heard(
    now: dict[str, str], before: dict[str, str], *policies: str, unread: str = "", why: str = ""
) -> list[str]:
    """What policies say of the objects of files, in order: the marked text, or why nothing is said."""
    given = [*now.items(), *((f"policy{number}.yaml", one) for number, one in enumerate(policies))]
    project = admitting_project().with_files([(name, text, False) for name, text in given])
    project = at_revision(project, before, *([unread] if unread else ()), why=why)
    found: list[str] = []
    for name in now:
        file = project.files[name]
        found += [one.marked for one in said_of(file)]
        found += [
            entry.reason
            for part in file.parts
            for one in part.verdicts
            for entry in one.unevaluated
            if is_of_admission(entry.control)
        ]
    return found


SHRINK = policy("object.spec.replicas * 2 >= oldObject.spec.replicas", matchConstraints=rules("UPDATE"))
NEEDS = (
    "'object.spec.replicas * 2 >= oldObject.spec.replicas' needs the object as it was before (oldObject): "
)


@pytest.mark.parametrize(
    ("operations", "expression", "before", "marked"),
    [
        (["UPDATE"], "object.spec.replicas * 2 >= oldObject.spec.replicas", MORE, ["replicas: 2"]),
        (["UPDATE"], "object.spec.replicas * 2 >= oldObject.spec.replicas", WEB, []),
        (
            ["UPDATE"],
            "object.spec.selector == oldObject.spec.selector",
            OTHER,
            ["selector: {matchLabels: {app: web}}"],
        ),
        (["UPDATE"], "oldObject.metadata.labels.team == object.metadata.labels.team", WEB, []),
        (["CREATE", "UPDATE"], "request.operation == 'CREATE'", WEB, ["name: web"]),
        (["CREATE", "UPDATE"], "request.operation == 'CREATE' && oldObject == null", "", []),
        (["*"], "oldObject != null && oldObject.spec.replicas == 6", MORE, []),
        # one about creations alone is asked of what may be created elsewhere
        (["CREATE"], "request.operation == 'CREATE' && oldObject == null", MORE, []),
        (["CREATE"], "object.spec.replicas > 2", MORE, ["replicas: 2"]),
        # what is new is never updated
        (["UPDATE"], "false", "", []),
        # nor is what is as it was, for who is about updates alone
        (["UPDATE"], "object.spec.replicas > 2", MORE, ["replicas: 2"]),
        (["UPDATE"], "object.spec.replicas > 2", WEB, []),
        (["CREATE", "UPDATE"], "object.spec.replicas > 2", WEB, ["replicas: 2"]),
        (["DELETE"], "false", WEB, []),
    ],
)
def test_a_committed_object_is_updated_and_any_other_created(
    operations: list[str], expression: str, before: str, marked: list[str]
) -> None:
    one = policy(expression, matchConstraints=rules(*operations))
    assert heard({"a.yaml": WEB}, {"a.yaml": before} if before else {}, one) == marked


@pytest.mark.parametrize(
    ("now", "before", "found"),
    [
        # the same file first
        ({"a.yaml": WEB, "b.yaml": MORE}, {"a.yaml": MORE, "b.yaml": WEB}, ["replicas: 2"]),
        # moved to another file
        ({"b.yaml": WEB}, {"a.yaml": MORE}, ["replicas: 2"]),
        ({"a.yaml": "# empty", "b.yaml": WEB}, {"a.yaml": MORE}, ["replicas: 2"]),
        # copied for another cluster
        ({"a.yaml": MORE, "b.yaml": WEB}, {"a.yaml": MORE}, []),
        # of several that are gone, that of the file whose path ends alike
        ({"x/dev/a.yaml": WEB}, {"dev/a.yaml": MORE, "prod/a.yaml": WEB}, ["replicas: 2"]),
        ({"x/prod/a.yaml": WEB}, {"dev/a.yaml": MORE, "prod/a.yaml": WEB}, []),
        ({"x.yaml": WEB}, {"dev/a.yaml": MORE, "prod/a.yaml": MORE}, ["replicas: 2"]),
        # another group, kind, namespace or name is another object
        ({"a.yaml": WEB}, {"a.yaml": MORE.replace("apps/v1", "other/v1")}, []),
        ({"a.yaml": WEB}, {"a.yaml": MORE.replace("namespace: shop", "namespace: other")}, []),
        ({"a.yaml": WEB}, {"a.yaml": MORE.replace("apps/v1", "apps/v1beta2")}, ["replicas: 2"]),
        ({"a.yaml": WEB.replace("name: web, ", "")}, {"a.yaml": MORE.replace("name: web, ", "")}, []),
    ],
)
def test_what_it_was_is_found_by_file_and_identity(now: Any, before: Any, found: list[str]) -> None:
    assert heard(now, before, SHRINK) == found


def test_which_of_several_it_was_is_not_guessed() -> None:
    (why,) = heard({"x.yaml": WEB}, {"dev/a.yaml": MORE, "prod/a.yaml": WEB}, SHRINK)
    assert why == f"{NEEDS}several files that are gone had it at HEAD"


def test_why_it_is_not_known_is_said() -> None:
    assert heard({"a.yaml": WEB}, {}, SHRINK, why="git is missing") == [f"{NEEDS}git is missing"]
    made = f"{NEEDS}it is not known what 'a.yaml' made at HEAD"
    assert heard({"c/a.yaml": WEB}, {"a.yaml": MORE}, SHRINK, unread="c/a.yaml") == [made]
    overlay = made.replace("a.yaml", "kustomization.yaml")
    assert heard({"kustomization.yaml": WEB}, {}, SHRINK) == [overlay]


def test_labels_that_are_taken_off_count() -> None:
    mine = {**rules("CREATE", "UPDATE"), "objectSelector": {"matchLabels": {"team": "a"}}}
    bare = WEB.replace(", labels: {team: a}", "")
    one = policy("false", matchConstraints=mine)
    assert heard({"a.yaml": bare}, {"a.yaml": WEB}, one) == ["name: web"]
    assert heard({"a.yaml": bare}, {"a.yaml": bare}, one) == []
    created = {**rules("CREATE"), "objectSelector": {"matchLabels": {"team": "a"}}}
    assert heard({"a.yaml": bare}, {"a.yaml": WEB}, policy("false", matchConstraints=created)) == []


def test_a_binding_may_be_about_updates_alone() -> None:
    binding = {"matchResources": rules("UPDATE")}
    one = policy("request.operation == 'CREATE'", binding=binding)
    assert heard({"a.yaml": WEB}, {"a.yaml": MORE}, one) == ["name: web"]
    assert heard({"a.yaml": WEB}, {"a.yaml": WEB}, one) == []
    assert heard({"a.yaml": WEB}, {}, one) == []


def test_an_object_is_judged_again_when_another_revision_counts() -> None:
    project = admitting_project().with_files([("a.yaml", WEB, False), ("p.yaml", SHRINK, False)])
    for before, marked in ((MORE, ["replicas: 2"]), (WEB, []), (MORE, ["replicas: 2"])):
        project = at_revision(project, {"a.yaml": before})
        assert [one.marked for one in said_of(project.files["a.yaml"])] == marked


KYVERNO = denying(("{{ request.object.spec.replicas }}", "LessThan", "{{ request.oldObject.spec.replicas }}"))


@pytest.mark.parametrize(
    ("rule", "before", "found"),
    [
        ({"validate": KYVERNO, "match": about("Deployment", operations=["UPDATE"])}, MORE, ["replicas: 2"]),
        ({"validate": KYVERNO, "match": about("Deployment", operations=["UPDATE"])}, WEB, []),
        ({"validate": KYVERNO, "match": about("Deployment", operations=["UPDATE"])}, "", []),
        (
            {"validate": KYVERNO, "match": about("Deployment", operations=["CREATE", "UPDATE"])},
            MORE,
            ["replicas: 2"],
        ),
        ({"validate": denying(("{{ request.operation }}", "Equals", "UPDATE"))}, WEB, ["name: web"]),
        # one that forbids updates forbids none where nothing changes
        ({"validate": {"deny": {}}, "match": about("Deployment", operations=["UPDATE", "DELETE"])}, WEB, []),
        (
            {"validate": {"deny": {}}, "match": about("Deployment", operations=["UPDATE", "DELETE"])},
            MORE,
            ["name: web"],
        ),
        ({"validate": denying(("{{ request.operation }}", "Equals", "UPDATE"))}, "", []),
        (
            {
                "validate": denying(("{{ request.operation }}", "Equals", "CREATE")),
                "match": about("Deployment", operations=["CREATE"]),
            },
            WEB,
            ["name: web"],
        ),
    ],
)
def test_rules_of_kyverno_see_what_it_was(rule: Any, before: str, found: list[str]) -> None:
    assert heard({"a.yaml": WEB}, {"a.yaml": before} if before else {}, cluster_policy(rule)) == found


def test_a_rule_of_kyverno_about_updates_alone_is_not_evaluated_without_it() -> None:
    rule = {"validate": KYVERNO, "match": about("Deployment", operations=["UPDATE"])}
    (why,) = heard({"a.yaml": WEB}, {}, cluster_policy(rule), why="git is missing")
    assert why == "it needs the object as it was before (oldObject): git is missing"


def test_templates_of_gatekeeper_see_what_it_was() -> None:
    one = template("request.operation == 'CREATE' || object.spec.replicas >= oldObject.spec.replicas")
    assert heard({"a.yaml": WEB}, {"a.yaml": MORE}, one, constraint()) == ["replicas: 2"]
    assert heard({"a.yaml": WEB}, {"a.yaml": WEB}, one, constraint()) == []
    assert heard({"a.yaml": WEB}, {}, one, constraint()) == []
    # one that passes updates still says what it says of an object that is created
    passing = template("request.operation == 'UPDATE' || object.spec.replicas > 2")
    assert heard({"a.yaml": WEB}, {"a.yaml": WEB}, passing, constraint()) == ["replicas: 2"]


@pytest.mark.parametrize(
    ("asks", "text"),
    [
        (False, policy("object.spec.replicas > 0")),
        (False, policy("object.spec.replicas > 0", matchConstraints=rules("CREATE", "UPDATE"))),
        (False, policy("oldObject == null", matchConstraints=rules("CREATE")).replace("oldObject", "object")),
        (True, policy("oldObject == null || object.spec.replicas > 0")),
        (True, policy("request.operation == 'CREATE'")),
        (True, policy("true", matchConstraints=rules("UPDATE"))),
        (
            True,
            policy("true", matchConstraints={**rules("*"), "objectSelector": {"matchLabels": {"a": "b"}}}),
        ),
        (True, policy("true", binding={"matchResources": rules("UPDATE")})),
        (False, policy("true", matchConstraints=rules("CREATE"))),
        (False, cluster_policy({"pattern": {"spec": {"replicas": ">1"}}})),
        (True, cluster_policy({"validate": KYVERNO, "match": about("Deployment")})),
        (True, cluster_policy({"validate": {"pattern": {}}, "match": about("Pod", operations=["UPDATE"])})),
        (False, template("object.spec.replicas > 1")),
        (True, template("request.operation == 'CREATE'")),
        (False, WEB.replace("team: a", "oldObject: a")),
        (
            False,
            policy("true", matchConstraints={"resourceRules": [7, {"operations": {}}, {"operations": [{}]}]}),
        ),
        (False, policy("true", matchConstraints=[])),
    ],
)
def test_only_policies_that_can_tell_ask(asks: bool, text: str) -> None:
    assert ask_what_was(admitting_project().with_file("p.yaml", text).index) is asks


def test_what_policies_change_in_an_object_that_is_as_it_was_is_no_update() -> None:
    change = mutating("Object{metadata: Object.metadata{labels: {'added': 'yes'}}}")
    vap = policy(
        "object.metadata.labels == oldObject.metadata.labels", matchConstraints=rules("CREATE", "UPDATE")
    )
    labels = ("{{ request.object.metadata.labels }}", "NotEquals", "{{ request.oldObject.metadata.labels }}")
    kyverno = cluster_policy(
        {"validate": denying(labels), "match": about("Deployment", operations=["UPDATE", "CREATE"])}
    )
    files = [
        ("a.yaml", WEB, False),
        ("m.yaml", change, False),
        ("v.yaml", vap, False),
        ("k.yaml", kyverno, False),
    ]
    project = at_revision(admitting_project(mutate=True).with_files(files), {"a.yaml": WEB})
    assert said_of(project.files["a.yaml"]) == []
    assert len(said_of(at_revision(project, {"a.yaml": MORE}).files["a.yaml"])) == 2
