"""A fleet judged on a Dask cluster that is there already. It needs `distributed`, an extra, here and on the workers.

The cluster gives an executor like any other. Workers read projects by the same absolute paths, so these lie on a file
system that all of them see. The scheduler gives the work of a worker that dies to another one; judging the same project
again gives the same row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from distributed import Client

from kscan_lsp.cli.fleet.spreading import judged_on
from kscan_lsp.cli.options import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.cli.fleet.judging import FleetRequest
    from kscan_lsp.cli.fleet.spreading import Progress
    from kscan_lsp.report.fleet.model import FleetProject, FleetRow

_client: Final[Any] = Client  # it has no types
_PATIENCE: Final = 10
"""Seconds in which a scheduler has to answer."""


def judged_by(
    address: str, projects: Sequence[FleetProject], request: FleetRequest, progress: Progress
) -> list[FleetRow]:
    """The rows of projects, judged by a cluster.

    Args:
        address: that of its scheduler, such as tcp://10.0.0.1:8786.
        projects: what to judge.
        request: how.
        progress: what to tell on the way.

    Raises:
        UsageError: nobody answers there.
    """
    try:
        client: Any = _client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler answers at '{address}': {error}") from None
    with client, client.get_executor(pure=False) as executor:
        return judged_on(executor, projects, request, progress)
