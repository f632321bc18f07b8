"""What is wrong with suppressions, and how much of it is told."""

from __future__ import annotations

from reporting import POD, checked


def test_many_useless_comments_give_few_problems() -> None:
    file, _ = checked("pod.yaml", POD + "# kscan:ignore T-0001\n" * 5_000)
    problems = file.documents[0].checked.problems
    assert len(problems) == 100
    assert {problem.code for problem in problems} == {"suppression"}
    assert problems[0].message.startswith("this comment has no line to speak for")
    assert problems[-1].message == "4,901 more problems are not shown"
