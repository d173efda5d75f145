"""Eleven measures of a thousand series of returns against empyrical and quantstats."""

import numpy as np
import pytest

from prism_kernels.finance.performance import metrics

PERIODS = 2520
ELEVEN = (
    "total_return", "cagr", "volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "omega_ratio",
    "max_drawdown", "value_at_risk", "expected_shortfall", "tail_ratio",
)  # fmt: skip


@pytest.fixture(scope="module")
def returns(small):
    """Return synthetic daily returns, time × series: Student's t, with the drift and deviation of a stock index."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    values = 0.0003 + 0.008 * rng.standard_t(4, (PERIODS, 5 if small else 1000))
    return pd.DataFrame(values, index=pd.bdate_range("2010-01-04", periods=PERIODS))


def ours(returns):
    found = metrics(returns)
    return np.column_stack([getattr(found, name) for name in ELEVEN])


def test_eleven_measures_against_empyrical(row, returns):
    import empyrical

    def one(own):
        return (
            empyrical.cum_returns_final(own),
            empyrical.cagr(own),
            empyrical.annual_volatility(own),
            empyrical.sharpe_ratio(own),
            empyrical.sortino_ratio(own),
            empyrical.calmar_ratio(own),
            empyrical.omega_ratio(own),
            empyrical.max_drawdown(own),
            -empyrical.value_at_risk(own),
            -empyrical.conditional_value_at_risk(own),
            empyrical.tail_ratio(own),
        )

    values = np.ascontiguousarray(returns.to_numpy().T)  # what empyrical is fastest with

    def equal(theirs, mine):
        np.testing.assert_allclose(mine, theirs, rtol=1e-11)

    row(
        f"11 measures × {len(values):,} series × {PERIODS:,} days",
        peer=lambda: np.array([one(own) for own in values]),
        ours=lambda: ours(returns.to_numpy()),
        equal=equal,
        against="empyrical-reloaded, from arrays",
        at_least=10,
    )


@pytest.mark.filterwarnings("ignore")  # of quantstats and of what it imports, at their import and on every call
def test_eleven_measures_against_quantstats(row, returns):
    from quantstats import stats

    def one(own):
        return (
            stats.comp(own),
            stats.cagr(own),
            stats.volatility(own),
            stats.sharpe(own),
            stats.sortino(own),
            stats.calmar(own),
            stats.omega(own),
            stats.max_drawdown(own),
            -stats.value_at_risk(own),
            -stats.conditional_value_at_risk(own, method="historical"),
            stats.tail_ratio(own),
        )

    def equal(theirs, mine):
        same = [name != "value_at_risk" for name in ELEVEN]  # quantstats' is that of a normal distribution
        np.testing.assert_allclose(mine[:, same], theirs[:, same], rtol=1e-9)

    row(
        f"11 measures × {returns.shape[1]:,} series × {PERIODS:,} days",
        peer=lambda: np.array([one(returns[name]) for name in returns], dtype=float),
        ours=lambda: ours(returns),
        equal=equal,
        against="quantstats, from frames",
        at_least=40,
    )
