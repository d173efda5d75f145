"""Programs with turnover, trading costs and gross exposure at once: proven, and Clarabel finds no better."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels import run, sample
from prism_kernels.finance import Limits, optimize, qp_split
from prism_kernels.finance.kkt import Program
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.qp_split import Bends, solve_split
from prism_kernels.finance.solution import Solution
from prism_kernels.verify import verify

pytestmark = pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # Clarabel, short of 1e-12

YEAR = 252
AVERSION = 5.0
BENT = {
    "gross": {},
    "turnover": {"max_turnover": 0.3},
    "costs": {"transaction_costs": 0.002},
    "both": {"max_turnover": 0.3, "transaction_costs": 0.002},
}


def stocks():
    return sample("sp500_stocks").iloc[-1000:].pct_change().iloc[1:]


def clarabel(returns, objective, bounds, settings):
    """Return the weights that Clarabel finds; of the Sharpe ratio by y = κw with an excess return of 1."""
    cp = pytest.importorskip("cvxpy")
    mean, covariance = YEAR * returns.mean().to_numpy(), YEAR * np.cov(returns.to_numpy().T)
    y, scale = cp.Variable(len(mean)), cp.Variable(nonneg=True)
    spread, cost = cp.sum_squares(np.linalg.cholesky(covariance).T @ y), 0.0
    kept = [cp.sum(y) == scale, y >= bounds[0] * scale, y <= bounds[1] * scale]
    kept.append(cp.norm1(y) <= settings["gross"] * scale)
    if "previous" in settings:
        moved = cp.norm1(y - scale * settings["previous"])
        cost = settings.get("transaction_costs", 0.0) * moved
        kept += [moved <= 2 * settings["max_turnover"] * scale] if "max_turnover" in settings else []
    gain = mean @ y - cost
    goal = spread if objective != "mean_variance" else AVERSION / 2 * spread - gain
    kept.append(gain >= 1 if objective == "max_sharpe" else scale == 1)
    tight = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}
    cp.Problem(cp.Minimize(goal), kept).solve(solver="CLARABEL", **tight)
    return y.value / scale.value


def value(returns, objective, weights, settings):
    """Return what is minimised, a year, by its definition."""
    mean, covariance = YEAR * returns.mean().to_numpy(), YEAR * np.cov(returns.to_numpy().T)
    moved = weights - settings.get("previous", weights)
    gain = mean @ weights - settings.get("transaction_costs", 0.0) * np.abs(moved).sum()
    variance = weights @ covariance @ weights
    if objective == "min_variance":
        return variance
    return -gain / math.sqrt(variance) if objective == "max_sharpe" else AVERSION / 2 * variance - gain


def test_gross_exposure_and_turnover_together_are_proven_and_verified(tmp_path):
    prices, bounds, previous = sample("sp500_stocks").iloc[-1000:], (-0.2, 0.3), np.full(20, 0.05)
    made = run(
        "finance.optimize",
        prices,
        objective="mean_variance",
        risk_aversion=AVERSION,
        weight_bounds=bounds,
        limits=Limits(gross_exposure=1.5),
        previous_weights=previous,
        max_turnover=0.3,
    )
    found = made.result
    assert found.status == "optimal"
    assert found.residual <= 1e-11
    assert 0 <= found.duality_gap <= 1e-11
    oracle = clarabel(stocks(), "mean_variance", bounds, {"gross": 1.5, "previous": previous, "max_turnover": 0.3})
    np.testing.assert_allclose(np.asarray(found.weights), oracle, atol=1e-7)
    made.save(tmp_path / "made.prism", inputs=True)
    assert verify(tmp_path / "made.prism").verdict == "agrees"


@pytest.mark.parametrize("bent", BENT)
@pytest.mark.parametrize("objective", ["min_variance", "mean_variance", "max_sharpe"])
@given(seed=st.integers(0, 100_000), gross=st.sampled_from([1.1, 1.25, 1.4, 1.6, 1.8]), even=st.booleans())
def test_every_program_that_bends_is_proven_and_never_worse_than_clarabel(bent, objective, seed, gross, even):
    rng = np.random.default_rng(seed)
    returns = stocks().iloc[:, rng.choice(20, 8, replace=False)]
    settings, bounds = {"gross": gross, **BENT[bent]}, (-0.4, 0.7)
    held = {}
    if bent != "gross":  # of equal weights, many stop at one bend at once
        settings["previous"] = np.full(8, 1 / 8) if even else rng.dirichlet(np.ones(8))
        held = {"previous_weights": settings["previous"]}
    risky = {"risk_aversion": AVERSION} if objective == "mean_variance" else {}
    limits = Limits(gross_exposure=gross)
    found = optimize(returns, objective=objective, weight_bounds=bounds, limits=limits, **risky, **held, **BENT[bent])
    assert found.status == "optimal"
    assert found.residual <= 1e-9
    weights = np.asarray(found.weights)
    assert np.abs(weights).sum() <= gross + 1e-12
    if "max_turnover" in settings:
        assert np.abs(weights - settings["previous"]).sum() / 2 <= settings["max_turnover"] + 1e-12
    oracle = value(returns, objective, clarabel(returns, objective, bounds, settings), settings)
    assert value(returns, objective, weights, settings) - oracle <= 1e-8 * abs(oracle)


@given(st.integers(0, 100_000), st.floats(0.05, 0.8), st.floats(1.05, 1.9))
def test_from_far_away_the_way_from_cell_to_cell_ends_at_the_optimum(seed, turnover, gross):
    rng = np.random.default_rng(seed)
    returns = stocks().iloc[:, rng.choice(20, 8, replace=False)].to_numpy()
    covariance, linear = AVERSION * np.cov(returns.T), -returns.mean(axis=0)
    polytope, previous = Polytope.simplex(8, lower=-0.4, upper=0.7), rng.dirichlet(np.ones(8) * 4)
    bends = Bends(previous=previous, buying=1e-6, selling=2e-6, max_turnover=turnover, gross_exposure=gross)
    best = solve_split(covariance, linear, polytope, bends)
    pieces, whole = qp_split._pieces(polytope, bends), Program(covariance, linear, polytope)
    program = pieces.of(whole, bends)
    start = 0.7 * previous + 0.3 * best.weights  # within all limits, as they are convex
    far = Solution(weights=start, objective=0.0, gap=np.inf, residual=np.inf, iterations=0, solver="daqp")
    cells = qp_split._Cells(whole, bends)
    found, weights = qp_split._by_cells(program, pieces, cells, (far, start), 1e-9)
    assert found.status == "optimal"
    assert 0 <= found.gap <= 1e-12
    np.testing.assert_allclose(weights, best.weights, atol=1e-9)


def test_a_worse_portfolio_is_not_proven_by_the_pieces():
    returns = stocks().iloc[:, :8].to_numpy()
    covariance, linear = AVERSION * np.cov(returns.T), -returns.mean(axis=0)
    polytope, previous = Polytope.simplex(8, lower=-0.4, upper=0.7), np.full(8, 1 / 8)
    bends = Bends(previous=previous, max_turnover=0.3, gross_exposure=1.2)
    pieces = qp_split._pieces(polytope, bends)
    whole = Program(covariance, linear, polytope)
    program, best = pieces.of(whole, bends), solve_split(covariance, linear, polytope, bends)
    cells = qp_split._Cells(whole, bends)
    _, prices, _ = qp_split.priced(cells.within(cells.around(best.weights)))
    worse = 0.99 * best.weights + 0.01 * previous
    gap, residual = qp_split.certified(program, pieces.filled(worse), prices)
    lost = program.objective(pieces.filled(worse)) - program.objective(pieces.filled(best.weights))
    assert gap >= lost > 0
    assert residual > 1e-6
