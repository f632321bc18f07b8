"""What a check names and what its `each` judges, held against each other when the control is read.

A question about a container that judges objects, or about each item of a list that judges the list, is never answered,
or answered as nobody meant it. Nothing of that shows before it meets a manifest, so it is said at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import paths
from kscan_lsp.kubernetes.schema import CONTAINER, METADATA, POD_SPEC, POD_TEMPLATE, known_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.policy.targets import Each

_OF_CONTAINERS: Final = ("container", "effective", "role")
_STARTS: Final[dict[str, Any]] = {"pod": POD_SPEC, "podTemplate": POD_TEMPLATE, "containers": CONTAINER}
_WORKLOADS: Final = (("",), ("Pod", "PodTemplate")), (("apps",), ("Deployment",)), (("batch",), ("CronJob",))
"""Where a path into workloads may lead: they differ in where their pods are."""


def unbound(each: Each, names: Iterable[str]) -> Iterator[str]:
    """Why names that an expression reads have no value in what an `each` judges, in words."""
    for name in sorted(names):
        if name in _OF_CONTAINERS and each.start != "containers":
            yield f"'{name}' has no value here; add 'each: containers'"
        elif (name == "item" and not each.steps) or (
            name in ("index", "key") and paths.EACH not in each.steps
        ):
            yield f"'{name}' has no value here; 'each' names no items, as 'each: pod.volumes[*]' does"


def is_list(each: Each, match: Iterable[tuple[Iterable[str], Iterable[str]]] | None) -> bool:
    """Whether an `each` leads to a list as a whole, where Kubernetes has one in any of the objects.

    Args:
        each: what is judged.
        match: groups and kinds of the objects; None for workloads.
    """
    return bool(each.steps) and any(
        isinstance(_reached(tree, each.steps), list) for tree in _trees(each, match)
    )


def tree_at(each: Each, match: Iterable[tuple[Iterable[str], Iterable[str]]] | None) -> Any:
    """The type that an `each` leads to in the first of the objects of which that is known; None where it is in none.

    Args: as for `is_list`.
    """
    reached = (_reached(tree, each.steps) for tree in _trees(each, match))
    return next((tree for tree in reached if tree is not None), None)


def _trees(each: Each, match: Iterable[tuple[Iterable[str], Iterable[str]]] | None) -> list[Any]:
    """The fields of all that an `each` may start at."""
    if each.start != "object":
        return [_STARTS[each.start]]
    kinds = _WORKLOADS if match is None else match
    known = [known_fields(group, kind) for groups, names in kinds for group in groups for kind in names]
    return [{"metadata": METADATA, **(fields or {})} for fields in known]


def _reached(tree: Any, steps: Iterable[object]) -> Any:
    """The type at the end of a path; None where nothing is known of it."""
    for step in steps:
        if step is paths.EACH:
            tree = tree[0] if isinstance(tree, list) else tree[1] if isinstance(tree, tuple) else None
        else:
            tree = tree.get(step) if isinstance(tree, dict) else None
    return tree
