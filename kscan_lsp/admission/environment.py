"""What the expressions of admission policies may name, and how they are written for our runtime.

A variable of a policy, `variables.x`, becomes the name `variables_x`, which is bound around the expression where it is
used: lazily and with the type that it has. Who asks for something is in no file, so `request.userInfo` becomes a name
of its own that nothing is ever bound to. Both are as long as what they replace: columns hold.
"""

from __future__ import annotations

import re
from typing import Final

from kscan_lsp import cel
from kscan_lsp.regex import regex

POLICIES: Final = cel.Environment(
    {
        "object": cel.Kind.ANY,
        "oldObject": cel.Kind.ANY,
        "request": cel.Kind.ANY,
        "params": cel.Kind.ANY,
        "namespaceObject": cel.Kind.ANY,
        "authorizer": cel.Kind.ANY,
        "request_userInfo": cel.Kind.ANY,
        "request_options": cel.Kind.ANY,
    },
    admission=True,
)
"""Those of the API server (https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/)."""

REQUEST_FIELDS: Final = frozenset(
    {"dryRun", "kind", "name", "namespace", "operation", "options", "requestKind", "requestResource",
     "requestSubResource", "resource", "subResource", "userInfo"}
)  # fmt: skip
"""Of `request` (BuildRequestType of apiserver/pkg/cel/common)."""

ABSENT: Final = {
    "authorizer": "the cluster's authorizer",
    "request_userInfo": "who asks (request.userInfo)",
    "request_options": "the options of the request",
    "oldObject": "the object as it was before (oldObject)",
    "namespaceObject": "the Namespace, which no file has",
    "params": "the params, which no file has",
}
"""What a file cannot answer, in words."""

_SELECTED: Final = regex(r"(?<![\w.])(variables|request)(\s*\.\s*)([A-Za-z_]\w*)")
_PRESENT: Final = regex(r"(?<![\w.])has[ \t]*\([ \t]*variables[ \t]*\.[ \t]*[A-Za-z_]\w*[ \t]*\)")
"""Whether there is a variable, which is a question about a field to the API server, and always true."""
_UNASKED: Final = ("userInfo", "options")


def as_ours(source: str) -> str:
    """An expression of a policy as our runtime reads it, every character in its place."""
    parts: list[str] = []
    at = 0
    for literal in cel.literals(source):
        parts += [_code_as_ours(source[at : literal.start]), source[literal.start : literal.end]]
        at = literal.end
    return "".join([*parts, _code_as_ours(source[at:])])


def _code_as_ours(code: str) -> str:
    return _SELECTED.sub(_renamed, _PRESENT.sub(lambda found: "true".ljust(len(found[0])), code))


def _renamed(found: re.Match[str]) -> str:
    root, dot, field = found.groups()
    if root == "request" and field not in _UNASKED:
        return found[0]
    return f"{root}_{field}" + " " * (len(dot) - 1)


def name_of(variable: str) -> str:
    """The name that a variable of a policy is bound to."""
    return f"variables_{variable}"


def as_theirs(message: str) -> str:
    """A message of the compiler about an expression as it was written."""
    return re.sub(r"\b(variables|request)_(?=[A-Za-z_])", r"\1.", message)
