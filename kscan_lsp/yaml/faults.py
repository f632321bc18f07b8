"""Syntax errors in plain words, at the place where the mistake is.

A parser reports where it noticed, which is often one line below where the author slipped, in words about its
own grammar. A fault has the place of the slip, a message that says what is wrong and what to do, and the
lines to suspect, the first guess first, whose loss would let the rest be read. Where one error of libyaml has
many causes, the text around it decides.

Left out on purpose: trying the suspects (`repair.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.regex import regex
from kscan_lsp.text import Span
from kscan_lsp.yaml.outcome import Fault
from kscan_lsp.yaml.tree import Scalar

if TYPE_CHECKING:
    from kscan_lsp.yaml.tree import Mapping, Node, Sequence

# What libyaml and go-yaml do not accept. (All but what they do would take seven milliseconds to compile.)
_FORBIDDEN: Final = regex(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\\ud800-\\udfff\\ufeff\\ufffe\\uffff]"
)
_LINE: Final = regex(r"[^\r\n]*")
_INDENT: Final = regex(r"[ \t]*")
_BEFORE_KEY: Final = regex(r"[ \t]*(?:-[ \t]+)*")
_HAS_KEY: Final = regex(r"[ \t]*(?:-[ \t]+)*(?:\"[^\"]*\"|'[^']*'|[^\s#:\"'][^:#]*):(?:\s|$)")
_TABBED: Final = regex(r"^[ ]*\t[^\r\n]*", re.MULTILINE)
_TEMPLATE: Final = "'{{' is template language, not YAML; render the template first, or quote the value"

# (words of libyaml, whether the slip is where the construct begins, what to say); the first that fits
_ONE_CAUSE: Final = (
    (
        "unknown escape",
        False,
        "this escape is not known to YAML; write a backslash as \\\\, or use single quotes",
    ),
    (
        "hexdecimal",
        False,
        "\\x, \\u and \\U want hexadecimal digits; write a backslash as \\\\, or use single quotes",
    ),
    ("scanning a quoted", True, "this quote is never closed"),
    (
        "block sequence entries",
        False,
        "a list cannot start on the line of its key; begin it on the next line",
    ),
    (
        "block scalar",
        True,
        "only '-', '+', a digit or a comment stands behind '|' or '>'; begin the text on the next line",
    ),
    ("an alias", True, "this is no valid alias; if '*' is part of the text, put it into quotes"),
    ("an anchor", True, "this is no valid anchor; if '&' is part of the text, put it into quotes"),
    ("a tag", True, "this is no valid tag; if '!' is part of the text, put it into quotes"),
    ("tag handle", True, "this is no valid tag; if '!' is part of the text, put it into quotes"),
    ("directive", True, "this directive is not valid; kubectl knows only '%YAML 1.1'"),
    ("incompatible", False, "kubectl reads YAML 1.1 only; remove this line"),
    ("node content", False, "a value is missing here; if this is part of a text, put it into quotes"),
    ("mapping keys", False, "a '?' cannot stand here; if it is part of a text, put it into quotes"),
)


def of_error(text: str, error: BaseException, last: Node | None, around: Mapping | Sequence | None) -> Fault:
    """The fault behind an exception of the parser.

    Args:
        text: the document.
        error: what ruamel.yaml raised: its marks are offsets in `text`.
        last: the node that was read last.
        around: the collection that was being read.
    """
    if getattr(error, "problem_mark", None) is None:
        return _unreadable_character(text)
    marked: Any = error
    noticed = min(marked.problem_mark.index, len(text))
    context = marked.context_mark.index if marked.context_mark is not None else noticed
    problem, doing = str(marked.problem), str(marked.context)
    quote = _runaway_quote(text, last, noticed)
    if quote is not None:
        message = "this quote is closed on a later line; is a closing quote missing here?"
        return Fault(
            Span(quote, quote + 1),
            message,
            noticed,
            (_line(text, quote), _line(text, noticed)),
        )
    line = _line(text, noticed)
    if (template := text.find("{{", line.start, line.end)) >= 0:
        end = text.find("}}", template, line.end)
        span = Span(template, end + 2 if end >= 0 else line.end)
        return Fault(span, _TEMPLATE, noticed, (line, _line(text, context)))
    if "simple key" in doing or "simple key" in problem:
        return _no_colon(text, context, noticed)
    if "mapping values" in problem:
        return _unexpected_colon(text, noticed)
    if "cannot start any token" in problem or "tab character" in problem:
        return _unexpected_character(text, noticed)
    if "flow" in doing:
        if not text[noticed:].strip() and around is not None and around.flow:
            context = around.start
        return _open_bracket(text, context, noticed)
    if "expected key" in problem or "'-' indicator" in problem or "document start" in problem:
        return _out_of_line(text, noticed, last, problem)
    return _by_phrase(text, context, noticed, doing, problem)


def _runaway_quote(text: str, last: Node | None, noticed: int) -> int | None:
    """Where the quoted scalar began that ran over line ends right up to the error."""
    if not isinstance(last, Scalar) or last.style not in {"'", '"'} or not last.style:
        return None
    if text[last.end : noticed].strip(" \t") or not re.search(r"[\r\n]", text[last.start : last.end]):
        return None
    return last.start


def _no_colon(text: str, context: int, noticed: int) -> Fault:
    line = _line(text, context)
    content = _content(text, line)
    written = text[content.start : content.end]
    if written[:1] in {'"', "'"}:
        message = "a ':' is missing after this quoted text, or its closing quote is"
    else:
        message = _colon_missing(written)
    return Fault(content, message, noticed, (line, _line(text, noticed)))


def _colon_missing(written: str) -> str:
    # what is written here may be a secret, so it is not quoted
    if re.match(r"[^\s:]+:\S", written):
        return "a space is missing after the ':' on this line"
    return "a ':' is missing on this line"


def _unexpected_colon(text: str, noticed: int) -> Fault:
    line = _line(text, noticed)
    above = _line_above(text, line)
    if (
        above is not None
        and not _HAS_KEY.match(text, *above)
        and not _HAS_KEY.match(text, line.start, noticed)
    ):
        content = _content(text, above)
        if content.start < content.end and text[content.start] not in "-[]{}|>\"'":
            message = _colon_missing(text[content.start : content.end])
            return Fault(content, message, noticed, (above, line))
    if _HAS_KEY.match(text, line.start, noticed):
        message = "a second ':' on one line; put the value into quotes"
        return Fault(Span(noticed, noticed + 1), message, noticed, (line,))
    message = "this line is indented below a line that has a value already; indent it like its neighbours"
    suspects = (line,) if above is None else (line, above)
    return Fault(_content(text, line), message, noticed, suspects)


def _unexpected_character(text: str, noticed: int) -> Fault:
    line = _line(text, noticed)
    indent = _match_end(_INDENT, text, line.start)
    tab = text.find("\t", line.start, indent + 1)
    if noticed <= indent and tab >= 0:
        every = tuple(Span(*found.span()) for found in _TABBED.finditer(text))
        rest = Span(line.start, every[-1].end) if every else line
        return Fault(
            Span(tab, tab + 1),
            "a tab cannot indent YAML; use spaces",
            noticed,
            (line, rest),
        )
    character = text[noticed : noticed + 1]
    message = f"a value cannot start with '{character}'; put it into quotes"
    if character == "\t":
        message = "a tab cannot stand here; use spaces"
    return Fault(Span(noticed, noticed + 1), message, noticed, (line,))


def _open_bracket(text: str, context: int, noticed: int) -> Fault:
    line, here = _line(text, context), _line(text, noticed)
    bracket = text[context : context + 1]
    close = {"[": "]", "{": "}"}.get(bracket, "")
    if not close:
        return Fault(
            _rest_of_line(text, noticed),
            "this cannot stand inside [ ] or { }",
            noticed,
            (here, line),
        )
    if line == here and noticed < len(text):
        message = f"a ',' or '{close}' is missing here"
        return Fault(Span(noticed, noticed + 1), message, noticed, (line,))
    before = _line_above(text, here) or line
    message = f"this '{bracket}' is not closed, or a ',' is missing behind it"
    return Fault(
        Span(context, context + 1),
        message,
        noticed,
        (line, here, before, Span(line.start, here.end)),
    )


def _out_of_line(text: str, noticed: int, last: Node | None, problem: str) -> Fault:
    line = _line(text, noticed)
    above = _line_above(text, line)
    suspects = [line] if above is None else [line, above]
    if above is not None and text[above.start : above.end].lstrip().startswith("?"):
        suspects.reverse()
    behind = last is not None and line.start < last.end <= noticed and isinstance(last, Scalar)
    if behind and last is not None and isinstance(last, Scalar) and last.style in {"'", '"'} and last.style:
        message = "text behind a closing quote; put the quotes around all of it, or escape the inner quote"
        return Fault(_rest_of_line(text, noticed), message, noticed, tuple(suspects))
    content = _content(text, line)
    first = re.search(r"^[^\s#%-]|^[ \t]+[^\s#]", text, re.MULTILINE)
    if "document start" in problem and first is not None and text[first.start()] in " \t":
        # the first line is indented, so what is not must be another document
        suspects.insert(0, _line(text, first.start()))
        content = _content(text, suspects[0])
    if "'-' indicator" in problem:
        message = (
            "this does not line up with the list above; begin an item with '- ', or indent it like the others"
        )
    elif text.startswith("-", noticed) and "expected key" in problem:
        message = "a list item cannot stand among keys; is its key missing above, or the indentation wrong?"
    else:
        message = "this does not line up with the lines above; indent it like its neighbours"
    return Fault(content, message, noticed, tuple(suspects))


def _by_phrase(text: str, context: int, noticed: int, doing: str, problem: str) -> Fault:
    """A fault behind an error that has one cause."""
    fitting = (cause for cause in _ONE_CAUSE if cause[0] in doing or cause[0] in problem)
    _, at_context, message = next(fitting, ("", False, f"this is no valid YAML: {problem}"))
    at = context if at_context else noticed
    return Fault(_rest_of_line(text, at), message, noticed, (_line(text, at), _line(text, noticed)))


def _unreadable_character(text: str) -> Fault:
    found = _FORBIDDEN.search(text)
    if found is None:
        return Fault(Span(0, min(1, len(text))), "this is no valid YAML")
    at = found.start()
    message = (
        f"the character U+{ord(text[at]):04X} is not allowed; is this a binary file, or in another encoding?"
    )
    return Fault(Span(at, at + 1), message, at, (_line(text, at),))


def _line(text: str, at: int) -> Span:
    start = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    return Span(start, _match_end(_LINE, text, start))


def _line_above(text: str, line: Span) -> Span | None:
    """The nearest line above that is neither blank nor a comment."""
    while line.start > 0:
        line = _line(text, line.start - 1)
        content = text[line.start : line.end].lstrip()
        if content and not content.startswith("#"):
            return line
    return None


def _content(text: str, line: Span) -> Span:
    """A line without indentation, dashes, comment and trailing space."""
    start = min(_match_end(_BEFORE_KEY, text, line.start), line.end)
    written = re.split(r"\s#", text[start : line.end])[0].rstrip()
    return Span(start, start + len(written))


def _rest_of_line(text: str, at: int) -> Span:
    end = _match_end(_LINE, text, at)
    return Span(at, at + max(len(text[at:end].rstrip()), min(1, len(text) - at)))


def _match_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start
