"""What is wrong with suppressions, and how much of it is told."""

from __future__ import annotations

import pytest
from support.reporting import POD, checked


@pytest.mark.parametrize(
    "almost",
    [
        "kscan:ignroe",
        "kscan: ignore",
        "kscan-ignore",
        "kscan:IGNORE",
        "KSCAN:IGNORE",
        "kscan ignore",
        "kscan.dev/ignore:",
        "kscan:ignored",
        "kscan:ignore:",
    ],
)
def test_what_was_meant_as_a_suppression_is_reported(almost: str) -> None:
    file, _ = checked("pod.yaml", f"# {almost} T-0001 -- reason\n{POD}")
    (problem,) = file.documents[0].checked.problems
    assert problem.code == "suppression"
    assert "T-0001 -- reason" in problem.message, "what is to be written names what was meant"
    assert not any(finding.disposition for finding in file.parts[0].findings)


@pytest.mark.parametrize(
    "until", ["untill=2020-01-01", "until 2020-01-01", "until=", "UNTIL=2020-01-01", "till May"]
)
def test_a_day_that_cannot_be_read_suppresses_nothing(until: str) -> None:
    file, _ = checked(
        "pod.yaml", POD.replace("privileged: true", f"privileged: true # kscan:ignore T-0001 {until} -- x")
    )
    (problem,) = file.parts[0].problems
    assert problem.message.startswith("this suppresses nothing")
    assert not any(finding.disposition for finding in file.parts[0].findings)


def test_a_comment_that_only_names_kscan_is_none() -> None:
    file, _ = checked("pod.yaml", f"# kscan: what it found is in the wiki; kscan ignores tests\n{POD}")
    assert file.documents[0].checked.problems == ()


def test_many_useless_comments_give_few_problems() -> None:
    file, _ = checked("pod.yaml", POD + "# kscan:ignore T-0001\n" * 5_000)
    problems = file.documents[0].checked.problems
    assert len(problems) == 100
    assert {problem.code for problem in problems} == {"suppression"}
    assert problems[0].message.startswith("this comment has no line to speak for")
    assert problems[-1].message == "4,901 more problems are not shown"


@pytest.mark.parametrize(
    "key",
    [
        "kscan.dev/ignroe",
        "kscan.dev/Ignore",
        "kscan.dev/skip",
        "kscan/ignore",
        "kscan.io/ignore",
        "KSCAN.dev/ignore",
    ],
)
def test_an_annotation_that_was_meant_as_a_suppression_is_reported(key: str) -> None:
    text = POD.replace("metadata: {", f"metadata: {{annotations: {{{key}: T-0001 -- reason}}, ")
    file, _ = checked("pod.yaml", text)
    (problem,) = file.parts[0].problems
    assert problem.code == "suppression"
    assert text[problem.span.start : problem.span.end].startswith(key)


def test_an_annotation_of_others_is_none() -> None:
    text = POD.replace("metadata: {", "metadata: {annotations: {kscandata.example/owner: a, ignore: b}, ")
    assert text != POD
    assert checked("pod.yaml", text)[0].parts[0].problems == ()
