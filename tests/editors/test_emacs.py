"""The real Emacs with eglot, in batch mode: one session with the language server."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
EMACS = shutil.which("emacs")

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  serviceAccount: web
  containers:
    - name: api
      image: shop/api:1.0
      securityContext:
        privileged: true
    - {name: proxy, image: "shop/🚀é:1.0", securityContext: {privileged: true}}
"""


def has_eglot() -> bool:
    if EMACS is None:
        return False
    asked = "(progn (package-initialize) (require 'eglot) (require 'yaml-mode))"
    done = subprocess.run([EMACS, "--batch", "--eval", asked], capture_output=True, check=False, timeout=60)
    return done.returncode == 0


def test_emacs(tmp_path: Path) -> None:
    if not has_eglot():
        pytest.skip("needs Emacs with eglot and yaml-mode (Debian: emacs-nox, elpa-eglot, elpa-yaml-mode)")
    (tmp_path / "pod.yaml").write_text(POD, encoding="utf-8")
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(CHECKOUT),
        "KSCAN_COMMAND": json.dumps([sys.executable, "-m", "kscan_lsp", "lsp"]),
    }
    command = [EMACS, "--batch", "--load", str(HERE / "emacs.el")]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "pod.yaml").read_text(encoding="utf-8")
    expected = POD.replace("privileged: true\n    -", "privileged: false\n    -")
    expected = expected.replace("  serviceAccount: web\n", "") + "  serviceAccountName: web\n"
    assert written == expected + "      tty: [\n"
