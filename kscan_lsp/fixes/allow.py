"""A finding -> names that the settings could allow, so that it goes away: entries of the lists that its check reads.

A check says which list that is and what the entry would be (`allow`). It is added, or taken out where it stands there:
some lists name what is allowed, others what is not. Whether the finding rests on that list is asked of the check, with
the list as it would be; a name that changes nothing is not offered.

Left out on purpose: the settings file and who may change it (`workspace/configuration.py`), and values: what is allowed
is a name, which is no secret.
"""

from __future__ import annotations

from collections import Counter
from itertools import repeat
from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp import cel
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.fixes.draft import judged_in
from kscan_lsp.fixes.verify import located
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.engine.scope import Element
    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.verify import Site
    from kscan_lsp.graph.binding import Bound
    from kscan_lsp.policy.check import Check
    from kscan_lsp.policy.ruleset import Ruleset


class Allowance(Struct, frozen=True):
    """An entry that a list of the settings would have, or not have any more, and the whole list then."""

    input: str
    entry: str
    values: tuple[str, ...]


def allowances(site: Site, finding: Finding) -> list[Allowance]:
    """What could be allowed so that a finding goes away; nothing where its control reads no list of names."""
    place = located(site, finding)
    if place is None:
        return []
    rules = site.project.ruleset
    checks = rules.control(finding.control).checks
    failed: list[tuple[Check, Element]] = []
    for cause in place.finding.causes:
        check = checks[cause.check]
        element = place.elements.find(check, cause) if check.allow else None
        if element is None:
            return []
        failed.append((check, element))
    found = dict.fromkeys(one for check, element in failed for one in _named(check, element, rules))
    return [one for one in found if all(_permits(check, element, one, rules) for check, element in failed)]


def _named(check: Check, element: Element, rules: Ruleset) -> Iterator[Allowance]:
    for name, question in check.allow:
        given = cel.evaluate(question, element.activation)
        for entry in given if isinstance(given, list) else [given]:
            if not isinstance(entry, str) or not entry or redact(entry) != entry or not entry.isprintable():
                continue
            before = tuple(rules.inputs.get(name, ()))
            without = tuple(one for one in before if one != entry)
            yield Allowance(name, entry, without if without != before else (*before, entry))


def _permits(check: Check, element: Element, one: Allowance, rules: Ruleset) -> bool:
    """Whether a check finds nothing in an element any more."""
    inputs = {**rules.inputs, one.input: [*one.values]}
    return cel.deny(check.deny, cel.bind(CONTROLS, {**element.values, "inputs": inputs})) is False


def goes_away(site: Site, finding: Finding, rules: Ruleset) -> bool:
    """Whether a finding is none by other inputs, and its document has no other that it did not have."""
    evaluator = Evaluator(rules, site.project.evidence)
    checked = site.checked
    bounds: Iterable[Bound | None] = checked.bounds or repeat(None)
    known = [judged_in(checked, number) for number in range(len(checked.verdicts))]
    again = [
        evaluator.evaluate(verdicts.resource)
        if bound is None
        else evaluator.evaluate_related(evaluator.evaluate(verdicts.resource), bound)
        for verdicts, bound in zip(known, bounds, strict=False)
    ]
    before, after = (
        Counter((one.control, one.resource, one.path) for verdicts in judged for one in verdicts.findings)
        for judged in (known, again)
    )
    own = (finding.control, finding.resource, finding.path)
    return after[own] < before[own] and not after - before
