"""What the admission policies of a workspace say of the resources of a document, asked as seldom as can be.

Left out on purpose: what each policy says (`admitting.py`), and when that is asked (`judging.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp.admission.asking import NOBODY, asked_of, mutating_asked
from kscan_lsp.admission.matching import is_exempt
from kscan_lsp.admission.model import NOTHING
from kscan_lsp.gatekeeper.asking import GatekeeperDeciding, gatekeeper_asked
from kscan_lsp.gatekeeper.model import is_constraint
from kscan_lsp.graph.binding import Followed, any_of
from kscan_lsp.kyverno.asking import KyvernoDeciding, kyverno_asked
from kscan_lsp.workspace.admitting import (
    Admission,
    AskedPolicies,
    admitted_after,
    are_apart,
    both_said,
    stored_as,
    with_answers,
)
from kscan_lsp.workspace.admitting import admitted as said_of_policies

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.graph.index import Index, Key, Object
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.results import ReadDocument


def leads_on(one: Object) -> bool:
    """Whether what stands in an object decides what is asked about it: a binding leads to a policy."""
    return is_exempt(one) or is_constraint(one.id)


def asked_about(one: Object, index: Index, ruleset: Ruleset) -> AskedPolicies:
    """What decides what policies say of an object, and what those of a workspace make of it before."""
    asked = _NOTHING
    if ruleset.admission:
        asked = AskedPolicies(asked_of(one, index), kyverno_asked(one, index), gatekeeper_asked(one, index))
    if ruleset.mutates:
        asked = replace(asked, mutating=mutating_asked(one, index))
    if not ruleset.rego:
        return asked
    from kscan_lsp.kubescape.asking import kubescape_asked  # few have controls in Rego
    from kscan_lsp.workspace.rego_beside import engine_now  # as above

    return replace(asked, kubescape=kubescape_asked(one, index, ruleset.rego, engine_now()))


_NOTHING: Final = AskedPolicies(NOBODY, KyvernoDeciding((), ()), GatekeeperDeciding(()))


class FollowedAndAsked(Followed):
    """What relations lead to in one index, and what policies say there."""

    __slots__ = ("unasked",)

    def __init__(self, index: Index) -> None:
        super().__init__(index)
        self.unasked: dict[tuple[str, str], Admission | None] = {}
        """By API group and kind, what policies say of objects that none of them is about; None where any may be."""


def admissions(
    evaluator: Evaluator, read: ReadDocument, followed: FollowedAndAsked, before: tuple[Admission, ...] = ()
) -> tuple[Admission, ...]:
    """What policies say of each resource; what it was where the very same ones are asked."""
    if not evaluator.ruleset.asks_policies:
        return ()
    index, ruleset = followed.answers.index, evaluator.ruleset
    found: list[Admission] = []
    for number, (verdicts, one) in enumerate(zip(read.verdicts, read.objects, strict=True)):
        asked = asked_about(one, index, ruleset)
        known = before[number] if before and before[number].asked == asked else None
        if known and not known.said.later:
            found.append(known)
        elif known and are_apart(asked, ruleset):
            found.append(with_answers(one, verdicts.resource, known, ruleset))
        else:
            found.append(_admission(evaluator, verdicts, one, asked))
    return tuple(found)


def _admission(evaluator: Evaluator, verdicts: Verdicts, one: Object, asked: AskedPolicies) -> Admission:
    """What all policies say of a resource."""
    said = said_of_policies(one, verdicts.resource, asked, evaluator.ruleset)
    stored, besides = stored_as(one, verdicts, asked, evaluator)
    if stored is None:
        return Admission(asked, both_said(said, besides))
    after = said_of_policies(stored.object, stored.resource, asked, evaluator.ruleset)
    return Admission(asked, both_said(after, besides), stored, said)


def _unasked(evaluator: Evaluator, one: Object, followed: FollowedAndAsked) -> Admission | None:
    """What policies say of an object that none of them is about, which is the same for all of its kind."""
    kind = (one.id.group, one.id.kind)
    if kind not in followed.unasked:
        asked = asked_about(one, followed.answers.index, evaluator.ruleset)
        is_any = leads_on(one) or asked.any or asked.mutating.policies or asked.kubescape is not None
        followed.unasked[kind] = None if is_any else Admission(asked, NOTHING)
    return followed.unasked[kind]


def admissions_after(
    evaluator: Evaluator, read: ReadDocument, followed: FollowedAndAsked, changed: AbstractSet[Key]
) -> tuple[Admission, ...]:
    """The same after an edit, where most of it can be what it was."""
    if not evaluator.ruleset.asks_policies:
        return ()
    index, ruleset = followed.answers.index, evaluator.ruleset
    found: list[Admission] = []
    for verdicts, one, was in zip(read.verdicts, read.objects, read.earlier, strict=True):
        before = was.admission if was else None
        known = before if before and not leads_on(one) and not any_of(before.asked.keys, changed) else None
        if was and known and are_apart(known.asked, ruleset):
            found.append(admitted_after(one, verdicts.resource, known, was.alone, ruleset))
        else:
            found.append(
                _unasked(evaluator, one, followed)
                or _admission(evaluator, verdicts, one, asked_about(one, index, ruleset))
            )
    return tuple(found)
