"""Every surface once per session, a browser per module, and eyes: pixels, texts, errors, requests, accessibility."""

import re
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from prism_lab.child import Child, running

HERE = Path(__file__).parent
SHIPPED = Path(__file__).parents[2] / "dashboards"
SURFACES = ("lab", "voila-cold", "voila-preheated", "panel-serve")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
HOME = re.compile(r"(?:https?|wss?)://(?:127\.0\.0\.1|localhost)[:/]|(?:data|blob|about):")

# Panel and panel-material-ui live in shadow roots, which document.querySelector does not enter.
DEEP = """
(() => {
  function* inside(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* inside(element.shadowRoot);
    }
  }
  const drawn = (canvas) => {
    if (!canvas.width || !canvas.height) return "";
    let sum = 0;
    for (const c of canvas.toDataURL()) sum = (sum * 31 + c.charCodeAt(0)) | 0;
    return `${canvas.width}x${canvas.height}:${sum}`;
  };
  // the slider's own number is left out: it moves in the page even when no kernel listens
  const words = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.textContent;
    if (node.nodeType !== Node.ELEMENT_NODE && node.nodeType !== Node.DOCUMENT_FRAGMENT_NODE) return "";
    if (node.matches?.("script, style, noscript, template")) return "";
    if (node.shadowRoot?.querySelector("input[type=range]")) return "";
    const children = [...(node.shadowRoot ? words(node.shadowRoot) : ""), ...[...node.childNodes].map(words)];
    return children.join("");
  };
  window.prismDeep = {
    pixels: () => [...inside(document)].filter((e) => e.tagName === "CANVAS").map(drawn).filter(Boolean),
    text: () => words(document.body),
  };
})()
"""


@dataclass
class Visit:
    """One open page and what was noticed about it."""

    page: object
    surface: str = ""
    errors: list = field(default_factory=list)
    elsewhere: list = field(default_factory=list)
    refused: list = field(default_factory=list)

    def __post_init__(self):
        self.page.set_default_timeout(90_000)  # a loaded machine starts a kernel in half a minute
        self.page.add_init_script(DEEP)
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda r: None if HOME.match(r.url) else self.elsewhere.append(r.url))
        self.page.on("response", lambda r: self.refused.append((r.status, r.url)) if r.status >= 400 else None)

    def pixels(self):
        return self.page.evaluate("prismDeep.pixels()")

    def text(self):
        return " ".join(self.page.evaluate("prismDeep.text()").split())

    def slider(self):
        return self.page.get_by_role("slider").first

    def until(self, holds, seconds=90.0):
        """Wait until something holds; say whether it did."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds():
                return True
            self.page.wait_for_timeout(100)
        return bool(holds())

    def at_rest(self, seconds=60.0):
        """Wait until the page stands still for half a second; return its pixels and text then."""
        end, last = time.monotonic() + seconds, None
        while time.monotonic() < end:
            now = (self.pixels(), self.text())
            if now == last:
                break
            last = now
            self.page.wait_for_timeout(500)
        return now

    def violations(self, where="body"):
        """Return what axe calls critical or serious."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, context=where).response["violations"]
        return [
            (v["id"], v["impact"], [n["html"][:120] for n in v["nodes"][:3]])
            for v in found
            if v["impact"] in ("critical", "serious")
        ]

    def run_all_cells(self):
        """Run the open notebook of JupyterLab by its menu."""
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        idle = self.page.locator(".jp-StatusBar-TextItem, .jp-StatusBar-GroupItem", has_text="| Idle").first
        started = self.page.locator(".jp-InputPrompt", has_text=re.compile(r"\[[*\d]+\]"))
        for _ in range(5):  # what is asked before the session is connected is dropped without a word
            idle.wait_for(timeout=60_000)
            self.page.locator(".lm-MenuBar-item", has_text=re.compile("^Run$")).click()
            self.page.locator(".lm-Menu-item", has_text=re.compile("^Run All Cells")).first.click()
            if self.until(lambda: started.count() > 0, seconds=3):
                return
        pytest.fail("JupyterLab did not run the notebook")


@dataclass
class Servers:
    """The three processes behind the four surfaces, started when first asked for."""

    root: Path
    stack: ExitStack
    started: dict = field(default_factory=dict)

    def of(self, surface) -> Child:
        kind = {"lab": "lab", "voila-cold": "lab", "voila-preheated": "voila", "panel-serve": "panel"}[surface]
        if kind not in self.started:
            folder = self.root if kind == "lab" else self.root / "dashboards"
            own = {"PRISM_VIEWER_GRACE": "8", "JUPYTERLAB_WORKSPACES_DIR": str(self.root / ".workspaces")}
            server = running(kind, folder, environment=own)  # JupyterLab would open what an earlier run left open
            self.started[kind] = self.stack.enter_context(server)
        return self.started[kind]

    def address(self, surface, name):
        path = {
            "lab": f"lab/workspaces/{name}/tree/dashboards/{name}.ipynb",
            "voila-cold": f"voila/render/dashboards/{name}.ipynb",
            "voila-preheated": f"voila/render/{name}.ipynb",
            "panel-serve": name,
        }[surface]
        return self.of(surface).url(path)


@pytest.fixture(scope="module")
def address(request):
    """The address of the page that a module of tests names as its ``PAGE``."""
    from tests.serving import served  # not for the benchmarks, which borrow the other fixtures

    with served(request.module.PAGE) as url:
        yield url


def settled_kernels(server, seconds=60.0):
    """Count kernels once their number has stood still for five seconds: a pool refills once pages have settled."""
    end, last, since = time.monotonic() + seconds, -1, time.monotonic()
    while time.monotonic() < end:
        count = len(server.kernels())
        if count != last:
            last, since = count, time.monotonic()
        elif time.monotonic() - since > 5.0:
            break
        time.sleep(0.1)
    return last


@pytest.fixture(scope="session")
def kernels_of():
    return settled_kernels


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    root = tmp_path_factory.mktemp("browser")
    folder = root / "dashboards"
    shutil.copytree(SHIPPED, folder)
    for source in (HERE / "pages", HERE / "broken"):
        shutil.copytree(source, folder, dirs_exist_ok=True)
    with ExitStack() as stack:
        yield Servers(root, stack)


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def open_visit(chromium):
    """Open pages in contexts of their own, each a viewer with cookies of its own."""
    contexts = []

    def opened(surface="", dark=False):
        scheme = "dark" if dark else "light"
        context = chromium.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
        contexts.append(context)
        return Visit(context.new_page(), surface)

    yield opened
    for context in contexts:
        context.close()
