"""The images that workloads run: a fold for each, with filters.

A filter is a box that the style looks at, so it works where no script runs. Packages are numbered by how often they are
at fault; the first `PACKAGES` of them can be chosen, and the style has a rule for each number. The script adds what a
style cannot do: a box that searches all tables, and heads of columns that sort.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from kscan_lsp.findings import Severity
from kscan_lsp.report.page.style import PACKAGES
from kscan_lsp.report.page.text import code, fold, heading, quiet, resource, text
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kscan_lsp.evidence.images import Vulnerability
    from kscan_lsp.report.image_model import ReportedImage
    from kscan_lsp.report.model import Report
    from kscan_lsp.report.page.text import PlaceLinks

SCRIPT: Final = """
const isShown = (element) => !element.hidden && getComputedStyle(element).display !== "none";
for (const search of document.querySelectorAll(".search")) {
  search.hidden = false;
  const input = search.querySelector("input"), said = search.querySelector("output");
  const find = () => {
    const words = input.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let number = 0;
    for (const image of document.querySelectorAll(".image")) {
      const name = image.querySelector("summary b").textContent.toLowerCase();
      let found = 0;
      for (const row of image.querySelectorAll(".vulnerabilities tbody tr")) {
        const text = name + " " + row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        found += isShown(row);
      }
      image.hidden = words.length > 0 && found === 0;
      if (words.length > 0 && found > 0) image.querySelector("details").open = true;
      number += isShown(image) ? found : 0;
    }
    said.textContent = words.length > 0 ? number + " found" : "";
  };
  input.addEventListener("input", find);
  search.parentElement.addEventListener("change", find);
}
for (const table of document.querySelectorAll(".vulnerabilities")) {
  const body = table.tBodies[0], first = [...body.rows];
  const heads = [...table.querySelectorAll("th")];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].textContent;
      const rows = [...first];
      if (column < heads.length - 1) rows.sort((a, b) => key(a).localeCompare(key(b), "en", {numeric: true}));
      body.append(...(up ? rows : rows.reverse()));
    });
  });
}
"""
"""Rows come the worst first, which is what the last column sorts by."""
MAX_ROWS: Final = 500
"""Vulnerabilities listed of one image; the JSON report has all."""
_MAX_PLACES: Final = 20


def images(report: Report, places: PlaceLinks) -> Iterator[str]:
    """What is known of images, the worst first."""
    if not report.images:
        return
    known = [image for image in report.images if image.source]
    unknown = [image for image in report.images if not image.source]
    packages = Counter(one.package for image in known for one in image.vulnerabilities)
    numbers = {name: number for number, (name, _) in enumerate(packages.most_common(PACKAGES), start=1)}
    yield heading("Images", "images")
    if packages:
        yield from _filters(numbers, packages)
    for image in known:
        yield from _image(image, numbers, places, unfolded=len(known) == 1)
    if unknown:
        names = ", ".join(code(image.reference) for image in unknown)
        yield quiet(f"No report is about {names}.")


def _filters(numbers: Mapping[str, int], packages: Mapping[str, int]) -> Iterator[str]:
    """Boxes and a list; the style hides the rows that they leave out."""
    levels = [*(one.label for one in sorted(Severity, reverse=True)), "unrated"]
    boxes = [f'<label><input type="checkbox" class="show-{name}" checked> {name}</label>' for name in levels]
    wanted = {"fixable": "with a fix", "exploited": "exploited", "exposed": "within reach"}
    boxes += [f'<label><input type="checkbox" class="only-{k}"> only {v}</label>' for k, v in wanted.items()]
    options = "".join(
        f'<option value="{number}">{text(name)} ({packages[name]})</option>'
        for name, number in numbers.items()
    )
    yield (
        f'<div class="filters">{"".join(boxes)}<label>package <select class="package">'
        f'<option value="0">any</option>{options}</select></label>'
        '<span class="search" hidden><label>search <input type="search" placeholder="id, package, image"></label> '
        '<output aria-live="polite"></output></span></div>'
    )


def _image(
    image: ReportedImage, numbers: Mapping[str, int], places: PlaceLinks, *, unfolded: bool
) -> Iterator[str]:
    worst = image.vulnerabilities[0].severity if image.vulnerabilities else None
    summary = (
        f'<span class="tag">{worst.label if worst else "none" if not image.vulnerabilities else "unrated"}</span>'
        f"<b>{text(image.reference)}</b>"
        f'<span class="tag">{text(image.counts)}</span>'
    )
    yield f'<div class="image{" exposed" if image.exposure else ""}">'
    yield from fold(
        summary, _inside(image, numbers, places), unfolded=unfolded, tone=worst.label if worst else "good"
    )
    yield "</div>"


def _inside(image: ReportedImage, numbers: Mapping[str, int], places: PlaceLinks) -> Iterator[str]:
    age = f", {counted(image.age_days, 'day')} old" if image.age_days is not None else ""
    about = [f"Seen by {text(image.source)}{age}."]
    if image.exposure:
        about.append(f"Reachable from outside: {text(', '.join(image.exposure))}.")
    if image.system:
        ended = ", which gets no updates any more" if image.end_of_life else ""
        about.append(f"Built on {text(image.system)}{ended}.")
    yield quiet(" ".join(about))
    if image.digest:
        yield quiet(code(image.digest))
    rows = [
        f"<li>{resource(place.resource)} {text(place.container)} "
        f"{places.place(place.file, place.line, place.column)}</li>"
        for place in image.places[:_MAX_PLACES]
    ]
    if len(image.places) > _MAX_PLACES:
        rows.append(f"<li>and {len(image.places) - _MAX_PLACES} more</li>")
    yield f"<ul>{''.join(rows)}</ul>"
    if image.vulnerabilities:
        heads = "".join(
            f'<th scope="col">{name}</th>' for name in ("id", "package", "installed", "fixed in", "what")
        )
        body = "".join(_row(one, numbers) for one in image.vulnerabilities[:MAX_ROWS])
        yield f'<table class="vulnerabilities"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
    if (more := len(image.vulnerabilities) - MAX_ROWS) > 0:
        yield quiet(f"And {more:,} more, none of them worse; the JSON report has all.")
    if image.settled:
        yield quiet(
            f"{counted(len(image.settled), 'other')} {_do(len(image.settled))} not count: {_reasons(image.settled)}."
        )


def _do(number: int) -> str:
    return "does" if number == 1 else "do"


def _reasons(settled: tuple[Vulnerability, ...]) -> str:
    reasons = Counter((one.status or "no fix").replace("_", " ") for one in settled)
    return ", ".join(f"{number} {text(reason)}" for reason, number in reasons.most_common())


def _row(one: Vulnerability, numbers: Mapping[str, int]) -> str:
    label = one.severity.label if one.severity else "unrated"
    classes = [f"v-{label}", f"p{numbers.get(one.package, 'x')}"]
    classes += ["fixable"] * bool(one.fixed) + ["exploited"] * one.kev
    marks = [f'<b class="tone {label}">{label}</b>', *(["exploited"] if one.kev else [])]
    if one.epss is not None:
        marks.append(f"EPSS {one.epss:.0%}")
    what = f"{' · '.join(marks)}<br>{text(one.title)}" if one.title else " · ".join(marks)
    cells = (
        text(one.id),
        code(one.package),
        code(one.installed),
        code(", ".join(one.fixed)) if one.fixed else "",
        what,
    )
    return f'<tr class="{" ".join(classes)}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
