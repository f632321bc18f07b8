"""What is never printed: the one place that knows which parts of a text may be a secret.

Everything that shows anything goes through it. `secret_spans` says which parts of a document may be secrets, for who
shows its lines (`shown` does so for a whole file). `redact` masks what may be one in a text that quotes values, such as
a message, and `redacted` in the messages of problems. What is masked is always `MASK`, however long it was.

Imports `text`, `findings`, `yaml` and `kubernetes`, above all the rules of `kubernetes/credentials`: these find what is
worth a finding, and here a doubt is enough. Nothing here is done between a keystroke and its diagnostics, but for
`redact` on what a message quotes, which is remembered with the message.
"""

from __future__ import annotations

from operator import is_not
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp.redaction.arguments import redact_argument
from kscan_lsp.redaction.texts import MASK, masked, redact, united
from kscan_lsp.redaction.vocabulary import ENTRIES
from kscan_lsp.regex import regex
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import comments, read_document, split
from kscan_lsp.yaml.json_reader import split_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.findings import Problem
    from kscan_lsp.yaml.document import Document

__all__ = ["MASK", "masked", "redact", "redact_argument", "redacted", "secret_spans", "shown"]

_LINE: Final = regex(r"[^\r\n]+")
_KEPT_COMMENT: Final = "kscan:ignore"


def redacted(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Problems with what may be a secret in their messages masked."""
    made = [
        replace(one, message=text) if (text := redact(one.message)) != one.message else one
        for one in problems
    ]
    return tuple(made) if any(map(is_not, made, problems)) else problems


def secret_spans(
    document: Document, names: Iterable[str] = (), known: Iterable[Span] = ()
) -> tuple[Span, ...]:
    """The parts of a document that may be secrets: in order, without overlaps, each on one line.

    Args:
        document: a document as read. One that could not be read, or not fully, is known by its lines, too.
        names: sensitiveKeyNames of the project, beside those that hold always.
        known: further parts that are to be taken for secrets, which may have several lines.
    """
    from kscan_lsp.redaction import lines, trees  # few reports show the text of files

    text = document.text
    entries = tuple(dict.fromkeys((*ENTRIES, *names)))
    found = list(known)
    is_secret = False
    if document.root is not None:
        tree = trees.secrets_of(text, document.root, entries)
        found += tree.spans
        is_secret = tree.is_secret
        for at, comment in comments(document):
            of_secret = is_secret and _KEPT_COMMENT not in comment
            found += (
                Span(at + span.start, at + span.end)
                for span in lines.secrets_in_comment(comment, of_secret=of_secret)
            )
    if document.root is None or not document.complete:
        faults = [*document.blanked, *(problem.span for problem in document.problems)]
        found += lines.secrets_in_lines(text, faults)
    return tuple(united(part for span in found for part in _by_lines(text, span)))


def shown(text: str, *, json: bool = False) -> str:
    """The text of a file with what may be a secret in it masked; it has the same lines."""
    pieces = split_json(text) if json else split(text)
    return "".join(masked(piece, secret_spans(read_document(piece, json=json))) for piece in pieces)


def _by_lines(text: str, span: Span) -> Iterable[Span]:
    """A span as its parts on each line, without indentation; the header of a block of text (`|-`) stays."""
    block = text[span.start : span.start + 1] in ("|", ">")
    for number, line in enumerate(_LINE.finditer(text, span.start, span.end)):
        content = line[0].strip()
        if not content or (block and number == 0 and len(content) <= 3 and span.end > line.end()):
            continue
        start = line.start() + len(line[0]) - len(line[0].lstrip())
        yield Span(start, start + len(content))
