"""Where a control looks and points: `each`, `at` and the paths of a fix, parsed once.

A path in a control is relative to the element being judged, or starts with an anchor that says from where.
Parts in braces are CEL and become keys or indices when a finding is made, so a control can point at one entry
of a list it found by content.
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from kscan_lsp import cel, paths
from kscan_lsp.paths import Path
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.regex import regex
from kscan_lsp.text import close_matches

ANCHORS: Final = frozenset({"object", "podTemplate", "pod", "container", "item", "effective"})
_STARTS: Final = ("containers", "podTemplate", "pod", "object")
_MEANT: Final[dict[str | int | None, list[str]]] = {
    "resource": ["object"],
    "initContainers": ["containers"],
    "ephemeralContainers": ["containers"],
}
HOLE: Final = regex(r"\{([^{}]*)\}")
"""CEL in a path."""


class Each(Struct, frozen=True, omit_defaults=True):
    """What a check judges one by one.

    `start` is an anchor or `containers`; `steps` follow from there, with `paths.EACH` for every list item or
    map entry.
    """

    start: str
    steps: paths.Pattern = ()

    @property
    def itemised(self) -> bool:
        """Whether elements are bound as `item`."""
        return bool(self.steps)

    def binds(self, anchor: str) -> bool:
        """Whether a path of a check can start with this anchor."""
        if anchor == "item":
            return self.itemised
        return anchor not in {"container", "effective"} or self.start == "containers"


class Target(Struct, frozen=True):
    """A path to point at or to change. An empty anchor is the element judged."""

    anchor: str
    parts: tuple[str | int | cel.Expression, ...]

    def expressions(self) -> list[cel.Expression]:
        """What stands in its braces."""
        return [part for part in self.parts if isinstance(part, cel.Expression)]


def parse_each(text: str) -> Each:
    """Parse an `each`; ValueError says what is wrong."""
    if text in ("resource", ""):
        return Each("object")
    steps = paths.parse_pattern(text)
    first = steps[0]
    if first in _STARTS:
        return Each(str(first), tuple(steps[1:]))
    if meant := _MEANT.get(first) or close_matches(str(first), _STARTS, n=1, cutoff=0.8):
        raise ValueError(f"nothing has '{first}' at its top; did you mean '{meant[0]}'?")
    return Each("object", tuple(steps))


def parse_target(
    text: str, let: Sequence[tuple[str, str]], declared: cel.Declared = ()
) -> Target | cel.CelError:
    """Parse a path of `at` or `fix`; `let` and `declared` are those of `cel.compile_expression`.

    Returns:
        The target, or what is wrong with an expression in it.

    Raises:
        ValueError: it is no path; the message says why.
    """
    holes: list[cel.Expression] = []

    def keep(match: re.Match[str]) -> str:
        compiled = cel.compile_expression(CONTROLS, match[1], let=let, declared=declared)
        if isinstance(compiled, cel.CelError):
            raise _BadHoleError(compiled)
        holes.append(compiled)
        return f'"\0{len(holes) - 1}"'

    try:
        quoted = HOLE.sub(keep, text)
    except _BadHoleError as error:
        return error.error
    if stray := re.search(r"[{}]", quoted):
        raise ValueError(f"{stray[0]!r} has no counterpart, or stands inside other braces: {text}")
    parts = paths.parse(quoted) if quoted else ()
    anchor = ""
    if parts and parts[0] in ANCHORS:
        anchor, parts = str(parts[0]), parts[1:]
    return Target(
        anchor, tuple(holes[int(p[1:])] if isinstance(p, str) and p.startswith("\0") else p for p in parts)
    )


def fill(target: Target, activation: cel.Activation) -> Path | cel.Failed:
    """The target's parts with their expressions evaluated."""
    filled: list[str | int] = []
    for part in target.parts:
        if isinstance(part, cel.Expression):
            value = cel.evaluate(part, activation)
            if isinstance(value, cel.Failed):
                return value
            if isinstance(value, bool) or not isinstance(value, str | int):
                return cel.Failed("a part of a path must be a string or a whole number")
            if isinstance(value, int) and value < 0:  # as `indexOf` says that there is none
                return cel.Failed("a part of a path must not be below 0")
            filled.append(value)
        else:
            filled.append(part)
    return tuple(filled)


class _BadHoleError(Exception):
    def __init__(self, error: cel.CelError) -> None:
        super().__init__(error.message)
        self.error = error
