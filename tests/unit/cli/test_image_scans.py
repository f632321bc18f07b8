"""Images are scanned once each by the user's own scanner, offline, and what goes wrong is said once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support import images, scanning
from support.scanning import fake_scanner, runs
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.workspace import image_scanner

pytestmark = pytest.mark.skipif(os.name == "nt", reason="scanners are stood in for by scripts")

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  containers:
  - {name: web, image: "%s"}
"""
SHOP = "registry.example/shop:1.0"
REPORT = f"report = json.loads({json.dumps(json.dumps(images.trivy('{NAME}')))})\n"
SAYS = REPORT + "print(json.dumps(report).replace('{NAME}', image))"
"""A scanner that finds the same in every image."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, with a cache of its own."""
    folder = tmp_path / "checkout"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in (image_scanner.SCANNER, image_scanner.NETWORK):
        monkeypatch.delenv(name, raising=False)
    return folder


def write(folder: Path, *names: str) -> None:
    (folder / "pods.yaml").write_text("---\n".join(POD % (f"p{n}", name) for n, name in enumerate(names)))


def scan(*arguments: str) -> tuple[dict[str, Any], str, int]:
    """The report, what is said besides, and the exit status."""
    options = ["-f", "json", "--fail-on", "none", "--scan-images", *arguments]
    result = CliRunner().invoke(app, ["scan", ".", *options])
    return json.loads(result.stdout), result.stderr, result.exit_code


def known(report: dict[str, Any]) -> dict[str, str]:
    return {one["reference"]: one["counts"] for one in report["images"]}


def test_a_real_scanner_sees_what_is_in_an_archive(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setenv(image_scanner.SCANNER, str(scanning.trivy()))
    monkeypatch.setenv("TRIVY_CACHE_DIR", str(scanning.database(tmp_path / "trivy")))
    archives = here / ".kscan/images"
    archives.mkdir(parents=True)
    scanning.archive(archives / "shop.tar", SHOP)
    scanning.archive(archives / "next.tar", "registry.example/shop:1.1", openssl="3.1.5-r0")
    write(here, SHOP, "registry.example/shop:1.1")
    report, said, _ = scan()
    assert said == ""
    first, second = report["images"]
    assert (first["reference"], first["system"], first["endOfLife"]) == (SHOP, "alpine 3.18.4", True)
    assert first["source"].startswith("Trivy 0.")
    (found,) = first["vulnerabilities"]
    assert {key: found[key] for key in ("id", "severity", "package", "installed", "fixed", "purl")} == {
        "id": "CVE-2026-0001",
        "severity": "critical",
        "package": "openssl",
        "installed": "3.1.4-r0",
        "fixed": ["3.1.5-r0"],
        "purl": "pkg:apk/alpine/openssl@3.1.4-r0?arch=x86_64&distro=3.18.4",
    }
    assert (second["reference"], second["vulnerabilities"]) == ("registry.example/shop:1.1", [])
    by_control = {one["control"]: one for one in report["findings"] if one["control"] == "KS-0060"}
    assert by_control["KS-0060"]["range"]["start"]["line"] == 6
    # a second start finds it in the cache, even if the archive's scanner cannot open its database any more
    monkeypatch.setattr(
        "kscan_lsp.workspace.image_scans.run_scanner", lambda *_: pytest.fail("it was scanned again")
    )
    again, _, _ = scan()
    assert again == report


def test_each_image_is_scanned_once_and_never_again(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_scanner(tmp_path / "bin", SAYS)
    write(here, *(f"registry.example/shop:{n % 40}" for n in range(200)))
    report, said, _ = scan()
    assert said == ""
    assert len(known(report)) == 40
    assert set(known(report).values()) == {"1 critical, 1 high; 1 has a fix"}
    assert sum(len(one["workloads"]) for one in report["images"]) == 200
    assert len(runs(tmp_path / "bin")) == 40
    assert scan()[0] == report
    assert len(runs(tmp_path / "bin")) == 40
    monkeypatch.setenv("FAKE_DB", "tomorrow")  # the database was renewed
    scan()
    assert len(runs(tmp_path / "bin")) == 80


def test_the_images_of_charts_are_scanned_and_what_else_is_found_there_stays(
    here: Path, tmp_path: Path
) -> None:
    pytest.importorskip("helm_python")
    fake_scanner(tmp_path / "bin", SAYS)
    chart = here / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (chart / "values.yaml").write_text(f"image: {SHOP}\n")
    (chart / "templates/pod.yaml").write_text((POD % ("web", "{{ .Values.image }}")) + "  hostPID: true\n")
    write(here, "registry.example/other:1.0")
    report, said, _ = scan()
    assert said == ""
    assert set(known(report)) == {SHOP, "registry.example/other:1.0"}
    found = {(one["control"], one["file"]) for one in report["findings"]}
    assert {("KS-0060", "chart/templates/pod.yaml"), ("C-0038", "chart/templates/pod.yaml")} <= found
    assert ("KS-0060", "pods.yaml") in found


def test_it_works_offline_in_an_empty_folder(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_scanner(tmp_path / "bin", SAYS)
    (here / "trivy.yaml").write_text("output: /tmp/elsewhere\n")
    write(here, SHOP)
    scan()
    ((arguments, folder, files),) = runs(tmp_path / "bin")
    assert files == []
    assert not Path(folder).is_relative_to(here)
    for option in ("--offline-scan", "--skip-db-update", "--skip-java-db-update", "docker,containerd,podman"):
        assert option in arguments
    assert arguments[-2:] == ["--", SHOP]
    monkeypatch.setenv(image_scanner.NETWORK, "1")
    write(here, "registry.example/other:1")
    scan()
    assert not {"--offline-scan", "--skip-db-update", "--image-src"} & set(runs(tmp_path / "bin")[-1][0])


def test_what_a_report_is_about_is_not_scanned(here: Path, tmp_path: Path) -> None:
    fake_scanner(tmp_path / "bin", SAYS)
    (here / "shop.grype.json").write_bytes(images.as_bytes(images.grype(SHOP)))
    write(here, SHOP)
    report, _, _ = scan()
    assert runs(tmp_path / "bin") == []
    assert report["images"][0]["source"] == "Grype 0.104.0"


def test_settings_of_a_repository_name_no_scanner(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_scanner(here / "bin", SAYS)
    monkeypatch.setenv("PATH", os.pathsep.join(["bin", ".", str(here / "bin")]))
    write(here, SHOP)
    report, said, _ = scan()
    assert runs(here / "bin") == []
    assert said == (
        "kscan: images were not scanned: there is no scanner: neither trivy nor grype is on PATH; install one, or name "
        "it in KSCAN_IMAGE_SCANNER\n"
    )
    assert report["images"] == []


def test_a_scanner_that_is_named_wrong_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, SHOP)
    monkeypatch.setenv(image_scanner.SCANNER, "trivy")
    assert "names no program: 'trivy'; write the whole path" in scan()[1]
    monkeypatch.setenv(image_scanner.SCANNER, "/bin/true")
    assert "is neither trivy nor grype" in scan()[1]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("print('no database\\n\\x1b[2J', file=sys.stderr); sys.exit(3)", "[2J"),
        ("sys.exit(7)", "it ended with status 7"),
        ("os.kill(os.getpid(), 9)", "it ended with status -9"),
        ("print('nonsense')", "it is no JSON"),
        ("print('{}')", "it is in none of the forms"),
        ("pass", "it is no JSON"),
        ("time.sleep(60)", "it took more than"),
        ("os.spawnlp(os.P_NOWAIT, 'sleep', 'sleep', '60'); time.sleep(60)", "it took more than"),
        ("sys.stdout.write('x' * 3_000_000)", "it wrote more than 1,000,000 bytes"),
        ("while True: sys.stderr.write('x' * 100_000)", "it wrote more than 1,000,000 bytes"),
    ],
)
def test_what_goes_wrong_is_said_once(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, reason: str
) -> None:
    monkeypatch.setattr(image_scanner, "TIMEOUT", -9.5 if "sleep" in body else 20)
    monkeypatch.setattr(image_scanner, "MAX_OUTPUT", 1_000_000)
    fake_scanner(tmp_path / "bin", body)
    write(here, SHOP)
    report, said, status = scan()
    assert said.startswith(f"kscan: 1 of 1 images were not scanned: {SHOP}: ")
    assert reason in said
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()
    assert (report["images"], status) == ([], 0)
    # what came of it is not kept
    fake_scanner(tmp_path / "bin", SAYS)
    assert known(scan()[0])


@pytest.mark.parametrize("image", ["--output=/tmp/x", "-f", "a b", "$(x)", "a\\nb", "${IMAGE}"])
def test_no_image_is_an_option(here: Path, tmp_path: Path, image: str) -> None:
    fake_scanner(tmp_path / "bin", SAYS)
    write(here, image)
    scan()
    assert runs(tmp_path / "bin") == []


def test_a_broken_cache_is_made_anew(here: Path, tmp_path: Path) -> None:
    fake_scanner(tmp_path / "bin", SAYS)
    write(here, SHOP)
    report, _, _ = scan()
    (tmp_path / "cache/kscan/images.sqlite").write_bytes(b"broken" * 1_000)
    again, said, _ = scan()
    assert again == report
    assert said.count("\n") == 1
    assert "was broken, and is made anew" in said
    assert scan()[1] == ""


def test_gates_ask_about_what_was_scanned(here: Path, tmp_path: Path) -> None:
    fake_scanner(tmp_path / "bin", SAYS)
    write(here, SHOP)
    assert scan("--fail-on-cve", "critical")[2] == 1
    assert scan("--kev")[2] == 0


@pytest.mark.parametrize("name", ["shop", "shop.tar"])
def test_a_real_scanner_sees_what_is_in_a_layout(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setenv(image_scanner.SCANNER, str(scanning.trivy()))
    monkeypatch.setenv("TRIVY_CACHE_DIR", str(scanning.database(tmp_path / "trivy")))
    archives = here / ".kscan/images"
    archives.mkdir(parents=True)
    named = {"io.containerd.image.name": SHOP}
    _, digest = scanning.layout(archives / name, named, nested=True)
    pinned = f"registry.example/other@{digest}"
    write(here, SHOP, pinned, "registry.example/other:latest")
    report, said, _ = scan()
    # what is pinned by a digest is of that digest, and says nothing of a tag
    assert said.startswith("kscan: 1 of 3 images were not scanned: registry.example/other:latest: ")
    assert known(report) == dict.fromkeys((SHOP, pinned), "1 critical; 1 has a fix") | {
        "registry.example/other:latest": ""
    }
    ids = {v["id"] for one in report["images"] for v in one["vulnerabilities"]}
    assert ids == {"CVE-2026-0001"}
    monkeypatch.setattr(
        "kscan_lsp.workspace.image_scans.run_scanner",
        lambda _, image, *__: image_scanner.ScannerOutput(problem=f"{image} was scanned again"),
    )
    assert scan()[1].count("was scanned again") == 1


def test_a_layout_that_is_not_what_it_says_is_said_once_and_not_scanned(here: Path, tmp_path: Path) -> None:
    fake_scanner(tmp_path / "bin", SAYS)
    path, _ = scanning.layout(here / ".kscan/images/shop", {"io.containerd.image.name": SHOP})
    for part in (path / "blobs/sha256").iterdir():
        part.write_bytes(part.read_bytes() + b" ")
    scanning.layout(here / ".kscan/images/broken", {})[0].joinpath("index.json").write_text("{\x1b[2J")
    write(here, SHOP, SHOP)
    report, said, status = scan()
    first, second = said.splitlines()
    assert first.startswith(
        "kscan: images in .kscan/images are left alone: broken: its index.json is not as it"
    )
    assert second.startswith(f"kscan: 1 of 1 images were not scanned: {SHOP}: shop: its part sha256:")
    assert second.endswith("... is not what its digest says")
    assert said.replace("\n", "").isprintable()
    assert (report["images"], status, runs(tmp_path / "bin")) == ([], 0, [])


def test_what_a_chart_runs_with_other_values_is_scanned_too(here: Path, tmp_path: Path) -> None:
    pytest.importorskip("helm_python")
    fake_scanner(tmp_path / "bin", SAYS)
    files = {
        "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
        "values.yaml": "tag: '1.0'\n",
        "values-prod.yaml": "tag: '1.1'\n",
        "templates/web.yaml": POD % ("web", "registry.example/shop:{{ .Values.tag }}"),
    }
    for name, text in files.items():
        path = here / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    report, _, _ = scan()
    assert known(report).keys() == {SHOP, "registry.example/shop:1.1"}


def test_an_editor_finds_a_scanner_that_is_on_no_path_and_says_where_it_looked(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kscan_lsp.files.programs._USUAL", ())
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    said = image_scanner.find_scanner([here], desktop=True)
    assert isinstance(said, str)
    assert f"for this editor is {tmp_path / 'bin'}, nor in {tmp_path / 'home/.local/bin'}, " in said
    assert "write the whole path of yours ('command -v trivy' prints it) into KSCAN_IMAGE_SCANNER" in said
    path = fake_scanner(tmp_path / "home/.local/bin", SAYS)
    found = image_scanner.find_scanner([here], desktop=True)
    assert not isinstance(found, str)
    assert found.path == str(path)
    # a command is started from a shell, whose PATH counts
    assert isinstance(image_scanner.find_scanner([here]), str)
