"""Controls of one's own as admission policies: what is said there, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from kscan_lsp.admission.exporting import exported
from kscan_lsp.admission.translating import RefusedError, literal
from kscan_lsp.cli.main import app
from kscan_lsp.policy import load
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.testing.exported import refuse_difference
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from kscan_lsp.policy.model import PolicySet

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  initContainers: [{name: init, image: 'a:1'}]
  containers:
  - {name: web, image: 'b:1', env: [{name: A, value: x}, {name: B, value: ''}], ports: [{containerPort: 80}]}
"""
BAD = POD.replace("value: ''", "value: bad").replace("web, labels", "bad, labels")


def policies_of(
    inputs: dict[str, Any] | None = None, bad: str = BAD, good: str = POD, **check: Any
) -> PolicySet:
    """A control with one check, which finds something in one manifest and nothing in the other."""
    deny = {"message": "no", **check}
    control = {
        "id": "OWN-0001", "title": "A: title", "score": 5, "description": "a", "remediation": "a",
        "inputs": inputs or {}, "checks": [deny],
        "tests": [{"name": "bad", "manifest": bad}, {"name": "good", "manifest": good}],
    }  # fmt: skip
    found = load.load([("own.yaml", read_document(json.dumps(control, ensure_ascii=False)))])
    assert [one.problem.message for one in found.problems] == []
    return found


def made(policies: PolicySet) -> dict[str, Any]:
    rules, _ = choose(policies, Settings(), only=("OWN-0001",))
    (one,) = exported(policies.controls["OWN-0001"], rules)
    return one.policy["spec"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "check",
    [
        {"deny": "object.metadata.name == 'bad'"},
        {"deny": "objectName == 'bad' && kubernetesMinor > 20", "message": "'{objectName}' is {object.kind}"},
        {"each": "containers.env[*]", "deny": "item.?value.orValue('') == 'bad'"},
        {"each": "containers.env[*]", "deny": "bad", "let": {"bad": "item.?value.orValue('') in inputs.words"}},
        {"each": "containers", "deny": "role == 'container' && container.env.exists(e, e.value == word)",
         "let": {"word": "pod.containers[0].name == 'web' ? 'bad' : ''"}},
        {"each": "pod", "deny": "!pod.containers.all(c, c.env.all(e, !matchesAny(e.value, inputs.patterns)))"},
        {"each": "metadata.labels[*]", "deny": "object.metadata.name == 'bad' && key == 'app' && item == 'web'",
         "match": [{"groups": [""], "kinds": ["Pod"]}]},
        {"each": "spec.containers", "match": [{"groups": [""], "kinds": ["Pod"]}],
         "deny": "size(item) == 1 && object.metadata.name == 'bad'"},
        {"each": "podTemplate", "deny": "podTemplate.metadata.name // which it has\n == 'bad'"},
        {"each": "containers", "deny": "!('readinessProbe' in unneeded) && objectName == 'bad'"},
        {"each": "containers", "deny": "objectName == 'bad' && !has(effective.runAsUser)"},
    ],
)  # fmt: skip
def test_what_a_control_asks_is_asked_by_the_policy(check: dict[str, Any]) -> None:
    policies = policies_of({"words": ["bad", "worse"], "patterns": ["^b.d$"]}, **check)
    assert refuse_difference(policies.controls["OWN-0001"], policies) == 2


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        ({"deny": "path.startsWith('a')"}, "it asks where the manifest is"),
        ({"deny": "size(r) > 0", "relations": {"r": "services"}}, "other objects"),
        ({"deny": "imageRef('a').tag == ''"}, "no function 'imageRef'"),
        ({"deny": "['b', 'a'].sort()[0] == 'a'"}, "no function 'sort'"),
        ({"deny": "math.greatest(1, 2) == 2"}, "no function"),
        ({"each": "containers.env[*]", "deny": "index == 1"}, "the number of an entry"),
        ({"deny": "inputs['wo' + 'rds'].size() > 0"}, "a name that is computed"),
        ({"each": "containers", "deny": "size(effective) > 3"}, "'effective'"),
        ({"deny": "[1].exists(variables, variables == 1)"}, "called so already"),
        ({"deny": "true", "match": [{"groups": ["*"], "kinds": ["*"]}]}, "every kind there is"),
        ({"each": "namespace", "deny": "true"}, "a policy sees one object"),
        ({"deny": "object.metadata.name == ''"}, "no test of it shows both"),
        (
            {"deny": "size(object.spec.?schedulerName.orValue('')) > 0 || objectName == 'bad'"},
            "it denies Pod 'web'",
        ),
    ],
)
def test_what_cannot_be_said_is_refused(check: dict[str, Any], reason: str) -> None:
    policies = policies_of({"words": ["a"]}, **check)
    with pytest.raises(RefusedError, match=reason):
        refuse_difference(policies.controls["OWN-0001"], policies)


def test_an_input_is_written_as_it_is() -> None:
    words = ["it's", 'say "no"', "back\\slash", "two\nlines", "\u00e9\U0001f40b", "\u202e", "{x}", "\t"]
    policies = policies_of({"words": words}, deny="objectName == 'bad' && size(inputs.words) == 8")
    assert {"name": "words", "expression": literal(words)} in made(policies)["variables"]
    assert refuse_difference(policies.controls["OWN-0001"], policies) == 2
    assert (
        literal(["it's", "\u202e", True, 1.5, {"a": []}]) == "['it\\'s', '\\U0000202e', true, 1.5, {'a': []}]"
    )


def test_what_an_element_is_called_is_in_the_message() -> None:
    policies = policies_of(
        each="containers.env[*]",
        deny="item.?value.orValue('') == 'bad'",
        message="'{item.name}' of {container.name}",
    )
    (validation,) = made(policies)["validations"]
    assert validation["message"] == "A: title"
    assert "string(item.name)" in validation["messageExpression"]


def test_what_is_the_same_for_a_whole_object_is_a_variable() -> None:
    policies = policies_of(
        deny="objectName == word && pod.containers[0].name == 'web'", let={"word": "'b' + 'ad'"}, each="pod"
    )
    first = policies.controls["OWN-0001"]
    assert {one["name"] for one in made(policies)["variables"]} >= {
        "word",
        "pod",
        "podTemplate",
        "objectName",
    }
    assert refuse_difference(first, policies) == 2


def test_the_command_writes_what_it_can() -> None:
    run = CliRunner().invoke(app, ["policy", "export", "--vap", "c-0057,C-0001", "--action", "Warn"])
    assert run.exit_code == 2
    assert "name: c-0057" in run.stdout
    assert "validationActions: [Warn]" in run.stdout
    assert "C-0001 cannot be a policy: the API server has no function 'imageListed'" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["C-0057"], "--vap"),
        (["--vap"], "--all"),
        (["--vap", "--all", "C-0057"], "--all"),
        (["--vap", "C-0058x"], "unknown control 'C-0058X'"),
    ],
)
def test_a_command_that_says_nothing_is_refused(arguments: list[str], words: str) -> None:
    run = CliRunner().invoke(app, ["policy", "export", *arguments])
    assert run.exit_code == 2
    assert words in run.stderr
