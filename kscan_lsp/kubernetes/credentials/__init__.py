"""Which values of a manifest are credentials: pure functions over names and values, facts as data.

`names` reads a name by its words (`vocabulary`), `values` says what a value cannot be and when it counts, `tokens`
knows credentials by their looks, `texts` and `commands` find both inside files, scripts and arguments. Everything takes
linear time, with RE2, on values of any size; nothing is kept but what names mean. What is returned says what was found,
in words of ours only, so that it can be shown: never a part of a value.

The rules and how well they do: docs/credentials.md.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import Final

from kscan_lsp.kubernetes.credentials import commands, texts, tokens, values
from kscan_lsp.kubernetes.credentials.names import Claim, is_about, meaning, split
from kscan_lsp.kubernetes.credentials.searches import lazy
from kscan_lsp.kubernetes.credentials.vocabulary import SYNONYMS

ENTRIES: Final = tuple(SYNONYMS)
"""The sensitiveKeyNames that hold without settings."""
SUPERSEDED: Final = frozenset(
    ("BEGIN \\w+ PRIVATE KEY", "PRIVATE KEY", "eyJhbGciO", "JWT", "Bearer", "_key_", "_secret_", "AKIA[0-9A-Z]{16}",
     "ghp_[0-9A-Za-z]{36}", "AIza[0-9A-Za-z\\-_]{35}", "xox[baprs]-[0-9A-Za-z]{10,48}")
)  # fmt: skip
"""Kubescape's entries of sensitiveValues. What they mean is found by closer rules; taken as they are, some are found in
every second text. Whatever else is in that list is searched for as it is written."""


@lru_cache(maxsize=64)
def own_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The entries of sensitiveValues that are the user's own, to be searched for in any case of letters."""
    return tuple(f"(?i){pattern}" for pattern in patterns if pattern not in SUPERSEDED)


def credential(name: str, value: str, entries: list[str]) -> str:
    """What an environment variable or an entry of a ConfigMap seems to hold; empty when no credential.

    Args:
        name: of the variable or entry.
        value: its text.
        entries: sensitiveKeyNames.

    Returns:
        Words such as "a password" or "a GitHub token (line 3)".
    """
    listed = tuple(entries)
    bare = value.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        bare = bare[1:-1].strip()
    said = meaning(name, listed)
    if said.claim and "\n" not in bare and values.counts(bare, said):
        return texts.KINDS[said.kind]
    return _in_text(value, listed)


def credential_in_annotation(name: str, value: str, entries: list[str]) -> str:
    """The same of an annotation, whose name is mostly about an object: only clear names count."""
    listed = tuple(entries)
    said = meaning(name.rpartition("/")[2], listed)
    clear = said.kind in {"password", "own"} or (said.explicit and said.kind != "secret")
    if (
        clear
        and said.claim is Claim.STRONG
        and "\n" not in value.strip()
        and values.counts(value.strip(), said)
    ):
        return texts.KINDS[said.kind]
    return _in_text(value, listed)


def credential_in_argument(program: str, before: str, word: str, entries: list[str]) -> str:
    """The same of an argument: see `commands.argument`."""
    return commands.argument(program, before, word, tuple(entries))


def decoded(value: str) -> str:
    """The text that a value is the base64 of; empty where it is not, or of something else than text."""
    if len(value) < 16 or len(value) % 4 or not value.isascii() or " " in value:
        return ""
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _in_text(value: str, entries: tuple[str, ...]) -> str:
    if len(value) < commands.SHORTEST:
        return ""
    text = value.encode(errors="replace")
    if (plain := decoded(value)) and (found := tokens.token(plain.encode(errors="replace"))):
        return f"{found[0]} in base64"
    found = commands.find(text, entries)
    if found is None:
        return ""
    what, at = found
    line = texts.line_of(text, at)
    return f"{what} (line {line})" if line else what


_LINE: Final = (
    rb"[#;/][^\n]*"  # a comment
    rb"|\[[^\]\n]*\]|[{}\[\],]+|-{3}"  # a section, brackets
    rb"|(?:-[ \t]+)*[\"']?[\w./ \x{80}-\x{10FFFF}-]+[\"']?[ \t]*(?:[:=][^\n]*)?"  # a key, with its value or above it
)
_CONFIGURATION: Final = lazy(rb"(?:[ \t]*(?:" + _LINE + rb")?[ \t]*(?:\r?\n|$))+")
_LONG: Final = lazy(rb"[A-Za-z0-9+/=_-]{20,}")


def secret(name: str, value: str) -> bool:
    """Whether an entry of a Secret is one. There everything is, but for what cannot be.

    That is: what stands for a value that is elsewhere, a truth value, a URL without a password, a certificate or public
    key, a host or port by its name, and a configuration file in which nothing is a credential or looks random.

    Args:
        name: of the entry.
        value: its text, decoded.
    """
    bare = value.strip()
    text = bare.encode(errors="replace")
    if commands.find(text, ENTRIES) is not None:
        return True
    random = any(values.looks_random(match.group().decode()) for match in _LONG().finditer(text))
    if "\n" in bare:
        return not values.is_public(bare) and (random or _CONFIGURATION().fullmatch(text) is None)
    if not bare or values.stands_for_another(bare) or values.is_public(bare):
        return False
    if meaning(name, ENTRIES).claim:
        return True
    about = any(is_about(word) for word in split(name)[-1:])
    return not ((values.is_plain(bare) and not random) or (about and values.is_amount_or_host(bare)))
