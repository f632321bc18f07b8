"""What rules grant, and the roles that every cluster has."""

from __future__ import annotations

import pytest

from kscan_lsp.kubernetes.builtin_roles import added_to_builtin, builtin_grants, builtin_roles
from kscan_lsp.kubernetes.rbac import granted, granting

ROLES = {(r["kind"], r["metadata"].get("namespace", ""), r["metadata"]["name"]): r for r in builtin_roles()}
EXEC = ([""], ["pods/exec"], ["create"])


def rule(resources: list[str], verbs: list[str], *names: str, groups: tuple[str, ...] = ("",)) -> dict:
    made = {"apiGroups": [*groups], "resources": resources, "verbs": verbs}
    return {**made, "resourceNames": [*names]} if names else made


@pytest.mark.parametrize(
    ("given", "asked", "positions"),
    [
        (rule(["pods", "pods/exec", "*/exec", "*"], ["*"]), EXEC, [1, 2, 3]),
        (rule(["pods/exec"], ["get"]), EXEC, []),
        (rule(["pods/exec"], ["create"], groups=("apps",)), EXEC, []),
        # a subresource is created of an object that has a name
        (rule(["pods/exec", "*"], ["create"], "db-0"), EXEC, [0, 1]),
        (rule(["pods", "*"], ["create"], "db-0"), ([""], ["pods"], ["create"]), []),
        (rule(["pods", "*"], ["*"], "db-0"), ([""], ["pods"], ["create"]), []),
        (rule(["pods", "*"], ["*"], "db-0"), ([""], ["pods"], ["create", "get"]), [0, 1]),
        (rule(["pods"], ["deletecollection"], "db-0"), ([""], ["pods"], ["delete", "deletecollection"]), []),
        (rule(["pods"], ["delete"], "db-0"), ([""], ["pods"], ["delete", "deletecollection"]), [0]),
        (rule(["*"], ["*"]), ([""], ["*"], ["*"]), [0]),
        (rule(["*"], ["*"], "db-0"), ([""], ["*"], ["*"]), []),
        ({**rule(["pods"], ["create"]), "resourceNames": []}, ([""], ["pods"], ["create"]), [0]),
        ({"nonResourceURLs": ["*"], "verbs": ["*"]}, EXEC, []),
        (rule([], ["*"]), EXEC, []),
        (rule(["pods", "*"], ["*"]), ([""], [], ["*"]), [1]),
    ],
)
def test_what_a_rule_grants(given: dict, asked: tuple, positions: list[int]) -> None:
    assert granted(given, *asked) == positions


@pytest.mark.parametrize("wrong", [{"verbs": "get"}, {"resourceNames": "x"}, {"resources": {}}])
def test_what_is_no_rule_grants_nothing_and_says_so(wrong: dict) -> None:
    with pytest.raises(ValueError, match="must be lists"):
        granted({**rule(["pods/exec"], ["create"]), **wrong}, *EXEC)
    with pytest.raises(ValueError, match="must be a map"):
        granting(["*"], *EXEC)


def test_which_rules_of_a_role_grant_something() -> None:
    asked = ([""], ["pods/exec", "secrets"], ["get", "create"])
    assert granting([rule(["pods"], ["get"]), rule(["secrets"], ["get"])], *asked) == [1]


def test_what_a_rule_adds_to_a_role_of_every_cluster() -> None:
    view, edit = (
        {"kind": "ClusterRole", "namespace": "", "name": name, "builtin": True} for name in ("view", "edit")
    )
    asked = ([""], ["pods/exec", "secrets"], ["get", "create"])
    given = rule(["secrets", "pods", "*"], ["get"])
    assert builtin_grants(edit, *asked)
    assert not builtin_grants(view, *asked)
    assert added_to_builtin(given, view, *asked) == [0, 2]
    assert added_to_builtin(given, edit, *asked) == [2]
    declared = {**view, "builtin": False}
    assert added_to_builtin(given, declared, *asked) == []
    assert not builtin_grants({**edit, "builtin": False}, *asked)
    assert not builtin_grants({**edit, "name": "nobody"}, *asked)


def test_the_roles_of_every_cluster() -> None:
    names = [name for kind, _, name in ROLES if kind == "ClusterRole"]
    assert {"cluster-admin", "admin", "edit", "view"} <= set(names)
    assert all(":" in name or name in {"cluster-admin", "admin", "edit", "view"} for name in names)
    assert {namespace for kind, namespace, _ in ROLES if kind == "Role"} == {"kube-public", "kube-system"}
    assert len(ROLES) == 76
    for role in ROLES.values():
        assert role["rules"], role["metadata"]["name"]
        for given in role["rules"]:
            assert set(given) >= {"verbs"}
            assert all(part for parts in given.values() for part in parts if part != "")


@pytest.mark.parametrize(
    ("name", "asked", "does"),
    [
        ("cluster-admin", ([""], ["*"], ["*"]), True),
        ("admin", ([""], ["*"], ["*"]), False),
        ("admin", (["rbac.authorization.k8s.io"], ["rolebindings"], ["create"]), True),
        ("edit", (["rbac.authorization.k8s.io"], ["rolebindings"], ["create"]), False),
        ("admin", EXEC, True),
        ("edit", EXEC, True),
        ("view", EXEC, False),
        ("edit", ([""], ["secrets"], ["get"]), True),
        ("view", ([""], ["secrets"], ["get", "list", "watch"]), False),
        ("view", ([""], ["pods"], ["list"]), True),
        ("admin", ([""], ["pods"], ["list"]), True),
        ("system:kubelet-api-admin", ([""], ["nodes/proxy"], ["create"]), True),
        ("system:controller:clusterrole-aggregation-controller", (["rbac.authorization.k8s.io"], ["clusterroles"],
                                                                  ["escalate"]), True),
    ],
)  # fmt: skip
def test_what_they_grant(name: str, asked: tuple, does: bool) -> None:
    assert bool(granting(ROLES["ClusterRole", "", name]["rules"], *asked)) is does
