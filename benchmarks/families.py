"""Texts that grow: one family for every relation, for every limit of a reader, and for every kind of repair.

A family is a function from a number to a text of about so many parts, each as small as its kind allows, so that what
grows with the parts shows and not what one of them costs.
"""

from __future__ import annotations

import json

from relation_families import (
    BINDING,
    HEAD,
    INGRESS,
    ONE_ROLE,
    POD,
    POD_SPEC,
    POLICY,
    RELATIONS,
    ROLE,
    TO_ONE_ROLE,
    Family,
    documents,
    many,
    pod,
    rows,
)


def _list(n: int, item: str) -> str:
    items = (item.replace("NN", str(number)).splitlines(keepends=True) for number in range(n))
    lines = (("- " if i == 0 else "  ") + line for one in items for i, line in enumerate(one))
    return "apiVersion: v1\nkind: List\nitems:\n" + "".join(lines)


def _json_pods(n: int) -> list[object]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"pod-{number}", "labels": {"app": "shop"}},
            "spec": {"containers": [{"name": "main", "image": "registry.example.com/shop:1.0"}]},
        }
        for number in range(n)
    ]


def _nested(n: int) -> str:
    return HEAD + "spec: " + "[" * n + "]" * n + "\n"


_CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n"
_CONTAINER = "  - {name: main-NN, image: registry.example.com/shop:1.0}\n"
_ENV = "    - {name: DB_PASSWORD_NN, value: hunter2hunter2}\n"

LARGE = (
    Family("documents", 25, lambda n: many(n, POD)),
    Family("documents with the same name", 25, lambda n: many(n, POD.replace("-NN", ""))),
    Family("a List of n pods", 25, lambda n: _list(n, POD)),
    Family("a List of n RoleBindings", 150, lambda n: _list(n, BINDING)),
    Family("a List of n NetworkPolicies", 150, lambda n: _list(n, POLICY)),
    Family("a JSON List of n pods", 25, lambda n: json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": _json_pods(n)}, indent=1), json=True),
    Family("n JSON values", 25, lambda n: "\n".join(map(json.dumps, _json_pods(n))), json=True),
    Family("containers", 40, lambda n: HEAD + "spec:\n  containers:\n" + rows(n, _CONTAINER)),
    Family("env entries", 250, lambda n: pod("    env:\n" + rows(n, _ENV))),
    Family("ports", 250, lambda n: pod("    ports:\n" + rows(n, "    - {containerPort: 22, hostPort: 22}\n"))),
    Family("volumes", 250, lambda n: pod("  volumes:\n" + rows(
        n, "  - {name: v-NN, hostPath: {path: /var/run/docker.sock}}\n"))),
    Family("volume mounts", 250, lambda n: pod("    volumeMounts:\n" + rows(
        n, "    - {name: v-NN, mountPath: /var/run/docker.sock}\n"))),
    Family("arguments", 500, lambda n: pod("    args:\n" + rows(n, "    - --password=hunter2\n"))),
    Family("rules of a Role", 250, lambda n: ROLE + rows(
        n, '- {apiGroups: [""], resources: [secrets], verbs: [get]}\n')),
    Family("subjects of a RoleBinding", 250, lambda n: documents(
        ONE_ROLE, TO_ONE_ROLE + rows(n, "- {kind: ServiceAccount, name: shop-NN}\n"))),
    Family("Ingress rules", 250, lambda n: INGRESS + "  rules:\n" + rows(n, "  - {host: NN.example.com}\n")),
    Family("NetworkPolicy rules", 250, lambda n: POLICY + "  ingress:\n" + rows(
        n, "  - {from: [{ipBlock: {cidr: 0.0.0.0/0}}]}\n")),
    Family("ConfigMap entries", 500, lambda n: _CONFIG + rows(n, "  password-NN: hunter2hunter2\n")),
    Family("labels", 500, lambda n: "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\n  labels:\n" + rows(
        n, "    l-NN: v\n") + POD_SPEC),
    Family("annotations", 600, lambda n: "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\n  annotations:\n"
        + rows(n, "    example.com/a-NN: hunter2\n") + POD_SPEC),
    Family("a long text on one line", 100_000, lambda n: _CONFIG + f"  text: {'word ' * n}\n"),
    Family("a long text in quotes", 60_000, lambda n: _CONFIG + '  text: "' + "a\\tb: c #" * n + '"\n'),
    Family("a long text without a space", 100_000, lambda n: _CONFIG + f"  text: {'aB3' * n}\n"),
    Family("a block scalar of n lines", 20_000, lambda n: _CONFIG + "  text: |\n" + rows(n, "    password: NN\n")),
    Family("one line of flow entries", 1_000, lambda n: HEAD + "spec: {containers: [" + ", ".join(
        [f"{{name: a{i}}}" for i in range(n // 20)]) + "], x: [" + "1, " * n + "]}\n"),
    Family("blank lines", 100_000, lambda n: pod("\n" * n)),
    Family("comments", 50_000, lambda n: pod("# a comment\n" * n)),
    Family("aliases", 1_000, lambda n: _CONFIG + "  first: &a text\n" + rows(n, "  k-NN: *a\n")),
    Family("aliases of a mapping", 500, lambda n: HEAD + "x: &a {name: A, value: b}\n" + POD_SPEC
        + "    env:\n" + "    - *a\n" * n),
    Family("merges", 500, lambda n: _CONFIG + "  first: &a {x: y}\n" + rows(n, "  k-NN: {<<: *a, z: w}\n")),
    Family("merges of merges", 200, lambda n: _CONFIG + "  k-0: &a0 {x0: y}\n" + "".join(
        f"  k-{i}: &a{i} {{<<: *a{i - 1}, z: w}}\n" for i in range(1, n))),
    Family("suppressed lines", 250, lambda n: pod("    env:\n" + rows(
        n, "    - {name: DB_PASSWORD_NN, value: hunter2hunter2} # kscan:ignore C-0012 -- test\n"))),
    Family("suppressions of nothing", 2_000, lambda n: pod("# kscan:ignore C-0012 -- test\n" * n)),
    Family("suppressions of unknown controls", 8_000, lambda n: pod("# kscan:ignore C-9NN9 -- test\n" * n)),
    Family("misspelt suppressions", 2_000, lambda n: pod("# kscan:ignroe C-0012 -- test\n" * n)),
    Family("suppressed pods", 25, lambda n: many(
        n, POD.replace("  labels", "  annotations: {kscan.dev/ignore: C-0016 -- test}\n  labels"))),
)  # fmt: skip

BROKEN = (
    Family("lines indented with tabs", 3_000, lambda n: pod("    env:\n" + "\t\t- name: A\n" * n)),
    Family("lines of a tab only", 3_000, lambda n: HEAD + "\t\n" * n + POD_SPEC),
    Family("tabs here and there", 3_000, lambda n: HEAD + rows(n, "a-NN: b\n\tc-NN: d\n") + POD_SPEC),
    Family("documents with tabs", 25, lambda n: many(n, POD + "\tx: y\n")),
    Family("lines without a colon", 2_000, lambda n: HEAD + "broken\n" * n + POD_SPEC),
    Family("lines that line up with nothing", 2_000, lambda n: pod("   x: y\n" * n)),
    Family("lines with two colons", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: a: b\n")),
    Family("lines below a value", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: a\n    b: c\n")),
    Family("values that begin with a %", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: %a\n")),
    Family("quotes that are never closed", 2_000, lambda n: _CONFIG + rows(n, '  k-NN: "a\n')),
    Family("text behind quotes", 2_000, lambda n: _CONFIG + rows(n, '  k-NN: "a" b\n')),
    Family("unknown escapes", 2_000, lambda n: _CONFIG + rows(n, '  k-NN: "\\q"\n')),
    Family("brackets that are never closed", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: [a\n")),
    Family("brackets closed twice", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: [a]]\n")),
    Family("lists on the line of their key", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: - a\n")),
    Family("block scalars with text behind the mark", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: | a\n")),
    Family("unknown anchors", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: *a\n")),
    Family("bad anchors", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: & a\n")),
    Family("bad tags", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: !<a b\n")),
    Family("forbidden characters", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: a\x01b\n")),
    Family("template language", 2_000, lambda n: _CONFIG + rows(n, "  k-NN: {{ .Values.a }}\n")),
    Family("statements of templates", 2_000, lambda n: HEAD + rows(n, "{{ if .Values.a }}\n") + POD_SPEC),
    Family("duplicate keys", 2_000, lambda n: _CONFIG + "  key: a\n" * n),
    Family("keys that are no text", 2_000, lambda n: _CONFIG + "  [a]: b\n" * n),
    Family("numbers where text should be", 1_000, lambda n: pod("    args: [" + "1, " * n + "1]\n")),
    Family("brackets inside brackets", 5_000, _nested),
    Family("brackets that are only opened", 5_000, lambda n: HEAD + "spec: " + "[" * n + "\n"),
    Family("separators with text behind them", 200, lambda n: "---x\n".join([POD] * n)),
    Family("JSON without commas", 1_000, lambda n: "[\n" + '{"kind": "Pod"}\n' * n + "]\n", json=True),
    Family("JSON with single quotes", 1_000, lambda n: "[\n" + "{'kind': 'Pod'},\n" * n + "1]\n", json=True),
    Family("JSON with a comma too many", 1_000, lambda n: "[\n" + '{"kind": "Pod",},\n' * n + "1]\n", json=True),
)  # fmt: skip

FAMILIES = RELATIONS + LARGE + BROKEN
