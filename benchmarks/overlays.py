"""Measure how long an edit of an overlay takes until what it changes is shown, and what others wait meanwhile.

    python benchmarks/overlays.py            a base of 20 Deployments under three overlays, in a workspace of 200 files
    python benchmarks/overlays.py --check    ends with status 1 where an edit of another file waits

An edit in a patch or in the base waits until its finding is shown there. Another manifest is typed in while nothing is
built, and while all overlays are: each of its edits comes right after one of the base. Needs `kustomize` or `kubectl`
on PATH, or the path of one in KSCAN_KUSTOMIZE.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from charts import PACE, shown
from latency import machine, quantile
from manifests import manifest
from servers import KSCAN, SETTINGS

if TYPE_CHECKING:
    from client import Client

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{number}
spec:
  selector:
    matchLabels: {{app: web-{number}}}
  template:
    metadata:
      labels: {{app: web-{number}}}
    spec:
      hostPID: false
      containers:
        - name: web
          image: nginx:1.27
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-0}
spec:
  template:
    spec:
      containers:
        - name: web
          securityContext:
            privileged: false
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostPID: false\n  containers: []\n"
OVERLAYS = ("dev", "prod", "stage")
CALM = 3.0
"""Seconds in which anything is built."""
WHEN = ("nothing is built", "overlays are built")
MOST_LATER = 0.010
"""Seconds by which 95 of 100 edits of another file may be shown later while overlays are built."""


def workspace(root: Path, objects: int, files: int) -> None:
    """A base, overlays that patch it, and manifests around them."""
    (root / ".kscan.yaml").write_text(SETTINGS)
    (root / "base").mkdir()
    names = [f"web-{number}.yaml" for number in range(objects)]
    for number, name in enumerate(names):
        (root / "base" / name).write_text(WEB.format(number=number))
    (root / "base" / "kustomization.yaml").write_text(f"resources: [{', '.join(names)}]\n")
    for overlay in OVERLAYS:
        (root / overlay).mkdir()
        said = f"namespace: {overlay}\nresources: [../base]\npatches: [{{path: p.yaml}}]\n"
        (root / overlay / "kustomization.yaml").write_text(said)
        (root / overlay / "p.yaml").write_text(PATCH)
    (root / "other").mkdir()
    for number in range(files):
        (root / "other" / f"service-{number}.yaml").write_text(manifest(40 + number % 30))


def measured(objects: int, files: int, edits: int) -> dict[str, list[float]]:
    """Seconds of edits, by what was edited."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        workspace(root, objects, files)
        patch, web = (root / "prod" / "p.yaml").as_uri(), (root / "base" / "web-0.yaml").as_uri()
        text, pod = WEB.format(number=0), (root / "pod.yaml").as_uri()
        client = KSCAN.start(root)
        try:
            client.initialize()
            client.open(pod, POD)
            client.open(web, text)
            client.open(patch, PATCH)
            on = PATCH.replace("privileged: false", "privileged: true")
            pid = text.replace("hostPID: false", "hostPID: true")
            found = {
                "a patch": built(client, patch, (on, PATCH), "C-0057", edits),
                "the base of three overlays": built(client, web, (pid, text), "C-0038", edits),
            }
            found[f"another file, {WHEN[0]}"] = switched(client, pod, 2, edits, None)
            found[f"another file, {WHEN[1]}"] = switched(client, pod, 1_000, edits, (web, text))
            return found
        finally:
            client.stop()


def built(client: Client, uri: str, texts: tuple[str, str], control: str, edits: int) -> list[float]:
    """Switch a finding on and off by edits of a file; those that switch it on count.

    One that goes is gone as soon as its line is edited, and what was built before has its findings at once: each text
    without it is left to be built.
    """
    seconds = []
    for number in range(2 * edits):
        on = number % 2 == 0
        time.sleep(PACE if not on else CALM)
        began = time.perf_counter()
        change(client, uri, number + 2, f"{texts[0 if on else 1]}# {number}\n")
        shown(client, uri, control, there=on)
        if on:
            seconds.append(time.perf_counter() - began)
    return seconds


def switched(
    client: Client, uri: str, version: int, edits: int, other: tuple[str, str] | None
) -> list[float]:
    """Edit a manifest, each time a while after an edit of another file, if one is given."""
    seconds = []
    for number in range(2 * edits):
        time.sleep(PACE)
        if other is not None:
            change(client, other[0], 10_000 + number, f"{other[1]}# {number}\n")
            time.sleep(PACE / 3)  # what is worked out before anything is built is under way, or done
        text = POD.replace("false", "true") if number % 2 else POD
        seconds.append(client.change(uri, version + number, [{"text": text}])[0])
    return seconds


def change(client: Client, uri: str, version: int, text: str) -> None:
    """Give a document another text."""
    document = {"uri": uri, "version": version}
    client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure edits of overlays.")
    parser.add_argument("--edits", type=int, default=40, help="edits of each file that are measured")
    parser.add_argument("--check", action="store_true", help="end with status 1 where others wait")
    options = parser.parse_args()
    rows = measured(20, 200, options.edits)
    print("| edit of | times | p50 ms | p95 ms |")
    print("| ------- | ----: | -----: | -----: |")
    for what, seconds in rows.items():
        p50, p95 = (f"{quantile(seconds, q) * 1000:.1f}" for q in (0.5, 0.95))
        print(f"| {what} | {len(seconds)} | {p50} | {p95} |")
    print(f"\n{machine()} {os.getloadavg()[1]:.1f} in the five minutes before.")
    idle, busy = (quantile(rows[f"another file, {when}"], 0.95) for when in WHEN)
    return int(options.check and busy - idle > MOST_LATER)


if __name__ == "__main__":
    sys.exit(main())
