"""Secrets in lines that could not be read: of a broken document, and in comments.

What a broken line means nobody knows, so more is masked than need be. In what looks like a Secret that is every value,
and every word that is no name one would expect there. Elsewhere it is what stands below `env`, what is set by a name
about credentials, and what is a credential by its looks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kscan_lsp.kubernetes.credentials.names import split
from kscan_lsp.redaction.texts import spans_in, united
from kscan_lsp.redaction.vocabulary import (
    COPY,
    EXPECTED,
    HEADERS,
    has_credential_word,
    is_expected,
    is_harmless,
)
from kscan_lsp.regex import regex
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LOOKS_SECRET: Final = regex(
    r"(?i)\bkind\b[\"']?\s*[:=]?\s*[\"']?secret(?:list)?\b|\bstring_?data\b|\btype[\"']?\s*:\s*[\"']?(?:opaque\b|kubernetes\.io/)"
)
_DATA_OF_NO_KIND: Final = regex(r"^[\"']?data[\"']?[ \t]*:", re.MULTILINE)
_KIND: Final = regex(r"^[\"'{ ]*kind[\"']?[ \t]*:[ \t]*[\"']?[A-Za-z]", re.MULTILINE)
_LINE: Final = regex(r"[^\r\n]+")
_CONTENT: Final = regex(r"([ \t]*)((?:-[ \t]+)*)([^\s].*)")
_FIELD: Final = regex(r"(?<![\w.$/-])[\"']?(-{0,2}[\w$][\w.$/-]*)[\"']?[ \t]*[:=]")
_FIRST_WORD: Final = regex(r"[\"'{\[, ]*([\w.$/-]+)")
_HARMLESS: Final = regex(
    r"[\"']?(?:apiVersion[\"']?\s*:\s*[\"']?v1|kind[\"']?\s*:\s*[\"']?Secret(?:List)?|type[\"']?\s*:\s*[\"']?Opaque)[\"']?,?"
)
_OF_VARIABLES: Final = frozenset(
    ("name", "valueFrom", "secretKeyRef", "configMapKeyRef", "fieldRef", "resourceFieldRef", "fieldPath", "apiVersion",
     "resource", "divisor", "containerName", "key", "optional", "fileKeyRef", "path", "volumeName")
)  # fmt: skip
"""Below `env`: names, and where values come from (EnvVar v1 core of the API reference)."""
_SEPARATOR: Final = regex(r"---(?!\S)")
_GLUED: Final = regex(r"^---(?=[^\s-])[^\r\n]*", re.MULTILINE)
_NAME: Final = regex(r"[\"']?[A-Za-z_][\w.-]*[\"']?[,}\]]*")
_VALUES: Final = frozenset(("value", "literals", "stringdata"))
_PARTS_OF_ARGUMENTS: Final = regex(r"[\"']?(-{1,2}[\w.-]+)[\"']?[,\]]*")


def looks_secret(text: str) -> bool:
    """Whether a document that cannot be read looks like a Secret, or like the data of something unknown."""
    if _LOOKS_SECRET.search(text):
        return True
    return _DATA_OF_NO_KIND.search(text) is not None and _KIND.search(text) is None


def secrets_in_lines(text: str, faults: Iterable[Span] = ()) -> Iterator[Span]:
    """Where in the lines of a broken document values are that may be secrets.

    Args:
        text: the document.
        faults: what could not be read in it.
    """
    for glued in _GLUED.finditer(text):
        yield Span(glued.start() + 3, glued.end())
    yield from _of_secret(text) if looks_secret(text) else _of_others(text, [*faults])


def secrets_in_comment(text: str, *, of_secret: bool) -> Iterator[Span]:
    """Where in a comment values are that may be secrets.

    Args:
        text: the comment, with its sign.
        of_secret: whether it stands in a Secret, where it may be an old value.
    """
    start = len(text) - len(text.lstrip("# \t"))
    if of_secret:
        yield Span(start, len(text))
        return
    yield from (Span(span.start + start, span.end + start) for span in _in_line(text[start:]))


def _of_secret(text: str) -> Iterator[Span]:
    for line in _LINE.finditer(text):
        content = _CONTENT.fullmatch(line[0])
        if content is None or _SEPARATOR.match(line[0]) or _HARMLESS.fullmatch(content[3].rstrip()):
            continue
        start, end = line.start() + content.start(3), line.start() + len(line[0].rstrip())
        field = _FIELD.match(content[3])
        if field is None:
            word = _FIRST_WORD.fullmatch(content[3].rstrip())
            if word and word[1] in EXPECTED:
                continue
            yield Span(start, end)
        elif is_expected(field[1]):
            yield from _after(text, start + field.end(), end)
        else:
            yield Span(start, end)


def _of_others(text: str, faults: list[Span]) -> Iterator[Span]:
    hidden = -1  # the indentation of a field whose lines below are part of a secret
    block: tuple[str, int] | None = None  # `env`, `args` or `command`, and its indentation
    given = False  # the last argument was an option that takes a credential
    secret = False  # the line above has a secret in it, which may go on
    for line in _LINE.finditer(text):
        content = _CONTENT.fullmatch(line[0])
        if content is None:
            continue
        indent, offset, item = len(content[1]), line.start(), content[3]
        start, end = offset + content.start(3), offset + len(line[0].rstrip())
        if hidden >= 0 and indent + len(content[2]) > hidden:
            yield Span(start, end)
            continue
        hidden = -1
        at_fault = any(fault.start <= end and start <= fault.end for fault in faults)
        if at_fault and secret and not content[2]:
            yield Span(start, end)
            continue
        secret = False
        if block and (indent < block[1] or (indent == block[1] and not content[2])):
            block, given = None, False
        if block and block[0] == "env":
            yield from _of_variable(text, item, start, end)
        elif block:
            option = _PARTS_OF_ARGUMENTS.fullmatch(item.rstrip())
            if given and not option:
                yield Span(start, end)
            given = bool(option and has_credential_word(option[1]))
        found = [Span(span.start + start, span.end + start) for span in _in_line(item)]
        yield from found
        secret = bool(found) or (block is not None and block[0] == "env" and not item.startswith("name"))
        for span in found:
            if span.end >= end and _opens_text(text[span.start : end]):
                hidden = indent + len(content[2])
        field = _FIELD.match(item)
        if field and field[1] in ("env", "args", "command") and not item[field.end() :].strip():
            block, given = (field[1], indent + len(content[2])), False


def _of_variable(text: str, item: str, start: int, end: int) -> Iterator[Span]:
    """A line below `env`: names stay, and where values come from."""
    field = _FIELD.match(item)
    if field is None:
        word = _FIRST_WORD.fullmatch(item.rstrip())
        if not (word and word[1] in _OF_VARIABLES):
            yield Span(start, end)
    elif field[1] not in _OF_VARIABLES:
        yield from _after(text, start + field.end(), end)
    elif field[1] == "name" and not _NAME.fullmatch(item[field.end() :].strip()):
        rest = item[field.end() :]
        name = _NAME.match(rest.lstrip())
        yield from _after(
            text, start + field.end() + len(rest) - len(rest.lstrip()) + (name.end() if name else 0), end
        )


def _after(text: str, start: int, end: int) -> Iterator[Span]:
    """The value that follows a colon on its line."""
    value = text[start:end]
    if not is_harmless(value):
        yield Span(start + len(value) - len(value.lstrip()), end)


def _in_line(line: str) -> list[Span]:
    """What in a line may be a secret, whatever stands around it: from a name that says so to the end of the line."""
    end = len(line.rstrip())
    found = spans_in(line)
    if line.startswith("value") and not line[5:6].isalnum() and ":" not in line[:7]:
        found.append(Span(6, end))  # without its colon
    for field in _FIELD.finditer(line):
        name = field[1].lower()
        if name in _VALUES or name in HEADERS or COPY in name or _names_secret(field[1]):
            found += _after(line, field.end(), end)
            break
        if (
            name in ("args", "command")
            and line[field.end() :].strip()
            and has_credential_word(line[field.end() :])
        ):
            found += _after(line, field.end(), end)
            break
    return united(found)


def _names_secret(name: str) -> bool:
    """Whether what is set may be a secret by its name. `secretName`, `secretKeyRef` and `key` are names of objects."""
    words = split(name)
    return has_credential_word(name) and name != "key" and words[-1] not in ("name", "ref", "names", "refs")


def _opens_text(value: str) -> bool:
    """Whether a value may go on on the next lines: a block, or quotes that are not closed."""
    bare = value.strip()
    return bare[:1] in ("|", ">") or (bare[:1] in ("'", '"') and (len(bare) < 2 or bare[-1] != bare[0]))
