"""Kubescape's posture exceptions -> rules: a JSON list of which resources fail which controls with leave.

Source: `PostureExceptionPolicy` and `PosturePolicy` of armosec/armoapi-go, and how kubescape/opa-utils compares them
(exceptions/exceptionprocessor.go, comparator.go): any of `resources` and any of `posturePolicies` have to match, within
one all that is said; values are regular expressions for the whole name, those of policies in any case; labels are
looked for among annotations, too; an empty designator matches nothing, and no policies mean all controls.

Nothing is accepted that was not said: what a file cannot answer (a cluster, a rule of a control, the id of a resource)
makes a part that asks for it accept nothing, unless it would take any. Kubescape compares no `controlName`; a policy
that has nothing else is about all controls there, and about the one of that title here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeGuard

from kscan_lsp.dispositions.days import last_day_of
from kscan_lsp.dispositions.entries import Notes, Rules, covers_everything, disposition_at, said_by
from kscan_lsp.dispositions.exceptions import ExceptionRule
from kscan_lsp.dispositions.names import is_every_name, of_expression
from kscan_lsp.findings import UNUSED
from kscan_lsp.policy.ruleset import members_of
from kscan_lsp.redaction import redact
from kscan_lsp.settings.exceptions import MAX_ENTRIES, undoubted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.dispositions.exceptions import Asked
    from kscan_lsp.dispositions.names import NamePatterns
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.model import PolicySet
    from kscan_lsp.yaml.document import Document

_POSTURE: Final = "postureExceptionPolicy"
_ACTIONS: Final = ("alertOnly", "disable")
_MAX_PARTS: Final = 1_000
"""Resources or policies of one exception that are read."""
_MAX_IN_ALL: Final = 20_000
"""Resources and policies of one file that are read."""
_MAX_LENGTH: Final = 2_000
_OF_OBJECTS: Final = ("kind", "name", "namespace")
_OF_EXCEPTIONS: Final = (
    "policyType", "actions", "resources", "posturePolicies", "expirationDate", "reason", "createdBy",
)  # fmt: skip
_OF_POLICIES: Final = ("ruleName", "frameworkName", "controlID", "controlName")
_UNANSWERED: Final = {
    "cluster": "in which cluster it is",
    "path": "where Kubescape found it",
    "resourceID": "what Kubescape calls it",
    "resourceHash": "what Kubescape calls it",
    "containerName": "of which container a finding is",
    "apiVersion": "which API version was meant",
    "customerGUID": "whose account it belongs to",
}
"""Attributes that a manifest has no answer to; all others but those of objects are labels."""


def rules_of_posture(document: Document, asked: Asked) -> Rules:
    """The rules of a file of Kubescape's, whose document is a list.

    Args:
        document: the file.
        asked: what its exceptions are held against.
    """
    notes = Notes(document)
    known = _Known(asked.ruleset.policies)
    rules = []
    parts = 0
    for number, written in enumerate(document.data):
        if isinstance(written, dict):
            parts += sum(len(one) for one in written.values() if isinstance(one, list))
        if number == MAX_ENTRIES or parts > _MAX_IN_ALL:
            message = "this file has too many exceptions to read them all: from here on none counts"
            notes.say((number,), message, "setting")
            break
        rules += [(number, rule) for rule in _rules_of(written, (number,), asked, notes, known)]
    sure = undoubted({number for number, _ in rules}, document, ())
    return Rules([(number, rule) for number, rule in rules if number in sure], notes.problems)


class _Known:
    """The controls there are, and what they and the frameworks that have them are called."""

    def __init__(self, policies: PolicySet) -> None:
        self.controls = policies.controls
        self.frameworks: dict[str, list[str]] = {}
        for framework in policies.frameworks.values():
            for control in members_of(framework, policies):
                names = (framework.id, framework.title, *framework.aliases)
                self.frameworks.setdefault(control, []).extend(names)
        self.found: dict[tuple[str, str], frozenset[str] | None] = {}

    def called(self, key: str, value: str) -> frozenset[str] | None:
        """The controls whose id, title or framework a policy may mean; None where the value is no expression."""
        if (key, value) not in self.found:
            self.found[key, value] = self._called(key, value)
        return self.found[key, value]

    def _called(self, key: str, value: str) -> frozenset[str] | None:
        if key == "controlID" and value.upper() in self.controls:
            return frozenset([value.upper()])
        patterns = of_expression(value, any_case=True) if len(value) <= _MAX_LENGTH else None
        if patterns is None and key != "controlName":
            return None
        names: Mapping[str, Callable[[str], list[str]]] = {
            "controlID": lambda control: [control],
            "controlName": lambda control: [self.controls[control].title],
            "frameworkName": lambda control: self.frameworks.get(control, []),
        }
        plain = value.lower()
        return frozenset(
            control
            for control in self.controls
            if any(one.lower() == plain or (patterns and patterns.has(one)) for one in names[key](control))
        )


def _rules_of(written: Any, here: Path, asked: Asked, notes: Notes, known: _Known) -> list[ExceptionRule]:
    written = _by_known_keys(written, _OF_EXCEPTIONS)
    if written is None:
        notes.say(here, "an exception must be a mapping, with 'resources' and 'posturePolicies'", "setting")
        return []
    if written.get("policyType", _POSTURE) != _POSTURE:
        notes.say(
            (*here, "policyType"), f"this is left alone: only a '{_POSTURE}' is about manifests", UNUSED
        )
        return []
    resources = written.get("resources")
    policies, actions = written.get("posturePolicies", []), written.get("actions", [])
    if not (_is_list(resources) and _is_list(policies) and isinstance(actions, list)):
        which = (
            "resources"
            if not _is_list(resources)
            else "posturePolicies"
            if not _is_list(policies)
            else "actions"
        )
        notes.say(
            (*here, which),
            f"'{which}' must be a list of mappings, at most {_MAX_PARTS:,}: this accepts nothing",
            "setting",
        )
        return []
    if any(action not in _ACTIONS for action in actions):
        notes.say(
            (*here, "actions"),
            f"'actions' may have {' and '.join(_ACTIONS)}: this accepts nothing",
            "setting",
        )
        return []
    until = ""
    if (time := written.get("expirationDate", "")) != "":
        day = last_day_of(time) if isinstance(time, str) else None
        if day is None:
            notes.say(
                (*here, "expirationDate"),
                "'expirationDate' must be a time such as 2026-12-31T23:59:59Z",
                "setting",
            )
            return []
        until = day.isoformat()
    controls = _controls_of(policies, here, known, notes)
    said = written.get("reason")
    reason = said_by(said if isinstance(said, str) else "", here, asked, notes, until)
    if reason is None or (controls is not None and not controls):
        return []
    made_by = written.get("createdBy")
    disposition = disposition_at(
        here, asked, notes, reason, until=until, approved_by=made_by if isinstance(made_by, str) else ""
    )
    everything = covers_everything(controls, asked.ruleset, notes)
    found = []
    for number, resource in enumerate(resources):
        where = (*here, "resources", number)
        rule = _of_designator(
            resource, where, ExceptionRule(disposition, controls), notes, everything=everything
        )
        if rule is not None:
            found.append(rule)
    return found


def _by_known_keys(written: Any, known: Iterable[str]) -> dict[str, Any] | None:
    """A mapping with its keys as they are called, since Go takes them in any case; None where that is not one mapping.

    What is null is left out, as Go does.
    """
    if not isinstance(written, dict):
        return None
    called = {name.lower(): name for name in known}
    given = [
        (called.get(key.lower(), key), value)
        for key, value in written.items()
        if isinstance(key, str) and value is not None
    ]
    found = dict(given)
    return found if len(found) == len(given) else None


def _is_list(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return (
        isinstance(value, list) and len(value) <= _MAX_PARTS and all(isinstance(one, dict) for one in value)
    )


def _of_designator(
    resource: dict[str, Any], here: Path, rule: ExceptionRule, notes: Notes, *, everything: bool
) -> ExceptionRule | None:
    """The rule about one designator; None where it accepts nothing."""
    known = _by_known_keys(resource, ("designatorType", "attributes")) or {}
    attributes, kind = known.pop("attributes", None), known.pop("designatorType", "")
    by_attributes = (
        isinstance(kind, str) and kind.lower() in {"attributes", ""} and isinstance(attributes, dict)
    )
    if not by_attributes or any(value != "" for value in known.values()):
        notes.say(here, "this accepts nothing: only designators with 'attributes' are about manifests")
        return None
    given = {name: value for name, value in attributes.items() if value != ""}
    if not given:
        notes.say(here, "this accepts nothing: it says nothing about resources")
        return None
    found: dict[str, NamePatterns] = {}
    narrowed = False
    for name, value in given.items():
        patterns = of_expression(value) if isinstance(value, str) and len(value) <= _MAX_LENGTH else None
        if patterns is None:
            message = f"this accepts nothing: '{redact(name)}' must be a regular expression that RE2 takes"
            notes.say((*here, "attributes", name), message, "setting")
            return None
        every = is_every_name(value)
        if name in _UNANSWERED:
            if not every:
                notes.say(
                    (*here, "attributes", name),
                    f"this accepts nothing: a manifest does not say {_UNANSWERED[name]}",
                )
                return None
            continue
        narrowed = narrowed or not every or name not in _OF_OBJECTS
        found[name] = patterns
    if not narrowed and everything:
        notes.say(here, "this accepts nothing: it would accept every finding; say which controls, or of what")
        return None
    return ExceptionRule(
        rule.disposition,
        rule.controls,
        namespaces=found.pop("namespace", None),
        kinds=found.pop("kind", None),
        names=found.pop("name", None),
        labels=tuple(found.items()),
        annotated=True,
    )


def _controls_of(
    policies: list[dict[str, Any]], here: Path, known: _Known, notes: Notes
) -> frozenset[str] | None:
    """The controls that any of some policies is about; None for all."""
    if not policies:
        return None
    found: set[str] = set()
    for number, policy in enumerate(policies):
        where = (*here, "posturePolicies", number)
        written = _by_known_keys(policy, _OF_POLICIES)
        said = {key: value for key, value in (written or {"": ""}).items() if value != ""}
        if written is not None and not said and not written.keys() - {*_OF_POLICIES}:
            return None
        if written is None or written.keys() - {*_OF_POLICIES}:
            strange = redact(next(iter(policy.keys() - {*_OF_POLICIES}), ""))
            message = f"this accepts nothing: '{strange}' is no key of a policy, or is there twice"
            notes.say(where, message, "setting")
            continue
        found.update(_members(said, where, known, notes))
    return frozenset(found)


def _members(said: dict[str, Any], where: Path, known: _Known, notes: Notes) -> frozenset[str]:
    """The controls that one policy is about."""
    rule = said.pop("ruleName", ".*")
    if not (isinstance(rule, str) and is_every_name(rule)):
        message = "this accepts nothing: which of a control's rules failed is not known here"
        notes.say((*where, "ruleName"), message)
        return frozenset()
    about = frozenset(known.controls)
    for key, value in said.items():
        called = known.called(key, value) if isinstance(value, str) else None
        if called is None:
            message = f"this accepts nothing: '{key}' must be a regular expression that RE2 takes"
            notes.say((*where, key), message, "setting")
            return frozenset()
        about &= called
    if not about:
        notes.say(where, "this accepts nothing: no control here is what it names")
    return about
