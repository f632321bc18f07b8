"""Charts rendered in memory, and where each part of what they render to was written."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kscan_lsp.findings import Location
from kscan_lsp.render.chart import Chart, ChartFault
from kscan_lsp.render.chart import read_chart as read
from kscan_lsp.render.makers import Helm, RenderError, helm
from kscan_lsp.render.rendering import Rendering, render
from kscan_lsp.render.source_map import UNKNOWN, Rendered
from kscan_lsp.text import Span

pytest.importorskip("helm_python")

META = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"


@pytest.fixture(scope="module")
def maker():
    made = helm()
    assert made
    yield made
    made.close()


def chart(**files: str) -> Chart:
    """A chart of templates, by their names without ending; `_` begins a file of helpers."""
    known = {"Chart.yaml": META.encode()}
    for name, text in files.items():
        path = f"templates/{name}{'.tpl' if name.startswith('_') else '.yaml'}"
        known["values.yaml" if name == "values" else path] = text.encode()
    return Chart(known)


def rendered(maker: Helm, one: Chart, name: str = "a", values: tuple[str, ...] = ()):
    found = render(maker, one, values)
    assert isinstance(found, Rendering), found
    return found.files[f"templates/{name}.yaml"]


def place_of(maker: Helm, one: Chart, part: str, name: str = "a") -> tuple[str, str]:
    """The file that a part of the rendering is from, and what stands there."""
    found = rendered(maker, one, name)
    start = found.text.index(part)
    place = Rendered(f"templates/{name}.yaml", 0, found.pieces).locate(Span(start, start + len(part)))
    assert place.span is not None
    return place.file, one.files[place.file].decode()[place.span.start : place.span.end]


HELPERS = """{{- define "labels" -}}
app: {{ .Chart.Name }}
tier: front
{{- end }}
{{- define "name" }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ end -}}
"""


@pytest.mark.parametrize(
    ("template", "part", "file", "written"),
    [
        ("a: 1\nb:   {{ .Values.x }}-\u20ac\n", "b:   7-\u20ac", "a", "b:   {{ .Values.x }}-\u20ac"),
        ("a: {{ .Values.x }}\n", "7", "a", "{{ .Values.x }}"),
        ('m:\n  {{- include "labels" . | nindent 2 }}\nz: 1\n', "tier: front", "_h", "tier: front"),
        ('m:\n  {{- include "labels" . | nindent 2 }}\n', "app: shop", "_h", "app: {{ .Chart.Name }}"),
        ('n: {{ include "name" . }}\n', "n: shop", "a", 'n: {{ include "name" . }}'),
        ('n: {{ include "name" . | upper }}\n', "SHOP", "a", '{{ include "name" . | upper }}'),
        ("{{ range list 1 2 }}\n- i{{ . }}: x\n{{ end }}", "- i2: x", "a", "- i{{ . }}: x"),
        ("{{- with .Values.c }}\n{{- toYaml . }}\n{{- end }}\nq: 1", "d: 1", "a", "{{- toYaml . }}"),
        ("t: {{ tpl .Values.t . }}\nu: 1", "in 7", "a", "{{ tpl .Values.t . }}"),
        ("s: |\n  a \U0001f40b {{ .Values.x }}\n  b\nc: d", "b\n", "a", "b\n"),
        (
            "{{- if true -}}\n  deep: 1   {{- /* c */ -}}\n{{ end }}\nlast: '{{ .Values.x }}'",
            "deep: 1",
            "a",
            "deep: 1",
        ),
        ('s: {{ include "labels" . | sha256sum }}\nlast: 1', "last: 1", "a", "last: 1"),
        ('{{ template "labels" . }}\nx: 1', "tier: front", "_h", "tier: front"),
        ('{{- $l := include "labels" . | fromYaml }}\nx: {{ $l.tier }}', "x: front", "a", "x: {{ $l.tier }}"),
        ("a: 1\r\nb: {{ .Values.x }}\r\n", "b: 7", "a", "b: {{ .Values.x }}"),
    ],
)
def test_a_part_of_a_rendering_is_where_it_was_written(
    maker: Helm, template: str, part: str, file: str, written: str
) -> None:
    one = chart(a=template, _h=HELPERS, values="x: 7\nc: {d: 1}\nt: in {{ .Values.x }}\n")
    path, text = place_of(maker, one, part)
    assert (Path(path).stem, text) == (file, written)


WORDS = st.text("abc\u20ac\U0001f40b'", min_size=1, max_size=4).filter(lambda word: not word.startswith("'"))


@st.composite
def template(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A template of nested blocks, in which each line and each action has a number of its own; with its values."""
    values: dict[str, str] = {}

    def lines(depth: int, indent: int) -> str:
        made = []
        for _ in range(draw(st.integers(1, 4))):
            number = len(values)
            values[f"v{number}"] = f"w{number}w"
            margin, left, right = (
                " " * indent,
                draw(st.sampled_from(["", "- "])),
                draw(st.sampled_from(["", " -"])),
            )
            kind = draw(st.integers(0, 8 if depth else 4))
            if kind == 0:
                made.append(f"{margin}k{number}k: {draw(WORDS)}\n")
            elif kind == 1:
                made.append(f"{margin}k{number}k: {{{{ .Values.v{number} }}}}{draw(WORDS)}\n")
            elif kind == 2:
                made.append(
                    f"{margin}k{number}k: |\n{margin}  text\n{margin}  {{{{ $.Values.v{number} | quote }}}}\n"
                )
            elif kind == 3:
                made.append(f'{margin}{{{{{left}include "h" $ | nindent {indent} }}}}\n')
            elif kind == 4:
                made.append(f"{margin}k{number}k: {{{{ tpl $.Values.v{number} $ }}}}\n")
            else:
                block = ("if true", "range list 1 2", 'with "x"', "if false")[kind - 5]
                gone = f"{margin}gone: 1\n{margin}{{{{{left}else{right}}}}}\n" if kind == 8 else ""
                inner = lines(depth - 1, indent + 2).replace("{{ .Values", "{{ $.Values")
                made.append(
                    f"{margin}{{{{{left}{block}{right}}}}}\n{gone}{inner}{margin}{{{{{left}end{right}}}}}\n"
                )
        return "".join(made)

    return lines(2, 0), values


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(template())
def test_each_line_and_each_action_is_found_again(maker: Helm, made: tuple[str, dict[str, str]]) -> None:
    text, values = made
    helpers = (
        '{{- define "h" -}}\nh1h: {{ .Chart.Name }}\n{{- if true }}\nh2h: "x"\n{{- end }}\n{{- end -}}\n'
    )
    one = chart(a=text, _h=helpers, values="".join(f"{k}: {v}\n" for k, v in values.items()))
    found = rendered(maker, one)
    places = Rendered("templates/a.yaml", 0, found.pieces)
    for token in re.finditer(r"([khw])\d+\1", found.text):
        place = places.locate(Span(*token.span()))
        assert place.span is not None
        source = one.files[place.file].decode()[place.span.start : place.span.end]
        if token[1] == "w":
            assert re.fullmatch(
                rf"\{{\{{ (tpl )?\$?\.Values\.v{token[0][1:-1]}(?: \| quote)?(?(1) \$) \}}\}}", source
            )
        else:
            assert source == token[0]


def test_calls_in_comments_are_no_calls(maker: Helm) -> None:
    comment = '{{/*\nUsage: {{ include "x.name" (list . "-a") }}, or tpl "it\'s" }}\n*/}}'
    one = chart(a=f'{comment}{{{{ define "x.name" }}}}web{{{{ end }}}}\nname: {{{{ include "x.name" . }}}}\n')
    found = rendered(maker, one)
    assert found.text.strip() == "name: web"
    assert Rendered("a", 0, found.pieces).is_known(found.text.index("web"))


def test_what_is_hashed_is_known_but_for_its_hash(maker: Helm) -> None:
    one = chart(
        cm='kind: ConfigMap\ndata:\n  x: {{ include "name" . }}\n',
        a='sum: {{ include (print $.Template.BasePath "/cm.yaml") . | sha256sum }}\n',
        _h=HELPERS,
    )
    assert place_of(maker, one, "kind: ConfigMap", "cm") == ("templates/cm.yaml", "kind: ConfigMap")
    assert rendered(maker, one).text == render_plainly(maker, one)["shop/templates/a.yaml"]


def render_plainly(maker: Helm, one: Chart) -> dict[str, str]:
    return maker.rendered(one.files, "shop", ())


def test_a_template_that_changes_each_time_has_places(maker: Helm) -> None:
    one = chart(a="x: 1\npassword: {{ randAlphaNum 12 | quote }}\nlast: 2\n")
    assert place_of(maker, one, "last: 2") == ("templates/a.yaml", "last: 2")


def test_what_marks_change_is_told_apart_and_not_guessed(maker: Helm) -> None:
    one = chart(
        a='n: {{ "x" | include "odd" | len }}\nlast: 2\n', b="ok: 1\n", _h='{{ define "odd" }}abc{{ end }}'
    )
    assert rendered(maker, one).text == "n: 3\nlast: 2\n"
    assert place_of(maker, one, "last: 2") == ("templates/a.yaml", "last: 2")
    text = "q: {{ .Values.x }}\n"
    found = Rendered("t.yaml", 0, (), len(text) - 1).locate(Span(0, 1))
    assert found == Location("t.yaml", Span(0, len(text) - 1), UNKNOWN)


def test_subcharts_and_their_aliases_are_found(maker: Helm) -> None:
    meta = (
        META + "dependencies:\n- {name: db, version: 1.0.0, alias: store}\n- {name: gone, version: 1.0.0}\n"
    )
    one = Chart(
        {
            "Chart.yaml": meta.encode(),
            "charts/db-folder/Chart.yaml": b"apiVersion: v2\nname: db\nversion: 1.0.0\n",
            "charts/db-folder/templates/s.yaml": b"kind: {{ .Chart.Name }}\n",
            "templates/NOTES.txt": b"hello",
        }
    )
    found = render(maker, one)
    assert isinstance(found, Rendering)
    (path, file) = next(iter(found.files.items()))
    assert (path, [*found.files]) == ("charts/db-folder/templates/s.yaml", [path])
    assert Rendered(path, 0, file.pieces).locate(Span(0, 4)) == Location(path, Span(0, 4))
    assert one.missing() == ["gone"]


@pytest.mark.parametrize(
    ("files", "line", "words"),
    [
        ({"a": "x: 1\ny: {{ .Values.q.r.s }}\n"}, 2, "nil pointer"),
        ({"a": 'x: 1\n\ny: {{ required "say what" .Values.q }}\n'}, 3, "say what"),
        ({"a": "x: {{ if }}\n"}, 1, "missing value for if"),
        ({"a": '{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}'}, 1, "calling include"),
        ({"a": '{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}'}, 1, "depth"),
    ],
)
def test_a_fault_is_at_its_line(maker: Helm, files: dict[str, str], line: int, words: str) -> None:
    found = render(maker, chart(**files))
    assert isinstance(found, ChartFault)
    assert (found.file, found.line) == ("templates/a.yaml", line)
    assert words in found.message
    assert "\n" not in found.message
    assert len(found.message) < 450


def test_hostile_charts_end_within_limits(maker: Helm) -> None:
    letters = "abcdefghi"
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in itertools.pairwise(letters)
    )
    one = chart(a="a: 1\n", values=bomb)
    found = render(maker, one)
    assert isinstance(found, ChartFault)
    assert "aliasing" in found.message
    up = render(maker, Chart({**chart(a="a: 1\n").files, "../x.yaml": b"a: 1"}))
    assert isinstance(up, ChartFault)
    assert "parent directory" in up.message
    endless = Helm(seconds=1.5)
    with pytest.raises(RenderError, match=r"more than 1\.5 s|more memory"):
        endless.rendered(
            chart(a="{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}").files, "x", ()
        )
    # the next chart finds another process
    assert endless.rendered(chart(a="a: 1\n").files, "x", ()) == {"shop/templates/a.yaml": "a: 1\n"}
    endless.close()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there, and memory has no limit")
def test_output_without_end_is_stopped(maker: Helm) -> None:
    loud = "{{ range until 100000 }}{{ range until 10000 }}aaaaaaaaaaaaaa{{ end }}{{ end }}"
    found = render(maker, chart(a=loud))
    assert isinstance(found, ChartFault)
    assert re.search("more memory|took more than|renders to more than", found.message)
    assert isinstance(render(maker, chart(a="a: 1\n")), Rendering)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_folder_is_read_as_helm_reads_it(maker: Helm, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("outside")
    top = tmp_path / "c"
    for name, text in {
        "Chart.yaml": META,
        ".helmignore": "# no\n*.bak\n/docs/\n!keep.bak\n",
        "x.bak": "", "keep.bak": "", "docs/a.md": "", "templates/.hidden.yaml": "", "values-prod.yaml": "x: 2\n",
        "ci/small.yaml": "x: 3\n", "templates/a.yaml": 'f: {{ .Files.Get "link" | quote }}\n',
    }.items():  # fmt: skip
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    (top / "link").symlink_to(tmp_path / "secret")
    one = read(top)
    assert isinstance(one, Chart)
    assert sorted(one.files) == [
        ".helmignore", "Chart.yaml", "ci/small.yaml", "keep.bak", "templates/a.yaml", "values-prod.yaml",
    ]  # fmt: skip
    assert one.left_out == (("link", "it is a link to a file outside of the chart, which is not followed"),)
    assert one.values_files() == ["ci/small.yaml", "values-prod.yaml"]
    assert rendered(maker, one).text == 'f: ""\n'


def test_a_library_that_does_not_load_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "helm_python.py").write_text("raise ImportError('no library for this machine')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    broken = Helm()
    with pytest.raises(RenderError, match="does not start: pip install"):
        broken.rendered(chart(a="a: 1\n").files, "x", ())
    broken.close()


CORPUS = Path(os.environ.get("KSCAN_CHARTS", "/nowhere"))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="KSCAN_CHARTS names no folder of charts")
def test_lines_of_real_charts_are_known(maker: Helm) -> None:
    known = lines = 0
    for folder in sorted(CORPUS.iterdir()):
        one = read(folder)
        found = render(maker, one) if isinstance(one, Chart) else None
        for path, file in found.files.items() if isinstance(found, Rendering) else ():
            places, at = Rendered(path, 0, file.pieces), 0
            for line in file.text.split("\n") if "CustomResourceDefinition" not in file.text else ():
                if line.strip() and not line.lstrip().startswith("#") and line.strip() != "---":
                    lines += 1
                    known += places.is_known(at + len(line) - len(line.lstrip()))
                at += len(line) + 1
    assert known >= 0.97 * lines > 0
