"""What the rules of Kubescape's controls say of an object, as findings of these controls."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.admission.judging import place_in
from kscan_lsp.admission.model import NOTHING, Admitted
from kscan_lsp.admission.remembered import LastAnswers
from kscan_lsp.engine.verdicts import Unevaluated
from kscan_lsp.findings import Finding, Related, in_order
from kscan_lsp.kubescape.asking import AlertHere
from kscan_lsp.kubescape.places import path_of, places_of
from kscan_lsp.paths import show
from kscan_lsp.policy.rego import BEING_EVALUATED, NEEDS_ENGINE
from kscan_lsp.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.graph.index import Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.kubescape.asking import KubescapeDeciding
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.rego import RegoEngine, RegoRule
    from kscan_lsp.policy.ruleset import Ruleset

_NOT_SHOWN = "its rule says no (what it says of a Secret is not shown)"
_PLACEHOLDER = "YOUR_"
MAX_PLACES: Final = 500
"""Places of an object that a control marks."""
MAX_MESSAGES: Final = 10
"""What is said of one of them."""


class _Told(NamedTuple):
    """What a rule says of an object."""

    alerts: tuple[AlertHere, ...]
    counts: bool
    why: str = ""
    later: bool = False
    """Whether it is what the rule said before: what it says of the object as it is comes later."""


def admit_kubescape(
    one: Object, resource: Resource, asked: KubescapeDeciding, ruleset: Ruleset, engine: RegoEngine | None
) -> Admitted:
    """What the rules of controls in Rego say of an object.

    Args:
        one: the object as the others see it.
        resource: the same in its document.
        asked: what rules that look at several objects say of it.
        ruleset: the controls that are on, and how severe they are.
        engine: who evaluates Rego, if anybody does.
    """
    alone = [
        (control, rule)
        for control, rule in ruleset.rego
        if rule.alone and rule.is_about(one.id.api_version, one.id.kind)
    ]
    told: dict[str, list[tuple[RegoRule, _Told]]] = {}
    for (control, rule), said in zip(
        alone, _told_alone(one, [rule for _, rule in alone], engine), strict=True
    ):
        told.setdefault(control, []).append((rule, said))
    for there in asked.together:
        said = _Told(there.alerts, there.counts, there.why, there.control in asked.later)
        told.setdefault(there.control, []).append((there.rule, said))
    if not told:
        return NOTHING
    findings: list[Finding] = []
    unevaluated: list[Unevaluated] = []
    passed: set[str] = set()
    later: set[str] = set()
    for control, rules in told.items():
        alerts = [alert for _, said in rules for alert in said.alerts]
        findings += _findings(control, alerts, one, resource, ruleset)
        reasons = [f"rule '{rule.name}': {said.why}" for rule, said in rules if said.why]
        unevaluated += [Unevaluated(control, (), why) for why in reasons[:1]]
        if not alerts and not reasons and any(said.counts for _, said in rules):
            passed.add(control)
        if any(said.later for _, said in rules):
            later.add(control)
    failed = frozenset(finding.control for finding in findings)
    return Admitted(
        tuple(in_order(findings)), frozenset(passed), failed, tuple(unevaluated), later=frozenset(later)
    )


def _told_alone(one: Object, rules: list[RegoRule], engine: RegoEngine | None) -> list[_Told]:
    """What rules say that look at one object at a time: what they said before of the very same, else they are asked."""
    if not rules:
        return []
    if engine is None:
        return [_Told((), False, rule.source.unsupported or NEEDS_ENGINE) for rule in rules]
    last = LastAnswers[_Told](("kubescape", one.file, one.root, one.id), one.data)
    known = {rule.source.digest: last.said(rule.source.digest, _OF_NOW, None) for rule in rules}
    missing = {rule.source.digest: rule for rule in rules if known[rule.source.digest] is None}
    asked = _asked([*missing.values()], [one.data], engine) if missing else {}
    told = []
    for rule in rules:
        digest = rule.source.digest
        said = known[digest] or asked[digest]
        if said.later:
            said = (last.before(digest) or said)._replace(later=True)
        last.keep(digest, (said.later,), said)
        told.append(said)
    last.close()
    return told


_OF_NOW: Final = (False,)
"""What is said of the object as it is, and not what was said before: that is asked again."""


def _asked(rules: Sequence[RegoRule], given: list[Any], engine: RegoEngine) -> dict[str, _Told]:
    """What rules say when they are asked, each together with what says whether it could fail at all."""
    sources = [one for rule in rules for one in (rule.source, rule.counted) if one is not None]
    said = dict(zip((one.digest for one in sources), engine.ask(sources, given), strict=True))
    told = {}
    for rule in rules:
        answer = said[rule.source.digest]
        could = None if rule.counted is None or answer.alerts else said[rule.counted.digest]
        if answer.later or (could is not None and could.later):
            told[rule.source.digest] = _Told((), False, BEING_EVALUATED, later=True)
            continue
        counts = could is None or bool(could.alerts or could.why)
        told[rule.source.digest] = _Told(tuple(map(AlertHere, answer.alerts)), counts, answer.why)
    return told


def _findings(
    control: str, alerts: Iterable[AlertHere], one: Object, resource: Resource, ruleset: Ruleset
) -> Iterator[Finding]:
    """One finding for each place."""
    places: dict[Path, list[tuple[str, tuple[Related, ...]]]] = {}
    for here in alerts:
        related = tuple(_related(here))
        for path, value in places_of(here.alert, one.data, here.within):
            message = _message(here.alert.message, path, value, one)
            places.setdefault(path, []).append((message, related))
    if not places:
        return
    locator = resource.locator()
    for path, said in islice(places.items(), MAX_PLACES):
        yield Finding(
            control,
            ruleset.severity(control),
            resource.id,
            path,
            _joined(dict.fromkeys(message for message, _ in said)),
            locator.resolve(path).span,
            resource.data,
            tuple(dict.fromkeys(place for _, places in said for place in places)),
        )


def _joined(messages: Iterable[str]) -> str:
    shown = [*messages]
    more = len(shown) - MAX_MESSAGES
    return "; ".join([*shown[:MAX_MESSAGES], *([f"and {more} more"] if more > 0 else [])])


def _message(text: str, path: Path, value: str, one: Object) -> str:
    if one.id.kind == "Secret":
        return _NOT_SHOWN
    said = redact(" ".join(text.split())) or "its rule says no"
    if not value:
        return said
    shown = "" if value.startswith(_PLACEHOLDER) else f" to {json.dumps(redact(value), ensure_ascii=False)}"
    return f"{said} (to fix it, set {show(path)}{shown})"


def _related(here: AlertHere) -> Iterator[Related]:
    """The other objects that an alert names, each at the first place that it names there."""
    for other, texts in here.related:
        named = (path_of(text, other.data) for text in texts)
        path = next((path for path in named if path is not None), ("metadata", "name"))
        yield Related(
            other.id, path, place_in(other, path), f"the rule says so of {other.id.kind} '{other.id.shown_name}', too",
            other.file, other.document,
        )  # fmt: skip
