"""What becomes of findings, what is wrong with directives, and how much of it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.objects import empty_project
from support.reporting import POD, checked

from kscan_lsp.dispositions import chain
from kscan_lsp.dispositions.directives import Directive, Directives
from kscan_lsp.findings import Disposition
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.engine.check import Verdicts

    from kscan_lsp.findings import Finding, Problem
    from kscan_lsp.yaml.document import Document


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


def disposed(text: str) -> tuple[Finding, tuple[Problem, ...]]:
    """The finding that a container is privileged, as it is on the first of January 2026, and all problems."""
    file, _ = checked("pod.yaml", text)
    (finding,) = [finding for _, finding in file.findings() if finding.control == "T-0001"]
    return finding, file.parts[0].problems


COMMENT = POD.replace("privileged: true", "privileged: true # kscan:ignore T-0001 UNTIL -- gpu")
ANNOTATION = POD.replace("metadata: {", "metadata: {annotations: {kscan.dev/ignore: T-0001 UNTIL -- gpu}, ")


@pytest.mark.parametrize(("by", "text"), [("comment", COMMENT), ("annotation", ANNOTATION)])
def test_a_disposition_says_who_said_it_why_until_when_and_where(by: str, text: str) -> None:
    text = text.replace("UNTIL", "until=2026-06-01")
    finding, problems = disposed(text)
    disposition = finding.disposition
    assert problems == ()
    assert disposition is not None
    assert (finding.status, disposition.by, disposition.reason) == ("accepted", by, "gpu")
    assert (disposition.owner, disposition.until) == ("", "2026-06-01")
    assert "T-0001 until=2026-06-01 -- gpu" in text[disposition.span.start : disposition.span.end]


@pytest.mark.parametrize("text", [COMMENT, ANNOTATION])
@pytest.mark.parametrize(
    ("until", "status"), [("2026-01-02", "accepted"), ("2026-01-01", "accepted"), ("2025-12-31", "open")]
)
def test_the_last_day_counts_and_the_day_after_does_not(text: str, until: str, status: str) -> None:
    finding, problems = disposed(text.replace("UNTIL", f"until={until}"))
    assert finding.status == status
    expired = f"this suppression expired on {until}: fix the finding, or give it a new date"
    assert [problem.message for problem in problems] == ([] if status == "accepted" else [expired])


def test_what_stands_nearer_speaks_first_and_the_other_is_used_too() -> None:
    text = ANNOTATION.replace("UNTIL ", "").replace(
        "privileged: true", "privileged: true # kscan:ignore T-0001 -- here"
    )
    finding, problems = disposed(text)
    assert problems == ()
    assert finding.disposition is not None
    assert (finding.disposition.by, finding.disposition.reason) == ("comment", "here")


def test_a_directive_speaks_for_its_own_object() -> None:
    items = [POD.replace("web", name).replace("\n", "\n  ").rstrip() for name in ("one", "two")]
    items[0] = items[0].replace("metadata: {", "metadata: {annotations: {kscan.dev/ignore: T-0001 -- why}, ")
    text = "apiVersion: v1\nkind: List\nitems:\n" + "".join(f"- {item}\n" for item in items)
    file, _ = checked("list.yaml", text)
    found = [(f.resource.name, f.status) for _, f in file.findings() if f.control == "T-0001"]
    assert found == [("one", "accepted"), ("two", "open")]
    for verdicts in file.parts[0].verdicts:
        assert {finding.resource for finding in verdicts.findings} == {verdicts.resource.id}
    before = [finding.status for verdicts in file.parts[0].read.verdicts for finding in verdicts.findings]
    assert set(before) == {"open"}, "what was found is still there, undisposed"


def test_one_more_link_is_one_more_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_owner(_: Document, verdicts: Sequence[Verdicts]) -> Directives:
        accepted = Disposition("accepted", "comment", Span(0, 0), "all of shop", owner="jo")
        return Directives([Directive(("T-0001",), accepted, verdict.resource.root) for verdict in verdicts])

    monkeypatch.setattr(chain, "LINKS", (*chain.LINKS, by_owner))
    finding, problems = disposed(POD)
    assert problems == ()
    assert finding.disposition is not None
    assert finding.disposition.owner == "jo"


def test_a_text_is_asked_once_for_both_judgements(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Document] = []

    def by_nobody(document: Document, _: Sequence[Verdicts]) -> Directives:
        asked.append(document)
        return Directives()

    monkeypatch.setattr(chain, "LINKS", (*chain.LINKS, by_nobody))
    project = empty_project().with_file("pod.yaml", f"# kscan:ignore C-0057 -- why\n{POD}")
    (part,) = project.files["pod.yaml"].parts
    assert part.bounds, "it was judged for what rests on others, too"
    assert len(asked) == 1
    assert [problem.code for problem in part.problems] == ["suppression"]
