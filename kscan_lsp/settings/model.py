"""Settings: the text of `.kscan.yaml`, and what an editor or a command line says over it, made one.

One model serves the file, the editor's `kscan` section and the published JSON schema, so a key means the same
everywhere. Names of controls, frameworks and inputs are only known once policies are read: `ruleset.py`
judges those.

What several files make together is said in `layers.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from kscan_lsp.findings import Problem, Severity
from kscan_lsp.regex import regex
from kscan_lsp.settings.charts import ChartSettings
from kscan_lsp.settings.exceptions import ExceptionChoice, ExceptionSettings
from kscan_lsp.settings.sections import AdmissionSettings, ImageGateSettings, ImageSettings, SettingsPart
from kscan_lsp.settings.shape import EMPTY, Value, fitting, said, types_of
from kscan_lsp.settings.signatures import SignatureSettings
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.settings.validation import in_words, validate, without_errors
from kscan_lsp.settings.values import InputValue, Names, as_pattern, one_or_many
from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.tree import Scalar

if TYPE_CHECKING:
    from kscan_lsp.yaml.document import Document

FILE_NAMES: Final = (".kscan.yaml", ".kscan.yml")


SeverityName = Literal["low", "medium", "high", "critical"]


def _severity(value: object) -> object:
    names = [severity.label for severity in Severity]
    if isinstance(value, list | dict):
        raise ValueError("must be a severity; write the control first, then its severity: C-0013: high")  # noqa: TRY004 - what models take
    if value not in names:
        raise ValueError(f"'{value}' is no severity{nearest_name(str(value).lower(), names)}")
    return value


DEFAULT_FRAMEWORK: Final = "recommended"
"""What applies where nobody names a framework that there is."""
NEWEST_KUBERNETES: Final = 37
"""The newest minor version of Kubernetes whose changes the controls know: 1.37."""
OLDEST_KUBERNETES: Final = 16
"""The oldest one: what the versions before had removed, no table says."""
_VERSION: Final = regex(r"v?1\.(\d{1,3})(?:\.\d+)?(?:[-+].*)?")


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


Version = Annotated[str, Value(before=_version, written=str | float)]


ExcludePatterns = Annotated[
    tuple[Annotated[str, Value(after=as_pattern)], ...],
    Value(before=one_or_many, written=str | tuple[str, ...]),
]


def _group(value: str) -> str:
    name, versioned, _ = value.partition("/")
    if versioned:
        raise ValueError(f"a group has no version here; write '{name}'")
    return value


class ControlSettings(SettingsPart):
    """Which controls are on beyond what the frameworks say, and how severe they are."""

    include: Annotated[
        Names, Value(description="Controls to check although no chosen framework has them.")
    ] = ()
    exclude: Annotated[Names, Value(description="Controls to leave out.")] = ()
    severity: Annotated[
        Mapping[str, Annotated[SeverityName, Value(before=_severity)]],
        Value(description="Other severities, by control id."),
    ] = EMPTY


class PodSpecPath(SettingsPart):
    """A custom kind that carries a pod template."""

    kind: str
    group: Annotated[str, Value(after=_group)] = ""
    path: Annotated[str, Value(description="Path to its pod template, such as spec.template.")]


def _share(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise ValueError("must be a number from 0 to 100")
    return value


Share = Annotated[float, Value(before=_share)]


def _or_none(value: object) -> object:
    return "none" if isinstance(value, str) and value.lower() == "none" else _severity(value)


class GateSettings(ImageGateSettings):
    """What makes a scan fail. What is not said is as the command line has it without options."""

    fail_on: Annotated[
        Literal["none", "low", "medium", "high", "critical"] | None,
        Value(before=_or_none, description="The least severity that fails a scan."),
    ] = None
    compliance_threshold: Annotated[
        Share | Mapping[str, Share],
        Value(
            description="Fail where compliance is lower, in percent: with any framework, or by its id.",
        ),
    ] = EMPTY
    new_only: Annotated[bool, Value(description="Report only what is not in the baseline.")] = False
    allow_unscanned: Annotated[
        bool,
        Value(description="Pass where something could not be scanned, or not fully."),
    ] = False


Inputs = Mapping[str, InputValue]


class InputsFile(SettingsPart):
    """A file of inputs: names and their values; Kubescape has lists."""

    others: ClassVar[Any] = InputValue

    @property
    def lists(self) -> Inputs:
        """The values by name."""
        return vars(self)


class Settings(SettingsPart):
    """Everything a user can choose."""

    frameworks: Annotated[Names, Value(description="Frameworks whose controls are checked.")] = (
        DEFAULT_FRAMEWORK,
    )
    extends: Annotated[
        Names,
        Value(
            description="Packs of policies that lie below these settings: the name of one that comes with kscan or is "
            "installed, a folder, or git+https://HOST/REPOSITORY@TAG#FOLDER ('kscan pack update' fetches it)."
        ),
    ] = ()
    signatures: Annotated[
        tuple[SignatureSettings, ...],
        Value(
            longest=100,
            description="By whom packs have to be signed that these settings, or those below them, extend: any other "
            "counts for nothing.",
        ),
    ] = ()
    controls: ControlSettings = ControlSettings()
    inputs: Annotated[
        Inputs | str,
        Value(
            description="Values of tunable lists, maps and numbers that controls read, by name; each replaces the "
            "default. Or the name of a file that holds such values, such as Kubescape's control inputs."
        ),
    ] = EMPTY
    policies: Annotated[Names, Value(description="Files or folders with own controls and frameworks.")] = ()
    exclude: Annotated[
        ExcludePatterns, Value(description="Files to leave out, as patterns of .gitignore.")
    ] = ()
    baseline: Annotated[
        str,
        Value(
            description="The file with the findings that were there when it was written ('kscan baseline create'): "
            "only what came since fails a scan."
        ),
    ] = ""
    exceptions: Annotated[
        ExceptionChoice,
        Value(
            description="Files with exceptions besides .kscan/exceptions.yaml, and what is asked of an exception."
        ),
    ] = ExceptionSettings()
    gate: Annotated[
        GateSettings, Value(description="What makes a scan fail; options of the command line go before.")
    ] = GateSettings()
    images: Annotated[ImageSettings, Value(description="What is known of images, and what counts of it.")] = (
        ImageSettings()
    )
    admission: Annotated[
        AdmissionSettings, Value(description="What admission policies in the workspace are good for.")
    ] = AdmissionSettings()
    diagnostics: Annotated[
        Literal["open", "workspace"],
        Value(
            description="Whether the editor shows findings of open files only, or of all files of the workspace."
        ),
    ] = "open"
    charts: Annotated[
        tuple[ChartSettings, ...],
        Value(
            description="Helm charts, and what they are installed as: releases with values files and more."
        ),
    ] = ()
    pod_spec_paths: Annotated[
        tuple[PodSpecPath, ...],
        Value(description="Custom kinds that carry a pod template."),
    ] = ()
    locked: Annotated[
        Names,
        Value(
            description="What a settings file in a folder below may not weaken: control ids, or keys: "
            "'controls' for all of them, 'frameworks', 'exclude', 'inputs', 'policies', 'exceptions', "
            "'admission', 'podSpecPaths', 'kubernetesVersion'."
        ),
    ] = ()
    kubernetes_version: Annotated[
        Version,
        Value(
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
    return document.with_data({**document.data, name: document.text[node.start : node.end]})


def overlay(base: Settings, section: object) -> tuple[Settings, tuple[str, ...]]:
    """Lay an editor's `kscan` section over settings from a file; returns also what is wrong, in words."""
    if not section:
        return base, ()
    if not isinstance(section, dict):
        return base, ("kscan must be a mapping",)
    known = types_of(Settings)
    chosen = {key: value for key, value in section.items() if key in known and value is not None}
    wrong: list[str] = []
    for key in list(chosen):
        _, misfits = fitting(Settings, {key: chosen[key]})
        if misfits:
            wrong.append(f"kscan.{in_words(misfits[0])}")
            del chosen[key]
    return replace_settings(base, chosen), tuple(wrong)


def settings_of(chosen: Mapping[str, Any]) -> Settings:
    """Settings that say these keys, which are those of the file.

    Raises:
        MisfitError: one of them is wrong.
    """
    return Settings.of(chosen) if chosen else Settings()


def replace_settings(base: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings with some keys replaced; the keys are those of the file."""
    return settings_of({**said(base), **changes})
