"""The action that hardens a container: all fixes for what is wrong with it, as one edit of many verified steps.

It is offered at a finding about a container and at the container's name. Who opens a menu is told how many fixes it
makes, for which they are made and judged, one on what the others left: a fix can make room for another, so that nobody
knows before. That is too much for a menu that an editor asks for wherever the cursor goes: there it is done when the
action is chosen. Values that somebody has to choose stay as they are, as in fixing a whole file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from kscan_lsp import paths
from kscan_lsp.fixes.fix_all import Container, containers_of, fix_all, outlook
from kscan_lsp.kubernetes.pod_templates import container_paths
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.fix_all import line_edits
from kscan_lsp.lsp.features.workspace_edit import workspace_edit
from kscan_lsp.redaction import redact
from kscan_lsp.startup import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.draft import Draft
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot
    from kscan_lsp.workspace.results import PlacedDocument

HARDEN: Final = "kscan.harden"
"""What the data of such an action says that it is."""
MAX_CONTAINERS: Final = 3
"""Containers that are offered: a selection of more is no place to harden one."""
MIN_FIXES: Final = 2
"""Fewer are a fix, which is offered as such."""
MAX_SHOWN: Final = 40
"""Characters of a name that a title shows."""


def harden_actions(
    snapshot: DocumentSnapshot,
    params: types.CodeActionParams,
    touched: Iterable[tuple[PlacedDocument, Finding]],
    stopped: Callable[[], bool],
) -> Iterator[types.CodeAction]:
    """An action for each container that a range is about."""
    wanted: dict[tuple[int, Container], None] = {}
    for placed, finding in touched:
        number = snapshot.checked.documents.index(placed)
        wanted.update({(number, one): None for one in containers_of(snapshot.site(placed), finding)})
    wanted.update(dict.fromkeys(_named_at(snapshot, params.range)))
    automatic = params.context.trigger_kind is types.CodeActionTriggerKind.Automatic
    later = automatic and snapshot.capabilities.resolve_edits
    for number, container in wanted if len(wanted) <= MAX_CONTAINERS else ():
        known = outlook(snapshot.site(snapshot.checked.documents[number]), container)
        if known.fixes < (MIN_FIXES if later else 1):
            continue
        called = _called(snapshot, number, container)
        action = types.CodeAction("", kind=types.CodeActionKind.QuickFix)
        if later:
            action.title = f"Harden {called}: what can be fixed of {known.findings} findings (review)"
            place = [number, container.resource, *container.path]
            action.data = {"uri": snapshot.uri, "version": snapshot.version, "kind": HARDEN, "place": place}
            yield action
        elif (made := harden(snapshot, number, container, stopped)) and made.number >= MIN_FIXES:
            action.title = f"Harden {called}: {made.number} fixes{'' if made.safe else ' (review)'}"
            action.edit = made.edit
            yield action


def resolved(
    snapshot: DocumentSnapshot, data: Any, stopped: Callable[[], bool]
) -> types.WorkspaceEdit | None:
    """The edit of an action whose data this is; None where it holds no more."""
    place = data.get("place")
    if not isinstance(place, list) or len(place) <= 2 or not all(isinstance(one, int) for one in place[:2]):
        return None
    number, resource, *path = place
    if not 0 <= number < len(snapshot.checked.documents):
        return None
    if not 0 <= resource < len(snapshot.checked.documents[number].checked.verdicts):
        return None
    made = harden(snapshot, number, Container(resource, tuple(path)), stopped)
    return made and made.edit


class Hardened(NamedTuple):
    """What hardening a container comes to."""

    edit: types.WorkspaceEdit
    number: int
    """How many fixes it is made of."""
    safe: bool
    """Whether all of them are."""


def harden(
    snapshot: DocumentSnapshot, number: int, container: Container, stopped: Callable[[], bool]
) -> Hardened | None:
    """Fix all that is wrong with a container; None where there is nothing to fix, or when it is stopped.

    Args:
        snapshot: the document.
        number: which of the file's documents it is in.
        container: the container.
        stopped: asked between two fixes.
    """
    placed = snapshot.checked.documents[number]

    def accept(_: Draft) -> bool:
        return True

    project, done = fix_all(snapshot.site(placed), accept, stopped, container)
    if stopped() or not done:
        return None
    after = project.files[snapshot.key].parts[number].document
    edits = line_edits(snapshot, placed, placed.checked.document.text, after.text)
    safe = all(fix.safe for _, fix in done)
    called = _called(snapshot, number, container)
    review = "" if safe else f"{called}: {len(done)} fixes at once; these may change what it does"
    return Hardened(workspace_edit(snapshot, edits, review), len(done), safe)


def _named_at(snapshot: DocumentSnapshot, at: types.Range) -> Iterator[tuple[int, Container]]:
    """The containers whose names stand on the lines of a range."""
    span = convert.span_of(at, snapshot.lines, snapshot.capabilities.encoding)
    first, last = snapshot.lines.line_of(span.start), snapshot.lines.line_of(span.end)
    for number, placed in enumerate(snapshot.checked.documents):
        lines = snapshot.lines
        start, end = placed.offset, placed.offset + len(placed.checked.document.text)
        if not (lines.line_of(start) <= last and first <= lines.line_of(end)):
            continue
        for resource, verdicts in enumerate(placed.checked.verdicts):
            judged = verdicts.resource
            for template in judged.templates:
                for path in container_paths(judged.data, template):
                    named = (*path, "name")
                    if paths.lookup(judged.data, named) is None:
                        continue
                    place = judged.resolve(named).span
                    if first <= lines.line_of(place.start + start) <= last:
                        yield number, Container(resource, path)


def _called(snapshot: DocumentSnapshot, number: int, container: Container) -> str:
    """A container as titles name it."""
    verdicts = snapshot.checked.documents[number].checked.verdicts[container.resource]
    name = paths.lookup(verdicts.resource.data, (*container.path, "name"))
    if not isinstance(name, str) or not name.strip():
        return "this container"
    shown = redact(" ".join(name.split()))
    return f"container '{shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 1] + chr(0x2026)}'"
