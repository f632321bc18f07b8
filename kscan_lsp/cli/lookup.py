"""The `explain` command: controls by their ids, or by words of their titles."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kscan_lsp.cli.terminal import fail, print_error, print_lines, write_output
from kscan_lsp.policy.admission import is_of_admission, stand_in
from kscan_lsp.report.catalog import control_list, control_page, matching
from kscan_lsp.settings.suggest import nearest_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.policy.ruleset import Ruleset


def explain(words: Sequence[str], ruleset: Ruleset) -> None:
    """Explain the controls that are named, or the one whose title has some words; list them if there are several.

    Args:
        words: ids of controls, or else words of a title.
        ruleset: all that is known, with the severities that hold.
    """
    known = {
        **ruleset.policies.controls,
        **{word: stand_in(word) for word in words if is_of_admission(word)},
    }
    ids = [word if word in known else word.upper() for word in words]
    if any(i not in known for i in ids):
        ids = matching(" ".join(words).split(), ruleset.policies)
        if len(ids) > 1:
            write_output(control_list(ruleset, ids))
            print_error(f"{len(ids)} controls; 'kscan explain {ids[0]}' explains one")
            return
    if not ids:
        hint = nearest_name(words[0].upper(), list(known))
        fail(
            f"unknown control '{' '.join(words)}', and no title has that{hint}\n"
            "'kscan list controls' shows what there is"
        )
    for number, i in enumerate(ids):
        if number:
            write_output("\n")
        print_lines(partial(control_page, known[i], ruleset))
