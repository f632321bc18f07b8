"""From the object that declares a policy or a binding to what it says, and what is wrong with its expressions.

What has a wrong type is left out here; that it has is said of the object like of any other. Nothing is judged by a
policy with a fault in any expression, since the API server refuses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import cel
from kscan_lsp.admission.constructing import OBJECT, PATCH, ConstructionError, rewritten
from kscan_lsp.admission.environment import ABSENT, POLICIES, REQUEST_FIELDS, as_ours, as_theirs, name_of
from kscan_lsp.admission.expressions import parts_of
from kscan_lsp.admission.model import (
    Binding,
    Concerns,
    Condition,
    Policy,
    PolicyExpression,
    PolicyFault,
    PolicyMutation,
    ResourceRule,
    Validation,
)
from kscan_lsp.regex import regex
from kscan_lsp.text import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.admission.expressions import Part
    from kscan_lsp.cel.compiling import Result
    from kscan_lsp.paths import Path

_IDENTIFIER: Final = regex(r"[A-Za-z_][A-Za-z0-9_]*")
_UNKNOWN: Final = regex(r"undeclared reference to 'variables_(\w+)'")
_COMPUTED: Final = "matches() needs a pattern written out"
_MATCHES: Final = regex(r"\.matches(?=\s*\()")
_CONVERSIONS: Final = frozenset({"int", "uint", "double", "bool", "duration", "timestamp"})
_ASKS_CLUSTER: Final = ("authorizer", "request_userInfo", "request_options")
_TYPED: Final = frozenset({"request", "namespaceObject", "authorizer", "request_userInfo"})
"""What the API server knows the fields of, and our runtime does not."""
_SURELY: Final[dict[Result, tuple[Result, str]]] = {
    "bool": (
        "surely bool",
        "gives whatever the object has there, and the API server refuses what may be no boolean: end it with '== true'",
    ),
    "string": (
        "surely string",
        "gives whatever the object has there, and the API server refuses what may be no text: write string(...)",
    ),
}
MAX_EXPRESSIONS: Final = 300
"""Expressions of one policy that are read; the API server takes fewer."""


def policy_of(name: str, data: dict[str, Any]) -> Policy:
    """What a ValidatingAdmissionPolicy or a MutatingAdmissionPolicy says.

    Args:
        name: what it is called.
        data: the object.
    """
    spec = _map(data.get("spec"))
    reader = _Reader()
    variables = []
    for path, entry in _entries(spec, "variables"):
        question = reader.question(entry, path, "expression")
        called = _text(entry.get("name"))
        if question is None:
            continue
        if not _IDENTIFIER.fullmatch(called):
            reader.faults.append(PolicyFault((*path, "name"), f"'{called}' cannot be the name of a variable"))
            continue
        variables.append((called, question))
        text = question.made.source if question.made else as_ours(question.source)
        reader.let.append((name_of(called), text))
    conditions = [
        Condition(_text(entry.get("name")), question)
        for path, entry in _entries(spec, "matchConditions")
        if (question := reader.question(entry, path, "expression", "bool", needed=True))
    ]
    validations = []
    for path, entry in _entries(spec, "validations"):
        question = reader.question(entry, path, "expression", "bool", needed=True)
        telling = reader.question(entry, path, "messageExpression", "string")
        if question is not None:
            validations.append(Validation(question, _text(entry.get("message")).strip(), telling))
    mutations = [*_mutations(spec, reader)]
    for path, entry in _entries(spec, "auditAnnotations"):
        reader.question(entry, path, "valueExpression", needed=True)
    kind = _map(spec.get("paramKind"))
    param = (_text(kind.get("apiVersion")), _text(kind.get("kind"))) if kind else None
    if param is None:
        reader.without_params()
    return Policy(
        name=name,
        ignores=spec.get("failurePolicy") == "Ignore",
        param_kind=param,
        matching=_matching(spec.get("matchConstraints")),
        conditions=tuple(conditions),
        variables=tuple(variables),
        validations=tuple(validations),
        faults=tuple(reader.faults),
        let=tuple(reader.let),
        mutations=tuple(mutations),
        again=spec.get("reinvocationPolicy") == "IfNeeded",
    )


_PATCHES: Final = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
_GIVES: Final = {
    "ApplyConfiguration": ("object", f"{OBJECT}{{...}}"),
    "JSONPatch": ("list(jsonpatch)", f"a list of {PATCH}{{...}}"),
}
"""What the expression of a mutation has to give: its type, and in words."""


def _mutations(spec: dict[str, Any], reader: _Reader) -> Iterator[PolicyMutation]:
    for path, entry in _entries(spec, "mutations"):
        kind = _text(entry.get("patchType"))
        field = _PATCHES.get(kind)
        if field is None:
            wrong = f"'patchType' must be one of {', '.join(_PATCHES)}: the API server refuses this policy"
            reader.faults.append(PolicyFault((*path, "patchType"), wrong))
            continue
        given = entry.get(field)
        if given is None:
            wrong = f"'{field}' is missing, which '{kind}' takes: the API server refuses this policy"
            reader.faults.append(PolicyFault((*path, field), wrong))
        elif isinstance(given, dict):
            question = reader.construction(given, (*path, field), *_GIVES[kind])
            if question is not None:
                yield PolicyMutation(question, kind == "JSONPatch")


def binding_of(name: str, data: dict[str, Any]) -> Binding:
    """What a binding of either says; arguments as for `policy_of`."""
    spec = _map(data.get("spec"))
    param = spec.get("paramRef")
    return Binding(
        name=name,
        policy=_text(spec.get("policyName")),
        actions=_texts(spec.get("validationActions")),
        matching=_matching(spec.get("matchResources")),
        param=param if isinstance(param, dict) else None,
    )


class _Reader:
    """Expressions in the order in which they are read, with the variables that there are by then."""

    def __init__(self) -> None:
        self.faults: list[PolicyFault] = []
        self.let: list[tuple[str, str]] = []
        self.reading_params: list[Path] = []
        self.count = 0

    def question(
        self,
        entry: dict[str, Any],
        path: Path,
        field: str,
        result: Result = "any",
        *,
        needed: bool = False,
    ) -> PolicyExpression | None:
        """The expression in a field, compiled; None where there is none."""
        source, where = self._source(entry, path, field, needed=needed), (*path, field)
        if source is None:
            return None
        return self._read(source, where, as_ours(source), result)

    def construction(
        self, entry: dict[str, Any], path: Path, gives: str, in_words: str
    ) -> PolicyExpression | None:
        """The expression of a mutation, which gives objects of types that only the API server has."""
        source, where = self._source(entry, path, "expression", needed=True), (*path, "expression")
        if source is None:
            return None
        try:
            typed = rewritten(as_ours(source), checking=True)
            made = rewritten(as_ours(source), checking=False)
        except ConstructionError as error:
            self.faults.append(PolicyFault(where, str(error), error.at))
            return PolicyExpression(source, where, None)
        checked = cel.compile_expression(POLICIES, typed.text, let=self.let)
        if isinstance(checked, cel.CelError) and checked.message.startswith(_COMPUTED):
            checked = cel.compile_expression(POLICIES, _MATCHES.sub(".matchRE", typed.text), let=self.let)
        if isinstance(checked, cel.CelError):
            at = checked.offset_in(typed.text)
            if not checked.name:
                at = typed.offset_in_source(at) if at >= 0 else -1
                self.faults.append(PolicyFault(where, self._told(checked.message), at))
            return PolicyExpression(source, where, None)
        if cel.type_of(POLICIES, checked) != gives:
            wrong = f"must give {in_words}: the API server refuses this policy"
            self.faults.append(PolicyFault(where, wrong))
            return PolicyExpression(source, where, None)
        return self._read(source, where, made.text, "any")

    def _source(self, entry: dict[str, Any], path: Path, field: str, *, needed: bool) -> str | None:
        """The text of an expression; None where there is none, or too many before it."""
        source, where = entry.get(field), (*path, field)
        if not isinstance(source, str) or not source.strip():
            if needed and (source is None or isinstance(source, str)):
                self.faults.append(
                    PolicyFault(where, f"'{field}' is missing: the API server refuses this policy")
                )
            return None
        self.count += 1
        if self.count > MAX_EXPRESSIONS:
            if self.count == MAX_EXPRESSIONS + 1:
                more = f"more than {MAX_EXPRESSIONS} expressions: this policy is left alone"
                self.faults.append(PolicyFault(where, more))
            return None
        return source

    def _read(self, source: str, where: Path, text: str, result: Result) -> PolicyExpression:
        """An expression compiled as the runtime takes it, with what is wrong with it noted."""
        made = cel.compile_expression(POLICIES, text, let=self.let, result=result)
        if isinstance(made, cel.CelError) and made.message.startswith(_COMPUTED):
            text = _MATCHES.sub(".matchRE", text)
            made = cel.compile_expression(POLICIES, text, let=self.let, result=result)
        if isinstance(made, cel.CelError):
            if not made.name and not (result == "any" and made.message.startswith("gives an optional")):
                self.faults.append(PolicyFault(where, self._told(made.message), made.offset_in(source)))
            return PolicyExpression(source, where, None)
        reads = cel.fields_read([made])
        self.faults += [
            PolicyFault(where, f"not judged here where it decides: it needs {ABSENT[name]}", note=True)
            for name in _ASKS_CLUSTER
            if name in reads
        ]
        if wrong := next(_impossible(parts_of(text), text), None):
            self.faults.append(PolicyFault(where, *wrong))
            return PolicyExpression(source, where, None)
        if (unsure := _SURELY.get(result)) and not reads.keys() & _TYPED:
            made_surely = cel.compile_expression(POLICIES, text, let=self.let, result=unsure[0])
            if isinstance(made_surely, cel.CelError):
                self.faults.append(PolicyFault(where, unsure[1]))
                return PolicyExpression(source, where, None)
        if "params" in reads:
            self.reading_params.append(where)
        unknown = sorted((reads.get("request") or frozenset()) - REQUEST_FIELDS - {cel.ANY})
        if unknown:
            at = source.find(unknown[0])
            near = close_matches(unknown[0], REQUEST_FIELDS, n=1, cutoff=0.6)
            meant = f"; did you mean '{near[0]}'?" if near else ""
            self.faults.append(PolicyFault(where, f"'request' has no field '{unknown[0]}'{meant}", at))
            return PolicyExpression(source, where, None)
        return PolicyExpression(source, where, made)

    def without_params(self) -> None:
        """Note the expressions that read params, of a policy that has none."""
        self.faults += [
            PolicyFault(path, "'params' has no value: this policy has no paramKind")
            for path in self.reading_params
        ]

    def _told(self, message: str) -> str:
        unknown = _UNKNOWN.search(message)
        if "'<EOF>'" in message:
            return "Syntax error: the expression ends here, and something is missing"
        if unknown is None:
            return as_theirs(message)
        known = [name.removeprefix("variables_") for name, _ in self.let]
        near = close_matches(unknown[1], known, n=1, cutoff=0.6)
        meant = f"; did you mean '{near[0]}'?" if near else "; a variable has to stand before what uses it"
        return f"no variable '{unknown[1]}'{meant}"


def _impossible(part: Part | None, text: str) -> Iterator[tuple[str, int]]:
    """Conversions of texts that are written out and stand for no such value, each with what is said and its place.

    The API server does these when it reads a policy (`decOptimize` of cel-go's interpreter), and refuses it.
    """
    for inner in part.parts if part else ():
        yield from _impossible(inner, text)
    if part is None or part.kind != "call" or part.method or part.name not in _CONVERSIONS:
        return
    if [one.kind for one in part.parts] != ["literal"]:
        return
    written = text[part.start : part.end]
    made = cel.compile_expression(POLICIES, written)
    if isinstance(made, cel.Expression) and isinstance(
        cel.evaluate(made, cel.bind(POLICIES, {})), cel.Failed
    ):
        yield f"{written} has no value, and the API server refuses this policy", part.start


def _matching(value: object) -> Concerns:
    found = _map(value)
    rules = found.get("resourceRules")
    return Concerns(
        rules=_rules(rules) if isinstance(rules, list) and rules else None,
        excluded=_rules(found.get("excludeResourceRules")),
        equivalent=found.get("matchPolicy") != "Exact",
        namespaces=_map(found.get("namespaceSelector")),
        objects=_map(found.get("objectSelector")),
    )


def _rules(value: object) -> tuple[ResourceRule, ...]:
    return tuple(
        ResourceRule(
            groups=_texts(rule.get("apiGroups")),
            versions=_texts(rule.get("apiVersions")),
            operations=_texts(rule.get("operations")),
            resources=_texts(rule.get("resources")),
            scope=_text(rule.get("scope")) or "*",
            names=_texts(rule.get("resourceNames")),
        )
        for rule in (value if isinstance(value, list) else ())
        if isinstance(rule, dict)
    )


def _entries(spec: dict[str, Any], field: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    listed = spec.get(field)
    for number, entry in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(entry, dict):
            yield ("spec", field, number), entry


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
