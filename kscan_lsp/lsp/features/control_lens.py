"""Lenses in a control's file: what became of each test, and what each check gives for the manifests that are open.

Both follow what is typed. A click on a check lists the places where it fails.
"""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from kscan_lsp.authoring.control_text import data_of_check
from kscan_lsp.authoring.open_files import compiled_check, given
from kscan_lsp.authoring.subjects import inputs_of
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.code_lens import SHOW_FINDINGS
from kscan_lsp.lsp.features.control_hover import definitions_of, known_inputs
from kscan_lsp.testing.run import run_tests
from kscan_lsp.workspace.locations import lines_of
from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.authoring.open_files import Given, GivenFailure
    from kscan_lsp.lsp.session.snapshot import ControlSnapshot, OpenManifest
    from kscan_lsp.testing.run import Outcome
    from kscan_lsp.yaml.document import Document

MAX_SECONDS: Final = 0.5
"""How long all checks of a file may take together: they are asked again at each key."""


def control_lenses(snapshot: ControlSnapshot) -> list[types.CodeLens]:
    """A lens above each check, and above each test; none where a check or the file is wrong."""
    lines, encoding = snapshot.lines, snapshot.capabilities.encoding
    document = read_document(lines.text)
    lenses = [*_of_checks(snapshot, document)] if snapshot.manifests else []
    return lenses + [
        types.CodeLens(convert.range_of(one.span, lines, encoding), command=types.Command(_said(one), ""))
        for one in _outcomes(snapshot)
    ]


def _of_checks(snapshot: ControlSnapshot, document: Document) -> Iterator[types.CodeLens]:
    checks = document.data.get("checks") if isinstance(document.data, dict) else None
    definitions, inputs = definitions_of(snapshot), known_inputs(snapshot, inputs_of(document.data))
    files = [(one.key, one.project) for one in snapshot.manifests]
    until = monotonic() + MAX_SECONDS
    for number in range(len(checks) if isinstance(checks, list) else 0):
        raw = data_of_check(document, number)
        check = compiled_check(document, number, raw, inputs, definitions)
        if check is None:
            continue
        found = given(check, raw, document.data, files, until)
        at = span_at(document, ("checks", number, "deny"), on_key=True)
        place = convert.range_of(at, snapshot.lines, snapshot.capabilities.encoding)
        yield types.CodeLens(place, command=_given(snapshot, found))


def _given(snapshot: ControlSnapshot, found: Given) -> types.Command:
    manifests = {one.key: one for one in snapshot.manifests}
    if not found.judged:
        return types.Command("open files: nothing to judge", "")
    names = list(dict.fromkeys(manifests[one.key].name for one in found.failures))
    told = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    parts = [f"open files: {'' if found.whole else 'only the first '}{found.judged} judged"]
    parts.append(f"{len(found.failures)} fail in {told}" if names else "none fails")
    parts += [f"{found.unevaluated} not evaluated"] if found.unevaluated else []
    places = [_location(one, manifests[one.key], snapshot) for one in found.failures]
    there = [place for place in places if place is not None]
    command = SHOW_FINDINGS if there else ""
    return types.Command(", ".join(parts), command, arguments=[snapshot.uri, there] if there else None)


def _location(one: GivenFailure, manifest: OpenManifest, snapshot: ControlSnapshot) -> types.Location | None:
    """Where a check fails, as the editor has it."""
    for placed in manifest.project.files[one.key].documents:
        if placed.checked.document is one.resource.document:
            lines = lines_of(placed.locate(one.resource.resolve(one.path).span), manifest.project)
            return types.Location(manifest.uri, convert.range_of_lines(lines, snapshot.capabilities.encoding))
    return None


def _outcomes(snapshot: ControlSnapshot) -> Iterator[Outcome]:
    policies = snapshot.configuration.ruleset.policies
    for control, source in policies.sources.items():
        # of a text that has moved on, nothing can be said at its places
        there = Path(source.name) == snapshot.path and source.document.text == snapshot.lines.text
        if there and control in policies.controls:
            yield from run_tests(policies.controls[control], policies)


def _said(outcome: Outcome) -> str:
    if not outcome.failure:
        return "passes"
    first, _, more = outcome.failure.partition("\n")
    return f"fails: {first}, ..." if more else f"fails: {first}"
