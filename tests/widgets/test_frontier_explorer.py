"""The frontier's own explorer: the limit moves it, corners are compared and pinned, scenarios are suffered."""

import asyncio

import numpy as np
import pytest

from prism_kernels.finance import Scenario, optimize, risk
from prism_kernels.inputs import Returns
from prism_widgets.frontier_explorer import FrontierExplorer
from prism_widgets.frontier_view import FrontierView, Portfolio

LETTERS = ("ALPHA", "BETA", "GAMMA", "DELTA", "EPSILON")


def market(count=5, periods=250):
    import pandas as pd

    rng = np.random.default_rng(7)
    common = rng.normal(2e-3, 0.008, (periods, 1))
    matrix = common + rng.normal(np.linspace(0, 1e-3, count), np.linspace(0.004, 0.02, count), (periods, count))
    return pd.DataFrame(matrix, columns=list(LETTERS[:count]))


RETURNS = market()


def on_page(work, **first):
    """Run an explorer, then something with it, as a page would; return the explorer."""

    async def all_of_it():
        explorer = FrontierExplorer(RETURNS, **first)
        await explorer.start()
        assert explorer.job.state == "done", explorer.job.error
        await work(explorer)
        return explorer

    return asyncio.run(all_of_it())


async def nothing(explorer):
    await asyncio.sleep(0.3)


async def until(holds):
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not come to hold")


@pytest.fixture(scope="module")
def explorer():
    return on_page(nothing)


def expected(**settings):
    return optimize(Returns.of(RETURNS), frontier_points=60, **settings)


def test_the_frontier_and_its_corners_are_drawn(explorer):
    view, frontier = explorer._outcome.view, expected().frontier
    assert isinstance(view, FrontierView)
    corners = view._corners.data
    np.testing.assert_allclose(corners["x"], frontier.corner_volatilities)
    np.testing.assert_allclose(corners["y"], frontier.corner_returns)
    assert set(frontier.volatilities) <= set(view._line.data["x"])
    assert (np.diff(view._line.data["y"]) >= 0).all()


def test_a_hovered_corner_names_its_largest_weights(explorer):
    corners, frontier = explorer._outcome.view._corners.data, expected().frontier
    last = int(np.argmax(frontier.corners[-1]))
    assert corners["weights"][-1] == f"{LETTERS[last]} 100.0 %"
    first = np.argsort(-frontier.corners[0])
    assert corners["weights"][0].startswith(f"{LETTERS[first[0]]} {100 * frontier.corners[0][first[0]]:.1f} %, ")


def test_the_best_portfolio_stands_beside_the_corner_that_is_looked_at(explorer):
    best, corner = explorer.compared()
    found = expected()
    assert best.name == "Best: max sharpe"
    np.testing.assert_allclose(best.weights, found.weights)
    np.testing.assert_allclose(best.shares, found.risk_contributions / found.volatility)
    assert best.shares.sum() == pytest.approx(1)
    assert corner.name == f"Corner 1 of {len(found.frontier.corners)}"
    np.testing.assert_allclose(corner.weights, found.frontier.corners[0])
    np.testing.assert_allclose(corner.contributions, found.frontier.corner_contributions[0])
    assert (corner.expected_return, corner.volatility) == (
        pytest.approx(found.frontier.corner_returns[0]),
        pytest.approx(found.frontier.corner_volatilities[0]),
    )


def test_bars_show_the_weights_and_the_risk_of_each(explorer):
    bars, portfolios = explorer._comparison._bars, explorer.compared()
    for field in ("weights", "shares"):
        data = bars[field].data
        drawn = dict(zip(zip(data["name"], data["asset"], strict=True), data["top"], strict=True))
        for one in portfolios:
            for asset, value in zip(LETTERS, getattr(one, field), strict=True):
                assert drawn[(one.name, asset)] == pytest.approx(value)


def test_the_table_says_what_the_bars_show(explorer):
    table = explorer._comparison.table.object
    best, corner = explorer.compared()
    for one in (best, corner):
        assert one.name in table
        assert f"{100 * one.volatility:.1f} %" in table
        assert f"{100 * one.weights[0]:.1f} % · {100 * one.shares[0]:.1f} %" in table


def test_moving_the_largest_weight_moves_the_frontier_and_nothing_echoes():
    async def move(explorer):
        explorer.live = True
        heard = []
        explorer._limit.param.watch(lambda event: heard.append(event.new), "value")
        explorer._limit.value = 0.35000000000000003
        await until(lambda: explorer.job.outcome.run.given.get("weight_bounds") == (0.0, 0.35))
        await asyncio.sleep(0.3)
        assert heard == [0.35000000000000003]

    explorer = on_page(move)
    np.testing.assert_allclose(explorer.result.frontier.corners, expected(weight_bounds=(0.0, 0.35)).frontier.corners)
    assert explorer.result.frontier.corners.max() <= 0.35 + 1e-12


def test_a_typed_largest_weight_moves_the_slider():
    async def typed(explorer):
        explorer.form.set(weight_bounds=(0.0, 0.4))
        assert explorer._limit.value == 0.4
        explorer.form.set(weight_bounds=(0.0, 1.5))
        assert (explorer._limit.value, explorer._limit.end) == (1.5, 1.5)

    on_page(typed)


def test_the_slider_begins_where_the_limit_can_be_met(explorer):
    assert explorer._limit.start == 0.2  # five assets


def test_pinned_portfolios_stay_while_the_frontier_moves_and_leave_when_told():
    async def pin(explorer):
        explorer._corner.value = 2
        explorer._pin_it()
        before = explorer.compared()[2]
        explorer.form.set(weight_bounds=(0.0, 0.5))
        await explorer.start()
        await asyncio.sleep(0.3)
        after = explorer.compared()
        assert [p.name for p in after][2] == before.name
        np.testing.assert_array_equal(after[2].weights, before.weights)
        assert next(iter(explorer._outcome.view._chosen.data["name"])) == before.name
        assert not explorer._unpin.disabled
        explorer._unpin_all()
        assert len(explorer.compared()) == 2

    explorer = on_page(pin)
    assert "A: corner 2 of" not in explorer._comparison.table.object


def test_there_is_room_for_four_pins_and_it_says_so():
    async def pin(explorer):
        for place in range(1, 7):
            explorer._corner.value = min(place, 4)
            explorer._pin_it()
        await asyncio.sleep(0.3)

    explorer = on_page(pin)
    assert len(explorer.compared()) == 6
    assert explorer._pin.disabled
    assert "4 are pinned, which is all there is room for." in explorer._said.object


def test_scenarios_cost_what_the_risk_operation_says():
    scenarios = (Scenario(name="crash", change=-0.3), Scenario(name="alpha falls", asset="ALPHA", change=-0.5))

    async def stress(explorer):
        explorer._beside.open("Stress")
        explorer._scenarios.value = scenarios
        await until(lambda: "alpha falls" in (explorer._losses.object or ""))

    explorer = on_page(stress)
    for one in explorer.compared():
        weights = dict(zip(one.assets, one.weights, strict=True))
        losses = risk(RETURNS, weights, scenarios=scenarios).stress
        assert f"{100 * losses[0].loss:.1f} %" in explorer._losses.object
        assert losses[1].loss == pytest.approx(0.5 * one.weights[0])
        assert f"{100 * losses[1].loss:.1f} %" in explorer._losses.object


def test_a_scenario_of_an_unknown_asset_is_refused_beside_it():
    async def stress(explorer):
        explorer._beside.open("Stress")
        explorer._scenarios.value = (Scenario(name="crash", asset="ALPA", change=-0.3),)
        await until(lambda: explorer._stress_job.state == "refused")
        await asyncio.sleep(0.1)

    explorer = on_page(stress)
    assert "did you mean 'ALPHA'?" in str(explorer._stress_job.error)
    assert "did you mean" in explorer._scenarios._note._pane.object
    assert explorer._losses.object == ""


def test_a_limit_that_cannot_be_met_is_refused_and_the_last_frontier_stays():
    async def refused(explorer):
        explorer.form.set(weight_bounds=(0.0, 0.1))
        await explorer.start()

    explorer = on_page(refused)
    assert explorer.job.state == "refused"
    assert "5 assets × max 0.1 = 0.50 < budget 1" in str(explorer.job.error)
    assert explorer.result.frontier is not None


def test_without_a_frontier_the_best_portfolio_stands_alone():
    explorer = on_page(nothing, frontier_points=0)
    assert [p.name for p in explorer.compared()] == ["Best: max sharpe"]
    assert list(explorer._outcome.view._corners.data["x"]) == []
    assert explorer._corner.disabled


def test_a_link_carries_the_limit():
    explorer = FrontierExplorer("sp500_stocks", weight_bounds=(0.0, 0.3))
    link = explorer.link()
    assert "0.3" in link
    assert "sp500_stocks" in link


def test_a_portfolio_without_volatility_has_no_shares_of_it():
    zeros = np.zeros(2)
    one = Portfolio(
        name="cash", assets=("a", "b"), weights=np.array([1.0, 0.0]), contributions=zeros, expected_return=0.0,
        volatility=0.0,
    )  # fmt: skip
    assert one.shares.tolist() == [0.0, 0.0]


def test_a_limit_that_the_line_does_not_know_is_said_below_it():
    given = {"previous_weights": "ALPHA=1", "max_turnover": 0.1}

    async def limited(explorer):
        explorer.pickers["previous_weights"].pick(given["previous_weights"])
        explorer.form.controls["max_turnover"].value = given["max_turnover"]
        await explorer.start()

    shown = on_page(limited)
    assert shown.result.frontier.ignores == ("max_turnover",)
    said = "It does not know max_turnover, with which the best portfolio may lie below it"
    assert said in shown._outcome.view.summary(shown.result, 0)
    plain = on_page(nothing)
    assert "does not know" not in plain._outcome.view.summary(plain.result, 0)
