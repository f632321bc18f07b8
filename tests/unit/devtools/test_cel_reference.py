"""The page about expressions has everything that there is, and what it says is true."""

from __future__ import annotations

import json
import re

import pytest
from support.judging import project_of

from kscan_lsp.authoring.cel_reference import Line, reference
from kscan_lsp.cel import hints, library
from kscan_lsp.policy.environment import CONTROLS

REFERENCE = reference()
LINES = [line for section in REFERENCE.sections for line in section.lines]


def check(example: str) -> str:
    """A check that finds the first argument if an example is true, and the second one in any case."""
    example = example.replace("inputs.colours == ['red', 'green']", "inputs.names == ['one', 'two']")
    return (
        "- match: workloads\n  each: containers.args[*]\n  relations: {services: services}\n"
        f"  deny: {json.dumps(f'index > 0 || ({example})')}\n  at: item\n  message: found\n"
    )


@pytest.mark.parametrize("line", [line for line in LINES if line.example], ids=lambda line: line.written)
def test_an_example_is_true(line: Line) -> None:
    project = project_of(check(line.example), a=REFERENCE.object)
    ((verdicts,),) = [checked.verdicts for checked in project.files["a.yaml"].parts]
    assert verdicts.unevaluated == ()
    assert [finding.path[-1] for finding in verdicts.findings] == [0, 1]


def test_an_example_could_be_false() -> None:
    project = project_of(check("container.name == 'other'"), a=REFERENCE.object)
    ((verdicts,),) = [checked.verdicts for checked in project.files["a.yaml"].parts]
    assert [finding.path[-1] for finding in verdicts.findings] == [1]


def test_every_variable_has_a_line() -> None:
    assert {line.written for line in REFERENCE.sections[0].lines} == set(CONTROLS.variables)


def test_every_function_is_named() -> None:
    text = " ".join(f"{line.written} {line.gives} {line.example}" for line in LINES)
    named = set(re.findall(r"[\w.]+", text)) | set(re.findall(r"\w+", text))
    assert {function.name for function in library.all_functions()} - named == set()
    assert set(hints.STANDARD) - named == set()
