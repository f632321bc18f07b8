"""What a check judges, found again for an expression of it: in the manifests of its tests, and in those that are open.

A check that is being written may not compile, so of its own file only `match`, `each` and `relations` are asked, as far
as they can be read. All else is bound as for a verdict (`engine/scope.py`).
"""

from __future__ import annotations

from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace

from kscan_lsp import cel
from kscan_lsp.engine.digests import Digests
from kscan_lsp.engine.elements import elements
from kscan_lsp.engine.related import RelatedLists, RelatedObjects
from kscan_lsp.engine.scope import NotThereError, scope_of
from kscan_lsp.engine.spaces import spoken_for
from kscan_lsp.graph.binding import Bound, Followed, bind
from kscan_lsp.graph.index import Index
from kscan_lsp.graph.references import object_of
from kscan_lsp.graph.relations import unknown
from kscan_lsp.graph.spaces import SPEAKERS, UNDECLARED, also_by_namespace
from kscan_lsp.kubernetes.resources import Resource, resources_of
from kscan_lsp.policy.inputs import TEXTS, declared, kind_of
from kscan_lsp.policy.inputs import bound as bound_input
from kscan_lsp.policy.matching import NAMESPACE, NAMESPACES, includes, kinds_of
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.policy.schema import CheckFile, ControlFile, TestFile
from kscan_lsp.policy.targets import parse_each
from kscan_lsp.redaction import redact
from kscan_lsp.settings.model import Settings
from kscan_lsp.settings.shape import EMPTY, MisfitError, fitting
from kscan_lsp.testing.evidence import evidence_of
from kscan_lsp.testing.marks import read_marks
from kscan_lsp.workspace.declared import index_of
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.engine.scope import Element
    from kscan_lsp.evidence.model import Evidence
    from kscan_lsp.graph.index import Object
    from kscan_lsp.policy.inputs import Input
    from kscan_lsp.policy.matching import Kinds
    from kscan_lsp.policy.model import PolicySet
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.policy.targets import Each
    from kscan_lsp.workspace.project import Project

MAX_ELEMENTS: Final = 200
"""Elements that are looked at in one manifest for one that tells most."""
MAX_TESTS: Final = 20
"""Tests of one control that are looked at."""
MAX_MANIFEST: Final = 200_000
"""Characters of a manifest that is looked at."""
_TODAY: Final = date(2026, 1, 1)
"""As in tests: any fixed day does."""
_FILE: Final = "manifest.yaml"


class CheckShape(NamedTuple):
    """What a check judges, as far as its file can be read."""

    each: Each
    match: Kinds
    relations: Mapping[str, str]
    """Names and relations."""

    @property
    def by_namespace(self) -> bool:
        """Whether it judges namespaces, declared or not."""
        return self.match is NAMESPACES


class JudgedElement(NamedTuple):
    """An element that is judged, and what people call it."""

    element: Element
    told: str
    declared: cel.Declared
    resource: Resource
    """The object that it is in; of a namespace that no file declares, the one that names it."""
    spoken_for: bool = False
    """Whether it is such a namespace."""


def shape_of(check: Mapping[str, Any]) -> CheckShape | None:
    """What a check judges; None where nobody can say.

    Args:
        check: as plain data (`control_text.data_of_check`).
    """
    named = check.get("relations")
    relations = {
        name: text
        for name, text in (named.items() if isinstance(named, dict) else ())
        if isinstance(text, str) and text and not unknown(text)
    }
    each = check.get("each", "resource")
    if each == NAMESPACE:
        return CheckShape(parse_each("resource"), NAMESPACES, relations)
    try:
        read = CheckFile.of({"deny": "true", "message": "-", "match": check.get("match", "workloads")})
        return CheckShape(
            parse_each(each if isinstance(each, str) else "resource"), kinds_of(read.match), relations
        )
    except (MisfitError, ValueError):
        return None


def inputs_of(data: object) -> dict[str, Input]:
    """The inputs that a control file declares, with their defaults, as far as they can be read."""
    given = data.get("inputs") if isinstance(data, dict) else None
    found: dict[str, Input] = {}
    for name, value in given.items() if isinstance(given, dict) else ():
        blank = {
            "id": "ORG-0001",
            "title": "-",
            "score": 1,
            "description": "-",
            "remediation": "-",
            "needs": "-",
        }
        read, _ = fitting(ControlFile, {**blank, "inputs": {name: value}})
        found |= read.defaults if read else {}
    return found


def in_tests(data: object, shape: CheckShape, policies: PolicySet) -> Iterator[list[JudgedElement]]:
    """What a check judges in the manifests of each test of its control; nothing where a test has no such thing.

    Args:
        data: the control's file as plain data.
        shape: the check.
        policies: all that are known, whose inputs it may read.
    """
    tests = data.get("tests") if isinstance(data, dict) else None
    for test in islice(tests if isinstance(tests, list) else (), MAX_TESTS):
        read, _ = fitting(TestFile, test)
        if read is None or len(read.manifest) > MAX_MANIFEST:
            continue
        try:
            settings = Settings.of(
                {"inputs": read.inputs, "kubernetesVersion": read.kubernetes_version or None}
            )
        except MisfitError:
            settings = Settings.of({})
        rules, _ = choose(policies, settings, only=("",))
        evidence, _ = evidence_of(read.evidence, _TODAY)
        manifest, _ = read_marks(read.manifest)
        place = f"the test '{read.name}'"
        ground = Ground(with_inputs(rules, inputs_of(data)), evidence, place)
        yield in_manifest(manifest, read.path or _FILE, shape, ground)


def with_inputs(rules: Ruleset, own: Mapping[str, Input]) -> Ruleset:
    """A ruleset that knows the inputs of a control that did not compile, too."""
    missing = {
        name: value
        for name, value in own.items()
        if name not in rules.inputs and f"inputs.{name}" not in rules.typed_inputs
    }
    if not missing:
        return rules
    values = {name: bound_input(value) for name, value in missing.items()}
    lists = {name: value for name, value in values.items() if isinstance(value, list)}
    typed = {f"inputs.{name}": value for name, value in values.items() if name not in lists}
    return replace(rules, inputs={**rules.inputs, **lists}, typed_inputs={**rules.typed_inputs, **typed})


class Ground(NamedTuple):
    """What elements are found by, and where."""

    rules: Ruleset
    evidence: Evidence
    place: str
    """What people call the manifest."""


def in_manifest(text: str, path: str, shape: CheckShape, ground: Ground) -> list[JudgedElement]:
    """What a check judges in a manifest that stands alone."""
    found: list[tuple[Resource, Object]] = []
    offset = line = 0
    for piece in split(text):
        document = read_document(piece)
        resources, _ = resources_of(document, ground.rules.pod_spec_paths)
        found += ((one, object_of(path, one, offset, line)) for one in resources)
        offset += len(piece)
        line += document.lines.line_count - 1
    pairs = [(replace(one, file=path), also_by_namespace(other)) for one, other in found]
    index, _ = Index().with_file(path, tuple(other for _, other in pairs))
    return [*islice(_subjects(pairs, shape, index, ground), MAX_ELEMENTS)]


def in_project(
    project: Project, key: str, shape: CheckShape, place: str, own: Mapping[str, Input] = EMPTY
) -> Iterator[JudgedElement]:
    """What a check judges in a file that is open, one after the other.

    Args:
        project: what the file is judged with.
        key: what it is called there.
        shape: the check.
        place: what people call the file.
        own: the inputs that the control declares as it is typed.
    """
    file = project.files.get(key)
    resources = (
        verdicts.resource
        for placed in (file.documents if file else ())
        for verdicts in placed.checked.verdicts
    )
    pairs: Iterable[tuple[Resource, Object]] = ((one, object_of(key, one)) for one in resources)
    # only who asks for other objects waits for all that is declared
    index = index_of(project) if shape.relations else Index()
    if shape.by_namespace:
        pairs = [(one, also_by_namespace(other)) for one, other in pairs]
        index, _ = index.with_file(key, tuple(other for _, other in pairs))
    ground = Ground(with_inputs(project.ruleset, own), project.evidence, place)
    return _subjects(pairs, shape, index, ground)


def _subjects(
    pairs: Iterable[tuple[Resource, Object]],
    shape: CheckShape,
    index: Index,
    ground: Ground,
) -> Iterator[JudgedElement]:
    followed = Followed(index)
    names = frozenset(shape.relations.values())
    fields = declared(_kinds(ground.rules))
    for resource, one in pairs:
        wanted, bound = resource, None
        if shape.by_namespace and resource.id.kind != "Namespace":
            asked = (UNDECLARED, SPEAKERS, *(f"{UNDECLARED}.{name}" for name in names))
            spoken = bind(one, asked, followed)
            namespace = spoken_for(resource, spoken)
            if namespace is None:
                continue
            wanted = Resource(
                resource.document, resource.root, namespace.id, namespace.data, file=resource.file
            )
            bound = Bound(({n: spoken.links[0][f"{UNDECLARED}.{n}"] for n in names},), frozenset())
        elif not includes(
            shape.match, resource.id.group, resource.id.kind, workload=bool(resource.templates)
        ):
            continue
        elif names:
            bound = bind(one, names, followed)
        related = None
        if bound is not None and names:
            related = RelatedObjects(
                bound, None, lambda text, json: read_document(text, json=json), RelatedLists()
            )
        for element in _elements(wanted, shape.each, ground, related):
            told = f"{_called(element, wanted)}, in {ground.place}"
            yield JudgedElement(element, told, fields, resource, wanted is not resource)


def _elements(
    resource: Resource, each: Each, ground: Ground, related: RelatedObjects | None
) -> Iterator[Element]:
    view = cel.view(resource.data)
    if not view.complete:
        return
    for number in range(len(resource.templates) or 1):
        scope = scope_of(
            resource,
            view.value,
            ruleset=ground.rules,
            evidence=ground.evidence,
            related=None if related is None else related.templates[number],
            digests=Digests(),
            number=number,
        )
        scope.values["path"] = resource.file
        try:
            yield from elements(each, scope, {})
        except NotThereError:
            continue


def _kinds(rules: Ruleset) -> dict[str, str]:
    """The inputs of a ruleset, with what each is in words."""
    typed = {name.removeprefix("inputs."): kind_of(value) for name, value in rules.typed_inputs.items()}
    return {**dict.fromkeys(rules.inputs, TEXTS), **typed}


def _called(element: Element, resource: Resource) -> str:
    """What an element is called: by its container, its item and its object."""
    values = element.values
    parts = []
    if "index" in values or "key" in values:
        item, number = values.get("item"), values.get("key", values.get("index"))
        name = item.get("name") if isinstance(item, dict) else None
        parts.append(f"item '{name}'" if isinstance(name, str) else f"item {number}")
    container = values.get("container")
    if isinstance(container, dict) and "container" in element.anchors:
        parts.append(f"container '{container.get('name', '?')}'")
    parts.append(f"{resource.id.kind} '{resource.id.shown_name}'")
    return redact(" of ".join(parts))
