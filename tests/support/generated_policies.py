"""Admission policies made at random, with objects to ask about: the same for the same number, wherever they are made.

Expressions are grown from what policies are made of: fields that are there, absent or of another type, lists and maps,
macros, optional values, variables, and the libraries of Kubernetes. Many fail on their objects, which is the point.
"""

from __future__ import annotations

import random
from typing import Any

WORDS = ["", "a", "web", "shop/web:1.0", "registry.example.com/a", "10.0.0.1", "1Gi", "500m", "x.y", "A b"]
NUMBERS = ["0", "1", "2", "-1", "9", "1.5"]
FIELDS = ["replicas", "paused", "containers", "labels", "missing", "image", "name", "tags", "ports", "limits"]
MAX_DEPTH = 4


def generated(count: int, *, seed: int = 18) -> list[dict[str, Any]]:
    """Cases: a policy, an object, what it was before or nothing, and params or nothing."""
    return [_Case(random.Random(f"{seed}-{number}")).made(number) for number in range(count)]  # noqa: S311


class _Case:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.variables: list[str] = []
        self.scope: list[str] = []

    def one(self, values: Any) -> Any:
        return self.chance.choice(values)

    def is_rare(self, most: int = 4) -> bool:
        return self.chance.randrange(most) == 0

    def made(self, number: int) -> dict[str, Any]:
        update = self.is_rare(5)
        params = self.is_rare(3)
        self.roots = ["object", "object", "object"] + ["oldObject"] * update + ["params"] * params
        variables = []
        for name in ("first", "second")[: self.chance.randrange(3)]:
            variables.append({"name": name, "expression": self.value(2)})
            self.variables.append(name)
        conditions = [{"name": "c", "expression": self.truth(2)}] if self.is_rare(5) else []
        validations = [self.validation() for _ in range(self.chance.randrange(1, 4))]
        spec: dict[str, Any] = {
            "failurePolicy": self.one(["Fail", "Fail", "Ignore"]),
            "matchConstraints": {"resourceRules": [self.rule()]},
            "variables": variables,
            "matchConditions": conditions,
            "validations": validations,
        }
        if params:
            spec["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
        about = spec["matchConstraints"]
        if self.is_rare(8):
            about["objectSelector"] = {"matchLabels": {"app": self.one(["web", "db"])}}
        return {
            "policy": {"metadata": {"name": f"p{number}"}, "spec": {k: v for k, v in spec.items() if v}},
            "object": self.object(),
            "oldObject": self.object() if update else None,
            "params": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "limits", "namespace": "shop"},
                       "data": {"replicas": "2", "name": "web"}} if params else None,
        }  # fmt: skip

    def rule(self) -> dict[str, Any]:
        return {
            "apiGroups": self.one([["apps"], ["*"], ["apps", "batch"]]),
            "apiVersions": self.one([["v1"], ["*"]]),
            "operations": self.one([["CREATE", "UPDATE"], ["*"], ["CREATE", "UPDATE"]]),
            "resources": self.one([["deployments"], ["*"], ["deployments", "pods"]]),
        }

    def object(self) -> dict[str, Any]:
        spec: dict[str, Any] = {}
        if not self.is_rare():
            spec["replicas"] = self.one([0, 1, 2, 9])
        if self.is_rare(2):
            spec["paused"] = self.one([True, False])
        spec["containers"] = [self.container() for _ in range(self.chance.randrange(4))]
        metadata: dict[str, Any] = {"name": "web", "namespace": "shop"}
        if not self.is_rare():
            metadata["labels"] = {
                key: self.one(WORDS) for key in ("app", "tier", "x.y")[: self.chance.randrange(4)]
            }
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}

    def container(self) -> dict[str, Any]:
        made: dict[str, Any] = {"name": self.one(["a", "web", "init"]), "image": self.one(WORDS)}
        if self.is_rare(2):
            made["ports"] = [self.one([80, 443, 8080]) for _ in range(self.chance.randrange(3))]
        if self.is_rare(2):
            made["limits"] = {"memory": self.one(["1Gi", "512Mi", "x"]), "cpu": self.one(["1", "500m"])}
        return made

    def validation(self) -> dict[str, str]:
        made = {"expression": self.truth(MAX_DEPTH)}
        if self.is_rare():
            made["messageExpression"] = self.text(2)
        if self.is_rare():
            made["message"] = "a message"
        return made

    def path(self) -> str:
        """A way to something that may be there."""
        if self.scope and self.is_rare(2):
            return self.scope[-1]
        root = self.one(self.roots)
        ways = [".spec.replicas", ".spec.containers", ".metadata.labels", ".metadata.name", ".spec.paused",
                ".spec.missing", ".metadata.labels['app']", ".spec.containers[0].image", ".data.replicas",
                ".spec.?replicas.orValue(1)", ".?metadata.?labels[?'tier'].orValue('')",
                ".spec.?containers[?1].?name.orValue('none')"]  # fmt: skip
        if self.variables and self.is_rare():
            return f"variables.{self.one(self.variables)}"
        return root + self.one(ways)

    def truth(self, depth: int) -> str:
        if depth <= 0:
            return self.one([f"has({self.one(self.roots)}.spec.{self.one(FIELDS)})", "true", f"{self.path()} == null",
                             f"{self.path()} == {self.value(0)}"])  # fmt: skip
        less = depth - 1
        return self.one([
            lambda: f"{self.truth(less)} && {self.truth(less)}",
            lambda: f"({self.truth(less)} || {self.truth(less)})",
            lambda: f"!({self.truth(less)})",
            lambda: f"({self.truth(less)} ? {self.truth(less)} : {self.truth(less)})",
            lambda: f"{self.number(less)} {self.one(['<', '<=', '>', '>=', '==', '!='])} {self.number(less)}",
            lambda: f"{self.text(less)}.{self.one(['startsWith', 'endsWith', 'contains'])}({self.text(0)})",
            lambda: f"{self.text(less)}.matches('{self.one(['^[a-z]+$', 'a|b', '[0-9]', ''])}')",
            lambda: f"{self.text(less)} in {self.listed(less)}",
            lambda: self.each(less),
            lambda: f"sets.{self.one(['contains', 'intersects', 'equivalent'])}({self.texts()}, {self.texts()})",
            lambda: f"isQuantity({self.text(0)}) && quantity({self.text(0)}).isLessThan(quantity('1Gi'))",
            lambda: f"isIP({self.text(0)}) || isURL({self.text(0)})",
            lambda: f"request.{self.one(['operation', 'name', 'namespace'])} == {self.text(0)}",
            lambda: f"{self.texts()}.isSorted()",
            lambda: f"type({self.path()}) == {self.one(['string', 'int', 'list', 'map', 'bool'])}",
        ])()  # fmt: skip

    def each(self, depth: int) -> str:
        items = self.one(["object.spec.containers", "object.?spec.?containers.orValue([])", self.texts(),
                          "object.metadata.labels", "object.?metadata.?labels.orValue({})"])  # fmt: skip
        name = f"v{len(self.scope)}"
        self.scope.append(self.one([name, f"{name}.name", f"{name}.?image.orValue('')", f"string({name})"]))
        inner = self.truth(depth)
        self.scope.pop()
        return f"{items}.{self.one(['all', 'exists', 'exists_one'])}({name}, {inner})"

    def number(self, depth: int) -> str:
        if depth <= 0:
            return self.one([self.one(NUMBERS), self.path(), "size(object.spec.containers)"])
        less = depth - 1
        return self.one([
            lambda: f"({self.number(less)} {self.one(['+', '-', '*', '/', '%'])} {self.number(less)})",
            lambda: f"size({self.listed(less)})",
            lambda: f"int({self.text(less)})",
            lambda: f"{self.text(less)}.size()",
            lambda: self.number(0),
        ])()  # fmt: skip

    def text(self, depth: int) -> str:
        if depth <= 0:
            return self.one([repr(self.one(WORDS)), self.path()])
        less = depth - 1
        return self.one([
            lambda: f"({self.text(less)} + {self.text(less)})",
            lambda: f"string({self.value(less)})",
            lambda: f"{self.text(less)}.{self.one(['lowerAscii', 'upperAscii', 'trim'])}()",
            lambda: f"{self.text(less)}.replace('a', 'b')",
            lambda: f"{self.text(less)}.substring({self.one(['0', '1', '5'])})",
            lambda: f"{self.texts()}.join(',')",
            lambda: f"{self.text(less)}.find('[a-z]+')",
            lambda: f"{self.text(less)}.split('.')[0]",
            lambda: f"'%s is %s'.format([{self.text(0)}, {self.number(0)}])",
            lambda: self.text(0),
        ])()  # fmt: skip

    def listed(self, depth: int) -> str:
        return self.one([
            self.texts(),
            "object.spec.containers.map(c, c.name)",
            f"object.spec.containers.filter(c, c.name == {self.text(0)}).map(c, c.image)",
            self.path(),
            f"{self.texts()} + {self.texts()}",
        ])  # fmt: skip

    def texts(self) -> str:
        return "[" + ", ".join(repr(self.one(WORDS)) for _ in range(self.chance.randrange(1, 4))) + "]"

    def value(self, depth: int) -> str:
        return self.one([self.text, self.number, self.truth, lambda _: self.path()])(
            max(depth, 0) if depth else 0
        )
