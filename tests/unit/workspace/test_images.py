"""Reports about images are found where the settings say, or where everybody puts them, and read once."""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING

import pytest
from support import images
from support.images import NGINX, OPENSSL, as_bytes

from kscan_lsp.evidence.model import IMAGES
from kscan_lsp.workspace import images as module
from kscan_lsp.workspace.configuration import Configuration, configure
from kscan_lsp.workspace.images import evidence_of, may_be_report

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 1, 15)
CANARY = "hunter2hunter2"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A checkout with a folder below."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "apps").mkdir()
    return tmp_path


def put(path: Path, data: object = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_bytes(images.trivy() if data is None else data))


def read(folder: Path) -> Configuration:
    configuration, words = configure(folder)
    assert words == ()
    return configuration


def known(configuration: Configuration, day: date = DAY, image: str = NGINX) -> dict[str, object]:
    """What controls see of an image."""
    kinds = evidence_of(configuration.images, day).kinds
    found: dict[str, dict[str, object]] = kinds[IMAGES].about([image]).data if kinds else {}
    return found.get(image, {})


def problems(configuration: Configuration) -> list[str]:
    return [f"{one.path.name}: {one.problem.message}" for one in configuration.problems]


@pytest.mark.parametrize(
    "name",
    [".kscan/images/anything.json", "shop.trivy.json", "shop.grype.json", "shop.cdx.json", "a.trivy.sarif"],
)
def test_reports_are_found_where_everybody_puts_them(top: Path, name: str) -> None:
    put(top / name)
    found = read(top / "apps")
    assert known(found)["counts"] == "1 critical, 1 high; 1 has a fix"
    assert top / name in found.files
    assert may_be_report(top / name)
    assert not may_be_report(top / "other.json")
    assert may_be_report(top / "other.json", named=True)


def test_settings_have_them_beside_them_and_folders_below_the_same(top: Path) -> None:
    put(top / "platform" / "shop.trivy.json")
    (top / "platform" / ".kscan.yaml").write_text("frameworks: [nsa]\n")
    (top / "platform" / "deep").mkdir()
    (top / "platform" / "deep" / ".kscan.yaml").write_text("images: {maxAgeDays: 1}\n")
    assert known(read(top / "platform" / "deep"))["stale"] is False
    assert "holds for a whole workspace" in problems(read(top / "platform" / "deep"))[0]
    assert known(read(top)) == {}


def test_settings_may_say_where_they_are(top: Path) -> None:
    put(top / "shop.trivy.json")
    put(top / "reports" / "a" / "b" / "x.json", images.grype())
    (top / ".kscan.yaml").write_text("images:\n  reports: [reports/**/*.json, nothing/*.json, ../out.json]\n")
    put(top.parent / "out.json")
    found = read(top)
    assert known(found)["source"] == "Grype 0.104.0"
    assert [text for text in problems(found) if "nothing" in text] == [
        ".kscan.yaml: no report is called 'nothing/*.json'"
    ]
    assert any("outside of this workspace" in text for text in problems(found))


def test_a_link_out_of_the_workspace_is_not_followed(top: Path) -> None:
    put(top.parent / "elsewhere.json")
    (top / "shop.trivy.json").symlink_to(top.parent / "elsewhere.json")
    assert known(read(top)) == {}


def test_nothing_is_known_without_reports(top: Path) -> None:
    put(top / "shop.openvex.json", images.openvex(NGINX))
    found = read(top)
    assert found.problems == ()
    assert not evidence_of(found.images, DAY).kinds


def test_what_cannot_be_used_is_one_problem_at_its_file(top: Path) -> None:
    put(top / "a.trivy.json", {"a": CANARY})
    put(top / "b.trivy.json", images.trivy(Results=CANARY))
    put(top / "c.cdx.json", {"bomFormat": "CycloneDX"})
    (top / "d.trivy.json").mkdir()
    put(top / "e.trivy.json")
    (top / "f.trivy.json").write_bytes(b"")
    os.truncate(top / "f.trivy.json", 200_000_000)
    found = read(top)
    assert [text.partition(": ")[0] for text in problems(found)] == [
        f"{n}.{k}.json" for n, k in zip("abfc", ("trivy",) * 3 + ("cdx",), strict=True)
    ]
    assert "more than 64,000,000 bytes" in problems(found)[2]
    assert CANARY not in "".join(problems(found))
    assert known(found)["critical"] == 1


def test_statements_and_lists_of_what_to_ignore_count(top: Path) -> None:
    put(top / "shop.trivy.json")
    put(top / ".kscan/images/vex.json", images.openvex(NGINX))
    assert known(read(top))["counts"] == "1 high; none has a fix"
    (top / ".trivyignore").write_text("CVE-2026-0002 exp:2026-01-20\n")
    assert known(read(top))["counts"] == "nothing known"
    assert known(read(top), date(2026, 1, 20))["counts"] == "1 high; none has a fix"
    (top / ".grype.yaml").write_text("ignore:\n- fix-state: not-fixed\n")
    assert known(read(top), date(2026, 1, 20))["total"] == 0


def test_what_of_a_list_is_not_read_is_said_and_hides_nothing(top: Path) -> None:
    put(top / "shop.trivy.json")
    (top / ".trivyignore").write_text("CVE-2026-0001 exp:2027-1-5\n")
    rule = "ignore:\n- vulnerability: CVE-2026-0001\n  package: {name: libssl3, version: '%s'}\n"
    (top / ".grype.yaml").write_text(rule % "1" + "  namespace: debian\n")
    assert known(read(top))["total"] == 2
    left = [text.partition(" is left alone: ")[0] for text in problems(read(top))]
    assert left == [".trivyignore: line 1", ".grype.yaml: rule 1"]
    (top / ".trivyignore").write_bytes(b"\xff\x00CVE-2026-0001")
    # a line that cannot be read may be the condition that a rule rests on
    (top / ".grype.yaml").write_text(rule % "3.0.11-1~deb12u1" + "  namespace: [\n")
    assert known(read(top))["total"] == 2
    assert all("this list is left out: " in text for text in problems(read(top)))
    (top / ".trivyignore").unlink()
    for version, total in (("1", 2), ("3.0.11-1~deb12u1", 1)):
        (top / ".grype.yaml").write_text(rule % version)
        assert (known(read(top))["total"], problems(read(top))) == (total, [])


def test_of_several_reports_in_a_file_one_that_cannot_be_used_is_said(top: Path) -> None:
    inventory = images.cyclonedx(vulnerabilities=[])
    put(top / ".kscan/images/all.json", [images.trivy(), inventory, images.trivy(Results=7)])
    assert [text.partition(" but ")[0] for text in problems(read(top))] == [
        "all.json: this report is left out: it looks like Trivy"
    ]
    assert known(read(top))["total"] == 2


def test_what_an_editor_wrote_counts_wherever_reports_are(
    top: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (top / ".kscan.yaml").write_text('images: {reports: ["build/*.json"]}\n')
    put(top / "build/shop.json")
    accepted = top / ".kscan/images/accepted.openvex.json"
    put(accepted, images.openvex(NGINX))
    put(top / ".kscan/images/other.openvex.json", images.openvex(NGINX, cve="CVE-2026-0002"))
    assert known(read(top))["total"] == 1
    outside = tmp_path_factory.mktemp("outside") / "vex.json"
    accepted.rename(outside)
    accepted.symlink_to(outside)
    assert known(read(top))["total"] == 2


def test_what_is_ignored_here_is_ignored_whatever_a_vendor_says(top: Path) -> None:
    put(top / "shop.trivy.json")
    put(top / "vendor.openvex.json", images.openvex(OPENSSL, "affected"))
    assert known(read(top))["total"] == 2
    (top / ".trivyignore").write_text("CVE-2026-0001\n")
    assert known(read(top))["total"] == 1


def test_what_has_no_fix_may_be_left_out_and_ages_are_counted(top: Path) -> None:
    put(top / "shop.trivy.json")
    (top / ".kscan.yaml").write_text("images: {onlyFixable: true, maxAgeDays: 5}\n")
    found = read(top)
    assert known(found)["counts"] == "1 critical; 1 has a fix"
    assert (known(found)["ageDays"], known(found)["stale"]) == (5, False)
    assert (known(found, date(2026, 1, 16))["ageDays"], known(found, date(2026, 1, 16))["stale"]) == (6, True)


def test_a_report_is_read_again_only_when_it_changed(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(top / "shop.trivy.json")
    first = read(top).images.reports
    monkeypatch.setattr(module.encoding, "read_bytes", lambda *_: pytest.fail("it was read again"))
    assert read(top).images.reports[0] is first[0]
    monkeypatch.undo()
    put(top / "shop.trivy.json", images.trivy(Results=[]))
    assert known(read(top))["counts"] == "nothing known"


def test_a_pattern_does_not_walk_forever(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VISITED", 10)
    for number in range(20):
        put(top / f"{number}.txt")
    (top / ".kscan.yaml").write_text('images: {reports: ["**/*.json"]}\n')
    assert "too many files" in problems(read(top))[0]


def test_a_folder_of_any_size_may_have_no_report(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VISITED", 10)
    for number in range(50):
        put(top / f"{number}.yaml")
    assert problems(read(top)) == []
    put(top / "shop.trivy.json")
    assert len(read(top).images.reports) == 1


def test_wrong_settings_are_told_at_their_place(top: Path) -> None:
    (top / ".kscan.yaml").write_text("images: {maxAge: 5}\n")
    assert "maxAgeDays" in problems(read(top))[0]


def test_what_is_known_of_one_image_is_told_from_what_is_known_of_another(top: Path) -> None:
    put(top / "a.trivy.json")
    put(top / "b.trivy.json", images.trivy("shop:1", Metadata={}, Results=[]))
    before = evidence_of(read(top).images, DAY).kinds[IMAGES]
    put(top / "b.trivy.json", images.trivy("shop:1", Metadata={}))
    after = evidence_of(read(top).images, DAY).kinds[IMAGES]
    assert before.digest != after.digest
    assert before.about([NGINX]).digest == after.about([NGINX]).digest
    assert before.about(["shop:1"]).digest != after.about(["shop:1"]).digest
    assert before.about(["other:1"]).data == {}
