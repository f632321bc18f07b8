"""What an evaluator remembers, so that a keystroke costs what it changes.

All of it is found again by what it was made of, so nothing is ever wrong here, only forgotten: each part has a bound,
and is emptied when it is reached. Two threads may share one memo.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from kscan_lsp import cel
from kscan_lsp.engine import digests, related
from kscan_lsp.engine.parts import Parted, part
from kscan_lsp.engine.quoting import quoting
from kscan_lsp.engine.touched import touched
from kscan_lsp.kubernetes.type_errors import READ_INSIDE
from kscan_lsp.regex import regex
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.engine.plan import Group, Plan, Plans
    from kscan_lsp.engine.quoting import Quoting
    from kscan_lsp.engine.related import References
    from kscan_lsp.findings import Cause
    from kscan_lsp.kubernetes.pod_templates import Place
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.check import Check
    from kscan_lsp.policy.model import Control
    from kscan_lsp.yaml.document import Document

MAX_PLANS: Final = 500
"""Kinds of objects whose plans are remembered."""
MAX_RESULTS: Final = 200
"""What is remembered of each group of checks. There are some hundred groups for each kind that runs pods."""
MAX_ALL_RESULTS: Final = 60_000
"""Of all groups: who has objects of five hundred kinds, misspelt ones among them, has as many times the groups."""
MAX_ANSWERS: Final = 50_000
"""Answers about elements, in some 20 MB: enough for a thousand workloads that have little in common."""
MAX_VALUES: Final = 4_096
"""Answers of expressions that read long lists of related objects."""
MAX_TOUCHED: Final = 1_000
"""Values of which it is remembered which groups they touch."""
MAX_CONDITIONS: Final = 4_096
"""Conditions of fixes."""
MAX_DOCUMENTS: Final = 64
"""Documents of related objects, read again to find a place in them."""

_LOOKS_INSIDE: Final = regex(
    r"\b(?:selects|isolates|restricts|opens|granted|builtinGrants|addedToBuiltin|nodePaths)\s*\("
)
"""Functions that are handed an object, or a part of one."""

Kind: TypeAlias = "tuple[str, str, tuple[Place, ...], bool]"
"""API group, kind, where it has pod templates, and whether there are any."""


class Answer(Struct, frozen=True):
    """What a check says of an element: whether it fails, and if so with which message."""

    verdict: bool | cel.Failed
    message: str = ""
    work: float = 0.0
    """What it took, in the units of `cel.cost`, where that is counted."""


PASSED: Final = Answer(False)
"""What most checks say, where nobody counts what that took."""


class Failure(Struct, frozen=True):
    """A check that failed, where, and why."""

    check: Check
    path: Path
    message: str
    causes: tuple[Cause]
    """The check and the element, as the finding remembers them."""
    related: References = related.NO_REFERENCES
    """The references to other objects that the check gives besides."""


class NoAnswer(Struct, frozen=True):
    """A check that could not be evaluated, where, and why."""

    check: Check
    path: Path
    reason: str
    limit: bool = False
    """Because it is too much."""


class Results(Struct, frozen=True):
    """What some checks found in a resource; what is in neither passed."""

    failures: tuple[Failure, ...]
    no_answers: tuple[NoAnswer, ...]
    work: tuple[tuple[str, float], ...] = ()
    """What that took, by the controls for which it is counted."""


NOTHING: Final = Results((), ())
"""All passed, which most do most of the time."""


class Fill(Struct, frozen=True):
    """How full a part of the memo is."""

    entries: int
    bound: int


class Memo:
    """All that one evaluator remembers."""

    __slots__ = (
        "_readers",
        "answers",
        "conditions",
        "digests",
        "document",
        "lists",
        "names",
        "numbers",
        "parts",
        "plans",
        "quoting",
        "results",
        "results_kept",
        "touches",
        "values",
    )

    def __init__(self) -> None:
        self.plans: dict[Kind, Plans] = {}
        self.numbers = count()
        """Numbers for the checks in them, none of which comes again."""
        self.results: defaultdict[Group, dict[object, Results]] = defaultdict(dict)
        """By the group, and then by the digests of all that it can depend on in a resource."""
        self.results_kept = 0
        """How many they are."""
        self.answers: dict[tuple[object, ...], Answer] = {}
        """By the number of the planned check, and the digests of all of an element that its answer can depend on."""
        self.values: dict[tuple[object, ...], Any] = {}
        """What an expression gives that reads a long list of related objects, by the digests of all that it reads."""
        self.conditions: dict[tuple[object, ...], bool] = {}
        """Whether conditions of fixes hold, by the digests of what they read."""
        self.parts: dict[cel.Expression, Parted | None] = {}
        """What came of taking expressions apart; as many as those of checks that read long lists, at most."""
        self.lists = related.RelatedLists()
        self.digests = digests.Digests()
        self.names: dict[Check, frozenset[str]] = {}
        """What `names_in` found; for as many checks as the ruleset has, at most."""
        self._readers: dict[str, frozenset[str]] = {}
        """By the name of a field, the controls that look for it; made once."""
        self.quoting: dict[Check, tuple[Quoting, ...]] = {}
        """What `quoting_of` found; as many, at most."""
        self.touches: dict[tuple[int, Path, Path | None], tuple[Plan, frozenset[int]]] = {}
        """By the identity of a plan, which is kept with it, the path of a value, and where the pod stands."""
        self.document: Callable[[str, bool], Document] = lru_cache(MAX_DOCUMENTS)(_document)

    def keep_plans(self, kind: Kind, plans: Plans) -> Plans:
        """Remember the plans for a kind.

        Returns:
            Those that hold: another thread may have made them meanwhile, and what is found is remembered by them.
        """
        if len(self.plans) >= MAX_PLANS:
            self.plans.clear()
            self.results.clear()
            self.results_kept = 0
        return self.plans.setdefault(kind, plans)

    def keep_results(self, group: Group, key: object, results: Results) -> None:
        """Remember what a group of checks found."""
        if self.results_kept >= MAX_ALL_RESULTS:
            self.results.clear()
            self.results_kept = 0
        known = self.results[group]
        if len(known) >= MAX_RESULTS:
            self.results_kept -= len(known)
            known.clear()
        known[key] = results
        self.results_kept += 1

    def keep_answer(self, key: tuple[object, ...], answer: Answer) -> None:
        """Remember what a check says of an element."""
        if len(self.answers) >= MAX_ANSWERS:
            self.answers.clear()
        self.answers[key] = answer

    def keep_value(self, key: tuple[object, ...], value: object) -> None:
        """Remember what an expression gives."""
        if len(self.values) >= MAX_VALUES:
            self.values.clear()
        self.values[key] = value

    def touched(self, plan: Plan, path: Path, anchors: Mapping[str, Path]) -> frozenset[int]:
        """The groups that a value touches (`touched`), which is the same for all keys typed in one place."""
        key = (id(plan), path, anchors.get("pod"))
        known = self.touches.get(key)
        if known is None:
            if len(self.touches) >= MAX_TOUCHED:
                self.touches.clear()
            known = self.touches[key] = (plan, touched(plan, path, anchors))
        return known[1]

    def known_conditions(self) -> dict[tuple[object, ...], bool]:
        """What is known of conditions, to be added to for one more resource."""
        if len(self.conditions) >= MAX_CONDITIONS:
            self.conditions.clear()
        return self.conditions

    def parted(self, expression: cel.Expression) -> Parted | None:
        """An expression taken apart, once."""
        if expression not in self.parts:
            self.parts[expression] = part(expression)
        return self.parts[expression]

    def names_in(self, check: Check) -> frozenset[str]:
        """The names of fields that a check looks for, anywhere."""
        found = self.names.get(check)
        if found is None:
            steps = (step for step in check.each.steps if isinstance(step, str))
            found = frozenset((*check.deny.reading.names, *steps))
            variables = cel.fields_read([check.deny])
            if "effective" in variables:
                found |= {"securityContext"}  # what holds for a container comes from two places of this name
            if "role" in variables:
                found |= {"initContainers", "restartPolicy"}
            if check.relations or any(map(_LOOKS_INSIDE.search, _sources(check))):
                found |= READ_INSIDE
            self.names[check] = found
        return found

    def controls_reading(self, names: Iterable[str], controls: Mapping[str, Control]) -> frozenset[str]:
        """The controls that look for a field of any of some names.

        Args:
            names: of fields.
            controls: those that are on, which are the same each time.
        """
        if not self._readers:
            found: defaultdict[str, set[str]] = defaultdict(set)
            for name, control in controls.items():
                for check in control.checks:
                    for one in self.names_in(check):
                        found[one].add(name)
            self._readers = {name: frozenset(readers) for name, readers in found.items()}
        return frozenset[str]().union(*(self._readers.get(name, ()) for name in names))

    def quoting_of(self, check: Check) -> tuple[Quoting, ...]:
        """What the message of a check shows of what it quotes: see `quoting`."""
        found = self.quoting.get(check)
        if found is None:
            found = self.quoting[check] = quoting(check)
        return found

    def fill(self) -> dict[str, Fill]:
        """How full each part is, by name."""
        groups = list(self.results.values())
        documents = self.document.cache_info()  # type: ignore[attr-defined]
        return {
            "plans": Fill(len(self.plans), MAX_PLANS),
            "results": Fill(sum(map(len, groups)), min(MAX_RESULTS * len(groups), MAX_ALL_RESULTS)),
            "answers": Fill(len(self.answers), MAX_ANSWERS),
            "values": Fill(len(self.values), MAX_VALUES),
            "related lists": Fill(len(self.lists), related.MAX_LISTS),
            "related entries": Fill(self.lists.entries, related.MAX_ENTRIES),
            "related places": Fill(len(self.lists.places), related.MAX_PLACES),
            "digests": Fill(len(self.digests), digests.MAX_DIGESTS),
            "bytes digested": Fill(self.digests.digested, digests.MAX_DIGESTED),
            "values touched": Fill(len(self.touches), MAX_TOUCHED),
            "conditions": Fill(len(self.conditions), MAX_CONDITIONS),
            "documents": Fill(documents.currsize, MAX_DOCUMENTS),
        }


def _sources(check: Check) -> tuple[str, ...]:
    return (check.deny.source, *(source for _, source in check.deny.let))


def _document(text: str, json: bool) -> Document:
    return read_document(text, json=json)
