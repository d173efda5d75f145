"""What leaves the notebook, against its targets: many reports, many readers, and runs that are made again."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.surfaces import ROOT, browser_tests, dashboards, megabytes, note_renders, open_pages, pool, quiet
from prism_lab.child import running
from prism_lab.readers.tokens import Tokens

chromium, open_visit = (getattr(browser_tests(), name) for name in ("chromium", "open_visit"))
ALL_THREADS = True

REPORTS, READERS, KEYS = 200, 20, 5

browser = pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), reason="there is no Chromium"
)

# Every operation that a tutorial calls by name becomes a run, and is saved.
RECORDED = """
import sys
from pathlib import Path
import nbformat
import prism_kernels
from prism_kernels import find, operations, run

folder, made = Path(sys.argv[2]), []
def keep(one):
    made.append(one)
    one.save(folder / f"{len(made)}.prism", inputs=True)
    return one
def recorded(function):
    return lambda *data, **settings: keep(run(function, *data, **settings)).result
import prism_kernels.timeseries as timeseries, prism_kernels.information as information
for module in (timeseries, information):
    for name, one in operations().items():
        if name.split(".")[0] == module.__name__.split(".")[1]:
            setattr(module, name.split(".")[1], recorded(getattr(module, name.split(".")[1])))
prism_kernels.run = lambda *given, **settings: keep(run(*given, **settings))
space = {"display": print}
for cell in nbformat.read(sys.argv[1], 4).cells:
    if cell.cell_type == "code":
        exec(cell.source, space)
"""


def _prism(*words, **options):
    return subprocess.run([sys.executable, "-m", "prism_cli", *words], cwd=ROOT, text=True, check=False, **options)


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("tutorial", ["01_quickstart", "02_time_series"])
def test_verifying_the_runs_of_a_tutorial(row, tmp_path, tutorial):
    notebook = ROOT / "notebooks" / "tutorials" / f"{tutorial}.ipynb"
    command = [sys.executable, "-c", RECORDED, str(notebook), str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    saved = sorted(tmp_path.glob("*.prism"))
    assert saved
    code = (
        "import json, sys; from prism_kernels.verify import verify; "
        "made = [verify(path) for _ in range(2) for path in sys.argv[1:]][len(sys.argv) - 1 :]; "
        "print(json.dumps([[m.operation, m.verdict, m.original_s, m.again_s, m.elapsed_s] for m in made]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *saved], cwd=ROOT, check=True, capture_output=True, text=True)
    made = json.loads(done.stdout)
    assert {verdict for _, verdict, *_ in made} == {"agrees"}
    own, whole = sum(m[3] for m in made), sum(m[4] for m in made)
    each = {f"{k}. {name}": round(elapsed / again, 2) for k, (name, _, _, again, elapsed) in enumerate(made, start=1)}
    row.note(
        f"verifying the {len(made)} runs of {tutorial}, per their own time",
        against="",
        asked=1.2,
        measured=whole / own,
        unit="x",
        at_most=True,
        own_s=round(own, 3),
        **each,
    )


@pytest.mark.usefixtures("measured")
def test_a_sweep_of_reports_on_dask(row, tmp_path):
    from distributed import LocalCluster

    samples, sizes = ("nile", "sunspots", "us_unemployment", "us_inflation"), range(1, 51)
    lasted, numbers = {}, {}
    sweep = tmp_path / "sweep.json"
    sweep.write_text(json.dumps([{"y": y, "min_size": size} for y in samples for size in sizes]))
    for workers in (1, 2):
        out = tmp_path / f"on-{workers}"
        environment = {**os.environ, "PRISM_STORE": str(tmp_path / f"{workers}.sqlite")}
        with LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
            words = ("report", "run", "timeseries.trend", f"--sweep={sweep}", f"--dask={cluster.scheduler_address}")
            start = time.perf_counter()
            done = _prism(*words, f"--out={out}", env=environment, capture_output=True)
            lasted[workers] = time.perf_counter() - start
        assert done.returncode == 0, done.stderr[-2000:]
        records = [json.loads(path.read_text()) for path in out.glob("*/*.json")]
        assert len(records) == REPORTS
        numbers[workers] = {r["digest"]: r["key_numbers"] for r in records}
    assert numbers[1] == numbers[2]  # equal bits
    row.note(
        f"{REPORTS} reports on two Dask workers, speed-up over one, equal bits",
        against="one worker",
        asked=None,
        measured=lasted[1] / lasted[2],
        unit="x",
        one_worker_s=round(lasted[1], 1),
        two_workers_s=round(lasted[2], 1),
    )


@pytest.fixture
def house(tmp_path):
    """Start a readers' server on the shipped dashboards; give it and what makes a token."""

    def started(by, preheat):
        folder = dashboards(tmp_path / by / "dashboards", preheat=preheat)
        papers = {
            "PRISM_READER_TOKENS": str(tmp_path / by / "readers.sqlite"),
            "PRISM_READER_LOG": str(tmp_path / by / "readers.jsonl"),
            "PRISM_PUBLISHED": str(tmp_path / by / "published"),
        }
        tokens = Tokens(Path(papers["PRISM_READER_TOKENS"]))
        path = "forecast.ipynb" if by == "panel" else "voila/render/forecast.ipynb"
        return running("readers", folder, f"--by={by}", f"--viewers={READERS}", environment=papers), tokens, path

    return started


@browser
@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(("by", "asked"), [("panel", 1.0), ("voila", 2.0)])
def test_a_readers_page(row, house, look, tmp_path, by, asked):
    server, tokens, path = house(by, preheat=1)
    surface = "panel-serve" if by == "panel" else "voila-preheated"
    renders = []
    with server as running_server:
        for number in range(6):
            quiet(running_server, kernels=0 if by == "panel" else pool(tmp_path / by / "dashboards"))
            with open_pages(look, surface, 1) as (one,):
                one.page.goto(f"{running_server.address}/?token={tokens.create(f'reader {number}')[1]}")
                one.go(f"{running_server.address}/{path}")
                renders.append(one.seen())
    note_renders(row, surface, renders[1:], asked, cache=", a reader's page")


@browser
@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(("by", "asked"), [("panel", 3.0), ("voila", 170.0)])
def test_twenty_readers_move_sliders(row, house, look, by, asked):
    server, tokens, path = house(by, preheat=0)
    waits, errors = [], 0
    with server as running_server:
        pages, held = [], []
        for number in range(READERS):
            one = look(by)
            pages.append(one)
            one.page.goto(f"{running_server.address}/?token={tokens.create(f'reader {number}')[1]}")
            one.go(f"{running_server.address}/{path}")
            one.seen(seconds=300)
            one.settled()
            if number in (0, READERS - 1):
                quiet(running_server)
                held.append(megabytes(running_server))
        for _ in range(KEYS):
            for one in pages:
                one.visit.slider().focus()
                one.page.evaluate("prismClock.figure()")
            for one in pages:
                one.page.keyboard.press("ArrowRight")
            for one in pages:
                try:
                    waits.append(one.took(seconds=60))
                except Exception:  # a page that never answers is what is counted
                    errors += 1
            for one in pages:
                one.settled()
        errors += sum(len(one.visit.errors) for one in pages)
    name = f"readers' server by {by}"
    row.note(
        f"memory of one more reader, {name}",
        against="",
        asked=asked,
        measured=(held[1] - held[0]) / (READERS - 1),
        unit="MB",
        at_most=True,
        first_mb=round(held[0], 1),
    )
    row.note(
        f"{READERS} readers press a slider's key at once until the picture changes, p95, {name}",
        against="",
        asked=None,
        measured=np.percentile(waits, 95),
        unit="ms",
        at_most=True,
        median_ms=round(float(np.median(waits)), 1),
        longest_ms=round(max(waits), 1),
    )
    row.note(f"errors while {READERS} readers move sliders, {name}", against="", asked=0, measured=errors, at_most=True)
