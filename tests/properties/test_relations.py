"""Relations: what is found for many at once is what is found for each alone."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.objects import RULES

from kscan_lsp.graph.binding import Followed, bind, leads_nowhere
from kscan_lsp.graph.builtin import find_builtin
from kscan_lsp.graph.index import Index
from kscan_lsp.graph.relations import RELATIONS
from kscan_lsp.workspace.objects import objects_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.graph.index import Object

NAMES = st.sampled_from(["a", "b", "view"])
LABELS = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["1", "2"]), max_size=2).map(
    lambda labels: "{" + ", ".join(f"{name}: '{value}'" for name, value in labels.items()) + "}"
)


def named(kind: str, rest: str, api: str = "v1") -> st.SearchStrategy[str]:
    """Texts of objects of a kind; `L` and `M` are labels, `N` a name."""
    return st.builds(
        lambda name, own, labels, more, other: (
            f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}, labels: {own}}}\n"
            + rest.replace("LL", labels).replace("MM", more).replace("NN", other)
        ),
        NAMES,
        LABELS,
        LABELS,
        LABELS,
        NAMES,
    )


RBAC = "rbac.authorization.k8s.io/v1"
SPEC = (
    "spec: {serviceAccountName: NN, containers: [{name: a}], "
    "volumes: [{name: d, persistentVolumeClaim: {claimName: NN}}]}"
)
JOBS = "spec: {template: {metadata: {labels: LL}, spec: {containers: [{name: a}]}}}"
OBJECTS = st.one_of(
    named("Pod", SPEC),
    named("Job", JOBS, "batch/v1"),
    named("NetworkPolicy", "spec: {podSelector: {matchLabels: LL}}", "networking.k8s.io/v1"),
    named("Service", "spec: {selector: LL}"),
    named(
        "PodDisruptionBudget",
        "spec: {selector: {matchExpressions: [{key: x, operator: Exists}]}}",
        "policy/v1",
    ),
    named("ServiceAccount", ""),
    named(
        "RoleBinding",
        "roleRef: {kind: ClusterRole, name: NN}\nsubjects: [{kind: ServiceAccount, name: NN}]",
        RBAC,
    ),
    named("ClusterRoleBinding", "roleRef: {kind: ClusterRole, name: NN}", RBAC),
    named("ClusterRole", "rules: []", RBAC),
    named(
        "ClusterRole",
        "aggregationRule: {clusterRoleSelectors: [{matchLabels: LL}, {matchLabels: MM}]}",
        RBAC,
    ),
    named("PersistentVolumeClaim", "spec: {storageClassName: s, selector: {matchLabels: LL}}"),
    named("PersistentVolume", "spec: {storageClassName: s, hostPath: {path: /NN}}"),
    named("Namespace", ""),
)


def step(name: str, subject: Object, index: Index) -> Iterator[Object]:
    relation = RELATIONS[name]
    for key in relation.look(subject):
        there = index.find(key)
        for one in chain(there, find_builtin(key, index)) if relation.builtin else there:
            if not (relation.others and one is subject) and (
                relation.holds is None or relation.holds(subject, one)
            ):
                yield one


def reached(name: str, starts: Iterable[Object], index: Index) -> list[Object]:
    found = list(starts)
    for one in found if name else ():
        found += [other for other in dict.fromkeys(step(name, one, index)) if other not in found]
    return found


def alone(name: str, subject: Object, index: Index) -> list[Object]:
    """What a relation leads to, found without anything that was found before."""
    relation = RELATIONS[name]
    found: dict[Object, None] = {}
    for start in reached(relation.before, [subject], index):
        ends = list(dict.fromkeys(step(name, start, index)))
        has_all = relation.after == "members" and any(not end.file for end in ends)
        for one in reached(relation.after, ends, index):
            if one.file or not has_all or one in ends:
                found[one] = None
    return list(found)


@settings(suppress_health_check=list(HealthCheck))
@given(texts=st.lists(OBJECTS, min_size=2, max_size=14))
def test_what_is_found_for_many_is_what_is_found_for_each(texts: list[str]) -> None:
    index, _ = Index().with_file("a.yaml", objects_of("a.yaml", "---\n".join(texts), RULES))
    followed = Followed(index)
    for subject in index.files.get("a.yaml", ()):
        bound = bind(subject, RELATIONS, followed)
        for name, links in bound.links[0].items():
            assert [link.object for link in links] == alone(name, subject, index), name
            assert not (links and leads_nowhere(subject, [name])), name
        for name, relation in RELATIONS.items():
            assert {*relation.look(subject)} <= frozenset().union(*bound.dependencies), name
