"""The real VS Code workbench: code-server with the packaged VSIX, in a headless Chromium.

Both run in a network namespace of their own, where nothing but loopback exists: whatever works here works offline. The
browser is reached by its pipe, so the tests need no way into that namespace. The machine of the workbench is bare: a
home of its own, and a PATH that has Python and nothing else of this checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, FrameLocator, Locator, Page, Playwright

HERE = Path(__file__).parents[1] / "editors"
EXTENSION = HERE.parent.parent / "vscode-extension"
PATIENCE = 60_000  # milliseconds until something that never happens is a failure
ADDRESS = "127.0.0.1:8080"  # free for certain: the namespace is ours alone

SETTINGS = {
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "telemetry.telemetryLevel": "off",
    "editor.minimap.enabled": False,
    "files.autoSave": "off",
    "editor.codeActionWidget.includeNearbyQuickFixes": True,
}

# What lies under each squiggle: the text whose glyphs are above it on the screen.
SQUIGGLES = """() => [...document.querySelectorAll(".monaco-editor .view-overlays [class*=squiggly-]")].map((mark) => {
  const place = mark.getBoundingClientRect();
  const middle = place.top + place.height / 2;
  let text = "";
  for (const line of document.querySelectorAll(".monaco-editor .view-line")) {
    const box = line.getBoundingClientRect();
    if (middle < box.top || middle > box.bottom) continue;
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      for (let i = 0; i < node.length; i++) {
        const range = document.createRange();
        range.setStart(node, i);
        range.setEnd(node, i + 1);
        const glyph = range.getBoundingClientRect();
        const centre = glyph.left + glyph.width / 2;
        if (place.left < centre && centre < place.right) text += node.data[i];
      }
    }
  }
  return [/squiggly-(\\w+)/.exec(mark.className)[1], text.replaceAll("\\u00a0", " ")];
})"""

# A promise of the milliseconds from the next key until the squiggles are as expected, seen when they are drawn.
STOPWATCH = f"""(expected) => {{
  const wanted = JSON.stringify(expected);
  window.kscanStopwatch = new Promise((done, failed) => document.addEventListener("keydown", (event) => {{
    const look = () => {{
      if (JSON.stringify(({SQUIGGLES})()) === wanted) done(performance.now() - event.timeStamp);
      else if (performance.now() - event.timeStamp > {PATIENCE}) failed("in vain");
      else requestAnimationFrame(look);
    }};
    requestAnimationFrame(look);
  }}, {{ capture: true, once: true }}));
}}"""


def lacking(extension: Path) -> str | None:
    """Why there can be no workbench here, or None."""
    built = subprocess.run([HERE / "build-workbench"], capture_output=True, text=True, check=False)
    if built.returncode != 0:
        return built.stderr.strip().splitlines()[-1]
    packages = sorted(extension.glob("*.vsix"))
    if len(packages) != 1:
        return f"one VSIX is needed in vscode-extension, not {len(packages)}: npm run package makes it"
    checkout = extension.parent
    sources = [extension / "package.json"]
    for folder in (extension / "src", extension / "server", checkout / "kscan_lsp", checkout / "policies"):
        sources += [path for path in folder.rglob("*") if path.suffix in {".ts", ".py", ".yaml"}]
    newer = [path for path in sources if path.stat().st_mtime > packages[0].stat().st_mtime]
    return f"{newer[0].name} is newer than the VSIX: npm run package makes it again" if newer else None


class Workbench:
    """A running workbench; `window` opens folders in it."""

    def __init__(self, server: subprocess.Popen[str], browser: Browser, home: Path) -> None:
        self.server = server
        self.browser = browser
        self.home = home

    def servers(self) -> list[int]:
        """The process ids of the language servers that run."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if words[-2:] == [b"lsp", b""] and any(word.startswith(bytes(self.home)) for word in words):
                    found.append(int(process.name))
        return found

    @contextmanager
    def window(self, folder: Path) -> Iterator[Window]:
        """A window on a folder, in a browser that knows nothing of earlier ones."""
        context = self.browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(PATIENCE)
        try:
            page = context.new_page()
            page.goto(f"http://{ADDRESS}/?folder={quote(str(folder))}")
            page.wait_for_selector(".monaco-workbench .part.editor")
            yield Window(page, folder)
        except BaseException:
            page.screenshot(path=_kept(folder, f"failed-{folder.name}.png"))
            raise
        finally:
            context.close()


class Window:
    """One window of the workbench, worked with as a person does: keys, clicks and what is on the screen."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self.folder = folder

    def run(self, command: str) -> None:
        """Run a command by its title in the command palette."""
        self.page.keyboard.press("F1")
        self.pick(f">{command}", command)

    def open(self, name: str) -> None:
        """Open a file of the folder."""
        self.page.keyboard.press("Control+P")
        self.pick(name, name)
        self.page.wait_for_selector(f".tab.active[data-resource-name='{name}']")

    def pick(self, typed: str, label: str) -> None:
        """Type into the list that is open, and take the first entry, which has the label."""
        box = self.page.locator(".quick-input-widget:not([style*='display: none']) input[type=text]")
        box.fill(typed)
        first = self.page.locator(".quick-input-list .monaco-list-row").first
        expect(first).to_contain_text(label, timeout=PATIENCE)
        self.page.keyboard.press("Enter")

    def go_to(self, line: int, column: int) -> None:
        """Put the cursor into the text; both count from 1."""
        self.page.keyboard.press("Control+G")
        self.pick(f":{line},{column}", f"line {line}")
        expect(self.cursor()).to_have_text(f"Ln {line}, Col {column}", timeout=PATIENCE)

    def squiggles(self) -> list[tuple[str, str]]:
        """The visible squiggles: kind and the text under each, from top to bottom."""
        return [(kind, text) for kind, text in self.page.evaluate(SQUIGGLES)]

    def wait_for_squiggles(self, expected: list[tuple[str, str]]) -> None:
        """Wait until the squiggles are these."""
        argument = [list(squiggle) for squiggle in expected]
        self.page.wait_for_function(
            f"(expected) => JSON.stringify(({SQUIGGLES})()) === JSON.stringify(expected)",
            arg=argument, timeout=PATIENCE,
        )  # fmt: skip

    def time_to_squiggles(self, key: str, expected: list[tuple[str, str]]) -> float:
        """Milliseconds from a key going down until the squiggles on the screen are these."""
        argument = [list(squiggle) for squiggle in expected]
        self.page.evaluate(STOPWATCH, argument)
        self.page.keyboard.press(key)
        return float(self.page.evaluate("() => window.kscanStopwatch"))

    def save(self, name: str) -> None:
        """Save the file in front."""
        self.page.keyboard.press("Control+s")
        expect(self.page.locator(f".tab.active.dirty[data-resource-name='{name}']")).to_have_count(
            0, timeout=PATIENCE
        )

    def status(self) -> Locator:
        """The extension's item in the status bar."""
        return self.page.locator(".statusbar-item[id$='kscan.status']")

    def cursor(self) -> Locator:
        """Where the status bar says that the cursor is."""
        return self.page.locator(".statusbar-item[id='status.editor.selection']")

    def open_actions(self) -> None:
        """Open the lightbulb's menu where the cursor is, as often as nothing is known of that place yet."""
        menu = self.page.locator(".action-widget")
        nothing = self.page.locator(".monaco-editor-overlaymessage", has_text="No code actions available")
        for _ in range(PATIENCE // 1_000):
            self.page.keyboard.press("Control+.")
            expect(menu.or_(nothing).first).to_be_visible(timeout=PATIENCE)
            if menu.is_visible():
                return
            self.page.keyboard.press("Escape")
            expect(nothing).to_have_count(0, timeout=PATIENCE)
            self.page.wait_for_timeout(1_000)
        raise AssertionError("there are no actions where the cursor is")

    def choose_action(self, title: str) -> None:
        """Choose one of the actions in the lightbulb's menu, which is open or about to be."""
        actions = self.page.locator(".action-widget .monaco-list-row.action")
        expect(actions.filter(has_text=title).first).to_be_visible(timeout=PATIENCE)
        titles = actions.all_inner_texts()
        for _ in range(next(number for number, one in enumerate(titles) if title in one)):
            self.page.keyboard.press("ArrowDown")
        focused = self.page.locator(".action-widget .monaco-list-row.action.focused")
        expect(focused).to_contain_text(title, timeout=PATIENCE)
        self.page.keyboard.press("Enter")

    def notification(self) -> Locator:
        """The message in the corner."""
        return self.page.locator(".notifications-toasts .notification-list-item")

    def webview(self) -> FrameLocator:
        """The page in the webview that is open."""
        return self.page.frame_locator("iframe.webview.ready").frame_locator("#active-frame")

    def keep(self, name: str) -> Path:
        """Where a figure or picture of this run goes: to KSCAN_KEEP, if that names a folder."""
        return _kept(self.folder, name)

    def picture(self, name: str) -> None:
        """Keep a picture of the window."""
        self.page.screenshot(path=self.keep(name))


@contextmanager
def workbench(home: Path, vsix: Path, driver: Playwright, *, trust: bool) -> Iterator[Workbench]:
    """Start a clean workbench with the VSIX installed; `trust`: whether every folder is trusted."""
    with ExitStack() as stack:
        code_server = _code_server()
        _settings(home)
        options = ["--user-data-dir", str(home / "data"), "--extensions-dir", str(home / "extensions")]
        environment = _environment(home)
        subprocess.run(
            [*code_server, *options, "--install-extension", str(vsix)],
            env=environment, check=True, capture_output=True, text=True, cwd=home,
        )  # fmt: skip
        options += ["--auth", "none", "--bind-addr", ADDRESS, "--disable-telemetry", "--disable-update-check"]
        options += ["--disable-workspace-trust"] if trust else []
        script = 'ip link set lo up && exec "$0" "$@"'
        server = subprocess.Popen(
            ["unshare", "--map-root-user", "--net", "sh", "-c", script, *code_server, *options],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=home,
        )  # fmt: skip
        stack.callback(_end, server)
        assert server.stdout is not None
        said = []
        for line in server.stdout:
            said.append(line)
            if "HTTP server listening" in line:
                break
        else:
            raise RuntimeError("code-server did not start: " + "".join(said))
        drain = threading.Thread(target=server.stdout.read, daemon=True)  # it stops where nobody listens
        drain.start()
        browser = driver.chromium.launch(executable_path=_browser_beside(server, home), args=_flags())
        stack.callback(browser.close)
        yield Workbench(server, browser, home)


def _kept(folder: Path, name: str) -> Path:
    return Path(os.environ.get("KSCAN_KEEP", folder), name)


def _code_server() -> list[str]:
    built = subprocess.run([HERE / "build-workbench"], check=True, capture_output=True, text=True).stdout
    node = shutil.which("node")
    assert node is not None
    return [node, str(Path(built.strip()) / "node_modules/code-server/out/node/entry.js")]


def _settings(home: Path) -> None:
    user = home / "data" / "User"
    user.mkdir(parents=True)
    (user / "settings.json").write_text(json.dumps(SETTINGS))


def _environment(home: Path) -> dict[str, str]:
    programs = home / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(Path(sys.base_prefix, "bin", "python3").resolve())
    return {"HOME": str(home), "PATH": f"{programs}:/usr/bin:/bin:/usr/sbin", "LANG": "C.UTF-8"}


def _browser_beside(server: subprocess.Popen[str], home: Path) -> Path:
    """A program that is Chromium in the server's namespace."""
    program = home / "chromium"
    enter = f"nsenter --target {server.pid} --user --preserve-credentials --net"
    program.write_text(f'#!/bin/sh\nexec {enter} {shutil.which("chromium")} "$@"\n')
    program.chmod(0o755)
    return program


def _flags() -> list[str]:
    return [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
    ]  # fmt: skip


def _end(server: subprocess.Popen[str]) -> None:
    server.terminate()
    server.wait()
    assert server.stdout is not None
    server.stdout.close()
