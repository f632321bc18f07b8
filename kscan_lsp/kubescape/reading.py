"""From the files of a folder of Kubescape's controls to controls and frameworks, and what is wrong with them.

The layout is that of kubescape/regolibrary. A control of an id that comes with kscan is not taken, and that is said:
the folder's frameworks have ours. What no manifest can answer is left out, and named by the frameworks that have it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from kscan_lsp.findings import UNUSED, Problem
from kscan_lsp.kubescape.fields import category_of, not_here, references_of, sections_of
from kscan_lsp.kubescape.rules import rule_of
from kscan_lsp.policy.model import Control, ControlSource, Framework, Member, PolicyProblem, PolicySet, Unseen
from kscan_lsp.regex import regex
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.kubescape.files import LibraryFiles, RuleFiles
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.rego import RegoRule
    from kscan_lsp.yaml.document import Document

_ID: Final = regex(r"[A-Z]+-[0-9]{1,9}")
_FRAMEWORK: Final = regex(r"[a-z0-9][a-z0-9._-]*")
_UNFIT: Final = regex(r"[^a-z0-9._-]+")
_SUBJECT: Final = regex(r"^(?:rule '[^']*'|framework '[^']*'|[A-Z]+-[0-9]+) | \([^()]*\)$")
MOST_ALIKE: Final = 2
"""Notes of a folder that say the same of different controls, or rules."""
MOST_TEXT: Final = 20_000
"""Characters of a description."""


def with_library(base: PolicySet, files: LibraryFiles) -> PolicySet:
    """Policies with the controls and frameworks of a folder added; what is there already stays."""
    problems: list[PolicyProblem] = []
    reading = _LibraryReading(base, problems)
    inputs = reading.inputs(files.inputs)
    rules = {name: rule for name, rule in (reading.rule(one, inputs) for one in files.rules) if name}
    controls: dict[str, Control] = {}
    unseen: dict[str, str] = {}
    seen: dict[str, str] = {}
    sources = dict(base.sources)
    for source, document in files.controls:
        reading.source, reading.document = source, document
        control = reading.control(rules, unseen)
        if control is None:
            continue
        first = seen.setdefault(control.id, source)
        if first == source:
            controls[control.id] = control
            sources[control.id] = ControlSource(source, document)
        else:
            twice = f"{control.id} is already defined in {first}; give one of them another id"
            reading.wrong(("controlID",), twice)
    known = PolicySet({**base.controls, **controls}, base.frameworks, (), sources, base.replaced)
    frameworks = dict(base.frameworks)
    for source, document in files.frameworks:
        reading.source, reading.document = source, document
        framework = reading.framework(known, unseen)
        if framework is not None and framework.id not in frameworks:
            frameworks[framework.id] = framework
        elif framework is not None and framework.id in base.frameworks:
            ours = f"framework '{framework.id}' is already there without this folder, and that one counts"
            reading.wrong(("name",), ours, note=True)
        elif framework is not None:
            reading.wrong(
                ("name",), f"framework '{framework.id}' is already defined here; give it another name"
            )
    return PolicySet(
        dict(sorted(known.controls.items())),
        frameworks,
        (*base.problems, *_fewer_notes(problems)),
        sources,
        base.replaced,
    )


def _fewer_notes(problems: Iterable[PolicyProblem]) -> tuple[PolicyProblem, ...]:
    """Problems with few notes that say the same: a copy of Kubescape's library has hundreds."""
    kept: list[PolicyProblem] = []
    alike: dict[str, list[PolicyProblem]] = {}
    for one in problems:
        if one.problem.code != UNUSED:
            kept.append(one)
            continue
        same = alike.setdefault(_SUBJECT.sub("", one.problem.message), [])
        same.append(one)
        if len(same) <= MOST_ALIKE:
            kept.append(one)
    for same in alike.values():
        if len(same) > MOST_ALIKE:
            last = same[MOST_ALIKE - 1]
            message = f"{last.problem.message}; the same of {len(same) - MOST_ALIKE} others in this folder"
            kept[kept.index(last)] = replace(last, problem=replace(last.problem, message=message))
    return tuple(kept)


class _LibraryReading:
    """The files of a folder, one after the other, and what is wrong with each."""

    def __init__(self, base: PolicySet, problems: list[PolicyProblem]) -> None:
        self.base = base
        self.problems = problems
        self.source = ""
        self.document: Document

    def wrong(self, path: Path, message: str, *, note: bool = False, on_key: bool = False) -> None:
        """Note what is wrong with the file that is read; a note is about what is not judged, and no fault."""
        span = span_at(self.document, path, on_key=on_key)
        problem = Problem(span, message, UNUSED if note else "control", fatal=not note)
        self.problems.append(PolicyProblem(self.source, self.document, problem))

    def data(self) -> dict[str, Any] | None:
        """What the file has, if it can be read."""
        if self.document.problems:
            self.problems += [
                PolicyProblem(self.source, self.document, one) for one in self.document.problems
            ]
            return None
        if not isinstance(self.document.data, dict):
            self.wrong((), "this file is left out: it has to be a map")
            return None
        return self.document.data

    def text(self, data: Mapping[str, Any], key: str, *, needed: bool = False) -> str | None:
        """A text of the file; None, and a problem, where it has to be one and is none."""
        value = data.get(key)
        if isinstance(value, str) and (value.strip() or not needed):
            return value.strip()[:MOST_TEXT]
        if value is None and not needed:
            return ""
        self.wrong((key,) if key in data else (), f"'{key}' has to be a text: this file is left out")
        return None

    def inputs(self, file: tuple[str, Document] | None) -> dict[str, tuple[str, ...]]:
        """The lists of `settings.postureControlInputs`."""
        if file is None:
            return {}
        self.source, self.document = file
        data = self.data()
        place = ("settings", "postureControlInputs")
        given: Any = data
        for key in place:
            given = given.get(key) if isinstance(given, dict) else None
        if not isinstance(given, dict):
            if data is not None:
                self.wrong(place, "'settings.postureControlInputs' has to be a map of lists of texts")
            return {}
        found = {}
        for name, value in given.items():
            if isinstance(value, list) and all(isinstance(one, str) for one in value):
                found[name] = tuple(value)
            else:
                self.wrong((*place, name), f"input '{name}' has to be a list of texts")
        return found

    def rule(self, files: RuleFiles, inputs: Mapping[str, tuple[str, ...]]) -> tuple[str, RegoRule | None]:
        """A rule by its name, None where no Kubescape of today asks it; no name where it is wrong."""
        self.source, self.document = files.name, files.document
        data = self.data()
        if data is None:
            return "", None
        name = self.text(data, "name", needed=True)
        if name is None:
            return "", None
        made = rule_of(self.document.text, files.raw, files.counted, tuple(sorted(inputs.items())))
        for path, message in made.faults[:1]:
            self.wrong(path, message)
        if made.faults:
            return "", None
        if made.rule is not None and made.rule.source.unsupported:
            self.wrong(
                ("name",), f"rule '{name}' is not judged here: {made.rule.source.unsupported}", note=True
            )
        return name, made.rule

    def control(self, rules: Mapping[str, RegoRule | None], unseen: dict[str, str]) -> Control | None:
        """A control; None where the file has none to be judged."""
        data = self.data()
        if data is None:
            return None
        id_, title = self.text(data, "controlID", needed=True), self.text(data, "name", needed=True)
        if id_ is None or title is None:
            return None
        if not _ID.fullmatch(id_):
            self.wrong(
                ("controlID",), f"'{id_}' has to be capital letters, a hyphen and a number, such as ORG-0001"
            )
            return None
        if id_ in self.base.sources:
            where = self.base.sources[id_].name
            self.wrong(("controlID",), f"{id_} is already defined in {where}; give one of them another id")
            return None
        if id_ in self.base.controls:
            self.wrong(
                ("controlID",), f"{id_} comes with kscan, and that one is judged in place of this", note=True
            )
            return None
        named = self._rules(data, rules)
        texts = [self.text(data, key) for key in ("description", "remediation")]
        score = data.get("baseScore")
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 10:
            self.wrong(("baseScore",), "'baseScore' has to be a number from 0 to 10: this file is left out")
            return None
        if named is None or None in texts:
            return None
        why = not_here(data, named)
        if why:
            self.wrong(("controlID",), f"{id_} is not judged here: {why}", note=True)
            unseen[id_] = title
            return None
        return _control(
            named,
            id=id_,
            title=title,
            score=float(score),
            category=category_of(data),
            description=texts[0],
            remediation=texts[1],
            references=references_of(data),
        )

    def _rules(
        self, data: Mapping[str, Any], rules: Mapping[str, RegoRule | None]
    ) -> tuple[RegoRule, ...] | None:
        listed = data.get("rulesNames")
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            self.wrong(
                ("rulesNames",), "'rulesNames' has to be a list of the names of rules: this file is left out"
            )
            return None
        for number, name in enumerate(listed):
            if name not in rules:
                missing = (
                    f"no rule here is called '{name}', or it is wrong{nearest_name(name, sorted(rules))}"
                )
                self.wrong(("rulesNames", number), f"{missing}: this control is left out")
                return None
        return tuple(rule for name in dict.fromkeys(listed) if (rule := rules[name]) is not None)

    def framework(self, known: PolicySet, unseen: Mapping[str, str]) -> Framework | None:
        """A framework; None where the file is wrong."""
        data = self.data()
        name = None if data is None else self.text(data, "name", needed=True)
        if data is None or name is None:
            return None
        id_ = _UNFIT.sub("-", name.lower()).strip("-")
        if not _FRAMEWORK.fullmatch(id_):
            self.wrong(("name",), f"'{name}' has no letter or digit to be named by: this file is left out")
            return None
        listed = [*self._members(data, known, unseen)]
        sections = dict(sections_of(data.get("subSections"), 0))
        members = [
            Member(control, sections.get(control, ""), patched)
            for control, patched in listed
            if control in known.controls
        ]
        titled = [(one, unseen.get(one) or patched) for one, patched in listed if one not in known.controls]
        parts = [Unseen(f"{title} ({one})" if title else one, sections.get(one, "")) for one, title in titled]
        return _framework(id_, name, self.text(data, "description") or "", tuple(members), tuple(parts))

    def _members(
        self, data: Mapping[str, Any], known: PolicySet, unseen: Mapping[str, str]
    ) -> Iterator[tuple[str, str]]:
        """The ids that a framework lists, each with the name that it gives to it."""
        active = data.get("activeControls")
        for number, entry in enumerate(active if isinstance(active, list) else ()):
            id_ = entry.get("controlID") if isinstance(entry, dict) else None
            if not isinstance(id_, str):
                self.wrong(("activeControls", number), "an entry needs a 'controlID'")
                continue
            if id_ not in known.controls and id_ not in unseen:
                # Kubescape has many of its own that no manifest answers: another of these is not meant
                hint = "" if id_.startswith("C-") else nearest_name(id_, sorted(known.controls))
                absent = f"{id_} is no control that is judged here{hint}"
                self.wrong(("activeControls", number, "controlID"), absent, note=True)
            patch = entry.get("patch")
            patched = patch.get("name") if isinstance(patch, dict) else None
            yield id_, patched if isinstance(patched, str) else ""
        names = data.get("controlsNames")
        titles = {control.title: control.id for control in known.controls.values()}
        for number, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str) and name in titles:
                yield titles[name], ""
            else:
                self.wrong(
                    ("controlsNames", number), f"'{name}' is no control that is judged here", note=True
                )


@lru_cache(maxsize=1_024)
def _control(rules: tuple[RegoRule, ...], **told: Any) -> Control:
    """A control, made once while nothing of it changes: what was judged by it counts by that.

    Args:
        rules: what it is decided by.
        told: what its file says of it, by the names of the fields of `Control`.
    """
    inputs = {name: value for rule in rules for name, value in rule.inputs.items()}
    match = tuple((groups, kinds) for rule in rules for groups, _, kinds in rule.kinds)
    return Control(**told, inputs=inputs, match=match, rego=rules)


@lru_cache(maxsize=256)
def _framework(
    id_: str, title: str, description: str, members: tuple[Member, ...], unseen: tuple[Unseen, ...]
) -> Framework:
    """Made once, as a control is."""
    aliases = tuple({title.lower()} - {id_})
    return Framework(id_, title, description, aliases, {one.id: one for one in members}, unseen=unseen)
