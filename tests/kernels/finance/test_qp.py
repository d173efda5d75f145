"""Quadratic and linear programs over limits, against Clarabel, closed forms and the conditions themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels import InvalidInput
from prism_kernels.finance import qp
from prism_kernels.finance.kkt import Active, Program, certified, point_of
from prism_kernels.finance.limits import with_row
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.qp_split import Bends, solve_split


def market(count, seed=0, periods=None):
    """Return mean and covariance of correlated returns."""
    rng = np.random.default_rng(seed)
    periods = periods or 3 * count + 40
    common = rng.normal(size=(periods, 3)) @ rng.normal(size=(3, count))
    returns = 0.01 * (0.6 * common + rng.normal(size=(periods, count))) + 0.0005
    return returns.mean(axis=0), np.cov(returns.T)


def clarabel(quadratic, linear, polytope, bends=None):
    """Return the value of the optimum, to 1e-12, of a solver that shares nothing with ours."""
    cp = pytest.importorskip("cvxpy")
    x = cp.Variable(polytope.count)
    unit = np.trace(quadratic) / len(quadratic) or 1.0
    root = np.linalg.cholesky(quadratic / unit + 0e-16 * np.eye(len(quadratic))) if quadratic.any() else None
    objective = linear @ x / unit + (0 if root is None else 0.5 * cp.sum_squares(root.T @ x))
    kept = [x[k] >= v for k, v in enumerate(polytope.lower) if np.isfinite(v)]
    kept += [x[k] <= v for k, v in enumerate(polytope.upper) if np.isfinite(v)]
    for row, least, most in zip(polytope.rows, polytope.least, polytope.most, strict=True):
        if least == most:
            kept.append(row @ x == most)
            continue
        kept += [row @ x >= least] if np.isfinite(least) else []
        kept += [row @ x <= most] if np.isfinite(most) else []
    if bends is not None and bends.previous is not None:
        moved = x - bends.previous
        objective += (bends.buying * cp.sum(cp.pos(moved)) + bends.selling * cp.sum(cp.neg(moved))) / unit
        kept += [cp.norm1(moved) <= 2 * bends.max_turnover] if bends.max_turnover is not None else []
    if bends is not None and bends.gross_exposure is not None:
        kept.append(cp.norm1(x) <= bends.gross_exposure)
    problem = cp.Problem(cp.Minimize(objective), kept)
    problem.solve(solver="CLARABEL", tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    return problem.value * unit


def proven(found, tolerance=1e-9):
    assert found.status == "optimal"
    assert found.residual <= tolerance
    assert found.gap >= 0


@pytest.mark.parametrize("count", [1, 2, 5, 20, 150])
@pytest.mark.parametrize("reward", [0.0, 0.02, 1.0])
@pytest.mark.parametrize("upper", [1.0, 0.2])
def test_the_optimum_is_that_of_clarabel_and_proves_itself(count, reward, upper):
    mean, covariance = market(count) if count > 1 else (np.array([0.001]), np.array([[0.0001]]))
    polytope = Polytope.simplex(count, upper=max(upper, 1.5 / count))
    found = qp.solve(covariance, -reward * mean, polytope)
    proven(found)
    assert polytope.violation(found.weights) <= 1e-14
    value = clarabel(covariance, -reward * mean, polytope)
    unit = max(abs(value), float(np.trace(covariance)) / count)
    assert abs(found.objective - value) <= 1e-8 * unit
    assert found.gap <= 1e-12 * unit


def test_without_bounds_the_least_variance_is_the_closed_form():
    _, covariance = market(12)
    free = Polytope.simplex(12, lower=-np.inf, upper=np.inf)
    inverse = np.linalg.solve(covariance, np.ones(12))  # w = Σ⁻¹1 / 1'Σ⁻¹1
    found = qp.solve(covariance, np.zeros(12), free)
    np.testing.assert_allclose(found.weights, inverse / inverse.sum(), rtol=1e-11)
    proven(found)


@pytest.mark.parametrize("count", [8, 140])
def test_ranges_of_groups_hold_and_the_optimum_is_clarabels(count):
    mean, covariance = market(count, seed=3)
    row = (np.arange(count) < count // 2).astype(float)
    polytope = with_row(Polytope.simplex(count, lower=-0.2, upper=0.4), row, least=0.1, most=0.3, name="group a")
    polytope = with_row(polytope, mean, least=float(mean.mean()), name="target_return")
    found = qp.solve(covariance, -0.01 * mean, polytope)
    proven(found)
    value = clarabel(covariance, -0.01 * mean, polytope)
    assert found.objective == pytest.approx(value, rel=1e-8)


def test_a_singular_covariance_still_has_a_proven_optimum():
    mean, covariance = market(30, periods=12)  # rank 11
    found = qp.solve(covariance, -mean, Polytope.simplex(30, upper=0.2))
    assert found.gap <= 1e-9 * np.trace(covariance)
    assert found.residual <= 1e-6


def test_many_assets_are_solved_as_few_are():
    mean, covariance = market(160, seed=5)
    program = Program(covariance, -0.02 * mean, Polytope.simplex(160, upper=0.05))
    swept = qp.solve(covariance, -0.02 * mean, program.polytope)
    single = qp._by_daqp(program, None, 1e-9)
    assert swept.solver == "primal-dual active set"
    assert single.solver == "daqp"
    np.testing.assert_allclose(swept.weights, single.weights, atol=1e-12)


def test_a_start_changes_the_way_and_not_the_answer():
    mean, covariance = market(150, seed=6)
    polytope = Polytope.simplex(150, upper=0.1)
    cold = qp.solve(covariance, -0.02 * mean, polytope)
    warm = qp.solve(covariance, -0.02 * mean, polytope, start=cold.weights)
    np.testing.assert_allclose(warm.weights, cold.weights, atol=1e-13)
    assert warm.iterations <= cold.iterations


def test_a_linear_objective_takes_the_best_corner():
    mean = np.array([0.01, 0.03, 0.02, -0.01])
    found = qp.solve(np.zeros((4, 4)), -mean, Polytope.simplex(4, upper=0.4))
    np.testing.assert_allclose(found.weights, [0.2, 0.4, 0.4, 0.0], atol=1e-15)
    assert found.objective == pytest.approx(-(0.2 * 0.01 + 0.4 * 0.03 + 0.4 * 0.02))
    proven(found)


def test_a_return_without_end_is_refused():
    with pytest.raises(InvalidInput, match=r"^weight_bounds leave the return without limit; bound the weights$"):
        qp.solve(np.zeros((2, 2)), np.array([-1.0, 1.0]), Polytope.simplex(2, lower=-np.inf, upper=np.inf))


def test_with_nothing_but_bounds_each_weight_may_stand_at_one():
    mean, covariance = market(5)
    limits = Polytope.simplex(5, lower=-1.0)
    free = Polytope(
        lower=limits.lower, upper=limits.upper, rows=np.empty((0, 5)), least=np.empty(0), most=np.empty(0), names=()
    )
    found = qp.solve(covariance, -100 * mean, free)
    np.testing.assert_array_equal(found.weights, np.sign(mean))
    proven(found)


def test_limits_that_nothing_fulfils_are_refused():
    mean, covariance = market(4)
    polytope = with_row(Polytope.simplex(4), mean, least=1.0, name="target_return")
    with pytest.raises(InvalidInput, match="no portfolio fulfils all limits together"):
        qp.solve(covariance, np.zeros(4), polytope)


def test_the_certificate_tells_a_worse_portfolio_by_how_much_it_is_worse():
    mean, covariance = market(10)
    program = Program(covariance, -0.05 * mean, Polytope.simplex(10))
    best = qp.solve(covariance, program.linear, program.polytope)
    worse = np.full(10, 0.1)
    price = np.array([-float(worse @ (covariance @ worse + program.linear))])
    gap, residual = certified(program, worse, price)
    assert gap >= program.objective(worse) - best.objective > 0
    assert residual > 1e-4


@pytest.mark.parametrize("price", [0.0, np.nan])
def test_what_is_no_number_is_not_certified(price):
    _, covariance = market(3)
    weights = np.array([0.5, np.nan if price == 0 else 0.5, 0.0])
    _, residual = certified(Program(covariance, np.zeros(3), Polytope.simplex(3)), weights, np.array([price]))
    assert np.isnan(residual)


def test_the_point_of_all_limits_but_one_does_not_exist():
    _, covariance = market(3)
    program = Program(covariance, np.zeros(3), Polytope.simplex(3))
    assert point_of(program, Active(np.full(3, -1, dtype=np.int8), np.ones(1, dtype=np.int8))) is None


CASES = [
    {"lower": 0.0, "upper": 1.0, "max_turnover": 0.1},
    {"lower": 0.0, "upper": 1.0, "buying": 0.01, "selling": 0.02},
    {"lower": -0.5, "upper": 0.6, "buying": 0.0002, "max_turnover": 0.3, "gross_exposure": 1.4},
    {"lower": -0.5, "upper": 0.6, "gross_exposure": 1.2},
    {"lower": -np.inf, "upper": np.inf, "gross_exposure": 1.5, "selling": 0.001},
    {"lower": 0.05, "upper": 0.3, "max_turnover": 0.5, "selling": 0.0001},
    {"lower": 0.0, "upper": 1.0, "max_turnover": 0.0},
]


@pytest.mark.parametrize("case", CASES)
def test_turnover_costs_and_exposure_are_exact(case):
    mean, covariance = market(8, seed=1)
    mean, covariance = 252 * mean, 252 * covariance
    previous = np.random.default_rng(2).dirichlet(np.ones(8))
    given_bends = {k: v for k, v in case.items() if k not in ("lower", "upper")}
    bends = Bends(previous=previous, **given_bends)
    polytope = Polytope.simplex(8, lower=case["lower"], upper=case["upper"])
    found = solve_split(covariance, -mean, polytope, bends)
    proven(found)
    assert bends.holds(found.weights - 0.0) or bends.turnover(found.weights) <= (bends.max_turnover or 0) + 1e-14
    moved = found.weights - previous
    paid = bends.buying * moved[moved > 0].sum() - bends.selling * moved[moved < 0].sum()
    assert bends.cost(found.weights) == pytest.approx(paid, abs=1e-15)
    own = 0.5 * found.weights @ covariance @ found.weights - mean @ found.weights + paid
    assert found.objective == pytest.approx(own, abs=1e-14)
    assert found.objective == pytest.approx(clarabel(covariance, -mean, polytope, bends), abs=1e-8)


def test_huge_costs_leave_the_portfolio_as_it_was():
    mean, covariance = market(6)
    previous = np.array([0.5, 0.3, 0.2, 0.0, 0.0, 0.0])
    found = solve_split(covariance, -mean, Polytope.simplex(6), Bends(previous=previous, buying=9.0, selling=9.0))
    np.testing.assert_array_equal(found.weights, previous)


@given(st.integers(2, 9), st.integers(0, 10_000), st.floats(0.0, 0.1), st.sampled_from([1.0, 0.7, 0.55]))
def test_permuting_assets_permutes_weights(count, seed, reward, upper):
    mean, covariance = market(count, seed)
    order = np.random.default_rng(seed).permutation(count)
    polytope = Polytope.simplex(count, upper=upper)
    found = qp.solve(covariance, -reward * mean, polytope)
    turned = qp.solve(covariance[np.ix_(order, order)], -reward * mean[order], polytope)
    np.testing.assert_allclose(turned.weights, found.weights[order], atol=1e-10)


@given(st.integers(2, 9), st.integers(0, 10_000), st.floats(-30, 30))
def test_scaling_the_covariance_leaves_the_least_variance_where_it_is(count, seed, power):
    _, covariance = market(count, seed)
    polytope = Polytope.simplex(count, lower=-0.3)
    found = qp.solve(covariance, np.zeros(count), polytope)
    scaled = qp.solve(covariance * 10.0**power, np.zeros(count), polytope)
    np.testing.assert_allclose(scaled.weights, found.weights, atol=1e-10)
    proven(scaled)
