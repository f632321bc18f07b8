"""The process in which charts render: `python -m kscan_lsp.render.worker`, asked on standard input.

A question is a line of JSON (`size`, `values`, `name`, `namespace`, `kube_version`) and so many bytes of a
chart's archive; an answer is a line of JSON, too, with `files` or `error`. A question without an archive is about that
of the one before: to load one takes as long as to render it. It imports next to nothing but the binding to Helm, and
ends with its input. Its memory is limited where the system can; time is watched by who asks.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from kscan_lsp.render.merging import merged

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMORY: Final = 3_000_000_000
"""How many bytes of address space it may take. Go reserves more than it uses: below 1.5 GB Helm does not start, and a
chart whose output never ends is stopped at about 1 GB of real memory."""
MOST_OUTPUT: Final = 50_000_000
"""How many characters a chart may render to; a file of that size is not judged, either."""


class LoadedChart:
    """The chart that was asked about last."""

    def __init__(self, helm: Any) -> None:
        self._helm = helm
        self._chart: Any = None

    def answer(self, archive: bytes, question: Mapping[str, Any]) -> dict[str, Any]:
        """What a chart renders to, or why it does not, in Helm's words.

        Args:
            archive: the chart, as a `.tgz`; nothing for that of the last question.
            question: `name` and `namespace` of the release, `kube_version`, and `values`, the texts of values files,
                of which later ones win.
        """
        values: dict[str, Any] = {}
        try:
            if archive:
                self._load(archive)
            for text in question["values"]:
                values = merged(values, self._helm.values_from_yaml(text))
            files = self._render(values, question)
        except self._helm.HelmError as error:
            return {"error": str(error)[:5_000]}
        if sum(map(len, files.values())) > MOST_OUTPUT:
            return {"error": f"it renders to more than {MOST_OUTPUT:,} characters"}
        return {"files": files}

    def _render(self, values: Mapping[str, Any], question: Mapping[str, Any]) -> Any:
        release = {"name": question["name"], "namespace": question["namespace"]}
        if not question["kube_version"]:
            return self._chart.render(values=values, **release)
        # the binding hands no version on, but what it binds takes one
        asked = json.dumps({**release, "kube_version": question["kube_version"]})
        call = self._helm.chart._native.call_string  # noqa: SLF001
        return json.loads(call("helm_render", self._chart._raw(), json.dumps(values), asked))  # noqa: SLF001

    def _load(self, archive: bytes) -> None:
        if self._chart is not None:
            self._chart.close()
            self._chart = None
        self._chart = self._helm.Chart.load_archive(archive)


def serve(helm: Any, asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer until nothing more is asked."""
    chart = LoadedChart(helm)
    while line := asked.readline():
        question = json.loads(line)
        found = chart.answer(asked.read(question["size"]), question)
        answers.write(json.dumps(found).encode() + b"\n")
        answers.flush()


def main() -> None:
    """Serve on standard input and output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints gets between the answers
    if sys.platform != "win32":
        resource = import_module("resource")
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(import_module("helm_python"), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
