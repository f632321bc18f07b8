"""The shape of control and framework files, and nothing else.

These models say which keys a file may have; `policies.py` gives them meaning. The published JSON schemas are
made from them, so their docstrings and descriptions are what people see when they write a control in an
editor.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from kscan_lsp.policy.input_schema import DeclaredInput, GivenInput, Strict, default_of
from kscan_lsp.policy.inputs import Input  # noqa: TC001 - as above
from kscan_lsp.settings.model import Version  # noqa: TC001 - pydantic looks it up

Texts = list[str]


def _shape(value: object) -> str:
    return "list" if isinstance(value, list) else "one"


# a value that may be one thing or a list: what is wrong with it is then said about the one it is meant to be
_BY_SHAPE = Discriminator(_shape)
Expression = Annotated[str, Field(description="A CEL expression.")]
TargetPath = Annotated[
    str,
    Field(
        description="A path from the element judged, "
        "or from object, podTemplate, pod, container, item or effective."
    ),
]
Replaces = Annotated[
    str,
    Field(
        description="The id once more, where it is that of a control or framework that comes with kscan: this one "
        "counts in its place, which every report says."
    ),
]


def _matching(pattern: str, what: str) -> tuple[AfterValidator, Any]:
    """A pattern of the published schema, and a validator that says in words what fits."""
    fits = re.compile(pattern)

    def validate(value: str) -> str:
        if not fits.fullmatch(value):
            raise ValueError(f"must be {what}")
        return value

    return AfterValidator(validate), Field(json_schema_extra={"pattern": pattern})


ControlId = Annotated[
    str,
    *_matching(r"^[A-Z]+-[0-9]{4}$", "capital letters, a hyphen and four digits, such as ORG-0001"),
    Field(description="C-nnnn for Kubescape's, KS-nnnn for ours."),
]


class MatchFile(Strict, BaseModel):
    """Objects by API group and kind; '*' stands for any."""

    groups: Texts = ["*"]
    kinds: Texts


Match = Annotated[
    Annotated[Literal["workloads"], Tag("one")] | Annotated[list[MatchFile], Tag("list")], _BY_SHAPE
]


class FixFile(Strict, BaseModel):
    """What makes the finding go away: operations on the manifest."""

    title: str = ""
    set: dict[TargetPath, Any] = {}
    add: dict[TargetPath, Any] = {}
    remove: list[TargetPath] = []
    rename: Annotated[
        dict[TargetPath, Annotated[str, Field(min_length=1)]],
        Field(description="Path to the key that is to be there instead: the value and all comments stay."),
    ] = {}
    choose: Annotated[
        dict[TargetPath, str], Field(description="Path to the name of an input that lists values.")
    ] = {}
    to_secret: Annotated[
        TargetPath,
        Field(
            alias="toSecret",
            description="Path to the value of an environment variable that is taken from a Secret instead: from a key "
            "that the workspace has, else from a placeholder.",
        ),
    ] = ""
    leaves: Annotated[
        list[ControlId],
        Field(
            description="Controls that may report what the fix writes, where what they find is less severe than what "
            "is fixed."
        ),
    ] = []
    when: Expression = ""
    safe: Annotated[bool, Field(description="A workload that runs today still starts and does the same.")] = (
        False
    )

    @model_validator(mode="after")
    def _does_something(self) -> FixFile:
        if not (self.set or self.add or self.remove or self.rename or self.choose or self.to_secret):
            raise ValueError("a fix needs at least one of set, add, remove, rename, choose and toSecret")
        if len(self.choose) + bool(self.to_secret) > 1:
            raise ValueError("a fix can choose one value only")
        return self


class CheckFile(Strict, BaseModel):
    """One question asked of every element that matches."""

    use: Annotated[
        str, Field(description="The id of a control whose checks are taken over, for the objects of 'match'.")
    ] = ""
    match: Match = "workloads"
    each: Annotated[
        str,
        Field(
            description="What is judged one by one: resource, podTemplate, containers, a path with [*], or namespace: "
            "every namespace that a file declares, or that an object names."
        ),
    ] = "resource"
    let: dict[str, Expression] = {}
    when: Expression = ""
    deny: Expression = ""
    at: Annotated[Annotated[TargetPath, Tag("one")] | Annotated[list[TargetPath], Tag("list")], _BY_SHAPE] = (
        ""
    )
    message: Annotated[str, Field(description="Text with {CEL} placeholders.")] = ""
    relations: Annotated[
        dict[str, str],
        Field(
            description="Name to relation: a list of {object, ref} the engine binds to the name; with dots, a chain."
        ),
    ] = {}
    related: Annotated[
        Expression,
        Field(
            description="A list of refs, or of {ref, path, message}: other places that a finding rests on."
        ),
    ] = ""
    fix: FixFile | None = None
    allow: Annotated[
        dict[str, Expression],
        Field(
            description="Input to the entry, or entries to choose from, that would make the finding go away: added to "
            "the list, or taken out where it stands there. A name, never a value."
        ),
    ] = {}

    @model_validator(mode="after")
    def _asks_something(self) -> CheckFile:
        if self.use:
            if self.model_fields_set - {"use", "match"}:
                raise ValueError(
                    "a check with 'use' takes over another control's checks and has no other key but 'match'"
                )
        elif not self.deny:
            raise ValueError("a check needs 'deny': a CEL expression that is true where the control fails")
        elif not self.message:
            raise ValueError("a check needs 'message': what to tell the user at the place that fails")
        return self


class TestFile(Strict, BaseModel):
    """A manifest with the findings it must have marked in it."""

    name: str
    manifest: str
    path: Annotated[str, Field(description="Where the manifest is, from the root of its repository.")] = ""
    fixed: str | None = None
    inputs: dict[str, GivenInput] = {}
    evidence: Annotated[
        dict[str, Any],
        Field(
            description="What is known besides, by kind: of 'images' a list of {name, vulnerabilities: [{id, package, "
            "severity, fixed, kev, rce}], system, endOfLife, made}; of others what expressions see."
        ),
    ] = {}
    kubernetes_version: Annotated[
        Version, Field(alias="kubernetesVersion", description="The Kubernetes version it is for.")
    ] = ""


class ControlFile(Strict, BaseModel):
    """A security control. It has checks, or says what it needs that no manifest tells."""

    id: ControlId
    replaces: Replaces = ""
    title: str
    score: Annotated[
        float, Field(ge=0, le=10, strict=False, description="How severe it is, from 0 to 10; or 'severity'.")
    ] = 0
    severity: Annotated[
        Literal["low", "medium", "high", "critical"] | None,
        Field(description="In place of 'score': it stands for 1, 4, 7 or 9."),
    ] = None
    category: str = ""
    description: str
    remediation: str
    references: Texts = []
    inputs: Annotated[
        dict[str, DeclaredInput],
        Field(
            description="What its checks read and settings may set, with its default: a list of texts, or "
            "{type: list, map or number, default: ...}. Those of other controls can be read, too."
        ),
    ] = {}
    needs: Annotated[
        str,
        Field(
            description="What would answer this control, where no manifest does: without it, the control is not "
            "evaluated."
        ),
    ] = ""
    evidence: Annotated[
        str,
        Field(
            pattern=r"^([a-z][A-Za-z0-9]*)?$",
            description="With 'needs': the kind of evidence that the checks read, as 'evidence.images'. They are asked "
            "where there is any.",
        ),
    ] = ""
    match: Annotated[Match, Field(description="With 'needs': the objects that it is about.")] = "workloads"
    checks: Annotated[list[CheckFile], Field(min_length=1)] = []
    tests: list[TestFile] = []

    @model_validator(mode="after")
    def _asks_or_says_why_not(self) -> ControlFile:
        if self.evidence and not (self.checks and self.needs):
            raise ValueError(
                "a control with 'evidence' has 'checks' that read it, and says in 'needs' what it is"
            )
        if not self.evidence and bool(self.checks) == bool(self.needs):
            raise ValueError("a control has either 'checks' or 'needs'")
        if ("score" in self.model_fields_set) == (self.severity is not None):
            raise ValueError(
                "a control says how severe it is: a 'score' from 0 to 10, or a 'severity' by its name"
            )
        if self.checks and "match" in self.model_fields_set:
            unless = "it has none" if self.evidence else "the control has 'needs'"
            raise ValueError(f"'match' stands in a check, unless {unless}")
        return self

    @property
    def defaults(self) -> dict[str, Input]:
        """Its inputs, each with its default."""
        return {name: default_of(one) for name, one in self.inputs.items()}

    @property
    def weight(self) -> float:
        """The score, or the least one of the severity that it names."""
        return self.score if self.severity is None else _SCORES[self.severity]


_SCORES: Final = {"low": 1.0, "medium": 4.0, "high": 7.0, "critical": 9.0}


class MemberFile(Strict, BaseModel):
    """A control's place in a framework."""

    id: str
    section: str = ""
    name: str = ""
    reason: str = ""


class ExcludedFile(Strict, BaseModel):
    """A control that a framework leaves out on purpose."""

    id: str
    reason: str


class UnseenFile(Strict, BaseModel):
    """A part of a standard that no manifest shows."""

    section: Annotated[str, Field(description="Its number in the standard, if it has one.")] = ""
    about: Annotated[str, Field(description="What it is about, in the framework's author's own words.")]


class FrameworkFile(Strict, BaseModel):
    """A named choice of controls."""

    id: Annotated[
        str,
        *_matching(
            r"^[a-z0-9][a-z0-9._-]*$",
            "lower-case letters and digits, with '.', '_' and '-' between them, such as bank-baseline",
        ),
    ]
    replaces: Replaces = ""
    title: str
    description: str = ""
    aliases: Texts = []
    references: Texts = []
    controls: Annotated[
        Annotated[Literal["all"], Tag("one")] | Annotated[list[MemberFile], Tag("list")], _BY_SHAPE
    ]
    excluded: list[ExcludedFile] = []
    unseen: Annotated[
        list[UnseenFile],
        Field(
            description="What the standard asks for besides that none of these controls answers: reports name it, so "
            "that a good score is not taken for compliance."
        ),
    ] = []
