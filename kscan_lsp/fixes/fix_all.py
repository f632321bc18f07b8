"""Fix a whole document, or one container: one fix after the other, each verified on what the ones before left.

A finding whose value somebody must choose is left alone, and so is one that is not open. What could not be fixed is
tried again when others have been: they may have been in its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.fixes.draft import drafts, drafts_in, drafts_of, elements_in, judged_in
from kscan_lsp.fixes.verify import VerifiedFix, verified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.engine.causes import FailedElements
    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.findings import Finding, ResourceId
    from kscan_lsp.fixes.draft import Draft
    from kscan_lsp.fixes.verify import Site
    from kscan_lsp.graph.index import Index
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedDocument

MAX_STEPS: Final = 5_000
"""Fixes that one fix-all makes in one document."""

_Key: TypeAlias = "tuple[str, str, ResourceId]"
"""What a finding is, for as long as other fixes are made."""


def is_open(finding: Finding) -> bool:
    """Whether nothing says that a finding may stay."""
    return finding.status != "accepted"


class Container(NamedTuple):
    """A container of a document: the number of its resource, and its path in that as it is written."""

    resource: int
    path: Path


def containers_of(site: Site, finding: Finding) -> list[Container]:
    """The containers that a finding is about; one of a pod's security context can be about several."""
    for number, verdicts in enumerate(site.checked.verdicts):
        if finding in verdicts.findings:
            elements = elements_in(site.checked, number, site.project.evaluator)
            resource = judged_in(site.checked, number).resource
            found = _containers(finding, resource, elements, site.project.ruleset)
            return [Container(number, path) for path in found]
    return []


def _containers(finding: Finding, resource: Resource, elements: FailedElements, rules: Ruleset) -> list[Path]:
    """The containers that a finding is about, by their paths in the text; none that policies have added."""
    checks = rules.control(finding.control).checks
    found: dict[Path, None] = {}
    for cause in finding.causes:
        element = elements.find(checks[cause.check], cause)
        if element is not None and (path := element.anchors.get("container")) is not None:
            place, there = element.scope.written_at(path), True
            if resource.origin is not None:
                place, there = resource.origin.written(place)
            if there:
                found[place] = None
    return [*found]


class Outlook(NamedTuple):
    """What is known of fixing a container before any fix is made; one that is made can make room for others."""

    findings: int
    """Open findings about it."""
    fixes: int
    """Fixes to try: what several findings ask for counts once."""


def outlook(site: Site, container: Container) -> Outlook:
    """What there is to fix in a container."""
    verdicts = site.checked.verdicts[container.resource]
    resource = judged_in(site.checked, container.resource).resource
    elements = elements_in(site.checked, container.resource, site.project.evaluator)
    about = [
        finding
        for finding in verdicts.findings
        if is_open(finding)
        and container.path in _containers(finding, resource, elements, site.project.ruleset)
    ]
    if not site.checked.document.complete:
        return Outlook(len(about), 0)
    options = (
        drafts_of(finding, resource, elements, site.project.ruleset, site.project.index)
        for finding in about
        if finding.fixable
    )
    return Outlook(len(about), len({repr(one[0].changes) for one in options if len(one) == 1}))


def _drafts(
    site: Site, number: int, wanted: Callable[[Finding], bool], container: Container | None
) -> Iterator[tuple[Finding, list[Draft]]]:
    """What could be tried for a resource, or for one of its containers."""
    project, checked = site.project, site.checked
    if container is None:
        return drafts_in(checked, number, project.evaluator, project.index, wanted)
    elements = elements_in(checked, number, project.evaluator)
    resource = judged_in(checked, number).resource

    def is_about(finding: Finding) -> bool:
        return wanted(finding) and container.path in _containers(finding, resource, elements, project.ruleset)

    return drafts_in(checked, number, project.evaluator, project.index, is_about)


def offers_fix(checked: CheckedDocument, evaluator: Evaluator, index: Index, *, safe_only: bool) -> bool:
    """Whether `fix_all` would have a fix to try in a document, as far as is known before any is made."""
    return checked.document.complete and any(
        len(options) == 1 and (options[0].safe or not safe_only)
        for _, options in drafts(checked, evaluator, index, is_open)
    )


def fix_all(
    site: Site,
    accept: Callable[[Draft], bool],
    stopped: Callable[[], bool] = lambda: False,
    container: Container | None = None,
    wanted: Callable[[Finding], bool] = is_open,
    *,
    agreed: Callable[[Site, Finding, VerifiedFix, Project], bool] = lambda *_: True,
) -> tuple[Project, list[tuple[Finding, VerifiedFix]]]:
    """Make one fix after the other until none is left in a document that is accepted.

    Args:
        site: the document.
        accept: whether a fix may be made, asked before it is.
        stopped: asked between two fixes; true ends the work with what is done.
        container: where only the findings about one container are to be fixed, which.
        wanted: which findings are to be fixed.
        agreed: asked of each fix that holds, before it counts: where, of what, which, and the project with it.

    Returns:
        The project as it is then, and what was fixed, in order.
    """
    done: list[tuple[Finding, VerifiedFix]] = []
    if not site.is_written:
        return site.project, done
    before = -1
    while len(done) > before:
        before = len(done)
        refused: set[_Key] = set()
        number = container.resource if container else 0
        while number < (container.resource + 1 if container else len(site.checked.verdicts)):
            if len(done) >= MAX_STEPS or stopped():
                return site.project, done
            step = _next_fix(site, number, accept, wanted, refused, container=container, agreed=agreed)
            if step is None:  # the resources before have nothing left either, until the next time round
                number += 1
            else:
                done.append((step.finding, step.fix))
                site = replace(site, project=step.project)
    return site.project, done


class _Step(Struct, frozen=True):
    finding: Finding
    fix: VerifiedFix
    project: Project


def _next_fix(
    site: Site,
    number: int,
    accept: Callable[[Draft], bool],
    wanted: Callable[[Finding], bool],
    refused: set[_Key],
    *,
    container: Container | None,
    agreed: Callable[[Site, Finding, VerifiedFix, Project], bool],
) -> _Step | None:
    """Make the next fix in a resource of a document; what cannot be made is added to `refused`."""
    if not site.checked.document.complete:
        return None

    def left(finding: Finding) -> bool:
        return wanted(finding) and _key(finding) not in refused

    for finding, options in _drafts(site, number, left, container):
        if len(options) == 1 and accept(options[0]):
            fix, project = verified(site, options[0], finding)
            if isinstance(fix, VerifiedFix) and agreed(site, finding, fix, project):
                return _Step(finding, fix, project)
        refused.add(_key(finding))
    return None


def _key(finding: Finding) -> _Key:
    return finding.control, finding.stable_path, finding.resource
