"""Namespaces that no file declares, judged where the first object names one.

The checks are those of Namespaces, asked of an object that has nothing but the name (`graph/spaces.py`). What is found
stands at the name in the object that speaks, and counts for that: there is no other that a report could show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp import cel
from kscan_lsp.engine.budget import UNLIMITED, Spending, without
from kscan_lsp.engine.evaluate import evaluate
from kscan_lsp.engine.memo import Results
from kscan_lsp.engine.scope import scope_of
from kscan_lsp.engine.verdicts import verdicts_of
from kscan_lsp.findings import merged
from kscan_lsp.graph.binding import Bound
from kscan_lsp.graph.spaces import SPEAKERS, UNDECLARED, named_by
from kscan_lsp.kubernetes.resources import Resource

if TYPE_CHECKING:
    from kscan_lsp.engine.memo import Memo
    from kscan_lsp.engine.plan import Plan
    from kscan_lsp.engine.related import RelatedObjects
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.evidence.model import Evidence
    from kscan_lsp.graph.index import Object
    from kscan_lsp.policy.ruleset import Ruleset

_AT: Final = ("metadata", "namespace")


def relations_for(resource: Resource, plan: Plan) -> frozenset[str]:
    """The relations that an object asks for the namespace that it names."""
    if not plan.rounds or not named_by(resource.id):
        return frozenset()
    return frozenset([UNDECLARED, SPEAKERS, *(f"{UNDECLARED}.{name}" for name in plan.relations)])


def spoken_for(resource: Resource, bound: Bound) -> Object | None:
    """The namespace that an object speaks for; None where it does for none."""
    links = bound.links[0]
    speakers = links.get(SPEAKERS, ())
    if not speakers or speakers[0].object.data is not resource.data:
        return None
    return links[UNDECLARED][0].object


def bound_of(bound: Bound, plan: Plan) -> Bound:
    """What the relations of the namespace lead to that an object speaks for."""
    return Bound(({name: bound.links[0][f"{UNDECLARED}.{name}"] for name in plan.relations},), frozenset())


def judge_namespace(
    namespace: Object,
    speaker: Verdicts,
    plan: Plan,
    related: RelatedObjects,
    *,
    ruleset: Ruleset,
    evidence: Evidence,
    memo: Memo,
    spending: Spending = UNLIMITED,
) -> Verdicts:
    """What is said of a namespace, at the object that speaks for it.

    Args:
        namespace: as if it were declared.
        speaker: what is said of that object.
        plan: of the namespace.
        related: what the relations of the namespace lead to.
        ruleset: what the plan is of.
        evidence: what is known besides.
        memo: that of the evaluator.
        spending: what controls take for it is added here.
    """
    whose = speaker.resource
    resource = Resource(whose.document, whose.root, namespace.id, namespace.data, file=whose.file)
    view = cel.view(namespace.data).value
    scope = scope_of(
        resource,
        view,
        ruleset=ruleset,
        evidence=evidence,
        related=related.templates[0],
        digests=memo.digests,
    )
    judged = evaluate(plan, scope, memo, spending=spending)
    found = [
        Results(
            tuple([replace(one, path=_AT) for one in group.failures]),
            tuple([replace(one, path=_AT) for one in group.no_answers]),
        )
        for group in without(spending.over, judged, plan)
    ]
    said = verdicts_of(replace(speaker, type_errors=()), plan, found, related, ruleset=ruleset, memo=memo)
    # a fix would be one of the Namespace that is not there
    findings = [replace(one, fixable=False, causes=()) for one in said.findings]
    failed = speaker.failed | said.failed
    unevaluated = speaker.unevaluated + said.unevaluated
    passed = (speaker.passed | said.passed) - failed - {one.control for one in unevaluated}
    return replace(
        speaker,
        findings=tuple(merged(speaker.findings, findings)),
        failed=failed,
        passed=passed,
        unevaluated=unevaluated,
        problems=tuple(dict.fromkeys(speaker.problems + said.problems)),
        over={**speaker.over, **spending.over},
        work={**speaker.work, **spending.work},
    )
