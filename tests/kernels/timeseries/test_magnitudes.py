"""Numbers of any size: the answer is that of ordinary numbers, or a sentence says what float64 cannot hold."""

import numpy as np
import pytest

from prism_kernels import InvalidInput
from prism_kernels.timeseries import decompose, forecast, metrics, trend

Y = np.sin(np.arange(60) / 3) + 0.1 * np.random.default_rng(0).normal(size=60) + 3 + np.arange(60) / 60
FAR = [2.0**1020, 2.0**-1000, 2.0**-1020]  # moves no bit of a number around 1 that stays normal
ROUGH = np.random.default_rng(2).uniform(-7, 7, 60) + np.arange(60) / 60
LARGEST = np.where(np.arange(40) % 2, 1.7e308, -1.7e308)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("size", FAR)
@pytest.mark.parametrize(("method", "period"), [("stl", 12), ("classical", 12), ("mstl", (6, 12))])
@pytest.mark.parametrize("model", ["additive", "multiplicative"])
def test_the_parts_of_a_series_have_its_size(size, method, period, model):
    found = decompose(Y * size, period=period, method=method, model=model)
    plain = decompose(Y, period=period, method=method, model=model)
    np.testing.assert_allclose(found.trend / size, plain.trend, rtol=1e-12)
    sized = size if model == "additive" else 1.0
    np.testing.assert_allclose(found.seasonal / sized, plain.seasonal, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.residual / sized, plain.residual, rtol=1e-9, atol=1e-12)
    for name in ("trend_strength", "seasonal_strength"):
        np.testing.assert_allclose(getattr(found, name), getattr(plain, name), rtol=1e-9)


@pytest.mark.parametrize("size", [2.0**125, 2.0**-120])
@pytest.mark.parametrize("method", ["stl", "classical"])
def test_the_parts_of_single_numbers_have_their_size(size, method):
    single = Y.astype(np.float32)
    found, plain = (decompose(single * np.float32(s), period=12, method=method) for s in (size, 1))
    assert found.trend.dtype == np.float32
    np.testing.assert_allclose(found.trend / np.float32(size), plain.trend, rtol=1e-5)


def test_parts_beyond_the_largest_number_are_refused():
    with pytest.raises(InvalidInput, match="^b of y has a part beyond the largest float64; divide it by a power of"):
        decompose({"a": np.arange(40.0), "b": LARGEST}, period=3, method="classical")


@pytest.mark.parametrize("size", FAR)
@pytest.mark.parametrize("method", ["mann_kendall", "theil_sen", "hp"])
def test_the_trend_of_a_series_has_its_size(size, method):
    found, plain = trend(ROUGH * size, method=method), trend(ROUGH, method=method)
    np.testing.assert_allclose(found.trend / size, plain.trend, rtol=1e-12)
    if method != "hp":
        np.testing.assert_allclose(found.slope / size, plain.slope, rtol=1e-9)
        np.testing.assert_allclose(found.slope_ci / size, plain.slope_ci, rtol=1e-9)
        assert (found.tau, found.p_value, found.direction) == (plain.tau, plain.p_value, plain.direction)
        assert len(found.warnings) == len(plain.warnings)


def test_a_slope_between_the_ends_of_all_numbers_is_found():
    found = trend(LARGEST, method="theil_sen")
    assert np.isfinite(found.slope_ci).all()
    with pytest.raises(InvalidInput, match="^y has a line beyond the largest float64; divide it by a power of ten$"):
        trend(LARGEST[:4] * np.array([1, -1, 1, 1]), method="theil_sen")


@pytest.mark.parametrize(("size", "reads"), [(1e200, "infinite"), (1e-200, "0")])
def test_a_cost_that_float64_cannot_hold_is_told(size, reads):
    note = f"y: the cost is beyond float64 and reads {reads}; rescale y to have it"
    assert trend(Y * size).warnings[-1] == note
    assert not any("cost" in w for w in trend(Y).warnings)
    assert not any("cost" in w for w in trend(np.zeros(20)).warnings)


@pytest.mark.parametrize(("size", "reads"), [(1e300, "infinite"), (1e-300, "0")])
@pytest.mark.parametrize("model", ["arima", "theta", "seasonal_naive"])
def test_a_variance_that_float64_cannot_hold_is_told(size, reads, model):
    found = forecast({"a": Y * size, "b": Y}, h=3, model=model)
    assert found.warnings[-1] == f"sigma2 of a is beyond float64 and reads {reads}; rescale y to have it"
    assert found.sigma2[0] == (np.inf if reads == "infinite" else 0)
    line = forecast(np.arange(40.0), h=3, model="arima", order=(0, 1, 0), include_mean=True, interval="analytic")
    assert not any("sigma2" in w for w in line.warnings)


@pytest.mark.parametrize("size", [2.0**1020, 2.0**-1000, 1e160, 1e-160])
@pytest.mark.parametrize("model", ["arima", "auto_arima"])
def test_regressors_of_any_size_have_the_same_effect(size, model):
    x = np.random.default_rng(3).normal(size=63)
    found, plain = (
        forecast(Y, h=3, model=model, exog=x[None, :60] * s, exog_future=x[None, 60:] * s) for s in (size, 1.0)
    )
    np.testing.assert_allclose(found.mean, plain.mean, rtol=1e-6)
    np.testing.assert_allclose(found.params[0, -1] * size, plain.params[0, -1], rtol=1e-4)


@pytest.mark.parametrize("size", [*FAR, 2.9e307, 1e-310])
def test_errors_have_the_size_of_the_series_and_shares_have_none(size):
    scale = 4.0  # so that the largest is near the largest number there is
    truth, guess, train = Y / scale, 0.9 * Y / scale, Y[::-1] / scale
    ends = {"lo": guess - 0.1, "hi": guess + 0.1}
    plain = metrics(truth, guess, y_train=train, level=0.9, **ends)
    found = metrics(
        truth * size, guess * size, y_train=train * size, level=0.9, **{n: v * size for n, v in ends.items()}
    )
    rough = 1e-3 if size < 1e-309 else 1e-9  # numbers below 2.2e-308 have few digits
    for name in ("mae", "rmse", "bias", "winkler", "pinball", "crps"):
        np.testing.assert_allclose(getattr(found, name) / size, getattr(plain, name), rtol=rough, err_msg=name)
    for name in ("mape", "smape", "wape", "mase", "rmsse", "coverage"):
        np.testing.assert_allclose(getattr(found, name), getattr(plain, name), rtol=rough, err_msg=name)


def test_errors_beyond_the_largest_number_are_refused():
    with pytest.raises(InvalidInput) as refused:
        metrics(LARGEST, -LARGEST)
    assert str(refused.value) == (
        "y_pred is farther from y_true than the largest number there is (y_true); divide both by a power of ten"
    )
    assert refused.value.field == "y_pred"


def test_ordinary_numbers_are_measured_to_the_bit_beside_extreme_ones():
    truth, guess = np.stack([Y, Y * 1e300]), np.stack([0.9 * Y, 0.8 * Y * 1e300])
    both, alone = metrics(truth, guess, y_train=truth), metrics(Y, 0.9 * Y, y_train=Y)
    for name in ("mae", "rmse", "mape", "mase", "rmsse"):
        assert getattr(both, name)[0] == getattr(alone, name)[0]
