"""The published schema of the JSON report: real reports fit it, it lets nothing else pass, and it explains itself."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from support.reporting import POD, SCHEMA, report_of
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.report import json as json_report
from kscan_lsp.report.formats import FixDetail

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[3] / "examples" / "payments"


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """What a part refers to, unless it says itself what it is."""
    while "$ref" in part and "description" not in part:
        found: Any = SCHEMA
        for key in part["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        part = found
    return part


def undescribed(part: Any, path: str = "") -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.get("properties", {}).items():
            if "description" not in resolved(value):
                yield f"{path}/{name}"
        for name, value in part.items():
            yield from undescribed(value, f"{path}/{name}")
    elif isinstance(part, list):
        for number, value in enumerate(part):
            yield from undescribed(value, f"{path}/{number}")


def test_it_is_a_schema_that_describes_every_property() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert [*undescribed(SCHEMA)] == []


def test_it_is_of_the_version_that_reports_have() -> None:
    assert SCHEMA["properties"]["schema"]["const"] == json_report.SCHEMA_VERSION
    assert SCHEMA["$id"].endswith(f":{json_report.SCHEMA_VERSION}")


@pytest.mark.parametrize(
    "options", [[], ["--fixes"], ["--framework", "allcontrols"], ["--control", "C-0057"]]
)
def test_real_reports_fit(options: list[str]) -> None:
    said = CliRunner().invoke(app, ["scan", str(EXAMPLE), "--format", "json", *options]).stdout
    data = json.loads(said)
    assert data["findings"]
    Draft202012Validator(SCHEMA).validate(data)


def objects(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all objects that have keys of their own names."""
    if isinstance(part, dict):
        yield path
        for key, value in part.items():
            yield from objects(value, (*path, key))
    elif isinstance(part, list):
        for number, value in enumerate(part):
            yield from objects(value, (*path, number))


def test_it_refuses_what_is_missing_or_more() -> None:
    report = report_of({"web.yaml": POD}, fixes=FixDetail.EDITS)
    data = json.loads(json_report.render(report))
    validator = Draft202012Validator(SCHEMA)
    validator.validate(data)
    for path in objects(data):
        for change in ("more", "less"):
            changed = copy.deepcopy(data)
            found: Any = changed
            for key in path:
                found = found[key]
            if change == "more":
                found["unknown"] = 1
            elif found:
                found.pop(next(iter(found)))
            else:
                continue
            assert not validator.is_valid(changed), (path, change)
