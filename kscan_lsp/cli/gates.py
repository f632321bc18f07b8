"""What makes a scan fail: options of the command line over `gate` of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.cli.options import NO_IMAGE_OPTIONS, FailOn, ImageGateOptions, UsageError
from kscan_lsp.findings import Severity
from kscan_lsp.report.image_model import ImageGate
from kscan_lsp.report.model import ANY, Gate
from kscan_lsp.settings.model import GateSettings
from kscan_lsp.settings.suggest import nearest_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kscan_lsp.cli.scan import Scan

_DEFAULT: Final = FailOn.HIGH


def gate_of(
    scan: Scan,
    fail_on: FailOn | None,
    thresholds: Sequence[str],
    cves: ImageGateOptions = NO_IMAGE_OPTIONS,
    *,
    allow_unscanned: bool,
) -> tuple[Gate, bool]:
    """What makes a scan fail, and whether only what is new is reported.

    Args:
        scan: what was scanned; the settings of what was named first have the gate.
        fail_on: what `--fail-on` says, if anything.
        thresholds: what `--compliance-threshold` says: `N`, or `FRAMEWORK=N`.
        cves: what it says of vulnerabilities of images.
        allow_unscanned: whether the command allows it.

    Raises:
        UsageError: a threshold is none, or nothing would be compared with it, or an option says nothing.
    """
    chosen = scan.configurations[0].settings.gate if scan.configurations else GateSettings()
    level = fail_on or (FailOn(chosen.fail_on) if chosen.fail_on else _DEFAULT)
    said = chosen.compliance_threshold
    each = {ANY: said} if isinstance(said, float) else {_id_of(name, scan): said[name] for name in said}
    own: dict[str, float] = each
    frameworks = {name for one in scan.configurations for name in one.settings.frameworks}
    if thresholds:
        own = _thresholds(thresholds, scan)
        if scan.files and not frameworks:
            raise UsageError(
                "--compliance-threshold needs a framework, and none is on; name one with --framework, or in .kscan.yaml"
            )
    return (
        Gate(
            None if level is FailOn.NONE else Severity[level.name],
            tuple(own.items()),
            allow_unscanned or chosen.allow_unscanned,
            _of_images(chosen, cves),
        ),
        chosen.new_only,
    )


def _of_images(chosen: GateSettings, cves: ImageGateOptions) -> ImageGate | None:
    level = cves.fail_on or (FailOn(chosen.fail_on_cve) if chosen.fail_on_cve else FailOn.NONE)
    gate = ImageGate(
        None if level is FailOn.NONE else Severity[level.name],
        cves.kev or chosen.kev,
        cves.only_fixable or chosen.only_fixable,
    )
    if cves.only_fixable and not gate.asks:
        raise UsageError("--only-fixable says of which vulnerabilities a gate is; add --fail-on-cve or --kev")
    return gate if gate.asks else None


def _thresholds(texts: Iterable[str], scan: Scan) -> dict[str, float]:
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            share = float(number)
        except ValueError:
            share = -1
        if not 0 <= share <= 100:
            raise UsageError(f"'--compliance-threshold {text}': write a number from 0 to 100, or FRAMEWORK=N")
        if name:
            name = _framework(name, scan)
        found[name] = share
    return found


def _framework(name: str, scan: Scan) -> str:
    known = {i for one in scan.configurations for i in one.ruleset.policies.frameworks}
    found = _id_of(name, scan)
    if found not in known:
        raise UsageError(f"unknown framework '{name}'{nearest_name(name, sorted(known))}")
    return found


def _id_of(name: str, scan: Scan) -> str:
    """The id of a framework that may be named otherwise; the name itself, where there is none."""
    found = (one.ruleset.policies.framework(name) for one in scan.configurations)
    return next((framework.id for framework in found if framework), name)
