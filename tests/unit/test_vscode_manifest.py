"""What package.json of the VS Code extension says is what the server reads."""

import json
import re
from pathlib import Path
from typing import get_args

from kscan_lsp import __version__
from kscan_lsp.settings.model import ControlSettings, Settings, SeverityName
from kscan_lsp.settings.shape import types_of
from kscan_lsp.workspace.policies import builtin_policies

EXTENSION = Path(__file__).parents[2] / "vscode-extension"
MANIFEST = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
PROPERTIES = MANIFEST["contributes"]["configuration"][0]["properties"]


def test_every_setting_of_the_server_is_there() -> None:
    served = {f"kscan.{key}" for key in types_of(Settings)}
    # a lock is for the settings of folders below, and a gate for scans: an editor has neither
    ours = served - {"kscan.locked", "kscan.gate"}
    of_the_client = {name for name in PROPERTIES if name.startswith(("kscan.server.", "kscan.trace."))}
    assert PROPERTIES.keys() - of_the_client == ours
    assert PROPERTIES["kscan.controls"]["properties"].keys() == types_of(ControlSettings).keys()
    for name, schema in PROPERTIES.items():
        assert schema.get("description") or schema.get("markdownDescription"), name


def test_choices_are_those_of_the_server() -> None:
    frameworks = PROPERTIES["kscan.frameworks"]["items"]["anyOf"][0]
    assert set(frameworks["enum"]) == builtin_policies().frameworks.keys()
    assert len(frameworks["enumDescriptions"]) == len(frameworks["enum"])
    severity = PROPERTIES["kscan.controls"]["properties"]["severity"]["additionalProperties"]
    assert severity["enum"] == list(get_args(SeverityName))


def test_only_restricted_settings_say_what_is_executed() -> None:
    restricted = MANIFEST["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    executed = [name for name in PROPERTIES if name.startswith("kscan.server.")]
    assert restricted == [*executed, "kscan.extends", "kscan.policies"]


def test_no_workspace_has_images_scanned() -> None:
    scanning = [
        PROPERTIES[f"kscan.server.{name}"] for name in ("scanImages", "imageScanner", "imagesNetwork")
    ]
    assert [one["scope"] for one in scanning] == ["machine"] * 3
    assert [one["default"] for one in scanning] == [False, "", False]


def test_no_workspace_says_what_builds_overlays() -> None:
    said = PROPERTIES["kscan.server.kustomize"]
    assert (said["scope"], said["default"]) == ("machine", "")


def test_versions_agree() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))
    assert MANIFEST["version"] == lock["version"] == __version__
    assert all("resolved" not in package for package in lock["packages"].values())


def test_the_walkthrough_offers_commands_that_exist_and_is_ticked_off_by_them() -> None:
    offered = {command["command"] for command in MANIFEST["contributes"]["commands"]}
    registered = set(
        re.findall(r'"(kscan\.\w+)": ', (EXTENSION / "src/extension.ts").read_text(encoding="utf-8"))
    )
    assert offered <= registered
    (walkthrough,) = MANIFEST["contributes"]["walkthroughs"]
    steps = {step["id"]: step for step in walkthrough["steps"]}
    assert {"find", "fix", "ignore", "report"} <= steps.keys()
    for step in steps.values():
        commands = re.findall(r"\(command:([\w.]+)\)", step["description"])
        assert [
            name for name in commands if name != "workbench.action.quickOpen" and name not in offered
        ] == []
        events = [event.removeprefix("onCommand:") for event in step["completionEvents"]]
        ticked = [event for event in events if not event.startswith("onContext:")]
        assert set(ticked) - {"kscan.fixFile"} <= set(commands)
        assert events
        assert (EXTENSION / step["media"]["image"]).is_file()
