"""The commands for admission policies of Kubernetes: `vap test` says what they say of manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kscan_lsp.cli.options import AllowUnscanned, Config, Paths, UsageError, VapForm
from kscan_lsp.cli.request import request_of, today, warn_about_setup
from kscan_lsp.cli.terminal import fail, print_error, write_output

app = typer.Typer(help="Admission policies of Kubernetes.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def vap() -> None:
    """Admission policies of Kubernetes (ValidatingAdmissionPolicy)."""


@app.command()
def test(
    paths: Paths = None,
    old: Annotated[
        Path | None,
        typer.Option(
            "--old",
            metavar="FILE",
            help="Objects as they are in the cluster: their namesakes are updates, those without are deleted.",
        ),
    ] = None,
    form: Annotated[VapForm, typer.Option("--format", "-f", help="How to write it.")] = VapForm.TEXT,
    config: Config = None,
    allow_unscanned: AllowUnscanned = False,
) -> None:
    """Say what ValidatingAdmissionPolicies in files and folders say of the manifests there."""
    from kscan_lsp.cli.vap_forms import FORMS
    from kscan_lsp.cli.vap_test import run

    try:
        tested = run(request_of(paths, config, [], [], ""), today(), old)
    except UsageError as error:
        fail(str(error))
    warn_about_setup(tested.problems)
    write_output(FORMS[form.value](tested.report))
    for place in tested.not_read:
        print_error(f"{place.file}:{place.line}: {place.reason}")
    raise typer.Exit(tested.status(allow_unscanned=allow_unscanned))
