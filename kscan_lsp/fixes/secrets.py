"""From which key of which Secret a variable can be taken: what the workspace has, else a placeholder.

A key counts if it is called as the variable is (`DB_PASSWORD`, `db-password`), or as its last words are (`password`),
and then only in a Secret whose name has the words before (`shop-db`), or says whose it is and nothing else
(`shop-api-credentials` for `shop-api`). The Secret's name decides between several.

A placeholder is marked by its name, so that it is reported until it is there (KS-0052). A Secret of another name may be
made anywhere, and that no file declares it means nothing.

Left out on purpose: values. That a Secret has the very value is nothing to be looked for.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.graph.index import key_of
from kscan_lsp.graph.secrets import as_letters, declared_secret
from kscan_lsp.kubernetes.credentials.names import split
from kscan_lsp.kubernetes.selectors import namespace_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.graph.index import Index

PLACEHOLDER: Final = "credentials-todo"
"""How the name of a placeholder ends; KS-0052 knows it by that."""
MAX_CHOICES: Final = 3
"""Keys of Secrets that are offered for one variable; more than that are no choice."""

_KEY: Final = regex(r"[-._a-zA-Z0-9]{1,253}")
_NAME: Final = regex(r"[a-z0-9](?:[-a-z0-9]{0,200}[a-z0-9])?")
_ANYWHERE: Final = frozenset({"secret", "secrets", "credentials", "credential", "app", "config", "default"})
"""Words of names that say nothing of whose they are."""


class SecretKey(Struct, frozen=True, order=True):
    """A key of a Secret; `there` if the workspace has it."""

    secret: str
    key: str
    there: bool

    @property
    def title(self) -> str:
        """What is done with it."""
        if self.there:
            return f"Take the value from key '{self.key}' of Secret '{self.secret}'"
        return f"Take the value from Secret '{self.secret}', a placeholder"

    @property
    def reference(self) -> dict[str, object]:
        """What `valueFrom` is then (core/v1 EnvVarSource)."""
        return {"secretKeyRef": {"name": self.secret, "key": self.key}}


def keys_for(variable: str, workload: ResourceId, index: Index) -> list[SecretKey]:
    """The keys that fit a variable equally well and better than all others, or a placeholder.

    Args:
        variable: the name of an environment variable.
        workload: the object that has it.
        index: what the workspace declares.

    Returns:
        One or a few; none where the variable's name can be no key, or too many fit.
    """
    if not _KEY.fullmatch(variable):
        return []
    rated = sorted(_rated(variable, workload, index))
    best = [found for _, found in takewhile(lambda one: one[0] == rated[0][0], rated)]
    if best:
        return best if len(best) <= MAX_CHOICES else []
    named = _NAME.fullmatch(workload.name)
    return [SecretKey(f"{workload.name}-{PLACEHOLDER}" if named else PLACEHOLDER, variable, there=False)]


def _rated(variable: str, workload: ResourceId, index: Index) -> Iterator[tuple[tuple[int, ...], SecretKey]]:
    """Keys that fit a variable, each with how well: less is better."""
    words = split(variable)
    own = {*split(workload.name)} - _ANYWHERE
    namespace = namespace_of(workload)
    seen: set[SecretKey] = set()
    for left_out in range(len(words)):
        letters = as_letters("".join(words[left_out:])) if left_out else as_letters(variable)
        for one in index.find(key_of("entry", namespace, letters)):
            declared = declared_secret(one.id.kind, one.id.name, one.data)
            if declared is None:
                continue
            of_secret = {*split(declared.name)} - _ANYWHERE
            named, akin = len(of_secret & {*words[:left_out]}), len(of_secret & own)
            if left_out and not named and (not of_secret or of_secret - own):
                continue  # of `shop-db` its password is none of the mail server's
            for key in declared.keys:
                found = SecretKey(declared.name, key, there=True)
                if as_letters(key) == letters and found not in seen:
                    seen.add(found)
                    yield (left_out, -named, -akin, key != variable), found
