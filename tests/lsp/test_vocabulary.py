"""Completion, hovers and links for the names in suppressions and in the settings file."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types
from support.positions import covered, offset, position
from support.views import settings, view_of

from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features import completion, document_links, hover
from kscan_lsp.lsp.session.snapshot import SettingsSnapshot
from kscan_lsp.settings.model import Settings
from kscan_lsp.settings.shape import types_of
from kscan_lsp.text import LineIndex

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, annotations: {team: é}}
spec:
  containers:
  - name: api
    image: shop/api:1.0
    # é kscan:ignore |
    securityContext: {privileged: true}
"""
TOP = set(types_of(Settings))


def at(text: str) -> tuple[str, types.Position]:
    """A text without its bar, and the place where it was."""
    assert text.count("|") == 1
    return text.replace("|", ""), position(text, text.index("|"), "utf-16")


def offered(text: str) -> list[types.CompletionItem]:
    """What is offered at the bar of a manifest."""
    text, place = at(text)
    return completion.in_manifest(view_of(text), offset(text, place, "utf-16"))


def settings_view(text: str) -> SettingsSnapshot:
    return SettingsSnapshot(Path("/shop/.kscan.yaml").as_uri(), LineIndex(text), settings(), Capabilities())


def in_settings(text: str) -> dict[str, str]:
    """What is offered at the bar of a settings file, and the text that comes of taking it."""
    text, place = at(text)
    items = completion.in_settings(settings_view(text), offset(text, place, "utf-16"))
    found = {}
    for item in items:
        start, end = (
            offset(text, p, "utf-16") for p in (item.text_edit.range.start, item.text_edit.range.end)
        )
        found[item.label] = text[:start] + item.text_edit.new_text + text[end:]
    return found


def labels(items: list[types.CompletionItem]) -> list[str]:
    return [item.label for item in sorted(items, key=lambda item: item.sort_text)]


def test_a_comment_offers_first_what_is_found_at_its_line():
    found = labels(offered(POD))
    text = POD.replace("|", "")
    line = text[: text.index("securityContext")].count("\n")
    here = {
        finding.control
        for _, finding in view_of(text).checked.findings()
        if text[: finding.span.start].count("\n") == line
    }
    assert "C-0057" in here
    assert found[: len(here)] == sorted(here)
    assert found[len(here) :] == sorted(set(settings().ruleset.policies.controls) - here)


def test_what_is_named_already_is_not_offered_again_and_a_begun_id_is_replaced():
    items = offered(POD.replace("ignore |", "ignore C-0057, c-00|"))
    assert "C-0057" not in labels(items)
    (one,) = [item for item in items if item.label == "C-0016"]
    assert covered(POD.replace("ignore |", "ignore C-0057, c-00"), one.text_edit.range, "utf-16") == "c-00"


@pytest.mark.parametrize(
    "comment", ["ignore C-0057 -- |", "ignore C-0057 -- as |", "ignore C-0057 until=|", "ignored |", "|"]
)
def test_nothing_is_offered_where_no_id_belongs(comment):
    assert offered(POD.replace("ignore |", comment)) == []


def test_an_annotation_offers_what_is_found_in_its_document():
    text = POD.replace("# é kscan:ignore |", "# -").replace(
        "{name: web, namespace: shop, annotations: {team: é}}",
        "\n  name: web\n  annotations:\n    kscan.dev/ignore: '|'",
    )
    found = labels(offered(text))
    assert found.index("C-0057") < found.index("C-0001")


@pytest.mark.parametrize(
    ("text", "word", "result"),
    [
        ("|", "frameworks", "frameworks: "),
        ("frameworks: nsa\ncon|", "controls", "frameworks: nsa\ncontrols: "),
        ("con|: {}\n", "controls", "controls: {}\n"),
        ("controls:\n  |\n", "exclude", "controls:\n  exclude: \n"),
        ("controls:\n  include: [C-0057]\n  ex|\nframeworks: nsa\n", "exclude",
         "controls:\n  include: [C-0057]\n  exclude: \nframeworks: nsa\n"),
        ("controls: {|", "severity", "controls: {severity: "),
        ("controls: {exclude: [C-0057, C-00|", "C-0016", "controls: {exclude: [C-0057, C-0016"),
        ("controls:\n  exclude:\n  - |\n", "C-0016", "controls:\n  exclude:\n  - C-0016\n"),
        ("controls:\n  exclude:\n    - C-0057\n    - 'C-|'\n", "C-0016",
         "controls:\n  exclude:\n    - C-0057\n    - 'C-0016'\n"),
        ("controls:\n  severity:\n    C-00|\n", "C-0016", "controls:\n  severity:\n    C-0016: \n"),
        ("controls:\n  severity:\n    C-0016: |\n", "high", "controls:\n  severity:\n    C-0016: high\n"),
        ("frameworks: |\n", "nsa", "frameworks: nsa\n"),
        ("frameworks: [recommended, n|]\n", "nsa", "frameworks: [recommended, nsa]\n"),
        ("frameworks:\n  - recommended\n  - |", "nsa", "frameworks:\n  - recommended\n  - nsa"),
        ("inputs:\n  |", "memoryLimitChoices", "inputs:\n  memoryLimitChoices: "),
        ("podSpecPaths:\n- kind: Rollout\n  |", "path", "podSpecPaths:\n- kind: Rollout\n  path: "),
    ],
)  # fmt: skip
def test_settings_are_completed_in_every_style(text, word, result):
    assert in_settings(text)[word] == result


def test_only_what_belongs_there_is_offered():
    assert in_settings("|").keys() == TOP
    assert in_settings("frameworks: nsa\n\n|\n").keys() == TOP - {"frameworks"}
    assert in_settings("controls:\n  |\n").keys() == {"include", "exclude", "severity"}
    assert in_settings("controls:\n  severity:\n    C-0016: |\n").keys() == {
        "low",
        "medium",
        "high",
        "critical",
    }
    assert in_settings("policies: |\n") == {}
    assert in_settings("# |\n") == {}
    assert in_settings("frameworks: nsa # con|\n") == {}


def hovered(text: str) -> str:
    text, place = at(text)
    found = hover.hover_settings(settings_view(text), place)
    return found.contents.value if found else ""


def test_hovers_in_settings():
    assert hovered("contr|ols: {}\n").startswith("**controls**\n\nWhich controls are on")
    assert "Privileged container" in hovered("controls:\n  exclude: [C-0|057]\n")
    assert "Privileged container" in hovered("controls:\n  severity: {C-0057|: low}\n")
    assert "NSA/CISA" in hovered("frameworks: ns|a\n")
    assert "C-0271" in hovered("inputs:\n  memory|LimitChoices: [1Gi]\n")
    assert hovered("frameworks: ns|aa\n") == ""
    assert hovered("# contr|ols\n") == ""


def test_hovers_on_suppressed_controls():
    text, place = at(POD.replace("ignore |", "ignore C-00|57"))
    found = hover.hover(view_of(text), place)
    assert covered(text, found.range, "utf-16") == "C-0057"
    assert "Privileged container" in found.contents.value


def test_links_in_settings():
    text = "controls:\n  exclude: [C-0057, C-9999]\n  severity: {C-0016: low}\n"
    found = document_links.settings_links(settings_view(text))
    assert [covered(text, link.range, "utf-16") for link in found] == ["C-0057", "C-0016"]


@pytest.mark.asyncio
async def test_over_the_wire(editor, tmp_path):
    await editor.start(tmp_path)
    uri, (text, place) = (tmp_path / "pod.yaml").as_uri(), at(POD)
    editor.open(uri, text)
    document = types.TextDocumentIdentifier(uri=uri)
    items = await editor.text_document_completion_async(types.CompletionParams(document, place))
    (one,) = [item for item in items if item.label == "C-0057"]
    resolved = await editor.completion_item_resolve_async(one)
    assert "Privileged container" in resolved.documentation
    elsewhere = types.CompletionParams(document, types.Position(1, 3))
    assert await editor.text_document_completion_async(elsewhere) is None

    settings_uri = (tmp_path / ".kscan.yaml").as_uri()
    editor.open(settings_uri, "frameworks: [nsa]\ncon\n")
    document = types.TextDocumentIdentifier(uri=settings_uri)
    items = await editor.text_document_completion_async(
        types.CompletionParams(document, types.Position(1, 3))
    )
    assert "controls" in {item.label for item in items}
    said = await editor.text_document_hover_async(types.HoverParams(document, types.Position(0, 13)))
    assert "NSA/CISA" in said.contents.value
