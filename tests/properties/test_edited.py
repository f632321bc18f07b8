"""What is taken over after an edit of one value, or of lines that say nothing, is what a fresh project says."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.evaluating import TODAY
from support.fuzzing import manifests
from support.images import trivy
from support.objects import documents
from support.splicing import spliced

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.graph.following import asked_of
from kscan_lsp.graph.references import is_read, keys_of, object_of
from kscan_lsp.graph.relations import RELATIONS
from kscan_lsp.kubernetes.locate import resolve
from kscan_lsp.kubernetes.resources import resources_of
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.images import evidence_of
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document, reread
from kscan_lsp.yaml.splice import TreeEdit

VALUE = re.compile(r"(?m)(?<=: )[\w./:-]+(?=\r?$)|(?<=- )[\w./-]+(?=\r?$)")
HALF = re.compile(r" *h\w*")
WORDS = (
    "true", "false", "0", "10001", "root", "x", "latest", "nginx:1.25", "nginx@sha256:abc", "Always", "hunter2secret",
    "AKIAIOSFODNN7EXAMPLE", "/var/run/docker.sock", "/", "default", "kube-system", "ALL", "NET_ADMIN", "null", "1.5",
    "LoadBalancer", "web", "shop", "a", "500m", "privileged", "'5'", '"true"', "RuntimeDefault", "Secret", "token",
)  # fmt: skip


NAMED = re.compile(r"(?m)\bimage: *([\w./:-]+)$")


@pytest.fixture(scope="module", params=["nothing known of images", "reports"])
def evaluator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Evaluator:
    """Every control on; with reports of every other image that manifests name, and of some that are typed."""
    folder = tmp_path_factory.mktemp("all")
    (folder / ".git").mkdir()
    (folder / ".kscan.yaml").write_text("frameworks: [allcontrols]\n")
    if request.param == "reports":
        images = sorted({name for text in manifests() for name in NAMED.findall(text)})[::2]
        for number, image in enumerate((*images, "nginx:1.25", "web")):
            report = trivy(image)
            report["Metadata"]["RepoDigests"], report["Metadata"]["ImageID"] = [], f"sha256:{number:064}"
            (folder / f"{number}.trivy.json").write_text(json.dumps(report))
    found = configure(folder)[0]
    assert bool(found.images.reports) == (request.param == "reports")
    return Evaluator(found.ruleset, evidence_of(found.images, TODAY))


def said(project: Project) -> list[object]:
    """All that a project says of its files."""
    return [
        (
            path,
            placed.offset,
            placed.checked.problems,
            placed.checked.dependencies,
            [
                (
                    [
                        (*(getattr(f, name) for name in f.__struct_fields__), f.stable_path)
                        for f in one.findings
                    ],
                    one.failed,
                    one.passed,
                    one.unevaluated,
                    one.type_errors,
                )
                for one in placed.checked.verdicts
            ],
        )
        for path, file in project.files.items()
        for placed in file.documents
    ]


def edit(dice: random.Random, text: str) -> str:
    """One value replaced, typed or cut, a line that says nothing put in or taken out, or a key that is half typed."""
    if dice.random() < 0.3:
        return half_typed(dice, text)
    places = [found.span() for found in VALUE.finditer(text)]
    if places and dice.random() < 0.8:
        start, end = dice.choice(places)
        way = dice.random()
        word = (
            dice.choice(WORDS) if way < 0.6 else text[start:end] + "x" if way < 0.8 else text[start : end - 1]
        )
        return text[:start] + word + text[end:]
    lines = text.split("\n")
    at = dice.randrange(len(lines))
    if lines[at].strip() in {"", "# note"} and dice.random() < 0.5:
        return "\n".join(lines[:at] + lines[at + 1 :])
    return "\n".join([*lines[:at], dice.choice(["", "# note", "  # note"]), *lines[at:]])


def half_typed(dice: random.Random, text: str) -> str:
    """A letter more or less of a key without a colon, which most texts cannot be read with."""
    lines = text.split("\n")
    begun = [number for number, line in enumerate(lines) if HALF.fullmatch(line)]
    if not begun:
        at = dice.randrange(len(lines))
        indent = " " * (len(lines[at]) - len(lines[at].lstrip(" ")) + dice.choice([0, 0, 0, 2]))
        return "\n".join([*lines[: at + 1], f"{indent}h", *lines[at + 1 :]])
    at = dice.choice(begun)
    lines[at] = lines[at][:-1] if dice.random() < 0.3 else lines[at] + dice.choice("ostNework")
    return "\n".join(lines)


@settings(
    max_examples=max(10, settings.default.max_examples // 4),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32))
def test_what_is_taken_over_is_what_a_fresh_project_says(evaluator: Evaluator, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - reproducible, not secret
    count = dice.choice([1, 2, 2, 3])
    texts = {
        f"{name}.yaml": "---\n".join(dice.choice(manifests()) for _ in range(dice.choice([1, 1, 2])))
        for name in "abc"[:count]
    }
    project = Project(evaluator).with_files([(path, text, False) for path, text in texts.items()])
    for _ in range(6):
        path = dice.choice(list(texts))
        texts[path] = edit(dice, texts[path])
        project = project.with_file(path, texts[path])
        fresh = Project(evaluator).with_files([(path, text, False) for path, text in texts.items()])
        assert said(project) == said(fresh)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.one_of(documents(), st.sampled_from(manifests())), seed=st.integers(0, 2**32))
def test_places_move_as_they_are_found_anew(text: str, seed: int) -> None:
    before, dice = read_document(text), random.Random(seed)  # noqa: S311 - as above
    after = edit(dice, text)
    made = spliced(text, after)
    now, change = reread(before, after)
    if made is None:
        assert change is None or (change == TreeEdit(None, None) and now.data is before.data)
        return
    for path in every_path(before.data):
        assert change.shift.moved(resolve(before, path).span) == resolve(now, path).span
        if change.path is None or path != change.path[: len(path)]:
            assert at(before.data, path) == at(now.data, path)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.one_of(documents(), st.sampled_from(manifests())), seed=st.integers(0, 2**32))
def test_a_value_that_is_not_read_changes_no_key_and_no_question(text: str, seed: int) -> None:
    before, dice = read_document(text), random.Random(seed)  # noqa: S311 - as above
    now, change = reread(before, edit(dice, text))
    for old, new in zip(resources_of(before, {})[0], resources_of(now, {})[0], strict=False):
        if change is None or change.path is None or old.data is new.data or old.id != new.id:
            continue
        if not is_read(change.path[len(old.root) :]):
            was, one = object_of("a.yaml", old), object_of("a.yaml", new)
            assert keys_of(was) == keys_of(one)
            for name in RELATIONS:
                asked, asks = asked_of(name, was), asked_of(name, one)
                assert asked == asks or (asked == (name, was) and asks == (name, one))


def every_path(data: object, path: tuple[str | int, ...] = ()):
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from every_path(value, (*path, key))


def at(data, path):
    for part in path:
        data = data[part]
    return data
