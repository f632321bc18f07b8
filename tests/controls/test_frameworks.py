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


def test_what_no_manifest_shows_is_no_section_that_a_control_answers() -> None:
    named = {name: framework.unseen for name, framework in POLICIES.frameworks.items() if framework.unseen}
    assert {"nsa", "mitre", "soc2", "pci-dss-v4.0.1"} < named.keys()
    assert {name for name in POLICIES.frameworks if name.startswith("cis-")} < named.keys()
    for name, unseen in named.items():
        members = POLICIES.frameworks[name].members.values()
        answered = {section for member in members for section in member.section.split(", ") if section}
        for part in unseen:
            assert part.about[0].islower() or part.about.startswith("TLS"), "it goes on after 'section:'"
            for section in part.section.split(", ") if name != "soc2" else ():
                inside = [one for one in answered if section and f"{one}.".startswith(f"{section}.")]
                assert inside == [], f"{name} {section}"
