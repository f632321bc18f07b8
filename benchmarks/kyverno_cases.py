"""Compare what kscan says by Kyverno's policies with what their own test cases expect.

    python benchmarks/kyverno_cases.py FOLDER [--all]

FOLDER is a checkout of Kyverno's policy library, or of any other repository with cases for `kyverno test`: every
`kyverno-test.yaml` below it is read, with the policies, resources, values and exceptions that it names. Each expected
result of a rule that validates is compared. What is not judged, by design, is counted by its reason; differences are
listed, and `--all` lists the cases that were not judged, too.
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from agreement import arguments

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy.admission import kyverno_id
from kscan_lsp.policy.model import PolicySet
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from pathlib import Path

CASE = "kyverno-test.yaml"
NOT_JUDGED = ("manifests", "assert")


class Result(NamedTuple):
    """What a case expects of a rule and a resource, and what is said; `why` is set where it is not judged."""

    case: str
    policy: str
    rule: str
    resource: str
    expected: str
    said: str
    why: str = ""


def documents(path: Path) -> list[Any]:
    """The values of the documents of a file."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return []
    return [read_document(part).data for part in split(text)]


def text_of(path: Path) -> str:
    """The text of a file; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def files_of(folder: Path, names: object) -> list[Path]:
    """The files that a list of a case names, folders with all that they have."""
    found: list[Path] = []
    for name in names if isinstance(names, list) else []:
        path = folder / str(name)
        found += sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    return found


class Case:
    """One case: its files as a workspace, and what it expects."""

    def __init__(self, path: Path, root: Path) -> None:
        self.name = str(path.parent.relative_to(root))
        self.data = next((one for one in documents(path) if isinstance(one, dict)), {})
        folder = path.parent
        self.policies = {}
        texts: list[tuple[str, str]] = []
        for number, file in enumerate(files_of(folder, self.data.get("policies"))):
            texts.append((f"policies/{number}.yaml", text_of(file)))
            for one in documents(file):
                if isinstance(one, dict) and isinstance(one.get("metadata"), dict):
                    self.policies[str(one["metadata"].get("name"))] = one
        for field in ("resources", "exceptions", "paramResources"):
            for number, file in enumerate(files_of(folder, self.data.get(field))):
                texts.append((f"{field}/{number}.yaml", text_of(file)))
        self.values = self._values(folder)
        spaces = self.values.get("namespaceSelector")
        for number, one in enumerate(spaces if isinstance(spaces, list) else []):
            metadata = {"name": one.get("name"), "labels": one.get("labels")}
            space = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
            texts.append((f"values/{number}.json", msgspec.json.encode(space).decode()))
        ruleset, _ = choose(PolicySet(), Settings())
        ruleset = msgspec.structs.replace(ruleset, policies=builtin_policies())
        project = Project(Evaluator(ruleset, Evidence(date(2026, 1, 1))))
        self.project = project.with_files([(name, text, False) for name, text in texts])
        self.who = bool(self.data.get("userinfo"))

    def _values(self, folder: Path) -> dict[str, Any]:
        found = self.data.get("values")
        if isinstance(found, dict):
            return found
        name = self.data.get("variables")
        read = documents(folder / name) if isinstance(name, str) else []
        return next((one for one in read if isinstance(one, dict)), {})

    def given(self, policy: str, resource: str) -> dict[str, Any]:
        """The values of variables that the case gives for a policy and a resource."""
        found: dict[str, Any] = dict(self.values.get("globalValues") or {})
        for one in self.values.get("policies") or []:
            if one.get("name") != policy:
                continue
            for rule in one.get("rules") or []:
                found |= rule.get("values") or {}
            for entry in one.get("resources") or []:
                if entry.get("name") == resource:
                    found |= entry.get("values") or {}
        return found

    def said(self, control: str, names: list[str], kind: str) -> list[tuple[str, str, str]]:
        """(resource, status, reason) for every object of the case that is meant."""
        found = []
        for name, file in self.project.files.items():
            if not name.startswith("resources/"):
                continue
            for verdicts in [verdicts for part in file.parts for verdicts in part.verdicts]:
                who = verdicts.resource.id
                if (kind and who.kind != kind) or not (
                    not names or who.name in names or f"{who.namespace or 'default'}/{who.name}" in names
                ):
                    continue
                reasons = [one.reason for one in verdicts.unevaluated if one.control == control]
                if control in verdicts.failed:
                    status = "fail"
                elif reasons:
                    status = "unknown"
                else:
                    status = "pass" if control in verdicts.passed else "skip"
                found.append((f"{who.kind}/{who.name}", status, reasons[0] if reasons else ""))
        return found

    def results(self) -> list[Result]:
        """What comes of every result that the case expects."""
        found = []
        for entry in self.data.get("results") or []:
            policy = str(entry.get("policy", "")).rpartition("/")[2]
            rule = str(entry.get("rule", ""))
            names = [str(one) for one in entry.get("resources") or [entry.get("resource")] if one]
            expected = str(entry.get("result", ""))
            why = self.why_not(policy, rule, entry)
            declared = self.policies.get(policy, {})
            cel = declared.get("kind") in {"ValidatingPolicy", "NamespacedValidatingPolicy"}
            control = kyverno_id(policy, "" if cel else rule)
            if why:
                found += [Result(self.name, policy, rule, name, expected, "", why) for name in names or [""]]
                continue
            kind = str(entry.get("kind") or "")
            for name, status, reason in self.said(control, names, kind):
                because = f"unknown: {reason}" if status == "unknown" else self.why_other(policy, name)
                found.append(Result(self.name, policy, rule, name, expected, status, because))
        return found

    def why_not(self, policy: str, rule: str, entry: dict[str, Any]) -> str:
        """Why a result is not compared at all."""
        declared = self.policies.get(policy)
        if declared is None:
            return "the policy is in no file of the case"
        kind = str(declared.get("kind"))
        if kind in {"ValidatingPolicy", "NamespacedValidatingPolicy"}:
            return ""
        if kind not in {"ClusterPolicy", "Policy"}:
            return f"a {kind}"
        rules = (declared.get("spec") or {}).get("rules") or []
        known = next((one for one in rules if one.get("name") == rule), None)
        if known is None:
            return "the rule is in no file of the case"
        if not isinstance(known.get("validate"), dict):
            return "a rule that " + "/".join(sorted({"mutate", "generate", "verifyImages"} & known.keys()))
        unsupported = [field for field in NOT_JUDGED if field in known["validate"]]
        return unsupported[0] if unsupported else ""

    def why_other(self, policy: str, resource: str) -> str:
        """Why a result cannot be the same: the case gives what no file has."""
        given = self.given(policy, resource.partition("/")[2])
        operation = given.pop("request.operation", "CREATE")
        if operation not in {"CREATE", ""}:
            return f"the case is about {operation}"
        return "the case gives values of variables" if given else ""


def main() -> int:
    """Run all cases and print what comes of them."""
    options = arguments(__doc__, "folder")
    paths = sorted(options.folder.rglob(CASE))
    agreed: list[Result] = []
    differ: list[Result] = []
    without: list[Result] = []
    for path in paths:
        for one in Case(path, options.folder).results():
            same = one.said == one.expected or (one.said, one.expected) in {
                ("fail", "error"),
                ("skip", "pass"),
            }
            if one.said and same:
                agreed.append(one)
            elif one.why:
                without.append(one)
            else:
                differ.append(one)
    compared = len(agreed) + len(differ)
    print(f"{len(paths)} cases; {compared} verdicts compared, {len(agreed)} agree "
          f"({100 * len(agreed) / max(compared, 1):.2f} %)")  # fmt: skip
    for one in differ:
        print(f"differs: {one.case}: {one.policy}/{one.rule} {one.resource}: "
              f"expected {one.expected}, said {one.said}")  # fmt: skip
    for why, count in Counter(one.why for one in without).most_common():
        print(f"not compared, {count}: {why}")
    for one in without if options.all else []:
        print(f"not compared: {one.case}: {one.policy}/{one.rule} {one.resource}: {one.why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
