"""Exponential smoothing against statsmodels' ETS with the same first states, and against its own definition."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest

from prism_kernels import Listener, sample
from prism_kernels.errors import Cancelled
from prism_kernels.progress import listen
from prism_kernels.timeseries import forecast, update
from prism_kernels.timeseries.ets import Ets, _estimate, _forms, _starting
from prism_kernels.timeseries.model import Problem

FORMS = [(t, s) for t in (0, 1, 2) for s in (0, 1, 2)]


def airline(count=120):
    """Trend and season that grow together, with noise: every form has something to say."""
    t = np.arange(count)
    noise = np.random.default_rng(5).normal(0, 6, count)
    return (100 + 0.8 * t) * (1 + 0.2 * np.sin(2 * np.pi * t / 12)) + noise


def problem(y, m=12, h=12):
    y = np.atleast_2d(y)
    return Problem(y=y, first=np.zeros(len(y), int), h=h, season_length=(m,)).with_data(np.ascontiguousarray(y))


def fitted_as(y, trend, season, m=12):
    """Return our estimate of one form, as a fit that can be applied and extrapolated."""
    given = problem(y, m)
    form = np.asarray([trend]), np.asarray([season])
    tried = _estimate(given, m, np.zeros(1, dtype=np.int64), *form)
    params = np.concatenate([tried["params"], tried["initial"]], axis=1)
    template = Ets().fit(given)
    fit = dataclasses.replace(
        template,
        sigma2=tried["loss"] / len(y),
        private={"params": params, "season": form[1], "patterns": {}},
    )
    return Ets().apply(fit, given), tried, params[0]


def peer(y, trend, season, params, m=12):
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    known = {"initial_level": params[4]}
    known |= {"initial_trend": params[5]} if trend else {}
    known |= {"initial_seasonal": params[6:]} if season else {}
    return ETSModel(
        y,
        error="add",
        trend="add" if trend else None,
        damped_trend=trend == 2,
        seasonal=(None, "add", "mul")[season],
        seasonal_periods=m if season else None,
        initialization_method="known",
        **known,
    )


def peer_params(model, params):
    at = {"smoothing_level": 0, "smoothing_trend": 1, "smoothing_seasonal": 2, "damping_trend": 3}
    given = {name: params[k] for name, k in at.items()}
    states = {"initial_level": params[4], "initial_trend": params[5]}
    states |= {f"initial_seasonal.{k}": v for k, v in enumerate(params[6:][::-1])}
    return np.asarray([{**given, **states}[name] for name in model.param_names])


@pytest.mark.parametrize("trend", [0, 1, 2])
@pytest.mark.parametrize("season", [0, 1])
def test_one_step_predictions_forecasts_errors_and_likelihood_are_statsmodels(trend, season):
    y = airline()
    fit, _, params = fitted_as(y, trend, season)
    model = peer(pd.Series(y), trend, season, params)
    theirs = model.smooth(peer_params(model, params))
    ahead = theirs.get_prediction(start=len(y), end=len(y) + 29)
    mean, error = Ets().forecast(fit, 30)
    np.testing.assert_allclose(fit.fitted[0], theirs.fittedvalues, rtol=1e-9)
    np.testing.assert_allclose(mean[0], ahead.predicted_mean, rtol=1e-9)
    np.testing.assert_allclose(error[0] ** 2, ahead.forecast_variance, rtol=1e-9)
    np.testing.assert_allclose(fit.loglik[0], theirs.llf, rtol=1e-9)


@pytest.mark.parametrize("trend", [0, 1, 2])
def test_a_multiplicative_season_follows_its_definition(trend):
    """Hyndman et al. (2008), table 2.2; statsmodels divides the season's step by the new level, so it is no oracle."""
    y = airline()
    fit, _, params = fitted_as(y, trend, 2)
    alpha, beta, gamma, phi, level, slope = params[:6]
    seasonal, said = list(params[6:]), []
    for t, value in enumerate(y):
        base, s = level + phi * slope, seasonal[t]
        said.append(base * s)
        error = value - said[-1]
        level, slope = base + alpha * error / s, phi * slope + beta * error / s
        seasonal.append(s + gamma * error / base)
    ahead = []
    for j in range(30):
        level, slope = level + phi * slope, phi * slope
        ahead.append(level * seasonal[120 + j % 12])
    np.testing.assert_allclose(fit.fitted[0], said, rtol=1e-10)
    np.testing.assert_allclose(Ets().forecast(fit, 30)[0][0], ahead, rtol=1e-10)
    errors = y - np.asarray(said)
    assert fit.sigma2[0] == pytest.approx(np.mean(errors**2), rel=1e-10)


@pytest.mark.parametrize("trend", [0, 1, 2])
def test_the_error_of_a_multiplicative_season_is_that_of_simulated_paths(trend):
    fit, _, _ = fitted_as(airline(), trend, 2)
    _, error = Ets().forecast(fit, 18)
    params, states = fit.private["params"][0], fit.private["states"][0]
    rng = np.random.default_rng(1)
    paths, h = 40_000, 18
    level, slope = np.full(paths, states[0]), np.full(paths, states[1])
    seasonal = np.repeat(states[2:][:, None], paths, axis=1)
    ends = np.empty((h, paths))
    for j in range(h):
        k, base = (120 + j) % 12, level + params[3] * slope
        shock = rng.normal(0, np.sqrt(fit.sigma2[0]), paths)
        ends[j] = base * seasonal[k] + shock
        level, slope = base + params[0] * shock / seasonal[k], params[3] * slope + params[1] * shock / seasonal[k]
        seasonal[k] = seasonal[k] + params[2] * shock / base
    # 40,000 paths know a standard deviation to 0.35 %; second order effects of 4 % errors are smaller than 1 %
    np.testing.assert_allclose(error[0], ends.std(axis=1), rtol=0.02)


@pytest.mark.parametrize(("trend", "season"), FORMS)
def test_the_estimate_is_at_least_as_good_as_that_of_statsmodels(trend, season):
    y = airline()
    _, tried, params = fitted_as(y, trend, season)
    with warnings.catch_warnings():  # its optimiser warns when it gives up
        warnings.simplefilter("ignore")
        theirs = peer(y, trend, season, params).fit(disp=False)
    ours = -0.5 * len(y) * (np.log(2 * np.pi * tried["loss"][0] / len(y)) + 1)
    assert ours >= theirs.llf - 0.01
    assert tried["converged"][0] == 1


def test_the_first_seasonals_are_those_of_a_classical_decomposition():
    from statsmodels.tsa.seasonal import seasonal_decompose

    y = airline(60)
    for kind, model in ((1, "additive"), (2, "multiplicative")):
        theirs = seasonal_decompose(y, model=model, period=12).seasonal[:12]
        np.testing.assert_allclose(_starting(y, 12)[kind][2:], theirs, rtol=1e-9)


def test_the_form_has_the_least_corrected_criterion_of_all_nine():
    y = airline()
    scores = {}
    for trend, season in zip(*_forms(12), strict=True):
        _, tried, _ = fitted_as(y, int(trend), int(season))
        # level, alpha, variance; beta and slope; phi; gamma and eleven free seasonals
        k = 3 + 2 * (trend > 0) + (trend == 2) + 12 * (season > 0)
        loglik = -0.5 * 120 * (np.log(2 * np.pi * tried["loss"][0] / 120) + 1)
        scores[trend, season] = 2 * k - 2 * loglik + 2 * k * (k + 1) / (120 - k - 1)
    best = min(scores, key=scores.get)
    found = forecast(y, h=6, model="ets", season_length=12, interval="analytic")
    assert found.aicc[0] == pytest.approx(scores[best], rel=1e-12)
    names = dict(zip(found.param_names, found.params[0], strict=True))
    assert np.isnan(names["beta"]) == (best[0] == 0)
    assert np.isnan(names["phi"]) == (best[0] != 2)
    assert np.isnan(names["gamma"]) == (best[1] == 0)


def test_a_series_in_a_ragged_batch_equals_the_series_alone():
    rng = np.random.default_rng(3)
    parts = {"a": airline(50), "b": airline(90) + rng.normal(0, 1, 90), "c": airline(120)}
    batch = forecast(parts, h=12, model="ets", season_length=12)
    for k, (name, y) in enumerate(parts.items()):
        alone = forecast({name: y}, h=12, model="ets", season_length=12)
        for field in ("mean", "lo", "hi", "params", "sigma2", "loglik", "aicc"):
            np.testing.assert_array_equal(getattr(batch, field)[k], getattr(alone, field)[0])


def test_a_series_with_values_below_zero_has_no_multiplicative_season():
    found = Ets().fit(problem(airline() - 120))
    assert found.private["season"][0] != 2


def test_without_a_season_there_are_no_seasonals():
    found = forecast(sample("nile"), h=5, model="ets")
    assert found.param_names == ("alpha", "beta", "gamma", "phi", "level", "slope")


def test_of_several_seasons_each_goes_on_where_it_was():
    rng = np.random.default_rng(4)
    short, long = rng.normal(0, 3, 7), rng.normal(0, 3, 60)
    t = np.arange(430)
    y = 100 + 0.1 * t + short[t % 7] + long[t % 60]
    noisy = y[:400] + rng.normal(0, 0.1, 400)
    found = forecast(noisy, h=30, model="ets", season_length=(7, 60))
    # six or seven values a place of the long season: its mean is known to 0.1 / √6 = 0.04, and the level to less
    assert np.abs(found.mean[0] - y[400:]).max() < 0.25
    assert ((found.lo[0, 1] <= y[400:]) & (y[400:] <= found.hi[0, 1])).mean() >= 0.9
    single = forecast(noisy, h=30, model="ets", season_length=7)
    assert found.aicc[0] < single.aicc[0]
    names = dict(zip(found.param_names, found.params[0], strict=True))
    pattern = np.array([names[f"pattern_60_{k}"] for k in range(60)])
    assert np.corrcoef(pattern, long)[0, 1] > 0.99
    # variance, level and alpha; beta and slope; phi; gamma and six seasonals of the short season; 59 of the long one
    form = 3 + 2 * ~np.isnan(names["beta"]) + ~np.isnan(names["phi"]) + 7 * ~np.isnan(names["gamma"])
    assert (found.aic[0] + 2 * found.loglik[0]) / 2 == pytest.approx(form + 59)
    longer = update(found, y[400:415])
    assert np.abs(longer.mean[0, :15] - y[415:]).max() < 0.25


def test_a_long_season_over_a_ragged_batch_keeps_its_place():
    t = np.arange(300)
    y = 50 + np.sin(2 * np.pi * t / 4) + 5 * np.cos(2 * np.pi * t / 30) + np.random.default_rng(1).normal(0, 0.1, 300)
    batch = forecast({"a": y, "b": y[37:]}, h=5, model="ets", season_length=(4, 30))
    alone = forecast(y[37:], h=5, model="ets", season_length=(4, 30))
    np.testing.assert_array_equal(batch.mean[1], alone.mean[0])
    np.testing.assert_array_equal(batch.fitted[1, 37:], alone.fitted[0])
    np.testing.assert_allclose(batch.mean[0], batch.mean[1], atol=0.5)


def test_a_cancelled_fit_stops():
    ear = Listener()
    ear.cancel()
    with listen(ear), pytest.raises(Cancelled):
        Ets().fit(problem(airline()))
