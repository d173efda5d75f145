"""Residual diagnostics against statsmodels, SciPy and numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.tsa.stattools import acf

from prism_kernels import InvalidInput
from prism_kernels.arrays import to_numpy
from prism_kernels.timeseries import diagnose

NOISE = np.random.default_rng(3).normal(2.0, 3.0, size=(2, 120))


def test_every_field_agrees_with_its_oracle(on):
    found = diagnose(on(NOISE), max_lag=12, n_params=2, bins=9)
    assert on.owns(found.acf)
    for k, row in enumerate(NOISE):
        np.testing.assert_allclose(to_numpy(found.acf)[k], acf(row, nlags=12, fft=False)[1:], rtol=1e-10)
        box = acorr_ljungbox(row, lags=[12], model_df=2)
        assert float(found.ljung_box[k]) == pytest.approx(box["lb_stat"].iloc[0], rel=1e-10)
        assert float(found.ljung_box_p[k]) == pytest.approx(box["lb_pvalue"].iloc[0], rel=1e-10)
        bera = stats.jarque_bera(row)
        assert float(found.jarque_bera[k]) == pytest.approx(bera.statistic, rel=1e-10)
        assert float(found.jarque_bera_p[k]) == pytest.approx(bera.pvalue, rel=1e-10)
        assert float(found.acf_bound[k]) == pytest.approx(stats.norm.ppf(0.975) / np.sqrt(120), rel=1e-12)
        assert float(found.mean[k]) == pytest.approx(row.mean())
        assert float(found.sd[k]) == pytest.approx(row.std(ddof=1))
        count, edge = np.histogram(row, 9)
        np.testing.assert_array_equal(to_numpy(found.count)[k], count)
        np.testing.assert_allclose(to_numpy(found.edge)[k], edge)
    assert list(found.axes["lag"]) == list(range(1, 13))


def test_leading_nan_is_passed_over():
    padded = np.concatenate([np.full(5, np.nan), NOISE[0]])
    np.testing.assert_array_equal(diagnose(padded, max_lag=5).acf, diagnose(NOISE[0], max_lag=5).acf)


@given(st.floats(0.1, 1e6), st.floats(-1e3, 1e3))
def test_scale_and_place_change_no_autocorrelation(scale, shift):
    np.testing.assert_allclose(
        diagnose(NOISE * scale + shift, max_lag=5).acf, diagnose(NOISE, max_lag=5).acf, atol=1e-8
    )


def test_memory_is_found_and_noise_is_not():
    walk = np.cumsum(NOISE[0])
    assert diagnose(walk).ljung_box_p[0] < 1e-6
    assert diagnose(NOISE[0]).ljung_box_p[0] > 0.01


@pytest.mark.parametrize(
    ("data", "settings", "sentence"),
    [
        ([1.0] * 7, {}, "y has 7 residuals, and 8 or more are needed; give a longer series"),
        ([1.0], {}, "y has 1 residual, and 8 or more are needed; give a longer series"),
        ([2.0] * 20, {}, "y has residuals that are all 2; there is nothing to diagnose"),
        (NOISE[0][:20], {"max_lag": 20}, "max_lag 20 needs 21 residuals or more, and y has 20; lower max_lag"),
        ([*NOISE[0][:9], np.nan, 1.0], {}, r"y has 1 missing value \(first: index 9\); fill them"),
    ],
)
def test_what_cannot_be_diagnosed_is_refused(data, settings, sentence):
    with pytest.raises(InvalidInput, match=f"^{sentence}$"):
        diagnose(data, **settings)


@pytest.mark.parametrize("size", [1e150, 1e300, 1e-150, 1e-300])
def test_residuals_of_any_size_are_told_from_noise_alike(size):
    y = np.random.default_rng(4).standard_normal(60)
    usual, other = diagnose(y), diagnose(y * size)
    for name in ("acf", "ljung_box", "ljung_box_p", "jarque_bera", "jarque_bera_p"):
        np.testing.assert_allclose(getattr(other, name), getattr(usual, name), rtol=1e-9)
    np.testing.assert_array_equal(other.count, usual.count)
    for name in ("mean", "sd", "edge"):
        np.testing.assert_allclose(getattr(other, name) / size, getattr(usual, name), rtol=1e-9)


def test_residuals_that_differ_by_rounding_alone_are_refused():
    with pytest.raises(InvalidInput, match="all 0.1; there is nothing to diagnose"):
        diagnose(np.full(18, 0.1))
