"""What a check judges one by one: each element of a resource with its path and the values CEL sees.

All elements of a resource share a `Scope`. The containers in it are made once, because most checks look at
them, and so is the security context that holds for each: the container's own over the pod's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp import cel, paths
from kscan_lsp.engine.digests import digest_of, written
from kscan_lsp.kubernetes.resources import CONTAINER_LISTS
from kscan_lsp.policy import targets
from kscan_lsp.policy.environment import CONTROLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kscan_lsp.engine.digests import Digest
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path

MAX_ELEMENTS: Final = 10_000
"""Elements one `each` may have in one object; an object with more is not evaluated."""
MAX_WORK: Final = 400_000
"""Values handed to CEL for one `each` in one object, about as many microseconds."""
_TOO_MANY: Final = "too many to judge; shorten the list, or split it over several objects"
FEW: Final = 30
"""Elements so few that their work need not be reckoned."""

_ABSENT: Final = ()

_OF_CONTAINERS: Final = frozenset({"container", "effective", "role"})

_ROLES: Final = {"containers": "container", "initContainers": "init", "ephemeralContainers": "ephemeral"}


class NotThereError(Exception):
    """An `each` met something that is not what Kubernetes has there; carries path and reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


class TooMuchError(NotThereError):
    """There is more to judge than can be judged between two keystrokes."""


class Scope(Struct):
    """What all elements of one resource share. `view` is the object as CEL sees it."""

    view: dict[str, Any]
    values: dict[str, Any]
    anchors: dict[str, Path]
    pod_problem: tuple[Path, str] | None
    containers: list[Element] | None = None
    digests: dict[tuple[str, str | None], Digest] = {}
    named: dict[tuple[str, object], cel.Json] = {}

    def pod(self) -> dict[str, Any]:
        """The pod's spec.

        Raises:
            NotThereError: there is none.
        """
        if self.pod_problem is not None:
            raise NotThereError(*self.pod_problem)
        pod: dict[str, Any] = self.values["pod"]
        return pod

    def digest(self, name: str, part: str | None) -> Digest:
        """As `Element.digest`, for all elements at once: of `container`, `effective` and `role` that of each container.

        `role` says which containers there are, too.
        """
        known = self.digests.get((name, part))
        if known is None:
            contained = name in _OF_CONTAINERS
            known = self._of_containers(name, part) if contained else digest_of(self._there(name), part)
            self.digests[name, part] = known
        return known

    def _there(self, name: str) -> object:
        if name not in self.values and name in self.anchors:
            # what is no pod has no variable, but paths lead into it
            return paths.lookup(self.view, self.anchors[name])
        return self.values.get(name, _ABSENT)

    def _of_containers(self, name: str, part: str | None) -> Digest:
        try:
            containers = _containers(self)
        except NotThereError as error:
            return written(str(error))
        if name == "role":
            return written([(e.path, e.values[name]) for e in containers])
        return tuple([digest_of(e.values[name], part) for e in containers])


class Element(Struct):
    """One thing being judged: where it is, and what CEL sees."""

    path: Path
    values: dict[str, Any]
    anchors: dict[str, Path]
    scope: Scope
    reads: cel.Reads = {}
    _activation: cel.Activation | None = None
    _digests: dict[tuple[str, str | None], Digest] = {}
    _named: dict[tuple[str, object], cel.Json] = {}

    @property
    def activation(self) -> cel.Activation:
        """The element's values, handed to CEL once."""
        if self._activation is None:
            self._activation = cel.bind(CONTROLS, self.shown())
        return self._activation

    def digest(self, name: str, part: str | None) -> Digest:
        """What tells the value of a variable, or of one field of it, from others: equal only where that is."""
        value = self.values.get(name, _ABSENT)
        known = self.scope.digests if value is self.scope.values.get(name) else self._digests
        found = known.get((name, part))
        if found is None:
            found = known[name, part] = digest_of(value, part)
        return found

    def named(self, related: cel.Expression) -> cel.Json:
        """What a `related` names, None where it fails; many checks ask the same."""
        values, scope = self.values, self.scope
        # mostly, what an object is related to is the same for all of it; an item can be null
        alike = all(
            values.get(name, _ABSENT) is scope.values.get(name, _ABSENT)
            for name in cel.fields_read([related])
        )
        known = scope.named if alike else self._named
        key = (related.source, related.let)
        if key not in known:
            answer = cel.evaluate(related, self.activation)
            known[key] = None if isinstance(answer, cel.Failed) else answer
        return known[key]

    def shown(self) -> dict[str, Any]:
        """As much of the values as the checks read."""
        values = self.values
        shown: dict[str, Any] = {}
        for name, fields in self.reads.items():
            if name in values:
                value = values[name]
                if fields is not None and isinstance(value, dict):
                    value = {field: value[field] for field in fields if field in value}
                shown[name] = value
        return shown


def scope_of(
    resource: Resource,
    view: dict[str, Any],
    inputs: Mapping[str, list[str]],
    related: Mapping[str, list[dict[str, Any]]],
    kubernetes_minor: int,
) -> Scope:
    """What the elements of a resource share.

    Args:
        resource: the resource.
        view: its data as CEL may see it (`cel.view`).
        inputs: the lists that expressions may read.
        related: other objects by relation.
        kubernetes_minor: the Kubernetes version that manifests are for.
    """
    values: dict[str, Any] = {
        "object": view,
        "inputs": inputs,
        "relations": related,
        "kubernetesMinor": kubernetes_minor,
    }
    anchors: dict[str, Path] = {"object": ()}
    path = resource.template_path
    if path is None:
        return Scope(view, values, anchors, ((), "it runs no pods"))
    where = (*path, "spec")
    anchors |= {"podTemplate": path, "pod": where}
    template = paths.lookup(view, path)
    pod = paths.lookup(view, where)
    if not isinstance(pod, dict):
        return Scope(view, values, anchors, (where, f"there is no pod at {paths.show(where)}"))
    return Scope(view, {**values, "podTemplate": template, "pod": pod}, anchors, None)


def elements(each: targets.Each, scope: Scope, reads: cel.Reads) -> list[Element]:
    """What an `each` names in a resource, in the order of the text.

    Args:
        each: what to look for.
        scope: the resource.
        reads: what the checks to come read (`cel.fields_read`).

    Raises:
        NotThereError: something on the way is not what Kubernetes has there.
        TooMuchError: there are too many elements, or too large ones.
    """
    if each.start == "containers":
        starts = [(container, container.values["container"]) for container in _containers(scope)]
        where = (*scope.anchors["pod"], "containers")
    else:
        if each.start != "object":
            scope.pod()
        where = scope.anchors[each.start]
        starts = [(Element(where, scope.values, scope.anchors, scope), scope.values[each.start])]
    found: list[Element] = []
    for start, value in starts:
        found += _items(each, start, value)
        if len(found) > MAX_ELEMENTS:
            raise TooMuchError(where, f"more than {MAX_ELEMENTS:,} entries are {_TOO_MANY}")
    for element in found:
        element.reads = reads
    if len(found) > FEW and _work(found) > MAX_WORK:
        raise TooMuchError(where, f"{len(found):,} entries of this size are {_TOO_MANY}")
    return found


def _work(found: list[Element]) -> int:
    """How many values would be handed to CEL, shared ones counted every time."""
    weights: dict[int, int] = {}

    def weight(value: object) -> int:
        if not isinstance(value, dict | list):
            return 1
        known = weights.get(id(value))
        if known is None:
            known = weights[id(value)] = 1 + sum(
                map(weight, value.values() if isinstance(value, dict) else value)
            )
        return known

    total = 0
    for element in found:
        for value in element.shown().values():  # made for the occasion where it is a part, so not remembered
            total += sum(map(weight, value.values())) if isinstance(value, dict) else weight(value)
        if total > MAX_WORK:
            break
    return total


def _containers(scope: Scope) -> list[Element]:
    if scope.containers is not None:
        return scope.containers
    pod, pod_path = scope.pod(), scope.anchors["pod"]
    if not pod.get("containers"):
        raise NotThereError((*pod_path, "containers"), "the pod has no containers")
    inherited = pod.get("securityContext")
    inherited = inherited if isinstance(inherited, dict) else {}
    inherited = {key: inherited[key] for key in targets.INHERITED if key in inherited}
    found: list[Element] = []
    for listed in CONTAINER_LISTS:
        items = pod.get(listed, [])
        if not isinstance(items, list):
            raise NotThereError((*pod_path, listed), f"{listed} is not a list")
        for index, container in enumerate(items):
            path = (*pod_path, listed, index)
            if not isinstance(container, dict):
                raise NotThereError(path, "a container must be a mapping")
            own = container.get("securityContext")
            sidecar = listed == "initContainers" and container.get("restartPolicy") == "Always"
            values = {
                **scope.values,
                "container": container,
                "effective": {**inherited, **own} if isinstance(own, dict) else inherited,
                "role": "sidecar" if sidecar else _ROLES[listed],
            }
            found.append(Element(path, values, {**scope.anchors, "container": path}, scope))
    scope.containers = found
    return found


def _items(each: targets.Each, start: Element, value: object) -> Iterator[Element]:
    """Follow the steps of an `each`; what is absent has no elements, what has the wrong type is an error."""
    if not each.steps:
        yield Element(start.path, start.values, start.anchors, start.scope)
        return
    level: list[tuple[Any, Path, dict[str, Any]]] = [(value, start.path, {})]
    for step in each.steps:
        following: list[tuple[Any, Path, dict[str, Any]]] = []
        for here, where, bound in level:
            if step is paths.EACH:
                if isinstance(here, list):
                    following += [(item, (*where, n), {"index": n}) for n, item in enumerate(here)]
                elif isinstance(here, dict):
                    following += [(item, (*where, key), {"key": key}) for key, item in here.items()]
                else:
                    raise NotThereError(where, f"{paths.show(where)} is neither a list nor a mapping")
            elif isinstance(here, dict):
                if step in here:
                    following.append((here[step], (*where, step), bound))
            elif isinstance(here, list) and isinstance(step, int):
                if step < len(here):
                    following.append((here[step], (*where, step), bound))
            else:
                raise NotThereError(where, f"{paths.show(where)} is not a mapping")
        level = following
        if len(level) > MAX_ELEMENTS:
            raise TooMuchError(start.path, f"more than {MAX_ELEMENTS:,} entries are {_TOO_MANY}")
    for item, where, bound in level:
        anchors = {**start.anchors, "item": where}
        yield Element(where, {**start.values, **bound, "item": item}, anchors, start.scope)
