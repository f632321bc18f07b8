"""What a name says of its value: whether it is a credential, may be one, or is something about one.

A name is read by its words, never by its letters: `MONKEY` has no key in it, `dbPassword` and `DBPASSWORD` both have a
password. English puts what a thing is last, so the last credential word decides, with what follows it: `TOKEN_URL` is
a URL, `PASSWORD_MIN_LENGTH` a length, `SECRET_KEY_BASE` still a key.

Left out on purpose: the value (`values.py`). A name alone is never a credential.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from kscan_lsp.kubernetes.credentials.vocabulary import (
    ABOUT,
    EXPLICIT,
    GLUED,
    GLUED_FIRST,
    GLUED_PASS,
    KEY_FAIR,
    KEY_INNOCENT,
    KEY_STRONG,
    NOT_ITSELF,
    PASS_INNOCENT,
    PHRASES,
    SECRET_REFERENCE,
    SEVERAL,
    STILL_ITSELF,
    SYNONYMS,
    TOKEN_INNOCENT,
)

MAX_NAME: Final = 300
"""Characters of a name that are read, from its end: what it is stands there."""


class Claim(IntEnum):
    """How strongly a name says that its value is a credential: the weaker, the more the value has to look like one."""

    NONE = 0
    WEAK = 1
    FAIR = 2
    STRONG = 3


class Meaning(Struct, frozen=True):
    """What a name says of its value."""

    claim: Claim
    kind: str = ""
    """`password`, `secret`, `key`, `token`, `credential`, or `own` for an entry of the user's."""
    explicit: bool = False
    """Whether it says what the credential is for, so that it cannot be the name of an object that holds one."""


NOTHING: Final = Meaning(Claim.NONE)


def split(name: str) -> list[str]:
    """The words of a name, in lower case: parts between separators, of camelCase, and what is written together."""
    found: list[str] = []
    start = 0
    text = name[-MAX_NAME:]
    for index, letter in enumerate(text):
        if not letter.isalnum():
            if start < index:
                _take(text[start:index], found)
            start = index + 1
        elif index > start and letter.isupper():
            before = text[index - 1]
            after = text[index + 1 : index + 2]
            if before.islower() or before.isdigit() or (before.isupper() and after.islower()):
                _take(text[start:index], found)
                start = index
    if start < len(text):
        _take(text[start:], found)
    return found


def _take(part: str, found: list[str]) -> None:
    word = part.lower()
    bare = word.rstrip("0123456789")
    if len(bare) > 2:
        word = bare  # PASSWORD1
    if found and (phrase := PHRASES.get((found[-1], word))):
        found[-1] = phrase
    elif not word.isdigit():
        found += _parted(word)


@lru_cache(maxsize=2048)
def _parted(word: str) -> tuple[str, ...]:
    """A word written together, as its two words; most are one."""
    for tail in GLUED:
        if word.endswith(tail) and word != tail:
            return (*_parted(word[: -len(tail)]), tail)
    for tail, fronts in (
        ("key", KEY_STRONG | KEY_FAIR),
        ("keys", KEY_STRONG | KEY_FAIR),
        ("pass", GLUED_PASS),
        ("pw", GLUED_PASS),
    ):
        front = word[: -len(tail)]
        if word.endswith(tail) and front in fronts:
            return (front, tail)
    for front in GLUED_FIRST:
        if word.startswith(front) and word[len(front) :] in NOT_ITSELF | {"key", "keys", "value", "token"}:
            return (front, word[len(front) :])
    return (word,)


@lru_cache(maxsize=4096)
def meaning(name: str, entries: tuple[str, ...]) -> Meaning:
    """What a name says of its value.

    Args:
        name: of a variable, a key, an option.
        entries: sensitiveKeyNames. Kubescape's stand for words that mean the same (`SYNONYMS`); others are looked for
            as they are, as whole words, whatever stands between them.
    """
    kinds, phrases = _vocabulary(entries)
    words = split(name)
    # an entry of several words, or of the user's, before single words that it may contain
    for end in range(len(words), 0, -1):
        for phrase in phrases:
            begin = end - len(phrase)
            if begin >= 0 and tuple(words[begin:end]) == phrase:
                return _claimed("own", words[:begin], words[end:], Claim.STRONG, explicit=True)
        if kind := kinds.get(words[end - 1]):
            return _builtin(kind, words[end - 1], words[: end - 1], words[end:])
    return NOTHING


@lru_cache(maxsize=64)
def _vocabulary(entries: tuple[str, ...]) -> tuple[dict[str, str], tuple[tuple[str, ...], ...]]:
    """Single words with their kind, and phrases, longest first."""
    kinds: dict[str, str] = {}
    phrases: set[tuple[str, ...]] = set()
    for entry in entries:
        known = SYNONYMS.get(entry.strip().lower())
        if known is not None:
            kinds |= known
        else:
            phrases |= {tuple(split(entry)), (entry.strip().lower(),)}
    return kinds, tuple(sorted(filter(None, phrases), key=len, reverse=True))


def _builtin(kind: str, word: str, before: list[str], after: list[str]) -> Meaning:
    qualifier = before[-1] if before else ""
    explicit = qualifier in EXPLICIT or (kind == "key" and qualifier in KEY_STRONG)
    most = Claim.STRONG
    if kind == "key":
        if qualifier in KEY_INNOCENT:
            return NOTHING
        most = (
            Claim.STRONG if qualifier in KEY_STRONG else Claim.FAIR if qualifier in KEY_FAIR else Claim.WEAK
        )
        if "secret" in before or "private" in before:
            most = Claim.STRONG
    elif kind == "token" and (qualifier in TOKEN_INNOCENT or (word == "pat" and qualifier not in EXPLICIT)):
        return NOTHING
    elif kind == "secret":
        if qualifier in SECRET_REFERENCE:
            return NOTHING
        if after == ["id"]:
            return Meaning(Claim.WEAK, kind, explicit)  # of an AppRole, or of an entry in a store
    elif word == "pass":
        if qualifier in PASS_INNOCENT or [w for w in after if w not in STILL_ITSELF]:
            return NOTHING
        most = Claim.STRONG if before else Claim.FAIR
    elif kind == "credential":
        most = Claim.FAIR
    if word in SEVERAL:
        most = min(most, Claim.FAIR)
    return _claimed(kind, before, after, most, explicit=explicit)


def is_about(word: str) -> bool:
    """Whether a word after another says that the value is something about it; of one, or of several."""
    return word in NOT_ITSELF or (word.endswith("s") and word[:-1] in NOT_ITSELF)


def _claimed(kind: str, before: list[str], after: list[str], most: Claim, *, explicit: bool) -> Meaning:
    if any(is_about(word) for word in after) or not ABOUT.isdisjoint(before):
        return NOTHING
    if not STILL_ITSELF.issuperset(after):
        most = min(most, Claim.FAIR)
    return Meaning(most, kind, explicit)
