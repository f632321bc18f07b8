"""Fixes of what charts render to, made in values and templates, and proven by rendering again.

An edit holds if the chart renders with its defaults and with each of its values files as before, and what is different
then is what the fix changes and nothing else: in the object that the finding is of, and in others that take the same
value, which get the same. The finding has to be gone with all values, and nothing may be new.

Left out on purpose: templates that render to something else each time, and fixes with a choice.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.edits.place import differing, same
from kscan_lsp.files.manifest import is_rendered
from kscan_lsp.fixes.changes import applied
from kscan_lsp.fixes.chart_edits import Fixable, proposals
from kscan_lsp.fixes.draft import drafts_of, elements_in, judged_in
from kscan_lsp.paths import lookup
from kscan_lsp.render.makers import RenderError
from kscan_lsp.render.rendering import RenderedTemplate, ask_for, by_file
from kscan_lsp.render.source_map import Rendered
from kscan_lsp.workspace.charts import RenderedFile, ValuesRendering, judge_chart, with_chart
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.changes import DataChange
    from kscan_lsp.fixes.draft import Draft
    from kscan_lsp.paths import Path
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.render.makers import Helm
    from kscan_lsp.workspace.chart_values import ValueSource
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import PlacedDocument


class ChartFix(Struct, frozen=True):
    """A fix that holds: files of the chart, by path, as they are with it."""

    title: str
    safe: bool
    texts: Mapping[str, str]


class ChartSite(NamedTuple):
    """A chart as it was judged in a project, and what renders it."""

    maker: Helm
    chart: Chart
    prefix: str
    """What stands before the paths of its files in the project."""
    project: Project
    allowed: Callable[[str], bool] = lambda _: True
    """Whether a file may be edited, by its path in the chart."""

    def with_texts(self, texts: Mapping[str, str]) -> ChartSite:
        """The same with other texts of some files."""
        raw = {path: text.encode() for path, text in texts.items()}
        return self._replace(chart=self.chart.with_texts(raw))


class FoundKey(NamedTuple):
    """What makes a finding the same before and after a fix; the path has no numbers."""

    control: str
    resource: object
    path: tuple[str, ...]


class ChartBase(Struct, frozen=True):
    """What a chart renders to before any fix, and what is found in that; remembered while several are tried."""

    rendered: Mapping[str, Mapping[str, str]]
    """By what it is rendered with (`Release.label`) and file of the chart."""
    found: Counter[FoundKey]
    unjudged: Counter[FoundKey]


def base_of(site: ChartSite) -> ChartBase | None:
    """What fixes of a chart are held against; None where it does not render with all its values."""
    rendered = _rendered(site)
    return None if rendered is None else ChartBase(rendered, *_judged(site, rendered))


def chart_fixes(
    site: ChartSite,
    base: ChartBase,
    placed: PlacedDocument,
    finding: Finding,
    sources: Sequence[ValueSource],
) -> list[ChartFix]:
    """The fixes of a finding that hold: one, or one for each value that can be chosen.

    Args:
        site: the chart.
        base: what it is before.
        placed: the document that the finding is in, as it renders.
        finding: the finding.
        sources: the values that it comes from.
    """
    found = []
    for root, draft in chart_drafts(site, placed, finding):
        editable = [one for one in sources if one.is_values]
        fixable = Fixable(placed, finding, (*root, *finding.path), editable)
        for texts in proposals(site.chart, site.prefix, fixable, draft):
            if all(map(site.allowed, texts)) and holds(site.with_texts(texts), base, fixable, draft):
                found.append(ChartFix(f"{draft.title} in {', '.join(sorted(texts))}", draft.safe, texts))
                break
    return found


def chart_drafts(site: ChartSite, placed: PlacedDocument, finding: Finding) -> Iterator[tuple[Path, Draft]]:
    """What would fix a finding, each with the path of its object in the document; nothing of it is proven yet."""
    project = site.project
    for number, verdicts in enumerate(placed.checked.verdicts):
        if any((one.control, one.path) == (finding.control, finding.path) for one in verdicts.findings):
            elements = elements_in(placed.checked, number, project.evaluator)
            resource = judged_in(placed.checked, number).resource
            for draft in drafts_of(finding, resource, elements, project.ruleset, project.index):
                if not draft.leaves:
                    yield verdicts.resource.root, draft


def holds(site: ChartSite, base: ChartBase, fixable: Fixable, draft: Draft) -> bool:
    """Whether a chart with the texts of a fix is what it was, but for the fix."""
    rendered = _rendered(site)
    if rendered is None or rendered.keys() != base.rendered.keys():
        return False
    for values, files in rendered.items():
        before = base.rendered[values]
        if files.keys() != before.keys():
            return False
        changed = [file for file, text in files.items() if text != before[file]]
        if not all(_is_only(before[file], files[file], draft.changes) for file in changed):
            return False
    source = fixable.placed.source
    own = source.file.removeprefix(site.prefix) if isinstance(source, Rendered) else ""
    if not any(_has_change(files.get(own, ""), fixable.placed, draft.changes) for files in rendered.values()):
        return False
    found, unjudged = _judged(site, rendered)
    if (finding := fixable.finding) is not None:
        key = _key(finding.control, finding.resource, fixable.path)
        if found[key] >= base.found[key]:
            return False
    lost = base.found - found
    return not unjudged - base.unjudged and all(
        _is_left(one, lost, draft, site) for one in found - base.found
    )


def _is_left(found: FoundKey, lost: Counter[FoundKey], draft: Draft, site: ChartSite) -> bool:
    """Whether what is new is what a fix may leave, in place of something more severe at the same field."""
    severities = site.project.ruleset.severities
    return found.control in draft.leaves and any(
        one.control in draft.leaves
        and one[1:] == found[1:]
        and severities[one.control] > severities[found.control]
        for one in lost
    )


def _is_only(before: str, after: str, changes: Sequence[DataChange]) -> bool:
    """Whether what a file renders to differs in what a fix changes alone: there, or where the same is said."""
    old, new = split(before), split(after)
    if len(old) != len(new):
        return False
    for one, other in zip(old, new, strict=True):
        if one == other:
            continue
        data, now = read_document(one), read_document(other)
        if not now.complete or len(now.problems) > len(data.problems):
            return False
        for path in differing(data.data, now.data):
            if not _is_told(path, lookup(data.data, path), lookup(now.data, path), changes):
                return False
    return True


def _has_change(text: str, placed: PlacedDocument, changes: Sequence[DataChange]) -> bool:
    """Whether a document has what a fix changes in it, as if it had been made in that."""
    before = placed.checked.document.data
    wanted = applied(before, tuple(changes))
    identity = _identity(before)
    for data in (read_document(piece).data for piece in split(text)):
        if _identity(data) == identity and all(
            same(lookup(data, change.path), lookup(wanted, change.path)) for change in changes
        ):
            return True
    return False


def _identity(data: Any) -> tuple[Any, ...]:
    return tuple(lookup(data, path) for path in (("kind",), ("metadata", "name"), ("metadata", "namespace")))


def _tail(path: Path) -> Path:
    """A path behind the last entry of a list in it: what several objects and containers may have alike."""
    last = max((number for number, part in enumerate(path) if isinstance(part, int)), default=-1)
    return path[last + 1 :] if last + 1 < len(path) else path[-1:]


def _is_told(path: Path, before: Any, after: Any, changes: Sequence[DataChange]) -> bool:
    """Whether a difference is what changes make of what was there, in the object that they are of or in another."""
    tails = [(_tail(change.path), change) for change in changes]
    for length in range(1, max(len(tail) for tail, _ in tails) + 1):
        # what did not have the map that a field is in gets that, too
        below = [
            replace(change, path=tail[length:])
            for tail, change in tails
            if len(tail) >= length and path[-length:] == tail[:length]
        ]
        if any(change.verb == "remove" and not change.path for change in below):
            return after is None
        if below and same(after, applied(before, tuple(below))):
            return True
    return False


def _rendered(site: ChartSite) -> dict[str, Mapping[str, str]] | None:
    found: dict[str, Mapping[str, str]] = {}
    for release in site.chart.ways():
        try:
            rendered = ask_for(site.maker, site.chart, release, site.chart.files)
        except RenderError:
            continue  # nobody judges it with these
        found[release.label("")] = by_file(site.chart, rendered)
    return found or None


def _judged(
    site: ChartSite, rendered: Mapping[str, Mapping[str, str]]
) -> tuple[Counter[FoundKey], Counter[FoundKey]]:
    """What is found in a project with a chart, and what cannot be judged."""
    texts = site.chart.templates()
    renderings = [
        ValuesRendering(
            values,
            tuple(
                RenderedFile(site.prefix + path, texts.get(path, ""), RenderedTemplate(text))
                for path, text in sorted(files.items())
                if path not in texts or not is_rendered(texts[path])
            ),
        )
        for values, files in rendered.items()
    ]
    project = with_chart(site.project, judge_chart(site.project, renderings))
    found: Counter[FoundKey] = Counter()
    unjudged: Counter[FoundKey] = Counter()
    for file in project.files.values():
        for placed in file.documents:
            for verdicts in placed.checked.verdicts:
                who, root = verdicts.resource.id, verdicts.resource.root
                found.update(_key(one.control, who, (*root, *one.path)) for one in verdicts.findings)
                unjudged.update(_key(one.control, who, (*root, *one.path)) for one in verdicts.unevaluated)
    return found, unjudged


def _key(control: str, resource: object, path: Path) -> FoundKey:
    return FoundKey(control, resource, tuple(part for part in path if isinstance(part, str)))
