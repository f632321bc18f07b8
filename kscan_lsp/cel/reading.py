"""Which parts of its variables an expression reads, told from its source.

The runtime converts a variable anew for every activation, all of it, and a pod can be large: a check of each
container that reads `pod.os` should not pay for the pod's volumes. What is told here may be more than what is
read, never less.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from kscan_lsp.cel.compiling import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.cel.compiling import Expression

Reads: TypeAlias = dict[str, frozenset[str] | None]
"""By variable, the fields that are read; None where that may be any."""

# A name counts unless it is selected from something else (which `.pod` on its own is not), and reads all unless a field
# is selected from it: a call such as `pod.size()` is about the whole, and so are names in texts and comments, for all
# that a glance can tell.
_USE = re.compile(
    rf"(?<!\w)(?<![\w)\]}}\"'`]\.)(?<!\.\?)({'|'.join(VARIABLES)})\b(?:\s*\.\s*\??\s*([A-Za-z_]\w*)\b(?!\s*\())?"
)


# The object of a related entry is always selected from something: `policies.exists(p, p.object.spec ...)`. An index
# that is a text, raw or not, optional or not, counts if it begins like that, or has an escape that may stand for it.
_OTHER = re.compile(
    r"\.\s*\??\s*object\b(?:\s*\.\s*\??\s*([A-Za-z_]\w*)\b(?!\s*\())?"
    r"|\[\s*\??\s*[rR]?(?:'''|\"\"\"|['\"])(?:object|[^'\"]*\\)"
)


def fields_read(expressions: Iterable[Expression]) -> Reads:
    """The variables that expressions read, and which fields of them."""
    found: Reads = {}
    for text in _texts(expressions):
        for name, field in _uses(text):
            known = found.get(name, frozenset())
            found[name] = known | {field} if known is not None and field else None
    return found


def fields_read_of_others(expressions: Iterable[Expression]) -> frozenset[str] | None:
    """Which fields of related objects expressions read; None where that may be any."""
    fields = [field for text in _texts(expressions) for field in _OTHER.findall(text)]
    return None if "" in fields else frozenset(fields)


@lru_cache(maxsize=4096)
def _uses(text: str) -> list[tuple[str, str]]:
    return _USE.findall(text)


def _texts(expressions: Iterable[Expression]) -> set[str]:
    return {text for e in expressions for text in (e.source, *(text for _, text in e.let))}
