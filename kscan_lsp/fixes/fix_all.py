"""Fix a whole document: one fix after the other, each verified on what the ones before left.

A finding whose value somebody must choose is left alone, and so is one that is not open. What could not be fixed is
tried again when others have been: they may have been in its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from kscan_lsp.fixes.draft import drafts, drafts_in
from kscan_lsp.fixes.verify import VerifiedFix, verified

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.findings import Finding, ResourceId
    from kscan_lsp.fixes.draft import Draft
    from kscan_lsp.fixes.verify import Site
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedDocument

MAX_STEPS: Final = 5_000
"""Fixes that one fix-all makes in one document."""

_Key: TypeAlias = "tuple[str, str, ResourceId]"
"""What a finding is, for as long as other fixes are made."""


def is_open(finding: Finding) -> bool:
    """Whether nothing says that a finding may stay."""
    return finding.status == "open"


def offers_fix(checked: CheckedDocument, evaluator: Evaluator, *, safe_only: bool) -> bool:
    """Whether `fix_all` would have a fix to try in a document, as far as is known before any is made."""
    return checked.document.complete and any(
        len(options) == 1 and (options[0].safe or not safe_only)
        for _, options in drafts(checked, evaluator, is_open)
    )


def fix_all(
    site: Site,
    accept: Callable[[Draft], bool],
    stopped: Callable[[], bool] = lambda: False,
    wanted: Callable[[Finding], bool] = is_open,
) -> tuple[Project, list[tuple[Finding, VerifiedFix]]]:
    """Make one fix after the other until none is left in a document that is accepted.

    Args:
        site: the document.
        accept: whether a fix may be made, asked before it is.
        stopped: asked between two fixes; true ends the work with what is done.
        wanted: which findings are to be fixed.

    Returns:
        The project as it is then, and what was fixed, in order.
    """
    done: list[tuple[Finding, VerifiedFix]] = []
    before = -1
    while len(done) > before:
        before = len(done)
        refused: set[_Key] = set()
        number = 0
        while number < len(site.checked.verdicts):
            if len(done) >= MAX_STEPS or stopped():
                return site.project, done
            step = _next_fix(site, number, accept, wanted, refused)
            if step is None:  # the resources before have nothing left either, until the next time round
                number += 1
            else:
                done.append((step.finding, step.fix))
                site = site._replace(project=step.project)
    return site.project, done


class _Step(NamedTuple):
    finding: Finding
    fix: VerifiedFix
    project: Project


def _next_fix(
    site: Site,
    number: int,
    accept: Callable[[Draft], bool],
    wanted: Callable[[Finding], bool],
    refused: set[_Key],
) -> _Step | None:
    """Make the next fix in a resource of a document; what cannot be made is added to `refused`."""
    if not site.checked.document.complete:
        return None

    def left(finding: Finding) -> bool:
        return wanted(finding) and _key(finding) not in refused

    for finding, options in drafts_in(site.checked, number, site.project.evaluator, left):
        if len(options) == 1 and accept(options[0]):
            fix, project = verified(site, options[0], finding)
            if isinstance(fix, VerifiedFix):
                return _Step(finding, fix, project)
        refused.add(_key(finding))
    return None


def _key(finding: Finding) -> _Key:
    return finding.control, finding.stable_path, finding.resource
