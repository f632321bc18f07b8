"""Charts in the editor: what they render to is shown in the lines that somebody wrote, while these are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lsprotocol import types
from lsprotocol.types import TextDocumentContentChangeWholeDocument

pytest.importorskip("helm_python")

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = "frameworks: []\ncontrols: {include: [C-0041, C-0057, C-0038]}\n"
TEMPLATE = """\
{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      hostNetwork: {{ .Values.net }}
      hostPID: true
      containers:
        - name: web
          image: shop/web:1
          securityContext:
            {{- include "shop.context" . | nindent 12 }}
{{- end }}
"""
HELPERS = """\
{{- define "shop.context" -}}
privileged: {{ .Values.privileged }}
{{- end }}
"""
VALUES = "enabled: true\nnet: false\nprivileged: true\n"


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    files = {
        ".kscan.yaml": SETTINGS,
        "shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
        "shop/values.yaml": VALUES,
        "shop/values-prod.yaml": "net: true\n",
        "shop/templates/web.yaml": TEMPLATE,
        "shop/templates/_helpers.tpl": HELPERS,
        "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostPID: true\n  containers: []\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "shop"


def found(diagnostics: list[types.Diagnostic]) -> list[tuple[str, int]]:
    return sorted((str(d.code), d.range.start.line) for d in diagnostics)


def now(*expected: tuple[str, int], version: int | None = None):
    return lambda newest: (
        (version is None or newest.version == version) and found(newest.diagnostics) == sorted(expected)
    )


NET, PID = ("C-0041", 10), ("C-0038", 11)


@pytest.mark.asyncio
async def test_findings_stand_where_they_are_written(editor, chart):
    web, helpers = chart / "templates/web.yaml", chart / "templates/_helpers.tpl"
    await editor.start(chart.parent)
    editor.open(web.as_uri(), TEMPLATE)
    shown = await editor.until(web.as_uri(), now(NET, PID))
    assert next(d.message for d in shown if d.code == "C-0041").endswith("(rendered with values-prod.yaml)")
    # what a named template prints is shown in its own file
    editor.open(helpers.as_uri(), HELPERS)
    await editor.until(helpers.as_uri(), now(("C-0057", 1)))


@pytest.mark.asyncio
async def test_an_edit_of_values_is_rendered_before_it_is_saved(editor, chart):
    web, values = (chart / "templates/web.yaml").as_uri(), (chart / "values.yaml").as_uri()
    helpers = (chart / "templates/_helpers.tpl").as_uri()
    await editor.start(chart.parent)
    editor.open(web, TEMPLATE)
    editor.open(helpers, HELPERS)
    editor.open(values, VALUES)
    await editor.until(helpers, now(("C-0057", 1)))
    off = VALUES.replace("privileged: true", "privileged: false").replace("net: false", "net: true")
    editor.edit(values, 2, TextDocumentContentChangeWholeDocument(text=off))
    await editor.until(helpers, now())
    shown = await editor.until(web, now(NET, PID))
    assert "rendered with" not in next(d.message for d in shown if d.code == "C-0041")
    # what is on disk holds again when nobody edits it
    editor.close(values)
    await editor.until(helpers, now(("C-0057", 1)))


@pytest.mark.asyncio
async def test_a_value_that_causes_a_finding_is_marked_and_leads_to_the_template_and_back(editor, chart):
    web, values = (chart / "templates/web.yaml").as_uri(), (chart / "values.yaml").as_uri()
    prod = (chart / "values-prod.yaml").as_uri()
    helpers = (chart / "templates/_helpers.tpl").as_uri()
    await editor.start(chart.parent)
    editor.open(web, TEMPLATE)
    editor.open(values, VALUES)
    editor.open(prod, "net: true\n")
    (on_value,) = await editor.until(values, now(("C-0057", 2)))
    assert on_value.related_information[0].location.uri == helpers
    assert on_value.related_information[0].location.range.start.line == 1
    # a finding of other values than the defaults comes from their file
    await editor.until(prod, now(("C-0041", 0)))
    shown = {d.code: d for d in editor.published[web][-1].diagnostics}
    assert shown["C-0041"].related_information[0].location.uri == prod
    assert not shown["C-0038"].related_information  # written in the template
    # a value moves with what is typed above it, also before it is traced again
    editor.edit(values, 2, TextDocumentContentChangeWholeDocument(text=f"# more\n{VALUES}"))
    shown = await editor.shown(values, 2)
    assert found(shown) == [("C-0057", 3)]


@pytest.mark.asyncio
async def test_values_beside_a_chart_are_rendered_before_they_are_saved(editor, chart: Path) -> None:
    """What a release of the settings names from outside of the chart is as much a values file as those in it."""
    env, web = chart.parent / "env" / "prod.yaml", (chart / "templates/web.yaml").as_uri()
    env.parent.mkdir()
    env.write_text("net: false\n")
    (chart / "values-prod.yaml").unlink()
    releases = "charts:\n  - path: shop\n    releases:\n      - {name: prod, values: [env/prod.yaml]}\n"
    (chart.parent / ".kscan.yaml").write_text(SETTINGS + releases)
    await editor.start(chart.parent)
    editor.open(web, TEMPLATE)
    await editor.until(web, now(PID))
    editor.open(env.as_uri(), "net: false\n")
    editor.edit(env.as_uri(), 2, TextDocumentContentChangeWholeDocument(text="# all\nnet: true\n"))
    shown = await editor.until(web, now(NET, PID))
    message = next(d.message for d in shown if d.code == "C-0041")
    assert message.endswith("(rendered with release prod: ../env/prod.yaml)")
    # the value is marked where it stands, and leads to the template
    (on_value,) = await editor.until(env.as_uri(), now(("C-0041", 1)))
    assert on_value.related_information[0].location.uri == web
    # what is on disk holds again when nobody edits it
    editor.close(env.as_uri())
    await editor.until(web, now(PID))
    env.write_text("net: true\n")
    event = types.FileEvent(env.as_uri(), types.FileChangeType.Changed)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    await editor.until(web, now(NET, PID))


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: live}
spec:
  destination: {namespace: live}
  source:
    repoURL: https://git.example.com/team/deploy
    path: shop
    helm:
      valuesObject:
        net: true
"""


@pytest.mark.asyncio
async def test_releases_that_manifests_name_count_as_they_are_typed(editor, chart: Path) -> None:
    app, web = chart.parent / "app.yaml", (chart / "templates/web.yaml").as_uri()
    (chart / "values-prod.yaml").unlink()
    (chart.parent / ".git").mkdir()
    (chart.parent / ".git/config").write_text(
        '[remote "origin"]\n\turl = https://git.example.com/team/deploy.git\n'
    )
    app.write_text(APPLICATION)
    await editor.start(chart.parent)
    editor.open(web, TEMPLATE)
    shown = await editor.until(web, now(NET, PID))
    assert next(d.message for d in shown if d.code == "C-0041").endswith("(rendered with release live)")
    # what is typed counts before it is saved, and what is on disk when nobody edits it
    editor.open(app.as_uri(), APPLICATION)
    (on_value,) = await editor.until(app.as_uri(), now(("C-0041", 10)))
    assert on_value.related_information[0].location.uri == web
    editor.edit(app.as_uri(), 2, TextDocumentContentChangeWholeDocument(APPLICATION.replace("true", "false")))
    await editor.until(web, now(PID))
    editor.close(app.as_uri())
    await editor.until(web, now(NET, PID))
    app.unlink()
    event = types.FileEvent(app.as_uri(), types.FileChangeType.Deleted)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    await editor.until(web, now(PID))


@pytest.mark.asyncio
async def test_a_release_that_cannot_be_rendered_is_said_where_it_is_named(editor, chart: Path) -> None:
    app, web = chart.parent / "app.yaml", (chart / "templates/web.yaml").as_uri()
    unknown = APPLICATION.replace("valuesObject:\n        net: true", "valueFiles: [../nowhere.yaml]")
    (chart.parent / ".git").mkdir()
    (chart.parent / ".git/config").write_text(
        '[remote "origin"]\n\turl = https://git.example.com/team/deploy.git\n'
    )
    app.write_text(unknown)
    await editor.start(chart.parent, options={"codeLens": True})
    editor.open(web, TEMPLATE)
    shown = await editor.until(web, lambda newest: any(d.code == "render" for d in newest.diagnostics))
    assert "nowhere.yaml" in next(d.message for d in shown if d.code == "render")
    editor.open(app.as_uri(), unknown)
    (one,) = await editor.until(app.as_uri(), lambda newest: bool(newest.diagnostics))
    assert (one.code, one.range.start.line) == ("render", 9)
    await editor.until(web, now(NET, PID))  # it is said where somebody looks
    editor.edit(app.as_uri(), 2, TextDocumentContentChangeWholeDocument(APPLICATION.replace("true", "false")))
    await editor.until(app.as_uri(), lambda newest: not newest.diagnostics)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "values.yaml",
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
            ),
            "aliasing",
        ),
        (
            "templates/_helpers.tpl",
            '{{ define "shop.context" }}{{ include "shop.context" . }}{{ end }}',
            "render",
        ),
        (
            "templates/web.yaml",
            "{{ range until 100000 }}{{ range until 10000 }}aaaaaaaaaaaaaa{{ end }}{{ end }}",
            "more",
        ),
    ],
    ids=["bomb", "recursion", "output"],
)
async def test_a_hostile_chart_is_one_message_and_nothing_waits(
    editor, chart: Path, name: str, text: str, words: str
) -> None:
    hostile, pod = (chart / name).as_uri(), (chart.parent / "pod.yaml").as_uri()
    was = (chart / name).read_text()
    await editor.start(chart.parent)
    editor.open(hostile, was)
    editor.open(pod, (chart.parent / "pod.yaml").read_text())
    await editor.until(pod, now(("C-0038", 4)))
    editor.edit(hostile, 2, TextDocumentContentChangeWholeDocument(text))
    editor.edit(pod, 2, TextDocumentContentChangeWholeDocument("apiVersion: v1\nkind: Pod\n"))
    await editor.until(pod, lambda newest: newest.version == 2)
    shown = await editor.until(hostile, lambda newest: any(d.code == "render" for d in newest.diagnostics))
    (one,) = [d for d in shown if d.code == "render"]
    assert words in one.message
    editor.edit(hostile, 3, TextDocumentContentChangeWholeDocument(was))
    await editor.until(hostile, lambda newest: all(d.code != "render" for d in newest.diagnostics))


@pytest.mark.asyncio
async def test_findings_stay_in_unchanged_lines_while_a_template_is_broken(editor, chart):
    web = (chart / "templates/web.yaml").as_uri()
    await editor.start(chart.parent)
    editor.open(web, TEMPLATE)
    await editor.until(web, now(NET, PID))
    broken = TEMPLATE.replace("metadata:\n  name", "# {{ if\nmetadata:\n  name")
    editor.edit(web, 2, TextDocumentContentChangeWholeDocument(text=broken))
    shown = await editor.until(web, now(("C-0041", 11), ("C-0038", 12), ("render", 4), version=2))
    message = next(d.message for d in shown if d.code == "render")
    assert message.startswith("this chart does not render")
    whole = TEMPLATE.replace("hostPID: true", "hostPID: false")
    editor.edit(web, 3, TextDocumentContentChangeWholeDocument(text=whole))
    await editor.until(web, now(NET, version=3))


@pytest.mark.asyncio
async def test_hover_shows_the_rendered_lines_and_which_values_give_them(editor, chart):
    web = (chart / "templates/web.yaml").as_uri()
    await editor.start(chart.parent)
    editor.open(web, TEMPLATE)
    await editor.until(web, now(NET, PID))
    params = types.HoverParams(types.TextDocumentIdentifier(web), types.Position(10, 10))
    hover = await editor.text_document_hover_async(params)
    assert "Rendered with values-prod.yaml:" in hover.contents.value
    assert "hostNetwork: true" in hover.contents.value


async def fixes(editor, uri: str, line: int) -> dict[str, dict[str, list[tuple[int, str]]]]:
    """What the actions on a line would write, by title and file: line and text."""
    at = types.Position(line, 4)
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(uri), types.Range(at, at), types.CodeActionContext([])
    )
    actions = await editor.text_document_code_action_async(params)
    return {
        action.title: {
            change.text_document.uri.rpartition("/")[2]: [
                (e.range.start.line, e.new_text) for e in change.edits
            ]
            for change in action.edit.document_changes
        }
        for action in actions or ()
        if action.edit
    }


@pytest.mark.asyncio
async def test_a_fix_is_an_edit_of_values_or_of_the_template(editor, chart):
    web, values = (chart / "templates/web.yaml").as_uri(), (chart / "values.yaml").as_uri()
    await editor.start(chart.parent)
    editor.open(web, TEMPLATE)
    editor.open(values, VALUES)
    await editor.until(web, now(NET, PID))
    await editor.until(values, now(("C-0057", 2)))
    assert await fixes(editor, web, 11) == {
        "Set spec.hostPID to false in templates/web.yaml (review) [C-0038]": {"web.yaml": [(11, "fals")]}
    }
    # only another values file gives it, and that is where it is set
    assert await fixes(editor, web, 10) == {
        "Set spec.hostNetwork to false in values-prod.yaml (review) [C-0041]": {
            "values-prod.yaml": [(0, "fals")]
        }
    }
    title = "Set securityContext.privileged of container 'web' to false in values.yaml (review) [C-0057]"
    assert await fixes(editor, values, 2) == {title: {"values.yaml": [(2, "fals")]}}
    # what is typed and not saved counts
    editor.edit(values, 2, TextDocumentContentChangeWholeDocument(text=f"# more\n{VALUES}"))
    assert await fixes(editor, values, 3) == {title: {"values.yaml": [(3, "fals")]}}
    assert await fixes(editor, values, 0) == {}


@pytest.mark.asyncio
async def test_edits_of_other_files_do_not_wait_for_a_chart(editor, chart):
    """A manifest is shown as checked while a chart is still being rendered."""
    web, pod = (chart / "templates/web.yaml").as_uri(), (chart.parent / "pod.yaml").as_uri()
    text = (chart.parent / "pod.yaml").read_text()
    endless = (
        HELPERS + '{{- define "x" }}{{ range until 3000000 }}{{ . | quote | sha256sum }}{{ end }}{{ end }}\n'
    )
    (chart / "templates/_helpers.tpl").write_text(endless)
    await editor.start(chart.parent)
    editor.open(pod, text)
    await editor.until(pod, now(("C-0038", 4)))
    editor.open(web, TEMPLATE.replace("image: shop/web:1", 'image: shop/web:{{ include "x" . | len }}'))
    editor.edit(pod, 2, TextDocumentContentChangeWholeDocument(text=text.replace("true", "false")))
    await editor.until(pod, now(version=2))
    assert not any(one.diagnostics for one in editor.published[web])


@pytest.mark.asyncio
async def test_a_fault_in_a_file_that_is_not_open_is_said_where_somebody_looks(editor, chart: Path) -> None:
    """A template of a chart that does not render must not look as if nothing were wrong with it."""
    other = chart / "templates" / "other.yaml"
    other.write_text("a: {{ .Values.x.y.z }}\n")
    await editor.start(chart.parent)
    uri = (chart / "templates" / "web.yaml").as_uri()
    editor.open(uri, TEMPLATE)
    shown = await editor.until(uri, now(("render", 0)))
    assert "does not render" in shown[0].message
    other.write_text("a: 1\n")
    event = types.FileEvent(other.as_uri(), types.FileChangeType.Changed)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    await editor.until(uri, now(NET, PID))


@pytest.mark.asyncio
async def test_a_name_with_a_space_is_no_reason_to_show_nothing(editor, chart: Path) -> None:
    spaced = chart / "templates" / "the web+.yaml"
    (chart / "templates" / "web.yaml").rename(spaced)
    await editor.start(chart.parent)
    editor.open(spaced.as_uri(), TEMPLATE)
    await editor.until(spaced.as_uri(), now(NET, PID))


@pytest.mark.asyncio
async def test_status_counts_what_is_found_in_a_template(editor, chart: Path) -> None:
    await editor.start(chart.parent)
    uri = (chart / "templates" / "web.yaml").as_uri()
    editor.open(uri, TEMPLATE)
    await editor.until(uri, now(NET, PID))
    asked = types.ExecuteCommandParams(command="kscan.status", arguments=[uri])
    status = await editor.workspace_execute_command_async(asked)
    assert (status["text"], status["whole"]) == ("2 high \u00b7 as the chart renders", True)
    editor.edit(uri, 2, TextDocumentContentChangeWholeDocument(TEMPLATE + "{{"))
    await editor.until(uri, lambda newest: any(one.code == "render" for one in newest.diagnostics))
    status = await editor.workspace_execute_command_async(asked)
    assert "not wholly judged" in status["text"]
    assert "does not render" in status["lines"][1]
