"""An object judged as the API server would store it: as the MutatingAdmissionPolicies of the workspace change it.

Every control and every policy judges that object. Where a finding is about something that stands in the text, it stays
there; what a policy added has no place of its own, and is marked by its nearest ancestor that has one, with the policy
beside it. What is found in the text and not in the object that is stored is answered by a policy, which is said.

Other objects see this one as it is written: what selects it goes by the labels in its text.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from kscan_lsp import paths
from kscan_lsp.admission.judging import MAX_MESSAGE, place_in, shortened
from kscan_lsp.admission.model import Admitted
from kscan_lsp.admission.mutating import mutated_by
from kscan_lsp.admission.places import OF_OBJECT
from kscan_lsp.engine.verdicts import Unevaluated
from kscan_lsp.findings import UNUSED, Finding, Problem, Related, Severity, in_order
from kscan_lsp.graph.references import object_of
from kscan_lsp.graph.spaces import also_by_namespace
from kscan_lsp.kubernetes.pod_templates import templates_of
from kscan_lsp.policy.admission import mutating_id
from kscan_lsp.redaction import redact

if TYPE_CHECKING:
    from kscan_lsp.admission.asking import Deciding
    from kscan_lsp.admission.mutating import Mutated
    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.graph.index import Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path

MAX_NAMED: Final = 10
"""Controls that are named where findings of theirs are answered."""


class StoredObject(NamedTuple):
    """An object as it would be stored."""

    mutated: Mutated
    resource: Resource
    object: Object
    alone: Verdicts
    """What the controls say of it that look at nothing else."""
    raw: Verdicts | None = None
    """All that is said of it, by the paths that it has: what fixes are drafted from."""


def stored_of(
    one: Object, written: Verdicts, asked: Deciding, evaluator: Evaluator
) -> tuple[StoredObject | None, Admitted]:
    """An object as it would be stored, None where that is how it is written; and what is wrong with what changes it.

    Args:
        one: the object as the others see it.
        written: the same in its document, as it was judged alone.
        asked: the policies that change it, and what they need to know.
        evaluator: what judges it.
    """
    mutated = mutated_by(one, asked, evaluator.ruleset)
    resource = written.resource
    said = _said(mutated, resource, evaluator)
    if not mutated.changes:
        return None, said
    became = replace(
        resource,
        data=mutated.data,
        templates=templates_of(mutated.data, resource.places) if resource.places else (),
        origin=mutated.trace,
    )
    other = object_of(one.file, became, one.offset, one.line)
    if evaluator.ruleset.by_namespace:
        other = also_by_namespace(other)
    return StoredObject(mutated, became, other, evaluator.evaluate(became)), said


def _said(mutated: Mutated, resource: Resource, evaluator: Evaluator) -> Admitted:
    """The findings that an object is refused for, since a policy cannot change it, and what nobody can apply here."""
    found: list[Finding] = []
    for refused in mutated.refused:
        name = mutating_id(refused.policy.id.name)
        about = _beside(refused.policy, refused.question.path, "this mutation")
        # a reason may have a path in it that was made of values, and what a Secret has is in no output
        why = ": see what it does to the object" if resource.id.kind == "Secret" else f": {refused.reason}"
        told = f"mutation '{shortened(refused.question.source)}' fails{why}"
        found.append(
            Finding(
                name,
                evaluator.ruleset.severities.get(name, Severity.HIGH),
                resource.id,
                OF_OBJECT,
                redact(told[:MAX_MESSAGE]),
                resource.resolve(OF_OBJECT).span,
                resource.data,
                (about,),
            )
        )
    unanswered = {name: Unevaluated(name, (), why) for name, why in reversed(mutated.unanswered)}
    one_each = {(one.control, one.message): one for one in found}
    return Admitted(
        tuple(in_order(one_each.values())),
        failed=frozenset(one.control for one in found),
        unevaluated=tuple(unanswered.values()),
    )


def _beside(policy: Object, where: Path, message: str) -> Related:
    return Related(policy.id, where, place_in(policy, where), message, policy.file, policy.document)


def as_written(said: Verdicts, stored: StoredObject, written: Verdicts) -> Verdicts:
    """What is said of an object that is stored, at its places in the text.

    Args:
        said: that, by the paths that the stored object has.
        stored: the object.
        written: what would be said of it as it is written.
    """
    resource, trace = written.resource, stored.mutated.trace
    found = in_order(_placed(one, stored, resource) for one in said.findings)
    answered = _answered(stored.mutated, written, found)
    return replace(
        said,
        resource=resource,
        findings=tuple(found),
        unevaluated=tuple(replace(one, path=trace.of(one.path).path) for one in said.unevaluated),
        problems=(*said.problems, *_notes(answered, resource)),
        type_errors=tuple(replace(one, path=trace.of(one.path).path) for one in said.type_errors),
        view=written.view,
        judged=None,
        related=None,
        answered=answered,
    )


def _placed(finding: Finding, stored: StoredObject, resource: Resource) -> Finding:
    """A finding as it is about the text; about what was added, it keeps the path that it has in the stored object."""
    if finding.resource != resource.id:  # of its namespace, which no file declares
        return finding
    traced = stored.mutated.trace.of(finding.path)
    if traced.whole:
        finding = replace(finding, path=traced.path, data=resource.data)
    if traced.by is None:
        return finding
    done = "set" if traced.whole else "added"
    about = _beside(
        traced.by.policy,
        traced.by.place,
        f"{done} by {traced.by.policy.id.kind} '{traced.by.policy.id.shown_name}'",
    )
    return replace(finding, related=(*finding.related, about), fixable=finding.fixable and traced.whole)


def _answered(mutated: Mutated, written: Verdicts, stored: list[Finding]) -> tuple[tuple[str, str], ...]:
    """What is found in the text and no more in what is stored: the policy that answers it, and the control."""
    ways: dict[int, paths.Ways] = {}

    def key(one: Finding) -> tuple[str, str]:
        return one.control, paths.stable(one.path, one.data, ways.setdefault(id(one.data), {}))

    left = Counter(map(key, stored))
    found: list[tuple[str, str]] = []
    for finding in written.findings:
        if left[key(finding)]:
            left[key(finding)] -= 1
            continue
        step = mutated.trace.answering(finding.path)
        steps = mutated.trace.steps if step is None else (step,)
        names = dict.fromkeys(one.policy.id.shown_name for one in steps)
        found.append((", ".join(names), finding.control))
    return tuple(found)


def _notes(answered: tuple[tuple[str, str], ...], resource: Resource) -> list[Problem]:
    """For each policy, which findings it answers: an object that is clean since somebody else sees to it says so."""
    span = resource.resolve(OF_OBJECT).span
    by_policy: dict[str, list[str]] = {}
    for policy, control in answered:
        by_policy.setdefault(policy, []).append(control)
    notes = []
    for policy, controls in by_policy.items():
        names = [*dict.fromkeys(controls)]
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        many = f"{len(controls)} findings are" if len(controls) > 1 else "1 finding is"
        told = f"{many} answered by MutatingAdmissionPolicy '{policy}': {', '.join(names[:MAX_NAMED])}{more}"
        notes.append(Problem(span, told, UNUSED))
    return notes
