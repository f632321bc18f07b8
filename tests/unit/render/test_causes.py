"""From fields of what a chart renders to, to the values that they come from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp.render.candidates import Field
from kscan_lsp.render.causes import Probe, ValueCause, causes
from kscan_lsp.render.chart import Chart
from kscan_lsp.render.makers import Helm, helm
from kscan_lsp.render.reads import EACH, TemplateReads, Templates
from kscan_lsp.render.release import Release
from kscan_lsp.render.rendering import Rendering, render
from kscan_lsp.render.source_map import Rendered
from kscan_lsp.render.values import chart_values
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path

META = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"
HELPERS = """{{- define "context" -}}
privileged: {{ .privileged }}
{{- end }}
{{- define "image" }}{{ .Values.registry }}/{{ .image.name }}{{ end -}}
"""


@pytest.fixture(scope="module")
def maker() -> Iterator[Helm]:
    pytest.importorskip("helm_python")
    made = helm()
    assert made
    yield made
    made.close()


def chart(files: dict[str, str]) -> Chart:
    return Chart({"Chart.yaml": META.encode(), **{path: text.encode() for path, text in files.items()}})


def cause_of(
    maker: Helm, one: Chart, path: Path, named: tuple[str, ...] = (), number: int = 0
) -> ValueCause | None:
    file = next(name for name in one.files if name.endswith("a.yaml"))
    found = render(maker, one, [one.files[name].decode() for name in named])
    assert isinstance(found, Rendering), found
    rendered = found.files[file]
    pieces = split(rendered.text)
    source = Rendered(file, sum(map(len, pieces[:number])), rendered.pieces)
    field = Field(file, number, len(pieces), read_document(pieces[number]), source, path)
    probe = Probe(
        maker, one, Release(files=named), chart_values(one, Release(files=named)), Templates(one.templates())
    )
    return causes(probe, {"it": field}).get("it")


@pytest.mark.parametrize(
    ("template", "values", "path", "expected"),
    [
        ("kind: A\nx: {{ .Values.a.b }}\n", "a: {b: yes please}", ("x",), (("a", "b"), True)),
        ("kind: A\nx: {{ .Values.a.b }}\n", "a: {b: true}", ("x",), (("a", "b"), True)),
        ("kind: A\nx: {{ .Values.a.b }}\n", "a: {b: false}", ("x",), (("a", "b"), True)),
        ("kind: A\nx: {{ .Values.num | int64 | add 1 }}\n", "num: 4", ("x",), (("num",), True)),
        ("kind: A\nx: {{ .Values.s | b64enc }}\n", "s: secret", ("x",), (("s",), True)),
        ("kind: A\nx: {{ .Values.s | upper }}\n", "s: secret", ("x",), (("s",), True)),
        ("kind: A\nx: {{ .Values.gone | default 3 }}\n", "s: 1", ("x",), (("gone",), True)),
        ("kind: A\n{{ toYaml .Values.m }}\n", "m: {p: {q: 1}}", ("p", "q"), (("m", "p", "q"), True)),
        ("kind: A\nm: {{ toYaml .Values.m | nindent 2 }}\n", "m: {p: 1}", ("m", "p"), (("m", "p"), True)),
        ("kind: A\nm: {{ toYaml .Values.m | nindent 2 }}\n", "m: {}", ("m", "p"), (("m", "p"), True)),
        ("kind: A\n{{ with .Values.m }}\nm: {{ toYaml . | nindent 2 }}\n{{ end }}", "m: {}",
         ("m", "p"), (("m", "p"), True)),
        ("kind: A\n{{ with .Values.m }}\nm: {{ toYaml . | nindent 2 }}\n{{ end }}", "zz: 1",
         ("m", "p"), (("m", "p"), True)),
        ("kind: A\n{{ if .Values.enabled }}\nx: literal\n{{ end }}\n", "enabled: true", ("x",), (("enabled",), False)),
        ("kind: A\n{{ if not .Values.nope }}\nx: 1\n{{ end }}\n", "nope: false", ("x",), (("nope",), False)),
        ("kind: A\n{{ if .Values.enabled }}\nx: 1\n{{ end }}\n", "enabled: false", ("x",), (("enabled",), False)),
        ("kind: A\n{{ range .Values.l }}\n{{ .k }}: {{ .v }}\n{{ end }}\n", "l: [{k: x, v: 1}, {k: yy, v: 2}]",
         ("yy",), (("l", 1, "v"), True)),
        ("kind: A\n{{ range $k, $v := .Values.l }}\n{{ $k }}: {{ $v }}\n{{ end }}\n", "l: {p: 1, yy: 2}",
         ("yy",), (("l", "yy"), True)),
        ('kind: A\n{{ include "context" .Values.web }}\n', "web: {privileged: true}",
         ("privileged",), (("web", "privileged"), True)),
        ('kind: A\ni: {{ include "image" (dict "Values" .Values "image" .Values.img) }}\n',
         "registry: r.io\nimg: {name: web}", ("i",), (("registry",), True)),
        ('kind: A\n{{ $x := index .Values "a-b" "c" }}\nx: {{ $x }}\n', "a-b: {c: 1}", ("x",), (("a-b", "c"), True)),
        ("kind: A\nx: literal\n", "a: 1", ("x",), None),
        # what several values decide over all of the object is no cause of a field in it
        ("{{ if .Values.enabled }}\nkind: A\nx: 1\n{{ end }}\n", "enabled: true", ("x",), None),
        # a word that is compared, and a number that is calculated with, do not bear any text
        ('kind: A\n{{ if ne .Values.mode "a" }}{{ fail "no" }}{{ end }}\nx: {{ .Values.mode }}-{{ .Values.s }}\n',
         "mode: a\ns: t", ("x",), (("s",), True)),
    ],
)  # fmt: skip
def test_a_field_comes_from_a_value(
    maker: Helm, template: str, values: str, path: Path, expected: tuple[Path, bool] | None
) -> None:
    one = chart({"templates/a.yaml": template, "templates/_h.tpl": HELPERS, "values.yaml": values})
    found = cause_of(maker, one, path)
    assert (found and (found.path, found.prints)) == expected


def test_values_of_a_subchart_are_those_of_its_parent_under_its_name_or_alias(maker: Helm) -> None:
    template = "kind: A\nx: {{ .Values.x }}\ng: {{ .Values.global.g }}\n"
    one = Chart(
        {
            "Chart.yaml": f"{META}dependencies: [{{name: db, version: '*', alias: store}}]\n".encode(),
            "values.yaml": b"store: {x: 1}\nglobal: {g: 2}\n",
            "charts/db/Chart.yaml": META.replace("shop", "db").encode(),
            "charts/db/values.yaml": b"x: 0\nyy: 5\n",
            "charts/db/templates/a.yaml": template.encode(),
        }
    )
    assert cause_of(maker, one, ("x",)) == ValueCause(("store", "x"), prints=True)
    assert cause_of(maker, one, ("g",)) == ValueCause(("global", "g"), prints=True)
    values = chart_values(one)
    place = values.place(("store", "x"))
    assert place
    assert (place.file, place.path, place.is_set) == ("values.yaml", ("store", "x"), True)
    below = values.place(("store", "yy"))
    assert below
    assert (below.file, below.path, below.is_set) == ("charts/db/values.yaml", ("yy",), True)


def test_the_last_file_that_sets_a_value_has_the_word() -> None:
    one = chart({"values.yaml": "a: 1\nm: {x: 1}\n", "values-b.yaml": "m: {x: 2}\n", "ci/c.yaml": "z: 1\n"})
    values = chart_values(one, Release(files=("values-b.yaml", "ci/c.yaml")))
    found = {path: values.place(path) for path in (("a",), ("m", "x"), ("m", "y"), ("q",))}
    assert {path: (place.file, place.is_set) for path, place in found.items() if place} == {
        ("a",): ("values.yaml", True),
        ("m", "x"): ("values-b.yaml", True),
        ("m", "y"): ("values-b.yaml", False),
        ("q",): ("ci/c.yaml", False),
    }
    assert values.lookup(("m", "x")) == 2


def test_lists_are_handed_over_whole_and_what_does_not_fit_is_refused() -> None:
    values = chart_values(chart({"values.yaml": "l: [{a: 1}, {a: 2}]\ns: text\n"}))
    overlay = values.overlay()
    assert overlay.set(("l", 1, "a"), 3)
    assert not overlay.set(("l", 7, "a"), 3)
    assert not overlay.set(("l", "x"), 3)
    assert overlay.set(("s",), 1)
    assert not overlay.set(("s", "below"), 1)
    assert overlay.data == {"l": [{"a": 1}, {"a": 3}], "s": 1}
    assert values.lookup(("l", 1, "a")) == 2


def test_it_ends_after_so_many_renderings(maker: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"v{number}" for number in range(40)]
    text = "kind: A\n" + "".join(f"f{name}: {{{{ .Values.{name} | int | add 1 }}}}\n" for name in names)
    one = chart({"templates/a.yaml": text, "values.yaml": "".join(f"{name}: 1\n" for name in names)})
    found = render(maker, one)
    assert isinstance(found, Rendering)
    rendered = found.files["templates/a.yaml"]
    source = Rendered("templates/a.yaml", 0, rendered.pieces)
    document = read_document(rendered.text)
    fields = {name: Field("templates/a.yaml", 0, 1, document, source, (f"f{name}",)) for name in names}
    asked: list[Any] = []
    plain = Probe.rendered
    monkeypatch.setattr(
        Probe, "rendered", lambda self, overlay: asked.append(overlay) or plain(self, overlay)
    )
    probe = Probe(maker, one, Release(), chart_values(one), Templates(one.templates()))
    proven = causes(probe, fields, most=10)
    assert len(asked) == 10
    assert 5 <= len(proven) <= 10
    assert all(proven[name].path == (name,) for name in proven)
    assert not causes(probe, fields, stopped=lambda: True)
    json.dumps(asked)


def test_what_an_action_reads_is_followed_through_blocks_and_variables() -> None:
    text = (
        "{{ $x := .Values.image }}{{ $x.tag }}{{ with .Values.sc }}{{ toYaml . }}{{ else }}{{ .Values.e }}{{ end }}"
        '{{ range $i, $v := .Values.env }}{{ $v.value }}{{ end }}{{ include "h" (dict "v" .Values.web "c" $) }}'
    )
    helpers = '{{ define "h" }}{{ .v.port }}{{ .c.Values.foo }}{{ include "h" . }}{{ end }}'
    reads = TemplateReads(Templates({"a": text, "h": helpers}), "a")

    def own(file: str, text: str, action: str) -> set[tuple[str, ...]]:
        return {one[1:] for one in reads.of(file, text.index(action)).own}

    assert own("a", text, "{{ $x.tag }}") == {("image", "tag")}
    assert own("a", text, "{{ toYaml . }}") == {("sc",)}
    assert own("a", text, "{{ .Values.e }}") == {("e",)}
    assert own("a", text, "{{ $v.value }}") == {("env", EACH, "value")}
    assert own("h", helpers, "{{ .v.port }}") == {("web", "port")}
    assert own("h", helpers, "{{ .c.Values.foo }}") == {("foo",)}
    through = {one[1:] for one in reads.of("a", text.index('{{ include "h"')).through}
    assert through == {("web", "port"), ("foo",)}
    assert {one[1:] for one in reads.deciding("a", text.index("{{ toYaml . }}") + 3)} == {("sc",)}
