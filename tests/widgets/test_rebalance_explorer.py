"""The explorer of rebalancings: its picture, the policies beside each other, the best of every turnover, the orders."""

import asyncio
import io

import numpy as np
import pandas as pd
import pytest

from prism_kernels import sample
from prism_kernels.finance import allocate, rebalance
from prism_widgets.acting_view import basis_points
from prism_widgets.rebalance_explorer import RebalanceExplorer
from prism_widgets.views import view_for

DATA = ("factor_etfs_held", "factor_etfs_equal", "factor_etfs")
POLICIES = ("full", "threshold", "no_trade_region", "cost_aware")


async def settled(explorer):
    for _ in range(600):
        await asyncio.sleep(0.02)
        done = explorer.job.state in ("done", "refused") and explorer._beside.state != "running"
        counted = explorer._allocation is not None or not explorer._whole.value
        if done and counted and (explorer._curve is not None or explorer.result.utility_gain is None):
            break
    await asyncio.sleep(0.1)


def shown(*data, then=None, **settings):
    """Run an explorer and everything beside the rebalancing, as a page would."""

    async def all_of_it():
        explorer = RebalanceExplorer(*(data or DATA), **{"live": False, "risk_aversion": 50.0, **settings})
        await explorer.start()
        await settled(explorer)
        if then is not None:
            then(explorer)
            await explorer.start()
            await settled(explorer)
        return explorer

    return asyncio.run(all_of_it())


def expected(**settings):
    portfolio, target, prices = map(sample, DATA)
    given = {"policy": "cost_aware", "threshold": 0.02, "transaction_costs": 0.001, "risk_aversion": 50.0, **settings}
    return rebalance(portfolio, target, prices=prices, **given)


@pytest.fixture(scope="module")
def explorer():
    return shown()


def test_the_picture_shows_drift_target_and_the_region_without_trades(explorer):
    drawn, found = explorer._outcome.view._source.data, expected()
    np.testing.assert_array_equal(drawn["before"], found.weights_before)
    np.testing.assert_array_equal(drawn["target"], found.target_weights)
    np.testing.assert_array_equal(drawn["after"], found.weights_after)
    np.testing.assert_array_equal(np.stack([drawn["low"], drawn["high"]], axis=1), found.no_trade)
    assert "Orders" in explorer._outcome.view._table.object


def test_every_policy_stands_beside_the_one_on_screen(explorer):
    for policy in POLICIES:
        found, drawn = expected(policy=policy), explorer._acting._points[policy].data
        assert drawn["x"] == [pytest.approx(found.turnover)]
        assert drawn["y"] == [pytest.approx(1e4 * (found.utility_gain + found.cost))]
        assert drawn["net"] == [pytest.approx(1e4 * found.utility_gain)]
        assert basis_points(found.utility_gain) in explorer._acting.table.object
    assert "cost aware (shown)" in explorer._acting.table.object
    assert "none of the others brings more" in explorer._acting._words.object


def test_the_best_of_every_turnover_rises_and_bends_and_no_policy_is_above_it(explorer):
    drawn = {n: np.asarray(v) for n, v in explorer._acting._most.data.items()}
    assert drawn["x"][0] == drawn["y"][0] == 0
    assert (np.diff(drawn["y"]) >= -1e-9).all()
    assert (np.diff(drawn["y"], 2) <= 1e-9).all()
    assert drawn["y"][-1] == pytest.approx(1e4 * (expected(policy="full").utility_gain + expected(policy="full").cost))
    for policy in POLICIES:
        found = expected(policy=policy)
        best = expected(transaction_costs=0.0, max_turnover=max(found.turnover, 1e-9)).utility_gain
        assert found.utility_gain + found.cost <= best + 1e-12
    paid = explorer._acting._cost.data
    np.testing.assert_allclose(paid["y"], 1e4 * 2 * 0.001 * np.asarray(paid["x"]))


def test_a_moved_slider_sets_the_setting_and_a_set_setting_moves_the_slider():
    def move(explorer):
        explorer._sliders["transaction_costs"].value = 0.25
        assert explorer.form.controls["transaction_costs"].value == 0.0025
        explorer.form.controls["threshold"].value = 0.1
        assert explorer._sliders["threshold"].value == 10.0

    explorer = shown(then=move)
    found = expected(transaction_costs=0.0025, threshold=0.1)
    np.testing.assert_array_equal(explorer.result.weights_after, found.weights_after)
    np.testing.assert_allclose(explorer._acting._cost.data["y"][-1], 1e4 * 2 * 0.0025 * explorer._curve[1][-1])


def test_the_orders_on_screen_can_be_had_as_csv(explorer):
    frame, found = pd.read_csv(io.BytesIO(explorer.orders())), expected().to_frame()
    found = found[found["trades"] != 0]
    assert frame["asset"].tolist() == found["asset"].tolist()
    np.testing.assert_allclose(frame["shares"], found["orders"], rtol=1e-12)
    np.testing.assert_allclose(frame["change_of_weight"], found["trades"], rtol=1e-12)


def test_orders_come_in_whole_shares_where_that_is_asked_for():
    def ask(explorer):
        explorer._whole.value = True

    explorer = shown(then=ask, transaction_costs=0.0005)
    after = expected(transaction_costs=0.0005)
    weights = dict(zip(after.assets, after.weights_after, strict=True))
    whole = allocate(weights, sample(DATA[2]), holdings=sample(DATA[0]), capital=0.0, fee_rate=0.0005)
    frame = pd.read_csv(io.BytesIO(explorer.orders()))
    assert (frame["shares"] == np.round(frame["shares"])).all()
    assert frame["shares"].tolist() == [t for t in whole.trades if t]
    assert f"{whole.leftover_cash:,.2f} stay in cash" in explorer._counted.object


def test_weights_without_prices_show_their_drift_and_nothing_that_needs_risk():
    explorer = shown({"A": 0.7, "B": 0.3}, {"A": 0.5, "B": 0.5}, None, policy="full")
    assert explorer.job.state == "done"
    assert explorer._whole.disabled
    assert not explorer._acting._layout.visible
    assert pd.read_csv(io.BytesIO(explorer.orders()))["asset"].tolist() == ["A", "B"]


def test_a_refusal_stands_where_it_belongs():
    async def refused():
        explorer = RebalanceExplorer({"A": 0.7, "B": 0.3}, {"A": 0.5, "B": 0.4}, None, live=False, policy="full")
        await explorer.start()
        return explorer

    explorer = asyncio.run(refused())
    assert explorer.job.state == "refused"
    assert "target adds up to 0.9" in explorer._card.object


def test_a_link_carries_what_is_on_screen(explorer):
    link = explorer.link()
    assert "sp500" not in link
    assert "factor_etfs_held" in link
    assert "cost_aware" in link


def test_nothing_to_trade_is_said():
    found = rebalance([0.5, 0.5], [0.5, 0.5])
    view = view_for(found)
    view.update(found)
    assert view.summary(view.result, 0).startswith("Nothing to trade;")
