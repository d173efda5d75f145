"""The rebalance explorer in a real browser: by keyboard, light and dark, with its orders downloaded and its link."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from prism_kernels import sample
from prism_kernels.finance import allocate, rebalance

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE = Path(__file__).parents[1] / "widgets" / "pages" / "rebalance.py"
NAMES = ("sp500_stocks_held", "sp500_stocks_equal", "sp500_stocks")


@pytest.fixture(params=["light", "dark"])
def visit(request, open_visit, address):
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium on this machine")
    found = open_visit("panel-serve", dark=request.param == "dark")
    found.page.goto(f"{address}?theme={'dark' if request.param == 'dark' else 'default'}")
    assert found.until(lambda: "Policies beside each other" in found.text())
    found.at_rest()
    yield found
    assert (found.errors, found.elsewhere) == ([], [])


def expected(cost, **settings):
    portfolio, target, prices = map(sample, NAMES)
    given = {"policy": "cost_aware", "threshold": 0.02, "transaction_costs": cost, **settings}
    return rebalance(portfolio, target, prices=prices, **given)


def cheaper(visit, steps):
    """Lower the cost of trading by so many hundredths of a percent."""
    visit.page.get_by_role("slider", name="Cost of trading, %").focus()
    for _ in range(steps):
        visit.page.keyboard.press("ArrowLeft")


def said(result):
    return f"gain after cost {1e4 * result.utility_gain:+.2f} basis points"


def test_cost_whole_shares_and_orders_by_keyboard(visit):
    before = visit.pixels()
    cheaper(visit, 5)
    found = expected(0.0005)
    assert visit.until(lambda: said(found) in visit.text()), visit.text()
    full = expected(0.0005, policy="full")
    assert visit.until(lambda: f"{1e4 * full.utility_gain:.2f}" in visit.text())
    assert visit.pixels() != before
    visit.page.get_by_role("checkbox", name="Whole shares").press("Space")
    weights = dict(zip(found.assets, found.weights_after, strict=True))
    whole = allocate(weights, sample(NAMES[2]), holdings=sample(NAMES[0]), capital=0.0, fee_rate=0.0005)
    assert visit.until(lambda: f"{whole.leftover_cash:,.2f} stay in cash" in visit.text()), visit.text()
    with visit.page.expect_download() as waited:
        visit.page.get_by_text("Download orders (CSV)").click()
    orders = pd.read_csv(waited.value.path())
    assert orders["shares"].tolist() == [t for t in whole.trades if t]
    visit.at_rest()
    assert visit.violations() == []


def test_a_copied_link_shows_the_same_orders_elsewhere(visit, open_visit, address):
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    cheaper(visit, 3)
    found = expected(0.0007)
    assert visit.until(lambda: said(found) in visit.text()), visit.text()
    visit.page.get_by_role("button", name="Use elsewhere").click()
    visit.page.get_by_role("button", name="Copy link").click()
    copied = []
    assert visit.until(lambda: copied.append(visit.page.evaluate("navigator.clipboard.readText()")) or copied[-1])
    reader = open_visit("panel-serve")
    reader.page.goto(copied[-1])
    assert reader.until(lambda: said(found) in reader.text(), seconds=60), reader.text()
