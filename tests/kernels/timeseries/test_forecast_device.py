"""``arima`` on the device of the series: the same as on the CPU, and a word wherever the CPU had to do it."""

import numpy as np
import pytest

from prism_kernels import lanes
from prism_kernels.arrays import to_numpy
from prism_kernels.timeseries import forecast, sarima_array, update
from prism_kernels.timeseries.device import DeviceArima, on_accelerator
from prism_kernels.timeseries.model import Problem
from prism_kernels.timeseries.sarima import Arima
from prism_kernels.timeseries.sarima_array_fit import fit

# Both optimisers end where the gradient is below 1e-5, so coefficients agree to about as much.
CLOSE = {"mean": 1e-5, "fitted": 1e-5, "loglik": 1e-7}
ARRAYS = ("mean", "lo", "hi", "fitted", "params", "sigma2", "loglik", "aic", "aicc", "bic")
CASES = [
    ((1, 1, 1), (0, 0, 0), 1, False),
    ((2, 0, 0), (0, 0, 0), 1, True),
    ((1, 0, 0), (1, 1, 0), 4, True),
    ((0, 1, 0), (0, 0, 0), 1, True),
]


def waves(count=2, length=50, seed=3, sums=0):
    """Autoregressive noise around a level, summed up or not: its likeliest coefficients lie well inside bounds."""
    shocks = np.random.default_rng(seed).standard_normal((count, length))
    values = np.zeros((count, length))
    for t in range(1, length):
        values[:, t] = 0.6 * values[:, t - 1] + shocks[:, t] + 0.4 * shocks[:, t - 1]
    return (values.cumsum(axis=1) if sums else values) + 50


def problem_of(y, order, seasonal_order, season, constant, **more):
    return Problem(
        y=y,
        first=np.zeros(len(y), dtype=np.int64),
        h=5,
        season_length=(season,),
        order=order,
        seasonal_order=seasonal_order,
        include_mean=constant,
        **more,
    )


def strict(values):
    import array_api_strict as xp

    return xp.asarray(values, device=xp.Device("device1"))


def tensor(values):
    torch = pytest.importorskip("torch")
    return torch.as_tensor(values)


PLACES = pytest.mark.parametrize("put", [strict, tensor])


@PLACES
@pytest.mark.parametrize(("order", "seasonal_order", "season", "constant"), CASES)
def test_the_array_functions_agree_with_the_lanes(put, order, seasonal_order, season, constant):
    y = waves(sums=order[1])
    expected = Arima().fit(problem_of(y, order, seasonal_order, season, constant))
    mean, error = Arima().forecast(expected, 5)
    found = fit(put(y), (*order, *seasonal_order, season, int(constant)))
    ahead, spread = sarima_array.forecast(put(y), found, 5)
    assert np.abs(to_numpy(found.loglik) - expected.loglik).max() < 1e-6
    assert np.allclose(to_numpy(ahead), mean, rtol=1e-5, atol=0)
    assert np.allclose(to_numpy(spread), error, rtol=1e-4, atol=0)


@PLACES
@pytest.mark.parametrize(("order", "seasonal_order", "season", "constant"), CASES)
def test_a_fit_of_the_lanes_is_carried_on_by_the_device(put, order, seasonal_order, season, constant):
    y = waves(length=54, sums=order[1])
    fitted = Arima().fit(problem_of(y[:, :50], order, seasonal_order, season, constant))
    longer = problem_of(y, order, seasonal_order, season, constant)
    model = DeviceArima(put(y))
    here, there = model.apply(fitted, longer), Arima().apply(fitted, longer)
    for name in ("params", "fitted", "sigma2", "loglik", "n_params", "n_effective", "order", "converged"):
        one, two = getattr(here, name), getattr(there, name)
        assert one.dtype == two.dtype, name
        assert np.allclose(one, two, rtol=1e-9, equal_nan=True), name
    assert here.param_names == there.param_names
    for name, values in there.private.items():
        assert np.array_equal(here.private[name], values), name
    for one, two in zip(model.forecast(here, 5), Arima().forecast(there, 5), strict=True):
        assert np.allclose(one, two, rtol=1e-9)


@PLACES
def test_a_fit_of_the_device_is_carried_on_by_the_lanes(put):
    y = waves()
    for order in ((1, 0, 0), (0, 1, 0)):
        problem = problem_of(y, order, (0, 0, 0), 1, True)
        found = DeviceArima(put(y)).fit(problem)
        again = Arima().apply(found, problem)
        assert np.allclose(again.loglik, found.loglik, rtol=1e-9)
        assert np.allclose(Arima().forecast(again, 3), DeviceArima(put(y)).forecast(found, 3), rtol=1e-9)


@pytest.mark.parametrize("interval", ["conformal", "analytic", "bootstrap"])
def test_a_forecast_lives_where_the_series_does_and_is_that_of_the_cpu(on, interval):
    y = waves(length=40)
    settings = {"h": 2, "model": "arima", "order": (1, 0, 0), "level": (0.8,), "interval": interval}
    settings |= {"calibration_windows": 8} if interval == "conformal" else {}
    expected, found = forecast(y, **settings), forecast(on(y), **settings)
    for name in ARRAYS:
        assert on.owns(getattr(found, name)), name
        assert np.allclose(
            to_numpy(getattr(found, name)), getattr(expected, name), rtol=CLOSE.get(name, 1e-4), equal_nan=True
        ), name
    assert on.owns(found.residuals)
    assert np.allclose(to_numpy(found.residuals), y - to_numpy(found.fitted), atol=1e-12, equal_nan=True)
    assert np.abs(to_numpy(found.loglik) - expected.loglik).max() < 1e-6
    assert np.array_equal(to_numpy(found.order), expected.order)
    assert np.array_equal(to_numpy(found.converged), expected.converged)
    assert (found.status, found.axes["parameter"]) == (expected.status, expected.axes["parameter"])
    assert found.warnings == expected.warnings == ()


def test_no_lane_is_run_for_series_of_an_accelerator(monkeypatch):
    ran = []
    plain = lanes.launch

    def launch(kernel, *given, **more):
        ran.append(kernel)
        plain(kernel, *given, **more)

    monkeypatch.setattr(lanes, "launch", launch)
    settings = {"h": 2, "model": "arima", "order": (1, 0, 0), "level": (0.8,), "calibration_windows": 8}
    forecast(strict(waves(length=30)), **settings)
    assert not ran
    forecast(waves(length=30), **settings)
    assert ran


def test_constant_and_unfit_series_are_told_apart_on_a_device():
    y = waves(3, 40)
    y[1] = 7.0
    y[2, 5] = np.nan
    settings = {"h": 2, "model": "arima", "order": (1, 0, 0), "interval": "analytic", "on_error": "status"}
    found, expected = forecast(strict(y), **settings), forecast(y, **settings)
    assert found.status == expected.status == ("ok", "constant", "invalid")
    assert found.warnings == ()
    for name in ARRAYS:
        assert np.allclose(
            to_numpy(getattr(found, name)), getattr(expected, name), rtol=CLOSE.get(name, 1e-4), equal_nan=True
        ), name
    still = forecast(strict(np.full(40, 7.0)), **settings)
    assert still.status == ("constant",)
    assert still.warnings == ()


def test_large_batches_are_fitted_in_parts(monkeypatch):
    y = waves(5, 30)
    problem = problem_of(y, (1, 0, 0), (0, 0, 0), 1, True)
    together = DeviceArima(y).fit(problem)
    monkeypatch.setattr("prism_kernels.timeseries.device._NUMBERS", 6 * 4 * (30 + 4) * 2)
    apart = DeviceArima(y).fit(problem)
    assert np.allclose(apart.params, together.params, rtol=1e-6)
    assert np.allclose(DeviceArima(y).forecast(apart, 3), DeviceArima(y).forecast(together, 3), rtol=1e-6)


def test_single_precision_is_fitted_in_double():
    y = waves(length=40).astype(np.float32)
    settings = {"h": 2, "model": "arima", "order": (1, 0, 0), "interval": "analytic"}
    found, expected = forecast(strict(y), **settings), forecast(y, **settings)
    assert str(found.mean.dtype).endswith("float32")
    assert np.allclose(to_numpy(found.mean), expected.mean, rtol=1e-5)
    assert np.allclose(to_numpy(found.loglik), expected.loglik, rtol=1e-6)


def gappy(y):
    y[0, 7] = np.nan
    return y


def ragged(y):
    y[0, :7] = np.nan
    return y


RAMP = np.arange(40.0)[None, :] * 3 + 1


@pytest.mark.parametrize(
    ("y", "settings", "reason"),
    [
        (waves(), {"model": "ets", "order": (1, 1, 1)}, "model 'ets' runs only there"),
        (gappy(waves()), {"missing": "kalman"}, "series with gaps or of unequal length are filtered only there"),
        (ragged(waves()), {}, "series with gaps or of unequal length are filtered only there"),
        (waves(), {"n_starts": 2}, "n_starts above 1 is searched only there"),
        (RAMP, {"order": (0, 1, 0)}, "a series that is constant after differencing is fitted only there"),
    ],
)
def test_what_the_cpu_had_to_do_is_said(y, settings, reason):
    settings = {"h": 2, "interval": "analytic", **({"model": "arima", "order": (1, 0, 0)} | settings)}
    found, expected = forecast(strict(y), **settings), forecast(y, **settings)
    assert found.warnings == (f"computed on CPU: {reason}", *expected.warnings)
    assert np.array_equal(to_numpy(found.mean), expected.mean)
    assert on_accelerator(found.mean)


def test_regressors_are_estimated_on_the_cpu():
    y, x = waves(), np.random.default_rng(0).standard_normal((1, 52))
    settings = {"h": 2, "model": "arima", "order": (1, 0, 0), "interval": "analytic"}
    found = forecast(strict(y), exog=strict(x[:, :50]), exog_future=strict(x[:, 50:]), **settings)
    expected = forecast(y, exog=x[:, :50], exog_future=x[:, 50:], **settings)
    assert found.warnings == ("computed on CPU: regressors are estimated only there",)
    assert np.array_equal(to_numpy(found.mean), expected.mean)


def test_an_update_says_that_it_filters_on_the_cpu():
    y = waves(length=44)
    settings = {"h": 2, "model": "arima", "order": (1, 0, 1), "level": (0.8,), "calibration_windows": 8}
    found = update(forecast(strict(y[:, :40]), **settings), strict(y[:, 40:]))
    expected = update(forecast(y[:, :40], **settings), y[:, 40:])
    assert found.warnings == ("computed on CPU: an update filters there",)
    for name in ARRAYS:
        assert np.allclose(
            to_numpy(getattr(found, name)), getattr(expected, name), rtol=CLOSE.get(name, 1e-4), equal_nan=True
        ), name


def test_libraries_say_where_their_arrays_live():
    import array_api_strict as xp

    assert on_accelerator(xp.zeros(1, device=xp.Device("device1")))
    assert not on_accelerator(xp.zeros(1))
    assert not on_accelerator(np.zeros(1))
    assert not on_accelerator(tensor([1.0]))
    torch = pytest.importorskip("torch")
    assert on_accelerator(torch.zeros(1, device="meta"))
