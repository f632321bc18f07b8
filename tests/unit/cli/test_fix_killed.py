"""`kscan fix --write`, killed at any moment, leaves each file as it was or as it shall be, and never half of either.

No time is measured: a process counts what it asks of the system while it writes, and kills itself (SIGKILL, which
nothing can catch) before the first of that, the second, and so on through all.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kscan_lsp.cli.asked import ScanRequest
from kscan_lsp.cli.fix import fix_files, write
from kscan_lsp.cli.scan import scan
from kscan_lsp.files.discover import discover

if TYPE_CHECKING:
    from kscan_lsp.cli.fix import FixResult

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked and killed as on POSIX"),
    # pytest's own threads are no part of what is forked, and the child writes and ends
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

ROOT = Path(__file__).parents[3]
FILES = ("a.yaml", "b.yml", "c.json")
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostPID: true # of the node
  containers:
    - name: api
      image: registry.example/api:1.0
      securityContext:
        privileged: true
"""
JSON = (
    '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"hostPID": true, '
    '"containers": [{"name": "api", "image": "registry.example/api:1.0"}]}}\n'
)
OLD = {
    "a.yaml": "\ufeff" + POD,
    "b.yml": POD.replace("\n", "\r\n")
    + "---\r\n"
    + "# a long comment\r\n" * 5_000
    + POD.replace("\n", "\r\n"),
    "c.json": JSON,
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    monkeypatch.chdir(folder)
    restore(folder)
    return folder


def restore(folder: Path) -> None:
    for left in folder.iterdir():
        left.unlink()
    for name, text in OLD.items():
        (folder / name).write_bytes(text.encode())


def texts(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def fixed(folder: Path) -> FixResult:
    """What is to be written, as the command works it out."""
    request = ScanRequest((str(folder),))
    return fix_files(scan(request, date(2026, 1, 1), discover=discover), request.paths, unsafe=True)


def killed_at(number: int, result: FixResult) -> bool:
    """Write in a process of its own that is killed before one of its calls; whether it came so far."""
    child = os.fork()
    if not child:
        calls = itertools.count()

        def count(_frame: object, event: str, what: object) -> None:
            owner = getattr(what, "__self__", None)
            asks_the_system = getattr(owner, "__name__", "") == os.name or type(owner).__module__ == "_io"
            if event == "c_call" and asks_the_system and next(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        write(result)
        sys.setprofile(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_at_every_step_of_writing(here: Path) -> None:
    result = fixed(here)
    old = texts(here)
    assert write(result).failures == ()
    new = texts(here)
    assert all(old[name] != new[name] for name in FILES)
    seen: set[tuple[bool, ...]] = set()
    moments = 0
    for number in itertools.count():
        restore(here)
        if not killed_at(number, result):
            break
        now = texts(here)
        assert all(now[name] in (old[name], new[name]) for name in FILES), f"call {number}"
        # what was begun is beside the file, under a name that no scan and no editor takes for a manifest
        left = {path.name for path in here.iterdir()} - set(FILES)
        assert len(left) <= 1
        assert all(name.startswith(".") and not name.endswith((".yaml", ".yml", ".json")) for name in left)
        seen.add(tuple(now[name] == new[name] for name in FILES))
        moments = number
    assert moments > 40
    # nothing, one file, two files, all of them
    assert seen == {(False,) * 3, (True, False, False), (True, True, False), (True,) * 3}
    assert texts(here) == new


def test_the_whole_command_and_what_comes_after_it(here: Path, tmp_path: Path) -> None:
    """The command, killed as it is about to give a file its name; it ends the work when it is run again."""
    old = texts(here)
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "left = [int(os.environ['KILL_AT'])]\n"
        "def watch(event, arguments):\n"
        "    if event == 'os.rename' and str(arguments[1]).endswith(('.yaml', '.yml', '.json')):\n"
        "        left[0] -= 1\n"
        "        if left[0] < 0:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.addaudithook(watch)\n"
    )
    command = [sys.executable, "-m", "kscan_lsp", "fix", "--unsafe", "--write", "."]
    variables = {**os.environ, "PYTHONPATH": f"{hook}{os.pathsep}{ROOT}"}
    new: dict[str, bytes] = {}
    for number in (99, 0, 1, 2):
        restore(here)
        done = subprocess.run(
            command, cwd=here, env={**variables, "KILL_AT": str(number)}, capture_output=True, check=False
        )
        now = texts(here)
        if not new:
            assert done.returncode == 0, done.stderr
            new = now
            continue
        assert done.returncode == -signal.SIGKILL
        assert [now[name] == new[name] for name in FILES] == [place < number for place in range(3)]
        assert all(now[name] in (old[name], new[name]) for name in FILES)
    again = subprocess.run(
        command, cwd=here, env={**variables, "KILL_AT": "99"}, capture_output=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert texts(here) == new


def test_such_a_leftover_is_in_nobodys_way(here: Path) -> None:
    result = fixed(here)
    shutil.copy(here / "a.yaml", here / ".a.yaml.0123456789ab")
    assert [file.name for file in discover(here).files] == list(FILES)
    assert write(result).failures == ()
