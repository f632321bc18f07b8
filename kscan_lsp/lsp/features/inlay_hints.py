"""Inlay hints: what is in effect for a container or a pod although it is not written there, and where it comes from.

Few on purpose: what a pod's security context says for its containers, defaults that make a workload less secure, and
that a binding of an admission policy is about nothing. A value comes from where verdicts take it from, and one of a
wrong type is shown nowhere.

Left out on purpose: SELinux and Windows options, which are too long for a line; defaults that depend on the cluster
(the seccomp profile) or on the image (the user).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from msgspec import Struct

from kscan_lsp import cel, paths
from kscan_lsp.admission.model import is_binding
from kscan_lsp.graph.references import account_of
from kscan_lsp.kubernetes.pod_templates import pod_of
from kscan_lsp.kubernetes.security_context import INHERITED, contexts
from kscan_lsp.kubernetes.selectors import namespace_of
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.places import places_of
from kscan_lsp.text import Span
from kscan_lsp.workspace.declared import objects_named
from kscan_lsp.workspace.idle_bindings import idle_at
from kscan_lsp.yaml.data import find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.kubernetes.pod_templates import PodTemplate
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.lsp.features.places import Places
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, JudgedObject
    from kscan_lsp.paths import Path

MAX_HINTS: Final = 2_000
"""Hints of one answer."""

_DEFAULTS: Final = {"allowPrivilegeEscalation": True, "readOnlyRootFilesystem": False}
"""What holds for a container on Linux where nothing is set (core/v1 SecurityContext)."""
_TOKEN: Final = "automountServiceAccountToken"  # noqa: S105 - a field


class _Part(Struct, frozen=True):
    """A value in effect, where it is from, and the place of that if it is written."""

    text: str
    source: str
    place: types.Location | None = None


def inlay_hints(snapshot: DocumentSnapshot, wanted: types.Range) -> list[types.InlayHint]:
    """The hints in a range of a document, in the order of the text."""
    within = convert.span_of(wanted, snapshot.lines, snapshot.capabilities.encoding)
    places = places_of(snapshot)
    found: dict[int, list[_Part]] = {}
    for judged in snapshot.objects():
        # where some of the text could not be read, what is missing may stand just there
        if not judged.placed.checked.document.complete or not _touches(judged, within):
            continue
        for path, parts in _of_object(judged, snapshot, places):
            at = judged.placed.offset + _behind(judged.verdicts.resource, path)
            if parts and within.start <= at <= within.end:
                found.setdefault(at, []).extend(parts)
        if len(found) >= MAX_HINTS:
            break
    return [_hint(snapshot, at, parts) for at, parts in sorted(found.items())[:MAX_HINTS]]


def _touches(judged: JudgedObject, within: Span) -> bool:
    resource = judged.verdicts.resource
    root = resource.document.root
    place = find(root, resource.root) if root else None
    offset = judged.placed.offset
    return (
        place is not None
        and place.node.start + offset <= within.end
        and within.start <= place.node.end + offset
    )


def _of_object(
    judged: JudgedObject, snapshot: DocumentSnapshot, places: Places
) -> Iterator[tuple[Path, list[_Part]]]:
    """What is in effect at which paths of an object."""
    resource = judged.verdicts.resource
    if is_binding(resource):
        yield from _of_binding(judged, snapshot)

    def place_of(path: Path) -> types.Location:
        return types.Location(snapshot.uri, snapshot.range_of(judged.placed, resource.resolve(path).span))

    view: Any = cel.view(resource.data).value if resource.templates else None
    for template in resource.templates if isinstance(view, dict) else ():
        pod = pod_of(view, template)
        spec = paths.lookup(pod.view, pod.spec)
        if not isinstance(spec, dict):
            continue
        if not template.place.partial and _TOKEN not in spec:
            yield pod.written_at(pod.spec), _token(resource, spec, places)
        yield from _of_containers(view, template, place_of, windows=_is_windows(spec))


def _of_binding(judged: JudgedObject, snapshot: DocumentSnapshot) -> Iterator[tuple[Path, list[_Part]]]:
    """That no object is among those that a binding is about, where all of a workspace is known."""
    read, project = judged.placed.checked.read, snapshot.project
    if read is None or not (snapshot.folders and project.whole):
        return
    own = next((one for one in read.objects if one.root == judged.verdicts.resource.root), None)
    if own is not None and (path := idle_at(own, project)) is not None:
        yield path, [_Part("about nothing", "of this workspace")]


def _is_windows(pod: dict[str, Any]) -> bool:
    given = paths.lookup(pod, ("os", "name")) or paths.lookup(pod, ("nodeSelector", "kubernetes.io/os"))
    return bool(given == "windows")


def _of_containers(
    view: dict[str, Any], template: PodTemplate, place_of: Callable[[Path], types.Location], *, windows: bool
) -> Iterator[tuple[Path, list[_Part]]]:
    for context in contexts(view, template):
        parts = []
        for name in INHERITED:
            shown = "" if name in context.own else _shown(context.effective.get(name))
            if shown:
                place = place_of((*context.pod_context, name))
                parts.append(_Part(f"{name}: {shown}", "from pod", place))
        if not windows and not template.place.partial:
            parts += (
                _Part(f"{name}: {_shown(value)}", "default")
                for name, value in _DEFAULTS.items()
                if name not in context.effective
            )
        yield (*context.path, "securityContext"), parts


def _token(resource: Resource, pod: dict[str, Any], places: Places) -> list[_Part]:
    """Whether the token is mounted, where the pod does not say: its service account may, in a file that is known."""
    name, project = account_of(pod), places.project
    for account in objects_named(project, "ServiceAccount", namespace_of(resource.id), name):
        if isinstance(given := account.data.get(_TOKEN), bool):
            place = places.entry(account, (_TOKEN,))
            return [_Part(f"{_TOKEN}: {_shown(given)}", f"from ServiceAccount {name}", place)]
        return [_Part(f"{_TOKEN}: true", "default")]
    return [_Part(f"{_TOKEN}: true", "default")] if project.whole else []


def _shown(value: object) -> str:
    """A value as it would be written; of a profile its type. Empty where Kubernetes has other types there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if kind in ("RuntimeDefault", "Localhost", "Unconfined") else ""


def _behind(resource: Resource, path: Path) -> int:
    """Where in the document something is to be read that belongs to a path: behind it, or behind its key."""
    end = resource.resolve(path).span.end
    text = resource.document.text
    return end + 1 if text.startswith(":", end) else end


def _hint(snapshot: DocumentSnapshot, at: int, parts: list[_Part]) -> types.InlayHint:
    label: list[types.InlayHintLabelPart] = []
    for number, part in enumerate(parts):
        last = number + 1 == len(parts)
        source = f" ({part.source})" if last or parts[number + 1].source != part.source else ""
        text = f"{part.text}{source}{'' if last else ', '}"
        label.append(types.InlayHintLabelPart(text, location=part.place))
    place = convert.range_of(Span(at, at), snapshot.lines, snapshot.capabilities.encoding)
    return types.InlayHint(place.start, label, padding_left=True)
