"""What settings lock against those of folders below, where only the policies say what that means.

A locked control stays on, reads the lists it read, and is the control it was. What would change that is a problem where
it was written, and has no effect. What can be told without policies, `settings/layers.py` has refused already.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp import cel
from kscan_lsp.findings import Problem
from kscan_lsp.policy.ruleset import SettingError, choose
from kscan_lsp.settings.layers import LOCKABLE, on_top
from kscan_lsp.settings.model import Settings, replace_settings, settings_of
from kscan_lsp.settings.shape import said, whole
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.workspace.policies import load_policies, policy_files
from kscan_lsp.workspace.unused import absolute_patterns
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kscan_lsp.policy.memo import PolicyMemo
    from kscan_lsp.policy.model import Control, PolicySet, PolicySource
    from kscan_lsp.settings.layers import Layer
    from kscan_lsp.yaml.document import Document


class Held(Struct, frozen=True):
    """Settings files made one with all that is locked held, and what is wrong with the rest, each in its layer."""

    settings: Settings
    refused: tuple[tuple[Layer, SettingError], ...]


def named_policies(
    naming: Iterable[tuple[Layer, Path | None, frozenset[str]]], missing: list[tuple[Layer, SettingError]]
) -> dict[Path, frozenset[str]]:
    """The files of policies that settings name, with what is locked for those who name them.

    Args:
        naming: settings, the folder that their names begin at, and what those above them lock.
        missing: takes what is wrong with a name.
    """
    named: dict[Path, frozenset[str]] = {}
    for layer, folder, locked in naming:
        found = policy_files(layer.settings.policies, folder)
        named.update(dict.fromkeys(found.files, locked))
        missing += [(layer, SettingError(("policies", n), message)) for n, message in found.wrong]
    return named


def absolute_excludes(layer: Layer, folder: Path | None) -> Iterator[tuple[Layer, SettingError]]:
    """The patterns of settings that leave nothing out, since they are absolute."""
    if folder is not None:
        for where, message in absolute_patterns(layer.settings.exclude, folder, layer.document):
            yield layer, SettingError(where, message)


def defined_anew(
    known: PolicySet, named: Mapping[Path, frozenset[str]]
) -> Iterator[tuple[str, PolicySource]]:
    """What policies of a folder below define anew although settings above lock it.

    Args:
        known: all policies.
        named: the files they are from, with what is locked for those who name them.
    """
    for name, source in known.replaced.items():
        locked = named.get(Path(source.name), frozenset())
        if name in locked or ("frameworks" if name in known.frameworks else "controls") in locked:
            yield name, source


def load_unlocked(
    named: Mapping[Path, frozenset[str]], buffers: Mapping[Path, str] | None, memo: PolicyMemo | None
) -> tuple[PolicySet, list[tuple[Path, Document, Problem]]]:
    """The policies in some files, without those that define anew what settings above lock."""
    known = load_policies([*named], buffers, memo=memo)
    refusals = [
        (
            Path(source.name),
            source.document,
            Problem(
                span_at(source.document, ("id",)),
                f"'{name}' stays as it is: settings above lock it",
                "control",
            ),
        )
        for name, source in defined_anew(known, named)
    ]
    if refusals:
        refused = {path for path, _, _ in refusals}
        known = load_policies([one for one in named if one not in refused], buffers, memo=memo)
    problems = [(Path(p.source), p.document, p.problem) for p in known.problems]
    return known, refusals + problems


def hold(layers: Sequence[Layer], locked: Sequence[frozenset[str]], known: PolicySet) -> Held:
    """Make settings files one, the outermost first.

    Args:
        layers: the files with what counts of each.
        locked: for each, what those above it lock.
        known: all policies.
    """
    held = settings_of({})
    refused: list[tuple[Layer, SettingError]] = []
    for layer, names in zip(layers, locked, strict=True):
        refused += [(layer, error) for error in _unknown_locks(layer, known)]
        before = choose(known, held)[0].controls if names else {}
        fixed = [before[name] for name in before if name in names or "controls" in names]
        own, inputs = layer.settings, layer.settings.inputs
        if fixed and isinstance(inputs, dict) and (taken := sorted(inputs_of(fixed).intersection(inputs))):
            for name in taken:
                message = f"'{name}' stays as it is: a control that settings above lock reads it"
                refused.append((layer, SettingError(("inputs", name), message, on_key=True)))
            own = replace_settings(
                own, {"inputs": {n: lists for n, lists in inputs.items() if n not in taken}}
            )
        held = on_top(held, own)
        now = choose(known, held)[0].controls if fixed else {}
        if off := [control.id for control in fixed if control.id not in now]:
            message = f"{_listed(off)} on: settings above lock {'it' if len(off) == 1 else 'them'}"
            refused.append((layer, SettingError(("frameworks",), message)))
            controls = whole(held.controls)
            held = replace_settings(held, {"controls": {**controls, "include": (*controls["include"], *off)}})
    return Held(held, tuple(refused))


def _unknown_locks(layer: Layer, known: PolicySet) -> Iterator[SettingError]:
    """Names under `locked` that lock nothing."""
    names = [*LOCKABLE, *known.controls]
    for number, name in enumerate(layer.settings.locked):
        if name not in names:
            hint = nearest_name(name, names) or f"; keys are {', '.join(LOCKABLE)}"
            yield SettingError(("locked", number), f"'{name}' is no control and no key to be locked{hint}")


def may_set(locked: frozenset[str], controls: Iterable[Control], name: str) -> bool:
    """Whether the innermost settings file may give an input another list: nothing above locks it.

    Args:
        locked: what is locked above it.
        controls: those that are on.
        name: the input.
    """
    if not locked:
        return True
    fixed = [control for control in controls if control.id in locked or "controls" in locked]
    return "inputs" not in locked and name not in inputs_of(fixed)


def inputs_of(controls: Iterable[Control]) -> set[str]:
    """The lists that any of some controls reads."""
    return {
        name
        for control in controls
        for name in (
            *(
                n
                for check in control.checks
                for n in cel.fields_read(check.expressions()).get("inputs") or ()
            ),
            *(n for rule in control.rego for n in rule.inputs),
        )
    }


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:3])
    rest = f" and {len(names) - 3} others" if len(names) > 3 else ""
    return f"{shown}{rest} {'stays' if len(names) == 1 else 'stay'}"


def excludes_of(
    layers: Iterable[Layer], above: Settings, folder: Path | None
) -> tuple[tuple[Path, tuple[str, ...]], ...]:
    """What is left out, with the folders that the patterns are about.

    Args:
        layers: what settings files say, the outermost first.
        above: what holds over all of them, such as what a command says.
        folder: the one that the latter is about.
    """
    if "exclude" in said(above):
        return ((folder, above.exclude),) if folder else ()
    return tuple(
        (Path(layer.file).parent, layer.settings.exclude) for layer in layers if layer.settings.exclude
    )
