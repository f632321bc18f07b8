"""Overlays in a scan: built, judged with the manifests around them, and reported where they are written."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import pytest
from support.git import git
from support.kustomize import found
from typer.testing import CliRunner

from kscan_lsp.cli.main import app

MAKER = found()

if TYPE_CHECKING:
    from pathlib import Path

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: api
          image: nginx:1.0
"""
PRIVILEGED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: api
          securityContext:
            privileged: true
"""
PATCHED = "resources: [../base]\nnamespace: shop\npatches: [{path: p.yaml}]\n"


def write(here: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(
        tmp_path,
        {
            "base/kustomization.yaml": "resources: [web.yaml]\n",
            "base/web.yaml": DEPLOYMENT,
            "prod/kustomization.yaml": PATCHED,
            "prod/p.yaml": PRIVILEGED,
        },
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KSCAN_KUSTOMIZE", MAKER.path)
    return tmp_path


def scan(*arguments: str):
    result = CliRunner().invoke(app, ["scan", "--format", "json", *arguments])
    assert result.stdout, result.output
    return result.exit_code, json.loads(result.stdout)


def of(report, control: str):
    return [one for one in report["findings"] if one["control"] == control]


def test_a_finding_stands_on_the_line_of_the_patch(here: Path) -> None:
    status, report = scan("--control", "C-0057,C-0016")
    assert status == 1
    (privileged,) = of(report, "C-0057")
    assert (privileged["file"], privileged["range"]["start"]) == ("prod/p.yaml", {"line": 10, "column": 13})
    assert privileged["range"]["end"] == {"line": 10, "column": 29}
    assert privileged["resource"]["namespace"] == "shop"
    assert privileged["renderedWith"] == ["prod/kustomization.yaml"]
    (base,) = privileged["related"]
    assert (base["file"], base["range"]["start"]["line"]) == ("base/web.yaml", 13)
    assert "patch" in base["message"]
    (escalation,) = of(report, "C-0016")
    assert (escalation["file"], escalation["range"]["start"]["line"]) == ("prod/p.yaml", 9)
    summary = report["summary"]
    assert (summary["files"], summary["resources"], summary["skipped"]["kustomize-patch"]) == (4, 1, 0)
    assert report["skipped"] == report["notScanned"] == []


def test_each_form_shows_the_patch(here: Path) -> None:
    for form in ("pretty", "sarif", "github", "gitlab", "junit", "html", "markdown", "csv"):
        result = CliRunner().invoke(app, ["scan", "--format", form, "--control", "C-0057"])
        assert result.exit_code == 1, (form, result.output)
        assert "p.yaml" in result.stdout, form
    pretty = CliRunner().invoke(app, ["scan", "--control", "C-0057"]).stdout
    assert "10 │             privileged: true" in pretty
    assert "see base/web.yaml:13" in pretty


def test_what_three_overlays_take_from_a_base_is_one_finding(here: Path) -> None:
    for name in ("dev", "stage"):
        write(here, {f"{name}/kustomization.yaml": f"resources: [../base]\nnamePrefix: {name}-\n"})
    write(
        here,
        {
            "dev/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n",
            "dev/p.yaml": PRIVILEGED,
        },
    )
    _, report = scan("--control", "C-0057,C-0016,C-0270")
    assert [(one["file"], one["renderedWith"]) for one in of(report, "C-0057")] == [
        ("dev/p.yaml", ["dev/kustomization.yaml"]),
        ("prod/p.yaml", ["prod/kustomization.yaml"]),
    ]
    (limits,) = of(report, "C-0270")
    assert (limits["file"], limits["range"]["start"]["line"]) == ("base/web.yaml", 13)
    assert limits["renderedWith"] == [f"{name}/kustomization.yaml" for name in ("dev", "prod", "stage")]
    assert "built by" not in limits["message"]
    in_base = [one for one in of(report, "C-0016") if one["file"] == "base/web.yaml"]
    assert [one["renderedWith"] for one in in_base] == [["stage/kustomization.yaml"]]
    assert in_base[0]["message"].endswith("(built by stage/kustomization.yaml)")
    assert report["summary"]["resources"] == 3
    (counted,) = [one for one in report["controls"] if one["id"] == "C-0270"]
    assert (counted["evaluated"], counted["failed"]) == (3, 3)


def test_overlays_know_the_manifests_around_them_and_not_each_other(here: Path) -> None:
    policy = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\n"
        "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n"
    )
    write(
        here,
        {"dev/kustomization.yaml": "resources: [../base, p.yaml]\nnamespace: shop\n", "dev/p.yaml": policy},
    )
    _, report = scan("--control", "C-0260")
    assert [one["renderedWith"] for one in of(report, "C-0260")] == [["prod/kustomization.yaml"]]
    write(here, {"policy.yaml": policy.replace("{name: p}", "{name: p, namespace: shop}")})
    _, report = scan("--control", "C-0260")
    assert of(report, "C-0260") == []


def test_a_base_is_judged_alone_where_it_alone_was_named(here: Path) -> None:
    _, report = scan("base", "--control", "C-0270")
    assert [one["renderedWith"] for one in of(report, "C-0270")] == [["base/kustomization.yaml"]]
    _, report = scan("base/web.yaml", "--control", "C-0270")
    assert [one["renderedWith"] for one in of(report, "C-0270")] == [[]]
    _, report = scan("prod", "--control", "C-0270,C-0057")
    assert {one["file"] for one in report["findings"]} == {"base/web.yaml", "prod/p.yaml"}
    _, report = scan("prod/kustomization.yaml", "--control", "C-0057")
    assert {one["file"] for one in report["findings"]} == {"prod/p.yaml"}


def test_an_overlay_that_is_not_built_is_said_and_its_base_is_judged(here: Path) -> None:
    write(here, {"prod/kustomization.yaml": "resources:\n- ../base\n- https://example.com/a.yaml\n"})
    (here / "prod/p.yaml").unlink()
    status, report = scan("--control", "C-0270,C-0057")
    assert status == 3
    (place,) = report["notScanned"]
    assert (place["file"], place["line"]) == ("prod/kustomization.yaml", 3)
    assert "nothing is fetched" in place["reason"]
    assert [one["renderedWith"] for one in of(report, "C-0270")] == [["base/kustomization.yaml"]]
    write(
        here,
        {"prod/kustomization.yaml": PATCHED, "prod/p.yaml": PRIVILEGED.replace("name: web", "name: other")},
    )
    status, report = scan("--control", "C-0270,C-0057")
    assert status == 3
    (place,) = report["notScanned"]
    assert place["reason"].startswith("this overlay is not built: ")
    assert "no matches for Id" in place["reason"]
    assert [one["renderedWith"] for one in of(report, "C-0270")] == [["base/kustomization.yaml"]]


def test_a_circle_is_one_message_and_what_leads_nowhere_another(here: Path) -> None:
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        write(here, {f"{one}/kustomization.yaml": f"resources: [../{other}]\n"})
    write(here, {"d/kustomization.yaml": "resources: [../../outside]\n"})
    status, report = scan("--control", "C-0057")
    assert status == 3
    reasons = {one["file"]: one["reason"] for one in report["notScanned"]}
    assert len(report["notScanned"]) == 2
    assert "leads back to this kustomization" in reasons["c/kustomization.yaml"]
    assert "outside of this workspace" in reasons["d/kustomization.yaml"]
    assert [one["file"] for one in of(report, "C-0057")] == ["prod/p.yaml"]


def test_a_component_is_built_with_what_names_it(here: Path) -> None:
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: p.yaml}]\n"
    (here / "prod/p.yaml").unlink()
    write(here, {"tls/kustomization.yaml": component, "tls/p.yaml": PRIVILEGED})
    write(here, {"prod/kustomization.yaml": "resources: [../base]\ncomponents: [../tls]\n"})
    status, report = scan("--control", "C-0057")
    assert (status, [one["file"] for one in report["findings"]]) == (1, ["tls/p.yaml"])
    write(here, {"prod/kustomization.yaml": "resources: [../base]\n"})
    status, report = scan("--control", "C-0057")
    assert (status, report["findings"], report["summary"]["skipped"]["kustomize-patch"]) == (0, [], 1)


def test_exceptions_and_baselines_hold_for_what_is_built(here: Path) -> None:
    CliRunner().invoke(app, ["baseline", "create"])
    _, report = scan("--control", "C-0016,C-0057,C-0271")
    assert {one["status"] for one in report["findings"]} == {"baseline"}
    (here / ".kscan/baseline.json").unlink()
    exceptions = "exceptions:\n- {controls: [C-0057], names: [web], reason: tested}\n"
    write(here, {".kscan/exceptions.yaml": exceptions})
    _, report = scan("--control", "C-0016,C-0057")
    assert [one["status"] for one in of(report, "C-0057")] == ["accepted"], report["problems"]


def test_comments_in_patches_and_bases_accept_what_is_built(here: Path) -> None:
    write(
        here,
        {
            "prod/p.yaml": PRIVILEGED.replace("true", "true  # kscan:ignore C-0057 -- it is a driver"),
            "base/web.yaml": DEPLOYMENT.replace(
                "        - name: api",
                "        # kscan:ignore C-0271 until=2999-01-01 -- tested\n        - name: api",
            ).replace("name: web\n", "name: web # kscan:ignore C-0001 -- idle\n", 1),
            "prod/kustomization.yaml": PATCHED
            + "secretGenerator:\n- name: db\n  literals:\n  - password=hunter2 # kscan:ignore KS-0017 -- a demo\n",
            "dev/kustomization.yaml": "resources: [../base]\n",
        },
    )
    _, report = scan("--control", "C-0057,C-0271,C-0001,KS-0017")
    accepted = {one["control"]: one["accepted"] for one in report["findings"]}
    assert accepted["C-0057"]["reason"] == "it is a driver"
    assert (accepted["C-0057"]["file"], accepted["C-0057"]["line"]) == ("prod/p.yaml", 10)
    assert (accepted["C-0271"]["file"], accepted["C-0271"]["line"]) == ("base/web.yaml", 13)
    assert (accepted["KS-0017"]["file"], accepted["KS-0017"]["line"]) == ("prod/kustomization.yaml", 7)
    assert [(one["file"], one["line"]) for one in report["problems"]] == [("base/web.yaml", 4)]
    assert "nothing to suppress: C-0001" in report["problems"][0]["message"]


def test_a_comment_that_one_overlay_needs_is_no_idle_one(here: Path) -> None:
    commented = DEPLOYMENT.replace("- name: api", "- name: api # kscan:ignore C-0016 -- tested")
    safe = PRIVILEGED.replace("privileged: true", "allowPrivilegeEscalation: false")
    write(
        here,
        {"base/web.yaml": commented, "prod/p.yaml": safe, "dev/kustomization.yaml": "resources: [../base]\n"},
    )
    _, report = scan("--control", "C-0016")
    assert [one["status"] for one in of(report, "C-0016")] == ["accepted"]
    assert report["problems"] == []
    (here / "dev/kustomization.yaml").unlink()
    _, report = scan("--control", "C-0016")
    assert "nothing to suppress" in report["problems"][0]["message"]


def test_secrets_that_are_generated_are_found_and_masked(here: Path) -> None:
    text = (
        PATCHED + "secretGenerator:\n- name: db\n  literals:\n  - password=hunter2hunter2\n  envs: [db.env]\n"
    )
    write(here, {"prod/kustomization.yaml": text, "prod/db.env": "TOKEN=hunter3hunter3\n"})
    _, report = scan("--control", "KS-0017")
    places = {(one["file"], one["range"]["start"]["line"]) for one in of(report, "KS-0017")}
    assert places == {("prod/kustomization.yaml", 7), ("prod/db.env", 1)}
    for form in ("pretty", "json", "sarif", "html", "markdown", "csv", "github", "gitlab", "junit"):
        result = CliRunner().invoke(app, ["scan", "--framework", "allcontrols", "--format", form])
        assert "hunter" not in result.output, form
        assert "aHVudGVy" not in result.output, form
    assert "hunter" not in CliRunner().invoke(app, ["render", "prod", "--map"]).output


def fix(*arguments: str):
    result = CliRunner().invoke(app, ["fix", *arguments])
    assert result.exit_code == 0, result.output
    return result


def test_a_fix_is_made_in_the_patch_and_proven_by_building_again(here: Path) -> None:
    shown = fix("--unsafe", "--control", "C-0057")
    assert "-            privileged: true\n+            privileged: false\n" in shown.stdout
    assert (here / "prod/p.yaml").read_text() == PRIVILEGED
    result = fix("--unsafe", "--write", "--verify", "--control", "C-0057")
    assert "verified: 1 finding gone, nothing new" in result.output
    assert (here / "prod/p.yaml").read_text() == PRIVILEGED.replace("true", "false")
    assert (here / "base/web.yaml").read_text() == DEPLOYMENT
    _, report = scan("--control", "C-0057")
    assert report["findings"] == []


def test_what_nothing_sets_is_added_where_the_finding_stands(here: Path) -> None:
    write(here, {"prod/p.yaml": PRIVILEGED.replace("privileged", "readOnlyRootFilesystem")})
    fix("--unsafe", "--write", "--control", "C-0016")
    assert "            allowPrivilegeEscalation: false\n" in (here / "prod/p.yaml").read_text()
    write(
        here,
        {
            "prod/kustomization.yaml": "resources: [../base]\n",
            "dev/kustomization.yaml": "resources: [../base]\n",
        },
    )
    (here / "prod/p.yaml").unlink()
    fix("--unsafe", "--write", "--control", "C-0016")
    assert (
        "          securityContext:\n            allowPrivilegeEscalation: false\n"
        in (here / "base/web.yaml").read_text()
    )
    _, report = scan("--control", "C-0016")
    assert report["findings"] == []


def test_a_fix_in_a_kustomization_keeps_its_layout(here: Path) -> None:
    text = textwrap.dedent("""\
        resources: [../base]
        patches:
        - target: {kind: Deployment}
          patch: |-
            - op: add
              path: /spec/template/spec/hostPID
              value: true # why
        - patch: |
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
            spec:
              template:
                spec:
                  containers:
                  - name: api
                    securityContext:
                      readOnlyRootFilesystem: true
        namespace: shop
        """)
    write(here, {"prod/kustomization.yaml": text})
    (here / "prod/p.yaml").unlink()
    fix("--unsafe", "--write", "--control", "C-0038,C-0016")
    assert (here / "prod/kustomization.yaml").read_text() == text.replace(
        "true # why", "false # why"
    ).replace(
        "readOnlyRootFilesystem: true\n",
        "readOnlyRootFilesystem: true\n              allowPrivilegeEscalation: false\n",
    )
    assert (here / "base/web.yaml").read_text() == DEPLOYMENT


def test_a_fix_that_a_patch_undoes_or_that_breaks_another_overlay_is_not_made(here: Path) -> None:
    host = DEPLOYMENT.replace(
        "    spec:\n      containers", "    spec:\n      hostPID: true\n      containers"
    )
    test = "- {op: test, path: /spec/template/spec/hostPID, value: true}\n"
    test += "- {op: add, path: /spec/paused, value: true}\n"
    write(
        here,
        {
            "base/web.yaml": host,
            "dev/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml, target: {kind: Deployment}}]\n",
            "dev/p.yaml": test,
        },
    )
    result = fix("--unsafe", "--write", "--control", "C-0038")
    assert (here / "base/web.yaml").read_text() == host
    assert "nothing to fix" in result.output


def test_a_fix_stays_below_what_was_named(here: Path) -> None:
    fix("prod", "--unsafe", "--write", "--control", "C-0270,C-0057")
    assert (here / "base/web.yaml").read_text() == DEPLOYMENT
    assert "privileged: false" in (here / "prod/p.yaml").read_text()


def test_a_diff_of_a_kustomization_shows_no_secret(here: Path) -> None:
    text = (
        "resources: [../base]\nreplicas: [{name: web, count: 1}]\nsecretGenerator:\n- name: db\n  literals:\n"
    )
    text += "  - password=hunter2hunter2\npatches:\n- patch: |-\n"
    write(here, {"prod/kustomization.yaml": text + textwrap.indent(PRIVILEGED, "    ")})
    (here / "prod/p.yaml").unlink()
    result = fix("--unsafe", "--control", "C-0057")
    assert "privileged: false" in result.stdout
    assert "hunter2" not in result.output


def test_only_what_changed_since_a_revision_is_new(here: Path) -> None:
    git(here, "init", "-q")
    git(here, "add", ".")
    git(here, "commit", "-qm", "one")
    _, report = scan("--new-since", "HEAD", "--new-only")
    assert report["findings"] == []
    host = textwrap.dedent("""\
        patches:
        - target: {kind: Deployment}
          patch: |-
            - op: add
              path: /spec/template/spec/hostPID
              value: true
        - path: p.yaml
        """)
    write(here, {"prod/kustomization.yaml": f"resources: [../base]\nnamespace: shop\n{host}"})
    _, report = scan("--new-since", "HEAD", "--new-only")
    assert [(one["control"], one["range"]["start"]["line"]) for one in report["findings"]] == [("C-0038", 8)]


@pytest.mark.usefixtures("without_kustomize")
def test_without_a_maker_patches_are_left_alone(here: Path) -> None:
    status, report = scan("prod")
    assert status == 3
    assert report["summary"]["skipped"]["kustomize-patch"] == 1
    assert "install kustomize or kubectl" in report["notScanned"][0]["reason"]
    _, report = scan("--control", "C-0270")
    assert [one["renderedWith"] for one in of(report, "C-0270")] == [[]]


def test_a_wrong_program_is_a_wrong_command(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KSCAN_KUSTOMIZE", "kustomize")
    result = CliRunner().invoke(app, ["scan"])
    assert result.exit_code == 2
    assert "KSCAN_KUSTOMIZE names no program" in result.output


def test_what_is_built_is_printed_with_its_places(here: Path) -> None:
    result = CliRunner().invoke(app, ["render", "prod", "--map"])
    assert result.exit_code == 0, result.output
    lines = [[part.rstrip() for part in line.split(" | ")] for line in result.stdout.splitlines()]
    assert ["prod/p.yaml:10", "          privileged: true"] in lines
    assert ["base/web.yaml:14", "      - image: nginx:1.0"] in lines
    assert "kind: Deployment\n" in CliRunner().invoke(app, ["render", "prod"]).stdout
    result = CliRunner().invoke(app, ["render", "prod", "--values", "base/web.yaml"])
    assert result.exit_code == 2
    write(here, {"prod/kustomization.yaml": "resources: [../../x]\n"})
    result = CliRunner().invoke(app, ["render", "prod"])
    assert result.exit_code == 2
    assert "outside of this workspace" in result.output
    result = CliRunner().invoke(app, ["render", "."])
    assert "neither a Chart.yaml nor a kustomization" in result.output
