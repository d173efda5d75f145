"""Measures of performance: each against a peer, every selection against sorting, every library, refusals."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from prism_kernels import InvalidInput, sample
from prism_kernels.arrays import to_numpy
from prism_kernels.finance.performance import METRICS, metrics


def table(seed=0, periods=300, series=3):
    return 0.01 * np.random.default_rng(seed).standard_t(4, (periods, series)) + 0.0004


def by_empyrical(own, rate=0.0, level=0.95):
    """Measure one series with empyrical, whose rate is that of a period, and by definition where it has no measure."""
    import empyrical

    value = np.cumprod(1 + own)
    depths = value / np.maximum.accumulate(np.maximum(value, 1)) - 1
    return {
        "total_return": empyrical.cum_returns_final(own),
        "cagr": empyrical.cagr(own),
        "volatility": empyrical.annual_volatility(own),
        "downside_deviation": empyrical.downside_risk(own, required_return=rate),
        "sharpe_ratio": empyrical.sharpe_ratio(own, risk_free=rate),
        "sortino_ratio": empyrical.sortino_ratio(own, required_return=rate),
        "calmar_ratio": empyrical.calmar_ratio(own),
        "omega_ratio": empyrical.omega_ratio(own, risk_free=rate),
        "max_drawdown": empyrical.max_drawdown(own),
        "ulcer_index": math.sqrt(np.mean(depths**2)),
        "value_at_risk": -empyrical.value_at_risk(own, cutoff=1 - level),
        "expected_shortfall": -empyrical.conditional_value_at_risk(own, cutoff=1 - level),
        "tail_ratio": empyrical.tail_ratio(own),
        "skewness": stats.skew(own),
        "kurtosis": stats.kurtosis(own),
    }


@pytest.mark.parametrize("rate", [0.0, 0.03])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_every_measure_of_real_stocks_is_that_of_the_peer(level, rate):
    returns = sample("sp500_stocks").pct_change().iloc[1:]
    found = metrics(returns, level=level, risk_free_rate=rate)
    for k, name in enumerate(returns.columns):
        expected = by_empyrical(returns[name].to_numpy(), rate / 252, level)
        for measure in METRICS:
            assert getattr(found, measure)[k] == pytest.approx(expected[measure], rel=2e-12), (name, measure)


@given(
    seed=st.integers(0, 10_000),
    periods=st.integers(2, 60),
    level=st.floats(0.5, 0.95),
    kind=st.sampled_from(["heavy", "ties", "skewed", "one outlier", "few values"]),
)
def test_the_tail_of_any_shape_is_that_of_sorted_returns(seed, periods, level, kind):
    rng = np.random.default_rng(seed)
    periods = max(periods, math.ceil(1 / (1 - level)) + 1)
    own = {
        "heavy": 0.01 * rng.standard_cauchy(periods).clip(-90, 90),
        "ties": 0.01 * np.round(rng.normal(size=periods)),
        "skewed": rng.exponential(0.01, periods) - 0.005,
        "one outlier": np.where(np.arange(periods) == 1, -0.9, 0.001 * rng.normal(size=periods)),
        "few values": rng.choice([-0.1, 0.1], periods),
    }[kind]
    found = metrics(own, level=level)
    expected = by_empyrical(own, level=level)
    for name in ("value_at_risk", "expected_shortfall"):
        assert getattr(found, name)[0] == pytest.approx(expected[name], rel=1e-9, abs=1e-15), name
    low, high = np.percentile(own, [5, 95])
    if abs(low) > 1e-12:
        assert found.tail_ratio[0] == pytest.approx(abs(high) / abs(low), rel=1e-9)


@given(seed=st.integers(0, 1000), factor=st.floats(0.1, 3))
def test_ratios_do_not_depend_on_the_size_of_returns(seed, factor):
    one, other = metrics(table(seed)), metrics(factor * table(seed))
    for name in ("sharpe_ratio", "sortino_ratio", "omega_ratio", "tail_ratio", "skewness", "kurtosis"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-9, atol=1e-9)
    for name in ("volatility", "downside_deviation", "value_at_risk", "expected_shortfall"):
        np.testing.assert_allclose(getattr(other, name), factor * getattr(one, name), rtol=1e-10)


def test_a_series_is_measured_alike_alone_and_among_others():
    values = table(series=40)
    together = metrics(values)
    for k in (0, 17, 39):
        alone = metrics(values[:, k])
        assert all(getattr(alone, name)[0] == getattr(together, name)[k] for name in METRICS)


def test_every_library_gets_its_own_arrays_back(on):
    found, expected = metrics(on(table())), metrics(table())
    for name in METRICS:
        assert on.owns(getattr(found, name))
        np.testing.assert_allclose(to_numpy(getattr(found, name)), getattr(expected, name), rtol=1e-12)


def test_single_precision_stays_single():
    assert metrics(table().astype(np.float32)).cagr.dtype == np.float32


def test_a_sharpe_ratio_without_volatility_is_not_a_number_and_said():
    values = table()
    values[:, 1] = 0.001
    found = metrics(pd.DataFrame(values, columns=["a", "cash", "c"]))
    assert np.isnan(found.sharpe_ratio).tolist() == [False, True, False]
    assert found.volatility[1] == found.skewness[1] == found.kurtosis[1] == found.max_drawdown[1] == 0
    assert np.isnan([found.sortino_ratio[1], found.calmar_ratio[1], found.omega_ratio[1]]).all()
    assert found.warnings == ("cash: returns do not vary, so the Sharpe ratio is not defined",)


def test_a_total_loss_ends_at_nothing():
    values = table(series=1)
    values[50] = -1.0
    found = metrics(values)
    assert found.total_return[0] == found.cagr[0] == found.max_drawdown[0] == -1
    assert found.calmar_ratio[0] == -1


def test_names_travel_to_the_frame():
    frame = metrics(sample("factor_etfs")).to_frame()
    assert frame["series"].tolist() == ["MTUM", "QUAL", "SIZE", "USMV", "VLUE"]
    assert set(METRICS) <= set(frame.columns)


@pytest.mark.parametrize(
    ("given_returns", "settings", "sentence"),
    [
        ([[0.01]], {}, "returns has 1 period, and 2 or more are needed"),
        (table(periods=19), {}, "level 0.95 needs 20 periods or more, and returns has 19; lower it or give more"),
        (np.where(np.arange(30) == 3, np.nan, 0.01), {}, "returns has a missing return (first: "),
    ],
)
def test_what_cannot_be_measured_is_refused(given_returns, settings, sentence):
    with pytest.raises(InvalidInput) as refused:
        metrics(given_returns, **settings)
    assert str(refused.value).startswith(sentence)


def test_a_growth_that_single_precision_cannot_hold_is_infinite_in_it():
    gains = np.full((30, 1), 0.1, dtype=np.float32)
    found = metrics(gains * np.array([1.0, 1.01] * 15, dtype=np.float32)[:, None], periods_per_year=1e5, level=0.9)
    assert found.cagr.dtype == np.float32
    assert np.isinf(found.cagr).all()  # 1.1 to the power of 100,000
