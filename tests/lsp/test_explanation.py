"""The page about a control, and what leads to it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from lsprotocol import types
from support.views import never, settings, view_of

from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features.code_actions import code_actions
from kscan_lsp.lsp.features.explanation import explanation_page
from kscan_lsp.lsp.features.hover import hover

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: <b>api</b>
    image: shop/api:1.0
    securityContext:
      privileged: true
  - name: second
    image: shop/api:1.0
    securityContext: {privileged: true} # kscan:ignore C-0057 -- needed
"""
PAGES = Capabilities(pages=True, markup=types.MarkupKind.Markdown)


class Tags(HTMLParser):
    """All tags of a page, and those that are not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)


def page_of(control: str, text: str = POD) -> str:
    page = explanation_page(view_of(text, "a b.yaml", configuration=settings(frameworks=["nsa"])), control)
    assert page is not None
    return page


def test_the_page_says_all_there_is_to_say():
    page = page_of("C-0057")
    control = settings().ruleset.policies.controls["C-0057"]
    assert f"<code>C-0057</code> {control.title}</h1>" in page
    for part in (control.description, control.remediation):
        assert part.split("`")[0].split("'")[0] in page
    assert 'href="kscan-place:file%3A%2F%2F%2Fshop%2Fa%2520b.yaml#L9,7">line 9, column 7</a>' in page
    assert '<span class="quiet">(accepted)</span>' in page
    assert "NSA/CISA Kubernetes Hardening Guidance" in page
    assert re.search(r"section [\d.]+", page)
    assert "(checked here)" in page
    for reference in control.references:
        assert f'<a href="{reference}">' in page


@pytest.mark.parametrize("control", sorted(settings().ruleset.policies.controls))
def test_every_page_is_whole_and_runs_nothing(control: str):
    page = page_of(control)
    assert "default-src 'none'; style-src 'sha256-" in page
    assert not Tags(page).seen & {"script", "img", "iframe", "b>api"}
    assert "<b>api" not in page


def test_a_control_that_finds_nothing_says_so_and_an_unknown_one_has_no_page():
    assert "It finds nothing here." in page_of("C-0038")
    assert explanation_page(view_of(POD), "C-9999") is None


def explain_action(client: Capabilities) -> types.Command:
    view = view_of(POD, client=client)
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(view.uri),
        types.Range(types.Position(8, 8), types.Position(8, 8)),
        types.CodeActionContext([]),
    )
    (action,) = [one for one in code_actions(view, params, never) if one.title == "Explain C-0057"]
    assert action.command is not None
    return action.command


def test_only_a_client_that_shows_pages_is_sent_to_one():
    view = view_of(POD)
    assert explain_action(PAGES) == types.Command(
        "Explain C-0057", "kscan.showExplanation", arguments=[view.uri, "C-0057"]
    )
    assert explain_action(Capabilities()) == types.Command(
        "Explain C-0057", "kscan.explain", arguments=["C-0057"]
    )
    at = types.Position(8, 8)
    with_link, without = hover(view_of(POD, client=PAGES), at), hover(view, at)
    assert with_link is not None
    assert without is not None
    assert "command:" not in without.contents.value
    (arguments,) = re.findall(
        r"\[Explain C-0057\]\(command:kscan\.showExplanation\?([^)]*)\)", with_link.contents.value
    )
    assert json.loads(unquote(arguments)) == [view.uri, "C-0057"]
