"""The text of a rule as it is evaluated: what the interpreter does in another way than OPA is written out.

Texts are changed by places in their code, which is the same text with blanks for comments and strings.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.kubescape.helpers import REPLACED
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HIDDEN: Final = regex(r'#[^\n]*|"(?:\\.|[^"\\\n])*"|`[^`]*`')
_BARE: Final = regex(r"(?m)^[A-Za-z_]\w*\([^(){}\n]*\)(?=[ \t]*$)(?!\s*(?:[{=:]|if\b|else\b))")
"""A function that is true for what stands in its head, without a body: `f("a")`."""
_REPLACED: Final = regex(
    r"(?<![\w.])(?<!^)(image\.parse_normalized_name|count|base64\.decode|(?:json|yaml)\.unmarshal|semver\.compare)(?=\()",
    re.MULTILINE,
)
"""A function that has a stand-in, but for one that a rule defines itself."""
_NEGATED: Final = regex(
    r"(?<![\w.])not\s+[A-Za-z_][\w.]*\((?P<given>[^()\n]*)\)(?=[ \t]*(?:$|[;}\]|]))", re.MULTILINE
)
_REFERENCE: Final = regex(r"[A-Za-z_]\w*(?:\.\w+|\[\w+\])+")
_SHORT: Final = {"w": "0-9A-Za-z_", "d": "0-9"}


class Rewrite(NamedTuple):
    """What stands between two offsets of a text, and what comes in its place."""

    start: int
    end: int
    new: str


def rewritten(text: str) -> tuple[str, str, tuple[str, ...]]:
    """A text as it is evaluated, the code of it as it was, and the modules that it uses besides."""
    text = _HIDDEN.sub(_in_ascii, text)
    code = _HIDDEN.sub(_blank, text)
    replaced = [*_REPLACED.finditer(code)]
    changes = [*_with_bodies(code), *_with_values(text, code)]
    changes += [Rewrite(*match.span(), REPLACED[match[1]][0]) for match in replaced]
    return _changed(text, changes), code, tuple(dict.fromkeys(REPLACED[match[1]][1] for match in replaced))


def _with_bodies(code: str) -> Iterator[Rewrite]:
    """Functions without a body are given one: not every engine reads them."""
    bare = [*_BARE.finditer(code)]
    depths = _depths(code, [match.start() for match in bare])
    return (Rewrite(match.end(), match.end(), " := true") for match in bare if not depths[match.start()])


def _with_values(text: str, code: str) -> Iterator[Rewrite]:
    """What a negated call is given has a value first: without one, OPA does not even ask (`rewriteDynamics` there)."""
    number = 0
    for match in _NEGATED.finditer(code):
        at, before = match.start("given"), []
        for given in match["given"].split(","):
            start = at + len(given) - len(given.lstrip())
            end = at + len(given.rstrip())
            if _REFERENCE.fullmatch(given.strip()) and "[_]" not in given:
                before.append(f"kscan_given{number} = {text[start:end]}; ")
                yield Rewrite(start, end, f"kscan_given{number}")
                number += 1
            at += len(given) + 1
        if before:
            yield Rewrite(match.start(), match.start(), "".join(before))


def _in_ascii(found: re.Match[str]) -> str:
    """A text with the short names of letters and digits in a regular expression written out: in OPA they are ASCII."""
    text = found[0]
    escape = "\\\\" if text[0] == '"' else "\\"
    if text[0] == "#" or not any(f"{escape}{short}" in text for short in _SHORT):
        return text
    inside = False
    parts: list[str] = []
    at = 0
    while at < len(text):
        step = len(escape) + 1 if text.startswith(escape, at) else 1
        part = text[at : at + step]
        if step > 1:
            short = _SHORT.get(part[-1], "")
            part = part if not short else short if inside else f"[{short}]"
        else:
            inside = part == "[" or (inside and part != "]")
        parts.append(part)
        at += step
    return "".join(parts)


def _blank(found: re.Match[str]) -> str:
    """As many blanks as there are characters in a comment or a string; lines stay."""
    return "\n".join(" " * len(line) for line in found[0].split("\n"))


def _changed(text: str, changes: Iterable[Rewrite]) -> str:
    parts, at = [], 0
    for start, end, new in sorted(changes):
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


def _depths(code: str, places: Iterable[int]) -> dict[int, int]:
    """How many brackets are open at some offsets, which come in order."""
    found, at, depth = {}, 0, 0
    for place in places:
        part = code[at:place]
        depth += sum(part.count(one) for one in "{[(") - sum(part.count(one) for one in "}])")
        found[place], at = depth, place
    return found
