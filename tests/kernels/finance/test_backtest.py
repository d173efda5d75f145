"""Backtests against a loop over bars with cash and shares, closed forms, vectorbt, and the refusals by their words."""

import array_api_strict
import numpy as np
import pandas as pd
import pytest

from benchmarks.vectorbt_peer import vectorbt
from prism_kernels import InvalidInput, sample
from prism_kernels.finance import Momentum, MovingAverage, Stops, backtest
from prism_kernels.finance.trading_measures import MEASURES
from tests.kernels.finance import bar_by_bar

TIGHT = 1e-12


@pytest.fixture(scope="module")
def stocks():
    frame = sample("sp500_stocks")[["AAPL", "GE", "KO"]].iloc[-1500:]
    rng = np.random.default_rng(7)
    opens = frame.shift().bfill() * np.exp(0.003 * rng.standard_normal(frame.shape))
    return frame, opens


def table_of(result, parameter, asset):
    return dict(zip(MEASURES, result.table[parameter, asset], strict=True))


def assert_same(found, expected, tolerance=TIGHT):
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=tolerance, abs=tolerance, nan_ok=True), name


TERMS = [
    {"fee": 0.0, "slip": 0.0, "late": False},
    {"fee": 0.002, "slip": 0.0005, "late": False},
    {"fee": 0.002, "slip": 0.0005, "late": True},
]


def settings_of(terms, opens):
    fill = {"fill": "next_open", "open_prices": opens} if terms["late"] else {}
    return {"fees": terms["fee"], "slippage": terms["slip"], "initial_cash": 1000.0, "keep": "equity", **fill}


def compared(stocks, terms, decide, **settings):
    """Assert that a backtest equals the loop over bars, on every measure and value, at every point and asset."""
    close, opens = stocks
    result = backtest(close, **settings, **settings_of(terms, opens))
    fill = (opens if terms["late"] else close).to_numpy()
    for j in range(close.shape[1]):
        own = close.to_numpy()[:, j]
        for p, point in enumerate(result.points):
            values, count = bar_by_bar.single(own, fill[:, j], decide(own, j, point), capital=1000.0, **terms)
            assert result.equity[p, j] == pytest.approx(values, rel=TIGHT)
            assert_same(
                table_of(result, p, j), {**bar_by_bar.measured(values, 1000.0, count), "costs": result.costs[p, j]}
            )
            assert result.trades[p, j] == count["trades"]
            assert result.costs[p, j] == pytest.approx(count["costs"], rel=1e-11, abs=1e-9)  # of 1000
            assert result.turnover[p, j] == pytest.approx(count["orders"] / ((len(own) - 1) / 252), rel=TIGHT)
    return result


@pytest.mark.parametrize("terms", TERMS)
def test_moving_averages_equal_a_loop_over_bars(stocks, terms):
    def decide(own, j, point):
        return bar_by_bar.crossing(own, int(point[0]), int(point[1]))

    grid = MovingAverage(fast=(1, 5, 40), slow=(20, 90))
    result = compared(stocks, terms, decide, strategy="moving_average", parameters=grid)
    assert result.points.tolist() == [[1, 20], [1, 90], [5, 20], [5, 90], [40, 90]]
    assert result.axes["parameter"][3] == "fast 5, slow 90"


@pytest.mark.parametrize("terms", TERMS)
def test_momentum_equals_a_loop_over_bars(stocks, terms):
    def decide(own, j, point):
        return bar_by_bar.gaining(own, int(point[0]), point[1])

    grid = Momentum(lookback=(1, 60), threshold=(0.0, 0.05))
    compared(stocks, terms, decide, strategy="momentum", parameters=grid)


@pytest.mark.parametrize("terms", TERMS)
def test_own_signals_with_stops_equal_a_loop_over_bars(stocks, terms):
    rng = np.random.default_rng(1)
    entries, exits = (
        pd.DataFrame(rng.random(stocks[0].shape) < p, stocks[0].index, stocks[0].columns) for p in (0.1, 0.03)
    )

    def decide(own, j, point):
        return bar_by_bar.signalled(own, entries.to_numpy()[:, j], exits.to_numpy()[:, j], *point)

    grid = Stops(stop_loss=(0.0, 0.05), take_profit=(0.0, 0.1))
    compared(stocks, terms, decide, strategy="signals", parameters=grid, entries=entries, exits=exits)


@pytest.mark.parametrize("terms", TERMS)
def test_buying_and_holding_equals_a_loop_over_bars(stocks, terms):
    compared(stocks, terms, lambda own, j, point: lambda t, invested, paid: True, strategy="buy_and_hold")


def test_holding_without_costs_is_the_price():
    close = sample("sp500_stocks")
    result = backtest(close, keep="equity")
    assert result.equity[0] == pytest.approx((close / close.iloc[0]).to_numpy().T, rel=1e-13)
    always = backtest(
        close, strategy="momentum", parameters=Momentum(lookback=(1,), threshold=(-0.9999,)), keep="equity"
    )
    assert always.equity[0, :, 2:] / always.equity[0, :, 1:2] == pytest.approx(
        (close.iloc[2:] / close.iloc[1]).to_numpy().T, rel=1e-12
    )


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("rebalance", [None, "monthly", 0.03, "drift_off"])
def test_given_weights_equal_a_loop_over_bars(stocks, terms, rebalance):
    close, opens = stocks
    weights = {"AAPL": 0.5, "GE": 0.4, "KO": -0.1}
    drift = rebalance != "drift_off"
    rebalance = rebalance if drift else None
    given = settings_of(terms, opens)
    result = backtest(close, weights=weights, strategy="weights", rebalance=rebalance, weight_drift=drift, **given)
    months = close.index.to_period("M")
    due = np.append(False, months[1:] != months[:-1]) if rebalance == "monthly" else np.zeros(len(close), dtype=bool)
    threshold = rebalance if isinstance(rebalance, float) else np.inf
    own = np.array([0.5, 0.4, -0.1])
    fill = (opens if terms["late"] else close).to_numpy()
    values, count = bar_by_bar.portfolio(
        close.to_numpy(), fill, {0: own}, due, threshold, capital=1000.0, drift=drift, **terms
    )
    assert result.equity[0, 0] == pytest.approx(values, rel=1e-11)
    found, expected = table_of(result, 0, 0), bar_by_bar.measured(values, 1000.0, count)
    if terms["late"]:
        expected["exposure"] = 1.0
    assert_same(found, expected, 1e-9)
    assert result.axes["asset"] == ("portfolio",)


def test_the_last_share_of_the_periods_is_measured_by_itself_and_seen_by_nothing_else(stocks):
    close, _ = stocks
    grid = MovingAverage(fast=(5,), slow=(60,))
    both = backtest(close, strategy="moving_average", parameters=grid, out_of_sample=0.2, fees=0.001)
    alone = backtest(close.iloc[:1200], strategy="moving_average", parameters=grid, fees=0.001)
    assert both.table == pytest.approx(alone.table, rel=TIGHT)
    own = close["GE"].to_numpy()
    values, count = bar_by_bar.single(own, own, bar_by_bar.crossing(own, 5, 60), fee=0.001, begin=1199)
    found = dict(zip(MEASURES, both.out_of_sample[0, 1], strict=True))
    assert_same(found, bar_by_bar.measured(values, 1.0, count))


def test_the_best_is_the_point_with_the_highest_measure(stocks):
    close, _ = stocks
    for name in ("sharpe_ratio", "total_return", "max_drawdown"):
        result = backtest(close, strategy="moving_average", rank_by=name, metrics=[name])
        assert result.best.tolist() == np.argmax(result.table[:, :, 0], axis=0).tolist()
        assert result.axes["metric"] == (name,)


def test_a_path_that_never_moves_has_no_sharpe_ratio_and_says_so():
    flat = np.full((60, 1), 3.7)
    result = backtest(flat, strategy="moving_average", parameters=MovingAverage(fast=(3,), slow=(7,)), fees=0.01)
    found = table_of(result, 0, 0)
    assert found["trades"] == 0
    assert np.isnan(found["sharpe_ratio"])
    assert result.best.tolist() == [-1]
    assert result.warnings == ("1 path never moved, or always by the same share, and has no Sharpe ratio",)


def test_a_portfolio_in_debt_that_loses_all_of_it_is_told():
    fall_and_rise = np.linspace([10.0, 10.0], [4.0, 16.0], 20)
    result = backtest(fall_and_rise, weights=[2.0, -1.0], strategy="weights")
    assert result.warnings == ("the path lost all there was, and the numbers after that mean nothing",)


def test_equal_growth_every_period_has_no_sharpe_ratio():
    result = backtest(1.01 ** np.arange(100.0)[:, None])
    assert np.isnan(table_of(result, 0, 0)["sharpe_ratio"])
    assert table_of(result, 0, 0)["total_return"] == pytest.approx(1.01**99 - 1, rel=1e-12)


def test_ties_after_a_crash_cross_nothing():
    """Prices that fell by eight orders of magnitude and stand still: running sums must not leave a trace."""
    close = np.concatenate([np.linspace(1e8, 9e7, 300), np.full(300, 1.1)])[:, None]
    grid = MovingAverage(fast=(3, 10), slow=(37, 90))
    result = backtest(close, strategy="moving_average", parameters=grid)
    assert (result.trades == 0).all()


def test_an_asset_is_traded_while_it_is_listed(stocks):
    close = stocks[0].copy()
    close.iloc[:200, 0] = np.nan
    close.iloc[900:, 1] = np.nan
    grid = MovingAverage(fast=(5,), slow=(60,))
    result = backtest(
        close, strategy="moving_average", parameters=grid, missing="point_in_time", keep="equity", fees=0.001
    )
    for j, part in enumerate((slice(200, None), slice(0, 900), slice(None))):
        alone = backtest(close.iloc[part, [j]], strategy="moving_average", parameters=grid, fees=0.001)
        assert result.table[:, j] == pytest.approx(alone.table[:, 0], rel=TIGHT, nan_ok=True)
        assert np.isnan(result.equity[0, j]).tolist() == close.iloc[:, j].isna().tolist()
    assert "not listed all the time" in result.warnings[0]


def test_a_portfolio_sells_what_is_delisted_and_buys_what_is_listed_when_it_rebalances(stocks):
    close = stocks[0].copy()
    close.iloc[:700, 2] = np.nan
    close.iloc[1000:, 1] = np.nan
    weights = {"AAPL": 0.5, "GE": 0.25, "KO": 0.25}
    result = backtest(
        close, weights=weights, strategy="weights", missing="point_in_time", rebalance="yearly", keep="equity"
    )
    years = close.index.year
    due = np.append(False, years[1:] != years[:-1])
    due[999] = True
    value, shares = 1.0, np.zeros(3)
    for t in range(len(close)):
        now = close.iloc[t].to_numpy()
        value = np.nansum(shares * now) if t else 1.0
        if t == 0 or due[t]:
            there = np.array([1.0, float(t < 999), float(t >= 700)])
            share = there * [0.5, 0.25, 0.25]
            shares = np.where(there > 0, share / share.sum() * value / now, 0.0)
        assert result.equity[0, 0, t] == pytest.approx(value, rel=1e-11), t


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("rebalance", [None, 0.5])
def test_what_is_listed_later_is_bought_when_it_is_listed(stocks, rebalance, late):
    close, opens = stocks[0].copy(), stocks[1].copy()
    close.iloc[:700, 2] = opens.iloc[:700, 2] = np.nan
    close.iloc[1000:, 1] = np.nan
    weights = {"AAPL": 0.5, "GE": 0.25, "KO": 0.2}
    given = {"fill": "next_open", "open_prices": opens} if late else {}
    result = backtest(
        close, weights=weights, strategy="weights", missing="point_in_time", rebalance=rebalance, keep="equity", **given
    )
    fills = (opens if late else close).to_numpy()
    value, cash, shares = 1.0, 1.0, np.zeros(3)
    for t in range(len(close)):
        if t in ((1, 701, 999) if late else (0, 700, 999)):
            there = np.array([1.0, float(t < 999), float(t >= 700)])
            share = there * [0.5, 0.25, 0.2]
            worth = cash + np.nansum(shares * fills[t])
            shares = np.where(there > 0, share / share.sum() * 0.95 * worth / fills[t], 0.0)
            cash = 0.05 * worth
        value = cash + np.nansum(shares * close.iloc[t].to_numpy())
        assert result.equity[0, 0, t] == pytest.approx(value, rel=1e-11), t
    listed, bought, sold = (f"{close.index[t]:%Y-%m-%d}" for t in (700, 700 + late, 999))
    assert result.warnings[1:3] == (
        f"GE is listed up to {sold} and sold then: its weight of 0.25 is with the others after",
        f"KO is listed from {listed} on and bought at {bought}: its weight of 0.2 is with the others before",
    )


def test_with_a_calendar_what_is_listed_later_is_bought_at_its_next_date_and_said(stocks):
    close = stocks[0].copy()
    close.iloc[:700, 2] = np.nan
    close.iloc[:1400, 1] = np.nan
    given = {"weights": {"AAPL": 0.5, "GE": 0.25, "KO": 0.25}, "strategy": "weights", "missing": "point_in_time"}
    years = close.index.year
    due = [t for t in range(701, 1500) if years[t] != years[t - 1]]
    found = backtest(close, rebalance="yearly", **given).warnings
    days = {t: f"{close.index[t]:%Y-%m-%d}" for t in (700, due[0], 1400)}
    assert due[-1] < 1400
    assert found[1:3] == (
        "GE is never bought, since it is not listed when there are orders: its weight of 0.25 is with the others",
        f"KO is listed from {days[700]} on and bought at {days[due[0]]}: its weight of 0.25 is with the others before",
    )


def test_weights_of_more_than_all_there_is_are_refused(stocks):
    with pytest.raises(InvalidInput) as refused:
        backtest(stocks[0], weights={"AAPL": 0.8, "GE": 0.5}, strategy="weights")
    assert str(refused.value) == "weights add up to 1.3, which is more than all there is; divide them by their sum"
    assert refused.value.field == "weights"
    backtest(stocks[0], weights=np.full(3, 1 / 3) * (1 + 1e-9), strategy="weights")
    backtest(stocks[0], weights={"AAPL": 1.3, "GE": -0.3}, strategy="weights")


@pytest.mark.parametrize("library", ["float32", "torch", "strict"])
def test_results_live_where_the_prices_do(stocks, library):
    numbers = stocks[0].to_numpy()
    close = {
        "float32": lambda: numbers.astype(np.float32),
        "torch": lambda: pytest.importorskip("torch").asarray(numbers),
        "strict": lambda: array_api_strict.asarray(numbers),
    }[library]()
    result = backtest(close, strategy="moving_average", fees=0.001, out_of_sample=0.2, keep="equity")
    here = backtest(numbers, strategy="moving_average", fees=0.001, out_of_sample=0.2, keep="equity")
    loose = 5e-3 if library == "float32" else 0
    for name in ("table", "points", "deflated_sharpe", "out_of_sample", "equity", "trades", "turnover", "costs"):
        value = getattr(result, name)
        assert type(value) is type(close)
        assert value.dtype == close.dtype
        assert np.allclose(np.asarray(value), getattr(here, name), rtol=loose, atol=loose, equal_nan=True)


def test_a_frame_of_the_result_names_points_assets_and_measures(stocks):
    result = backtest(stocks[0], strategy="momentum")
    frame = result.to_frame()
    assert set(frame["parameter"]) == set(result.axes["parameter"])
    row = frame[(frame.asset == "GE") & (frame.metric == "cagr") & (frame.parameter == result.axes["parameter"][1])]
    assert row["table"].item() == result.table[1, 1, MEASURES.index("cagr")]


def test_a_dask_client_sweeps_to_the_same_bits(stocks):
    distributed = pytest.importorskip("distributed")
    given = {"strategy": "moving_average", "fees": 0.001, "keep": "equity"}
    here = backtest(stocks[0], **given)
    with distributed.Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None):
        there = backtest(stocks[0], **given)
    for name in ("table", "equity", "deflated_sharpe", "best"):
        assert np.array_equal(getattr(here, name), getattr(there, name), equal_nan=True)


@pytest.mark.filterwarnings("ignore")  # vectorbt's own, of numba, pandas and others
def test_moving_averages_equal_vectorbt_where_nothing_ties(stocks):
    vbt = vectorbt()
    terms = {"fees": 0.001, "slippage": 0.0005}
    for fast, slow in ((5, 60),):
        quick, calm = (stocks[0].rolling(n).mean() for n in (fast, slow))
        when = quick > calm, quick < calm
        peer = vbt.Portfolio.from_signals(stocks[0], *when, **terms, init_cash=1.0, freq="1D")
        grid = MovingAverage(fast=(fast,), slow=(slow,))
        ours = backtest(stocks[0], strategy="moving_average", parameters=grid, keep="equity", **terms)
        values, drawdowns = peer.value().to_numpy(), peer.max_drawdown().to_numpy()
        assert ours.equity[0] == pytest.approx(values.T, rel=1e-10)
        assert ours.table[0, :, MEASURES.index("max_drawdown")] == pytest.approx(drawdowns, rel=1e-10)
        assert ours.trades[0].tolist() == peer.trades.count().tolist()


# ---- refusals --------------------------------------------------------------------------------------------------------

CLOSE = np.linspace(10.0, 20.0, 40)[:, None] * np.array([1.0, 2.0])
GAP = np.where(np.arange(40)[:, None] == 5, np.nan, CLOSE)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"parameters": Momentum()},
            "strategy 'buy_and_hold' has no parameters, and lookback and threshold were given; leave parameters out",
        ),
        (
            {"strategy": "momentum", "parameters": MovingAverage()},
            "parameters of strategy 'momentum' are lookback and threshold, and fast and slow were given",
        ),
        (
            {"strategy": "moving_average", "parameters": {"fast": [50], "slow": [20, 50]}},
            "parameters have no fast average shorter than a slow one (50 or more against 50 or less)",
        ),
        (
            {"fill": "next_open"},
            "fill 'next_open' needs open_prices, and none are given; give them, or use fill='same_close'",
        ),
        (
            {"open_prices": CLOSE},
            "open_prices are for fill='next_open', and fill is 'same_close'; leave them out, or change fill",
        ),
        (
            {"weights": [0.5, 0.5]},
            "weights are for strategy 'weights', and strategy is 'buy_and_hold'; leave them out, or change strategy",
        ),
        ({"strategy": "weights"}, "strategy 'weights' needs weights, and none are given"),
        ({"strategy": "signals"}, "strategy 'signals' needs entries, and none are given"),
        (
            {"rebalance": "monthly"},
            "rebalance is for strategies that hold several assets, and 'buy_and_hold' holds one; leave it out",
        ),
        (
            {"weight_drift": False},
            "weight_drift is for strategies that hold several assets, and 'buy_and_hold' holds one; leave it out",
        ),
        (
            {"strategy": "weights", "weights": [0.5, 0.5], "rebalance": "monthly"},
            "rebalance 'monthly' needs dates, and prices have none; give a frame with dates, or a threshold",
        ),
        (
            {"strategy": "signals", "entries": CLOSE > 15, "exits": (CLOSE > 15)[:-1]},
            "exits has 39 periods, and prices has 40; give both the same",
        ),
        (
            {"strategy": "signals", "entries": CLOSE},
            "entries has 10 for asset 0 at period 0 and 79 more, and a signal is 0 or 1; compare with a threshold",
        ),
        (
            {"fill": "next_open", "open_prices": GAP},
            "open_prices has no price where prices has one (first: asset 0 at period 5); fill it, "
            "or use fill='same_close'",
        ),
        (
            {"strategy": "walk_forward", "parameters": {"window": [60]}},
            "parameters ask for a window of 60 returns, and prices have 39; choose a shorter one",
        ),
        (
            {"out_of_sample": 0.99},
            "out_of_sample 0.99 of 40 periods leaves 0 to learn from and 40 to check; two and one are the least",
        ),
        ({"fees": 1.0}, "fees must be a number at least 0 and below 1, and 1.0 was given"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(InvalidInput) as refused:
        backtest(CLOSE, **given)
    assert str(refused.value) == sentence
    assert refused.value.field in {*given, "weights", "entries"}


def test_a_missing_price_is_refused_with_asset_date_and_ways_out():
    frame = pd.DataFrame(GAP, pd.date_range("2020-01-01", periods=40), ["up", "down"])
    with pytest.raises(InvalidInput, match=r"prices has .*first: up at 2020-01-06.*missing='intersect'"):
        backtest(frame)
    assert "1 of 40 periods" in backtest(frame, missing="intersect").warnings[0]


def test_more_than_memory_should_hold_is_refused():
    close = np.full((600, 2), 1.0) + np.arange(600)[:, None]
    grid = MovingAverage(fast=tuple(range(1, 220)), slow=tuple(range(220, 420)))
    with pytest.raises(InvalidInput, match="keep 'equity' would hold 52560000 values, and 50000000 are the most"):
        backtest(close, strategy="moving_average", parameters=grid, keep="equity")


def test_a_slow_average_longer_than_the_data_never_trades():
    assert (backtest(CLOSE, strategy="moving_average").trades == 0).all()
