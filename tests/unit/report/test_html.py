"""The HTML report: everything that was found, and nothing of a manifest but text."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import date
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from support.reporting import POD, checked, policy_set, report_of

from kscan_lsp.policy import load as loading
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.report import html
from kscan_lsp.report.build import build
from kscan_lsp.report.circumstances import CheckedOut, Circumstances, UsedSettings
from kscan_lsp.report.model import Gate, Skipped
from kscan_lsp.report.standards import StandardChange
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.yaml.document import read_document

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
        links = [values["href"] or "" for tag, values in self.tags if tag == "a"]
        self.links = [link for link in links if not link.startswith("#")]
        """To places in files."""
        self.contents = [link.removeprefix("#") for link in links if link.startswith("#")]
        """To parts of the page."""

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
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "ul", "li", "strong", "table", "thead",
        "tbody", "tr", "td", "th", "svg", "rect", "details", "summary", "span", "b", "code", "div", "a", "wbr", "nav",
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
    assert "Kinds that no control knows" in text
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


def test_every_part_is_in_the_contents() -> None:
    page = read(report_of({"a.yaml": POD, "broken.yaml": POD + "spec: [\n"}))
    anchors = [values["id"] for tag, values in page.tags if tag == "h2"]
    assert page.contents[: len(anchors)] == anchors
    assert {"not-scanned", "compliance", "findings", "files", "standards", "problems"} <= set(anchors)
    assert set(page.contents) <= {values.get("id") for _, values in page.tags}


def test_on_paper_everything_is_unfolded_and_light() -> None:
    many = "---\n".join(POD.replace("name: web", f"name: web{n}") for n in range(30))
    page = read(report_of({"a.yaml": many}))
    assert all("open" not in values for tag, values in page.tags if tag == "details")
    paper = page.style[page.style.index("@media print") :]
    assert "details::details-content { content-visibility: visible;" in paper
    assert "color-scheme: light" in paper


def test_it_says_when_and_from_what_it_was_made() -> None:
    made = Circumstances(
        date(2026, 1, 2),
        (CheckedOut("shop", "72c3701f4ad3c81d2f3a8fd4cf6b3f2b7c6f0a11", "team/<b>"),),
        (UsedSettings(".kscan.yaml", (("frameworks", "test"), ("exclude", "vendor/"))),),
    )
    report = report_of({"a.yaml": POD}, circumstances=made)
    page = read(report)
    text = " ".join(page.text.split())
    assert "2026-01-02 · commit 72c3701f4ad3 (team/<b>) · kscan" in text
    assert "72c3701f4ad3c81d2f3a8fd4cf6b3f2b7c6f0a11, branch team/<b>" in text
    for part in ("How this was made", ".kscan.yaml", "frameworks", "exclude", "vendor/"):
        assert part in text
    assert html.render(report) == html.render(report)
    unknown = read(report_of({"a.yaml": POD})).text
    assert "commit" not in unknown
    assert "date" not in unknown


def test_the_gate_is_said() -> None:
    text = read(report_of({"a.yaml": POD}, gate=Gate())).text
    assert "The gate fails: 1 finding is high or worse." in text
    assert "The gate" not in read(report_of({"a.yaml": POD})).text


STANDARD = """\
id: std
title: Standard
controls:
- {id: T-0001, section: '5.2.10'}
- {id: T-0002, section: '5.2.9, 5.2.1', name: An image}
- {id: T-0003, section: '5.2.9'}
- {id: T-0004, section: '5.3'}
unseen:
- {section: '1.1', about: what <nobody> sees}
"""


def standard(texts: dict[str, str], **settings: Any) -> str:
    loaded = loading.load([("s.yaml", read_document(STANDARD))], policy_set())
    assert loaded.problems == ()
    ruleset, wrong = choose(loaded, Settings.of({"frameworks": ["std"], **settings}))
    assert wrong == ()
    excluded = [StandardChange("excluded", i, ".kscan.yaml", 3) for i in ruleset.policies.controls]
    off = [one for one in excluded if one.id not in ruleset.controls]
    report = build([checked(name, text, ruleset) for name, text in texts.items()], changes=off)
    page = html.render(report)
    Reader(page)
    return page[page.index('id="standards"') :]


def rows(page: str) -> list[list[str]]:
    """The cells of each row of the framework's table, as text."""
    table = page[page.index("<tbody>") : page.index("</tbody>")]
    return [
        [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", table)
    ]


def test_a_standard_has_a_row_for_each_control_of_each_section() -> None:
    accepted = POD.replace("privileged: true", "privileged: true # kscan:ignore T-0001 -- gpu")
    odd = POD.replace("name: web", "name: odd").replace("  - name: api", "  - 1\n  - name: api")
    page = standard({"a.yaml": accepted, "b.yaml": POD, "odd.yaml": odd}, controls={"exclude": ["T-0003"]})
    # three pods: what fails is accepted in one, counts in another, and of the third nobody knows
    assert rows(page) == [
        ["5.2.1", "T-0002 An image", "", "2", "", "1"],
        ["5.2.9", "T-0002 An image", "", "2", "", "1"],
        ["5.2.9", "T-0003 Host network", "excluded: .kscan.yaml:3"],
        ["5.2.10", "T-0001 Privileged", "", "1", "1", "1"],
        ["5.3", "T-0004 Credential", "2", "", "", "1"],
    ]
    assert "2 of 4 controls failed" in page
    assert "T-0003" not in page.partition("</table>")[2]


def test_a_standard_says_what_no_manifest_shows() -> None:
    page = standard({"a.yaml": POD})
    assert "No manifest shows this of Standard" in page
    assert '<td class="section">1.1</td><td>what &lt;nobody&gt; sees</td>' in page


def test_controls_without_sections_that_are_about_nothing_here_are_named_in_a_line() -> None:
    ruleset, _ = choose(builtin_policies(), Settings.of({"frameworks": ["devopsbest"]}))
    page = html.render(build([checked("a.yaml", POD, ruleset)]))
    page = page[page.index('id="standards"') :]
    assert all("no object" not in cell for row in rows(page) for cell in row)
    assert re.search(r'\d+ more controls have no object here to be about: <code class="id">C-', page)
    assert ">section<" not in page


def test_what_was_not_judged_is_grouped_by_its_reason() -> None:
    odd = "---\n".join(
        POD.replace("name: web", f"name: web{n}").replace("  - name: api", "  - 1\n  - name: api")
        for n in range(3)
    )
    page = read(report_of({"odd.yaml": odd})).text
    after = page.partition("Could not be evaluated")[2]
    assert after.count("3 places") == 1
    assert after.count("T-0001, T-0002, T-0004") == 3


def test_what_was_left_alone_is_grouped_by_reason_and_by_what_has_it_judged() -> None:
    left = [
        Skipped("chart/templates/a.yaml", "helm-template", "helm template chart | kscan scan -"),
        Skipped("chart/templates/b.yaml", "helm-template", "helm template chart | kscan scan -"),
        Skipped("values.yaml", "not-kubernetes"),
    ]
    page = Reader(html.render(build([checked("a.yaml", POD)], skipped=left))).text
    after = page.partition("\nLeft alone")[2]
    assert after.count("helm template chart | kscan scan -") == 1
    assert "helm-template" in after
    assert "2 entries" in after
    assert "files that are no Kubernetes manifest" in after
