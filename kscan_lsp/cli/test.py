"""Runs the tests inside control files for the `test` command, and says how it went."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from kscan_lsp.cli.options import UsageError
from kscan_lsp.files.manifest import display_name
from kscan_lsp.files.named import named_files
from kscan_lsp.report.printable import counted, printable
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.testing.mutants import mutate
from kscan_lsp.testing.run import run_tests
from kscan_lsp.workspace.policies import POLICY_SUFFIXES, complete_policies, load_policies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kscan_lsp.policy.model import Control, PolicyProblem
    from kscan_lsp.testing.mutants import Mutation
    from kscan_lsp.testing.run import Outcome
    from kscan_lsp.yaml.document import Document


class TestRun(Struct, frozen=True):
    """The controls that were tested, with what came of each test, and what is wrong with policy files."""

    outcomes: tuple[tuple[Control, tuple[Outcome, ...]], ...]
    problems: tuple[PolicyProblem, ...]
    mutations: Mapping[str, Mutation] = {}
    """What the tests of controls do not notice, by id; of those whose tests pass, where that was asked for."""

    @property
    def status(self) -> int:
        """The exit status: 2 where a policy file is wrong, 1 where a test fails."""
        if self.problems:
            return 2
        return int(any(outcome.failure for _, outcomes in self.outcomes for outcome in outcomes))


def run(paths: Sequence[str], only: Sequence[str] = (), *, coverage: bool = False) -> TestRun:
    """Run the tests of controls.

    Args:
        paths: control files and folders; none for the built-in policies.
        only: control ids; none for all.
        coverage: look for conditions that no test needs, too.

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
    passing = [control for control, found in outcomes if coverage and not any(one.failure for one in found)]
    return TestRun(outcomes, tuple(problems), {one.id: mutate(one, policies) for one in passing})


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
        lines += [f"     {line}" for line in _untried(run, control.id)]
    wrong = f", {counted(len(run.problems), 'problem')} in policy files" if run.problems else ""
    lines.append(
        f"{counted(len(run.outcomes), 'control')}, {counted(tests, 'test')}, {failures} failed{wrong}"
    )
    if run.mutations:
        tried = sum(one.tried for one in run.mutations.values())
        needed = tried - sum(len(one.unnoticed) for one in run.mutations.values())
        lines.append(f"{needed} of {counted(tried, 'outcome')} of conditions are needed by a test")
    return printable("\n".join(lines) + "\n")


def _untried(run: TestRun, control: str) -> list[str]:
    """What the tests of a control would not notice, a line for each condition and value."""
    known = run.mutations.get(control)
    found = next((outcomes for one, outcomes in run.outcomes if one.id == control), ())
    return [
        f"{_place(found[0].source.name, found[0].source.document, one.span.start)}: no test notices if this is taken "
        f"for {'true' if one.value else 'false'}: {one.condition}"
        for one in (known.unnoticed if known else ())
    ]


def junit(run: TestRun) -> str:
    """How it went as JUnit XML: a suite for each control, and one with what is wrong with policy files."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for control, outcomes in run.outcomes:
        failed = sum(bool(one.failure) for one in outcomes)
        lines.append(
            f'<testsuite name={_attribute(f"{control.id} {control.title}")} tests="{len(outcomes)}" '
            f'failures="{failed}" errors="0">'
        )
        for one in outcomes:
            case = f"<testcase classname={_attribute(control.id)} name={_attribute(one.name or 'its tests')}"
            where = _place(one.source.name, one.source.document, one.span.start)
            failure = f"<failure message={_attribute(where)}>{escape(printable(one.failure))}</failure>"
            lines.append(f"{case}>{failure}</testcase>" if one.failure else f"{case}/>")
        if untried := _untried(run, control.id):
            lines.append(f"<system-out>{escape(printable(chr(10).join(untried)))}</system-out>")
        lines.append("</testsuite>")
    if run.problems:
        lines.append(
            f'<testsuite name="policy files" tests="{len(run.problems)}" failures="0" errors="{len(run.problems)}">'
        )
        for entry in run.problems:
            where = _place(entry.source, entry.document, entry.problem.span.start)
            error = f"<error message={_attribute(entry.problem.message)}/>"
            lines.append(f'<testcase classname="policy files" name={_attribute(where)}>{error}</testcase>')
        lines.append("</testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _attribute(text: str) -> str:
    return quoteattr(printable(" ".join(text.split())))


def _place(source: str, document: Document, offset: int) -> str:
    position = document.lines.position(offset)
    return f"{display_name(Path(source))}:{position.line + 1}:{position.column + 1}"
