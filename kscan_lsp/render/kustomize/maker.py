"""What overlays are built by: `kustomize`, or `kubectl kustomize`, of the machine, on a copy in a folder of its own.

Which program is run is never for a repository to say: it is on PATH, outside of what is scanned, or the user names it
in the environment. It gets no variables but those that programs need to start, no git that may fetch anything, and a
proxy that is not there: what it could be told to fetch was refused before it is started (`overlay.py`), and this is
for what was overlooked. Plugins that are programs, functions and charts stay off, as they are without options.

One build takes about 0.15 s, most of it for reading the schemas of Kubernetes. Kustomize compiled to WebAssembly
takes a tenth of that, and was left out: nobody publishes it, so that each installation would have to compile it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kscan_lsp.files.programs import Bounds, CannotRunError, Cut, Ran, is_program, on_path, run
from kscan_lsp.render.makers import RenderError
from kscan_lsp.render.worker import MEMORY, MOST_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PROGRAM: Final = "KSCAN_KUSTOMIZE"
"""The environment variable with the path of the program, where it is not on PATH."""
SECONDS: Final = 60.0
"""How long a build may take: 3 MB of custom resource definitions take 6 s on an idle machine."""
_NAMES: Final = ("kustomize", "kubectl")
_KEPT: Final = ("PATH", "SYSTEMROOT", "PATHEXT", "COMSPEC")
_NO_PROXY_THERE: Final = "http://127.0.0.1:9"
"""Port 9 discards what it gets, where anything listens there at all."""


class Kustomize:
    """A program that builds overlays."""

    def __init__(
        self, path: str, seconds: float = SECONDS, stopped: Callable[[], bool] | None = None
    ) -> None:
        """A program by its path; who runs it in the background says whether it is to be `stopped`."""
        self.path = path
        self.seconds = seconds
        self.stopped = stopped

    @property
    def command(self) -> list[str]:
        """What is run, up to the folder."""
        word = "kustomize" if "kubectl" in Path(self.path).name.lower() else "build"
        return [self.path, word]

    def built(self, files: Mapping[str, bytes], folder: str, *, lifted: bool = False) -> str:
        """What a kustomization builds.

        Args:
            files: all that it needs, by paths without `..`, with slashes.
            folder: where among them the kustomization is.
            lifted: whether it may read files outside of its own folder.

        Raises:
            RenderError: it does not build.
        """
        try:
            return self._built(files, folder, lifted=lifted)
        except OSError as error:  # the disk is full, above all
            raise RenderError(f"there is no place for it to work in: {error.strerror or error}") from None

    def _built(self, files: Mapping[str, bytes], folder: str, *, lifted: bool) -> str:
        with tempfile.TemporaryDirectory(prefix="kscan-") as made:
            top = os.path.realpath(made)
            for name, content in files.items():
                path = os.path.join(top, "copy", name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(content)
            copy = os.path.join(top, "copy")
            command = [*self.command, os.path.join(copy, folder)]
            if lifted:
                command += ["--load-restrictor", "LoadRestrictionsNone"]
            try:
                return self._run(command, top)
            except RenderError as error:
                # the name of the copy is another one each time, and nobody knows it
                raise RenderError(str(error).replace(f"{copy}{os.sep}", "").replace(copy, ".")) from None

    def _run(self, command: list[str], folder: str) -> str:
        try:
            ran = run(
                command, folder, _environment(folder), Bounds(self.seconds, MOST_OUTPUT, MEMORY), self.stopped
            )
        except CannotRunError as error:
            raise RenderError(f"'{command[0]}' cannot be run: {error}") from None
        if ran.cut is Cut.ASKED:
            raise RenderError("it was stopped")
        if ran.cut is Cut.TIME:
            raise RenderError(f"it took more than {self.seconds:g} s to build")
        if ran.cut is Cut.OUTPUT:
            raise RenderError(f"it builds more than {MOST_OUTPUT:,} bytes")
        if ran.status:
            raise RenderError(_reason(ran))
        return ran.output.decode("utf-8", "replace")


def kustomize(roots: Iterable[str] = (), named: tuple[str, str] = ("", PROGRAM)) -> Kustomize | None:
    """What builds overlays here; None where nothing does.

    Args:
        roots: what is scanned; a program in there is not run.
        named: the whole path of the one that the user wants, and what says so; the environment, where it is empty.

    Raises:
        RenderError: what the user names is no program.
    """
    chosen, where = named if named[0] else (os.environ.get(PROGRAM, ""), PROGRAM)
    if chosen:
        if not is_program(chosen):
            raise RenderError(f"{where} names no program: '{chosen}'; write the whole path")
        return Kustomize(chosen)
    found = on_path(_NAMES, roots)
    return Kustomize(found) if found else None


def _environment(folder: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NO_PROXY_THERE)
    own = {"HOME": folder, "XDG_CONFIG_HOME": folder, "KUSTOMIZE_PLUGIN_HOME": folder, "TMPDIR": folder}
    return {**kept, **nowhere, **own, "GIT_ALLOW_PROTOCOL": "none", "TMP": folder, "TEMP": folder}


def _reason(ran: Ran) -> str:
    """What a program said before it gave up, in one line."""
    lines = [line for line in ran.error_lines if not line.startswith("# Warning")]
    if any("out of memory" in line or line.startswith("fatal error") for line in lines):
        return "it needed more memory to build than it may have"
    said = lines[-1] if lines else f"it ended with status {ran.status}"
    return said if len(said) <= 400 else f"{said[:200]} ... {said[-150:]}"
