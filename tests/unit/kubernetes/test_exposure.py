"""By what a pod is reached from outside of its cluster."""

from __future__ import annotations

from typing import Any

import pytest

from kscan_lsp.kubernetes.exposure import exposure


def service(**spec: Any) -> dict[str, Any]:
    return {"kind": "Service", "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (service(), []),
        (service(type="ClusterIP"), []),
        (service(type="LoadBalancer"), ["LoadBalancer web"]),
        (service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/8", "192.168.1.0/24"]), []),
        (service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/8", "8.8.8.0/24"]), ["LoadBalancer web"]),
        (service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/7"]), ["LoadBalancer web"]),
        (service(type="LoadBalancer", loadBalancerSourceRanges=["172.16.0.0/12", "100.64.1.1", "fd00::/8"]), []),
        (service(type="LoadBalancer", loadBalancerSourceRanges=["172.32.0.0/12"]), ["LoadBalancer web"]),
        (service(type="LoadBalancer", loadBalancerSourceRanges=["::/0"]), ["LoadBalancer web"]),
        (service(type="LoadBalancer", loadBalancerSourceRanges=["2001:db8::/32"]), ["LoadBalancer web"]),
        (service(type="LoadBalancer", loadBalancerSourceRanges=[0, None]), ["LoadBalancer web"]),
        (service(type="LoadBalancer", loadBalancerSourceRanges=["nonsense"]), ["LoadBalancer web"]),
        (service(type="LoadBalancer", loadBalancerSourceRanges=[]), ["LoadBalancer web"]),
        ({**service(type="LoadBalancer"), "metadata": {"name": "web", "annotations": {"internal": "true"}}}, []),
        (service(type="NodePort"), ["NodePort web"]),
        (service(externalIPs=["8.8.8.8"]), ["external addresses of web"]),
        ({"spec": 5, "metadata": []}, []),
        ({"spec": {"type": "NodePort"}}, ["NodePort (no name)"]),
    ],
)  # fmt: skip
def test_of_services(found: dict[str, Any], said: list[str]) -> None:
    assert exposure(False, [], [found], [], lambda note: note == "internal=true") == said


def test_of_routes_ports_and_the_node() -> None:
    routes = [{"kind": kind, "metadata": {"name": "shop"}} for kind in ("Ingress", "HTTPRoute", "Ingress")]
    ports = [{"hostPort": 80}, {"hostPort": 0}, {"containerPort": 1}, 7]
    assert exposure(True, ports, [], routes, lambda _: False) == [
        "Ingress shop",
        "HTTPRoute shop",
        "the network of the node",
        "host port 80",
    ]
    assert exposure("true", "x", [], [], lambda _: False) == []
    assert exposure(None, None, [], [], lambda _: False) == []
