"""`kscan-pack.yaml`: what a pack of policies is called, what belongs to it, and what it asks of who extends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

from kscan_lsp.regex import regex
from kscan_lsp.settings.exceptions import ExceptionSettings
from kscan_lsp.settings.model import Inputs, Settings, settings_of
from kscan_lsp.settings.sections import SettingsPart
from kscan_lsp.settings.shape import EMPTY, Value, said
from kscan_lsp.settings.signatures import NO_PARTS, SIGNATURE_NAME
from kscan_lsp.settings.validation import validate
from kscan_lsp.settings.values import Names

if TYPE_CHECKING:
    from kscan_lsp.findings import Problem
    from kscan_lsp.yaml.document import Document

_NAME: Final = regex(r"[a-z0-9][a-z0-9-]{0,62}")
_VERSION: Final = regex(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("must be lower-case letters, digits and '-', such as bank-baseline")
    return value


def _version(value: str) -> str:
    if not _VERSION.fullmatch(value):
        raise ValueError(
            "must be three numbers, such as 1.4.0, in quotes where YAML would take it for another value"
        )
    return value


def _inside(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/") or "\\" in value or ":" in value:
        raise ValueError(f"'{value}' leads out of the pack; name a file or folder in it")
    # as systems take them that do not tell capitals apart, or leave out a dot at the end
    parts = {part.rstrip(". ").lower() for part in value.split("/")}
    if parts & {*NO_PARTS, SIGNATURE_NAME}:
        raise ValueError(
            f"'{value}' is no part of the pack, and no digest has it; name another file or folder"
        )
    return value


def _asks_only(value: ExceptionSettings) -> ExceptionSettings:
    if value.files:
        raise ValueError(
            "a pack accepts no findings: it says what is asked of exceptions, and names no files of them"
        )
    return value


_Paths = Annotated[
    tuple[Annotated[str, Value(after=_inside)], ...],
    Value(shortest=1),
]


class PackFile(SettingsPart):
    """A pack of policies."""

    name: Annotated[str, Value(after=_name, description="What the pack is called in reports.")]
    version: Annotated[str, Value(after=_version, description="Three numbers, such as 1.4.0.")]
    description: Annotated[str, Value(description="What it is for.")] = ""
    controls: Annotated[_Paths, Value(description="Files or folders of the pack with controls.")] = (
        "controls",
    )
    frameworks: Annotated[
        tuple[Annotated[str, Value(after=_inside)], ...],
        Value(description="Files or folders of the pack with frameworks."),
    ] = ()
    use: Annotated[
        Names, Value(description="Frameworks that are on where who extends the pack chooses none.")
    ] = ()
    inputs: Annotated[Inputs, Value(description="Values of lists, maps and numbers that controls read.")] = (
        EMPTY
    )
    definitions: Annotated[
        Mapping[str, str],
        Value(
            description="Names, each with a CEL expression that all controls of the pack can use, as they do a 'let'; "
            "one may use those above it."
        ),
    ] = EMPTY
    exceptions: Annotated[
        ExceptionSettings,
        Value(
            after=_asks_only,
            description="What is asked of the exceptions of who extends the pack: requireReason, maxDays.",
        ),
    ] = ExceptionSettings()
    locked: Annotated[
        Names,
        Value(
            description="What who extends the pack may not weaken, as 'locked' in settings: control ids, or keys."
        ),
    ] = ()

    def settings(self) -> Settings:
        """What it says, as settings that lie below those of who extends it."""
        chosen: dict[str, Any] = {"policies": (*self.controls, *self.frameworks)}
        chosen |= {"frameworks": self.use} if self.use else {}
        chosen |= {"inputs": self.inputs} if self.inputs else {}
        chosen |= {"locked": self.locked} if self.locked else {}
        if asked := said(self.exceptions):
            chosen["exceptions"] = asked
        return settings_of(chosen)


def read_pack(document: Document) -> tuple[PackFile | None, tuple[Problem, ...]]:
    """Read a pack's own file; None where anything is wrong with it: a part of a pack is not what was agreed on."""
    return validate(PackFile, document, "setting")


def numbers_of(version: str) -> tuple[int, ...]:
    """The numbers of a version, by which an older one is told; none of what is no version."""
    found = _VERSION.fullmatch(version)
    return tuple(map(int, found.groups())) if found else ()
