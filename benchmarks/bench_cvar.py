"""Least expected shortfall against skfolio, PyPortfolioOpt and HiGHS, on real and on resampled daily returns."""

import numpy as np
import pytest

from prism_kernels import sample
from prism_kernels.finance import cvar
from prism_kernels.finance.polytope import Polytope
from prism_kernels.inputs.prices import Prices

LEVEL = 0.95
PEERS = ("skfolio MeanRisk(CVAR)", "PyPortfolioOpt EfficientCVaR", "HiGHS on the linear programme")


def real(count):
    """Return the last daily returns of 20 stocks."""
    return np.ascontiguousarray(Prices.of(sample("sp500_stocks")).returns().matrix[-count:])


def resampled(assets, count):
    """Return returns of a seeded factor bootstrap: five factors of the 20 stocks, and their residuals."""
    rng = np.random.default_rng(0)
    stocks = real(3000)
    apart = stocks - stocks.mean(axis=0)
    directions = np.linalg.svd(apart, full_matrices=False)[2][:5]
    factors = apart @ directions.T
    rest = apart - factors @ directions
    alike = rng.integers(0, 20, assets)
    loadings = directions[:, alike] * rng.uniform(0.6, 1.4, (5, assets))
    own = rest[rng.integers(0, 3000, (count, assets)), alike]
    return factors[rng.integers(0, 3000, count)] @ loadings + own + stocks.mean(axis=0)[alike]


def by_skfolio(returns):
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk

    return MeanRisk(risk_measure=RiskMeasure.CVAR, cvar_beta=LEVEL).fit(returns).weights_


def by_pypfopt(returns):
    from pypfopt import EfficientCVaR

    found = EfficientCVaR(returns.mean(axis=0), returns, beta=LEVEL)
    found.min_cvar()
    return found.weights


def by_highs(returns):
    """Return the weights by HiGHS alone: the programme is put together beforehand in no time of its own."""
    import highspy
    import scipy.sparse as sp

    periods, assets = returns.shape
    top = sp.hstack([sp.csc_matrix(np.ones((1, assets))), sp.csc_matrix((1, periods + 1))])
    rest = sp.hstack([sp.csc_matrix(returns), np.ones((periods, 1)), sp.eye(periods)])
    table = sp.vstack([top, rest]).tocsc()
    columns = assets + 1 + periods
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = columns, periods + 1
    program.col_cost_ = np.r_[np.zeros(assets), 1.0, np.full(periods, 1 / ((1 - LEVEL) * periods))]
    program.col_lower_ = np.r_[np.zeros(assets), -np.inf, np.zeros(periods)]
    program.col_upper_ = np.r_[np.ones(assets), np.full(periods + 1, np.inf)]
    program.row_lower_ = np.r_[1.0, np.zeros(periods)]
    program.row_upper_ = np.r_[1.0, np.full(periods, np.inf)]
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_ = table.indptr, table.indices
    program.a_matrix_.value_ = table.data
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(program)
    solver.run()
    return np.array(solver.getSolution().col_value)[:assets]


@pytest.mark.parametrize("peer", [by_skfolio, by_pypfopt, by_highs], ids=PEERS)
@pytest.mark.parametrize(("assets", "periods", "at_least"), [(20, 2500, 12), (100, 1500, 30)])
def test_least_expected_shortfall(row, request, peer, assets, periods, at_least):
    if row.small:
        periods = 400
        assets = min(assets, 25)
    returns = real(periods) if assets == 20 else resampled(assets, periods)
    limits = Polytope.simplex(assets)

    def equal(theirs, ours):
        other = cvar.shortfall(-returns @ np.asarray(theirs), LEVEL)[0]
        assert ours.objective <= other + 1e-12
        assert other <= ours.objective * (1 + 1e-4)  # what the first two take for converged
        if peer is by_highs:
            assert other == pytest.approx(ours.objective, abs=1e-10)
        return {"peer_excess": other - ours.objective, "our_gap": ours.gap, "steps": ours.iterations}

    name = f"min-CVaR₉₅, {assets} assets × {periods}"
    against = PEERS[[by_skfolio, by_pypfopt, by_highs].index(peer)]
    row(
        name,
        peer=lambda: peer(returns),
        ours=lambda: cvar.minimise(returns, LEVEL, limits),
        equal=equal,
        against=against,
        at_least=at_least,
        repeat=10,
        peer_repeat=2,
    )
