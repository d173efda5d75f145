"""The surfaces against their targets: seconds a viewer waits, megabytes a viewer costs, and what must be zero."""

import os
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks.surfaces import (
    NAMES,
    ROOT,
    browser_tests,
    dashboards,
    fresh_import,
    megabytes,
    note_renders,
    open_pages,
    pool,
    quiet,
    ready,
    waits_for_keys,
)
from prism_lab.child import running

chromium, open_visit, servers = (getattr(browser_tests(), name) for name in ("chromium", "open_visit", "servers"))
ALL_THREADS = True
settled_kernels = browser_tests().settled_kernels

ROUNDS, KEYS, CANCELS, VIEWERS = 5, 20, 10, 5
# A search among ARIMA models at every origin: minutes of our own kernels, of which a reader cancels most.
LONG = (
    'pw.Explorer("timeseries.cross_validate", "elnino", h=12, n_windows=200, step_size=1, model="auto_arima")'
    ".servable()"
)

browser = pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), reason="there is no Chromium"
)


@browser
@pytest.mark.parametrize(("surface", "asked"), [("panel-serve", 1.0), ("voila-preheated", 2.0), ("voila-cold", 4.0)])
def test_a_first_render(row, small, servers, look, surface, asked):
    if small and surface != "panel-serve":
        pytest.skip("tests/browser shows that Voila renders; `python -m benchmarks surfaces` measures how fast")
    renders = []
    for _ in range(1 if small else ROUNDS + 1):
        if not small:
            ready(servers, surface)
        with open_pages(look, surface, 1) as (one,):
            one.go(servers.address(surface, "forecast"))
            renders.append(one.seen())
    assert all(r["controls"] > 0 and r["drawn"] > 0 for r in renders)
    note_renders(row, surface, renders[1:] or renders, asked)  # the first viewer of all warms the disk's cache


@browser
@pytest.mark.usefixtures("measured")
def test_a_render_with_a_warm_browser_cache(row, servers, look):
    surface, renders = "voila-preheated", []
    with open_pages(look, surface, 1) as (one,):
        for _ in range(ROUNDS + 1):
            ready(servers, surface)
            one.go(servers.address(surface, "forecast"))
            renders.append(one.seen())
            one.page.goto("about:blank")
    note_renders(row, surface, renders[1:], 1.6, cache=", warm browser cache")


@browser
@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(("kind", "asked"), [("panel", 4.0), ("voila", 5.0)])
def test_five_viewers_at_once(row, look, tmp_path, kind, asked):
    surface = {"panel": "panel-serve", "voila": "voila-preheated"}[kind]
    path = "forecast" if kind == "panel" else "voila/render/forecast.ipynb"
    folder = dashboards(tmp_path / "dashboards", preheat=VIEWERS)
    with running(kind, folder) as server:
        lasted = []
        for _ in range(4):
            quiet(server, kernels=pool(folder) if kind == "voila" else 0)
            with open_pages(look, surface, VIEWERS) as pages:
                for one in pages:
                    one.go(server.url(path))
                seen = [one.seen() for one in pages]
            lasted.append(max(s["start"] + s["drawn"] for s in seen) / 1000 - min(s["start"] for s in seen) / 1000)
    row.note(
        f"first forecast drawn for {VIEWERS} viewers at once, {NAMES[surface]}",
        against="",
        asked=asked,
        measured=statistics.median(lasted[1:]),
        unit="s",
        at_most=True,
        seconds=[round(t, 3) for t in lasted],
    )


@browser
@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("surface", ["panel-serve", "voila-preheated"])
def test_a_key_on_a_slider(row, servers, look, surface):
    ready(servers, surface)
    with open_pages(look, surface, 1) as (one,):
        one.go(servers.address(surface, "forecast"))
        one.seen()
        waits, kernels = waits_for_keys(one, one.visit.slider(), "ArrowRight", KEYS)
    apart = np.array(waits) - kernels
    row.note(
        f"key on a slider until the picture changes, p95 of {KEYS}, kernel apart, {NAMES[surface]}",
        against="",
        asked=120,
        measured=np.percentile(apart, 95),
        unit="ms",
        at_most=True,
        median_ms=round(float(np.median(apart)), 1),
        kernel_ms=[round(k) for k in kernels],
        whole_ms=[round(w) for w in waits],
    )


@browser
@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("kind", ["panel", "voila"])
def test_cancelling_a_long_run(row, look, tmp_path, kind):
    surface, path = {"panel": ("panel-serve", "long"), "voila": ("voila-cold", "voila/render/long.ipynb")}[kind]
    waits = []
    folder = dashboards(tmp_path / "dashboards", preheat=0, page=LONG)
    with running(kind, folder) as server, open_pages(look, surface, 1) as (one,):
        one.go(server.url(path))
        stop, run = (one.page.get_by_role("button", name=word, exact=True) for word in ("Cancel", "Run"))
        run.wait_for(timeout=120_000)
        for _ in range(CANCELS):
            assert one.visit.until(lambda: "%" in one.status(), seconds=120), "the long run does not get going"
            one.page.evaluate("prismClock.says('Cancelled')")
            stop.click()
            waits.append(one.took())
            run.click()
        stop.click()
    row.note(
        f"click on Cancel until the page says so, longest of {CANCELS}, {NAMES[surface]}",
        against="",
        asked=200,
        measured=max(waits),
        unit="ms",
        at_most=True,
        all_ms=[round(w) for w in waits],
    )


@browser
@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(("kind", "asked"), [("panel", 3.0), ("voila", 170.0)])
def test_memory_of_a_viewer(row, look, tmp_path, kind, asked):
    surface, path, extra = {
        "panel": ("panel-serve", "forecast", ()),
        "voila": ("voila-cold", "voila/render/forecast.ipynb", ("--cold",)),
    }[kind]
    held = []
    with running(kind, dashboards(tmp_path / "dashboards", preheat=0), *extra) as server:
        for count in (1, VIEWERS - 1):
            for one in [look(surface) for _ in range(count)]:
                one.go(server.url(path))
                one.seen()
                one.settled()
            quiet(server)
            held.append(megabytes(server))
    row.note(
        f"memory of one more viewer, {NAMES[surface]}",
        against="",
        asked=asked,
        measured=(held[1] - held[0]) / (VIEWERS - 1),
        unit="MB",
        at_most=True,
        first_viewer_mb=round(held[0], 1),
    )


@pytest.mark.parametrize(
    ("name", "code", "asked"),
    [
        ("import prism_kernels", "import prism_kernels", 0.5),
        ("import prism_widgets", "import prism_widgets", 1.2),
        ("import of the explorers, Panel included", "from prism_widgets import ForecastExplorer", 1.2),
    ],
)
def test_an_import_in_a_fresh_process(row, small, name, code, asked):
    seconds, cpu = fresh_import(code, repeat=1 if small else 5)
    assert seconds > 0
    row.note(name, against="", asked=asked, measured=seconds, unit="s", at_most=True, cpu_s=round(cpu, 3))


@browser
@pytest.mark.usefixtures("measured")
def test_what_must_be_zero(row, servers, look):
    accused, elsewhere, leaked = {}, {}, {}
    for surface in NAMES:
        server = servers.of(surface)
        ready(servers, surface)
        before = settled_kernels(server)
        with open_pages(look, surface, 3) as pages:
            for one in pages:
                one.go(servers.address(surface, "forecast"))
            for one in pages:
                one.seen()
                one.settled()
            accused[surface] = len(pages[0].visit.violations())
            elsewhere[surface] = sum(len(one.visit.elsewhere) for one in pages)
        time.sleep(10)
        leaked[surface] = max(0, len(server.kernels()) - before)
    rows = {
        "critical or serious findings of axe": accused,
        "requests to another host": elsewhere,
        "kernels left ten seconds after three tabs closed": leaked,
    }
    for what, counts in rows.items():
        row.note(what, against="", asked=0, measured=sum(counts.values()), at_most=True, **counts)


@pytest.mark.usefixtures("measured")
def test_a_report_with_html(row, tmp_path):
    lasted = []
    environment = {**os.environ, "PRISM_STORE": str(tmp_path / "store.sqlite")}
    for number in range(3):
        out = tmp_path / str(number)
        command = [sys.executable, "-m", "prism_cli", "report", "run", "forecast", "--out", str(out)]
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        lasted.append(time.perf_counter() - start)
        assert list(out.glob("*.html"))
    row.note(
        "prism report run forecast, HTML included",
        against="",
        asked=10,
        measured=statistics.median(lasted),
        unit="s",
        at_most=True,
        seconds=[round(t, 2) for t in lasted],
    )


@pytest.mark.usefixtures("measured")
def test_a_second_start_of_the_lab(row, tmp_path):
    lasted = []
    for _ in range(2):
        start = time.perf_counter()
        with running("lab", tmp_path):
            lasted.append(time.perf_counter() - start)
    row.note(
        "second start of prism lab, until it answers",
        against="",
        asked=10,
        measured=lasted[1],
        unit="s",
        at_most=True,
        first_s=round(lasted[0], 2),
    )
