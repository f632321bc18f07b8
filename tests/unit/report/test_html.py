"""The HTML report: everything that was found, and nothing of a manifest but text."""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote

from support.reporting import POD, report_of

from kscan_lsp.report import html

if TYPE_CHECKING:
    from kscan_lsp.report.model import Report

HOSTILE = "<script>alert(1)</script>\"'&amp;<!--"
VOID = {"meta", "wbr", "rect"}


class Reader(HTMLParser):
    """Reads a page: its text, its links, and every tag with its attributes; unbalanced tags are a failure."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.style = ""
        self.feed(page)
        self.close()
        assert self.stack == []
        self.text = "".join(self.said)
        self.links = [values["href"] or "" for tag, values in self.tags if tag == "a"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] == "style":
            self.style += data
        else:
            self.said.append(data)


def read(report: Report) -> Reader:
    return Reader(html.render(report, lambda file: f"file:///home/{file}"))


def test_every_finding_links_to_its_place() -> None:
    report = report_of({"shop/pod.yaml": POD, "b.yaml": POD.replace("web", "api")})
    links = read(report).links
    assert [entry.file for entry in report.open()].count("b.yaml") == 2
    for entry in report.open():
        start = entry.range.start
        where = f"file:///home/{entry.file}", f"L{start.line},{start.column}"
        assert where in [tuple(unquote(x.removeprefix("kscan-place:")).split("#")) for x in links]
    assert all(link.count("#") == 1 and link.startswith("kscan-place:file%3A%2F%2F%2F") for link in links)


def test_without_addresses_places_are_text() -> None:
    report = report_of({"shop/pod.yaml": POD})
    page = Reader(html.render(report))
    assert page.links == []
    assert "shop/pod.yaml:9:7" in page.text


def test_scores_and_counts_are_shown() -> None:
    page = read(report_of({"a.yaml": POD}))
    assert "50.0%" in page.text
    assert "1 file and 1 resource checked" in page.text
    text = " ".join(page.text.split())
    assert "0critical 1high 1medium 0low" in text


def test_names_are_text_whatever_they_are() -> None:
    text = POD.replace("name: web", f"name: {HOSTILE!r}").replace(
        "namespace: shop", f"namespace: {HOSTILE!r}"
    )
    text = text.replace("name: api", f"name: {HOSTILE!r}  # kscan:ignore T-0002 -- {HOSTILE}")
    report = report_of({f"{HOSTILE}.yaml": text})
    page = read(report)
    names = {tag for tag, _ in page.tags}
    assert names <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ul", "li", "strong", "table", "thead",
        "tbody", "tr", "td", "th", "svg", "rect", "details", "summary", "span", "b", "code", "div", "a", "wbr",
    }  # fmt: skip
    for _, values in page.tags:
        assert not any(name.startswith("on") or name in {"style", "src"} for name in values)
    assert page.text.count("<script>alert(1)</script>") >= 4


def test_what_hides_or_reorders_text_is_made_visible() -> None:
    report = report_of({"a\u202e\x1b.yaml": POD})
    page = html.render(report)
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "a\\u202e\u241b.yaml" in page


def test_the_page_allows_nothing_but_its_own_style() -> None:
    page = read(report_of({"a.yaml": POD}))
    (policy,) = [v["content"] for tag, v in page.tags if v.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_a_secret_is_not_repeated() -> None:
    text = POD.replace("securityContext:", "env: [{name: PASSWORD, value: hunter2}]\n    securityContext:")
    report = report_of({"a.yaml": text})
    assert any(entry.rule.category == "Secrets" for entry in report.findings)
    assert "hunter2" not in html.render(report)


def test_kinds_that_nobody_knows_are_listed() -> None:
    text = read(report_of({"a.yaml": "apiVersion: apps/v1\nkind: Deploymnet\n"})).text
    assert "Kinds that were not judged" in text
    assert "did you mean apps/v1 Deployment?" in text
    assert "Kinds that" not in read(report_of({"a.yaml": POD})).text


def test_what_is_not_known_is_said() -> None:
    odd = POD.replace("  - name: api", "  - 1\n  - name: api")
    broken = POD + "spec: [\n"
    report = report_of({"odd.yaml": odd, "broken.yaml": broken})
    text = read(report).text
    assert "Not scanned, or not fully" in text
    assert "broken.yaml:" in text
    assert "Could not be evaluated" in text
    assert "Problems in files" in text
    empty = report_of({"values.yaml": "a: 1\n"})
    assert "nothing is known" in read(empty).text
    assert "%" not in read(empty).text


def test_suppressed_findings_are_listed_with_their_reason() -> None:
    report = report_of(
        {"a.yaml": POD.replace("privileged: true", "privileged: true # kscan:ignore T-0001 -- gpu")}
    )
    text = read(report).text
    assert "T-0001, comment: gpu" in text
