"""Controls of an organisation that took too much are set aside until their file changes.

What one may take for an object is watched while it is judged (`engine/budget.py`); what it takes for all objects is
added up here. Who is over is set aside as a whole, for all objects: it stays on and is counted as not evaluated, with
one problem in its file. So a scan and an editor say the same of it, whichever object they come to first, and what is
judged afterwards takes none of its time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.findings import Problem
from kscan_lsp.workspace.configuration import ConfigurationProblem
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kscan_lsp.policy.model import Control
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile

MAX_WORK: Final = 2_000_000_000
"""What one control may take for all objects of a project, in the units of `cel.cost`: some minutes at worst. For a
thousand workloads that is two thousand times what asking each of their containers ten things takes."""

_ADVICE: Final = "loop over less, ask less of each entry, or match fewer objects"

Key: TypeAlias = tuple[str, str]
"""The id of a control, and the name of its file."""


class SetAside(Struct, frozen=True):
    """A control that took too much."""

    text: str
    """Of its file: with another one, it counts again."""
    was: Control
    control: Control
    """As it is set aside."""


def over_budget(
    projects: Iterable[Project], files: Iterable[CheckedFile] | None = None
) -> dict[Key, SetAside]:
    """The controls that took too much.

    Args:
        projects: those to add up, of the same folder.
        files: the files to look at, where it is not to be added up what was taken for all objects.
    """
    found: dict[Key, SetAside] = {}
    total: dict[Key, float] = {}
    for project in projects:
        rules = project.ruleset
        if not rules.limited:
            continue
        for file in project.files.values() if files is None else files:
            for verdicts in (one for part in file.parts for one in part.verdicts):
                who = verdicts.resource.id
                for name, why in verdicts.over.items():
                    _note(found, rules, name, f"{why} for the {who.kind} '{who.shown_name}'")
                for name, work in verdicts.work.items():
                    key = name, rules.policies.sources[name].name
                    total[key] = total.get(key, 0.0) + work
                    if total[key] > MAX_WORK:
                        _note(
                            found, rules, name, "its checks together are too much work for all objects here"
                        )
    return found


def set_aside(configuration: Configuration, known: Mapping[Key, SetAside]) -> Configuration:
    """What holds for a folder, without the controls that took too much and whose files are as they were then."""
    rules = configuration.ruleset
    controls = dict(rules.controls)
    problems = list(configuration.problems)
    for (name, file), one in known.items():
        source = rules.policies.sources.get(name)
        control = controls.get(name)
        if control is None or source is None or (source.name, source.document.text) != (file, one.text):
            continue
        # the very same one each time: what was judged by it need not be judged again
        same = control is one.was
        controls[name] = one.control if same else replace(control, set_aside=one.control.set_aside)
        message = f"{name} is set aside until this file changes, and judges nothing: {one.control.set_aside}; {_ADVICE}"
        problem = Problem(span_at(source.document, ("id",)), message, "control", fatal=True)
        problems.append(ConfigurationProblem(Path(source.name), source.document, problem))
    if len(problems) == len(configuration.problems):
        return configuration
    aside = {name for name, one in controls.items() if one.set_aside}
    rules = replace(rules, controls=controls, limited=rules.limited - aside)
    return replace(configuration, ruleset=rules, problems=tuple(problems))


def _note(found: dict[Key, SetAside], rules: Ruleset, name: str, why: str) -> None:
    source, control = rules.policies.sources[name], rules.controls[name]
    new = SetAside(source.document.text, control, replace(control, set_aside=why))
    found.setdefault((name, source.name), new)
