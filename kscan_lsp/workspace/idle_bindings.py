"""Bindings of admission policies that are about nothing in a workspace: mostly a selector or a rule that has a slip.

That is known only where all of a workspace was read, and is no fault: a cluster has more than a repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.admission.asking import read_binding, read_policy
from kscan_lsp.admission.before import DELETE
from kscan_lsp.admission.matching import is_about, is_cluster_scoped, is_exempt, operation_of, request_of
from kscan_lsp.admission.model import BINDING, BINDINGS, GROUP, MUTATING_BINDING
from kscan_lsp.admission.problems import span_of
from kscan_lsp.findings import UNUSED, Problem
from kscan_lsp.graph.index import key_of
from kscan_lsp.workspace.locations import location_in
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.admission.matching import Request
    from kscan_lsp.findings import Location
    from kscan_lsp.graph.index import Object
    from kscan_lsp.paths import Path
    from kscan_lsp.workspace.project import Project

MAX_OBJECTS: Final = 20_000
"""Objects that are looked at; of a project with more nothing is said."""


def idle_bindings(project: Project) -> Iterator[tuple[Location, Problem]]:
    """What is said of bindings in the files of a project that no object in it is about, each with its place."""
    ruleset = project.ruleset
    asked = {BINDING: ruleset.admission, MUTATING_BINDING: ruleset.mutates}
    bindings = [
        one
        for kind, on in asked.items()
        for one in (project.index.find(key_of("kind", kind)) if on else ())
        if one.id.group == GROUP and one.file in project.files
    ]
    for one, policy, path in _idle(bindings, project):
        span = span_of(read_document(one.document, json=one.json), (*one.root, *path))
        told = f"no object here is among those that this binding and policy '{policy.id.name}' are about"
        yield location_in(one.file, one.document, span, project), Problem(span, told, UNUSED)


def idle_at(binding: Object, project: Project) -> Path | None:
    """The field of a binding that no object of a project is about; None where there is one, or nobody knows."""
    return next((path for _, _, path in _idle([binding], project)), None)


def _idle(bindings: Sequence[Object], project: Project) -> Iterator[tuple[Object, Object, Path]]:
    """The bindings that no object is about, each with its policy and the field that says what it is about."""
    if not bindings:
        return
    requests: list[Request] = []
    for objects in project.index.declared.values():
        requests += [request_of(one, _namespace(one, project)) for one in objects if not is_exempt(one)]
        if len(requests) > MAX_OBJECTS:
            return
    for one in bindings:
        policy = next(
            project.index.find(key_of("object", BINDINGS[one.id.kind], "", read_binding(one).policy)), None
        )
        if policy is None or any(_is_about(policy, one, request) for request in requests):
            continue
        spec: Any = one.data.get("spec")
        at = "matchResources" if isinstance(spec, dict) and "matchResources" in spec else "policyName"
        yield one, policy, ("spec", at)


def _namespace(one: Object, project: Project) -> Object | None:
    if is_cluster_scoped(one):
        return None
    return next(project.index.find(key_of("object", "Namespace", "", one.namespace)), None)


def _is_about(policy: Object, binding: Object, request: Request) -> bool:
    """Whether a policy and its binding are about a request, or may be: the labels of a namespace are not known."""
    both = (read_policy(policy).matching, read_binding(binding).matching)
    # whatever is in a file may be deleted from a cluster
    operation = operation_of(request, *both) or operation_of(request.as_a(DELETE), *both)
    return bool(operation) and not any(is_about(one, request) is False for one in both)
