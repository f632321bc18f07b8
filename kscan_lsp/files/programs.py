"""Programs of the machine: which one is run, and a run that ends, whatever the program does.

Which program that is, is never for a repository to say: it is on PATH, outside of what is scanned, or the user names it
in the environment of the machine. It has no shell, no input and bounds of time and output, and all that it has started
ends with it.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.files.discover import repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_USUAL: Final = ("/usr/local/bin", "/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin", "/snap/bin")
_USUAL_IN_HOME: Final = (".local/bin", "bin", "go/bin")
_USUAL_ON_WINDOWS: Final = (
    ("LOCALAPPDATA", ("Microsoft", "WinGet", "Links")),
    ("USERPROFILE", ("scoop", "shims")),
    ("ProgramData", ("chocolatey", "bin")),
)
_GLANCE: Final = 0.2
"""Seconds between two looks at how much a program has written; that it has ended is seen at once."""
_LAST: Final = 10_000
"""Bytes of what it said last on standard error that are kept."""
_NICENESS: Final = 10
"""What a program in the background leaves to others (`nice`)."""


class CannotRunError(Exception):
    """The system does not run a program; the text is why."""


class Cut(Enum):
    """Why a program was ended before it was done."""

    TIME = "time"
    OUTPUT = "output"
    ASKED = "asked"


class Ran(Struct, frozen=True):
    """What came of a run."""

    output: bytes = b""
    status: int = 0
    errors: bytes = b""
    """The end of what it wrote to standard error."""
    cut: Cut | None = None

    @property
    def last_words(self) -> str:
        """The last line that it wrote to standard error before it gave up; its status where there is none."""
        return next(iter(reversed(self.error_lines)), f"it ended with status {self.status}")

    @property
    def error_lines(self) -> list[str]:
        """The end of what it wrote to standard error, line by line, without what a screen would not show."""
        lines = (" ".join(line.split()) for line in self.errors.decode("utf-8", "replace").splitlines())
        shown = (
            "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line) for line in lines
        )
        return [line for line in shown if line]


class Bounds(Struct, frozen=True):
    """How far a program may go: seconds, bytes of output and errors, bytes of address space (0 for any; on Linux)."""

    seconds: float
    output: int
    memory: int = 0


def is_program(path: str) -> bool:
    """Whether a path that the user names is the whole path of a program."""
    return os.path.isabs(path) and os.access(path, os.X_OK)


def on_path(names: Iterable[str], roots: Iterable[str]) -> str | None:
    """The first of some programs that is on PATH, outside of what is scanned."""
    return _in_folders(names, os.environ.get("PATH", "").split(os.pathsep), roots)


def installed(names: Iterable[str], roots: Iterable[str]) -> str | None:
    """The first of some programs in a folder where programs are installed, outside of what is scanned.

    An editor that is started from a desktop has not the PATH of its user's shell, where these folders are. Neither the
    program nor its folder may be such that other users of the machine could have put it there.
    """
    roots = [*roots]
    found = (_in_folders([name], [folder], roots) for name in names for folder in usual_folders())
    return next((path for path in found if path and _is_own(path)), None)


def usual_folders() -> list[str]:
    """Where package managers and people install programs on this system, for all users and for this one."""
    if os.name == "nt":
        wanted = [(os.environ.get(name, ""), below) for name, below in _USUAL_ON_WINDOWS]
        return [os.path.join(top, *below) for top, below in wanted if os.path.isabs(top)]
    home = os.path.expanduser("~")
    own = [os.path.join(home, one) for one in _USUAL_IN_HOME] if os.path.isabs(home) else []
    return [*_USUAL, *own]


def _in_folders(names: Iterable[str], folders: Iterable[str], roots: Iterable[str]) -> str | None:
    tops = [os.path.realpath(repository(root) or root) for root in roots]
    search = [one for one in folders if os.path.isabs(one) and not any(_is_within(one, top) for top in tops)]
    return next((path for name in names if (path := shutil.which(name, path=os.pathsep.join(search)))), None)


def _is_own(path: str) -> bool:
    """Whether a program, its folder, and what links lead to belong to the user or the system, and are no one else's."""
    if sys.platform == "win32":
        return True  # these folders are the user's or the administrators' there
    real = os.path.realpath(path)
    try:
        states = [os.stat(one) for one in (os.path.dirname(path), real, os.path.dirname(real))]
    except OSError:
        return False
    return all(one.st_uid in {0, os.getuid()} and not one.st_mode & stat.S_IWOTH for one in states)


def _is_within(folder: str, top: str) -> bool:
    real = os.path.realpath(folder)
    return real == top or real.startswith(top.rstrip(os.sep) + os.sep)


def run(
    command: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    bounds: Bounds,
    stopped: Callable[[], bool] | None = None,
) -> Ran:
    """Run a program until it ends or has to.

    Args:
        command: the program and its arguments.
        folder: where it works.
        environment: all variables that it gets.
        bounds: how far it may go.
        stopped: asked every now and then whether to end it, by who runs it in the background.

    Raises:
        CannotRunError: the system does not.
        OSError: there is no place for what it writes.
    """
    ends = time.monotonic() + bounds.seconds
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own program, and no shell
                [*command],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            raise CannotRunError(error.strerror or str(error)) from None
        cut = None
        try:
            _prepare(process.pid, bounds, background=stopped is not None)
            while cut is None and not _ended(process):
                if stopped is not None and stopped():
                    cut = Cut.ASKED
                elif time.monotonic() > ends:
                    cut = Cut.TIME
                elif os.fstat(output.fileno()).st_size + os.fstat(errors.fileno()).st_size > bounds.output:
                    cut = Cut.OUTPUT
        finally:
            _end(process)
        errors.seek(max(0, os.fstat(errors.fileno()).st_size - _LAST))
        if cut is None and os.fstat(output.fileno()).st_size > bounds.output:
            cut = Cut.OUTPUT
        output.seek(0)
        said = output.read() if cut is None else b""
        return Ran(said, process.returncode, errors.read(), cut)


def _prepare(process: int, bounds: Bounds, *, background: bool) -> None:
    with suppress(OSError):  # it has ended already
        if background and sys.platform != "win32":
            os.setpriority(os.PRIO_PROCESS, process, _NICENESS)
        if bounds.memory and sys.platform == "linux":
            resource = import_module("resource")  # there on some systems only
            resource.prlimit(process, resource.RLIMIT_AS, (bounds.memory, bounds.memory))


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_GLANCE)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a program and of what it started."""
    if process.poll() is None:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
