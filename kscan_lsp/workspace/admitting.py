"""What policies say of objects that were not written for kscan: a cluster's own, and Kubescape's controls in Rego.

What decides that is asked of the index, which costs next to nothing where there are none; the rooms that evaluate
policies are loaded by the first that there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.admission.asking import Deciding, asked_of
from kscan_lsp.admission.model import NOTHING, Admitted, is_binding, is_mutating, is_policy
from kscan_lsp.findings import merged
from kscan_lsp.gatekeeper.asking import GatekeeperDeciding, gatekeeper_asked
from kscan_lsp.gatekeeper.model import is_constraint, is_gatekeeper, is_template
from kscan_lsp.kyverno.asking import KyvernoDeciding, kyverno_asked
from kscan_lsp.kyverno.model import is_kyverno, is_kyverno_policy

if TYPE_CHECKING:
    from kscan_lsp.findings import Problem
    from kscan_lsp.graph.index import Index, Key, Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.kubescape.asking import KubescapeDeciding
    from kscan_lsp.policy.ruleset import Ruleset


class AskedPolicies(NamedTuple):
    """What decides what policies say of an object."""

    admission: Deciding
    kyverno: KyvernoDeciding
    gatekeeper: GatekeeperDeciding
    kubescape: KubescapeDeciding | None = None
    """None where no control is in Rego."""

    @property
    def keys(self) -> tuple[frozenset[Key], ...]:
        """The keys of the index that decide it."""
        in_rego = () if self.kubescape is None else (self.kubescape.keys,)
        return self.admission.keys, self.kyverno.keys, self.gatekeeper.keys, *in_rego


def asked_about(one: Object, index: Index, ruleset: Ruleset) -> AskedPolicies:
    """What decides what policies say of an object."""
    asked = _NOTHING
    if ruleset.admission:
        asked = AskedPolicies(asked_of(one, index), kyverno_asked(one, index), gatekeeper_asked(one, index))
    if not ruleset.rego:
        return asked
    from kscan_lsp.kubescape.asking import kubescape_asked  # few have controls in Rego
    from kscan_lsp.workspace.rego import rego_engine  # as above

    return asked._replace(kubescape=kubescape_asked(one, index, ruleset.rego, rego_engine()))


_NOTHING: Final = AskedPolicies(
    Deciding((), None, frozenset()), KyvernoDeciding((), ()), GatekeeperDeciding(())
)


def admitted(one: Object, resource: Resource, asked: AskedPolicies, ruleset: Ruleset) -> Admitted:
    """What policies say of an object; arguments as for `admission.judging.admit`."""
    said = NOTHING
    if asked.admission.policies or (ruleset.admission and is_binding(resource)):
        from kscan_lsp.admission.judging import admit  # few workspaces have policies

        said = admit(one, resource, asked.admission, ruleset)
    if asked.kyverno.policies:
        from kscan_lsp.kyverno.judging import admit_kyverno  # as above

        said = _both(said, admit_kyverno(one, resource, asked.kyverno, ruleset))
    if asked.gatekeeper.constraints or (ruleset.admission and is_constraint(one.id)):
        from kscan_lsp.gatekeeper.judging import admit_gatekeeper  # as above
        from kscan_lsp.workspace.rego import rego_engine  # as above

        said = _both(said, admit_gatekeeper(one, resource, asked.gatekeeper, ruleset, rego_engine()))
    if asked.kubescape is not None:
        from kscan_lsp.kubescape.judging import admit_kubescape  # as above
        from kscan_lsp.workspace.rego import rego_engine  # as above

        said = _both(said, admit_kubescape(one, resource, asked.kubescape, ruleset, rego_engine()))
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
