"""Which requests policies and bindings are about: rules, scopes and selectors.

Source: apiserver/pkg/admission/plugin/policy/matching and .../webhook/predicates/rules, v1.34.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.admission.before import NOT_KNOWN, UPDATE
from kscan_lsp.admission.model import GROUP
from kscan_lsp.kubernetes.kinds import CLUSTER_SCOPED_KINDS, GROUPS
from kscan_lsp.kubernetes.labels import selects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.admission.before import Was
    from kscan_lsp.admission.model import Concerns, ResourceRule
    from kscan_lsp.graph.index import Object

_VOWELS: Final = "aeiou"
_ONE_RESOURCE: Final = (
    ("extensions", "apps", frozenset({"deployments", "daemonsets", "replicasets"})),
    ("extensions", "networking.k8s.io", frozenset({"ingresses", "networkpolicies"})),
    ("", "events.k8s.io", frozenset({"events"})),
)
"""Resources that two groups serve: rules about one are about the other, unless they ask for an exact match."""
_NAME: Final = "kubernetes.io/metadata.name"
"""The label with its name that every Namespace has."""


class Request(Struct, frozen=True):
    """What is asked of the API server, as far as matching looks at it."""

    group: str
    version: str
    kind: str
    resource: str
    namespace: str
    """Empty for what has none."""
    name: str
    labels: dict[str, Any]
    around: dict[str, Any] | None
    """The labels of its namespace; None where no file says them."""
    before: dict[str, Any] | None = None
    """The labels of what it updates; None where it is created."""
    operations: tuple[str, ...] = NOT_KNOWN.operations
    """What it may be, in the order in which policies are asked."""
    unknown: str = ""
    """Why nobody knows what it updates; empty where somebody does, or nobody was asked."""
    same: bool = False
    """Whether it updates nothing, as all is as it was."""

    def as_a(self, operation: str) -> Request:
        """The request as one of the operations that it may be."""
        before = self.before if operation == UPDATE else None
        return replace(self, operations=(operation,), before=before)


def resource_of(kind: str) -> str:
    """The resource of a kind (`UnsafeGuessKindToResource` of apimachinery, but for `gateways`)."""
    name = kind.lower()
    if name == "endpoints":
        return name
    if name.endswith("s"):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in _VOWELS:
        return f"{name[:-1]}ies"
    return f"{name}s"


def request_of(one: Object, namespace: Object | None, was: Was = NOT_KNOWN) -> Request:
    """The request that creates or updates an object.

    Args:
        one: the object.
        namespace: the Namespace that it lives in, if a file has it.
        was: what it was before.
    """
    who = one.id
    lives = "" if is_cluster_scoped(one) else one.namespace
    around = labels_of(namespace) if namespace is not None else None
    if around is None and lives == "default":
        around = {}
    if around is not None:
        around = {**around, _NAME: lives}
    if who.kind == "Namespace" and not who.group:
        around = {**labels_of(one), _NAME: who.name}
    return Request(
        group=who.group,
        version=who.api_version.rpartition("/")[2],
        kind=who.kind,
        resource=resource_of(who.kind),
        namespace=lives,
        name=who.name,
        labels=labels_of(one),
        around=around,
        before=None if was.object is None else labels_of(was.object),
        operations=was.operations,
        unknown=was.why,
        same=was.same,
    )


def is_cluster_scoped(one: Object) -> bool:
    """Whether an object lives in no namespace; a custom kind does where the object names one."""
    return one.id.kind in CLUSTER_SCOPED_KINDS and one.id.group in GROUPS


def labels_of(one: Object) -> dict[str, Any]:
    """The labels of an object."""
    metadata = one.data.get("metadata")
    found = metadata.get("labels") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def is_exempt(one: Object) -> bool:
    """Whether no policy is ever asked about an object: those of admission could lock everybody out."""
    return one.id.group == GROUP


def operation_of(request: Request, *concerns: Concerns) -> str:
    """What a policy, and with it a binding, takes a manifest for: the first that it may be and that they are about.

    Returns:
        `CREATE` or `UPDATE`; nothing where they are about neither, or about updates alone and all is as it was.
    """
    found = [name for name in request.operations if all(_is_for(one, request, name) for one in concerns)]
    return "" if not found or (request.same and found == [UPDATE]) else found[0]


def _is_for(concerns: Concerns, request: Request, operation: str) -> bool:
    asked = concerns.rules is None or _any(concerns.rules, request, operation, concerns)
    return asked and not _any(concerns.excluded, request, operation, concerns)


def is_about(concerns: Concerns, request: Request) -> bool | None:
    """Whether its selectors select a request; None where no file has the labels that decide it."""
    labels = [request.labels] if request.before is None else [request.labels, request.before]
    if not any(_selected(concerns.objects, one) for one in labels):
        return False
    if not concerns.namespaces or (not request.namespace and request.kind != "Namespace"):
        return True
    if request.around is not None:
        return _selected(concerns.namespaces, request.around)
    if _keys(concerns.namespaces) <= {_NAME}:
        return _selected(concerns.namespaces, {_NAME: request.namespace})
    return None


def _selected(selector: dict[str, Any], labels: dict[str, Any]) -> bool:
    """Whether a selector selects some labels; one that Kubernetes refuses selects nothing."""
    try:
        return selects(selector, labels)
    except ValueError:
        return False


def _keys(selector: dict[str, Any]) -> set[object]:
    pairs, rules = selector.get("matchLabels"), selector.get("matchExpressions")
    found: set[object] = set(pairs) if isinstance(pairs, dict) else set()
    return found | {
        rule.get("key") for rule in (rules if isinstance(rules, list) else ()) if isinstance(rule, dict)
    }


def _any(rules: Iterable[ResourceRule], request: Request, operation: str, concerns: Concerns) -> bool:
    return any(_matches(rule, request, operation, equivalent=concerns.equivalent) for rule in rules)


def _matches(rule: ResourceRule, request: Request, operation: str, *, equivalent: bool) -> bool:
    if not {"*", operation} & set(rule.operations):
        return False
    if not {"*", "*/*", request.resource} & set(rule.resources):
        return False
    if rule.scope != "*" and (rule.scope == "Cluster") != (not request.namespace):
        return False
    if rule.names and request.name not in rule.names:
        return False
    if {"*", request.group} & set(rule.groups) and {"*", request.version} & set(rule.versions):
        return True
    return equivalent and bool({"*", *_groups(request)} & set(rule.groups))


def _groups(request: Request) -> set[str]:
    found = {request.group}
    for one, other, resources in _ONE_RESOURCE:
        if request.resource in resources and request.group in {one, other}:
            found |= {one, other}
    return found
