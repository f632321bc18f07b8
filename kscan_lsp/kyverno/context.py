"""What the expressions of a rule can name, and texts and patterns with the values of their variables in place.

Source: pkg/engine/variables/vars.go, pkg/engine/context and its loaders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.admission.before import UPDATE
from kscan_lsp.admission.environment import ABSENT
from kscan_lsp.kyverno.budget import MAX_DEPTH, MAX_STEPS_OF_OBJECT, Budget, OverBudget
from kscan_lsp.kyverno.expressions import NotFound, Query, QueryError, Unanswerable, Unknown
from kscan_lsp.kyverno.functions import MAX_TEXT, bounded_json
from kscan_lsp.kyverno.images import images_of
from kscan_lsp.kyverno.tracing import origins_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.admission.matching import Request
    from kscan_lsp.kyverno.model import ContextEntry
    from kscan_lsp.paths import Path

_VARIABLE: Final = regex(r"(?<!\\)\{\{(?:\{[^{}]*+\}|[^{}])*+\}\}")
_REFERENCE: Final = regex(r"(?<!\\)\$\(.[^ ]*\)")
MAX_ROUNDS: Final = 20
"""How often what variables give is looked through for variables."""
RESERVED: Final = frozenset({"images", "request", "serviceAccountName", "serviceAccountNamespace", "target"})
"""Names that Kyverno defines itself."""
_WHO: Final = {
    "userInfo": "who asks (request.userInfo)",
    "roles": "the roles of who asks (request.roles)",
    "clusterRoles": "the roles of who asks (request.clusterRoles)",
}


class Context:
    """The names of one rule and one object; `within` makes one with more of them, and leaves it as it is."""

    def __init__(
        self, values: dict[str, Any], query: Query, origins: dict[str, list[Path]], images: dict[Any, Path]
    ) -> None:
        self.values = values
        self.query = query
        self.origins = origins
        """Where in the object the value of a name comes from, as far as that is known."""
        self.images = images
        self.pending: dict[str, ContextEntry] = {}
        """What is worked out when it is first asked for."""
        self.configs: Mapping[tuple[str, str], dict[str, Any] | None] = {}

    def within(self, **more: Any) -> Context:
        """The same with further names."""
        inner = Context({**self.values, **more}, self.query, dict(self.origins), self.images)
        inner.pending = dict(self.pending)
        inner.configs = self.configs
        for name in more:
            inner.pending.pop(name, None)
        return inner

    def fresh(self) -> Context:
        """The same for another rule, with a budget of its own, which is part of the one here."""
        made = Context(dict(self.values), Query(Budget(self.query.budget)), {}, self.images)
        made.configs = self.configs
        return made

    def load(self, entries: tuple[ContextEntry, ...]) -> None:
        """Take up the names that a rule defines; each is worked out when something asks for it."""
        for entry in entries:
            self.values.pop(entry.name, None)
            self.pending[entry.name] = entry

    def search(self, source: str) -> Any:
        """The value of an expression; as for `Query.search`."""
        self._work_out(source)
        return self.query.search(source, self.values)

    def places(self, source: str) -> list[tuple[Any, Path]]:
        """The fields of the object that the value of an expression comes from, each with its value."""
        found: list[tuple[Any, Path]] = []
        for origin in origins_of(self.query, source, self.values):
            path = origin.path
            if path[:2] == ("request", "object"):
                found.append((origin.value, path[2:]))
            elif path[:1] == ("images",) and len(path) >= 3 and path[1:3] in self.images:
                found.append((origin.value, self.images[path[1:3]]))
            elif path and path[0] in self.origins:
                found += [(origin.value, way) for way in self._ways(path)]
        return found

    def _ways(self, path: Path) -> list[Path]:
        """The fields that what stands at a path of a name comes from."""
        name, *rest = path
        known, value = self.origins[str(name)], self.values.get(str(name))
        if len(known) == 1:
            return [(*known[0], *rest)]
        if rest and isinstance(rest[0], int) and isinstance(value, list) and len(value) == len(known):
            return [(*known[rest[0]], *rest[1:])]
        return known

    def _work_out(self, source: str) -> None:
        for name in [name for name in self.pending if name in source]:
            entry = self.pending.pop(name, None)
            if entry is not None:
                self._define(entry)

    def _define(self, entry: ContextEntry) -> None:
        if entry.unknown:
            self.values[entry.name] = Unknown(entry.unknown)
            return
        if entry.config is not None:
            self.values[entry.name] = self._config(*entry.config)
            return
        fallback = self.substituted(entry.default) if entry.default is not None else None
        value: Any = fallback
        path = self.substituted(entry.path)
        if not isinstance(path, str):
            raise QueryError(f"the jmesPath of '{entry.name}' is no text")
        places: list[Path] = []
        try:
            if entry.value is not None:
                value = self.substituted(entry.value)
                if path:
                    value = self.query.search(path, value)
                if isinstance(entry.value, str) and (inner := _whole(entry.value)):
                    places = [place for _, place in self.places(inner)]
            elif path:
                found = self.search(path)
                value = fallback if found is None else found
                places = [place for _, place in self.places(path)]
        except (NotFound, QueryError) as error:
            if fallback is None:
                raise QueryError(f"variable '{entry.name}' has no value: {error}") from None
            value = fallback
        if value is None:
            raise QueryError(f"variable '{entry.name}' has no value")
        self.values[entry.name] = value
        self.origins[entry.name] = places

    def _config(self, namespace: str, name: str) -> Any:
        found = self.configs.get((namespace, name))
        if found is None:
            return Unknown(f"ConfigMap '{name}' of namespace '{namespace}', which no file has")
        return found

    def substituted(self, value: Any, depth: int = 0) -> Any:
        """A text, list or map with the values of its variables in place.

        Raises:
            NotFound: a variable names what is not there.
            QueryError: a variable has no value.
            Unanswerable: a variable needs what no file says.
            OverBudget: it takes too much work.
        """
        self.query.budget.spend()
        if depth > MAX_DEPTH:
            raise OverBudget("it is nested too deep")
        if isinstance(value, str):
            return self._in_text(value) if "{{" in value or "$(" in value else value
        if isinstance(value, dict):
            made = {}
            for key, one in value.items():
                name = self._in_text(key) if isinstance(key, str) and "{{" in key else key
                if not isinstance(name, str):
                    raise QueryError("the variable in a key gives no text")
                made[name] = self.substituted(one, depth + 1)
            return made
        if isinstance(value, list):
            return [self.substituted(one, depth + 1) for one in value]
        return value

    def _in_text(self, text: str) -> Any:
        if _REFERENCE.search(text):
            raise Unanswerable("a reference to another part of the pattern ($(...)), which is not read here")
        for _ in range(MAX_ROUNDS):
            found = list(_VARIABLE.finditer(text))
            if not found:
                break
            parts: list[str] = []
            at, shallow = 0, False
            for one in found:
                inner = one[0][2:-2].strip()
                shallow = inner.startswith("-")
                if shallow:
                    inner = inner[1:].strip()
                if inner == "@":
                    raise Unanswerable("the value at the same place ({{ @ }}), which is not read here")
                value = self.search(inner)
                if one[0] == text:
                    return value
                shown = _shown(value)
                parts += [text[at : one.start()], shown.replace("{{", "\\{{") if shallow else shown]
                at = one.end()
            text = "".join([*parts, text[at:]])
            if len(text) > MAX_TEXT:
                raise OverBudget(f"it makes a text of more than {MAX_TEXT:,} characters")
            if shallow:
                break
        else:
            raise OverBudget("its variables give variables without end")
        return text.replace("\\{{", "{{")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return bounded_json(value)
    except (ValueError, TypeError):
        raise OverBudget("it makes a text that is too long") from None


def _whole(text: str) -> str:
    """The expression that a text is, if it is one variable and nothing else."""
    found = _VARIABLE.fullmatch(text)
    return found[0][2:-2].strip() if found else ""


def has_variables(value: Any, depth: int = 0) -> bool:
    """Whether anything in a text, list or map is put in by variables or references."""
    if isinstance(value, str):
        return "{{" in value or "$(" in value
    if depth > MAX_DEPTH:
        return True
    if isinstance(value, dict):
        return any(has_variables(key) or has_variables(one, depth + 1) for key, one in value.items())
    return isinstance(value, list) and any(has_variables(one, depth + 1) for one in value)


def expressions_in(value: Any) -> list[str]:
    """The expressions of the variables of a text, list or map, as they are written."""
    if isinstance(value, str):
        return [found[0][2:-2].strip() for found in _VARIABLE.finditer(value)] if "{{" in value else []
    if isinstance(value, dict):
        return [one for key, inner in value.items() for one in (*expressions_in(key), *expressions_in(inner))]
    if isinstance(value, list):
        return [one for inner in value for one in expressions_in(inner)]
    return []


def context_of(data: dict[str, Any], asked: Request, was: dict[str, Any] | None) -> Context:
    """What the rules of policies can name for an object that is created or updated.

    Args:
        data: the object with its defaults.
        asked: the request, which is one operation.
        was: the same of what it updates, if that is known.
    """
    (operation,) = asked.operations
    who = {"group": asked.group, "version": asked.version, "kind": asked.kind}
    unknown = f"{ABSENT['oldObject']}{asked.unknown and f': {asked.unknown}'}"
    images, places = images_of(asked.kind, data)
    request = {
        "operation": operation,
        "object": data,
        "oldObject": Unknown(unknown) if operation == UPDATE and was is None else was,
        "kind": who,
        "requestKind": who,
        "namespace": asked.namespace,
        "name": asked.name,
        "dryRun": False,
        **{key: Unknown(what) for key, what in _WHO.items()},
    }
    values = {
        "request": request,
        "images": images,
        "serviceAccountName": Unknown(_WHO["userInfo"]),
        "serviceAccountNamespace": Unknown(_WHO["userInfo"]),
    }
    return Context(values, Query(Budget(steps=MAX_STEPS_OF_OBJECT)), {}, dict(places))
