"""What policies say of objects that were not written for kscan: a cluster's own, and Kubescape's controls in Rego.

What decides that is asked of the index, which costs next to nothing where there are none; the rooms that evaluate
policies are loaded by the first that there is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp import paths
from kscan_lsp.admission.asking import NOBODY
from kscan_lsp.admission.before import NOT_KNOWN, reads_what_was, tells_apart
from kscan_lsp.admission.model import (
    BINDINGS,
    GROUP,
    NOTHING,
    Admitted,
    is_binding,
    is_mutating,
    is_policy,
)
from kscan_lsp.engine.edited import moved, placed
from kscan_lsp.findings import in_order, merged
from kscan_lsp.gatekeeper.model import TEMPLATE, is_constraint, is_gatekeeper, is_template
from kscan_lsp.graph.index import key_of
from kscan_lsp.kyverno.model import CEL_POLICIES, CLUSTER_POLICY, EXCEPTION, is_kyverno, is_kyverno_policy
from kscan_lsp.kyverno.model import POLICY as KYVERNO_POLICY
from kscan_lsp.policy.admission import policy_part
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from kscan_lsp.admission.asking import Deciding
    from kscan_lsp.engine.edited import Edited
    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Finding, Problem
    from kscan_lsp.gatekeeper.asking import GatekeeperDeciding
    from kscan_lsp.graph.index import Index, Key, Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.kubescape.asking import KubescapeDeciding
    from kscan_lsp.kyverno.asking import KyvernoDeciding
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.storing import StoredObject
    from kscan_lsp.yaml.splice import Shift


class AskedPolicies(Struct, frozen=True):
    """What decides what policies say of an object."""

    admission: Deciding
    kyverno: KyvernoDeciding
    gatekeeper: GatekeeperDeciding
    kubescape: KubescapeDeciding | None = None
    """None where no control is in Rego."""
    mutating: Deciding = NOBODY
    """What decides what it is changed into before."""

    @property
    def keys(self) -> tuple[frozenset[Key], ...]:
        """The keys of the index that decide it."""
        in_rego = () if self.kubescape is None else (self.kubescape.keys,)
        return self.admission.keys, self.kyverno.keys, self.gatekeeper.keys, self.mutating.keys, *in_rego

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


class Admission(Struct, frozen=True):
    """What policies say of a resource, and what decided it."""

    asked: AskedPolicies
    said: Admitted
    stored: StoredObject | None = None
    """What the resource is stored as, where policies change it: then that is what they are asked about."""
    said_of_text: Admitted | None = None
    """What they would say of it as it is written, where that is something else."""


def are_apart(asked: AskedPolicies, ruleset: Ruleset) -> bool:
    """Whether what each policy says rests on the object as it is written, and on nothing that an edit of it changes.

    It does not where objects are changed first, where a rule looks at several, or where it counts what they were.
    """
    was = (asked.admission.was, asked.kyverno.was, asked.gatekeeper.was)
    return not (ruleset.mutates or ruleset.rego) and all(one is NOT_KNOWN for one in was)


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
    asked, parts = before.asked, None
    if asked.any and (edit.shift is not None or edit.path is None):
        parts = _concerned(asked, edit, resource)
    if parts is None:
        return Admission(asked, admitted(one, resource, asked, ruleset))
    return Admission(asked, _put_together(one, resource, before, edit.shift, parts, ruleset=ruleset))


def with_answers(one: Object, resource: Resource, before: Admission, ruleset: Ruleset) -> Admission:
    """What was said of a resource, with the answers that have come since; arguments as for `admitted_after`."""
    from kscan_lsp.yaml.splice import Shift  # answers come later in an editor alone

    parts = {policy_part(name) for name in before.said.later}
    return Admission(before.asked, _put_together(one, resource, before, Shift(0, 0), parts, ruleset=ruleset))


def _put_together(
    one: Object,
    resource: Resource,
    before: Admission,
    shift: Shift | None,
    parts: AbstractSet[str],
    *,
    ruleset: Ruleset,
) -> Admitted:
    """What some policies say now, and all others said, or where the answer comes later.

    Places are found anew where nobody knows how they moved, as around a line that cannot be read.
    """
    asked, said = before.asked, before.said
    if not parts:
        return replace(said, findings=tuple(_moved(said.findings, shift, resource)))
    anew = admitted(one, resource, asked.only(parts), ruleset)

    def is_kept(control: str) -> bool:
        return policy_part(control) not in parts or control in anew.later

    kept = _moved([was for was in said.findings if is_kept(was.control)], shift, resource)
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


def _moved(findings: Sequence[Finding], shift: Shift | None, resource: Resource) -> list[Finding]:
    """Findings that hold still, in their order, at the places where they are now."""
    if shift is not None:
        return [moved(was, shift, resource) for was in findings]
    locator = resource.locator()
    return in_order([placed(was, locator.resolve(was.path).span, resource) for was in findings])


COMES_LATER: Final = frozenset([key_of("later")])
"""What a document depends on that waits for an answer."""
ON_ANSWERS: Final = frozenset([key_of("told")])
"""What one depends on of which rules that look at several objects say anything, whether it waits or not."""


_LEADS_TO: Final = {"image": "imagePullPolicy", "port": "targetPort"}
"""Fields from which the API server fills in others, and those."""


def _concerned(asked: AskedPolicies, edit: Edited, resource: Resource) -> set[str] | None:
    """Which policies read the value that is another, by what their ids have in common; None where all may."""
    path = edit.path
    if path is None:
        return set()
    was, now = (paths.lookup(data, path) for data in (edit.before.resource.data, resource.data))
    # names and labels decide which policies are about it, and null is what the API server fills in
    if path[0] == "metadata" or was is None or now is None:
        return None
    led = _LEADS_TO.get(str(path[-1]))
    from kscan_lsp.admission.reads import different  # few workspaces have policies

    found: set[str] = set()
    for place in (*different(was, now, path), *([(*path[:-1], led)] if led else ())):
        if asked.admission.policies:
            from kscan_lsp.admission.remembered import reading  # as above

            found |= reading(asked.admission, place)
        if asked.kyverno.policies:
            from kscan_lsp.kyverno.reads import reading_in_kyverno  # as above

            found |= reading_in_kyverno(asked.kyverno, place)
        if asked.gatekeeper.constraints:
            from kscan_lsp.gatekeeper.judging import reading_in_gatekeeper  # as above

            found |= reading_in_gatekeeper(asked.gatekeeper, place)
    return found


def admitted(one: Object, resource: Resource, asked: AskedPolicies, ruleset: Ruleset) -> Admitted:
    """What policies say of an object; arguments as for `admission.judging.admit`."""
    said = NOTHING
    if asked.admission.policies or (ruleset.admission and is_binding(resource)):
        from kscan_lsp.admission.judging import admit  # few workspaces have policies

        said = admit(one, resource, asked.admission, ruleset)
    if asked.kyverno.policies:
        from kscan_lsp.kyverno.judging import admit_kyverno  # as above

        said = both_said(said, admit_kyverno(one, resource, asked.kyverno, ruleset))
    if asked.gatekeeper.constraints or (ruleset.admission and is_constraint(one.id)):
        from kscan_lsp.gatekeeper.judging import admit_gatekeeper  # as above
        from kscan_lsp.workspace.rego_beside import engine_now  # as above

        said = both_said(said, admit_gatekeeper(one, resource, asked.gatekeeper, ruleset, engine_now()))
    if asked.kubescape is not None:
        from kscan_lsp.kubescape.judging import admit_kubescape  # as above
        from kscan_lsp.workspace.rego_beside import engine_now  # as above

        said = both_said(said, admit_kubescape(one, resource, asked.kubescape, ruleset, engine_now()))
    return said


def stored_as(
    one: Object, written: Verdicts, asked: AskedPolicies, evaluator: Evaluator
) -> tuple[StoredObject | None, Admitted]:
    """An object as policies change it; arguments as for `storing.stored_of`."""
    if not asked.mutating.policies:
        return None, NOTHING
    from kscan_lsp.workspace.storing import stored_of  # as above

    return stored_of(one, written, asked.mutating, evaluator)


def said_as_written(said: Verdicts, stored: StoredObject, written: Verdicts) -> Verdicts:
    """What is said of a stored object at its places in the text; arguments as for `storing.as_written`."""
    from kscan_lsp.workspace.storing import as_written  # as above

    return as_written(said, stored, written)


def both_said(said: Admitted, besides: Admitted) -> Admitted:
    """What is said by policies of two kinds."""
    if said is NOTHING:
        return besides
    if besides is NOTHING:
        return said
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


_POLICIES: Final = (
    *BINDINGS, *BINDINGS.values(), CLUSTER_POLICY, KYVERNO_POLICY, *sorted(CEL_POLICIES), EXCEPTION, TEMPLATE,
)  # fmt: skip
_OPERATIONS: Final = regex(r"\boperations\b")
"""What a filter of Kyverno's says which operations it is about by."""


def ask_what_was(index: Index) -> bool:
    """Whether any policy of a workspace may say something else of an object that is updated than of one created."""
    return any(_asks_what_was(one) for kind in _POLICIES for one in index.find(key_of("kind", kind)))


@lru_cache(maxsize=1_024)
def _asks_what_was(one: Object) -> bool:
    """The same of one: by its text, as nothing is compiled for that; one that only seems to ask costs time alone."""
    if is_kyverno(one.id.group, one.id.kind) and one.id.kind not in CEL_POLICIES:
        return reads_what_was(one.document) or _OPERATIONS.search(one.document) is not None
    if is_template(one.id):
        return reads_what_was(one.document)
    if one.id.group != GROUP and not is_kyverno(one.id.group, one.id.kind):
        return False
    given = one.data.get("spec")
    spec: dict[str, Any] = given if isinstance(given, dict) else {}
    constraints = spec.get("matchResources" if one.id.kind in BINDINGS else "matchConstraints")
    return tells_apart(constraints) or reads_what_was(one.document)


def policy_faults(resource: Resource, ruleset: Ruleset) -> tuple[Problem, ...]:
    """What is wrong with a policy itself."""
    if not resource.id.group.endswith(("admissionregistration.k8s.io", "kyverno.io", "gatekeeper.sh")):
        return ()
    if is_policy(resource) or is_mutating(resource):
        from kscan_lsp.admission.problems import problems_of  # as above

        return problems_of(resource, mutates=ruleset.mutates, minor=ruleset.kubernetes_minor)
    if is_kyverno_policy(resource):
        from kscan_lsp.kyverno.problems import kyverno_problems  # as above

        return kyverno_problems(resource)
    if is_template(resource.id):
        from kscan_lsp.gatekeeper.problems import template_problems  # as above

        return template_problems(resource)
    return ()
