"""What the engine is told besides manifests: the day, and facts by kind.

A control with `evidence: images` is evaluated where there are facts of the kind `images`, which its expressions read as
`evidence.images`; where there are none it stays unevaluated, for the reason that its `needs` gives.

Left out on purpose: where facts come from, and what they look like inside. That is between a source and the controls
that read it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import Struct

from kscan_lsp import cel
from kscan_lsp.graph.index import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from kscan_lsp.graph.index import Key

IMAGES: Final = "images"
"""The kind of what is known of images."""
NO_REPORT: Final = "nothing is known of this image: no report is about it"
"""Why a control is not evaluated for an image although there are reports of others."""
TODAY: Final = "today"
"""The kind that a date rests on: whether a suppression has expired, for one."""


class Known(Protocol):
    """What is known of one kind."""

    @property
    def digest(self) -> bytes:
        """What tells it from anything else that may be known of the kind."""

    def about(self, images: Iterable[str]) -> Facts:
        """As much of it as an object sees whose pods run some images."""


class Facts(Struct, frozen=True, eq=False):
    """Facts of one kind, as expressions see them, and what tells them from others. Made by `facts`."""

    data: Any
    digest: bytes

    def about(self, _: Iterable[str]) -> Facts:
        """All of them: whose they are is for the expressions to say."""
        return self


def facts(data: object) -> Facts:
    """Facts of one kind.

    Args:
        data: plain data, as JSON has it, that nobody changes any more.

    Raises:
        ValueError: it is too deep or too large for any expression, or contains itself.
    """
    view, complete = cel.view(data)
    if not complete:
        raise ValueError("these facts are too deep or too large to be read, or contain themselves")
    text = json.dumps(view, sort_keys=True, separators=(",", ":"))
    return Facts(view, hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest())


class Evidence(Struct, frozen=True, eq=False):
    """All that is known besides manifests."""

    today: date
    kinds: Mapping[str, Known] = {}

    def changed(self, other: Evidence) -> frozenset[Key]:
        """The keys of what is different in other evidence: what rests on them is to be judged again."""
        kinds = {kind for kind in {*self.kinds, *other.kinds} if self._digest(kind) != other._digest(kind)}
        if self.today != other.today:
            kinds.add(TODAY)
        return frozenset(map(key_for, kinds))

    def _digest(self, kind: str) -> bytes | None:
        known = self.kinds.get(kind)
        return None if known is None else known.digest


def key_for(kind: str) -> Key:
    """The key that is watched by what rests on a kind of evidence."""
    return key_of("evidence", kind)
