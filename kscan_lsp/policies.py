"""Controls and frameworks: text of their files -> an immutable PolicySet, compiled once.

Everything that can be known to be wrong about a control is found here, at its line and column, so that evaluating
one later needs no checks. A file with a problem loses its control and nothing else. Which controls are on, with
which severities and inputs, is a `Ruleset`: it plans the work for each kind of object once and is what the engine
works from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import cel, targets
from kscan_lsp.findings import Problem, Severity
from kscan_lsp.policy_files import CheckFile, ControlFile, FixFile, FrameworkFile
from kscan_lsp.validate import nearest_name, place, validate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kscan_lsp.documents import Document
    from kscan_lsp.policy_files import MatchFile, TestFile

_VARIABLES: Final = frozenset(cel.VARIABLES)


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a fix. `value` is plain data, or an Expression that gives it."""

    verb: str
    """`set`, `add`, `remove`, or `choose`, whose value is the name of the input to choose from."""
    target: targets.Target
    value: Any = None


@dataclass(frozen=True, slots=True)
class Fix:
    """What makes a finding go away."""

    title: str
    operations: tuple[Operation, ...]
    when: cel.Expression | None
    safe: bool


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """One question, compiled. `control` is the control it is asked for."""

    control: Control
    match: tuple[tuple[frozenset[str], frozenset[str]], ...] | None
    """(groups, kinds) it looks at; None stands for workloads."""
    each: targets.Each
    deny: cel.Expression
    """`when` and `deny` in one, so that one evaluation answers: false where the check does not apply."""
    at: tuple[targets.Target, ...]
    message: cel.Template
    fix: Fix | None

    def matches(self, group: str, kind: str, *, workload: bool) -> bool:
        """Whether the check looks at objects of this kind."""
        if self.match is None:
            return workload
        return any(
            (group in groups or "*" in groups) and (kind in kinds or "*" in kinds) for groups, kinds in self.match
        )


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """A security control. `source` is the file it came from, for messages."""

    id: str
    title: str
    score: float
    category: str
    description: str
    remediation: str
    references: tuple[str, ...]
    inputs: Mapping[str, tuple[str, ...]]
    tests: tuple[TestFile, ...]
    document: Document
    source: str
    checks: tuple[Check, ...] = ()

    @property
    def severity(self) -> Severity:
        """The severity that the score stands for."""
        return Severity.of_score(self.score)

    @property
    def fixable(self) -> bool:
        """Whether any of its checks has a fix."""
        return any(check.fix for check in self.checks)


@dataclass(frozen=True, slots=True)
class Member:
    """A control's place in a framework: its section, its name there, and why it is in."""

    id: str
    section: str = ""
    name: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Framework:
    """A named choice of controls."""

    id: str
    title: str
    description: str
    aliases: tuple[str, ...]
    members: Mapping[str, Member]
    excluded: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """A problem in a policy file."""

    source: str
    document: Document
    problem: Problem


@dataclass(frozen=True, slots=True)
class PolicySet:
    """All controls and frameworks that could be read, and what was wrong with the others."""

    controls: Mapping[str, Control] = field(default_factory=dict)
    frameworks: Mapping[str, Framework] = field(default_factory=dict)
    problems: tuple[SourceProblem, ...] = ()

    def framework(self, name: str) -> Framework | None:
        """A framework by its id or an alias, whatever the case."""
        wanted = name.lower()
        for framework in self.frameworks.values():
            if wanted == framework.id or wanted in framework.aliases:
                return framework
        return None


def load(sources: Iterable[tuple[str, Document]], base: PolicySet | None = None) -> PolicySet:
    """Compile control and framework files.

    Args:
        sources: (name of the file, its document) of each. A document with a top-level `checks` is a control.
        base: policies these are added to; an id that is there already is replaced.

    Returns:
        The policies, with a problem for each thing that is wrong.
    """
    base = base or PolicySet()
    controls, drafts = dict(base.controls), []
    frameworks, problems = dict(base.frameworks), list(base.problems)
    seen: dict[str, str] = {}
    for source, document in sources:
        if not isinstance(document.data, dict):
            found: tuple[Problem, ...] = document.problems or (
                Problem(place(document, ()), "this file holds neither a control nor a framework", "control", fatal=True),
            )
            problems += [SourceProblem(source, document, p) for p in found]
        elif "checks" in document.data or "deny" in document.data:
            file, found = validate(ControlFile, document, "control")
            problems += [SourceProblem(source, document, p) for p in found]
            if file is None:
                continue
            if file.id in seen:
                message = f"control {file.id} is already defined in {seen[file.id]}; give one of them another id"
                problems.append(SourceProblem(source, document, Problem(place(document, ("id",)), message, "control")))
                continue
            seen[file.id] = source
            drafts.append((_draft(file, document, source), file))
        else:
            framework_file, found = validate(FrameworkFile, document, "framework")
            problems += [SourceProblem(source, document, p) for p in found]
            if framework_file is not None:
                frameworks[framework_file.id] = _framework(framework_file)
    files = {control.id: (control, file) for control, file in drafts}
    for control, file in drafts:
        compiled, found = _compile(control, file, files, controls)
        problems += [SourceProblem(control.source, control.document, p) for p in found]
        if not found:
            controls[control.id] = compiled
    return PolicySet(dict(sorted(controls.items())), frameworks, tuple(problems))


def _draft(file: ControlFile, document: Document, source: str) -> Control:
    return Control(
        id=file.id,
        title=file.title,
        score=file.score,
        category=file.category,
        description=file.description.strip(),
        remediation=file.remediation.strip(),
        references=tuple(file.references),
        inputs={name: tuple(values) for name, values in file.inputs.items()},
        tests=tuple(file.tests),
        document=document,
        source=source,
    )


def _framework(file: FrameworkFile) -> Framework:
    members = (
        {} if file.controls == "all" else {m.id: Member(m.id, m.section, m.name, m.reason) for m in file.controls}
    )
    return Framework(
        id=file.id,
        title=file.title,
        description=file.description.strip(),
        aliases=tuple(alias.lower() for alias in file.aliases),
        members=members,
        excluded={e.id: e.reason for e in file.excluded},
    )


def _compile(
    control: Control,
    file: ControlFile,
    drafts: Mapping[str, tuple[Control, ControlFile]],
    known: Mapping[str, Control],
) -> tuple[Control, list[Problem]]:
    problems: list[Problem] = []
    checks: list[Check] = []
    compiled = replace(control)
    for index, check in enumerate(file.checks):
        if not check.use:
            maker = _Compiler(control.document, ("checks", index), check)
            made = maker.check(compiled)
            problems += maker.problems
            checks += [made] if made else []
            continue
        here = ("checks", index, "use")
        if check.use in drafts and check.use != control.id:
            other, other_file = drafts[check.use]
            for number, borrowed in enumerate(other_file.checks):
                if borrowed.use:
                    text = f"control {check.use} takes its checks from {borrowed.use}; use that one directly"
                    problems.append(Problem(place(control.document, here), text, "control"))
                elif made := _Compiler(other.document, ("checks", number), borrowed).check(compiled):
                    checks.append(made)
        elif check.use in known and check.use != control.id:
            checks += [replace(made, control=compiled) for made in known[check.use].checks]
        else:
            text = f"unknown control '{check.use}'{nearest_name(check.use, sorted({*drafts, *known} - {control.id}))}"
            problems.append(Problem(place(control.document, here), text, "control"))
    object.__setattr__(compiled, "checks", tuple(checks))  # a check points at its control, so one of both comes later
    return compiled, problems


class _Compiler:
    """Compiles one check, collecting what is wrong with it."""

    def __init__(self, document: Document, at: tuple[str | int, ...], file: CheckFile) -> None:
        self.document = document
        self.path = at
        self.file = file
        self.let = tuple(file.let.items())
        self.problems: list[Problem] = []

    def check(self, control: Control) -> Check | None:
        file = self.file
        for name in file.let:
            if name in _VARIABLES or name in targets.ANCHORS or not name.isidentifier():
                self.fail(("let", name), f"'{name}' cannot be the name of a let: it is taken, or not an identifier")
        if self.problems:
            return None
        for number, (name, source) in enumerate(self.let):
            self.expression(source, ("let", name), "any", self.let[:number])
        if self.problems:
            return None
        each = self.each(file.each)
        deny = self.expression(file.deny, ("deny",), "bool", self.let)
        if file.when and deny and self.expression(file.when, ("when",), "bool", self.let):
            deny = self.expression(f"({file.when}\n) ? ({file.deny}\n) : false", ("deny",), "bool", self.let)
        message = cel.template(file.message, let=self.let)
        if isinstance(message, cel.CelError):
            self.fail(("message",), _said(message))
        texts = [file.at] if isinstance(file.at, str) else file.at
        at = [self.target(text, ("at",) if isinstance(file.at, str) else ("at", n)) for n, text in enumerate(texts)]
        fix = self.fix(file.fix) if file.fix else None
        if self.problems or each is None or deny is None or isinstance(message, cel.CelError):
            return None
        return Check(
            control=control,
            match=None if isinstance(file.match, str) else tuple(_matcher(m) for m in file.match),
            each=each,
            deny=deny,
            at=tuple(target for target in at if target),
            message=message,
            fix=fix,
        )

    def fix(self, file: FixFile) -> Fix | None:
        operations: list[Operation | None] = []
        for verb, changes in (("set", file.set), ("add", file.add)):
            for text, value in changes.items():
                if isinstance(value, dict) and set(value) == {"expr"}:
                    value = self.expression(str(value["expr"]), ("fix", verb, text, "expr"), "any", self.let)  # noqa: PLW2901
                operations.append(self.operation(verb, text, ("fix", verb, text), value))
        for index, text in enumerate(file.remove):
            operations.append(self.operation("remove", text, ("fix", "remove", index)))
        for text, name in file.choose.items():
            operations.append(self.operation("choose", text, ("fix", "choose", text), name))
        when = self.expression(file.when, ("fix", "when"), "bool", self.let) if file.when else None
        return Fix(file.title, tuple(o for o in operations if o), when, file.safe)

    def operation(self, verb: str, text: str, where: tuple[str | int, ...], value: Any = None) -> Operation | None:
        target = self.target(text, where)
        return Operation(verb, target, value) if target else None

    def each(self, text: str) -> targets.Each | None:
        try:
            return targets.parse_each(text)
        except ValueError as error:
            self.fail(("each",), str(error))
            return None

    def target(self, text: str, where: tuple[str | int, ...]) -> targets.Target | None:
        try:
            target = targets.parse_target(text, self.let)
        except ValueError as error:
            self.fail(where, str(error))
            return None
        if isinstance(target, cel.CelError):
            self.fail(where, _said(target))
            return None
        return target

    def expression(
        self, source: str, where: tuple[str | int, ...], result: cel.Result, let: tuple[tuple[str, str], ...]
    ) -> cel.Expression | None:
        compiled = cel.compile_expression(source, let=let, result=result)
        if isinstance(compiled, cel.CelError):
            self.fail(where, _said(compiled))
            return None
        return compiled

    def fail(self, where: tuple[str | int, ...], message: str) -> None:
        self.problems.append(Problem(place(self.document, (*self.path, *where)), message, "control"))


def _said(error: cel.CelError) -> str:
    return f"{error.message} (at {error.line}:{error.column} of the expression)"


def _matcher(file: MatchFile) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(file.groups), frozenset(file.kinds)
