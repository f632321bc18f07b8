"""load(sources) -> a PolicySet: the texts of control and framework files, compiled once.

Everything that can be known to be wrong about a control is found here, at its line and column, so that evaluating one
later needs no checks. A file with a problem loses its control and nothing else.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from msgspec.structs import replace

from kscan_lsp.cel import fields_read, work_of
from kscan_lsp.findings import Problem
from kscan_lsp.policy.compile_check import Surroundings, compile_check
from kscan_lsp.policy.definitions import usable
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.policy.inputs import Input, kind_of, kinds_in
from kscan_lsp.policy.matching import kinds_of
from kscan_lsp.policy.memo import PolicyMemo
from kscan_lsp.policy.model import (
    Control,
    ControlSource,
    Framework,
    Member,
    PolicyProblem,
    PolicySet,
    PolicySource,
    Unseen,
)
from kscan_lsp.policy.schema import ControlFile, FrameworkFile
from kscan_lsp.settings.shape import types_of
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kscan_lsp.policy.check import Check
    from kscan_lsp.policy.definitions import Definitions, Entries
    from kscan_lsp.yaml.document import Document


MAX_WORK: Final = 500_000_000
"""What the checks of all files may come to on a small object at worst, in the units of `cel.cost`: those that come with
the program come to 150 millions."""
_TOO_MUCH: Final = (
    "this file is left out: with the loops of all before it judging would take too long; loop over less"
)


def load(
    sources: Iterable[tuple[str, Document]],
    base: PolicySet | None = None,
    memo: PolicyMemo | None = None,
    reserved: PolicySet | None = None,
    *,
    packs: Mapping[str, Definitions] | None = None,
) -> PolicySet:
    """Compile control and framework files.

    Args:
        sources: (name of the file, its document) of each. Its keys tell whether it is a control or a
            framework.
        base: policies these are added to; an id that is there already is replaced.
        memo: what came of documents before.
        reserved: policies whose ids a file may only take if it says that it `replaces` them.
        packs: what the packs define that files are in, by the names of the files.

    Returns:
        The policies, with a problem for each thing that is wrong.
    """
    base, memo, reserved = base or PolicySet(), memo or PolicyMemo(), reserved or PolicySet()
    problems = list(base.problems)
    drafts: dict[str, _ControlDraft] = {}
    framework_drafts: dict[str, _FrameworkDraft] = {}
    for source, document in sources:
        model = model_of(document)
        if model is None:
            nothing = Problem(
                span_at(document, ()),
                "this file holds neither a control nor a framework",
                "control",
                fatal=True,
            )
            found: tuple[Problem, ...] = document.problems or (nothing,)
        else:
            file, found = memo.model(model, document, "control" if model is ControlFile else "framework")
            if file is not None and (refused := _replacement_error(file, document, reserved)):
                found += (refused,)
            elif isinstance(file, ControlFile):
                found += _keep(drafts, _ControlDraft(file, document, source))
            elif file is not None:
                found += _keep(framework_drafts, _FrameworkDraft(file, document, source))
        problems += [PolicyProblem(source, document, p) for p in found]
    controls, control_sources = dict(base.controls), dict(base.sources)
    declared = kinds_in(
        (
            *(control.inputs for control in controls.values()),
            *(draft.file.defaults for draft in drafts.values()),
        )
    )
    defined = _usable((packs or {}).values(), declared, problems)
    work = 0.0  # in the order of the files, so that the same ones count whoever asks
    # a control can use the checks of another, but not those that the other uses in turn: two rounds will do
    for draft in sorted(drafts.values(), key=lambda d: any(check.use for check in d.file.checks)):
        given = defined[packs[draft.source].source] if packs and draft.source in packs else ()
        compile_it = partial(_compile, draft, drafts, controls, declared, given)
        if any(check.use for check in draft.file.checks):
            compiled, wrong = compile_it()
        else:
            compiled, wrong = memo.control(draft.document, declared, given, compile_it)
        if compiled is not None:
            work += work_of(CONTROLS, (one for check in compiled.checks for one in check.expressions()))
            if work > MAX_WORK:
                compiled, wrong = (
                    None,
                    (Problem(span_at(draft.document, ("id",)), _TOO_MUCH, "control", fatal=True),),
                )
        problems += [PolicyProblem(draft.source, draft.document, p) for p in wrong]
        if compiled is not None:
            controls[compiled.id] = compiled
            control_sources[compiled.id] = ControlSource(
                draft.source, draft.document, tuple(draft.file.tests)
            )
    frameworks = dict(base.frameworks)
    for framework in framework_drafts.values():
        unknown = _unknown_members(framework, {*drafts, *base.controls})
        problems += [PolicyProblem(framework.source, framework.document, p) for p in unknown]
        frameworks[framework.file.id] = _framework(framework.file)
    memo.end_load()
    replaced = dict(base.replaced)
    for new in drafts.values():
        if new.file.replaces and controls.get(new.file.id) is not base.controls.get(new.file.id):
            replaced[new.file.id] = PolicySource(new.source, new.document)
    for framework in framework_drafts.values():
        if framework.file.replaces:
            replaced[framework.file.id] = PolicySource(framework.source, framework.document)
    return PolicySet(dict(sorted(controls.items())), frameworks, tuple(problems), control_sources, replaced)


class _ControlDraft(NamedTuple):
    """A control that is yet to be compiled."""

    file: ControlFile
    document: Document
    source: str


class _FrameworkDraft(NamedTuple):
    """A framework whose controls are yet to be known."""

    file: FrameworkFile
    document: Document
    source: str


def _usable(
    packs: Iterable[Definitions], declared: Mapping[str, str], problems: list[PolicyProblem]
) -> dict[str, Entries]:
    """The definitions of packs that can be used, by the names of the packs' own files; notes what is wrong."""
    found: dict[str, Entries] = {}
    for pack in packs:
        if pack.source not in found:
            found[pack.source], wrong = usable(pack, declared)
            problems += [PolicyProblem(pack.source, pack.document, one) for one in wrong]
    return found


def _replacement_error(
    file: ControlFile | FrameworkFile, document: Document, reserved: PolicySet
) -> Problem | None:
    """What is wrong with an id that is reserved, or with the one that a file says it replaces."""
    word = "control" if isinstance(file, ControlFile) else "framework"
    there = file.id in (reserved.controls if isinstance(file, ControlFile) else reserved.frameworks)
    if file.replaces not in {"", file.id}:
        message = f"'replaces' must be the id of this {word}, '{file.id}'"
        return Problem(span_at(document, ("replaces",)), message, word, fatal=True)
    if there and not file.replaces:
        message = (
            f"{file.id} comes with kscan, and this file is left out; give the {word} another id, or say "
            f"'replaces: {file.id}' if it is to count in its place"
        )
        return Problem(span_at(document, ("id",)), message, word, fatal=True)
    return None


_D = TypeVar("_D", _ControlDraft, _FrameworkDraft)


def model_of(document: Document) -> type[ControlFile | FrameworkFile] | None:
    """The model that a file is meant to fit: the one it has more keys of, so that a typo does not decide."""
    if not isinstance(document.data, dict):
        return None
    keys = document.data.keys()
    control = len(types_of(ControlFile).keys() & keys) >= len(types_of(FrameworkFile).keys() & keys)
    return ControlFile if control else FrameworkFile


def _keep(known: dict[str, _D], new: _D) -> tuple[Problem, ...]:
    """Add a file to those with other ids; the first of two with the same id counts."""
    first = known.setdefault(new.file.id, new)
    if first is new:
        return ()
    message = f"{new.file.id} is already defined in {first.source}; give one of them another id"
    return (Problem(span_at(new.document, ("id",)), message, "control"),)


def _compile(
    draft: _ControlDraft,
    drafts: Mapping[str, _ControlDraft],
    known: Mapping[str, Control],
    declared: Mapping[str, str],
    definitions: Entries,
) -> tuple[Control | None, tuple[Problem, ...]]:
    file, document = draft.file, draft.document
    problems: list[Problem] = []
    checks: list[Check] = []
    inputs: dict[str, Input] = {}
    for check in file.checks:
        if check.use in known:
            inputs |= known[check.use].inputs
    inputs |= file.defaults
    for name, value in file.defaults.items():
        if declared[name] != kind_of(value):
            clash = f"input '{name}' is {declared[name]} of another control; give this one another name"
            problems.append(Problem(span_at(document, ("inputs", name), on_key=True), clash, "control"))
    for index, check in enumerate(file.checks):
        if check.use:
            if wrong := _cannot_use(check.use, draft, drafts, known):
                problems.append(Problem(span_at(document, ("checks", index, "use")), wrong, "control"))
                continue
            if wrong := _evidence_unsaid(known[check.use], file):
                problems.append(Problem(span_at(document, ("checks", index, "use")), wrong, "control"))
                continue
            taken = [replace(other, control=file.id) for other in known[check.use].checks]
            if "match" in vars(check):
                taken = [replace(other, match=kinds_of(check.match)) for other in taken]
            checks += taken
            continue
        made, found = compile_check(
            document,
            ("checks", index),
            check,
            file.id,
            Surroundings(declared, definitions, file.evidence),
        )
        problems += found
        checks += [made] if made else []
    if problems:
        return None, tuple(problems)
    control = Control(
        id=file.id,
        title=file.title,
        score=file.weight,
        category=file.category,
        description=file.description.strip(),
        remediation=file.remediation.strip(),
        references=tuple(file.references),
        inputs=inputs,
        checks=tuple(checks),
        evidence=file.evidence,
        needs=file.needs,
        match=kinds_of(file.match),
        reads_path="path" in fields_read(one for check in checks for one in check.expressions()),
    )
    return control, ()


def _cannot_use(
    name: str, user: _ControlDraft, drafts: Mapping[str, _ControlDraft], known: Mapping[str, Control]
) -> str:
    """Why a control cannot take over the checks of another; empty where it can."""
    others = {*drafts, *known} - {user.file.id}
    if name not in others:
        return f"unknown control '{name}'{nearest_name(name, sorted(others))}"
    used = next((check.use for check in drafts[name].file.checks if check.use), "") if name in drafts else ""
    if used:
        return f"control {name} takes its checks from {used}; use that one directly"
    return "" if name in known else f"control {name} is wrong itself, so its checks cannot be used"


def _evidence_unsaid(used: Control, user: ControlFile) -> str:
    """Why a control cannot take over checks that read evidence; empty where it can."""
    if used.evidence in {"", user.evidence}:
        return ""
    return f"control {used.id} reads 'evidence.{used.evidence}'; say 'evidence: {used.evidence}' here, too"


def _unknown_members(draft: _FrameworkDraft, known: set[str]) -> list[Problem]:
    listed = [] if isinstance(draft.file.controls, str) else draft.file.controls
    named = [("controls", n, member.id) for n, member in enumerate(listed)]
    named += [("excluded", n, member.id) for n, member in enumerate(draft.file.excluded)]
    return [
        Problem(
            span_at(draft.document, (key, index, "id")),
            f"unknown control '{name}'{nearest_name(name, sorted(known))}",
            "framework",
        )
        for key, index, name in named
        if name not in known
    ]


def _framework(file: FrameworkFile) -> Framework:
    listed = [] if isinstance(file.controls, str) else file.controls
    return Framework(
        id=file.id,
        title=file.title,
        description=file.description.strip(),
        aliases=tuple(alias.lower() for alias in file.aliases),
        members={m.id: Member(m.id, m.section, m.name, m.reason) for m in listed},
        whole=file.controls == "all",
        excluded={e.id: e.reason for e in file.excluded},
        unseen=tuple(Unseen(part.about, part.section) for part in file.unseen),
    )
