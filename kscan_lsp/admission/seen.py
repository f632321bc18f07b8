"""What the expressions of one policy see of an object, whatever the policy says of it: for who asks them part by part.

Left out on purpose: what a policy says (`judging.py`), and all bindings but the first that leads to params.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kscan_lsp import cel
from kscan_lsp.admission.asking import asked_of, mutating_asked, read_binding
from kscan_lsp.admission.defaults import with_defaults
from kscan_lsp.admission.environment import name_of
from kscan_lsp.admission.judging import values_of
from kscan_lsp.admission.matching import is_about, operation_of, request_of
from kscan_lsp.admission.reading import policy_of

if TYPE_CHECKING:
    from kscan_lsp.admission.model import Policy
    from kscan_lsp.graph.index import Index, Object
    from kscan_lsp.paths import Path


def seen_of(policy: Policy, one: Object, index: Index) -> dict[str, Any] | None:
    """What expressions of a policy may name when an object is created or updated; None where it is not about that.

    Args:
        policy: as it is typed.
        one: the object.
        index: all that the workspace declares.
    """
    asked = mutating_asked(one, index) if policy.mutations else asked_of(one, index)
    request = request_of(one, asked.namespace, asked.was)
    operation = operation_of(request, policy.matching)
    if not operation or is_about(policy.matching, request.as_a(operation)) is False:
        return None
    data = with_defaults(one, request.namespace)
    values = values_of(data, request.as_a(operation), asked.namespace, asked.was)
    bindings = next((bound for known, bound in asked.policies if known.id.name == policy.name), ())
    params = next((found[0] for binding, found in bindings if found and read_binding(binding).param), None)
    if policy.param_kind is None:
        return {**values, "params": None}
    return values if params is None else {**values, "params": cel.view(params.data).value}


def let_at(name: str, data: dict[str, Any], path: Path) -> tuple[Policy, tuple[tuple[str, str], ...]]:
    """A policy as it is typed, and the variables that the expression at a path of it may name.

    Args:
        name: of the policy.
        data: its object.
        path: of the expression.
    """
    policy = policy_of(name, data)
    if path[:2] != ("spec", "variables"):
        return policy, policy.let
    before = {name_of(known) for known, one in policy.variables if one.path[2] < path[2]}  # type: ignore[operator]
    return policy, tuple((known, text) for known, text in policy.let if known in before)
