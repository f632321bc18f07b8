"""What the tests of a control would not notice: each condition of its question taken for true, and for false.

A condition that can be taken for either without any test failing is one that nobody has tried. The question is taken
apart as it is written: what stands between `&&`, `||` and `!`, the parts of `?:`, and what a macro such as `all` asks
of each element.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from kscan_lsp import cel
from kscan_lsp.admission.expressions import MACROS, parts_of
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.testing.run import run_tests
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.admission.expressions import Part
    from kscan_lsp.policy.check import Check
    from kscan_lsp.policy.model import Control, PolicySet
    from kscan_lsp.text import Span

_ASKING: Final = MACROS - {"map"}
"""Macros whose last part is a condition on each element."""


class Unnoticed(NamedTuple):
    """A condition that no test needs: with it taken for `value`, all tests of the control pass."""

    condition: str
    value: bool
    span: Span
    """The place of the question in the file of the control."""


class Mutation(NamedTuple):
    """What came of a control's conditions, each taken for true and for false."""

    tried: int
    unnoticed: tuple[Unnoticed, ...]


def mutate(control: Control, policies: PolicySet) -> Mutation:
    """Take each condition of a control for true and for false, and see whether its tests notice.

    Args:
        control: one whose tests pass. Checks that it takes over from another are tried there.
        policies: all controls, with their sources.
    """
    source = policies.sources[control.id]
    tried, found = 0, []
    for number, check in enumerate(control.checks if _has_own(control, policies) else ()):
        at = span_at(source.document, ("checks", number, "deny"))
        for condition, value, other in _mutants(check):
            checks = (*control.checks[:number], replace(check, deny=other), *control.checks[number + 1 :])
            mutant = replace(control, checks=checks)
            changed = replace(policies, controls={**policies.controls, control.id: mutant})
            tried += 1
            if not any(outcome.failure for outcome in run_tests(mutant, changed)):
                found.append(Unnoticed(condition, value, at))
    return Mutation(tried, tuple(found))


def _has_own(control: Control, policies: PolicySet) -> bool:
    """Whether all checks of a control are written in its own file."""
    data = policies.sources[control.id].document.data
    checks = data.get("checks") if isinstance(data, dict) else None
    return isinstance(checks, list) and not any(isinstance(one, dict) and "use" in one for one in checks)


def _mutants(check: Check) -> Iterator[tuple[str, bool, cel.Expression]]:
    """The question of a check with one condition taken for a value, for each condition and each value."""
    source = check.deny.source
    whole = parts_of(source)
    for part in _conditions(whole) if whole else ():
        for value in (True, False):
            text = f"{source[: part.start]}{'true' if value else 'false'}{source[part.end :]}"
            made = cel.compile_expression(
                CONTROLS, text, let=check.deny.let, result="bool", declared=check.deny.declared
            )
            if isinstance(made, cel.Expression):
                yield _shown(source[part.start : part.end]), value, made


def _shown(text: str) -> str:
    """A condition in one line, without the brackets around it."""
    line = " ".join(text.split())
    return line[1:-1].strip() if line.startswith("(") and line.endswith(")") else line


def _conditions(part: Part) -> Iterator[Part]:
    """The conditions that a boolean expression is made of, in order."""
    asked = part.kind == "call" and part.method and part.name in _ASKING and len(part.parts) == 3
    if part.kind == "condition" or (part.kind == "operator" and part.name in {"&&", "||", "!"}):
        for inner in part.parts:
            yield from _conditions(inner)
    elif asked:
        yield from _conditions(part.parts[2])
    elif part.kind != "literal":
        yield part
