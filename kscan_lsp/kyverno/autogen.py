"""The rules that Kyverno makes of one about pods, for what runs pods: of its plain data, before it is read.

Source: pkg/autogen/v1 of kyverno/kyverno, and https://kyverno.io/docs/policy-types/cluster-policy/autogen/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ANNOTATION: Final = "pod-policies.kyverno.io/autogen-controllers"
CONTROLLERS: Final[tuple[str, ...]] = (
    "DaemonSet",
    "Deployment",
    "Job",
    "StatefulSet",
    "ReplicaSet",
    "ReplicationController",
)
CRON_JOB: Final = "CronJob"
_RUNS_PODS: Final = frozenset({*CONTROLLERS, CRON_JOB, "Pod"})
_API: Final = {
    "CronJob": "batch/v1/CronJob",
    "Job": "batch/v1/Job",
    "ReplicationController": "v1/ReplicationController",
}
_LIMITING: Final = ("name", "names", "selector", "annotations")
_MOVED: Final = ("spec", "metadata")
MAX_DEPTH: Final = 100


def made_rules(rules: list[dict[str, Any]], annotation: object) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The rules for pod controllers that Kyverno adds to those of a policy.

    Args:
        rules: those of the policy, as they are written.
        annotation: what the policy's annotation about that says; not a text where there is none.

    Yields:
        The number of the rule it is made of, `template` or `jobTemplate`, and the rule.
    """
    wanted = _controllers(rules, annotation)
    plain = [kind for kind in CONTROLLERS if kind in wanted]
    for number, rule in enumerate(rules):
        if str(rule.get("name", "")).startswith("autogen-") or not _about_pods(rule):
            continue
        if plain:
            yield number, "template", _made(rule, "template", plain)
        if CRON_JOB in wanted:
            yield number, "jobTemplate", _made(rule, "jobTemplate", [CRON_JOB])


def _controllers(rules: list[dict[str, Any]], annotation: object) -> frozenset[str]:
    """The kinds for which rules are made."""
    needed = False
    for rule in rules:
        if "generate" in rule or _patches_json(rule.get("mutate")):
            return frozenset()
        for described in (*_described(rule.get("match")), *_described(rule.get("exclude"))):
            kinds = kinds_of(described)
            if any(described.get(field) for field in _LIMITING) or (
                len(kinds) > 1 and "Pod" in map(_kind, kinds)
            ):
                return frozenset()
            needed = needed or bool(_RUNS_PODS & set(kinds))
    if not needed:
        return frozenset()
    if not isinstance(annotation, str):
        return frozenset({*CONTROLLERS, CRON_JOB})
    named = {one.strip() for one in annotation.split(",")}
    return frozenset({*CONTROLLERS, CRON_JOB}) if "all" in named else frozenset(named)


def _patches_json(mutate: object) -> bool:
    if not isinstance(mutate, dict):
        return False
    inner = mutate.get("foreach")
    return "patchesJson6902" in mutate or any(
        isinstance(one, dict) and "patchesJson6902" in one
        for one in (inner if isinstance(inner, list) else ())
    )


def _described(block: object) -> Iterator[dict[str, Any]]:
    """The descriptions of resources in `match` or `exclude`."""
    if not isinstance(block, dict):
        return
    if isinstance(block.get("resources"), dict):
        yield block["resources"]
    for name in ("any", "all"):
        listed = block.get(name)
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict) and isinstance(one.get("resources"), dict):
                yield one["resources"]


def kinds_of(described: dict[str, Any]) -> list[str]:
    """The kinds of a description of resources, as they are written."""
    kinds = described.get("kinds")
    return [one for one in kinds if isinstance(one, str)] if isinstance(kinds, list) else []


def _kind(selector: str) -> str:
    return selector.rpartition("/")[2].partition(".")[0]


def _about_pods(rule: dict[str, Any]) -> bool:
    matched = [_kind(one) for described in _described(rule.get("match")) for one in kinds_of(described)]
    excluded = [_kind(one) for described in _described(rule.get("exclude")) for one in kinds_of(described)]
    return "Pod" in matched and (not excluded or "Pod" in excluded)


def _made(rule: dict[str, Any], place: str, kinds: list[str]) -> dict[str, Any]:
    selectors = [_API.get(kind, f"apps/v1/{kind}") for kind in kinds]
    made = {**rule, "match": _about(rule.get("match"), selectors, place, needed=True)}
    if "exclude" in rule:
        made["exclude"] = _about(rule["exclude"], selectors, place, needed=False)
    validate = rule.get("validate")
    if isinstance(validate, dict):
        inner = dict(validate)
        if "pattern" in inner:
            inner["pattern"] = _wrapped(inner["pattern"], place)
        if isinstance(inner.get("anyPattern"), list):
            inner["anyPattern"] = [_wrapped(one, place) for one in inner["anyPattern"]]
        made["validate"] = inner
    way = "spec.template" if place == "template" else "spec.jobTemplate.spec.template"
    cel = isinstance(validate, dict) and "cel" in validate
    roots = ("object", "oldObject") if cel else ("request.object", "request.oldObject")
    moves = [(f"{root}.{field}", f"{root}.{way}.{field}") for field in _MOVED for root in roots]
    renamed = _renamed(made, moves, 0)
    return renamed if isinstance(renamed, dict) else made


def _about(block: object, selectors: list[str], place: str, *, needed: bool) -> object:
    if not isinstance(block, dict):
        return block
    for name in ("any", "all"):
        listed = block.get(name)
        if isinstance(listed, list) and listed:
            return {**block, name: [_entry_about(one, selectors, place) for one in listed]}
    resources = block.get("resources")
    if isinstance(resources, dict) and (needed or kinds_of(resources)):
        return {**block, "resources": {**resources, "kinds": selectors}}
    return block


def _entry_about(entry: object, selectors: list[str], place: str) -> object:
    resources = entry.get("resources") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(resources, dict):
        return entry
    if "Pod" in map(_kind, kinds_of(resources)) or (place == "jobTemplate" and kinds_of(resources)):
        return {**entry, "resources": {**resources, "kinds": selectors}}
    return entry


def _wrapped(pattern: object, place: str) -> object:
    inner = {"spec": {"template": pattern}}
    return inner if place == "template" else {"spec": {"jobTemplate": inner}}


def _renamed(value: Any, moves: Iterable[tuple[str, str]], depth: int) -> Any:
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, str):
        for old, new in moves:
            value = value.replace(old, new)
        return value
    if isinstance(value, dict):
        return {
            _renamed(key, moves, depth + 1): _renamed(one, moves, depth + 1) for key, one in value.items()
        }
    return [_renamed(one, moves, depth + 1) for one in value] if isinstance(value, list) else value
