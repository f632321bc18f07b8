"""How a pod is reached from outside of its cluster, as far as manifests tell.

Sources: https://kubernetes.io/docs/concepts/services-networking/service/ (types, `externalIPs`,
`loadBalancerSourceRanges`), Ingress and Gateway API, host ports and the host's network. Left out on purpose: what
network policies take back, which is another question and often answered outside of the repository; and mesh gateways.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def exposure(
    host_network: object,
    ports: object,
    services: Iterable[dict[str, Any]],
    routes: Iterable[dict[str, Any]],
    keeps_inside: Callable[[str], bool],
) -> list[str]:
    """By what a container is reached from outside, in words; empty where by nothing that is known.

    It takes no more of the pod than it reads, so that who edits anything else need not wait for this.

    Args:
        host_network: `hostNetwork` of its pod.
        ports: its `ports`.
        services: the Services that select the pod.
        routes: the Ingresses and routes that lead to one of these.
        keeps_inside: whether an annotation, as `key=value`, makes a load balancer one of an inner network.
    """
    found = [*_of_services(services, keeps_inside)]
    found += [f"{_text(route.get('kind'))} {_name(route)}" for route in routes]
    if host_network is True:
        found.append("the network of the node")
    numbers = [_map(port).get("hostPort") for port in _list(ports)]
    found += [f"host port {number}" for number in numbers if isinstance(number, int) and number > 0]
    return list(dict.fromkeys(found))


def _of_services(services: Iterable[dict[str, Any]], keeps_inside: Callable[[str], bool]) -> Iterator[str]:
    for service in services:
        spec = _map(service.get("spec"))
        kind = spec.get("type")
        notes = _map(_map(service.get("metadata")).get("annotations"))
        if kind == "LoadBalancer":
            ranges = spec.get("loadBalancerSourceRanges")
            inside = any(keeps_inside(f"{key}={value}") for key, value in notes.items())
            if not inside and not _all_private(ranges):
                yield f"LoadBalancer {_name(service)}"
        elif kind == "NodePort":
            yield f"NodePort {_name(service)}"
        if spec.get("externalIPs"):
            yield f"external addresses of {_name(service)}"


_IPV4: Final = regex(r"(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}(?:/(\d{1,2}))?")
_IPV6: Final = regex(r"(?:f[cd]|fe80:)[0-9a-f:]*(?:/(\d{1,3}))?", re.IGNORECASE)


def _all_private(ranges: object) -> bool:
    """Whether a load balancer only answers addresses that are not of the internet (RFC 1918, 4193, 6598)."""
    return isinstance(ranges, list) and bool(ranges) and all(_is_private(str(one)) for one in ranges)


def _is_private(text: str) -> bool:
    if found := _IPV4.fullmatch(text.strip()):
        first, second, bits = int(found[1]), int(found[2]), int(found[3] or 32)
        return (
            (first in {10, 127} and bits >= 8)
            or (first == 172 and 16 <= second <= 31 and bits >= 12)
            or ((first, second) in {(192, 168), (169, 254)} and bits >= 16)
            or (first == 100 and 64 <= second <= 127 and bits >= 10)
        )
    wide = _IPV6.fullmatch(text.strip())
    return wide is not None and int(wide[1] or 128) >= 8


def _name(found: dict[str, Any]) -> str:
    return _text(_map(found.get("metadata")).get("name"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else "(no name)"


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
