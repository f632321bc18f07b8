"""What a report was made from besides manifests: the day, the commit that is checked out, and the settings that hold.

Whoever is handed a report wants to know whether it is about today's files, and whether somebody made it milder. All of
it is handed in, so that the same input gives the same report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.redaction import redact
from kscan_lsp.settings.model import NEWEST_KUBERNETES
from kscan_lsp.settings.shape import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from kscan_lsp.settings.model import Settings


class CheckedOut(Struct, frozen=True):
    """A commit that files of the report are from: its folder's name, its full id, and its branch or nothing."""

    folder: str
    id: str
    branch: str


class UsedSettings(Struct, frozen=True):
    """What holds for some files: the name of the settings file, or nothing, and each key with what it says."""

    file: str
    values: tuple[tuple[str, str], ...]


class UsedPack(Struct, frozen=True):
    """A pack of policies that settings extend: its name, its version, and the digest of what it is made of."""

    name: str
    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.digest})"


class Circumstances(Struct, frozen=True):
    """When, of which commits and under which settings a report was made; what is not known is left out."""

    day: date | None = None
    commits: tuple[CheckedOut, ...] = ()
    settings: tuple[UsedSettings, ...] = ()
    repository: str = ""
    """The root of the repository that the working directory lies in, as an absolute name with slashes."""
    inside: str = ""
    """Where the working directory lies in it; empty at its root."""
    packs: tuple[UsedPack, ...] = ()


UNKNOWN: Final = Circumstances()
"""Nobody said."""


def used_settings(
    file: str, settings: Settings, only: Sequence[str] = (), packs: Sequence[UsedPack] = ()
) -> UsedSettings:
    """Settings for a report: frameworks and version always, else what was chosen; what may be a secret is masked.

    Args:
        file: the name of their file, empty where there is none.
        settings: what holds, command line included.
        only: the controls that a command line names in place of what the settings choose.
        packs: those that they extend, with their versions.
    """
    chosen = said(settings)
    values = {"frameworks": settings.frameworks, **chosen}
    values.setdefault("kubernetesVersion", f"1.{NEWEST_KUBERNETES}")
    if packs:
        values["packs"] = [*map(str, packs)]
    if only:
        values = {
            "controls": list(only),
            **{k: v for k, v in values.items() if k not in {"frameworks", "controls"}},
        }
    return UsedSettings(
        file, tuple((key, redact(text)) for key, value in values.items() for key, text in _flat(key, value))
    )


def _flat(key: str, value: object) -> Iterator[tuple[str, str]]:
    """A value as text, that of a mapping key by key; what is empty is left out."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(f"{key}.{name}", item)
    elif isinstance(value, list | tuple):
        if value:
            yield (
                key,
                "; ".join(_entry(item) for item in value)
                if any(isinstance(i, dict) for i in value)
                else ", ".join(map(str, value)),
            )
    elif value not in {None, ""}:
        yield key, str(value)


def _entry(item: object) -> str:
    if isinstance(item, dict):
        return ", ".join(f"{name} {text}" for name, text in item.items() if text)
    return str(item)
