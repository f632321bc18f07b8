"""What the cluster's own policies in a workspace say of its objects: of Kubernetes, Kyverno and Gatekeeper.

What decides that is asked of the index, which costs next to nothing where there are none; the rooms that evaluate
policies are loaded by the first that there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp import paths
from kscan_lsp.admission.asking import asked_of
from kscan_lsp.admission.matching import is_exempt
from kscan_lsp.admission.model import NOTHING, Admitted, is_binding, is_mutating, is_policy
from kscan_lsp.engine.edited import moved
from kscan_lsp.findings import merged
from kscan_lsp.gatekeeper.asking import gatekeeper_asked
from kscan_lsp.gatekeeper.model import is_constraint, is_gatekeeper, is_template
from kscan_lsp.graph.index import key_of
from kscan_lsp.kyverno.asking import kyverno_asked
from kscan_lsp.kyverno.model import is_kyverno, is_kyverno_policy
from kscan_lsp.policy.admission import policy_part
from kscan_lsp.yaml.splice import Shift

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from kscan_lsp.admission.asking import Deciding
    from kscan_lsp.engine.edited import Edited
    from kscan_lsp.findings import Problem
    from kscan_lsp.gatekeeper.asking import GatekeeperDeciding
    from kscan_lsp.graph.index import Index, Key, Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.kyverno.asking import KyvernoDeciding
    from kscan_lsp.policy.ruleset import Ruleset


class AskedPolicies(NamedTuple):
    """What decides what policies say of an object."""

    admission: Deciding
    kyverno: KyvernoDeciding
    gatekeeper: GatekeeperDeciding

    @property
    def keys(self) -> tuple[frozenset[Key], ...]:
        """The keys of the index that decide it."""
        return self.admission.keys, self.kyverno.keys, self.gatekeeper.keys

    @property
    def any(self) -> bool:
        """Whether any policy is asked."""
        return bool(self.admission.policies or self.kyverno.policies or self.gatekeeper.constraints)

    @property
    def parts(self) -> tuple[str, ...]:
        """What the ids of each policy have in common, in the order in which they are asked."""
        return (*self.admission.parts, *self.kyverno.parts, *self.gatekeeper.parts)

    def only(self, parts: AbstractSet[str]) -> AskedPolicies:
        """The same with no policies but some, by what their ids have in common."""
        return AskedPolicies(
            self.admission.only(parts), self.kyverno.only(parts), self.gatekeeper.only(parts)
        )


class Admission(NamedTuple):
    """What policies say of a resource, and what decided it."""

    asked: AskedPolicies
    said: Admitted


def leads_on(one: Object) -> bool:
    """Whether what stands in an object decides what is asked about it: a binding leads to a policy."""
    return is_exempt(one) or is_constraint(one.id)


def admitted_after(
    one: Object, resource: Resource, before: Admission, edit: Edited, ruleset: Ruleset
) -> Admission:
    """What the same policies say of a resource after an edit, mostly of one value that few of them read.

    Args:
        one: the object as the others see it.
        resource: the same in its document.
        before: what they said of it before, and what decided that, which is what it was.
        edit: what is different about the resource.
        ruleset: which policies are left out, and how severe the user has others.
    """
    said = _said_after(one, resource, before, edit, ruleset)
    return Admission(before.asked, admitted(one, resource, before.asked, ruleset) if said is None else said)


def _said_after(
    one: Object, resource: Resource, before: Admission, edit: Edited, ruleset: Ruleset
) -> Admitted | None:
    """What they say where not all of them have to be asked again; None where they have."""
    if edit.shift is None or not before.asked.any:
        return None
    parts = _concerned(before.asked, edit, resource)
    return None if parts is None else _put_together(one, resource, before, edit.shift, parts, ruleset=ruleset)


def with_answers(one: Object, resource: Resource, before: Admission, ruleset: Ruleset) -> Admission:
    """What was said of a resource, with the answers that have come since; arguments as for `admitted_after`."""
    parts = {policy_part(name) for name in before.said.later}
    return Admission(before.asked, _put_together(one, resource, before, Shift(0, 0), parts, ruleset=ruleset))


def _put_together(
    one: Object,
    resource: Resource,
    before: Admission,
    shift: Shift,
    parts: AbstractSet[str],
    *,
    ruleset: Ruleset,
) -> Admitted:
    """What some policies say now, and all others said, or where the answer comes later."""
    asked, said = before
    anew = admitted(one, resource, asked.only(parts), ruleset) if parts else NOTHING

    def is_kept(control: str) -> bool:
        return policy_part(control) not in parts or control in anew.later

    kept = [moved(was, shift, resource) for was in said.findings if is_kept(was.control)]
    findings = tuple(merged(kept, [was for was in anew.findings if not is_kept(was.control)]))
    unevaluated = [was for was in said.unevaluated if is_kept(was.control)]
    unevaluated += [was for was in anew.unevaluated if not is_kept(was.control)]
    if len(unevaluated) > 1:
        order = {part: number for number, part in enumerate(asked.parts)}
        unevaluated.sort(key=lambda was: order[policy_part(was.control)])
    return Admitted(
        findings,
        frozenset(filter(is_kept, said.passed)) | {name for name in anew.passed if not is_kept(name)},
        frozenset([finding.control for finding in findings]),
        tuple(unevaluated),
        later=anew.later.union(name for name in said.later if policy_part(name) not in parts),
    )


COMES_LATER: Final = frozenset([key_of("later")])
"""What a document depends on that waits for an answer."""


_LED_BY: Final = frozenset({"image", "port"})
"""Fields from which the API server fills in others."""


def _concerned(asked: AskedPolicies, edit: Edited, resource: Resource) -> set[str] | None:
    """Which policies read the value that is another, by what their ids have in common; None where all may."""
    path = edit.path
    if path is None:
        return set()
    was, now = (paths.lookup(data, path) for data in (edit.before.resource.data, resource.data))
    # names and labels decide which policies are about it, and null is what the API server fills in
    if path[0] == "metadata" or path[-1] in _LED_BY or was is None or now is None:
        return None
    from kscan_lsp.admission.reads import different  # few workspaces have policies

    found: set[str] = set()
    for place in different(was, now, path):
        if asked.admission.policies:
            from kscan_lsp.admission.remembered import reading  # as above

            found |= reading(asked.admission, place)
        if asked.kyverno.policies:
            from kscan_lsp.kyverno.judging import reading_in_kyverno  # as above

            found |= reading_in_kyverno(asked.kyverno, place)
        if asked.gatekeeper.constraints:
            from kscan_lsp.gatekeeper.judging import reading_in_gatekeeper  # as above

            found |= reading_in_gatekeeper(asked.gatekeeper, place)
    return found


def asked_about(one: Object, index: Index) -> AskedPolicies:
    """What decides what the policies of a workspace say of an object."""
    return AskedPolicies(asked_of(one, index), kyverno_asked(one, index), gatekeeper_asked(one, index))


def admitted(one: Object, resource: Resource, asked: AskedPolicies, ruleset: Ruleset) -> Admitted:
    """What policies say of an object; arguments as for `admission.judging.admit`."""
    said = NOTHING
    if asked.admission.policies or is_binding(resource):
        from kscan_lsp.admission.judging import admit  # few workspaces have policies

        said = admit(one, resource, asked.admission, ruleset)
    if asked.kyverno.policies:
        from kscan_lsp.kyverno.judging import admit_kyverno  # as above

        said = _both(said, admit_kyverno(one, resource, asked.kyverno, ruleset))
    if asked.gatekeeper.constraints or is_constraint(one.id):
        from kscan_lsp.gatekeeper.judging import admit_gatekeeper  # as above
        from kscan_lsp.workspace.rego_beside import engine_now  # as above

        said = _both(said, admit_gatekeeper(one, resource, asked.gatekeeper, ruleset, engine_now()))
    return said


def _both(said: Admitted, besides: Admitted) -> Admitted:
    if said is NOTHING:
        return besides
    return Admitted(
        tuple(merged(said.findings, besides.findings)),
        said.passed | besides.passed,
        said.failed | besides.failed,
        said.unevaluated + besides.unevaluated,
        said.problems + besides.problems,
        said.later | besides.later,
    )


def is_read_as_policy(group: str, kind: str) -> bool:
    """Whether objects of a kind are policies, of others than Kubernetes, that are read: no control is about them."""
    return is_kyverno(group, kind) or is_gatekeeper(group, kind)


def policy_faults(resource: Resource) -> tuple[Problem, ...]:
    """What is wrong with a policy itself."""
    if is_policy(resource) or is_mutating(resource):
        from kscan_lsp.admission.problems import problems_of  # as above

        return problems_of(resource)
    if is_kyverno_policy(resource):
        from kscan_lsp.kyverno.problems import kyverno_problems  # as above

        return kyverno_problems(resource)
    if is_template(resource.id):
        from kscan_lsp.gatekeeper.problems import template_problems  # as above

        return template_problems(resource)
    return ()
