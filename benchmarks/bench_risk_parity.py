"""Risk parity against skfolio, from the same covariance and from the same returns."""

import numpy as np
import pytest

from prism_kernels.finance import risk_parity
from prism_kernels.inputs import Returns, sample
from prism_kernels.inputs.prices import Prices

PERIODS = 1500


@pytest.fixture(scope="module")
def returns(small):
    """Return synthetic returns, drawn from factors whose size is that of 20 real stocks."""
    real = Prices.of(sample("sp500_stocks")).returns().matrix[-PERIODS:]
    count, rng = 20 if small else 100, np.random.default_rng(0)
    values, vectors = np.linalg.eigh(np.cov(real.T))
    factors = rng.standard_normal((PERIODS, 5)) * np.sqrt(values[-5:])
    loads = np.repeat(vectors[:, -5:], count // 20, axis=0) * rng.uniform(0.5, 1.5, (count, 5))
    return factors @ loads.T + rng.standard_normal((PERIODS, count)) * np.sqrt(np.median(values))


def worst(weights, covariance):
    """Return by how much a contribution to risk misses its budget."""
    return float(np.abs(risk_parity.contributions(weights, covariance) * len(weights) - 1).max())


def by_skfolio(returns, covariance):
    """Return skfolio's risk budgeting as a callable that finds its covariance there already."""
    from skfolio.optimization import RiskBudgeting
    from skfolio.prior import BasePrior, EmpiricalPrior

    known = EmpiricalPrior().fit(returns).return_distribution_
    np.testing.assert_allclose(known.covariance, covariance, rtol=1e-9, atol=1e-15)

    class Known(BasePrior):
        def __init__(self):
            pass

        def fit(self, X, y=None):  # noqa: N803  as scikit-learn calls it
            self.return_distribution_ = known
            return self

    return lambda: RiskBudgeting(prior_estimator=Known()).fit(returns).weights_


def test_risk_parity_against_skfolio(row, returns):
    covariance = np.cov(returns.T)

    def equal(theirs, ours):
        np.testing.assert_allclose(theirs, ours.weights, atol=1e-3)
        assert worst(ours.weights, covariance) <= 1e-10
        return {"peer_worst": worst(theirs, covariance), "our_worst": worst(ours.weights, covariance)}

    row(
        f"risk parity from a covariance, {returns.shape[1]} assets (synthetic)",
        peer=by_skfolio(returns, covariance),
        ours=lambda: risk_parity.solve(covariance),
        equal=equal,
        against="skfolio RiskBudgeting",
        at_least=80,
        repeat=10,
        peer_repeat=3,
    )


def test_the_whole_operation_of_risk_parity_against_skfolio(row, returns):
    import pandas as pd
    from skfolio.optimization import RiskBudgeting

    from prism_kernels.finance import optimize

    days = pd.bdate_range("2015-01-01", periods=PERIODS)
    frame = pd.DataFrame(returns, index=days, columns=[f"asset {k}" for k in range(returns.shape[1])])

    def equal(theirs, ours):
        np.testing.assert_allclose(theirs, ours.weights, atol=1e-3)

    row(
        f"risk parity from a DataFrame, {returns.shape[1]} assets × {PERIODS} days (synthetic)",
        peer=lambda: RiskBudgeting().fit(frame).weights_,
        ours=lambda: optimize(Returns.of(frame), objective="risk_parity"),
        equal=equal,
        against="skfolio RiskBudgeting",
        at_least=3,
        peer_repeat=3,
    )
