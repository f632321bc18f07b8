"""How well credentials are told from what only looks like them; and that the documentation says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from kscan_lsp.kubernetes import credentials
from kscan_lsp.workspace.policies import builtin_policies

HERE = Path(__file__).parent
ENTRIES = list(builtin_policies().controls["C-0259"].inputs["sensitiveKeyNames"])
PAGE = Path(__file__).parents[4] / "docs" / "credentials.md"


class Value(NamedTuple):
    line: int
    is_credential: bool
    place: str
    name: list[str]
    text: str

    def found(self) -> str:
        if self.place == "annotation":
            return credentials.credential_in_annotation(self.name[0], self.text, ENTRIES)
        if self.place != "arg":
            return credentials.credential(self.name[0], self.text, ENTRIES)
        program, before = ["" if word == "_" else word for word in (*self.name, "_")[:2]]
        return credentials.credential_in_argument(program, before, self.text, ENTRIES)


def values(file: str) -> list[Value]:
    found = []
    for number, line in enumerate((HERE / file).read_text(encoding="utf-8").split("\n"), 1):
        if line.startswith(("+ ", "- ")):
            left, _, text = line.partition(" =")
            label, place, *name = left.split()
            text = text.removeprefix(" ").replace("¦", "").replace("\\n", "\n").replace("\\\n", "\\n")
            found.append(Value(number, label == "+", place, name, text))
    return found


class Result(NamedTuple):
    right: int
    missed: list[Value]
    false_alarms: list[Value]
    innocent: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + len(self.false_alarms))

    @property
    def recall(self) -> float:
        return self.right / (self.right + len(self.missed))


def judged(file: str) -> Result:
    all_values = values(file)
    missed = [v for v in all_values if v.is_credential and not v.found()]
    false_alarms = [v for v in all_values if not v.is_credential and v.found()]
    real = sum(v.is_credential for v in all_values)
    return Result(real - len(missed), missed, false_alarms, len(all_values) - real)


@pytest.mark.parametrize("file", ["corpus.txt", "heldout.txt"])
def test_precision_and_recall(file: str) -> None:
    result = judged(file)
    assert result.precision >= 0.99, result.false_alarms
    assert result.recall >= 0.95, result.missed


@pytest.mark.parametrize("file", ["corpus.txt", "heldout.txt"])
def test_half_of_the_values_are_innocent_and_every_place_is_there(file: str) -> None:
    all_values = values(file)
    innocent = [v for v in all_values if not v.is_credential]
    assert len(all_values) >= (400 if file == "corpus.txt" else 300)
    assert 0.4 * len(all_values) <= len(innocent) <= 0.65 * len(all_values)
    for place in ("env", "configmap", "arg", "annotation"):
        assert {v.is_credential for v in all_values if v.place == place} == {True, False}


@pytest.mark.parametrize("file", ["corpus.txt", "heldout.txt"])
def test_no_line_of_a_corpus_looks_like_a_leak(file: str) -> None:
    """A scanner of the repository reads the lines as they stand, before the broken bars are taken out."""
    known = re.compile(
        r"gh[pousr]_[0-9A-Za-z]{36}|github_pat_|glpat-[\w-]{20}|xox[abps]-\d|sk_live_|AIza[\w-]{35}|npm_\w{36}"
        r"|pypi-AgE|SG\.[\w-]{22}\.|(?:AKIA|ASIA)[A-Z2-7]{16}|hooks\.slack\.com/services/T|BEGIN [A-Z ]*PRIVATE KEY"
    )
    text = (HERE / file).read_text(encoding="utf-8")
    assert [line for line in text.split("\n") if known.search(line)] == []


def test_what_is_found_is_said_in_words_of_ours() -> None:
    for value in values("corpus.txt"):
        if len(value.text) > 8 and (found := value.found()):
            assert re.fullmatch(r"an? [\w' .-]+?(?: in base64)?(?: \(line \d+\))?", found), found
            assert value.text not in found


def test_the_documentation_has_these_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for file in ("corpus.txt", "heldout.txt"):
        result = judged(file)
        row = (
            f"{result.right + len(result.missed) + result.innocent:,} | {result.innocent:,} "
            f"| {result.precision:.1%} | {result.recall:.1%}"
        )
        assert row in page, f"{file}: {row}"
