"""What a chart is installed as, and what files are called that are not in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from kscan_lsp.paths import Path


class ValuesSaid(Struct, frozen=True):
    """Where values of a release stand that are in no values file: in a manifest, in settings."""

    file: str
    """Its path; that of a release of a chart is from the folder of the chart."""
    offset: int
    """Where in its text the document begins."""
    at: Path
    """Where they are in the document."""
    under: Path = ()
    """Where they are in the values of the chart."""
    is_text: bool = False
    """Whether they are YAML in a text."""


class Release(Struct, frozen=True):
    """What a chart is installed as: whatever `helm install` is told besides the chart."""

    name: str = ""
    """What it is called; without a name, as the chart."""
    files: tuple[str, ...] = ()
    """Values files over the chart's own, by their paths from its folder (`../` for those beside it); later ones win."""
    inline: str = ""
    """Values over these, as JSON."""
    namespace: str = "default"
    kube_version: str = ""
    """Such as `1.33`; without one, the newest that Helm knows."""
    said: tuple[ValuesSaid, ...] = ()
    """Where the values that are in no file of values stand, as far as that is known; later ones win."""

    def label(self, prefix: str) -> str:
        """What reports call it: the values file of one without a name, else its name and its values files.

        Args:
            prefix: what stands before the paths of the chart's files in reports.
        """
        files = [beside(prefix, path) for path in self.files]
        if not self.name:
            return files[0] if files else f"{prefix}values.yaml"
        return f"release {self.name}: {' + '.join(files)}" if files else f"release {self.name}"


def beside(prefix: str, path: str) -> str:
    """What a file is called whose path is from a folder, and may lead out of it.

    Args:
        prefix: what the folder is called, with a slash behind it; empty for the working directory.
        path: the file, such as `../environments/prod.yaml`.
    """
    while path.startswith("../") and prefix and not prefix.endswith("../"):
        prefix = prefix[: prefix[:-1].rfind("/") + 1]
        path = path[3:]
    return prefix + path
