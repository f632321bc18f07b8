"""Random edits of manifests, what they lead to, and the fewest of them that still go wrong.

A case is some texts and steps that can be done in any selection: a step counts in code points, and is cut to the text
that it meets. So a failure is made small by leaving out steps, and then lines, for as long as it stays one.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from support.manifests import DOCUMENTS

from kscan_lsp.testing.marks import read_marks
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

T = TypeVar("T")

LONGEST = 3_000
"""Characters from which a text is not made longer."""
EVERYTHING = 1 << 30

TOKENS = [
    ":", ": ", " ", "  ", "\n", "\n  ", "\t", "-", "- ", "\n- ", '"', "'", "#", " # ", "{", "}", "[", "]", ",", "&a ",
    "*a", "!", "!!str ", "!!int ", "|", ">", "|\n", ">-\n", "%", "@", "`", "?", "? ", "\n---\n", "\n...\n", "<<: ",
    "\\", "😀", "\r\n", "\r", "é", "~", "0", ".", "\u2028", "\u0085", "\ufeff", "\x00", "x", "1", "true", "${X}",
    "{{ x }}", "<<: *a\n", "- name: x\n", "kind: Pod\n", "a: {b: [1, {c: d}]}\n", "# kscan:ignore C-0057 -- so\n",
    "ü: [\u2029",
]  # fmt: skip
VALUES = [
    "", "null", "~", "true", "false", "0", "1", "-1", "1.5", "1e3", "0o17", "0x1f", '""', "''", "[]", "{}", "[null]",
    "x", "*", "latest", "nginx:1.25", "root", '"0"', "'true'", "${PORT}", "[a, b]", "{name: x}", "{a: {b: c}, d: e}",
    "on", "2001-01-01", ".inf", "99999999999999999999", "|\n      text", "\n      - a\n      - b", "&a b", "*a",
    "!!str 1", "/", "{x: 1, y: 2, z: 3}", "[{x: {y: 1}, z: 1}]",
]  # fmt: skip
_VALUE = re.compile(r"(?<=: )[^\n]*")
_KEY = re.compile(r"[\w.-]+(?=:)")
_LINE_START = re.compile(r"^", re.MULTILINE)


class Step(NamedTuple):
    """Put `text` in place of the code points from `start` to `end` of a file."""

    file: int
    start: int
    end: int
    text: str

    def applied(self, text: str) -> str:
        return text[: self.start] + self.text + text[max(self.start, self.end) :]


class Case(NamedTuple):
    """Texts of files, and what is done to them one after the other."""

    texts: tuple[str, ...]
    steps: tuple[Step, ...]


@cache
def manifests() -> tuple[str, ...]:
    """Manifests of the controls' own tests, of the examples, and others that edits are tried on."""
    home = Path(__file__).parents[2]
    controls = [
        read_document(path.read_text(encoding="utf-8"))
        for path in sorted(home.glob("policies/controls/*.yaml"))
    ]
    tests = [
        read_marks(test["manifest"])[0] for control in controls for test in control.data.get("tests", ())
    ]
    examples = [path.read_text(encoding="utf-8") for path in sorted(home.glob("examples/**/*.yaml"))]
    texts = (*tests, *DOCUMENTS, *examples)
    return tuple(text for text in texts if len(text) <= LONGEST)


def texts(dice: random.Random) -> tuple[str, ...]:
    """The texts that a case begins with."""
    files = []
    for _ in range(dice.choice([1, 1, 1, 1, 2, 3])):
        text = "---\n".join(dice.choice(manifests()) for _ in range(dice.choice([1, 1, 1, 2])))
        files.append(text.replace("\n", "\r\n") if dice.random() < 0.05 else text)
    return tuple(files)


def step(dice: random.Random, now: Sequence[str], before: Sequence[Sequence[str]]) -> Step:
    """One edit as people make them, or worse.

    Args:
        dice: chance.
        now: the texts of the files.
        before: each file's texts until now, to one of which an edit may lead back.
    """
    file = dice.randrange(len(now))
    text = now[file]
    place = dice.randint(0, len(text))
    way = dice.random()
    if way < 0.22 and (spot := _spot(_VALUE, text, dice)):
        return Step(file, *spot, dice.choice(VALUES))
    if way < 0.32 and (spot := _spot(_KEY, text, dice)):
        return Step(file, *spot, dice.choice([_misspelt(text[slice(*spot)], dice), _key(now, dice)]))
    if way < 0.52 and len(text) < LONGEST:
        return Step(file, place, place, dice.choice(TOKENS))
    if way < 0.64:
        return Step(file, place, place + dice.choice([1, 1, 1, 2, 5, 20]), "")
    if way < 0.86:
        return _of_lines(dice, file, text, now)
    if way < 0.97 and before[file]:
        return Step(file, 0, EVERYTHING, dice.choice(before[file][-8:]))
    return Step(file, 0, EVERYTHING, dice.choice(texts(dice)))


def _of_lines(dice: random.Random, file: int, text: str, now: Sequence[str]) -> Step:
    starts = [found.start() for found in _LINE_START.finditer(text)]
    first = dice.randrange(len(starts))
    last = min(len(starts) - 1, first + dice.choice([1, 1, 2, 4, 10]))
    start, end = starts[first], starts[last]
    lines = text[start:end]
    way = dice.random()
    if way < 0.25:
        return Step(file, start, end, "")
    if way < 0.5:
        shift = dice.choice(["  ", "- ", "# ", "    "])
        return Step(file, start, end, "".join(shift + line for line in lines.splitlines(keepends=True)))
    if way < 0.65:
        return Step(file, start, end, re.sub(r"^(?:  |- )", "", lines, flags=re.MULTILINE))
    if way < 0.8:
        return Step(file, start, end, "".join(reversed(lines.splitlines(keepends=True))))
    if len(text) > LONGEST:
        return Step(file, start, EVERYTHING, "")
    other = dice.choice(now) if way < 0.9 else dice.choice(manifests())
    cut = dice.randint(0, len(other))
    more = lines if way < 0.85 else other[cut : cut + 300]
    return Step(file, start, start, dice.choice(["", "---\n"]) + more)


def _spot(pattern: re.Pattern[str], text: str, dice: random.Random) -> tuple[int, int] | None:
    """Where something is found in a text, from a place on that chance names."""
    found = pattern.search(text, dice.randint(0, len(text))) or pattern.search(text)
    return found.span() if found else None


def _misspelt(word: str, dice: random.Random) -> str:
    at = dice.randrange(len(word))
    return dice.choice(
        [word[:at] + word[at + 1 :], word[:at] + "x" + word[at:], word.swapcase(), f'"{word}"']
    )


def _key(now: Sequence[str], dice: random.Random) -> str:
    spot = _spot(_KEY, text := dice.choice([*now, dice.choice(manifests())]), dice)
    return text[slice(*spot)] if spot else "x"


# The smallest case


def smallest(case: Case, fails: Callable[[Case], bool]) -> Case:
    """A case with as little in it as goes wrong all the same."""
    case = _fewer_steps(case, fails)
    if not fails(stated := whole(case)):
        return case
    case = stated
    for place in range(len(case.texts) + len(case.steps)):

        def with_lines(kept: Sequence[str], place: int = place, case: Case = case) -> Case:
            return _with_text(case, place, "".join(kept))

        lines = (*case.texts, *(one.text for one in case.steps))[place].splitlines(keepends=True)
        case = with_lines(fewest(lines, lambda kept: fails(with_lines(kept))))
    return _fewer_steps(case, fails)


def _fewer_steps(case: Case, fails: Callable[[Case], bool]) -> Case:
    def with_steps(kept: Sequence[Step]) -> Case:
        return case._replace(steps=tuple(kept))

    return with_steps(fewest(case.steps, lambda kept: fails(with_steps(kept))))


def _with_text(case: Case, place: int, text: str) -> Case:
    number = place - len(case.texts)
    if number < 0:
        return case._replace(texts=(*case.texts[:place], text, *case.texts[place + 1 :]))
    steps = list(case.steps)
    steps[number] = steps[number]._replace(text=text)
    return case._replace(steps=tuple(steps))


def whole(case: Case) -> Case:
    """The same case with steps that each give the whole text, so that lines of it can be left out."""
    now = list(case.texts)
    steps = []
    for one in case.steps:
        now[one.file] = one.applied(now[one.file])
        steps.append(Step(one.file, 0, EVERYTHING, now[one.file]))
    return Case(case.texts, tuple(steps))


def fewest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """As few of some items as still fail: large pieces are left out first, then ever smaller ones."""
    size = max(1, len(items) // 2)
    while True:
        at, found = 0, False
        while at < len(items):
            fewer = [*items[:at], *items[at + size :]]
            if fails(fewer):
                items, found = fewer, True
            else:
                at += size
        if size == 1 and not found:
            return items
        size = max(1, size // 2) if not found or size > 1 else 1
