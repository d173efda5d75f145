"""The largest Sharpe ratio of long-only portfolios: the active set of the lanes against the homogenised program."""

from dataclasses import replace

import numpy as np
import pytest

from prism_kernels import InvalidInput
from prism_kernels.finance import qp, sharpe
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.problem import Problem
from tests.kernels.finance.test_qp import market


@pytest.mark.parametrize("rate", [0.0, 0.0003, -0.002])
@pytest.mark.parametrize("budget", [1.0, 0.4, 3.0])
@pytest.mark.parametrize("count", [1, 3, 20, 100])
def test_the_largest_ratio_is_that_of_the_homogenised_program(count, rate, budget, monkeypatch):
    mean, covariance = market(count, seed=7) if count > 1 else (np.array([0.002]), np.array([[0.0001]]))
    polytope = Polytope.simplex(count, upper=budget, budget=budget)
    problem = Problem(mean=mean, covariance=covariance, polytope=polytope)
    found = sharpe.solve(problem, rate)
    assert found.solver == "active set"
    assert found.residual <= 1e-12
    assert found.weights.sum() == pytest.approx(budget, rel=1e-14)
    monkeypatch.setattr(qp, "joined", lambda *_: None)
    other = sharpe.solve(problem, rate)
    assert other.solver == "daqp"
    np.testing.assert_allclose(found.weights, other.weights, atol=1e-11 * budget)
    assert found.objective == pytest.approx(other.objective, rel=1e-12)
    assert 0 <= found.gap <= 1e-12 * abs(found.objective)
    own = (mean @ found.weights - rate) / np.sqrt(found.weights @ covariance @ found.weights)
    assert -found.objective == pytest.approx(own, rel=1e-13)


def test_a_ratio_of_no_portfolio_above_the_rate_is_refused_as_before():
    mean, covariance = market(5)
    problem = Problem(mean=mean, covariance=covariance, polytope=Polytope.simplex(5))
    with pytest.raises(InvalidInput, match="is not below the largest return that the limits allow"):
        sharpe.solve(problem, 1.0)
    covariance[3, :], covariance[:, 3] = 0.0, 0.0
    with pytest.raises(InvalidInput, match="leave out what is constant"):
        sharpe.solve(replace(problem, mean=np.abs(mean) + 0.001, covariance=covariance), 0.0)


def test_a_ratio_that_is_not_proven_to_rounding_is_left_to_daqp(monkeypatch):
    mean, covariance = market(8)
    problem = Problem(mean=mean, covariance=covariance, polytope=Polytope.simplex(8))
    best, right = sharpe.solve(problem), qp.joined

    def off(quadratic, linear, budget):
        weights, price, rounds = right(quadratic, linear, budget)
        weights[weights.argmax()] *= 1 - 1e-9
        return weights, price, rounds

    monkeypatch.setattr(qp, "joined", off)
    found = sharpe.solve(problem)
    assert (best.solver, found.solver) == ("active set", "daqp")
    np.testing.assert_allclose(found.weights, best.weights, atol=1e-12)
