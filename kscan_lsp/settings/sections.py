"""What parts of the settings share, and those parts that stand for themselves.

The whole is in `model.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kscan_lsp.settings.values import Names, without_empty


class Frozen(BaseModel):
    """A part of the settings."""

    # a part is validated as part of the whole, which need not wait for a validator of its own
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    _empty_is_absent = model_validator(mode="before")(without_empty)


class ImageSettings(Frozen):
    """What is known of images: where reports of scanners are, and what counts of them."""

    reports: Annotated[
        Names,
        Field(
            description="Reports of scanners about images, and VEX statements, as patterns with '*' and '**'; without "
            "any, '.kscan/images/*.json' and names such as '*.trivy.json' beside these settings."
        ),
    ] = ()
    max_age_days: Annotated[
        Annotated[int, Field(ge=1, le=3_650)],
        Field(alias="maxAgeDays", description="How old a report may be before that is a finding."),
    ] = 30
    only_fixable: Annotated[
        bool, Field(alias="onlyFixable", description="Count only vulnerabilities that have a fix.")
    ] = False


class AdmissionSettings(Frozen):
    """Whether objects are judged by the admission policies of the workspace."""

    evaluate: Annotated[
        bool,
        Field(
            description="Judge objects by the ValidatingAdmissionPolicies of the workspace, as the API server would."
        ),
    ] = True


class ImageGateSettings(Frozen):
    """Which vulnerabilities of images make a scan fail."""

    fail_on_cve: Annotated[
        Literal["none", "low", "medium", "high", "critical"] | None,
        Field(
            alias="failOnCve",
            description="The least severity of a vulnerability of an image that fails a scan.",
        ),
    ] = None
    kev: Annotated[
        bool, Field(description="Fail for vulnerabilities of images that are known to be exploited.")
    ] = False
    only_fixable: Annotated[
        bool,
        Field(alias="onlyFixable", description="Of both, only for such that have a fix."),
    ] = False
