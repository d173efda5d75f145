"""Portfolios on the frontier against quadratic programmes, dense search and each other; resampled frontiers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_kernels import InvalidInput
from prism_kernels.finance.critical_line import critical_line
from prism_kernels.finance.polytope import Polytope


def market(count, seed=0):
    rng = np.random.default_rng(seed)
    loads = rng.normal(0.006, 0.006, (count, 3))
    covariance = loads @ loads.T + np.diag(rng.uniform(0.005, 0.02, count) ** 2)
    return rng.normal(5e-4, 4e-4, count), covariance


def frontier(count=10, seed=0, **bounds):
    return critical_line(*market(count, seed), Polytope.simplex(count, **bounds))


def least_variance(corners, target):
    """Return the variance that DAQP finds at a return."""
    import daqp

    count, unit = len(corners.mean), 1e4
    rows = np.vstack([np.ones(count), corners.mean / 1e-3])
    ends = np.r_[np.ones(count), 1.0, target / 1e-3], np.r_[np.zeros(count), 1.0, target / 1e-3]
    sense = np.r_[np.zeros(count), 5, 5].astype(np.int32)
    weights, _, flag, _ = daqp.solve(corners.covariance * unit, np.zeros(count), rows, *ends, sense, primal_tol=1e-12)
    assert flag == 1
    return weights @ corners.covariance @ weights


def deviation(corners, weights):
    return np.sqrt(weights @ corners.covariance @ weights)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.37, 0.5, 0.9, 0.999])
def test_at_a_return_no_portfolio_varies_less(share):
    corners = frontier()
    low, high = corners.span
    target = low + share * (high - low)
    weights = corners.at_return(target)
    assert weights @ corners.mean == pytest.approx(target, rel=1e-12)
    assert weights.sum() == pytest.approx(1, abs=1e-13)
    assert weights @ corners.covariance @ weights == pytest.approx(least_variance(corners, target), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), share=st.floats(0, 1))
def test_a_volatility_and_the_return_it_earns_name_the_same_portfolio(seed, share):
    corners = frontier(7, seed)
    low, high = corners.volatilities[0], corners.volatilities[-1]
    target = min(low + share * (high - low), high)
    weights = corners.at_volatility(target)
    assert deviation(corners, weights) == pytest.approx(target, rel=1e-9)
    earned = min(max(weights @ corners.mean, corners.span[0]), corners.span[1])
    again = corners.at_return(earned)
    # near the least variance the return hardly tells portfolios apart: volatility is flat there
    assert deviation(corners, again) == pytest.approx(target, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), part=st.floats(-2, 0.95))
def test_no_portfolio_of_a_dense_sample_has_a_greater_sharpe_ratio(seed, part):
    corners = frontier(7, seed, upper=0.4)
    risk_free = part * corners.returns[-1] if corners.returns[-1] > 0 else 2 * corners.returns[-1]
    best = corners.max_sharpe(risk_free)
    ratio = (best @ corners.mean - risk_free) / deviation(corners, best)
    dense = corners.sample(4001)
    assert ratio >= ((dense.returns - risk_free) / dense.volatilities).max() - 1e-12
    on_it = corners.at_return(min(max(best @ corners.mean, corners.span[0]), corners.span[1]))
    assert deviation(corners, best) == pytest.approx(deviation(corners, on_it), rel=1e-9)


def test_the_greatest_sharpe_ratio_without_binding_bounds_is_the_tangent():
    corners = frontier(6, lower=-5.0, upper=5.0)
    tangent = np.linalg.solve(corners.covariance, corners.mean - 1e-4)
    tangent /= tangent.sum()
    assert np.abs(tangent).max() < 5
    assert np.allclose(corners.max_sharpe(1e-4), tangent, atol=1e-10)


def test_a_sample_is_even_in_return_and_has_both_ends():
    corners = frontier()
    points = corners.sample(33)
    assert np.allclose(np.diff(points.returns), (corners.span[1] - corners.span[0]) / 32, rtol=1e-9)
    assert np.allclose(points.weights[0], corners.min_variance())
    assert np.allclose(points.weights[-1], corners.max_return())
    assert np.allclose(points.volatilities, [deviation(corners, w) for w in points.weights])
    assert np.allclose(points.weights.sum(axis=1), 1)
    assert (points.weights >= -1e-15).all()


def test_a_frontier_of_one_point_is_repeated_in_its_sample():
    _, covariance = market(4)
    points = critical_line(np.full(4, 1e-3), covariance, Polytope.simplex(4)).sample(5)
    assert points.weights.shape == (5, 4)
    assert np.ptp(points.weights, axis=0).max() == 0


def test_the_corners_are_points_of_the_frontier():
    corners = frontier()
    for k in range(len(corners.weights)):
        assert np.allclose(corners.at_return(corners.returns[k]), corners.weights[k], atol=1e-10)
        found = corners.at_volatility(corners.volatilities[k])
        assert deviation(corners, found) == pytest.approx(corners.volatilities[k], rel=1e-12)


def test_what_assets_carry_adds_up_to_the_volatility_of_a_corner_and_is_its_slope():
    corners = frontier()
    carried = corners.contributions()
    assert np.allclose(carried.sum(axis=1), corners.volatilities, rtol=1e-12)
    weights, step = corners.weights[3], 1e-6
    moved = [deviation(corners, weights + step * np.eye(10)[k]) - deviation(corners, weights) for k in range(10)]
    assert np.allclose(carried[3], weights * np.array(moved) / step, atol=1e-6)


def test_a_return_off_the_frontier_is_refused_with_its_ends():
    corners = frontier()
    low, high = corners.span
    with pytest.raises(InvalidInput) as refused:
        corners.at_return(high + 1e-3)
    ends = f"it goes from {low:.6g} to {high:.6g}"
    assert str(refused.value) == f"target_return {high + 1e-3:.6g} a period is not on the frontier; {ends}"
    assert refused.value.field == "target_return"


def test_a_volatility_off_the_frontier_is_refused_with_its_ends():
    corners = frontier()
    low, high = corners.volatilities[[0, -1]]
    with pytest.raises(InvalidInput) as refused:
        corners.at_volatility(low / 2)
    ends = f"it goes from {low:.6g} to {high:.6g}"
    assert str(refused.value) == f"target_volatility {low / 2:.6g} a period is not on the frontier; {ends}"


def test_a_risk_free_rate_above_all_returns_is_refused():
    corners = frontier()
    top = corners.returns[-1]
    with pytest.raises(InvalidInput) as refused:
        corners.max_sharpe(2 * top)
    assert str(refused.value) == (
        f"risk_free_rate {2 * top:.6g} a period is not below the greatest return of these limits, {top:.6g}; lower it"
    )


def test_a_dominated_asset_is_never_held():
    mean, covariance = market(5)
    more = np.zeros((6, 6))
    more[:5, :5] = covariance
    more[5, :5] = more[:5, 5] = np.abs(covariance).max()
    more[5, 5] = 1.0  # varies more than all others, moves with all of them, and earns less than each
    corners = critical_line(np.r_[mean, mean.min() - 1e-3], more, Polytope.simplex(6))
    assert (corners.weights[:, 5] == 0).all()
    assert np.allclose(corners.weights[:, :5], critical_line(mean, covariance, Polytope.simplex(5)).weights)


def test_the_frontier_of_an_optimal_portfolio_has_its_corners_a_year():
    from prism_kernels.finance import optimize

    returns = np.random.default_rng(0).normal(1e-3, 0.02, (60, 4))
    found = optimize(returns, objective="min_variance", frontier_points=5, periods_per_year=12.0).frontier
    corners = critical_line(returns.mean(axis=0), np.cov(returns.T), Polytope.simplex(4))
    assert np.allclose(found.corners, corners.weights)
    assert np.allclose(found.corner_returns, 12 * corners.returns)
    assert np.allclose(found.corner_volatilities, np.sqrt(12) * corners.volatilities)
    assert np.allclose(found.corner_contributions, np.sqrt(12) * corners.contributions())


def test_a_frontier_of_repeated_assets_says_so():
    from prism_kernels.finance import optimize

    returns = np.random.default_rng(0).normal(1e-3, 0.02, (60, 3))
    found = optimize(returns[:, [0, 1, 2, 2]], objective="risk_parity", frontier_points=5)
    assert any("does not tell all portfolios apart" in warning for warning in found.warnings)
