"""All that is known of one image: a page with search and sort for editors that show pages, and Markdown for others.

The page's only script is in its policy by its hash, as that of a fleet; without it all rows are there, the worst first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.evidence.image_facts import counts_text
from kscan_lsp.lsp.features.images import inline
from kscan_lsp.regex import regex
from kscan_lsp.report.page.shell import page
from kscan_lsp.report.page.text import code, name, quiet, text
from kscan_lsp.report.printable import counted
from kscan_lsp.workspace.image_uses import known_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.evidence.images import ImageReport, Vulnerability
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot

MAX_ROWS: Final = 5_000
COLUMNS: Final = ("severity", "id", "package", "installed", "fixed in", "exploited", "EPSS", "VEX")
_ADDRESS: Final = regex(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{1,500}")
_SEARCH: Final = """
const search = document.querySelector("input[type=search]");
const shown = document.querySelector(".shown");
search?.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let number = 0;
  for (const row of document.querySelector("table.sortable").tBodies[0].rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    number += row.hidden ? 0 : 1;
  }
  shown.textContent = number.toString();
});
"""


def image_page(snapshot: DocumentSnapshot, image: str) -> dict[str, Any] | None:
    """`{html, markdown}` about an image; None where nothing is known of it."""
    known = known_of(snapshot.project)
    report = known.images.of(image) if known else None
    if known is None or report is None:
        return None
    from kscan_lsp.report.fleet.page import SCRIPT

    found = sorted(report.vulnerabilities, key=lambda one: one.rank, reverse=True)
    about = _about(snapshot, report, found)
    body = _body(image, about, found[:MAX_ROWS], len(found))
    return {
        "html": page(f"Vulnerabilities of {image}", body, SCRIPT + _SEARCH),
        "markdown": "\n".join(_markdown(image, about, found[:MAX_ROWS])) + "\n",
    }


def _about(snapshot: DocumentSnapshot, report: ImageReport, found: Sequence[Vulnerability]) -> list[str]:
    counting = [one for one in found if one.counts]
    settled = len(found) - len(counting)
    ended = ", which gets no updates any more" if report.end_of_life else ""
    age = (snapshot.project.evidence.today - report.made).days if report.made else None
    return [
        counts_text(counting),
        *([f"{settled} settled by VEX or ignored"] if settled else []),
        *([f"built on {report.system}{ended}"] if report.system else []),
        report.source if age is None else f"{report.source}, {counted(age, 'day')} old",
    ]


def _body(image: str, about: list[str], found: Sequence[Vulnerability], number: int) -> Iterator[str]:
    yield f"<h1>{name(image)}</h1>"
    yield quiet(" &middot; ".join(map(text, about)))
    if not found:
        return
    left = f", of {number:,} the worst" if number > len(found) else ""
    yield (
        '<p><label>Search <input type="search" size="40" autofocus></label> '
        f'<span class="quiet"><span class="shown">{len(found)}</span> shown{left}</span></p>'
    )
    yield '<table class="sortable"><thead><tr>'
    for column in COLUMNS:
        kind = "" if column in {"severity", "EPSS"} else ' data-text=""'
        yield f'<th scope="col"{kind}><button type="button">{column}</button></th>'
    yield "</tr></thead><tbody>"
    for one in found:
        cells = zip(COLUMNS, _cells(one), strict=True)
        row = "".join(
            f'<td data-label="{label}" data-key="{key}">{html}</td>' for label, (html, key) in cells
        )
        yield f"<tr>{row}</tr>"
    yield "</tbody></table>"


def _cells(one: Vulnerability) -> Iterator[tuple[str, str]]:
    """What stands in each column as HTML, and what it is sorted by."""
    label = one.severity.label if one.severity else "not rated"
    tone = one.severity.label if one.severity else "quiet"
    yield f'<span class="{tone} tone">{label}</span>', str(int(one.severity or 0))
    link = one.url if one.url.startswith(("https://", "http://")) else ""
    shown = f'<a href="{text(link)}">{code(one.id)}</a>' if link else code(one.id)
    title = f'<br><span class="quiet">{text(one.title)}</span>' if one.title else ""
    yield shown + title, text(one.id)
    yield text(one.package), text(one.package)
    yield text(one.installed), text(one.installed)
    fixed = text(", ".join(one.fixed))
    yield fixed, fixed
    yield ("exploited", "1") if one.kev else ("", "0")
    yield ("", "-1") if one.epss is None else (f"{one.epss:.1%}", f"{one.epss:.6f}")
    said = one.status.replace("_", " ")
    reason = f'<br><span class="quiet">{text(one.reason)}</span>' if one.reason else ""
    yield text(said) + reason, text(said)


def _markdown(image: str, about: list[str], found: Sequence[Vulnerability]) -> Iterator[str]:
    yield f"# {inline(image)}"
    yield ""
    yield "; ".join(map(inline, about))
    yield ""
    if not found:
        return
    yield f"| {' | '.join(COLUMNS)} | link |"
    yield "|" + " --- |" * (len(COLUMNS) + 1)
    for one in found:
        cells = (
            one.severity.label if one.severity else "not rated", one.id, one.package, one.installed,
            ", ".join(one.fixed), "exploited" if one.kev else "", "" if one.epss is None else f"{one.epss:.1%}",
            one.status.replace("_", " "),
        )  # fmt: skip
        link = f"<{one.url}>" if _ADDRESS.fullmatch(one.url) else inline(one.url)
        yield f"| {' | '.join(map(inline, cells))} | {link} |"
