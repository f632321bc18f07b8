"""What is read of a folder of controls, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp.admission.exporting import exported
from kscan_lsp.admission.translating import RefusedError
from kscan_lsp.findings import UNUSED
from kscan_lsp.policy.model import Control, PolicySet
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import settings_of
from tests.support.kubescape import DEPLOYMENTS, OWNER, TWICE, control, framework, library, metadata

if TYPE_CHECKING:
    from kscan_lsp.policy.rego import RegoRule

RULES: dict[str, tuple[dict[str, Any], str | None]] = {"owner": (metadata("owner"), OWNER)}
C_57 = Control("C-0057", "Privileged", 8.0, "", "", "", (), {})


def problems(policies: PolicySet, *, notes: bool = False) -> list[str]:
    """What is wrong, each with the text that is marked."""
    return [
        f"{one.document.text[one.problem.span.start : one.problem.span.end]} <- {one.problem.message}"
        for one in policies.problems
        if (one.problem.code == UNUSED) == notes
    ]


def rule(policies: PolicySet, id_: str = "ORG-0001") -> RegoRule:
    """The one rule of a control."""
    (found,) = policies.controls[id_].rego
    return found


def test_a_control_with_its_rule() -> None:
    reference = "https://example.org"
    fields = {"category": {"name": "Workload"}, "references": [reference, 1], "baseScore": 9.5}
    made = library(RULES, [control("ORG-0001", "owner", **fields)])
    one = made.controls["ORG-0001"]
    assert (one.title, one.severity.label, one.category) == ("About ORG-0001", "critical", "Workload")
    assert one.references == (reference,)
    assert rule(made).is_about("apps/v1", "Deployment")
    assert not rule(made).is_about("apps/v1beta1", "Deployment")
    assert not rule(made).is_about("v1", "Deployment")
    assert rule(made).alone
    assert not problems(made)


def test_stars_stand_for_anything() -> None:
    match = [{"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}]
    made = library({"owner": (metadata("owner", match), OWNER)}, [control("ORG-0001", "owner")])
    assert rule(made).is_about("example.org/v2", "Thing")
    several = library({"twice": (metadata("twice", match), TWICE)}, [control("ORG-0001", "twice")])
    assert "of any kind" in rule(several).source.unsupported


def test_the_same_texts_give_the_very_same_control() -> None:
    assert (
        library(RULES, [control("ORG-0001", "owner")]).controls["ORG-0001"]
        is (library(RULES, [control("ORG-0001", "owner")]).controls["ORG-0001"])
    )


def test_an_id_that_comes_with_kscan_stays_ours_and_that_is_said() -> None:
    base = PolicySet({"C-0057": C_57})
    made = library(RULES, [control("C-0057", "owner")], [framework("Mine", "C-0057")], base=base)
    assert made.controls["C-0057"] is C_57
    assert problems(made, notes=True) == [
        '"C-0057" <- C-0057 comes with kscan, and that one is judged in place of this'
    ]
    assert [*made.frameworks["mine"].members] == ["C-0057"]
    assert not problems(made)


def test_frameworks_have_names_sections_and_what_no_manifest_shows() -> None:
    cluster = control("ORG-0002", "owner", scanningScope={"matches": ["cluster"]})
    sections = {
        "1": {"id": "1", "subSections": {"1": {"id": "1.1", "controlsIDs": ["ORG-0001", "ORG-0002"]}}}
    }
    entries = [{"controlID": "ORG-0001", "patch": {"name": "Owner"}}, {"controlID": "ORG-0002"}]
    made = library(
        RULES,
        [control("ORG-0001", "owner"), cluster],
        [{"name": "My Org 1.0", "activeControls": entries, "subSections": sections}],
    )
    found = made.framework("my org 1.0")
    assert found is not None
    assert found.id == "my-org-1.0"
    (member,) = found.members.values()
    assert (member.id, member.section, member.name) == ("ORG-0001", "1.1", "Owner")
    assert [(one.section, one.about) for one in found.unseen] == [("1.1", "About ORG-0002 (ORG-0002)")]
    assert "ORG-0002" not in made.controls
    (note,) = problems(made, notes=True)
    assert "for cluster alone" in note


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (
            {"dynamicMatch": [{**DEPLOYMENTS[0], "apiGroups": ["hostdata.kubescape.cloud"]}]},
            "sensor on each node",
        ),
        ({"dynamicMatch": [{**DEPLOYMENTS[0], "apiGroups": ["eks.amazonaws.com"]}]}, "the cloud provider"),
        ({"dynamicMatch": [{**DEPLOYMENTS[0], "apiGroups": ["other.org"]}]}, "a running cluster"),
        ({"ruleLanguage": "Python"}, "written in Python"),
        ({"attributes": {"resourcesAggregator": "other-form"}}, "other-form"),
    ],
)
def test_what_is_not_judged_is_said_of_the_rule_and_leaves_its_control_unevaluated(
    fields: dict[str, Any], why: str
) -> None:
    made = library({"owner": (metadata("owner", **fields), OWNER)}, [control("ORG-0001", "owner")])
    (note,) = problems(made, notes=True)
    assert why in note
    assert why in rule(made).source.unsupported


def test_a_control_of_which_no_manifest_says_anything_is_left_out() -> None:
    host = metadata("owner", [], dynamicMatch=[{**DEPLOYMENTS[0], "apiGroups": ["hostdata.kubescape.cloud"]}])
    made = library({"owner": (host, OWNER)}, [control("ORG-0001", "owner"), control("ORG-0002")])
    assert not made.controls
    assert [one.partition(" not judged here: ")[2] for one in problems(made, notes=True)] == [
        "it needs what Kubescape's sensor on each node says (Deployment)",
        "it needs what Kubescape's sensor on each node says (Deployment)",
        "it has no rules",
    ]


def test_a_rule_that_todays_kubescape_does_not_ask_is_not_asked() -> None:
    old = metadata("old", attributes={"useUntilKubescapeVersion": "v2.3.8"})
    made = library({**RULES, "old": (old, TWICE)}, [control("ORG-0001", "old", "owner")])
    assert rule(made).name == "owner"
    assert not made.problems


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("[]", "has to be a map"),
        ("{", ""),
        ({"controlID": 3, "name": "a"}, "'controlID' has to be a text"),
        ({"controlID": "ORG-0001"}, "'name' has to be a text"),
        (control("org", "owner"), "such as ORG-0001"),
        (control("ORG-0001", "owner", baseScore="7"), "'baseScore' has to be a number"),
        (control("ORG-0001", "owner", baseScore=True), "'baseScore' has to be a number"),
        (control("ORG-0001", "owner", baseScore=11), "'baseScore' has to be a number"),
        (control("ORG-0001", "owner", description=[1]), "'description' has to be a text"),
        (control("ORG-0001", "ownr"), "no rule here is called 'ownr', or it is wrong; did you mean 'owner'?"),
        (control("ORG-0001", "owner", rulesNames="owner"), "'rulesNames' has to be a list"),
        (control("ORG-0001", "owner", rulesNames=[{}]), "'rulesNames' has to be a list"),
    ],
)
def test_a_control_that_is_wrong_is_one_problem_and_no_control(data: Any, message: str) -> None:
    made = library(RULES, [data])
    assert not made.controls
    (found,) = problems(made)
    assert message in found


@pytest.mark.parametrize(
    ("data", "raw"),
    [
        (metadata("owner"), None),
        (metadata("owner", "Deployment"), OWNER),
        (metadata("owner", [{"apiGroups": ["apps"], "resources": ["Deployment"]}]), OWNER),
        (metadata("owner", [3]), OWNER),
        (metadata("owner", 3), OWNER),
        (metadata("owner", controlConfigInputs={"a": 1}), OWNER),
        ({"match": []}, OWNER),
        ([], OWNER),
    ],
)
def test_a_rule_that_is_wrong_is_a_problem_and_takes_its_control_with_it(data: Any, raw: str | None) -> None:
    made = library({"owner": (data, raw)}, [control("ORG-0001", "owner")])
    assert not made.controls
    assert len(problems(made)) == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "!!"}, "no letter or digit"),
        ({"name": 3}, "'name' has to be a text"),
        (framework("Mine"), ""),
        ({"name": "Mine", "activeControls": [3, {"controlID": "ORG-0009"}]}, "an entry needs a 'controlID'"),
        ({"name": "Mine", "activeControls": 3, "subSections": [[]], "controlsNames": {}}, ""),
    ],
)
def test_frameworks_that_are_wrong(data: Any, message: str) -> None:
    made = library(RULES, [control("ORG-0001", "owner")], [data])
    found = problems(made)
    assert (len(found), message in "".join(found)) == (1 if message else 0, True), found


def test_a_framework_lists_controls_by_their_names_too() -> None:
    made = library(
        RULES, [control("ORG-0001", "owner")], [{"name": "Mine", "controlsNames": ["About ORG-0001"]}]
    )
    assert [*made.frameworks["mine"].members] == ["ORG-0001"]


def test_the_first_of_two_counts() -> None:
    twice = [control("ORG-0001", "owner"), control("ORG-0001", "owner", name="other")]
    made = library(RULES, twice, [framework("Mine"), framework("mine", "ORG-0001")])
    assert made.controls["ORG-0001"].title == "About ORG-0001"
    assert not made.frameworks["mine"].members
    assert len(problems(made)) == 2


def test_inputs_are_those_that_a_rule_reads() -> None:
    inputs = {"settings": {"postureControlInputs": {"a": ["1"], "b": ["2"], "c": ["3"], "d": 4, "e": [5]}}}
    reads = OWNER.replace("  not wl", "  data.postureControlInputs.a[_]\n  not wl")
    fields = {
        "configInputs": ["settings.postureControlInputs.b"],
        "controlConfigInputs": [{"path": "settings.postureControlInputs.x"}, 3],
    }
    made = library(
        {"owner": (metadata("owner", **fields), reads)}, [control("ORG-0001", "owner")], inputs=inputs
    )
    assert rule(made).inputs == {"a": ("1",), "b": ("2",)}
    assert rule(made).source.data == '{"postureControlInputs": {"a": ["1"], "b": ["2"]}}'
    assert made.controls["ORG-0001"].named_inputs() == {"a", "b"}
    assert [one.partition(" <- ")[2] for one in problems(made)] == [
        "input 'd' has to be a list of texts",
        "input 'e' has to be a list of texts",
    ]
    assert problems(library(RULES, [], inputs={"settings": []})) != []


def test_settings_give_other_lists() -> None:
    reads = OWNER.replace("  not wl", "  data.postureControlInputs.a[_]\n  not wl")
    inputs = {"settings": {"postureControlInputs": {"a": ["1"]}}}
    one = rule(library({"owner": (metadata("owner"), reads)}, [control("ORG-0001", "owner")], inputs=inputs))
    other = one.given({"a": ["9"], "z": ["1"]})
    assert one.given({"z": ["1"]}) is one
    assert other.source.data == '{"postureControlInputs": {"a": ["9"]}}'
    assert other.source.digest != one.source.digest
    assert one.given({"a": ["9"]}) is other


def test_notes_that_say_the_same_are_few() -> None:
    base = PolicySet({f"C-{number:04}": C_57 for number in range(9)})
    made = library(RULES, [control(f"C-{number:04}", "owner") for number in range(9)], base=base)
    first, last = problems(made, notes=True)
    assert first.endswith("C-0000 comes with kscan, and that one is judged in place of this")
    assert last.endswith("in place of this; the same of 7 others in this folder")


def test_it_is_known_where_a_control_is_and_what_it_is_about() -> None:
    made = library(RULES, [control("ORG-0001", "owner")])
    assert made.sources["ORG-0001"].name == "controls/0.json"
    assert made.controls["ORG-0001"].match == ((("apps",), ("Deployment",)),)


def test_it_is_not_written_as_a_policy_of_kubernetes() -> None:
    made = library(RULES, [control("ORG-0001", "owner")])
    ruleset, _ = choose(made, settings_of({}), only=["ORG-0001"])
    with pytest.raises(RefusedError, match="written in Rego"):
        exported(made.controls["ORG-0001"], ruleset)


def test_an_id_that_another_file_defines_is_a_problem() -> None:
    first = library(RULES, [control("ORG-0001", "owner")])
    made = library(RULES, [control("ORG-0001", "owner", name="other")], base=first)
    assert made.controls["ORG-0001"].title == "About ORG-0001"
    assert "is already defined in controls/0.json" in problems(made)[0]
