"""Generated pages: JSON schemas and the list of controls, made from what the program itself uses.

`python -m kscan_lsp.devtools.docgen docs` writes them; a test fails when the ones in the repository are not what
this makes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from kscan_lsp import cel, paths
from kscan_lsp.admission.exporting import exported
from kscan_lsp.admission.translating import RefusedError
from kscan_lsp.devtools import cel_reference
from kscan_lsp.graph.relations import NAMES as RELATIONS
from kscan_lsp.graph.relations import OF_A_KIND
from kscan_lsp.kubernetes.builtin_roles import VERSION as BUILTIN_VERSION
from kscan_lsp.kubernetes.pod_shapes import SHAPES
from kscan_lsp.kubernetes.pod_templates import TABLE
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.policy.explain import standards
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.policy.schema import ControlFile, FrameworkFile
from kscan_lsp.settings.exceptions import ExceptionsFile
from kscan_lsp.settings.json_schema import schema_of
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import PROGRAMS, STORED, builtin_texts, complete_policies, digest_of

if TYPE_CHECKING:
    from kscan_lsp.policy.model import Control, PolicySet
    from kscan_lsp.settings.shape import Model

_SCHEMAS: Final[dict[str, tuple[type[Model], str]]] = {
    "schemas/settings.schema.json": (Settings, "kscan settings (.kscan.yaml)"),
    "schemas/exceptions.schema.json": (ExceptionsFile, "kscan exceptions (.kscan/exceptions.yaml)"),
    "schemas/control.schema.json": (ControlFile, "kscan control"),
    "schemas/framework.schema.json": (FrameworkFile, "kscan framework"),
}


def pages(policies: PolicySet) -> dict[str, str]:
    """Every generated page: its path below the documentation's folder, and its text."""
    schemas = {path: _schema(model, title) for path, (model, title) in _SCHEMAS.items()}
    return {
        **schemas,
        "controls.md": _controls_page(policies),
        "safe-fixes.md": _safe_fixes_page(policies),
        "relations.md": _relations_page(),
        "cel.md": cel_reference.page(),
        "kinds.md": _kinds_page(),
        "exported.md": _exported_page(policies),
    }


def _schema(model: type[Model], title: str) -> str:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema_of(model),
        "title": title,
    }
    return json.dumps(schema, indent=2) + "\n"


def _controls_page(policies: PolicySet) -> str:
    lines = [
        "# Controls",
        "",
        "Every control, what it is worth and what it can do. `kscan explain ID` says the same in a terminal.",
        "",
        "| control | title | severity | fix | inputs | frameworks |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for control in policies.controls.values():
        inputs = ", ".join(f"`{name}`" for name in control.inputs)
        ids = ", ".join(f.id for f in policies.frameworks.values() if control.id in f.members)
        lines.append(
            f"| [{control.id}](#{control.id.lower()}) | {control.title} | {control.severity.label} | "
            f"{'never evaluated' if control.needs else _fix_kind(control)} | {inputs} | {ids} |"
        )
    for control in policies.controls.values():
        lines += [
            "",
            f"## {control.id}",
            "",
            f"**{control.title}** · {control.severity.label} ({control.score:g})",
            "",
        ]
        lines += [control.description, ""]
        if control.needs:
            lines += [f"**Never evaluated:** {control.unanswered}.", ""]
        lines.append(f"**How to fix:** {control.remediation}")
        if sections := standards(control.id, policies):
            lines += ["", "**Standards:** " + "; ".join(sections)]
        lines += ["", *(f"- <{reference}>" for reference in control.references)]
    return "\n".join(lines) + "\n"


def _fix_kind(control: Control) -> str:
    """What the table of controls says of its fix: whether it is safe, and whether there is something to choose."""
    fixes = [check.fix for check in control.checks if check.fix]
    if not fixes:
        return ""
    if any(operation.verb == "choose" for fix in fixes for operation in fix.operations):
        return "choice" if not any(fix.safe for fix in fixes) else "choice, some safe"
    if all(fix.safe for fix in fixes):
        return "safe"
    return "some safe" if any(fix.safe for fix in fixes) else "review"


def _relations_page() -> str:
    lines = [
        "# Relations",
        "",
        "What a control can ask for beyond the object it judges. In a check, `relations: {policies: networkPolicies}`",
        "makes `policies` a list of entries `{object, ref, via}`: the other object, a reference to it with `kind`,",
        "`namespace` and `name`, and, for a chain such as `roleBindings.roles`, the references of what was passed on",
        "the way. `related` is a list of such references, or of `{ref, path, message}`: other places to show with the",
        "finding. A relation leads nowhere from an object it makes no sense for. An object without a namespace is in",
        "`default`.",
        "",
        "The roles that every cluster has (cluster-admin, admin, edit, view, and those whose names begin with",
        f"`system:`) count as if they were declared, as Kubernetes {BUILTIN_VERSION} has them. Their references say",
        "`builtin: true`; they stand in no file, so `related` passes over them. A file that declares one of them has",
        "the last word.",
        "",
        "| relation | leads to |",
        "| --- | --- |",
        *(f"| `{name}` | {meaning} |" for name, meaning in (RELATIONS | OF_A_KIND).items()),
    ]
    return "\n".join(lines) + "\n"


def _kinds_page() -> str:
    lines = [
        "# Kinds that run pods",
        "",
        "Controls on workloads look at the pods of these kinds. A path with `[*]` is one for each item: every template",
        "of a Workflow, every replica type of a PyTorchJob is judged on its own. `podSpecPaths` in the",
        "[settings](settings.md#podspecpaths) adds kinds, and wins over this table.",
        "",
        "- **partial**: an operator makes the pod, and the manifest says what shall be different; or fields of the pod",
        "  are given when it is run. Only what is written counts there: a privileged container is found, a missing",
        "  limit is not, because it may be set elsewhere.",
        "- **no probes**: its pods end by themselves, or its controller probes them.",
        "- A template that is absent is no failure: a Rollout with `workloadRef` has the pods of its Deployment, which",
        "  is judged where it is declared. What a run says of the pods of another object (a TaskRun's `podTemplate`, a",
        "  Workflow with `workflowTemplateRef`) is judged in the run.",
        "- Where a kind has its containers elsewhere than a pod has them, the last column says so. An image that is a",
        "  parameter (`$(params.image)`, `{{inputs.parameters.image}}`) is not judged.",
        "- Argo's `podSpecPatch` is merged into the pod, and what it does is shown at its key. One that is a parameter",
        "  as a whole, cannot be read, or has directives such as `$patch` leaves every control of pods that found",
        "  nothing *not evaluated*, which is exit status 3.",
        "",
        "The objects of an OpenShift `Template` are judged one by one like the items of a `List`, with the values that",
        "its parameters have by default. The Template is an object, too: a parameter whose value is a credential is",
        "reported there (C-0259, KS-0017), and not where it is used. To controls, each entry of its `parameters` also",
        "has `usedAs`, the names of variables, of entries and of options whose whole value it is, and",
        "`usedInSecrets`, those in Secrets.",
        "",
        "Kinds whose pods an operator makes of fields that are no pod's, such as KubeVirt's VirtualMachine and",
        "CloudNativePG's Cluster, are not here. Every report lists them as kinds that were not judged.",
        "",
        "| kind | API group | where its pods are | |",
        "| --- | --- | --- | --- |",
    ]
    for row in TABLE:
        first = row.places[0]
        where = ", ".join(f"`{paths.show(place.pattern) or '(the object itself)'}`" for place in row.places)
        notes = [
            *(["partial"] if first.partial else []),
            *(["no probes"] if "livenessProbe" in first.unneeded else []),
            *(["no readiness probe"] if first.unneeded == ("readinessProbe",) else []),
            *([SHAPES[first.shape].about] if first.shape else []),
        ]
        groups = ", ".join(group or "core" for group in row.groups)
        lines.append(f"| {', '.join(row.kinds)} | {groups} | {where} | {'; '.join(notes)} |")
    return "\n".join(lines) + "\n"


def _exported_page(policies: PolicySet) -> str:
    rules, _ = choose(policies, Settings())
    written: list[Control] = []
    refused: dict[str, list[str]] = {}
    for control in policies.controls.values():
        try:
            exported(control, rules)
        except RefusedError as error:
            refused.setdefault(str(error), []).append(control.id)
        else:
            written.append(control)
    many = f"{len(written)} of {len(policies.controls)} controls"
    lines = [
        "# Controls as admission policies",
        "",
        f"`kscan policy export --vap` writes {many} for a cluster ([admission.md](admission.md#controls-as-policies)):",
        "",
        *(f"* {control.id} {control.title}" for control in written),
        "",
        "The others cannot be said as a policy:",
        "",
        "| why | controls |",
        "| --- | --- |",
        *(f"| {why} | {', '.join(ids)} |" for why, ids in sorted(refused.items())),
    ]
    return "\n".join(lines) + "\n"


def _safe_fixes_page(policies: PolicySet) -> str:
    lines = [
        "# Safe fixes",
        "",
        "A fix is safe when a workload that runs today still starts and does the same. `kscan fix --write` and the",
        'editor\'s "fix all safe problems" make these and no others:',
        "",
    ]
    for control in policies.controls.values():
        titles = dict.fromkeys(check.fix.title for check in control.checks if check.fix and check.fix.safe)
        lines += [
            f"- [{control.id}](controls.md#{control.id.lower()}) {control.title}: {title}" for title in titles
        ]
    return "\n".join(lines) + "\n"


def stored_policies(policies: PolicySet) -> str:
    """The built-in policies as `policies.STORED` has them, a control or framework a line."""
    controls, frameworks = (
        ",\n".join(json.dumps(_without_doubt(msgspec.to_builtins(entry)), ensure_ascii=False, separators=(",", ":"))
                   for entry in known.values())
        for known in (policies.controls, policies.frameworks)
    )  # fmt: skip
    return f'{{"of":"{digest_of(builtin_texts())}",\n"controls":[\n{controls}\n],\n"frameworks":[\n{frameworks}\n]}}\n'


def programs_of(policies: PolicySet) -> bytes:
    """What CEL made of the expressions of the built-in policies, as `policies.PROGRAMS` has it."""
    checks = [check for control in policies.controls.values() for check in control.checks]
    made = cel.serialized(CONTROLS, (expression for check in checks for expression in check.expressions()))
    return msgspec.msgpack.encode(dict(sorted(made.items())))


def _without_doubt(value: Any) -> Any:
    """Plain data without `Expression.reckoned`: what built-in controls cost is measured (benchmarks/growth.py)."""
    if isinstance(value, dict):
        return {key: _without_doubt(item) for key, item in value.items() if key != "reckoned"}
    return [_without_doubt(item) for item in value] if isinstance(value, list | tuple) else value


def main(folder: str) -> None:
    """Write every page below a folder, and the built-in policies into the package."""
    policies = complete_policies()
    STORED.write_text(stored_policies(policies), encoding="utf-8", newline="\n")
    PROGRAMS.write_bytes(programs_of(policies))
    for name, text in pages(policies).items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1])
