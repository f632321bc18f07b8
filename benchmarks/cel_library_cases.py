"""Compare what kscan says by the policies of a library in CEL with what their own test cases expect.

    python benchmarks/cel_library_cases.py FOLDER [--all]

FOLDER is a checkout of kubescape/cel-admission-library: of each `controls/*/tests.json` the object is made that a case
describes, a template of `test-resources` with some fields changed, and the policy bound as its own script binds it,
with the params that the case names. Expected is that the policy objects to the object (`fail`, `warn`) or does not
(`pass`). Differences are listed; what is not evaluated is counted by its reason, which `--all` lists case by case.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

from agreement import Outcome, arguments, print_outcomes

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy.admission import control_id
from kscan_lsp.policy.model import PolicySet
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from pathlib import Path

BINDING, PARAMS = "policy-binding.yaml", "default-control-configuration.yaml"


def value_of(path: Path) -> Any:
    """The first document of a file."""
    return read_document(split(path.read_text(encoding="utf-8"))[0]).data


def changed(value: Any, changes: list[str]) -> Any:
    """A value with some fields changed: `spec.containers.[0].image=nginx`, where lists grow as they must."""
    for change in changes:
        where, _, text = change.partition("=")
        try:
            new = json.loads(text)
        except ValueError:
            new = text
        keys = [int(key[1:-1]) if key.startswith("[") else key for key in where.split(".")]
        place = value
        for number, key in enumerate(keys):
            if isinstance(place, list):
                place += [None] * (int(key) + 1 - len(place))
            if number == len(keys) - 1:
                place[key] = new
            else:
                there = place[key] if isinstance(place, list) else place.get(key)
                if there is None:
                    there = place[key] = [] if isinstance(keys[number + 1], int) else {}
                place = there
    return value


def outcomes(folder: Path, root: Path) -> list[Outcome]:
    """What comes of the cases of one policy."""
    text = (folder / "policy.yaml").read_text(encoding="utf-8")
    name = value_of(folder / "policy.yaml")["metadata"]["name"]
    resources = root / "test-resources"
    ruleset, _ = choose(PolicySet(), Settings())
    found = []
    for number, case in enumerate(json.loads((folder / "tests.json").read_text(encoding="utf-8"))):
        label = f"{folder.name}/{number} {case['name']}"
        made = changed(value_of(resources / case["template"]), case.get("field_change_list") or [])
        binding = value_of(resources / case.get("binding_template", BINDING))
        binding["metadata"]["name"], binding["spec"]["policyName"] = f"{name}-binding", name
        binding["spec"].setdefault("paramRef", {})["name"] = f"{name}-params"
        params = value_of(resources / case.get("param_template", PARAMS))
        params["metadata"]["name"] = f"{name}-params"
        texts = [("policy.yaml", text, False)]
        texts += [
            (f"{what}.json", json.dumps(one), True)
            for what, one in (("binding", binding), ("params", params), ("object", made))
        ]
        project = Project(Evaluator(ruleset, Evidence(date(2026, 1, 1)))).with_files(texts)
        verdicts = project.files["object.json"].parts[0].verdicts[0]
        control = control_id(name)
        why = next((one.reason for one in verdicts.unevaluated if one.control == control), "")
        said = "fail" if control in verdicts.failed else "" if why else "pass"
        expected = "fail" if case["expected"] == "warn" else case["expected"]
        found.append(Outcome(label, expected, said, "" if said else why))
    return found


def main() -> int:
    """Run all cases and print what comes of them."""
    options = arguments(__doc__, "folder")
    folders = sorted(path.parent for path in options.folder.glob("controls/*/tests.json"))
    found = [one for folder in folders for one in outcomes(folder, options.folder)]
    print_outcomes(f"{len(folders)} policies", found, every=options.all)
    return 0


if __name__ == "__main__":
    sys.exit(main())
