"""What should have been scanned and was not, or not fully: a gate must not take it for clean."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from kscan_lsp.evidence.model import NO_REPORT
from kscan_lsp.report.left_alone import instead
from kscan_lsp.report.model import Gate, NotScanned
from kscan_lsp.report.places import range_of
from kscan_lsp.text import Span
from kscan_lsp.workspace.results import LOOKS_KUBERNETES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kscan_lsp.engine.verdicts import Unevaluated, Verdicts
    from kscan_lsp.findings import ResourceId, Severity
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.report.model import Skipped
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedDocument, CheckedFile, PlacedDocument

NOT_WHOLLY_JUDGED: Final = "not wholly judged"
"""What is said in place of a score."""

DEFAULT_GATE: Final = Gate()

_RENDERED: Final = {"helm": "a chart", "kustomize": "an overlay", "jinja2": "a Jinja template"}
"""What each program renders."""

MAX_KINDS: Final = 5
"""Kinds that are named where nothing was judged."""


def not_fully_scanned(
    file: CheckedFile, project: Project, name: Callable[[str], str], fail_on: Severity | None
) -> Iterator[NotScanned]:
    """What of a file could not be read, and what of the rest controls could not judge.

    Args:
        file: the file.
        project: the one it is in.
        name: what the report calls a file of the project.
        fail_on: the severity from which a finding fails the gate. What another tool is to fill in keeps controls from
            judging; of those, less severe ones are not told of here: replicas are filled in everywhere.
    """
    for placed in file.documents:
        checked = placed.checked
        if checked.complete:
            yield from _not_fully_judged(placed, project, name, fail_on)
            continue
        if not (checked.verdicts or LOOKS_KUBERNETES.search(checked.document.text)):
            continue
        worst = min(checked.problems, key=lambda problem: not problem.fatal, default=None)
        location = placed.locate(worst.span if worst else Span(0, 0))
        line = range_of(location, project).start.line
        partly = "not fully scanned: " if checked.verdicts else ""
        reason = partly + (worst.message if worst else "it could not be read")
        yield NotScanned(name(location.file), line, reason)


def _not_fully_judged(
    placed: PlacedDocument, project: Project, name: Callable[[str], str], fail_on: Severity | None
) -> Iterator[NotScanned]:
    """Why controls could not judge resources of a document that could be read: one entry for each place."""
    for verdicts in placed.checked.verdicts:
        places: dict[tuple[Path, str], list[str]] = {}
        for entry in _missing(verdicts, project.ruleset, fail_on):
            places.setdefault((entry.path, entry.reason), []).append(entry.control)
        for (path, reason), controls in places.items():
            location = placed.locate(verdicts.resource.resolve(path).span)
            line = range_of(location, project).start.line
            others = f" and {len(controls) - 1} others" if len(controls) > 1 else ""
            why = f"not fully judged, by {controls[0]}{others}: {reason}"
            yield NotScanned(name(location.file), line, why)


def _missing(verdicts: Verdicts, ruleset: Ruleset, fail_on: Severity | None) -> Iterator[Unevaluated]:
    """The answers that a resource lacks; `fail_on` as for `not_fully_scanned`."""
    if not verdicts.unevaluated:
        return
    to_be_filled_in = {fault.path for fault in verdicts.type_errors if fault.placeholder}
    for entry in verdicts.unevaluated:
        decides = fail_on is not None and ruleset.severity(entry.control) >= fail_on
        # what only evidence answers is no fault of the manifest
        if entry.reason not in {ruleset.control(entry.control).unanswered, NO_REPORT} and (
            decides or entry.path not in to_be_filled_in
        ):
            yield entry


def is_wholly_judged(checked: CheckedDocument, verdicts: Iterable[Verdicts], ruleset: Ruleset) -> bool:
    """Whether a scan that names no gate would say of some resources of a document that they were fully judged."""
    return checked.complete and not any(any(_missing(one, ruleset, DEFAULT_GATE.fail_on)) for one in verdicts)


def not_judged_at_all(file: str, resources: Iterable[ResourceId]) -> NotScanned:
    """That no control that is on has looked at any of some resources; `file` is the first file of them."""
    kinds = Counter(resource.kind for resource in resources)
    listed = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common(MAX_KINDS))
    more = ", ..." if len(kinds) > MAX_KINDS else ""
    return NotScanned(file, 1, f"no control that is on looks at what is here: {listed}{more}")


def why_nothing(left: Sequence[Skipped], *, stdin: bool, excluded: bool) -> str:
    """Why nothing was scanned of what was named, and what to run instead.

    Args:
        left: what was left alone of it.
        stdin: whether it is standard input.
        excluded: whether anything of it is left out by settings.
    """
    commands = list(dict.fromkeys(entry.hint for entry in left if entry.hint))
    if commands:
        what = next(what for program, what in _RENDERED.items() if commands[0].startswith(program))
        more = f" (and {len(commands) - 1} others)" if len(commands) > 1 else ""
        return (
            f"nothing was scanned: {what} can only be judged as it is rendered; run: {commands[0]}{more}"
            f"{instead(commands[0])}"
        )
    if any(entry.reason in {"helm-template", "jinja-template"} for entry in left):
        return "nothing was scanned: a template can only be judged as it is rendered; pipe that into 'kscan scan -'"
    if stdin:
        return "nothing was scanned: there is no Kubernetes manifest on standard input; did the command before it fail?"
    if excluded and not left:
        return "nothing was scanned: all that is here is excluded, by the settings or .gitignore"
    return "nothing was scanned: there is no Kubernetes manifest here"
