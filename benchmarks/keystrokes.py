"""What is typed while we measure: cycles of edits that leave the text as they found it.

A cycle is made from the text it is for, so the places are real ones: a value in the middle, the top of the
file, a setting that a control watches. Texts are ASCII (see `manifests.py`), so columns need no encoding.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Edit(NamedTuple):
    """Put `text` in place of a part of one line, or (`joins`) of that part and the line break after it."""

    line: int
    start: int
    end: int
    text: str
    joins: bool = False

    def change(self) -> dict[str, Any]:
        """The edit as an entry of `contentChanges`."""
        end = (
            {"line": self.line + 1, "character": 0}
            if self.joins
            else {"line": self.line, "character": self.end}
        )
        return {
            "range": {"start": {"line": self.line, "character": self.start}, "end": end},
            "text": self.text,
        }

    def applied(self, text: str) -> str:
        """The text after the edit."""
        lines = text.split("\n")
        line = lines[self.line]
        if self.joins:
            lines[self.line : self.line + 2] = [line[: self.start] + self.text + lines[self.line + 1]]
        else:
            lines[self.line] = line[: self.start] + self.text + line[self.end :]
        return "\n".join(lines)


def writing(text: str) -> list[Edit]:
    """Work on a manifest that stays valid YAML: 30 edits.

    Two words typed into a value in the middle and taken back, a finding switched on and off, and a line break
    put in near the top and removed, which moves everything below it.
    """
    lines = text.split("\n")
    value = _near_the_middle(lines, "value: ")
    toggle = _near_the_middle(lines, "allowPrivilegeEscalation: false")
    false = lines[toggle].index("false")
    return [
        *_word(value, len(lines[value]), "-green"),
        Edit(toggle, false, false + 5, "true"),
        Edit(toggle, false, false + 4, "false"),
        *_word(value, len(lines[value]) - 2, "staging"),
        Edit(4, len(lines[4]), len(lines[4]), "\n"),
        Edit(4, len(lines[4]), len(lines[4]), "", joins=True),
    ]


def half_typed(text: str) -> list[Edit]:
    """A new key typed letter by letter and taken back: 33 edits, nearly all of which leave broken YAML."""
    lines = text.split("\n")
    name = _near_the_middle(lines, "image: ")
    indent = lines[name].index("image")
    end = len(lines[name])
    return [
        Edit(name, end, end, "\n" + " " * indent),
        *_word(name + 1, indent, "imagePullPolicy"),
        Edit(name, end, end, "", joins=True),
        Edit(name, end, end + indent, ""),
    ]


def _word(line: int, column: int, word: str) -> list[Edit]:
    """A word typed letter by letter, then taken back the same way."""
    typed = [Edit(line, column + i, column + i, letter) for i, letter in enumerate(word)]
    return typed + [Edit(line, edit.start, edit.start + 1, "") for edit in reversed(typed)]


def _near_the_middle(lines: list[str], part: str) -> int:
    """The line that contains `part` and is nearest to the middle."""
    places = [number for number, line in enumerate(lines) if part in line]
    return min(places, key=lambda number: abs(number - len(lines) // 2))
