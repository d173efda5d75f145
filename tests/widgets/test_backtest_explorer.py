"""The backtest's own explorer: the map moves with costs, a point is looked at by slider and tap, luck is in words."""

import asyncio
from urllib.parse import parse_qs

import numpy as np
import pytest

from prism_kernels import sample
from prism_kernels.finance import MovingAverage, backtest
from prism_kernels.finance.trading_measures import MEASURES
from prism_widgets import BacktestExplorer
from prism_widgets.views import view
from prism_widgets.views.finance_backtest import BacktestView

PRICES = sample("sp500_stocks").iloc[-500:, :3]
GRID = {"fast": [2, 5, 10], "slow": [20, 40, 60, 80]}


async def rest(explorer):
    """Wait until nothing runs any more."""
    await asyncio.sleep(0.05)
    while "running" in (explorer.job.state, explorer._path_job.state):
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.05)


def shown(*steps, prices=PRICES, **settings):
    """Run an explorer, do something to it step by step as a person would, and return it."""

    async def all_of_it():
        explorer = BacktestExplorer(prices, **{"parameters": GRID, **settings})
        await explorer.start()
        await rest(explorer)
        for step in steps:
            step(explorer)
            await rest(explorer)
        return explorer

    return asyncio.run(all_of_it())


def table(fees, **more):
    grid = MovingAverage(**{k: tuple(v) for k, v in GRID.items()})
    return backtest(PRICES, strategy="moving_average", parameters=grid, fees=fees, **more)


def sharpes(explorer):
    return np.asarray(explorer._outcome.view._source.data["value"])


def test_the_map_holds_every_pair_of_the_grid_and_marks_the_best():
    explorer = shown()
    expected = table(0.001)
    assert np.array_equal(sharpes(explorer), expected.table[:, 0, MEASURES.index("sharpe_ratio")])
    assert explorer._outcome.view._source.selected.indices == [expected.best[0]]
    assert explorer.point == expected.best[0]
    assert list(explorer._outcome.view._source.data["name"]) == list(expected.axes["parameter"])


def test_moving_the_costs_moves_the_map_and_the_setting():
    explorer = shown(lambda e: setattr(e._costs, "value", 50))
    assert explorer.form.controls["fees"].value == 0.005
    assert np.array_equal(sharpes(explorer), table(0.005).table[:, 0, MEASURES.index("sharpe_ratio")])


def test_the_setting_moves_the_slider_of_costs():
    explorer = shown(lambda e: setattr(e.form.controls["fees"], "value", 0.002))
    assert explorer._costs.value == 20


def test_the_path_below_is_that_of_the_point_and_the_asset_looked_at():
    def look(explorer):
        explorer._outcome.view._series.value = 2
        explorer._pick(7)

    explorer = shown(look)
    expected = table(0.001, keep="equity")
    path = explorer._path.result
    assert path.axes["parameter"] == (expected.axes["parameter"][7],)
    assert path.axes["asset"] == (PRICES.columns[2],)
    np.testing.assert_allclose(path.equity[0, 0], expected.equity[7, 2], rtol=1e-12)
    held = explorer._path._path._held.data["y"]
    own = PRICES.iloc[:, 2].to_numpy()
    np.testing.assert_allclose([held[0], held[-1]], [1.0, own[-1] / own[0]], rtol=1e-12)


def test_sliders_and_taps_look_at_the_same_point():
    explorer = shown(lambda e: setattr(e._outcome.view._source.selected, "indices", [6]))
    assert explorer.point == 6
    assert [m.value for m in explorer._moves if m.visible] == [5.0, 60.0]
    explorer = shown(lambda e: e._pick(0), lambda e: setattr(e._moves[1], "value", 80.0))
    assert explorer.result.axes["parameter"][explorer.point] == "fast 2, slow 80"
    assert explorer._outcome.view._source.selected.indices == [explorer.point]


def test_the_point_looked_at_stays_when_costs_move_and_the_best_is_a_button_away():
    explorer = shown(lambda e: e._pick(11), lambda e: setattr(e._costs, "value", 30))
    assert explorer.point == 11
    explorer = shown(lambda e: e._pick(11), lambda e: e._best.param.trigger("clicks"))
    assert explorer.point == table(0.001).best[0]


def test_another_measure_is_drawn_without_another_run():
    explorer = shown(lambda e: setattr(e._measure, "value", "max_drawdown"))
    assert np.array_equal(sharpes(explorer), table(0.001).table[:, 0, MEASURES.index("max_drawdown")])


def test_luck_is_said_in_words():
    explorer = shown()
    expected = table(0.001)
    chance = expected.deflated_sharpe[expected.best[0], 0]
    words = explorer._outcome.view._words.object
    assert "the best of 12" in words
    assert f"{100 * chance:.0f} % sure to be more than luck (deflated Sharpe ratio)" in words
    assert "do not rely on it: it may be overfitted" in words


def test_a_refused_grid_says_so_and_what_was_there_stays():
    bad = {"fast": [90], "slow": [20]}
    explorer = shown(lambda e: setattr(e.form.controls["parameters"], "value", bad))
    assert explorer.job.state == "refused"
    assert explorer.result.table.shape == (12, 3, 12)


def test_portfolios_have_a_path_too():
    grid = {"window": [60, 120], "every": [21], "objective": ["equal_weight", "min_variance"]}
    explorer = shown(lambda e: e._pick(2), strategy="walk_forward", parameters=grid)
    assert explorer._path.result.axes["parameter"] == ("window 120, every 21, objective equal_weight",)
    assert [m.visible for m in explorer._moves] == [True, False, True]
    assert list(explorer._moves[2].options) == ["min variance", "equal weight"]


def test_a_link_brings_the_same_map_elsewhere():
    here = shown(prices="sp500_stocks", fees=0.002)
    link = parse_qs(here.link())["run"][0]
    there = shown(lambda e: e.follow(link))
    assert there._costs.value == 20
    assert np.array_equal(there.result.table, here.result.table)


@pytest.mark.parametrize(
    ("given", "start"),
    [
        ({}, "The sharpe ratio of 3 assets: the highest is "),
        ({"keep": "equity"}, "The sharpe ratio of 3 assets: the highest is "),
        ({"strategy": "momentum", "keep": "equity"}, "AAPL, lookback "),
        ({"strategy": "moving_average"}, "AAPL, fast "),
        ({"strategy": "walk_forward", "metrics": ["cagr"]}, "portfolio: cagr "),
    ],
)
def test_every_backtest_has_a_picture_and_words(given, start):
    picture = view(backtest(PRICES, **given))
    assert isinstance(picture, BacktestView)
    assert picture.summary(picture.result, 0).startswith(start)


def test_the_view_changes_in_place_from_map_to_bars():
    picture = view(table(0.001))
    picture.update(backtest(PRICES, strategy="momentum", keep="equity").to_numpy())
    assert list(picture._source.data["name"]) == [
        "lookback 63, threshold 0",
        "lookback 126, threshold 0",
        "lookback 252, threshold 0",
    ]
