"""The comment on a pull request: the verdict first, the worst files, and never longer than a comment may be."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace
from support.forms import HOSTILE, check_markdown
from support.reporting import POD, report_of

from kscan_lsp.dispositions.baseline import BaselineEntry
from kscan_lsp.findings import Severity
from kscan_lsp.report import comment, markdown
from kscan_lsp.report.model import (
    FILE_START,
    Drift,
    FileProblem,
    Gate,
    GoneFinding,
    KnownFinding,
    NotScanned,
    Report,
)

ACCEPTED = POD.replace(
    "privileged: true", "privileged: true # kscan:ignore T-0001 until=2099-01-31 -- mounts disks"
)


def lines(report: Report) -> list[str]:
    text = markdown.render(report)
    check_markdown(text)
    return text.splitlines()


def test_it_begins_with_the_verdict_and_why() -> None:
    found = lines(report_of({"web.yaml": POD}, gate=Gate(Severity.HIGH)))
    assert found[:7] == [
        "<!-- kscan -->", "## kscan: failed", "",
        "- 1 finding is high or worse; fix them ('kscan fix' shows how), or accept each with a reason", "",
        "1 file and 1 object scanned, found **1** high, **1** medium.", "",
    ]  # fmt: skip
    assert "| Test | 50.0% | 50.0% | 4 of 4 |" in found


def test_a_file_is_a_table_to_unfold_with_the_worst_first() -> None:
    found = lines(report_of({"web.yaml": POD}))
    start = found.index("<details><summary>web.yaml: 1 high, 1 medium</summary>")
    assert found[start + 1] == ""
    assert found[start + 4] == (
        "| 9 | high | T-0001 Privileged | Pod shop/web | container 'api' is privileged"
        "<br>fix to review: Set securityContext.privileged of container 'api' to false |"
    )
    assert found[start + 5].startswith("| 7 | medium | T-0002 No tag |")


def test_a_clean_run_says_so() -> None:
    found = lines(report_of({"a.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"}, gate=Gate()))
    assert "1 file and 1 object scanned, found nothing." in found
    assert not any("details" in line for line in found)


def test_what_was_not_scanned_stands_above_what_was_found() -> None:
    report = replace(
        report_of({"web.yaml": POD}, gate=Gate()),
        not_scanned=(NotScanned("gone.yaml", 3, "no YAML"),) * 30,
        problems=(FileProblem(".kscan.yaml", FILE_START, "no such key", "setting"),),
    )
    found = lines(report)
    assert found[1] == "## kscan: failed: not everything was scanned"
    assert "**Not scanned, or not fully: 30 places**" in found
    assert "- gone.yaml:3: no YAML" in found
    assert "- and 10 more" in found
    assert "- .kscan.yaml:1: no such key" in found


def test_accepted_findings_are_told_with_who_says_so() -> None:
    found = lines(report_of({"web.yaml": ACCEPTED}))
    assert "<details><summary>Accepted: 1 finding</summary>" in found
    assert "| web.yaml:9 | T-0001 | mounts disks |  | 2099-01-31 |  |  | comment, line 9 |" in found


def test_a_comment_is_never_too_long_and_says_what_is_left_out() -> None:
    report = report_of({"web.yaml": POD})
    entries = [
        replace(entry, file=f"{name * 40}{n}.yaml")
        for n in range(60)
        for name in "abc"
        for entry in report.findings * 10
    ]
    text = markdown.render(replace(report, findings=tuple(entries)))
    assert 50_000 < len(text) <= comment.MAX_LENGTH
    shown = text.count("| medium |") + text.count("| high |")
    left = re.findall(
        r"^and (\d+) more$|^(\d+) findings in .* for which a comment has no room\.$", text, re.MULTILINE
    )
    assert sum(int(one or other) for one, other in left) == len(entries) - shown
    assert 0 < shown < len(entries)


@pytest.mark.parametrize("word", ["<" * 50_000, "x" * 50_000, "@a " * 9_000])
def test_long_texts_do_not_make_it_too_long(word: str) -> None:
    report = report_of({"web.yaml": ACCEPTED}, gate=Gate(Severity.LOW))
    entries = [
        replace(entry, file=f"{word}{n}", finding=replace(entry.finding, message=word))
        for n in range(50)
        for entry in report.findings
    ]
    gone = BaselineEntry(file=word, object=word, control=word, path=word, severity="high", fingerprint="v1:0")
    drift = Drift(
        word, "", fixed=(GoneFinding(gone, word),) * 90, moved=(KnownFinding(gone, entries[0]),) * 90
    )
    report = replace(
        report,
        findings=tuple(entries),
        not_scanned=(NotScanned(word, 1, word),) * 90,
        problems=(FileProblem(word, FILE_START, word, "setting"),) * 90,
        drift=(drift,) * 9,
    )
    found = lines(report)
    assert len("\n".join(found)) <= comment.MAX_LENGTH
    assert any(line.startswith("<details><summary>Accepted: 50 findings") for line in found)
    assert any("for which a comment has no room" in line for line in found)


def test_a_file_with_very_many_findings_lists_some() -> None:
    report = report_of({"web.yaml": POD})
    found = lines(replace(report, findings=report.findings * 100))
    assert "and 150 more" in found


@pytest.mark.parametrize("word", HOSTILE)
def test_a_text_is_shown_as_it_is(word: str) -> None:
    """What people see is what stands there, but for what does not print."""
    (_, inline, _) = MarkdownIt("commonmark", {"html": True}).parse(comment.plain(word))
    shown = "".join(child.content for child in inline.children or () if child.type != "html_inline")
    assert shown == comment.one_line(word)
    assert {child.content for child in inline.children or () if child.type == "html_inline"} <= {"<!-- -->"}


@pytest.mark.parametrize(
    "word", ["# a", "- a", "1. a", "2) a", "+ a", "> a", "=====", "---", "    a", "***", "a | b"]
)
def test_a_text_begins_no_block(word: str) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).parse(f"- {comment.plain(word)}")
    assert [token.type for token in tokens if token.nesting == 1] == [
        "bullet_list_open", "list_item_open", "paragraph_open",
    ]  # fmt: skip
