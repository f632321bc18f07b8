"""What can be checked, for people: one control explained, and the lists of controls, frameworks and kinds with pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp import paths
from kscan_lsp.kubernetes.pod_shapes import SHAPES
from kscan_lsp.kubernetes.pod_templates import PLACES
from kscan_lsp.policy.explain import standards
from kscan_lsp.policy.inputs import shown
from kscan_lsp.policy.ruleset import members_of
from kscan_lsp.report.lines import StyledText, wrapped
from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from kscan_lsp.policy.model import Control, PolicySet
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.report.lines import Line, Screen


def control_page(control: Control, ruleset: Ruleset, screen: Screen) -> Iterator[Line]:
    """The lines of one control's page: what it finds, why that matters, how to fix it, and what can be tuned."""
    severity = ruleset.severities.get(control.id, control.severity)
    yield [StyledText(f"{control.id} {printable(control.title)}", "bold"), StyledText(f"  {severity.label}")]
    for title, text in _sections(control, ruleset):
        yield []
        yield [StyledText(title, "bold")]
        for paragraph in printable(text).split("\n"):
            # an address must stay in one piece, or nobody can open it
            whole = [StyledText(paragraph)]
            for line in [whole] if "://" in paragraph else wrapped(whole, screen.width - 2):
                yield [StyledText("  "), *line]


def _sections(control: Control, ruleset: Ruleset) -> Iterator[tuple[str, str]]:
    yield "What and why", control.description
    if control.condition:
        yield control.condition, control.unanswered
    yield "How to fix it", control.remediation
    if control.fixable:
        safe = all(check.fix.safe for check in control.checks if check.fix)
        command = "kscan fix" if safe else "kscan fix --unsafe"
        yield "Automatic fix", f"yes: '{command} --control {control.id}' shows it, your editor offers it"
    if named := standards(control.id, ruleset.policies):
        yield "Frameworks", "\n".join(named)
    for name in control.inputs:
        values = shown(ruleset.input(name, control.inputs[name]))
        yield f"Input {name} (inputs.{name} in .kscan.yaml)", "\n".join(values) or "empty"
    if control.references:
        yield "Read more", "\n".join(control.references)
    if not control.needs:
        yield (
            "To accept one finding",
            f"# kscan:ignore {control.id} -- the reason, on its line or the line above",
        )


def matching(words: Sequence[str], policies: PolicySet) -> list[str]:
    """The ids of the controls whose titles have all of some words, or parts of words, in any order and case."""
    wanted = [word.casefold() for word in words]
    return [
        control.id
        for control in policies.controls.values()
        if all(word in control.title.casefold() for word in wanted)
    ]


def control_list(ruleset: Ruleset, only: Container[str] | None = None) -> str:
    """One line for each control, or each of some: id, severity, whether it is on, title, frameworks."""
    policies = ruleset.policies
    rows = [
        (
            control.id,
            ruleset.severities.get(control.id, control.severity).label,
            "on" if control.id in ruleset.controls else "off",
            control.title + (" (defined by this project)" if control.id in policies.replaced else ""),
            " ".join(
                name for name, framework in policies.frameworks.items() if control.id in framework.members
            ),
        )
        for control in policies.controls.values()
        if only is None or control.id in only
    ]
    return _table(rows)


def framework_list(policies: PolicySet) -> str:
    """One line for each framework: id, how many of its controls there are, title."""
    rows = [
        (
            framework.id,
            _counted(len(members_of(framework, policies)), len(framework.members)),
            framework.title + (" (defined by this project)" if framework.id in policies.replaced else ""),
        )
        for framework in sorted(policies.frameworks.values(), key=lambda framework: framework.id)
    ]
    return _table(rows)


def kind_list(ruleset: Ruleset) -> str:
    """One line for each place where a kind has pods: kind, API group, path, and what is special about it."""
    known = {**PLACES, **ruleset.pod_spec_paths}
    return _table([
        (
            kind,
            group or "core",
            paths.show(place.pattern) or "(the object itself)",
            SHAPES[place.shape].about if place.shape else "",
            "only what is written" if place.partial else "",
        )
        for (group, kind), places in sorted(known.items(), key=lambda entry: (entry[0][1], entry[0][0]))
        for place in places
    ])  # fmt: skip


def _counted(there: int, named: int) -> str:
    return f"{there} of {named} controls" if named > there else f"{there} controls"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return printable("\n".join(lines) + "\n")
