"""Fixes of what charts render to: where they are made, and that none is offered that does not hold."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import pytest
from support.evaluating import fresh

from kscan_lsp.cli.charts import rendered_chart
from kscan_lsp.fixes.charts import ChartSite, base_of, chart_fixes
from kscan_lsp.render.chart import Chart
from kscan_lsp.render.makers import Helm, helm
from kscan_lsp.workspace.chart_values import sources_in, value_sources
from kscan_lsp.workspace.charts import judge_chart, with_chart
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

META = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: {{ .Release.Namespace }}}
spec:
  containers:
    - name: web
      image: nginx:1
"""


@pytest.fixture(scope="module")
def maker() -> Iterator[Helm]:
    pytest.importorskip("helm_python")
    made = helm()
    assert made
    yield made
    made.close()


def fixed(maker: Helm, folder: Path, files: dict[str, str], control: str = "C-0057") -> list[str]:
    """The lines that the fixes of a control take out and add, by file; of each finding those of the first."""
    chart = Chart({"Chart.yaml": META.encode(), **{path: text.encode() for path, text in files.items()}})
    made = rendered_chart(maker, folder, chart, "")
    project = Project(fresh())
    project = with_chart(project, judge_chart(project, made.renderings))
    site = ChartSite(maker, chart, "", project)
    base = base_of(site)
    assert base is not None
    judged = [*project.files.values()]
    sources = value_sources(maker, chart, judged, "")
    lines = []
    for file in judged:
        for placed, finding in file.findings():
            if finding.control != control:
                continue
            for fix in chart_fixes(site, base, placed, finding, sources_in(sources, placed, finding))[:1]:
                for path, text in fix.texts.items():
                    diff = difflib.unified_diff(files[path].splitlines(), text.splitlines(), n=0)
                    lines += [
                        f"{path} {line}"
                        for line in diff
                        if line[:1] in "+-" and line[:3] not in {"+++", "---"}
                    ]
    return lines


WEB = "templates/web.yaml"
CONTEXT = "      securityContext:\n"


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        (f"{CONTEXT}        privileged: {{{{ .Values.p }}}}\n", "p: true # yes\n",
         ["values.yaml -p: true # yes", "values.yaml +p: false # yes"]),
        (f"{CONTEXT}        privileged: true\n", "p: true\n",
         [f"{WEB} -        privileged: true", f"{WEB} +        privileged: false"]),
        (f"{CONTEXT}        {{{{- toYaml .Values.sc | nindent 8 }}}}\n", "sc: {privileged: true}\n",
         ["values.yaml -sc: {privileged: true}", "values.yaml +sc: {privileged: false}"]),
        # a value of which nobody knows what is made of it
        (f'{CONTEXT}        privileged: {{{{ eq .Values.mode "loud" }}}}\n', "mode: loud\n", []),
        # a hash of all values is different with each of them
        (f"{CONTEXT}        privileged: {{{{ .Values.p }}}}\n  hostname: {{{{ toYaml .Values | sha256sum }}}}\n",
         "p: true\n", []),
    ],
)  # fmt: skip
def test_a_value_is_changed_where_it_is_written(
    maker: Helm, tmp_path: Path, template: str, values: str, expected: list[str]
) -> None:
    assert fixed(maker, tmp_path, {WEB: POD + template, "values.yaml": values}) == expected


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        (f"{CONTEXT}        runAsUser: 5\n", "", [f"{WEB} +        allowPrivilegeEscalation: false"]),
        (f"{CONTEXT}        {{{{- toYaml .Values.sc | nindent 8 }}}}\n", "sc: {}\n",
         ["values.yaml -sc: {}", "values.yaml +sc:", "values.yaml +  allowPrivilegeEscalation: false"]),
        ("{{- with .Values.securityContext }}\n      securityContext: {{- toYaml . | nindent 8 }}\n{{- end }}\n",
         "image: 1\n", ["values.yaml +securityContext:", "values.yaml +  allowPrivilegeEscalation: false"]),
        ("      tty: {{ .Values.tty }}\n", "tty: true\n",
         [f"{WEB} +      securityContext:", f"{WEB} +        allowPrivilegeEscalation: false"]),
        # only rendered with some values, so the line behind the name is the one that holds
        ("      {{- if .Values.tty }}\n      tty: true\n      {{- end }}\n", "tty: true\n",
         [f"{WEB} +      securityContext:", f"{WEB} +        allowPrivilegeEscalation: false"]),
    ],
)  # fmt: skip
def test_what_is_missing_is_added_to_values_or_else_to_the_template(
    maker: Helm, tmp_path: Path, template: str, values: str, expected: list[str]
) -> None:
    files = {WEB: POD + template, "values.yaml": values, "values-b.yaml": "tty: false\n"}
    assert fixed(maker, tmp_path, files, "C-0016") == expected


def test_lines_in_a_helper_stand_as_far_left_as_it_has_them(maker: Helm, tmp_path: Path) -> None:
    helper = '{{- define "context" -}}\nrunAsUser: 5\n{{- end -}}\n'
    template = f'{POD}{CONTEXT}        {{{{- include "context" . | nindent 8 }}}}\n'
    files = {WEB: template, "templates/_h.tpl": helper, "values.yaml": ""}
    assert fixed(maker, tmp_path, files, "C-0016") == ["templates/_h.tpl +allowPrivilegeEscalation: false"]


def test_every_values_file_that_sets_it_is_changed(maker: Helm, tmp_path: Path) -> None:
    files = {
        WEB: f"{POD}{CONTEXT}        privileged: {{{{ .Values.p }}}}\n",
        "values.yaml": "p: true\n",
        "values-b.yaml": "p: true\n",
        "ci/c.yaml": "q: 1\n",
    }
    assert fixed(maker, tmp_path, files) == [
        "values.yaml -p: true",
        "values.yaml +p: false",
        "values-b.yaml -p: true",
        "values-b.yaml +p: false",
    ]


def test_others_that_take_the_same_value_may_get_the_same_and_nothing_else(
    maker: Helm, tmp_path: Path
) -> None:
    web = f"{POD}{CONTEXT}        privileged: {{{{ .Values.p }}}}\n"
    other = web.replace("name: web, ", "name: other, ")
    files = {WEB: web, "templates/other.yaml": other, "values.yaml": "p: true\n"}
    assert fixed(maker, tmp_path, files) == ["values.yaml -p: true", "values.yaml +p: false"] * 2
    tty = f"{POD.replace('web,', 'tty,')}      tty: {{{{ .Values.p }}}}\n"
    assert not fixed(maker, tmp_path, {**files, "templates/tty.yaml": tty})


def test_a_value_of_a_subchart_is_set_in_the_chart_that_is_rendered(maker: Helm, tmp_path: Path) -> None:
    files = {
        "values.yaml": "q: 1\n",
        "charts/db/Chart.yaml": META.replace("shop", "db"),
        "charts/db/values.yaml": "p: true\n",
        "charts/db/templates/web.yaml": f"{POD}{CONTEXT}        privileged: {{{{ .Values.p }}}}\n",
    }
    assert fixed(maker, tmp_path, files) == ["values.yaml +db:", "values.yaml +  p: false"]
