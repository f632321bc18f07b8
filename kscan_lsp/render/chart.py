"""A chart in memory: the files of a folder as Helm takes them, and the values files that it comes with.

`.helmignore` holds as Helm has it (https://helm.sh/docs/chart_template_guide/helm_ignore_file). Links are followed
inside the chart only: what `.Files` reads must not be a file of this machine that the chart happens to know.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.files.discover import repository
from kscan_lsp.files.encoding import Unreadable, read_bytes
from kscan_lsp.files.named import is_within
from kscan_lsp.regex import regex
from kscan_lsp.render.release import Release, beside
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kscan_lsp.paths import Path as PathInData

MAX_BYTES: Final = 20_000_000
"""How much a chart may have; Helm's own limit for what a release stores is a megabyte."""
MAX_FILES: Final = 5_000
MAX_VALUES: Final = 20
"""How many values files of a chart it is judged with."""
_TEMPLATE: Final = regex(r"(?:charts/[^/]+/)*templates/.+")
_VALUES: Final = regex(
    r"values[-._][^/]+\.ya?ml|[^/]+[-._]values\.ya?ml|ci/[^/]+\.ya?ml|(?:environments|values)/(?:[^/]+/)?[^/]+\.ya?ml"
)
_OBJECT: Final = regex(rb"(?m)^(?:apiVersion|kind):")
"""What no values file has at its start of a line, and every manifest in `environments/` does."""
_RELEASE: Final = regex(r"[^a-z0-9-]+")


class Chart(Struct, frozen=True):
    """The files of a chart by their paths below its folder, with slashes."""

    files: Mapping[str, bytes]
    left_out: tuple[tuple[str, str], ...] = ()
    """Files that were not read, and why."""
    outside: Mapping[str, bytes] = {}
    """Values files that are not in its folder, by their paths from there."""
    releases: tuple[Release, ...] = ()
    """What it is installed as, as far as somebody says so."""
    linked: Mapping[str, str] = {}
    """The folders of libraries that are read from beside it (`file://`), by the folder they would be packed into."""

    @property
    def name(self) -> str:
        """What `Chart.yaml` calls it; empty where it does not."""
        return str(self._metadata("").get("name") or "")

    @property
    def release(self) -> str:
        """The name of the release that it is rendered as: its own, as far as a release may be called so."""
        return _RELEASE.sub("-", self.name.lower()).strip("-")[:53].rstrip("-") or "release-name"

    @property
    def is_library(self) -> bool:
        """Whether it renders to nothing by itself."""
        return self._metadata("").get("type") == "library"

    def templates(self) -> dict[str, str]:
        """The text of each template that is UTF-8 and is rendered for a cluster, by path."""
        found = {}
        for path, raw in self.files.items():
            if _TEMPLATE.fullmatch(path) and not path.endswith("/NOTES.txt"):
                try:
                    found[path] = raw.decode()
                except UnicodeDecodeError:
                    continue  # Helm renders what it makes of it, and nobody knows where that stands
        return found

    def values_files(self) -> list[str]:
        """The values files that it comes with, besides its own defaults."""
        return sorted(
            path for path, raw in self.files.items() if _VALUES.fullmatch(path) and not _OBJECT.search(raw)
        )[:MAX_VALUES]

    def named(self, prefix: str, path: str) -> str:
        """What a file is called where `prefix` stands before the chart's; one of a library that is beside it, there."""
        for inside, folder in self.linked.items():
            if path.startswith(inside):
                return beside(prefix, folder + path[len(inside) :])
        return prefix + path

    def ways(self) -> list[Release]:
        """All that it is judged with: its defaults, each values file that it comes with, and each release of it."""
        alone = [Release(), *(Release(files=(path,)) for path in self.values_files())]
        return [*alone, *self.releases[:MAX_VALUES]]

    def raw(self, path: str) -> bytes | None:
        """One of its files, or a values file beside it; None where there is no such file."""
        return self.files.get(path, self.outside.get(path))

    def texts(self, release: Release) -> list[str]:
        """The texts of all values that a release has over the chart's own, of which later ones win."""
        found = [(self.raw(path) or b"").decode(errors="replace") for path in release.files]
        return [*found, release.inline] if release.inline else found

    def with_texts(self, texts: Mapping[str, bytes]) -> Chart:
        """The same with other texts of some files."""
        outside = {path: raw for path, raw in texts.items() if path in self.outside}
        inside = {path: raw for path, raw in texts.items() if path not in self.outside}
        return replace(self, files={**self.files, **inside}, outside={**self.outside, **outside})

    def missing(self) -> list[str]:
        """The dependencies that `Chart.yaml` names and that are not in `charts/`."""
        here = {_name_of_archive(path) for path in self.files if path.startswith("charts/")}
        names = [one.get("name") for one in self._dependencies()]
        folders = {str(self._metadata(f"charts/{name}/").get("name")) for name in here}
        return [
            str(name)
            for name in names
            if name
            and name not in folders
            and not any(re.fullmatch(rf"{re.escape(str(name))}(-v?\d.*)?", h) for h in here)
        ]

    def _dependencies(self) -> list[dict[str, object]]:
        named = self._metadata("").get("dependencies")
        if "requirements.yaml" in self.files:
            named = _mapping(self.files["requirements.yaml"]).get("dependencies")
        return [one for one in named if isinstance(one, dict)] if isinstance(named, list) else []

    def local_libraries(self) -> Iterator[tuple[str, str]]:
        """The dependencies that are not in `charts/` and are a folder: their names, and their paths from this one."""
        missing = self.missing()
        for one in self._dependencies():
            where = str(one.get("repository") or "")
            if (
                one.get("name") in missing
                and where.startswith("file://")
                and not where.startswith("file:///")
            ):
                yield str(one["name"]), posixpath.normpath(where.removeprefix("file://")) + "/"

    def scopes(self) -> list[tuple[str, PathInData]]:
        """The folders of the chart and of those in it, and where in its values the values of each stand.

        One that is a dependency under several names has several places.
        """
        found: list[tuple[str, PathInData]] = [("", ())]
        for folder, under in found:
            named = self._metadata(folder).get("dependencies")
            entries = [one for one in named if isinstance(one, dict)] if isinstance(named, list) else []
            below = f"{folder}charts/"
            for inside in sorted(
                {path[len(below) :].split("/")[0] for path in self.files if path.startswith(below)}
            ):
                if f"{below}{inside}/Chart.yaml" not in self.files or len(found) >= MAX_FILES:
                    continue
                name = str(self._metadata(f"{below}{inside}/").get("name") or inside)
                names = [str(one.get("alias") or name) for one in entries if one.get("name") == name]
                found += ((f"{below}{inside}/", (*under, one)) for one in dict.fromkeys(names or [name]))
        return found

    def file_of(self, rendered: str) -> str:
        """The path of the file that a name of Helm's is of: a template, or the archive that it is in.

        Args:
            rendered: the name, such as `shop/charts/db/templates/a.yaml`: charts by their names, not their folders.
        """
        _, _, rest = rendered.partition("/")
        folder = ""
        while rest.startswith("charts/"):
            _, name, below = rest.split("/", 2)
            inside = self._subchart(folder, name)
            if inside.endswith(".tgz"):
                return inside
            folder, rest = f"{inside}/", below
        return folder + rest

    def _subchart(self, folder: str, name: str) -> str:
        """The folder or archive of a chart in another: by its folder's name, its own, or the alias it has."""
        real = name
        named = self._metadata(folder).get("dependencies")
        for one in named if isinstance(named, list) else ():
            if isinstance(one, dict) and one.get("alias") == name:
                real = str(one.get("name"))
        below = f"{folder}charts/"
        found = sorted({path[len(below) :].split("/")[0] for path in self.files if path.startswith(below)})
        for entry in found:
            if entry == real or self._metadata(f"{below}{entry}/").get("name") == real:
                return below + entry
        return next(
            (below + one for one in found if one.startswith(real) and one.endswith(".tgz")), below + real
        )

    def _metadata(self, folder: str) -> dict[str, object]:
        return _mapping(self.files.get(f"{folder}Chart.yaml", b""))


def read_chart(
    folder: Path, read: Callable[[Path, int], bytes | Unreadable] = read_bytes
) -> Chart | Unreadable:
    """The chart in a folder.

    Args:
        folder: the folder with its `Chart.yaml`.
        read: where content comes from, if not from the disk; the second argument is how much at most.
    """
    top = os.path.realpath(folder)
    rules = Path(top) / ".helmignore"
    ignored = _ignore_rules(read_bytes(rules, MAX_BYTES) if rules.is_file() else b"")
    files: dict[str, bytes] = {}
    left_out: list[tuple[str, str]] = []
    size = 0
    for path in _files_below(top, ignored):
        name = PurePosixPath(Path(path).relative_to(top)).as_posix()
        real = os.path.realpath(path)
        if real != path and not Path(real).is_relative_to(top):
            left_out.append((name, "it is a link to a file outside of the chart, which is not followed"))
            continue
        raw = read(Path(path), MAX_BYTES)
        if isinstance(raw, Unreadable):
            left_out.append((name, raw.reason))
            continue
        size += len(raw)
        if size > MAX_BYTES or len(files) >= MAX_FILES:
            return Unreadable(
                f"this chart is too large to render: more than {MAX_BYTES:,} bytes or {MAX_FILES:,} files"
            )
        files[name] = raw
    return _with_libraries(Chart(files, tuple(left_out)), top)


def _with_libraries(chart: Chart, top: str) -> Chart:
    """A chart with the libraries that `helm dependency build` would pack into it from beside it.

    They have to be in the same checkout. A chart that is no library is left for that command: its own templates are
    judged with it already, and would be so twice.
    """
    linked: dict[str, str] = {}
    files = dict(chart.files)
    for name, folder in chart.local_libraries():
        where = os.path.realpath(os.path.join(top, folder))
        inside = repository(top)
        if not inside or not is_within(Path(where), (Path(inside),)) or Path(top).is_relative_to(where):
            continue
        library = read_chart(Path(where))
        if not isinstance(library, Chart) or not library.is_library or library.name != name:
            continue
        linked[f"charts/{name}/"] = folder
        files |= {f"charts/{name}/{path}": raw for path, raw in library.files.items()}
    return replace(chart, files=files, linked=linked) if linked else chart


def chart_of(files: Mapping[str, bytes]) -> Chart:
    """The chart of files that are in no folder, such as those of a revision, by their paths in the chart."""
    ignored = _ignore_rules(files.get(".helmignore", b""))

    def is_left_out(path: str) -> bool:
        above = [path[:at] for at, sign in enumerate(path) if sign == "/"]
        return ignored(path, False) or any(ignored(folder, True) for folder in above)

    return Chart({path: raw for path, raw in files.items() if not is_left_out(path)})


def _files_below(top: str, ignored: Callable[[str, bool], bool]) -> Iterator[str]:
    for folder, folders, names in os.walk(top):
        below = os.path.relpath(folder, top)
        prefix = "" if below == "." else Path(below).as_posix() + "/"
        folders[:] = sorted(name for name in folders if not ignored(prefix + name, True) and name != ".git")
        for name in sorted(names):
            if not ignored(prefix + name, False):
                yield os.path.join(folder, name)


def _ignore_rules(raw: bytes | Unreadable) -> Callable[[str, bool], bool]:
    """Whether a `.helmignore` leaves out a path, which is a folder or not: the last pattern that fits has the word."""
    rules: list[tuple[bool, bool, bool, re.Pattern[str]]] = []
    for line in () if isinstance(raw, Unreadable) else raw.decode(errors="replace").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#") or "**" in pattern:
            continue
        negated = pattern.startswith("!")
        pattern = pattern.removeprefix("!")
        only_folders = pattern.endswith("/")
        pattern = pattern.removesuffix("/")
        whole = "/" in pattern
        rules.append((negated, only_folders, whole, re.compile(_expression(pattern.removeprefix("/")))))
    # what Helm adds to every list: an editor's hidden files are no templates
    rules.append((False, False, True, re.compile(r"templates/\.[^/]+")))

    def is_ignored(name: str, folder: bool) -> bool:
        found = False
        for negated, only_folders, whole, expression in rules:
            if (folder or not only_folders) and expression.fullmatch(
                name if whole else name.rpartition("/")[2]
            ):
                found = not negated
        return found

    return is_ignored


def _expression(pattern: str) -> str:
    """A pattern of Go's `filepath.Match` as a regular expression."""
    parts = []
    for part in re.findall(r"\\.|\[[^\]]+\]|.", pattern):
        if part == "*":
            parts.append("[^/]*")
        elif part == "?":
            parts.append("[^/]")
        elif part.startswith("[") and len(part) > 2:
            parts.append(part)
        else:
            parts.append(re.escape(part.removeprefix("\\") or part))
    return "".join(parts)


def _name_of_archive(path: str) -> str:
    return path.split("/")[1].removesuffix(".tgz")


def _mapping(raw: bytes) -> dict[str, object]:
    data = read_document(raw.decode(errors="replace")).data if raw else None
    return data if isinstance(data, dict) else {}


class ChartFault(Struct, frozen=True):
    """Why a chart does not render: in Helm's words, at a line (from 1) of one of its files."""

    file: str
    line: int
    message: str
