"""What the API server's own code makes of objects by mutations, and what kscan makes of the same.

As in `apiserver.py`, the answers of the program in `tests/apiserver` are kept: `python -m tests.support.mutations
PROGRAM` asks it again.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import cel
from kscan_lsp.admission.applying import PatchRefusedError
from kscan_lsp.admission.environment import POLICIES
from kscan_lsp.admission.mutating import applied_to
from kscan_lsp.admission.reading import policy_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MUTATED: Final = Path(__file__).parents[1] / "apiserver" / "mutations.json"
GENERATED: Final = 120
"""Merges of lists that are made at random."""
_POD: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "namespace": "d", "labels": {"app": "x"}},
    "spec": {
        "containers": [
            {
                "name": "web",
                "image": "i",
                "ports": [{"containerPort": 80}],
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "args": ["x"],
            },
            {"name": "side", "image": "j"},
        ],
        "tolerations": [{"key": "k"}],
        "nodeSelector": {"a": "b"},
        "volumes": [{"name": "v", "emptyDir": {}}],
        "imagePullSecrets": [{"name": "s"}],
    },
}
_EXPRESSIONS: Final = Path(__file__).parents[1] / "apiserver" / "mutations.txt"
"""Apply configurations and JSON patches, one a line, good ones and others."""


def mutation_cases() -> list[dict[str, Any]]:
    """Cases for the program, each a policy with one mutation, and an object."""
    expressions = _EXPRESSIONS.read_text(encoding="utf-8").splitlines()
    pairs = [*((one, _POD) for one in expressions), *_merges(random.Random(7))]  # noqa: S311 - nothing is secret
    return [
        {
            "mutating": {"metadata": {"name": "p"}, "spec": {"mutations": [_mutation(expression)]}},
            "object": data,
            "resource": "pods",
            "namespace": {"metadata": {"name": "d"}},
        }
        for expression, data in pairs
    ]


def _merges(chance: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Lists of containers and of variables, merged in all kinds of orders."""
    for _ in range(GENERATED):
        names = [chance.sample("abcdef", chance.randint(least, 5)) for least in (0, 1)]
        there = [{"name": name, "image": "i", "env": _variables(chance)} for name in names[0]]
        if there and chance.random() < 0.1:
            there.append(dict(there[0]))
        given = ", ".join(
            f'Object.spec.containers{{name: "{name}", image: "j", env: ['
            + ", ".join(
                f'Object.spec.containers.env{{name: "{one["name"]}", value: "new"}}'
                for one in _variables(chance)
            )
            + "]}"
            for name in names[1]
        )
        data = {**_POD, "spec": {"containers": there}}
        yield f"Object{{spec: Object.spec{{containers: [{given}]}}}}", data


def _variables(chance: random.Random) -> list[dict[str, str]]:
    return [{"name": name, "value": "old"} for name in chance.sample("XYZ", chance.randint(1, 3))]


def _mutation(expression: str) -> dict[str, Any]:
    if "JSONPatch" in expression or expression.startswith("["):
        return {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}


def made_by_us(case: dict[str, Any]) -> Any:
    """The object as kscan makes it; `refused` for a policy, and `error` for a mutation that fails."""
    policy = policy_of("p", case["mutating"])
    if policy.broken:
        return "refused"
    data = case["object"]
    values = {"object": cel.view(data).value, "oldObject": None, "params": None}
    (mutation,) = policy.mutations
    assert mutation.question.made is not None
    value = cel.evaluate(mutation.question.made, cel.bind(POLICIES, values))
    if isinstance(value, cel.Failed):
        return "error"
    try:
        return applied_to(data, value, mutation)
    except PatchRefusedError:
        return "error"


def made_by_them(program: str, cases: list[dict[str, Any]]) -> list[Any]:
    """The same of the API server's code."""
    lines = "\n".join(map(json.dumps, cases))
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    return [_made(json.loads(line)) for line in done.stdout.splitlines()]


def _made(answer: dict[str, Any]) -> Any:
    if answer.get("refused"):
        return "refused"
    return "error" if answer.get("errors") else answer["object"]


if __name__ == "__main__":
    found = made_by_them(sys.argv[1], mutation_cases())
    MUTATED.write_text("[\n" + ",\n".join(json.dumps(one) for one in found) + "\n]\n", encoding="utf-8")
