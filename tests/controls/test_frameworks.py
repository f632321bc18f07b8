"""What the built-in frameworks say about controls."""

from __future__ import annotations

from kscan_lsp.workspace.policies import complete_policies

POLICIES = complete_policies()


def test_recommended_has_a_reason_for_every_control_why_it_is_in_or_out() -> None:
    framework = POLICIES.frameworks["recommended"]
    inside = {name: member.reason for name, member in framework.members.items()}
    outside = dict(framework.excluded)
    assert inside.keys() & outside.keys() == set()
    assert inside.keys() | outside.keys() == POLICIES.controls.keys()
    assert [
        name for name, reason in (inside | outside).items() if len(reason) < 15 or not reason.endswith(".")
    ] == []
