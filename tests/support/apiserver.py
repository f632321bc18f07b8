"""What the API server's own code says of generated policies, and what kscan says of the same.

`tests/apiserver` is a program in Go around that code. Building it takes minutes, so that its answers are kept in
`tests/apiserver/answers.json`; `python -m tests.support.apiserver PROGRAM` asks it again, once it is built there with
`go build -o PROGRAM .`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.admission.before import as_it_was
from kscan_lsp.admission.defaults import with_defaults
from kscan_lsp.admission.matching import is_cluster_scoped, resource_of
from kscan_lsp.admission.reading import policy_of
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy.model import PolicySet
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.objects import objects_of
from kscan_lsp.workspace.project import Project
from tests.support.generated_policies import generated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.graph.index import Object
    from kscan_lsp.kubernetes.resources import Resource

COUNT: Final = 200
ANSWERS: Final = Path(__file__).parents[1] / "apiserver" / "answers.json"
_GROUP: Final = "admissionregistration.k8s.io/v1"
_ERROR: Final = "resulted in error"
_FAILED: Final = "failed expression: "
_SHOWN: Final = 100
"""Characters of a message that are compared."""
_NAMESPACE: Final = {"apiVersion": "v1", "kind": "Namespace",
                     "metadata": {"name": "shop", "labels": {"kubernetes.io/metadata.name": "shop"}}}  # fmt: skip


def ours(case: dict[str, Any]) -> list[str]:
    """What kscan says: `refused`, or the violations in words, sorted; none of what it admits or is not about."""
    project = Project(Evaluator(choose(PolicySet(), Settings())[0], Evidence(date(2026, 1, 1))))
    name = case["policy"]["metadata"]["name"]
    if policy_of(name, case["policy"]).broken:
        return ["refused"]
    binding: dict[str, Any] = {"policyName": name, "validationActions": ["Deny"]}
    if case["params"]:
        binding["paramRef"] = {"name": "limits", "namespace": "shop", "parameterNotFoundAction": "Deny"}
    around = [
        {"apiVersion": _GROUP, "kind": "ValidatingAdmissionPolicy", **case["policy"]},
        {
            "apiVersion": _GROUP,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": binding,
        },
        _NAMESPACE,
        *filter(None, [case["params"]]),
    ]
    if case["oldObject"]:
        old = objects_of("old.json", json.dumps(case["oldObject"]), project.ruleset, json=True)
        project = project.with_declarations({"old.json": tuple(map(as_it_was, old))})
    files = [(f"{number}.json", json.dumps(one), True) for number, one in enumerate(around)]
    file = project.with_files([("object.json", json.dumps(case["object"]), True), *files]).files[
        "object.json"
    ]
    ((verdicts,),) = [part.verdicts for part in file.parts]
    reasons = [entry.reason for entry in verdicts.unevaluated if entry.control == f"VAP/{name}"]
    if reasons:
        return [f"not evaluated: {reason}" for reason in reasons]
    if f"VAP/{name}" not in verdicts.passed | verdicts.failed:
        return []
    said = [one.message for one in verdicts.findings if one.control == f"VAP/{name}"]
    return _said(message for one in said for message in one.split("; "))


def _said(messages: Iterable[str]) -> list[str]:
    """Messages, each once; those of errors and those of long expressions are words of the one or the other."""
    found = ("error" if _ERROR in one else one.removeprefix(_FAILED)[:_SHOWN] for one in messages)
    return sorted(set(found))


def theirs(answer: dict[str, Any]) -> list[str]:
    """The same of an answer of the program; an error has no words, which are those of another runtime."""
    if answer.get("refused"):
        return ["refused"]
    denied = [one for one in answer["decisions"] or () if one["action"] == "deny"]
    return _said(_ERROR if one["error"] else one["message"] for one in denied)


def asked(case: dict[str, Any]) -> dict[str, Any]:
    """A case for the program: the objects with what the API server fills in."""
    one = _object(case["object"])
    lives = "" if is_cluster_scoped(one) else one.namespace
    around = {"metadata": {"name": lives, "labels": {"kubernetes.io/metadata.name": lives}}}
    return {
        **case,
        "object": _present(with_defaults(one, lives)),
        "oldObject": case["oldObject"] and with_defaults(_object(case["oldObject"]), lives),
        "namespace": around if lives else None,
        "resource": resource_of(one.id.kind),
    }


def case_of(policy: dict[str, Any], resource: Resource) -> dict[str, Any]:
    """A case of a policy and an object that is created."""
    return {"policy": policy, "object": resource.data, "oldObject": None, "params": None}


def _object(data: dict[str, Any]) -> Object:
    rules = choose(PolicySet(), Settings())[0]
    (one,) = objects_of("a.json", json.dumps(data), rules, json=True)
    return one


def _present(value: Any) -> Any:
    """A value without what is null: the API server has none of that in what it knows."""
    if isinstance(value, dict):
        return {key: _present(item) for key, item in value.items() if item is not None}
    return [_present(item) for item in value] if isinstance(value, list) else value


def ask(program: str, cases: list[dict[str, Any]]) -> list[list[str]]:
    """What the program says of cases."""
    lines = "\n".join(json.dumps(asked(case)) for case in cases)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    return [theirs(json.loads(line)) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    found = ask(sys.argv[1], generated(COUNT))
    ANSWERS.write_text("[\n" + ",\n".join(json.dumps(one) for one in found) + "\n]\n", encoding="utf-8")
