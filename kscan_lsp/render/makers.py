"""What charts are rendered by: Helm in a process of its own, which is started when the first chart is asked for.

Helm comes as a library (the extra `kscan-lsp[helm]`). It is not loaded into this process: a template that never ends
cannot be stopped from outside, and one that prints without end takes the whole process with it when memory is gone.
Both were tried. The process costs 0.2 s once and about a millisecond for each question. It is ended when an answer
takes too long, and the next question starts another.

Left out: the `helm` command. It sorts what it prints by kind, which marks change, and is slow to start.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tarfile
import threading
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECONDS: Final = 20.0
"""How long a chart may take; the largest that were tried took 0.2 s."""
_CHART: Final = "chart"
_PYTHON_FAILED: Final = 1
"""The exit status of Python after an exception; of Go without memory it is 2."""


class RenderError(Exception):
    """Why a chart does not render, in words: Helm's, or which limit it met."""


class Helm:
    """Helm in a process of its own. One question at a time; others wait."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._stopped = False
        self._loaded: Mapping[str, bytes] | None = None
        """The chart that the process has loaded, by identity."""

    def rendered(
        self,
        files: Mapping[str, bytes],
        name: str,
        values: Sequence[str],
        namespace: str = "default",
        kube_version: str = "",
    ) -> dict[str, str]:
        """What the templates of a chart render to, by the names that Helm has for them.

        Args:
            files: the chart, by paths below its folder.
            name: the name of the release.
            values: the texts of values files, over the chart's own.
            namespace: what it is installed in.
            kube_version: the version of Kubernetes that it is for, such as `1.33`; the newest that Helm knows without.

        Raises:
            RenderError: it does not render.
        """
        with self._lock:
            process = self._started()
            archive = b"" if self._loaded is files else _archive(files)
            release = {"name": name, "namespace": namespace, "kube_version": kube_version}
            question = {"size": len(archive), "values": [*values], **release}
            self._loaded = None
            answer = self._ask(process, json.dumps(question).encode() + b"\n" + archive)
            self._loaded = files if "files" in answer or not archive else None
        if "error" in answer:
            raise RenderError(answer["error"])
        found: dict[str, str] = answer["files"]
        return found

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def stop(self) -> None:
        """End the process from another thread than the one that waits for an answer, which gets none from now on."""
        self._stopped = True
        if (process := self._process) is not None:
            process.kill()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._stopped:
            raise RenderError("nothing is rendered any more")
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._loaded = None
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "kscan_lsp.render.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def _ask(self, process: subprocess.Popen[bytes], question: bytes) -> Any:
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self.seconds, stop)
        timer.start()
        line = b""
        try:
            if process.stdin and process.stdout:
                process.stdin.write(question)
                process.stdin.flush()
                line = process.stdout.readline()
        except OSError:
            line = b""  # it has ended: which limit that was is said below
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            status = process.wait()  # its output has ended, and so has it
            self.close()
            if status == _PYTHON_FAILED:
                raise RenderError(
                    "what renders charts does not start: pip install --force-reinstall 'kscan-lsp[helm]'"
                )
            raise RenderError(
                f"it took more than {self.seconds:g} s to render; look for a template that never ends"
                if late.is_set()
                else "it needed more memory to render than it may have; look for output without end"
            )
        return json.loads(line)


def helm() -> Helm | None:
    """What renders charts here; None where nothing does."""
    return Helm() if find_spec("helm_python") else None


def _archive(files: Mapping[str, bytes]) -> bytes:
    """A chart as Helm packs one, but not compressed: it goes no farther than to the next process."""
    parts: list[bytes] = []
    for name, content in files.items():
        parts += (_header(name, len(content)), content, bytes(-len(content) % tarfile.BLOCKSIZE))
    parts.append(bytes(2 * tarfile.BLOCKSIZE))
    return gzip.compress(b"".join(parts), compresslevel=0)


@lru_cache(maxsize=4096)
def _header(name: str, size: int) -> bytes:
    """What stands before a file of a chart in its archive: most are as they were at the edit before."""
    entry = tarfile.TarInfo(f"{_CHART}/{name}")
    entry.size = size
    return entry.tobuf(tarfile.GNU_FORMAT)
