"""How work of the server goes on beside the event loop, and how those who wait hear of it."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

logger: Final = logging.getLogger(__name__)


class Signal:
    """Something has changed; nobody is told what, they look for themselves."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake all who wait."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        """Wait until anything changes from now on."""
        await self._event.wait()


class Executors:
    """Four threads of our own: pygls reads standard input on its pool, and cancels requests from there.

    Each runs pure functions, one after the other. Checks never wait for an answer that takes long, for a chart or
    for an overlay.
    """

    def __init__(self) -> None:
        self._checks = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kscan-check")
        self._charts = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kscan-chart")
        self._overlays = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kscan-overlay")
        self._answers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kscan-answer")

    async def run_check(self, work: Callable[..., T], *args: Any) -> T:
        """Run what an edit may wait for."""
        return await asyncio.get_running_loop().run_in_executor(self._checks, work, *args)

    async def run_chart(self, work: Callable[..., T], *args: Any) -> T:
        """Run what renders a chart."""
        return await asyncio.get_running_loop().run_in_executor(self._charts, work, *args)

    async def run_overlays(self, work: Callable[..., T], *args: Any) -> T:
        """Run what builds overlays."""
        return await asyncio.get_running_loop().run_in_executor(self._overlays, work, *args)

    async def run_answer(self, work: Callable[..., T], *args: Any) -> T:
        """Run what may take long."""
        return await asyncio.get_running_loop().run_in_executor(self._answers, work, *args)


class BackgroundTasks:
    """Tasks that nobody has to wait for; a task that is held by nobody may be collected before it has ended."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Let something run."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, JsonRpcException):
            logger.warning("the editor refused a request: %s", str(error))
        elif error is not None:
            logger.error("a task has failed", exc_info=error)
