"""Settings: the text of `.kscan.yaml`, and what an editor or a command line says over it, made one.

One model serves the file, the editor's `kscan` section and the published JSON schema, so a key means the same
everywhere. Names of controls, frameworks and inputs are only known once policies are read: `ruleset.py`
judges those.

What several files make together is said in `layers.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec.structs import replace
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from kscan_lsp.findings import Problem, Severity
from kscan_lsp.settings.charts import ChartSettings  # noqa: TC001 - pydantic reads it
from kscan_lsp.settings.exceptions import ExceptionChoice, ExceptionSettings
from kscan_lsp.settings.sections import AdmissionSettings, Frozen, ImageGateSettings, ImageSettings
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.settings.validation import complaint, validate, without_errors
from kscan_lsp.settings.values import InputValue, Names, as_pattern, one_or_many, without_empty
from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.tree import Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.yaml.document import Document

FILE_NAMES: Final = (".kscan.yaml", ".kscan.yml")


SeverityName = Literal["low", "medium", "high", "critical"]


def _severity(value: object) -> object:
    names = [severity.label for severity in Severity]
    if isinstance(value, list | dict):
        raise ValueError("must be a severity; write the control first, then its severity: C-0013: high")  # noqa: TRY004 - what pydantic takes
    if value not in names:
        raise ValueError(f"'{value}' is no severity{nearest_name(str(value).lower(), names)}")
    return value


DEFAULT_FRAMEWORK: Final = "recommended"
"""What applies where nobody names a framework that there is."""
NEWEST_KUBERNETES: Final = 37
"""The newest minor version of Kubernetes whose changes the controls know: 1.37."""
OLDEST_KUBERNETES: Final = 16
"""The oldest one: what the versions before had removed, no table says."""
_VERSION: Final = re.compile(r"v?1\.(\d{1,3})(?:\.\d+)?(?:[-+].*)?")


def _version(value: object) -> object:
    found = _VERSION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be a Kubernetes version as a string, such as '1.33'")
    minor = int(found[1])
    if not OLDEST_KUBERNETES <= minor <= NEWEST_KUBERNETES:
        meant = f"; did you mean 1.{minor}0?" if OLDEST_KUBERNETES <= 10 * minor <= NEWEST_KUBERNETES else ""
        raise ValueError(
            f"nothing is known of Kubernetes 1.{minor}, only of 1.{OLDEST_KUBERNETES} to 1.{NEWEST_KUBERNETES}{meant}"
        )
    return value


Version = Annotated[str, BeforeValidator(_version, json_schema_input_type=str | float)]


ExcludePatterns = Annotated[
    tuple[Annotated[str, AfterValidator(as_pattern)], ...],
    BeforeValidator(one_or_many, json_schema_input_type=str | tuple[str, ...]),
]


def _group(value: str) -> str:
    name, versioned, _ = value.partition("/")
    if versioned:
        raise ValueError(f"a group has no version here; write '{name}'")
    return value


class ControlSettings(Frozen, BaseModel):
    """Which controls are on beyond what the frameworks say, and how severe they are."""

    include: Annotated[
        Names, Field(description="Controls to check although no chosen framework has them.")
    ] = ()
    exclude: Annotated[Names, Field(description="Controls to leave out.")] = ()
    severity: Annotated[
        dict[str, Annotated[SeverityName, BeforeValidator(_severity, json_schema_input_type=SeverityName)]],
        Field(description="Other severities, by control id."),
    ] = {}


class PodSpecPath(Frozen):
    """A custom kind that carries a pod template."""

    kind: str
    group: Annotated[str, AfterValidator(_group)] = ""
    path: Annotated[str, Field(description="Path to its pod template, such as spec.template.")]


def _share(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise ValueError("must be a number from 0 to 100")
    return value


Share = Annotated[float, BeforeValidator(_share, json_schema_input_type=float)]


def _one_or_each(value: object) -> str:
    return "each" if isinstance(value, dict) else "one"


def _or_none(value: object) -> object:
    return "none" if isinstance(value, str) and value.lower() == "none" else _severity(value)


class GateSettings(ImageGateSettings, BaseModel):
    """What makes a scan fail. What is not said is as the command line has it without options."""

    fail_on: Annotated[
        Literal["none", "low", "medium", "high", "critical"] | None,
        BeforeValidator(
            _or_none, json_schema_input_type=Literal["none", "low", "medium", "high", "critical"]
        ),
        Field(alias="failOn", description="The least severity that fails a scan."),
    ] = None
    compliance_threshold: Annotated[
        Annotated[Share, Tag("one")] | Annotated[dict[str, Share], Tag("each")],
        Discriminator(_one_or_each),
        Field(
            alias="complianceThreshold",
            description="Fail where compliance is lower, in percent: with any framework, or by its id.",
        ),
    ] = {}
    new_only: Annotated[
        bool, Field(alias="newOnly", description="Report only what is not in the baseline.")
    ] = False
    allow_unscanned: Annotated[
        bool,
        Field(alias="allowUnscanned", description="Pass where something could not be scanned, or not fully."),
    ] = False


def _file_or_lists(value: object) -> str:
    return "file" if isinstance(value, str) else "lists"


Inputs = dict[str, InputValue]


class InputsFile(BaseModel):
    """A file of inputs: names and their lists, as Kubescape has them."""

    # a model whose keys are all unknown, and not a root model, which pydantic makes ready as soon as it is imported
    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)
    __pydantic_extra__: Inputs

    _empty_is_absent = model_validator(mode="before")(without_empty)

    @property
    def lists(self) -> Inputs:
        """The values by name."""
        return self.__pydantic_extra__


class Settings(Frozen, BaseModel):
    """Everything a user can choose."""

    frameworks: Annotated[Names, Field(description="Frameworks whose controls are checked.")] = (
        DEFAULT_FRAMEWORK,
    )
    extends: Annotated[
        Names,
        Field(
            description="Packs of policies that lie below these settings: the name of one that comes with kscan or is "
            "installed, a folder, or git+https://HOST/REPOSITORY@TAG#FOLDER ('kscan pack update' fetches it)."
        ),
    ] = ()
    controls: ControlSettings = ControlSettings.model_construct()
    inputs: Annotated[
        Annotated[str, Tag("file")] | Annotated[Inputs, Tag("lists")],
        Discriminator(_file_or_lists),
        Field(
            description="Values of tunable lists, maps and numbers that controls read, by name; each replaces the "
            "default. Or the name of a file that holds such values, such as Kubescape's control inputs."
        ),
    ] = {}
    policies: Annotated[Names, Field(description="Files or folders with own controls and frameworks.")] = ()
    exclude: Annotated[
        ExcludePatterns, Field(description="Files to leave out, as patterns of .gitignore.")
    ] = ()
    baseline: Annotated[
        str,
        Field(
            description="The file with the findings that were there when it was written ('kscan baseline create'): "
            "only what came since fails a scan."
        ),
    ] = ""
    exceptions: Annotated[
        ExceptionChoice,
        Field(
            description="Files with exceptions besides .kscan/exceptions.yaml, and what is asked of an exception."
        ),
    ] = ExceptionSettings.model_construct()
    gate: Annotated[
        GateSettings, Field(description="What makes a scan fail; options of the command line go before.")
    ] = GateSettings.model_construct()
    images: Annotated[ImageSettings, Field(description="What is known of images, and what counts of it.")] = (
        ImageSettings.model_construct()
    )
    admission: Annotated[
        AdmissionSettings, Field(description="What admission policies in the workspace are good for.")
    ] = AdmissionSettings.model_construct()
    diagnostics: Annotated[
        Literal["open", "workspace"],
        Field(
            description="Whether the editor shows findings of open files only, or of all files of the workspace."
        ),
    ] = "open"
    charts: Annotated[
        tuple[ChartSettings, ...],
        Field(
            description="Helm charts, and what they are installed as: releases with values files and more."
        ),
    ] = ()
    pod_spec_paths: Annotated[
        tuple[PodSpecPath, ...],
        Field(alias="podSpecPaths", description="Custom kinds that carry a pod template."),
    ] = ()
    locked: Annotated[
        Names,
        Field(
            description="What a settings file in a folder below may not weaken: control ids, or keys: "
            "'controls' for all of them, 'frameworks', 'exclude', 'inputs', 'policies', 'exceptions', "
            "'podSpecPaths', 'kubernetesVersion'."
        ),
    ] = ()
    kubernetes_version: Annotated[
        Version,
        Field(
            alias="kubernetesVersion",
            description="The Kubernetes version that manifests are for, such as 1.33; "
            f"without it, 1.{NEWEST_KUBERNETES}.",
        ),
    ] = ""

    @property
    def kubernetes_minor(self) -> int:
        """The minor number of the Kubernetes version that manifests are for."""
        found = _VERSION.fullmatch(self.kubernetes_version)
        return int(found[1]) if found else NEWEST_KUBERNETES

    def severity_of(self, control: str, default: Severity) -> Severity:
        """A control's severity, with the user's choice over the default."""
        chosen = self.controls.severity.get(control)
        return Severity[chosen.upper()] if chosen else default


def read_settings(document: Document) -> tuple[Settings, tuple[Problem, ...]]:
    """Read a settings file.

    Returns: The settings and what is wrong with them. A wrong key or value costs that key only: the rest
        still holds, so that a typo while editing never switches the user's whole choice off.
    """
    document = _with_version_as_written(document)
    settings, problems = validate(Settings, document, "setting")
    if settings is None:
        settings = without_errors(Settings, document)
    return settings, problems


def _with_version_as_written(document: Document) -> Document:
    """The document with the text of a version that YAML reads as a number: 1.30 is not 1.3."""
    name = "kubernetesVersion"
    if document.root is None or not isinstance(document.data, dict) or name not in document.data:
        return document
    node = nearest(document.root, (name,)).node
    if not isinstance(node, Scalar) or not isinstance(node.value, int | float):
        return document
    return replace(document, data={**document.data, name: document.text[node.start : node.end]})


def overlay(base: Settings, section: object) -> tuple[Settings, tuple[str, ...]]:
    """Lay an editor's `kscan` section over settings from a file; returns also what is wrong, in words."""
    if not section:
        return base, ()
    if not isinstance(section, dict):
        return base, ("kscan must be a mapping",)
    known = {field.alias or name for name, field in Settings.model_fields.items()}
    chosen = {key: value for key, value in section.items() if key in known and value is not None}
    wrong: list[str] = []
    for key in list(chosen):
        try:
            Settings.model_validate({key: chosen[key]})
        except ValidationError as error:
            found = error.errors()[0]
            text = complaint(found)
            between = " " if text.startswith(("must ", "is ")) else ": "
            wrong.append(f"kscan.{'.'.join(map(str, found['loc']))}{between}{text}")
            del chosen[key]
    return replace_settings(base, chosen), tuple(wrong)


def settings_of(chosen: Mapping[str, Any]) -> Settings:
    """Settings that say these keys, which are those of the file.

    Raises:
        ValidationError: one of them is wrong.
    """
    # pydantic makes its validators when they are first needed: most scans of one file need none, and that is a
    # fifth of the time they take
    return Settings.model_validate(chosen) if chosen else Settings.model_construct()


def replace_settings(base: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings with some keys replaced; the keys are those of the file."""
    return settings_of({**dump(base), **changes})


def dump(settings: Settings) -> dict[str, Any]:
    """The keys that somebody wrote, with their values."""
    return settings.model_dump(by_alias=True, exclude_unset=True) if settings.model_fields_set else {}
