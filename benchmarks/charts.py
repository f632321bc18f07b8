"""Measure how long an edit in a chart takes until what it changes is shown, over real stdio.

    python benchmarks/charts.py            a chart of 20 templates and one of 150
    python benchmarks/charts.py --check    ends with status 1 where a budget is missed

Each edit switches a finding on or off: one in the template that is edited, or one in every template by a value. It
waits until that is shown in the template. Needs what renders charts (`kscan-lsp[helm]`).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from latency import machine, quantile
from servers import KSCAN, SETTINGS

if TYPE_CHECKING:
    from client import Client

TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{number}
  labels: {{{{- include "shop.labels" . | nindent 4 }}}}
spec:
  selector:
    matchLabels: {{app: shop}}
  template:
    metadata:
      labels: {{app: shop}}
    spec:
      hostNetwork: {{{{ .Values.net }}}}
      hostPID: false
      containers:
        - name: web
          image: "{{{{ .Values.image }}}}"
          env:
            {{{{- range $i := until 5 }}}}
            - name: V{{{{ $i }}}}
              value: "x"
            {{{{- end }}}}
          securityContext:
            privileged: {{{{ .Values.privileged }}}}
"""
HELPERS = '{{- define "shop.labels" }}\napp: shop\nrelease: {{ .Release.Name }}\n{{- end }}\n'
VALUES = "image: nginx:1.27\nnet: false\nprivileged: true\n"
BUDGETS = {20: 0.060, 150: 0.400}
"""Seconds in which 95 of 100 edits are shown, by the number of templates."""
PACE = 0.15
"""Seconds between two keystrokes of somebody who types well; what is worked out after the first is under way then."""


class Times(NamedTuple):
    """Seconds of edits of one file."""

    what: str
    templates: int
    seconds: list[float]

    @property
    def missed(self) -> bool:
        """Whether the budget is not reached."""
        return quantile(self.seconds, 0.95) > BUDGETS[self.templates]

    def row(self) -> str:
        """The row as it is printed, in milliseconds."""
        p50, p95 = (f"{quantile(self.seconds, q) * 1000:.0f}" for q in (0.5, 0.95))
        budget = f"{BUDGETS[self.templates] * 1000:.0f}{' missed' * self.missed}"
        return f"| {self.what}, {self.templates} templates | {len(self.seconds)} | {p50} | {p95} | {budget} |"


def chart_of(templates: int, root: Path) -> Path:
    """A chart of Deployments."""
    folder = root / "shop"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (folder / "values.yaml").write_text(VALUES)
    (folder / "templates" / "_helpers.tpl").write_text(HELPERS)
    for number in range(templates):
        (folder / "templates" / f"web-{number}.yaml").write_text(TEMPLATE.format(number=number))
    return folder


def measured(templates: int, edits: int) -> list[Times]:
    """Edits of a template and of the values of a chart."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / ".kscan.yaml").write_text(SETTINGS)
        chart = chart_of(templates, root)
        template, values = (chart / "templates" / "web-0.yaml").as_uri(), (chart / "values.yaml").as_uri()
        text = TEMPLATE.format(number=0)
        client = KSCAN.start(root)
        try:
            client.initialize()
            client.open(template, text)
            client.open(values, VALUES)
            shown(client, template, "C-0057", there=True)
            pid = (text.replace("hostPID: false", "hostPID: true  # NUMBER"), text)
            net = (VALUES.replace("net: false", "net: true  # NUMBER"), VALUES)
            return [
                Times("template", templates, typed(client, (template, template), pid, "C-0038", edits)),
                Times("values", templates, typed(client, (values, template), net, "C-0041", edits)),
            ]
        finally:
            client.stop()


def typed(
    client: Client, uris: tuple[str, str], texts: tuple[str, str], control: str, edits: int
) -> list[float]:
    """Switch a finding on and off by edits of one document, as it is shown in another; those that switch it on count.

    One that goes is gone as soon as its line is edited, which would say nothing of the rendering.
    """
    edited, looked_at = uris
    seconds = []
    for number in range(2 * edits):
        on = number % 2 == 0
        document = {"uri": edited, "version": number + 2}
        # a line that was rendered before, in whatever text, has its findings at once
        text = texts[0 if on else 1].replace("NUMBER", str(number)) + f"# {number}\n"
        time.sleep(PACE)
        began = time.perf_counter()
        client.notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]}
        )
        shown(client, looked_at, control, there=on)
        if on:
            seconds.append(time.perf_counter() - began)
    return seconds


def shown(client: Client, uri: str, control: str, *, there: bool) -> None:
    """Wait until a finding is shown, or is not."""
    while (control in client.next_codes(uri)) != there:
        pass


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure edits of charts.")
    parser.add_argument("--edits", type=int, default=60, help="edits of each file that are measured")
    parser.add_argument("--check", action="store_true", help="end with status 1 where a budget is missed")
    options = parser.parse_args()
    rows = [times for templates in BUDGETS for times in measured(templates, options.edits)]
    print("| edit | times | p50 ms | p95 ms | budget |")
    print("| ---- | ----: | -----: | -----: | -----: |")
    print("\n".join(times.row() for times in rows))
    print(f"\n{machine()} {os.getloadavg()[1]:.1f} in the five minutes before.")
    return int(options.check and any(times.missed for times in rows))


if __name__ == "__main__":
    sys.exit(main())
