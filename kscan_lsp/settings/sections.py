"""What parts of the settings share, and those parts that stand for themselves.

The whole is in `model.py`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from kscan_lsp.settings.shape import Model, Value
from kscan_lsp.settings.values import Names


class SettingsPart(Model):
    """A part of the settings."""

    empty_is_absent: ClassVar[bool] = True


class ImageSettings(SettingsPart):
    """What is known of images: where reports of scanners are, and what counts of them."""

    reports: Annotated[
        Names,
        Value(
            description="Reports of scanners about images, and VEX statements, as patterns with '*' and '**'; without "
            "any, '.kscan/images/*.json' and names such as '*.trivy.json' beside these settings."
        ),
    ] = ()
    max_age_days: Annotated[
        int,
        Value(least=1, most=3_650, description="How old a report may be before that is a finding."),
    ] = 30
    only_fixable: Annotated[bool, Value(description="Count only vulnerabilities that have a fix.")] = False


class AdmissionSettings(SettingsPart):
    """Whether objects are judged by the admission policies of the workspace, and by which besides."""

    evaluate: Annotated[
        bool,
        Value(
            description="Judge objects by the policies of the workspace: of Kubernetes, Kyverno and Gatekeeper."
        ),
    ] = True
    policies: Annotated[
        Names,
        Value(
            description="Files or folders with admission policies, bindings and params that are no manifests here."
        ),
    ] = ()
    mutate: Annotated[
        bool,
        Value(description="Judge objects as the MutatingAdmissionPolicies of the workspace change them."),
    ] = False


class ImageGateSettings(SettingsPart):
    """Which vulnerabilities of images make a scan fail."""

    fail_on_cve: Annotated[
        Literal["none", "low", "medium", "high", "critical"] | None,
        Value(
            description="The least severity of a vulnerability of an image that fails a scan.",
        ),
    ] = None
    kev: Annotated[
        bool, Value(description="Fail for vulnerabilities of images that are known to be exploited.")
    ] = False
    only_fixable: Annotated[
        bool,
        Value(description="Of both, only for such that have a fix."),
    ] = False
