"""``finance.optimize``: every objective against an oracle, every field from its definition, and laws."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_kernels import run, sample
from prism_kernels.arrays import to_numpy
from prism_kernels.finance import Costs, GroupBounds, Groups, Limits, View, optimize

YEAR = 252.0
_CLARABEL = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
NAMES = tuple("ABCDEFGH")
MEAN_VARIANCE = ("min_variance", "mean_variance", "max_sharpe", "max_return")


def returns_of(count=8, seed=0, periods=300):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(periods, 3)) @ rng.normal(size=(3, count))
    return 0.008 * (0.6 * common + rng.normal(size=(periods, count))) + 0.0004 * np.arange(count) / count


def frame_of(count=8, seed=0, periods=300):
    dates = pd.bdate_range("2020-01-01", periods=periods, name="date")
    return pd.DataFrame(returns_of(count, seed, periods), index=dates, columns=list(NAMES[:count]))


def gaining(count, seed, periods=300):
    """Return assets that all gained something."""
    frame = frame_of(count, seed, periods)
    return frame - frame.mean() + np.random.default_rng(seed).uniform(0.0001, 0.001, count)


def moments_of(frame):
    matrix = np.asarray(frame, dtype=float)
    return matrix.mean(axis=0) * YEAR, np.cov(matrix.T) * YEAR


def oracle(frame, objective, *, lower=0.0, upper=1.0, more=lambda cp, x, mean, root: [], cost=None, **settings):
    """Return the best value a year that Clarabel finds to 1e-12."""
    cp = pytest.importorskip("cvxpy")
    mean, covariance = moments_of(frame)
    root = np.linalg.cholesky(covariance).T
    x = cp.Variable(len(mean))
    spent = 0 if cost is None else cost(cp, x)
    kept = [cp.sum(x) == 1, x >= lower, x <= upper, *more(cp, x, mean, root)]
    aversion, rate = settings.get("risk_aversion", 1.0), settings.get("risk_free_rate", 0.0)
    goal = {
        "min_variance": lambda: cp.Minimize(cp.sum_squares(root @ x)),
        "mean_variance": lambda: cp.Maximize(mean @ x - spent - aversion / 2 * cp.sum_squares(root @ x)),
        "max_return": lambda: cp.Maximize(mean @ x - spent),
    }
    if objective == "max_sharpe":
        return homogenised(cp, mean, root, lower, upper, rate)
    problem = cp.Problem(goal[objective](), kept)
    problem.solve(solver="CLARABEL", **_CLARABEL)
    return problem.value


def homogenised(cp, mean, root, lower, upper, rate):
    """Return the largest Sharpe ratio by y = κ·x with (μ − r)'y = 1: 1 over the least deviation."""
    y, scale = cp.Variable(len(mean)), cp.Variable(nonneg=True)
    kept = [(mean - rate) @ y == 1, cp.sum(y) == scale, y >= lower * scale, y <= upper * scale]
    problem = cp.Problem(cp.Minimize(cp.sum_squares(root @ y)), kept)
    problem.solve(solver="CLARABEL", **_CLARABEL)
    return 1 / math.sqrt(problem.value)


def proven(found, tolerance=1e-9):
    assert found.status == "optimal", found.status
    assert found.residual <= tolerance
    assert 0 <= found.duality_gap <= 1e-8 * max(1.0, abs(found.objective_value))
    assert not found.warnings


@pytest.mark.parametrize("objective", MEAN_VARIANCE)
@pytest.mark.parametrize("bounds", [(0.0, 1.0), (0.05, 0.3), (-0.4, 0.8)])
def test_each_objective_reaches_the_value_that_clarabel_reaches(objective, bounds):
    frame = frame_of()
    found = optimize(frame, objective=objective, weight_bounds=bounds, risk_aversion=3.0, risk_free_rate=0.01)
    proven(found)
    more = {"risk_aversion": 3.0, "risk_free_rate": 0.01}
    value = oracle(frame, objective, lower=bounds[0], upper=bounds[1], **more)
    assert found.objective_value == pytest.approx(value, rel=1e-8)
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-14)
    assert ((found.weights >= bounds[0]) & (found.weights <= bounds[1])).all()


@pytest.mark.parametrize("objective", [*MEAN_VARIANCE, "risk_parity", "hrp", "min_cvar"])
def test_every_field_is_what_its_name_says(objective):
    frame = frame_of(seed=1)
    previous = dict(zip(NAMES, np.full(8, 0.125), strict=True))
    found = optimize(
        frame, objective=objective, level=0.9, risk_free_rate=0.02, previous_weights=previous, risk_aversion=2.0
    )
    mean, covariance = moments_of(frame)
    w = found.weights
    deviation = math.sqrt(w @ covariance @ w)
    assert found.assets == NAMES
    assert found.axes["asset"] == NAMES
    assert found.objective == objective
    assert found.expected_return == pytest.approx(mean @ w, rel=1e-12)
    assert found.volatility == pytest.approx(deviation, rel=1e-12)
    assert found.sharpe_ratio == pytest.approx((mean @ w - 0.02) / deviation, rel=1e-11)
    np.testing.assert_allclose(found.risk_contributions, w * (covariance @ w) / deviation, rtol=1e-11, atol=1e-15)
    assert found.risk_contributions.sum() == pytest.approx(found.volatility, rel=1e-12)
    assert found.diversification_ratio == pytest.approx(w @ np.sqrt(np.diag(covariance)) / deviation, rel=1e-12)
    losses = np.sort(-(frame.to_numpy() @ w))[::-1]
    assert found.value_at_risk == pytest.approx(losses[29], rel=1e-12)  # 30 of 300 losses are the worst tenth
    assert found.expected_shortfall == pytest.approx(losses[:30].mean(), rel=1e-12)
    assert found.turnover == pytest.approx(np.abs(w - 0.125).sum() / 2, abs=1e-15)
    assert found.trading_cost == 0.0
    value = {
        "min_variance": deviation**2,
        "mean_variance": mean @ w - deviation**2,
        "max_sharpe": found.sharpe_ratio,
        "max_return": mean @ w,
        "risk_parity": 1e-12,
        "hrp": deviation**2,
        "min_cvar": found.expected_shortfall,
    }[objective]
    assert found.objective_value == pytest.approx(value, rel=1e-10)
    assert found.iterations >= 0
    assert found.solver
    assert found.frontier is None
    proven(found)


def test_without_previous_weights_nothing_is_said_of_trading():
    found = optimize(frame_of(), objective="min_variance")
    assert found.turnover is None
    assert found.trading_cost is None


def test_without_bounds_the_best_sharpe_ratio_is_the_closed_form():
    frame = frame_of(seed=2)
    mean, covariance = moments_of(frame)
    found = optimize(frame, weight_bounds=(-50.0, 50.0))
    ratio = math.sqrt(mean @ np.linalg.solve(covariance, mean))  # √(μ'Σ⁻¹μ)
    assert found.sharpe_ratio == pytest.approx(ratio, rel=1e-10)
    proven(found)


@pytest.mark.parametrize("rate", [0.0, 0.03, -0.02])
def test_the_best_sharpe_ratio_is_found_where_the_calmest_portfolio_earns_less_than_the_rate(rate):
    frame = frame_of(seed=3) - 0.0003
    mean, _ = moments_of(frame)
    assert mean.max() > rate
    found = optimize(frame, risk_free_rate=rate)
    proven(found)
    assert found.objective_value == pytest.approx(oracle(frame, "max_sharpe", risk_free_rate=rate), rel=1e-8)


@pytest.mark.parametrize("objective", ["min_variance", "mean_variance", "max_sharpe"])
def test_a_target_return_is_kept_and_the_rest_is_best(objective):
    frame = frame_of(seed=4)
    mean, _ = moments_of(frame)
    target = float(0.2 * mean.min() + 0.8 * mean.max())
    found = optimize(frame, objective=objective, target_return=target)
    proven(found)
    assert found.expected_return >= target - 1e-12
    if objective != "max_sharpe":
        value = oracle(frame, objective, more=lambda cp, x, mean, root: [mean @ x >= target])
        assert found.objective_value == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize("objective", ["max_return", "mean_variance", "max_sharpe"])
def test_a_target_volatility_is_kept_and_the_rest_is_best(objective):
    frame = frame_of(seed=5)
    least = optimize(frame, objective="min_variance").volatility
    target = 1.02 * least
    found = optimize(frame, objective=objective, target_volatility=target, risk_aversion=0.01)
    proven(found)
    assert found.volatility == pytest.approx(target, rel=1e-12)
    if objective != "max_sharpe":
        more = lambda cp, x, mean, root: [cp.norm(root @ x) <= target]  # noqa: E731
        value = oracle(frame, objective, more=more, risk_aversion=0.01)
        assert found.objective_value == pytest.approx(value, rel=1e-8)


def test_a_target_volatility_that_is_not_felt_changes_nothing():
    frame = frame_of(seed=5)
    plain = optimize(frame, objective="max_return")
    found = optimize(frame, objective="max_return", target_volatility=2 * plain.volatility)
    np.testing.assert_array_equal(found.weights, plain.weights)


@pytest.mark.parametrize("objective", ["max_return", "mean_variance", "min_variance"])
def test_a_tracking_error_is_kept_and_the_rest_is_best(objective):
    frame = frame_of(seed=6)
    _, covariance = moments_of(frame)
    benchmark = np.array([0.3, 0.3, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0])
    given_benchmark = dict(zip(NAMES, benchmark, strict=True))
    found = optimize(frame, objective=objective, limits=Limits(tracking_error=0.02), benchmark_weights=given_benchmark)
    proven(found)
    apart = found.weights - benchmark
    assert math.sqrt(apart @ covariance @ apart) == pytest.approx(0.02, rel=1e-12)
    value = oracle(frame, objective, more=lambda cp, x, mean, root: [cp.norm(root @ (x - benchmark)) <= 0.02])
    assert found.objective_value == pytest.approx(value, rel=1e-8)


def test_tracking_error_and_volatility_hold_together():
    frame = frame_of(seed=7)
    benchmark = np.array([0.3, 0.3, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0])
    calm = optimize(frame, objective="min_variance").volatility
    most = 1.25 * calm
    limits = Limits(tracking_error=0.06)
    found = optimize(frame, objective="max_return", limits=limits, target_volatility=most, benchmark_weights=benchmark)
    more = lambda cp, x, mean, root: [cp.norm(root @ (x - benchmark)) <= 0.06, cp.norm(root @ x) <= most]  # noqa: E731
    assert found.objective_value == pytest.approx(oracle(frame, "max_return", more=more), rel=1e-8)
    proven(found)


def test_groups_keep_their_bounds_and_a_group_of_one_bounds_its_asset():
    frame = frame_of(seed=8)
    groups = (Groups("first", ("A", "B", "C")), Groups("last", ("H",)))
    bounds = (GroupBounds("first", 0.1, 0.2), GroupBounds("last", 0.0, 0.05))
    found = optimize(frame, objective="mean_variance", groups=groups, group_bounds=bounds, risk_aversion=0.5)
    proven(found)
    more = lambda cp, x, mean, root: [cp.sum(x[:3]) >= 0.1, cp.sum(x[:3]) <= 0.2, x[7] <= 0.05]  # noqa: E731
    value = oracle(frame, "mean_variance", more=more, risk_aversion=0.5)
    assert found.objective_value == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize("objective", ["mean_variance", "max_return"])
def test_costs_and_turnover_are_taken_off_the_return(objective):
    frame = frame_of(seed=9)
    previous = np.full(8, 0.125)
    costs = Costs(buying=0.01, selling=0.02)
    found = optimize(frame, objective=objective, transaction_costs=costs, max_turnover=0.3, previous_weights=previous)
    proven(found)

    def paid(cp, x):
        return 0.01 * cp.sum(cp.pos(x - previous)) + 0.02 * cp.sum(cp.neg(x - previous))

    more = lambda cp, x, mean, root: [cp.norm1(x - previous) <= 0.6]  # noqa: E731
    assert found.objective_value == pytest.approx(oracle(frame, objective, more=more, cost=paid), rel=1e-8)
    moved = found.weights - previous
    assert found.trading_cost == pytest.approx(0.01 * moved[moved > 0].sum() - 0.02 * moved[moved < 0].sum())
    assert found.turnover <= 0.3 + 1e-14


def test_one_number_costs_as_much_to_buy_as_to_sell():
    frame, previous = frame_of(seed=9), np.full(8, 0.125)
    one = optimize(frame, objective="mean_variance", transaction_costs=0.01, previous_weights=previous)
    two = optimize(frame, objective="mean_variance", transaction_costs=Costs(0.01, 0.01), previous_weights=previous)
    np.testing.assert_array_equal(one.weights, two.weights)


def test_the_best_sharpe_ratio_counts_costs_where_they_are():
    frame, previous = frame_of(seed=10), np.full(8, 0.125)
    free = optimize(frame, previous_weights=previous)
    dear = optimize(frame, previous_weights=previous, transaction_costs=0.05)
    proven(dear)
    net = (dear.expected_return - dear.trading_cost) / dear.volatility
    assert dear.objective_value == pytest.approx(net, rel=1e-10)
    assert dear.turnover < free.turnover
    assert net > (free.expected_return - 0.1 * free.turnover) / free.volatility


def test_gross_exposure_bounds_the_short_side():
    frame = frame_of(seed=11)
    settings = {"objective": "min_variance", "weight_bounds": (-1.0, 1.0)}
    found = optimize(frame, limits=Limits(gross_exposure=1.1), **settings)
    proven(found)
    assert np.abs(found.weights).sum() <= 1.1 + 1e-14
    more = lambda cp, x, mean, root: [cp.norm1(x) <= 1.1]  # noqa: E731
    assert found.objective_value == pytest.approx(oracle(frame, "min_variance", lower=-1, more=more), rel=1e-8)


def best_by_trying(frame, objective, most, least, **settings):
    """Return the best value over every choice of assets that are held."""
    values = []
    for size in range(1, most + 1):
        for held in itertools.combinations(range(frame.shape[1]), size):
            part = frame.iloc[:, list(held)]
            if size * least > 1:
                continue
            found = optimize(part, objective=objective, weight_bounds=(least, 1.0), **settings)
            values.append(found.objective_value)
    return min(values) if objective == "min_variance" else max(values)


@pytest.mark.parametrize("objective", ["min_variance", "mean_variance", "max_sharpe"])
@pytest.mark.parametrize(("most", "least"), [(2, 0.0), (3, 0.2), (6, 0.15)])
def test_few_positions_are_the_best_of_every_choice(objective, most, least):
    frame = gaining(6, seed=12)
    limits = Limits(max_positions=most, min_position=least or None)
    found = optimize(frame, objective=objective, limits=limits, risk_aversion=5.0)
    held = found.weights[found.weights > 1e-12]
    assert len(held) <= most
    assert (held >= least - 1e-12).all()
    assert found.objective_value == pytest.approx(
        best_by_trying(frame, objective, most, least, risk_aversion=5.0), rel=1e-9
    )
    assert found.status == "optimal"
    assert found.solver.startswith("branch and bound")


def test_a_search_that_is_cut_short_says_what_may_be_left(monkeypatch):
    from prism_kernels.finance import cardinality

    monkeypatch.setattr(cardinality, "_NODES", 5)
    frame = frame_of(seed=13)
    cut = optimize(frame, objective="min_variance", limits=Limits(max_positions=2))
    monkeypatch.setattr(cardinality, "_NODES", 4000)
    whole = optimize(frame, objective="min_variance", limits=Limits(max_positions=2))
    assert cut.status == "iteration limit"
    assert "search over positions" in cut.warnings[0]
    assert cut.objective_value - cut.duality_gap <= whole.objective_value <= cut.objective_value


def test_risk_parity_shares_risk_by_budget():
    frame = frame_of(seed=14)
    budget = np.array([0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
    found = optimize(frame, objective="risk_parity", risk_budget=dict(zip(NAMES, budget, strict=True)))
    np.testing.assert_allclose(found.risk_contributions / found.volatility, budget, atol=1e-10)
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-14)
    proven(found)


def test_the_least_shortfall_is_that_of_the_linear_program():
    from scipy.optimize import linprog

    frame = frame_of(5, seed=15, periods=120)
    matrix = frame.to_numpy()
    periods, count = matrix.shape
    tail = periods * (1 - 0.9)  # min ζ + Σ u / tail with u ≥ −r'w − ζ, u ≥ 0
    rows = np.hstack([-matrix, -np.ones((periods, 1)), -np.eye(periods)])
    budget = np.hstack([np.ones(count), np.zeros(periods + 1)])[None]
    bounds = [(0, 1)] * count + [(None, None)] + [(0, None)] * periods
    goal = np.hstack([np.zeros(count), 1.0, np.full(periods, 1 / tail)])
    value = linprog(goal, rows, np.zeros(periods), budget, [1.0], bounds, method="highs").fun
    found = optimize(frame, objective="min_cvar", level=0.9)
    assert found.objective_value == pytest.approx(value, rel=1e-8)
    assert found.expected_shortfall == pytest.approx(value, rel=1e-8)


def test_without_views_the_market_is_what_black_and_litterman_hold():
    frame = frame_of(seed=16)
    market = np.random.default_rng(0).dirichlet(np.ones(8))
    found = optimize(frame, objective="black_litterman", market_weights=market, risk_aversion=2.5, tau=0.05)
    free = market / 1.05  # of Σ(1 + τ): the market, scaled down, and the budget spread by least variance
    _, covariance = moments_of(frame)
    calm = np.linalg.solve(covariance, np.ones(8))
    expected = free + (1 - free.sum()) * calm / calm.sum()
    assert (expected >= 0).all(), "the closed form is without bounds; choose another market"
    np.testing.assert_allclose(found.weights, expected, atol=1e-10)
    proven(found)
    bold = optimize(
        frame,
        objective="black_litterman",
        market_weights=market,
        risk_aversion=2.5,
        views=(View(("A",), 0.5, over=("B",), confidence=0.9),),
    )
    assert bold.weights[0] > found.weights[0]
    assert bold.weights[1] <= found.weights[1]


def test_given_moments_take_the_place_of_the_estimates():
    frame = frame_of(4, seed=17)
    mean = np.array([1.0, 2.0, 3.0, 4.0]) / 1e4
    covariance = np.diag([1.0, 4.0, 9.0, 16.0]) / 1e4
    given_mean = dict(zip(NAMES[:4], mean, strict=True))
    labelled = pd.DataFrame(covariance, index=list(NAMES[:4]), columns=list(NAMES[:4])).iloc[::-1, ::-1]
    found = optimize(frame, expected_returns=given_mean, covariance=labelled)
    inverse = np.array([1.0, 0.5, 1 / 3, 0.25])  # w ∝ Σ⁻¹μ
    np.testing.assert_allclose(found.weights, inverse / inverse.sum(), rtol=1e-12)
    calm = optimize(frame, objective="min_variance", covariance=covariance)
    inverse = 1 / np.array([1.0, 4.0, 9.0, 16.0])
    np.testing.assert_allclose(calm.weights, inverse / inverse.sum(), rtol=1e-12)


def test_the_frontier_comes_along_and_holds_the_best_portfolios():
    frame = frame_of(seed=18)
    found = optimize(frame, frontier_points=25)
    mean, covariance = moments_of(frame)
    f = found.frontier
    assert f.weights.shape == (25, 8)
    np.testing.assert_allclose(f.returns, f.weights @ mean, rtol=1e-12)
    deviations = np.sqrt(np.einsum("ij,jk,ik->i", f.weights, covariance, f.weights))
    np.testing.assert_allclose(f.volatilities, deviations, rtol=1e-10)
    np.testing.assert_allclose(f.corner_returns, f.corners @ mean, rtol=1e-12)
    spread = np.einsum("ij,jk,ik->i", f.corners, covariance, f.corners)
    np.testing.assert_allclose(f.corner_volatilities, np.sqrt(spread), rtol=1e-10)
    ratios = f.corners @ mean / np.sqrt(np.einsum("ij,jk,ik->i", f.corners, covariance, f.corners))
    assert ratios.max() <= found.sharpe_ratio * (1 + 1e-12)
    calm = optimize(frame, objective="min_variance")
    np.testing.assert_allclose(f.weights[0], calm.weights, atol=1e-10)
    assert isinstance(found.to_numpy().frontier.returns, np.ndarray)


def test_weights_come_back_where_returns_live(on):
    matrix = returns_of()
    plain = optimize(matrix, frontier_points=3)
    found = optimize(on(matrix), frontier_points=3)
    for value in (found.weights, found.risk_contributions, found.frontier.weights, found.frontier.corners):
        assert on.owns(value)
    np.testing.assert_array_equal(to_numpy(found.weights), plain.weights)
    assert found.assets == plain.assets


def test_prices_give_the_portfolio_of_their_returns():
    prices = sample("sp500_stocks").iloc[-500:]
    one = optimize(prices, objective="min_variance")
    two = optimize(prices.pct_change().iloc[1:], objective="min_variance")
    np.testing.assert_allclose(one.weights, two.weights, atol=1e-12)
    assert one.assets == tuple(prices.columns)
    frame = one.to_frame()
    assert list(frame["asset"]) == list(prices.columns)
    assert {"weights", "risk_contributions"} <= set(frame.columns)


def test_weights_of_one_run_are_the_previous_ones_of_the_next():
    frame = frame_of(seed=19)
    first = optimize(frame.iloc[:150], objective="min_variance")
    second = optimize(frame, objective="min_variance", previous_weights=first, max_turnover=0.05)
    assert second.turnover <= 0.05 + 1e-14
    proven(second)


def test_assets_with_gaps_are_left_out_where_that_is_asked_for():
    frame = frame_of(seed=20)
    frame.iloc[3, 2] = np.nan
    fewer = optimize(frame, objective="min_variance", missing="drop_assets")
    assert "C" not in fewer.assets
    assert any("left out C" in w for w in fewer.warnings)
    shorter = optimize(frame, objective="min_variance", missing="intersect")
    assert shorter.assets == NAMES
    assert any("left out 1 of 300 periods" in w for w in shorter.warnings)


def test_cash_may_be_constant_and_a_portfolio_of_it_has_no_sharpe_ratio():
    frame = frame_of(3, seed=21)
    frame["cash"] = 0.0
    found = optimize(frame, objective="min_variance", cash="cash")
    np.testing.assert_allclose(found.weights, [0, 0, 0, 1], atol=1e-12)
    assert math.isnan(found.sharpe_ratio)
    assert math.isnan(found.diversification_ratio)
    assert "no volatility" in found.warnings[-1]


def test_a_covariance_is_repaired_only_where_that_is_asked_for_and_said():
    frame = frame_of(3, seed=22)
    bad = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]) / 1e4
    found = optimize(frame, objective="min_variance", covariance=bad, repair=True)
    assert any("repaired" in w for w in found.warnings)


def test_fewer_periods_than_assets_are_taken_where_it_does_not_matter_with_a_warning():
    found = optimize(returns_of(8, periods=8), objective="hrp", level=0.8)
    assert any("ledoit_wolf" in w for w in found.warnings)
    shrunk = optimize(returns_of(8, periods=8), objective="min_variance", level=0.8, covariance_estimator="ledoit_wolf")
    proven(shrunk)


@settings(max_examples=25)
@given(st.integers(2, 7), st.integers(0, 10_000), st.sampled_from(["min_variance", "mean_variance", "max_sharpe"]))
def test_permuting_assets_permutes_weights(count, seed, objective):
    frame = gaining(count, seed)
    order = np.random.default_rng(seed).permutation(count)
    found = optimize(frame, objective=objective)
    turned = optimize(frame.iloc[:, order], objective=objective)
    np.testing.assert_allclose(turned.weights, found.weights[order], atol=1e-8)


@settings(max_examples=25)
@given(st.integers(2, 7), st.integers(0, 10_000), st.floats(-6, 6), st.sampled_from(["min_variance", "max_sharpe"]))
def test_scaling_the_covariance_leaves_weights(count, seed, power, objective):
    frame = gaining(count, seed)
    covariance = np.cov(frame.to_numpy().T)
    found = optimize(frame, objective=objective, covariance=covariance)
    scaled = optimize(frame, objective=objective, covariance=covariance * 10.0**power)
    np.testing.assert_allclose(scaled.weights, found.weights, atol=1e-8)


@settings(max_examples=25)
@given(st.integers(2, 6), st.integers(0, 10_000), st.floats(1e-5, 1e-2))
def test_a_dominated_asset_never_helps(count, seed, less):
    frame = gaining(count, seed)
    worse = frame.assign(worse=frame["A"] - less)  # the same risk, less return
    one, two = optimize(frame), optimize(worse)
    assert two.objective_value <= one.objective_value * (1 + 1e-10)
    assert two.weights[-1] <= 1e-9


def test_a_saved_portfolio_is_verified(tmp_path):
    from prism_kernels.verify import verify

    kept = run("finance.optimize", sample("sp500_stocks"), objective="max_sharpe", frontier_points=5)
    kept.save(tmp_path / "portfolio.prism")
    assert verify(tmp_path / "portfolio.prism").verdict == "agrees"


COSTLY = {"previous_weights": np.full(8, 0.125), "transaction_costs": 0.01}


@pytest.mark.parametrize("objective", ["min_variance", "min_cvar", "risk_parity", "hrp"])
def test_an_objective_that_does_not_weigh_costs_says_so(objective):
    frame = gaining(8, seed=23)
    free, found = optimize(frame, objective=objective), optimize(frame, objective=objective, **COSTLY)
    np.testing.assert_array_equal(found.weights, free.weights)
    assert found.trading_cost == pytest.approx(0.01 * 2 * found.turnover)
    said = f"objective {objective!r} does not weigh transaction_costs; trading_cost says what they are"
    assert found.warnings == (said,)
    assert not free.warnings


@pytest.mark.parametrize("objective", ["mean_variance", "max_sharpe", "max_return"])
def test_an_objective_that_weighs_costs_is_silent(objective):
    assert not optimize(gaining(8, seed=23), objective=objective, **COSTLY).warnings


BENCHMARK = np.full(8, 0.125)
UNKNOWN = [
    ({"limits": Limits(gross_exposure=1.1), "weight_bounds": (-0.5, 1.0)}, ("limits.gross_exposure",)),
    ({"max_turnover": 0.1, "previous_weights": BENCHMARK}, ("max_turnover",)),
    ({"limits": Limits(tracking_error=0.03), "benchmark_weights": BENCHMARK}, ("limits.tracking_error",)),
    ({"limits": Limits(max_positions=3, min_position=0.1)}, ("limits.max_positions", "limits.min_position")),
    (COSTLY, ("transaction_costs",)),
    (
        {"target_volatility": 0.12, "max_turnover": 0.2, **COSTLY},
        ("max_turnover", "transaction_costs", "target_volatility"),
    ),
]


@pytest.mark.parametrize(("given_", "names"), UNKNOWN)
def test_a_frontier_says_which_limits_it_does_not_know(given_, names):
    frame = gaining(8, seed=24)
    found = optimize(frame, frontier_points=20, **given_)
    assert found.frontier.ignores == names
    assert found.to_numpy().frontier.ignores == names
    said = " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
    assert found.warnings == (f"the frontier does not know {said}, with which the best portfolio may lie below it",)
    within = {"weight_bounds": given_.get("weight_bounds", (0.0, 1.0)), "target_volatility": found.volatility}
    above = optimize(frame, objective="max_return", **within)  # the frontier at the same volatility
    assert above.expected_return >= found.expected_return - 1e-9


def test_limits_that_a_frontier_keeps_are_not_said_to_be_ignored():
    groups = {"groups": (Groups("ab", ("A", "B")),), "group_bounds": (GroupBounds("ab", 0.1, 0.4),)}
    found = optimize(gaining(8, seed=24), frontier_points=5, limits=Limits(gross_exposure=1.5), **groups)
    assert found.frontier.ignores == ()  # without short positions the gross exposure is the budget
    assert not found.warnings


def test_a_saved_frontier_keeps_what_it_does_not_know(tmp_path):
    from prism_kernels.saved import load

    kept = run("finance.optimize", gaining(8, seed=24), frontier_points=5, max_turnover=0.1, previous_weights=BENCHMARK)
    kept.save(tmp_path / "portfolio.prism")
    assert load(tmp_path / "portfolio.prism").result.frontier.ignores == ("max_turnover",)
