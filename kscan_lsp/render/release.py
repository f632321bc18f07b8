"""What a chart is installed as, and what files are called that are not in its folder."""

from __future__ import annotations

from msgspec import Struct


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
