"""200 generated policies: kscan says what the API server's own code says (`tests/support/apiserver.py`)."""

from __future__ import annotations

import json
import os

import pytest

from tests.support.apiserver import ANSWERS, COUNT, ask, ours
from tests.support.generated_policies import generated
from tests.support.mutations import MUTATED, made_by_them, made_by_us, mutation_cases

PROGRAM = os.environ.get("KSCAN_APISERVER", "")
"""The program of `tests/apiserver`, where somebody has built it."""
STEP = 25


@pytest.mark.parametrize("first", range(0, COUNT, STEP))
def test_kscan_says_what_the_api_server_says(first: int) -> None:
    answers = json.loads(ANSWERS.read_text(encoding="utf-8"))
    assert len(answers) == COUNT
    cases = generated(COUNT)[first : first + STEP]
    assert [ours(case) for case in cases] == answers[first : first + STEP]


def test_the_answers_are_of_every_kind() -> None:
    answers = json.loads(ANSWERS.read_text(encoding="utf-8"))
    assert all(answers.count(one) > 10 for one in ([], ["refused"], ["error"]))
    assert sum(one not in ([], ["refused"], ["error"]) for one in answers) > COUNT // 5


@pytest.mark.skipif(not PROGRAM, reason="KSCAN_APISERVER names no program: see tests/support/apiserver.py")
def test_the_answers_are_those_of_the_program() -> None:
    assert ask(PROGRAM, generated(COUNT)) == json.loads(ANSWERS.read_text(encoding="utf-8"))


@pytest.mark.skipif(not PROGRAM, reason="as above")
@pytest.mark.parametrize("seed", [19, 20])
def test_others_agree_but_for_what_is_documented(seed: int) -> None:
    cases = generated(COUNT, seed=seed)
    same = [theirs == ours(case) for case, theirs in zip(cases, ask(PROGRAM, cases), strict=True)]
    assert sum(same) >= COUNT * 0.97


def test_kscan_makes_of_objects_what_the_api_server_makes() -> None:
    answers = json.loads(MUTATED.read_text(encoding="utf-8"))
    assert [made_by_us(case) for case in mutation_cases()] == answers
    assert all(answers.count(one) > 5 for one in ("refused", "error"))


@pytest.mark.skipif(not PROGRAM, reason="as above")
def test_what_it_makes_is_what_the_program_makes() -> None:
    assert made_by_them(PROGRAM, mutation_cases()) == json.loads(MUTATED.read_text(encoding="utf-8"))
