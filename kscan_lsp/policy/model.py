"""Controls and frameworks, compiled: an immutable PolicySet.

Which controls are on, with which severities and inputs, is a `Ruleset`: what the engine judges by.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.cel import fields_read
from kscan_lsp.findings import Problem, Severity
from kscan_lsp.policy.check import Check
from kscan_lsp.policy.inputs import Input
from kscan_lsp.policy.matching import Kinds
from kscan_lsp.policy.rego import RegoRule
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from kscan_lsp.policy.schema import TestFile
    from kscan_lsp.yaml.document import Document


_VERSION: Final = regex(r"-[a-z]?([0-9]+(?:\.[0-9]+)+)$")
"""The version at the end of a framework's id, such as that of `cis-v1.12.0`."""


class Control(Struct, frozen=True, eq=False, omit_defaults=True):
    """A security control."""

    id: str
    title: str
    score: float
    category: str
    description: str
    remediation: str
    references: tuple[str, ...]
    inputs: Mapping[str, Input]
    """Their defaults, which say what they are."""
    checks: tuple[Check, ...] = ()
    needs: str = ""
    """What would answer it, where no manifest does. It has no checks, unless it asks for `evidence`."""
    evidence: str = ""
    """The kind of evidence that its checks read. Where there is none, it stays unevaluated for what it `needs`."""
    match: Kinds = None
    """The objects that it is about, if it has no checks to say so."""
    reads_path: bool = False
    """Whether a check reads where its manifest is."""
    set_aside: str = ""
    """Why it is not asked, where it took too much."""
    rego: tuple[RegoRule, ...] = ()
    """What it has in place of checks, if it was written for Kubescape."""

    @property
    def unanswered(self) -> str:
        """Why it is not evaluated without evidence, or at all; empty for one that is."""
        if self.set_aside:
            return f"it is set aside: {self.set_aside}"
        return f"no manifest says this; it takes {self.needs}" if self.needs else ""

    @property
    def condition(self) -> str:
        """When it is evaluated, as a heading for `unanswered`; empty for one that always is."""
        if self.evidence and not self.set_aside:
            return f"Evaluated only with evidence ({self.evidence})"
        return "Never evaluated" if self.needs or self.set_aside else ""

    def named_inputs(self) -> frozenset[str]:
        """The inputs that its checks name."""
        expressions = [expression for check in self.checks for expression in check.expressions()]
        fixes = [check.fix for check in self.checks if check.fix is not None]
        chosen = {o.value for fix in fixes for o in fix.operations if o.verb == "choose"}
        in_rego = {name for rule in self.rego for name in rule.inputs}
        return (fields_read(expressions).get("inputs") or frozenset()) | chosen | in_rego

    @property
    def severity(self) -> Severity:
        """The severity that the score stands for."""
        return Severity.of_score(self.score)

    @property
    def fixable(self) -> bool:
        """Whether any of its checks has a fix."""
        return any(check.fix for check in self.checks)


class Member(Struct, frozen=True, omit_defaults=True):
    """A control's place in a framework: its section, its name there, and why it is in."""

    id: str
    section: str = ""
    name: str = ""
    reason: str = ""


class Unseen(Struct, frozen=True, omit_defaults=True):
    """A part of a standard that no manifest shows: its section, which may be empty, and what it is about."""

    about: str
    section: str = ""


class Framework(Struct, frozen=True, omit_defaults=True):
    """A named choice of controls."""

    id: str
    title: str
    description: str
    aliases: tuple[str, ...]
    members: Mapping[str, Member]
    """By control id; empty where `whole`."""
    whole: bool = False
    """Whether it has every control there is."""
    excluded: Mapping[str, str] = {}
    unseen: tuple[Unseen, ...] = ()
    """What the standard asks for besides, and no control of it answers."""


class ControlSource(Struct, frozen=True):
    """What a control was made of: the name of its file, the document in it, and its tests."""

    name: str
    document: "Document"
    tests: tuple["TestFile", ...] = ()


class PolicySource(Struct, frozen=True):
    """Where a control or framework is defined: the name of its file, and the document in it."""

    name: str
    document: "Document"


class PolicyProblem(Struct, frozen=True):
    """A problem in a policy file."""

    source: str
    document: "Document"
    problem: Problem


class PolicySet(Struct, frozen=True):
    """All controls and frameworks that could be read, and what was wrong with the others."""

    controls: Mapping[str, Control] = {}
    frameworks: Mapping[str, Framework] = {}
    problems: tuple[PolicyProblem, ...] = ()
    sources: Mapping[str, ControlSource] = {}
    """By control id; those that come with the program have none unless they were asked for with their tests."""
    replaced: Mapping[str, PolicySource] = {}
    """What a project defines anew of the controls and frameworks that come with the program, by id."""

    def framework(self, name: str) -> Framework | None:
        """A framework by its id or an alias, or the newest of those that have its name and a version, in any case."""
        wanted = name.lower()
        for framework in self.frameworks.values():
            if wanted == framework.id or wanted in framework.aliases:
                return framework
        versions = [
            ([int(number) for number in version[1].split(".")], i)
            for i in self.frameworks
            if (version := _VERSION.search(i)) and i[: version.start()] == wanted
        ]
        return self.frameworks[max(versions)[1]] if versions else None
