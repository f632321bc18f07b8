"""An expression of a control as the API server would read it, or why that cannot be said.

A control may name more than a policy: a container with its effective security context, its role, inputs, and functions
of our own. What has a meaning in a policy's words is replaced by that; the rest is refused by name, never guessed at.

Source of what the API server knows: k8s.io/apiserver/pkg/cel/environment and .../cel/library, v1.31 (what came later is
left out, so that a policy works on clusters that are not new).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp import cel
from kscan_lsp.admission.expressions import MACROS, parts_of
from kscan_lsp.kubernetes.security_context import INHERITED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kscan_lsp.admission.expressions import Part

_BINDING: Final = MACROS | {"optMap", "optFlatMap"}
"""Methods whose first argument is the name of what the next ones are about."""
_NAMESPACES: Final = frozenset({"sets", "optional", "ip"})
_TYPES: Final = frozenset(
    {"string", "int", "uint", "double", "bool", "list", "map", "bytes", "null_type", "type"}
)
_METHODS: Final = frozenset(
    {"all", "allowed", "charAt", "compareTo", "contains", "containsCIDR", "containsIP", "endsWith",
     "equivalent", "exists", "exists_one", "family", "filter", "find", "findAll", "format", "getEscapedPath",
     "getHost", "getHostname", "getPort", "getQuery", "getScheme", "hasValue", "indexOf", "intersects", "ip",
     "isCanonical", "isGlobalUnicast", "isGreaterThan", "isInteger", "isLessThan", "isLinkLocalMulticast",
     "isLinkLocalUnicast", "isLoopback", "isSorted", "isUnspecified", "join", "lastIndexOf", "lowerAscii",
     "map", "masked", "matches", "max", "min", "none", "of", "ofNonZeroValue", "optFlatMap", "optMap", "or",
     "orValue", "prefixLength", "replace", "size", "sign", "split", "startsWith", "string", "substring", "sum",
     "trim", "upperAscii", "value", "add", "sub", "asApproximateFloat", "asInteger"}
)  # fmt: skip
_FUNCTIONS: Final = frozenset(
    {"bool", "bytes", "cidr", "double", "dyn", "duration", "has", "int", "ip", "isCIDR", "isIP", "isQuantity",
     "isURL", "quantity", "size", "string", "timestamp", "type", "uint", "url"}
)  # fmt: skip
_LOCAL: Final = frozenset({"container", "item", "key", "role", "effective"})
"""What is another for each element that is judged."""
OUTER: Final = "outer"
"""How names begin that stand for what an element is in."""
_PATTERN: Final = "pattern"
"""The name of the regular expression that `matchesAny` is at."""

_TAKEN: Final = frozenset(
    {_PATTERN, "object", "oldObject", "request", "params", "variables", "namespaceObject"}
)


class RefusedError(Exception):
    """A control cannot be said as a policy; the text says why."""


class Names(NamedTuple):
    """What the names in an expression of a control stand for in a policy.

    `shared` has what is the same for the whole object, by name: it can be a variable of the policy. `local` has what is
    different for each element. `let` has the names of the control itself. `inputs` gives the text for one of those.
    """

    shared: Mapping[str, str]
    local: Mapping[str, str]
    let: Mapping[str, str]
    inputs: Callable[[str], str]
    variable: Callable[[str, str], str]
    """Of a name of `let` and its text for the whole object, what stands for it."""


def translated(source: str, names: Names) -> str:
    """An expression of a control for a policy.

    Raises:
        RefusedError: it asks for something that a policy does not know.
    """
    part = parts_of(source)
    if part is None:
        raise RefusedError("an expression in it is nested too deeply")
    return _Translator(source, names, frozenset()).text(part)


def literal(value: object) -> str:
    """Data as CEL writes it: texts, numbers, lists and maps."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    text = str(value)
    for known, written in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(known, written)
    return "'" + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text) + "'"


class _Translator:
    """One source; `bound` are the names that its macros bind around the part that is being read."""

    def __init__(self, source: str, names: Names, bound: frozenset[str]) -> None:
        self.source = source
        self.names = names
        self.bound = bound

    def within(self, name: str) -> _Translator:
        return _Translator(self.source, self.names, self.bound | {name})

    def text(self, part: Part) -> str:
        """A part for a policy."""
        match part.kind:
            case "name":
                return self.name(part)
            case "select" | "index" if part.parts[0].kind == "name" and part.parts[0].name not in self.bound:
                if part.parts[0].name == "effective":
                    return self.effective(part)
                if part.parts[0].name == "inputs":
                    if part.kind == "index" or self.is_optional(part):
                        raise RefusedError("it looks for an input by a name that is computed")
                    return self.names.inputs(part.name)
            case "call":
                return self.call(part)
        return self.around(part, [self.text(inner) for inner in part.parts])

    def around(self, part: Part, texts: Sequence[str]) -> str:
        """The source of a part with other texts for the parts of it."""
        found, at = [], part.start
        for inner, text in zip(part.parts, texts, strict=True):
            found += [self.source[at : inner.start], text]
            at = inner.end
        return _without_comments("".join([*found, self.source[at : part.end]]))

    def is_optional(self, part: Part) -> bool:
        """Whether a field is asked for with a question mark."""
        return self.source[part.parts[0].end : part.end].lstrip(" \n.[").startswith("?")

    def parenthesized(self, part: Part, text: str) -> str:
        """The text for a name, in the parentheses that stand around it."""
        return f"({text})" if self.source[part.start] == "(" else text

    def name(self, part: Part) -> str:
        name = part.name
        if name in self.bound or (name in _TYPES and name not in self.names.let):
            return self.source[part.start : part.end]
        if name in self.names.local:
            return self.parenthesized(part, self.names.local[name])
        if name in self.names.shared:
            return self.parenthesized(part, self.names.shared[name])
        if name in _LOCAL:
            raise _LocalError(f"there is no '{name}' for the whole object")
        if name in self.names.let:
            return self.parenthesized(part, self.let(name))
        raise RefusedError(_UNKNOWN.get(name, f"a policy has nothing like '{name}'"))

    def let(self, name: str) -> str:
        """What stands for a name of the control: a variable, or its text where that is about one element."""
        source = self.names.let[name]
        earlier = dict(list(self.names.let.items())[: list(self.names.let).index(name)])
        names = self.names._replace(let=earlier)
        try:
            return self.names.variable(name, translated(source, names._replace(local={})))
        except _LocalError:
            text = translated(source, names)
        return f"({text})"

    def effective(self, part: Part) -> str:
        """A field of the security context that holds for a container."""
        if "container" not in self.names.local:
            raise _LocalError("there is no container for the whole object")
        if part.kind == "index":
            raise RefusedError("a policy has no effective security context but by the names of its fields")
        own = f"container.?securityContext.?{part.name}"
        if part.name in INHERITED:
            own += f".or({self.names.shared['pod']}.?securityContext.?{part.name})"
        return own if self.is_optional(part) else f"{own}.value()"

    def call(self, part: Part) -> str:
        name, parts = part.name, part.parts
        if part.method:
            return self.method(part)
        if name == "matchesAny" and len(parts) == 2:
            inner = self.within(_PATTERN).text(parts[0])
            return f"({self.text(parts[1])}).exists({_PATTERN}, ({inner}).matches({_PATTERN}))"
        if name == "has" and parts and parts[0].kind == "select" and parts[0].parts[0].name == "effective":
            field = self.effective(parts[0])
            return f"{field.removesuffix('.value()')}.hasValue()"
        if name not in _FUNCTIONS:
            raise RefusedError(f"the API server has no function '{name}'")
        return self.around(part, [self.text(one) for one in parts])

    def method(self, part: Part) -> str:
        name, parts = part.name, part.parts
        receiver = parts[0]
        if receiver.kind == "name" and receiver.name in _NAMESPACES and receiver.name not in self.names.let:
            first = self.source[receiver.start : receiver.end]
        elif name not in _METHODS or (receiver.kind == "name" and receiver.name in {"cel", "math", "base64"}):
            raise RefusedError(f"the API server has no function '{name}'")
        else:
            first = self.text(receiver)
        if name in _BINDING and len(parts) > 2:
            variable = parts[1].name
            if variable in self.names.local or variable in _TAKEN or variable.startswith(OUTER):
                raise RefusedError(f"it calls something '{variable}' that is called so already")
            inner = self.within(variable)
            return self.around(part, [first, variable, *(inner.text(one) for one in parts[2:])])
        return self.around(part, [first, *(self.text(one) for one in parts[1:])])


class _LocalError(RefusedError):
    """A text is about one element, and not about the whole object."""


_UNKNOWN: Final = {
    "relations": "it asks for other objects, and a policy sees one",
    "evidence": "it asks for evidence that no manifest has",
    "path": "it asks where the manifest is, and a cluster does not know",
    "index": "it asks for the number of an entry, which a policy of older clusters cannot",
    "choice": "it asks for what a user chooses",
}


def _without_comments(text: str) -> str:
    """A text without the comments in it, which end with their lines."""
    if "//" not in text:
        return text
    found, at = [], 0
    for span in cel.literals(text):
        if text.startswith("//", span.start):
            found.append(text[at : span.start])
            at = span.end
    return "".join([*found, text[at:]])
