"""Settings: what each key means, and that a mistake costs no more than itself."""

from __future__ import annotations

import json

import jsonschema
import pytest

from kscan_lsp.findings import Severity
from kscan_lsp.settings.json_schema import schema_of
from kscan_lsp.settings.model import (
    NEWEST_KUBERNETES,
    InputsFile,
    Settings,
    overlay,
    read_settings,
    replace_settings,
)
from kscan_lsp.settings.shape import chosen, said, whole
from kscan_lsp.settings.validation import validate
from kscan_lsp.yaml.document import read_document

EVERYTHING = """\
frameworks: [nsa]
controls:
  include: [C-0001]
  exclude: C-0057
  severity: {C-0016: low}
inputs:
  cpuLimitChoices: ["1"]
  one: x
policies: [own]
exclude: [vendor/]
podSpecPaths:
- {kind: Rollout, group: argoproj.io, path: spec.template}
kubernetesVersion: 1.30
"""


def read(text: str) -> tuple[Settings, list[str]]:
    settings, problems = read_settings(read_document(text))
    return settings, [problem.message for problem in problems]


def test_defaults() -> None:
    settings, problems = read("")
    assert problems == []
    assert settings == Settings()
    assert settings.frameworks == ("recommended",)


def test_every_key() -> None:
    settings, problems = read(EVERYTHING)
    assert problems == []
    assert settings.frameworks == ("nsa",)
    assert settings.controls.include == ("C-0001",)
    assert settings.controls.exclude == ("C-0057",)
    assert settings.inputs == {"cpuLimitChoices": ("1",), "one": ("x",)}
    assert settings.policies == ("own",)
    assert settings.exclude == ("vendor/",)
    assert [entry.kind for entry in settings.pod_spec_paths] == ["Rollout"]
    assert settings.severity_of("C-0016", Severity.HIGH) is Severity.LOW
    assert settings.severity_of("C-0017", Severity.HIGH) is Severity.HIGH


def test_the_published_schema_takes_what_the_program_takes() -> None:
    schema = schema_of(Settings)
    jsonschema.validate(json.loads(json.dumps(read_document(EVERYTHING).data)), schema)
    jsonschema.validate({"frameworks": "nsa", "inputs": {"a": "b"}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"framework": "nsa"}, schema)


def test_inputs_may_stand_in_a_file_of_their_own() -> None:
    assert read("inputs: security/inputs.json")[0].inputs == "security/inputs.json"
    jsonschema.validate({"inputs": "security/inputs.json"}, schema_of(Settings))
    assert read("inputs: [a]") == (Settings(), ["'inputs' must be a mapping"])


@pytest.mark.parametrize(
    ("written", "minor"),
    [("1.30", 30), ('"1.16"', 16), ("v1.33.4-gke.100", 33), ("1.31.2+k3s1", 31), ("", NEWEST_KUBERNETES)],
)
def test_a_kubernetes_version_is_what_is_written(written: str, minor: int) -> None:
    settings, problems = read(f"kubernetesVersion: {written}\n")
    assert problems == []
    assert settings.kubernetes_minor == minor


@pytest.mark.parametrize("written", ["2.0", "latest", "1", "[1.30]", "true"])
def test_what_is_no_kubernetes_version(written: str) -> None:
    settings, problems = read(f"frameworks: nsa\nkubernetesVersion: {written}\n")
    assert len(problems) == 1
    assert settings == Settings(frameworks=("nsa",))


def test_an_editor_must_quote_a_version() -> None:
    assert overlay(Settings(), {"kubernetesVersion": "1.30"}) == (Settings(kubernetes_version="1.30"), ())
    assert overlay(Settings(), {"kubernetesVersion": 1.3}) == (
        Settings(),
        ("kscan.kubernetesVersion must be a Kubernetes version as a string, such as '1.33'",),
    )


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Settings().frameworks = ("nsa",)  # type: ignore[misc]


@pytest.mark.parametrize(
    "key", ["frameworks", "controls", "inputs", "policies", "exclude", "podSpecPaths", "kubernetesVersion"]
)
def test_a_key_without_a_value_says_nothing(key: str) -> None:
    assert read(f"{key}:\n") == (Settings(), [])
    assert read(f"{key}:\n# - commented out\n") == (Settings(), [])
    assert read("controls: {include: , exclude: [C-0001]}\n")[0].controls.exclude == ("C-0001",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("exlude: [a]", "unknown key 'exlude'; did you mean 'exclude'?"),
        ("controls: {sevrity: {}}", "unknown key 'sevrity'; did you mean 'severity'?"),
        (
            "controls: {severity: {C-0016: hihg}}",
            "'hihg' is no severity; did you mean 'high'?",
        ),
        ("controls: {severity: {C-0016: High}}", "'High' is no severity; did you mean 'high'?"),
        (
            "controls: {severity: {high: [C-0013, C-0016]}}",
            "must be a severity; write the control first, then its severity: C-0013: high",
        ),
        (
            "kubernetesVersion: 1.3",
            "nothing is known of Kubernetes 1.3, only of 1.16 to 1.37; did you mean 1.30?",
        ),
        ("kubernetesVersion: 1.99", "nothing is known of Kubernetes 1.99, only of 1.16 to 1.37"),
        ("kubernetesVersion: 1.15", "nothing is known of Kubernetes 1.15, only of 1.16 to 1.37"),
        (
            "exclude: [./a.yaml]",
            "'./a.yaml' matches no file: write '/a.yaml', which begins at the folder of the settings",
        ),
        ("exclude: [../a.yaml]", "'../a.yaml' matches no file: patterns begin at the folder of the settings"),
        (
            "podSpecPaths: [{kind: R, group: a.io/v1, path: spec.template}]",
            "a group has no version here; write 'a.io'",
        ),
        ("exclude: 5", "'exclude' must be a list"),
        ("inputs: {a: [1]}", "each entry of 'a' must be a string; quote it"),
        ("podSpecPaths: [{kind: X}]", "'path' is missing"),
    ],
)
def test_a_mistake_is_named_and_costs_nothing_else(line: str, message: str) -> None:
    settings, problems = read(f"frameworks: nsa\n{line}\n")
    assert problems == [message]
    assert settings.frameworks == ("nsa",)


def test_a_mistake_inside_a_key_leaves_its_neighbours() -> None:
    settings, _ = read(
        "controls:\n  exclude: [C-0001]\n  sevrity: {}\n  severity: {C-0016: low, C-0017: x}\n"
    )
    assert settings.controls.exclude == ("C-0001",)
    assert settings.controls.severity == {"C-0016": "low"}


def test_what_is_no_mapping() -> None:
    assert read("- x\n") == (Settings(), ["this file must be a mapping"])


def test_half_typed_text_keeps_what_can_be_read() -> None:
    settings, problems = read("frameworks: nsa\ncontr\n")
    assert settings.frameworks == ("nsa",)
    assert len(problems) == 1


def test_overlay() -> None:
    base, _ = read(EVERYTHING)
    over, wrong = overlay(base, {"frameworks": ["allcontrols"], "trace": {"server": "off"}, "inputs": None})
    assert wrong == ()
    assert over.frameworks == ("allcontrols",)
    assert {**whole(over), "frameworks": ()} == {**whole(base), "frameworks": ()}
    assert overlay(base, None) == (base, ())
    assert overlay(base, {}) == (base, ())


def test_what_is_wrong_in_an_overlay_is_said_and_left_out() -> None:
    base, _ = read("frameworks: nsa\n")
    over, wrong = overlay(
        base, {"frameworks": [5], "exclude": "vendor/", "controls": {"severity": {"C-1": "x"}}}
    )
    assert over.frameworks == ("nsa",)
    assert over.exclude == ("vendor/",)
    assert wrong == (
        "kscan.frameworks.0 must be a string; quote it",
        "kscan.controls.severity.C-1: 'x' is no severity; known are low, medium, high, critical",
    )
    assert overlay(base, ["x"]) == (base, ("kscan must be a mapping",))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"gate": {"newOnyl": True}}, "kscan.gate.newOnyl: unknown key; did you mean 'newOnly'?"),
        ({"podSpecPaths": [{"kind": "X"}]}, "kscan.podSpecPaths.0.path is missing"),
        ({"inputs": {"a": ["b", 1]}}, "kscan.inputs.a.1 must be a string; quote it"),
        (
            {"gate": {"complianceThreshold": 101}},
            "kscan.gate.complianceThreshold must be a number from 0 to 100",
        ),
        ({"images": {"maxAgeDays": "30"}}, "kscan.images.maxAgeDays must be a whole number"),
        ({"images": {"maxAgeDays": 0}}, "kscan.images.maxAgeDays must be greater than or equal to 1"),
        ({"gate": {"kev": "true"}}, "kscan.gate.kev must be true or false"),
        ({"exceptions": {"maxDays": True}}, "kscan.exceptions.maxDays must be a whole number"),
    ],
)
def test_an_editor_is_told_where_and_what(section: dict[str, object], message: str) -> None:
    assert overlay(Settings(), section) == (Settings(), (message,))


def test_what_is_said_is_told_from_what_is_so_by_default() -> None:
    settings = read("frameworks: recommended\ngate: {kev: false}\n")[0]
    assert settings == Settings()
    assert said(settings) == {"frameworks": ("recommended",), "gate": {"kev": False}}
    assert chosen(settings) == {}
    assert chosen(read("gate: {kev: true}\nexclude: a\n")[0]) == {"exclude": ("a",), "gate": {"kev": True}}


def test_a_list_of_inputs_may_be_called_anything() -> None:
    names = ["self", "of", "agree", "lists", "__class__", "__dict__"]
    document = read_document("".join(f"{name}: [x]\n" for name in names) + "empty:\n")
    found, problems = validate(InputsFile, document, "setting")
    assert problems == ()
    assert found is not None
    assert InputsFile.lists.fget(found) == dict.fromkeys(names, ("x",))


def test_replace_settings_uses_the_names_of_the_file() -> None:
    changed = replace_settings(Settings(), {"podSpecPaths": [{"kind": "X", "path": "spec"}]})
    assert [entry.kind for entry in changed.pod_spec_paths] == ["X"]
    assert replace_settings(changed, {"frameworks": ["nsa"]}).pod_spec_paths == changed.pod_spec_paths


def test_a_folder_is_excluded_by_a_pattern_that_begins_anywhere() -> None:
    settings, problems = read("exclude: [/a/, 'b*', '**/c', '!d']\n")
    assert problems == []
    assert settings.exclude == ("/a/", "b*", "**/c", "!d")
