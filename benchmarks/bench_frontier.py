"""The efficient frontier against skfolio: 100 points, from the same returns and the same equal steps of return."""

import numpy as np
import pytest

from prism_kernels import sample
from prism_kernels.finance.critical_line import critical_line
from prism_kernels.finance.polytope import Polytope
from prism_kernels.inputs.prices import Prices

PERIODS, POINTS = 1000, 100


def drawn(count):
    """Return returns, time × asset: 20 real stocks, or a seeded synthetic market with one common factor."""
    if count == 20:
        return Prices.of(sample("sp500_stocks")).returns().matrix
    rng = np.random.default_rng(count)
    market = rng.normal(3e-4, 0.01, (PERIODS, 1)) * rng.uniform(0.5, 1.5, count)
    return market + rng.normal(rng.normal(2e-4, 2e-4, count), rng.uniform(0.005, 0.03, count), (PERIODS, count))


@pytest.mark.parametrize(("count", "asked"), [(20, 150), (100, 40)])
def test_frontier_against_skfolio(row, count, asked):
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk, ObjectiveFunction

    count, points = (5, 10) if row.small else (count, POINTS)
    returns = drawn(count)
    mean, covariance = returns.mean(axis=0), np.cov(returns.T)

    def peer():
        least = ObjectiveFunction.MINIMIZE_RISK
        model = MeanRisk(
            risk_measure=RiskMeasure.VARIANCE, objective_function=least, efficient_frontier_size=points
        ).fit(returns)
        return np.asarray(model.weights_)

    def ours():
        return critical_line(mean, covariance, Polytope.simplex(count)).sample(points)

    def equal(theirs, points_of_ours):
        corners = critical_line(mean, covariance, Polytope.simplex(count))
        variances = np.einsum("ij,ij->i", theirs @ covariance, theirs)
        targets = np.clip(theirs @ mean, *corners.span)
        best = np.array([w @ covariance @ w for w in map(corners.at_return, targets)])
        excess = variances / best - 1
        assert (excess > -1e-5).all()  # theirs may fall short of its return or its budget by its solver's tolerance
        assert (excess < 1e-3).all()
        assert np.allclose(points_of_ours.weights.sum(axis=1), 1, atol=1e-12)
        return {"corners": len(corners.weights), "residual": corners.residual, "peer_excess": float(excess.max())}

    name = f"{points}-point frontier, n = {count}" + (" (synthetic)" if count == 100 else "")
    row(name, peer=peer, ours=ours, equal=equal, against="skfolio MeanRisk", at_least=asked)


def test_frontier_of_many_assets_in_a_second(row):
    count = 20 if row.small else 500
    rng = np.random.default_rng(count)
    loads = rng.normal(0.0, 0.01, (count, 5))
    covariance = loads @ loads.T + np.diag(rng.uniform(0.01, 0.03, count) ** 2)
    mean = rng.normal(5e-4, 5e-4, count)
    critical_line(mean, covariance, Polytope.simplex(count))

    import time

    start = time.process_time()
    corners = critical_line(mean, covariance, Polytope.simplex(count))
    seconds = time.process_time() - start
    assert corners.exact
    assert corners.residual < 1e-9
    row.note(
        f"all corners of the frontier, n = {count}", against="", asked=1.0, measured=seconds, unit=" s",
        at_most=True, corners=len(corners.weights), residual=corners.residual,
    )  # fmt: skip
