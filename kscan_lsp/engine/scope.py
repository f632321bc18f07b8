"""What expressions see of a resource: the values that hold for all of it, and those of each element that is judged.

All elements of a resource share a `Scope`. The containers in it are made once, because most checks look at
them, and so is the security context that holds for each: the container's own over the pod's.

Left out on purpose: which elements a check judges (`elements.py`).
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from kscan_lsp import cel, paths
from kscan_lsp.engine.digests import digest_of
from kscan_lsp.kubernetes.composed_pods import COMPOSED
from kscan_lsp.kubernetes.images import images_in
from kscan_lsp.kubernetes.pod_templates import pod_of
from kscan_lsp.kubernetes.schema import CONTAINER_LISTS
from kscan_lsp.kubernetes.security_context import effective, inherited_from
from kscan_lsp.policy.environment import CONTROLS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kscan_lsp.engine.digests import Digest, Digests
    from kscan_lsp.engine.related import References, RelatedByName
    from kscan_lsp.evidence.model import Evidence
    from kscan_lsp.kubernetes.composed_pods import Composed
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset

Dependency: TypeAlias = tuple[str, str | None]
"""A variable that a check reads, and one field of it, or None for all of it."""

_ABSENT: Final = b""  # no value of a manifest is one like this
_OF_CONTAINERS: Final = frozenset({"container", "effective", "role"})
OF_ITEMS: Final = frozenset({"item", "index", "key"})
"""The variables that are another for each element of a list or a mapping."""
_ROLES: Final = {"containers": "container", "initContainers": "init", "ephemeralContainers": "ephemeral"}


class NotThereError(Exception):
    """An `each` met something that is not what Kubernetes has there; carries path and reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


class Scope(Struct):
    """What all elements of one pod template of a resource share, or of a resource without any.

    `view` is the object as CEL sees it, with a pod template that was put together beside its fields.
    """

    view: dict[str, Any]
    values: dict[str, Any]
    anchors: dict[str, Path]
    pod_problem: tuple[Path, str] | None
    known_digests: Digests
    """Those that were found before, of this resource as it was and of others."""
    digests: dict[tuple[str, str | None], Digest]
    template: int = 0
    """Its number among the pod templates of the resource."""
    partial: bool = False
    """Whether only what is written counts."""
    composed: Composed | None = None
    containers: list[Element] | None = None
    long: frozenset[str] = frozenset()
    """The relations whose lists are long."""
    related: dict[tuple[str, object], References] = {}
    conditions: dict[tuple[object, ...], bool] = {}
    """Whether conditions of fixes hold, by the digests of what they read."""

    def pod(self) -> dict[str, Any]:
        """The pod's spec.

        Raises:
            NotThereError: there is none.
        """
        if self.pod_problem is not None:
            raise NotThereError(*self.pod_problem)
        pod: dict[str, Any] = self.values["pod"]
        return pod

    @property
    def place(self) -> object:
        """What tells the pod from others in the same resource, and where its parts are written."""
        if self.pod_problem is not None:
            return None  # so that what was found in one that is there is not taken for it
        made = self.composed
        written = made and (*made.places.items(), *made.patched.items(), *made.partial)
        return self.template, self.anchors.get("pod"), written

    def is_partial(self, container: Path | None) -> bool:
        """Whether only what is written counts of the pod, or of one of its containers."""
        return self.partial or (self.composed is not None and container in self.composed.partial)

    def written_at(self, path: Path) -> Path:
        """Where something that was looked at is written in the resource."""
        return path if self.composed is None else self.composed.written_at(path)

    def digest(self, name: str, field: str | None) -> Digest:
        """As `Element.digest`, for all elements at once: of `container`, `effective` and `role` that of each container.

        `role` says which containers there are, too.
        """
        known = self.digests.get((name, field))
        if known is None:
            if name in _OF_CONTAINERS:
                known = self._of_containers(name, field)
            else:
                value = self.values.get(name, _ABSENT)
                if value is _ABSENT and name in self.anchors:
                    # what is no pod has no variable, but paths lead into it
                    value = paths.lookup(self.view, self.anchors[name])
                known = self.known_digests.of(value, field)
            self.digests[name, field] = known
        return known

    def _of_containers(self, name: str, field: str | None) -> Digest:
        try:
            containers = self.containers or containers_of(self)
        except NotThereError as error:
            return digest_of(str(error))
        if name == "role":
            # with `place`, all of where they are: each list is in order, and has roles of its own
            return ",".join([e.values[name] for e in containers]).encode()
        digests: list[Digest] = []
        for one in containers:
            found = one.of_container.get((name, field))
            if found is None:
                found = self.known_digests.of(one.values[name], field)
                one.of_container[name, field] = found
            digests.append(found)
        return tuple(digests)


class Element(Struct):
    """One thing being judged: where it is, and what CEL sees."""

    path: Path
    values: dict[str, Any]
    scope: Scope
    named: str = ""
    """What paths call it: `container` or `item`; empty for what a scope has a name for."""
    within: Element | None = None
    """The container, or what else an item is in."""
    reads: cel.Reads = {}
    _activation: cel.Activation | None = None
    _without_long: cel.Activation | None = None
    of_container: dict[Dependency, Digest] = {}
    """The digests that all elements of a container share."""
    _digests: dict[Dependency, Digest] = {}
    _related: dict[tuple[str, object], References] = {}

    @property
    def anchors(self) -> dict[str, Path]:
        """Where what paths begin with stands: made when a path is looked for, which is seldom."""
        around = self.scope.anchors if self.within is None else self.within.anchors
        return {**around, self.named: self.path} if self.named else around

    @property
    def activation(self) -> cel.Activation:
        """The element's values, handed to CEL once."""
        if self._activation is None:
            self._activation = cel.bind(CONTROLS, self.values, self.reads)
        return self._activation

    @property
    def without_long_lists(self) -> cel.Activation:
        """The same for expressions that read no long list of related objects: reading one converts them all."""
        long = self.scope.long
        if not long:
            return self.activation
        if self._without_long is None:
            lists = self.values.get("relations", {})
            short = {name: one for name, one in lists.items() if name not in long}
            self._without_long = cel.bind(CONTROLS, {**self.values, "relations": short}, self.reads)
        return self._without_long

    def digest(self, name: str, field: str | None) -> Digest:
        """What tells the value of a variable, or of one field of it, from others: equal only where that is."""
        return self.key(((name, field),))[0]

    def key(self, read: tuple[Dependency, ...]) -> tuple[Digest, ...]:
        """The digests of some variables, or of fields of them."""
        found: list[Digest] = []
        scope = self.scope
        for one in read:
            name, field = one
            if name not in _OF_CONTAINERS and name not in OF_ITEMS:
                found.append(scope.digest(name, field))
                continue
            known = self.of_container if name in _OF_CONTAINERS else self._digests
            if one not in known:
                known[one] = scope.known_digests.of(self.values.get(name, _ABSENT), field)
            found.append(known[one])
        return tuple(found)

    def related(
        self, expression: cel.Expression, evaluate: Callable[[cel.Expression], References]
    ) -> References:
        """The references that a `related` gives; many checks have the same."""
        values, scope = self.values, self.scope
        # mostly, what an object is related to is the same for all of it; an item can be null
        alike = all(
            values.get(name, _ABSENT) is scope.values.get(name, _ABSENT) for name in cel.reads_of(expression)
        )
        known = scope.related if alike else self._related
        key = (expression.source, expression.let)
        if key not in known:
            known[key] = evaluate(expression)
        return known[key]

    def reads_long_list(self, expression: cel.Expression) -> bool:
        """Whether an expression reads a long list of related objects."""
        long = self.scope.long
        if not long:
            return False
        fields = cel.reads_of(expression).get("relations", frozenset[str]())
        return fields is None or not long.isdisjoint(fields)

    def read_by(
        self, expression: cel.Expression, given: Mapping[str, Any] = MappingProxyType({})
    ) -> cel.Activation:
        """What one expression reads, and nothing else, handed to CEL; `given` is added, a mapping to a mapping."""
        values = cel.parts_read(self.values, cel.reads_of(expression))
        for name, value in given.items():
            values[name] = {**values.get(name, {}), **value} if isinstance(value, dict) else value
        return cel.bind(CONTROLS, values)

    def digests_of(self, expression: cel.Expression) -> tuple[Digest, ...]:
        """The digests of all that an expression reads."""
        return self.key(cel.variables_of(expression))


def scope_of(
    resource: Resource,
    view: dict[str, Any],
    *,
    ruleset: Ruleset,
    evidence: Evidence,
    related: RelatedByName | None,
    digests: Digests,
    number: int = 0,
) -> Scope:
    """What the elements of a pod template of a resource share, or of a resource that has none.

    Args:
        resource: the resource.
        view: its data as CEL may see it (`cel.view`).
        ruleset: what it is judged by.
        evidence: what is known besides.
        related: other objects by relation.
        digests: those that were found before.
        number: which of its pod templates.
    """
    template = resource.templates[number] if resource.templates else None
    values: dict[str, Any] = {
        "object": view,
        "objectName": resource.id.shown_name,
        "inputs": ruleset.inputs,
        "relations": {} if related is None else related.lists,
        "kubernetesMinor": ruleset.kubernetes_minor,
        "unneeded": _listed(template.place.unneeded if template else ()),
    }
    if ruleset.root is not None:
        values["path"] = resource.file
    if ruleset.typed_inputs:
        values |= ruleset.typed_inputs
    # lists of objects and facts know their digests: they can be many
    known: dict[tuple[str, str | None], Digest] = {} if related is None else related.digests()
    long: frozenset[str] = frozenset() if related is None else related.long
    anchors: dict[str, Path] = {"object": ()}
    if template is None:
        values |= _evidence(evidence, None, known)
        return Scope(view, values, anchors, ((), "it runs no pods"), digests, known, long=long)
    view, path, where, made = pod_of(view, template)
    if made is not None and made.patched:
        # what comes from a patch was not looked at before
        view = {**view, COMPOSED: cel.view(made.template).value}
    anchors |= {"podTemplate": path, "pod": where}
    pod = paths.lookup(view, where)
    values |= _evidence(evidence, pod, known)
    problem = None
    if isinstance(pod, dict):
        values |= {"podTemplate": paths.lookup(view, path), "pod": pod}
    else:
        problem = (where, f"there is no pod at {paths.show(where)}")
    return Scope(
        view, values, anchors, problem, digests, known, number, template.place.partial,
        composed=made, long=long,
    )  # fmt: skip


def _evidence(
    evidence: Evidence, pod: object, known: dict[tuple[str, str | None], Digest]
) -> dict[str, dict[str, Any]]:
    """What an object that runs a pod sees of evidence; notes its digests."""
    if not evidence.kinds:
        return {}
    images = images_in(pod)
    seen = {kind: one.about(images) for kind, one in evidence.kinds.items()}
    known |= {("evidence", kind): one.digest for kind, one in seen.items()}
    known["evidence", None] = digest_of(sorted((kind, one.digest) for kind, one in seen.items()))
    return {"evidence": {kind: one.data for kind, one in seen.items()}}


@cache
def _listed(unneeded: tuple[str, ...]) -> list[str]:
    """What CEL is handed: one list for all pods that do without the same."""
    return list(unneeded)


def containers_of(scope: Scope) -> list[Element]:
    """The containers of all lists of a pod, with what holds for each.

    Raises:
        NotThereError: there are none, or something that is not what Kubernetes has there.
    """
    if scope.containers is not None:
        return scope.containers
    pod, pod_path = scope.pod(), scope.anchors["pod"]
    if not pod.get("containers") and not scope.partial:
        raise NotThereError((*pod_path, "containers"), "the pod has no containers")
    inherited = inherited_from(pod)
    found: list[Element] = []
    for listed in CONTAINER_LISTS:
        items = pod.get(listed, [])
        if not isinstance(items, list):
            raise NotThereError((*pod_path, listed), f"{listed} is not a list")
        for index, container in enumerate(items):
            path = (*pod_path, listed, index)
            if not isinstance(container, dict):
                raise NotThereError(path, "a container must be a mapping")
            sidecar = listed == "initContainers" and container.get("restartPolicy") == "Always"
            values = scope.values.copy()
            values["container"] = container
            values["effective"] = effective(inherited, container)
            values["role"] = "sidecar" if sidecar else _ROLES[listed]
            found.append(Element(path, values, scope, "container"))
    scope.containers = found
    return found
