"""One check of a control file -> a compiled Check, or what is wrong with it, at its line and column.

Everything that can be known to be wrong about a check is found here, so that evaluating it later needs no
checks: expressions are compiled, paths parsed, and names looked up that would never mean anything in the
place they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp import cel
from kscan_lsp.findings import Problem
from kscan_lsp.graph import relations
from kscan_lsp.policy import element_names, targets
from kscan_lsp.policy.check import Check, Fix, Operation
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.policy.inputs import TEXTS, declared
from kscan_lsp.policy.matching import NAMESPACE, NAMESPACES, kinds_of, mistakes_in
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.yaml.locate import span_at, span_within

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kscan_lsp.paths import Path
    from kscan_lsp.policy.definitions import Entries
    from kscan_lsp.policy.schema import CheckFile, FixFile
    from kscan_lsp.yaml.document import Document


class Surroundings(Struct, frozen=True):
    """What the checks of a control may name besides what they judge."""

    inputs: Mapping[str, str]
    """The inputs that controls declare, by name, with what each is (`inputs.kind_of`)."""
    definitions: Entries = ()
    """Those of its pack."""
    evidence: str = ""
    """The kind of evidence that the control says it reads."""


class _Source(Struct, frozen=True):
    """The check being compiled: where it stands, what its expressions may name, and what is wrong so far."""

    document: Document
    path: Path
    let: tuple[tuple[str, str], ...]
    inputs: Mapping[str, str]
    declared: cel.Declared
    evidence: str
    problems: list[Problem]


def compile_check(
    document: Document,
    path: Path,
    file: CheckFile,
    control: str,
    around: Surroundings,
) -> tuple[Check | None, tuple[Problem, ...]]:
    """Compile one check.

    Args:
        document: the control's file.
        path: where in it the check stands.
        file: the check as read.
        control: the id of the control it is asked for.
        around: what it may name besides.

    Returns:
        The check, or None and its problems.
    """
    bound = tuple((name, f"relations.{relations.variable(text)}") for name, text in file.relations.items())
    inputs, defined = around.inputs, dict(around.definitions)
    let = (*around.definitions, *bound, *file.let.items())
    source = _Source(document, path, let, inputs, declared(inputs), around.evidence, [])
    for where, wrong in mistakes_in(file.match):
        _fail(source, ("match", *where), wrong)
    for key, what, names in (("relations", "relation", file.relations), ("let", "let", file.let)):
        for name in names:
            if name in CONTROLS.taken or name in targets.ANCHORS or not name.isidentifier():
                taken = f"'{name}' cannot be the name of a {what}: it is taken, or not an identifier"
                _fail(source, (key, name), taken, on_key=True)
            elif name in defined:
                clash = f"'{name}' is a definition of the pack; give this {what} another name"
                _fail(source, (key, name), clash, on_key=True)
    for name, text in file.relations.items():
        if wrong := relations.unknown(text):
            near = nearest_name(wrong, list(relations.NAMES))
            listed = ", ".join((*relations.NAMES, *relations.OF_A_KIND))
            known = f"; there are {listed} (docs/relations.md says what each leads to)"
            unknown = f"unknown relation '{wrong}'{near or known}"
            _fail(source, ("relations", name), unknown)
        if name in file.let:
            _fail(source, ("let", name), f"'{name}' is the name of a relation already", on_key=True)
    for number, (name, text) in enumerate(source.let):
        if not source.problems and number >= len(defined) + len(bound):
            _expression(replace(source, let=source.let[:number]), text, ("let", name))
    if source.problems:
        return None, tuple(source.problems)
    by_namespace = file.each == NAMESPACE
    if by_namespace and "match" in vars(file):
        _fail(source, ("match",), "'each: namespace' is about namespaces, so there is nothing to match")
    match = NAMESPACES if by_namespace else kinds_of(file.match)
    each = _each(source, "resource" if by_namespace else file.each)
    deny = _expression(source, file.deny, ("deny",), "bool")
    if file.when and deny and _expression(source, file.when, ("when",), "bool"):
        deny = _expression(source, f"({file.when}\n) ? ({file.deny}\n) : false", ("deny",), "bool")
    message = _message(source, file.message)
    texts = (
        {("at",): file.at or ("metadata.name" if by_namespace else "")}
        if isinstance(file.at, str)
        else {("at", n): text for n, text in enumerate(file.at)}
    )
    at = [_target(source, text, where, each) for where, text in texts.items()]
    fix = _fix(source, file.fix, each) if file.fix else None
    if each and deny:
        read = cel.fields_read([deny])
        for why in element_names.unbound(each, read):
            _fail(source, ("deny",), why)
        # who asks for a field takes it for an item; how long it is may be asked
        if read.get("item") and element_names.is_list(each, match):
            meant = f"did you mean '{file.each}[*]'?"
            _fail(source, ("each",), f"'{file.each}' is a list, and is judged as one thing; {meant}")
    related = _expression(source, file.related, ("related",), "list") if file.related else None
    allow = [(name, _expression(source, text, ("allow", name))) for name, text in file.allow.items()]
    for name in file.allow:
        if wrong := _no_list(source, name):
            _fail(source, ("allow", name), wrong, on_key=True)
    if source.problems or each is None or deny is None or message is None:
        return None, tuple(source.problems)
    check = Check(
        control=control,
        each=each,
        deny=deny,
        message=message,
        at=tuple(filter(None, at)),
        match=match,
        fix=fix,
        relations=tuple(dict.fromkeys(file.relations.values())),
        related=related,
        allow=tuple((name, question) for name, question in allow if question),
        undeclared=by_namespace,
    )
    return check, ()


def _fix(source: _Source, file: FixFile, each: targets.Each | None) -> Fix:
    operations: list[Operation] = []

    def operate(
        verb: str, text: str, where: Path, value: object = None, question: cel.Expression | None = None
    ) -> None:
        target = _target(source, text, ("fix", *where), each, on_key=verb != "remove")
        if target is not None:
            operations.append(Operation(verb, target, value, question))

    for verb, changes in (("set", file.set), ("add", file.add)):
        for text, given in changes.items():
            if isinstance(given, dict) and set(given) == {"expr"}:
                question = _expression(source, str(given["expr"]), ("fix", verb, text, "expr"))
                operate(verb, text, (verb, text), question=question)
            else:
                operate(verb, text, (verb, text), given)
    for text, key in file.rename.items():
        operate("rename", text, ("rename", text), key)
    for index, text in enumerate(file.remove):
        operate("remove", text, ("remove", index))
    for text, name in file.choose.items():
        if wrong := _no_list(source, name):
            _fail(source, ("fix", "choose", text), wrong)
        operate("choose", text, ("choose", text), name)
    if file.to_secret:
        operate("toSecret", file.to_secret, ("toSecret",))
    when = _expression(source, file.when, ("fix", "when"), "bool") if file.when else None
    return Fix(file.title, tuple(operations), when, file.safe, tuple(file.leaves))


def _each(source: _Source, text: str) -> targets.Each | None:
    try:
        return targets.parse_each(text)
    except ValueError as error:
        _fail(source, ("each",), str(error))
        return None


def _target(
    source: _Source, text: str, where: Path, each: targets.Each | None, *, on_key: bool = False
) -> targets.Target | None:
    try:
        target = targets.parse_target(text, source.let, source.declared)
    except ValueError as error:
        _fail(source, where, str(error), on_key=on_key)
        return None
    if isinstance(target, cel.CelError):
        _fail(source, where, _with_place(target), on_key=on_key)
        return None
    if each is not None and not each.binds(target.anchor):
        _fail(source, where, f"there is no {target.anchor} in what 'each' judges", on_key=on_key)
        return None
    _look_up_names(source, target.expressions(), where, on_key=on_key)
    return target


def _expression(
    source: _Source, text: str, where: Path, result: Literal["any", "bool", "list"] = "any"
) -> cel.Expression | None:
    compiled = cel.compile_expression(CONTROLS, text, let=source.let, result=result, declared=source.declared)
    if isinstance(compiled, cel.CelError):
        _fail(source, where, _with_place(compiled), at=compiled.offset_in(text))
        return None
    _look_up_names(source, [compiled], where, text)
    return compiled


def _message(source: _Source, text: str) -> cel.Template | None:
    compiled = cel.template(CONTROLS, text, let=source.let, declared=source.declared)
    if isinstance(compiled, cel.CelError):
        _fail(source, ("message",), _with_place(compiled), at=compiled.offset_in(text))
        return None
    _look_up_names(source, compiled.expressions(), ("message",), text)
    return compiled


def _look_up_names(
    source: _Source,
    expressions: Iterable[cel.Expression],
    where: Path,
    text: str = "",
    *,
    on_key: bool = False,
) -> None:
    """Inputs that no control declares, and evidence that the control does not name, have no value and never will."""
    read = cel.fields_read(expressions)
    for name in sorted(read.get("inputs") or ()):
        if name not in source.inputs:
            at = text.find(f"inputs.{name}")
            at = -1 if at < 0 else at + len("inputs.")
            _fail(source, where, _undeclared(source, name), on_key=on_key, at=at)
    kinds = read.get("evidence", frozenset())
    if kinds is None or kinds - {source.evidence}:
        kind = min((kinds or frozenset()) - {source.evidence}, default="")
        wanted = f"add 'evidence: {kind or 'images'}' to the control"
        if source.evidence:
            wanted = f"this control says that it reads 'evidence.{source.evidence}'"
        absent = f"'evidence{'.' * bool(kind)}{kind}' is not there for this control; {wanted}"
        _fail(source, where, absent, on_key=on_key)


def _undeclared(source: _Source, name: str) -> str:
    return f"no control declares an input '{name}'{nearest_name(name, list(source.inputs))}"


def _no_list(source: _Source, name: str) -> str:
    """Why an input has no entries that could be chosen or allowed; empty where it has."""
    if name not in source.inputs:
        return _undeclared(source, name)
    kind = source.inputs[name]
    return "" if kind == TEXTS else f"input '{name}' is {kind}, and this takes {TEXTS}"


def _with_place(error: cel.CelError) -> str:
    return f"{error.message} (at {error.line}:{error.column} of the expression)"


def _fail(source: _Source, where: Path, message: str, *, on_key: bool = False, at: int = -1) -> None:
    """Note what is wrong at a path, or at a character of the text there."""
    path = (*source.path, *where)
    span = span_at(source.document, path, on_key=on_key) if at < 0 else span_within(source.document, path, at)
    problem = Problem(span, message, "control")
    if problem not in source.problems:
        source.problems.append(problem)
