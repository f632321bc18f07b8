"""What charts are installed as: the part of the settings that a chart's values, namespace and version come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from kscan_lsp.regex import regex
from kscan_lsp.settings.sections import SettingsPart
from kscan_lsp.settings.shape import EMPTY, Value
from kscan_lsp.settings.values import Names

_NAME: Final = regex(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST_RELEASE: Final = 53
"""https://helm.sh/docs/chart_template_guide/getting_started: what names of objects are made of it have 63 at most."""
_LONGEST_NAMESPACE: Final = 63
_VERSION: Final = regex(r"v?1\.\d{1,3}(\.\d+)?([-+][\w.+-]*)?")


def _release(value: str) -> str:
    return _name(value, _LONGEST_RELEASE, "a release")


def _namespace(value: str) -> str:
    return _name(value, _LONGEST_NAMESPACE, "a namespace")


def _name(value: str, longest: int, what: str) -> str:
    if not _NAME.fullmatch(value) or len(value) > longest:
        raise ValueError(
            f"'{value}' cannot be the name of {what}: it may have {longest} lowercase letters, digits and '-'"
        )
    return value


def _version(value: object) -> object:
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise ValueError("must be a Kubernetes version as a string, such as '1.33'")
    return value


def _assignments(value: Mapping[str, Any]) -> Mapping[str, Any]:
    nested(value)
    return value


def parts_of(name: str) -> tuple[str, ...]:
    """The path that a name with dots is of; a dot behind a backslash is part of a name."""
    return tuple([part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", name)])


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by names with dots, as maps in maps: `{"image.tag": 1}` is `{"image": {"tag": 1}}`.

    A dot behind a backslash is part of a name.

    Raises:
        ValueError: a name is empty, is of an entry of a list, or leads into what is no map.
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        parts = parts_of(name)
        if not all(parts):
            raise ValueError(f"'{name}' names no value: a dot stands between two names")
        if "[" in name:
            raise ValueError(
                f"'{name}' is an entry of a list: set the whole list, or write it into a values file"
            )
        here: Any = found
        for part in parts[:-1]:
            here = here.setdefault(part, {}) if isinstance(here, dict) else None
        if not isinstance(here, dict) or parts[-1] in here:
            raise ValueError(f"'{name}' and another name here set the same value")
        here[parts[-1]] = value
    return found


def typed(text: str) -> object:
    """A value as `helm install --set` reads it."""
    if text in {"true", "false"}:
        return text == "true"
    if text == "null":
        return None
    return int(text) if re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text) else text


class ReleaseSettings(SettingsPart):
    """A release of a chart: what `helm install` is told besides the chart."""

    name: Annotated[str, Value(after=_release, description="The name of the release.")]
    values: Annotated[
        Names,
        Value(description="Values files over the chart's own, relative to these settings; later ones win."),
    ] = ()
    set: Annotated[
        Mapping[str, Any],
        Value(
            after=_assignments,
            description="Values over those of files, by name: image.tag is tag in the map image.",
        ),
    ] = EMPTY
    namespace: Annotated[
        str,
        Value(after=_namespace, description="The namespace that it is installed in (.Release.Namespace)."),
    ] = "default"
    kube_version: Annotated[
        str,
        Value(
            before=_version,
            description="The Kubernetes version that it is rendered for, such as 1.33 (.Capabilities.KubeVersion).",
        ),
    ] = ""


class ChartSettings(SettingsPart):
    """A Helm chart, and what it is installed as."""

    path: Annotated[str, Value(description="The folder of the chart, relative to these settings.")]
    releases: Annotated[
        tuple[ReleaseSettings, ...],
        Value(description="What it is judged as, besides its defaults and the values files it comes with."),
    ] = ()
