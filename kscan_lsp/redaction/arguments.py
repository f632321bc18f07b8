"""Arguments of programs: whether one is a secret, by the option before it and by what its program takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kscan_lsp.kubernetes.credentials import credential_in_argument
from kscan_lsp.redaction.texts import MASK, redact
from kscan_lsp.redaction.vocabulary import ENTRIES, has_credential_word, is_harmless
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable

_TELLING: Final = regex(r"/[\w./-]*|\d{1,5}|--.*|-\w|-\w+=.*|-[A-Za-z]\d+", re.DOTALL)
"""Arguments that are no secrets, though nobody knows of which program: paths, numbers, and options but for `-pX`."""


def is_given_secret(option: str, word: str) -> bool:
    """Whether an argument is what an option is given that is named like a credential."""
    return (
        option.startswith("-")
        and "=" not in option
        and not word.startswith("-")
        and has_credential_word(option)
        and not is_harmless(word)
    )


def is_secret_argument(
    programs: Iterable[str], before: str, word: str, entries: tuple[str, ...] = ENTRIES
) -> bool:
    """Whether all of an argument is a secret.

    Args:
        programs: what may be run.
        before: the argument before it, empty for the first.
        word: the argument.
        entries: sensitiveKeyNames.
    """
    return is_given_secret(before, word) or any(
        credential_in_argument(program, before, word, [*entries]) for program in programs
    )


def redact_argument(word: str, program: str = "", before: str | None = None) -> str:
    """One argument with what may be a secret in it masked: all of it, if nobody knows what stands before it."""
    shown = redact(word)
    if shown != word or is_harmless(word):
        return shown
    if before is None:
        return shown if _TELLING.fullmatch(word) else MASK
    return MASK if is_secret_argument((program, ""), before, word) else shown
