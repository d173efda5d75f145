"""Least expected shortfall: equal to the linear programme as HiGHS solves it, on every array library."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels import finance, sample
from prism_kernels.arrays import to_numpy
from prism_kernels.errors import InvalidInput, NotConverged
from prism_kernels.finance import cvar, shortfall_search
from prism_kernels.finance.polytope import Polytope
from prism_kernels.inputs.prices import Prices

simplex = Polytope.simplex


@pytest.fixture(scope="module")
def stocks():
    """Return daily simple returns of 20 stocks, 1990 to 2022."""
    return np.ascontiguousarray(Prices.of(sample("sp500_stocks")).returns().matrix)


def polytope(count, *, lower=0.0, upper=1.0, groups=(), budget=1.0):
    """Return bounds, a budget (a number or two ends), and groups (assets, least, most)."""
    ends = np.broadcast_to(budget, 2)
    rows = [np.ones(count)] + [np.isin(np.arange(count), assets).astype(float) for assets, *_ in groups]
    return Polytope(
        lower=np.broadcast_to(np.asarray(lower, dtype=float), count).copy(),
        upper=np.broadcast_to(np.asarray(upper, dtype=float), count).copy(),
        rows=np.array(rows),
        least=np.array([ends[0], *(least for _, least, _ in groups)], dtype=float),
        most=np.array([ends[1], *(most for *_, most in groups)], dtype=float),
        names=("budget", *(f"group {k}" for k in range(len(groups)))),
    )


def highs(returns, level, limits, *, mean=None, target=None):
    """Return the optimum of the programme of Rockafellar and Uryasev, one row a scenario."""
    import scipy.sparse as sp
    from scipy.optimize import linprog

    periods, count = returns.shape
    cost = np.r_[np.zeros(count), 1.0, np.full(periods, 1 / ((1 - level) * periods))]
    scenarios = np.hstack([-returns, -np.ones((periods, 1)), -np.eye(periods)])
    least, most = np.isfinite(limits.least), np.isfinite(limits.most)
    rows = np.vstack([-limits.rows[least], limits.rows[most], np.zeros((0, count)) if target is None else -mean[None]])
    wide = np.hstack([rows, np.zeros((len(rows), periods + 1))])
    ends = np.r_[-limits.least[least], limits.most[most], [] if target is None else [-target]]
    found = linprog(
        cost,
        A_ub=sp.csc_matrix(np.vstack([scenarios, wide])),
        b_ub=np.r_[np.zeros(periods), ends],
        bounds=[*zip(limits.lower, limits.upper, strict=True), (None, None), *[(0, None)] * periods],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    assert found.status == 0
    return found.fun


def mean_of_worst(losses, level):
    """Return the mean of the worst (1 − level) · T losses, the last of them in part."""
    ordered = sorted(losses, reverse=True)
    tail = (1 - level) * len(ordered)
    parts = [min(1.0, max(0.0, tail - k)) for k in range(len(ordered))]
    return sum(p * x for p, x in zip(parts, ordered, strict=True)) / tail


LIMITS = {
    "long only": {},
    "long and short": {"lower": -0.3, "upper": 0.6},
    "small": {"upper": 0.1},
    "no bounds": {"lower": -np.inf, "upper": np.inf},
    "half a bound": {"upper": np.r_[np.full(6, np.inf), np.full(6, 0.2)]},
    "groups": {"upper": 0.5, "groups": [(range(6), 0.2, 0.4), (range(4, 9), -np.inf, 0.3)]},
    "one held fast": {"lower": np.r_[0.1, np.zeros(11)], "upper": np.r_[0.1, np.ones(11)]},
    "budget between two ends": {"budget": (0.8, 1.0)},
}


@pytest.mark.parametrize("level", [0.5, 0.9, 0.957])
@pytest.mark.parametrize("name", LIMITS)
def test_the_least_shortfall_is_the_optimum_of_highs_within_any_limits(stocks, name, level):
    returns, limits = np.ascontiguousarray(stocks[3000:3400, :12]), polytope(12, **LIMITS[name])
    found = cvar.minimise(returns, level, limits)
    assert found.objective == pytest.approx(highs(returns, level, limits), abs=1e-10)
    assert found.status == "optimal"
    assert abs(found.gap) < 1e-14
    assert found.residual < 1e-12
    assert limits.violation(found.weights) < 1e-14
    assert found.objective == pytest.approx(mean_of_worst(-returns @ found.weights, level), abs=1e-15)
    losses = np.sort(-returns @ found.weights)
    assert found.value_at_risk == pytest.approx(losses[math.ceil(round(level * 400, 9)) - 1], abs=1e-15)
    assert found.solver == "interior point"
    assert 0 < found.iterations < 60


@pytest.mark.parametrize("share", [0.2, 0.8, 1.0])
def test_a_target_return_is_met_at_the_optimum_of_highs(stocks, share):
    returns, limits = np.ascontiguousarray(stocks[-500:, :10]), polytope(10, upper=0.4)
    mean = returns[:250].mean(axis=0)
    top = np.sort(mean)[::-1][:3] @ [0.4, 0.4, 0.2]
    low = cvar.minimise(returns, 0.9, limits).weights @ mean
    target = low + share * (top - low)
    found = cvar.minimise(returns, 0.9, limits, mean=mean, target_return=target)
    assert mean @ found.weights >= target - 1e-15
    assert found.objective == pytest.approx(highs(returns, 0.9, limits, mean=mean, target=target), abs=1e-10)
    assert abs(found.gap) < 1e-14


def test_the_mean_of_the_scenarios_is_the_expected_return_unless_given(stocks):
    returns = np.ascontiguousarray(stocks[-500:, :10])
    mean = returns.mean(axis=0)
    target = 0.5 * (mean @ cvar.minimise(returns, 0.9, simplex(10)).weights + mean.max())
    found = cvar.minimise(returns, 0.9, simplex(10), target_return=target)
    assert mean @ found.weights == pytest.approx(target, abs=1e-15)  # between the least shortfall and the most return


def test_two_assets_have_the_shortfall_of_the_best_corner():
    returns = np.random.default_rng(0).standard_t(4, (60, 2)) * [0.01, 0.02]
    found = cvar.minimise(returns, 0.9, simplex(2))
    # convex and piecewise linear in one weight: least at an end, or where two scenarios lose the same
    apart = returns[:, 0] - returns[:, 1]
    crossings = [
        (returns[j, 1] - returns[i, 1]) / (apart[i] - apart[j])
        for i in range(60)
        for j in range(i)
        if apart[i] != apart[j]
    ]
    corners = [0.0, 1.0, *(w for w in crossings if 0 < w < 1)]
    best = min(mean_of_worst(-returns @ [w, 1 - w], 0.9) for w in corners)
    assert found.objective == pytest.approx(best, abs=1e-15)


def test_few_scenarios_and_assets_are_looked_at_and_the_optimum_is_that_of_all(stocks, monkeypatch):
    rng = np.random.default_rng(1)
    mixed = stocks[-1500:] @ rng.dirichlet(np.full(20, 0.3), 60).T
    returns = mixed + rng.standard_normal(mixed.shape) * rng.uniform(0.002, 0.02, 60)
    screened = cvar.minimise(returns, 0.95, simplex(60))
    assert screened.scenarios < 400
    assert screened.assets < 60
    monkeypatch.setattr(shortfall_search, "_SCREENED", 1000.0)
    monkeypatch.setattr(shortfall_search, "_KEPT", 1000.0)
    whole = cvar.minimise(returns, 0.95, simplex(60))
    assert (whole.scenarios, whole.assets) == (1500, 60)
    assert screened.objective == pytest.approx(whole.objective, abs=1e-15)
    np.testing.assert_allclose(screened.weights, whole.weights, atol=1e-12)


def test_scenarios_and_assets_that_were_left_out_wrongly_are_added(stocks, monkeypatch):
    returns = np.ascontiguousarray(stocks[:600])
    monkeypatch.setattr(shortfall_search, "_SCREENED", 1.0)
    monkeypatch.setattr(shortfall_search, "_KEPT", 0.0)
    monkeypatch.setattr(shortfall_search, "_SPARE", 2)
    found = cvar.minimise(returns, 0.9, simplex(20))
    assert found.objective == pytest.approx(highs(returns, 0.9, simplex(20)), abs=1e-10)
    assert found.status == "optimal"
    assert found.scenarios > 62


@pytest.mark.parametrize(
    "returns",
    [
        np.tile(np.sin(np.arange(240.0)).reshape(60, 4), (1, 3)),
        np.repeat(np.cos(np.arange(120.0)).reshape(20, 6), 3, axis=0),
        np.round(np.sin(np.arange(400.0) ** 2).reshape(80, 5), 0),
        np.zeros((40, 3)),
        np.hstack([np.sin(np.arange(120.0)).reshape(60, 2), np.full((60, 1), -0.1)]),
        np.sin(np.arange(200.0) ** 2).reshape(10, 20),
        np.sin(np.arange(40.0))[:, None],
    ],
    ids=["same assets", "same scenarios", "ties", "zeros", "constant asset", "more assets than scenarios", "one asset"],
)
def test_degenerate_data_still_give_the_optimum(returns):
    found = cvar.minimise(returns, 0.9, simplex(returns.shape[1]))
    assert found.objective == pytest.approx(highs(returns, 0.9, simplex(returns.shape[1])), abs=1e-10)
    assert found.status == "optimal"
    assert abs(found.gap) < 1e-12


def test_the_optimum_is_found_where_the_scenarios_live(stocks, on):
    returns = stocks[-600:]
    here, there = cvar.minimise(returns, 0.95, simplex(20)), cvar.minimise(on(returns), 0.95, simplex(20))
    np.testing.assert_allclose(there.weights, here.weights, atol=1e-12)
    assert there.objective == pytest.approx(here.objective, abs=1e-15)
    assert there.value_at_risk == pytest.approx(here.value_at_risk, abs=1e-12)
    assert there.status == "optimal"


def test_an_optimisation_of_it_gives_weights_where_the_returns_live(stocks, on):
    returns = stocks[-400:, :8]
    found = finance.optimize(on(returns), objective="min_cvar", level=0.9, weight_bounds=(0.0, 0.3))
    assert on.owns(found.weights)
    here = cvar.minimise(returns, 0.9, polytope(8, upper=0.3))
    np.testing.assert_allclose(to_numpy(found.weights), here.weights, atol=1e-12)
    assert found.objective_value == pytest.approx(here.objective, abs=1e-15)


def test_the_shortfall_of_losses_is_the_mean_of_the_worst(on):
    losses = np.random.default_rng(3).standard_normal(101)
    for level in (0.0, 0.5, 0.9, 0.975, 0.99):
        mean, edge = cvar.shortfall(on(losses), level)
        assert mean == pytest.approx(mean_of_worst(losses, level), abs=1e-14)
        assert edge == np.sort(losses)[max(0, math.ceil(round(level * 101, 9)) - 1)]


RETURNS = st.integers(0, 10_000).map(lambda seed: np.random.default_rng(seed).standard_t(4, (80, 6)) * 0.01 + 0.0005)


@given(RETURNS, st.sampled_from([0.8, 0.9, 0.95]))
def test_permuting_the_assets_permutes_the_weights(returns, level):
    order = np.roll(np.arange(6), 2)
    plain, moved = cvar.minimise(returns, level, simplex(6)), cvar.minimise(returns[:, order], level, simplex(6))
    assert moved.objective == pytest.approx(plain.objective, abs=1e-14)
    np.testing.assert_allclose(moved.weights, plain.weights[order], atol=1e-9)


@given(RETURNS, st.floats(1e-4, 1e4), st.floats(-0.01, 0.01))
def test_scaling_and_shifting_the_returns_leaves_the_weights(returns, scale, shift):
    plain, moved = cvar.minimise(returns, 0.9, simplex(6)), cvar.minimise(scale * (returns + shift), 0.9, simplex(6))
    np.testing.assert_allclose(moved.weights, plain.weights, atol=1e-9)
    assert moved.objective == pytest.approx(scale * (plain.objective - shift), rel=1e-9, abs=1e-12 * scale)


@given(RETURNS, st.integers(0, 5))
def test_a_dominated_asset_gets_no_weight(returns, which):
    worse = np.hstack([returns, returns[:, [which]] - 0.001])
    found = cvar.minimise(worse, 0.9, simplex(7))
    assert found.weights[-1] == 0.0
    assert found.objective == pytest.approx(cvar.minimise(returns, 0.9, simplex(6)).objective, abs=1e-14)


@given(RETURNS)
def test_no_portfolio_has_less_shortfall_than_value_at_risk_or_than_the_least(returns):
    found = cvar.minimise(returns, 0.9, simplex(6))
    assert found.objective >= found.value_at_risk
    for weights in np.random.default_rng(0).dirichlet(np.ones(6), 50):
        assert mean_of_worst(-returns @ weights, 0.9) >= found.objective - 1e-15


def test_less_than_one_scenario_in_the_tail_is_refused(stocks):
    with pytest.raises(InvalidInput) as refused:
        cvar.minimise(stocks[:250], 0.999, simplex(20))
    assert str(refused.value) == "level 0.999 needs 1000 periods or more, and returns has 250; lower it or give more"
    assert refused.value.field == "level"


def test_a_target_outside_the_interval_is_refused_and_the_interval_quoted():
    returns = np.array([[0.01, 0.03], [0.00, -0.01], [0.02, 0.01]])
    with pytest.raises(InvalidInput) as refused:
        cvar.minimise(returns, 0.5, simplex(2, upper=0.75), target_return=0.02)
    interval = "from 0.01 to 0.01 a period"  # both means are 0.01
    assert str(refused.value) == f"target_return 0.02 is outside what the limits allow, {interval}; choose one inside"
    assert refused.value.field == "target_return"


def test_limits_that_contradict_each_other_are_refused(stocks):
    limits = polytope(20, upper=0.5, groups=[(range(10), 0.7, 1.0), (range(10, 20), 0.7, 1.0)])
    with pytest.raises(InvalidInput, match=r"no portfolio fulfils all limits together \(budget, group 0, group 1\)"):
        cvar.minimise(stocks[-300:], 0.9, limits)


def test_a_shortfall_that_falls_without_end_is_refused(stocks):
    with pytest.raises(NotConverged, match="falls without end, since some weights have no bound; give finite"):
        cvar.minimise(stocks[-22:], 0.9, polytope(20, lower=-np.inf, upper=np.inf))
