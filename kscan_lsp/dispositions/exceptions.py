"""Exceptions: rules of files that say which findings may stay, found again by control, object and file.

A rule is asked about a finding only if it can be about it: rules are kept by control, and below that by the name, the
namespace or the kind of objects that they speak of, so that a thousand of them cost a finding a few look-ups in tables.
Which of them are about a file is worked out once for the file. What counts, and why what does not count does not, is
decided before (`entries.py`, `posture.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct, field

from kscan_lsp.files.ignore import IgnorePatterns
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from kscan_lsp.dispositions.names import NamePatterns
    from kscan_lsp.findings import Disposition, ResourceId
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.settings.exceptions import ExceptionSettings

_Key: TypeAlias = "tuple[str, str] | None"

MAX_OBJECTS: Final = 2_000
"""Objects of which is remembered what some rules say of them."""
_FEW: Final = 20
"""Controls by each of which a rule is found; one about more is asked for all."""
_TOGETHER: Final = 10
"""Rules with patterns for paths that are asked together first."""
_PLAIN: Final = regex(r"[^!#\\*?\[\s][^\\*?\[\n\r]*(?<!\s)")
"""A pattern of `.gitignore` that is just a path."""


class Asked(Struct, frozen=True):
    """What entries of files with exceptions are held against."""

    ruleset: Ruleset
    settings: ExceptionSettings
    today: date
    file: str = ""
    """The path of the file that they are in."""


class ExceptionRule(Struct, frozen=True, eq=False):
    """Findings that have a disposition. What is None is no condition."""

    disposition: Disposition
    controls: frozenset[str] | None = None
    paths: tuple[str, ...] | None = None
    """Patterns of `.gitignore`."""
    namespaces: NamePatterns | None = None
    kinds: NamePatterns | None = None
    names: NamePatterns | None = None
    labels: tuple[tuple[str, NamePatterns], ...] = ()
    annotated: bool = False
    """Whether annotations count for labels, too."""

    def speaks_of(self, resource: Resource) -> bool:
        """Whether it is about an object, wherever that stands."""
        who = resource.id
        return (
            (self.kinds is None or self.kinds.has(who.kind))
            and (self.names is None or self.names.has(who.name))
            and (self.namespaces is None or self.namespaces.has(namespace_of(who)))
            and (not self.labels or self._has_labels(resource))
        )

    def _has_labels(self, resource: Resource) -> bool:
        metadata = resource.data.get("metadata")
        if not isinstance(metadata, dict):
            return False
        tables = [metadata.get("labels"), metadata.get("annotations") if self.annotated else None]
        return any(
            isinstance(table, dict)
            and all(
                isinstance(value := table.get(name), str) and wanted.has(value)
                for name, wanted in self.labels
            )
            for table in tables
        )


def namespace_of(who: ResourceId) -> str:
    """The namespace that an object says it is in; a Namespace is in itself, as it is to Kubescape."""
    return who.name if who.kind == "Namespace" else who.namespace


class RuleTable(Struct, frozen=True, eq=False):
    """Rules by control, and by the first of name, namespace and kind that they name without a pattern."""

    rules: Sequence[ExceptionRule]
    by_control: dict[str | None, dict[_Key, list[int]]]
    """Under None those that are about all controls, or many."""
    labelled: bool
    """Whether any asks for labels, or for labels or annotations."""
    annotated: bool

    def candidates(self, who: ResourceId, control: str) -> Iterator[ExceptionRule]:
        """The rules that may be about findings of a control in an object, in their order."""
        numbers: list[int] = []
        for one in (control, None):
            if keys := self.by_control.get(one):
                for key in (None, ("name", who.name), ("namespace", namespace_of(who)), ("kind", who.kind)):
                    numbers += keys.get(key, ())
        for number in sorted(numbers) if len(numbers) > 1 else numbers:
            rule = self.rules[number]
            if rule.controls is None or control in rule.controls:
                yield rule


def table_of(rules: Sequence[ExceptionRule]) -> RuleTable:
    """Rules ready to be found."""
    by_control: dict[str | None, dict[_Key, list[int]]] = {}
    for number, rule in enumerate(rules):
        keys = _keys(rule)
        about = rule.controls
        for control in (None,) if about is None or len(about) > _FEW else about:
            table = by_control.setdefault(control, {})
            for key in keys:
                table.setdefault(key, []).append(number)
    annotated = any(rule.annotated and rule.labels for rule in rules)
    return RuleTable(rules, by_control, any(rule.labels for rule in rules), annotated)


def _texts(resource: Resource, name: str) -> tuple[tuple[str, str], ...]:
    """The labels or annotations of an object, as far as they are text."""
    metadata = resource.data.get("metadata")
    table = metadata.get(name) if isinstance(metadata, dict) else None
    texts = table.items() if isinstance(table, dict) else ()
    return tuple([(key, value) for key, value in texts if isinstance(key, str) and isinstance(value, str)])


def _keys(rule: ExceptionRule) -> list[_Key]:
    for what, names in (("name", rule.names), ("namespace", rule.namespaces), ("kind", rule.kinds)):
        if names is not None and not names.patterns:
            return [(what, name) for name in names.literal]
    return [None]


class FileExceptions(Struct, frozen=True, eq=False):
    """The rules that may be about findings in one file.

    What they say of an object is remembered by all that they ask of it: most edits leave that as it is.
    """

    tables: tuple[RuleTable, ...]
    _known: dict[tuple[object, ...], dict[str, Disposition | None]] = field(default_factory=dict)

    def dispositions(self, resource: Resource, controls: Iterable[str]) -> Mapping[str, Disposition | None]:
        """What becomes of the findings of some controls in an object, by control; None for those that stay open."""
        known = self._known.get(key := self._key(resource))
        if known is None:
            if len(self._known) >= MAX_OBJECTS:
                self._known.clear()
            known = self._known[key] = {}
        asked: dict[int, bool] = {}
        for control in controls:
            if control not in known:
                first = next(self.candidates(resource, control, asked), None)
                known[control] = None if first is None else first.disposition
        return known

    def _key(self, resource: Resource) -> tuple[object, ...]:
        who = resource.id
        labels = _texts(resource, "labels") if any(table.labelled for table in self.tables) else ()
        notes = _texts(resource, "annotations") if any(table.annotated for table in self.tables) else ()
        return who.kind, who.namespace, who.name, labels, notes

    def candidates(self, resource: Resource, control: str, asked: dict[int, bool]) -> Iterator[ExceptionRule]:
        """The rules that are about findings of a control in an object.

        Args:
            resource: the object.
            control: the control.
            asked: which rules are about the object, as far as that was asked before.
        """
        for table in self.tables:
            for rule in table.candidates(resource.id, control):
                if (about := asked.get(id(rule))) is None:
                    about = asked[id(rule)] = rule.speaks_of(resource)
                if about:
                    yield rule


class PathFinder:
    """Which of some rules with patterns for paths are about a file: tables for plain paths, RE2 for the others."""

    def __init__(self, rules: Sequence[ExceptionRule]) -> None:
        self._of_path: dict[str, list[tuple[int, bool]]] = {}
        self._of_name: dict[str, list[tuple[int, bool]]] = {}
        others: list[tuple[int, tuple[str, ...]]] = []
        for number, rule in enumerate(rules):
            patterns = rule.paths
            if patterns is None:
                continue
            if not all(map(_PLAIN.fullmatch, patterns)):
                others.append((number, patterns))
                continue
            for pattern in patterns:
                path, folder = pattern.removesuffix("/"), pattern.endswith("/")
                table = self._of_path if "/" in path else self._of_name
                table.setdefault(path.removeprefix("/"), []).append((number, folder))
        self._others = [
            _Patterns(others[start : start + _TOGETHER]) for start in range(0, len(others), _TOGETHER)
        ]

    def about(self, path: str) -> tuple[int, ...]:
        """The numbers of the rules that are about a file, by its path from the folder that theirs begin at."""
        parts = path.split("/")
        above = [("/".join(parts[:n]), n < len(parts)) for n in range(1, len(parts) + 1)]
        found = {
            number
            for (one, folder), name in zip(above, parts, strict=True)
            for number, folders_only in (*self._of_path.get(one, ()), *self._of_name.get(name, ()))
            if folder or not folders_only
        }
        for patterns in self._others:
            found.update(patterns.about(above))
        return tuple(sorted(found))


class _Patterns:
    """Rules with patterns that are more than paths, which are asked one by one only where any may match."""

    def __init__(self, rules: Sequence[tuple[int, tuple[str, ...]]]) -> None:
        every = {pattern for _, patterns in rules for pattern in patterns if not pattern.startswith("!")}
        self._any = IgnorePatterns(map(_bytes, every))
        self._rules = [(number, IgnorePatterns(map(_bytes, patterns))) for number, patterns in rules]

    def about(self, above: Sequence[tuple[str, bool]]) -> Iterator[int]:
        if _leave_out(self._any, above):
            yield from (number for number, patterns in self._rules if _leave_out(patterns, above))


def _bytes(pattern: str) -> bytes:
    return pattern.encode(
        errors="replace"
    )  # half a character of UTF-16, as JSON may have, is in no name of a file


def _leave_out(patterns: IgnorePatterns, above: Sequence[tuple[str, bool]]) -> bool:
    """Whether patterns leave a file out, or a folder above it: what is below that is never looked at."""
    return any(patterns.verdict(path, folder=folder) for path, folder in above)
