"""What policies say of objects that were not written for kscan: a cluster's own, and Kubescape's controls in Rego.

What decides that is asked of the index, which costs next to nothing where there are none; the rooms that evaluate
policies are loaded by the first that there is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.admission.asking import NOBODY, asked_of, mutating_asked
from kscan_lsp.admission.before import reads_what_was, tells_apart
from kscan_lsp.admission.model import (
    BINDINGS,
    GROUP,
    NOTHING,
    Admitted,
    is_binding,
    is_mutating,
    is_policy,
)
from kscan_lsp.findings import merged
from kscan_lsp.gatekeeper.asking import GatekeeperDeciding, gatekeeper_asked
from kscan_lsp.gatekeeper.model import TEMPLATE, is_constraint, is_gatekeeper, is_template
from kscan_lsp.graph.index import key_of
from kscan_lsp.kubescape.asking import KubescapeDeciding, kubescape_asked
from kscan_lsp.kyverno.asking import KyvernoDeciding, kyverno_asked
from kscan_lsp.kyverno.model import CEL_POLICIES, CLUSTER_POLICY, EXCEPTION, is_kyverno, is_kyverno_policy
from kscan_lsp.kyverno.model import POLICY as KYVERNO_POLICY
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from kscan_lsp.admission.asking import Deciding
    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Problem
    from kscan_lsp.graph.index import Index, Key, Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.storing import StoredObject


class AskedPolicies(NamedTuple):
    """What decides what policies say of an object."""

    admission: Deciding
    kyverno: KyvernoDeciding
    gatekeeper: GatekeeperDeciding
    kubescape: KubescapeDeciding = KubescapeDeciding()
    mutating: Deciding = NOBODY
    """What decides what it is changed into before."""

    @property
    def keys(self) -> tuple[frozenset[Key], ...]:
        """The keys of the index that decide it."""
        return (
            self.admission.keys, self.kyverno.keys, self.gatekeeper.keys, self.kubescape.keys, self.mutating.keys,
        )  # fmt: skip


def asked_about(one: Object, index: Index, ruleset: Ruleset) -> AskedPolicies:
    """What decides what policies say of an object, and what those of a workspace make of it before."""
    asked = _NOTHING
    if ruleset.admission:
        asked = AskedPolicies(asked_of(one, index), kyverno_asked(one, index), gatekeeper_asked(one, index))
    if ruleset.mutates:
        asked = asked._replace(mutating=mutating_asked(one, index))
    if not ruleset.rego:
        return asked
    from kscan_lsp.workspace.rego import rego_engine  # few have controls in Rego

    return asked._replace(kubescape=kubescape_asked(one, index, ruleset.rego, rego_engine()))


_NOTHING: Final = AskedPolicies(NOBODY, KyvernoDeciding((), ()), GatekeeperDeciding(()))


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
        from kscan_lsp.workspace.rego import rego_engine  # as above

        said = both_said(said, admit_gatekeeper(one, resource, asked.gatekeeper, ruleset, rego_engine()))
    if ruleset.rego:
        from kscan_lsp.kubescape.judging import admit_kubescape  # as above
        from kscan_lsp.workspace.rego import rego_engine  # as above

        said = both_said(said, admit_kubescape(one, resource, asked.kubescape, ruleset, rego_engine()))
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
