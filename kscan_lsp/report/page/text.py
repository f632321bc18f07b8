"""What all parts of the page are written with: text that is nothing but text, tables, folds, and places in files."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from msgspec import Struct

from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kscan_lsp.findings import ResourceId

    UriOf = Callable[[str], str | None]

PLACE_SCHEME: Final = "kscan-place:"
"""Links to places: this, the file's URI percent-encoded, `#L`, line, comma, column. An editor knows what to do."""


class PlaceLinks(Struct, frozen=True):
    """Writes places in files, as links where there is somewhere to go."""

    uri_of: UriOf

    def place(self, file: str, line: int, column: int = 0) -> str:
        """A file's name, line and perhaps column."""
        at = f":{line}:{column}" if column else f":{line}"
        label = f'<span class="place">{name(file)}<span class="at">{at}</span></span>'
        return self.link(file, label, (line, column or 1))

    def link(self, file: str, label: str, at: tuple[int, int]) -> str:
        """Some HTML that leads to a place."""
        uri = self.uri_of(file)
        if uri is None:
            return label
        return f'<a href="{PLACE_SCHEME}{quote(uri, safe="")}#L{at[0]},{at[1]}">{label}</a>'


def text(raw: str) -> str:
    """Text of a manifest, or anything else, as nothing but text."""
    return escape(printable(raw))


def name(file: str) -> str:
    """A file's name, which may be broken after each slash."""
    return text(file).replace("/", "/<wbr>")


def code(raw: str) -> str:
    """An id or a command."""
    return f"<code>{text(raw)}</code>"


def ids(names: Iterable[str]) -> str:
    """Ids of controls, none of which is broken at its hyphen."""
    return ", ".join(f'<code class="id">{text(one)}</code>' for one in names)


def prose(raw: str) -> str:
    """What a control's author wrote, with `code` shown as such."""
    parts = text(raw).split("`")
    return "".join(
        f"<code>{part}</code>" if n % 2 and n < len(parts) - 1 else part for n, part in enumerate(parts)
    )


def also(raw: str) -> str:
    """A line of less weight below something."""
    return f'<span class="also quiet">{text(raw)}</span>'


def resource(who: ResourceId) -> str:
    """An object by its kind, name and namespace."""
    return f"{text(who.kind)} <b>{text(who.shown_name)}</b>{also(f'in {who.namespace}') if who.namespace else ''}"


def heading(title: str, anchor: str) -> str:
    """The heading of a part that the list of contents leads to."""
    return f'<h2 id="{anchor}">{title}</h2>'


def quiet(line: str) -> str:
    """A line of explanation below a heading, as HTML."""
    return f'<p class="quiet">{line}</p>'


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows of a place, perhaps what it is, and what there is to say; all of it HTML."""
    yield '<table class="rows"><tbody>'
    for where, *what, detail in rows:
        cells = "".join(f'<td class="what">{cell}</td>' for cell in what)
        yield f'<tr><td class="where">{where}</td>{cells}<td>{detail}</td></tr>'
    yield "</tbody></table>"


def fold(summary: str, inside: Iterable[str], *, unfolded: bool = False, tone: str = "") -> Iterator[str]:
    """Something that is seen when it is asked for, and always in print; `summary` and `inside` are HTML."""
    css = f' class="{tone}"' if tone else ""
    yield f"<details{css}{' open' if unfolded else ''}><summary>{summary}</summary>"
    yield '<div class="inside">'
    yield from inside
    yield "</div></details>"
