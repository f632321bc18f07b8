"""What an editor says of images: diagnostics, a table, lenses, and actions from what a source has shown."""

from __future__ import annotations

import ast
import json
from datetime import date

import pytest
from lsprotocol import types
from support import images
from support.images import DIGEST, NGINX, as_bytes
from support.views import view_of

from kscan_lsp.evidence.sources.registry import read_report
from kscan_lsp.evidence.vex import with_statements
from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features import code_lens
from kscan_lsp.lsp.features.image_page import image_page
from kscan_lsp.lsp.features.images import image_actions, page_at
from kscan_lsp.lsp.features.vex_edit import vex_edit
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.images import evidence_of

NEXT = "nginx:1.27.3"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: web
    image: "%s"  # the shop
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}}
"""
SETTINGS = "frameworks: []\ncontrols: {include: [KS-0060, KS-0061, KS-0063]}\n"
NEXT_DIGEST = "sha256:" + "ef" * 32


def better() -> dict[str, object]:
    """A report of a newer tag, which has one of the two vulnerabilities."""
    report = images.grype(NEXT)
    report["matches"] = report["matches"][1:]
    target = report["source"]["target"]
    target |= {"imageID": "", "manifestDigest": NEXT_DIGEST, "repoDigests": [f"nginx@{NEXT_DIGEST}"]}
    return report


@pytest.fixture
def folder(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".kscan.yaml").write_text(
        "frameworks: []\ncontrols: {include: [KS-0060, KS-0061, KS-0063]}\n"
    )
    (tmp_path / "web.yaml").write_text(POD % NGINX)
    (tmp_path / "service.yaml").write_text(SERVICE)
    (tmp_path / "now.grype.json").write_bytes(as_bytes(images.grype()))
    (tmp_path / "next.grype.json").write_bytes(as_bytes(better()))
    return tmp_path


def codes(published) -> list[str]:
    return sorted(str(one.code) for one in published.diagnostics)


FOUND = ["KS-0060", "KS-0063", "KS-0064", "KS-0065"]


async def opened(editor, folder, **options) -> str:
    await editor.start(folder, **options)
    uri = (folder / "web.yaml").as_uri()
    editor.open(uri, POD % NGINX)
    await editor.until(uri, lambda newest: codes(newest) == FOUND)
    return uri


async def actions(editor, uri) -> dict[str, types.CodeAction]:
    at = types.Range(types.Position(6, 6), types.Position(6, 6))
    found = await editor.text_document_code_action_async(
        types.CodeActionParams(types.TextDocumentIdentifier(uri), at, types.CodeActionContext(diagnostics=[]))
    )
    return {one.title: one for one in found}


def written(action: types.CodeAction) -> str:
    """The image line after an action."""
    (change,) = action.edit.document_changes
    (one,) = change.edits
    line = (POD % NGINX).splitlines()[6]
    return line[: one.range.start.character] + one.new_text + line[one.range.end.character :]


@pytest.mark.asyncio
async def test_the_image_line_has_diagnostics_and_a_table(editor, folder):
    uri = await opened(editor, folder)
    (worst,) = (one for one in editor.published[uri][-1].diagnostics if one.code == "KS-0060")
    assert worst.range == types.Range(types.Position(6, 4), types.Position(6, 25))
    assert "1 critical, 1 high; 1 has a fix; reachable from outside (NodePort web)" in worst.message
    found = await editor.text_document_hover_async(
        types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(6, 14))
    )
    text = found.contents.value
    assert text.startswith(
        "nginx:1.25.3: 1 critical, 1 high; 1 has a fix; reachable from outside (NodePort web)"
    )
    assert (
        "critical CVE-2026-0001: libssl3 3.0.11-1~deb12u1, fixed in 3.0.11-1~deb12u2, 3.0.13-1, exploited"
        in text
    )
    assert "Grype 0.104.0" in text


@pytest.mark.asyncio
async def test_what_is_offered_is_what_a_source_has_shown(editor, folder):
    uri = await opened(editor, folder)
    offered = await actions(editor, uri)
    change = offered["Change to nginx:1.27.3, which has 1 of these 2 fixed"]
    assert written(change) == '    image: "nginx:1.27.3"  # the shop'
    (pin,) = (one for title, one in offered.items() if title.startswith("Pin this digest: sha256:abababab"))
    assert written(pin) == f'    image: "nginx:1.25.3@{DIGEST}"  # the shop'
    assert not any("1.26" in title or NEXT_DIGEST[:19] in title for title in offered)


@pytest.mark.asyncio
async def test_another_tag_shows_at_once_what_is_known_of_it(editor, folder):
    uri = await opened(editor, folder)
    editor.edit(uri, 2, types.TextDocumentContentChangeWholeDocument(text=POD % NEXT))
    await editor.until(uri, lambda newest: codes(newest) == ["KS-0061", "KS-0064", "KS-0065"])
    editor.edit(uri, 3, types.TextDocumentContentChangeWholeDocument(text=POD % "nginx:1.26"))
    await editor.until(uri, lambda newest: codes(newest) == [])
    found = await editor.text_document_hover_async(
        types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(6, 14))
    )
    assert found.contents.value == "nginx:1.26: no report is about this image"


@pytest.mark.asyncio
async def test_a_report_that_comes_is_read(editor, folder):
    for path in folder.glob("*.grype.json"):
        path.unlink()
    await editor.start(folder)
    uri = (folder / "web.yaml").as_uri()
    editor.open(uri, POD % NGINX)
    await editor.shown(uri)
    report = folder / ".kscan/images/anything.json"
    report.parent.mkdir(parents=True)
    for data, expected in ((images.grype(), FOUND), (images.grype(matches=[]), ["KS-0064", "KS-0065"])):
        report.write_bytes(as_bytes(data))
        event = types.FileEvent(uri=report.as_uri(), type=types.FileChangeType.Created)
        editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[event]))
        await editor.until(uri, lambda newest, expected=expected: codes(newest) == expected)


@pytest.mark.asyncio
async def test_a_vulnerability_is_accepted_with_a_reason(editor, folder):
    answers, edits = ["The vulnerable code is never run"], []
    path = folder / ".kscan/images/accepted.openvex.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(as_bytes(images.openvex("other:1")))

    @editor.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
    def answer(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        assert "Why does CVE-2026-0001 in libssl3 not matter" in params.message
        return next((one for one in params.actions if one.title == answers[0]), None)

    @editor.feature(types.WORKSPACE_APPLY_EDIT)
    def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        edits.append(params.edit)
        return types.ApplyWorkspaceEditResult(applied=True)

    uri = await opened(editor, folder)
    action = (await actions(editor, uri))["Accept CVE-2026-0001 in libssl3, with a reason (VEX)"]
    command = ast.literal_eval(action.command)  # what the library makes of the command in an action
    run = types.ExecuteCommandParams(command=command["command"], arguments=command["arguments"])
    assert await editor.workspace_execute_command_async(run) is True
    (change,) = edits[0].document_changes
    assert change.text_document.uri == path.as_uri()
    text = change.edits[0].new_text
    (_, statement) = json.loads(text)["statements"]
    assert statement["justification"] == "vulnerable_code_not_in_execute_path"
    assert (
        statement["products"][0]["@id"] == "pkg:oci/nginx?repository_url=docker.io/library/nginx&tag=1.25.3"
    )
    path.write_text(text)
    event = types.FileEvent(uri=path.as_uri(), type=types.FileChangeType.Created)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[event]))
    await editor.until(uri, lambda newest: codes(newest) == ["KS-0061", "KS-0064", "KS-0065"])
    answers[0] = "nothing of these"
    assert await editor.workspace_execute_command_async(run) is False
    assert len(edits) == 1


def view(configuration, image: str, **client):
    """A view of a pod beside a Service, with what the folder's reports say."""
    capabilities = Capabilities(markup=types.MarkupKind.Markdown, document_changes=True, **client)
    seen = view_of(
        POD % image, client=capabilities, configuration=configuration, others={"service.yaml": SERVICE}
    )
    project = seen.project.with_evidence(evidence_of(configuration.images, date(2026, 1, 15)))
    return seen._replace(project=project, checked=project.files[seen.key])


def test_the_table_is_markdown_and_nothing_else(folder):
    hostile = images.grype()
    hostile["matches"][0]["artifact"]["name"] = "a|b`c` <img src=x> [x](javascript:y)"
    hostile["matches"][0]["vulnerability"]["dataSource"] = "https://x/(a)|b"
    (folder / "now.grype.json").write_bytes(as_bytes(hostile))
    configuration, _ = configure(folder)
    text, span = page_at(view(configuration, NGINX), (POD % NGINX).index("nginx"))
    assert (POD % NGINX)[span.start : span.end] == f'image: "{NGINX}"'
    row = next(line for line in text.splitlines() if "CVE-2026-0001" in line)
    assert "[CVE-2026-0001](https://x/%28a%29%7Cb)" in row
    assert r"a\|b\`c\` \<img src=x\> \[x\](javascript:y)" in row
    assert "5 days old" in text


def test_lenses_count_what_is_known(folder):
    configuration, _ = configure(folder)
    seen = view(configuration, NGINX)
    *_, lens = code_lens.code_lenses(seen)
    assert lens.range.start.line == 6
    said = code_lens.command(seen, lens.data).title
    assert said.startswith("1 critical, 1 high; 1 has a fix \u00b7 ")
    assert "Grype 0.104.0, 5 days old" in said
    unknown = view(configuration, "nginx:1.26")
    *_, lens = code_lens.code_lenses(unknown)
    assert code_lens.command(unknown, lens.data).title == "no report about this image"


def test_a_document_with_statements_is_made_where_there_is_none(folder):
    configuration, _ = configure(folder)
    seen = view(configuration, NGINX, create_files=True)
    created, change = vex_edit(
        seen, NGINX, "CVE-2026-0001", "libssl3", "component_not_present"
    ).document_changes
    assert created.uri == (folder / ".kscan/images/accepted.openvex.json").as_uri()
    reading = read_report(change.edits[0].new_text.encode())
    assert reading.problem == ""
    (statement,) = reading.contents.statements
    (known,) = (one for one in configuration.images.reports if NGINX in one.names[0])
    openssl, curl = with_statements(known, [statement], date(2026, 1, 15)).vulnerabilities
    assert (openssl.counts, curl.counts) == (False, True)
    assert vex_edit(view(configuration, NGINX), NGINX, "CVE-1", "p", "component_not_present") is None


def test_nothing_is_said_without_facts(folder):
    for path in folder.glob("*.grype.json"):
        path.unlink()
    configuration, _ = configure(folder)
    seen = view(configuration, NGINX)
    assert page_at(seen, (POD % NGINX).index("nginx")) is None
    assert len(code_lens.code_lenses(seen)) == 1


@pytest.mark.parametrize("line", ["&image nginx:1.25.3", "nginx:1.25.3@" + DIGEST, "nginx"])
def test_only_a_tag_that_stands_there_is_changed(folder, line):
    configuration, _ = configure(folder)
    text = (POD % NGINX).replace(f'"{NGINX}"', line)
    seen = view_of(text, configuration=configuration)
    project = seen.project.with_evidence(evidence_of(configuration.images, date(2026, 1, 15)))
    seen = seen._replace(project=project, checked=project.files[seen.key])
    at = types.Range(types.Position(6, 6), types.Position(6, 6))
    titles = [one.title for one in image_actions(seen, at) if one.edit]
    assert bool(titles) == line.startswith("&")


def test_all_that_is_known_is_on_a_page_and_in_a_text(folder):
    hostile = images.grype()
    hostile["matches"][0]["artifact"]["name"] = "a|b`c` <img src=x> [x](javascript:y)"
    hostile["matches"][0]["vulnerability"]["dataSource"] = "javascript:alert(1)"
    (folder / "now.grype.json").write_bytes(as_bytes(hostile))
    (folder / "accepted.openvex.json").write_bytes(
        as_bytes(images.openvex("pkg:oci/nginx?tag=1.25.3", cve="CVE-2026-0002"))
    )
    configuration, _ = configure(folder)
    seen = view(configuration, NGINX)
    page = image_page(seen, NGINX)
    html, markdown = page["html"], page["markdown"]
    assert "<script>" in html
    assert "script-src 'sha256-" in html
    assert "<img" not in html
    assert "javascript:alert" not in html
    assert html.count("<tr>") == 3
    for cell in ("CVE-2026-0001", "CVE-2026-0002", "3.0.11-1~deb12u2", "exploited", "critical"):
        assert cell in html
    heading, _, counts, _, _, _, first, second = markdown.splitlines()
    assert heading == "# nginx:1.25.3"
    assert "Grype 0.104.0" in counts
    assert "CVE-2026-0001" in first
    assert r"\<img src=x\>" in first
    assert "CVE-2026-0002" in second
    assert image_page(seen, "nginx:1.26") is None


def test_the_page_is_offered_to_who_shows_it(folder):
    configuration, _ = configure(folder)
    at = types.Range(types.Position(6, 6), types.Position(6, 6))
    seen = view(configuration, NGINX)
    shown = view(configuration, NGINX, image_pages=True)
    title = "Show all 2 vulnerabilities of nginx:1.25.3"
    assert title not in [one.title for one in image_actions(seen, at)]
    (action,) = (one for one in image_actions(shown, at) if one.title == title)
    assert action.command.command == "kscan.showImage"
    assert action.command.arguments == [shown.uri, NGINX]


def test_a_change_that_would_bring_something_up_is_not_offered(folder):
    """A tag that moves has fewer vulnerabilities today."""
    report = better()
    report["source"]["target"] |= {"userInput": "nginx:latest", "tags": ["nginx:latest"]}
    (folder / "next.grype.json").write_bytes(as_bytes(report))
    at = types.Range(types.Position(6, 6), types.Position(6, 6))
    offered = {}
    for control in ("KS-0026", "KS-0060"):
        (folder / ".kscan.yaml").write_text(f"frameworks: []\ncontrols: {{include: [{control}]}}\n")
        configuration, _ = configure(folder)
        found = image_actions(view(configuration, NGINX), at)
        offered[control] = [one.title.partition(",")[0].partition(": ")[0] for one in found if one.edit]
    assert offered == {
        "KS-0026": ["Pin this digest"],
        "KS-0060": ["Change to nginx:latest", "Pin this digest"],
    }


@pytest.mark.asyncio
async def test_a_report_that_says_more_of_the_same_is_shown(editor, folder):
    """Nothing of it is another finding, and the table is another nevertheless."""
    uri = await opened(editor, folder)
    changed = images.grype()
    changed["matches"][0]["vulnerability"]["fix"]["versions"] = ["9.9.9"]
    path = folder / "now.grype.json"
    path.write_bytes(as_bytes(changed))
    event = types.FileEvent(uri=path.as_uri(), type=types.FileChangeType.Changed)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[event]))
    at = types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(6, 14))
    for _ in range(2_000):
        text = (await editor.text_document_hover_async(at)).contents.value
        if "fixed in 9.9.9" in text:
            break
    assert "fixed in 9.9.9" in text
