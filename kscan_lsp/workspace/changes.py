"""What a project changes about the standards that come with the program, and where it says so.

A standard that is met because half of it was switched off is not met, so every report names these changes. They weaken
or may: what is taken out, what is less severe, and what the project defines anew. What it adds or makes more severe
changes no promise, and is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from kscan_lsp.findings import Severity
from kscan_lsp.settings.layers import place_of
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp import paths
    from kscan_lsp.policy.model import PolicySet
    from kscan_lsp.settings.layers import Layer
    from kscan_lsp.settings.model import Settings
    from kscan_lsp.text import Span
    from kscan_lsp.yaml.document import Document


class Change(Struct, frozen=True):
    """One change to a control or framework.

    `file`, `document` and `span` are None where no file says it: an editor's own settings, or a command line.
    """

    what: Literal["excluded", "lowered", "replaced"]
    id: str
    file: str | None
    document: Document | None
    span: Span | None
    detail: str = ""
    """Of a lowered severity: `high to low`."""


def changes_of(settings: Settings, policies: PolicySet, layers: Sequence[Layer]) -> Iterator[Change]:
    """What settings and policies change, those of the settings in their order, then what is replaced.

    Args:
        settings: what holds.
        policies: what the settings choose from.
        layers: the settings files; what none of them says comes from an editor or a command line.
    """

    def change(
        what: Literal["excluded", "lowered"], control: str, where: paths.Path, detail: str = ""
    ) -> Change:
        place = place_of(layers, settings, where)
        if place is None:
            return Change(what, control, None, None, None, detail)
        layer, where = place
        return Change(what, control, layer.file, layer.document, span_at(layer.document, where), detail)

    for number, name in enumerate(settings.controls.exclude):
        if name in policies.controls:
            yield change("excluded", name, ("controls", "exclude", number))
    for name, label in settings.controls.severity.items():
        control = policies.controls.get(name)
        if control is not None and Severity[label.upper()] < control.severity:
            detail = f"{control.severity.label} to {label}"
            yield change("lowered", name, ("controls", "severity", name), detail)
    for name, source in policies.replaced.items():
        yield Change("replaced", name, source.name, source.document, span_at(source.document, ("id",)))
