"""What an edit leaves as it was of what is said about a resource.

Most keys that are typed change one value and no shape: what depends on other fields holds still, and only stands
somewhere else. Then next to nothing is evaluated, and no place looked for.

It must never be seen whether something was evaluated or taken over; the fuzzer compares the two. So everything in doubt
is evaluated: objects with several pod templates or composed ones, a control without an answer, a wrong type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp import paths
from kscan_lsp.engine.verdicts import Judged, findings_of
from kscan_lsp.findings import Finding, in_order, merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.engine.memo import Results
    from kscan_lsp.engine.plan import Plan
    from kscan_lsp.engine.related import RelatedObjects
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.text import Span
    from kscan_lsp.yaml.splice import Shift, TreeEdit


class Edited(Struct, frozen=True):
    """What was said about a resource before an edit, and what that changed."""

    before: Verdicts
    shift: Shift | None
    """How places in its document moved; None where they are to be found anew."""
    path: Path | None
    """In the resource, the value that is another; None where its data is as it was."""


def edited(resource: Resource, before: Verdicts | None, edit: TreeEdit) -> Edited | None:
    """What an edit changed of a resource; None where too little is known to take anything over.

    Args:
        resource: the resource as it is now.
        before: what was said about it when it stood in the document before the edit.
        edit: what is different in the document.
    """
    if before is None or before.judged is None:
        return None
    was, root = before.resource, resource.root
    if (resource.id, root, resource.templates) != (was.id, was.root, was.templates):
        return None
    if resource.data is was.data:
        return Edited(before, edit.shift, None)
    path = edit.path
    if path is None or path[: len(root)] != root:
        return None
    if paths.lookup(resource.document.data, root) is not resource.data:
        return None  # made from the parameters of a Template, of which any may be another
    return Edited(before, edit.shift, path[len(root) :])


def verdicts_after(
    known: Verdicts,
    plan: Plan,
    before: Verdicts,
    shift: Shift,
    found: Sequence[Results],
    *,
    again: frozenset[int],
    related: RelatedObjects | None,
    ruleset: Ruleset,
) -> Verdicts:
    """What the controls of a plan say about a resource after an edit, by what they said before it.

    Args:
        known: the resource, whose fields are all of the right type.
        plan: the checks.
        before: what was said.
        shift: how places moved.
        found: what the checks found, by groups, with an answer from each.
        again: the groups that were evaluated again.
        related: the objects that it is related to, where they matter.
        ruleset: what the plan is of.
    """
    resource = known.resource
    groups = list(plan.groups) if again else ()
    anew = {planned.check.control for number in again for planned in groups[number].checks}
    findings = [moved(finding, shift, resource) for finding in before.findings if finding.control not in anew]
    failures = [one for group in found for one in group.failures if one.check.control in anew] if anew else ()
    if failures:
        new, _ = findings_of(resource, resource.locator(), ruleset, failures, related)
        findings = merged(findings, in_order(new))
    failed = frozenset([finding.control for finding in findings])
    return replace(
        known,
        findings=tuple(findings),
        failed=failed,
        unevaluated=(),
        problems=(),
        passed=before.passed if failed == before.failed else frozenset(plan.controls) - failed,
        judged=Judged(plan, tuple(found)),
    )


def moved(finding: Finding, shift: Shift, resource: Resource) -> Finding:
    """A finding that holds still, at the place where it is after an edit."""
    return placed(finding, shift.moved(finding.span), resource)


def placed(finding: Finding, span: Span, resource: Resource) -> Finding:
    """A finding that holds still in what a resource is after an edit, at a place in its document."""
    return Finding(
        finding.control,
        finding.severity,
        resource.id,
        finding.path,
        finding.message,
        span,
        resource.data,
        finding.related,
        finding.fixable,
        None,
        finding.causes,
    )
