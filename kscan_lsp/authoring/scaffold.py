"""A test for a control, or for a check of it that no test shows at work: a manifest that fails, with its marks.

The manifest is the least that the kind needs, with the element that the check judges, and then with values that many
checks look for where the check points. The first for which the check finds something is taken; where none is, the least
manifest, which has to be clean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp import paths
from kscan_lsp.authoring.control_text import data_of_check
from kscan_lsp.authoring.marking import marked
from kscan_lsp.authoring.subjects import shape_of
from kscan_lsp.authoring.types import roots_of
from kscan_lsp.kubernetes.schema import BOOL, INT, STR, groups_of
from kscan_lsp.policy.schema import TestFile
from kscan_lsp.regex import regex
from kscan_lsp.testing.run import found_by
from kscan_lsp.yaml.data import find
from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.tree import Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.authoring.subjects import CheckShape
    from kscan_lsp.authoring.trying import Trial
    from kscan_lsp.policy.model import Control, PolicySet
    from kscan_lsp.yaml.document import Document

_POD: Final = {"containers": [{"name": "app", "image": "registry.example.com/app:1.0"}]}
_TEMPLATE: Final = {"spec": _POD}
_SPECS: Final[dict[str, Any]] = {
    "Pod": {"spec": _POD},
    "PodTemplate": {"template": _TEMPLATE},
    "Deployment": {"spec": {"template": _TEMPLATE}}, "StatefulSet": {"spec": {"template": _TEMPLATE}},
    "DaemonSet": {"spec": {"template": _TEMPLATE}}, "ReplicaSet": {"spec": {"template": _TEMPLATE}},
    "ReplicationController": {"spec": {"template": _TEMPLATE}}, "Job": {"spec": {"template": _TEMPLATE}},
    "CronJob": {"spec": {"jobTemplate": {"spec": {"template": _TEMPLATE}}}},
}  # fmt: skip
_VERSIONS: Final = {"": "v1", "extensions": "v1beta1", "policy": "v1", "autoscaling": "v2"}
_VALUES: Final[dict[Any, tuple[object, ...]]] = {BOOL: (True, False), INT: (0, 1_000)}
_PLAIN: Final = regex(r"[A-Za-z][\w./:-]*")
_ANY: Final = (True, False, "example", 0)


class Scaffold(NamedTuple):
    """A test to be added."""

    title: str
    text: str
    """The control's file with it."""
    fails: bool
    """Whether it shows the check at work."""


def untested(control: Control, policies: PolicySet) -> frozenset[int]:
    """The numbers of the checks that no test shows at work; of one that uses those of another nobody can say."""
    found: set[int] = set()
    for test in policies.sources[control.id].tests:
        shown = found_by(control, policies, test)
        found |= shown.checks if shown else set()
    return frozenset(range(len(control.checks))) - found


def scaffold(text: str, number: int, trial: Trial) -> Scaffold | None:
    """A test of a check, as the control's file has it then; None where none holds.

    Args:
        text: the control's file.
        number: of the check.
        trial: what tries it.
    """
    document = read_document(text)
    check = data_of_check(document, number)
    loaded = trial.loaded(text)
    shape = shape_of(check)
    if loaded is None or shape is None or "use" in check:
        return None
    control, policies = loaded
    clean: str | None = None
    for manifest in _manifests(shape, check):
        found = found_by(control, policies, TestFile(name="-", manifest=manifest))
        if found is None:
            continue
        if number in found.checks:
            written = marked(manifest, found.marks, control.id)
            if written is not None:
                return _added(document, f"what fails check {number + 1}", written, trial, fails=True)
        elif not found.marks:
            clean = clean or manifest
    return None if clean is None else _added(document, "what is right", clean, trial, fails=False)


def _added(document: Document, name: str, manifest: str, trial: Trial, *, fails: bool) -> Scaffold | None:
    """The control with a test at its end, if that passes there."""
    text = _with_test(document, name, manifest)
    before, after = trial.tried(document.text), None if text is None else trial.tried(text)
    if text is None or before is None or after is None:
        return None
    added = [one for one in after.outcomes if one.name == name]
    if not added or added[-1].failure or after.failing > before.failing:
        return None
    return Scaffold("Add a test that fails this check" if fails else "Add a test that is clean", text, fails)


def _with_test(document: Document, name: str, manifest: str) -> str | None:
    """The text of a control with one more test; None where its tests are not a list of lines."""
    text = document.text
    end = "\r\n" if "\r\n" in text else "\n"
    tests = find(document.root, ("tests",)) if document.root else None
    key, indent, at = "", "  ", len(text)
    if tests is not None:
        node = tests.node
        if not isinstance(node, Sequence) or node.flow or not node.items:
            return None
        column = node.start - text.rfind("\n", 0, node.start) - 1
        indent = " " * column
        at = text.find("\n", node.end)
        at = len(text) if at < 0 else at + 1
    else:
        key = f"tests:{end}"
        text = text.rstrip() + end if text.strip() else text
        at = len(text)
    before = text[:at] if text[:at].endswith("\n") else text[:at] + end
    lines = "".join(f"{indent}    {line}".rstrip(" ") + end for line in manifest.splitlines())
    return f"{before}{key}{indent}- name: {name}{end}{indent}  manifest: |{end}{lines}{text[at:]}"


def _manifests(shape: CheckShape, check: dict[str, Any]) -> Iterator[str]:
    """Manifests that a check may fail, the least first."""
    objects = [*_objects(shape)]
    yield from (_written(one) for one, _ in objects)
    targets = check.get("at")
    listed = targets if isinstance(targets, list) else [targets]
    roots = roots_of(shape, {})
    for one, element in objects:
        for target in listed:
            if not isinstance(target, str) or not target or "{" in target:
                continue
            try:
                path = paths.parse(target)
            except ValueError:
                continue
            tree = roots.get("item" if shape.each.steps else shape.each.start.removesuffix("s"))
            for value in _values(_type_at(tree, path)):
                yield _written(_with(one, (*element, *path), value))


def _type_at(tree: Any, path: tuple[object, ...]) -> Any:
    for step in path:
        if isinstance(tree, list) and isinstance(step, int):
            tree = tree[0]
        else:
            tree = tree[1] if isinstance(tree, tuple) else tree.get(step) if isinstance(tree, dict) else None
    return tree


def _values(tree: Any) -> tuple[object, ...]:
    """What may stand in a field of some type."""
    if tree is None or tree == STR:
        return _ANY if tree is None else ("example", "*", "0")
    return _VALUES[tree] if isinstance(tree, str) and tree in _VALUES else (_sample(tree),)


def _sample(tree: Any) -> Any:
    """A value of some type."""
    if isinstance(tree, list):
        return [_sample(tree[0])]
    if isinstance(tree, tuple):
        return {"example": _sample(tree[1])}
    if isinstance(tree, dict):
        return {name: _sample(inside) for name, inside in [*tree.items()][:1]}
    return _VALUES[tree][0] if tree in _VALUES else "example" if tree == STR else "1"


def _objects(shape: CheckShape) -> Iterator[tuple[dict[str, Any], tuple[str | int, ...]]]:
    """Objects of the kinds that are judged, each with the path of an element."""
    if shape.by_namespace:
        kinds = [("", "Namespace")]
    elif shape.match is None:
        kinds = [("", "Pod"), ("apps", "Deployment")]
    else:
        kinds = [
            (next(iter([g for g in groups if g != "*"] or groups_of(kind)), ""), kind)
            for groups, names in shape.match
            for kind in names
            if kind != "*"
        ]
    for group, kind in kinds[:2]:
        version = _VERSIONS.get(group, "v1")
        made = {
            "apiVersion": f"{group}/{version}" if group else version,
            "kind": kind,
            "metadata": {"name": "example"},
            **_SPECS.get(kind, {}),
        }
        start = _starting(shape.each.start, kind)
        if start is None:
            continue
        path = [*start, *(0 if step is paths.EACH else step for step in shape.each.steps)]
        if shape.each.steps and shape.each.steps[-1] is paths.EACH:
            made = _with(made, tuple(path), {"name": "example"})
        yield made, tuple(path)


_PODS: Final[dict[str, tuple[str, ...]]] = {"Pod": (), "PodTemplate": ("template",),
                                             "CronJob": ("spec", "jobTemplate", "spec", "template")}  # fmt: skip


def _starting(start: str, kind: str) -> tuple[str | int, ...] | None:
    """Where in an object what is judged begins; None where a kind has no such thing."""
    if start == "object":
        return ()
    if kind not in _SPECS:
        return None
    template = _PODS.get(kind, ("spec", "template"))
    return {"podTemplate": template, "pod": (*template, "spec")}.get(
        start, (*template, "spec", "containers", 0)
    )


def _with(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    """Plain data with something at a path; what is on the way is made."""
    if not path:
        return new
    step, *rest = path
    if isinstance(step, int):
        items = [*value] if isinstance(value, list) else []
        while len(items) <= step:
            items.append({})
        items[step] = _with(items[step], tuple(rest), new)
        return items
    made = {**value} if isinstance(value, dict) else {}
    made[step] = _with(made.get(step), tuple(rest), new)
    return made


def _written(value: dict[str, Any]) -> str:
    """An object as YAML, in blocks."""
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, dict | list) and item:
                yield f"{key}:"
                yield from (f"{'  ' if isinstance(item, dict) else ''}{line}" for line in _lines(item))
            else:
                yield f"{key}: {_scalar(item)}"
    else:
        for item in value:
            first, *more = _lines(item) if isinstance(item, dict | list) and item else [_scalar(item)]
            yield f"- {first}"
            yield from (f"  {line}" for line in more)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else f'"{value}"'
    return str(value) if isinstance(value, int) else "{}"
