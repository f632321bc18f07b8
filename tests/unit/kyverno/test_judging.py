"""What Kyverno's policies say of objects, and where."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kscan_lsp.kyverno.budget import Budget, OverBudget
from tests.support.admitting import admitting_project, said, said_of, unanswered
from tests.support.kyverno import about, cluster_policy, denying, marked, verdict

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: d
  namespace: shop
  labels: {owner: me}
  annotations: {note: "1"}
spec:
  replicas: 9
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      hostNetwork: true
      containers:
      - name: good
        image: registry.example.com/a:1
        env:
        - {name: MODE, value: x}
      - name: bad
        image: docker.io/b:latest
        securityContext: {privileged: true, capabilities: {add: [CHOWN, NET_RAW]}}
"""
POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec:\n  containers:\n"
    "  - {name: a, image: b}\n  - {name: c, image: d:1, securityContext: {privileged: true}}\n"
)
SHOP = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {env: prod}}\n"
PRIVILEGED = {"pattern": {"spec": {"containers": [{"=(securityContext)": {"=(privileged)": False}}]}}}


@pytest.mark.parametrize(
    ("check", "places"),
    [
        ({"pattern": {"metadata": {"labels": {"team": "?*"}}}}, ["labels: {owner: me}"]),
        ({"pattern": {"spec": {"replicas": "<5"}}}, ["replicas: 9"]),
        (
            {"pattern": {"spec": {"template": {"spec": {"containers": [{"image": "!*:latest"}]}}}}},
            ["image: docker.io/b:latest"],
        ),
        (
            {"anyPattern": [{"spec": {"replicas": "<5"}}, {"metadata": {"labels": {"owner": "you"}}}]},
            ["owner: me", "replicas: 9"],
        ),
        ({"anyPattern": [{"spec": {"replicas": "<5"}}, {"metadata": {"labels": {"owner": "me"}}}]}, []),
        (denying(("{{ request.object.spec.replicas }}", "GreaterThan", 5)), ["replicas: 9"]),
        (
            denying(
                ("{{ request.operation }}", "Equals", "CREATE"),
                ("{{ request.object.spec.template.spec.containers[].image }}", "AnyNotIn", ["registry.*"]),
            ),
            ["image: docker.io/b:latest"],
        ),
        (
            denying(("{{ images.containers.*.registry }}", "AnyIn", ["docker.io"])),
            ["image: docker.io/b:latest"],
        ),
        (denying(("{{ request.object.metadata.labels.team || '' }}", "Equals", "")), ["labels: {owner: me}"]),
        (denying(("{{ request.operation }}", "Equals", "CREATE")), ["name: d"]),
        (
            denying(("{{ length(request.object.spec.template.spec.containers) }}", "GreaterThan", 1)),
            ["containers"],
        ),
        (
            {
                "foreach": [
                    {
                        "list": "request.object.spec.template.spec.containers",
                        **denying(("{{ element.securityContext.privileged || `false` }}", "Equals", True)),
                    }
                ]
            },
            ["privileged: true"],
        ),
        (
            {
                "foreach": [
                    {
                        "list": "request.object.spec.template.spec.containers",
                        "pattern": {"image": "!*:latest"},
                    }
                ]
            },
            ["image: docker.io/b:latest"],
        ),
        (
            {
                "foreach": [
                    {
                        "list": "request.object.spec.template.spec.containers",
                        "preconditions": {"all": [{"key": "{{ element.name }}", "operator": "Equals", "value": "bad"}]},
                        "foreach": [
                            {
                                "list": "element.securityContext.capabilities.add",
                                **denying(("{{ element }}", "AnyNotIn", ["CHOWN"])),
                            }
                        ],
                    }
                ]
            },
            ["NET_RAW"],
        ),
        (
            {"cel": {"expressions": [{"expression": "object.spec.replicas < 5", "message": "too many"}]}},
            ["replicas: 9"],
        ),
    ],
)  # fmt: skip
def test_the_field_that_decided_is_marked(check: dict[str, Any], places: list[str]) -> None:
    assert marked(said(DEPLOYMENT, cluster_policy(check))) == places


def test_what_a_finding_says() -> None:
    check = {
        "message": "{{ request.object.metadata.name }} has\ntoo many",
        "pattern": {"spec": {"replicas": "<5"}},
    }
    (one,) = said(DEPLOYMENT, cluster_policy(check))
    assert (one.path, one.severity, one.message) == ("spec.replicas", "high", "d has too many")


def test_the_rule_is_named_beside_the_finding() -> None:
    project = admitting_project().with_files(
        [
            ("a.yaml", DEPLOYMENT, False),
            ("p.yaml", cluster_policy({"pattern": {"spec": {"replicas": "<5"}}}), False),
        ]
    )
    ((_, finding),) = project.files["a.yaml"].findings()
    assert finding.control == "Kyverno/p/r0"
    (place,) = finding.related
    assert place.file == "p.yaml"
    assert json.loads(place.document[place.span.start : place.span.end]) == {
        "pattern": {"spec": {"replicas": "<5"}}
    }


@pytest.mark.parametrize(
    ("spec", "notes", "severity"),
    [
        ({}, {}, "high"),
        ({"validationFailureAction": "enforce"}, {}, "high"),
        ({"validationFailureAction": "Audit"}, {}, "low"),
        ({"admission": False}, {}, "low"),
        ({"validationFailureAction": "Audit", "emitWarning": True}, {}, "medium"),
        ({"validationFailureAction": "Audit"}, {"policies.kyverno.io/severity": "medium"}, "medium"),
        ({"validationFailureAction": "Audit"}, {"policies.kyverno.io/severity": "critical"}, "medium"),
        ({}, {"policies.kyverno.io/severity": "critical"}, "critical"),
        ({}, {"policies.kyverno.io/severity": "low"}, "high"),
        (
            {"validationFailureActionOverrides": [{"action": "Audit", "namespaces": ["shop"]}]},
            {},
            "low",
        ),
    ],
)
def test_what_kyverno_does_is_how_severe_it_is(
    spec: dict[str, Any], notes: dict[str, str], severity: str
) -> None:
    policy = cluster_policy({"pattern": {"spec": {"replicas": "<5"}}}, notes=notes, **spec)
    assert [one.severity for one in said(DEPLOYMENT, policy)] == [severity]


def test_a_rule_says_itself_what_is_done() -> None:
    check = {"failureAction": "Audit", "pattern": {"spec": {"replicas": "<5"}}}
    assert [one.severity for one in said(DEPLOYMENT, cluster_policy(check))] == ["low"]


ALWAYS = denying(("a", "Equals", "a"))


@pytest.mark.parametrize(
    ("match", "found"),
    [
        (about("Deployment"), "fail"),
        (about("apps/v1/Deployment"), "fail"),
        (about("apps/*/Deployment"), "fail"),
        (about("v1/Deployment"), "fail"),
        (about("batch/v1/Deployment"), ""),
        (about("Deploy*"), "fail"),
        (about("*"), "fail"),
        (about("Deployment/scale"), ""),
        (about("StatefulSet"), ""),
        (about("Deployment", names=["d*"]), "fail"),
        (about("Deployment", name="e"), ""),
        (about("Deployment", namespaces=["sh*"]), "fail"),
        (about("Deployment", namespaces=["other"]), ""),
        (about("Deployment", selector={"matchLabels": {"owner": "m*"}}), "fail"),
        (about("Deployment", selector={"matchLabels": {"owner": "you"}}), ""),
        (about("Deployment", annotations={"no*": "?"}), "fail"),
        (about("Deployment", annotations={"other": "*"}), ""),
        (about("Deployment", operations=["CREATE"]), "fail"),
        (about("Deployment", operations=["DELETE"]), ""),
        (about("Deployment", namespaceSelector={"matchLabels": {"env": "prod"}}), "fail"),
        (about("Deployment", namespaceSelector={"matchLabels": {"env": "dev"}}), ""),
        ({"resources": {"kinds": ["Deployment"]}}, "fail"),
        ({"all": [{"resources": {"kinds": ["Deployment"]}}, {"resources": {"names": ["x"]}}]}, ""),
        ({"any": [{"resources": {"kinds": ["Pod"]}}, {"resources": {"names": ["d"]}}]}, "fail"),
        ({"any": [{"resources": {"kinds": ["Deployment"]}, "subjects": [{"kind": "User", "name": "x"}]}]}, "unknown"),
        ({"any": [{"resources": {"kinds": ["Service"]}, "clusterRoles": ["cluster-admin"]}]}, ""),
    ],
)  # fmt: skip
def test_which_objects_a_rule_is_about(match: dict[str, Any], found: str) -> None:
    policy = cluster_policy({"match": match, "validate": ALWAYS})
    assert verdict(DEPLOYMENT, policy, others=SHOP) == found


@pytest.mark.parametrize(
    ("exclude", "found"),
    [
        (about("Deployment", names=["d"]), ""),
        (about("Deployment", names=["e"]), "fail"),
        ({"any": [{"clusterRoles": ["cluster-admin"]}]}, "unknown"),
        ({"any": [{"clusterRoles": ["x"]}, {"resources": {"namespaces": ["shop"]}}]}, ""),
        ({"all": [{"resources": {"kinds": ["Deployment"]}}, {"resources": {"names": ["e"]}}]}, "fail"),
    ],
)
def test_which_objects_are_excluded(exclude: dict[str, Any], found: str) -> None:
    assert (
        verdict(DEPLOYMENT, cluster_policy({"match": about("*"), "exclude": exclude, "validate": ALWAYS}))
        == found
    )


def test_an_object_without_a_name_is_known_by_how_it_will_begin() -> None:
    text = DEPLOYMENT.replace("name: d\n", "generateName: job-\n")
    assert verdict(text, cluster_policy({"match": about("*", names=["job-*"]), "validate": ALWAYS})) == "fail"


def test_who_asks_decides_nothing_where_the_rule_passes() -> None:
    rule = {
        "match": about("*"),
        "exclude": {"any": [{"roles": ["x"]}]},
        "validate": {"pattern": {"kind": "*"}},
    }
    assert verdict(DEPLOYMENT, cluster_policy(rule)) == ""


def test_a_namespace_that_no_file_has_leaves_a_selector_open() -> None:
    match = about("Deployment", namespaceSelector={"matchLabels": {"env": "prod"}})
    (why,) = unanswered(DEPLOYMENT, cluster_policy({"match": match, "validate": ALWAYS}))
    assert "Namespace 'shop'" in why


def test_rules_about_pods_are_about_what_runs_pods() -> None:
    policy = cluster_policy({"match": about("Pod"), "validate": PRIVILEGED})
    assert marked(said(POD, policy)) == ["privileged: true"]
    assert [one.path for one in said(DEPLOYMENT, policy)] == [
        "spec.template.spec.containers[1].securityContext.privileged"
    ]
    cron = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "c"},
        "spec": {"jobTemplate": json.loads(json.dumps({"spec": {"template": {"spec": {"containers": [
            {"name": "x", "securityContext": {"privileged": True}}]}}}}))},
    }  # fmt: skip
    assert len(said(json.dumps(cron), policy)) == 1


@pytest.mark.parametrize(
    ("notes", "match", "found"),
    [
        ({"pod-policies.kyverno.io/autogen-controllers": "none"}, about("Pod"), ""),
        ({"pod-policies.kyverno.io/autogen-controllers": "StatefulSet,Job"}, about("Pod"), ""),
        ({"pod-policies.kyverno.io/autogen-controllers": "Deployment"}, about("Pod"), "fail"),
        ({}, about("Pod", names=["*"]), ""),
        ({}, about("Pod", namespaces=["shop"]), "fail"),
        ({}, about("Pod", "Service"), ""),
    ],
)
def test_when_rules_are_made_for_what_runs_pods(
    notes: dict[str, str], match: dict[str, Any], found: str
) -> None:
    assert verdict(DEPLOYMENT, cluster_policy({"match": match, "validate": PRIVILEGED}, notes=notes)) == found


def test_expressions_of_rules_about_pods_look_into_templates() -> None:
    rule = {
        "match": about("Pod"),
        "validate": denying(("{{ request.object.spec.hostNetwork || `false` }}", "Equals", True)),
    }
    assert marked(said(DEPLOYMENT, cluster_policy(rule))) == ["hostNetwork: true"]


def test_preconditions_decide_whether_a_rule_says_anything() -> None:
    def rule(wanted: str) -> dict[str, Any]:
        condition = {
            "key": "{{ request.object.metadata.labels.owner }}",
            "operator": "Equals",
            "value": wanted,
        }
        return {"match": about("*"), "preconditions": {"all": [condition]}, "validate": ALWAYS}

    assert verdict(DEPLOYMENT, cluster_policy(rule("you"))) == ""
    assert verdict(DEPLOYMENT, cluster_policy(rule("me"))) == "fail"


WHO = ("{{ request.userInfo.username }}", "Equals", "x")


@pytest.mark.parametrize(
    ("check", "found"),
    [
        (denying(WHO), "unknown"),
        (denying(WHO, ("a", "Equals", "b")), ""),
        (denying(WHO, ("a", "Equals", "a"), how="any"), "fail"),
        (denying(WHO, ("a", "Equals", "b"), how="any"), "unknown"),
        (denying(("{{ request.object.metadata.labels.nothing }}", "Equals", "x")), "fail"),
        (denying(("{{ time_now_utc() }}", "Equals", "x")), "unknown"),
    ],
)
def test_what_no_file_says_leaves_a_rule_open_where_it_decides(check: dict[str, Any], found: str) -> None:
    assert verdict(DEPLOYMENT, cluster_policy(check)) == found


def test_an_error_refuses_unless_the_policy_ignores_failures() -> None:
    check = denying(("{{ request.object.metadata.labels.nothing }}", "Equals", "x"))
    (one,) = said(DEPLOYMENT, cluster_policy(check))
    assert one.message == "rule 'r0' cannot be evaluated: Unknown key \"nothing\" in path"
    assert verdict(DEPLOYMENT, cluster_policy(check, failurePolicy="Ignore")) == ""


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\ndata: {owner: you}\n"


def test_a_config_map_of_the_workspace_is_read() -> None:
    entry = {"name": "c", "configMap": {"name": "c", "namespace": "shop"}}
    rule = {
        "match": about("Deployment"),
        "context": [entry],
        "validate": {"pattern": {"metadata": {"labels": {"owner": "{{ c.data.owner }}"}}}},
    }
    assert verdict(DEPLOYMENT, cluster_policy(rule), others=CONFIG) == "fail"
    assert verdict(DEPLOYMENT, cluster_policy(rule), others=CONFIG.replace("you", "me")) == ""
    assert verdict(DEPLOYMENT, cluster_policy(rule)) == "unknown"


@pytest.mark.parametrize("kind", ["apiCall", "imageRegistry", "globalReference"])
def test_what_asks_the_cluster_is_not_judged(kind: str) -> None:
    rule = {
        "match": about("*"),
        "context": [{"name": "x", kind: {}}],
        "validate": denying(("{{ x }}", "Equals", 1)),
    }
    (why,) = unanswered(DEPLOYMENT, cluster_policy(rule))
    assert kind in why


def test_a_policy_of_a_namespace_is_about_that_alone() -> None:
    def policy(namespace: str) -> str:
        text = json.loads(cluster_policy({"pattern": {"spec": {"replicas": "<5"}}}))
        return json.dumps({**text, "kind": "Policy", "metadata": {"name": "p", "namespace": namespace}})

    assert verdict(DEPLOYMENT, policy("shop")) == "fail"
    assert verdict(DEPLOYMENT, policy("other")) == ""


def _exception(rules: list[str], **spec: Any) -> str:
    return json.dumps(
        {
            "apiVersion": "kyverno.io/v2",
            "kind": "PolicyException",
            "metadata": {"name": "e", "namespace": "shop"},
            "spec": {
                "exceptions": [{"policyName": "p", "ruleNames": rules}],
                "match": about("Deployment"),
                **spec,
            },
        }
    )


@pytest.mark.parametrize(
    ("exception", "found"),
    [
        (_exception(["r0"]), ""),
        (_exception(["r*"]), ""),
        (_exception(["other"]), "fail"),
        (_exception(["r0"], match=about("Pod")), "fail"),
        (_exception(["r0"], match=about("Deployment", names=["d"])), ""),
        (_exception(["r0"], podSecurity=[{"controlName": "x"}]), "fail"),
        (
            _exception(["r0"], conditions={"any": [{"key": "a", "operator": "Equals", "value": "b"}]}),
            "fail",
        ),
    ],
)
def test_an_exception_takes_objects_out(exception: str, found: str) -> None:
    assert (
        verdict(DEPLOYMENT, cluster_policy({"pattern": {"spec": {"replicas": "<5"}}}), others=exception)
        == found
    )


def _validating(expression: str, *resources: str, **spec: Any) -> str:
    group = "apps" if "deployments" in resources else ""
    rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [*resources]}
    return json.dumps(
        {
            "apiVersion": "policies.kyverno.io/v1",
            "kind": "ValidatingPolicy",
            "metadata": {"name": "v"},
            "spec": {
                "validationActions": ["Deny"],
                "matchConstraints": {"resourceRules": [rule]},
                "validations": [{"expression": expression, "message": "no"}],
                **spec,
            },
        }
    )


def test_a_policy_in_cel() -> None:
    (one,) = said(DEPLOYMENT, _validating("object.spec.replicas < 5", "deployments"))
    assert (one.path, one.severity, one.message) == ("spec.replicas", "high", "no")
    assert not said(DEPLOYMENT, _validating("object.spec.replicas < 50", "deployments"))
    audited = _validating("object.spec.replicas < 5", "deployments", validationActions=["Audit"])
    assert [one.severity for one in said(DEPLOYMENT, audited)] == ["low"]
    scanned = _validating(
        "object.spec.replicas < 5", "deployments", evaluation={"admission": {"enabled": False}}
    )
    assert [one.severity for one in said(DEPLOYMENT, scanned)] == ["low"]


def test_a_policy_in_cel_about_pods_is_about_what_runs_pods() -> None:
    text = "object.spec.containers.all(c, !c.?securityContext.?privileged.orValue(false))"
    assert marked(said(POD, _validating(text, "pods"))) == ["privileged: true"]
    assert marked(said(DEPLOYMENT, _validating(text, "pods"))) == ["privileged: true"]
    none = _validating(text, "pods", autogen={"podControllers": {"controllers": []}})
    assert not said(DEPLOYMENT, none)


def test_a_policy_in_cel_that_asks_the_cluster_is_not_judged() -> None:
    text = "resource.Get('v1', 'configmaps', 'a', 'b').data.x == 'y'"
    (why,) = unanswered(DEPLOYMENT, _validating(text, "deployments"))
    assert "'resource'" in why


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("object.metadata.name == 'd'", ""),
        ("object.metadata.name == 'e'", "fail"),
        ("request.userInfo.username == 'x'", "fail"),
        ("nonsense(", "fail"),
    ],
)
def test_an_exception_from_a_policy_in_cel(condition: str, found: str) -> None:
    exception = {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "PolicyException",
        "metadata": {"name": "e", "namespace": "shop"},
        "spec": {
            "policyRefs": [{"name": "v", "kind": "ValidatingPolicy"}],
            "matchConditions": [{"name": "c", "expression": condition}],
        },
    }
    policy = _validating("object.spec.replicas < 5", "deployments")
    assert verdict(DEPLOYMENT, policy, others=json.dumps(exception)) == found


def test_an_edit_of_the_policy_is_judged_again() -> None:
    project = admitting_project().with_files(
        [
            ("a.yaml", DEPLOYMENT, False),
            ("p.yaml", cluster_policy({"pattern": {"spec": {"replicas": "<50"}}}), False),
        ]
    )
    assert not said_of(project.files["a.yaml"])
    project = project.with_files(
        [("p.yaml", cluster_policy({"pattern": {"spec": {"replicas": "<5"}}}), False)]
    )
    assert marked(said_of(project.files["a.yaml"])) == ["replicas: 9"]
    project = project.with_files([("a.yaml", DEPLOYMENT.replace("replicas: 9", "replicas: 2"), False)])
    assert not said_of(project.files["a.yaml"])
    project = project.with_files([("a.yaml", DEPLOYMENT, False)])
    assert marked(said_of(project.files["a.yaml"])) == ["replicas: 9"]


POLICY = """\
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: p
spec:
  validationFailureAction: Enforce
  rules:
  - name: r
    match:
      any:
      - resources:
          kinds: [Service]
          names: ["*"]
    validate:
      message: few
      pattern:
        spec:
          replicas: "<5"
"""


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("Service", "Deployment", ["few"]),
        ("Service", "apps/v1/Deployment", ["few"]),
        ("Service", '"*"', ["few"]),
        ("Service", "Pod", []),
        ("Service", "Service, Deployment", ["few"]),
        ("kinds: [Service]", "namespaces: [shop]", ["few"]),
    ],
)
def test_a_key_in_a_policy_is_enough_to_judge_again(before: str, after: str, found: list[str]) -> None:
    project = admitting_project().with_files([("a.yaml", DEPLOYMENT, False), ("p.yaml", POLICY, False)])
    assert not said_of(project.files["a.yaml"])
    project = project.with_file("p.yaml", POLICY.replace(before, after))
    assert [one.message for one in said_of(project.files["a.yaml"])] == found
    project = project.with_file("p.yaml", POLICY.replace(before, after).replace("few", "many"))
    assert [one.message for one in said_of(project.files["a.yaml"])] == ["many" for _ in found]
    project = project.with_file("p.yaml", POLICY)
    assert not said_of(project.files["a.yaml"])


def test_an_exception_that_is_typed_counts_at_once() -> None:
    text = _exception(["r0"]).replace('"ruleNames"', '"ruleNames" ')
    policy = cluster_policy({"pattern": {"spec": {"replicas": "<5"}}})
    files = [
        ("a.yaml", DEPLOYMENT, False),
        ("p.yaml", policy, False),
        ("e.yaml", text.replace('"p"', '"q"'), False),
    ]
    project = admitting_project().with_files(files)
    assert marked(said_of(project.files["a.yaml"])) == ["replicas: 9"]
    project = project.with_file("e.yaml", text)
    assert not said_of(project.files["a.yaml"])
    project = project.with_file("e.yaml", text.replace("r0", "r1"))
    assert marked(said_of(project.files["a.yaml"])) == ["replicas: 9"]


def test_nothing_of_a_secret_is_in_a_message() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: value-of-the-secret}\n"
    check = {"message": "is {{ request.object.stringData.key }}", "pattern": {"type": "x"}}
    (one,) = said(text, cluster_policy(check))
    assert "value-of-the-secret" not in one.message


def test_a_rule_with_too_many_elements_is_given_up() -> None:
    numbers = [{"name": "range", "variable": {"value": [{"n": n} for n in range(2_001)]}}]
    rule = {
        "match": about("*"),
        "context": numbers,
        "validate": {"foreach": [{"list": "range", "pattern": {"n": "*"}}]},
    }
    assert unanswered(DEPLOYMENT, cluster_policy(rule)) == ["its foreach has more than 2,000 elements"]


def test_rules_have_a_budget_of_their_own_and_one_together() -> None:
    whole = Budget(steps=5)
    Budget(whole, steps=3).spend(3)
    with pytest.raises(OverBudget, match="together"):
        Budget(whole, steps=3).spend(3)
    with pytest.raises(OverBudget, match="it takes"):
        Budget(steps=3).spend(4)


def test_policies_say_nothing_of_policies() -> None:
    assert verdict(cluster_policy(ALWAYS, name="other"), cluster_policy(ALWAYS)) == ""
