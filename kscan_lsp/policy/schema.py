"""The shape of control and framework files, and nothing else.

These models say which keys a file may have; `policies.py` gives them meaning. The published JSON schemas are
made from them, so their docstrings and descriptions are what people see when they write a control in an
editor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from kscan_lsp.policy.input_schema import DeclaredInput, GivenInput, default_of
from kscan_lsp.settings.model import Version
from kscan_lsp.settings.shape import EMPTY, Model, Value

if TYPE_CHECKING:
    from kscan_lsp.policy.inputs import Input

MAX_TEMPLATE: Final = 8_000
"""Characters of a message with its placeholders, as many as an expression may have."""

Texts = tuple[str, ...]
Expression = Annotated[str, Value(description="A CEL expression.")]
TargetPath = Annotated[
    str,
    Value(
        description="A path from the element judged, "
        "or from object, podTemplate, pod, container, item or effective."
    ),
]
Replaces = Annotated[
    str,
    Value(
        description="The id once more, where it is that of a control or framework that comes with kscan: this one "
        "counts in its place, which every report says."
    ),
]


CONTROL_ID: Final = r"^[A-Z]+-[0-9]{4}$"
ControlId = Annotated[
    str,
    Value(
        description="C-nnnn for Kubescape's, KS-nnnn for ours.",
        pattern=CONTROL_ID,
        meaning="capital letters, a hyphen and four digits, such as ORG-0001",
    ),
]


class MatchFile(Model):
    """Objects by API group and kind; '*' stands for any."""

    groups: Annotated[
        Texts,
        Value(description="API groups without a version, such as apps; the empty text is the core group."),
    ] = ("*",)
    kinds: Annotated[Texts, Value(description="Kinds, such as Service.")]


Match = Literal["workloads"] | tuple[MatchFile, ...]


class FixFile(Model):
    """What makes the finding go away: operations on the manifest."""

    title: Annotated[
        str, Value(description="What an editor calls the fix; without it, that is made of what it does.")
    ] = ""
    set: Annotated[
        Mapping[TargetPath, Any],
        Value(
            description="Path to the value that is to be there, or to {expr: ...}, whose answer is to be there."
        ),
    ] = EMPTY
    add: Annotated[
        Mapping[TargetPath, Any], Value(description="Path of a list to the entry that is to be added.")
    ] = EMPTY
    remove: Annotated[tuple[TargetPath, ...], Value(description="Paths that are to be taken out.")] = ()
    rename: Annotated[
        Mapping[TargetPath, Annotated[str, Value(shortest=1)]],
        Value(description="Path to the key that is to be there instead: the value and all comments stay."),
    ] = EMPTY
    choose: Annotated[
        Mapping[TargetPath, str], Value(description="Path to the name of an input that lists values.")
    ] = EMPTY
    to_secret: Annotated[
        TargetPath,
        Value(
            description="Path to the value of an environment variable that is taken from a Secret instead: from a key "
            "that the workspace has, else from a placeholder.",
        ),
    ] = ""
    leaves: Annotated[
        tuple[ControlId, ...],
        Value(
            description="Controls that may report what the fix writes, where what they find is less severe than what "
            "is fixed."
        ),
    ] = ()
    when: Annotated[
        Expression, Value(description="A CEL expression: there is a fix only where it is true.")
    ] = ""
    safe: Annotated[bool, Value(description="A workload that runs today still starts and does the same.")] = (
        False
    )

    def agree(self) -> None:
        """What a control, a check or a fix needs."""
        if not (self.set or self.add or self.remove or self.rename or self.choose or self.to_secret):
            raise ValueError("a fix needs at least one of set, add, remove, rename, choose and toSecret")
        if len(self.choose) + bool(self.to_secret) > 1:
            raise ValueError("a fix can choose one value only")


class CheckFile(Model):
    """One question asked of every element that matches."""

    use: Annotated[
        str, Value(description="The id of a control whose checks are taken over, for the objects of 'match'.")
    ] = ""
    match: Annotated[
        Match,
        Value(
            description="The objects that it is about: workloads, which run pods, or a list of groups and kinds."
        ),
    ] = "workloads"
    each: Annotated[
        str,
        Value(
            description="What is judged one by one: resource, podTemplate, containers, a path with [*], or namespace: "
            "every namespace that a file declares, or that an object names."
        ),
    ] = "resource"
    let: Annotated[
        Mapping[str, Expression],
        Value(description="Names of CEL expressions, for those below and all others of the check."),
    ] = EMPTY
    when: Annotated[
        Expression, Value(description="A CEL expression: the check does not apply where it is false.")
    ] = ""
    deny: Annotated[
        Expression, Value(description="A CEL expression that is true where the control fails.")
    ] = ""
    at: Annotated[
        TargetPath | tuple[TargetPath, ...],
        Value(
            description="The field at fault, from the element judged; of several, the first that is there."
        ),
    ] = ""
    message: Annotated[str, Value(longest=MAX_TEMPLATE, description="Text with {CEL} placeholders.")] = ""
    relations: Annotated[
        Mapping[str, str],
        Value(
            description="Name to relation: a list of {object, ref} the engine binds to the name; with dots, a chain."
        ),
    ] = EMPTY
    related: Annotated[
        Expression,
        Value(
            description="A list of refs, or of {ref, path, message}: other places that a finding rests on."
        ),
    ] = ""
    fix: Annotated[
        FixFile | None, Value(description="What makes the finding go away: operations on the manifest.")
    ] = None
    allow: Annotated[
        Mapping[str, Expression],
        Value(
            description="Input to the entry, or entries to choose from, that would make the finding go away: added to "
            "the list, or taken out where it stands there. A name, never a value."
        ),
    ] = EMPTY

    def agree(self) -> None:
        """What a control, a check or a fix needs."""
        if self.use:
            if vars(self).keys() - {"use", "match"}:
                raise ValueError(
                    "a check with 'use' takes over another control's checks and has no other key but 'match'"
                )
        elif not self.deny:
            raise ValueError("a check needs 'deny': a CEL expression that is true where the control fails")
        elif not self.message:
            raise ValueError("a check needs 'message': what to tell the user at the place that fails")


class TestFile(Model):
    """A manifest with the findings it must have marked in it."""

    name: Annotated[str, Value(description="What it is about.")]
    manifest: Annotated[
        str,
        Value(
            description="One or more objects. A line of carets marks what is found in the line above it, as in "
            "'# ^^^ ORG-0001'; what is marked nowhere must be clean."
        ),
    ]
    path: Annotated[str, Value(description="Where the manifest is, from the root of its repository.")] = ""
    fixed: Annotated[str | None, Value(description="The manifest after all fixes, byte for byte.")] = None
    inputs: Annotated[
        Mapping[str, GivenInput], Value(description="Values of inputs in place of their defaults.")
    ] = EMPTY
    evidence: Annotated[
        Mapping[str, Any],
        Value(
            description="What is known besides, by kind: of 'images' a list of {name, vulnerabilities: [{id, package, "
            "severity, fixed, kev, rce}], system, endOfLife, made}; of others what expressions see."
        ),
    ] = EMPTY
    kubernetes_version: Annotated[Version, Value(description="The Kubernetes version it is for.")] = ""


class ControlFile(Model):
    """A security control. It has checks, or says what it needs that no manifest tells."""

    id: ControlId
    replaces: Replaces = ""
    title: Annotated[str, Value(description="What it is called in reports.")]
    score: Annotated[
        float, Value(least=0, most=10, description="How severe it is, from 0 to 10; or 'severity'.")
    ] = 0
    severity: Annotated[
        Literal["low", "medium", "high", "critical"] | None,
        Value(description="In place of 'score': it stands for 1, 4, 7 or 9."),
    ] = None
    category: Annotated[str, Value(description="What it belongs to, such as Workload; any word.")] = ""
    description: Annotated[str, Value(description="What an attacker gains where it fails.")]
    remediation: Annotated[str, Value(description="What to write in the manifest.")]
    references: Annotated[Texts, Value(description="Addresses of pages about it.")] = ()
    inputs: Annotated[
        Mapping[str, DeclaredInput],
        Value(
            description="What its checks read and settings may set, with its default: a list of texts, or "
            "{type: list, map or number, default: ...}. Those of other controls can be read, too."
        ),
    ] = EMPTY
    needs: Annotated[
        str,
        Value(
            description="What would answer this control, where no manifest does: without it, the control is not "
            "evaluated."
        ),
    ] = ""
    evidence: Annotated[
        str,
        Value(
            pattern=r"^([a-z][A-Za-z0-9]*)?$",
            meaning="one word of letters and digits that begins with a small letter",
            description="With 'needs': the kind of evidence that the checks read, as 'evidence.images'. They are asked "
            "where there is any.",
        ),
    ] = ""
    match: Annotated[Match, Value(description="With 'needs': the objects that it is about.")] = "workloads"
    checks: Annotated[
        tuple[CheckFile, ...],
        Value(
            shortest=1,
            description="Questions, each asked of every element that matches; one that fails is a finding.",
        ),
    ] = ()
    tests: Annotated[
        tuple[TestFile, ...],
        Value(description="Manifests with the findings they must have, which 'kscan test' and editors run."),
    ] = ()

    def agree(self) -> None:
        """What a control, a check or a fix needs."""
        if self.evidence and not (self.checks and self.needs):
            raise ValueError(
                "a control with 'evidence' has 'checks' that read it, and says in 'needs' what it is"
            )
        if not self.evidence and bool(self.checks) == bool(self.needs):
            raise ValueError("a control has either 'checks' or 'needs'")
        if ("score" in vars(self)) == (self.severity is not None):
            raise ValueError(
                "a control says how severe it is: a 'score' from 0 to 10, or a 'severity' by its name"
            )
        if self.checks and "match" in vars(self):
            unless = "it has none" if self.evidence else "the control has 'needs'"
            raise ValueError(f"'match' stands in a check, unless {unless}")

    @property
    def defaults(self) -> dict[str, Input]:
        """Its inputs, each with its default."""
        return {name: default_of(one) for name, one in self.inputs.items()}

    @property
    def weight(self) -> float:
        """The score, or the least one of the severity that it names."""
        return self.score if self.severity is None else _SCORES[self.severity]


_SCORES: Final = {"low": 1.0, "medium": 4.0, "high": 7.0, "critical": 9.0}


class MemberFile(Model):
    """A control's place in a framework."""

    id: Annotated[str, Value(description="The id of the control.")]
    section: Annotated[str, Value(description="Its number in the standard, if it has one.")] = ""
    name: Annotated[str, Value(description="What the standard calls it.")] = ""
    reason: Annotated[str, Value(description="Why it is in.")] = ""


class ExcludedFile(Model):
    """A control that a framework leaves out on purpose."""

    id: Annotated[str, Value(description="The id of the control.")]
    reason: Annotated[str, Value(description="Why it is left out.")]


class UnseenFile(Model):
    """A part of a standard that no manifest shows."""

    section: Annotated[str, Value(description="Its number in the standard, if it has one.")] = ""
    about: Annotated[str, Value(description="What it is about, in the framework's author's own words.")]


class FrameworkFile(Model):
    """A named choice of controls."""

    id: Annotated[
        str,
        Value(
            description="What settings and options call it.",
            pattern=r"^[a-z0-9][a-z0-9._-]*$",
            meaning="lower-case letters and digits, with '.', '_' and '-' between them, such as bank-baseline",
        ),
    ]
    replaces: Replaces = ""
    title: Annotated[str, Value(description="What it is called in reports.")]
    description: Annotated[str, Value(description="What it is for.")] = ""
    aliases: Annotated[Texts, Value(description="Other names that settings and options may use for it.")] = ()
    references: Annotated[Texts, Value(description="Addresses of pages about it.")] = ()
    controls: Annotated[
        Literal["all"] | tuple[MemberFile, ...],
        Value(description="Its controls, or 'all' for every one there is."),
    ]
    excluded: Annotated[
        tuple[ExcludedFile, ...], Value(description="Controls that it leaves out on purpose.")
    ] = ()
    unseen: Annotated[
        tuple[UnseenFile, ...],
        Value(
            description="What the standard asks for besides that none of these controls answers: reports name it, so "
            "that a good score is not taken for compliance."
        ),
    ] = ()
