"""A rule of Kubescape's as it is read: which objects it is about, and whether it can be asked without a cluster."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.kubescape.aggregates import AGGREGATES
from kscan_lsp.kubescape.fields import map_of
from kscan_lsp.kubescape.shape import shape_of
from kscan_lsp.policy.rego import RegoRule, RegoSource, data_of, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path

_AGGREGATED: Final = "resourcesAggregator"
_SOURCES: Final = (
    ("hostdata.kubescape.cloud", "Kubescape's sensor on each node"),
    ("apiserverinfo.kubescape.cloud", "a running API server"),
    ("vuln", "Kubescape's scan of images"),
    ("amazonaws.com", "the cloud provider"),
    ("googleapis.com", "the cloud provider"),
    ("azure.com", "the cloud provider"),
)
_ANY: Final = "*"


class RuleMade(NamedTuple):
    """A rule, None for one that no Kubescape of today asks; and what is wrong with its file."""

    rule: RegoRule | None
    faults: tuple[tuple[Path, str], ...] = ()


@lru_cache(maxsize=1_024)
def rule_of(
    text: str, raw: str | None, counted: str | None, inputs: tuple[tuple[str, tuple[str, ...]], ...]
) -> RuleMade:
    """A rule, made once while nothing of it changes.

    Args:
        text: its `rule.metadata.json`, which can be read and has a name.
        raw: its Rego; None where that cannot be read.
        counted: the Rego that says which objects it can fail.
        inputs: all lists of its folder.
    """
    data = json.loads(text.removeprefix("\ufeff"))
    attributes = map_of(data.get("attributes"))
    if attributes.get("useUntilKubescapeVersion"):
        return RuleMade(None)
    faults = [*_faults(data)]
    if raw is None:
        faults.append((("name",), "this rule is left out: its raw.rego is missing, or cannot be read"))
    if faults or raw is None:
        return RuleMade(None, tuple(faults))
    shape = shape_of(raw)
    kinds = _kinds(data.get("match"))
    sees = attributes.get(_AGGREGATED)
    alone = shape.alone and sees is None
    unsupported = _unsupported(data, attributes) or shape.unsupported
    if not unsupported and not kinds:
        unsupported = "it names no objects (match)"
    if not unsupported and not alone and any(_ANY in names for _, _, names in kinds):
        unsupported = "it looks at several objects at once, of any kind"
    lists = {name: value for name, value in inputs if name in shape.inputs | _declared(data)}
    return RuleMade(
        RegoRule(
            name=str(data.get("name")).strip(),
            source=_source(raw, lists, unsupported),
            kinds=kinds,
            alone=alone,
            sees=sees if isinstance(sees, str) else "",
            counted=_source(counted, lists, unsupported) if counted is not None else None,
            inputs=lists,
        )
    )


def _source(text: str, lists: dict[str, tuple[str, ...]], unsupported: str) -> RegoSource:
    shape = shape_of(text)
    return source_of(
        shape.modules, asks="alerts", unsupported=unsupported or shape.unsupported, data=data_of(lists)
    )


def _faults(data: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    for key in ("match", "dynamicMatch", "controlConfigInputs", "configInputs", "ruleDependencies"):
        value = data.get(key)
        if value is not None and not isinstance(value, list):
            yield (key,), f"'{key}' has to be a list: this rule is left out"
    for key in ("match", "dynamicMatch"):
        listed = data.get(key)
        for number, one in enumerate(listed if isinstance(listed, list) else ()):
            for field in ("apiGroups", "apiVersions", "resources"):
                if not isinstance(one, dict) or not _is_texts(one.get(field)):
                    yield (
                        (key, number),
                        f"'{field}' of an entry has to be a list of texts: this rule is left out",
                    )
                    break


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _kinds(match: Any) -> tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...]:
    return tuple(
        (tuple(one["apiGroups"]), tuple(one["apiVersions"]), tuple(one["resources"])) for one in match or ()
    )


def _unsupported(data: dict[str, Any], attributes: dict[str, Any]) -> str:
    """Why a rule cannot be asked without a cluster, as far as its file says so."""
    language = data.get("ruleLanguage", "Rego")
    if not isinstance(language, str) or language.lower() != "rego":
        return f"it is written in {str(language)[:40]}"
    for one in data.get("dynamicMatch") or ():
        groups = " ".join(one["apiGroups"])
        who = next((who for part, who in _SOURCES if part in groups), "a running cluster")
        return f"it needs what {who} says ({', '.join(one['resources'])[:80]})"
    aggregated = attributes.get(_AGGREGATED)
    if aggregated is not None and not (isinstance(aggregated, str) and aggregated in AGGREGATES):
        return f"it sees objects in a form of its own ({str(aggregated)[:40]})"
    return ""


def _declared(data: dict[str, Any]) -> frozenset[str]:
    """The lists that its file says it reads, by the last part of their names."""
    listed = [*(data.get("configInputs") or ())]
    listed += [map_of(one).get("path") for one in data.get("controlConfigInputs") or ()]
    return frozenset(one.rpartition(".")[2] for one in listed if isinstance(one, str))
