"""What the text of a rule in Rego shows: whether it looks at one object at a time, and what it reads.

An object is judged by itself where no answer can depend on another: every body of a rule takes at most one object out
of `input`, nothing else names `input`, and nothing else names the rule. What is not plainly so is asked with all
objects, which is slower and says the same.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.kubescape.helpers import HELPERS
from kscan_lsp.kubescape.rewriting import rewritten
from kscan_lsp.policy.rego import MAX_SOURCE, PACKAGE
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    import re

_TOKEN: Final = regex(r"[{}\[\]()]|\n|\binput\b")
_NAME: Final = regex(r"(?<![\w.])[A-Za-z_]\w*")
_CLOSING: Final = {"}": "{", "]": "[", ")": "("}
_TAKEN: Final = regex(r"\bsome\s+\w+\s+in\s+(input)\b(?!\s*[\[.])|\b\w+\s*:?=\s*(input)\s*\[\s*_\s*\]")
"""One object out of `input`, whichever."""
_FILTERED: Final = regex(
    r"\b(?P<all>\w+)\s*:?=\s*\[\s*(?P<one>\w+)\s*\|\s*(?P=one)\s*:?=\s*input\s*\[\s*_\s*\]\s*;[^\[\]{}|]*\]"
)
"""All of `input` that are as a condition says: `pods := [pod | pod = input[_]; pod.kind == "Pod"]`."""
_SET: Final = regex(r"(?P<name>[A-Za-z_]\w*)\s*(?:contains\s+\w+|\[\s*\w+\s*\])\s*(?:if\s*)?")
_SET_HEAD: Final = regex(r"(?m)^([A-Za-z_]\w*)\s*(?:contains\s+\w+|\[\s*\w+\s*\])\s*(?=\{|if\b)")
_DATA: Final = regex(r"(?<![\w.])data\s*\.\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
_IMPORT: Final = regex(r"(?m)^[ \t]*import[ \t]+data\.([\w.]+)(?:[ \t]+as[ \t]+(\w+))?[ \t]*$")
_READ: Final = regex(r"(?<![\w.])([A-Za-z_]\w*)\s*[.\[]")
_INPUTS: Final = regex(r"(?<![\w.])data\s*\.\s*postureControlInputs\s*\.\s*(\w+)")
_COSIGN: Final = regex(r"(?<![\w.])cosign\s*\.\s*(\w+)\s*\(")
_GIVEN: Final = "postureControlInputs"
"""What is below `data` for every rule."""
_MOST_FILTERED: Final = 50
_MOST_BODY: Final = 5_000
"""Characters of a body that are looked at for what becomes of a list in it."""


class RegoShape(NamedTuple):
    """What the text of a rule shows."""

    modules: tuple[str, ...]
    """The text as it is evaluated, and what it uses besides."""
    alone: bool
    inputs: frozenset[str]
    """The lists that it reads."""
    unsupported: str = ""


@lru_cache(maxsize=1_024)
def shape_of(text: str) -> RegoShape:
    """What the text of a rule shows."""
    if len(text) > MAX_SOURCE:
        return RegoShape(
            (text,), alone=False, inputs=frozenset()
        )  # who makes a source of it says why it is none
    evaluated, code, modules = rewritten(text)
    helpers, why = _besides(code)
    return RegoShape(
        (evaluated, *helpers, *modules), _looks_at_one(code), frozenset(_INPUTS.findall(code)), why
    )


def _besides(code: str) -> tuple[list[str], str]:
    """What of Kubescape's own a rule uses, and why it is not evaluated for what nobody has here."""
    read = set(_READ.findall(code))
    unused = {
        found[1] for found in _IMPORT.finditer(code) if (found[2] or found[1].rpartition(".")[2]) not in read
    }
    package = PACKAGE.search(code)
    known = {_GIVEN, package[1].partition(".")[0] if package else ""}
    helpers: list[str] = []
    why = ""
    for name in sorted(set(_DATA.findall(code)) - unused):
        first = name.partition(".")[0]
        if first in HELPERS:
            helpers.append(HELPERS[first])
        elif name.startswith("kubernetes.api.client"):
            why = "it asks the API server of a cluster (kubernetes.api.client)"
        elif first not in known:
            why = why or f"it reads data.{first[:40]}, which no manifest has"
    if found := _COSIGN.search(code):
        why = f"it asks the network for signatures (cosign.{found[1][:40]})"
    return [*dict.fromkeys(helpers)], why


def _as_one(found: re.Match[str]) -> str:
    """What is filtered, if it is taken out one by one and in no other way, as that; each character in its place."""
    body, _, _ = found.string[found.end() : found.end() + _MOST_BODY].partition("\n}")
    uses = regex(rf"\b{found['all']}\b(\s*\[\s*_\s*\])?").findall(body)
    if len(uses) != 1 or not uses[0] or len(body) == _MOST_BODY:
        return found[0]
    return f"{found['all']} := input[_]".ljust(len(found[0]))


def _looks_at_one(code: str) -> bool:
    """Whether every body takes at most one object out of `input`, for a set that nothing else reads."""
    names = _taking(_FILTERED.sub(_as_one, code, _MOST_FILTERED))
    if names is None:
        return False
    used, heads = Counter(_NAME.findall(code)), Counter(_SET_HEAD.findall(code))
    return all(used[name] == heads[name] for name in names)


def _taking(code: str) -> set[str] | None:
    """The sets whose bodies take an object out of `input`; None where one is taken in any other way."""
    taken = {match.start(match.lastindex or 0) for match in _TAKEN.finditer(code)}
    open_: list[str] = []
    names: set[str] = set()
    head = body = in_body = 0
    for token in _TOKEN.finditer(code):
        at, word = token.start(), token[0]
        if word == "input":
            line = code[code.rfind("\n", 0, at) + 1 : at].split(maxsplit=1)
            name = _SET.fullmatch(code[head:body].strip())
            in_body += 1
            if (
                at not in taken
                or open_ != ["{"]
                or in_body > 1
                or name is None
                or line[:1] in (["not"], ["every"])
            ):
                return None
            names.add(name["name"])
        elif word == "\n":
            head = head if open_ else at + 1
        elif word in _CLOSING:
            if not open_ or open_.pop() != _CLOSING[word]:
                return None
            head = head if open_ or word != "}" else at + 1
        else:
            if not open_ and word == "{":
                body, in_body = at, 0
            open_.append(word)
    return None if open_ else names
