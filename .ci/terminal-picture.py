#!/usr/bin/env python3
"""Make docs/img/terminal.svg: what `kscan scan` prints for one file of the example, as a picture.

The picture is the program's own output, recorded from a real run, so run this again when the output changes:

    .venv/bin/python .ci/terminal-picture.py

Rich's own SVG loads a font from the network. A picture in a README must not, so the frame here names fonts
that most readers have.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

ROOT: Final = Path(__file__).resolve().parent.parent
PICTURE: Final = ROOT / "docs" / "img" / "terminal.svg"
ARGUMENTS: Final = ("scan", "examples/payments/insecure/settlement.yaml")
COLUMNS: Final = 88

FRAME: Final = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
}}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def recorded() -> str:
    """What the program prints on a terminal, colours included."""
    screen = {"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "TERM": "xterm"}
    environment = {**os.environ, **screen, "PYTHONPATH": str(ROOT)}
    environment.pop("NO_COLOR", None)
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "kscan_lsp", *ARGUMENTS],
        cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return done.stdout


def picture(output: str) -> str:
    """A terminal's output as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "dim"), ("kscan " + " ".join(ARGUMENTS), "bold")))
    console.print(Text.from_ansi(output))
    svg = console.export_svg(title="kscan", code_format=FRAME, unique_id="kscan")
    svg = re.sub(r' clip-path="[^"]*"', "", svg)  # nothing is wider than the frame
    svg = re.sub(r"<text[^>]*>\s*</text>", "\n", svg)  # ends of lines
    return "\n".join(line.strip() for line in svg.splitlines() if line.strip()) + "\n"


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture(recorded()), encoding="utf-8")
