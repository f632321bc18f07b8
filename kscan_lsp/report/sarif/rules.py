"""Controls as rules of SARIF: what an alert's page shows, and what GitHub sorts and filters alerts by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.findings import Severity
from kscan_lsp.report.exchange import shortened, web_addresses
from kscan_lsp.report.file_text import SECRETS
from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.report.model import Rule
    from kscan_lsp.report.standards import FrameworkSection

MAX_DESCRIPTION: Final = 1_024
"""Characters of a description that GitHub keeps."""
MAX_TAGS: Final = 10
"""Tags of a rule that GitHub keeps; a file in which one has more than 20 is refused."""

LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
"""Severities as levels of SARIF."""
_PROBLEM: Final = {"error": "error", "warning": "warning", "note": "recommendation"}
_WITHIN: Final = {
    Severity.CRITICAL: 9.5,
    Severity.HIGH: 8.0,
    Severity.MEDIUM: 5.5,
    Severity.LOW: 2.0,
}
"""A score for a control that settings have made more or less severe than its own score is: the middle of its band."""
_LEAST: Final = 0.1
"""A score of 0 is none to GitHub."""

_RECOMMENDED: Final = "recommended"
_CHOICES: Final = frozenset({"allcontrols", _RECOMMENDED})
"""Frameworks that are a choice of ours and no standard."""


def rule(control: Rule) -> dict[str, Any]:
    """A control as a `reportingDescriptor`."""
    level = LEVELS[control.severity]
    addresses = web_addresses(control.references)
    described = {
        "id": control.id,
        "name": _identifier(control.title),
        "shortDescription": {"text": _short(control.title)},
        "fullDescription": {"text": _short(control.description or control.title)},
        "help": {"text": _help(control), "markdown": _help_markdown(control)},
        "defaultConfiguration": {"level": level},
        "properties": {
            "tags": tags(control),
            "precision": precision(control),
            "security-severity": security_severity(control),
            "problem.severity": _PROBLEM[level],
        },
    }
    return {**described, "helpUri": addresses[0]} if addresses else described


def security_severity(control: Rule) -> str:
    """The number that GitHub makes a severity of, in bands that are Kubescape's, too."""
    own = control.score if Severity.of_score(control.score) is control.severity else _WITHIN[control.severity]
    return f"{min(max(own, _LEAST), 10):.1f}"


def precision(control: Rule) -> str:
    """How likely a finding is worth acting on.

    `recommended` has the controls of which nearly all findings are; of those, credentials are known by how they look.
    """
    if all(section.framework != _RECOMMENDED for section in control.frameworks):
        return "medium"
    return "high" if control.category == SECRETS else "very-high"


def tags(control: Rule) -> list[str]:
    """Words to filter by: what it is about, then the sections of standards that ask for it."""
    standards = [section for section in control.frameworks if section.framework not in _CHOICES]
    in_sections = sorted(standards, key=lambda section: not section.section)
    found = ["security", "kubernetes", _slug(control.category), *(_tag(one) for one in in_sections)]
    return list(dict.fromkeys(tag for tag in found if tag))[:MAX_TAGS]


def _tag(section: FrameworkSection) -> str:
    return printable(f"{section.framework}/{section.section}" if section.section else section.framework)


def _slug(category: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-")


def _identifier(title: str) -> str:
    """A title as one word, as names of rules are written: `PrivilegedContainer`."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    return "".join(word[0].upper() + word[1:] for word in words) or "Control"


def _short(text: str) -> str:
    return shortened(printable(text).strip(), MAX_DESCRIPTION)


def _help(control: Rule) -> str:
    parts = (control.description, control.remediation and f"How to fix it: {control.remediation}")
    return printable("\n\n".join(part.strip() for part in parts if part)) or printable(control.title)


def _help_markdown(control: Rule) -> str:
    return printable("\n\n".join(_help_parts(control)))


def _help_parts(control: Rule) -> Iterator[str]:
    yield f"**{control.title}** ({control.id}, {control.severity.label})"
    if control.description:
        yield control.description.strip()
    if control.remediation:
        yield f"### How to fix it\n\n{control.remediation.strip()}"
    standards = [section for section in control.frameworks if section.framework not in _CHOICES]
    if standards:
        yield "### Asked for by\n\n" + "\n".join(f"- {_standard(section)}" for section in standards)
    if control.references:
        yield "### Read more\n\n" + "\n".join(
            f"- <{one}>" if one in web_addresses([one]) else f"- {one}" for one in control.references
        )


def _standard(section: FrameworkSection) -> str:
    named = " ".join(part for part in (section.section, section.name) if part)
    return f"{section.title}: {named}" if named else section.title
