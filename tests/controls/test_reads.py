"""What an expression is said to read is all that its answer depends on.

Every control's own tests are run with everything bound, and each expression of a check that is asked is then evaluated
twice: with all values, and with no more of them than its reading names. The engine itself cuts values down by the same
readings, which would hide what they miss; so here it is told that everything is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp import cel
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.testing.run import run_tests
from kscan_lsp.workspace.policies import complete_policies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kscan_lsp.policy.check import Check
    from kscan_lsp.policy.model import Control

POLICIES = complete_policies()
MANY = 40
"""Elements on which each check is looked at, and more than its tests have, but for a few."""

TOO_LARGE = cel.Failed("too much work for an object of this size")
"""The answer where whole roles are bound, those of every cluster among them: nobody evaluates that."""

Values = dict[str, Any]


def judged(control: Control, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Check, Values]]:
    """The elements that the checks of a control are asked about in its tests, with everything bound."""
    values_of: dict[int, tuple[cel.Activation, Values]] = {}
    # by what is asked: checks of several fields can ask the same
    found: dict[cel.Expression, list[Values]] = {check.deny: [] for check in control.checks}
    bind, deny = cel.bind, cel.deny

    def remembering_bind(
        environment: cel.Environment, values: Mapping[str, Any], reads: cel.Reads | None = None
    ) -> cel.Activation:
        activation = bind(environment, values, reads)
        values_of[id(activation)] = (activation, dict(values))
        return activation

    def remembering_deny(expression: cel.Expression, activation: cel.Activation) -> bool | cel.Failed:
        if expression in found and len(found[expression]) < MANY:
            found[expression].append(values_of[id(activation)][1])
        return deny(expression, activation)

    with monkeypatch.context() as patched:
        patched.setattr(cel, "fields_read", lambda _: dict.fromkeys(CONTROLS.variables))
        patched.setattr(cel, "fields_read_of_entries", lambda _: None)
        patched.setattr(cel, "bind", remembering_bind)
        patched.setattr(cel, "deny", remembering_deny)
        run_tests(control, POLICIES)
    return [(check, values) for check in control.checks for values in found[check.deny]]


def cut(values: Values, expression: cel.Expression) -> Values:
    """No more of some values than an expression is said to read."""
    kept: Values = {}
    for name, fields in cel.fields_read([expression]).items():
        if name in values:
            kept[name] = only(values[name], fields)
    entries, fields = kept.get("relations", {}), cel.fields_read_of_entries([expression])
    if entries:
        kept["relations"] = {
            name: [{**entry, "object": only(entry["object"], fields)} for entry in several]
            for name, several in entries.items()
        }
    return kept


def only(value: Any, fields: Iterable[str] | None) -> Any:
    if fields is None or not isinstance(value, dict):
        return value
    return {field: value[field] for field in fields if field in value}


def answer(expression: cel.Expression, values: Values) -> object:
    return cel.evaluate(expression, cel.bind(CONTROLS, values))


@pytest.mark.parametrize(
    "control", [control for control in POLICIES.controls.values() if control.checks], ids=lambda c: c.id
)
def test_an_answer_depends_on_nothing_but_what_is_read(control, monkeypatch) -> None:
    elements = judged(control, monkeypatch)
    assert {check for check, _ in elements} == set(control.checks), "a check that no test of its control asks"
    compared = set()
    for check, values in elements:
        for expression in check.expressions():
            whole = answer(expression, values)
            if whole == TOO_LARGE:
                continue
            compared.add(expression)
            assert answer(expression, cut(values, expression)) == whole, (expression.source, whole)
    assert compared == {expression for check in control.checks for expression in check.expressions()}


def test_it_is_noticed_where_too_little_is_said_to_be_read(monkeypatch) -> None:
    check, values = next(
        (check, values)
        for check, values in judged(POLICIES.controls["C-0057"], monkeypatch)
        if cel.deny(check.deny, cel.bind(CONTROLS, values)) is True
    )
    assert check.deny.reading.fields
    for left_out in check.deny.reading.fields:
        fields = tuple(field for field in check.deny.reading.fields if field != left_out)
        less = cel.Expression(check.deny.source, check.deny.let, cel.ReadSet(fields))
        assert answer(less, cut(values, less)) is not True
