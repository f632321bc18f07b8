"""An edit storm: 300 edits without waiting, half of which leave broken YAML.

What is shown at the end depends on the last text alone: a second server that opens just that text says the
same.
"""

from __future__ import annotations

import asyncio
import random
import re
from typing import NamedTuple

import pytest
from lsprotocol.types import (
    TextDocumentContentChangePartial,
    TextDocumentContentChangeWholeDocument,
    TextDocumentItem,
)
from support.manifests import DOCUMENTS
from support.positions import LINE_END, span

from kscan_lsp.lsp.server.main import create

EDITS = 300
FRAGMENTS = (
    "\t",
    "[",
    "{",
    '"',
    "'",
    "}: ",
    "*gone ",
    "&a &b ",
    ": : ",
    "🚀: [",
    "\r\n ]",
    "\n\t- x: {",
    "%",
    '\u2028"',
)


class Edit(NamedTuple):
    """Put `text` in place of the code points from `start` to `end`."""

    start: int
    end: int
    text: str

    def applied(self, text: str) -> str:
        return text[: self.start] + self.text + text[self.end :]


def line_starts(text: str) -> list[int]:
    return [0, *(end.end() for end in LINE_END.finditer(text))]


def somewhere(text: str, dice: random.Random) -> int:
    """A place that a cursor can be at: not between the two characters of a line end."""
    place = dice.randint(0, len(text))
    return place - 1 if text[place - 1 : place + 1] == "\r\n" else place


def sound(text: str, dice: random.Random) -> Edit:
    """An edit that keeps valid YAML valid: a value switched, a comment line added or taken out, a document
    added.
    """
    switches = list(re.finditer(r"\b(true|false)\b", text))
    comments = list(re.finditer(r"^#[^\r\n]*(?:\r\n|\n)", text, re.MULTILINE))
    kind = dice.random()
    if kind < 0.6 and switches:
        switch = dice.choice(switches)
        return Edit(*switch.span(), "false" if switch[0] == "true" else "true")
    if kind < 0.7 and comments:
        return Edit(*dice.choice(comments).span(), "")
    if kind < 0.75 and len(text) < 8000:
        return Edit(len(text), len(text), "---\n" + dice.choice(DOCUMENTS))
    start = dice.choice(line_starts(text))
    return Edit(start, start, dice.choice(["# 🚀\n", "# a\u2028b\r\n", "#\n"]))


def storm(text: str, dice: random.Random):
    """Pairs of (changes, the text after them): odd ones break the text, even ones mend it and change
    something.
    """
    for _ in range(EDITS // 2):
        place = somewhere(text, dice)
        broken = Edit(place, place, dice.choice(FRAGMENTS))
        yield [broken], broken.applied(text)
        mend = Edit(place, place + len(broken.text), "")
        edit = sound(text, dice)
        yield [mend, edit], (text := edit.applied(text))


@pytest.mark.asyncio
@pytest.mark.parametrize("ending", ["", "\n          imagePu"], ids=["valid", "half a key"])
@pytest.mark.parametrize("seed", range(3))
async def test_storm(editor, other_editor, tmp_path, seed, ending):
    dice = random.Random(seed)  # noqa: S311 - reproducible, not secret
    encoding = dice.choice(["utf-8", "utf-16", "utf-32"])
    uri = (tmp_path / "storm.yaml").as_uri()
    (tmp_path / ".kscan.yaml").write_text("frameworks: [allcontrols]\n")
    await editor.start(tmp_path, encodings=[encoding])
    text = "---\n".join(DOCUMENTS)
    editor.open(uri, text)

    version = 1
    for edits, after in storm(text, dice):
        version += 1
        if dice.random() < 0.1:
            changes = [TextDocumentContentChangeWholeDocument(text=after)]
            text = after
        else:
            changes = []
            for edit in edits:
                changes.append(
                    TextDocumentContentChangePartial(
                        range=span(text, edit.start, edit.end, encoding), text=edit.text
                    )
                )
                text = edit.applied(text)
        assert text == after
        editor.edit(uri, version, *changes)
    if ending:
        place = text.index(":1.0") + len(':1.0"')
        version += 1
        editor.edit(
            uri,
            version,
            TextDocumentContentChangePartial(range=span(text, place, place, encoding), text=ending),
        )
        text = text[:place] + ending + text[place:]

    shown = await editor.until(uri, lambda newest: newest.version == version and is_whole(newest))
    await other_editor.start(tmp_path, encodings=[encoding])
    other_editor.open(uri, text)
    fresh = await other_editor.until(uri, is_whole)
    assert editor.plain(shown) == other_editor.plain(fresh)


def is_whole(published):
    """Whether what rests on other objects has been said, which it is once the folder has been read."""
    return "C-0260" in {diagnostic.code for diagnostic in published.diagnostics}


@pytest.mark.asyncio
async def test_a_long_session_tires_nobody(editor, tmp_path):
    """What is spent on one check must not be missing from a later one."""
    uri = (tmp_path / "long.yaml").as_uri()
    (tmp_path / ".kscan.yaml").write_text("frameworks: [allcontrols]\n")
    await editor.start(tmp_path)
    variables = "".join(f"            - {{name: VARIABLE_{n}, value: some-value-{n}}}\n" for n in range(20))
    text = f"{DOCUMENTS[0]}          env:\n{variables}"
    editor.open(uri, text)
    # once the folder has been read, what rests on other objects is said, too
    whole = await editor.until(uri, is_whole)
    first = editor.plain(whole)
    for version in range(2, 302):
        fresh = f"{text}# {version}\n"  # so that nothing can be remembered
        editor.edit(uri, version, TextDocumentContentChangeWholeDocument(text=fresh))
        assert editor.plain(await editor.shown(uri, version)) == first, f"version {version}"


@pytest.mark.asyncio
async def test_the_last_settings_hold(editor, tmp_path):
    """Settings typed faster than they can be read: what is shown follows the last of them."""
    settings, pod = tmp_path / ".kscan.yaml", (tmp_path / "pod.yaml").as_uri()
    await editor.start(tmp_path)
    settings.write_text("frameworks: [recommended]\n")
    editor.open(settings.as_uri(), settings.read_text())
    editor.open(pod, DOCUMENTS[1])
    assert {"C-0041", "C-0057"} <= {d.code for d in await editor.shown(pod)}
    for version in range(2, 202):
        excluded = "C-0057" if version % 2 else "C-0041"
        text = f"controls: {{exclude: [{excluded}]}}\n"
        editor.edit(settings.as_uri(), version, TextDocumentContentChangeWholeDocument(text=text))
        if version % 7 == 0:
            await editor.until(pod, lambda newest: excluded not in {d.code for d in newest.diagnostics})  # noqa: B023
    shown = await editor.until(pod, lambda newest: "C-0057" not in {d.code for d in newest.diagnostics})
    assert "C-0041" in {d.code for d in shown}


@pytest.mark.asyncio
async def test_settings_that_change_just_when_they_have_been_read():
    """A message can arrive between "the settings are here" and the check that waits for them."""
    server = create()
    published = []
    server.publisher.send = lambda _, message: published.append(message)
    server.session.open(
        TextDocumentItem(uri="untitled:pod", language_id="yaml", version=1, text=DOCUMENTS[1])
    )
    server.scheduler.document_changed("untitled:pod")
    while not server.settings.reading:
        await asyncio.sleep(0)
    (loading,) = server.settings.reading.values()
    loading.add_done_callback(lambda _: server.scheduler.reconfigure())
    while server.scheduler.tasks:
        await asyncio.gather(*server.scheduler.tasks.values())
    assert any(b"C-0057" in message for message in published)
