"""Credentials inside longer texts: files in a ConfigMap, scripts, connection strings, options of a runtime.

No format is parsed, because a ConfigMap's file may be any, and templates and halves of files are common. A line that
sets something with a credential's name is found by one search for `name: value`, `name = value`, `"name": "value"`,
`name="..." value="..."` and `<name>value</name>`; then name and value count as they do for a variable, a little more
strictly: running text has types (`token: string`), code (`password = os.environ[...]`), labels and prose.

Comments are read for what is a credential by its looks only: their examples are examples.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.kubernetes.credentials import tokens, values
from kscan_lsp.kubernetes.credentials.names import Claim, Meaning, meaning
from kscan_lsp.kubernetes.credentials.searches import lazy, whether
from kscan_lsp.kubernetes.credentials.vocabulary import NAMED, NOT_TOKENS, SYNONYMS, TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Search: TypeAlias = "Callable[[], Any]"
"""A pattern, compiled when it is called for."""
Found = tuple[str, int]
"""What was found, and the byte where it stands."""

KINDS: Final = {
    "password": "a password",
    "secret": "a secret",
    "key": "a key",
    "token": "a token",
    "credential": "a credential",
    "own": "a credential",
}
IN_URL: Final = "a password in a URL"
_KEYWORDS: Final = (
    rb"pass|pswd|psw|pwd|pw|secret|token|key|cred|jwt|bearer"
    rb"|masterauth|redis_auth|rediscli_auth|\bpat\b|_pat\b"
)
"""Names without one of these mean nothing (`vocabulary.SYNONYMS`), unless the user says so."""
_VALUE: Final = (
    rb'(?:\\+"([^"\\\n]*)|"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\n]|\'\')*)\'|(\$\{[^{}\s]*\}|[^\s"\'`<>,;&|{}\[\]()]+))'
    # escaped quotes, double, single, none
)
_ESCAPED, _DOUBLE, _SINGLE, _BARE = range(3, 7)
_CODE: Final = frozenset({b"(", b"[", b"{", b"`"})
"""After a word, these begin what is computed."""
_AFTER: Final = (b"#", b"//", b",", b";", b"}", b"]", b")", b"<", b"|", b"&", b"\\", b"--", b'"', b"'")
"""What may follow a value on its line, where spaces stand around the sign before it."""

_COMMENT: Final = (b"#", b"// ", b"/*", b";", b"*", b"-- ", b"<!--", b"rem ", b"REM ", b"%")
_SPACED: Final = lazy(
    rb"(?m)(?:^[ \t]*(?:requirepass|masterauth)|\binsecure-password|\bauth-pass[ \t]+\S+)[ \t]+[\"']?([^\s\"']+)"
    rb"|\bmachine\s+\S+\s+login\s+\S+\s+password\s+(\S+)"
    rb"|(?i:\b(?:identified\s+(?:with\s+\S+\s+)?by|password)\s+)'([^'\n]+)'"
)
"""Redis, .netrc, SQL: a space and nothing else between what it is and the password."""
_LOOK_BACK: Final = 300
"""Bytes of a line that are looked at before what is found on it."""
_HEADER: Final = lazy(rb"(?i)authorization[\"']?\s*[:=,]\s*\\*[\"']?\s*$")


class Language(Struct, frozen=True):
    """The searches that depend on sensitiveKeyNames. Groups: the name, the sign, the value in four ways of quoting."""

    pairs: tuple[Search, ...]
    spaced: Search
    """The same with nothing but a space for a sign, on a line or statement of their own: prose has such lines, too."""


@lru_cache(maxsize=64)
def hint(entries: tuple[str, ...]) -> Callable[[bytes], object]:
    """Whether a text has what none is without in which anything is found under these sensitiveKeyNames."""
    return whether(tokens.HINT + _listed(entries))


def _listed(entries: tuple[str, ...]) -> bytes:
    own = [entry.strip() for entry in entries if entry.strip() and entry.strip().lower() not in SYNONYMS]
    return b"".join(b"|" + re.escape(word).encode() for word in own)


@lru_cache(maxsize=64)
def language(entries: tuple[str, ...]) -> Language:
    """What to search for under these sensitiveKeyNames."""
    listed = _listed(entries)
    name = rb"([\w.$\x{80}-\x{10FFFF}-]*(?i:" + _KEYWORDS + listed + rb")[\w.\x{80}-\x{10FFFF}-]*)"
    quote, space = rb"\\*[\"'`]?", rb"\s{0,9}"
    patterns = (
        # name: value, "name": "value", name = value, name: and the value on the next line
        name + rb"(" + quote + rb"\]?" + space + rb"(?::=|=>|:|=)[ \t]{0,40}"
        rb"(?:[|>][-+0-9]?[ \t]*\r?\n[ \t]*|>|!!\w+[ \t]+|\"\")?)" + _VALUE,
        # name: X and value: Y, as of variables and in XML
        rb"(?i:\b(?:name|key))" + quote + space + rb"[:=]" + space + quote + name + rb"(" + quote + space
        + rb",?\s{0,40}" + quote + rb"(?i:value)" + quote + space + rb"[:=]" + space + rb")" + _VALUE,
        # of PHP: define with a name and a value, both in quotes
        rb"\bdefine\(" + space + rb"[\"']" + name + rb"([\"']" + space + rb"," + space + rb")" + _VALUE,
        # of Hadoop: <name>X</name><value>Y</value>
        rb"<name>" + space + name + rb"(" + space + rb"</name>" + space + rb"<value>" + space
        + rb")()()()([^<>\s]+)" + space + rb"</",
        # <name>value</name>
        rb"<(?:\w+:)?" + name + rb"(>" + space + rb")()()()([^<>\s]+)" + space + rb"</",
    )  # fmt: skip
    spaced = (
        rb"(?m)(?:^|[;{])[ \t]*(?:(?:set|setenv|SetEnv|proxy_set_header|add_header)[ \t]+)?"
        + name + rb"([ \t]+)" + _VALUE + rb"(?:[ \t]*;|[ \t]*\r?$)"
    )  # fmt: skip
    return Language(tuple(map(lazy, patterns)), lazy(spaced))


def find(text: bytes, entries: tuple[str, ...]) -> Found | None:
    """The first kind of credential in a text by the rules above; None where there is none.

    Args:
        text: in UTF-8.
        entries: sensitiveKeyNames.
    """
    return tokens.token(text) or next(others(text, entries), None)


def others(text: bytes, entries: tuple[str, ...]) -> Iterator[Found]:
    """Everything that is a credential by what stands around it; what is one by its looks alone is left out."""
    for password, at in tokens.userinfo(text):
        if _is_real(password) and not (
            _is_comment(text, at) and password.lower().decode(errors="replace") in NAMED
        ):
            yield IN_URL, at
    for scheme, given, at in tokens.authorizations(text):
        if _authorizes(text, scheme, given, at):
            yield ("a password" if scheme == "basic" else "a bearer token"), at
    for login, at in tokens.registry_logins(text):
        if tokens.is_login(login):
            yield "a registry's password", at
    for match in _SPACED().finditer(text):
        at = match.start(match.lastindex)
        if _is_real(match.group(match.lastindex)) and not _is_comment(text, at):
            yield "a password", at
    yield from pairs(text, entries)


def _is_real(password: bytes) -> bool:
    """Whether a password in a URL is written out."""
    text = password.decode(errors="replace")
    return (
        not values.stands_for_another(text)
        and "$" not in text[:1]
        and "%s" not in text
        and any(map(str.isalnum, text))
    )


def _is_comment(text: bytes, at: int) -> bool:
    line = _line_before(text, at) + text[at : at + 1]
    return line.lstrip().startswith(_COMMENT) or any(sign in line for sign in (b" # ", b" // ", b" -- "))


def _line_before(text: bytes, at: int) -> bytes:
    """What stands before a byte on its line, or the last part of it: a line may be all of a text."""
    part = text[max(0, at - _LOOK_BACK) : at]
    return part[part.rfind(b"\n") + 1 :]


def _authorizes(text: bytes, scheme: str, given: bytes, at: int) -> bool:
    value = given.decode(errors="replace")
    if scheme == "basic":
        return tokens.is_login(given)
    lower = value.lower().strip(".:,")
    if lower in NOT_TOKENS or lower.startswith("realm=") or values.stands_for_another(value):
        return False
    end = at + len(given)
    if (
        scheme == "bearer"
        and at <= _LOOK_BACK
        and text[:at].strip().lower() == b"bearer"
        and not text[end:].strip()
    ):
        return True  # the whole of a value
    announced = _HEADER().search(text[max(0, at - 60) : at - len(scheme) - 1]) is not None
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return (
        len(value) >= 8
        and (announced or (scheme == "bearer" and mixed and len(value) >= 12))
        and (mixed or len(value) >= 20)
    )


def pairs(text: bytes, entries: tuple[str, ...]) -> Iterator[Found]:
    """Names that are set to a credential, and where."""
    patterns, spaced = language(entries).pairs, language(entries).spaced
    for pattern in (*patterns, spaced):
        for match in pattern().finditer(text):
            start = match.start(1)
            if text[max(0, start - 1) : start] == b"/" or text[max(0, start - 2) : start] == b"${":
                continue  # of a path, of an expansion
            said = in_text(meaning(match.group(1).decode(errors="replace"), entries))
            if pattern is spaced:
                said = replace(said, claim=min(said.claim, Claim.FAIR))
            if not said.claim:
                continue
            group = next((group for group in (_ESCAPED, _DOUBLE, _SINGLE, _BARE) if match.group(group)), 0)
            if not group:
                continue
            value = match.group(group).decode(errors="replace").strip()
            if not value or (group == _BARE and not _is_written_out(text, match, value)):
                continue
            if _is_label(value, quoted=group != _BARE) or _is_variable(match) or _is_comment(text, start):
                continue
            if values.counts(value, said):
                yield KINDS[said.kind], match.start(group)


def in_text(said: Meaning) -> Meaning:
    """What a name claims in running text, where `secret`, `token` and `key` alone are mostly about other things."""
    if said.kind in {"password", "own"}:
        return said
    if said.claim is Claim.WEAK:
        return replace(said, claim=Claim.NONE)
    return said if said.explicit else replace(said, claim=min(said.claim, Claim.FAIR))


def _is_label(value: str, *, quoted: bool) -> bool:
    """`"password": "Password"`, `"token": "string"`: what a form, a schema or a translation says."""
    if value.isalpha() and value.istitle():
        return True
    if quoted and " " in value and all(part.isalpha() for part in value.strip(".!?:*").split()):
        return True
    return value.lower() in TYPES


def _is_variable(match: Any) -> bool:
    """`:'name'` of psql."""
    sign: bytes = match.group(2)
    return sign[:1].isspace() and sign.endswith(b":")


def _is_written_out(text: bytes, match: Any, value: str) -> bool:
    """Whether a value without quotes is one: no code, no prose, no variable."""
    name, sign, end = match.group(1).decode(errors="replace"), match.group(2), match.end(_BARE)
    if text[end : end + 1] in _CODE or value[0] in "=~!%*&@\\" or (value[0] == "$" and value[-1] != "}"):
        return False
    parts = value.split(".")
    if len(parts) > (2 if any(map(str.isdigit, value)) else 1) and all(map(str.isidentifier, parts)):
        return False  # config.password
    rest = text[end : end + 200].split(b"\n", 1)[0].strip()
    if (sign[:1].isspace() or sign[-1:].isspace()) and rest and not rest.startswith(_AFTER):
        return False  # prose: "password: the one you were sent"
    # of code, `password=password` hands a variable on
    alone = not rest and not _line_before(text, match.start(1)).strip(b" \t-")
    return alone or value.lower() not in name.lower()


def line_of(text: bytes, at: int) -> int:
    """The line of a byte, from 1; 0 where a text has one line only."""
    return text.count(b"\n", 0, at) + 1 if b"\n" in text.rstrip(b"\n") else 0
