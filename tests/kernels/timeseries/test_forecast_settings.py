"""Settings that contradict each other: refused where they were given, never where they are the defaults."""

import numpy as np
import pytest

from prism_kernels import InvalidInput, find, run
from prism_kernels.timeseries import correlation, cross_validate, forecast, trend

Y = 50 + np.random.default_rng(1).normal(size=80).cumsum()

IDLE = {
    "order of theta": ({"model": "theta", "order": (2, 1, 1)}, "order", "leave it at (1, 1, 1), or use model='arima'"),
    "order of auto_arima": ({"order": [2, 1, 1]}, "order", "leave it at (1, 1, 1), or use model='arima'"),
    "a seasonal order of ets": (
        {"model": "ets", "seasonal_order": (0, 1, 1), "season_length": 4},
        "seasonal_order",
        "leave it at (0, 0, 0), or use model='arima'",
    ),
    "starts of theta": (
        {"model": "theta", "n_starts": 3},
        "n_starts",
        "leave it at 1, or use model 'auto_arima' or 'arima'",
    ),
    "a constant of ets": (
        {"model": "ets", "include_mean": False},
        "include_mean",
        "leave it out, or use model 'auto_arima' or 'arima'",
    ),
    "units of arima": (
        {"model": "arima", "hidden_size": 8},
        "hidden_size",
        "leave it at 48, or use model 'gru' or 'lstm'",
    ),
    "layers of ets": ({"model": "ets", "num_layers": 2}, "num_layers", "leave it at 1, or use model 'gru' or 'lstm'"),
    "origins of analytic intervals": (
        {"model": "theta", "interval": "analytic", "calibration_windows": 9},
        "calibration_windows",
        "leave it out, or use interval='conformal'",
    ),
}


@pytest.mark.parametrize("case", IDLE)
@pytest.mark.parametrize("call", [forecast, cross_validate])
def test_a_setting_without_a_meaning_for_the_model_is_refused(case, call):
    given, field, way = IDLE[case]
    decider = "interval" if field == "calibration_windows" else "model"
    with pytest.raises(InvalidInput) as refused:
        call(Y, h=3, **given)
    value = {"model": "auto_arima", **given}[decider]
    assert str(refused.value) == f"{field} has no meaning for {decider} {value!r}; {way}"
    assert refused.value.field == field


def test_a_season_without_a_seasonal_order_is_refused_for_arima():
    with pytest.raises(InvalidInput) as refused:
        forecast(Y, h=3, model="arima", season_length=12)
    assert str(refused.value) == (
        "season_length has no meaning for model 'arima' without a seasonal_order; give one, or leave it out"
    )
    assert refused.value.field == "season_length"
    assert forecast(Y, h=3, model="arima", season_length=1).status == ("ok",)  # there is none, and it says so
    assert forecast(Y, h=3, model="arima", season_length=4, seasonal_order=(0, 0, 1)).status == ("ok",)


@pytest.mark.parametrize("model", ["arima", "ets", "theta", "seasonal_naive"])
def test_defaults_that_are_given_are_refused_by_no_model(model):
    row = find("timeseries.forecast")
    every = {**row.defaults, "model": model}
    found = run("timeseries.forecast", Y, h=3, **every).result
    np.testing.assert_array_equal(found.mean, forecast(Y, h=3, model=model).mean)
    assert forecast(Y, h=3, **{**every, "order": [1, 1, 1], "level": [0.8, 0.95]}).status == ("ok",)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"method": "mann_kendall", "cost": "normal"},
            "cost has no meaning for method 'mann_kendall'; leave it at 'l2', or use method='changepoint'",
        ),
        (
            {"method": "theil_sen", "min_size": 5},
            "min_size has no meaning for method 'theil_sen'; leave it at 2, or use method='changepoint'",
        ),
        (
            {"alpha": 0.1},
            "alpha has no meaning for method 'changepoint'; leave it at 0.05, or use method 'mann_kendall' or "
            "'theil_sen'",
        ),
    ],
)
def test_a_setting_without_a_meaning_for_the_kind_of_trend_is_refused(given, sentence):
    with pytest.raises(InvalidInput) as refused:
        trend(Y, **given)
    assert str(refused.value) == sentence
    row = find("timeseries.trend")
    for method in ("changepoint", "mann_kendall", "theil_sen", "hp"):
        trend(Y, **{**row.defaults, "method": method})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"k": 3},
            "k has no meaning for method 'pearson'; leave it at 4, or use method 'mutual_information' or "
            "'transfer_entropy'",
        ),
        (
            {"method": "distance", "alpha": 0.1},
            "alpha has no meaning for method 'distance'; leave it at 0.05, or use method 'pearson', 'spearman', "
            "'kendall' or 'cross'",
        ),
    ],
)
def test_a_setting_without_a_meaning_for_the_measure_is_refused(given, sentence):
    with pytest.raises(InvalidInput) as refused:
        correlation(np.stack([Y, Y[::-1]]), **given)
    assert str(refused.value) == sentence


# ---- origins that are not there --------------------------------------------------------------------------------------


def test_more_origins_than_there_are_are_told_with_their_number():
    asked = forecast(Y, h=3, model="seasonal_naive", calibration_windows=5000)
    most = forecast(Y, h=3, model="seasonal_naive", calibration_windows=77)  # of 80 periods the model needs 3
    assert asked.warnings == (
        "calibration_windows 5000 is more than y has room for: its intervals are calibrated on 77 origins",
    )
    assert most.warnings == ()
    np.testing.assert_array_equal(asked.hi, most.hi)


def test_series_of_a_batch_with_fewer_origins_are_named():
    batch = {"a": Y, "b": Y[40:], **{f"c{k}": Y[50:] for k in range(5)}}
    found = forecast(batch, h=3, model="seasonal_naive", calibration_windows=60)
    assert found.warnings == (
        "calibration_windows 60 is more than some series have room for: their intervals are calibrated on 37 origins "
        "for b, 27 origins for c0, 27 origins for c1, 27 origins for c2, 27 origins for c3 and fewer than 60 for 1 "
        "more",
    )


def test_a_cross_validation_tells_it_once():
    found = cross_validate(Y, h=3, n_windows=4, model="seasonal_naive", calibration_windows=5000)
    assert found.warnings == (
        "calibration_windows 5000 is more than y has room for: its intervals are calibrated on 65 origins",
    )
