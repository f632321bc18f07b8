"""What network policies close and open."""

from __future__ import annotations

import pytest

from kscan_lsp.kubernetes.network_policies import isolates, opens, restricts

KUBERNETES, CILIUM, CALICO = "networking.k8s.io/v1", "cilium.io/v2", "projectcalico.org/v3"
IN, OUT, BOTH = ["Ingress"], ["Egress"], ["Ingress", "Egress"]
ANYWHERE = {"ipBlock": {"cidr": "0.0.0.0/0"}}


@pytest.mark.parametrize(
    ("api", "spec", "closed", "opened"),
    [
        (KUBERNETES, {}, IN, []),
        (KUBERNETES, {"egress": []}, BOTH, []),
        (KUBERNETES, {"policyTypes": OUT}, OUT, []),
        (KUBERNETES, {"policyTypes": [], "ingress": [{}]}, IN, IN),
        (KUBERNETES, {"policyTypes": BOTH, "ingress": [{}], "egress": [{}]}, BOTH, BOTH),
        (KUBERNETES, {"policyTypes": OUT, "ingress": [{}]}, OUT, []),
        (KUBERNETES, {"ingress": [{"ports": [{"port": 80}]}]}, IN, []),
        (KUBERNETES, {"ingress": [{"from": []}]}, IN, IN),
        (KUBERNETES, {"ingress": [{"from": [{"podSelector": {}}, ANYWHERE]}]}, IN, IN),
        (KUBERNETES, {"ingress": [{"from": [{"namespaceSelector": {}}]}]}, IN, []),
        (KUBERNETES, {"egress": [{"to": [{"ipBlock": {"cidr": "::/0", "except": ["fd00::/8"]}}]}]}, BOTH, []),
        (KUBERNETES, {"egress": [{"to": [ANYWHERE], "ports": [{"port": 443}]}]}, BOTH, []),
        (CILIUM, {}, [], []),
        (CILIUM, {"ingress": [{}]}, IN, []),
        (CILIUM, {"egressDeny": [{}]}, OUT, []),
        (CILIUM, {"ingress": [{}], "enableDefaultDeny": {"ingress": False}}, [], []),
        (CILIUM, {"ingress": [{"fromEntities": ["all"]}], "egress": [{"toEntities": ["world"]}]}, BOTH, IN),
        (CILIUM, {"egress": [{"toEntities": ["all"], "toPorts": [{}]}]}, OUT, []),
        (CALICO, {}, IN, []),
        (CALICO, {"egress": []}, OUT, []),
        (CALICO, {"ingress": [], "egress": []}, BOTH, []),
        (CALICO, {"types": BOTH}, BOTH, []),
        (CALICO, {"types": BOTH, "egress": [{"action": "Allow"}]}, BOTH, OUT),
        (CALICO, {"ingress": [{"action": "Allow", "source": {}, "destination": {}}]}, IN, IN),
        (CALICO, {"ingress": [{"action": "Allow", "source": {"nets": ["0.0.0.0/0"]}}]}, IN, IN),
        (CALICO, {"ingress": [{"action": "Allow", "source": {"nets": ["0.0.0.0/0"], "selector": "x"}}]}, IN, []),
        (CALICO, {"ingress": [{"action": "Allow", "protocol": "TCP"}]}, IN, []),
        (CALICO, {"ingress": [{"action": "Log"}, {"action": "Deny"}]}, IN, []),
    ],
)  # fmt: skip
def test_what_a_policy_closes_and_opens(api: str, spec: dict, closed: list[str], opened: list[str]) -> None:
    assert isolates(api, [spec]) == closed
    assert opens(api, [spec]) == opened
    assert restricts(api, [spec]) == [way for way in closed if way not in opened]


def test_several_specs_count_together() -> None:
    specs = [{"ingress": [{}]}, {"egress": [{"toEntities": ["all"]}]}, None]
    assert (isolates(CILIUM, specs), opens(CILIUM, specs), restricts(CILIUM, specs)) == (BOTH, OUT, IN)


@pytest.mark.parametrize("wrong", ["x", {"policyTypes": "Ingress"}, {"ingress": "all"}, {"ingress": ["all"]},
                                   {"ingress": [{"from": {}}]}])  # fmt: skip
def test_what_is_no_policy_says_so(wrong: object) -> None:
    with pytest.raises(ValueError, match="not a network policy"):
        opens(KUBERNETES, [wrong])


def test_what_is_no_entity_is_not_taken_for_a_narrow_one() -> None:
    with pytest.raises(ValueError, match="something is no text"):
        opens(CILIUM, [{"ingress": [{"fromEntities": [{}]}]}])
