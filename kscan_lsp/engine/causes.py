"""From what a finding remembers back to the element it is about: what a fix evaluates its own expressions on.

A finding has the check that failed and the number of the element (`findings.Cause`). That is enough to bind the element
again; no check is evaluated for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.engine.elements import elements
from kscan_lsp.engine.scope import NotThereError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.engine.plan import Plan, Plans
    from kscan_lsp.engine.scope import Element, Scope
    from kscan_lsp.findings import Cause
    from kscan_lsp.policy.check import Check
    from kscan_lsp.policy.targets import Each


class FailedElements:
    """The elements that the findings of one resource are about. What findings share is bound once."""

    def __init__(self, plans: Plans, scope: Callable[[Plan, int], Scope]) -> None:
        """Look for elements in one resource.

        Args:
            plans: those for its kind.
            scope: what the elements of a pod template share, by its number, as the checks of a plan see it.
        """
        self._plans = plans
        self._make_scope = scope
        self._scopes: dict[tuple[bool, int], tuple[Scope, list[Element] | None]] = {}
        """With the containers of each, once they are bound."""
        self._elements: dict[tuple[bool, int, Each], list[Element]] = {}

    def is_alone(self, check: Check) -> bool:
        """Whether the control of a check looks at nothing but the resource."""
        return check.control not in self._plans.related.controls

    def find(self, check: Check, cause: Cause) -> Element | None:
        """The element that a check failed on; None where there is none, for it is another resource."""
        alone = self.is_alone(check)
        key = (alone, cause.template, check.each)
        listed = self._elements.get(key)
        if listed is None:
            listed = self._elements[key] = self._list(check.each, cause.template, alone=alone)
        return listed[cause.element] if cause.element < len(listed) else None

    def _list(self, each: Each, template: int, *, alone: bool) -> list[Element]:
        plan = self._plans.alone if alone else self._plans.related
        known = self._scopes.get((alone, template))
        scope, containers = known or (self._make_scope(plan, template), None)
        scope.containers = containers
        try:
            return elements(each, scope, plan.reads_of(each))
        except NotThereError:
            return []
        finally:
            self._scopes[alone, template] = scope, scope.containers
            scope.containers = None  # as in `evaluate`
