"""The controls that are on, as a report has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.report.model import Rule
from kscan_lsp.report.standards import FrameworkSection

if TYPE_CHECKING:
    from kscan_lsp.findings import Severity
    from kscan_lsp.policy.model import Control
    from kscan_lsp.policy.ruleset import Ruleset


def rules_of(ruleset: Ruleset) -> dict[str, Rule]:
    """The controls that are on as a report has them, each with every section of any framework that names it."""
    sections: dict[str, list[FrameworkSection]] = {}
    for framework in ruleset.policies.frameworks.values():
        for i, member in framework.members.items():
            section = FrameworkSection(framework.id, framework.title, member.section, member.name)
            sections.setdefault(i, []).append(section)
    return {
        i: rule_of(control, ruleset.severities.get(i, control.severity), tuple(sections.get(i, ())))
        for i, control in ruleset.controls.items()
    }


def rule_of(control: Control, severity: Severity, sections: tuple[FrameworkSection, ...] = ()) -> Rule:
    """A control, as severe as settings have it, with the sections of frameworks that name it."""
    return Rule(
        control.id,
        control.title,
        control.description,
        control.remediation,
        control.score,
        severity,
        control.category,
        control.references,
        sections,
        control.needs,
    )
