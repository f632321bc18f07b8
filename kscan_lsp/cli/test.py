"""Runs the tests inside control files for the `test` command, and says how it went."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.cli.options import UsageError
from kscan_lsp.files.manifest import display_name
from kscan_lsp.files.named import named_files
from kscan_lsp.report.printable import counted, printable
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.testing.run import run_tests
from kscan_lsp.workspace.policies import POLICY_SUFFIXES, complete_policies, load_policies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.policy.model import Control, PolicyProblem
    from kscan_lsp.testing.run import Outcome
    from kscan_lsp.yaml.document import Document


class TestRun(Struct, frozen=True):
    """The controls that were tested, with what came of each test, and what is wrong with policy files."""

    outcomes: tuple[tuple[Control, tuple[Outcome, ...]], ...]
    problems: tuple[PolicyProblem, ...]

    @property
    def status(self) -> int:
        """The exit status: 2 where a policy file is wrong, 1 where a test fails."""
        if self.problems:
            return 2
        return int(any(outcome.failure for _, outcomes in self.outcomes for outcome in outcomes))


def run(paths: Sequence[str], only: Sequence[str] = ()) -> TestRun:
    """Run the tests of controls.

    Args:
        paths: control files and folders; none for the built-in policies.
        only: control ids; none for all.

    Raises:
        UsageError: a path or a control does not exist.
    """
    for name in paths:
        if not os.path.exists(name):
            raise UsageError(f"there is no file or folder '{name}'")
    base = complete_policies()
    policies, problems = base, base.problems
    chosen = dict(base.controls)
    if paths:
        files, wrong = named_files(tuple(paths), Path.cwd(), POLICY_SUFFIXES, inside=None)
        if wrong:
            raise UsageError("\n".join(message for _, message in wrong))
        if not files:
            raise UsageError(f"there are no control files in {', '.join(paths)}; they end in .yaml or .yml")
        policies = load_policies(files, base=base)
        problems = policies.problems[len(base.problems) :]
        chosen = {i: c for i, c in policies.controls.items() if c is not base.controls.get(i)}
    if only:
        for name in only:
            if name.upper() not in chosen:
                raise UsageError(f"unknown control '{name}'{nearest_name(name.upper(), list(chosen))}")
        chosen = {i: chosen[i] for i in sorted({name.upper() for name in only})}
    outcomes = tuple((control, tuple(run_tests(control, policies))) for control in chosen.values())
    return TestRun(outcomes, tuple(problems))


def render(run: TestRun, *, verbose: bool = False) -> str:
    """How it went, for people."""
    lines = [
        f"{_place(entry.source, entry.document, entry.problem.span.start)}: {entry.problem.message}"
        for entry in run.problems
    ]
    tests = failures = 0
    for control, outcomes in run.outcomes:
        failed = [outcome for outcome in outcomes if outcome.failure]
        tests, failures = tests + len(outcomes), failures + len(failed)
        verdict = f"{len(failed)} of {len(outcomes)} failed" if failed else f"{len(outcomes)} passed"
        lines.append(f"{'FAIL' if failed else 'ok  '} {control.id} {control.title}: {verdict}")
        for outcome in outcomes:
            if outcome.failure:
                where = _place(outcome.source.name, outcome.source.document, outcome.span.start)
                lines.append(f"     {where}: {outcome.name or 'its tests as a whole'}")
                lines += [f"       {line}".rstrip() for line in outcome.failure.splitlines()]
            elif verbose:
                lines.append(f"     passed: {outcome.name}")
    wrong = f", {counted(len(run.problems), 'problem')} in policy files" if run.problems else ""
    lines.append(
        f"{counted(len(run.outcomes), 'control')}, {counted(tests, 'test')}, {failures} failed{wrong}"
    )
    return printable("\n".join(lines) + "\n")


def _place(source: str, document: Document, offset: int) -> str:
    position = document.lines.position(offset)
    return f"{display_name(Path(source))}:{position.line + 1}:{position.column + 1}"
