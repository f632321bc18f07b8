"""Reads policies and manifests for `vap test`, and has them judged as a scan would, by nothing but the policies.

A policy that no binding of these files binds is taken for bound to everything that it is about, with `Deny`, and with
all params of its kind. Settings decide which files are left out, and nothing else.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.admission.asking import asked_of, read_binding
from kscan_lsp.admission.before import GONE, as_it_was
from kscan_lsp.admission.judging import admit
from kscan_lsp.admission.matching import is_exempt
from kscan_lsp.admission.model import BINDING, GROUP, POLICY, Admitted
from kscan_lsp.admission.problems import CODE, span_of
from kscan_lsp.cli.options import STDIN, UsageError
from kscan_lsp.cli.request import built_overlays, rendered_charts
from kscan_lsp.cli.scan import Reader, scan
from kscan_lsp.cli.to_judge import FileToJudge
from kscan_lsp.cli.vap_forms import TestedPolicy, VapReport
from kscan_lsp.engine.verdicts import Unevaluated
from kscan_lsp.files.discover import discover
from kscan_lsp.files.encoding import Unreadable
from kscan_lsp.files.manifest import display_name, is_json, read_manifest
from kscan_lsp.graph.index import BEFORE, key_of
from kscan_lsp.policy.ruleset import admission_alone
from kscan_lsp.report.model import FileProblem, NotScanned
from kscan_lsp.report.places import range_of
from kscan_lsp.report.unscanned import not_fully_scanned
from kscan_lsp.testing.policies import PolicyAnswer, judgement_of
from kscan_lsp.workspace.exceptions import NO_EXCEPTIONS
from kscan_lsp.workspace.locations import location_in
from kscan_lsp.workspace.objects import objects_of
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from kscan_lsp.cli.asked import ScanRequest
    from kscan_lsp.cli.judged import ScannedFile
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.graph.index import Object
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile

_BOUND: Final = "kscan/bound"
"""Where bindings stand that no file has: no file is called so."""


_MADE: Final = frozenset({"helm-template", "kustomize-patch", "jinja-template"})
"""Why files are left alone that may make anything."""
_UNSURE: Final = "it is not known whether it is deleted: not all files could be read or rendered"


class TestedPolicies(Struct, frozen=True):
    """What policies say, and what is wrong with them or could not be read."""

    report: VapReport
    problems: tuple[FileProblem, ...]
    not_read: tuple[NotScanned, ...]

    def status(self, *, allow_unscanned: bool = False) -> int:
        """The exit status, the highest that applies: 3, 2, 1 or 0, as for a scan."""
        judgement = self.report.judgement
        open_ = any(one.answer is PolicyAnswer.NOT_EVALUATED for one in judgement.verdicts)
        if (self.not_read or open_) and not allow_unscanned:
            return 3
        if any(one.is_wrong_setup for one in self.problems):
            return 2
        return int(bool(judgement.unmet) or any(map(judgement.is_unexpected, judgement.verdicts)))


def run(request: ScanRequest, today: date, old: Path | None = None) -> TestedPolicies:
    """Judge manifests by the policies beside them.

    Args:
        request: the files and folders.
        today: the day.
        old: a file with objects as they were before.

    Raises:
        UsageError: a path does not exist or cannot be read, or there is no policy.
    """
    request = replace(request, since="")  # what objects were is for `old` to say
    reader = _PolicyReader(request, today, old)
    stdin = sys.stdin.buffer.read() if STDIN in request.paths else b""
    scanned = scan(
        request, today, stdin, discover, charts=rendered_charts, overlays=built_overlays, reader=reader
    )
    policies = list(_policies(scanned, reader.unbound))
    if not policies and not scanned.not_scanned:
        where = ", ".join("standard input" if path == STDIN else path for path in request.paths)
        raise UsageError(f"there is no {POLICY} in {where}; name the files that have them, too")
    judgement = judgement_of(((file.checked, file.project) for file in scanned.files), reader.gone(scanned))
    return TestedPolicies(
        VapReport(tuple(policies), judgement),
        (*scanned.problems, *_faults(scanned)),
        (*scanned.not_scanned, *_not_read(scanned.files)),
    )


class _PolicyReader(Reader):
    """Reads files as a scan does, to be judged by admission policies alone."""

    def __init__(self, request: ScanRequest, today: date, old: Path | None) -> None:
        super().__init__(request, today)
        self.old = old
        self.before: FileToJudge | None = None
        """What `old` has."""
        self.unbound: frozenset[Object] = frozenset()

    def read_settings(self, folder: Path, settings_path: Path | None) -> Configuration:
        configuration = super().read_settings(folder, settings_path)
        return replace(
            configuration, ruleset=admission_alone(configuration.ruleset), exceptions=NO_EXCEPTIONS
        )

    def scan(self, *args: Any, **how: Any) -> Scan:
        declared = [
            one
            for file in self.files
            if POLICY in file.source.text
            for one in objects_of(file.name, file.source.text, file.configuration.ruleset, json=file.json)
            if one.id.group == GROUP
        ]
        bound = {read_binding(one).policy for one in declared if one.id.kind == BINDING}
        self.unbound = frozenset(
            one for one in declared if one.id.kind == POLICY and one.id.name not in bound
        )
        if self.unbound:
            texts = "\n---\n".join(map(_binding_of, sorted(self.unbound, key=lambda one: one.id.name)))
            ruleset = self.files[0].configuration.ruleset
            self.known[_BOUND] = objects_of(f"{_BOUND}.yaml", texts, ruleset)
        if self.old is not None:
            self.known[BEFORE] = tuple(map(as_it_was, self.objects_before(self.old)))
        return super().scan(*args, **how)

    def gone(self, scanned: Scan) -> Iterator[tuple[CheckedFile, Project]]:
        """The file that says what objects were, with what policies say of the deletion of those that are gone."""
        if self.before is None:
            return
        projects = list(dict.fromkeys(file.project for file in scanned.files))
        there = {
            _identity(one)
            for project in projects
            for objects in project.index.declared.values()
            for one in objects
        }
        unsure = bool(scanned.not_scanned or any(_not_read(scanned.files))) or any(
            one.reason in _MADE for one in scanned.skipped
        )
        for project in projects[:1]:  # each knows all policies
            file = project.read(self.before.name, self.before.source.text, json=self.before.json)
            objects = {(one.document, one.root): one for one in file.objects}
            parts = [
                replace(
                    part,
                    verdicts=tuple(
                        _deleted(one, objects[part.document.text, one.resource.root], project, unsure=unsure)
                        for one in part.verdicts
                        if _identity(objects[part.document.text, one.resource.root]) not in there
                    ),
                )
                for part in file.parts
            ]
            file = file.with_parts(parts)
            yield file, replace(project, files={file.path: file})

    def look_for_unused(self, files: object, configurations: object) -> None:
        """Exceptions count for nothing here, so that none is of no use."""

    def objects_before(self, path: Path) -> tuple[Object, ...]:
        """The objects of the file that says what they were."""
        source = read_manifest(path, self.partials, named=True)
        if not isinstance(source, (str, Unreadable)) and self.files:
            ruleset, text = self.files[0].configuration.ruleset, source.text
            self.before = FileToJudge(
                path, display_name(path), source, self.files[0].configuration, is_json(path.name, text)
            )
            found = objects_of(self.before.name, text, ruleset, json=self.before.json)
            if found:
                return found
        why = source.reason if isinstance(source, Unreadable) else "there is no Kubernetes object in it"
        raise UsageError(f"'{path}' cannot say what objects were before: {why}")


def _identity(one: Object) -> tuple[str, str, str, str]:
    return one.id.group, one.id.kind, one.namespace, one.id.name


def _deleted(verdicts: Verdicts, one: Object, project: Project, *, unsure: bool) -> Verdicts:
    """What policies say of the deletion of an object; nothing of one that has no name, or is a policy itself."""
    if not one.id.name or is_exempt(one):
        return verdicts
    asked = replace(asked_of(one, project.index), was=GONE)
    said = admit(one, verdicts.resource, asked, project.ruleset)
    if unsure:
        left = [Unevaluated(name, (), _UNSURE) for name in sorted(said.failed | said.passed)]
        said = Admitted(unevaluated=(*said.unevaluated, *left))
    return replace(
        verdicts, findings=said.findings, failed=said.failed, passed=said.passed, unevaluated=said.unevaluated
    )


def _binding_of(policy: Object) -> str:
    """A binding that denies, of a policy that has none."""
    spec: dict[str, Any] = {"policyName": policy.id.name, "validationActions": ["Deny"]}
    declared = policy.data.get("spec")
    if isinstance(declared, dict) and declared.get("paramKind"):
        spec["paramRef"] = {"selector": {}, "parameterNotFoundAction": "Deny"}
    name = policy.id.name
    return json.dumps(
        {"apiVersion": f"{GROUP}/v1", "kind": BINDING, "metadata": {"name": name}, "spec": spec}
    )


def _policies(scanned: Scan, unbound: Iterable[Object]) -> Iterator[TestedPolicy]:
    """The policies of a scan, each once, in the order of their files."""
    assumed = {one.id.name for one in unbound}
    seen: set[tuple[str, int]] = set()
    for project in {file.project: None for file in scanned.files}:
        for one in project.index.find(key_of("kind", POLICY)):
            if one.id.group != GROUP:
                continue
            span = span_of(read_document(one.document, json=one.json), (*one.root, "metadata", "name"))
            location = location_in(one.file, one.document, span, project)
            line = range_of(location, project).start.line
            if (location.file, line) not in seen:
                seen.add((location.file, line))
                bound = any(project.index.find(key_of("binds", one.id.name)))
                yield TestedPolicy(one.id.name, location.file, line, bound, assumed=one.id.name in assumed)


def _faults(scanned: Scan) -> Iterator[FileProblem]:
    """What is wrong with policies and bindings."""
    for file in scanned.files:
        for location, problem in file.checked.problems():
            if problem.code == CODE:
                yield FileProblem(
                    location.file, range_of(location, file.project), problem.message, problem.code
                )


def _not_read(files: Iterable[ScannedFile]) -> Iterator[NotScanned]:
    """What could not be read; what policies do not answer is said in their verdicts."""
    for file in files:
        if file.checked.limit:
            yield NotScanned(file.checked.path, 1, file.checked.limit.message)
        broken = tuple([one for one in file.checked.documents if not one.checked.complete])
        yield from not_fully_scanned(replace(file.checked, documents=broken), file.project, str, None)
