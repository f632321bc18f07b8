"""What holds for a folder: its settings, the policies they name, and the controls they choose.

Editor and command line both read them here, so that they agree. Everything that is wrong with either is a
problem in the file it is in, or, where there is no such file, in words.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from kscan_lsp.dispositions.exceptions import Asked
from kscan_lsp.findings import UNUSED, Problem
from kscan_lsp.policy.ruleset import SettingError, choose
from kscan_lsp.redaction import redact, redacted
from kscan_lsp.settings.layers import Layer, on_top, place_of, what_counts
from kscan_lsp.settings.model import Settings, overlay, replace_settings, settings_of
from kscan_lsp.settings.shape import said
from kscan_lsp.workspace.changes import changes_of
from kscan_lsp.workspace.exception_files import (
    FoundExceptions,
    ReadExceptions,
    find_exceptions,
    named_besides,
)
from kscan_lsp.workspace.exceptions import NO_EXCEPTIONS, Exceptions
from kscan_lsp.workspace.images import ImageFiles, folder_for, of_images, read_images
from kscan_lsp.workspace.locks import absolute_excludes, excludes_of, hold, load_unlocked, named_policies
from kscan_lsp.workspace.named import (
    admission_named,
    baseline_named,
    lists_named,
    packs_named,
    releases_named,
)
from kscan_lsp.workspace.places import find_settings, settings_above, top_of
from kscan_lsp.workspace.trust import of_the_user, read_files, without_admission
from kscan_lsp.workspace.unused import choices_for_nothing, unread_settings
from kscan_lsp.yaml.document import Document, read_document
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from kscan_lsp import paths
    from kscan_lsp.policy.memo import PolicyMemo
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.admission_files import AdmissionFile
    from kscan_lsp.workspace.baselines import BaselineFile
    from kscan_lsp.workspace.changes import Change
    from kscan_lsp.workspace.found_packs import Pack
    from kscan_lsp.workspace.lists import ListsFile
    from kscan_lsp.workspace.releases import NamedRelease


class Configuration(Struct, frozen=True, eq=False):
    """What holds for a folder: its settings, the controls they choose, and all that is wrong with either."""

    root: Path | None
    settings_path: Path | None
    settings: Settings
    ruleset: Ruleset
    problems: tuple[ConfigurationProblem, ...]
    files: frozenset[Path]
    """The files that it was read from: settings, policies, inputs."""
    exclude: tuple[tuple[Path, tuple[str, ...]], ...] = ()
    """The patterns of files that are left out, by the folder that they begin at."""
    changes: tuple[Change, ...] = ()
    """What they change about the standards that come with the program."""
    baseline: BaselineFile | None = None
    """The baseline that they name."""
    locked: frozenset[str] = frozenset()
    """The keys and controls that settings above `settings_path` lock."""
    exceptions: Exceptions = NO_EXCEPTIONS
    """What may stay."""
    exception_files: tuple[ReadExceptions, ...] = ()
    """The files that say so."""
    images: ImageFiles = ImageFiles()
    """What files say of images."""
    packs: tuple[Pack, ...] = ()
    """The packs that they extend."""
    releases: Mapping[Path, tuple[NamedRelease, ...]] = {}
    """What charts are installed as, by their real paths."""
    admission: tuple[AdmissionFile, ...] = ()
    """The files of admission policies that they name."""
    trusted: bool = True
    """Whether policies of the workspace are loaded."""


class ConfigurationProblem(NamedTuple):
    """A problem in a file of settings, policies or inputs, with the document it is placed in."""

    path: Path
    document: Document
    problem: Problem


def distinct_problems(configurations: Iterable[Configuration]) -> list[ConfigurationProblem]:
    """What is wrong with several, each once: folders share the settings above them."""
    found = [problem for configuration in configurations for problem in configuration.problems]
    return [*{(one.path, one.problem): one for one in found}.values()]


def distinct_changes(configurations: Iterable[Configuration]) -> list[Change]:
    """What several change about the standards, each once."""
    found = [change for configuration in configurations for change in configuration.changes]
    return [*{(one.what, one.id, one.file, one.span): one for one in found}.values()]


def exclude_in(folder: Path, *, trusted: bool = True) -> tuple[tuple[Path, tuple[str, ...]], ...]:
    """What settings leave out in a folder, as its files on disk have it; see `Configuration.exclude`."""
    path = find_settings(folder)
    read = read_files(settings_above(path) if path else (), trusted=trusted)
    packs: tuple[Layer, ...] = ()
    if any(layer.settings.exclude for layer in read.layers):  # else there is nothing that a pack could lock
        packs = packs_named(read.layers, settings_of({}), folder).layers
    counting = what_counts((*packs, *read.layers), len(packs) + len(read.machine))
    return excludes_of(counting.layers, settings_of({}), folder)


def configure(
    root: Path | None,
    *,
    settings_path: Path | None = None,
    section: object = None,
    changes: Mapping[str, object] | None = None,
    only: Iterable[str] = (),
    buffers: Mapping[Path, str] | None = None,
    memo: PolicyMemo | None = None,
    today: date | None = None,
    exceptions: Iterable[str] = (),
    trusted: bool = True,
) -> tuple[Configuration, tuple[str, ...]]:
    """Read the settings that hold for a folder, and the policies they name.

    Args:
        root: the folder; None where there is none (an unsaved buffer).
        settings_path: the settings file; looked for at the root and above where it is not given.
        section: an editor's `kscan` section, over the file.
        changes: keys that a command line sets, over both.
        only: control ids that replace the choice of controls.
        buffers: texts of files that an editor has open, over what is on disk.
        memo: what came of policy files before, kept by whoever reads them often.
        today: the day that exceptions are compared with; None for who judges nothing, and needs none.
        exceptions: files with exceptions that a command line names.
        trusted: whether policies of the workspace are loaded (see `trust.py`).

    Returns:
        The configuration, and in words what is wrong with `section`, `changes` and `only`.
    """
    path = settings_path or (find_settings(root) if root else None)
    files = () if path is None else (path,) if settings_path else settings_above(path)
    read = read_files(files, buffers, trusted=trusted)
    above, wrong = overlay(settings_of({}), section)
    above, words = replace_settings(above, changes or {}), [*read.wrong, *wrong]
    policy_root = path.parent if path else root
    above, left = of_the_user(above, policy_root, trusted=trusted)
    left_out, words = read.left_out or bool(left), [*words, *left]
    packs = packs_named(read.layers, above, policy_root, read.machine)
    written = [*packs.layers, *read.layers]
    counting = what_counts(written, len(packs.layers) + len(read.machine))
    problems = [
        ConfigurationProblem(Path(layer.file), layer.document, problem)
        for layer, problem in (*read.problems, *counting.problems)
    ]
    problems += (ConfigurationProblem(*one) for one in packs.problems)
    if policy_root and (path is None or path == find_settings(policy_root)):
        problems += [ConfigurationProblem(*one) for one in unread_settings(policy_root, path)]
    # who names files names them from where they stand: those of an editor or a command line, from where files do
    over = Layer("", read_document(""), above)
    folder_of = partial(_folder_of, over=over, root=policy_root)
    layers = [*counting.layers, over]
    missing: list[tuple[Layer, SettingError]] = [(layer or over, error) for layer, error in packs.wrong]
    kept = {*read.machine, *(pack.file for pack in packs.layers)}
    naming = [
        (layer, folder_of(layer), locked)
        for layer, locked in zip(layers, (*counting.locked, frozenset[str]()), strict=True)
    ]
    named = named_policies(
        [one for one in naming if one[0] is over or not above.policies or one[0].file in kept], missing
    )
    missing += [one for layer, folder, _ in naming for one in absolute_excludes(layer, folder)]
    known, found_in_policies = load_unlocked(named, buffers, memo)
    problems += (ConfigurationProblem(*one) for one in found_in_policies)
    layers, lists = lists_named(layers, folder_of, known, buffers, missing)
    held = hold(layers[:-1], counting.locked, known)
    missing += held.refused
    baseline = baseline_named(layers, folder_of, buffers, missing)
    if baseline and baseline.problem:
        problems.append(ConfigurationProblem(baseline.path, baseline.document, baseline.problem))
    settings = replace_settings(held.settings, said(layers[-1].settings))
    settings = settings if trusted else without_admission(settings)
    images = _images_of(
        settings,
        (*layers, over),
        default=folder_for(root, files),
        folder_of=folder_of,
        problems=problems,
        missing=missing,
    )
    problems += [ConfigurationProblem(one.path, one.document, p) for one in lists for p in one.problems]
    releases = releases_named(layers, folder_of, missing)
    admission = admission_named(layers if trusted else (), folder_of, buffers, missing)
    rules, setting_errors = choose(
        known,
        settings,
        only=only,
        root=top_of(root or policy_root, files[0] if files else None),
        # who asks for frameworks on a command line gets these
        besides=of_images(known) if images.reports and "frameworks" not in (changes or {}) else (),
    )
    if left_out:  # what speaks of policies that were not loaded is no mistake
        setting_errors, missing = (), [one for one in missing if one[1].path[0] != "locked"]
    for layer, error in missing:
        _place(error, (layer, error.path) if layer is not over else None, problems, words)
    for error in setting_errors:
        place = None if only and error.path[0] == "controls" else _said_at(error, written, lists, settings)
        _place(error, place, problems, words)
    excepting = find_exceptions(
        root or policy_root,
        tuple(zip(layers[:-1], counting.locked, strict=True)),
        named_besides(policy_root, above.exceptions.files, exceptions),
        None if today is None else Asked(rules, on_top(held.settings, above).exceptions, today),
        buffers,
    )
    _report(excepting, problems, words)
    if written and not (only or left_out) and said(above).keys().isdisjoint({"frameworks", "controls"}):
        problems += _excluded_for_nothing(written, settings, rules)
    return Configuration(
        root,
        path,
        settings,
        rules,
        # a token may stand in settings, too
        tuple(one._replace(problem=redacted((one.problem,))[0]) for one in problems),
        frozenset(
            [
                *named,
                *files,
                *map(Path, read.machine),
                *(one.path for one in lists),
                *([baseline.path] if baseline else ()),
                *(one.path for one in excepting.files),
                *images.files,
                *packs.files,
                *(one.path for one in admission),
            ]
        ),
        excludes_of(counting.layers, above, policy_root),
        tuple(changes_of(settings, known, written)),
        baseline,
        counting.locked[-1] if counting.locked else frozenset(),
        excepting.exceptions,
        excepting.files,
        images,
        packs.packs,
        releases,
        admission,
        trusted,
    ), tuple(map(redact, words))


def _said_at(
    error: SettingError, written: list[Layer], lists: Iterable[ListsFile], settings: Settings
) -> tuple[Layer, paths.Path] | None:
    """Where a setting that is wrong stands, if in any file: those of inputs have files of their own."""
    key, *rest = error.path
    for one in lists if key == "inputs" and rest else ():
        if rest[0] in one.values:
            return Layer(str(one.path), one.document, settings), tuple(rest)
    return place_of(written, settings, error.path)


def _folder_of(layer: Layer, over: Layer, root: Path | None) -> Path | None:
    """What the names of files in a layer are relative to."""
    return root if layer is over else Path(layer.file).parent


def _images_of(
    settings: Settings,
    layers: tuple[Layer, ...],
    *,
    default: Path | None,
    folder_of: Callable[[Layer], Path | None],
    problems: list[ConfigurationProblem],
    missing: list[tuple[Layer, SettingError]],
) -> ImageFiles:
    """What files say of images; notes what is wrong with them. `default` is where they are if nobody says so."""
    naming = next((one for one in reversed(layers) if one.settings.images.reports), layers[-1])
    found = read_images(settings.images, folder_of(naming), default)
    nothing = read_document("")
    problems += (ConfigurationProblem(path, nothing, problem) for path, problem in found.problems)
    missing += [(naming, SettingError(("images", "reports", n), message)) for n, message in found.wrong]
    return found


def _excluded_for_nothing(
    layers: Iterable[Layer], settings: Settings, rules: Ruleset
) -> Iterator[ConfigurationProblem]:
    for where, message in choices_for_nothing(settings, rules):
        place = place_of(layers, settings, where)
        if place is not None:
            layer, path = place
            problem = Problem(span_at(layer.document, path), message, UNUSED)
            yield ConfigurationProblem(Path(layer.file), layer.document, problem)


def _place(
    error: SettingError,
    place: tuple[Layer, paths.Path] | None,
    problems: list[ConfigurationProblem],
    words: list[str],
) -> None:
    """Report an error where it was made; in words, where no file says it."""
    if place is None:
        words.append(error.message)
        return
    layer, where = place
    span = span_at(layer.document, where, on_key=error.on_key)
    problems.append(
        ConfigurationProblem(Path(layer.file), layer.document, Problem(span, error.message, "setting"))
    )


def _report(excepting: FoundExceptions, problems: list[ConfigurationProblem], words: list[str]) -> None:
    problems += [ConfigurationProblem(*one) for one in excepting.problems()]
    for named_by, error in excepting.wrong:
        _place(error, (named_by, error.path) if named_by else None, problems, words)
