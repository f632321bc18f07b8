"""What may have been meant by a name that nothing has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.regex import regex
from kscan_lsp.text import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterable


_NUMBERED: Final = regex(r"[A-Za-z]+-?[0-9]+")


_LEADING_ZEROS: Final = regex(r"(?<=-)0+")


_VERSION: Final = regex(r"[0-9]+(?:\.[0-9]+)+$")


def nearest_name(name: str, known: list[str]) -> str:
    """A sentence that proposes the nearest known names, or lists all of a few; empty where nothing fits.

    An id without its zeros is nearest to the one with them: C-57 is C-0057, although C-0257 has more of its characters
    in a row. Next is a name that begins with what was typed, as a framework without its version does.
    """
    for other in known:
        if _LEADING_ZEROS.sub("", other) == _LEADING_ZEROS.sub("", name):
            return f"; did you mean '{other}'?"
    longer = _newest(other for other in known if name and other.lower().startswith(name.lower()))
    if 0 < len(longer) <= 5:
        *others, last = (f"'{other}'" for other in longer)
        return f"; did you mean {', '.join(others)}{' or ' * bool(others)}{last}?"
    # of ids with the same number of digits, any is as near as the next one
    cutoff = 0.85 if _NUMBERED.fullmatch(name) else 0.6
    if match := close_matches(name, known, n=1, cutoff=cutoff):
        return f"; did you mean '{match[0]}'?"
    return f"; known are {', '.join(known)}" if 0 < len(known) <= 12 else ""


def _newest(names: Iterable[str]) -> list[str]:
    """Names in their order; of those that differ in nothing but the version at their end, the newest."""
    newest: dict[str, tuple[list[int], str]] = {}
    for name in names:
        version = _VERSION.search(name)
        numbers = [int(number) for number in version[0].split(".")] if version else []
        family = name[: version.start()] if version else name
        newest[family] = max(newest.get(family, (numbers, name)), (numbers, name))
    return [name for _, name in newest.values()]
