"""What a network policy closes and what it opens again, whichever network it is written for.

A policy isolates the pods it selects in one direction or both, and then its rules allow traffic. One whose rules allow
everything closes nothing, and it opens what others close, because allowances add up.

Sources: networking.k8s.io/v1 NetworkPolicySpec; Cilium's documentation of policy rules, where a rule `{}` allows
nothing; Calico's reference of NetworkPolicy and GlobalNetworkPolicy. Left out on purpose: the order of Calico's
policies and rules, and its tiers: a rule that allows everything is taken at its word.
"""

from __future__ import annotations

from typing import Any, Final

CALICO: Final = frozenset({"projectcalico.org", "crd.projectcalico.org"})
DIRECTIONS: Final = ("Ingress", "Egress")
_EVERYWHERE: Final = frozenset({"0.0.0.0/0", "::/0"})


def isolates(api_version: str, specs: list[Any]) -> list[str]:
    """The directions in which a policy lets through nothing but what it allows: of "Ingress" and "Egress".

    Args:
        api_version: of the policy; it says how to read it.
        specs: its `spec`; one of Cilium may have several.

    Raises:
        ValueError: something is not what such policies have there.
    """
    return [way for way in DIRECTIONS if any(_isolates(api_version, _map(spec), way) for spec in specs)]


def opens(api_version: str, specs: list[Any]) -> list[str]:
    """The directions in which a policy allows everything; as `isolates`."""
    return [
        way
        for way in DIRECTIONS
        if any(
            _isolates(api_version, spec, way)
            and any(_is_open(api_version, _map(rule), way) for rule in _list(spec.get(way.lower())))
            for spec in map(_map, specs)
        )
    ]


def restricts(api_version: str, specs: list[Any]) -> list[str]:
    """The directions that a policy isolates and does not open; as `isolates`."""
    opened = opens(api_version, specs)
    return [way for way in isolates(api_version, specs) if way not in opened]


def _isolates(api_version: str, spec: dict[str, Any], way: str) -> bool:
    group = api_version.partition("/")[0]
    if group == "cilium.io":
        asked = way.lower() in spec or f"{way.lower()}Deny" in spec
        return asked and _map(spec.get("enableDefaultDeny")).get(way.lower()) is not False
    types = spec.get("types" if group in CALICO else "policyTypes")
    if types:
        return way in _list(types)
    if way == "Egress":
        return "egress" in spec
    return group not in CALICO or "ingress" in spec or "egress" not in spec


def _is_open(api_version: str, rule: dict[str, Any], way: str) -> bool:
    group = api_version.partition("/")[0]
    peer = "from" if way == "Ingress" else "to"
    if group == "cilium.io":
        narrow = rule.keys() & {"toPorts", "icmps", "authentication"}
        return not narrow and "all" in _texts(rule.get(f"{peer}Entities"))
    if group in CALICO:
        ends = [_map(rule.get(end)) for end in ("source", "destination")]
        narrow = rule.keys() - {"action", "metadata", "source", "destination"}
        return rule.get("action") == "Allow" and not narrow and all(map(_is_anybody, ends))
    peers = _list(rule.get(peer))
    blocks = [_map(_map(one).get("ipBlock")) for one in peers]
    anybody = any(block.get("cidr") in _EVERYWHERE and not block.get("except") for block in blocks)
    return not _list(rule.get("ports")) and (anybody or not peers)


def _is_anybody(end: dict[str, Any]) -> bool:
    return not end or (end.keys() == {"nets"} and any(net in _EVERYWHERE for net in _list(end["nets"])))


def _texts(value: object) -> list[Any]:
    if not all(isinstance(one, str) for one in _list(value)):
        raise ValueError("not a network policy: something is no text")
    return _list(value)


def _map(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("not a network policy: something is no map")  # noqa: TRY004 - as the caller is told of
    return value


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError("not a network policy: something is no list")  # noqa: TRY004 - as the caller is told of
    return value
