"""SARIF that Trivy or Grype wrote of an image. It is meant for people: what it says is taken from its sentences.

Sources: `pkg/report/sarif.go` of Trivy, `grype/presenter/sarif` of Grype; `security-severity` is GitHub's. Of other
programs nothing is known. Prefer their JSON, which has package URLs, EPSS and KEV.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import Struct, json

from kscan_lsp.evidence.images import ImageReport, Vulnerability
from kscan_lsp.evidence.sources.common import (
    PROGRAM,
    Contents,
    OwnReportError,
    ReportError,
    clean,
    digests_in,
    first_line,
    is_archive,
    link,
    names_in,
    refuse_too_many,
    runs_code,
    severity_of,
    severity_of_score,
)
from kscan_lsp.regex import regex


class _SarifText(Struct):
    text: str | None = None


class _SarifRule(Struct):
    id: str
    shortDescription: _SarifText | None = None
    fullDescription: _SarifText | None = None
    help: _SarifText | None = None
    helpUri: str | None = None
    properties: dict[str, Any] | None = None


class _SarifDriver(Struct):
    name: str | None = None
    version: str | None = None
    rules: list[_SarifRule] | None = None


class _SarifTool(Struct):
    driver: _SarifDriver


class _SarifResult(Struct):
    ruleId: str
    message: _SarifText | None = None


class _SarifRun(Struct):
    tool: _SarifTool
    results: list[_SarifResult] | None = None
    properties: dict[str, Any] | None = None


class _SarifLog(Struct):
    runs: list[_SarifRun]


_DECODER = json.Decoder(_SarifLog)
_LINE: Final = regex(r"^[ ]*([A-Z][A-Za-z ]{1,30}?):[ ]*(.*)$", re.MULTILINE)
_ID: Final = regex(r"\b(?:CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3}|[A-Z]{2,10}-\d{4}[-:]\d+)")
_IMAGE: Final = regex(r"\bin image ([^\s,]+)")
_IN_SENTENCE: Final = regex(r"vulnerability in [\w-]+ package: ([^,]+), version ([^\s,]+)")


def read(data: bytes) -> Contents:
    """What a SARIF log of Trivy or Grype says of an image.

    Raises:
        ReportError: it is of another program, or does not name the image.
    """
    images: list[ImageReport] = []
    for run in _DECODER.decode(data).runs:
        by = run.tool.driver
        if by.name == PROGRAM:
            raise OwnReportError
        tool = next((name for name in ("Trivy", "Grype") if name.lower() in (by.name or "").lower()), None)
        if tool is None:
            raise ReportError(
                f"it is SARIF of {clean(by.name, 60) or 'some program'}; that of Trivy and Grype is read"
            )
        results = run.results or []
        refuse_too_many(len(results))
        about = run.properties or {}
        named = [about.get("imageName"), *_texts(about.get("repoTags"))]
        named += [match[1] for one in results[:1] if (match := _IMAGE.search(_text(one.message)))]
        references = [name for name in named if isinstance(name, str) and not is_archive(name)]
        digests = [*references, *_texts(about.get("repoDigests")), *_texts([about.get("imageID")])]
        if not names_in(references) and not digests_in(digests):
            raise ReportError("it does not say which image it is about; write the report as JSON")
        rules = {rule.id: rule for rule in by.rules or ()}
        found = tuple(
            [one for result in results if (one := _vulnerability(result, rules.get(result.ruleId)))]
        )
        images.append(
            ImageReport(names_in(references), digests_in(digests), found, tool, clean(by.version, 40))
        )
    return Contents(tuple(images))


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _text(text: _SarifText | None) -> str:
    return (text.text or "") if text else ""


def _vulnerability(result: _SarifResult, rule: _SarifRule | None) -> Vulnerability | None:
    rule = rule or _SarifRule(result.ruleId)
    message, help_ = _text(result.message), _text(rule.help)
    said = {name: value.strip() for text in (help_, message) for name, value in _LINE.findall(text[:4_000])}
    named = _ID.search(result.ruleId) or _ID.search(message)
    sentence = _IN_SENTENCE.search(message)
    package = said.get("Package") or (sentence[1] if sentence else "")
    if named is None or not package:
        return None  # a secret, a licence or a wrong setting that was found in it
    about = rule.properties or {}
    score = _score(about.get("security-severity"))
    vector = about.get("cvssv40_vector") or about.get("cvssv3_vector") or ""
    purls = _texts(about.get("purls"))
    fixed = said.get("Fixed Version") or said.get("Fix Version") or ""
    title, text = _text(rule.shortDescription), _text(rule.fullDescription)
    vector = clean(vector if isinstance(vector, str) else "", 200)
    return Vulnerability(
        named[0],
        clean(package),
        clean(said.get("Installed Version") or said.get("Version") or (sentence[2] if sentence else ""), 200),
        tuple(clean(version.strip(), 200) for version in fixed.split(",") if version.strip()),
        severity_of(said.get("Severity")) or severity_of_score(score),
        purl=clean(purls[0]) if len(purls) == 1 else "",
        vector=vector,
        score=score,
        rce=runs_code((title, text), (), vector),
        title=first_line(title),
        url=link(rule.helpUri),
    )


def _score(value: object) -> float:
    try:
        found = float(value) if isinstance(value, str | int | float) else 0.0
    except ValueError:
        return 0.0
    return found if 0 <= found <= 10 else 0.0
