"""What is fetched is pinned by hash, what is packed is written down, and a workspace cannot bring code of its own."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = ROOT / "vscode-extension/server/requirements.txt"
DEVELOPMENT = ROOT / ".ci/requirements.txt"
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<rest>.*)$")


def locked(path):
    """The version of each package of a lock, and the hashes that its files may have."""
    pins = {}
    for entry in path.read_text().replace("\\\n", " ").splitlines():
        found = PIN.match(entry)
        assert found, f"{path.name}: not a pinned package: {entry}"
        pins[canonicalize_name(found["name"])] = found["version"], re.findall(r"--hash=(\S+)", found["rest"])
    return pins


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        (RUNTIME, PROJECT["project"]["dependencies"]),
        (DEVELOPMENT, PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]),
        (DEVELOPMENT, PROJECT["build-system"]["requires"]),
    ],
    ids=["runtime", "development", "build"],
)
def test_locks_have_what_the_project_asks_for(lock, wanted):
    pins = locked(lock)
    for text in wanted:
        requirement = Requirement(text)
        version, _ = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), (
            f"{lock.name} has {version}, wanted is {text}: run .ci/lock"
        )


@pytest.mark.parametrize("lock", [RUNTIME, DEVELOPMENT], ids=["runtime", "development"])
def test_every_locked_package_has_hashes(lock):
    pins = locked(lock)
    assert pins
    assert {name for name, (_, hashes) in pins.items() if not hashes} == set()
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for _, hashes in pins.values() for one in hashes)


def test_what_is_tested_is_what_is_packed():
    development = locked(DEVELOPMENT)
    assert {name: development.get(name) for name in locked(RUNTIME)} == locked(RUNTIME)


def test_every_package_of_the_client_has_a_hash():
    lock = json.loads((ROOT / "vscode-extension/package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if not entry.get("integrity")] == []


def test_every_action_is_pinned_by_commit():
    used = [
        line.strip()
        for path in (ROOT / ".github").rglob("*.yml")
        for line in path.read_text().splitlines()
        if re.match(r"\s*-?\s*uses: (?!\./)", line)
    ]
    assert used
    assert [line for line in used if not re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v[\d.]+$", line)] == []


def installed_names():
    """Names that an import anywhere in the program could look for."""
    named = [path.name.partition(".")[0] for path in Path(sysconfig.get_path("purelib")).iterdir()]
    standard = [name for name in sys.stdlib_module_names if name.isidentifier()]
    return sorted(
        {name for name in [*named, *standard, "sitecustomize", "usercustomize"] if name.isidentifier()}
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A workspace that has a module for every name that could be imported; each leaves a mark when it is run."""
    workspace = tmp_path_factory.mktemp("hostile")
    (workspace / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
        "spec: {hostPID: true, containers: [{name: a, image: 'a:1'}]}\n"
    )
    mark = f"open({str(workspace / 'ran')!r}, 'a').write(__name__ + '\\n')\n"
    for name in installed_names():
        (workspace / f"{name}.py").write_text(mark)
    (workspace / ".kscan.yaml").write_text("frameworks: [allcontrols]\n")
    (workspace / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    return workspace


def bundled(storage):
    start = ROOT / "vscode-extension/bundled/start.py"
    return [sys.executable, "-I", "-S", str(start), f"--unpack-to={storage}"] if start.exists() else None


def script(_):
    found = shutil.which("kscan", path=sysconfig.get_path("scripts"))
    return [found] if found else None


def messages(workspace):
    """What an editor says that opens the manifest and goes."""
    pod = workspace / "pod.yaml"
    item = {"uri": pod.as_uri(), "languageId": "yaml", "version": 1, "text": pod.read_text()}
    told = [
        {"id": 1, "method": "initialize", "params": {"capabilities": {}, "rootUri": workspace.as_uri()}},
        {"method": "initialized", "params": {}},
        {"method": "textDocument/didOpen", "params": {"textDocument": item}},
        {"id": 2, "method": "textDocument/codeLens", "params": {"textDocument": {"uri": item["uri"]}}},
        {"id": 3, "method": "shutdown"},
        {"method": "exit"},
    ]
    bodies = [json.dumps({"jsonrpc": "2.0", **message}).encode() for message in told]
    return b"".join(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies)


@pytest.mark.parametrize("program", [script, bundled])
def test_nothing_in_a_workspace_is_imported(hostile, program, tmp_path):
    command = program(tmp_path)
    if command is None:
        pytest.skip("kscan is not installed this way here; .ci/test does it")
    done = subprocess.run(
        [*command, "scan", "--format", "json", "."], cwd=hostile, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert any(finding["control"] == "C-0038" for finding in json.loads(done.stdout)["findings"])
    assert not (hostile / "ran").exists(), (hostile / "ran").read_text()
    served = subprocess.run(
        [*command, "lsp"], cwd=hostile, input=messages(hostile), capture_output=True, check=False, timeout=60
    )
    assert b'"id":2' in served.stdout.replace(b" ", b""), served
    assert not (hostile / "ran").exists(), (hostile / "ran").read_text()


def test_the_marks_of_a_hostile_workspace_are_seen(hostile, tmp_path):
    """The test above could fail: started carelessly, Python does run what lies in the current folder."""
    workspace = tmp_path / "copy"
    shutil.copytree(hostile, workspace, ignore=shutil.ignore_patterns("ran"))
    done = subprocess.run(
        [sys.executable, "-c", "import colorsys"], cwd=workspace, capture_output=True, text=True, check=False
    )
    assert (hostile / "ran").read_text() == "colorsys\n", done.stderr
    (hostile / "ran").unlink()
