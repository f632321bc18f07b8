"""Entries of a file with exceptions -> rules that hold today, and what is wrong with the others.

What is not surely right accepts nothing: an entry that has expired, lacks what the settings ask for, names only what
nobody knows, or has no condition that narrows it. Each is a problem at its place; a finding that comes back tells the
rest. What ends soon is said without failing anything.
"""

from __future__ import annotations

import functools
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.dispositions.directives import NO_REASON_YET
from kscan_lsp.dispositions.exceptions import Asked, ExceptionRule
from kscan_lsp.dispositions.names import is_every_path, is_everything, of_globs
from kscan_lsp.findings import SUPPRESSION, UNUSED, Disposition, Problem
from kscan_lsp.kubernetes.kinds import GROUPS, meant_kind
from kscan_lsp.kubernetes.pod_templates import PLACES
from kscan_lsp.policy.admission import is_of_admission
from kscan_lsp.policy.ruleset import members_of
from kscan_lsp.redaction import redact
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kscan_lsp.dispositions.names import NamePatterns
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.model import Control
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.settings.exceptions import ExceptionEntry
    from kscan_lsp.yaml.document import Document

SOON: Final = timedelta(days=14)
"""An exception that ends within this time is said to."""

MAX_HINTS: Final = 20
"""Problems of one file that come with the nearest known name: comparing names is slow."""


class Rules(Struct, frozen=True):
    """The rules of a file that hold, each with the number of its entry, and what is wrong with the file."""

    rules: Sequence[tuple[int, ExceptionRule]]
    problems: Sequence[Problem]


class Notes:
    """Collects what is wrong with the entries of one file, each at its place."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.found: dict[tuple[str, str], frozenset[str]] = {}
        """The controls that a name stands for, of a control or of a framework."""
        self.all_chosen: frozenset[str] | None = None

    def say(self, path: Path, message: str, code: str = SUPPRESSION, *, on_key: bool = False) -> None:
        """Take note of a problem at a path of the file."""
        self.problems.append(Problem(span_at(self.document, path, on_key=on_key), message, code))

    def hint(self, name: str, known: Sequence[str]) -> str:
        """The nearest known name, as long as there are not too many problems to look for it."""
        return nearest_name(name, [*known]) if len(self.problems) < MAX_HINTS else ""


def rules_of(document: Document, entries: Mapping[int, ExceptionEntry], asked: Asked) -> Rules:
    """The rules of the entries that are right in form.

    Args:
        document: the file.
        entries: by their numbers in it.
        asked: what they are held against.
    """
    notes = Notes(document)
    rules = []
    for number, entry in entries.items():
        rule = _rule_of(number, entry, asked, notes)
        if rule is not None:
            rules.append((number, rule))
    return Rules(rules, notes.problems)


def _rule_of(number: int, entry: ExceptionEntry, asked: Asked, notes: Notes) -> ExceptionRule | None:
    here: Path = ("exceptions", number)
    controls = _controls_of(entry, here, asked, notes)
    for place, kind in enumerate(entry.kinds):
        _look_at_kind(kind, (*here, "kinds", place), asked, notes)
    narrowed = _is_narrowed(entry)
    if not narrowed and covers_everything(controls, asked.ruleset, notes):
        said = "; say which controls, and of what" if controls is None else ""
        notes.say(here, f"this accepts nothing: it would accept every finding{said or '; narrow it'}")
        return None
    if controls is not None and not controls:
        return None  # said above
    text = said_by(entry.reason, here, asked, notes, entry.until)
    if text is None:
        return None
    return ExceptionRule(
        disposition=disposition_at(
            here, asked, notes, text, owner=entry.owner, until=entry.until, ticket=entry.ticket,
            approved_by=entry.approved_by,
        ),
        controls=controls,
        paths=entry.paths or None,
        namespaces=_names(entry.namespaces),
        kinds=_names(entry.kinds),
        names=_names(entry.names),
        labels=tuple((name, of_globs(values)) for name, values in entry.labels.items()),
    )  # fmt: skip


def said_by(reason: str, here: Path, asked: Asked, notes: Notes, until: str) -> str | None:
    """The reason of an entry; None where it does not count, for want of one or because of its day.

    Args:
        reason: as written.
        here: where the entry stands.
        asked: what it is held against.
        notes: where to say what is wrong.
        until: the last day on which it counts; empty for none.
    """
    reason = reason.strip()
    if reason == NO_REASON_YET:
        notes.say(
            (*here, "reason"), f"this exception has no reason yet; put one in place of '{NO_REASON_YET}'"
        )
        if asked.settings.require_reason:
            return None
    elif not reason and asked.settings.require_reason:
        notes.say(here, "this accepts nothing without a reason, which the settings ask for; add 'reason'")
        return None
    return reason if _counts_today(until, here, asked, notes) else None


def _counts_today(until: str, here: Path, asked: Asked, notes: Notes) -> bool:
    most, today = asked.settings.max_days, asked.today
    if not until:
        if most is not None:
            notes.say(
                here, f"this accepts nothing without a last day, at most {most} days from now; add 'until'"
            )
        return most is None
    last = date.fromisoformat(until)
    if last < today:
        notes.say(
            (*here, "until"), f"this exception expired on {until}: fix what it accepted, or give it a new day"
        )
    elif most is not None and (last - today).days > most:
        notes.say(
            (*here, "until"),
            f"this accepts nothing: {until} is more than {most} days away, which the settings forbid",
        )
        return False
    elif last - today <= SOON:
        days = (last - today).days
        when = "today" if not days else "tomorrow" if days == 1 else f"in {days} days"
        notes.say((*here, "until"), f"this exception ends {when}, on {until}", UNUSED)
    return last >= today


def disposition_at(
    here: Path,
    asked: Asked,
    notes: Notes,
    reason: str,
    *,
    owner: str = "",
    until: str = "",
    ticket: str = "",
    approved_by: str = "",
) -> Disposition:
    """What an entry gives to the findings that it accepts."""
    span = span_at(notes.document, here)
    return Disposition(
        "accepted",
        "exception",
        span,
        redact(reason),
        redact(owner),
        until,
        ticket=redact(ticket),
        approved_by=redact(approved_by),
        file=asked.file,
        line=notes.document.lines.position(span.start).line + 1,
    )


def covers_everything(controls: frozenset[str] | None, ruleset: Ruleset, notes: Notes) -> bool:
    """Whether some controls are all there are, or all that the chosen frameworks have."""
    if controls is None:
        return True
    if notes.all_chosen is None:
        members = (members_of(one, ruleset.policies) for one in ruleset.frameworks)
        notes.all_chosen = frozenset(name for names in members for name in names)
    chosen = notes.all_chosen
    return controls.issuperset(ruleset.policies.controls) or (len(chosen) > 1 and controls.issuperset(chosen))


def _is_narrowed(entry: ExceptionEntry) -> bool:
    """Whether any condition is about objects or files, and not true of all."""
    conditions = (entry.namespaces, entry.kinds, entry.names)
    return (
        bool(entry.labels)
        or any(condition and not any(map(is_everything, condition)) for condition in conditions)
        or (bool(entry.paths) and not any(map(is_every_path, entry.paths)))
    )


def _names(condition: Iterable[str]) -> NamePatterns | None:
    values = [*condition]
    return of_globs(values) if values else None


def _controls_of(entry: ExceptionEntry, here: Path, asked: Asked, notes: Notes) -> frozenset[str] | None:
    """The controls that an entry is about; None for all, and empty where it names none that there is."""
    found = None
    if entry.controls:
        named = [
            _named(name, (*here, "controls", place), asked, notes)
            for place, name in enumerate(entry.controls)
        ]
        found = frozenset[str]().union(*named)
    if entry.frameworks:
        members = frozenset[str]().union(
            *(
                _in_framework(name, (*here, "frameworks", place), asked, notes)
                for place, name in enumerate(entry.frameworks)
            )
        )
        if found and members and not found & members:
            notes.say(
                (*here, "frameworks"), "this accepts nothing: no framework here has a control that is named"
            )
        found = members if found is None else found & members
    return found


def _named(name: str, path: Path, asked: Asked, notes: Notes) -> frozenset[str]:
    known = asked.ruleset.policies.controls
    if name.upper() in known:
        return frozenset([name.upper()])
    if is_of_admission(name):  # which policies there are, no settings know
        return frozenset([name])
    if ("control", name) not in notes.found:
        notes.found["control", name] = _called(name, known)
    found = notes.found["control", name]
    if not found:
        notes.say(path, f"unknown control '{redact(name)}'{notes.hint(name, [*known])}")
    return found


def _called(name: str, known: Mapping[str, Control]) -> frozenset[str]:
    """The controls whose id or title a name is, or lets through."""
    if set("*?") & set(name):
        wanted = of_globs([name], any_case=True)
        found = [
            i for i, control in known.items() if wanted.has(i.lower()) or wanted.has(control.title.lower())
        ]
    else:
        found = [i for i, control in known.items() if control.title.lower() == name.lower()]
    return frozenset(found)


def _in_framework(name: str, path: Path, asked: Asked, notes: Notes) -> frozenset[str]:
    policies = asked.ruleset.policies
    if ("framework", name) not in notes.found:
        framework = policies.framework(name)
        notes.found["framework", name] = frozenset(members_of(framework, policies) if framework else ())
    found = notes.found["framework", name]
    if not found:
        notes.say(path, f"unknown framework '{redact(name)}'{notes.hint(name, sorted(policies.frameworks))}")
    return found


@functools.cache
def known_kinds() -> frozenset[str]:
    """The kinds that Kubernetes serves, and those of others that run pods."""
    return frozenset(_all_kinds())


def _all_kinds() -> Iterator[str]:
    for group in GROUPS.values():
        yield from group.kinds
    yield from (kind for _, kind in PLACES)


def _look_at_kind(kind: str, path: Path, asked: Asked, notes: Notes) -> None:
    """Say of a kind that it is none, where it looks like one that there is; any other may be a custom resource."""
    known = known_kinds()
    if kind in known or set("*?") & set(kind) or any(kind == own for _, own in asked.ruleset.pod_spec_paths):
        return
    meant = meant_kind("", kind).rpartition(" ")[2] if len(notes.problems) < MAX_HINTS else ""
    if meant:
        notes.say(path, f"unknown kind '{redact(kind)}'; did you mean '{meant}'?")
