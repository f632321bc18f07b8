"""Which objects a rule is about: `match` and `exclude`.

Who creates an object is in no file. A filter that asks for it is held to fit, and the answer says that it was asked:
whoever judges the rule decides what that is good for.

Source: pkg/engine/utils/match.go, pkg/utils/match and pkg/utils/kube/kind.go.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.admission.before import CREATE
from kscan_lsp.kubernetes.labels import selects
from kscan_lsp.kyverno.checking import as_map, as_text_of, as_texts
from kscan_lsp.kyverno.model import Filters, ResourceFilter
from kscan_lsp.kyverno.scalars import has_wildcards, wild_match
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from kscan_lsp.kyverno.checking import PolicyReader
    from kscan_lsp.kyverno.model import KyvernoRule
    from kscan_lsp.paths import Path

_VERSION: Final = regex(r"v\d+(?:(?:alpha|beta)\d+)?|\*")
_FILTER: Final = frozenset({"resources", "subjects", "roles", "clusterRoles"})
_RESOURCES: Final = frozenset(
    {"kinds", "name", "names", "namespaces", "annotations", "selector", "namespaceSelector", "operations"}
)


class RuleSubject(NamedTuple):
    """What of an object decides whether a rule is about it."""

    group: str
    version: str
    kind: str
    name: str
    namespace: str
    """Empty for what lives in none."""
    labels: dict[str, Any]
    annotations: dict[str, Any]
    around: dict[str, Any] | None
    """The labels of its namespace; None where no file says them."""
    operation: str = CREATE


class Fit(NamedTuple):
    """Whether a rule is about an object, and what no file says that decides it; empty where nothing is."""

    fits: bool
    unless: str = ""


_WHO: Final = "who asks (its subjects or roles)"


def filters_of(reader: PolicyReader, given: object, path: Path) -> Filters:
    """What `match` or `exclude` says."""
    if given is None:
        return Filters(())
    if not isinstance(given, dict):
        reader.fault(path, f"'{path[-1]}' must be a map")
        return Filters(())
    for name in ("any", "all"):
        if given.get(name):
            entries = [_filter(reader, one, where) for where, one in reader.maps(given, name, path)]
            return Filters(tuple(entries), every=name == "all")
    unknown = sorted(given.keys() - _FILTER - {"any", "all"})
    for name in unknown:
        reader.fault((*path, name), f"'{path[-1]}' has no field '{name}'", (*_FILTER, "any", "all"))
    one = _filter(reader, {key: given[key] for key in given if key in _FILTER}, path)
    return Filters(() if one.empty else (one,))


def _filter(reader: PolicyReader, given: dict[str, Any], path: Path) -> ResourceFilter:
    for name in sorted(given.keys() - _FILTER):
        reader.fault((*path, name), f"a filter has no field '{name}'", _FILTER)
    resources = as_map(given.get("resources"))
    if given.get("resources") is not None and not isinstance(given["resources"], dict):
        reader.fault((*path, "resources"), "'resources' must be a map")
    for name in sorted(resources.keys() - _RESOURCES):
        reader.fault((*path, "resources", name), f"'resources' has no field '{name}'", _RESOURCES)
    name = as_text_of(resources.get("name"))
    selector, around = resources.get("selector"), resources.get("namespaceSelector")
    return ResourceFilter(
        kinds=as_texts(resources.get("kinds")),
        names=(*((name,) if name else ()), *as_texts(resources.get("names"))),
        namespaces=as_texts(resources.get("namespaces")),
        annotations={str(key): str(one) for key, one in as_map(resources.get("annotations")).items()},
        selector=selector if isinstance(selector, dict) else None,
        around=around if isinstance(around, dict) else None,
        operations=as_texts(resources.get("operations")),
        who=any(given.get(field) for field in ("subjects", "roles", "clusterRoles")),
    )


def fit_of(rule: KyvernoRule, subject: RuleSubject) -> Fit:
    """Whether a rule is about an object."""
    match = fits_filters(rule.match, subject)
    if not match.fits:
        return match
    exclude = fits_filters(rule.exclude, subject)
    if exclude.fits and not exclude.unless:
        return Fit(False)
    return Fit(True, match.unless or exclude.unless)


def fits_filters(filters: Filters, subject: RuleSubject) -> Fit:
    """Whether filters fit an object: one of them, or every one."""
    found = [_fits(one, subject) for one in filters.entries]
    if not found:
        return Fit(False)
    if filters.every:
        unless = next((one.unless for one in found if one.unless), "")
        return Fit(all(one.fits for one in found), unless)
    if any(one.fits and not one.unless for one in found):
        return Fit(True)
    return next((one for one in found if one.fits), Fit(False))


def _fits(one: ResourceFilter, subject: RuleSubject) -> Fit:
    if one.empty or (one.operations and subject.operation not in one.operations):
        return Fit(False)
    if one.kinds and not any(
        about_kind(kind, subject.group, subject.version, subject.kind) for kind in one.kinds
    ):
        return Fit(False)
    if one.names and not any(wild_match(name, subject.name) for name in one.names):
        return Fit(False)
    lives = subject.name if subject.kind == "Namespace" else subject.namespace
    if one.namespaces and not any(wild_match(name, lives) for name in one.namespaces):
        return Fit(False)
    if not all(
        any(
            wild_match(key, there) and isinstance(known, str) and wild_match(value, known)
            for there, known in subject.annotations.items()
        )
        for key, value in one.annotations.items()
    ):
        return Fit(False)
    if one.selector is not None and not _selected(one.selector, subject.labels):
        return Fit(False)
    unless = _WHO if one.who else ""
    if one.around is not None:
        if subject.kind == "Namespace":
            return Fit(False)
        if subject.namespace and subject.around is None:
            unless = f"the labels of Namespace '{subject.namespace}', which no file has"
        elif not _selected(one.around, subject.around or {}):
            return Fit(False)
    return Fit(True, unless)


def _selected(selector: dict[str, Any], labels: dict[str, Any]) -> bool:
    """Whether a selector selects labels; here it may have wildcards. One that Kubernetes refuses selects nothing."""
    wanted = as_map(selector.get("matchLabels"))
    named = {}
    for key, value in wanted.items():
        if has_wildcards(str(key)) or has_wildcards(str(value)):
            found = next(
                (
                    there
                    for there, known in labels.items()
                    if wild_match(str(key), there) and wild_match(str(value), str(known))
                ),
                None,
            )
            if found is None:
                return False
            named[found] = labels[found]
        else:
            named[key] = value
    try:
        return selects({**selector, "matchLabels": named}, labels)
    except ValueError:
        return False


@lru_cache(maxsize=4_096)
def about_kind(selector: str, group: str, version: str, kind: str) -> bool:
    """Whether a selector of kinds such as `Pod`, `apps/*/Deployment` or `*` is about a kind itself."""
    asked = parts_of(selector)
    return (
        asked is not None
        and asked[3] in {"", "*"}
        and wild_match(asked[0], group)
        and wild_match(asked[1], version)
        and wild_match(asked[2], kind)
    )


def parts_of(selector: str) -> tuple[str, str, str, str] | None:
    """Group, version, kind and subresource of a selector of kinds; None where it cannot be read."""
    head, slash, last = selector.rpartition("/")
    parts = [*(head.split("/") if slash else ()), *last.split(".")]
    match parts:
        case [kind]:
            return "*", "*", kind, ""
        case ["*", "*"]:
            return "*", "*", "*", "*"
        case ["*", sub] if sub.lower() == sub:
            return "*", "*", "*", sub
        case [first, second]:
            versioned = _VERSION.fullmatch(first)
            return ("*", first, second, "") if versioned else ("*", "*", first, second)
        case [first, second, third]:
            versioned = _VERSION.fullmatch(first)
            return ("*", first, second, third) if versioned else (first, second, third, "")
        case [group, version, kind, sub]:
            return group, version, kind, sub
    return None
