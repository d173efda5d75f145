"""What forecast refuses, and in which words."""

import numpy as np
import pandas as pd
import pytest

from prism_kernels import InvalidInput, MixedArrays
from prism_kernels.timeseries import forecast


def wave(count=80, seed=0):
    return 20 + np.sin(np.arange(count)) + np.random.default_rng(seed).normal(0, 1, count)


def holed(*places, count=80):
    y = wave(count)
    y[list(places)] = np.nan
    return y


def naive(y, **settings):
    return forecast(y, **{"h": 3, "model": "seasonal_naive", **settings})


REFUSED = {
    "infinite": ({"y": [1.0, np.inf, 2.0]}, "y has 1 infinite value (first: index 1); replace or remove it"),
    "complex": ({"y": np.array([1j, 2.0])}, "y holds complex numbers; only real numbers can be analysed"),
    "object": ({"y": np.array(["a", "b"], dtype=object)}, "y holds object values; only real numbers can be analysed"),
    "three dimensions": (
        {"y": np.zeros((2, 3, 4))},
        "y has 3 dimensions; give one series (time) or several (series × time)",
    ),
    "empty": ({"y": np.zeros(0)}, "y is empty; at least one value is needed"),
    "no horizon": ({"h": 0}, "h must be a whole number from 1 to 10000, and 0 was given"),
    "half a horizon": ({"h": 2.5}, "h must be a whole number from 1 to 10000, and 2.5 was given"),
    "level of one": (
        {"level": (0.8, 1.0)},
        "level must be a list of 1 or more numbers above 0 and below 1, and (0.8, 1.0) was given",
    ),
    "level in percent": (
        {"level": (95.0,)},
        "level must be a list of 1 or more numbers above 0 and below 1, and (95.0,) was given",
    ),
    "level twice": ({"level": (0.8, 0.8)}, "level (0.8, 0.8) names a share twice; name each once"),
    "unknown model": ({"model": "arma"}, "'arma' was given; did you mean 'arima'?"),
    "missing values": (
        {"y": holed(5, 9, 20, 30)},
        "y has 4 missing values (first: index 5, index 9, index 20, …); fill them, or use missing='kalman' with model",
    ),
    "missing values and no filter": (
        {"y": holed(5), "missing": "kalman"},
        "y has 1 missing value (first: index 5); fill them, or use missing='kalman' with model",
    ),
    "missing values with a filter at hand": (
        {"y": holed(5), "model": "arima"},
        "y has 1 missing value (first: index 5); fill them, or use missing='kalman'",
    ),
    "nothing there": (
        {"y": np.full(9, np.nan), "interval": "analytic"},
        "y has 0 values, and model 'seasonal_naive' needs 3 or more",
    ),
    "too short": (
        {"y": wave(13), "season_length": 12},
        "y has 13 values, and model 'seasonal_naive' needs 14 or more with season_length 12 (1 for no season)",
    ),
    "too short to calibrate": (
        {"y": wave(9), "level": (0.95,)},
        "y leaves 15 calibration scores and level 0.95 needs 19 or more; give a longer series, a lower level or more "
        "calibration_windows, or use interval='analytic'",
    ),
    "a high level": (
        {"y": wave(30), "level": (0.99,)},
        "y leaves 78 calibration scores and level 0.99 needs 99 or more",
    ),
    "a season for arima": (
        {"model": "arima", "seasonal_order": (0, 1, 1)},
        "seasonal_order (0, 1, 1) needs a season_length of 2 or more, and the dates of y suggest none",
    ),
    "several seasons": (
        {"season_length": (4, 12)},
        "season_length (4, 12) has 2 seasons, and model 'seasonal_naive' takes one; use model 'ets', or one season",
    ),
    "no season at all": ({"season_length": ()}, "and () was given"),
    "one value": ({"y": [4.0], "interval": "analytic"}, "y has 1 value, and model 'seasonal_naive' needs 3 or more"),
    "a season twice": ({"season_length": (4, 4)}, "season_length (4, 4) names a season twice; name each once"),
    "regressors": (
        {"exog": wave(), "exog_future": wave(3)},
        "model 'seasonal_naive' takes no regressors; use one of",
    ),
    "regressors without a future": (
        {"model": "arima", "exog": wave()},
        "exog was given without exog_future; give both: the regressors of the past and of the periods ahead",
    ),
    "a future without regressors": (
        {"model": "arima", "exog_future": wave(3)},
        "exog_future was given without exog; give both",
    ),
    "regressors too short": (
        {"model": "arima", "exog": wave(79), "exog_future": wave(3)},
        "exog has 79 periods and must have 80, as many as y; a row is a period",
    ),
    "future too long": (
        {"model": "arima", "exog": wave(), "exog_future": wave(4)},
        "exog_future has 4 periods and must have 3, as many as h; a row is a period",
    ),
    "another number of regressors": (
        {"model": "arima", "exog": np.stack([wave(), wave()]), "exog_future": wave(3)},
        "exog has 2 regressors and exog_future 1; give the same ones in the same order",
    ),
    "regressors with holes": (
        {"model": "arima", "exog": holed(0, 7), "exog_future": wave(3)},
        "exog has 2 missing values (first: index 0); fill in all regressors, which must be complete",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_forecast_is_refused_in_one_sentence(case):
    given, sentence = REFUSED[case]
    given = {"y": wave(), **given}
    with pytest.raises(InvalidInput) as caught:
        naive(given.pop("y"), **given)
    assert sentence in str(caught.value)
    assert caught.value.field


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        (["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03"], "1 repeated date (first: 2024-01-02)"),
        (["2024-01-01", "2024-01-03", "2024-01-02", "2024-01-04"], "2024-01-02 comes after 2024-01-03"),
        (["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-07"], "2024-01-07 follows 2024-01-03 by 4 days"),
    ],
)
def test_dates_out_of_step_are_refused_with_the_first_of_them_and_the_way_out(dates, words):
    with pytest.raises(InvalidInput, match="resample") as caught:
        naive(pd.Series([1.0, 2.0, 4.0, 3.0], index=pd.DatetimeIndex(dates)))
    assert words in str(caught.value)


def test_every_bad_series_of_a_batch_is_listed():
    batch = {"good": wave(40), "short": wave(2), "tiny": wave(5)}
    with pytest.raises(InvalidInput) as caught:
        naive(batch, season_length=12, interval="analytic")
    assert str(caught.value) == (
        "y: 2 of 3 series cannot be forecast: short has 2 values, and model 'seasonal_naive' needs 14 or more with "
        "season_length 12 (1 for no season); tiny has 5 values, and model 'seasonal_naive' needs 14 or more with "
        "season_length 12 (1 for no season); remove them, or use on_error='status' to forecast the others"
    )
    assert caught.value.where == "short"


def test_of_many_bad_series_the_first_ten_are_explained_and_all_are_named():
    with pytest.raises(InvalidInput) as caught:
        naive({f"s{k}": wave(2 + k) for k in range(13)}, season_length=20, interval="analytic")
    assert "13 of 13 series" in str(caught.value)
    assert "; and likewise s10, s11, s12;" in str(caught.value)


def test_series_that_are_bad_for_one_reason_share_its_words():
    with pytest.raises(InvalidInput, match=r"s0 has 2 values, .* needs 14 or more .*\(likewise s1, s2\); remove them"):
        naive({f"s{k}": wave(2) for k in range(3)}, season_length=12, interval="analytic")


def test_bad_series_get_a_status_and_nan_rows_while_the_rest_is_forecast():
    batch = {"good": wave(60), "short": wave(2), "flat": np.full(60, 3.0), "holed": holed(20, count=60)}
    found = naive(batch, on_error="status", season_length=4)
    assert found.status == ("ok", "too_short", "constant", "invalid")
    alone = naive({"good": wave(60)}, season_length=4)
    np.testing.assert_array_equal(found.mean[0], alone.mean[0])
    np.testing.assert_array_equal(found.hi[0], alone.hi[0])
    for k in (1, 3):
        for field in ("mean", "lo", "hi", "fitted", "residuals", "sigma2", "loglik", "aic"):
            assert np.isnan(getattr(found, field)[k]).all(), field
        assert not found.converged[k]


def test_a_series_too_short_to_calibrate_gets_a_status_too():
    found = naive({"good": wave(60), "short": wave(8)}, on_error="status")
    assert found.status == ("ok", "too_short")
    assert np.isnan(found.mean[1]).all()


def test_a_forecast_beyond_the_largest_number_is_refused():
    y = np.linspace(1, 1.7, 60) * 1e308
    with pytest.raises(InvalidInput, match="beyond the largest float64; divide it by a power of ten"):
        forecast(y, h=40, model="ets", interval="analytic")


def test_regressors_with_other_dates_are_refused():
    index = pd.date_range("2020-01-01", periods=80, freq="D")
    y, x = pd.Series(wave(), index=index), pd.Series(wave(), index=index + pd.Timedelta(days=1))
    ahead = pd.Series(wave(3), index=pd.date_range("2020-03-21", periods=3, freq="D"))
    with pytest.raises(InvalidInput, match="exog has 2020-01-02 in row 1 where y has 2020-01-01; align their dates"):
        forecast(y, h=3, model="arima", exog=x, exog_future=ahead)
    late = ahead.set_axis(ahead.index + pd.Timedelta(days=2))
    with pytest.raises(InvalidInput, match="2020-03-23 in row 1 where the periods after y has 2020-03-21"):
        forecast(y, h=3, model="arima", exog=x.set_axis(index), exog_future=late)


def test_series_and_regressors_of_two_libraries_are_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(MixedArrays, match="y is an array of numpy and exog one of torch"):
        forecast(wave(), h=3, model="arima", exog=torch.as_tensor(wave()), exog_future=torch.as_tensor(wave(3)))


def test_nothing_of_a_refused_call_stays_behind():
    y = holed(4)
    before = y.copy()
    with pytest.raises(InvalidInput):
        naive(y)
    np.testing.assert_array_equal(y, before)


def test_regressors_that_grow_beyond_measure_are_refused_with_the_way_out():
    past, ahead = wave(80, seed=1)[None] * 1e-150, np.full((1, 2), 1e200)
    with pytest.raises(InvalidInput, match="beyond the largest float64; divide it by a power of ten"):
        forecast(wave(80), h=2, model="arima", exog=past, exog_future=ahead)
