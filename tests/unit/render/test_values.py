"""From fields of what a chart renders to, to the values that they come from."""

from __future__ import annotations

import pytest

from kscan_lsp.render.chart import Chart
from kscan_lsp.render.makers import helm
from kscan_lsp.render.reads import Reads
from kscan_lsp.render.values import MOST_RENDERINGS, RenderedField, Tracer, ValuesText
from kscan_lsp.text import Span

META = b"apiVersion: v2\nname: shop\nversion: 0.1.0\n"
POD = """apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
"""


@pytest.fixture(scope="module")
def maker():
    pytest.importorskip("helm_python")
    made = helm()
    yield made
    made.close()


def traced(maker, spec: str, values: str, path: tuple, *, more: str = "", helpers: str = "", sub: str = ""):
    """The values that a field of a pod comes from, as `path@file:text`."""
    folder = f"charts/{sub}/" if sub else ""
    files = {
        "Chart.yaml": META,
        "values.yaml": values.encode(),
        f"{folder}templates/a.yaml": (POD + spec).encode(),
        f"{folder}templates/_h.tpl": helpers.encode(),
    }
    if sub:
        files[f"{folder}Chart.yaml"] = META.replace(b"shop", sub.encode())
        files[f"{folder}values.yaml"] = b"net: false\n"
    chart = Chart(files)
    template = f"{folder}templates/a.yaml"
    others = (ValuesText("values-prod.yaml", more),) if more else ()
    tracer = Tracer(maker, chart, others)
    field = RenderedField(template, "Pod", "a", path)
    found = tracer.sources(field, template, Span(len(POD), len(POD + spec)))
    texts = {**{k: v.decode() for k, v in files.items()}, "values-prod.yaml": more, "": ""}
    return [f"{'.'.join(s.path)}@{s.file}:{texts[s.file][s.span.start : s.span.end]}".rstrip() for s in found]


NET = ("spec", "hostNetwork")


@pytest.mark.parametrize(
    ("spec", "values", "expected"),
    [
        ("  hostNetwork: {{ .Values.net }}\n", "net: true\n", ["net@values.yaml:net: true"]),
        ("  hostNetwork: {{ .Values.a.net | default false }}\n", "a: {}\n", ["a.net@:"]),
        ("  {{- with .Values.pod }}\n  hostNetwork: {{ .net }}\n  {{- end }}\n", "pod: {net: true}\n",
         ["pod.net@values.yaml:net: true"]),
        ("  {{- toYaml .Values.pod | nindent 2 }}\n", "pod:\n  hostPID: true\n  hostNetwork: true\n",
         ["pod.hostNetwork@values.yaml:hostNetwork: true"]),
        ("  {{- $net := .Values.net }}\n  hostNetwork: {{ $net }}\n", "net: false\n", ["net@values.yaml:net: false"]),
        # a value that is read there, too, and does not change the field
        ("  hostNetwork: {{ .Values.net }} # {{ .Values.other }}\n", "net: true\nother: 1\n",
         ["net@values.yaml:net: true"]),
        ("  hostNetwork: true\n", "net: true\n", []),
    ],
)  # fmt: skip
def test_the_value_that_a_field_comes_from(maker, spec, values, expected):
    assert traced(maker, spec, values, NET) == expected


def test_it_is_found_through_named_templates_and_what_else_it_depends_on(maker):
    helpers = (
        '{{- define "net" }}{{ include "inner" . }}{{ end -}}'
        '{{- define "inner" }}{{ and .Values.net (not .Values.chroot) }}{{ end -}}'
    )
    spec = '  hostNetwork: {{ include "net" . }}\n'
    found = traced(maker, spec, "net: true\nchroot: false\n", NET, helpers=helpers)
    assert found == ["net@values.yaml:net: true", "chroot@values.yaml:chroot: false"]


def test_the_last_file_that_sets_a_value_has_it(maker):
    spec = "  hostNetwork: {{ .Values.net }}\n"
    assert traced(maker, spec, "net: false\n", NET, more="net: true\n") == ["net@values-prod.yaml:net: true"]
    assert traced(maker, spec, "net: false\n", NET, more="x: 1\n") == ["net@values.yaml:net: false"]


def test_a_value_of_a_subchart_is_set_in_its_own_values_or_above(maker):
    spec = "  hostNetwork: {{ .Values.net }}\n"
    assert traced(maker, spec, "db: {net: true}\n", NET, sub="db") == ["db.net@values.yaml:net: true"]
    assert traced(maker, spec, "x: 1\n", NET, sub="db") == ["db.net@charts/db/values.yaml:net: false"]


def test_a_chart_is_rendered_only_so_often(maker):
    names = [f"v{n}" for n in range(MOST_RENDERINGS + 20)]
    spec = "  hostNetwork: {{ .Values.v0 }}\n" + "".join(f"  # {{{{ .Values.{n} }}}}\n" for n in names)
    counted = []

    class Counting:
        def rendered(self, *args):
            counted.append(args)
            return maker.rendered(*args)

    files = {
        "Chart.yaml": META,
        "values.yaml": "".join(f"{n}: true\n" for n in names).encode(),
        "templates/a.yaml": (POD + spec).encode(),
    }
    tracer = Tracer(Counting(), Chart(files))
    field = RenderedField("templates/a.yaml", "Pod", "a", NET)
    lines = (POD + spec).splitlines(keepends=True)
    at = 0
    for line in lines:
        tracer.sources(field, "templates/a.yaml", Span(at, at + len(line)))
        at += len(line)
    assert len(counted) == MOST_RENDERINGS


def test_what_is_not_a_value_is_no_candidate():
    text = "{{ .Release.Name }}{{ with .Chart }}{{ .Values }}{{ end }}"
    text += "{{ range $i, $x := .Values.list }}{{ $x.a }}{{ end }}"
    found = Reads({"a": text}).of("a", Span(0, len(text)))
    assert found == [("list",), ("list", "a")]
