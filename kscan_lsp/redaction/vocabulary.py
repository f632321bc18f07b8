"""What is masked by the name it stands under.

That is more than what counts as a finding: a wrong finding costs trust, a value masked in vain a look into the file.
"""

from __future__ import annotations

from typing import Final

from kscan_lsp.kubernetes.credentials import ENTRIES
from kscan_lsp.kubernetes.credentials.names import Claim, meaning, split
from kscan_lsp.kubernetes.credentials.values import counts
from kscan_lsp.kubernetes.credentials.vocabulary import NOT_ITSELF, STILL_ITSELF, SYNONYMS

__all__ = [
    "COPY", "CREDENTIAL_WORDS", "ENTRIES", "EXPECTED", "HEADERS", "OBJECT_META", "OF_SECRETS", "has_credential_word",
    "is_expected", "is_harmless", "is_secret_under", "may_name_secret",
]  # fmt: skip

CREDENTIAL_WORDS: Final = frozenset(word for words in SYNONYMS.values() for word in words) | {
    "auth",
    "apikey",
}
"""An option with one of these in its name may be given a credential, whatever else its name says."""

HEADERS: Final = frozenset(("authorization", "proxy-authorization", "cookie", "set-cookie"))
"""Headers of HTTP that are credentials, in lower case."""

COPY: Final = "last-applied"
"""In the name of an annotation: a copy of the whole object (`kubectl.kubernetes.io/last-applied-configuration`)."""

OF_SECRETS: Final = frozenset(("apiVersion", "kind", "type", "immutable"))
"""The fields of a Secret, beside its metadata, that hold nothing of it."""

OBJECT_META: Final = frozenset(
    ("name", "generateName", "namespace", "labels", "uid", "resourceVersion", "generation", "creationTimestamp",
     "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences", "finalizers", "selfLink")
)  # fmt: skip
"""The fields of `metadata` but the annotations, as the API reference of Kubernetes has them (ObjectMeta v1 meta)."""

EXPECTED: Final = frozenset(
    {*OF_SECRETS, *OBJECT_META, "metadata", "data", "stringData", "annotations", "items", "username", "user"}
)
"""Fields that are called what they are, wherever they stand in a Secret."""

_NO_SECRETS: Final = frozenset(("", "true", "false", "null", "~", "none", "yes", "no", "on", "off"))


def is_harmless(value: str) -> bool:
    """Whether a value can be no secret, whatever it is called: nothing, and a truth value."""
    return value.strip("\"' \t").lower() in _NO_SECRETS


def has_credential_word(name: str) -> bool:
    """Whether a name has a word for a credential in it, be it the name of a file or a length."""
    return not CREDENTIAL_WORDS.isdisjoint(split(name))


def is_expected(name: str) -> bool:
    """Whether a name is that of a field, or of an entry that is called what it is: `password`, not `hunter2`."""
    words = split(name)
    known = CREDENTIAL_WORDS | NOT_ITSELF | STILL_ITSELF
    return name in EXPECTED or (bool(words) and known.issuperset(words) and not any(map(str.isdigit, name)))


def may_name_secret(name: str, entries: tuple[str, ...]) -> bool:
    """Whether a variable, a header or an entry of this name may be a secret, by its name alone."""
    return bool(meaning(name, entries).claim) or name.lower() in HEADERS


def is_secret_under(name: str, value: str, entries: tuple[str, ...]) -> bool:
    """Whether a value is masked for the field it stands in.

    `key`, which Kubernetes has in many places for what something is found by, claims little: there the value decides.
    """
    said = meaning(name, entries)
    if said.claim <= Claim.WEAK:
        return bool(said.claim) and counts(value, said)
    return not is_harmless(value)
