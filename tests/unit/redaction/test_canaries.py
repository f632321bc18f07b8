"""No output of a command shows a secret: canaries at every place that anybody thought of, and a search for them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.canaries import POLICIES, SETTINGS, TESTED, Place, places, policies
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.report.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable

    Outputs = dict[str, str]

PLACES = places()
SHORT = {"github", "markdown", "images-csv", "cyclonedx"}
"""Forms that show the worst findings alone, whose messages may quote nothing, and those that are about images."""


def output(*argv: str) -> str:
    """All that a command says, to standard output and to standard error."""
    result = CliRunner().invoke(app, list(argv), env={"COLUMNS": "1000"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.stdout + result.stderr


def shown_in(outputs: Outputs, canaries: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The places whose canary is in an output, each with the outputs that have it."""
    found = {name: [label for label, text in outputs.items() if canary in text] for name, canary in canaries}
    return {name: labels for name, labels in found.items() if labels}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    for name, text in policies().items():
        (tmp_path / "own" / name).write_text(text)
    (tmp_path / ".kscan.yaml").write_text("policies: [own]\nframeworks: [allcontrols]\nexclude: [own]\n")
    for place in PLACES:
        (tmp_path / place.file).write_text(place.text)
    return tmp_path


def outputs_of_commands() -> Outputs:
    found = forms_of(".")
    found["fix"] = output("fix", ".", "--control", "T-2001,C-0016", "--unsafe")
    found["list"] = output("list", "controls") + output("list", "frameworks")
    found["explain"] = output("explain", "T-1002")
    return found


def forms_of(*paths: str, options: Iterable[str] = ()) -> Outputs:
    """What every form of the report says of some paths; those that an ending chooses are written in one scan."""
    files = {
        form: Path("reports") / f"{'report' * row.suffixes[0].startswith('.')}{row.suffixes[0]}"
        for form, row in FORMATS.items()
        if row.suffixes
    }
    Path("reports").mkdir()
    try:
        output("scan", *paths, *options, *(f"--output={file}" for file in files.values()))
        found = {form: file.read_bytes().decode() for form, file in files.items()}
    finally:
        shutil.rmtree("reports")
    others = {form: output("scan", *paths, "--format", form) for form in FORMATS if form not in found}
    return {**found, **others}


def canaries(of: Iterable[Place]) -> list[tuple[str, str]]:
    return [(place.name, place.canary) for place in of]


def test_there_are_places_enough_and_each_has_its_own_canary() -> None:
    assert len(PLACES) >= 200
    assert len({place.canary for place in PLACES}) == len(PLACES)
    assert all(place.canary in place.text for place in PLACES)


@pytest.mark.usefixtures("folder")
def test_no_command_shows_a_secret_of_a_manifest() -> None:
    outputs = outputs_of_commands()
    assert shown_in(outputs, canaries(PLACES)) == {}
    assert "own/T-" not in outputs["pretty"] + outputs["json"], "a control of the canaries is wrong"
    assert set(FORMATS) <= set(outputs)
    assert [name for name in ("fix", *FORMATS) if name not in SHORT and "********" not in outputs[name]] == []
    assert all(f"p{n:03}-" in outputs["pretty"] for n in (0, 50, 100, 150, 200))


@pytest.fixture
def unmasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing counts as a secret."""

    def nothing(*_: object, **__: object) -> tuple[()]:
        return ()

    def as_it_is(_: object, text: str) -> str:
        return text

    monkeypatch.setattr("kscan_lsp.report.file_text.secret_spans", nothing)
    monkeypatch.setattr("kscan_lsp.redaction.texts.spans_in", nothing)
    for name in ("_hidden", "_shown", "_argument", "_annotation"):
        monkeypatch.setattr(f"kscan_lsp.engine.quoting.{name}", as_it_is)


@pytest.mark.usefixtures("folder", "unmasked")
def test_the_canaries_are_shown_where_nothing_is_masked() -> None:
    some = PLACES[::3]
    found = {form: output("scan", *(p.file for p in some), "--format", form) for form in ("pretty", "json")}
    assert len(shown_in(found, canaries(some))) > 0.8 * len(some)


def test_fixes_written_out_hold_no_secrets(folder: Path) -> None:
    some = [place for place in PLACES if "-env-" in place.name and "broken" not in place.name]
    found = forms_of(*(str(folder / place.file) for place in some), options=["--fixes"])
    assert '"newText"' in found["json"]
    assert '"insertedContent"' in found["sarif"]
    assert shown_in(found, canaries(some)) == {}


@pytest.mark.parametrize("name", SETTINGS)
def test_no_command_shows_a_secret_of_settings(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".kscan.yaml").write_text(SETTINGS[name].replace("@C@", "hunter2X"))
    (tmp_path / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n")
    for argv in (["scan", "."], ["scan", ".", "--format", "json"], ["list", "controls"], ["fix", "."]):
        said = output(*argv)
        assert ".kscan.yaml" in said
        assert "hunter2X" not in said


@pytest.mark.parametrize("name", POLICIES)
def test_no_command_shows_a_secret_of_policies(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "T-9001.yaml").write_text(POLICIES[name].replace("@C@", "hunter2X"))
    (tmp_path / ".kscan.yaml").write_text("policies: [T-9001.yaml]\n")
    for argv in (["scan", "."], ["test", "T-9001.yaml"], ["explain", "C-0057"]):
        said = output(*argv)
        assert "T-9001" in said
        assert "hunter2X" not in said


def test_a_test_that_fails_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "T-9001.yaml").write_text(TESTED.replace("@C@", "hunter2X"))
    said = output("test", "T-9001.yaml")
    assert "2 of 2 failed" in said
    assert said.count("********") >= 2
    assert "hunter2X" not in said
