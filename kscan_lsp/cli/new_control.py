"""`kscan policy new`: a control that works, with tests, to be changed into the one that somebody wants."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from kscan_lsp.cli.options import UsageError
from kscan_lsp.files.manifest import display_name
from kscan_lsp.policy.schema import ControlFile
from kscan_lsp.settings.shape import fitting
from kscan_lsp.workspace.policies import builtin_policies

if TYPE_CHECKING:
    from pathlib import Path

_TEXT: Final = """\
# What expressions can say: docs/cel.md. Run its tests with: kscan test {name}
id: {id}
title: {title}
severity: medium
description: >-
  Say what is at risk where this is found, for somebody who has not heard of it.
remediation: >-
  Say what to change, and where the right value comes from.
checks:
  - match: [{{groups: [apps], kinds: [Deployment]}}]
    # True where the control fails. '.?' asks for what may be missing.
    deny: object.?metadata.?labels.?owner.orValue('') == ''
    at: metadata.labels.owner
    message: "Deployment '{{objectName}}' has no label 'owner'"
tests:
  # A line of carets marks what must be underlined in the line above it; a manifest without marks must be clean.
  - name: an empty label, and none
    manifest: |
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: web
        labels:
          owner: ""
      #   ^^^^^^^^^ {id}
      ---
      apiVersion: apps/v1
      kind: Deployment
      metadata:
      # <^^^^^^^^ {id}
        name: api
  - name: a label
    manifest: |
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: web
        labels:
          owner: payments
"""


def text_of(control: str, title: str) -> str:
    """A control with this id and title, whose tests pass.

    Raises:
        UsageError: it cannot have this id, or this title.
    """
    given = {"id": control, "title": title, "score": 4, "description": "a", "remediation": "a", "needs": "a"}
    _, misfits = fitting(ControlFile, given)
    if misfits:
        raise UsageError(f"'{control}' is no id of a control: it {misfits[0].text}")
    if control in builtin_policies().controls:
        raise UsageError(f"{control} comes with kscan; give yours letters of your own, such as ORG-0001")
    if not title.strip() or "\n" in title:
        raise UsageError("a title is one line of text")
    return _TEXT.format(
        id=control, title=json.dumps(title.strip(), ensure_ascii=False), name=_name(control, title)
    )


def begun(control: str, title: str, folder: Path) -> str:
    """Write such a control into a folder, and say where and what comes next.

    Raises:
        UsageError: it cannot have this id, or the file is there.
    """
    text = text_of(control, title)
    path = folder / _name(control, title)
    if path.exists():
        raise UsageError(f"there is a file {display_name(path)} already")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{display_name(path)} cannot be written: {error.strerror}") from None
    where = display_name(path)
    here = f"policies: [{display_name(folder)}], controls: {{include: [{control}]}}"
    return (
        f"written: {where}\n"
        f"change it, and run its tests:  kscan test {where}\n"
        f"have it judged, in .kscan.yaml:  {here}\n"
    )


def _name(control: str, title: str) -> str:
    words = re.findall(r"[a-z0-9]+", title.lower())[:6]
    return "-".join([control, *words]) + ".yaml"
