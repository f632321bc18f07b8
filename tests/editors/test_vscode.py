"""The packaged extension in the real VS Code workbench, offline. See `workbench.py` for how it is run."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright
from support import images, scanning
from support.workbench import EXTENSION, PATIENCE, SQUIGGLES, Workbench, lacking, workbench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Playwright

CHECKOUT = EXTENSION.parent
SETTLEMENT = CHECKOUT / "examples/payments/insecure/settlement.yaml"

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostPID: true
  containers:
    - name: api
      image: registry.example.com/shop/api:1.0
      resources: {limits: {memory: 64Mi}}
      securityContext:
        runAsUser: 1000
        runAsGroup: 1000
        allowPrivilegeEscalation: false
        privileged: true # since the migration
"""
OWN = (
    "id: OWN-0001\ntitle: T\nseverity: high\ndescription: D.\nremediation: R.\n"
    "checks:\n- deny: 'true'\n  at: metadata\n  message: of the workspace\n"
)
PRIVILEGED, HOST_PID = ("error", "privileged: true"), ("error", "hostPID: true")


@pytest.fixture(scope="module")
def vsix() -> Path:
    """The VSIX of this checkout, which `.ci/test` makes before the tests."""
    why_not = lacking(EXTENSION)
    if why_not is not None:
        reason = f"{why_not}; .ci/test makes ready what it can"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    (found,) = EXTENSION.glob("*.vsix")
    return found


@pytest.fixture(scope="module")
def driver() -> Iterator[Playwright]:
    """What drives the browsers; a process can have one."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def trusting(vsix: Path, driver: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workbench that trusts every folder."""
    with workbench(tmp_path_factory.mktemp("trusting"), vsix, driver, trust=True) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one manifest, `pod.yaml`."""
    (tmp_path / "pod.yaml").write_text(POD)
    return tmp_path


def test_squiggles_follow_the_text(trusting: Workbench, folder: Path) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.go_to(6, 12)
        window.page.keyboard.press("Shift+End")
        window.page.keyboard.type("false")
        window.wait_for_squiggles([PRIVILEGED])
        window.page.keyboard.press("Control+z")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])


def test_problems_panel_lists_what_the_command_line_reports(trusting: Workbench, folder: Path) -> None:
    manifest = folder / "settlement.yaml"
    manifest.write_text(SETTLEMENT.read_text())
    command = [sys.executable, "-m", "kscan_lsp", "scan", "--format", "json", str(manifest)]
    scan = subprocess.run(command, capture_output=True, text=True, check=False)
    findings = [finding for finding in json.loads(scan.stdout)["findings"] if finding["status"] == "open"]
    with trusting.window(folder) as window:
        window.open(manifest.name)
        window.run("View: Toggle Problems")
        rows = window.page.locator(".markers-panel .monaco-list-row[aria-level='2']")
        expect(rows).to_have_count(len(findings), timeout=PATIENCE)
        for finding in findings:
            row = rows.filter(has_text=finding["message"]).filter(has_text=finding["control"])
            expect(row.first).to_contain_text(f"[Ln {finding['range']['start']['line']}, ")


def test_a_fix_from_the_lightbulb_is_made_at_once_and_undone_at_once(
    trusting: Workbench, folder: Path
) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.go_to(15, 12)
        window.open_actions()
        first = window.page.locator(".action-widget .monaco-list-row.action.focused")
        expect(first).to_contain_text(
            "Set securityContext.privileged of container 'api' to false (review) [C-0057]", timeout=PATIENCE
        )
        window.page.keyboard.press("Enter")
        window.wait_for_squiggles([HOST_PID])
        expect(window.page.locator(".bulk-edit-panel")).to_have_count(0)
        window.save("pod.yaml")
        fixed = POD.replace("privileged: true", "privileged: false")
        assert (folder / "pod.yaml").read_text() == fixed
        window.page.keyboard.press("Control+z")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])


def test_fix_all_makes_safe_fixes_only(trusting: Workbench, folder: Path) -> None:
    manifest = folder / "deprecated.yaml"
    manifest.write_text(POD.replace("hostPID: true", "serviceAccount: shop"))
    with trusting.window(folder) as window:
        window.open(manifest.name)
        window.wait_for_squiggles([("info", "serviceAccount: shop"), PRIVILEGED])
        window.run("kscan: Fix All Safe Problems in File")
        window.wait_for_squiggles([PRIVILEGED])
        window.save(manifest.name)
    fixed = manifest.read_text()
    assert "serviceAccount:" not in fixed
    assert "serviceAccountName: shop" in fixed


def test_where_nothing_is_safe_the_rest_is_reviewed_with_a_ticked_box_for_each(
    trusting: Workbench, folder: Path
) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.run("kscan: Fix All Safe Problems in File")
        notice = window.notification()
        expect(notice).to_contain_text(
            "No safe fix here. 2 fixes may change how the workload runs: review them.", timeout=PATIENCE
        )
        notice.get_by_role("button", name="Review Fixes").click()
        rows = window.page.locator(".quick-input-list .monaco-list-row")
        expect(rows).to_have_count(2, timeout=PATIENCE)
        expect(rows.nth(0)).to_contain_text("Set spec.hostPID to false")
        expect(rows.nth(1)).to_contain_text("container 'api' runs privileged")
        for number in range(2):
            expect(rows.nth(number)).to_have_attribute("aria-checked", "true")
        window.picture("review.png")
        rows.nth(0).click()
        expect(rows.nth(0)).to_have_attribute("aria-checked", "false")
        window.page.keyboard.press("Enter")
        window.wait_for_squiggles([HOST_PID])
        window.save("pod.yaml")
        assert (folder / "pod.yaml").read_text() == POD.replace("privileged: true", "privileged: false")


def test_fixing_all_from_the_lightbulb_asks_for_a_review(trusting: Workbench, folder: Path) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.go_to(15, 12)
        window.run("Source Action...")
        window.choose_action("Fix all problems (review)")
        rows = window.page.locator(".quick-input-list .monaco-list-row")
        expect(rows).to_have_count(2, timeout=PATIENCE)
        window.page.keyboard.press("Enter")
        window.wait_for_squiggles([])
        window.page.keyboard.press("Control+z")  # all of it was one step
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])


def test_explain_opens_a_page_that_leads_to_the_places(trusting: Workbench, folder: Path) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.go_to(15, 12)
        window.open_actions()
        window.choose_action("Explain C-0057")
        page = window.webview()
        expect(page.get_by_role("heading", name="C-0057 Privileged container")).to_be_visible(
            timeout=PATIENCE
        )
        for heading in ("What it is, and what an attacker gains", "How to fix it", "In pod.yaml",
                        "Who asks for it", "Read more"):  # fmt: skip
            expect(page.get_by_role("heading", name=heading)).to_be_visible()
        expect(window.notification()).to_have_count(0)
        window.go_to(1, 1)
        page.get_by_role("link", name="line 15, column 9").click()
        expect(window.cursor()).to_have_text("Ln 15, Col 9", timeout=PATIENCE)


def test_the_hover_leads_to_the_page(trusting: Workbench, folder: Path) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.go_to(15, 12)
        window.run("Show or Focus Hover")
        window.page.locator(".monaco-hover").get_by_role("link", name="Explain C-0057").click()
        page = window.webview()
        expect(page.get_by_role("heading", name="C-0057 Privileged container")).to_be_visible(
            timeout=PATIENCE
        )


def test_the_status_item_says_what_was_checked_and_what_was_not(trusting: Workbench, folder: Path) -> None:
    (folder / "notes.yaml").write_text("groceries: [milk]\n")
    (folder / "half.yaml").write_text(POD.replace("privileged: true", "privileged: tr"))
    (folder / "kustomization.yaml").write_text("patches: [{path: patch.yaml}]\n")
    (folder / "patch.yaml").write_text("kind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n")
    chart = folder / "chart/templates"
    chart.mkdir(parents=True)
    (chart.parent / "Chart.yaml").write_text("apiVersion: v2\nname: shop\n")
    (chart / "web.yaml").write_text("kind: {{ .Values.kind }}\n")
    with trusting.window(folder) as window:
        # a kustomization tells that there are manifests here: no file needs to be open
        expect(window.status()).to_contain_text("3 findings in 2 files, 2 not checked", timeout=PATIENCE)
        window.status().hover()
        tooltip = window.page.locator(".monaco-hover")
        expect(tooltip).to_contain_text("chart/templates/web.yaml; run: helm template chart | kscan scan -")
        window.open("pod.yaml")
        expect(window.status()).to_contain_text(
            re.compile(r"2 high · Recommended \d+\.\d%"), timeout=PATIENCE
        )
        lens = window.page.locator(".codelens-decoration a")
        expect(lens).to_contain_text(re.compile(r"2 high · recommended \d+\.\d%"))
        score = re.compile(r"\d+\.\d%")
        assert score.findall(lens.inner_text()) == score.findall(window.status().inner_text())
        window.open("half.yaml")
        expect(window.status()).to_contain_text("1 high · not wholly judged", timeout=PATIENCE)
        window.open("patch.yaml")
        expect(window.status()).to_contain_text("not checked: Kustomize patch", timeout=PATIENCE)
        window.picture("status.png")
        window.open("web.yaml")
        expect(window.status()).to_contain_text("not checked: Helm template", timeout=PATIENCE)
        window.open("notes.yaml")  # nobody takes that for a manifest: it is the workspace that counts
        expect(window.status()).to_contain_text("3 findings in 2 files, 2 not checked", timeout=PATIENCE)


IMAGE = """\
apiVersion: v1
kind: Pod
metadata:
  name: shop
spec:
  containers:
    - name: shop
      image: registry.example/shop:1.0
"""


def test_an_image_is_scanned_in_the_background_and_all_is_shown_to_search_and_sort(
    trusting: Workbench, folder: Path
) -> None:
    scanner = scanning.installed(trusting.home / "scanner/trivy", trusting.home / "trivy")
    # what code-server takes for the machine's, where alone such a setting counts
    settings = trusting.home / "data/Machine/settings.json"
    settings.parent.mkdir(exist_ok=True)
    archives = folder / ".kscan/images"
    archives.mkdir(parents=True)
    scanning.archive(archives / "shop.tar", "registry.example/shop:1.0", busybox="1.36.1-r5")
    scanning.archive(archives / "next.tar", "registry.example/shop:1.1", openssl="3.1.5-r0")
    (folder / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [KS-0060]}\n")
    (folder / "pod.yaml").write_text(IMAGE)
    settings.write_text(
        json.dumps({"kscan.server.scanImages": True, "kscan.server.imageScanner": str(scanner)})
    )
    try:
        with trusting.window(folder) as window:
            window.open("pod.yaml")
            lens = window.page.locator(".codelens-decoration", has_text="1 critical, 1 low; all have fixes")
            expect(lens).to_be_visible(timeout=PATIENCE)
            assert ("error", "image: registry.example/shop:1.0") in window.squiggles()
            window.go_to(8, 14)
            window.run("Show or Focus Hover")
            table = window.page.locator(".monaco-hover table")
            expect(table).to_contain_text("3.1.4-r0", timeout=PATIENCE)
            window.picture("image-hover.png")
            window.open_actions()
            actions = window.page.locator(".action-widget")
            change = "Change to registry.example/shop:1.1, which has 2 of these 2 fixed"
            expect(actions.locator(".monaco-list-row.action").first).to_contain_text(change, timeout=PATIENCE)
            expect(actions).to_contain_text("Scan image again: registry.example/shop:1.0")
            window.picture("image-actions.png")
            window.choose_action("Show all 2 vulnerabilities")
            page = window.webview()
            rows = page.locator("tbody tr:visible")
            expect(rows).to_have_count(2, timeout=PATIENCE)
            expect(rows.first).to_contain_text("CVE-2026-0001")
            window.picture("image-page.png")
            page.get_by_role("button", name="package").click()
            page.get_by_role("button", name="package").click()
            expect(rows.first).to_contain_text("busybox")
            page.get_by_role("searchbox").fill("openssl critical")
            expect(rows).to_have_count(1)
            expect(rows.first).to_contain_text("3.1.5-r0")
            window.picture("image-page-searched.png")
            window.open("pod.yaml")
            window.go_to(8, 14)
            window.open_actions()
            window.choose_action("Change to registry.example/shop:1.1")
            clean = window.page.locator(".codelens-decoration", has_text="nothing known")
            expect(clean).to_be_visible(timeout=PATIENCE)
            expect(window.notification()).to_have_count(0)
    finally:
        settings.unlink()


def test_report_opens_the_places_it_names(trusting: Workbench, folder: Path) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.run("kscan: Show Compliance Report")
        report = window.webview()
        expect(report.get_by_text("Host PID/IPC privileges").first).to_be_visible(timeout=PATIENCE)
        report.get_by_role("link", name="pod.yaml:6:3").click()
        expect(window.cursor()).to_have_text("Ln 6, Col 3", timeout=PATIENCE)


def test_the_report_is_searched_sorted_and_filtered(trusting: Workbench, folder: Path) -> None:
    report = images.grype("registry.example/shop:1.0")
    report["source"]["target"] |= {"imageID": "", "manifestDigest": "", "repoDigests": []}
    (folder / "shop.grype.json").write_bytes(images.as_bytes(report))
    (folder / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [KS-0060]}\n")
    (folder / "pod.yaml").write_text(IMAGE)
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        lens = window.page.locator(".codelens-decoration", has_text="1 critical, 1 high")
        expect(lens).to_be_visible(timeout=PATIENCE)
        window.run("kscan: Show Compliance Report")
        page = window.webview()
        rows = page.locator(".vulnerabilities tbody tr:visible")
        expect(rows).to_have_count(2, timeout=PATIENCE)
        expect(rows.first).to_contain_text("CVE-2026-0001")
        by_id = page.locator(".vulnerabilities th button").first
        by_id.click()
        by_id.click()
        expect(rows.first).not_to_contain_text("CVE-2026-0001")
        search = page.get_by_role("searchbox")
        search.scroll_into_view_if_needed()
        search.fill("libssl3 critical")
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("CVE-2026-0001")
        window.picture("report-searched.png")
        page.get_by_label("critical", exact=True).uncheck()
        expect(rows).to_have_count(0)
        page.get_by_label("critical", exact=True).check()
        page.get_by_role("link", name="pod.yaml:8:7").last.click()
        expect(window.cursor()).to_have_text("Ln 8, Col 7", timeout=PATIENCE)


def test_the_walkthrough_works_on_the_file_that_is_open(trusting: Workbench, folder: Path) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.go_to(1, 1)

        def press(step: str, button: str) -> None:
            window.run("Welcome: Open Walkthrough...")
            window.pick("Secure Kubernetes", "Secure Kubernetes manifests")
            steps = window.page.locator(".gettingStartedContainer")
            steps.get_by_text(step, exact=True).click()
            steps.get_by_role("button", name=button).click()
            window.page.wait_for_selector(".tab.active[data-resource-name='pod.yaml']")

        press("Read what is wrong", "Go to Next Finding")
        expect(window.cursor()).to_contain_text("Ln 6, Col 3", timeout=PATIENCE)
        expect(window.page.locator(".monaco-hover")).to_contain_text("How to fix", timeout=PATIENCE)
        window.page.keyboard.press("Escape")
        press("Fix it", "Show Fixes for Finding")
        expect(window.page.locator(".action-widget")).to_contain_text("hostPID", timeout=PATIENCE)
        window.page.keyboard.press("Escape")
        press("Accept what must stay", "Ignore Finding")
        window.wait_for_squiggles([PRIVILEGED])
        window.save("pod.yaml")
        assert "# kscan:ignore C-0038" in (folder / "pod.yaml").read_text()
        window.run("kscan: Go to Next Finding")
        expect(window.cursor()).to_contain_text("Ln 16,", timeout=PATIENCE)
        window.run("kscan: Go to Next Finding")  # and round again
        expect(window.cursor()).to_contain_text("Ln 16,", timeout=PATIENCE)


def test_frameworks_are_chosen_over_the_settings_file(trusting: Workbench, folder: Path) -> None:
    (folder / ".kscan.yaml").write_text("frameworks: [nsa]\n")
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        expect(window.status()).to_contain_text("NSA", timeout=PATIENCE)  # no default of ours is in its way
        window.run("kscan: Choose Frameworks")
        choices = window.page.locator(".quick-input-list .monaco-list-row")
        search = window.page.locator(".quick-input-box input").first
        for framework in ("nsa", "recommended"):  # looked for, since a long list shows only a part of itself
            search.fill(framework)
            choices.filter(has_text=framework).first.click()
        search.fill("")
        window.page.keyboard.press("Enter")
        expect(window.status()).to_contain_text("Recommended", timeout=PATIENCE)
        expect(window.status()).not_to_contain_text("NSA")
        settings = folder / ".vscode" / "settings.json"
        assert json.loads(settings.read_text()) == {"kscan.frameworks": ["recommended"]}
        settings.write_text("{}")
        expect(window.status()).to_contain_text("NSA", timeout=PATIENCE)


def test_code_lens_lists_the_findings_of_an_object(trusting: Workbench, folder: Path) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        lens = window.page.locator(".codelens-decoration a").get_by_text("2 high")
        expect(window.status()).to_contain_text(
            "2 high", timeout=PATIENCE
        )  # else it is drawn anew under the click
        lens.click()
        found = window.page.locator(".reference-zone-widget .ref-tree .monaco-list-row")
        expect(found).to_have_count(2, timeout=PATIENCE)


TEMPLATE = """\
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}}
spec:
  hostPID: {{ .Values.debug }}
  containers: [{name: api, image: "shop/api:1.0"}]
"""


def test_what_a_chart_renders_to_is_shown_beside_it_and_follows_edits(
    trusting: Workbench, folder: Path
) -> None:
    pytest.importorskip("helm_python")
    settings = trusting.home / "data/Machine/settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps({"kscan.server.path": str(Path(sys.executable).parent / "kscan")}))
    chart = folder / "shop"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (chart / "values.yaml").write_text("debug: true\n")
    (chart / "values-prod.yaml").write_text("debug: false\n")
    (chart / "templates/pod.yaml").write_text(TEMPLATE)
    try:
        with trusting.window(folder) as window:
            window.open("values.yaml")
            lens = window.page.locator(".codelens-decoration a")
            expect(lens.get_by_text("show rendered", exact=True)).to_be_visible(timeout=PATIENCE)
            expect(lens.get_by_text("show rendered: values-prod.yaml")).to_be_visible()
            expect(window.status()).to_contain_text("high", timeout=PATIENCE)
            lens.get_by_text("show rendered", exact=True).click()
            beside = window.page.locator(".editor-group-container").nth(1)
            expect(beside.locator(".view-lines")).to_contain_text("hostPID: true", timeout=PATIENCE)
            expect(beside.locator(".tab")).to_contain_text("shop rendered.yaml")
            expect(beside.locator(".squiggly-error").first).to_be_visible(timeout=PATIENCE)
            window.picture("rendered.png")
            window.page.keyboard.press("Control+1")  # back to the values
            window.go_to(1, 8)
            window.page.keyboard.press("Shift+End")
            window.page.keyboard.type("false")  # and not saved
            expect(beside.locator(".view-lines")).to_contain_text("hostPID: false", timeout=PATIENCE)
            expect(window.notification()).to_have_count(0)
    finally:
        settings.unlink()


POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: registries.bank.example}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations:
    - expression: object.spec.containers.all(c, con.image.startsWith("registry.bank.example/"))
      message: images come from the bank's registry
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: registries.bank.example}
spec: {policyName: registries.bank.example, validationActions: [Deny]}
"""
ELSEWHERE = ("error", "image: registry.example.com/shop/api:1.0")


def test_a_policy_is_judged_while_it_is_written(trusting: Workbench, folder: Path) -> None:
    (folder / "policy.yaml").write_text(POLICY)
    with trusting.window(folder) as window:
        window.open("policy.yaml")
        window.wait_for_squiggles([("error", "con")])  # a name that nobody has defined
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.open("policy.yaml")
        window.go_to(8, 52)
        window.page.keyboard.press("Backspace")
        window.page.keyboard.press("Backspace")
        window.wait_for_squiggles([])
        window.go_to(8, 58)
        window.page.keyboard.press("Control+k")
        window.page.keyboard.press("Control+i")  # the hover, without a mouse
        hover = window.page.locator(".monaco-hover").filter(has_text="startsWith")
        expect(hover).to_contain_text("false", timeout=PATIENCE)
        window.picture("policy.png")
        window.page.keyboard.press("Escape")
        window.open("pod.yaml")  # the policy is not saved
        window.wait_for_squiggles([HOST_PID, ELSEWHERE, PRIVILEGED])


def test_a_killed_server_comes_back_with_what_is_open(trusting: Workbench, folder: Path) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.go_to(6, 12)
        window.page.keyboard.press("Shift+End")
        window.page.keyboard.type("false")  # and not saved
        window.wait_for_squiggles([PRIVILEGED])
        (process,) = trusting.servers()
        os.kill(process, signal.SIGKILL)
        window.page.wait_for_function(f"() => !({SQUIGGLES})().length")  # what the dead one said is gone
        window.wait_for_squiggles([PRIVILEGED])
        assert process not in trusting.servers()
        window.page.keyboard.press("Control+Backspace")
        window.page.keyboard.type("true")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])


def test_a_wrong_path_is_explained_and_can_be_corrected(trusting: Workbench, folder: Path) -> None:
    settings = folder / ".vscode" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"kscan.server.path": "${workspaceFolder}/nowhere/kscan"}))
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        expect(window.notification()).to_contain_text(
            f"{folder}/nowhere/kscan, which does not start", timeout=PATIENCE
        )
        window.notification().get_by_role("button", name="Open Settings").click()
        expect(window.page.locator(".settings-editor")).to_contain_text("kscan.server", timeout=PATIENCE)
        settings.write_text("{}")
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])


def test_a_server_that_dies_as_it_starts_is_one_notice_and_comes_back(
    trusting: Workbench, folder: Path
) -> None:
    program = folder / "kscan-bad"
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && { echo "kscan 0.1.0"; exit 0; }\necho broken >&2\nexit 1\n'
    )
    program.chmod(0o755)
    settings = folder / ".vscode" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"kscan.server.path": str(program)}))
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        notice = window.notification()
        told = f'{program}, which ended at once with status 1, saying "broken". Correct it, or clear it'
        expect(notice).to_contain_text(told, timeout=PATIENCE)
        expect(notice).to_have_count(1)  # and nothing of pipes
        notice.get_by_role("button", name="Restart Server").click()
        expect(notice).to_contain_text(told, timeout=PATIENCE)
        expect(notice).to_have_count(1)
        # mended where it is, restarting is enough
        program.write_text(f'#!/bin/sh\nPYTHONPATH={CHECKOUT} exec {sys.executable} -m kscan_lsp "$@"\n')
        notice.get_by_role("button", name="Restart Server").click()
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        # a setting that is wrong again is told again, and correcting it is enough
        program.write_text('#!/bin/sh\n[ "$1" = --version ]\n')
        window.run("kscan: Restart Server")
        expect(notice).to_contain_text("ended at once with status 1.", timeout=PATIENCE)
        settings.write_text("{}")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        assert len(trusting.servers()) == 1


def test_an_untrusted_workspace_does_not_choose_what_is_run(
    vsix: Path, driver: Playwright, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ran = folder / "ran"
    program = folder / "kscan"
    program.write_text(f"#!/bin/sh\necho ran >{ran}\nexit 1\n")
    program.chmod(0o755)
    settings = folder / ".vscode" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"kscan.server.path": str(program)}))
    (folder / ".kscan.yaml").write_text(
        "policies: own.yaml\nframeworks: [recommended]\ncontrols: {include: [OWN-0001]}\n"
    )
    (folder / "own.yaml").write_text(OWN)
    home = tmp_path_factory.mktemp("careful")
    with workbench(home, vsix, driver, trust=False) as careful, careful.window(folder) as window:
        window.page.get_by_role("button", name="No, I don't trust the authors").click()
        window.open("pod.yaml")
        window.wait_for_squiggles(
            [HOST_PID, PRIVILEGED]
        )  # checked all the same, by the server of the extension, and without the policies of the workspace
        assert not ran.exists()
        window.run("Workspaces: Manage Workspace Trust")
        window.page.locator(".workspace-trust-editor").get_by_role("button", name="Trust", exact=True).click()
        expect(window.notification()).to_contain_text(f"{program}, which does not start", timeout=PATIENCE)
        assert ran.exists()  # the very same setting holds as soon as the user trusts the folder


@pytest.mark.skipif(
    "KSCAN_KEEP" not in os.environ, reason="KSCAN_KEEP names no folder to keep the figures in"
)
def test_time_from_key_to_squiggle_is_measured(trusting: Workbench, folder: Path) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.go_to(6, 10)  # behind `hostPID`
        times = []
        for expected, key in [([PRIVILEGED], "x"), ([HOST_PID, PRIVILEGED], "Backspace")] * 20:
            times.append(window.time_to_squiggles(key, expected))
        times.sort()
        figures = {"keys": len(times), "p50": times[len(times) // 2], "p95": times[len(times) * 95 // 100]}
        window.keep("key-to-squiggle.json").write_text(json.dumps(figures))


# The second shows nothing else, in other colours: it is for who keeps the pictures.
THEMES = ["Default Light Modern", *(["Default Dark Modern"] if "KSCAN_KEEP" in os.environ else [])]


@pytest.mark.parametrize("theme", THEMES)
def test_pictures_show_what_the_readme_says(trusting: Workbench, folder: Path, theme: str) -> None:
    for manifest in SETTLEMENT.parent.iterdir():
        shutil.copy(manifest, folder)
    (folder / "pod.yaml").unlink()
    (folder / ".vscode").mkdir()
    (folder / ".vscode/settings.json").write_text(json.dumps({"workbench.colorTheme": theme}))
    named = "dark-{}.png" if "Dark" in theme else "{}.png"
    with trusting.window(folder) as window:
        window.open("settlement.yaml")
        expect(window.status()).to_contain_text("4 high", timeout=PATIENCE)
        expect(window.page.locator(".codelens-decoration a")).to_contain_text("4 high", timeout=PATIENCE)
        expect(window.page.locator(".monaco-workbench")).to_have_class(
            re.compile(r"\bvs-dark\b" if "Dark" in theme else r"\bvs\b"), timeout=PATIENCE
        )
        window.picture(named.format("problems"))
        window.go_to(20, 17)
        window.open_actions()
        menu = window.page.locator(".action-widget")
        expect(menu).to_contain_text("Ignore", timeout=PATIENCE)
        expect(menu).to_contain_text("Explain", timeout=PATIENCE)
        window.picture(named.format("fix"))
        window.page.keyboard.press("Escape")
        window.go_to(17, 13)
        window.run("Show or Focus Hover")
        hover = window.page.locator(".monaco-hover")
        expect(hover).to_contain_text("How to fix", timeout=PATIENCE)
        window.picture(named.format("hover"))
        window.page.keyboard.press("Escape")
        window.run("kscan: Review All Fixes of File")
        rows = window.page.locator(".quick-input-list .monaco-list-row")
        expect(rows.first).to_have_attribute("aria-checked", "true", timeout=PATIENCE)
        window.picture(named.format("review"))
        window.page.keyboard.press("Escape")
        window.run("kscan: Show Compliance Report")
        expect(window.webview().get_by_role("heading", name="Findings by control")).to_be_visible(
            timeout=PATIENCE
        )
        window.picture(named.format("report"))
    with trusting.window(folder) as window:
        window.open("settlement.yaml")
        expect(window.status()).to_contain_text("4 high", timeout=PATIENCE)
        window.go_to(20, 17)
        window.open_actions()
        window.choose_action("Explain C-")
        expect(window.webview().get_by_role("heading", name="How to fix it")).to_be_visible(timeout=PATIENCE)
        window.picture(named.format("explain"))
