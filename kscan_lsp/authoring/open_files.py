"""What a check that is being written gives for the manifests that are open: how many it judges, and where it fails.

Each check counts by itself: that another one is wrong, or the rest of the file, says nothing of it.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp import cel
from kscan_lsp.authoring.subjects import in_project, inputs_of, shape_of
from kscan_lsp.engine.locate import first_there, is_written
from kscan_lsp.policy.compile_check import Surroundings, compile_check
from kscan_lsp.policy.inputs import kinds_in
from kscan_lsp.policy.schema import CheckFile
from kscan_lsp.settings.shape import fitting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kscan_lsp.authoring.subjects import JudgedElement
    from kscan_lsp.engine.scope import Element
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.check import Check
    from kscan_lsp.policy.definitions import Entries
    from kscan_lsp.policy.inputs import Input
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.yaml.document import Document

_AT_NAMESPACE: Path = ("metadata", "namespace")

MAX_JUDGED: Final = 5_000
"""Elements that one check judges."""


class GivenFailure(NamedTuple):
    """Where a check fails: the resource, the path in it, and the file that it is in."""

    resource: Resource
    path: Path
    key: str


class Given(NamedTuple):
    """What a check gives for some files."""

    judged: int
    failures: tuple[GivenFailure, ...]
    unevaluated: int
    whole: bool = True
    """Whether all there is was judged: of a large file, or where it takes long, only the first is."""


def compiled_check(
    document: Document,
    number: int,
    check: Mapping[str, Any],
    inputs: Mapping[str, Input],
    definitions: Entries,
) -> Check | None:
    """A check of a control's file, whatever else is wrong there; None where it is wrong itself, or uses another's."""
    read, _ = fitting(CheckFile, check)
    if read is None or read.use:
        return None
    evidence = document.data.get("evidence") if isinstance(document.data, dict) else None
    around = Surroundings(kinds_in([inputs]), definitions, evidence if isinstance(evidence, str) else "")
    return compile_check(document, ("checks", number), read, "ORG-0000", around)[0]


def given(
    check: Check,
    raw: Mapping[str, Any],
    data: object,
    files: Iterable[tuple[str, Project]],
    until: float,
) -> Given:
    """What a check gives.

    Args:
        check: compiled.
        raw: the same as plain data.
        data: the control's file as plain data.
        files: what is judged: what each is called in its project, and that.
        until: when to end, by `time.monotonic`.
    """
    shape = shape_of(raw)
    judged = unevaluated = 0
    failures: list[GivenFailure] = []
    reads, own = cel.fields_read(check.judging()), inputs_of(data)
    for key, project in files if shape else ():
        for one in in_project(project, key, shape, key, own) if shape else ():
            if monotonic() > until or judged >= MAX_JUDGED:
                return Given(judged, tuple(failures), unevaluated, whole=False)
            judged += 1
            one.element.reads = reads
            verdict = cel.deny(check.deny, one.element.activation)
            path = _place(check, one) if verdict is True else None
            if isinstance(verdict, cel.Failed) or isinstance(path, cel.Failed):
                unevaluated += 1
            elif path is not None:
                failures.append(GivenFailure(one.resource, path, key))
    return Given(judged, tuple(failures), unevaluated)


def _place(check: Check, one: JudgedElement) -> Path | cel.Failed | None:
    """Where a finding would stand; None where what is missing may be set by somebody else."""
    if one.spoken_for:
        return _AT_NAMESPACE
    element: Element = one.element
    path = first_there(check.at, element)
    if isinstance(path, cel.Failed):
        return path
    partial = element.scope.is_partial(element.anchors.get("container"))
    return element.scope.written_at(path) if not partial or is_written(path, element) else None
