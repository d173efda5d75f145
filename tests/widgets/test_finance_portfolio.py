"""The view of a portfolio: bars, frontier and table hold what the result holds, and the words say it."""

import numpy as np

from prism_kernels import run, sample
from prism_widgets.views import view_for


def shown(**settings):
    prices = sample("sp500_stocks").iloc[-600:]
    result = run("finance.optimize", prices, **settings).result
    one = view_for(result)
    one.update(result)
    return one, result


def test_bars_and_table_hold_weights_and_shares_of_risk():
    one, result = shown(objective="min_variance")
    assert type(one).__name__ == "PortfolioView"
    assert list(one._shares.data["asset"]) == list(result.assets)
    np.testing.assert_array_equal(one._shares.data["weight"], result.weights)
    np.testing.assert_allclose(one._shares.data["share"], result.risk_contributions / result.volatility, rtol=1e-12)
    assert not one._curve.visible


def test_the_frontier_shows_its_corners_and_where_the_portfolio_stands():
    one, result = shown(frontier_points=20)
    assert one._curve.visible
    np.testing.assert_array_equal(one._line.data["return"], result.frontier.returns)
    np.testing.assert_array_equal(one._corners.data["volatility"], result.frontier.corner_volatilities)
    assert one._here.data["return"] == [result.expected_return]
    assert all("%" in text for text in one._corners.data["held"])
    figure = one.figure
    one.update(run("finance.optimize", sample("sp500_stocks").iloc[-600:], objective="min_variance").result)
    assert one.figure is figure
    assert not one._curve.visible


def test_the_words_say_what_is_held_and_what_it_may_lose():
    one, result = shown(previous_weights=np.full(20, 0.05), max_turnover=0.2)
    said = one.summary(result, 0)
    held = int((result.weights > 1e-9).sum())
    assert said.startswith(f"{held} of 20 assets are held, most ")
    assert "turnover 20 %, which costs 0 %" in said
    assert "Sharpe ratio" in said
    assert "optimal by daqp" in said


def test_the_words_say_which_limits_the_frontier_does_not_know():
    one, result = shown(frontier_points=5, previous_weights=np.full(20, 0.05), max_turnover=0.2)
    said = "the frontier does not know max_turnover, with which this portfolio may lie below it"
    assert said in one.summary(result, 0)
    one, result = shown(frontier_points=5)
    assert "does not know" not in one.summary(result, 0)
