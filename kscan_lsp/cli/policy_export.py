"""Writes controls as admission policies for the `policy export` command, and says of the others why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kscan_lsp.admission.exporting import exported
from kscan_lsp.admission.translating import RefusedError
from kscan_lsp.admission.writing import documents
from kscan_lsp.cli.options import UsageError
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.testing.exported import refuse_difference
from kscan_lsp.workspace.policies import complete_policies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kscan_lsp.policy.model import PolicySet
    from kscan_lsp.policy.ruleset import Ruleset


class Export(NamedTuple):
    """The policies of controls as one YAML text, which controls these are, and why others cannot be written, by id."""

    text: str
    written: tuple[str, ...]
    refused: Mapping[str, str]


def export(ids: Sequence[str], ruleset: Ruleset, action: str) -> Export:
    """Write controls as policies with their bindings, those that say the same as their controls.

    Args:
        ids: the controls; none for all that there are.
        ruleset: the controls there are, and the inputs that hold.
        action: what the bindings do.

    Raises:
        UsageError: a control does not exist.
    """
    policies = ruleset.policies
    for name in ids:
        if name not in policies.controls:
            raise UsageError(f"unknown control '{name}'{nearest_name(name, list(policies.controls))}")
    objects = []
    refused: dict[str, str] = {}
    written = []
    for name in dict.fromkeys(ids or sorted(policies.controls)):
        control = policies.controls[name]
        try:
            made = exported(control, ruleset, action)
            refuse_difference(control, _with_tests(name, policies))
        except RefusedError as error:
            refused[name] = str(error)
        else:
            written.append(name)
            objects += [part for one in made for part in one]
    return Export(documents(objects), tuple(written), refused)


def _with_tests(control: str, policies: PolicySet) -> PolicySet:
    """The policies among which a control has its tests; those that come with the program are read without."""
    return policies if control in policies.sources else complete_policies()
