"""A ClusterPolicy or Policy, a rule at a time, with a problem for all that Kyverno would not read.

A rule that cannot be read is left out, and said; the others are judged. What Kyverno does with a rule besides saying
no - change, generate, verify signatures - is noted and not done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.findings import Severity
from kscan_lsp.kyverno.autogen import ANNOTATION, made_rules
from kscan_lsp.kyverno.checking import PolicyReader, as_map, as_maps, as_text_of, as_texts
from kscan_lsp.kyverno.conditions import KNOWN, OPERATORS
from kscan_lsp.kyverno.context import RESERVED, has_variables
from kscan_lsp.kyverno.matching import filters_of
from kscan_lsp.kyverno.model import (
    NOT_APPLIED,
    Conditions,
    ContextEntry,
    Excluded,
    ForEach,
    KyvernoCondition,
    KyvernoFault,
    KyvernoPolicy,
    KyvernoRule,
    PodSecurity,
    RuleCheck,
)
from kscan_lsp.kyverno.overlay import orders_of
from kscan_lsp.kyverno.severities import ANNOTATION as ANNOTATED
from kscan_lsp.kyverno.severities import severity_of

if TYPE_CHECKING:
    from kscan_lsp.kyverno.overlay import Orders
    from kscan_lsp.paths import Path

_NOT_DONE: Final = {
    "mutate": "mutate: what it changes is not applied here, and other rules see the manifest as it is written",
    "generate": "generate: what it makes is not made here",
    "verifyImages": "verifyImages: no file says whether an image is signed, and nothing is asked of a registry",
}
_NO_FILE: Final = {
    "apiCall": "what the API server says (apiCall)",
    "imageRegistry": "what a registry says of an image (imageRegistry)",
    "globalReference": "an entry of the cluster (globalReference)",
}
LEVELS: Final = ("privileged", "baseline", "restricted")
MAX_RULES: Final = 200
MAX_NESTED: Final = 5
"""How deep `foreach` may stand in `foreach`."""


def kyverno_policy_of(name: str, namespace: str, data: dict[str, Any]) -> KyvernoPolicy:
    """What a ClusterPolicy or Policy says.

    Args:
        name: what it is called.
        namespace: where it lives; empty for a policy of the cluster.
        data: the object.
    """
    spec, metadata = as_map(data.get("spec")), as_map(data.get("metadata"))
    notes = as_map(metadata.get("annotations"))
    reader = PolicyReader()
    if not isinstance(data.get("spec"), dict):
        reader.fault(("spec",), "'spec' with 'rules' is missing: Kyverno refuses this policy")
    rules = reader.maps(spec, "rules", ("spec",))[:MAX_RULES]
    written = [rule for _, rule in rules]
    made = [
        (rules[number][0], place, rule) for number, place, rule in made_rules(written, notes.get(ANNOTATION))
    ]
    found: list[KyvernoRule] = []
    for place, rule, path in [
        *(("", rule, path) for path, rule in rules),
        *((place, rule, path) for path, place, rule in made),
    ]:
        # of a rule that Kyverno makes, what is wrong is wrong with the one it is made of
        one = RuleReader(reader if not place else PolicyReader(), path, spec, notes).rule(rule, place)
        if one is not None:
            found.append(one)
    for number, (path, rule) in enumerate(rules):
        names = [as_text_of(other.get("name")) for _, other in rules[:number]]
        if as_text_of(rule.get("name")) in names:
            reader.fault((*path, "name"), f"another rule is called '{as_text_of(rule.get('name'))}' already")
    return KyvernoPolicy(
        name=name,
        namespace=namespace,
        ignores=spec.get("failurePolicy") == "Ignore",
        rules=tuple(found),
        faults=tuple(reader.faults),
    )


class RuleReader:
    """Reads one rule of a policy."""

    def __init__(self, reader: PolicyReader, path: Path, spec: dict[str, Any], notes: dict[str, Any]) -> None:
        self.reader = reader
        self.path = path
        self.spec = spec
        self.notes = notes

    def rule(self, rule: dict[str, Any], place: str) -> KyvernoRule | None:
        """The rule, if it validates and can be read."""
        reader, path = self.reader, self.path
        name = as_text_of(rule.get("name"))
        if not name:
            reader.fault((*path, "name"), "a rule needs a 'name'")
        for kind, why in _NOT_DONE.items():
            if kind in rule:
                reader.note((*path, kind), why)
        validate = rule.get("validate")
        if not isinstance(validate, dict):
            if validate is not None or not _NOT_DONE.keys() & rule.keys():
                reader.fault((*path, "validate"), "'validate' must be a map, as a rule has to do something")
            return None
        before = len(reader.errors)
        match = filters_of(reader, rule.get("match"), (*path, "match"))
        exclude = filters_of(reader, rule.get("exclude"), (*path, "exclude"))
        if not match.entries:
            reader.fault((*path, "match"), "'match' has to say what the rule is about")
        context = self.context(rule, path)
        preconditions = self.conditions(rule.get("preconditions"), (*path, "preconditions"))
        check = self.check(validate, (*path, "validate"), rule)
        if not name or check is None or len(reader.errors) > before:
            return None
        own = as_text_of(validate.get("failureAction")) or as_text_of(
            self.spec.get("validationFailureAction")
        )
        overrides = validate.get("failureActionOverrides") or self.spec.get(
            "validationFailureActionOverrides"
        )
        return KyvernoRule(
            name=name,
            path=path,
            match=match,
            exclude=exclude,
            context=context,
            preconditions=preconditions,
            check=check,
            message=as_text_of(validate.get("message")).strip(),
            severity=self.severity(own),
            overrides=tuple(
                (self.severity(as_text_of(one.get("action"))), as_texts(one.get("namespaces")))
                for one in as_maps(overrides)
                if one.get("namespaces")
            ),
            made_for=place,
        )

    def severity(self, action: str) -> Severity:
        """How severe a violation is, by what is done about it."""
        # a policy without admission is only looked at in background scans
        enforced = action.lower() == "enforce" and self.spec.get("admission") is not False
        found = severity_of(self.notes.get(ANNOTATED), enforced=enforced)
        warns = not enforced and self.spec.get("emitWarning") is True
        return max(found, Severity.MEDIUM) if warns else found

    def check(
        self, given: dict[str, Any], path: Path, rule: dict[str, Any], depth: int = 0
    ) -> RuleCheck | None:
        """What a rule, or an entry of its `foreach`, asks."""
        reader = self.reader
        if "podSecurity" in given:
            return self._security(as_map(given["podSecurity"]), (*path, "podSecurity"))
        if "manifests" in given:
            reader.note((*path, "manifests"), "manifests: no file says whether a manifest is signed")
            return None
        if "assert" in given:
            reader.note((*path, "assert"), "assert is not judged here")
            return None
        if "cel" in given:
            cel = reader.cel(as_map(given["cel"]), rule, path)
            return None if cel is None else RuleCheck(path, cel=cel[0], binding=cel[1])
        if "deny" in given:
            deny = given["deny"]
            if not isinstance(deny, dict):
                reader.fault((*path, "deny"), "'deny' must be a map with 'conditions'")
                return None
            return RuleCheck(
                path, deny=self.conditions(deny.get("conditions"), (*path, "deny", "conditions"))
            )
        if "pattern" in given:
            reader.expressions(given["pattern"], (*path, "pattern"))
            return RuleCheck(path, pattern=given["pattern"], orders=_orders(given["pattern"]))
        if "anyPattern" in given:
            patterns = given["anyPattern"]
            if not isinstance(patterns, list) or not patterns:
                reader.fault((*path, "anyPattern"), "'anyPattern' must be a list of patterns")
                return None
            reader.expressions(patterns, (*path, "anyPattern"))
            return RuleCheck(path, any_pattern=tuple(patterns), orders=_orders(*patterns))
        if "foreach" in given and depth <= MAX_NESTED:
            each = [self.each(one, where, rule, depth) for where, one in reader.maps(given, "foreach", path)]
            return RuleCheck(path, each=tuple(filter(None, each)))
        reader.fault(path, "'validate' needs one of pattern, anyPattern, deny, foreach, cel or podSecurity")
        return None

    def _security(self, given: dict[str, Any], path: Path) -> RuleCheck | None:
        level = as_text_of(given.get("level"))
        if level not in LEVELS:
            self.reader.fault((*path, "level"), f"'level' must be one of {', '.join(LEVELS)}")
            return None
        excluded = [
            Excluded(
                as_text_of(one.get("controlName")),
                as_texts(one.get("images")),
                bool(one.get("restrictedField") or one.get("values")),
            )
            for _, one in self.reader.maps(given, "exclude", path)
        ]
        return RuleCheck(path, security=PodSecurity(level, tuple(excluded)))

    def each(self, given: dict[str, Any], path: Path, rule: dict[str, Any], depth: int) -> ForEach | None:
        """One entry of `foreach`."""
        listed = as_text_of(given.get("list"))
        if not listed:
            self.reader.fault((*path, "list"), "'foreach' needs a 'list', a JMESPath expression")
            return None
        self.reader.expression(listed, (*path, "list"))
        check = self.check(given, path, rule, depth + 1)
        scoped = given.get("elementScope")
        if check is None:
            return None
        return ForEach(
            list=listed,
            context=self.context(given, path),
            preconditions=self.conditions(given.get("preconditions"), (*path, "preconditions")),
            check=check,
            scoped=scoped if isinstance(scoped, bool) else None,
        )

    def context(self, given: dict[str, Any], path: Path) -> tuple[ContextEntry, ...]:
        """The names that a rule defines."""
        reader = self.reader
        found = []
        for where, entry in reader.maps(given, "context", path):
            name = as_text_of(entry.get("name"))
            if not name:
                reader.fault((*where, "name"), "an entry of 'context' needs a 'name'")
            elif name.startswith("element") or name in RESERVED:
                reader.fault((*where, "name"), f"'{name}' is a name of Kyverno's own")
            elif unknown := next((why for kind, why in _NO_FILE.items() if kind in entry), ""):
                reader.note(where, f"not judged here where it decides: '{name}' is {unknown}")
                found.append(ContextEntry(name, unknown=f"'{name}', {unknown}"))
            elif isinstance(entry.get("configMap"), dict):
                config = entry["configMap"]
                named = (as_text_of(config.get("namespace")) or "default", as_text_of(config.get("name")))
                if "{{" in "".join(named):
                    unknown = f"'{name}', a ConfigMap whose name is computed"
                    reader.note(where, f"not judged here where it decides: it needs {unknown}")
                    found.append(ContextEntry(name, unknown=unknown))
                else:
                    found.append(ContextEntry(name, config=named))
            elif isinstance(entry.get("variable"), dict):
                variable = entry["variable"]
                for field in ("value", "default"):
                    reader.expressions(variable.get(field), (*where, "variable", field))
                source = as_text_of(variable.get("jmesPath"))
                if source and "{{" not in source:
                    reader.expression(source, (*where, "variable", "jmesPath"))
                found.append(
                    ContextEntry(name, variable.get("value"), source.strip(), variable.get("default"))
                )
            else:
                reader.fault(where, "an entry of 'context' needs a variable, configMap or apiCall")
        return tuple(found)

    def conditions(self, given: object, path: Path) -> tuple[Conditions, ...]:
        """Conditions as they may be written: `any` and `all`, a list of those, or a plain list that all has to hold."""
        if given is None:
            return ()
        if isinstance(given, dict):
            return (self._block(given, path),)
        if not isinstance(given, list):
            self.reader.fault(path, "conditions must be a map with 'any' or 'all'")
            return ()
        if any(isinstance(one, dict) and ("any" in one or "all" in one) for one in given):
            return tuple(self._block(one, (*path, n)) for n, one in enumerate(given) if isinstance(one, dict))
        plain = [self._condition(one, (*path, n)) for n, one in enumerate(given)]
        return (Conditions(all=tuple(filter(None, plain))),)

    def _block(self, given: dict[str, Any], path: Path) -> Conditions:
        lists: dict[str, tuple[KyvernoCondition, ...] | None] = {"any": None, "all": None}
        for name in lists:
            listed = given.get(name)
            if isinstance(listed, list):
                read = [self._condition(one, (*path, name, n)) for n, one in enumerate(listed)]
                lists[name] = tuple(filter(None, read))
            elif listed is not None:
                self.reader.fault((*path, name), f"'{name}' must be a list of conditions")
        for name in given.keys() - lists.keys():
            self.reader.fault((*path, name), f"conditions have 'any' and 'all', and no '{name}'")
        return Conditions(lists["any"], lists["all"])

    def _condition(self, given: object, path: Path) -> KyvernoCondition | None:
        if not isinstance(given, dict):
            self.reader.fault(path, "a condition must be a map with key, operator and value")
            return None
        operator = as_text_of(given.get("operator")) or "Equals"
        if operator.lower() not in KNOWN:
            self.reader.fault((*path, "operator"), f"unknown operator '{operator}'", OPERATORS)
            return None
        for field in ("key", "value"):
            self.reader.expressions(given.get(field), (*path, field))
        value = given.get("value")
        return KyvernoCondition(
            given.get("key"), operator, value, as_text_of(given.get("message")), not has_variables(value)
        )


def _orders(*patterns: Any) -> Orders | None:
    """In which order keys of patterns without variables are looked at."""
    return None if any(map(has_variables, patterns)) else orders_of(*patterns)


def other_faults(kind: str) -> tuple[KyvernoFault, ...]:
    """What is said of a policy of a kind that is not applied here."""
    if kind not in NOT_APPLIED:
        return ()
    return (KyvernoFault(("kind",), f"{kind}: policies of this kind are not applied here", note=True),)
