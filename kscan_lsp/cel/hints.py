"""What somebody may have meant by an expression that does not compile: CEL's word for it, or the nearest name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.regex import regex
from kscan_lsp.text import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNDECLARED: Final = regex(r"undeclared reference to '([^'.]+)")
_CALL: Final = regex(r"(\w+)\(")
_TEXT: Final = regex(r"'[^']*'|\"[^\"]*\"")
_WORD: Final = regex(r"\b(and|or|not)\b(?!\s*[.(])")
_OPERATORS: Final = {"and": "&&", "or": "||", "not": "!"}
_ELSEWHERE: Final = {
    "len": "size",
    "length": "size",
    "count": "size",
    "any": "exists",
    "some": "exists",
    "every": "all",
    "lower": "lowerAscii",
    "upper": "upperAscii",
    "match": "matches",
    "str": "string",
    "True": "true",
    "False": "false",
    "None": "null",
    "base64": "decodeBase64",
    "sorted": "sort",
}
"""Names of other languages for what CEL has."""
_ABSENT: Final = {
    "file": "a control sees objects, and of the file that one is in its 'path' alone",
    "format": "'%s'.format([...]) makes texts, and named formats are not there",
}
"""What people look for and is not there on purpose, by name."""
_ABSENT_TOO: Final = {
    "filename": "file",
    "folder": "file",
    "directory": "file",
    "environment": "file",
}
STANDARD: Final = (
    "all", "bool", "contains", "double", "endsWith", "exists", "exists_one", "filter", "has", "hasValue", "int", "join",
    "lowerAscii", "map", "matches", "optMap", "orValue", "replace", "size", "split", "startsWith", "string",
    "substring", "trim", "type", "upperAscii", "value",
)  # fmt: skip
"""Functions and macros of CEL itself that controls use."""


def hint(message: str, source: str, names: Iterable[str]) -> str:
    """How a sentence about an error goes on; empty where nobody knows.

    Args:
        message: what the compiler says.
        source: the expression.
        names: all that it may name.
    """
    bare = _TEXT.sub("''", source)
    for called in _CALL.findall(bare):
        if called in _ELSEWHERE:
            return f"; CEL's word for '{called}' is '{_ELSEWHERE[called]}'"
    if "recognition error at: '='" in message.replace("= '", "='"):
        return "; '==' compares"
    if "Syntax error" in message and (word := _WORD.search(bare)):
        return f"; CEL writes '{_OPERATORS[word[1]]}' for '{word[1]}'"
    undeclared = _UNDECLARED.search(message)
    if undeclared is None:
        return ""
    name = undeclared[1]
    if name in _ELSEWHERE:
        return f"; CEL's word for '{name}' is '{_ELSEWHERE[name]}'"
    if absent := _ABSENT.get(_ABSENT_TOO.get(name, name)):
        return f"; {absent}"
    by_case = {known.lower(): known for known in names}
    near = close_matches(name.lower(), by_case, n=1, cutoff=0.75)
    return f"; did you mean '{by_case[near[0]]}'?" if near else ""


def column_of(message: str, line: str, column: int) -> int:
    """Where what an error is about begins, both counted from 1: the compiler points behind an undeclared name."""
    undeclared = _UNDECLARED.search(message)
    if undeclared is None:
        return column
    start = line.rfind(undeclared[1], 0, column + len(undeclared[1]))
    return start + 1 if start >= 0 else column
