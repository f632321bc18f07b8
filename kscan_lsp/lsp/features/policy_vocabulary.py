"""The terms that files of controls, frameworks and packs are made of.

Keys, what they mean and values of a fixed choice come from the models that the published JSON schemas are made of. Here
are the values that only the policies know, or Kubernetes: ids, categories, relations, kinds, inputs.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from kscan_lsp import paths
from kscan_lsp.authoring.subjects import inputs_of
from kscan_lsp.dispositions.entries import known_kinds
from kscan_lsp.evidence.model import IMAGES
from kscan_lsp.graph.relations import NAMES, OF_A_KIND
from kscan_lsp.kubernetes.kinds import GROUPS
from kscan_lsp.lsp.features.vocabulary import Grammar, Term, controls, inputs
from kscan_lsp.policy.inputs import kind_of
from kscan_lsp.policy.load import model_of
from kscan_lsp.policy.matching import NAMESPACE
from kscan_lsp.policy.schema import ControlFile, FrameworkFile
from kscan_lsp.settings.layers import LOCKABLE
from kscan_lsp.settings.pack import PackFile
from kscan_lsp.workspace.policies import PACK_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.lsp.session.snapshot import ControlSnapshot
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.policy.targets import Each
    from kscan_lsp.yaml.document import Document

_STARTS: Final = ("resource", "podTemplate", "pod", "containers", NAMESPACE)
"""What an `each` can be that is no path."""


def grammar_for(snapshot: ControlSnapshot, document: Document) -> Grammar:
    """That of an open file, by its name or by the keys that it has."""
    if snapshot.path.name == PACK_NAME:
        return _PACK
    return _FRAMEWORK if model_of(document) is FrameworkFile else _CONTROL


def _values(names: Iterator[str] | list[str]) -> list[Term]:
    return [Term("value", name, "") for name in names]


def _each(rules: Ruleset, _: object) -> list[Term]:
    """The names, and the paths that several controls have."""
    often = Counter(
        _written(check.each) for control in rules.policies.controls.values() for check in control.checks
    )
    return _values([*_STARTS, *(path for path, count in often.most_common() if count > 1 and "[" in path)])


def _written(each: Each) -> str:
    start = () if each.start == "object" else (each.start,)
    return paths.show((*start, *each.steps))


def _categories(rules: Ruleset, _: object) -> list[Term]:
    return _values(sorted({one.category for one in rules.policies.controls.values() if one.category}))


def _other_controls(rules: Ruleset, data: object) -> list[Term]:
    own = data.get("id") if isinstance(data, dict) else None
    return [one for one in controls(rules) if one.name != own]


def _relations(_: Ruleset, __: object) -> list[Term]:
    return [Term("value", name, meaning) for name, meaning in (NAMES | OF_A_KIND).items()]


def _kinds(_: Ruleset, __: object) -> list[Term]:
    return _values(["*", *sorted(known_kinds())])


def _groups(_: Ruleset, __: object) -> list[Term]:
    return _values(["*", *sorted(GROUPS)])


def _inputs(rules: Ruleset, data: object) -> list[Term]:
    """Those of all controls, with those of the file as they are typed."""
    own = [
        Term("input", name, f"{kind_of(value)}, of this control") for name, value in inputs_of(data).items()
    ]
    return [*own, *(one for one in inputs(rules) if one.name not in inputs_of(data))]


def _evidence(_: Ruleset, __: object) -> list[Term]:
    return _values([IMAGES])


def _lockable(rules: Ruleset, _: object) -> list[Term]:
    return [*_values([*LOCKABLE]), *controls(rules)]


_CONTROL: Final = Grammar(
    ControlFile,
    {},
    {("checks", "use"): "control"},
    choices={
        ("category",): _categories,
        ("evidence",): _evidence,
        ("match", "kinds"): _kinds,
        ("match", "groups"): _groups,
        ("checks", "use"): _other_controls,
        ("checks", "match", "kinds"): _kinds,
        ("checks", "match", "groups"): _groups,
        ("checks", "each"): _each,
        ("checks", "fix", "leaves"): _other_controls,
    },
    inner={("checks", "relations"): _relations, ("checks", "fix", "choose"): _inputs},
    names={
        ("checks", "allow"): _inputs,
        ("tests", "inputs"): _inputs,
        ("tests", "evidence"): _evidence,
    },
)
_FRAMEWORK: Final = Grammar(FrameworkFile, {}, {("controls", "id"): "control", ("excluded", "id"): "control"})
_PACK: Final = Grammar(
    PackFile, {("inputs",): "input"}, {("use",): "framework"}, choices={("locked",): _lockable}
)
