"""The end of a conversation, whatever is under way."""

import json
import re
import subprocess
import sys

import pytest


def framed(*messages):
    bodies = [json.dumps({"jsonrpc": "2.0", **message}).encode() for message in messages]
    return b"".join(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies)


@pytest.mark.parametrize("requests", [0, 1, 5])
def test_shutting_down_is_answered_whatever_is_under_way(tmp_path, requests):
    for number in range(50):
        (tmp_path / f"{number}.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")
    given = framed(
        {"id": 1, "method": "initialize", "params": {"capabilities": {}, "rootUri": tmp_path.as_uri()}},
        {"method": "initialized", "params": {}},
        *(
            {"id": number + 10, "method": "workspace/executeCommand", "params": {"command": "kscan.report"}}
            for number in range(requests)
        ),
        {"id": 2, "method": "shutdown"},
        {"method": "exit"},
    )
    done = subprocess.run(
        [sys.executable, "-m", "kscan_lsp", "lsp"], input=given, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    answers = [
        json.loads(body)
        for body in re.findall(rb"\r\n\r\n(\{.*?\})(?=Content-Length|\Z)", done.stdout, re.DOTALL)
    ]
    assert [answer["result"] for answer in answers if answer.get("id") == 2] == [None]
    assert b"Traceback" not in done.stderr


@pytest.mark.asyncio
async def test_a_server_that_is_told_to_leave_before_it_was_asked_anything_leaves(editor) -> None:
    assert editor.capabilities is None  # the end of the fixture waits for it
