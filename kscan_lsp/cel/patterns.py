"""Regular expressions whose cost is bounded whatever the pattern says.

Patterns come from control files and settings, texts from manifests: nobody vouches for either. RE2 is linear in the
text, but its factor grows with the pattern, and it says only whether there is a match. Python's `re` can take for
ever. So a pattern's size decides whether it is used at all, Python's `re`, by far the fastest for the short texts of manifests,
is used up to the length where its worst case is harmless; beyond it, `find` keeps a set of visited (instruction,
offset) pairs, which gives the same leftmost match in at most size times length steps, and whoever only asks
whether there is a match turns to RE2.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from kscan_lsp.cel.pattern_syntax import Char, Choice, Edge, Node, Repeat, Series, Test, read

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LENGTH = 2_000
"""Characters of one pattern."""
MAX_SIZE = 4_000
"""Weight of one pattern: about its instructions in RE2, counted repetition written out."""
MAX_TOTAL = 40_000
"""Weight of a list of patterns."""
MAX_BACKTRACKING = 2_000_000
"""Steps that Python's `re` may need at worst, some hundredths of a second."""
_LENGTHS = (8, 32, 64, 128, 256, 512, 1024, 4096, 16_384, 65_536, 262_144)
MAX_STEPS = 200_000
"""Steps of one search without `re`, some tenths of a second at worst."""
STEP = 50
"""How many steps of `re` such a step takes."""


class _Take(NamedTuple):
    test: Test


class _Hold(NamedTuple):
    edge: Edge


class _Split(NamedTuple):
    first: int
    second: int


class _Done(NamedTuple):
    pass


_Instruction: TypeAlias = _Take | _Hold | _Split | _Done


class Pattern(NamedTuple):
    """A pattern ready to be searched for."""

    program: tuple[_Instruction, ...]
    size: int
    regex: re.Pattern[str] | None
    """The same for Python's `re`, if it can be said there."""
    worst: tuple[tuple[int, int], ...]
    """Lengths of text with the steps that `regex` then takes at most, as long as they are bearable."""

    def steps(self, length: int) -> int:
        """The steps that `regex` takes at most on a text of some length; -1 where that could be too many."""
        return next((steps for reach, steps in self.worst if length <= reach), -1)


def compile_pattern(pattern: str) -> Pattern:
    """Compile a pattern that RE2 accepts.

    Raises:
        ValueError: it is too long or too large, or uses syntax that is left out.
    """
    return compile_patterns((pattern,))


def compile_patterns(patterns: Sequence[str]) -> Pattern:
    """Compile patterns into one that matches where any of them does.

    Raises:
        ValueError: as for `compile_pattern`, or together they are too large.
    """
    if any(len(pattern) > MAX_LENGTH for pattern in patterns):
        raise ValueError(f"a regular expression is longer than {MAX_LENGTH:,} characters")
    nodes = tuple(map(read, patterns))
    sizes = list(map(_size, nodes))
    if max(sizes, default=0) > MAX_SIZE or sum(sizes) > MAX_TOTAL:
        raise ValueError("a regular expression is too large")
    node = nodes[0] if len(nodes) == 1 else Choice(nodes)
    program: list[_Instruction] = []
    _emit(node, program)
    program.append(_Done())
    source = _python(node)
    if source is None:
        return Pattern(tuple(program), sum(sizes), None, ())
    worst = ((length, _worst(node, length)) for length in _LENGTHS)
    bearable = tuple((length, int(steps)) for length, steps in worst if steps <= MAX_BACKTRACKING)
    return Pattern(tuple(program), sum(sizes), re.compile(source), bearable)


def _python(node: Node) -> str | None:
    """The pattern for Python's `re`; `None` if that would match differently or has no words for it."""
    match node:
        case Char() | Edge():
            return node.source or None
        case Series() | Choice():
            parts = [_python(part) for part in node.parts]
            if any(part is None for part in parts):
                return None
            joined = ("|" if isinstance(node, Choice) else "").join(part or "" for part in parts)
            return f"(?:{joined})"
        case Repeat():
            part = _python(node.part)
            if part is None or _nullable(node.part):
                return None
            high = "" if node.high is None else node.high
            return f"(?:{part}){{{node.low},{high}}}{'?' if node.lazy else ''}"


def _nullable(node: Node) -> bool:
    """Whether a pattern can match nothing: repeated, such a part means slightly different things in RE2 and Python."""
    match node:
        case Char():
            return False
        case Edge():
            return True
        case Series():
            return all(map(_nullable, node.parts))
        case Choice():
            return any(map(_nullable, node.parts))
        case Repeat():
            return not node.low or _nullable(node.part)


def _worst(node: Node, length: int) -> float:
    """An upper bound on the steps a backtracking search makes over a text of this length."""
    return (length + 1) * (length + _ways(node, length) * _leaves(node))


def _ways(node: Node, length: int) -> float:
    """At most in how many ways a pattern can match from one offset on: what backtracking may have to try."""
    match node:
        case Char() | Edge():
            return 1
        case Series():
            return math.prod(_ways(part, length) for part in node.parts)
        case Choice():
            return sum(_ways(part, length) for part in node.parts)
        case Repeat():
            most = length if node.high is None else min(node.high, length)
            each = _ways(node.part, length)
            if each <= 1:
                return max(1, most - node.low + 1)
            return math.inf if most * math.log2(each) > 60 else (most + 1) * each**most


def _leaves(node: Node) -> int:
    match node:
        case Char() | Edge():
            return 1
        case Series() | Choice():
            return 1 + sum(map(_leaves, node.parts))
        case Repeat():
            return 1 + _leaves(node.part)


def _size(node: Node) -> int:
    match node:
        case Char():
            return node.size
        case Edge():
            return 1
        case Series() | Choice():
            return 1 + sum(map(_size, node.parts))
        case Repeat():
            return 1 + (_size(node.part) + 1) * max(node.low + (node.high is None), node.high or 0)


def _emit(node: Node, program: list[_Instruction]) -> None:
    match node:
        case Char():
            program.append(_Take(node.test))
        case Edge():
            program.append(_Hold(node))
        case Series():
            for part in node.parts:
                _emit(part, program)
        case Choice():
            _emit_choice(node, program)
        case Repeat():
            for _ in range(node.low - (node.low > 0 and node.high is None)):
                _emit(node.part, program)
            if node.high is None:
                # `x*` is `(x+)?`: a part that can be empty then gives up in the same place as in RE2.
                entry = _reserve(program) if not node.low else -1
                start = len(program)
                _emit(node.part, program)
                program.append(_fork(start, len(program) + 1, lazy=node.lazy))
                if entry >= 0:
                    program[entry] = _fork(start, len(program), lazy=node.lazy)
            else:
                starts = []
                for _ in range(node.high - node.low):
                    starts.append(_reserve(program))
                    _emit(node.part, program)
                for start in starts:
                    program[start] = _fork(start + 1, len(program), lazy=node.lazy)


def _emit_choice(node: Choice, program: list[_Instruction]) -> None:
    ends = []
    for part in node.parts[:-1]:
        start = _reserve(program)
        _emit(part, program)
        ends.append(_reserve(program))
        program[start] = _Split(start + 1, len(program))
    _emit(node.parts[-1], program)
    for end in ends:
        program[end] = _Split(len(program), len(program))


def _reserve(program: list[_Instruction]) -> int:
    program.append(_Done())
    return len(program) - 1


def _fork(inside: int, after: int, *, lazy: bool) -> _Split:
    return _Split(after, inside) if lazy else _Split(inside, after)


def find(pattern: Pattern, text: str, limit: int, most: int) -> tuple[list[str], int]:
    """What a pattern matches in a text, from left to right, not overlapping; at most `limit` when not negative.

    As in Go, an empty match right after another match does not count.

    Args:
        pattern: what to look for.
        text: where.
        limit: how many matches are wanted; -1 for all.
        most: steps the search may take.

    Returns:
        The matches, and the steps in terms of Python's `re`.

    Raises:
        ValueError: the search takes too long.
    """
    found: list[str] = []
    quick = pattern.regex if (bound := pattern.steps(len(text))) >= 0 else None
    # Searches with `re` begin where the one before ended: all together they take no longer than one.
    spent = max(bound, 0)
    start, last_end = 0, -1
    while start <= len(text) and len(found) != limit:
        if quick is not None:
            match = quick.search(text, start)
            begin, end = match.span() if match else (-1, -1)
        else:
            begin, end, used = _search(pattern.program, text, start, most - spent)
            spent += used
        if begin < 0:
            break
        if end > begin or begin != last_end:
            found.append(text[begin:end])
            last_end = end
        start = end if end > begin else end + 1
    return found, spent if quick is not None else spent * STEP


def _search(program: tuple[_Instruction, ...], text: str, start: int, steps: int) -> tuple[int, int, int]:
    """Begin and end of the leftmost match at or after `start` (-1 for none), and the steps it took."""
    # What failed at an offset for one beginning fails there for a later one: the visited pairs are shared.
    visited: set[tuple[int, int]] = set()
    used = 0
    for begin in range(start, len(text) + 1):
        stack = [(0, begin)]
        while stack:
            state = stack.pop()
            if state in visited:
                continue
            visited.add(state)
            used += 1
            if used > steps:
                raise ValueError("a regular expression takes too long on this text")
            index, at = state
            instruction = program[index]
            if isinstance(instruction, _Take):
                if at < len(text) and instruction.test(text[at]):
                    stack.append((index + 1, at + 1))
            elif isinstance(instruction, _Split):
                stack += ((instruction.second, at), (instruction.first, at))
            elif isinstance(instruction, _Done):
                return begin, at, used
            elif instruction.edge.holds(text, at):
                stack.append((index + 1, at))
    return -1, -1, used
