"""forecast: every field of the result, every library, batches, dates, constants and extreme magnitudes."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from prism_kernels import Listener, find, run, sample
from prism_kernels.errors import Cancelled
from prism_kernels.progress import listen
from prism_kernels.timeseries import forecast, models_table

QUICK = {"model": "seasonal_naive", "interval": "analytic"}


def season(model):
    """Give a season to the models that take one alone; ``arima`` has one only with a seasonal order."""
    return {} if model == "arima" else {"season_length": 4}


def wave(count=80, m=4, seed=0):
    rng = np.random.default_rng(seed)
    return 20 + 3 * np.sin(2 * np.pi * np.arange(count) / m) + rng.normal(0, 1, count)


def test_the_seasonal_naive_forecast_is_the_last_season_in_every_field():
    y, h = wave(), 6
    found = forecast(y, h=h, season_length=4, **QUICK)
    errors = y[4:] - y[:-4]
    sigma2 = np.mean(errors**2)
    loglik = -0.5 * 76 * (np.log(2 * np.pi * sigma2) + 1)
    np.testing.assert_array_equal(found.mean[0], y[[76, 77, 78, 79, 76, 77]])
    half = np.sqrt(sigma2 * np.array([1, 1, 1, 1, 2, 2]))
    for k, z in enumerate((1.2815515655446004, 1.959963984540054)):  # standard normal quantiles at 0.9 and 0.975
        np.testing.assert_allclose(found.lo[0, k], found.mean[0] - z * half, rtol=1e-12)
        np.testing.assert_allclose(found.hi[0, k], found.mean[0] + z * half, rtol=1e-12)
    np.testing.assert_array_equal(found.fitted[0], np.concatenate([np.full(4, np.nan), y[:-4]]))
    np.testing.assert_array_equal(found.residuals[0], np.concatenate([np.full(4, np.nan), errors]))
    assert found.params.shape == (1, 0)
    assert found.param_names == ()
    assert found.sigma2[0] == pytest.approx(sigma2, rel=1e-12)
    assert found.loglik[0] == pytest.approx(loglik, rel=1e-12)
    assert found.aic[0] == pytest.approx(2 - 2 * loglik, rel=1e-12)
    assert found.aicc[0] == pytest.approx(2 - 2 * loglik + 2 * 2 / (76 - 2), rel=1e-12)  # 2k(k+1)/(n-k-1), k = 1
    assert found.bic[0] == pytest.approx(np.log(76) - 2 * loglik, rel=1e-12)
    np.testing.assert_array_equal(found.order, np.zeros((1, 7)))
    assert found.converged.tolist() == [True]
    assert found.status == ("ok",)
    assert found.model == "seasonal_naive"
    assert found.warnings == ()
    assert found.axes["level"] == (0.8, 0.95)
    assert list(found.axes["horizon"]) == [80, 81, 82, 83, 84, 85]
    assert list(found.axes["time"]) == list(range(80))


def test_the_result_lives_where_the_series_lives(on):
    for dtype in (np.float64, np.float32):
        y = on(np.stack([wave(), wave(seed=1)]), dtype)
        found = forecast(y, h=3, model="seasonal_naive", season_length=4)
        plain = forecast(np.stack([wave(), wave(seed=1)]).astype(dtype), h=3, model="seasonal_naive", season_length=4)
        for name in ("mean", "lo", "hi", "fitted", "residuals", "params", "sigma2", "loglik", "aic", "aicc", "bic"):
            value = getattr(found, name)
            assert on.owns(value), name
            assert str(value.dtype).endswith(np.dtype(dtype).name), name
        assert on.owns(found.order)
        assert on.owns(found.converged)
        np.testing.assert_array_equal(found.to_numpy().hi, plain.hi)


def test_the_frame_has_the_future_dates_of_each_series():
    index = pd.date_range("2020-01-31", periods=36, freq="ME")
    frame = pd.DataFrame({"a": wave(36), "b": wave(36, seed=2)}, index=index)
    out = forecast(frame, h=3, level=(0.8, 0.975), **QUICK).to_frame()
    assert list(out.columns) == ["unique_id", "ds", "mean", "lo-80", "hi-80", "lo-97.5", "hi-97.5"]
    assert out["unique_id"].tolist() == ["a"] * 3 + ["b"] * 3
    assert out["ds"].tolist()[:3] == [pd.Timestamp(d) for d in ("2023-01-31", "2023-02-28", "2023-03-31")]
    naive = frame.iloc[[24, 25, 26]]  # months a year before
    np.testing.assert_array_equal(out["mean"], np.concatenate([naive["a"], naive["b"]]))


def test_a_long_frame_and_a_wide_one_are_forecast_alike():
    index = pd.date_range("2020-01-01", periods=36, freq="MS")
    wide = pd.DataFrame({"a": wave(36), "b": wave(36, seed=2)}, index=index)
    long = wide.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")
    pd.testing.assert_frame_equal(
        forecast(long, h=4, **QUICK).to_frame(), forecast(wide, h=4, **QUICK).to_frame(), check_dtype=False
    )


@pytest.mark.parametrize("model", ["seasonal_naive", "ets", "theta", "arima"])
@pytest.mark.parametrize("interval", ["conformal", "analytic", "bootstrap"])
def test_the_interval_of_a_lower_level_lies_inside(model, interval):
    found = forecast(wave(120), h=5, model=model, interval=interval, **season(model))
    lo80, lo95, hi80, hi95 = found.lo[0, 0], found.lo[0, 1], found.hi[0, 0], found.hi[0, 1]
    assert (lo95 <= lo80).all()
    assert (lo80 <= found.mean[0]).all()
    assert (found.mean[0] <= hi80).all()
    assert (hi80 <= hi95).all()


@pytest.mark.parametrize("model", ["seasonal_naive", "ets", "theta", "arima"])
def test_a_series_of_a_ragged_batch_is_forecast_as_alone(model):
    parts = {"short": wave(40), "long": wave(110, seed=4)}  # the short one has room for fewer origins than the long one
    batch = forecast(parts, h=4, model=model, **season(model))
    for k, (name, y) in enumerate(parts.items()):
        alone = forecast({name: y}, h=4, model=model, **season(model))
        for field in ("mean", "lo", "hi", "sigma2", "params"):
            np.testing.assert_array_equal(getattr(batch, field)[k], getattr(alone, field)[0], err_msg=field)
        np.testing.assert_array_equal(batch.fitted[k, 110 - len(y) :], alone.fitted[0])


def test_a_constant_series_is_forecast_by_its_constant():
    y = np.stack([np.full(30, 7.0), wave(30)])
    y[0, :5] = np.nan
    found = forecast(y, h=3, season_length=4, **QUICK)
    assert found.status == ("constant", "ok")
    np.testing.assert_array_equal(found.mean[0], [7, 7, 7])
    np.testing.assert_array_equal(found.lo[0], np.full((2, 3), 7))
    np.testing.assert_array_equal(found.hi[0], np.full((2, 3), 7))
    np.testing.assert_array_equal(found.residuals[0], np.r_[np.full(5, np.nan), np.zeros(25)])
    assert found.sigma2[0] == 0
    assert np.isnan(found.loglik[0])
    assert found.converged[0]


def test_a_batch_of_constants_needs_no_model():
    found = forecast(np.ones((2, 3)), h=2, model="arima")
    assert found.status == ("constant", "constant")
    assert found.params.shape == (2, 0)


@pytest.mark.parametrize("exponent", [400, -400])
def test_the_variance_is_in_squared_units_of_the_series(exponent):
    plain, found = (forecast(y, h=3, season_length=4, **QUICK) for y in (wave(), np.ldexp(wave(), exponent)))
    assert np.ldexp(found.sigma2[0], -2 * exponent) == pytest.approx(plain.sigma2[0], rel=1e-12)
    np.testing.assert_array_equal(np.ldexp(found.fitted, -exponent), plain.fitted)


@pytest.mark.parametrize("model", ["seasonal_naive", "ets", "theta", "arima"])
@pytest.mark.parametrize("exponent", [990, -990])
def test_extreme_magnitudes_are_scaled_exactly(model, exponent):
    y = wave(100)
    plain = forecast(y, h=3, model=model, **season(model))
    found = forecast(np.ldexp(y, exponent), h=3, model=model, **season(model))
    # a power of two moves no bit, but the models see y / 32 here and y there
    for field in ("mean", "lo", "hi"):
        np.testing.assert_allclose(np.ldexp(getattr(found, field), -exponent), getattr(plain, field), rtol=1e-5)
    shift = (plain.loglik[0] - found.loglik[0]) / np.log(2) / exponent  # one for each value of the likelihood
    assert 90 < shift < 101
    assert "power of two" in found.warnings[0]


def test_a_forecast_pickles_and_keeps_its_memory_to_itself():
    found = forecast(wave(), h=3, season_length=4, **QUICK)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.hi, found.hi)
    assert not any(name.startswith("_") for name in found.to_dict())
    assert not any(name.startswith("_") for name in found.describe_fields())
    assert "_memory" not in repr(found)


def test_every_field_is_documented():
    assert all(told["description"] for told in type(forecast(wave(), h=1, **QUICK)).describe_fields().values())


def test_every_parameter_is_documented_and_the_example_runs():
    row = find("timeseries.forecast")
    assert all(row.documentation.get(name) for name in [*row.data, *row.rules])
    settings = {k: v for k, v in row.example.items() if k != "y"}
    assert run(row, sample(row.example["y"]), **settings).result.status == ("ok",)


def test_the_season_comes_from_the_dates():
    found = forecast(sample("elnino"), h=12, **QUICK)
    np.testing.assert_array_equal(found.mean[0], sample("elnino").to_numpy()[-12:])


def test_regressors_of_the_future_move_an_arima():
    rng = np.random.default_rng(8)
    x = rng.normal(0, 1, 130)
    y = 5 + 3 * x[:120] + rng.normal(0, 0.1, 120)
    found = forecast(y, h=10, model="arima", order=(0, 0, 0), include_mean=True, exog=x[:120], exog_future=x[120:])
    design = np.column_stack([np.ones(120), x[:120]])
    beta = np.linalg.lstsq(design, y, rcond=None)[0]  # least squares is the likelihood's optimum without dynamics
    np.testing.assert_allclose(found.mean[0], beta[0] + beta[1] * x[120:], rtol=1e-4)


def test_missing_values_are_passed_over_by_a_kalman_filter():
    y = wave(100)
    y[[20, 50, 51]] = np.nan
    found = forecast(y, h=4, model="arima", missing="kalman")
    assert found.status == ("ok",)
    assert np.isfinite(found.mean).all()
    assert np.isnan(found.residuals[0, [20, 50, 51]]).all()


def test_a_run_is_timed_by_phase_and_reports_progress():
    seen = []
    with listen(Listener(lambda done, total, label: seen.append(label))):
        told = run("timeseries.forecast", wave(), h=3, model="ets", season_length=4)
    assert {f"timeseries.forecast/{p}" for p in ("prepare", "fit", "calibrate", "predict")} <= set(told.timings)
    assert {"fit", "calibrate"} <= set(seen)


def test_a_cancelled_forecast_stops_while_it_calibrates():
    ear = Listener(lambda done, total, label: ear.cancel() if label == "calibrate" else None)
    with listen(ear), pytest.raises(Cancelled):
        forecast(wave(), h=3, model="seasonal_naive", season_length=4)


def test_the_table_of_models_says_what_each_takes():
    table = models_table()
    assert list(table.index) == ["auto_arima", "arima", "ets", "theta", "seasonal_naive", "gru", "lstm"]
    assert table.loc["arima", "exog"]
    assert not table.loc["seasonal_naive", "missing"]


@given(
    hnp.arrays(float, 40, elements=st.floats(-100, 100).map(lambda v: round(v, 2))),
    st.floats(0.1, 10),
    st.floats(-50, 50),
)
def test_the_naive_forecast_moves_and_scales_with_the_series(y, scale, shift):
    first = forecast(y, h=3, season_length=2, level=(0.5,), model="seasonal_naive")
    moved = forecast(y * scale + shift, h=3, season_length=2, level=(0.5,), model="seasonal_naive")
    for field in ("mean", "lo", "hi"):
        np.testing.assert_allclose(getattr(moved, field), getattr(first, field) * scale + shift, rtol=1e-7, atol=1e-7)
