"""Generated pages: JSON schemas and the list of controls, made from what the program itself uses.

`python -m kscan_lsp.devtools.docgen docs` writes them; a test fails when the ones in the repository are not what
this makes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from kscan_lsp.graph.relations import NAMES as RELATIONS
from kscan_lsp.kubernetes.builtin_roles import VERSION as BUILTIN_VERSION
from kscan_lsp.policy.explain import standards
from kscan_lsp.policy.schema import ControlFile, FrameworkFile
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import STORED, builtin_digest, complete_policies

if TYPE_CHECKING:
    from pydantic import BaseModel

    from kscan_lsp.policy.model import Control, PolicySet

_SCHEMAS: Final[dict[str, tuple[type[BaseModel], str]]] = {
    "schemas/settings.schema.json": (Settings, "kscan settings (.kscan.yaml)"),
    "schemas/control.schema.json": (ControlFile, "kscan control"),
    "schemas/framework.schema.json": (FrameworkFile, "kscan framework"),
}


def pages(policies: PolicySet) -> dict[str, str]:
    """Every generated page: its path below the documentation's folder, and its text."""
    made = {path: _schema(model, title) for path, (model, title) in _SCHEMAS.items()}
    return {
        **made,
        "controls.md": _controls(policies),
        "safe-fixes.md": _safe_fixes(policies),
        "relations.md": _relations(),
    }


def _schema(model: type[BaseModel], title: str) -> str:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(),
        "title": title,
    }
    return json.dumps(schema, indent=2) + "\n"


def _controls(policies: PolicySet) -> str:
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
            f"{'never evaluated' if control.needs else _fix(control)} | {inputs} | {ids} |"
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
        if named := standards(control.id, policies):
            lines += ["", "**Standards:** " + "; ".join(named)]
        lines += ["", *(f"- <{reference}>" for reference in control.references)]
    return "\n".join(lines) + "\n"


def _fix(control: Control) -> str:
    fixes = [check.fix for check in control.checks if check.fix]
    if not fixes:
        return ""
    if any(operation.verb == "choose" for fix in fixes for operation in fix.operations):
        return "choice" if not any(fix.safe for fix in fixes) else "choice, some safe"
    if all(fix.safe for fix in fixes):
        return "safe"
    return "some safe" if any(fix.safe for fix in fixes) else "review"


def _relations() -> str:
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
        *(f"| `{name}` | {meaning} |" for name, meaning in RELATIONS.items()),
    ]
    return "\n".join(lines) + "\n"


def _safe_fixes(policies: PolicySet) -> str:
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


def stored(policies: PolicySet) -> str:
    """The built-in policies as `configuration.STORED` has them, a control or framework a line."""
    controls, frameworks = (
        ",\n".join(msgspec.json.encode(entry).decode() for entry in known.values())
        for known in (policies.controls, policies.frameworks)
    )
    return f'{{"of":"{builtin_digest()}",\n"controls":[\n{controls}\n],\n"frameworks":[\n{frameworks}\n]}}\n'


def main(folder: str) -> None:
    """Write every page below a folder, and the built-in policies into the package."""
    policies = complete_policies()
    STORED.write_text(stored(policies), encoding="utf-8", newline="\n")
    for name, text in pages(policies).items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1])
