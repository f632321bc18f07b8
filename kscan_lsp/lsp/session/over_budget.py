"""Which controls took too much in a step of the work on a folder.

An edit looks at its own file. What is read from disk is added up with all others when there is nothing left to read:
until then it would be done again for each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.lsp.session.steps import ReadFile
from kscan_lsp.workspace.budgets import over_budget

if TYPE_CHECKING:
    from kscan_lsp.lsp.session.steps import CheckResult, Step
    from kscan_lsp.lsp.session.workspace import Workspace
    from kscan_lsp.workspace.budgets import Key, SetAside


def over_budget_after(
    step: Step, workspace: Workspace, result: CheckResult | None = None
) -> dict[Key, SetAside]:
    """The controls that took too much.

    Args:
        step: what was done.
        workspace: the folder, with what came of it.
        result: that of a buffer.
    """
    project = workspace.project
    if not project.ruleset.limited:
        return {}
    if result is not None:
        return over_budget([project], [result.file])
    if isinstance(step, ReadFile) and workspace.waiting:
        file = project.files.get(step.key)
        return over_budget([project], [file] if file else [])
    return over_budget([project])
