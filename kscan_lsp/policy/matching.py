"""The objects that a check is about: `match` of a control file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from kscan_lsp.kubernetes.schema import KINDS
from kscan_lsp.regex import regex
from kscan_lsp.text import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.policy.schema import Match

Kinds: TypeAlias = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] | None
"""(groups, kinds) of objects; None stands for workloads."""

NAMESPACE: Final = "namespace"
"""The `each` that judges every namespace of a project once, be it declared or named."""
NAMESPACES: Final[Kinds] = ((("",), ("Namespace",)),)

_VERSION: Final = regex(r"v[1-9]\w*")
_KUBERNETES: Final = regex(r"\*|[a-z]*|.*\.k8s\.io")
"""Groups of objects whose kinds we know: Kubernetes' own have no dot, or this end."""


def kinds_of(match: Match) -> Kinds:
    """The objects that a `match` of a control file names."""
    if isinstance(match, str):
        return None
    return tuple((tuple(m.groups), tuple(m.kinds)) for m in match)


def includes(wanted: Kinds, group: str, kind: str, *, workload: bool) -> bool:
    """Whether objects of a kind are among those wanted."""
    if wanted is None:
        return workload
    return any(
        (group in groups or "*" in groups) and (kind in kinds or "*" in kinds) for groups, kinds in wanted
    )


def mistakes_in(match: Match) -> Iterator[tuple[Path, str]]:
    """What no object has, each with its place: a check that looks for that would pass for ever."""
    for number, wanted in enumerate(match if isinstance(match, tuple) else ()):
        for index, group in enumerate(wanted.groups):
            if "/" in group or _VERSION.fullmatch(group):
                message = f"'{group}' is a group with a version; write '{group.rpartition('/')[0]}'"
                yield (number, "groups", index), message
        for index, kind in enumerate(wanted.kinds):
            ours = kind in KINDS or not any(map(_KUBERNETES.fullmatch, wanted.groups))
            meant = [] if ours else close_matches(kind, KINDS, n=1, cutoff=0.8)
            if meant and abs(len(meant[0]) - len(kind)) <= 2:  # else a kind that we do not know
                yield (number, "kinds", index), f"no kind '{kind}'; did you mean '{meant[0]}'?"
            elif kind[:1].islower():
                message = (
                    f"'{kind}' is no kind: kinds begin with a capital letter and are singular, like 'Pod'"
                )
                yield (number, "kinds", index), message
