"""Charts in a scan: rendered, judged with the manifests around them, and reported where they are written."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest
from support.git import git
from typer.testing import CliRunner

from kscan_lsp.cli.charts import rendered_chart
from kscan_lsp.cli.main import app
from kscan_lsp.render.chart import Chart, read_chart
from kscan_lsp.render.makers import Helm
from kscan_lsp.text import LineIndex
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.releases import with_releases

pytest.importorskip("helm_python")

if TYPE_CHECKING:
    from pathlib import Path

META = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"
DEPLOYMENT = """\
{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.name" . }}
  namespace: shop
spec:
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: web
          image: "{{ .Values.image }}"
          securityContext:
            {{- include "shop.context" . | nindent 12 }}
{{- end }}
"""
HELPERS = """\
{{- define "shop.name" -}}
{{ .Release.Name | trunc 63 }}
{{- end }}
{{- define "shop.context" -}}
privileged: {{ .Values.privileged }}
{{- end }}
"""


def write(here: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(
        tmp_path,
        {
            "shop/Chart.yaml": META,
            "shop/values.yaml": "enabled: true\nimage: nginx:1\nprivileged: true\n",
            "shop/templates/web.yaml": DEPLOYMENT,
            "shop/templates/_helpers.tpl": HELPERS,
        },
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scan(*arguments: str):
    result = CliRunner().invoke(app, ["scan", "--format", "json", *arguments])
    assert result.stdout, result.output
    return result.exit_code, json.loads(result.stdout)


def of(report, control: str):
    return [one for one in report["findings"] if one["control"] == control]


def test_a_finding_stands_on_the_line_of_the_template(here: Path) -> None:
    status, report = scan("--control", "C-0057,C-0016,C-0270")
    assert status == 1
    (privileged,) = of(report, "C-0057")
    assert (privileged["file"], privileged["range"]["start"]) == (
        "shop/templates/_helpers.tpl",
        {"line": 5, "column": 1},
    )
    assert privileged["range"]["end"] == {"line": 5, "column": 37}
    (escalation,) = of(report, "C-0016")
    assert (escalation["file"], escalation["range"]["start"]) == (
        "shop/templates/web.yaml",
        {"line": 17, "column": 11},
    )
    assert escalation["renderedWith"] == ["shop/values.yaml"]
    assert escalation["resource"]["name"] == "shop"
    assert report["summary"]["resources"] == 1
    assert report["summary"]["skipped"]["helm-template"] == 0
    assert [one["file"] for one in report["skipped"] if one["hint"]] == []


def test_each_form_shows_the_template(here: Path) -> None:
    for form in ("pretty", "sarif", "github", "gitlab", "junit", "html", "markdown", "csv"):
        result = CliRunner().invoke(app, ["scan", "--format", form, "--control", "C-0057,C-0016"])
        assert result.exit_code == 1, (form, result.output)
        assert "_helpers.tpl" in result.stdout, form
    pretty = CliRunner().invoke(app, ["scan", "--control", "C-0057"]).stdout
    assert "5 │ privileged: {{ .Values.privileged }}" in pretty


def test_a_finding_names_the_values_that_cause_it(here: Path) -> None:
    write(here, {"shop/values-prod.yaml": "# for production\nprivileged: true\nimage: nginx:2\n"})
    web = DEPLOYMENT.replace(
        '{{- include "shop.context" . | nindent 12 }}', "{{- toYaml .Values.sc | nindent 12 }}"
    )
    write(here, {"shop/templates/other.yaml": web.replace('include "shop.name" .', '"other"')})
    values = here / "shop/values.yaml"
    values.write_text(values.read_text() + "sc: {runAsUser: 0}\n")
    _, report = scan("--control", "C-0057,C-0016,C-0013")
    (privileged,) = of(report, "C-0057")
    assert [
        (one["file"], one["range"]["start"]["line"], one["message"]) for one in privileged["related"]
    ] == [
        ("shop/values.yaml", 3, "privileged sets this"),
        ("shop/values-prod.yaml", 2, "privileged sets this"),
    ]
    found = {
        (
            one["resource"]["name"],
            one["control"],
            place["file"],
            place["range"]["start"]["line"],
            place["message"],
        )
        for one in report["findings"]
        for place in one["related"]
    }
    assert ("other", "C-0013", "shop/values.yaml", 4, "sc.runAsUser sets this") in found
    missing = "sc.allowPrivilegeEscalation would set this, and is set nowhere"
    assert ("other", "C-0016", "shop/values.yaml", 4, missing) in found
    assert not [one for one in found if one[:2] == ("shop", "C-0016")]
    for form in ("pretty", "sarif", "junit", "html"):
        result = CliRunner().invoke(app, ["scan", "--format", form, "--control", "C-0057"])
        assert "values-prod.yaml" in result.stdout, form


def test_several_values_make_one_finding(here: Path) -> None:
    other = DEPLOYMENT.replace('include "shop.name" .', '"extra"')
    write(
        here,
        {
            "shop/values-prod.yaml": "privileged: false\n",
            "shop/ci/root.yaml": "extra: true\n",
            "shop/templates/extra.yaml": "{{ if .Values.extra }}\n" + other + "{{ end }}",
        },
    )  # fmt: skip
    _, report = scan("--control", "C-0057,C-0016")
    both = {one["resource"]["name"]: one for one in of(report, "C-0057")}
    assert both["shop"]["renderedWith"] == ["shop/values.yaml", "shop/ci/root.yaml"]
    assert both["extra"]["renderedWith"] == ["shop/ci/root.yaml"]
    assert both["extra"]["message"].endswith("(rendered with shop/ci/root.yaml)")
    names = [one["renderedWith"] for one in of(report, "C-0016") if one["resource"]["name"] == "shop"]
    assert names == [["shop/values.yaml", "shop/ci/root.yaml", "shop/values-prod.yaml"]]
    assert report["summary"]["resources"] == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("image: 'a\"b'\nprivileged: false\n", "(rendered with shop/values-prod.yaml)"),  # breaks the quotes
        ("privileged: 5\n", "'privileged' must be true or false"),
        ("privileged: [true]\n", "'privileged' must be true or false"),
    ],
)
def test_what_cannot_be_judged_with_other_values_is_no_pass(here: Path, values: str, said: str) -> None:
    write(here, {"shop/values.yaml": "enabled: true\nimage: nginx:1\nprivileged: false\n"})
    only = ("--control", "C-0057")
    status, report = scan(*only)
    assert (status, report["findings"], report["notScanned"]) == (0, [], [])
    write(here, {"shop/values-prod.yaml": values})
    status, report = scan(*only)
    assert (status, report["findings"]) == (3, [])
    (place,) = report["notScanned"]
    assert place["file"].startswith("shop/templates/")
    assert said in place["reason"]
    assert "shop/values-prod.yaml" in str(report["problems"])
    assert report["summary"]["resources"] == 1


def test_what_is_a_template_itself_with_other_values_is_no_pass(here: Path) -> None:
    write(here, {"shop/values.yaml": "enabled: true\nimage: nginx:1\nprivileged: false\n"})
    write(here, {"shop/values-prod.yaml": "privileged: '{{ later }}'\nimage: '{{'\n"})
    write(
        here,
        {"shop/templates/_helpers.tpl": HELPERS.replace("privileged: ", "{{ .Values.image }}\nprivileged: ")},
    )
    write(here, {"shop/values.yaml": "enabled: true\nimage: '# none'\nprivileged: false\n"})
    status, report = scan("--control", "C-0057")
    assert (status, report["findings"]) == (3, [])
    assert "(rendered with shop/values-prod.yaml)" in str(report["notScanned"])


def test_what_is_wrong_with_all_values_is_said_once(here: Path) -> None:
    write(here, {"shop/values.yaml": "enabled: true\nimage: 'a\"b'\nprivileged: false\n"})
    write(here, {"shop/values-prod.yaml": "privileged: true\n"})
    status, report = scan("--control", "C-0057")
    assert (status, [one["renderedWith"] for one in report["findings"]]) == (3, [["shop/values-prod.yaml"]])
    assert len(report["notScanned"]) == len(report["problems"]) == 1


def test_manifests_and_charts_are_one_project(here: Path) -> None:
    policy = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\n"
        "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n"
    )
    _, before = scan("--control", "C-0260")
    write(here, {"policy.yaml": policy})
    _, after = scan("--control", "C-0260")
    assert (len(before["findings"]), len(after["findings"])) == (1, 0)


def test_comments_and_baselines_accept_what_is_rendered(here: Path) -> None:
    CliRunner().invoke(app, ["baseline", "create"])
    _, report = scan("--control", "C-0016,C-0057")
    assert {one["status"] for one in report["findings"]} == {"baseline"}
    write(
        here,
        {
            "shop/templates/web.yaml": DEPLOYMENT.replace(
                "securityContext:", "securityContext: # kscan:ignore C-0016 -- tested"
            )
        },
    )
    (here / ".kscan/baseline.json").unlink()
    _, report = scan("--control", "C-0016,C-0057")
    (accepted,) = of(report, "C-0016")
    assert (accepted["accepted"]["file"], accepted["accepted"]["line"]) == ("shop/templates/web.yaml", 17)


def test_a_chart_that_does_not_render_is_one_problem(here: Path) -> None:
    write(here, {"shop/templates/web.yaml": DEPLOYMENT.replace(".Values.image", ".Values.a.b.c")})
    status, report = scan("shop")
    assert status == 3
    ((place),) = report["notScanned"]
    assert (place["file"], place["line"]) == ("shop/templates/web.yaml", 16)
    assert "does not render" in place["reason"]
    assert "nil pointer" in place["reason"]


def test_a_chart_whose_defaults_are_not_enough_is_judged_with_the_values_that_are(here: Path) -> None:
    asks = '{{ required "say which" .Values.which }}'
    write(
        here, {"shop/templates/which.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {asks}}}\n"}
    )
    for name in "abcd":
        write(here, {f"shop/ci/{name}-values.yaml": f"which: {name}\nprivileged: true\n"})
    status, report = scan("shop", "--control", "C-0057")
    assert status == 3
    ((place),) = report["notScanned"]
    assert (place["file"], place["line"]) == ("shop/templates/which.yaml", 3)
    (finding,) = of(report, "C-0057")
    assert finding["renderedWith"] == [f"shop/ci/{name}-values.yaml" for name in "abcd"]


def test_values_that_a_template_goes_through_may_be_no_list(here: Path) -> None:
    """As where a switch, or a list, may be said."""
    each = '{{ range (ternary (list "x") .Values.open (kindIs "bool" .Values.open)) }}{{ if . }}true{{ end }}{{ end }}'
    context = '{{- include "shop.context" . | nindent 12 }}'
    template = DEPLOYMENT.replace(context, f"privileged: {each}")
    write(
        here,
        {"shop/templates/web.yaml": template, "shop/values.yaml": "enabled: true\nimage: a\nopen: true\n"},
    )
    _, report = scan("shop", "--control", "C-0057")
    assert of(report, "C-0057")


def test_a_dependency_that_is_not_there_is_said(here: Path) -> None:
    write(here, {"shop/Chart.yaml": META + "dependencies: [{name: db, version: 1.0.0}]\n"})
    status, report = scan("--control", "C-0057")
    assert status == 3
    (place,) = report["notScanned"]
    assert "helm dependency build shop" in place["reason"]


def test_what_is_in_an_archive_is_said_of_it(here: Path) -> None:
    template = "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Chart.Name }}}\nspec: {hostPID: true}\n"
    (here / "shop/charts").mkdir()
    with tarfile.open(here / "shop/charts/db-1.0.0.tgz", "w:gz") as archive:
        for name, text in {"Chart.yaml": META.replace("shop", "db"), "templates/a.yaml": template}.items():
            entry = tarfile.TarInfo(f"db/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    _, report = scan("--control", "C-0038")
    (found,) = of(report, "C-0038")
    assert (found["file"], found["range"]["start"]) == ("shop/charts/db-1.0.0.tgz", {"line": 1, "column": 1})
    assert found["message"].endswith("(it is rendered from a template in this archive)")


def test_fixes_are_made_in_values_where_the_template_takes_them_from_there(here: Path) -> None:
    write(here, {"shop/values-prod.yaml": "# loud\nprivileged: true # why\n"})
    result = CliRunner().invoke(app, ["fix", "--control", "C-0057,C-0016", "--unsafe"])
    assert result.exit_code == 0, result.output
    assert "-privileged: true # why\n+privileged: false # why\n" in result.stdout
    assert "+++ b/shop/values.yaml" in result.stdout
    # nothing takes it from values, so it is written where the context of the container is
    assert "+allowPrivilegeEscalation: false\n {{- end }}" in result.stdout
    result = CliRunner().invoke(app, ["fix", "--control", "C-0057", "--unsafe", "--write", "--verify"])
    assert "verified: 1 finding gone, nothing new" in result.output
    assert (here / "shop/values.yaml").read_text() == "enabled: true\nimage: nginx:1\nprivileged: false\n"
    assert (here / "shop/templates/web.yaml").read_text() == DEPLOYMENT
    _, report = scan("--control", "C-0057")
    assert not report["findings"]


def test_only_files_below_what_was_named_are_fixed(here: Path) -> None:
    result = CliRunner().invoke(app, ["fix", "shop/templates", "--control", "C-0057", "--unsafe"])
    assert not result.stdout
    assert "1 to fix by hand" in result.output


def test_what_is_not_safe_is_left_to_review(here: Path) -> None:
    result = CliRunner().invoke(app, ["fix", "--control", "C-0057"])
    assert "1 more to review with --unsafe" in result.output
    assert "privileged: true" in (here / "shop/values.yaml").read_text()


def test_a_template_without_actions_is_judged_as_it_stands(here: Path) -> None:
    plain = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: a\n    image: b\n"
        "    securityContext: {privileged: true}\n"
    )
    write(here, {"shop/templates/plain.yaml": plain})
    _, report = scan("--control", "C-0057")
    plain_ones = [one for one in of(report, "C-0057") if one["file"] == "shop/templates/plain.yaml"]
    assert [(one["renderedWith"], one["fix"] is not None) for one in plain_ones] == [([], True)]


def test_a_fix_beside_charts_is_proven(here: Path) -> None:
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, labels: {app: other}}\nspec:\n"
        "  containers:\n  - name: a\n    image: b\n    securityContext: {privileged: true}\n"
    )
    write(here, {"pod.yaml": pod})
    result = CliRunner().invoke(app, ["fix", "--unsafe", "--write", "--verify", "--control", "C-0057"])
    assert result.exit_code == 0, result.output
    assert "verified: 2 findings gone, nothing new" in result.output
    assert "privileged: false" in (here / "pod.yaml").read_text()
    assert "privileged: false" in (here / "shop/values.yaml").read_text()
    assert (here / "shop/templates/web.yaml").read_text() == DEPLOYMENT


def test_secrets_in_templates_are_masked(here: Path) -> None:
    manifest = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Release.Name }}}\n"
        "stringData:\n  password: hunter2hunter2\n"
    )
    write(here, {"shop/templates/secret.yaml": manifest})
    result = CliRunner().invoke(app, ["scan", "--framework", "allcontrols"])
    assert "hunter2hunter2" not in result.output
    assert "secret.yaml" in result.output


@pytest.mark.usefixtures("without_helm")
def test_without_a_maker_templates_are_left_alone(here: Path) -> None:
    status, report = scan("shop")
    assert status == 3
    assert report["summary"]["skipped"]["helm-template"] == 1
    assert "kscan-lsp[helm]" in report["notScanned"][0]["reason"]


def test_only_what_changed_since_a_revision_is_new(here: Path) -> None:
    git(here, "init", "-q")
    git(here, "add", ".")
    git(here, "commit", "-qm", "one")
    write(
        here,
        {"shop/templates/web.yaml": DEPLOYMENT.replace("    spec:\n", "    spec:\n      hostPID: true\n")},
    )
    _, report = scan("--new-since", "HEAD", "--new-only")
    assert {one["control"] for one in report["findings"]} == {"C-0038"}


def test_values_beside_a_chart_are_those_of_the_revision(here: Path) -> None:
    of_release(here)
    write(here, {"env/prod.yaml": "privileged: false\n"})
    git(here, "init", "-q")
    git(here, "add", ".")
    git(here, "commit", "-qm", "one")
    write(here, {"env/prod.yaml": "privileged: true\n"})
    _, report = scan("--new-since", "HEAD", "--new-only", "shop")
    assert {one["control"] for one in report["findings"]} >= {"C-0057"}
    git(here, "add", ".")
    git(here, "commit", "-qm", "two")
    write(here, {"env/prod.yaml": "privileged: false\n"})
    _, report = scan("--new-since", "HEAD", "--new-only", "shop")
    assert report["findings"] == []
    assert of(scan("--new-since", "HEAD~1", "--new-only", "shop")[1], "C-0057") == []


def test_staged_values_beside_a_chart_have_it_judged(here: Path) -> None:
    of_release(here)
    write(here, {"env/prod.yaml": "privileged: false\n"})
    git(here, "init", "-q")
    git(here, "add", ".")
    git(here, "commit", "-qm", "one")
    write(here, {"env/prod.yaml": "privileged: true\n"})
    git(here, "add", ".")
    write(here, {"env/prod.yaml": "privileged: false\n"})
    _, report = scan("--staged", "--control", "C-0057")
    (finding,) = of(report, "C-0057")
    assert finding["renderedWith"] == ["release prod: shop/values-prod.yaml + env/prod.yaml"]


def test_a_rendering_is_printed_with_its_places(here: Path) -> None:
    result = CliRunner().invoke(app, ["render", "shop", "--map"])
    assert result.exit_code == 0, result.output
    assert "# Source: shop/templates/web.yaml" in result.stdout
    lines = [line.split(" | ") for line in result.stdout.splitlines() if " | " in line]
    assert ["shop/templates/_helpers.tpl:5", "            privileged: true"] in [
        [place.strip(), line] for place, line in lines
    ]
    write(here, {"prod.yaml": "privileged: false\n"})
    result = CliRunner().invoke(app, ["render", "shop", "--values", "prod.yaml"])
    assert "            privileged: false\n" in result.stdout
    result = CliRunner().invoke(app, ["render", "."])
    assert result.exit_code == 2
    assert "neither a Chart.yaml nor a kustomization" in result.output


SETTINGS = """\
charts:
  - path: shop
    releases:
      - name: prod
        values: [shop/values-prod.yaml, env/prod.yaml]
        set: {"web.debug": true}
        namespace: live
        kubeVersion: '1.29'
"""


def of_release(here: Path, settings: str = SETTINGS) -> None:
    write(
        here,
        {
            ".kscan.yaml": settings,
            "shop/values.yaml": "enabled: true\nimage: nginx:1\nprivileged: false\nweb: {debug: false}\n",
            "shop/values-prod.yaml": "image: nginx:2\n",
            "env/prod.yaml": "privileged: true\n",
            "shop/templates/where.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n"
            "  name: {{ .Release.Name }}-{{ .Values.web.debug }}\n  namespace: {{ .Release.Namespace }}\n"
            '  labels: {version: "{{ .Capabilities.KubeVersion }}"}\n',
        },
    )


def test_releases_of_settings_are_judged_and_named(here: Path) -> None:
    of_release(here)
    status, report = scan("--fail-on", "none", ".")
    (finding,) = of(report, "C-0057")
    assert finding["renderedWith"] == ["release prod: shop/values-prod.yaml + env/prod.yaml"]
    assert [(one["file"], one["message"]) for one in finding["related"]] == [
        ("env/prod.yaml", "privileged sets this")
    ]
    assert status == 0


NAMED = """\
{{- if .Values.first }}
apiVersion: v1
kind: Pod
metadata: {name: first}
spec: {hostIPC: true, containers: [{name: a, image: a/b:1}]}
{{- end }}
---
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-web
  namespace: {{ .Release.Namespace }}
spec:
  hostPID: true
  hostNetwork: {{ .Values.net }}
  containers: [{name: a, image: a/b:1}]
"""
SEVERAL = """\
charts:
  - path: shop
    releases:
      - {name: prod, namespace: prod, set: {net: true, first: true}}
      - {name: staging, namespace: staging}
"""


def several(here: Path, settings: str = SEVERAL) -> None:
    (here / "shop/templates/web.yaml").unlink()
    (here / "shop/values-prod.yaml").unlink(missing_ok=True)
    write(
        here,
        {
            ".kscan.yaml": settings,
            "shop/values.yaml": "net: false\nfirst: false\n",
            "shop/templates/named.yaml": NAMED,
        },
    )


def test_a_finding_of_several_releases_is_one_although_each_names_its_object(here: Path) -> None:
    several(here)
    _, report = scan("--fail-on", "none", ".")
    everywhere = ["shop/values.yaml", "release prod", "release staging"]
    assert [(one["resource"]["name"], one["renderedWith"]) for one in of(report, "C-0038")] == [
        ("shop-web", everywhere),
        ("first", ["release prod"]),
    ]
    # what only one has is its own, with the object of that one
    (own,) = of(report, "C-0041")
    assert (own["resource"]["name"], own["renderedWith"]) == ("prod-web", ["release prod"])
    # every object counts, and fails what it fails
    control = next(one for one in report["controls"] if one["id"] == "C-0038")
    assert (control["failed"], report["summary"]["resources"]) == (4, 4), control


def test_a_finding_that_is_accepted_for_one_release_is_open_for_others(here: Path) -> None:
    several(here)
    accept = "exceptions:\n  - {controls: [C-0038], names: [shop-web], reason: known}\n"
    write(here, {".kscan/exceptions.yaml": accept})
    _, report = scan("--fail-on", "none", ".")
    open_ones = [one for one in of(report, "C-0038") if one["status"] == "open"]
    assert {one["resource"]["name"] for one in open_ones} >= {"prod-web"}, of(report, "C-0038")


def test_releases_have_their_name_namespace_version_and_sets(here: Path) -> None:
    of_release(here)
    named = configure(here)[0].releases[here / "shop"]
    folder = here / "shop"
    chart = read_chart(folder)
    assert isinstance(chart, Chart)
    maker = Helm()
    made = rendered_chart(maker, folder, with_releases(chart, folder, named))
    maker.close()
    text = next(
        f.rendered.text for f in made.renderings[-1].files if f.path.endswith("where.yaml") and f.rendered
    )
    assert "name: prod-true\n  namespace: live\n" in text
    assert 'version: "v1.29' in text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (SETTINGS.replace("path: shop", "path: shops"), "2:11 there is no chart in 'shops'"),
        (SETTINGS.replace("env/prod", "env/none"), "5:41 there is no values file 'env/none.yaml'"),
        (SETTINGS.replace("env/prod.yaml", "../x.yaml"), "5:41 '../x.yaml' is outside of this workspace"),
        (SETTINGS.replace("name: prod", "name: Prod"), "4:15 'Prod' cannot be the name of a release"),
        (SETTINGS.replace("web.debug", "a[0]"), "6:14 'a[0]' is an entry of a list"),
        (SETTINGS.replace("'1.29'", "1.29"), "8:22 'kubeVersion' must be a Kubernetes version as a string"),
        (SETTINGS + "      - name: prod\n", "9:15 another release of this chart is called 'prod'"),
        (SETTINGS.replace("namespace: live", "name_space: live"), "7:9 unknown key 'name_space'"),
    ],
)
def test_a_wrong_release_is_one_problem_at_its_place(here: Path, settings: str, said: str) -> None:
    (here.parent / "x.yaml").write_text("a: 1\n")
    of_release(here, settings)
    problems = [
        f"{index.line + 1}:{index.column + 1} {one.problem.message}"
        for one in configure(here)[0].problems
        for index in [LineIndex(one.document.text).position(one.problem.span.start)]
    ]
    assert len(problems) == 1
    assert problems[0].startswith(said)


def test_a_fix_changes_values_beside_the_chart(here: Path) -> None:
    of_release(here)
    result = CliRunner().invoke(app, ["fix", "--unsafe", "--control", "C-0057", "--write", "."])
    assert (here / "env/prod.yaml").read_text() == "privileged: false\n", result.output


def test_values_files_have_the_usual_names(here: Path) -> None:
    names = ["values-a.yaml", "values.b.yaml", "ci/c.yaml", "environments/d.yaml", "environments/e/values.yaml",
             "values/f.yaml", "g-values.yml"]  # fmt: skip
    others = {
        "environments/namespace.yaml": "apiVersion: v1\nkind: Namespace\n",
        "docs/values-x.yaml": "a: 1\n",
    }
    write(here / "shop", {**dict.fromkeys(names, "a: 1\n"), **others})
    chart = read_chart(here / "shop")
    assert isinstance(chart, Chart)
    assert chart.values_files() == sorted(names)


def test_what_is_staged_of_a_chart_is_what_is_rendered(here: Path) -> None:
    git(here, "init", "-q")
    git(here, "add", ".")
    git(here, "commit", "-qm", "a")
    values, helpers = here / "shop/values.yaml", here / "shop/templates/_helpers.tpl"
    assert of(scan("--fail-on", "none", "--staged")[1], "C-0057") == []  # nothing of it is staged
    values.write_text("enabled: true\nimage: nginx:2\nprivileged: true\n")
    git(here, "add", ".")
    # what is not staged counts for nothing
    values.write_text("enabled: false\n")
    helpers.write_text("{{ broken")
    _, report = scan("--fail-on", "none", "--staged")
    (finding,) = of(report, "C-0057")
    assert (finding["file"], finding["range"]["start"]["line"]) == ("shop/templates/_helpers.tpl", 5)
    git(here, "add", "shop/values.yaml")
    assert of(scan("--fail-on", "none", "--staged")[1], "C-0057") == []


@pytest.mark.parametrize(
    "repository", ["file://../common", "file://../../elsewhere", "https://charts.example.com"]
)
def test_a_library_beside_a_chart_is_read_where_it_is(here: Path, repository: str) -> None:
    dependency = f"dependencies: [{{name: common, version: 1.0.0, repository: '{repository}'}}]\n"
    library = {"Chart.yaml": "apiVersion: v2\nname: common\nversion: 1.0.0\ntype: library\n",
               "templates/_context.tpl": HELPERS}  # fmt: skip
    write(here / "common", library)
    write(here.parent / "elsewhere", library)
    write(here, {".git/HEAD": "", "shop/Chart.yaml": META + dependency})
    (here / "shop/templates/_helpers.tpl").unlink()
    status, report = scan("--fail-on", "none", ".")
    if repository == "file://../common":
        (finding,) = of(report, "C-0057")
        assert (finding["file"], finding["range"]["start"]["line"]) == ("common/templates/_context.tpl", 5)
        assert [one["file"] for one in finding["related"]] == ["shop/values.yaml"]
        assert (status, report["notScanned"]) == (0, [])
    else:
        assert status == 3
        assert [
            one["reason"] for one in report["notScanned"] if "helm dependency build shop" in one["reason"]
        ]
