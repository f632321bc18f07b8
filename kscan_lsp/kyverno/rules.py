"""What one rule says of one object: that it passes, fails and where, or is not what the rule is about.

Source: pkg/engine/handlers/validation/validate_resource.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from kscan_lsp.admission.places import OF_OBJECT
from kscan_lsp.kyverno.budget import OverBudget
from kscan_lsp.kyverno.conditions import evaluated, places_of
from kscan_lsp.kyverno.expressions import NotFound, QueryError, Unanswerable
from kscan_lsp.kyverno.overlay import MAX_PLACES, mismatch_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.kyverno.conditions import ConditionsOutcome
    from kscan_lsp.kyverno.context import Context
    from kscan_lsp.kyverno.model import ForEach, KyvernoRule, RuleCheck
    from kscan_lsp.paths import Path

Status = Literal["pass", "fail", "skip", "error", "unknown"]
MAX_ELEMENTS: Final = 2_000
"""Elements of one `foreach` that are looked at."""
MAX_MESSAGE: Final = 500
_ELEMENT: Final = 50
"""Steps that an element takes, whatever is asked of it."""


class Verdict(NamedTuple):
    """What a rule says of an object. `error` is Kyverno's: it refuses the object unless the policy ignores failures."""

    status: Status
    paths: tuple[Path, ...] = ()
    """Where it fails, in the object."""
    message: str = ""
    """Why, or what is not known."""


_PASS: Final = Verdict("pass")
_SKIP: Final = Verdict("skip")


def verdict_of(rule: KyvernoRule, context: Context) -> Verdict:
    """What a rule that is about an object says of it.

    Args:
        rule: a rule, but none in CEL.
        context: what it can name, which is used up by that.
    """
    try:
        context.load(rule.context)
        if rule.preconditions and not evaluated(rule.preconditions, context).holds:
            return _SKIP
        return _checked(rule, rule.check, context, context.values["request"]["object"], ())
    except (NotFound, QueryError) as error:
        return Verdict("error", (OF_OBJECT,), f"rule '{rule.name}' cannot be evaluated: {error}")
    except Unanswerable as error:
        return Verdict("unknown", (), f"it needs {error}")
    except OverBudget as error:
        return Verdict("unknown", (), str(error))


def _checked(rule: KyvernoRule, check: RuleCheck, context: Context, value: Any, base: Path) -> Verdict:
    """What is asked of a value, which stands at a path of the object."""
    if check.security is not None:
        return _PASS  # as far as what stands before it goes: the controls are asked by who judges the rule
    if check.deny is not None:
        found = evaluated(check.deny, context)
        if not found.holds:
            return _PASS
        return Verdict("fail", _decided(found), _message(rule, context, found.message))
    if check.each is not None:
        return _each(rule, check.each, context)
    if check.any_pattern is None:
        pattern = check.pattern if check.orders is not None else context.substituted(check.pattern)
        wrong = mismatch_of(value, pattern, context.query.budget, check.orders)
        if wrong is None:
            return _PASS
        if wrong.skips:
            return _SKIP
        return Verdict("fail", _below(base, wrong.paths), _message(rule, context))
    return _any_pattern(rule, check, context, value, base)


def _any_pattern(rule: KyvernoRule, check: RuleCheck, context: Context, value: Any, base: Path) -> Verdict:
    failing: list[Path] = []
    skipped = False
    for one in check.any_pattern or ():
        pattern = one if check.orders is not None else context.substituted(one)
        wrong = mismatch_of(value, pattern, context.query.budget, check.orders)
        if wrong is None:
            return _PASS
        skipped = skipped or wrong.skips
        failing += () if wrong.skips else wrong.paths
    if skipped and not failing:
        return _SKIP
    return Verdict("fail", _below(base, _deepest(failing)), _message(rule, context))


def _deepest(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Of what would be one way out each, the fields that most ways name."""
    counted = {path: sum(path == other for other in paths) for path in paths}
    most = max(counted.values(), default=0)
    return tuple(path for path in counted if counted[path] == most)


def _each(rule: KyvernoRule, entries: Sequence[ForEach], context: Context, nesting: int = 0) -> Verdict:
    applied = 0
    unknown: Verdict | None = None
    wrong: QueryError | None = None
    for entry in entries:
        try:
            listed = context.search(str(context.substituted(entry.list)))
        except NotFound:
            continue
        except QueryError as error:
            wrong = wrong or error
            continue
        elements = listed if isinstance(listed, list) else [listed]
        found, count = _elements(rule, entry, context, elements, nesting)
        if found.status in {"fail", "error"}:
            return found
        if found.status == "unknown":
            unknown = unknown or found
        applied += count
    if unknown is not None:
        return unknown
    if not applied and wrong is not None:
        raise wrong
    return _PASS if applied else _SKIP


def _elements(
    rule: KyvernoRule, entry: ForEach, context: Context, elements: list[Any], nesting: int
) -> tuple[Verdict, int]:
    """What an entry of `foreach` says of its elements, with how many it was about."""
    origins = context.places(entry.list)
    if len(elements) > MAX_ELEMENTS:
        raise OverBudget(f"its foreach has more than {MAX_ELEMENTS:,} elements")
    applied = 0
    failing: list[Path] = []
    message = ""
    unknown: Verdict | None = None
    for number, element in enumerate(elements):
        if element is None:
            continue
        context.query.budget.spend(_ELEMENT)
        places = _places_of_element(origins, number, len(elements))
        inner = context.within(
            element=element,
            elementIndex=number,
            **{f"element{nesting}": element, f"elementIndex{nesting}": number},
        )
        inner.origins |= {"element": places, f"element{nesting}": places}
        scoped = isinstance(element, dict) if entry.scoped is None else entry.scoped
        if scoped and not isinstance(element, dict):
            raise QueryError("elementScope is for elements that are maps")
        found = _element(rule, entry, inner, element if scoped else None, nesting)
        if found.status == "error":
            return found, applied
        if found.status == "unknown":
            unknown = unknown or found
        elif found.status == "fail":
            failing += found.paths
            message = message or found.message
        applied += found.status == "pass"
    if failing or message:
        return Verdict("fail", tuple(dict.fromkeys(failing))[:MAX_PLACES] or (OF_OBJECT,), message), applied
    return unknown or _PASS, applied


def _places_of_element(origins: list[tuple[Any, Path]], number: int, count: int) -> list[Path]:
    if len(origins) == count and count != 1:
        return [origins[number][1]]
    if len(origins) == 1:
        value, path = origins[0]
        return [(*path, number) if isinstance(value, list) and number < len(value) else path]
    return [path for _, path in origins]


def _element(rule: KyvernoRule, entry: ForEach, inner: Context, element: Any, nesting: int) -> Verdict:
    inner.load(entry.context)
    if entry.preconditions:
        try:
            if not evaluated(entry.preconditions, inner).holds:
                return _SKIP
        except (NotFound, QueryError):
            return _SKIP  # as Kyverno does for elements, and not for rules
        except Unanswerable as error:
            return Verdict("unknown", (), f"it needs {error}")
    places = inner.origins["element"]
    base = places[0] if len(places) == 1 else ()
    check = entry.check
    try:
        if check.each is not None:
            found = _each(rule, check.each, inner, nesting + 1)
        elif element is None:
            found = _checked(rule, check, inner, inner.values["request"]["object"], ())
        else:
            found = _checked(rule, check, inner, element, base)
    except Unanswerable as error:
        return Verdict("unknown", (), f"it needs {error}")
    if found.status != "fail":
        return found
    # what no field of its own decided is about the element
    paths = found.paths if found.paths != (OF_OBJECT,) or not places else tuple(places)
    if element is not None and check.deny is None and not base:
        paths = tuple(places) or (OF_OBJECT,)
    return found._replace(paths=paths)


def _decided(found: ConditionsOutcome) -> tuple[Path, ...]:
    """The fields that decided that conditions hold: those of the last that names any."""
    for condition, context in reversed(found.decided):
        if paths := [path for path in places_of(condition, context) if path]:
            return tuple(paths[:MAX_PLACES])
    return (OF_OBJECT,)


def _below(base: Path, paths: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys((*base, *path) for path in paths if (*base, *path))) or (OF_OBJECT,)


def _message(rule: KyvernoRule, context: Context, besides: str = "") -> str:
    """What a violation says; the message as it is written where its variables have no value."""
    text = "; ".join(filter(None, (rule.message, besides)))
    try:
        # what a Secret has is in no output
        secret = context.values["request"]["kind"]["kind"] == "Secret"
        made = text if secret else context.substituted(text)
    except (NotFound, QueryError, Unanswerable, OverBudget):
        made = text
    shown = " ".join(made.split()) if isinstance(made, str) else ""
    return shown[:MAX_MESSAGE] or f"rule '{rule.name}' is violated"
