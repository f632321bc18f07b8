"""Text from manifests made fit for a terminal.

A manifest can hold escape sequences that move the cursor, change the title or hide what is on the screen,
and marks that reorder text. None of that may reach a terminal as it is: it is shown as what it is.
"""

from __future__ import annotations

import unicodedata

_KEPT = frozenset("\n\t")


def printable(text: str) -> str:
    r"""The text with line ends and tabs kept and every other character that does not print made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in _KEPT else visible(c) for c in text)


def visible(character: str) -> str:
    r"""One character as it can be shown: `␛` for escape, `\u202e` for what changes direction."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    # what does not print: controls, format marks, halves of a pair, line ends that a terminal may honour
    if not character.isprintable() and unicodedata.category(character) != "Zs":
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 file`, `2 files`."""
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"
