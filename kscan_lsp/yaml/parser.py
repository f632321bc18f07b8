"""libyaml's events, with the one correction that makes it read what kubectl reads.

kubectl parses with go-yaml 2, a translation of libyaml to Go, so libyaml itself (0.1.7, in ruamel.yaml.clib)
agrees with it on nearly everything, errors included. In a hundred thousand broken texts the one difference
was a colon inside a plain scalar in a flow collection, `[http://x:80/y]`, which go-yaml accepts. There such
colons are hidden behind a character of the private use area before parsing. ruamel's pure parser reads YAML
1.2, accepts what kubectl refuses, refuses what it accepts (tabs), and takes ten times as long; it is not
used.

Left out on purpose: everything about nodes (`reader.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from _ruamel_yaml import CParser
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from kscan_lsp.regex import regex
from kscan_lsp.yaml.tree import MAX_DEPTH

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    Event: TypeAlias = Any  # ruamel's events have no types
    Events: TypeAlias = Callable[[], Event]

ERRORS: Final = (YAMLError, UnicodeError)
"""What the parser raises on a text that is no YAML; `UnicodeError` on half a surrogate pair."""

_MANY_BRACKETS: Final = 200
_HIDDEN: Final = "\ue000"
# A colon in the middle of a plain scalar, or in front of its second word; tags keep theirs.
_PLAIN_COLON: Final = regex(
    r"(![^\s,\[\]{}]+)"
    r"|(?<=[^\s\"'\]},\[{]):(?!\s|\Z)"
    r"|(?<=[^\s\"'\]},\[{:])([ \t]+):(?!\s|\Z)"
)


def events(text: str) -> Events:
    """A function that returns the next event at every call; marks count code points. It raises `ERRORS`."""
    next_event: Events = CParser(text).get_event
    return next_event


def hide_colons(text: str) -> str | None:
    """A text of the same length whose plain scalars have no colons; None if that cannot be undone."""
    return None if _HIDDEN in text else _PLAIN_COLON.sub(_hide, text)


def show_colons(value: str) -> str:
    """Undo `hide_colons` in one value."""
    return value.replace(_HIDDEN, ":")


def stumbles_over_colon(error: BaseException) -> bool:
    """Whether an error is about a colon that go-yaml would accept."""
    return getattr(error, "problem", "") == "found unexpected ':'"


def first_error(text: str) -> int | None:
    """Where the first syntax error of a text is noticed; None where there is none.

    For trying things out: mostly libyaml runs through the text without making events, which is six times as fast as
    reading them. Its time grows with the depth of brackets, so a text with many of them is read with a limit.
    """
    many = text.count("[") + text.count("{") > _MANY_BRACKETS
    check = _check_events if many else _check
    error = check(text)
    if isinstance(error, Exception) and stumbles_over_colon(error):
        hidden = hide_colons(text)
        error = error if hidden is None else check(hidden)
    if isinstance(error, Exception):
        mark = getattr(error, "problem_mark", None)
        return 0 if mark is None else min(mark.index, len(text))
    return error


def _check(text: str) -> Exception | None:
    try:
        CParser(text).raw_parse()
    except ERRORS as error:
        return _alone(error)
    return None


def _check_events(text: str) -> Exception | int | None:
    depth = 0
    try:
        next_event = events(text)
        while (kind := type(event := next_event())) is not StreamEndEvent:
            if kind is MappingStartEvent or kind is SequenceStartEvent:
                depth += 1
                if depth > MAX_DEPTH:
                    return int(event.start_mark.index)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                depth -= 1
    except ERRORS as error:
        return _alone(error)
    return None


def _alone(error: Exception) -> Exception:
    """An error that keeps nothing alive: through its traceback whoever holds it holds himself, and all on the way."""
    return error.with_traceback(None)


def _hide(found: re.Match[str]) -> str:
    tag, space = found.groups()
    return tag or f"{space or ''}{_HIDDEN}"
