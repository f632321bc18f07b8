"""Every error is told once, in plain words, at its own line and column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import pytest

from kscan_lsp.settings.shape import EMPTY, Model, Value
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.settings.validation import validate, without_errors
from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.locate import span_at


def _no_tabs(value: str) -> str:
    if "tab" in value:
        raise ValueError("a title has no tabs")
    return value


class Part(Model):
    name: str
    size: int = 0


class Whole(Model):
    title: Annotated[str, Value(after=_no_tabs)] = ""
    parts: tuple[Part, ...] = ()
    ratio: Annotated[float, Value(most=10)] = 0
    colour: Literal["red", "green"] = "red"
    flag: bool = False
    by_name: Mapping[str, Part] = EMPTY
    names: Annotated[tuple[str, ...], Value(shortest=1)] = ("x",)


def found(text: str) -> list[tuple[int, int, str, str]]:
    """(line, column, marked text, message) of every problem, counted from 1."""
    document = read_document(text)
    model, problems = validate(Whole, document, "setting")
    assert (model is None) == bool(problems)
    assert {p.code for p in problems} <= {"setting"}
    places = [(document.lines.position(p.span.start), p) for p in problems]
    return [(at.line + 1, at.column + 1, text[p.span.start : p.span.end], p.message) for at, p in places]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("titel: x\n", (1, 1, "titel", "unknown key 'titel'; did you mean 'title'?")),
        (
            "a: 1\n",
            (1, 1, "a", "unknown key 'a'; known are byName, colour, flag, names, parts, ratio, title"),
        ),
        ("title: 5\n", (1, 8, "5", "'title' must be a string; quote it")),
        ("title: [x]\n", (1, 8, "[x]", "'title' must be a string")),
        ("title: a tab\n", (1, 8, "a tab", "a title has no tabs")),
        ("ratio: 11\n", (1, 8, "11", "'ratio' must be less than or equal to 10")),
        ("ratio: high\n", (1, 8, "high", "'ratio' must be a number")),
        ("colour: blue\n", (1, 9, "blue", "'colour' must be 'red' or 'green'")),
        ("flag: 'true'\n", (1, 7, "'true'", "'flag' must be true or false")),
        ("ratio: '5'\n", (1, 8, "'5'", "'ratio' must be a number")),
        ("ratio: true\n", (1, 8, "true", "'ratio' must be a number")),
        ("colour: [red]\n", (1, 9, "[red]", "'colour' must be 'red' or 'green'")),
        ("parts: null\n", (1, 8, "null", "'parts' must be a list")),
        ("flag: []\n", (1, 7, "[]", "'flag' must be true or false")),
        ("parts: x\n", (1, 8, "x", "'parts' must be a list")),
        ("names: x\n", (1, 8, "x", "'names' must be a list")),
        ("names: []\n", (1, 8, "[]", "'names' must not be empty")),
        ("byName: []\n", (1, 9, "[]", "'byName' must be a mapping")),
        ("parts:\n- size: 1\n", (2, 3, "size: 1", "'name' is missing")),
        ("parts:\n- name: x\n  size: [1]\n", (3, 9, "[1]", "'size' must be a whole number")),
        ("parts:\n- name: x\n  sise: 1\n", (3, 3, "sise", "unknown key 'sise'; did you mean 'size'?")),
        ("parts: [x]\n", (1, 9, "x", "each entry of 'parts' must be a mapping")),
        ("byName:\n  a: {name: b, nam: c}\n", (2, 16, "nam", "unknown key 'nam'; did you mean 'name'?")),
        ("parts:\n- nam: x\n", (2, 3, "nam", "unknown key 'nam'; did you mean 'name'?")),
        ("byName:\n  a:\n    size: 1\n", (2, 3, "a", "'name' is missing")),
        ("- x\n", (1, 1, "- x", "this file must be a mapping")),
    ],
)
def test_an_error_is_one_problem_at_its_place(text: str, problem: tuple[int, int, str, str]) -> None:
    assert found(text) == [problem]


def test_all_errors_are_found_at_once() -> None:
    assert [line for line, *_ in found("title: 1\nratio: 12\nother: x\n")] == [1, 2, 3]


def test_what_fits() -> None:
    document = read_document("title: x\nparts:\n- name: a\n")
    model, problems = validate(Whole, document, "setting")
    assert problems == ()
    assert model == Whole(title="x", parts=(Part(name="a"),))
    assert validate(Whole, read_document("# nothing yet\n"), "setting") == (Whole(), ())


def test_a_broken_document_is_not_judged() -> None:
    model, problems = validate(Whole, read_document("title: [\n"), "setting")
    assert model is None
    assert [p.code for p in problems] == ["syntax"]


def test_a_duplicate_key_is_a_problem_and_the_last_one_counts() -> None:
    model, problems = validate(Whole, read_document("title: a\ntitle: b\n"), "setting")
    assert model == Whole(title="b")
    assert [p.code for p in problems] == ["duplicate-key"]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("title: x\nratio: 11\nother: 1\n", Whole(title="x")),
        (
            "parts:\n- name: a\n- size: 1\n- name: c\n  sise: 1\n",
            Whole(
                parts=(
                    Part(name="a"),
                    Part(name="c"),
                )
            ),
        ),
        ("parts:\n- {}\n- {}\n- name: c\n", Whole(parts=(Part(name="c"),))),
        ("byName: {a: {name: x}, b: 5}\n", Whole(by_name={"a": Part(name="x")})),
        ("title: x\nfla\n", Whole(title="x")),
        ("- x\n", Whole()),
        ("", Whole()),
    ],
)
def test_without_errors(text: str, rest: Whole) -> None:
    document = read_document(text)
    assert without_errors(Whole, document) == rest


def test_places() -> None:
    text = "a:\n  b: 1\n  c:\n  - x\n  - y\n"
    document = read_document(text)

    def at(path: tuple[str | int, ...], **how: bool) -> str:
        span = span_at(document, path, **how)
        return text[span.start : span.end]

    assert at(("a", "b")) == "1"
    assert at(("a", "b"), on_key=True) == "b"
    assert at(("a", "c", 1)) == "y"
    assert at(("a", "nothing", "x")) == "a"
    assert at(("nothing",)) == "a:"
    assert span_at(read_document("# nothing\n"), ("a",)) == (0, 0)


def test_nearest_name() -> None:
    assert nearest_name("titel", ["title", "parts"]) == "; did you mean 'title'?"
    assert nearest_name("zzz", ["title", "parts"]) == "; known are title, parts"
    assert nearest_name("zzz", [f"name{n}" for n in range(13)]) == ""
    assert nearest_name("zzz", []) == ""
    assert nearest_name("C-9999", ["C-0299", *map(str, range(20))]) == "", "any other id is as near"
    assert nearest_name("KS0001", ["C-0001", "KS-0001"]) == "; did you mean 'KS-0001'?"
    assert nearest_name("C-57", ["C-0257", "C-0057", "C-5700"]) == "; did you mean 'C-0057'?"
    assert nearest_name("C-00057", ["C-0257", "C-0057"]) == "; did you mean 'C-0057'?"


def test_nearest_name_completes_what_was_typed_with_the_newest() -> None:
    known = ["cis-eks-t1.8.0", "cis-v1.10.0", "cis-v1.9.0", "nsa", "pci-dss-v4.0.1", "pss-baseline"]
    for typed in ("pci", "pci-dss", "PCI-DSS", "pci-dss-v4"):
        assert nearest_name(typed, known) == "; did you mean 'pci-dss-v4.0.1'?"
    assert nearest_name("cis", known) == "; did you mean 'cis-eks-t1.8.0' or 'cis-v1.10.0'?"
    assert nearest_name("p", [*known, "pss-restricted"]) == (
        "; did you mean 'pci-dss-v4.0.1', 'pss-baseline' or 'pss-restricted'?"
    )
    assert nearest_name("C-", [f"C-{n:04}" for n in range(1, 21)]) == "", "too many to name"
    assert nearest_name("", [f"name{n}" for n in range(13)]) == ""
