"""A folder of the editor under new settings: what is still true of what was known of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.lsp.session.workspace import Workspace
from kscan_lsp.policy.ruleset import same_rules
from kscan_lsp.workspace.admission_files import declared_by, not_below
from kscan_lsp.workspace.baselines import known_findings
from kscan_lsp.workspace.images import evidence_of
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from kscan_lsp.evidence.model import Evidence
    from kscan_lsp.workspace.baselines import KnownFindings
    from kscan_lsp.workspace.configuration import Configuration


def reconfigured(
    old: Workspace | None,
    root: Path | None,
    configuration: Configuration,
    today: date,
    *,
    indexed: bool,
    judging: bool,
) -> Workspace:
    """A folder under new settings, with what is still true of what was known of it.

    Args:
        old: what was known.
        root: the folder.
        configuration: what holds now.
        today: the day that suppressions are compared with.
        indexed: whether it is a folder whose files are read, and not just the place of a single file.
        judging: whether its files are judged, too, and not only read for what they mean to others.
    """
    known = known_findings(configuration.baseline) if configuration.baseline else None
    evidence = evidence_of(configuration.images, today)
    evaluator = Evaluator(configuration.ruleset, evidence, time.thread_time)
    if old is not None and _judges_the_same(
        old, configuration, evaluator, known, indexed=indexed, judging=judging
    ):
        return _said_again(old, configuration, known, evaluator.evidence)
    workspace = Workspace(
        root,
        configuration,
        Project(evaluator, whole=not indexed, exceptions=configuration.exceptions, known=known),
        indexed=indexed,
        judging=judging and indexed,
        searched=not indexed,
    )
    if old is None:
        return _with_policies(workspace)
    workspace.published, workspace.built = old.published, old.built
    if _finds_the_same(old, workspace):
        workspace.project = replace(
            workspace.project, index=old.project.index, whole=old.project.whole, apart=old.project.apart
        )
        workspace.searched, workspace.waiting = old.searched, dict(old.waiting)
        workspace.partials, workspace.unreadable = old.partials, old.unreadable
    return _with_policies(workspace)


def _with_policies(workspace: Workspace) -> Workspace:
    """A folder with what the files of policies say that its settings name, but for those that are read with it."""
    read = workspace.root if workspace.indexed else None
    if besides := not_below(workspace.configuration.admission, read, workspace.configuration.exclude):
        named = declared_by(besides, workspace.project.ruleset, str)
        workspace.project = workspace.project.with_declarations(named)
    return workspace


def _judges_the_same(
    old: Workspace,
    configuration: Configuration,
    evaluator: Evaluator,
    known: KnownFindings | None,
    *,
    indexed: bool,
    judging: bool,
) -> bool:
    """Whether what was judged is judged so under new settings: nothing is different but exceptions and a baseline."""
    before, now = old.project.evaluator, evaluator
    return (
        old.indexed == indexed
        and old.judging == (judging and indexed)
        and not old.outdated
        and (old.searched or not old.searching)
        and old.configuration.exclude == configuration.exclude
        and old.configuration.settings_path == configuration.settings_path
        and old.configuration.admission == configuration.admission
        and (old.project.known is None) == (known is None)
        and not before.evidence.changed(now.evidence)
        and same_rules(before.ruleset, now.ruleset)
    )


def _said_again(
    old: Workspace, configuration: Configuration, known: KnownFindings | None, evidence: Evidence
) -> Workspace:
    """A folder whose files are as they were judged, with what other exceptions and another baseline say of them.

    What no control sees of evidence, as which version fixes what, may be different: it is shown, too.
    """
    told = old.project if old.project.evidence.kinds == evidence.kinds else old.project.told(evidence)
    project = told.said_again(configuration.exceptions, known)
    same = replace(configuration, ruleset=old.project.ruleset)
    # what was on its way to be settled is dropped, since it was done under other settings
    files = list(project.files)
    unsettled = files if project.whole and old.searched else []
    return replace(
        old,
        configuration=same,
        project=project,
        unsettled=unsettled,
        untold=files,
        waiting=dict(old.waiting),
        looked=False,
    )


def _finds_the_same(old: Workspace, new: Workspace) -> bool:
    """Whether what was read of a folder's files counts under its new settings, too."""
    before, now = old.configuration, new.configuration
    return (
        before.exclude == now.exclude
        and [one.path for one in before.admission] == [one.path for one in now.admission]
        and before.settings_path == now.settings_path
        and before.settings.pod_spec_paths == now.settings.pod_spec_paths
        and before.ruleset.relational == now.ruleset.relational
        and before.ruleset.by_namespace == now.ruleset.by_namespace
        and not (new.judging or old.judging or old.outdated)
    )
