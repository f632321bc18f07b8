"""The fuzzer finds what is wrong, and nothing where nothing is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fuzz

    return fuzz


def given(**more: object) -> SimpleNamespace:
    return SimpleNamespace(**{"every": 8, "edits": 1, "seed": "test", "case": None, **more})


@pytest.mark.parametrize("kind", ["edits", "settings", "messages"])
def test_nothing_is_found(fuzz, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.run(kind, given(), 600) == 0
    assert "0 differences, 0 crashes" in capsys.readouterr().out


def test_what_is_wrong_is_found_and_made_small(
    fuzz, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that cannot bear one framework."""
    import fuzz_inputs

    def attempt(_: object, text: str) -> str:
        if "nsa" in text:
            raise RuntimeError
        return ""

    monkeypatch.setattr(fuzz_inputs.SettingsFiles, "attempt", attempt)
    assert fuzz.run("settings", given(edits=20), 600) > 0
    said = capsys.readouterr().out
    assert "settings crash in case test-" in said
    assert "texts = ('frameworks: [recommended, nsa]\\n',)" in said
