"""`kscan init` writes settings that hold, names what has to be rendered, and never replaces what is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from kscan_lsp.cli import init
from kscan_lsp.cli.main import app
from kscan_lsp.settings.model import read_settings
from kscan_lsp.settings.shape import said
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kscan(*argv: str) -> Result:
    return CliRunner().invoke(app, list(argv))


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_it_writes_settings_that_hold(here: Path) -> None:
    result = kscan("init", "--framework", "nsa,CIS")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "written: .kscan.yaml" in result.stderr
    settings, problems = read_settings(read_document((here / ".kscan.yaml").read_text()))
    assert (settings.frameworks, problems) == (("nsa", "cis-v1.12.0"), ())
    assert said(settings).keys() == {"frameworks"}
    assert kscan("list", "controls").stderr == ""


def test_what_is_commented_out_is_right_too() -> None:
    text = re.sub(r"(?m)^#(?! )", "", kscan("init", "--stdout").stdout)
    text = text.replace("#  ", "  ")
    settings, problems = read_settings(read_document(text))
    assert problems == ()
    assert said(settings).keys() == {
        "frameworks", "controls", "exclude", "kubernetesVersion",
    }  # fmt: skip
    assert settings.frameworks == ("recommended",)


def test_charts_and_overlays_are_named_with_what_renders_them(here: Path) -> None:
    write(
        here,
        {
            "deploy/chart/Chart.yaml": "name: a\n",
            "deploy/chart/charts/inner/Chart.yaml": "name: b\n",
            "deploy/my chart/Chart.yaml": "name: c\n",
            "base/kustomization.yaml": "resources: [a.yaml]\n",
            "parts/tls/kustomization.yaml": "kind: Component\n",
            "overlays/prod/kustomization.yaml": "resources: [../../base]\ncomponents: [../../parts/tls]\n",
            "overlays/dev/kustomization.yml": "bases: [../../base]\n",
            "broken/kustomization.yaml": "resources: [\n",
            "odd/kustomization.yaml": "resources: 7\n---\n- 1\n",
        },
    )
    text = kscan("init", "--stdout").stdout
    assert re.findall(r"#   (.*) \| kscan scan -", text) == [
        "helm template deploy/chart",
        "helm template 'deploy/my chart'",
        "kustomize build broken",
        "kustomize build odd",
        "kustomize build overlays/dev",
        "kustomize build overlays/prod",
    ]
    assert not (here / ".kscan.yaml").exists()


@pytest.mark.skipif(os.name != "posix", reason="names with line ends are POSIX's")
def test_no_name_of_a_folder_becomes_a_setting(here: Path) -> None:
    write(here, {"a\nexclude: ['*']\n#/Chart.yaml": "name: a\n", "-x/Chart.yaml": "name: b\n"})
    text = kscan("init", "--stdout").stdout
    settings, problems = read_settings(read_document(text))
    assert (settings.exclude, problems) == ((), ())
    assert "helm template ./-x | kscan scan -" in text


@pytest.mark.parametrize("name", [".kscan.yaml", ".kscan.yml"])
def test_settings_that_are_there_stay(here: Path, name: str) -> None:
    (here / name).write_text("frameworks: [nsa]\n")
    result = kscan("init")
    assert result.exit_code == 2
    assert f"there are settings in '{name}' already" in result.stderr
    assert (here / name).read_text() == "frameworks: [nsa]\n"
    assert kscan("init", "--stdout").exit_code == 0
    (here / name).unlink()
    (here / name).symlink_to(here / "elsewhere")
    assert kscan("init").exit_code == 2
    assert not (here / "elsewhere").exists()


def test_a_wrong_command_writes_nothing(here: Path) -> None:
    for argv, words in (
        (["--framework", "nsaa"], "did you mean 'nsa'?"),
        (["nowhere"], "no folder 'nowhere'"),
    ):
        result = kscan("init", *argv)
        assert (result.exit_code, words in result.stderr) == (2, True)
    assert kscan("init", "nowhere", "--stdout").exit_code == 2
    assert list(here.iterdir()) == []


def test_a_folder_may_be_named(here: Path) -> None:
    write(here, {"team/chart/Chart.yaml": "name: a\n"})
    assert kscan("init", "team").exit_code == 0
    assert "helm template chart | kscan scan -" in (here / "team/.kscan.yaml").read_text()


def test_on_a_terminal_it_asks_until_there_is_such_a_framework(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["nsaa", "nsa, pss-restricted"])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    assert init.ask() == ("nsa", "pss-restricted")
    said = capsys.readouterr().err
    assert "did you mean 'nsa'?" in said
    assert "Pod Security Standards: restricted" in said


SHOP = """\
apiVersion: shop.example/v1
kind: ShopServer
metadata: {name: shop}
spec:
  front: {template: {spec: {containers: [{name: web, image: "a:1", securityContext: {privileged: true}}]}}}
  backs:
  - template: {spec: {containers: [{name: db, image: "b:1"}]}}
  - template: {spec: {containers: [{name: cache, image: "c:1"}]}}
"""


def test_custom_kinds_that_run_pods_are_settings(here: Path) -> None:
    write(here, {"shop.yaml": SHOP})
    before = kscan("scan", "--format", "json").stdout
    result = kscan("init")
    assert (
        "found: 1 manifest, 0 Helm charts, 0 overlays of Kustomize, 1 custom kind that runs pods\n"
        in result.stderr
    )
    settings, problems = read_settings(read_document((here / ".kscan.yaml").read_text()))
    assert problems == ()
    assert [(one.kind, one.group, one.path) for one in settings.pod_spec_paths] == [
        ("ShopServer", "shop.example", "spec.backs[*].template"),
        ("ShopServer", "shop.example", "spec.front.template"),
    ]
    after = kscan("scan", "--format", "json").stdout
    found = [{finding["control"] for finding in json.loads(report)["findings"]} for report in (before, after)]
    assert ["C-0057" in controls for controls in found] == [False, True]


def test_kinds_that_are_known_and_what_only_looks_like_a_pod_are_left_alone(here: Path) -> None:
    template = "spec: {template: {spec: {containers: [{name: a, image: 'a:1'}]}}}\n"
    write(
        here,
        {
            "deployment.yaml": f"apiVersion: apps/v1\nkind: Deployment\n{template}",
            "rollout.yaml": f"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n{template}",
            "newer.yaml": f"apiVersion: apps/v9\nkind: Novelty\n{template}",
            "name.yaml": f"apiVersion: 'shop.example}}]/v1'\nkind: 'A, b'\n{template}",
            "ports.yaml": "apiVersion: shop.example/v1\nkind: Ship\nspec: {hold: {spec: {containers: [{size: 40}]}}}\n",
            "notes.yaml": "groceries: [milk]\n",
            "broken.yaml": "apiVersion: [\n  containers: ",
            "chart/Chart.yaml": "name: a\n",
            "chart/templates/shop.yaml": SHOP.replace("shop}", "{{ .Values.name }}}"),
        },
    )
    result = kscan("init", "--stdout")
    assert "podSpecPaths" not in result.stdout
    assert "found: 6 manifests, 1 Helm chart, 0 overlays of Kustomize\n" in result.stderr


def test_it_says_what_comes_next(here: Path) -> None:
    write(here, {"team/chart/Chart.yaml": "name: a\n"})
    said = kscan("init", "team").stderr
    assert "found: 0 manifests, 1 Helm chart, 0 overlays of Kustomize" in said
    assert "  cd team && kscan scan " in said
    assert re.search(r"&& kscan fix +# .*--write.*--unsafe", said)
    assert "in CI" in said
    assert ".kscan.yaml has the commands" in said
    assert re.search(r"(?m)^  kscan scan  +# what is wrong now$", kscan("init").stderr)


def on_a_terminal(answers: bytes, *argv: str) -> None:
    import pty

    main, other = pty.openpty()
    code = "import sys; sys.argv[0] = 'kscan'; from kscan_lsp.__main__ import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "init", *argv],
        stdin=other,
        stdout=subprocess.PIPE,
        stderr=other,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        os.close(other)
        os.write(main, answers)
        assert process.wait(60) == 0
    os.close(main)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX's")
def test_a_terminal_is_asked(here: Path) -> None:
    write(here, {"shop.yaml": SHOP})
    on_a_terminal(b"mitre\nn\n")
    text = (here / ".kscan.yaml").read_text()
    assert "frameworks: [mitre]" in text
    assert "#podSpecPaths:" in text
    settings, problems = read_settings(read_document(text))
    assert (settings.pod_spec_paths, problems) == ((), ())


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX's")
def test_with_yes_nobody_is_asked(here: Path) -> None:
    write(here, {"shop.yaml": SHOP})
    on_a_terminal(b"", "--yes")
    text = (here / ".kscan.yaml").read_text()
    assert "frameworks: [recommended]" in text
    assert "\npodSpecPaths:" in text
