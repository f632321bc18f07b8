"""Hover in an admission policy: what the part of an expression under the cursor is, what it gives, and why.

It is asked of an object that the policy is about: of one in a manifest that is open, else of the first of the
workspace; of one for which the expression is false, if there is one.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import cel
from kscan_lsp.admission.environment import POLICIES, as_ours, as_theirs
from kscan_lsp.admission.matching import resource_of
from kscan_lsp.admission.model import is_mutating, is_policy
from kscan_lsp.admission.seen import let_at, seen_of
from kscan_lsp.authoring.asked import Asking
from kscan_lsp.authoring.explaining import AskedOf, explained
from kscan_lsp.authoring.taken_apart import focus_at
from kscan_lsp.authoring.types import fields_of_kinds
from kscan_lsp.kubernetes.schema import BOOL, KINDS, STR, groups_of
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.control_hover import hover_of
from kscan_lsp.text import Span
from kscan_lsp.workspace.declared import index_of
from kscan_lsp.yaml.around import around
from kscan_lsp.yaml.data import find
from kscan_lsp.yaml.inside import offsets_in, span_in
from kscan_lsp.yaml.tree import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lsprotocol import types

    from kscan_lsp.admission.expressions import Part
    from kscan_lsp.admission.model import Policy
    from kscan_lsp.authoring.types import Tree
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, OpenManifest
    from kscan_lsp.policy.definitions import Entries

MAX_OBJECTS: Final = 500
"""Objects that are looked at for one that a policy is about."""
_EXPRESSIONS: Final = frozenset({"expression", "messageExpression", "valueExpression"})
_LISTS: Final = {
    "variables": 4,
    "validations": 4,
    "matchConditions": 4,
    "auditAnnotations": 4,
    "mutations": 5,
}
"""Where in `spec` expressions are, and how long their paths are."""
_REQUEST: Final = {
    "kind": {"group": STR, "version": STR, "kind": STR}, "resource": {"group": STR, "version": STR, "resource": STR},
    "name": STR, "namespace": STR, "operation": STR, "subResource": STR, "dryRun": BOOL,
    "userInfo": {"username": STR, "groups": [STR], "uid": STR},
}  # fmt: skip


def policy_hover(
    snapshot: DocumentSnapshot, manifests: Sequence[OpenManifest], position: types.Position
) -> types.Hover | None:
    """What there is to say of the expression at a position of a document; None where there is no policy's."""
    at = convert.position_offset(position, snapshot.lines, snapshot.capabilities.encoding)
    placed = snapshot.checked.placed_at(at)
    document = placed.checked.document if placed else None
    if placed is None or document is None or document.root is None:
        return None
    at -= placed.offset
    path = around(document.root, at).path
    policy = next(
        (
            one.resource
            for one in placed.checked.verdicts
            if (is_policy(one.resource) or is_mutating(one.resource))
            and path[: len(one.resource.root)] == one.resource.root
        ),
        None,
    )
    if policy is None or path[-1:] == () or path[-1] not in _EXPRESSIONS:
        return None
    inside = path[len(policy.root) :]
    target = find(document.root, path)
    listed = str(inside[1]) if len(inside) > 1 else ""
    if _LISTS.get(listed) != len(inside) or target is None or not isinstance(target.node, Scalar):
        return None
    scalar = target.node
    offsets = offsets_in(document.text, scalar)
    if not isinstance(scalar.value, str) or offsets is None or not offsets[0] <= at <= offsets[-1]:
        return None
    source = as_ours(scalar.value)
    focus = focus_at(source, bisect_right(offsets, at) - 1)
    if focus is None or _makes_object(focus.part):
        return None
    read, let = let_at(policy.id.name, policy.data, inside)
    asked = [*islice(_asked(snapshot, manifests, read, source, let), 1)]
    said = explained(
        focus, source, let, _roots(read), asked or [_asking(source, let, "", {})], written=as_theirs
    )
    if said is None:
        return None
    span = span_in(document.text, scalar, focus.part.start, focus.part.end)
    return hover_of(said, Span(span.start + placed.offset, span.end + placed.offset), snapshot)


def _makes_object(part: Part) -> bool:
    """Whether a part is, or has in it, an object of a type that only the API server has values of."""
    return part.kind in {"object", "field"} or any(map(_makes_object, part.parts))


def _asked(
    snapshot: DocumentSnapshot, manifests: Sequence[OpenManifest], policy: Policy, source: str, let: Entries
) -> Iterator[AskedOf]:
    """What an expression is asked of, that for which it is false first."""
    index = index_of(snapshot.project)
    keys = [one.key for one in manifests if one.project is snapshot.project]
    names = {one.key: one.name for one in manifests}
    files = {**{key: index.files.get(key, ()) for key in keys}, **index.declared}
    objects = islice((one for found in files.values() for one in found), MAX_OBJECTS)
    later: list[AskedOf] = []
    made = cel.compile_expression(POLICIES, source, let=let)
    for one in objects:
        values = seen_of(policy, one, index)
        if values is None:
            continue
        where = names.get(one.file) or one.file.rpartition("/")[2]
        asked = _asking(source, let, f"{one.id.kind} '{one.id.shown_name}', in {where}", values)
        if isinstance(made, cel.Expression) and cel.deny(made, cel.bind(POLICIES, values)) is False:
            yield asked
        later.append(asked)
    yield from later


def _asking(source: str, let: Entries, told: str, values: dict[str, Any]) -> AskedOf:
    activation = cel.bind(POLICIES, values)
    return AskedOf(told, Asking(POLICIES, source, let, (), lambda _: activation), values)


def _roots(policy: Policy) -> dict[str, Tree]:
    """What Kubernetes has in the variables of a policy."""
    wanted = {name for rule in policy.matching.rules or () for name in rule.resources}
    objects = fields_of_kinds(
        {kind: groups_of(kind) for kind in sorted(KINDS) if resource_of(kind) in wanted}
    )
    return {
        "object": objects,
        "oldObject": objects,
        "request": _REQUEST,
        "request_userInfo": _REQUEST["userInfo"],
        "namespaceObject": fields_of_kinds({}),
    }
