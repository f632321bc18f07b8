"""Typing while the server has something else to do: a workspace or images are scanned."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from manifests import manifest
from servers import KSCAN, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from client import Client
    from keystrokes import Edit

FILES = 1_000
"""Files of the workspace that is large."""
LEAST = 200
"""Edits that are measured when all is done, at least."""
IMAGES = 20
"""Images that are scanned while somebody types."""
SCANNER = """\
import json, sys, time
if sys.argv[1] == "version":
    sys.exit(print(json.dumps({"Version": "1", "VulnerabilityDB": {"UpdatedAt": "today"}})))
ends = time.process_time() + 1
while time.process_time() < ends: pass
found = [{"VulnerabilityID": f"CVE-2026-{n}", "PkgName": f"package-{n}", "InstalledVersion": "1", "Severity": "HIGH",
          "FixedVersion": "2", "Title": "overflow" * 10} for n in range(1000)]
report = {"SchemaVersion": 2, "ArtifactName": sys.argv[-1], "ArtifactType": "container_image",
          "Results": [{"Target": "debian", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": found}]}
print(json.dumps(report))
"""
"""A scanner that takes a second of a processor for an image, and finds a thousand vulnerabilities in it."""
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop}}
spec:
  containers:
  - name: web
    image: {image}
"""


class Typed(NamedTuple):
    """Seconds from each edit to its diagnostics, while something else went on and when that was done."""

    busy: list[float]
    idle: list[float]


def large_workspace(root: Path) -> None:
    """A workspace of a thousand files, each a document or two as teams have them."""
    for number in range(FILES):
        folder = root / f"team-{number // 50}"
        folder.mkdir(exist_ok=True)
        (folder / f"service-{number}.yaml").write_text(manifest(40 + number % 30))


def while_scanning(root: Path, text: str, edits: Sequence[Edit]) -> Typed:
    """Type while a workspace is scanned."""
    (root / ".kscan.yaml").write_text(f"{SETTINGS}diagnostics: workspace\n")
    client = KSCAN.start(root)
    try:
        client.initialize()
        return _typed(client, root, text, edits, lambda: len(client.told) <= FILES)
    finally:
        client.stop()


def while_images_are_scanned(root: Path, text: str, edits: Sequence[Edit]) -> Typed:
    """Type while images are scanned."""
    program = root / "bin" / "trivy"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{SCANNER}")
    program.chmod(0o755)
    (root / ".kscan.yaml").write_text(SETTINGS)
    images = [f"registry.example/shop:{number}" for number in range(IMAGES)]
    pods = "---\n".join(POD.format(name=f"pod-{number}", image=image) for number, image in enumerate(images))
    other = (root / "pods.yaml").as_uri()
    client = replace(KSCAN, environment={"XDG_CACHE_HOME": str(root / "cache")}).start(root)
    try:
        client.initialize({"imageScans": {"scanner": str(program)}})
        client.open(other, pods)
        found = client.codes
        return _typed(client, root, text, edits, lambda: found.get(other, []).count("KS-0061") < IMAGES)
    finally:
        client.stop()


def _typed(
    client: Client, root: Path, text: str, edits: Sequence[Edit], is_busy: Callable[[], bool]
) -> Typed:
    uri = (root / "edited.yaml").as_uri()
    client.open(uri, text)
    typed = Typed([], [])
    changes = [[edit.change()] for edit in edits]
    version = 1
    while len(typed.idle) < max(LEAST, len(typed.busy)):
        for change in changes:
            times = typed.busy if is_busy() else typed.idle
            version += 1
            times.append(client.change(uri, version, change)[0])
    return typed
