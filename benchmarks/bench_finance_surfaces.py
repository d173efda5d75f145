"""Finance's surfaces against their targets: waits while a limit or the costs move, and for pages."""

import os
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from benchmarks.surfaces import ROOT, browser_tests, dashboards, open_pages, quiet, waits_for_keys
from prism_kernels import finance, sample
from prism_lab.child import running

chromium, open_visit = (getattr(browser_tests(), name) for name in ("chromium", "open_visit"))
ALL_THREADS = True

ASSETS, PERIODS = 100, 1500
FRONTIER = (
    "import pandas as pd\n\n"
    'prices = pd.read_csv("hundred.csv", index_col=0, parse_dates=True)\n'
    "pw.FrontierExplorer(prices, weight_bounds=(0.0, 0.3), live=True).servable()"
)
HEAT = 'pw.BacktestExplorer("sp500_stocks").servable()'

browser = pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), reason="there is no Chromium"
)


def hundred_prices():
    """Return prices of 100 assets: a seeded bootstrap of days and mixtures of 20 real stocks, with own noise."""
    rng = np.random.default_rng(0)
    stocks = sample("sp500_stocks").pct_change().iloc[-3000:].to_numpy()
    days = stocks[rng.integers(0, len(stocks), PERIODS)]
    mixed = days @ rng.dirichlet(np.full(20, 0.3), ASSETS).T
    returns = mixed + rng.standard_normal(mixed.shape) * rng.uniform(0.002, 0.02, ASSETS)
    dates = pd.bdate_range("2018-01-01", periods=PERIODS, name="date")
    return pd.DataFrame(100 * np.cumprod(1 + returns, axis=0), dates, [f"A{k:02}" for k in range(ASSETS)])


def test_the_frontier_of_a_hundred_assets_meets_each_limit_that_the_slider_can_say():
    prices = hundred_prices()
    for most in (1.0, 0.5, 0.05):
        found = finance.optimize(prices, objective="max_sharpe", weight_bounds=(0.0, most), frontier_points=20)
        assert found.residual <= 1e-9
        assert found.frontier.corners.max() <= most + 1e-12
        assert abs(found.frontier.weights.sum(axis=1) - 1.0).max() < 1e-9


@browser
@pytest.mark.usefixtures("measured")
def test_a_key_on_the_limit_of_a_hundred_assets(row, look, tmp_path):
    folder = dashboards(tmp_path / "dashboards", preheat=0, page=FRONTIER)
    hundred_prices().to_csv(folder / "hundred.csv")
    with running("voila", folder, "--cold") as server, open_pages(look, "voila-cold", 1) as (one,):
        one.go(server.url("voila/render/long.ipynb"))
        one.seen()
        quiet(server)
        waits, kernels = waits_for_keys(one, one.page.get_by_role("slider", name="Largest weight"), "ArrowLeft", 20)
    row.note(
        f"key on the largest weight until the frontier of {ASSETS} assets is drawn, p95 of {len(waits)}, Voila",
        against="",
        asked=150,
        measured=np.percentile(waits, 95),
        unit="ms",
        at_most=True,
        median_ms=round(float(np.median(waits)), 1),
        kernel_ms=[round(k) for k in kernels],
        whole_ms=[round(w) for w in waits],
    )


@browser
@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("kind", ["voila", "panel"])
def test_a_key_on_the_costs_of_900_backtests(row, look, tmp_path, kind):
    surface, path, extra = {
        "panel": ("panel-serve", "long", ()),
        "voila": ("voila-cold", "voila/render/long.ipynb", ("--cold",)),
    }[kind]
    folder = dashboards(tmp_path / "dashboards", preheat=0, page=HEAT)
    with running(kind, folder, *extra) as server, open_pages(look, surface, 1) as (one,):
        one.go(server.url(path))
        one.seen()
        quiet(server)
        waits, kernels = waits_for_keys(
            one, one.page.get_by_role("slider", name="Costs of an order, basis points"), "ArrowRight", 10
        )
    row.note(
        f"key on the costs until the map of 900 pairs × 20 assets is drawn, longest of {len(waits)}, {kind}",
        against="",
        asked=1.0,
        measured=max(waits) / 1000,
        unit="s",
        at_most=True,
        kernel_ms=[round(k) for k in kernels],
        whole_ms=[round(w) for w in waits],
    )


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("report", ["tear_sheet", "rebalance"])
def test_a_report_of_finance_with_html(row, tmp_path, report):
    lasted = []
    environment = {**os.environ, "PRISM_STORE": str(tmp_path / "store.sqlite")}
    for number in range(3):
        out = tmp_path / str(number)
        command = [sys.executable, "-m", "prism_cli", "report", "run", report, "--out", str(out)]
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        lasted.append(time.perf_counter() - start)
        assert list(out.glob("*.html"))
    row.note(
        f"prism report run {report}, HTML included",
        against="",
        asked=10,
        measured=statistics.median(lasted),
        unit="s",
        at_most=True,
        seconds=[round(t, 2) for t in lasted],
    )
