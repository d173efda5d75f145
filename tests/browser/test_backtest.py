"""The backtest explorer in a real browser: costs and points by keyboard, light and dark, shared by its link."""

import shutil
from pathlib import Path

import pytest

from prism_kernels import sample
from prism_kernels.finance import MovingAverage, backtest
from prism_kernels.finance.trading_measures import MEASURES
from prism_widgets.views.finance_backtest import said_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE = Path(__file__).parents[1] / "widgets" / "pages" / "backtest.py"
GRID = MovingAverage(fast=(5, 10, 20, 50), slow=(100, 150, 200))
SHARPE = MEASURES.index("sharpe_ratio")


@pytest.fixture(params=["light", "dark"])
def visit(request, open_visit, address):
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium on this machine")
    found = open_visit("panel-serve", dark=request.param == "dark")
    found.page.goto(f"{address}?theme={'dark' if request.param == 'dark' else 'default'}")
    found.page.get_by_role("slider", name="Costs of an order, basis points").wait_for()
    first = said_of(traded(0.001), 0, -1, SHARPE)
    assert found.until(lambda: first in found.text()), found.text()
    found.at_rest()
    yield found
    assert (found.errors, found.elsewhere) == ([], [])


def traded(fees):
    return backtest(sample("sp500_stocks"), strategy="moving_average", parameters=GRID, fees=fees)


def press(visit, slider, key, times):
    visit.page.get_by_role("slider", name=slider).focus()
    for _ in range(times):
        visit.page.keyboard.press(key)


def test_costs_points_and_the_best_by_keyboard(visit):
    before = visit.pixels()
    press(visit, "Costs of an order, basis points", "ArrowRight", 15)
    found = traded(0.0025)
    assert visit.until(lambda: said_of(found, 0, -1, SHARPE) in visit.text()), visit.text()
    assert visit.pixels() != before
    best = int(found.best[0])
    press(visit, "Fast", "Home", 1)
    press(visit, "Slow", "End", 1)
    point = list(found.axes["parameter"]).index("fast 5, slow 200")
    assert point != best
    assert visit.until(lambda: said_of(found, 0, point, SHARPE) in visit.text()), visit.text()
    visit.page.get_by_role("button", name="Go to the best").press("Enter")
    assert visit.until(lambda: said_of(found, 0, -1, SHARPE) in visit.text()), visit.text()
    visit.at_rest()
    assert visit.violations() == []


def test_a_copied_link_shows_the_same_costs_elsewhere(visit, open_visit, address):
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(visit, "Costs of an order, basis points", "ArrowRight", 10)
    said = said_of(traded(0.002), 0, -1, SHARPE)
    assert visit.until(lambda: said in visit.text()), visit.text()
    visit.page.get_by_role("button", name="Use elsewhere").click()
    visit.page.get_by_role("button", name="Copy link").click()
    copied = []
    assert visit.until(lambda: copied.append(visit.page.evaluate("navigator.clipboard.readText()")) or copied[-1])
    reader = open_visit("panel-serve")
    reader.page.goto(copied[-1])
    assert reader.until(lambda: said in reader.text(), seconds=60), reader.text()
