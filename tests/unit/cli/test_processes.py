"""Work divided among processes: the same report as of one, whatever becomes of a copy, and Ctrl-C ends all of it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp.cli import copies, processes
from kscan_lsp.cli.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api-{n}, namespace: shop, labels: {{app: api}}}}
spec:
  selector: {{matchLabels: {{app: api-{n}}}}}
  template:
    metadata: {{labels: {{app: api-{n}}}}}
    spec:
      serviceAccountName: account-{account}
      containers:
      - name: api
        image: shop/api:latest
        securityContext: {{privileged: true}}
        env:
        - {{name: DB_PASSWORD, value: hunter2trout{n}}}
        - name: OTHER
          valueFrom: {{secretKeyRef: {{name: gone-{account}, key: a}}}}
"""
ROLE = """\
apiVersion: v1
kind: ServiceAccount
metadata: {{name: account-{n}, namespace: shop}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: all-{n}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}
subjects: [{{kind: ServiceAccount, name: account-{n}, namespace: shop}}]
"""
EXCEPTIONS = """\
exceptions:
  - controls: [C-0057]
    names: [api-3]
    reason: it drives the hardware
    owner: team-a
  - controls: [C-0038]
    names: [nobody]
    reason: nothing has it
    owner: team-a
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that rest on each other, under two settings, with exceptions, a broken one and one that is no manifest."""
    for n in range(40):
        (tmp_path / f"d{n}.yaml").write_text(DEPLOYMENT.format(n=n, account=n % 5))
    for n in range(5):
        (tmp_path / f"r{n}.yaml").write_text(ROLE.format(n=n))
    (tmp_path / "again.yaml").write_text(DEPLOYMENT.format(n=3, account=1))
    (tmp_path / "broken.yaml").write_text(DEPLOYMENT.format(n=77, account=1) + "  - [\n")
    (tmp_path / "values.yaml").write_text("a: 1\n")
    (tmp_path / ".kscan.yaml").write_text("frameworks: [allcontrols]\n")
    (tmp_path / ".kscan").mkdir()
    (tmp_path / ".kscan" / "exceptions.yaml").write_text(EXCEPTIONS)
    below = tmp_path / "below"
    below.mkdir()
    (below / ".kscan.yaml").write_text("frameworks: [nsa]\n")
    for n in range(10):
        (below / f"d{n}.yaml").write_text(DEPLOYMENT.format(n=n, account=n % 5))
    return tmp_path


def kscan(folder: Path, *words: str, setup: str = "", stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The command, which makes copies for a few files, too."""
    program = f"""
import sys
from kscan_lsp.cli import processes
processes.PAYS_FROM = 0
processes.MIN_EACH = 1
{setup}
from kscan_lsp.__main__ import main
sys.argv = ["kscan", *{list(words)!r}]
main()
"""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("--format", "json"),
        ("--format", "json", "--fixes", "--control", "C-0057,C-0016"),
        ("--format", "sarif"),
        ("--format", "csv"),
        (),
    ],
    ids=["json", "fixes", "sarif", "csv", "text"],
)
def test_a_report_is_the_same_however_many_judged(folder: Path, words: tuple[str, ...]) -> None:
    counted = """
from kscan_lsp.cli.exchange import Exchange
_run = Exchange.run
def run(self):
    print('copies', self.processes, file=sys.stderr)
    return _run(self)
Exchange.run = run
"""
    alone = kscan(folder, "scan", ".", "-j", "1", *words, setup=counted)
    divided = kscan(folder, "scan", ".", "-j", "3", *words, setup=counted)
    assert alone.stdout
    assert "copies" not in alone.stderr
    assert divided.stderr.count("copies 3") == 1
    assert divided.stdout == alone.stdout
    assert divided.returncode == alone.returncode


def test_standard_input_is_the_text_of_the_file_that_it_is_named_after(folder: Path) -> None:
    for jobs in ("1", "2"):
        for paths in ((".", "-"), ("-", ".")):
            program = ("scan", *paths, "--stdin-name", "d1.yaml", "-j", jobs, "--format", "json")
            text = DEPLOYMENT.format(n=1, account=1).replace("api:latest", "api:typed")
            report = json.loads(kscan(folder, *program, stdin=text).stdout)
            images = [one["message"] for one in report["findings"] if one["file"] == "d1.yaml"]
            assert report["summary"]["files"] == 57
            assert images
            assert not any("latest" in message for message in images)


def test_a_baseline_knows_what_several_found(folder: Path) -> None:
    made = kscan(folder, "baseline", "create")
    assert made.returncode == 0, made.stderr
    (folder / "d1.yaml").write_text(DEPLOYMENT.format(n=1, account=1).replace("privileged: true", ""))
    (folder / "new.yaml").write_text(DEPLOYMENT.format(n=99, account=1))
    alone = kscan(folder, "scan", ".", "-j", "1", "--format", "json", "--new-only")
    divided = kscan(folder, "scan", ".", "-j", "2", "--format", "json", "--new-only")
    assert '"new.yaml"' in alone.stdout
    assert divided.stdout == alone.stdout


@pytest.mark.parametrize("step", ["first", "shown", "know", "second", "packed"])
def test_a_copy_that_dies_costs_no_finding(folder: Path, step: str) -> None:
    dies = f"""
import os
from kscan_lsp.cli.file_steps import FileSteps
_step = FileSteps.{step}
parent, calls = os.getpid(), []
def step(*words):
    calls.append(1)
    if os.getpid() != parent and len(calls) == ({step!r} != "know") + 1:
        os.kill(os.getpid(), 9)
    return _step(*words)
FileSteps.{step} = step
"""
    alone = kscan(folder, "scan", ".", "-j", "1", "--format", "json")
    divided = kscan(folder, "scan", ".", "-j", "3", "--format", "json", setup=dies)
    assert divided.stdout == alone.stdout


def test_why_a_copy_has_ended_is_told_the_log_and_nobody_else(folder: Path, tmp_path: Path) -> None:
    fails = """
import os
from kscan_lsp.cli.file_steps import FileSteps
parent = os.getpid()
_shown = FileSteps.shown
def shown(*words):
    if os.getpid() != parent:
        raise ValueError("what is wrong with it")
    return _shown(*words)
FileSteps.shown = shown
"""
    log = tmp_path.parent / "kscan.log"
    alone = kscan(folder, "scan", ".", "-j", "1", "--format", "json")
    divided = kscan(folder, "--log-file", str(log), "scan", ".", "-j", "2", "--format", "json", setup=fails)
    silent = kscan(folder, "scan", ".", "-j", "2", "--format", "json", setup=fails)
    assert divided.stdout == silent.stdout == alone.stdout
    assert divided.stderr == silent.stderr == alone.stderr
    told = log.read_text()  # which leaves out what an error says: it may be a value
    assert "ValueError" in told
    assert "what is wrong" not in told


SLOW = """
import time
from kscan_lsp.cli.file_steps import FileSteps
_first = FileSteps.first
def first(self, files):
    for one in _first(self, files):
        time.sleep(0.2)
        yield one
FileSteps.first = first
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_all_of_it_and_says_what_was_done(folder: Path, jobs: int) -> None:
    """On a terminal, where there is a bar, too."""
    controller, terminal = pty.openpty()
    program = f"""
import signal, sys
from kscan_lsp.cli import processes
# what a shell starts in the background ignores it, and so does what that starts
signal.signal(signal.SIGINT, signal.default_int_handler)
processes.PAYS_FROM = 0
processes.MIN_EACH = 1
{SLOW}
from kscan_lsp.__main__ import main
sys.argv = ["kscan", "scan", ".", "-j", "{jobs}"]
main()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""
    while b" files" not in shown:
        shown += os.read(controller, 4096)
    assert b"[" in shown
    assert b"58 files" in shown
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    shown += _rest(controller)
    assert out == b""
    assert process.returncode == 130
    assert b"of 58 files were judged, and nothing is reported" in shown.rpartition(b"\x1b[K")[2]
    for _ in range(50):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("a copy goes on")


def _rest(controller: int) -> bytes:
    """What is still to be read of a terminal that nobody writes to any more."""
    found = b""
    try:
        while data := os.read(controller, 4096):
            found += data
    except OSError:  # as Linux says it
        pass
    return found


class Sums:
    """Doubles numbers, and then says what part each is of all of them, and where that was found."""

    def __init__(self, slow: Callable[[int, int], object] = lambda _process, _item: None) -> None:
        self.sum = 0
        self.slow = slow

    def first(self, items: Sequence[int]) -> Iterator[int]:
        for item in items:
            self.slow(os.getpid(), item)
            yield item * 2

    def shown(self, items: Sequence[int], made: Sequence[int]) -> bytes:
        assert [*made] == [item * 2 for item in items]
        return str(sum(made)).encode()

    def know(self, items: Sequence[int], made: Sequence[int], shown: Iterable[bytes]) -> None:
        assert [*made] == [item * 2 for item in items]
        self.sum += sum(made) + sum(map(int, shown))

    def complete(self) -> None:
        self.sum += 1

    def besides(self) -> bytes:
        return b"1"

    def second(self, items: Sequence[int], made: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
        for item, one in zip(items, made, strict=True):
            yield item, one, self.sum, os.getpid()

    def packed(self, results: Sequence[tuple[int, int, int, int]]) -> bytes:
        return json.dumps(results).encode()

    def unpacked(self, data: bytes) -> list[tuple[int, int, int, int]]:
        return [(a, b, c, d) for a, b, c, d in json.loads(data)]


@pytest.fixture
def dividing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies pay from the first item on, whatever threads the tests have."""
    monkeypatch.setattr(processes, "MIN_EACH", 1)
    monkeypatch.setattr(processes, "PAYS_FROM", 0)
    monkeypatch.setattr(processes.threading, "active_count", lambda: 1)


@pytest.mark.usefixtures("dividing")
def test_all_processes_know_of_all_items_before_the_second_step() -> None:
    items = [5, 3, 9, 1, 7, 8, 0, 2, 4]
    steps = Sums(lambda _process, _item: time.sleep(0.1))
    found = Processes(3).exchange(steps, items, [1, 100, 3, 50, 2, 7, 1, 1, 1])
    assert [one[:3] for one in found] == [(item, 2 * item, 2 * sum(items) + 1) for item in items]
    assert len({pid for *_, pid in found}) == 3
    assert [one[:3] for one in Processes(1).exchange(Sums(), items, [1] * 9)] == [one[:3] for one in found]


@pytest.mark.usefixtures("dividing")
def test_who_is_done_with_a_chunk_takes_the_next() -> None:
    """A processor that is half as fast, or items that take longer than they weigh, hold nobody up."""
    parent = os.getpid()
    steps = Sums(lambda process, _: process == parent and time.sleep(0.05))
    found = Processes(2).exchange(steps, range(200), [1] * 200)
    assert len(found) == 200
    assert sum(pid == parent for *_, pid in found) < 50


@pytest.mark.usefixtures("dividing")
def test_what_a_copy_does_not_answer_is_done_here_and_nothing_else_again() -> None:
    parent = os.getpid()

    def slow(process: int, item: int) -> None:
        if process == parent:
            time.sleep(0.05)  # the copies come to nearly all of it
        elif item == 150:
            os._exit(3)

    found = Processes(3).exchange(Sums(slow), range(300), [1] * 300)
    assert [item for item, *_ in found] == [*range(300)]
    assert {one for _, _, one, _ in found} >= {2 * sum(range(300)) + 1}
    here = {item for item, *_, pid in found if pid == parent}
    chunks = processes._chunks([1] * 300, 3 * processes._SHARES)
    assert here >= {*next(chunk for chunk in chunks if 150 in chunk)}
    # whole chunks are done in one place
    assert all(here >= {*chunk} or not here & {*chunk} for chunk in chunks)
    assert len({pid for *_, pid in found}) == 2


@pytest.mark.usefixtures("dividing")
@pytest.mark.parametrize("allowed", [0, 1])
def test_a_system_that_allows_no_more_processes_has_the_work_done_by_fewer(
    monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    forks: list[int] = []
    fork = os.fork

    def refused() -> int:
        if len(forks) >= allowed:
            raise BlockingIOError
        forks.append(1)
        return fork()

    monkeypatch.setattr(copies.os, "fork", refused)
    opened = len([*Path("/proc/self/fd").iterdir()])
    found = Processes(3).exchange(Sums(), range(60), [1] * 60)
    assert [one[:3] for one in found] == [(item, 2 * item, 2 * sum(range(60)) + 1) for item in range(60)]
    forks.clear()
    assert [*Processes(3).spread(lambda some: map(str, some), range(60))] == [str(item) for item in range(60)]
    assert len([*Path("/proc/self/fd").iterdir()]) == opened


@pytest.mark.usefixtures("dividing")
def test_more_than_a_pipe_takes_is_told_both_ways() -> None:
    """No process waits for another that waits for it."""

    class Large(Sums):
        def shown(self, items: Sequence[int], made: Sequence[int]) -> bytes:
            return super().shown(items, made).rjust(copies.AHEAD)

        def packed(self, results: Sequence[tuple[int, int, int, int]]) -> bytes:
            return super().packed(results).ljust(copies.AHEAD)

    found = Processes(3).exchange(Large(), range(30), [1] * 30)
    assert [item for item, *_ in found] == [*range(30)]


@pytest.mark.parametrize(
    ("weights", "number", "chunks"),
    [
        ([1] * 6, 3, [range(2), range(2, 4), range(4, 6)]),
        ([1, 100, 1, 1], 2, [range(2), range(2, 4)]),
        ([0, 0], 4, [range(2)]),
        ([5], 4, [range(1)]),
        ([1, 1], 8, [range(1), range(1, 2)]),
    ],
)
def test_items_are_put_into_chunks_that_cost_about_the_same(
    weights: list[int], number: int, chunks: list[range]
) -> None:
    assert processes._chunks(weights, number) == chunks


def test_the_numbers_of_all_chunks_fit_into_the_smallest_pipe() -> None:
    most = processes.MAX_PROCESSES * processes._SHARES
    assert len(processes._chunks([1] * 100_000, most)) * copies.INT_BYTES <= 4096


@pytest.mark.parametrize("dies_at", [None, 530, 720, 1530])
def test_texts_come_in_the_order_of_the_items_whatever_becomes_of_a_copy(
    monkeypatch: pytest.MonkeyPatch, dies_at: int | None
) -> None:
    monkeypatch.setattr(processes, "MIN_EACH", 1)
    monkeypatch.setattr(processes, "PAYS_FROM", 0)
    monkeypatch.setattr(processes.threading, "active_count", lambda: 1)
    parent = os.getpid()

    def work(items: Sequence[int]) -> Iterator[str]:
        for item in items:
            if item == dies_at and os.getpid() != parent:
                os._exit(3)
            yield f"{item} here" if os.getpid() == parent else str(item)

    texts = list(Processes(3).spread(work, range(2000)))
    assert [text.removesuffix(" here") for text in texts] == [str(n) for n in range(2000)]
    made_here = sum(text.endswith(" here") for text in texts)
    assert made_here > 680 if dies_at else 650 < made_here < 680  # every third turn of many


def test_who_stops_reading_texts_ends_the_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MIN_EACH", 1)
    monkeypatch.setattr(processes, "PAYS_FROM", 0)
    monkeypatch.setattr(processes.threading, "active_count", lambda: 1)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    before = children.read_text()
    texts = Processes(2).spread(lambda items: ("x" * 10_000 for _ in items), range(20_000))
    assert next(texts)
    assert children.read_text() != before
    texts.close()  # type: ignore[attr-defined]
    assert children.read_text() == before


def test_nothing_is_copied_for_little_work_or_beside_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> Any:
        pytest.fail("a copy was made")

    monkeypatch.setattr(processes.os, "fork", fork)
    here = [(1, 2, 7, os.getpid()), (2, 4, 7, os.getpid())]
    assert Processes(4).exchange(Sums(), [1, 2], [10, 10]) == here
    assert Processes(1).exchange(Sums(), [1, 2], [10**9, 10**9]) == here
    monkeypatch.setattr(processes.threading, "active_count", lambda: 2)
    assert Processes(4).exchange(Sums(), [1, 2], [10**9, 10**9]) == here
