"""What manifests say that charts of this workspace are installed as: Argo CD, Flux and helmfile.

Read are `Application` (https://argo-cd.readthedocs.io/en/stable/user-guide/helm/), `HelmRelease`
(https://fluxcd.io/flux/components/helm/helmreleases/) and `helmfile.yaml` (https://helmfile.readthedocs.io). A
repository is this one if a remote of the checkout has its address. What is not known from files is not guessed: such a
release is not rendered, and why is said at its place.

Left out on purpose: `ApplicationSet`, whose applications are made from what only a cluster or a server knows, and
helmfiles that are templates. Where one is about a chart that it is asked for, that is said.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.files.discover import repository
from kscan_lsp.files.named import is_within
from kscan_lsp.files.remotes import remotes, repository_name
from kscan_lsp.render.merging import merged
from kscan_lsp.render.release import Release, ValuesSaid
from kscan_lsp.settings.charts import nested, parts_of, typed
from kscan_lsp.workspace.deploying import (
    HELMFILE,
    ConfigMaps,
    DeployingObject,
    in_set,
    in_template,
    is_template,
    may_deploy,
    objects_in,
)
from kscan_lsp.workspace.releases import NamedRelease
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence

    from kscan_lsp.paths import Path as PathInData

_NOT_READ: Final = (
    "secrets",
    "inherit",
    "strategicMergePatches",
    "jsonPatches",
    "transformers",
    "valuesTemplate",
)
"""What changes a release of a helmfile in a way that is not followed."""


class Undecided(Struct, frozen=True):
    """A release of a chart of this workspace that cannot be rendered from files alone."""

    path: Path
    line: int
    """From 1."""
    reason: str


class Deployments(Struct, frozen=True):
    """The releases that manifests name, by the real paths of their charts, and those that are not rendered."""

    by_chart: Mapping[Path, tuple[NamedRelease, ...]]
    undecided: tuple[Undecided, ...]


class _UnknownError(Exception):
    """Something that a release needs is not known from files: `path` is where that is said, in its document."""

    def __init__(self, path: PathInData, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def deployments(
    files: Iterable[tuple[Path, str]], charts: Collection[Path], listed: Container[Path] = ()
) -> Deployments:
    """The releases of charts that files of a workspace name.

    Args:
        files: manifests, by their paths, with their texts.
        charts: the real paths of the charts that it is asked for.
        listed: those of which settings list releases, in place of what is not known.
    """
    files = [*files]
    unlisted = [chart for chart in charts if chart not in listed]
    found: dict[Path, list[NamedRelease]] = {}
    undecided: list[Undecided] = []
    known = [(path, text) for path, text in files if may_deploy(path, text)]
    for path, text in known:
        if (templated := in_template(path, text, unlisted)) is not None:
            undecided.append(Undecided(path, *templated))
    known = [(path, text) for path, text in known if not is_template(path, text)]
    objects = [one for path, text in known for one in objects_in(path, text)]
    configs = ConfigMaps(files)
    for one in objects:
        if (generated := in_set(one, _top_of(one), unlisted)) is not None:
            undecided.append(Undecided(one.file, one.line_of(generated[0]), generated[1]))
        for chart, at, release in _releases(one, objects, configs, charts):
            if isinstance(release, _UnknownError):
                where = one.line_of((*at, *release.path))
                undecided.append(Undecided(one.file, where, release.reason))
            elif not any(_is_same(release, other) for other in found.setdefault(chart, [])):
                found[chart].append(release)
    return Deployments({chart: tuple(some) for chart, some in found.items()}, tuple(undecided))


def _is_same(one: NamedRelease, other: NamedRelease) -> bool:
    """Whether two say the same, wherever they stand."""
    return one.files == other.files and replace(one.release, said=()) == replace(other.release, said=())


def _top_of(one: DeployingObject) -> Path:
    """The folder that what clusters read from git is relative to."""
    return Path(repository(str(one.file.parent)) or one.file.parent)


class _Around(Struct, frozen=True):
    """What a release is read with."""

    top: Path
    """The folder that names of files in it are relative to."""
    chart: Path
    at: PathInData
    """Where the object names it."""
    objects: Sequence[DeployingObject]
    configs: ConfigMaps


def _releases(
    one: DeployingObject, objects: Sequence[DeployingObject], configs: ConfigMaps, charts: Collection[Path]
) -> Iterator[tuple[Path, PathInData, NamedRelease | _UnknownError]]:
    """The releases that an object names, of charts that it is asked for, with where it names them."""
    api = str(one.get("apiVersion") or "")
    if api.startswith("argoproj.io/") and one.get("kind") == "Application":
        several = one.get("spec", "sources")
        places: list[PathInData] = [("spec", "source")]
        if isinstance(several, list) and several:
            places = [("spec", "sources", number) for number in range(len(several))]
        make = _argo
    elif api.startswith("helm.toolkit.fluxcd.io/") and one.get("kind") == "HelmRelease":
        places, make = [("spec", "chart", "spec")], _flux
    elif HELMFILE.fullmatch(one.file.name):
        releases = one.get("releases")
        places = [("releases", n) for n in range(len(releases) if isinstance(releases, list) else 0)]
        make = _helmfile
    else:
        return
    for at in places:
        said = one.get(*at)
        base = one.file.parent if make is _helmfile else _top_of(one)
        name = said.get("chart" if make is not _argo else "path") if isinstance(said, dict) else None
        if not isinstance(name, str):
            continue
        chart = Path(os.path.realpath(base / name))
        if chart not in charts:
            continue
        try:
            yield chart, at, make(one, said, _Around(base, chart, at, objects, configs))
        except _UnknownError as error:
            yield chart, at, error
        except (AttributeError, TypeError):
            why = "it does not have the form that who installs it asks for"
            yield chart, at, _UnknownError((), _not_rendered(one, why))


def _argo(one: DeployingObject, said: dict[str, Any], known: _Around) -> NamedRelease:
    _must_be_here(said.get("repoURL"), known.top, one, ("repoURL",))
    helm = said.get("helm") or {}
    if helm.get("fileParameters"):
        raise _UnknownError(("helm", "fileParameters"), _not_rendered(one, "its fileParameters are not read"))
    files = []
    for number, name in enumerate(helm.get("valueFiles") or ()):
        at = ("helm", "valueFiles", number)
        base, rest = known.chart, str(name)
        if rest.startswith("$"):
            reference, _, rest = rest[1:].partition("/")
            sources = one.get("spec", "sources") or ()
            source = next((s for s in sources if isinstance(s, dict) and s.get("ref") == reference), {})
            _must_be_here(source.get("repoURL"), known.top, one, at)
            base = known.top
        elif rest.startswith("/"):
            base, rest = known.top, rest.lstrip("/")
        if helm.get("ignoreMissingValueFiles") and not (base / rest).exists():
            continue
        files.append(_file(base, rest, known.top, one, at))
    whole = helm.get("valuesObject")
    below: PathInData = (*known.at, "helm")
    stand = [_said(one, (*below, "valuesObject" if whole else "values"), is_text=not whole)]
    values = whole or _read(helm.get("values"), one, ("helm", "values"))
    for number, parameter in enumerate(helm.get("parameters") or ()):
        name, text = str(parameter.get("name")), str(parameter.get("value"))
        value = text if parameter.get("forceString") else typed(text)
        stand.append(_said(one, (*below, "parameters", number, "value"), parts_of(name)))
        values = merged(values, _nested(name, value, one, ("helm", "parameters", number)))
    return NamedRelease(
        Release(
            str(helm.get("releaseName") or one.get("metadata", "name") or ""),
            (),
            _inline(values),
            str(one.get("spec", "destination", "namespace") or "default"),
            str(helm.get("kubeVersion") or ""),
            tuple(stand),
        ),
        tuple(files),
    )


def _flux(one: DeployingObject, said: dict[str, Any], known: _Around) -> NamedRelease:
    namespace = str(one.get("metadata", "namespace") or "default")
    reference = said.get("sourceRef") or {}
    if reference.get("kind") != "GitRepository":
        raise _UnknownError(("sourceRef",), _not_rendered(one, "its chart is not of a GitRepository"))
    wanted = reference.get("name"), reference.get("namespace") or namespace
    source = next(
        (
            other
            for other in known.objects
            if other.get("kind") == "GitRepository"
            and (other.get("metadata", "name"), other.get("metadata", "namespace") or "default") == wanted
        ),
        None,
    )
    if source is None:
        raise _UnknownError(
            ("sourceRef",), _not_rendered(one, f"there is no GitRepository '{wanted[0]}' here")
        )
    _must_be_here(source.get("spec", "url"), known.top, one, ("sourceRef",))
    names = said.get("valuesFiles") or ()
    files = [_file(known.top, str(n), known.top, one, ("valuesFiles", i)) for i, n in enumerate(names)]
    values: dict[str, Any] = {}
    for entry in one.get("spec", "valuesFrom") or ():
        name, key = entry.get("name"), entry.get("valuesKey") or "values.yaml"
        data = known.configs.data(str(name), namespace) if entry.get("kind") == "ConfigMap" else None
        if not isinstance(data, dict) or key not in data or entry.get("targetPath"):
            said_of = f"{entry.get('kind')} '{name}' of its valuesFrom is not known from files"
            raise _UnknownError((), _not_rendered(one, said_of))
        values = merged(values, _read(data[key], one, ()))
    values = merged(values, one.get("spec", "values") or {})
    target = one.get("spec", "targetNamespace")
    name = one.get("spec", "releaseName") or "-".join(filter(None, (target, one.get("metadata", "name"))))
    return NamedRelease(
        Release(
            str(name), (), _inline(values), str(target or namespace), "", (_said(one, ("spec", "values")),)
        ),
        tuple(files),
    )


def _helmfile(one: DeployingObject, said: dict[str, Any], known: _Around) -> NamedRelease:
    inside = Path(repository(str(known.top)) or known.top)
    for key in _NOT_READ:
        if said.get(key):
            raise _UnknownError((key,), _not_rendered(one, f"'{key}' is not read"))
    files: list[Path] = []
    values: dict[str, Any] = {}
    stand = []
    for number, entry in enumerate(said.get("values") or ()):
        at = ("values", number)
        if isinstance(entry, dict):
            values = merged(values, entry)
            stand.append(_said(one, (*known.at, *at)))
        elif values or str(entry).endswith(".gotmpl"):
            why = "its values are a template" if not values else "a values file comes after values"
            raise _UnknownError(at, _not_rendered(one, why))
        else:
            files.append(_file(known.top, str(entry), inside, one, at))
    for number, entry in enumerate(said.get("set") or ()):
        if "value" not in entry:
            raise _UnknownError(("set", number), _not_rendered(one, "its set has no value"))
        value = typed(entry["value"]) if isinstance(entry["value"], str) else entry["value"]
        values = merged(values, _nested(str(entry.get("name")), value, one, ("set", number)))
        stand.append(_said(one, (*known.at, "set", number, "value"), parts_of(str(entry.get("name")))))
    return NamedRelease(
        Release(
            str(said.get("name") or ""),
            (),
            _inline(values),
            str(said.get("namespace") or "default"),
            str(said.get("kubeVersion") or one.get("kubeVersion") or ""),
            tuple(stand),
        ),
        tuple(files),
    )


def _file(base: Path, name: str, inside: Path, one: DeployingObject, at: PathInData) -> Path:
    path = base / name
    if not path.is_file():
        raise _UnknownError(at, _not_rendered(one, f"there is no values file '{name}' here"))
    if not is_within(path, (inside,)):
        raise _UnknownError(at, _not_rendered(one, f"'{name}' is outside of this repository"))
    return Path(os.path.realpath(path))


def _not_rendered(one: DeployingObject, why: str) -> str:
    kind = one.get("kind")
    return (
        f"{kind} '{one.get('metadata', 'name')}' is not rendered: {why}"
        if kind
        else f"this is not rendered: {why}"
    )


def _read(text: object, one: DeployingObject, at: PathInData) -> dict[str, Any]:
    if not text:
        return {}
    document = read_document(str(text))
    if not document.complete or not isinstance(document.data, dict):
        raise _UnknownError(at, _not_rendered(one, "its values are no YAML mapping"))
    return document.data


def _nested(name: str, value: object, one: DeployingObject, at: PathInData) -> dict[str, Any]:
    try:
        return nested({name: value})
    except ValueError as error:
        raise _UnknownError(at, _not_rendered(one, str(error))) from None


def _said(
    one: DeployingObject, at: PathInData, under: PathInData = (), *, is_text: bool = False
) -> ValuesSaid:
    return ValuesSaid(str(one.file), one.offset, at, under, is_text)


def _inline(values: Mapping[str, Any]) -> str:
    return json.dumps(values, default=str) if values else ""


def _must_be_here(url: object, top: Path, one: DeployingObject, at: PathInData) -> None:
    """Raise where a repository is not the one of a folder, or nobody knows."""
    addresses = remotes(top)
    if not isinstance(url, str) or repository_name(url) not in addresses:
        why = (
            f"'{url}' is not known to be this repository: no remote of it has that address"
            if addresses
            else f"'{url}' is not known to be this repository, which has no remote"
        )
        raise _UnknownError(at, _not_rendered(one, why))
