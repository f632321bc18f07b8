"""What people see: snippets with marks under the right cells, and reports fit for any terminal."""

from __future__ import annotations

import io
import re
from functools import partial

import pytest
from rich.cells import cell_len
from support.reporting import POD, checked, policy_set, report_of, rules
from support.screens import harmless, mark

from kscan_lsp.cli import terminal
from kscan_lsp.policy import load as loading
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.report import lines, pretty
from kscan_lsp.report.build import build
from kscan_lsp.report.file_text import shown_line
from kscan_lsp.report.model import FileRange, Gate, Skipped
from kscan_lsp.report.snippet import snippet
from kscan_lsp.report.standards import StandardChange
from kscan_lsp.settings.model import Settings
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import read_document


def test_the_mark_is_under_the_range() -> None:
    assert mark("    privileged: true\n", 5, 21) == ("    privileged: true", "    ^^^^^^^^^^^^^^^^")


def test_tabs_and_wide_characters_take_their_cells() -> None:
    assert mark("a:\t値段: x", 4, 6) == ("a:  値段: x", "    ^^^^")
    assert mark("\t\tx", 3, 4) == ("        x", "        ^")
    assert mark("値段: x", 5, 6) == ("値段: x", "      ^")


def test_control_characters_are_shown_and_counted() -> None:
    assert mark("\x1b[2J\x07x", 6, 7) == ("\u241b[2J\u2407x", "     ^")
    text, under = mark("\u202ename", 2, 6)
    assert (text, under) == ("\\u202ename", "      ^^^^")


def test_a_masked_value_is_not_shown_nor_how_long_it_is() -> None:
    def hidden(text: str, start: int, end: int) -> tuple[str, str]:
        at = text.index("hunter2")
        place = FileRange(1, start, 1, end)
        return snippet(shown_line(text, [Span(at, at + 7)]), place, 70)

    assert hidden("  value: hunter2 # x", 3, 17) == ("  value: ******** # x", "  ^^^^^^^^^^^^^^^")
    assert hidden("- hunter2", 3, 10) == ("- ********", "  ^^^^^^^^")
    assert hidden("- hunter2, a", 12, 13) == ("- ********, a", "            ^")
    assert hidden("- hunter2", 5, 6) == ("- ********", "  ^^^^^^^^")


def test_an_empty_range_has_one_caret() -> None:
    assert mark("abc", 4, 4) == ("abc", "   ^")
    assert mark("", 1, 1) == ("", "^")


def test_a_range_over_lines_is_marked_on_its_first() -> None:
    place = FileRange(1, 1, 2, 7)
    assert snippet(shown_line("spec:"), place, 70) == ("spec:", "^^^^^")


def test_a_long_line_is_cut_around_the_range() -> None:
    text = "x" * 1000 + "HERE" + "y" * 100_000
    shown, under = mark(text, 1001, 1005, width=60)
    assert cell_len(shown) <= 60
    assert shown[0] == shown[-1] == "\u2026"
    assert shown[under.index("^") : len(under)] == "HERE"


def shown(text: str, name: str = "pod.yaml", width: int = 80, **settings: object) -> str:
    report = report_of({name: text}, gate=Gate(), **settings)
    return lines.plain_text(pretty.lines(report, lines.Screen(width)))


def test_kinds_that_nobody_knows_are_counted() -> None:
    text = "---\n".join(
        f"apiVersion: {version}\nkind: {kind}\n"
        for version, kind in [
            *[("example.com/v1", "Shop")] * 3,
            ("apps/v1", "Deploymnet"),
            ("v1", "Ingress"),
            ("shop.example/v1", "Service"),
            ("v1", "Service"),
        ]
    )
    assert (
        "scanned      1 file, 7 resources\n"
        "             kinds not judged: Shop 3, Deploymnet 1 (did you mean Deployment?),\n"
        "             Ingress 1 (did you mean networking.k8s.io/v1?),\n"
        "             Service.shop.example 1\n"
    ) in shown(text)
    many = "---\n".join(f"apiVersion: example.com/v1\nkind: Shop{n}\n" for n in range(30))
    assert "and 10 more\n" in shown(many)
    assert "kinds" not in shown(POD)


def test_a_report_in_full() -> None:
    assert (
        shown(POD)
        == """\
pod.yaml
  Pod/web in shop
  7 \u2502   - name: api
    \u2502     ^^^^^^^^^
    \u2502 medium   T-0002 No tag
    \u2502          container 'api' has no image

  9 \u2502       privileged: true
    \u2502       ^^^^^^^^^^^^^^^^
    \u2502 high     T-0001 Privileged
    \u2502          container 'api' is privileged
    \u2502          fix: Set securityContext.privileged of container 'api' to false

scanned      1 file, 1 resource
found        1 high, 1 medium
compliance   test 50.0%
next         kscan fix --unsafe  show 1 fix to review
             kscan explain T-0001  why it matters and how to satisfy it
failed       1 finding is high or worse
             T-0001 at pod.yaml:9
             fix them ('kscan fix' shows how), or accept each with a reason
"""
    )


def test_places_with_the_same_problems_are_shortened() -> None:
    many = "---\n".join(POD.replace("name: web", f"name: web{n}") for n in range(30))
    text = shown(many)
    assert text.count("container 'api' is privileged") == 2
    assert text.count("as above: T-0001") == 18
    assert "as above at 10 more places: T-0001" in text
    assert "lines 209, 219, 229" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_the_screen(width: int) -> None:
    long = POD.replace("name: api", f"name: {'api' * 60}")
    assert max(cell_len(line) for line in shown(long, width=width).splitlines()) <= width


def test_nothing_of_a_manifest_reaches_the_terminal_raw() -> None:
    hostile = POD.replace("name: api", 'name: "\\e]0;owned\\a\\e[2J\\u202e"').replace("web", '"w\\eb"')
    text = shown(hostile, "a\x1bb.yaml")
    assert harmless(text.replace("\n", ""))
    assert "\u241b]0;owned\u2407" in text
    assert "a\u241bb.yaml" in text


def test_secrets_are_not_repeated() -> None:
    text = shown(POD.replace("- name: api", "- env: [{name: PASSWORD, value: hunter2}]\n    name: api"))
    assert "- env: [{name: PASSWORD, value: ********" in text
    assert "hunter" not in text
    assert "hunter" not in shown(
        POD.replace("- name: api", "- env: [{name: A, value: {hunter: 2}}]\n    name: api")
    )


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    report = report_of({"pod.yaml": POD}, gate=Gate())
    monkeypatch.setattr("sys.stdout", stream)
    terminal.print_lines(partial(pretty.lines, report))
    return stream.getvalue()


def test_colour_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[1;31m" in on_terminal(monkeypatch)
    assert re.search(r"\x1b\[[0-9;]*3[1-7]m", on_terminal(monkeypatch, NO_COLOR="1")) is None
    assert "\x1b" not in shown(POD)


def test_a_screen_that_knows_ascii_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    assert " | " in on_terminal(monkeypatch)


def test_what_was_not_looked_at_is_said() -> None:
    text = shown(POD + "   broken\n")
    assert "not scanned  pod.yaml:10: " in text
    assert "problem " in text
    text = shown(POD.replace("  - name: api", "  - 1\n  - name: api"))
    assert "not judged   T-0001, T-0002, T-0004 at pod.yaml:7: a container must be a mapping" in text


def test_what_no_manifest_says_is_one_line() -> None:
    kinds = "[{groups: ['*'], kinds: [Pod]}]"
    texts = [f"{{id: T-00{n}, title: t, score: 5, description: d, remediation: r, needs: a scan, match: {kinds}}}"
             for n in (11, 12)]  # fmt: skip
    loaded = loading.load(((str(n), read_document(text)) for n, text in enumerate(texts)), policy_set())
    ruleset, _ = choose(loaded, Settings(), only=["T-0001", "T-0011", "T-0012"])
    report = build([checked("pod.yaml", POD.replace("  - name: api", "  - 1\n  - name: api"), ruleset)])
    text = lines.plain_text(pretty.lines(report, lines.Screen()))
    assert (
        f"not judged   T-0001 at pod.yaml:7: {report.controls[0].reasons[0].reason}\n"
        "             2 controls take more than manifests, as 'kscan explain T-0011' says\n"
    ) in text


def test_pieces_keep_their_styles_where_lines_break() -> None:
    line = [lines.StyledText("one two", "bold"), lines.StyledText(" three")]
    assert list(lines.wrapped(line, 5)) == [[("one ", "bold")], [("two", "bold"), (" ", "")], [("three", "")]]


def test_nothing_found_and_nothing_there() -> None:
    assert "found        nothing" in shown(
        POD.replace("true", "false").replace("name: api", "name: api\n    image: a")
    )
    assert "no Kubernetes manifest was found here" in shown("a: 1\n")


@pytest.mark.parametrize(
    ("skipped", "said"),
    [
        (("excluded", "excluded"), "all that is here is excluded"),
        (("excluded", "not-kubernetes"), "no Kubernetes manifest was found here"),
    ],
)
def test_what_is_there_may_be_excluded(skipped: tuple[str, ...], said: str) -> None:
    report = build([], skipped=[Skipped(f"{n}.yaml", reason) for n, reason in enumerate(skipped)])
    assert said in lines.plain_text(pretty.lines(report, lines.Screen(100)))


def test_what_is_changed_alike_in_one_place_is_one_line() -> None:
    changes = [
        StandardChange("excluded", "T-0001", ".kscan.yaml", 3),
        StandardChange("excluded", "T-0002", ".kscan.yaml", 3),
        StandardChange("lowered", "T-0003", "", 0, "critical to low"),
        StandardChange("replaced", "test", "own/f.yaml", 1),
    ]
    ruleset = rules(controls={"exclude": ["T-0001", "T-0002"]})
    report = build([checked("a.yaml", POD, ruleset)], changes=changes)
    text = lines.plain_text(pretty.lines(report, lines.Screen(100)))
    assert "compliance   test 100.0% of 2 of its 4 controls" in text
    assert "changed      T-0001, T-0002 are taken out, .kscan.yaml:3\n" in text
    assert "T-0003 is lowered from critical to low, the editor's or the command's own settings\n" in text
    assert "test is defined by this project, own/f.yaml:1\n" in text


def test_what_is_left_alone_is_named_on_request() -> None:
    left = [
        Skipped("a.yaml", "kustomize-patch", "kustomize build . | kscan scan -"),
        Skipped("x/", "excluded"),
    ]
    plain = lines.plain_text(pretty.lines(build([], skipped=left), lines.Screen(100)))
    assert "a.yaml" not in plain
    named = build([], skipped=left, list_skipped=True)
    text = lines.plain_text(pretty.lines(named, lines.Screen(200)))
    assert "skipped      1 excluded by the settings or .gitignore, 1 Kustomize patch\n" in text
    instead = "or install kustomize or kubectl, and overlays are built here"
    assert f"a.yaml: Kustomize patch; run: kustomize build . | kscan scan -, {instead}\n" in text
    assert "x/: excluded by the settings or .gitignore\n" in text


def test_findings_that_are_accepted_are_counted_only() -> None:
    text = shown(POD.replace("privileged: true", "privileged: true  # kscan:ignore T-0001 -- needed"))
    assert "T-0001" not in text
    assert "1 medium, 1 accepted" in text
    assert "test 50.0% (75.0% with accepted risks)" in text


def test_checked_files_are_what_the_reports_are_made_of() -> None:
    file, _ = checked("pod.yaml", POD)
    assert len(list(file.findings())) == 2
