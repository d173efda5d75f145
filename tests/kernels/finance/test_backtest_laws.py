"""What holds for every backtest, whatever the prices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels.finance import Momentum, MovingAverage, backtest
from prism_kernels.finance.trading_measures import MEASURES
from tests.kernels.finance import bar_by_bar

COUNTS = ("trades", "win_rate", "exposure")


@st.composite
def prices(draw, assets=2):
    """Draw prices of many characters: walks, ties, flat stretches, crashes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    time = draw(st.integers(12, 120))
    step = rng.normal(0, draw(st.sampled_from([0.001, 0.02, 0.3])), (time, assets))
    if draw(st.booleans()):
        step[rng.random(time) < 0.5] = 0.0
    close = 50 * np.exp(step.cumsum(axis=0))
    return np.maximum(np.round(close), 1.0) if draw(st.booleans()) else close


pairs = st.tuples(st.integers(1, 6), st.integers(7, 30))
costs = st.sampled_from([{}, {"fees": 0.003}, {"fees": 0.001, "slippage": 0.01}])


def averages(pair):
    return {"strategy": "moving_average", "parameters": MovingAverage(fast=(pair[0],), slow=(pair[1],))}


def column(result, name):
    return result.table[..., MEASURES.index(name)]


@given(prices(), pairs, costs)
def test_the_unit_of_prices_changes_nothing(close, pair, terms):
    one, other = (backtest(close * unit, **averages(pair), **terms) for unit in (1.0, 0.25))
    assert other.table == pytest.approx(one.table, rel=1e-9, abs=1e-9, nan_ok=True)


@given(prices(), pairs, costs)
def test_more_cash_earns_the_same_shares_and_pays_so_much_more(close, pair, terms):
    one, many = (backtest(close, **averages(pair), **terms, initial_cash=cash) for cash in (1.0, 1024.0))
    for name in MEASURES:
        size = 1024.0 if name == "costs" else 1.0
        assert column(many, name) == pytest.approx(size * column(one, name), rel=1e-9, abs=1e-9, nan_ok=True), name


@given(prices(), pairs)
def test_costs_never_help_and_change_no_decision(close, pair):
    free, dear, dearer = (backtest(close, **averages(pair), fees=fee) for fee in (0.0, 0.002, 0.02))
    assert (column(dear, "total_return") <= column(free, "total_return")).all()
    assert (column(dearer, "total_return") <= column(dear, "total_return")).all()
    assert np.array_equal(free.trades, dearer.trades)
    assert (free.costs == 0).all()


@given(prices(), pairs, costs)
def test_each_path_is_the_same_alone_and_among_others(close, pair, terms):
    grid = {"strategy": "moving_average", "parameters": MovingAverage(fast=(1, 2, pair[0]), slow=(pair[1], 31))}
    many = backtest(close, **grid, **terms)
    alone = backtest(close[:, :1], **averages(pair), **terms)
    place = many.points.tolist().index(list(map(float, pair)))
    assert np.array_equal(many.table[place, 0], alone.table[0, 0], equal_nan=True)


@given(prices(), pairs, costs)
def test_the_future_changes_nothing_of_the_past(close, pair, terms):
    half = len(close) // 2
    whole = backtest(close, **averages(pair), **terms, keep="equity")
    part = backtest(close[:half], **averages(pair), **terms, keep="equity")
    assert np.array_equal(whole.equity[..., :half], part.equity)


@given(prices(), st.integers(1, 20), st.sampled_from([-0.1, 0.0, 0.05]), costs)
def test_momentum_equals_a_loop_over_bars_on_any_prices(close, lookback, threshold, terms):
    grid = Momentum(lookback=(lookback,), threshold=(threshold,))
    result = backtest(close, strategy="momentum", parameters=grid, keep="equity", **terms)
    own = {"fee": terms.get("fees", 0.0), "slip": terms.get("slippage", 0.0)}
    for j in range(close.shape[1]):
        decide = bar_by_bar.gaining(close[:, j], lookback, threshold)
        values, _ = bar_by_bar.single(close[:, j], close[:, j], decide, **own)
        assert result.equity[0, j] == pytest.approx(values, rel=1e-12)


@given(prices(), pairs, costs)
def test_moving_averages_equal_a_loop_over_bars_on_any_prices(close, pair, terms):
    result = backtest(close, **averages(pair), keep="equity", **terms)
    own = {"fee": terms.get("fees", 0.0), "slip": terms.get("slippage", 0.0)}
    for j in range(close.shape[1]):
        values, count = bar_by_bar.single(close[:, j], close[:, j], bar_by_bar.crossing(close[:, j], *pair), **own)
        assert result.equity[0, j] == pytest.approx(values, rel=1e-12)
        found = dict(zip(MEASURES, result.table[0, j], strict=True))
        for name, value in bar_by_bar.measured(values, 1.0, count).items():
            assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), name


@given(prices(assets=3), st.sampled_from([0.0, 0.002]), st.sampled_from([None, "daily", 0.05]))
def test_a_portfolio_never_makes_money_out_of_costs_and_permuting_assets_changes_nothing(close, fee, rebalance):
    weights = np.array([0.2, 0.5, 0.2])
    given_ = {"strategy": "weights", "rebalance": rebalance, "keep": "equity"}
    one = backtest(close, weights=weights, fees=fee, **given_)
    other = backtest(close[:, ::-1], weights=weights[::-1].copy(), fees=fee, **given_)
    free = backtest(close, weights=weights, **given_)
    assert other.equity == pytest.approx(one.equity, rel=1e-10)
    assert (one.costs >= 0).all()
    if rebalance != 0.05:  # with a threshold, costs move the days of orders
        assert (one.equity <= free.equity * (1 + 1e-12)).all()


@given(prices(), pairs, costs)
def test_shares_are_shares_and_probabilities_are_probabilities(close, pair, terms):
    result = backtest(close, **averages(pair), **terms)
    for name in ("exposure", "win_rate"):
        value = column(result, name)
        assert ((value >= 0) & (value <= 1) | np.isnan(value)).all()
    assert ((column(result, "max_drawdown") <= 0) & (column(result, "max_drawdown") >= -1)).all()
    chance = result.deflated_sharpe
    assert ((chance >= 0) & (chance <= 1) | np.isnan(chance)).all()
