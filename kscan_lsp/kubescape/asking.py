"""What rules that look at several objects say of one, each asked once for all of them.

Such a rule is asked with every object of the workspace that it is about, as Kubescape asks it; where these are many,
with those of one namespace and the cluster's own. Its answer is divided among the objects that it names. So an edit
asks again the rules that are about what was edited, and nothing happens to an object of which they say what they said.

Where they are asked beside keys (`workspace/rego_beside.py`), they say what they said until they have answered. An
answer is one for the very objects that it was asked with, and for no others.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from kscan_lsp.graph.index import key_of
from kscan_lsp.kubescape.aggregates import aggregated
from kscan_lsp.policy.rego import BEING_EVALUATED, NEEDS_ENGINE, AlertedObject, GivenTogether

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.graph.index import Index, Key, Object
    from kscan_lsp.policy.rego import RegoAlert, RegoAnswer, RegoEngine, RegoRule, RegoSource

MAX_TOGETHER: Final = 1_000
"""Objects from which a rule is asked for each namespace by itself."""
MAX_OBJECTS: Final = 3_000
"""Objects that a rule is asked with."""
MAX_GATHERED: Final = 30_000
"""Objects among which those of a namespace are looked for."""
MAX_ANSWERS: Final = 512
"""Answers that are remembered, of the rules and namespaces asked last."""


class AlertHere(NamedTuple):
    """An alert about an object, with the others that it names."""

    alert: RegoAlert
    within: tuple[str, ...] | None = None
    """The paths that are in this object, where the alert says which are in which."""
    related: tuple[tuple[Object, tuple[str, ...]], ...] = ()


class ToldTogether(NamedTuple):
    """What a rule that looks at several objects says of one."""

    control: str
    rule: RegoRule
    alerts: tuple[AlertHere, ...]
    counts: bool
    """Whether it could fail at all, as far as the rule says so."""
    why: str = ""


_TOLD: Final = key_of("told")
"""What everything depends on of which such rules say anything (`workspace.admitting.ON_ANSWERS`)."""


class KubescapeDeciding(Struct, frozen=True, eq=False):
    """What decides what Kubescape's rules say of an object. Two are equal where all of them say the same."""

    together: tuple[ToldTogether, ...] = ()
    keys: frozenset[Key] = frozenset()
    later: frozenset[str] = frozenset()
    """The controls of which it is what they said of other objects: that they are being asked is no other answer."""

    def __eq__(self, other: object) -> bool:
        """Whether the same is said."""
        return (
            isinstance(other, KubescapeDeciding)
            and self.together == other.together
            and self.keys == other.keys
        )

    __hash__ = None  # type: ignore[assignment]


_NOTHING: Final = KubescapeDeciding()


def kubescape_asked(
    one: Object, index: Index, rules: Iterable[tuple[str, RegoRule]], engine: RegoEngine | None
) -> KubescapeDeciding:
    """What rules that look at several objects say of one.

    Args:
        one: the object.
        index: all objects.
        rules: those of the controls that are on, with the ids of these.
        engine: who evaluates them, if anybody does.
    """
    about = [
        (control, rule)
        for control, rule in rules
        if not rule.alone and rule.is_about(one.id.api_version, one.id.kind)
    ]
    if not about:
        return _NOTHING
    if engine is not None:
        _ask_anew(one, index, [rule for _, rule in about], engine)
    keys = {key_of("kind", kind) for _, rule in about for _, _, kinds in rule.kinds for kind in kinds}
    later: set[str] = set()
    told = tuple([_told(one, index, control, rule, engine, later=later) for control, rule in about])
    return KubescapeDeciding(told, frozenset((*keys, _TOLD)), frozenset(later))


def _told(
    one: Object, index: Index, control: str, rule: RegoRule, engine: RegoEngine | None, *, later: set[str]
) -> ToldTogether:
    """What a rule says of an object; while it is being asked what it said before, which is noted in `later`."""
    if engine is None or rule.source.unsupported:
        return ToldTogether(control, rule, (), False, rule.source.unsupported or NEEDS_ENGINE)
    objects, namespace = _objects(one, index, rule)
    if len(objects) > MAX_OBJECTS:
        many = (
            f"it looks at several objects at once, and there are more than {MAX_OBJECTS:,} that it is about"
        )
        return ToldTogether(control, rule, (), False, many)
    name = _name(one)

    def divided_by(source: RegoSource) -> _Divided | None:
        known = _divided(source, rule, objects, namespace, engine)
        if known is not None and _are_same(known.objects, objects):
            return known
        later.add(control)
        return known if known is not None and name in known.named else None

    divided = divided_by(rule.source)
    if divided is None or divided.why:
        return ToldTogether(control, rule, (), False, BEING_EVALUATED if divided is None else divided.why)
    alerts = divided.about.get(name, ())
    counts = True
    if rule.counted is not None and not alerts:
        counted = divided_by(rule.counted)
        if counted is None:
            return ToldTogether(control, rule, (), False, BEING_EVALUATED)
        counts = bool(counted.why) or name in counted.about
    return ToldTogether(control, rule, alerts, counts)


class _Divided(NamedTuple):
    """The answer of a rule, by the objects that it is about."""

    objects: tuple[Object, ...]
    about: dict[AlertedObject, tuple[AlertHere, ...]]
    why: str
    named: frozenset[AlertedObject]
    """What the objects are called."""


_ANSWERS: Final[dict[tuple[str, str], _Divided]] = {}
"""The one asked last at the end."""


def _ask_anew(one: Object, index: Index, rules: Iterable[RegoRule], engine: RegoEngine) -> None:
    """Ask the rules whose objects are others than when they were asked last, those of the same objects together."""
    groups: dict[tuple[tuple[Object, ...], str, str], dict[str, RegoSource]] = {}
    for rule in rules:
        objects, namespace = _objects(one, index, rule)
        if not rule.source.unsupported and len(objects) <= MAX_OBJECTS:
            known = _ANSWERS.get((rule.source.digest, namespace))
            if (known is None or not _are_same(known.objects, objects)) and not _is_asked(
                rule.source, _given(objects, namespace, rule.sees), engine
            ):
                together = groups.setdefault((objects, namespace, rule.sees), {})
                together[rule.source.digest] = rule.source
    for (objects, namespace, sees), asked in groups.items():
        answers = engine.ask([*asked.values()], _given(objects, namespace, sees))
        for digest, answer in zip(asked, answers, strict=True):
            if not answer.later:
                _remember((digest, namespace), _by_object(answer, objects))


def _divided(
    source: RegoSource, rule: RegoRule, objects: tuple[Object, ...], namespace: str, engine: RegoEngine
) -> _Divided | None:
    """What a rule says of some objects, or said of those that it was asked with last, if it says that later."""
    key = (source.digest, namespace)
    known = _ANSWERS.get(key)
    if known is None or not _are_same(known.objects, objects):
        given = _given(objects, namespace, rule.sees)
        if _is_asked(source, given, engine):
            return known
        (answer,) = engine.ask([source], given)
        if answer.later:
            return known
        known = _by_object(answer, objects)
    _remember(key, known)
    return known


def _is_asked(source: RegoSource, given: GivenTogether, engine: RegoEngine) -> bool:
    """Whether a rule is about to be asked that, and says later what it says."""
    return given.asked_by.get(source.digest) is engine


def _given(objects: tuple[Object, ...], namespace: str, sees: str) -> GivenTogether:
    """What a rule is asked with: one for all rules that see the same of the same objects."""
    made = _gathered[0].given
    key = (id(objects), sees)
    known = made.get(key)
    if known is None or known.objects is not objects:  # of another thread's index
        known = GivenTogether(aggregated([other.data for other in objects], sees), objects, namespace)
        made[key] = known
    return known


def _are_same(some: tuple[Object, ...], others: tuple[Object, ...]) -> bool:
    return some is others or some == others


def _remember(key: tuple[str, str], answer: _Divided) -> None:
    _ANSWERS.pop(key, None)
    _ANSWERS[key] = answer
    while len(_ANSWERS) > MAX_ANSWERS:
        _ANSWERS.pop(next(iter(_ANSWERS)), None)


def _by_object(answer: RegoAnswer, objects: tuple[Object, ...]) -> _Divided:
    """The alerts by the objects that they are about, or why there is no answer."""
    here: dict[AlertedObject, Object] = {}
    for other in objects:
        here.setdefault(_name(other), other)
    named = frozenset(here)
    if answer.why:
        return _Divided(objects, {}, answer.why, named)
    found: dict[AlertedObject, list[AlertHere]] = {}
    for alert in answer.alerts:
        about = [one for one in (_there(one, here) for one in alert.objects) if one is not None]
        related = [(there, paths) for one, paths in alert.related if (there := _there(one, here)) is not None]
        # a subject is in no file: what grants it anything is the binding
        granting = [one for one, _ in related if one.kind.endswith("Binding")] or [one for one, _ in related]
        for one in dict.fromkeys(about or granting[:1]):
            others = tuple((here[other], paths) for other, paths in related if other != one)
            within = next((paths for other, paths in related if other == one), None)
            found.setdefault(one, []).append(AlertHere(alert, within, others))
        if not about and not granting:
            return _Divided(
                objects, {}, "an alert of it names none of the objects that it was asked about", named
            )
    return _Divided(objects, {one: tuple(alerts) for one, alerts in found.items()}, "", named)


def _there(named: AlertedObject, here: dict[AlertedObject, Object]) -> AlertedObject | None:
    """An object as it is known by the name that an alert has for it."""
    if named in here:
        return named
    alike = (
        one
        for one in here
        if one[1:] == named[1:] and (not named.api_version or named.api_version in one.api_version)
    )
    return next(alike, None)


def _name(one: Object) -> AlertedObject:
    return AlertedObject(one.id.api_version, one.id.kind, one.id.namespace, one.id.name)


class _Gathered(NamedTuple):
    """The objects of an index that rules are about, by the digest of the rule."""

    of: Index | None
    objects: dict[tuple[str, str], tuple[Object, ...]]
    given: dict[tuple[int, str], GivenTogether]
    """What rules are asked with: by the identity of their objects, which it keeps, and what they see of these."""
    same: dict[tuple[Object, ...], tuple[Object, ...]]

    def shared(self, objects: tuple[Object, ...]) -> tuple[Object, ...]:
        """Some objects as the tuple that all rules have that are about the same: so it is told by its identity."""
        return self.same.setdefault(objects, objects)


_gathered = [_Gathered(None, {}, {}, {})]
"""Of the index that was asked last: all objects that an edit makes judge again are judged by the same."""


def _objects(one: Object, index: Index, rule: RegoRule) -> tuple[tuple[Object, ...], str]:
    """The objects that a rule is asked with when it is asked of one, and the namespace if they are of one."""
    gathered = _gathered[0]
    if gathered.of is not index:
        gathered = _gathered[0] = _Gathered(index, {}, {}, {})
    known = gathered.objects
    key = (rule.source.digest, "")
    if key not in known:
        kinds = sorted({kind for _, _, kinds in rule.kinds for kind in kinds})
        found = (other for kind in kinds for other in index.find(key_of("kind", kind)))
        about = (
            other for other in found if other.file and rule.is_about(other.id.api_version, other.id.kind)
        )
        known[key] = gathered.shared(tuple(islice(about, MAX_GATHERED)))
    everything = known[key]
    if len(everything) <= MAX_TOGETHER:
        return everything, ""
    namespace = one.id.namespace
    key = (rule.source.digest, f"of {namespace}")
    if key not in known:
        known[key] = gathered.shared(
            tuple(other for other in everything if other.id.namespace in {"", namespace})
        )
    return known[key], f"of {namespace}"


def forget() -> None:
    """Remember nothing any more."""
    _ANSWERS.clear()
    _gathered[0] = _Gathered(None, {}, {}, {})
