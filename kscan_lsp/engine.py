"""check(resource, ruleset) -> what every control says about it. Pure: no files, no state, no exceptions on user input.

For each thing a control judges one by one, an Element is made with its path and the values CEL sees; all checks of
that thing share the one activation. A control ends in one of three ways for a resource: it failed (there are
findings), it passed, or it could not be evaluated, which is said and counted and never taken for a pass.

Left out on purpose: suppression and settings beyond the ruleset. Fixes are verified on what is found here, before
anything hides it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import cel, paths, targets
from kscan_lsp.fields import misfits
from kscan_lsp.findings import Finding, Problem, Related
from kscan_lsp.resources import CONTAINER_LISTS, resources_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.documents import Document
    from kscan_lsp.paths import Path
    from kscan_lsp.checks import Check, Fix
    from kscan_lsp.resources import Resource
    from kscan_lsp.ruleset import Ruleset

MAX_ELEMENTS: Final = 10_000
"""Elements one `each` may have in one object; an object with more is not evaluated."""


_ROLES: Final = {"containers": "container", "initContainers": "init", "ephemeralContainers": "ephemeral"}


@dataclass(frozen=True, slots=True)
class Unevaluated:
    """A control that could not be evaluated for a resource, where, and why."""

    control: str
    path: Path
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What the controls say about one resource. A control is in exactly one of the three."""

    resource: Resource
    findings: tuple[Finding, ...]
    failed: frozenset[str]
    passed: frozenset[str]
    unevaluated: tuple[Unevaluated, ...]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Element:
    """One thing being judged: where it is, and what CEL sees."""

    path: Path
    values: dict[str, Any]
    anchors: dict[str, Path]
    container: str = ""
    _activation: cel.Activation | None = field(default=None, repr=False)

    @property
    def activation(self) -> cel.Activation:
        """The element's values, handed to CEL once."""
        if self._activation is None:
            self._activation = cel.bind(self.values)
        return self._activation


@dataclass(frozen=True, slots=True)
class Hit:
    """A check that failed on an element, with where it points."""

    check: Check
    element: Element
    path: Path


class NotThereError(Exception):
    """An `each` met something that is not what Kubernetes has there; carries path and reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def check_document(document: Document, ruleset: Ruleset) -> tuple[Verdicts, ...]:
    """Judge every resource that a document declares, in the document's order."""
    return tuple(check(resource, ruleset) for resource in resources_of(document, ruleset.pod_spec_paths))


def check(resource: Resource, ruleset: Ruleset) -> Verdicts:
    """Judge one resource by every control that looks at its kind."""
    plan, controls = ruleset.plan(resource.id.group, resource.id.kind, workload=resource.workload)
    problems = tuple(
        Problem(resource.span(path).span, message, "type") for path, message in misfits(resource.id.kind, resource.data)
    )
    hits, failures = _run(resource, ruleset, plan)
    findings = _findings(resource, ruleset, hits)
    failed = frozenset(finding.control for finding in findings)
    unevaluated = {u.control: u for u in reversed(failures) if u.control not in failed}
    if problems:
        path, message = misfits(resource.id.kind, resource.data)[0]
        for control in controls:
            if control not in failed:
                unevaluated.setdefault(control, Unevaluated(control, path, message))
    passed = frozenset(controls) - failed - unevaluated.keys()
    return Verdicts(resource, findings, failed, passed, tuple(unevaluated.values()), problems)


def _run(resource: Resource, ruleset: Ruleset, plan: Any) -> tuple[list[Hit], list[Unevaluated]]:
    hits: list[Hit] = []
    failures: list[Unevaluated] = []
    if not plan:
        return hits, failures
    view, complete = cel.view(resource.data)
    if not complete:
        reason = "the object is too deep, too large or contains itself"
        return hits, [Unevaluated(c.control, (), reason) for _, checks in plan for c in checks]
    scope = _scope(resource, view, ruleset)
    for each, checks in plan:
        try:
            for element in _elements(each, scope):
                for made in checks:
                    _ask(made, element, scope, hits, failures)
        except NotThereError as error:
            failures += [Unevaluated(c.control, error.path, error.reason) for c in checks]
    return hits, failures


def _ask(made: Check, element: Element, scope: Scope, hits: list[Hit], failures: list[Unevaluated]) -> None:
    verdict = cel.deny(made.deny, element.activation)
    if verdict is False:
        return
    if verdict is True:
        path = _point(made, element, scope)
        if not isinstance(path, cel.Failed):
            hits.append(Hit(made, element, path))
            return
        verdict = path
    failures.append(Unevaluated(made.control, element.path, verdict.reason))


@dataclass(slots=True)
class Scope:
    """What all elements of one resource share."""

    view: dict[str, Any]
    values: dict[str, Any]
    anchors: dict[str, Path]
    pod: dict[str, Any] | None
    pod_problem: tuple[Path, str] | None
    containers: list[Element] | None = None


def _scope(resource: Resource, view: dict[str, Any], ruleset: Ruleset) -> Scope:
    values: dict[str, Any] = {"object": view, "inputs": ruleset.inputs}
    anchors: dict[str, Path] = {"object": ()}
    pod: dict[str, Any] | None = None
    problem: tuple[Path, str] | None = None
    if (path := resource.template_path) is not None:
        template = lookup(view, path)
        spec = template.get("spec") if isinstance(template, dict) else None
        anchors |= {"podTemplate": path, "pod": (*path, "spec")}
        if isinstance(spec, dict):
            pod = spec
            values |= {"podTemplate": template, "pod": spec}
        else:
            where = (*path, "spec")
            problem = (where, f"there is no pod at {paths.show(where)}")
    return Scope(view, values, anchors, pod, problem)


def _elements(each: targets.Each, scope: Scope) -> Iterator[Element]:
    if each.start == "containers":
        for container in _containers(scope):
            yield from _items(each, container, container.values["container"], container.path)
        return
    if each.start == "object":
        yield from _items(each, Element((), scope.values, scope.anchors), scope.view, ())
        return
    if scope.pod is None:
        raise NotThereError(*(scope.pod_problem or ((), "it runs no pods")))
    path = scope.anchors[each.start]
    yield from _items(each, Element(path, scope.values, scope.anchors), scope.values[each.start], path)


def _containers(scope: Scope) -> list[Element]:
    if scope.containers is not None:
        return scope.containers
    if scope.pod is None:
        raise NotThereError(*(scope.pod_problem or ((), "it runs no pods")))
    pod_path = scope.anchors["pod"]
    if not scope.pod.get("containers"):
        raise NotThereError((*pod_path, "containers"), "the pod has no containers")
    pod_security = scope.pod.get("securityContext")
    inherited = (
        {key: pod_security[key] for key in targets.INHERITED if key in pod_security}
        if isinstance(pod_security, dict)
        else {}
    )
    found: list[Element] = []
    for listed in CONTAINER_LISTS:
        items = scope.pod.get(listed, [])
        if not isinstance(items, list):
            raise NotThereError((*pod_path, listed), f"{listed} is not a list")
        for index, container in enumerate(items):
            path = (*pod_path, listed, index)
            if not isinstance(container, dict):
                raise NotThereError(path, "a container must be a mapping")
            own = container.get("securityContext")
            effective = {**inherited, **own} if isinstance(own, dict) else inherited
            role = "sidecar" if listed == "initContainers" and container.get("restartPolicy") == "Always" else _ROLES[listed]
            values = {**scope.values, "container": container, "effective": effective, "role": role}
            name = container.get("name")
            found.append(
                Element(path, values, {**scope.anchors, "container": path}, name if isinstance(name, str) else "")
            )
    scope.containers = found
    return found


def _items(each: targets.Each, start: Element, value: Any, path: Path) -> Iterator[Element]:
    """Follow the steps of an `each`; what is absent has no elements, what has the wrong type is an error."""
    if not each.steps:
        yield start
        return
    level: list[tuple[Any, Path, dict[str, Any]]] = [(value, path, {})]
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
            raise NotThereError(path, f"more than {MAX_ELEMENTS} entries")
    for item, where, bound in level:
        anchors = {**start.anchors, "item": where}
        yield Element(where, {**start.values, **bound, "item": item}, anchors, start.container)


def _point(made: Check, element: Element, scope: Scope) -> Path | cel.Failed:
    """Where a finding points: the first of `at` that exists, else the last."""
    path: Path = element.path
    for target in made.at:
        found = resolve(target, element, scope.view)
        if isinstance(found, cel.Failed):
            return found
        path = found
        if lookup(scope.view, path) is not None:
            break
    return path


def resolve(target: targets.Target, element: Element, view: dict[str, Any]) -> Path | cel.Failed:
    """The path a target means for an element."""
    parts = targets.fill(target, element.activation)
    if isinstance(parts, cel.Failed):
        return parts
    if target.anchor == "effective":
        own = (*element.anchors.get("container", element.path), "securityContext")
        pod = (*element.anchors.get("pod", ()), "securityContext")
        from_pod = (
            parts
            and parts[0] in targets.INHERITED
            and lookup(view, (*own, parts[0])) is None
            and lookup(view, (*pod, parts[0])) is not None
        )
        return (*(pod if from_pod else own), *parts)
    if target.anchor:
        if target.anchor not in element.anchors:
            return cel.Failed(f"there is no {target.anchor} here")
        return (*element.anchors[target.anchor], *parts)
    return (*element.path, *parts)


def lookup(value: Any, path: Path) -> Any:
    """The value at a path in plain data; None where there is none."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _findings(resource: Resource, ruleset: Ruleset, hits: list[Hit]) -> tuple[Finding, ...]:
    merged: dict[tuple[str, Path], list[Hit]] = {}
    for hit in hits:
        merged.setdefault((hit.check.control, hit.path), []).append(hit)
    findings = []
    blanked = resource.document.blanked
    for (control, path), group in merged.items():
        location = resource.span(path)
        if any(blank.start < location.extent.end and location.extent.start < blank.end for blank in blanked):
            continue  # what a repair took out may be just what the control looks for
        related: tuple[Related, ...] = ()
        if location.definition is not None:
            related = (Related(resource.id, path, location.definition, "the value comes from here"),)
        findings.append(
            Finding(
                control=control,
                severity=ruleset.severities[control],
                resource=resource.id,
                path=path,
                data=resource.data,
                message="; ".join(dict.fromkeys(cel.render(h.check.message, h.element.activation) for h in group)),
                span=location.span,
                related=related,
                fixable=all(applicable(h, ruleset) for h in group),
            )
        )
    findings.sort(key=lambda f: (f.span.start, f.control))
    return tuple(findings)


def applicable(hit: Hit, ruleset: Ruleset) -> list[tuple[Fix, str]]:
    """The fix of a check that failed with each value it may choose, as far as its condition holds.

    A fix without a choice comes once, with an empty value.
    """
    fix = hit.check.fix
    if fix is None:
        return []
    named = next((o.value for o in fix.operations if o.verb == "choose"), None)
    choices = [""] if named is None else list(ruleset.inputs.get(named, ()))
    if fix.when is None:
        return [(fix, choice) for choice in choices]
    held = []
    for choice in choices:
        activation = cel.bind({**hit.element.values, "choice": choice}) if choice else hit.element.activation
        if cel.deny(fix.when, activation) is True:
            held.append((fix, choice))
    return held


def hits_of(resource: Resource, ruleset: Ruleset, control: str, path: Path) -> tuple[list[Hit], dict[str, Any]]:
    """The failed checks behind one finding, and the view they were made on: what a fix starts from."""
    plan, _ = ruleset.plan(resource.id.group, resource.id.kind, workload=resource.workload)
    narrowed = tuple((each, tuple(c for c in checks if c.control == control)) for each, checks in plan)
    hits, _ = _run(resource, ruleset, narrowed)
    view, _ = cel.view(resource.data)
    return [hit for hit in hits if hit.path == path], view


def all_hits(resource: Resource, ruleset: Ruleset) -> tuple[dict[tuple[str, Path], list[Hit]], dict[str, Any]]:
    """The same for all findings of a resource at once, by control and path: one run in place of one for each."""
    plan, _ = ruleset.plan(resource.id.group, resource.id.kind, workload=resource.workload)
    hits, _ = _run(resource, ruleset, plan)
    grouped: dict[tuple[str, Path], list[Hit]] = {}
    for hit in hits:
        grouped.setdefault((hit.check.control, hit.path), []).append(hit)
    return grouped, cel.view(resource.data)[0]
