"""What is known from a baseline: counted, in its file first, then wherever it went."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kscan_lsp.dispositions.baseline import (
    Baseline,
    BaselineEntry,
    BaselineError,
    BaselineScore,
    FoundImage,
    KnownBy,
    match,
    read,
    render,
)


def entry(file: str, fingerprint: str, count: int = 1) -> BaselineEntry:
    return BaselineEntry(
        file=file,
        object="Pod web",
        control="C-0057",
        path="spec",
        severity="high",
        fingerprint=fingerprint,
        count=count,
    )


def matched(entries: list[BaselineEntry], found: dict[str, list[str]]) -> tuple[str, dict[str, int]]:
    """What each finding is, a letter each: known, moved or new; and what is left, by file."""
    matching = match(entries, {file: [KnownBy(one) for one in many] for file, many in found.items()})
    words = {None: "n", False: "k", True: "m"}
    said = [
        words[claim.moved if (claim := matching.claims[file].get(number)) else None]
        for file, one in found.items()
        for number in range(len(one))
    ]
    return "".join(said), {one.file: one.count for one in matching.left}


@pytest.mark.parametrize(
    ("entries", "found", "said", "left"),
    [
        ([], {"a": ["x"]}, "n", {}),
        ([entry("a", "x")], {"a": ["x"]}, "k", {}),
        ([entry("a", "x")], {"a": []}, "", {"a": 1}),
        ([entry("a", "x")], {}, "", {"a": 1}),
        ([entry("a", "x")], {"b": ["x"]}, "m", {}),
        ([entry("a", "x")], {"a": ["x", "x"]}, "kn", {}),
        ([entry("a", "x", 2)], {"a": ["x"]}, "k", {"a": 1}),
        ([entry("a", "x"), entry("b", "x")], {"b": ["x"], "c": ["x"]}, "km", {}),
        ([entry("a", "x"), entry("b", "x")], {"c": ["x"]}, "m", {"b": 1}),
        ([entry("a", "x")], {"a": ["x"], "b": ["x"]}, "kn", {}),
        ([entry("a", "x")], {"0": ["x"], "a": ["x"]}, "nk", {}),
        ([entry("a", "x"), entry("a", "x")], {"a": ["x", "x", "x"]}, "kkn", {}),
    ],
)
def test_findings_are_matched_by_file_and_then_as_moves(
    entries: list[BaselineEntry], found: dict[str, list[str]], said: str, left: dict[str, int]
) -> None:
    assert matched(entries, found) == (said, left)


@pytest.mark.parametrize(
    ("then", "now", "known"),
    [
        (
            ("shop:1", 2),
            ("shop:1", 40),
            True,
        ),  # what is published about the same image is no change of the manifest
        (("shop:1", 2), ("shop:2", 2), True),
        (("shop:1", 2), ("shop:2", 1), True),
        (("shop:1", 2), ("shop:2", 3), False),
        (("", 0), ("shop:2", 3), True),  # nobody wrote down which image it was
        (("shop:1", 2), None, True),  # nobody knows what is in the image now
    ],
)
def test_another_image_that_is_worse_is_no_longer_what_was_known(then, now, known) -> None:
    image, vulnerabilities = then
    entries = [replace(entry("a", "x"), image=image, vulnerabilities=vulnerabilities)]
    matching = match(entries, {"a": [KnownBy("x", FoundImage(*now) if now else None)]})
    assert bool(matching.claims["a"]) == known
    assert bool(matching.left) != known


def test_of_several_images_each_is_known_by_its_own() -> None:
    entries = [replace(entry("a", "x"), image=f"shop:{n}", vulnerabilities=n) for n in (3, 2)]
    found = [KnownBy("x", FoundImage("shop:2", 2)), KnownBy("x", FoundImage("shop:3", 3))]
    claims = match(entries, {"a": found}).claims["a"]
    assert [claims[number].entry.image for number in range(2)] == ["shop:2", "shop:3"]


FILES = st.dictionaries(st.sampled_from("abc"), st.lists(st.sampled_from("xyz"), max_size=4))


@given(FILES, FILES)
def test_nothing_is_counted_twice_and_nothing_gets_lost(
    before: dict[str, list[str]], now: dict[str, list[str]]
) -> None:
    those = {file: [KnownBy(one) for one in many] for file, many in now.items()}
    matching = match([entry(file, one) for file, many in before.items() for one in many], those)
    claimed = sum(map(len, matching.claims.values()))
    assert claimed + sum(one.count for one in matching.left) == sum(map(len, before.values()))
    for one in "xyz":
        then = sum(many.count(one) for many in before.values())
        today = sum(many.count(one) for many in now.values())
        new = sum(
            found == one and number not in matching.claims[file]
            for file, many in now.items()
            for number, found in enumerate(many)
        )
        assert new == max(0, today - then)


WHOLE = Baseline(
    version=1,
    tool="0.1.0",
    date="2026-11-28",
    frameworks=(BaselineScore(id="nsa", score=80.5, score_accepted=None),),
    controls=("C-0057",),
    findings=(entry("b/ü.yaml", "v1:2", 2), entry('a "quoted".yaml', "v1:1")),
)


def test_a_baseline_has_a_line_for_each_finding_in_order() -> None:
    text = render(WHOLE)
    lines = [line for line in text.splitlines() if '"fingerprint"' in line]
    assert ["v1:1" in lines[0], "v1:2" in lines[1], len(lines)] == [True, True, 2]
    assert read(text) == Baseline(
        **{
            **{name: getattr(WHOLE, name) for name in WHOLE.__struct_fields__},
            "findings": WHOLE.findings[::-1],
        }
    )
    assert render(read(text)) == text


def test_an_empty_baseline_is_one() -> None:
    empty = Baseline(version=1, tool="", date="")
    assert read(render(empty)) == empty


@pytest.mark.parametrize(
    ("text", "message", "path", "offset"),
    [
        ("{", "no JSON", (), 1),
        ('{"tool": "ä" ', "no JSON", (), 13),
        ("", "no JSON", (), 0),
        ("[]", "Expected `object`", (), 0),
        (render(WHOLE).replace('"count": 2', '"count": "2"'), "Expected `int`", ("findings", 1, "count"), 0),
        (render(WHOLE).replace('"count": 2', '"count": 0'), "at least once", ("findings", 1, "count"), 0),
        (render(WHOLE).replace('"version": 1', '"version": 7'), "version 7", ("version",), 0),
        (render(WHOLE).replace('"control"', '"contrl"'), "unknown field `contrl`", ("findings", 0), 0),
        ("<<<<<<< HEAD\n" + render(WHOLE), "not merged", (), 0),
    ],
)
def test_what_is_no_baseline_says_why(
    text: str, message: str, path: tuple[str | int, ...], offset: int
) -> None:
    with pytest.raises(BaselineError) as caught:
        read(text)
    assert message in caught.value.message
    assert (caught.value.path, caught.value.offset) == (path, offset)
