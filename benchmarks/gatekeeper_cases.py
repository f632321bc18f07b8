"""Compare what kscan says by Gatekeeper's constraints with what the suites for `gator verify` expect.

    python benchmarks/gatekeeper_cases.py FOLDER [--all]

FOLDER is a checkout of Gatekeeper's policy library, or of any other repository with suites: every `suite.yaml` below it
is read, with the templates, constraints and objects that it names. Of each case it is compared whether there is any
violation, and of each assertion with a message whether one says that. A review of an update that does not say what the
object was is taken for one that changes nothing. What is not judged is counted by its reason; differences are listed,
and `--all` lists the cases that were not judged, too.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

from agreement import Outcome, arguments, print_outcomes

from kscan_lsp.admission.before import as_it_was
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.graph.index import BEFORE
from kscan_lsp.policy.admission import is_of_admission
from kscan_lsp.policy.model import PolicySet
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.objects import objects_of
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from pathlib import Path


def text_of(path: Path) -> str:
    """The text of a file; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def first(text: str) -> dict[str, Any]:
    """The value of the first document of a text that has one."""
    found = [read_document(part).data for part in split(text)]
    return next((one for one in found if isinstance(one, dict)), {})


def judged(texts: list[str], object_text: str, before: str = "") -> tuple[list[str], list[str]]:
    """The messages of violations of an object, and why constraints are not evaluated.

    Args:
        texts: templates, constraints and whatever else there is.
        object_text: the object.
        before: what it was, if it is updated.
    """
    ruleset, _ = choose(PolicySet(), Settings())
    files = [("object.yaml", object_text, False)]
    files += [(f"other{number}.yaml", text, False) for number, text in enumerate(texts)]
    project = Project(Evaluator(ruleset, Evidence(date(2026, 1, 1))))
    was = tuple(map(as_it_was, objects_of("object.yaml", before, ruleset)))
    project = project.with_objects(BEFORE, was).with_files(files)
    parts = [verdicts for part in project.files["object.yaml"].parts for verdicts in part.verdicts]
    messages = [one.message for part in parts for one in part.findings if is_of_admission(one.control)]
    return messages, [
        one.reason for part in parts for one in part.unevaluated if is_of_admission(one.control)
    ]


def expects(case: dict[str, Any]) -> tuple[bool, list[str]]:
    """Whether a case expects any violation, and patterns of messages that there have to be."""
    patterns, some = [], False
    for one in case.get("assertions") or [{}]:
        count = one.get("violations", "yes")
        wanted = count in {"yes", True} or (
            isinstance(count, int) and not isinstance(count, bool) and count > 0
        )
        if wanted and one.get("message"):
            patterns.append(str(one["message"]))
        some = some or wanted
    return some, patterns


def reviewed(text: str) -> tuple[str, str, str]:
    """The object of a case and what it was, and why it is not compared.

    A case is an object that is created, or a review of what is asked of the API server.
    """
    data = first(text)
    if data.get("kind") != "AdmissionReview" or "apiVersion" not in data:
        return text, "", ""
    request = data.get("request") or {}
    operation, one = request.get("operation"), request.get("object")
    if operation == "CREATE":
        return json.dumps(one), "", ""
    if operation == "UPDATE":
        return json.dumps(one), json.dumps(request.get("oldObject", one)), ""
    return "", "", f"it is about a review of a {operation}"


def outcomes(suite: Path, root: Path) -> list[Outcome]:
    """What comes of every case of a suite."""
    found = []
    for test in first(text_of(suite)).get("tests") or []:
        policy = [text_of(suite.parent / str(test.get(name))) for name in ("template", "constraint")]
        for case in test.get("cases") or []:
            name = f"{suite.parent.relative_to(root)} {test.get('name')}/{case.get('name')}"
            text, before, why = reviewed(text_of(suite.parent / str(case.get("object"))))
            some, patterns = expects(case)
            expected = "violation" if some else "none"
            if why:
                found.append(Outcome(name, expected, "", why))
                continue
            others = [text_of(suite.parent / str(one)) for one in case.get("inventory") or []]
            messages, unanswered = judged([*policy, *others], text, before)
            said = "violation" if messages else "none"
            missing = [one for one in patterns if not any(re.search(one, message) for message in messages)]
            if messages and missing:
                said = f"other message: {messages[0]} (not {missing[0]})"
            found.append(Outcome(name, expected, said, "" if messages else next(iter(unanswered), "")))
    return found


def main() -> int:
    """Run all suites and print what comes of them."""
    options = arguments(__doc__, "folder")
    suites = sorted(options.folder.rglob("suite.yaml"))
    found = [one for suite in suites for one in outcomes(suite, options.folder)]
    print_outcomes(f"{len(suites)} suites", found, every=options.all)
    return 0


if __name__ == "__main__":
    sys.exit(main())
