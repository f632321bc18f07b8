"""The editor and the command line say the same about the same text."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from support.manifests import DOCUMENTS

TEXTS = {
    "deployment.yaml": DOCUMENTS[0],
    "windows.yaml": DOCUMENTS[1],
    "three.yaml": "---\n".join(DOCUMENTS),
    "mark.yaml": "\ufeff" + DOCUMENTS[0],
    "broken.yaml": DOCUMENTS[0].replace("    spec:\n", "    spec:\n      hostNet\n") + "---\n" + DOCUMENTS[2],
    "tab.yaml": DOCUMENTS[0].replace("      hostPID", "\thostPID"),
    "duplicate.yaml": DOCUMENTS[2] + "data: {}\n",
    "pod.json": '{"apiVersion": "v1", "kind": "Pod",\n "spec": {"hostIPC": true, "containers": [{"name": "🚀"}]}}',
}
CORPUS = ["microservices-demo/kubernetes-manifests.yaml"]


def scanned(path) -> tuple[list, list]:
    command = [sys.executable, "-m", "kscan_lsp", "scan", "--format", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1, 3), done.stderr
    report = json.loads(done.stdout)
    found = [
        (
            finding["control"],
            *((finding["range"][end]["line"], finding["range"][end]["column"]) for end in ("start", "end")),
            finding["message"],
        )
        for finding in report["findings"]
        if finding["status"] == "open"
    ]
    return sorted(found), sorted((p["line"], p["column"], p["message"]) for p in report["problems"])


def told(published) -> tuple[list, list]:
    found, problems = [], []
    for diagnostic in published.diagnostics:
        start, end = diagnostic.range.start, diagnostic.range.end
        place = (start.line + 1, start.character + 1)
        if str(diagnostic.code).startswith(("C-", "KS-")):
            found.append((diagnostic.code, place, (end.line + 1, end.character + 1), diagnostic.message))
        else:
            problems.append((*place, diagnostic.message))
    return sorted(found), sorted(problems)


async def agree(editor, path) -> tuple[list, list]:
    """Wait until the editor shows what a scan reports; what rests on other objects comes when all files are read."""
    expected = scanned(path)
    await editor.start(path.parent, encodings=["utf-32"])
    uri = path.as_uri()
    editor.open(uri, path.read_bytes().decode(), language=path.suffix[1:])
    await editor.until(uri, lambda newest: told(newest) == expected)
    return expected


@pytest.mark.asyncio
@pytest.mark.parametrize("name", TEXTS)
async def test_same_findings(editor, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(TEXTS[name].encode())
    await agree(editor, path)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", CORPUS)
async def test_same_findings_on_public_manifests(editor, tmp_path, shared, name):
    path = tmp_path / "manifests.yaml"
    path.write_bytes((shared / "corpus" / name).read_bytes())
    found, _ = await agree(editor, path)
    assert found
