"""One control explained to a person in an editor, as Markdown or plain text, and the standards that name it.

A terminal's page (`report/catalog.py`) and the documentation lay the same facts out for themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.findings import Severity
    from kscan_lsp.policy.model import Control, PolicySet
    from kscan_lsp.policy.ruleset import Ruleset


def explain(control: Control, ruleset: Ruleset, message: str = "") -> str:
    """What a control is about, under the settings that hold.

    Args:
        control: the control.
        ruleset: whose severities count.
        message: what was found, to come first.
    """
    severity = ruleset.severities.get(control.id, control.severity)
    return page(control, severity, standards(control.id, ruleset.policies), message)


def brief(control: Control, ruleset: Ruleset) -> str:
    """What, why and how to fix it, as plain text that fits a message of an editor."""
    severity = ruleset.severities.get(control.id, control.severity)
    parts = [f"{control.id} {control.title} ({severity.label})", control.description]
    if control.condition:
        parts.append(f"{control.condition}: {control.unanswered}.")
    parts.append(f"How to fix: {control.remediation}")
    parts.append(f"'kscan explain {control.id}' lists frameworks and references.")
    return "\n\n".join(parts)


def page(control: Control, severity: Severity, named: Iterable[str], message: str = "") -> str:
    """The text of `explain`, from a severity and standards that are known already."""
    parts = [f"**{control.id} {control.title}** ({severity.label})"]
    if message:
        parts.append(message)
    parts.append(control.description)
    if control.condition and not message:  # what was found was evaluated
        parts.append(f"**{control.condition}:** {control.unanswered}.")
    parts.append(f"**How to fix:** {control.remediation}")
    if listed := "; ".join(named):
        parts.append(f"**Standards:** {listed}")
    if control.references:
        parts.append("\n".join(f"- <{reference}>" for reference in control.references))
    return "\n\n".join(parts)


def standards(control: str, policies: PolicySet) -> list[str]:
    """Where frameworks have a control by name: their title, with section and own name where they have them."""
    found = []
    for framework in policies.frameworks.values():
        member = framework.members.get(control)
        if member is not None:
            detail = " ".join(text for text in (member.section, member.name) if text)
            found.append(f"{framework.title}{f': {detail}' if detail else ''}")
    return found
