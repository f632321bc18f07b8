"""Judging a text by a control that a test writes: what is found, where, and what could not be judged."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from kscan_lsp import paths
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy import load as loading
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.results import CheckedFile

CONTROL = """\
id: {id}
title: Title
score: 5.0
description: d
remediation: r
inputs: {{names: [one, two], count: ['3', x]}}
checks:
{checks}"""
FILE = "a.yaml"


class Found(NamedTuple):
    """A finding: its path, the text it marks, and its message."""

    path: str
    marked: str
    message: str


class Missed(NamedTuple):
    """What could not be judged: where, and why."""

    path: str
    reason: str


def check_file(path: str, text: str, ruleset: Ruleset, today: date, *, json: bool = False) -> CheckedFile:
    """A file judged as if it were all there is."""
    return Project(Evaluator(ruleset, Evidence(today))).with_file(path, text, json=json).files[path]


def project_of(checks: str | dict[str, str], **texts: str) -> Project:
    """A project of some files (`a` is `a.yaml`), judged by `T-0001`, which has these checks, or by several controls."""
    given = {"T-0001": checks} if isinstance(checks, str) else checks
    controls = [
        (f"{id_}.yaml", read_document(CONTROL.format(id=id_, checks=text))) for id_, text in given.items()
    ]
    loaded = loading.load(controls)
    assert [entry.problem.message for entry in loaded.problems] == []
    chosen, wrong = choose(loaded, Settings.of({"frameworks": [], "controls": {"include": [*given]}}))
    assert wrong == ()
    files = [(f"{name}.yaml", text, text.startswith("{")) for name, text in texts.items()]
    return Project(Evaluator(chosen, Evidence(date(2026, 1, 1)))).with_files(files)


def judged(checks: str | dict[str, str], text: str) -> CheckedFile:
    """One file, `a.yaml`, judged alone."""
    return project_of(checks, a=text).files[FILE]


def found(checks: str | dict[str, str], text: str) -> list[Found]:
    """The findings in a text, in their order."""
    return [
        Found(paths.show(finding.path), text[finding.span.start : finding.span.end], finding.message)
        for part in judged(checks, text).parts
        for finding in part.findings
    ]


def unevaluated(checks: str | dict[str, str], text: str) -> list[Missed]:
    """What could not be judged in a text."""
    return [
        Missed(paths.show(entry.path), entry.reason)
        for part in judged(checks, text).parts
        for verdicts in part.verdicts
        for entry in verdicts.unevaluated
    ]


def problems(checks: str | dict[str, str], text: str) -> list[tuple[str, str, str, bool]]:
    """Code, marked text, message, and whether it kept text from being judged, of every problem with a text."""
    return [
        (problem.code, text[problem.span.start : problem.span.end], problem.message, problem.fatal)
        for part in judged(checks, text).parts
        for problem in part.problems
    ]
