"""Folders of controls in the layout of Kubescape's control library."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kscan_lsp.kubescape.files import LibraryFiles, RuleFiles
from kscan_lsp.kubescape.reading import with_library
from kscan_lsp.policy.model import PolicySet
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from pathlib import Path

DEPLOYMENTS = [{"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["Deployment"]}]
OWNER = """package armo_builtins

deny[alert] {
  wl := input[_]
  not wl.metadata.labels.owner
  alert := {
    "alertMessage": sprintf("'%v' has no owner", [wl.metadata.name]),
    "failedPaths": [],
    "fixPaths": [{"path": "metadata.labels.owner", "value": "YOUR_VALUE"}],
    "alertObject": {"k8sApiObjects": [wl]},
  }
}
"""
TWICE = """package armo_builtins
import rego.v1

deny contains alert if {
  wl := input[_]
  others := [other | other = input[_]; other.metadata.name == wl.metadata.name]
  count(others) > 1
  alert := {"alertMessage": "twice", "failedPaths": ["spec.replicas"], "alertObject": {"k8sApiObjects": [wl]}}
}
"""


def metadata(name: str, match: Any = DEPLOYMENTS, **fields: Any) -> dict[str, Any]:
    """What is in `rule.metadata.json`."""
    return {"name": name, "ruleLanguage": "Rego", "match": match, "ruleDependencies": [], **fields}


def control(id_: str, *rules: str, **fields: Any) -> dict[str, Any]:
    """What is in the file of a control."""
    made = {"controlID": id_, "name": f"About {id_}", "description": "d", "remediation": "r", "baseScore": 7}
    return {**made, "rulesNames": [*rules], **fields}


def framework(name: str, *ids: str, **fields: Any) -> dict[str, Any]:
    """What is in the file of a framework."""
    return {"name": name, "description": "", "activeControls": [{"controlID": id_} for id_ in ids], **fields}


def library(
    rules: dict[str, tuple[dict[str, Any], str | None]],
    controls: list[Any],
    frameworks: list[Any] | None = None,
    *,
    inputs: Any = None,
    base: PolicySet | None = None,
    counted: str | None = None,
) -> PolicySet:
    """What is read of a folder; each rule by its name with its file and its Rego, all with one filter."""
    return with_library(
        base or PolicySet(),
        LibraryFiles(
            tuple((f"controls/{n}.json", _document(one)) for n, one in enumerate(controls)),
            tuple((f"frameworks/{n}.json", _document(one)) for n, one in enumerate(frameworks or [])),
            tuple(
                RuleFiles(f"rules/{name}/x", _document(data), raw, counted)
                for name, (data, raw) in rules.items()
            ),
            None if inputs is None else ("inputs.json", _document(inputs)),
        ),
    )


def _document(value: Any) -> Any:
    return read_document(value if isinstance(value, str) else json.dumps(value), json=True)


def written(
    folder: Path, rules: dict[str, tuple[dict[str, Any], str]], controls: list[Any], **others: Any
) -> None:
    """The same as a folder on disk; `others` are the texts of further files, by names with `__` for `/`."""
    for name, (data, raw) in rules.items():
        there = folder / "rules" / name
        there.mkdir(parents=True)
        (there / "rule.metadata.json").write_text(json.dumps(data), encoding="utf-8")
        (there / "raw.rego").write_text(raw, encoding="utf-8")
    (folder / "controls").mkdir(parents=True, exist_ok=True)
    for one in controls:
        (folder / "controls" / f"{one['controlID']}.json").write_text(json.dumps(one), encoding="utf-8")
    for name, data in others.items():
        path = folder / f"{name.replace('__', '/')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data), encoding="utf-8")
