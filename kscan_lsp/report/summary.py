"""The end of the pretty report: how much was found, how much was looked at, and what to do next."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Final

from kscan_lsp.findings import Severity
from kscan_lsp.kubernetes.kinds import GROUPS
from kscan_lsp.report.drift_text import drift_lines
from kscan_lsp.report.gates import gate_failures
from kscan_lsp.report.image_text import image_lines
from kscan_lsp.report.left_alone import counted_by_reason, why
from kscan_lsp.report.lines import StyledText, wrapped
from kscan_lsp.report.printable import counted, printable
from kscan_lsp.report.standards import percentage
from kscan_lsp.report.unscanned import NOT_WHOLLY_JUDGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.report.lines import Line
    from kscan_lsp.report.model import KindNotJudged, Report
    from kscan_lsp.report.standards import FrameworkScore, StandardChange

STYLES: Final = {
    Severity.CRITICAL: "bold magenta",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
}
"""Colours of severities."""

_MAX_LISTED: Final = 20
_MAX_PLACES: Final = 5
"""Findings named for which a gate does not pass."""
_MAX_COMMANDS: Final = 3
"""Charts and overlays whose rendering is proposed."""
_INDENT: Final = 13


def summary(report: Report, width: int) -> Iterator[Line]:
    """The lines of the summary of a report."""
    for label, lines in _rows(report):
        named = label
        for line in (part for whole in lines for part in wrapped(whole, max(width - _INDENT, 20))):
            yield [StyledText(f"{named:<{_INDENT}}", "dim"), *line]
            named = ""


def _rows(report: Report) -> Iterator[tuple[str, Sequence[Line]]]:
    """What there is to say, by label; what has no lines is left out."""
    scanned = [[StyledText(f"{counted(report.files, 'file')}, {counted(report.resources, 'resource')}")]]
    if kinds := _kinds(report.kinds_not_judged):
        scanned.append([StyledText(printable(f"kinds not judged: {kinds}"), "yellow")])
    yield "scanned", scanned
    skipped = report.skipped_by_reason()
    if report.skipped:
        yield "skipped", [[StyledText(counted_by_reason(skipped))], *_skipped(report)]
    unscanned = [f"{place.file}:{place.line}: {place.reason}" for place in report.not_scanned]
    yield "not scanned", _listed(unscanned, "bold yellow")
    yield "not judged", [*_not_judged(report)]
    if report.files:
        yield "found", [_found(report)]
    yield "answered", _listed([*_answered(report)], "yellow")
    yield "images", [[StyledText(printable(line))] for line in image_lines(report.images)]
    if any(framework.judged for framework in report.frameworks):
        yield "compliance", [[StyledText(printable(_compliance(report)))]]
    yield "packs", [[StyledText(printable(str(pack)))] for pack in report.circumstances.packs]
    yield "changed", _listed(_changes(report.changes), "yellow")
    yield "drift", [[StyledText(printable(line))] for line in drift_lines(report.drift)]
    yield "next", _next_steps(report)
    yield "failed", [*_failed(report)]


def _answered(report: Report) -> Iterator[str]:
    """What manifests have and what is stored has not: an object may be clean since a policy sees to it."""
    for policy, count in report.answered:
        yield f"{counted(count, 'finding')} by MutatingAdmissionPolicy '{policy}'"


def _failed(report: Report) -> Iterator[Line]:
    """Which gate did not pass, by which findings, and what to do: last, where a pipeline's reader looks first."""
    for failure in gate_failures(report):
        yield [StyledText(printable(failure.why), "bold red")]
        if places := failure.places(_MAX_PLACES):
            yield [StyledText(printable(places))]
        yield [StyledText(printable(failure.advice))]


def _skipped(report: Report) -> Iterator[Line]:
    """The names of what was left alone, where people want them."""
    for entry in report.skipped if report.list_skipped else ():
        yield [StyledText(printable(f"{entry.file}: {why(entry.reason, entry.hint)}"))]


def _compliance(report: Report) -> str:
    """The scores; none where no file was wholly judged, which would be a number about what nobody has looked at."""
    partly = {place.file for place in report.not_scanned}
    if len(partly) >= report.files:
        return f"no score: {NOT_WHOLLY_JUDGED}"
    scores = ", ".join(map(_score, report.frameworks))
    return f"{scores}; {counted(len(partly), 'file')} {NOT_WHOLLY_JUDGED}" if partly else scores


def _score(framework: FrameworkScore) -> str:
    if not framework.judged:
        return f"{framework.id} no score"
    text = f"{framework.id} {percentage(framework.score)}"
    if framework.changed("excluded"):
        text += f" of {framework.run} of its {framework.total} controls"
    if framework.score_accepted != framework.score:
        text += f" ({percentage(framework.score_accepted)} with accepted risks)"
    return text


def _changes(changes: Iterable[StandardChange]) -> list[str]:
    """What the project changes about standards: what is changed alike on one line stands together."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one in changes:
        alike.setdefault((one.what, one.detail, one.place), []).append(one.id)
    texts = []
    for (what, detail, place), ids in alike.items():
        many = len(ids) > 1
        done = {
            "excluded": f"{'are' if many else 'is'} taken out",
            "lowered": f"{'are' if many else 'is'} lowered from {detail}",
            "replaced": f"{'are' if many else 'is'} defined by this project",
        }[what]
        texts.append(f"{', '.join(ids)} {done}, {place}")
    return texts


def _kinds(kinds: Sequence[KindNotJudged]) -> str:
    """Kinds that nothing is known about, with the group where the name alone is that of another kind, too."""
    names = Counter(one.kind for one in kinds)
    names.update(kind for group in GROUPS.values() for kind in group.kinds)
    left = len(kinds) - _MAX_LISTED
    listed = [_kind(one, alone=names[one.kind] == 1) for one in kinds[:_MAX_LISTED]]
    return ", ".join([*listed, f"and {left} more"] if left > 0 else listed)


def _kind(one: KindNotJudged, *, alone: bool) -> str:
    group = one.api_version.rpartition("/")[0]
    version, _, kind = one.meant.partition(" ")
    hint = f" (did you mean {version if kind == one.kind else kind}?)" if one.meant else ""
    return f"{one.kind if alone or hint or not group else f'{one.kind}.{group}'} {one.objects}{hint}"


def _listed(texts: Sequence[str], style: str) -> list[Line]:
    lines: list[Line] = [[StyledText(printable(text), style)] for text in texts[:_MAX_LISTED]]
    return (
        [*lines, [StyledText(f"and {len(texts) - _MAX_LISTED} more")]] if len(texts) > _MAX_LISTED else lines
    )


def _not_judged(report: Report) -> Iterator[Line]:
    alike: dict[str, list[str]] = {}
    needing: list[str] = []
    for result in report.controls:
        if not result.not_evaluated:
            continue
        if report.rules[result.id].needs:
            needing.append(result.id)
        else:
            first = result.reasons[0]
            more = f" (and {result.not_evaluated - 1} more)" if result.not_evaluated > 1 else ""
            alike.setdefault(f"{first.file}:{first.line}: {first.reason}{more}", []).append(result.id)
    yield from _listed([f"{_ids(controls)} at {why}" for why, controls in alike.items()], "yellow")
    if needing:
        take = "control takes" if len(needing) == 1 else "controls take"
        yield [StyledText(f"{len(needing)} {take} more than manifests, as 'kscan explain {needing[0]}' says")]


def _ids(controls: Sequence[str]) -> str:
    """A few ids in full; of more, the first and how many there are."""
    return ", ".join(controls) if len(controls) <= 3 else f"{controls[0]} and {len(controls) - 1} others"


def _found(report: Report) -> Line:
    counted = {severity: count for severity, count in report.by_severity().items() if count}
    pieces = [StyledText("nothing", "" if report.not_scanned or not report.files else "bold green")]
    if counted:
        pieces = [
            p for s, n in counted.items() for p in (StyledText(", "), StyledText(f"{n} {s.label}", STYLES[s]))
        ][1:]
    statuses = Counter(entry.finding.status for entry in report.findings)
    for status in ("accepted", "baseline"):
        if statuses[status]:
            pieces.append(StyledText(f", {statuses[status]} {status}", "dim"))
    return pieces


def _next_steps(report: Report) -> list[Line]:
    steps: list[Line] = []
    skipped = report.skipped_by_reason()
    commands = dict.fromkeys(entry.hint for entry in report.skipped if entry.hint)
    if report.files:  # where nothing was scanned, the reason names them
        steps += [_step(command, "judge what it renders to") for command in list(commands)[:_MAX_COMMANDS]]
    if report.files and not report.controls:
        steps.append([StyledText("no control is on; choose frameworks or controls in .kscan.yaml")])
    if not report.files and not report.not_scanned and not steps:
        why = "no Kubernetes manifest was found here; name a file or a folder that has some"
        if skipped["excluded"] == len(report.skipped) > 0:
            why = "all that is here is excluded by the settings or .gitignore; change them, or name something else"
        return [[StyledText(why)]]
    single = [entry.fixes[0] for entry in report.open() if len(entry.fixes) == 1]
    safe = sum(option.safe for option in single)
    where = (
        ""
        if report.requested in ((), (".",))
        else " " + " ".join(shlex.quote(path) for path in report.requested)
    )
    if safe:
        steps.append(
            _step(f"kscan fix{where}", f"show {counted(safe, 'safe fix', 'safe fixes')}, --write makes them")
        )
    if len(single) > safe:
        rest = counted(len(single) - safe, "fix", "fixes")
        steps.append(_step(f"kscan fix --unsafe{where}", f"show {rest} to review"))
    level = max((entry.finding.severity for entry in report.open()), default=None)
    worst = Counter(entry.finding.control for entry in report.open() if entry.finding.severity is level)
    if worst:
        control = min(worst, key=lambda c: (-worst[c], c))
        steps.append(_step(f"kscan explain {control}", "why it matters and how to satisfy it"))
    return steps


def _step(command: str, purpose: str) -> Line:
    return [StyledText(printable(command), "bold"), StyledText(f"  {purpose}")]
