"""What a link of the chain gives: directives, each with the controls it is about and whom it speaks for.

Comments and annotations share one way of writing them, `C-0057, C-0058 until=2027-01-31 -- reason`; `owner=` and
`ticket=` stand before the reason, too. Several stand in one text with a `;` between them,
`C-0057 -- reason; C-0058 until=2027-01-31 -- another`, or each on a line of its own,
so that each control can have its own reason and day. One that cannot be read wholly counts for nothing: what is wrong
in it may be the day from which it must not count any more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, Protocol

from msgspec import Struct

from kscan_lsp.findings import Disposition, Problem
from kscan_lsp.policy.admission import is_of_admission
from kscan_lsp.redaction import redact
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.paths import Path
    from kscan_lsp.text import Span
    from kscan_lsp.yaml.document import Document

MARK: Final = "kscan:ignore"
ANNOTATION: Final = "kscan.dev/ignore"
EXAMPLE: Final = "C-0057"
"""What a message names as a control, where the user named none."""

NO_REASON_YET: Final = "TODO: say why"
"""What an editor writes for a reason that somebody has to give; until then it is a problem."""

CONTROL_ID: Final = regex(
    r"[A-Za-z]+-\d+|(?:VAP|MAP)/[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?|Kyverno/[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?(?:/[\w.-]+)?"
    r"|Gatekeeper/[A-Za-z0-9]+/[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?"
)
"""Of a control, in any case, or of an admission policy by its name, or of a rule of Kyverno's or a constraint
of Gatekeeper's by those of both."""
_SAID: Final = regex(r"\b(until|owner|ticket)=(\S+)")
_NEXT: Final = regex(
    r"[;\n]\s*(?=(?:(?:[A-Za-z]++-\d{4}(?!\w)|(?:VAP|Kyverno|Gatekeeper)/[-\w./]++|(?:until|owner|ticket)=[^\s;]++)[,\s]*+)++(?:--|[;\n]|\Z))"
)
"""Where the next directive of a text begins. Reasons have semicolons, too: what follows one has to look like a head."""


class Directive(Struct, frozen=True):
    """Findings of some controls are to have a disposition, if they are where it speaks for."""

    controls: tuple[str, ...]
    disposition: Disposition
    target: int | Path | None
    """The line of the document that it speaks for, or the path of the object or of its pod template; None where it
    stands before no line."""
    unexplained: bool = False
    """Whether it counts without a reason, for who it was written for asks for none."""


class Directives(Struct, frozen=True):
    """What a link found in a document, and what in it was meant as a directive and is none."""

    found: Sequence[Directive] = ()
    problems: Sequence[Problem] = ()


NO_DIRECTIVES: Final = Directives()


class DispositionLink(Protocol):
    """One place where people say that a finding may stay. Pure: nothing but the document and its resources decide."""

    def __call__(self, document: Document, verdicts: Sequence[Verdicts], /) -> Directives:
        """The directives for some findings of a document, in the order of the text."""


def directives_in(text: str) -> Iterator[tuple[int, str]]:
    """The directives of a text as they are written, each with its offset in it."""
    at = 0
    for following in _NEXT.finditer(text):
        yield at, text[at : following.start()]
        at = following.end()
    yield at, text[at:]


def read_directives(
    text: str, span: Span, by: Literal["comment", "annotation"], target: int | Path | None
) -> Directives:
    """Read the directives of one comment or annotation.

    Args:
        text: what stands behind the mark.
        span: where it was said.
        by: how it was said.
        target: whom it speaks for.
    """
    found: list[Directive] = []
    problems: list[Problem] = []
    for _, part in directives_in(text):
        read = _read(part, span, by, target)
        if isinstance(read, Problem):
            problems.append(read)
        else:
            found.append(read)
    return Directives(found, problems)


def _read(
    text: str, span: Span, by: Literal["comment", "annotation"], target: int | Path | None
) -> Directive | Problem:
    head, _, reason = text.partition("--")
    said = {name: value.rstrip(",") for name, value in _SAID.findall(head)}
    head = _SAID.sub("", head)
    names = [name for name in re.split(r"[,\s]+", head) if name]
    wrong = [name for name in names if not CONTROL_ID.fullmatch(name)]
    ids = tuple(
        name if is_of_admission(name) else name.upper() for name in names if CONTROL_ID.fullmatch(name)
    )
    if ids and not wrong:
        why, owner, ticket = (
            redact(text) for text in (reason.strip(), said.get("owner", ""), said.get("ticket", ""))
        )
        until = said.get("until", "")
        return Directive(ids, Disposition("accepted", by, span, why, owner, until, ticket=ticket), target)
    what = f"'{wrong[0]}' is no control id" if wrong else "no control is named"
    known = ", ".join(ids) or EXAMPLE
    until = " until=2027-01-31" if any(name.lower().startswith("until") for name in wrong) else ""
    mark = MARK if by == "comment" else f"{ANNOTATION}:"
    message = f"this suppresses nothing: {what}; write '{mark} {known}{until} -- reason'"
    return Problem(span, message, "suppression")
