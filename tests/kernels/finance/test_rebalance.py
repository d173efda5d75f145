"""Rebalancing: every policy against a second way to its answer, the laws of costs, and what is refused."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_kernels import InvalidInput, MixedArrays, run, sample
from prism_kernels.arrays import to_numpy
from prism_kernels.certificates import Evidence, certify
from prism_kernels.finance import allocate, rebalance
from prism_kernels.finance.no_trade_region import into_band
from prism_kernels.inputs import Portfolio

POLICIES = ("full", "threshold", "no_trade_region", "cost_aware")


def case(seed, count):
    """Return current and target weights and the covariance of a period."""
    rng = np.random.default_rng(seed)
    loads = rng.standard_normal((count, 2)) * 0.01
    covariance = loads @ loads.T + np.diag(rng.uniform(0.5, 3.0, count) * 1e-4)
    target = rng.dirichlet(np.full(count, 5.0))
    return _sums_to_one(target * np.exp(0.5 * rng.standard_normal(count))), target, covariance


def _sums_to_one(weights):
    return weights / weights.sum()


def utility(weights, target, covariance, aversion=1.0, horizon=252):
    apart = weights - target
    return -0.5 * aversion * horizon * apart @ covariance @ apart


def test_full_trades_to_the_target_and_each_field_says_what_it_is():
    weights, target, covariance = case(0, 5)
    found = rebalance(weights, target, covariance=covariance, transaction_costs=0.002, risk_aversion=3.0, horizon=63)
    np.testing.assert_array_equal(found.weights_before, weights)
    np.testing.assert_array_equal(found.target_weights, target)
    np.testing.assert_array_equal(found.weights_after, target)
    np.testing.assert_array_equal(found.trades, target - weights)
    np.testing.assert_array_equal(found.no_trade, np.stack([target, target], axis=1))
    moved = np.abs(target - weights).sum()
    assert found.turnover == pytest.approx(moved / 2, rel=1e-14)
    assert found.cost == pytest.approx(0.002 * moved, rel=1e-14)
    gained = -utility(weights, target, covariance, 3.0, 63) - 0.002 * moved
    assert found.utility_gain == pytest.approx(gained, rel=1e-12)
    assert found.orders is found.value is found.residual is found.duality_gap is None
    assert found.axes["asset"] == found.assets == tuple(f"asset {k}" for k in range(5))


def test_the_threshold_decides_between_all_and_nothing():
    weights, target = [0.56, 0.44], [0.5, 0.5]
    assert rebalance(weights, target, policy="threshold", threshold=0.06).turnover == 0
    found = rebalance(weights, target, policy="threshold", threshold=0.0599)
    np.testing.assert_array_equal(found.weights_after, target)
    np.testing.assert_allclose(found.no_trade, [[0.4401, 0.5599]] * 2, rtol=1e-14)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.001, 0.2))
def test_the_region_is_reached_by_the_least_turnover_and_as_near_to_the_target_as_that_leads(seed, count, width):
    weights, target, _ = case(seed, count)
    found = into_band(weights, target, width)
    assert found.sum() == pytest.approx(1, abs=1e-14)
    assert (np.abs(found - target) <= width + 1e-15).all()
    over = np.maximum(weights - target - width, 0).sum()
    under = np.maximum(target - width - weights, 0).sum()
    assert np.abs(found - weights).sum() / 2 == pytest.approx(max(over, under), abs=1e-14)


@pytest.mark.parametrize("seed", range(4))
def test_the_region_is_reached_where_a_program_in_two_stages_says(seed):
    import cvxpy as cp

    weights, target, _ = case(seed, 6)
    width, x = 0.03, cp.Variable(6)
    inside = [cp.sum(x) == 1, cp.abs(x - target) <= width]
    turnover = cp.norm1(x - weights)
    least = cp.Problem(cp.Minimize(turnover), inside).solve(solver=cp.CLARABEL)
    cp.Problem(cp.Minimize(cp.sum_squares(x - target)), [*inside, turnover <= least + 1e-9]).solve(solver=cp.CLARABEL)
    found = rebalance(weights, target, policy="no_trade_region", threshold=width)
    np.testing.assert_allclose(found.weights_after, x.value, atol=1e-5)


def test_nothing_is_traded_within_the_region():
    weights, target, _ = case(3, 4)
    found = rebalance(weights, target, policy="no_trade_region", threshold=0.9)
    assert not found.trades.any()


def by_clarabel(weights, target, covariance, cost, max_turnover=None, aversion=252.0):
    """Return the weights of most utility after costs, with purchases and sales as variables of their own."""
    import cvxpy as cp

    root = np.linalg.cholesky(covariance * aversion).T
    bought, sold = cp.Variable(len(weights), nonneg=True), cp.Variable(len(weights), nonneg=True)
    after = weights + bought - sold
    limits = [cp.sum(after) == 1, after >= 0]
    if max_turnover is not None:
        limits.append(cp.sum(bought + sold) <= 2 * max_turnover)
    scale = 1e4
    loss = 0.5 * cp.sum_squares(root @ (after - target)) + cost * cp.sum(bought + sold)
    options = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), 1e-12)
    cp.Problem(cp.Minimize(scale * loss), limits).solve(solver=cp.CLARABEL, **options)
    return after.value


@pytest.mark.parametrize("count", [2, 5, 20])
@pytest.mark.parametrize("cost", [0.0001, 0.0005, 0.002])
@pytest.mark.parametrize("max_turnover", [None, 0.05])
def test_cost_aware_finds_what_clarabel_finds(count, cost, max_turnover):
    weights, target, covariance = case(count, count)
    found = rebalance(
        weights,
        target,
        covariance=covariance,
        policy="cost_aware",
        transaction_costs=cost,
        max_turnover=max_turnover,
    )
    expected = by_clarabel(weights, target, covariance, cost, max_turnover)
    np.testing.assert_allclose(found.weights_after, expected, atol=1e-7)
    assert found.residual <= 1e-9
    assert found.duality_gap <= 1e-9
    assert found.turnover <= (max_turnover or 1) + 1e-12


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 8), st.floats(1e-5, 0.01))
def test_cost_aware_gains_most_of_all_policies_and_never_less_than_nothing(seed, count, cost):
    weights, target, covariance = case(seed, count)
    gains = {
        policy: rebalance(
            weights, target, covariance=covariance, policy=policy, transaction_costs=cost, threshold=0.02
        ).utility_gain
        for policy in POLICIES
    }
    assert gains["cost_aware"] >= max(0.0, *gains.values()) - 1e-12


@given(st.integers(0, 10_000), st.integers(2, 8))
def test_no_cost_leads_to_the_target_and_a_huge_cost_to_no_trade(seed, count):
    weights, target, covariance = case(seed, count)
    free = rebalance(weights, target, covariance=covariance, policy="cost_aware")
    np.testing.assert_array_equal(free.weights_after, target)
    dear = rebalance(weights, target, covariance=covariance, policy="cost_aware", transaction_costs=0.9)
    np.testing.assert_array_equal(dear.weights_after, weights)
    assert (dear.turnover, dear.cost, dear.utility_gain) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("wanted", [0.2, 0.0])
def test_the_region_of_cost_aware_is_where_it_starts_to_trade(seed, wanted):
    _, target, covariance = case(seed, 5)
    target = np.append((1 - wanted) * _sums_to_one(target[:4]), wanted)
    settings_ = {"covariance": covariance, "policy": "cost_aware", "transaction_costs": 0.0005}
    region = rebalance(0.9 * target + 0.1 * np.eye(5)[4], target, **settings_).no_trade
    for asset in range(5) if wanted else [4]:
        way = np.eye(5)[asset] - target
        for end in set(region[asset]) - {0.0, 1.0}:
            reach = (end - target[asset]) / way[asset]
            assert rebalance(target + 0.999 * reach * way, target, **settings_).turnover == 0
            assert rebalance(target + 1.01 * reach * way, target, **settings_).turnover > 0


@pytest.mark.parametrize("policy", ["full", "threshold", "no_trade_region"])
def test_trades_are_cut_short_by_the_largest_turnover(policy):
    weights, target = np.array([0.8, 0.1, 0.1]), np.array([0.2, 0.4, 0.4])
    free = rebalance(weights, target, policy=policy, threshold=0.05)
    found = rebalance(weights, target, policy=policy, threshold=0.05, max_turnover=0.1)
    assert found.turnover == pytest.approx(0.1, rel=1e-14)
    np.testing.assert_allclose(found.trades, free.trades * 0.1 / free.turnover, rtol=1e-13)
    assert found.warnings == (f"max_turnover cut the trades short: all of them would turn over {free.turnover:.4g}",)


def test_shares_are_valued_by_the_latest_prices_and_come_back_as_orders():
    prices = {"A": [1.0, 10.0], "B": [1.0, 20.0], "C": [1.0, 5.0]}
    found = rebalance({"A": 30, "B": 35}, {"A": 0.5, "C": 0.5}, prices=prices)
    assert found.value == 1000.0
    np.testing.assert_allclose(found.weights_before, [0.3, 0.7, 0.0], rtol=1e-15)
    np.testing.assert_allclose(found.orders, [20.0, -35.0, 100.0], rtol=1e-13)
    assert found.utility_gain is None
    frame = found.to_frame()
    assert frame["asset"].tolist() == ["A", "B", "C"]
    assert list(frame.columns) == [
        *("asset", "weights_before", "target_weights", "weights_after", "trades", "orders"),
        *("no_trade_from", "no_trade_to"),
    ]


def test_assets_that_are_neither_held_nor_wanted_are_left_alone():
    prices = {"A": [1.0, 10.0], "B": [1.0, 20.0], "C": [1.0, np.nan]}
    assert rebalance({"A": 3, "B": 1}, {"A": 0.5, "B": 0.5}, prices=prices).assets == ("A", "B")


def test_the_covariance_of_the_prices_is_that_of_their_returns():
    prices, weights = sample("factor_etfs"), sample("factor_etfs_equal")
    covariance = prices.pct_change().iloc[1:].cov()
    held = sample("factor_etfs_held")
    given_ = {"policy": "cost_aware", "transaction_costs": 1e-4, "prices": prices}
    one = rebalance(held, weights, **given_)
    other = rebalance(held, weights, **given_, covariance=covariance.iloc[::-1, ::-1])
    np.testing.assert_allclose(one.weights_after, other.weights_after, atol=1e-10)
    assert one.utility_gain == pytest.approx(other.utility_gain, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(POLICIES))
def test_permuting_assets_permutes_the_trades(seed, policy):
    weights, target, covariance = case(seed, 5)
    order = np.random.default_rng(seed).permutation(5)
    given_ = {"policy": policy, "transaction_costs": 0.0005, "threshold": 0.03}
    base = rebalance(weights, target, covariance=covariance, **given_)
    moved = rebalance(weights[order], target[order], covariance=covariance[np.ix_(order, order)], **given_)
    np.testing.assert_allclose(moved.trades, base.trades[order], atol=1e-9)
    np.testing.assert_allclose(moved.no_trade, base.no_trade[order], rtol=1e-9, atol=1e-12)


def test_arrays_come_back_in_the_callers_library(on):
    weights, target, covariance = case(1, 4)
    for policy in POLICIES:
        given_ = {"policy": policy, "transaction_costs": 0.0005}
        found = rebalance(on(weights), on(target), covariance=on(covariance), **given_)
        plain = rebalance(weights, target, covariance=covariance, **given_)
        for name in found.dimensions():
            if getattr(found, name) is not None:
                assert on.owns(getattr(found, name)), name
                np.testing.assert_array_equal(to_numpy(getattr(found, name)), getattr(plain, name))


def test_arrays_of_two_libraries_are_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(MixedArrays, match="convert one of them"):
        rebalance(np.array([0.5, 0.5]), torch.asarray([0.5, 0.5]))


@pytest.mark.parametrize(
    ("given_", "unit"),
    [
        ({"A": 0.4, "B": 0.6}, "weights"),
        ({"A": 4, "B": 6}, "shares"),
        ([0.25, 0.75], "weights"),
        (pd.Series([1.0], index=["A"], name="shares"), "shares"),
        (pd.DataFrame({"asset": ["A", "B"], "weight": [0.4, 0.5]}), "weights"),
        (pd.DataFrame({"asset": ["A", "B"], "quantity": [0.5, 0.5]}), "shares"),
        (sample("factor_etfs_held"), "shares"),
        (sample("factor_etfs_equal"), "weights"),
        ("A=12, B=3", "shares"),
    ],
)
def test_a_portfolio_is_read_as_weights_or_shares(given_, unit):
    assert Portfolio.of(given_).unit == unit


def test_a_result_can_be_given_as_the_portfolio():
    prices = {"A": [10.0, 11.0], "B": [20.0, 20.0]}
    bought = allocate({"A": 0.5, "B": 0.5}, prices, capital=400.0)
    assert Portfolio.of(bought).unit == "shares"
    back = rebalance(bought, {"A": 0.5, "B": 0.5}, prices=prices)
    assert Portfolio.of(back).unit == "weights"
    assert rebalance(back, {"A": 0.5, "B": 0.5}).turnover == 0


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        (
            {"portfolio": {"A": 30, "B": 7}},
            "portfolio adds up to 37, so it counts shares, and shares need prices; give prices, or weights that add up "
            "to 1",
        ),
        (
            {"target": {"A": 0.5, "B": 0.4}},
            "target adds up to 0.9, and the budget is 1; scale them, or give cash a row of its own",
        ),
        (
            {"policy": "cost_aware"},
            "policy 'cost_aware' weighs costs against risk, and there are no prices; give covariance, or more prices",
        ),
        (
            {"policy": "cost_aware", "prices": {"A": [1.0], "B": [2.0]}},
            "policy 'cost_aware' weighs costs against risk, and there are 1 period of prices; give covariance, or more "
            "prices",
        ),
        (
            {"portfolio": {"A": 3, "B": 1}, "prices": {"A": [1.0, np.nan], "B": [1.0, 2.0]}},
            "prices has no price of A at period 1, the latest period; fill it, or give prices up to an earlier one",
        ),
        (
            {"portfolio": {"A": 3, "B": -4}, "prices": {"A": [1.0], "B": [2.0]}},
            "portfolio is worth -5, and weights are shares of what it is worth; hold more than is owed",
        ),
        (
            {"covariance": pd.DataFrame([[1.0]], index=["A"], columns=["A"])},
            "covariance has no row for B, which is held or a target; add one",
        ),
        (
            {"covariance": [[1.0, 2.0], [2.0, 1.0]]},
            "covariance is not positive semidefinite: its least eigenvalue is -1; correct it, or replace it by the "
            "nearest one that is",
        ),
        ({"threshold": 5.0}, "threshold must be a number from 0 to 1, and 5.0 was given"),
    ],
)
def test_what_cannot_be_rebalanced_is_refused_in_a_sentence(given_, sentence):
    good = {"portfolio": {"A": 0.6, "B": 0.4}, "target": {"A": 0.5, "B": 0.5}}
    with pytest.raises(InvalidInput) as refused:
        rebalance(**{**good, **given_})
    assert str(refused.value).startswith(sentence)


def evidence_of(made):
    result = made.result.to_numpy()
    return Evidence(
        fields=result.fields(),
        axes=result.axes,
        warnings=result.warnings,
        data=made.provenance.inputs,
        settings=made.provenance.settings,
    )


def failed(evidence):
    return [check.name for check in certify("finance.rebalance", evidence) if not check.agrees]


def a_rebalancing(policy, **settings_):
    data = {"portfolio": sample("sp500_stocks_held"), "target": sample("sp500_stocks_equal")}
    given_ = {"policy": policy, "transaction_costs": 0.0005, "threshold": 0.02, **settings_}
    return evidence_of(run("finance.rebalance", **data, prices=sample("sp500_stocks"), **given_))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("settings_", [{}, {"max_turnover": 0.05}, {"threshold": 0.5, "transaction_costs": 0.05}])
def test_rebalancings_of_every_kind_are_certified(policy, settings_):
    assert failed(a_rebalancing(policy, **settings_)) == []


def test_a_rebalancing_of_weights_without_names_is_certified():
    weights, target, covariance = case(0, 4)
    given_ = {"policy": "cost_aware", "transaction_costs": 0.0005, "covariance": covariance}
    assert failed(evidence_of(run("finance.rebalance", portfolio=weights, target=target, **given_))) == []


FIELDS = ("trades", "weights_before", "target_weights", "weights_after", "orders")


@pytest.mark.parametrize("field", [*FIELDS, "turnover", "cost", "utility_gain", "value"])
def test_a_wrong_number_is_caught(field):
    right = a_rebalancing("no_trade_region")
    value = np.array(right[field], dtype=float)
    wrong = value + 1e-4 * max(1.0, float(np.abs(value).max())) * (np.arange(value.size).reshape(value.shape) == 0)
    assert failed(dataclasses.replace(right, fields={**right.fields, field: wrong})), field


def test_trades_that_are_not_the_best_are_caught_though_their_numbers_fit_together():
    aware, full = a_rebalancing("cost_aware"), a_rebalancing("full")
    wrong = dataclasses.replace(aware, fields={**full.fields})
    assert failed(wrong) == ["no further trade is worth its cost"]
    assert failed(dataclasses.replace(full, fields={**aware.fields})) == ["weights reach the target"]


def test_few_periods_name_only_ways_out_that_a_rebalance_has():
    prices = sample("sp500_stocks").iloc[-5:, :6]
    held = dict.fromkeys(prices.columns, 1.0)
    target = dict.fromkeys(prices.columns, 1 / 6)
    found = rebalance(held, target, prices=prices, policy="cost_aware")
    assert found.warnings == (
        "prices has 4 periods for 6 assets, so their sample covariance is singular; give covariance, or prices of more "
        "periods",
    )
    gap = sample("sp500_stocks").iloc[-100:, :6].copy()
    gap.iloc[3, 2] = np.nan
    with pytest.raises(InvalidInput) as refused:
        rebalance(held, target, prices=gap, policy="cost_aware")
    assert str(refused.value).endswith("; fill it")
    low = gap.fillna(-1.0)
    for call in (lambda: rebalance(held, target, prices=low), lambda: allocate(target, low, capital=10.0)):
        with pytest.raises(InvalidInput) as refused:
            call()
        assert str(refused.value).endswith("and a price is above zero; correct it")
