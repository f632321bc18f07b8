"""What Kubernetes has at the places that an expression reads: the fields that complete it, and its type.

The compiler takes a manifest for anything. Here a chain of fields is followed through the table of types that verdicts
rest on (`kubernetes/schema.py`), from what a check judges, through its names and macros. What is not in that table is
unknown.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from kscan_lsp import paths
from kscan_lsp.authoring.taken_apart import taken_apart, variable_of
from kscan_lsp.kubernetes.pod_templates import PLACES, fields_of
from kscan_lsp.kubernetes.schema import (
    BOOL,
    CONTAINER,
    INT,
    INT_OR_STR,
    KINDS,
    POD_SPEC,
    POD_TEMPLATE,
    QUANTITY,
    STR,
    groups_of,
)
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kscan_lsp.admission.expressions import Part
    from kscan_lsp.authoring.subjects import CheckShape
    from kscan_lsp.authoring.taken_apart import MacroVariable
    from kscan_lsp.policy.definitions import Entries
    from kscan_lsp.policy.inputs import Input

Tree: TypeAlias = Any
"""A type as `kubernetes/schema.py` writes it; None where nothing is known."""

NUMBER: Final = "a number"
MAX_STEPS: Final = 500
"""Parts that are looked at to find one type."""
_WORDS: Final = {STR: "string", INT: "int", BOOL: "bool", QUANTITY: "quantity", INT_OR_STR: "int or string",
                 NUMBER: "double"}  # fmt: skip
_WORKLOADS: Final = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "PodTemplate",
                     "ReplicationController")  # fmt: skip
_KIND_OF: Final = {
    "networkPolicies": "NetworkPolicy", "services": "Service", "disruptionBudgets": "PodDisruptionBudget",
    "autoscalers": "HorizontalPodAutoscaler", "serviceAccounts": "ServiceAccount", "configMaps": "ConfigMap",
    "secrets": "Secret", "persistentVolumeClaims": "PersistentVolumeClaim", "persistentVolumes": "PersistentVolume",
    "podSecurityPolicies": "PodSecurityPolicy",
}  # fmt: skip
"""Of relations that lead to one kind, which that is (`graph/relations.py`)."""
_ROLES: Final = {"roleBindings": ("RoleBinding", "ClusterRoleBinding"), "roles": ("Role", "ClusterRole"),
                 "members": ("ClusterRole",), "aggregators": ("ClusterRole",), "bindableRoles": ("Role", "ClusterRole"),
                 "workloads": _WORKLOADS}  # fmt: skip
_OF_A_KIND: Final = regex(r"(?:namespace|all|owned):(\w+)")
_SAME: Final = frozenset({"filter", "or", "orValue", "value", "sort", "distinct", "reverse"})
_BOUND: Final = frozenset({"map", "optMap", "optFlatMap"})


def roots_of(shape: CheckShape | None, inputs: Mapping[str, Input], evidence: str = "") -> dict[str, Tree]:
    """What the variables hold that a check can read.

    Args:
        shape: what it judges; None where nobody knows.
        inputs: those there are, each with a value.
        evidence: the kind that its control reads.
    """
    found: dict[str, Tree] = {
        "object": _objects(shape),
        "objectName": STR,
        "kubernetesMinor": INT,
        "path": STR,
        "inputs": {name: _of_input(value) for name, value in sorted(inputs.items())},
        "unneeded": [STR],
        "evidence": {evidence: None} if evidence else {},
    }
    if shape is None:
        return found
    if shape.match is None or shape.each.start != "object":
        found |= {"podTemplate": POD_TEMPLATE, "pod": POD_SPEC}
    if shape.each.start == "containers":
        found |= {"container": CONTAINER, "effective": CONTAINER["securityContext"], "role": STR}
    if shape.each.steps:
        starts = {"containers": CONTAINER, "pod": POD_SPEC, "podTemplate": POD_TEMPLATE}
        found["item"] = starts.get(shape.each.start, found["object"])
        for step in shape.each.steps:
            tree = found["item"]
            if step is paths.EACH:
                found |= (
                    {"key": STR}
                    if isinstance(tree, tuple)
                    else {"index": INT}
                    if tree
                    else {"key": STR, "index": INT}
                )
                found["item"] = _entry(tree)
            else:
                found["item"] = tree.get(step) if isinstance(tree, dict) else None
    found["relations"] = {
        relation.replace(".", "_").replace(":", "_"): [
            {"object": _related(relation), "ref": {"relation": STR, "index": INT}, "via": [{"relation": STR}]}
        ]
        for relation in shape.relations.values()
    }
    return found


class Types:
    """Finds the types of parts of one expression."""

    def __init__(self, roots: Mapping[str, Tree], let: Entries) -> None:
        self.roots = roots
        self.let = let
        self.left = MAX_STEPS

    def of(self, part: Part, bound: Mapping[str, Tree]) -> Tree:
        """The type of a part; `bound` has the names that macros bind around it."""
        self.left -= 1
        if self.left < 0:
            return None
        match part.kind, part.name:
            case "name", name:
                return bound[name] if name in bound else self.named(name)
            case "select", name:
                return _field(self.of(part.parts[0], bound), name)
            case "index", _:
                index = parts_text(part.parts[1])
                inside = self.of(part.parts[0], bound)
                return _field(inside, index) if index and isinstance(inside, dict) else _entry(inside)
            case "condition", _:
                return self.of(part.parts[1], bound) or self.of(part.parts[2], bound)
            case "operator", "+":
                return self.of(part.parts[0], bound) or self.of(part.parts[1], bound)
            case "list", _:
                return [self.of(part.parts[0], bound)] if part.parts else None
            case "call", name if part.parts:
                return self.called(part, name, bound)
        return None

    def called(self, part: Part, name: str, bound: Mapping[str, Tree]) -> Tree:
        """What a call gives, as far as it is a part of what it is called on."""
        variable = variable_of(part)
        inside = bound if variable is None else {**bound, variable.name: self.bound_by(part, bound)}
        if name in _SAME and part.method:
            return self.of(part.parts[0], bound) or (
                self.of(part.parts[1], bound) if name == "orValue" and part.parts[1:] else None
            )
        if name in _BOUND and variable is not None:
            made = self.of(part.parts[-1], inside)
            return made if name != "map" else None if made is None else [made]
        if name == "bind" and variable is not None:
            return self.of(part.parts[-1], inside)
        if name in {"dyn", "optional.of", "of", "optional"} and part.parts:
            return self.of(part.parts[-1], bound)
        return None

    def bound_by(self, part: Part, bound: Mapping[str, Tree]) -> Tree:
        """The type of what a macro binds."""
        variable = variable_of(part)
        if variable is None:
            return None
        given = part.parts[2 if variable.kind == "value" else 0]
        return _given(variable, self.of(given, bound))

    def of_variable(self, variable: MacroVariable, source: str, bound: Mapping[str, Tree]) -> Tree:
        """The type of a name that a macro binds, of which it is known what it is bound to."""
        part = taken_apart(source[variable.start : variable.end])
        return None if part is None else _given(variable, self.of(part, bound))

    def bound_to(self, variables: Sequence[MacroVariable], source: str) -> dict[str, Tree]:
        """The types of the names that macros bind around a place, outermost first."""
        found: dict[str, Tree] = {}
        for one in variables:
            found[one.name] = self.of_variable(one, source, found)
        return found

    def named(self, name: str) -> Tree:
        """The type of a variable, or of a name that is bound around the expression."""
        for number in reversed(range(len(self.let))):
            known, source = self.let[number]
            if known == name:
                part = taken_apart(source)
                inner = Types(self.roots, self.let[:number])
                inner.left = self.left // 2
                return None if part is None else inner.of(part, {})
        return self.roots.get(name)


def parts_text(part: Part) -> str:
    """A text constant; empty for anything else."""
    return part.name[1:-1] if part.kind == "literal" and part.name[:1] in "'\"" else ""


def fields_in(tree: Tree) -> dict[str, Tree]:
    """The fields that something has, as far as they have names."""
    return tree if isinstance(tree, dict) else {}


def in_words(tree: Tree, depth: int = 0) -> str:
    """A type for people, as CEL writes types; empty where nothing is known."""
    if isinstance(tree, str):
        return _WORDS.get(tree, tree)
    if isinstance(tree, list):
        inner = in_words(tree[0], depth + 1)
        return f"list({inner or 'dyn'})"
    if isinstance(tree, tuple):
        inner = in_words(tree[1], depth + 1)
        return f"map(string, {inner or 'dyn'})"
    if isinstance(tree, dict) and tree:
        names = ", ".join([*tree][:MAX_NAMES])
        return "object" if depth else f"object with {names}{', …' if len(tree) > MAX_NAMES else ''}"
    return ""


MAX_NAMES: Final = 8
"""Fields that a type is told by."""


def fields_of_kinds(kinds: Mapping[str, tuple[str, ...]]) -> Tree:
    """The fields of objects of some kinds together, by kind with the groups that count for each."""
    trees = [
        {"apiVersion": STR, "kind": STR, **fields_of(group, kind, PLACES.get((group, kind), ()))}
        for kind, groups in kinds.items()
        for group in groups
    ]
    return reduce(_both, trees, {"apiVersion": STR, "kind": STR, **fields_of("", "", ())})


def _objects(shape: CheckShape | None) -> Tree:
    if shape is None:
        return fields_of_kinds({})
    if shape.match is None:
        return fields_of_kinds({kind: groups_of(kind) for kind in _WORKLOADS})
    return fields_of_kinds(
        {
            kind: tuple(g for g in groups if g != "*") or groups_of(kind)
            for groups, kinds in shape.match
            for kind in kinds
            if kind != "*"
        }
    )


def _related(relation: str) -> Tree:
    """The type of the objects that a relation leads to."""
    last = relation.rpartition(".")[2]
    found = _OF_A_KIND.fullmatch(last)
    kinds = (found[1],) if found else _ROLES.get(last) or ((_KIND_OF[last],) if last in _KIND_OF else ())
    return fields_of_kinds({kind: groups_of(kind) for kind in kinds if kind in KINDS})


def _of_input(value: Input) -> Tree:
    if isinstance(value, bool | int):
        return INT
    if isinstance(value, float):
        return NUMBER
    return [STR] if isinstance(value, tuple | list) else ("map", [STR])


def _given(variable: MacroVariable, tree: Tree) -> Tree:
    """The type of what a macro binds to a name."""
    if variable.kind != "entry":
        return tree
    return STR if isinstance(tree, dict) or _is_map(tree) else _entry(tree)


def _field(tree: Tree, name: str) -> Tree:
    if isinstance(tree, dict):
        return tree.get(name)
    return tree[1] if _is_map(tree) else None


def _is_map(tree: Tree) -> bool:
    return isinstance(tree, tuple)


def _entry(tree: Tree) -> Tree:
    """The type of what a list or a map has."""
    if isinstance(tree, list):
        return tree[0]
    return tree[1] if isinstance(tree, tuple) else None


def _both(one: Tree, other: Tree) -> Tree:
    """Two types as one: all fields of both."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**other, **{key: _both(value, other.get(key)) for key, value in one.items()}}
    if isinstance(one, list) and isinstance(other, list):
        return [_both(one[0], other[0])]
    return one if one is not None else other
