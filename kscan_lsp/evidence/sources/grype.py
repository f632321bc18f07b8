"""Reports of Grype as JSON (`grype IMAGE -o json`), which `kubescape scan image -f json` writes, too.

Source: the types of `grype/presenter/models` of Grype, 0.80 and newer; older ones have less. `alertsByPackage` says
whether the distribution is past its end of life. What the user had Grype ignore (`ignoredMatches`) is taken as it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, json

from kscan_lsp.evidence.images import ImageReport, Vulnerability
from kscan_lsp.evidence.sources.common import (
    MAX_NAME,
    Contents,
    ReportError,
    chance_of,
    clean,
    day_of,
    digests_in,
    first_digest,
    first_line,
    link,
    names_in,
    refuse_too_many,
    runs_code,
    score_of,
    severity_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class _GrypeMetrics(Struct):
    baseScore: float | None = None


class _GrypeCvss(Struct):
    version: str | None = None
    vector: str | None = None
    metrics: _GrypeMetrics | None = None


class _GrypeEpss(Struct):
    epss: float | None = None


class _GrypeCwe(Struct):
    cwe: str | None = None


class _GrypeFix(Struct):
    versions: list[str] | None = None
    state: str | None = None


class _GrypeVulnerability(Struct):
    id: str
    dataSource: str | None = None
    severity: str | None = None
    description: str | None = None
    cvss: list[_GrypeCvss] | None = None
    epss: list[_GrypeEpss] | None = None
    knownExploited: list[dict[str, Any]] | None = None
    cwes: list[_GrypeCwe] | None = None
    fix: _GrypeFix | None = None


class _GrypeRelated(Struct):
    id: str
    description: str | None = None
    cvss: list[_GrypeCvss] | None = None
    epss: list[_GrypeEpss] | None = None
    knownExploited: list[dict[str, Any]] | None = None


class _GrypeArtifact(Struct):
    name: str
    version: str | None = None
    purl: str | None = None


class GrypeMatch(Struct):
    """One entry of `matches`, or of `ignoredMatches` with why."""

    vulnerability: _GrypeVulnerability
    artifact: _GrypeArtifact
    relatedVulnerabilities: list[_GrypeRelated] | None = None
    appliedIgnoreRules: list[dict[str, Any]] | None = None


class _GrypeTarget(Struct):
    userInput: str | None = None
    imageID: str | None = None
    manifestDigest: str | None = None
    tags: list[str] | None = None
    repoDigests: list[str] | None = None


class _GrypeSource(Struct):
    type: str | None = None
    target: _GrypeTarget | str | None = None


class _GrypeDistro(Struct):
    name: str | None = None
    version: str | None = None


class _GrypeAlert(Struct):
    type: str | None = None


class _GrypeAlerts(Struct):
    alerts: list[_GrypeAlert] | None = None


class _GrypeDescriptor(Struct):
    name: str | None = None
    version: str | None = None
    timestamp: str | None = None


class GrypeReport(Struct):
    """A whole report."""

    matches: list[GrypeMatch] | None = None
    ignoredMatches: list[GrypeMatch] | None = None
    source: _GrypeSource | None = None
    distro: _GrypeDistro | None = None
    descriptor: _GrypeDescriptor | None = None
    alertsByPackage: list[_GrypeAlerts] | None = None


_DECODER = json.Decoder(GrypeReport)


def read(data: bytes) -> Contents:
    """What a report of Grype says of an image.

    Raises:
        ReportError: it is about something else.
    """
    report = _DECODER.decode(data)
    source = report.source or _GrypeSource()
    if not isinstance(source.target, _GrypeTarget):
        raise ReportError(f"it is a report of a {clean(source.type, 40) or 'file'}, not of an image")
    target, by = source.target, report.descriptor or _GrypeDescriptor()
    # what Kubescape writes with the same code names no program
    tool = {"": "Kubescape", "grype": "Grype"}.get(by.name or "", clean(by.name, 40))
    return Contents(
        (
            image_of(
                report,
                names=(target.userInput, *(target.tags or ())),
                digests=(
                    target.userInput,
                    target.imageID,
                    target.manifestDigest,
                    *(target.repoDigests or ()),
                ),
                by=(tool, clean(by.version, 40)),
                made=by.timestamp,
                pinned=first_digest((*(target.repoDigests or ()), target.userInput)),
            ),
        )
    )


def image_of(
    report: GrypeReport,
    *,
    names: Iterable[str | None],
    digests: Iterable[str | None],
    by: tuple[str, str],
    made: str | None,
    pinned: str,
) -> ImageReport:
    """What the matches in a report say of an image.

    Args:
        report: the report.
        names: references of the image.
        digests: its digests, and references with some.
        by: the program that made it, and its version.
        made: when that was.
        pinned: the digest that a registry has it under.
    """
    matches, ignored = report.matches or [], report.ignoredMatches or []
    refuse_too_many(len(matches) + len(ignored))
    distro = report.distro or _GrypeDistro()
    alerts = (alert for one in report.alertsByPackage or () for alert in one.alerts or ())
    return ImageReport(
        names_in(names),
        digests_in(digests),
        tuple([_vulnerability(match) for match in (*matches, *ignored)]),
        *by,
        day_of(made),
        clean(f"{distro.name or ''} {distro.version or ''}".strip(), 80),
        any(alert.type == "distro-eol" for alert in alerts),
        pinned=pinned,
    )


def _vulnerability(match: GrypeMatch) -> Vulnerability:
    one, artifact, related = match.vulnerability, match.artifact, match.relatedVulnerabilities or []
    everywhere: tuple[_GrypeVulnerability | _GrypeRelated, ...] = (one, *related)
    scored = max(
        (cvss for where in everywhere for cvss in where.cvss or () if cvss.vector),
        key=lambda cvss: (cvss.version or "", cvss.metrics.baseScore or 0 if cvss.metrics else 0),
        default=_GrypeCvss(),
    )
    vector = clean(scored.vector, 200)
    weaknesses = [cwe.cwe or "" for cwe in one.cwes or ()]
    texts = [where.description for where in everywhere]
    said = (chance_of(epss.epss) for where in everywhere for epss in where.epss or ())
    chances = [chance for chance in said if chance is not None]
    rules = match.appliedIgnoreRules or []
    reason = next((rule["reason"] for rule in rules if isinstance(rule.get("reason"), str)), "")
    return Vulnerability(
        clean(one.id, 100),
        clean(artifact.name, MAX_NAME),
        clean(artifact.version, 200),
        tuple([clean(version, 200) for version in (one.fix.versions or ())[:20]]) if one.fix else (),
        severity_of(one.severity),
        tuple(dict.fromkeys(clean(where.id, 100) for where in related[:20] if where.id != one.id)),
        clean(artifact.purl),
        vector,
        score_of(scored.metrics.baseScore if scored.metrics else None),
        max(chances, default=None),
        any(where.knownExploited for where in everywhere),
        runs_code(texts, weaknesses, vector),
        first_line(next(filter(None, texts), "")),
        link(one.dataSource),
        "ignored" if rules else "",
        clean(reason) or ("left out when the report was made" if rules else ""),
    )
