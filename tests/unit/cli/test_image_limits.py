"""What goes wrong around images is one sentence, and bounded: a full disk, a report that is huge or lies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support import images
from support.images import as_bytes
from support.scanning import fake_scanner, runs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="limits of a process are those of Unix")

SHOP = "registry.example/shop:1.0"
POD = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  containers:
  - {{name: web, image: "{SHOP}"}}
"""
SAYS = f"print({json.dumps(json.dumps(images.trivy(SHOP)))})"
LIMITED = """\
import resource, sys
kind, most, *arguments = sys.argv[1:]
resource.setrlimit(getattr(resource, kind), (int(most), int(most)))
sys.argv = ["kscan", *arguments]
from kscan_lsp.__main__ import main
main()
"""
SECONDS = 60.0


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    (folder / ".git").mkdir(parents=True)
    (folder / "pod.yaml").write_text(POD)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return folder


def limited(kind: str, most: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A scan by a process that may not have more of something."""
    options = ["scan", ".", "-f", "json", "--fail-on", "none", *arguments]
    command = [sys.executable, "-c", LIMITED, kind, str(most), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * SECONDS, check=False)


def test_a_full_disk_is_one_sentence_and_what_was_found_is_there(here: Path, tmp_path: Path) -> None:
    fake_scanner(tmp_path / "bin", SAYS)
    # the cache cannot grow to the size of its first page
    for number in (1, 2):
        done = limited("RLIMIT_FSIZE", 3_000, "--scan-images")
        (line,) = done.stderr.splitlines()
        assert line.startswith("kscan: what is known of images cannot be kept in ")
        assert len(runs(tmp_path / "bin")) == number
        (image,) = json.loads(done.stdout)["images"]
        assert image["counts"] == "1 critical, 1 high; 1 has a fix"
        assert done.returncode == 0


def test_a_scanner_that_can_write_nothing_is_one_sentence(here: Path, tmp_path: Path) -> None:
    fake_scanner(tmp_path / "bin", "sys.stdout.write('x' * 100_000); sys.stdout.flush()")
    done = limited("RLIMIT_FSIZE", 50_000, "--scan-images")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"kscan: 1 of 1 images were not scanned: {SHOP}: ")
    assert line.isprintable()
    assert json.loads(done.stdout)["images"] == []


def test_a_scanner_that_goes_between_two_looks_is_one_sentence(here: Path, tmp_path: Path) -> None:
    path = fake_scanner(tmp_path / "bin", SAYS)
    # it says its version, and is not there any more for the image
    path.write_text(path.read_text().replace("    sys.exit()", "    os.unlink(__file__)\n    sys.exit()"))
    done = limited("RLIMIT_FSIZE", 50_000_000, "--scan-images")
    (line,) = done.stderr.splitlines()
    assert (
        line == f"kscan: 1 of 1 images were not scanned: {SHOP}: it cannot be run: No such file or directory"
    )


def test_a_report_of_200_megabytes_is_one_sentence_and_no_memory(here: Path) -> None:
    (here / "shop.trivy.json").write_bytes(b"")
    os.truncate(here / "shop.trivy.json", 200_000_000)
    begins = time.monotonic()
    done = limited("RLIMIT_AS", 1_500_000_000)
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem["message"].startswith("this report is left out: ")
    assert "64,000,000 bytes" in problem["message"]
    assert time.monotonic() - begins < SECONDS


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (b"{}", "missing required field"),
        (b'{"VulnerabilityID":"CVE-1","PkgName":"p"}', "no more than 50,000 are read"),
    ],
)
def test_a_million_entries_are_one_sentence_in_bounded_time_and_memory(
    here: Path, entry: bytes, said: str
) -> None:
    head = b'{"SchemaVersion":2,"ArtifactName":"%s","Results":[{"Vulnerabilities":[' % SHOP.encode()
    (here / "shop.trivy.json").write_bytes(head + b",".join([entry] * 1_000_000) + b"]}]}")
    begins = time.monotonic()
    done = limited("RLIMIT_AS", 3_000_000_000)
    (problem,) = json.loads(done.stdout)["problems"]
    assert said in problem["message"]
    assert time.monotonic() - begins < SECONDS


def test_a_report_that_lies_is_one_printable_sentence(here: Path) -> None:
    for number, lie in enumerate(
        (
            images.trivy(SHOP, Results="\x1b[2J<script>alert(1)</script>"),
            images.grype(SHOP, matches=[{"vulnerability": {"id": ["\x1b[2J"]}, "artifact": {"name": 7}}]),
            images.cyclonedx(SHOP, vulnerabilities=[{"id": {"\x1b[2J": 1}}]),
        )
    ):
        (here / f"{number}.trivy.json").write_bytes(as_bytes(lie))
    done = limited("RLIMIT_FSIZE", 50_000_000)
    problems = json.loads(done.stdout)["problems"]
    assert [one["file"] for one in problems] == ["0.trivy.json", "1.trivy.json", "2.trivy.json"]
    for one in problems:
        assert "is not as that has to be" in one["message"]
        assert one["message"].isprintable()
        assert "script" not in one["message"]
