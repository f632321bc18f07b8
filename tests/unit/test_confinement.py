"""What the program does to the machine, as Python itself reports it: no network, no programs, nothing written that was
not asked for, nothing read outside of the workspace.

The workspace is hostile: settings, policies, charts, overlays and links point outside, to addresses and to commands.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

AUDITED = """
import os, sys
TOUCHING = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto",
            "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile", "urllib.Request",
            "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.chown",
            "os.truncate", "shutil.rmtree", "ctypes.dlopen")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
outside, log = sys.argv[1], open(sys.argv[2], "a", buffering=1)

def audit(event, args):
    if event in TOUCHING:
        print(event, *args, file=log)
    elif event == "open" and isinstance(args[0], str):
        path, _, flags = args
        if isinstance(flags, int) and flags & WRITING and path != os.devnull:
            print("write", path, file=log)
        elif os.path.realpath(path).startswith(outside):
            print("read", path, file=log)

from kscan_lsp.__main__ import main
sys.addaudithook(audit)
sys.argv[:] = ["kscan", *sys.argv[3:]]
main()
"""
"""Runs kscan with every touch of the machine written down: events of `sys.addaudithook`, which see all of Python."""


@pytest.fixture
def workspace(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "workspace"
    for folder in (outside / "folder", inside / "chart/templates", inside / "overlay", inside / ".git/hooks"):
        folder.mkdir(parents=True)
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: outside}\nspec: {hostPID: true}\n"
    for path in (outside / "secret.yaml", outside / "folder/secret.yaml", outside / "policy.yaml"):
        path.write_text(pod)
    (inside / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: inside, namespace: a}\nspec:\n  hostPID: true\n  containers:\n"
        "  - {name: a, image: 'https://registry.invalid/a:1', env: [{name: A, value: '$(touch ran)'}]}\n"
        "---\n!!python/object/apply:os.system ['touch ran']\n---\n!include ../outside/secret.yaml\n"
    )
    (inside / ".kscan.yaml").write_text(
        "frameworks: [allcontrols]\n"
        "policies: [../outside/policy.yaml, ../outside/folder, /etc, 'https://policies.invalid/p.yaml', linked]\n"
    )
    (inside / "chart/Chart.yaml").write_text(
        "apiVersion: v2\nname: c\nversion: 1.0.0\n"
        "dependencies: [{name: d, version: 1.0.0, repository: 'https://charts.invalid'}]\n"
    )
    (inside / "chart/templates/a.yaml").write_text('kind: Pod\nmetadata: {name: {{ .Files.Get "../x" }}}\n')
    (inside / "overlay/kustomization.yaml").write_text(
        "resources: [../../outside/folder, 'https://bases.invalid/base.yaml']\ngenerators: [./run]\n"
    )
    (inside / ".git/config").write_text("[core]\n  fsmonitor = touch ran\n  hooksPath = hooks\n")
    (inside / ".git/hooks/post-checkout").write_text("#!/bin/sh\ntouch ran\n")
    try:
        (inside / "linked").symlink_to(outside / "folder", target_is_directory=True)
        (inside / "linked.yaml").symlink_to(outside / "secret.yaml")
    except OSError:
        pass  # there are no links here, which is one danger less
    return inside


def started(workspace, *command):
    """A command with every touch written to a log beside the workspace."""
    (workspace.parent / "log").write_text("")
    outside = os.path.realpath(workspace.parent / "outside")
    return subprocess.Popen(
        [sys.executable, "-c", AUDITED, outside, str(workspace.parent / "log"), *command],
        cwd=workspace,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def touches(workspace):
    """What was done to the machine, a line for each touch."""
    lines = set((workspace.parent / "log").read_text().splitlines())
    # the program's own process, in which charts render, is the only one
    return sorted(line for line in lines if "'-P', '-m', 'kscan_lsp.render.worker'] None None" not in line)


def touched(workspace, *command):
    """What a command does to the machine, and what it says."""
    with started(workspace, *command) as process:
        output, errors = process.communicate(timeout=120)
    return touches(workspace), (output + errors).decode()


@pytest.mark.parametrize(
    "command",
    [
        ["scan", "."],
        ["scan", "--format", "json", "--fixes", "."],
        ["scan", "--format", "html", "."],
        ["scan", "pod.yaml", "chart", "overlay", "linked.yaml"],
        ["fix", "--unsafe", "."],
        ["test", "."],
        ["list", "controls"],
        ["explain", "C-0057"],
        ["init", "--stdout"],
        ["completion", "bash"],
        ["fleet", "..", "--jobs", "1"],
    ],
    ids=" ".join,
)
def test_a_command_that_reads_touches_nothing(workspace, command):
    found, said = touched(workspace, *command)
    if "linked.yaml" in command:  # that one was named
        found = [line for line in found if not line.startswith("read") or "linked.yaml" not in line]
    assert found == [], said
    assert "Traceback" not in said
    assert not list(workspace.rglob("ran"))


def test_a_fix_writes_the_file_and_nothing_else(workspace):
    before = (workspace / "pod.yaml").read_text()
    found, said = touched(workspace, "fix", "--write", "--control", "C-0038", "--unsafe", "pod.yaml")
    assert (workspace / "pod.yaml").read_text() != before, said
    assert [line for line in found if "pod.yaml" not in line] == []
    assert {line.split()[0] for line in found} <= {
        "write",
        "os.rename",
        "os.chmod",
        "os.chown",
        "os.remove",
    }
    assert sorted(path.name for path in workspace.iterdir() if "pod" in path.name) == ["pod.yaml"]


def test_a_report_is_all_that_is_written(workspace):
    found, said = touched(workspace, "scan", "--format", "html", "--output", "report.html", ".")
    assert (workspace / "report.html").exists(), said
    assert [line for line in found if "report.html" not in line] == []


def send(server, **message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    server.stdin.flush()


def answer(server, request):
    """What the server answers; what it says besides is passed over."""
    while True:
        header = b""
        while not header.endswith(b"\r\n\r\n"):
            header += server.stdout.readline()
            assert header, server.stderr.read()
        length = int(header.lower().split(b"content-length:")[1].split()[0])
        message = json.loads(server.stdout.read(length))
        if message.get("id") == request and "method" not in message:
            return message["result"]


def test_the_server_touches_nothing(workspace):
    pod = workspace / "pod.yaml"
    at = {"textDocument": {"uri": pod.as_uri()}}
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}
    with started(workspace, "lsp") as server:
        send(server, id=1, method="initialize", params={"capabilities": {}, "rootUri": workspace.as_uri()})
        answer(server, 1)
        send(server, method="initialized", params={})
        item = {"uri": pod.as_uri(), "languageId": "yaml", "version": 1, "text": pod.read_text()}
        send(server, method="textDocument/didOpen", params={"textDocument": item})
        asked = [
            ("textDocument/codeAction", {**at, "range": whole, "context": {"diagnostics": []}}),
            ("textDocument/documentLink", at),
            ("textDocument/hover", {**at, "position": {"line": 4, "character": 4}}),
            ("workspace/executeCommand", {"command": "kscan.scanWorkspace", "arguments": []}),
            ("workspace/executeCommand", {"command": "kscan.report", "arguments": []}),
        ]
        for number, (method, params) in enumerate(asked, 2):
            send(server, id=number, method=method, params=params)
        assert "C-0038" in answer(server, len(asked) + 1)["html"]
        send(server, id=99, method="shutdown")
        answer(server, 99)
        send(server, method="exit")
        assert server.wait(timeout=60) == 0
    assert touches(workspace) == []
    assert not list(workspace.rglob("ran"))


def test_what_answers_agents_touches_nothing(workspace):
    pytest.importorskip("mcp", reason="needs the extra mcp: install the dev dependency group")
    whoever = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "a", "version": "1"},
    }
    calls = [
        ("check", {"path": "."}),
        ("check", {"path": "../outside/secret.yaml"}),
        ("check", {"path": "linked.yaml"}),
        ("verified_fix", {"path": "pod.yaml", "unsafe": True}),
        ("what_controls_this_field", {"path": "chart", "field": "spec.hostPID"}),
        ("test_policy", {"path": "linked"}),
        ("list_controls", {}),
    ]
    said = {}

    def tell(server, **message):
        server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        server.stdin.flush()

    with started(workspace, "mcp") as server:
        tell(server, id=0, method="initialize", params=whoever)
        server.stdout.readline()
        tell(server, method="notifications/initialized")
        for number, (name, arguments) in enumerate(calls, 1):
            tell(server, id=number, method="tools/call", params={"name": name, "arguments": arguments})
            said[number] = json.loads(server.stdout.readline())["result"]
        server.stdin.close()
        assert server.wait(timeout=60) == 0
    assert [one.get("isError", False) for one in said.values()] == [
        False,
        True,
        True,
        False,
        False,
        True,
        False,
    ]
    assert "C-0038" in json.dumps(said[1])
    assert touches(workspace) == []
    assert not list(workspace.rglob("ran"))


def test_touches_are_seen(workspace):
    """The tests above could fail: what they look for is written down where it happens."""
    program = AUDITED.replace(
        "main()\n",
        "import socket\n"
        "try: socket.create_connection(('127.0.0.1', 1), timeout=0.1)\n"
        "except OSError: pass\n"
        "open(os.path.join(outside, 'secret.yaml')).close(); open('made', 'w').close()\n",
    )
    log = workspace.parent / "log"
    subprocess.run(
        [sys.executable, "-c", program, os.path.realpath(workspace.parent / "outside"), str(log)],
        cwd=workspace,
        check=True,
    )
    seen = {line.split()[0] for line in log.read_text().splitlines()}
    assert {"socket.connect", "read", "write"} <= seen
    assert Path(workspace / "made").exists()
