"""Optimal portfolios against PyPortfolioOpt and skfolio: solvers from the same mean and covariance, then all of it."""

import numpy as np
import pandas as pd
import pytest

from prism_kernels import sample
from prism_kernels.finance import optimize, qp
from prism_kernels.finance.objectives import Ask, best
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.problem import Problem

YEAR = 252


def market(count, periods=1500):
    """Return real returns of 20 stocks, or of more that a seeded bootstrap of their factors makes (synthetic)."""
    prices = sample("sp500_stocks").iloc[-periods - 1 :]
    real = prices.pct_change().iloc[1:]
    if count <= real.shape[1]:
        return real.iloc[:, :count]
    rng = np.random.default_rng(count)
    matrix = real.to_numpy()
    left, sizes, right = np.linalg.svd(matrix - matrix.mean(axis=0), full_matrices=False)
    like = rng.integers(0, 20, count)  # each asset has the factors of a real one, scaled, and its own noise
    factors = (left * sizes)[rng.integers(0, len(matrix), max(periods, 3 * count)), :5]
    loads = right[:5].T[like] * rng.uniform(0.7, 1.3, (count, 1))
    spread = ((left * sizes)[:, 5:] @ right[5:]).std(axis=0)[like]
    noise = spread * rng.standard_normal((len(factors), count))
    made = matrix.mean() * rng.uniform(0.5, 1.5, count) + factors @ loads.T + noise
    return pd.DataFrame(np.maximum(made, -0.9), columns=[f"asset {k}" for k in range(count)])


def moments(frame):
    matrix = frame.to_numpy()
    return matrix.mean(axis=0), np.cov(matrix.T)


def fixed_prior(frame, mean, covariance):
    """Return an estimator of skfolio's that says what was computed before, so that its solver alone is measured."""
    from skfolio.prior import BasePrior, ReturnDistribution

    class Fixed(BasePrior):
        def __init__(self):
            pass

        def fit(self, X, y=None, **options):  # noqa: N803
            self.return_distribution_ = ReturnDistribution(mu=mean, covariance=covariance, returns=frame.to_numpy())
            return self

    return Fixed()


def pyportfolioopt(mean, covariance, name):
    from pypfopt import EfficientFrontier

    made = EfficientFrontier(mean * YEAR, covariance * YEAR, solver="CLARABEL")
    made.min_volatility() if name == "min_variance" else made.max_sharpe(risk_free_rate=0.0)
    return made.weights


def skfolio(frame, mean, covariance, name, *, whole=False):
    from skfolio.optimization import MeanRisk, ObjectiveFunction

    goal = ObjectiveFunction.MINIMIZE_RISK if name == "min_variance" else ObjectiveFunction.MAXIMIZE_RATIO
    prior = {} if whole else {"prior_estimator": fixed_prior(frame, mean, covariance)}
    return MeanRisk(objective_function=goal, solver="CLARABEL", **prior).fit(frame).weights_


def ours(mean, covariance, name):
    if name == "min_variance":
        return qp.solve(covariance, np.zeros(len(mean)), Polytope.simplex(len(mean))).weights
    problem = Problem(mean=mean, covariance=covariance, polytope=Polytope.simplex(len(mean)))
    return best(Ask(objective=name, problem=problem)).weights


def value(weights, mean, covariance, name):
    variance = float(weights @ covariance @ weights)
    return -variance if name == "min_variance" else float(mean @ weights) / variance**0.5


SOLVERS = [
    ("min_variance", 20, "PyPortfolioOpt", 50),
    ("min_variance", 20, "skfolio", 200),
    ("min_variance", 500, "PyPortfolioOpt", 5),
    ("min_variance", 500, "skfolio", 30),
    ("min_variance", 500, "DAQP", 1),
    ("max_sharpe", 100, "PyPortfolioOpt", 25),
    ("max_sharpe", 100, "skfolio", 100),
]


@pytest.mark.parametrize(("name", "count", "against", "asked"), SOLVERS)
def test_solver_against_peers(row, name, count, against, asked):
    count = min(count, 40) if row.small else count
    frame = market(count)
    mean, covariance = moments(frame)
    times = 1 if row.small else 100 if count == 20 else 20 if count == 100 else 3

    def peer():
        for _ in range(times):
            if against == "PyPortfolioOpt":
                found = pyportfolioopt(mean, covariance, name)
            elif against == "skfolio":
                found = skfolio(frame, mean, covariance, name)
            else:
                found = daqp_alone(covariance)
        return found

    def mine():
        for _ in range(times):
            found = ours(mean, covariance, name)
        return found

    def equal(theirs, found):
        one, two = (value(np.asarray(w), mean, covariance, name) for w in (theirs, found))
        assert abs(found.sum() - 1) < 1e-12
        assert found.min() >= 0
        assert two >= one - 1e-9 * abs(one)
        assert abs(two - one) <= 1e-3 * abs(one)
        return {"ours_better_by": (two - one) / abs(one), "times": times}

    label = f"{name}, n = {count}, solver" + (" (synthetic)" if count > 20 else "")
    row(label, peer=peer, ours=mine, equal=equal, against=against, at_least=asked)


def daqp_alone(covariance):
    """Return the answer of DAQP as it is, which is the fastest direct solver there is."""
    import daqp

    count = len(covariance)
    upper = np.ones(count + 1)
    lower = np.concatenate([np.zeros(count), [1.0]])
    sense = np.zeros(count + 1, dtype=np.int32)
    sense[-1] = 5
    unit = covariance.diagonal().max()
    return np.asarray(daqp.solve(covariance / unit, np.zeros(count), np.ones((1, count)), upper, lower, sense)[0])


WHOLE = [
    ("min_variance", 20, "PyPortfolioOpt", 1),
    ("min_variance", 20, "skfolio", 1),
    ("min_variance", 500, "skfolio", 1),
    ("max_sharpe", 100, "skfolio", 1),
]


@pytest.mark.parametrize(("name", "count", "against", "asked"), WHOLE)
def test_whole_operation_from_a_frame_against_peers(row, name, count, against, asked):
    count = min(count, 40) if row.small else count
    frame = market(count)
    mean, covariance = moments(frame)
    times = 1 if row.small else 3

    def peer():
        for _ in range(times):
            if against == "skfolio":
                found = skfolio(frame, mean, covariance, name, whole=True)
            else:
                found = pyportfolioopt(frame.mean().to_numpy(), frame.cov().to_numpy(), name)
        return np.asarray(found)

    def mine():
        for _ in range(times):
            found = optimize(frame, objective=name)
        return found.weights

    def equal(theirs, found):
        one, two = (value(w, mean, covariance, name) for w in (theirs, found))
        assert two >= one - 1e-9 * abs(one)
        return {"ours_better_by": (two - one) / abs(one)}

    label = f"{name}, n = {count}, whole operation" + (" (synthetic)" if count > 20 else "")
    row(label, peer=peer, ours=mine, equal=equal, against=against, at_least=asked)
