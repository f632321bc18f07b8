"""Evaluator(ruleset, evidence): resource -> what every control says about it. No files, no exceptions.

A resource is judged twice: by the controls that look at nothing but itself, and by those for which other objects
matter, too. What others say changes without the resource, and a verdict on the resource alone must not be found again
for that.

The ruleset is pure data, and so is evidence. All that is remembered is in the evaluator's memo, which can be asked how
full it is; an evaluator without any says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kscan_lsp import cel, paths
from kscan_lsp.engine import spaces
from kscan_lsp.engine.budget import UNLIMITED, Spending, without
from kscan_lsp.engine.causes import FailedElements
from kscan_lsp.engine.edited import verdicts_after
from kscan_lsp.engine.evaluate import evaluate
from kscan_lsp.engine.memo import Memo, NoAnswer, Results
from kscan_lsp.engine.plan import plans_for
from kscan_lsp.engine.related import RelatedObjects
from kscan_lsp.engine.scope import scope_of
from kscan_lsp.engine.verdicts import Unevaluated, Verdicts, joined, verdicts_of
from kscan_lsp.graph.binding import leads_nowhere
from kscan_lsp.kubernetes.images import images_in
from kscan_lsp.kubernetes.pod_templates import spec_of_pod
from kscan_lsp.kubernetes.type_errors import type_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kscan_lsp.engine.edited import Edited
    from kscan_lsp.engine.memo import Fill
    from kscan_lsp.engine.plan import Plan, Plans
    from kscan_lsp.engine.related import RelatedByName
    from kscan_lsp.engine.scope import Scope
    from kscan_lsp.evidence.model import Evidence
    from kscan_lsp.graph.binding import Bound
    from kscan_lsp.graph.index import Key, Object
    from kscan_lsp.kubernetes.pod_templates import Place
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.policy.ruleset import Ruleset


class Evaluator:
    """The controls that are on, what is known besides manifests, and what was found before."""

    __slots__ = ("_memo", "clock", "evidence", "ruleset")

    def __init__(
        self, ruleset: Ruleset, evidence: Evidence, clock: Callable[[], float] | None = None
    ) -> None:
        """Judge by a ruleset and evidence; by a clock, in seconds, what takes too long is given up, besides."""
        self.ruleset = ruleset
        self.evidence = evidence
        self.clock = clock
        self._memo = Memo()

    def with_evidence(self, evidence: Evidence) -> Evaluator:
        """The same with other evidence. It shares what is remembered, unless other kinds of evidence are there."""
        other = Evaluator(self.ruleset, evidence, self.clock)
        if evidence.kinds.keys() == self.evidence.kinds.keys():
            other._memo = self._memo
        return other

    def evaluate(
        self, resource: Resource, edited: Edited | None = None, declared: Object | None = None
    ) -> Verdicts:
        """Judge one resource by every control that looks at nothing but resources of its kind.

        Args:
            resource: the resource.
            edited: what was said by the same evidence before an edit, where that is known.
            declared: the same resource as other objects see it. Where its relations lead to nothing whatever there is
                (`leads_nowhere`), the controls for which other objects matter are asked at once (`Verdicts.unrelated`).
        """
        plans = self._plans(resource)
        if edited is None:
            view, wrong = _view_of(resource), type_errors(plans.fields, resource.data)
        elif edited.path is None:
            view, wrong = edited.before.view or cel.view(resource.data), []
        else:  # no other field had a wrong type
            was, value = edited.before.resource.data, paths.lookup(resource.data, edited.path)
            seen = edited.before.view
            view = cel.view_edited(seen, was, resource.data, value) if seen else cel.view(resource.data)
            wrong = type_errors(plans.fields, resource.data, edited.path)
        known = Verdicts(resource, (), frozenset(), frozenset(), (), (), tuple(wrong), view)
        verdicts = self._after(known, plans.alone, None, edited) if edited else None
        if verdicts is None and declared is not None and leads_nowhere(declared, self.relations_of(resource)):
            verdicts = self._unrelated(known, plans)
        if verdicts is None:
            verdicts = self._judged(known, plans.alone, None)
        if not plans.unanswerable:
            return verdicts
        unanswered = tuple(Unevaluated(control, (), why) for control, why in plans.unanswerable)
        return replace(verdicts, unevaluated=verdicts.unevaluated + unanswered)

    def evaluate_related(self, alone: Verdicts, bound: Bound, edited: Edited | None = None) -> Verdicts:
        """Judge one resource by the controls for which other objects matter, too.

        Args:
            alone: what `evaluate` said about it.
            bound: what the relations of `relations_of` lead to.
            edited: what was said by these controls before an edit, where the relations led to the very same objects.

        Returns:
            Both verdicts as one.
        """
        plan = self._plans(alone.resource).related
        after = self._after(alone, plan, bound, edited) if edited else None
        whole = joined(alone, after or alone.unrelated or self._judged(alone, plan, bound))
        if not self.ruleset.by_namespace:
            return whole
        namespace = spaces.spoken_for(alone.resource, bound)
        if namespace is None:
            return whole
        plan = self._plan_of_spaces()
        related = self._related(spaces.bound_of(bound, plan), plan)
        return spaces.judge_namespace(
            namespace,
            whole,
            plan,
            related,
            ruleset=self.ruleset,
            evidence=self.evidence,
            memo=self._memo,
            spending=self._spending(),
        )

    def sees_the_same(self, resource: Resource, before: Bound, now: Bound) -> bool:
        """Whether all that checks read of the objects that a resource is related to is as it was."""
        fields = self._plans(resource).related.related_fields
        if self.ruleset.by_namespace:
            if spaces.spoken_for(resource, before) is not spaces.spoken_for(resource, now):
                return False
            fields = None
        return self._memo.lists.sees_the_same(before, now, fields)

    def relations_of(self, resource: Resource) -> frozenset[str]:
        """The relations that must be bound before a resource can be judged; empty where no other object matters."""
        relations = self._plans(resource).related.relations
        if not self.ruleset.by_namespace:
            return relations
        return relations | spaces.relations_for(resource, self._plan_of_spaces())

    def evidence_of(self, resource: Resource) -> frozenset[Key]:
        """The keys of the evidence that what is said about a resource rests on, whether it is there or not."""
        return self._plans(resource).evidence

    def is_told_the_same(self, resource: Resource, before: Evidence) -> bool:
        """Whether a resource sees of what is known besides manifests what it saw of other evidence, by its images."""
        kinds, earlier = self.evidence.kinds, before.kinds
        if kinds.keys() != earlier.keys():
            return False
        pods = [images_in(spec_of_pod(resource.data, template)) for template in resource.templates]
        return all(
            one is earlier[kind] or one.about(images).digest == earlier[kind].about(images).digest
            for kind, one in kinds.items()
            for images in pods or ((),)
        )

    def elements_of(self, verdicts: Verdicts, bound: Bound | None) -> FailedElements:
        """The elements that the findings of a resource are about, to be bound again for their fixes.

        Args:
            verdicts: what is said about the resource.
            bound: what its relations lead to; None where no other object matters.
        """
        plans = self._plans(verdicts.resource)

        def scope(plan: Plan, template: int) -> Scope:
            related = None
            if bound is not None and plan is plans.related:
                related = self._related(bound, plan)
            scope = self._scope(verdicts, related.templates[template] if related else None, template)
            scope.conditions = self._memo.known_conditions()
            return scope

        return FailedElements(plans, scope)

    def memo_fill(self) -> Mapping[str, Fill]:
        """How full each part of what is remembered is, and where its bound lies."""
        return self._memo.fill()

    def _plan_of_spaces(self) -> Plan:
        kind = ("", "Namespace", (), False)
        return (self._memo.plans.get(kind) or self._made_plans(kind)).spaces

    def _plans(self, resource: Resource) -> Plans:
        who = resource.id
        kind = (who.group, who.kind, resource.places, bool(resource.templates))
        return self._memo.plans.get(kind) or self._made_plans(kind)

    def _made_plans(self, kind: tuple[str, str, tuple[Place, ...], bool]) -> Plans:
        group, name, places, workload = kind
        kinds, numbers = self.evidence.kinds, self._memo.numbers
        made = plans_for(
            group, name, places, workload=workload, ruleset=self.ruleset, evidence=kinds, numbers=numbers
        )
        return self._memo.keep_plans(kind, made)

    def _unrelated(self, known: Verdicts, plans: Plans) -> Verdicts | None:
        """What is said of a resource that is related to none, by both plans; None where they are asked one by one.

        So they are where there are several pods, and where it is counted what each control takes.
        """
        plan, view = plans.related, known.view
        if not plan.rounds or self.ruleset.limited or len(known.resource.templates) > 1:
            return None
        if view is None or not view.complete:
            return None
        scope = self._scope(known, self._memo.lists.nothing(plan.relations, plan.related_fields), 0)
        if scope.composed is not None:  # what patches leave open is said of no group
            return None
        found = evaluate(plans.both, scope, self._memo)
        first = plans.alone.size
        alone, others = (
            verdicts_of(known, one, results, None, ruleset=self.ruleset, memo=self._memo)
            for one, results in ((plans.alone, found[:first]), (plan, found[first:]))
        )
        return replace(alone, unrelated=others)

    def _judged(self, known: Verdicts, plan: Plan, bound: Bound | None) -> Verdicts:
        related = None
        found: list[Results] = []
        spending = self._spending()
        if plan.rounds:
            if bound is not None:
                related = self._related(bound, plan)
            view = known.view or cel.view(known.resource.data)
            if view.complete and (related is None or related.complete):
                for template in range(len(known.resource.templates) or 1):
                    scope = self._scope(known, related.templates[template] if related else None, template)
                    found += evaluate(plan, scope, self._memo, spending=spending)
            else:
                whose = "an object that this one is related to" if view.complete else "this object"
                reason = f"{whose} is too deep or too large to be judged, or contains itself"
                checks = [check for round_ in plan.rounds for check in round_.checks]
                found = [Results((), tuple(NoAnswer(check, (), reason, limit=True) for check in checks))]
                related = None
        if over := spending.over:
            found = without(over, found, plan)
        known = self._with_spent(known, spending)
        return verdicts_of(known, plan, found, related, ruleset=self.ruleset, memo=self._memo)

    def _spending(self) -> Spending:
        return Spending(self.ruleset.limited, self.clock) if self.ruleset.limited else UNLIMITED

    def _with_spent(self, known: Verdicts, spending: Spending) -> Verdicts:
        limited = spending is not UNLIMITED
        return replace(known, over=spending.over, work=spending.work) if limited else known

    def _after(self, known: Verdicts, plan: Plan, bound: Bound | None, edited: Edited) -> Verdicts | None:
        """What is said after an edit, as far as that is what was said before; None where it must be evaluated."""
        judged = edited.before.judged
        if known.type_errors or judged is None or judged.plan is not plan:
            return None
        if known.view is None or not known.view.complete:
            return None
        again = frozenset[int]()
        found: Sequence[Results] = judged.results
        spending = self._spending()
        related = None
        # they are asked where a value is another, and named where findings are placed anew
        if bound is not None and plan.rounds and (edited.path is not None or edited.shift is None):
            related = self._related(bound, plan)
        if edited.path is not None and plan.rounds:
            scope = self._scope(known, related.templates[0] if related else None, 0)
            again = self._memo.touched(plan, edited.path, scope.anchors)
            if again:
                kept = [None if number in again else one for number, one in enumerate(judged.results)]
                found = evaluate(plan, scope, self._memo, kept, spending=spending)
            if scope.composed is not None or any(found[number].no_answers for number in again):
                return None
        if not again and self.ruleset.limited:
            for results in found:
                spending.add(results)
        if spending.over:
            return None
        known = self._with_spent(known, spending)
        if edited.shift is not None:
            return verdicts_after(
                known,
                plan,
                edited.before,
                edited.shift,
                found,
                again=again,
                related=related,
                ruleset=self.ruleset,
            )
        return verdicts_of(known, plan, found, related, ruleset=self.ruleset, memo=self._memo)

    def _related(self, bound: Bound, plan: Plan) -> RelatedObjects:
        return RelatedObjects(bound, plan.related_fields, self._memo.document, self._memo.lists)

    def _scope(self, known: Verdicts, related: RelatedByName | None, template: int) -> Scope:
        resource = known.resource
        view = known.view or cel.view(resource.data)
        return scope_of(
            resource,
            view.value,
            ruleset=self.ruleset,
            evidence=self.evidence,
            related=related,
            digests=self._memo.digests,
            number=template,
        )


def _view_of(resource: Resource) -> cel.View:
    """What CEL sees of an object. Of one that is all of a plain document that is known without a look."""
    data, content = resource.data, resource.document.content
    plain = content is not None and content.plain and content.data is data
    return cel.View(data, complete=True) if plain else cel.view(data)
