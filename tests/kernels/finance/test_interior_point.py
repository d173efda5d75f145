"""Batches of quadratic programmes: equal to DAQP, one programme at a time, on every array library."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels import sample
from prism_kernels.errors import InvalidInput, MixedArrays
from prism_kernels.finance import interior_point
from prism_kernels.inputs.prices import Prices

ASSETS, COUNT = 10, 12


@pytest.fixture(scope="module")
def batch():
    """Return covariance matrices and tilts of real returns in twelve windows of a year."""
    returns = np.asarray(Prices.of(sample("sp500_stocks")).returns().matrix)[:, :ASSETS]
    windows = [returns[k : k + 252] for k in range(0, 600 * COUNT, 600)]
    return np.stack([np.cov(w.T) for w in windows]), -np.stack([w.mean(axis=0) for w in windows])


def daqp_solves(quadratic, linear, equal, level, lower, upper):
    import daqp

    ends = np.r_[lower, level], np.r_[upper, level]
    sense = np.where(ends[0] == ends[1], 5, 0).astype(np.int32)
    low, high = np.maximum(ends[0], -1e30), np.minimum(ends[1], 1e30)
    rows = np.ascontiguousarray(equal)
    found = daqp.solve(
        np.ascontiguousarray(quadratic), linear.copy(), rows, high, low, sense, primal_tol=1e-12, dual_tol=1e-12
    )
    assert found[2] == 1
    return found[0], found[1]


ONE = np.ones((1, ASSETS))
TWO = np.vstack([np.ones(ASSETS), np.arange(ASSETS) < 4]).astype(float)
PROGRAMMES = {
    "long only": (ONE, np.ones(1), np.zeros(ASSETS), np.ones(ASSETS)),
    "small weights": (ONE, np.ones(1), np.zeros(ASSETS), np.full(ASSETS, 0.13)),
    "no bounds": (ONE, np.ones(1), np.full(ASSETS, -np.inf), np.full(ASSETS, np.inf)),
    "half a bound": (
        ONE,
        np.ones(1),
        np.r_[np.full(5, -np.inf), np.zeros(5)],
        np.r_[np.full(5, 0.2), np.full(5, np.inf)],
    ),
    "one held fast": (ONE, np.ones(1), np.r_[0.1, np.full(9, -0.2)], np.r_[0.1, np.full(9, 0.5)]),
    "a group": (TWO, np.array([1.0, 0.3]), np.zeros(ASSETS), np.ones(ASSETS)),
    "bounds alone": (np.zeros((0, ASSETS)), np.zeros(0), np.full(ASSETS, -0.1), np.full(ASSETS, 0.4)),
}


@pytest.mark.parametrize("name", PROGRAMMES)
def test_each_programme_of_a_batch_is_solved_as_daqp_solves_it(batch, name):
    quadratic, linear = batch
    found = interior_point.solve_batch(quadratic, linear, *PROGRAMMES[name])
    for k in range(COUNT):
        weights, objective = daqp_solves(quadratic[k], linear[k], *PROGRAMMES[name])
        np.testing.assert_allclose(found.weights[k], weights, atol=1e-9)
        assert found.objective[k] == pytest.approx(objective, abs=1e-9 * np.abs(quadratic[k]).max())
    assert found.converged.all()
    assert np.abs(found.gap).max() < 1e-14
    assert found.residual.max() < 1e-11
    assert found.iterations < 30


def test_a_limit_with_two_ends_is_an_equality_with_one_more_unknown(batch):
    quadratic, linear = (a[:3] for a in batch)
    group = (np.arange(ASSETS) < 4).astype(float)
    wide = np.zeros((3, ASSETS + 1, ASSETS + 1))
    wide[:, :ASSETS, :ASSETS] = quadratic
    equal = np.vstack([np.r_[np.ones(ASSETS), 0.0], np.r_[group, -1.0]])
    lower, upper = np.r_[np.zeros(ASSETS), 0.5], np.r_[np.ones(ASSETS), 0.7]
    longer = np.hstack([linear, np.zeros((3, 1))])
    found = interior_point.solve_batch(wide, longer, equal, np.array([1.0, 0.0]), lower, upper)
    for k in range(3):
        import daqp

        ends = np.r_[np.zeros(ASSETS), 1.0, 0.5], np.r_[np.ones(ASSETS), 1.0, 0.7]
        rows = np.vstack([np.ones(ASSETS), group])
        sense = np.r_[np.zeros(ASSETS), 5, 0].astype(np.int32)
        weights = daqp.solve(quadratic[k].copy(), linear[k].copy(), rows, ends[1], ends[0], sense)[0]
        np.testing.assert_allclose(found.weights[k, :ASSETS], weights, atol=1e-9)
        assert 0.5 - 1e-12 <= group @ found.weights[k, :ASSETS] <= 0.7 + 1e-12


def test_the_answers_live_where_the_programmes_do(batch, on):
    here = interior_point.solve_batch(*batch, *PROGRAMMES["small weights"])
    there = interior_point.solve_batch(*map(on, batch), *map(on, PROGRAMMES["small weights"]))
    from prism_kernels.arrays import to_numpy

    for name in ("weights", "objective", "gap", "residual", "converged"):
        value = getattr(there, name)
        assert on.owns(value)
        np.testing.assert_allclose(to_numpy(value), getattr(here, name), atol=1e-12)


def test_the_answers_come_in_the_precision_of_the_programmes(batch):
    given = [np.asarray(a, dtype=np.float32) for a in (*batch, *PROGRAMMES["long only"])]
    found = interior_point.solve_batch(*given)
    assert {a.dtype for a in (found.weights, found.objective, found.gap, found.residual)} == {np.dtype(np.float32)}
    exact = interior_point.solve_batch(*[a.astype(np.float64) for a in given])
    np.testing.assert_allclose(found.weights, exact.weights, atol=1e-7)


def test_a_programme_alone_has_the_answer_it_has_in_a_batch(batch):
    limits = PROGRAMMES["long only"]
    every = interior_point.solve_batch(*batch, *limits)
    alone = interior_point.solve_batch(batch[0][4:5], batch[1][4:5], *limits)
    np.testing.assert_allclose(alone.weights[0], every.weights[4], atol=1e-12)


@given(st.integers(0, 10_000))
def test_the_gap_bounds_what_any_other_portfolio_can_gain(seed):
    rng = np.random.default_rng(seed)
    roots = rng.standard_normal((3, 5, 4))  # of rank 4: some directions cost nothing
    quadratic, linear = roots @ roots.mT, rng.standard_normal((3, 5))
    found = interior_point.solve_batch(quadratic, linear, np.ones((1, 5)), np.ones(1), np.zeros(5), np.ones(5))
    assert found.converged.all()
    others = rng.dirichlet(np.ones(5), 200)
    for k in range(3):
        values = 0.5 * np.einsum("ij,jk,ik->i", others, quadratic[k], others) + others @ linear[k]
        assert values.min() >= found.objective[k] - abs(found.gap[k]) - 1e-10
        assert found.weights[k].sum() == pytest.approx(1.0, abs=1e-10)
        assert found.weights[k].min() >= 0.0


def test_a_programme_that_cannot_be_met_is_told_apart_from_the_others(batch):
    quadratic, linear = (a[:2] for a in batch)
    upper = np.stack([np.full(ASSETS, 0.05), np.ones(ASSETS)])  # 10 · 0.05 = 0.5 < 1
    found = interior_point.solve_batch(quadratic, linear, ONE, np.ones(1), np.zeros(ASSETS), upper)
    assert found.converged.tolist() == [False, True]
    assert found.residual[0] > 0.01
    weights, _ = daqp_solves(quadratic[1], linear[1], *PROGRAMMES["long only"])
    np.testing.assert_allclose(found.weights[1], weights, atol=1e-9)


def test_shapes_that_do_not_fit_and_crossed_bounds_are_refused(batch):
    quadratic, linear = batch
    equal, level, lower, upper = PROGRAMMES["long only"]
    with pytest.raises(InvalidInput, match="linear has 1 dimensions, and must have two: batch × asset"):
        interior_point.solve_batch(quadratic[0], linear[0], equal, level, lower, upper)
    with pytest.raises(InvalidInput, match="lower is 9, and must be 12 × 10, or that without the batch"):
        interior_point.solve_batch(quadratic, linear, equal, level, lower[:9], upper)
    with pytest.raises(InvalidInput, match="lower is above upper for some weight; exchange the two"):
        interior_point.solve_batch(quadratic, linear, equal, level, upper, lower)


def test_programmes_in_two_libraries_are_refused(batch):
    torch = pytest.importorskip("torch")
    with pytest.raises(MixedArrays):
        interior_point.solve_batch(torch.as_tensor(batch[0]), batch[1], *PROGRAMMES["long only"])
