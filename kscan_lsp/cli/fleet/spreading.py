"""Projects judged in this process, in processes of this machine, or by any executor of `concurrent.futures`.

Each project has one row in the end, whatever happens on the way: rows are kept by the number of their project, so that
one that was judged twice counts once, and one that nobody answers for gets a row with the problem. A worker that dies
takes all that its pool has to do with it; those projects that it may have been are judged again, each in a process of
its own, and one that ends that, too, is a row that says so.

Processes are started anew and inherit nothing (`spawn`), and only where they pay: starting one takes as long as judging
a few dozen manifests. So the first projects are judged here, and only if many seconds are left after the first one or
two are there more of us.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, as_completed
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.cli.fleet.judging import judge
from kscan_lsp.report.fleet.model import FleetRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from kscan_lsp.cli.fleet.judging import FleetRequest
    from kscan_lsp.report.fleet.model import FleetProject

_FIRST_LOOK: Final = 0.5
"""Seconds after which it is reckoned whether processes pay."""
_PAYS_FROM: Final = 2.0
"""Seconds of work left for each process from which it pays."""
_SAFE_PATH: Final = "PYTHONSAFEPATH"
_STOPPED: Final = "it was not judged: stopped before its turn"


class Progress:
    """What is told on the way; this one tells nothing."""

    def done(self, number: int, of: int) -> None:
        """So many projects have their rows."""


class _Work(NamedTuple):
    """Projects, and their rows by number as they come."""

    projects: Sequence[FleetProject]
    request: FleetRequest
    progress: Progress
    rows: dict[int, FleetRow]

    def judge(self, number: int) -> None:
        """Judge one here."""
        self.keep(number, judge(self.projects[number], self.request))

    def fail(self, number: int, why: str) -> None:
        """One that nobody has an answer for."""
        self.keep(number, FleetRow(self.projects[number], 3, f"it could not be judged: {why}"))

    def keep(self, number: int, row: FleetRow) -> None:
        self.rows[number] = row
        self.progress.done(len(self.rows), len(self.projects))

    def waiting(self) -> list[int]:
        return [number for number in range(len(self.projects)) if number not in self.rows]

    def all_rows(self) -> list[FleetRow]:
        """The rows of all projects, in their order."""
        return [self.rows.get(n) or FleetRow(one, 3, _STOPPED) for n, one in enumerate(self.projects)]


def judged_here(
    projects: Sequence[FleetProject], request: FleetRequest, progress: Progress, jobs: int = 0
) -> list[FleetRow]:
    """The rows of projects, judged on this machine.

    Args:
        projects: what to judge.
        request: how.
        progress: what to tell on the way.
        jobs: how many processes at most; 0 for one a core.
    """
    work = _Work(projects, request, progress, {})
    try:
        _begin(work, processes := min(jobs or _cores(), len(projects)))
        if work.waiting():
            with _nothing_from_here():
                _spread(work, processes)
    except KeyboardInterrupt:
        pass
    return work.all_rows()


def _begin(work: _Work, processes: int) -> None:
    """Judge projects in this process, all of them unless more processes pay."""
    began = time.monotonic()
    for number in range(len(work.projects)):
        spent = time.monotonic() - began
        left = (len(work.projects) - number) * spent / max(number, 1)
        if processes > 1 and spent > _FIRST_LOOK and left > _PAYS_FROM * processes:
            return
        work.judge(number)


def _spread(work: _Work, processes: int) -> None:
    """Judge what is left in several processes."""
    # what is started imports everything anew, and knows nothing of locks and threads here
    start = partial(
        ProcessPoolExecutor,
        mp_context=multiprocessing.get_context("spawn"),
        # Ctrl-C goes to all that a terminal has started, and is for this one to answer
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    waiting = work.waiting()
    try:
        while waiting:
            with start(max_workers=processes) as pool, _ended_by_ctrl_c():
                lost = _collect(pool, waiting, work)
            # work begins in its order: what ended the processes is among the first that have no answer
            suspects, waiting = lost[: 2 * processes], lost[2 * processes :]
            for number in suspects:
                with start(max_workers=1) as pool, _ended_by_ctrl_c():
                    if _collect(pool, [number], work):
                        work.fail(number, "it ended its process twice, for want of memory perhaps")
    except (OSError, ImportError):  # no semaphores, or no more processes
        for number in work.waiting():
            work.judge(number)


@contextlib.contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Have Ctrl-C end the processes, since nobody waits for what they have under way.

    Their pool finds them dead and gives up all its work at once, so it can be waited for: one that is left to end by
    itself closes its pipe while Python, which ends too, writes to it.
    """
    try:
        yield
    except KeyboardInterrupt:
        for process in multiprocessing.active_children():
            process.terminate()
        raise


def judged_on(
    executor: Executor, projects: Sequence[FleetProject], request: FleetRequest, progress: Progress
) -> list[FleetRow]:
    """The rows of projects, judged by an executor, whatever is behind it."""
    work = _Work(projects, request, progress, {})
    try:
        for number in _collect(executor, work.waiting(), work):
            work.fail(number, "whoever was to judge it died, more than once")
    except KeyboardInterrupt:
        executor.shutdown(wait=False, cancel_futures=True)
    return work.all_rows()


def _collect(executor: Executor, numbers: Sequence[int], work: _Work) -> list[int]:
    """Have an executor judge projects; the numbers of those that it has no answer for."""
    futures: dict[Future[FleetRow], int] = {}
    with _uninterrupted():
        for number in numbers:
            try:
                futures[executor.submit(judge, work.projects[number], work.request)] = number
            except (BrokenExecutor, RuntimeError):  # it broke, or was shut down, meanwhile
                break
    lost = [*numbers[len(futures) :]]
    for future in as_completed(futures):
        try:
            row = future.result()
        except Exception:  # noqa: BLE001 - each executor has its own names for a worker that died
            lost.append(futures[future])
        else:
            work.keep(futures[future], row)
    return sorted(lost)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Have Ctrl-C wait: a process that is started meanwhile does not hear it before it knows what to do with it."""
    mask = getattr(signal, "pthread_sigmask", None)
    before = mask(signal.SIG_BLOCK, {signal.SIGINT}) if mask else ()
    try:
        yield
    finally:
        if mask:
            mask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _nothing_from_here() -> Iterator[None]:
    """Have processes import nothing of the working directory, which may be that of somebody's project.

    They are started by `python -c`, which would search it first.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


def _cores() -> int:
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
