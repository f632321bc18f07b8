"""Credentials inside longer texts: files in a ConfigMap, scripts, connection strings, options of a runtime.

No format is parsed, because a ConfigMap's file may be any, and templates and halves of files are common. A line that
sets something with a credential's name is found by one search for `name: value`, `name = value`, `"name": "value"`,
`name="..." value="..."` and `<name>value</name>`; then name and value count as they do for a variable, a little more
strictly: running text has types (`token: string`), code (`password = os.environ[...]`), labels and prose.

Comments are read for what is a credential by its looks only: their examples are examples.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.kubernetes.credentials import tokens, values
from kscan_lsp.kubernetes.credentials.names import SYNONYMS, Claim, Meaning, meaning

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_KEYWORDS: Final = ("passw", "passphrase", "passcode", "pass", "pswd", "psw", "pwd", "pw", "secret", "token", "key", "cred",
                    "jwt", "bearer")  # fmt: skip
_VALUE: Final = (
    rb'(?:\\+"([^"\\\n]*)|"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\n]|\'\')*)\'|([^\s"\'`<>,;&|{}\[\]()]+))'
    # escaped quotes, double, single, none
)
_ESCAPED, _DOUBLE, _SINGLE, _BARE = range(4)

_TYPES: Final = frozenset(
    "str string text bytes byte int integer number bool boolean object array list map any null none nil undefined void "
    "optional true false function func def required readonly writeonly sensitive input output self this req request "
    "config params args env data value values field char varchar file path".split()
)
_NAMES: Final = frozenset(
    "password passwd passphrase pwd pass passcode secret token key apikey credential credentials username user auth".split()
)
_COMMENT: Final = (b"#", b"//", b";", b"*", b"--", b"<!--", b"rem ", b"REM ", b"%")
_SPACED: Final = tokens.compiled(
    rb"(?m)^[ \t]*(?:requirepass|masterauth)[ \t]+[\"']?([^\s\"']+)"
    rb"|\bmachine\s+\S+\s+login\s+\S+\s+password\s+(\S+)"
    rb"|(?i:\b(?:identified\s+(?:with\s+\S+\s+)?by|password)\s+)'([^'\n]+)'"
)
"""Redis, .netrc, SQL: a space and nothing else between what it is and the password."""
_HEADER: Final = tokens.compiled(rb"(?i)authorization[\"']?\s*[:=,]\s*\\*[\"']?\s*$")


def language(entries: tuple[str, ...]) -> tuple[Any, Any, Any, Any]:
    """The searches that depend on sensitiveKeyNames: a hint, `name: value`, `name=".." value=".."`, `<name>value<`."""
    return _language(entries)


@lru_cache(maxsize=64)
def _language(entries: tuple[str, ...]) -> tuple[Any, Any, Any, Any]:
    words = [word for entry in entries if entry.strip().lower() not in SYNONYMS for word in [entry.strip()] if word]
    own = b"".join(b"|" + b"".join(rb"\x%02x" % byte if byte < 128 else bytes([byte]) for byte in word.encode()) for word in words)
    keyword = "|".join(_KEYWORDS).encode() + own
    name = rb"([\pL\pN_.$/-]*(?i:" + keyword + rb")[\pL\pN_.-]*)"
    pair = name + rb"(\\*[\"'`]?\]?\s{0,9}(?::=|=>|:|=)[ \t]{0,40}(?:[|>][-+0-9]?[ \t]*\r?\n[ \t]*|>)?)" + _VALUE
    listed = (
        rb"(?i:\b(?:name|key))\\*[\"']?\s{0,9}[:=]\s{0,9}\\*[\"']?" + name + rb"\\*[\"']?\s{0,9},?\s{0,40}\\*[\"']?(?i:value)\\*[\"']?"
        rb"(\s{0,9}[:=]\s{0,9})" + _VALUE
    )  # fmt: skip
    element = rb"<(?:\w+:)?" + name + rb"(>\s{0,9})()()()([^<>\s]+)\s{0,9}</"
    hint = tokens.HINT.pattern + own
    return tuple(map(tokens.compiled, (hint, pair, listed, element)))


def find(text: bytes, entries: tuple[str, ...]) -> Found | None:
    """The first kind of credential in a text by the rules above; None where there is none.

    Args:
        text: in UTF-8.
        entries: sensitiveKeyNames.
    """
    return tokens.token(text) or next(_others(text, entries), None)


def _others(text: bytes, entries: tuple[str, ...]) -> Iterator[Found]:
    for password, at in tokens.userinfo(text):
        if _is_real(password) and not (_is_comment(text, at) and password.lower().decode(errors="replace") in _NAMES):
            yield "a password in a URL", at
    for scheme, given, at in tokens.authorizations(text):
        if _authorizes(text, scheme, given, at):
            yield ("a password" if scheme == "basic" else "a bearer token"), at
    for login, at in tokens.registry_logins(text):
        if tokens.is_login(login):
            yield "a registry's password", at
    for match in _SPACED.finditer(text):
        at = match.start(match.lastindex)
        if _is_real(match.group(match.lastindex)) and not _is_comment(text, at):
            yield "a password", at
    yield from pairs(text, entries)


def _is_real(password: bytes) -> bool:
    """Whether a password in a URL is written out."""
    text = password.decode(errors="replace")
    return not values.stands_for_another(text) and "$" not in text[:1] and "%s" not in text and any(map(str.isalnum, text))


def _is_comment(text: bytes, at: int) -> bool:
    return text[text.rfind(b"\n", 0, at) + 1 : at + 1].lstrip().startswith(_COMMENT)


_NOT_TOKENS: Final = frozenset(
    "token tokens auth authentication authorization only realm scheme format type header headers method methods and or "
    "is in for with the must required based jwt access string credentials security prefix".split()
)


def _authorizes(text: bytes, scheme: str, given: bytes, at: int) -> bool:
    value = given.decode(errors="replace")
    if scheme == "basic":
        return tokens.is_login(given)
    lower = value.lower().strip(".:,")
    if lower in _NOT_TOKENS or lower.startswith("realm=") or values.stands_for_another(value):
        return False
    if scheme == "bearer" and at + len(given) == len(text.rstrip()) and text[:at].strip().lower() == b"bearer":
        return True  # the whole of a value
    announced = _HEADER.search(text[max(0, at - 60) : at - len(scheme) - 1]) is not None
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return len(value) >= 8 and (announced or (scheme == "bearer" and mixed and len(value) >= 12)) and (mixed or len(value) >= 20)


def pairs(text: bytes, entries: tuple[str, ...]) -> Iterator[Found]:
    """Names that are set to a credential, and where."""
    _, pair, listed, element = language(entries)
    for pattern in (pair, listed, element):
        for match in pattern.finditer(text):
            said = in_text(meaning(match.group(1).decode(errors="replace"), entries))
            if not said.claim:
                continue
            quoting = next(n for n in range(4) if match.group(3 + n)) if any(match.group(3, 4, 5, 6)) else -1
            if quoting < 0:
                continue
            at = match.start(3 + quoting)
            value = match.group(3 + quoting).decode(errors="replace").strip()
            if pattern is pair and quoting == _BARE and not _is_written_out(text, match, value):
                continue
            if _is_label(value, quoting) or _is_comment(text, match.start(1)) or not values.counts(value, said):
                continue
            yield KINDS[said.kind], at


def in_text(said: Meaning) -> Meaning:
    """What a name claims in running text, where `secret`, `token` and `key` alone are more often names of other things."""
    if said.kind in {"password", "own"}:
        return said
    if said.claim is Claim.WEAK:
        return said._replace(claim=Claim.NONE)
    return said if said.explicit else said._replace(claim=min(said.claim, Claim.FAIR))


def _is_label(value: str, quoting: int) -> bool:
    """`"password": "Password"`, `"token": "string"`: what a form, a schema or a translation says."""
    if value[:1].isupper() and value.lower() in _NAMES:
        return True
    if quoting != _BARE and " " in value and all(part.isalpha() for part in value.strip(".!?:*").split()):
        return True
    return value.lower() in _TYPES


def _is_written_out(text: bytes, match: Any, value: str) -> bool:
    """Whether a value without quotes is one: no code, no prose, no variable."""
    name, sign = match.group(1), match.group(2)
    end = match.end(6)
    follows = text[end : end + 1]
    if follows in {b"(", b"[", b"{", b"`"} or value[0] in "$=~!%*&@" or (value[0] == "(") or value == "\\":
        return False
    if value.strip(".").isidentifier() is False and all(part.isidentifier() for part in value.split(".")) and not any(
        map(str.isdigit, value)
    ):
        return False  # config.password
    rest = text[end : end + 200].split(b"\n", 1)[0].strip()
    spaced = sign[:1].isspace() or sign[-1:].isspace()
    if spaced and rest and not rest.startswith((b"#", b"//", b",", b";", b"}", b"]", b")", b"<", b"|", b"&", b"\\", b"--", b'"', b"'")):
        return False  # prose: "password: the one you were sent"
    # of code, `password=password` hands a variable on
    return value.lower() not in name.decode(errors="replace").lower() or (
        not rest and not text[text.rfind(b"\n", 0, match.start(1)) + 1 : match.start(1)].strip(b" \t-")
    )


def line_of(text: bytes, at: int) -> int:
    """The line of a byte, from 1; 0 where a text has one line only."""
    return text.count(b"\n", 0, at) + 1 if b"\n" in text.rstrip(b"\n") else 0
