"""Eyes and scales for the benchmarks of the surfaces: clocks inside the page, memory of a server and its kernels."""

import contextlib
import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMES = {"panel-serve": "panel serve", "voila-preheated": "Voila preheated", "voila-cold": "Voila cold"}

# Shadow roots and canvases are noted as they are made, so that looking for them costs a loading page nothing. All
# times are the page's own: they start with the navigation, or with the key or click that the page received.
CLOCKS = """
(() => {
  const roots = [document], canvases = new Set(), seen = {};
  const attach = Element.prototype.attachShadow, context = HTMLCanvasElement.prototype.getContext;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    roots.push(root);
    return root;
  };
  HTMLCanvasElement.prototype.getContext = function (...given) {
    canvases.add(this);
    return context.apply(this, given);
  };
  const find = (words) => roots.flatMap((root) => [...root.querySelectorAll(words)]);
  const visible = (element) => element.getClientRects().length > 0;
  const large = () => [...canvases].filter((c) => c.isConnected && c.clientHeight >= 200 && visible(c));
  // small copies are looked at: to read a whole picture costs the page 15 ms a time
  const copies = (width, height) => {
    const copy = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true});
    return (canvas) => {
      copy.clearRect(0, 0, width, height);
      copy.drawImage(canvas, 0, 0, width, height);
      return new Uint32Array(copy.getImageData(0, 0, width, height).data.buffer);
    };
  };
  const outline = copies(64, 32), likeness = copies(256, 128);
  const ink = (canvas) => likeness(canvas).reduce((sum, pixel) => (Math.imul(sum, 31) + pixel) | 0, canvas.width);
  const painted = (canvas) => {
    const pixels = outline(canvas);
    return pixels.filter((pixel) => pixel !== pixels[0]).length > 100;
  };
  let main = null;
  const first = () => {
    if (seen.controls === undefined && find("input").some(visible)) seen.controls = performance.now();
    main = large().find(painted) ?? null;
    if (main) seen.drawn = performance.now();
    if (!main || seen.controls === undefined) setTimeout(first, 10);
  };
  setTimeout(first, 0);

  const figure = () => large().filter((c) => c.getRootNode() === main.getRootNode()).map(ink).join();
  // of several pictures the one on top is the main one, whichever was drawn first
  const topmost = () => large().filter(painted).sort(
    (a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)[0];
  const status = () => find("[role=status]").map((line) => line.textContent).find((text) => text) ?? "";
  const facts = () => find("footer").map((line) => line.textContent).find((text) => text.includes("threads")) ?? "";
  const after = (kind, holds) => {
    seen.took = null;
    addEventListener(kind, (event) => {
      const look = () => {
        if (holds()) seen.took = performance.now() - event.timeStamp;
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }, {capture: true, once: true});
  };
  window.prismClock = {
    seen, status,
    start: () => performance.timeOrigin,
    facts,
    // a figure is also painted anew when it fades, so the new run's facts must be there before its pixels count
    figure: () => {
      main = topmost() ?? main;
      const before = [facts(), figure()];
      after("keydown", () => facts() !== before[0] && figure() !== before[1]);
    },
    says: (word) => after("click", () => status().startsWith(word)),
  };
})()
"""


def browser_tests():
    """Return what the browser tests share: the servers, the browser and its pages, which are measured here."""
    name = "prism_browser_fixtures"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "browser" / "conftest.py")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@dataclass
class Look:
    """A page whose clocks run."""

    visit: object

    def __post_init__(self):
        self.page = self.visit.page
        self.page.add_init_script(CLOCKS)

    def go(self, address):
        """Start to load a page, without waiting for anything."""
        self.page.evaluate("address => void setTimeout(() => { location.href = address }, 0)", address)

    def seen(self, seconds=120):
        """Wait until the picture is drawn; return ms from the navigation to the controls and to the picture."""
        holds = "() => window.prismClock?.seen.drawn && window.prismClock.seen.controls"
        self.page.wait_for_function(holds, timeout=1000 * seconds, polling=50)
        return self.page.evaluate("({...prismClock.seen, start: prismClock.start()})")

    def settled(self, seconds=60):
        """Wait until nothing is computed any more and the page stands still."""
        self.visit.until(lambda: self.status().startswith("Done"), seconds)
        self.visit.at_rest(seconds)

    def status(self):
        return self.page.evaluate("prismClock.status()")

    def kernel_ms(self):
        """Return how long the run on screen computed; nothing where it came from the cache."""
        if "cache" in self.status():
            return 0.0
        facts = self.page.evaluate("prismClock.facts()").split(" · ")
        return 1000 * float(next(f for f in facts if f.endswith(" s")).removesuffix(" s"))

    def took(self, seconds=60):
        """Wait until what was watched for has happened; return after how many ms."""
        self.page.wait_for_function("prismClock.seen.took !== null", timeout=1000 * seconds, polling=20)
        return self.page.evaluate("prismClock.seen.took")


def dashboards(folder, *, preheat, page=""):
    """Copy the shipped dashboards, with so many kernels kept ready, and with one more page of a cell if given."""
    import nbformat

    shutil.copytree(ROOT / "dashboards", folder)
    about = folder / "forecast.yaml"
    kept = [line for line in about.read_text().splitlines() if not line.startswith("preheat:")]
    about.write_text("\n".join([*kept, f"preheat: {preheat}", ""]))
    if page:
        cells = ["import prism_widgets as pw\n\npw.init();", page]
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(text) for text in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(notebook, folder / "long.ipynb")
    return folder


def _family(server):
    import psutil

    parent = psutil.Process(server.process.pid)
    return [parent, *parent.children(recursive=True)]


def megabytes(server):
    """Return what a server and its kernels hold for themselves alone (USS)."""
    import psutil

    total = 0
    for process in _family(server):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().uss
    return total / 2**20


def pool(folder):
    """Count the kernels that a preheated Voila keeps ready for a folder of dashboards."""
    from prism_lab.gallery import pools

    return sum(size["pool_size"] for size in pools(folder).values())


def quiet(server, kernels=0, seconds=180):
    """Wait until so many kernels are there and server and kernels compute nothing: pools are full, pages are done."""
    import psutil

    time.sleep(5 if kernels else 0)  # the pool is filled again once the last page has settled
    until, last = time.monotonic() + seconds, None
    while time.monotonic() < until:
        used = 0.0
        for process in _family(server):
            with contextlib.suppress(psutil.NoSuchProcess):
                used += sum(process.cpu_times()[:2])
        # no fewer, for they are still to be heated, and no more, for those of the last viewers are still to end
        if last is not None and used - last < 0.2 and (not kernels or len(server.kernels()) == kernels):
            return
        last = used
        time.sleep(2)


@contextlib.contextmanager
def open_pages(look, surface, count):
    """Give so many open pages, each a viewer, and close them at the end."""
    pages = [look(surface) for _ in range(count)]
    try:
        yield pages
    finally:
        for one in pages:
            one.page.context.close()


def ready(servers, surface):
    """Wait until a surface has all its kernels ready and nothing to do."""
    quiet(servers.of(surface), kernels=pool(servers.root / "dashboards") if surface == "voila-preheated" else 0)


def waits_for_keys(one, slider, key, count):
    """Press a key on a slider so often; return how long the picture took to change, and the kernel alone, in ms."""
    waits, kernels = [], []
    for _ in range(count + 1):  # the first one warms up
        one.settled()
        one.page.wait_for_timeout(500)
        slider.focus()
        one.page.evaluate("prismClock.figure()")
        one.page.keyboard.press(key)
        waits.append(one.took())
        one.settled()
        kernels.append(one.kernel_ms())
    return waits[1:], kernels[1:]


def note_renders(row, surface, renders, asked, cache=""):
    """Keep two rows: how long the main picture and how long the controls took to come up."""
    for key, what in (("drawn", "first forecast drawn"), ("controls", "controls visible")):
        times = [r[key] / 1000 for r in renders]
        row.note(
            f"{what}, {NAMES[surface]}{cache}",
            against="",
            asked=asked,
            measured=statistics.median(times),
            unit="s",
            at_most=True,
            seconds=[round(t, 3) for t in times],
        )


def fresh_import(code, repeat):
    """Return the median seconds that a statement takes in a fresh process, and the median CPU seconds."""
    clock = (
        "import json, time; wall, cpu = time.perf_counter(), time.process_time(); {}; "
        "print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))"
    )
    command = [sys.executable, "-c", clock.format(code)]
    runs = [
        json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
        for _ in range(repeat)
    ]
    return tuple(statistics.median(each) for each in zip(*runs, strict=True))
