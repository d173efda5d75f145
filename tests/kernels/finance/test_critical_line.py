"""The critical line algorithm against its own optimality conditions, other software and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_kernels import InvalidInput, NotConverged
from prism_kernels.finance.critical_line import critical_line, critical_lines
from prism_kernels.finance.polytope import Polytope


def market(count, seed=0, periods=None):
    rng = np.random.default_rng(seed)
    returns = rng.normal(5e-4, 0.01, (periods or 10 * count, 1)) + rng.normal(
        rng.normal(4e-4, 4e-4, count), rng.uniform(0.005, 0.03, count), (periods or 10 * count, count)
    )
    return returns.mean(axis=0), np.cov(returns.T)


def limited(count, rows, least, most, lower=0.0, upper=1.0):
    return Polytope(
        lower=np.full(count, lower),
        upper=np.full(count, upper),
        rows=np.vstack([np.ones(count), *rows]),
        least=np.r_[1.0, least],
        most=np.r_[1.0, most],
        names=("budget", *(f"group {k}" for k in range(len(rows)))),
    )


def conditions(weights, multiplier, mean, covariance, polytope):
    """Return the least of all violations that multipliers can leave, by non-negative least squares on what binds."""
    from scipy.optimize import nnls

    gradient = (covariance @ weights - multiplier * mean) / np.abs(covariance).max()
    along, count = polytope.rows @ weights, len(weights)
    pushes = [-np.eye(count)[weights <= polytope.lower + 1e-12], np.eye(count)[weights >= polytope.upper - 1e-12]]
    pushes += [-polytope.rows[along <= polytope.least + 1e-12], polytope.rows[along >= polytope.most - 1e-12]]
    return nnls(np.vstack(pushes).T, -gradient)[1]


def groups(count):
    half = (np.arange(count) % 2).astype(float)
    third = (np.arange(count) % 3 == 0).astype(float)
    return limited(count, [half, third], [0.2, 0.3], [0.5, 0.3], upper=0.4)


@pytest.mark.parametrize(
    "polytope",
    [
        Polytope.simplex(12),
        Polytope.simplex(12, upper=0.15),
        Polytope.simplex(12, lower=-0.2, upper=0.5),
        groups(12),
        limited(12, [np.linspace(-1, 1, 12)], [-0.05], [0.05]),
    ],
    ids=["simplex", "capped", "short", "groups with an equality", "factor neutral"],
)
def test_every_corner_and_the_middle_of_every_segment_is_optimal(polytope):
    mean, covariance = market(12)
    corners = critical_line(mean, covariance, polytope)
    assert corners.exact
    assert corners.residual < 1e-12
    assert polytope.violation(corners.weights[0]) < 1e-12
    for k in range(len(corners.weights)):
        last = k == len(corners.weights) - 1
        through = (corners.multipliers[k], corners.multipliers[k] + 1.0 if last else corners.until[k])
        for multiplier in through:
            assert conditions(corners.weights[k], multiplier, mean, covariance, polytope) < 1e-9
        if not last:
            middle = corners.weights[k : k + 2].mean(axis=0)
            between = (corners.until[k] + corners.multipliers[k + 1]) / 2
            assert conditions(middle, between, mean, covariance, polytope) < 1e-9


def test_a_corner_is_where_the_held_assets_change_and_the_neighbours_do_not_share_a_line():
    corners = critical_line(*market(12), Polytope.simplex(12))
    steps = np.diff(corners.weights, axis=0)
    directions = steps / np.linalg.norm(steps, axis=1)[:, None]
    assert (np.einsum("ij,ij->i", directions[1:], directions[:-1]) < 1 - 1e-9).all()


def test_returns_rise_volatilities_rise_and_the_frontier_is_convex():
    corners = critical_line(*market(20), Polytope.simplex(20, upper=0.3))
    assert (np.diff(corners.returns) > 0).all()
    assert (np.diff(corners.volatilities) > 0).all()
    slopes = np.diff(corners.volatilities**2) / np.diff(corners.returns)
    assert (np.diff(slopes) > 0).all()
    assert (corners.multipliers[1:] >= corners.until[:-1]).all()
    assert corners.until[-1] == np.inf


@pytest.mark.filterwarnings("ignore")  # of PyPortfolioOpt's dependencies
@pytest.mark.parametrize("bounds", [(0, 1), (0, 0.2)])
def test_the_corners_of_pyportfolioopt_are_among_ours(bounds):
    from pypfopt import CLA

    mean, covariance = market(15, seed=3)
    peer = CLA(mean, covariance, weight_bounds=bounds)
    peer._solve()
    theirs = np.array([w.ravel() for w in peer.w])[::-1]
    corners = critical_line(mean, covariance, Polytope.simplex(15, upper=bounds[1]))
    distance = np.abs(corners.weights[:, None] - theirs[None]).max(axis=2)
    assert distance.min(axis=0).max() < 1e-9
    for k in np.flatnonzero(distance.min(axis=1) > 1e-9):  # one that it passes over: its line is worse there
        assert bounds[1] < 1
        share = (corners.returns[k] - theirs @ mean)[:-1] / np.diff(theirs @ mean)
        j = int(np.flatnonzero((share >= 0) & (share <= 1))[0])
        passing = theirs[j] + share[j] * (theirs[j + 1] - theirs[j])
        assert passing @ covariance @ passing > corners.volatilities[k] ** 2 * (1 + 1e-9)


def test_three_assets_follow_the_closed_form():
    mean, variances = np.array([0.01, 0.02, 0.03]), np.array([0.04, 0.09, 0.16])
    corners = critical_line(mean, np.diag(variances), Polytope.simplex(3))
    # With all three held, w_i v_i = λ μ_i + ν and Σ w = 1; the first leaves where λ μ_1 + ν = 0, then the second.
    precision = 1 / variances
    assert np.allclose(corners.weights[0], precision / precision.sum(), atol=1e-14)
    lam = 1 / ((mean - mean[0]) @ precision)
    assert np.allclose(corners.weights[1], lam * (mean - mean[0]) * precision, atol=1e-14)
    assert corners.multipliers[1] == pytest.approx(lam)
    assert np.allclose(corners.weights[2], [0, 0, 1], atol=1e-14)
    assert corners.multipliers[2] == pytest.approx(variances[2] / (mean[2] - mean[1]))
    assert np.allclose(corners.returns, corners.weights @ mean)
    assert np.allclose(corners.volatilities, np.sqrt(corners.weights**2 @ variances))


def test_without_bounds_the_frontier_is_the_hyperbola_of_merton():
    mean, covariance = market(8)
    free = Polytope.simplex(8, lower=-np.inf, upper=np.inf)
    corners = critical_line(mean, covariance, free)
    solved = np.linalg.solve(covariance, np.c_[np.ones(8), mean])
    a, b, c = solved[:, 0].sum(), solved[:, 1].sum(), mean @ solved[:, 1]
    assert len(corners.weights) == 1
    assert np.allclose(corners.min_variance(), solved[:, 0] / a, atol=1e-12)
    target = corners.returns[0] + 0.002
    variance = (a * target**2 - 2 * b * target + c) / (a * c - b**2)
    weights = corners.at_return(target)
    assert weights @ mean == pytest.approx(target)
    assert weights @ covariance @ weights == pytest.approx(variance)
    tangent = np.linalg.solve(covariance, mean)
    assert np.allclose(corners.max_sharpe(), tangent / tangent.sum(), atol=1e-10)
    with pytest.raises(InvalidInput, match="without an end; bound the weights"):
        corners.max_return()


def test_equal_means_leave_one_corner():
    _, covariance = market(6)
    corners = critical_line(np.full(6, 0.001), covariance, Polytope.simplex(6))
    assert len(corners.weights) == 1


def test_of_portfolios_with_the_greatest_return_the_one_with_the_least_variance_ends_the_frontier():
    _, covariance = market(5)
    corners = critical_line(np.array([1.0, 2.0, 3.0, 3.0, 3.0]) * 1e-3, covariance, Polytope.simplex(5))
    precision = np.linalg.solve(covariance[2:, 2:], np.ones(3))
    assert corners.exact
    assert (precision > 0).all()
    assert np.allclose(corners.weights[-1], [0, 0, *(precision / precision.sum())], atol=1e-12)


def test_repeated_assets_share_evenly_and_the_result_says_that_it_is_not_exact():
    mean, covariance = market(6)
    twice = np.r_[0, np.arange(6)]
    single = critical_line(mean, covariance, Polytope.simplex(6))
    double = critical_line(mean[twice], covariance[twice[:, None], twice], Polytope.simplex(7))
    assert not double.exact
    assert double.residual < 1e-9
    assert np.allclose(double.weights[:, 0], double.weights[:, 1], atol=1e-5)
    apart = np.abs(np.diff(double.weights, axis=0)).max(axis=1) > 1e-4  # the ridge parts the two twins at the end
    assert apart.sum() == len(single.weights) - 1  # λ = 1, where both ways start, is no corner
    for target in np.linspace(*double.span, 7):
        ours, theirs = double.at_return(target), single.at_return(target)
        assert ours @ double.covariance @ ours == pytest.approx(theirs @ covariance @ theirs, rel=1e-7)


def test_fewer_periods_than_assets_still_give_a_frontier():
    mean, covariance = market(20, seed=4, periods=12)
    corners = critical_line(mean, covariance, Polytope.simplex(20))
    assert corners.residual < 1e-9
    assert corners.returns[-1] == pytest.approx(mean.max())


def test_frontiers_traced_together_are_those_traced_alone():
    data = [market(9, seed) for seed in range(5)]
    together = critical_lines(np.array([m for m, _ in data]), np.array([c for _, c in data]), groups(9))
    for corners, (mean, covariance) in zip(together, data, strict=True):
        alone = critical_line(mean, covariance, groups(9))
        assert np.array_equal(corners.weights, alone.weights)


def test_limits_that_contradict_each_other_are_refused_by_name():
    mean, covariance = market(4)
    with pytest.raises(InvalidInput, match="no weights are within weight_bounds and meet budget; loosen one of them"):
        critical_line(mean, covariance, Polytope.simplex(4, upper=0.2))


def test_a_covariance_that_leaves_everything_open_is_refused_with_a_way_out():
    with pytest.raises(NotConverged, match=r"too many portfolios alike.*ledoit_wolf"):
        critical_line(np.full(3, 1e-3), np.zeros((3, 3)), Polytope.simplex(3, lower=-np.inf, upper=np.inf))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 14), cap=st.floats(0.0, 1.0), tie=st.booleans())
def test_permuting_assets_permutes_and_scaling_leaves_the_corners(seed, count, cap, tie):
    mean, covariance = market(count, seed)
    mean = np.round(mean, 4) if tie else mean
    polytope = Polytope.simplex(count, upper=1 / count + cap * (1 - 1 / count) + 1e-3)
    corners = critical_line(mean, covariance, polytope)
    order = np.random.default_rng(seed).permutation(count)
    permuted = critical_line(mean[order], covariance[order[:, None], order], polytope)
    scaled = critical_line(3 * mean, 7 * covariance, polytope)
    assert corners.exact
    assert corners.residual < 1e-10
    assert np.allclose(permuted.weights, corners.weights[:, order], atol=1e-9)
    assert np.allclose(scaled.weights, corners.weights, atol=1e-9)
    assert np.allclose(scaled.multipliers, corners.multipliers * 7 / 3, rtol=1e-7)
