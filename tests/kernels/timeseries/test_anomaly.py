import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.tsa.seasonal import MSTL, STL

from prism_kernels import sample
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Series
from prism_kernels.timeseries import anomaly
from prism_kernels.timeseries.ets import Ets
from prism_kernels.timeseries.matrix_profile import matrix_profile
from prism_kernels.timeseries.model import Problem
from prism_kernels.timeseries.scores import judge

SEA = sample("elnino")
METHODS = ("forecast", "stl", "matrix_profile", "mad")


def season_for(method):
    return {} if method == "mad" else {"season_length": 12}


def wave(n=360, seed=0):
    noise = np.random.default_rng(seed).normal(size=n)
    return 10 * np.sin(np.arange(n) * np.pi / 6) + noise


def t_threshold(deviation, alpha):
    """The definition, with SciPy's root finder: t whose outer tenth over middle half is that of the deviations."""
    inner, outer = np.quantile(np.abs(deviation), [0.5, 0.9])
    ratio = outer / inner / (1 + 0.6 / math.sqrt(deviation.size))
    normal = stats.norm.ppf(0.95) / stats.norm.ppf(0.75)
    if ratio <= normal:
        return stats.norm.ppf(1 - alpha / 2)
    t_ratio = lambda df: stats.t.ppf(0.95, df) / stats.t.ppf(0.75, df)  # noqa: E731
    if ratio >= t_ratio(3):
        df = 3.0
    else:
        from scipy.optimize import brentq

        df = brentq(lambda v: t_ratio(v) - ratio, 3, 1e6, xtol=1e-12)
    return stats.t.ppf(1 - alpha / 2, df) / stats.t.ppf(0.75, df) * stats.norm.ppf(0.75)


def expectation(method, y):
    if method == "forecast":
        problem = Problem(y=y[None, :], first=np.zeros(1, dtype=np.int64), h=1, season_length=(12,))
        return Ets().fit(problem).fitted[0]
    if method == "stl":
        fit = STL(y, period=12).fit()
        return fit.trend + fit.seasonal
    return np.full(y.size, np.median(y))


@pytest.mark.parametrize("method", ["forecast", "stl", "mad"])
def test_every_field_follows_from_the_deviations(method):
    y = wave()
    y[200] += 15
    found = anomaly(y, method=method, alpha=0.02, **season_for(method))
    expected = expectation(method, y)
    np.testing.assert_allclose(found.expected[0], expected, rtol=1e-6, atol=1e-6)
    deviation = y - found.expected[0]
    centre = np.median(deviation)
    scale = np.median(np.abs(deviation - centre)) / stats.norm.ppf(0.75)
    np.testing.assert_allclose(found.score[0], np.abs(deviation - centre) / scale, rtol=1e-9, atol=1e-9)
    threshold = t_threshold(deviation - centre, 0.02)
    assert found.threshold[0] == pytest.approx(threshold, rel=1e-6)
    np.testing.assert_array_equal(found.is_anomaly, found.score > found.threshold[:, None])
    assert found.index == (tuple(np.flatnonzero(found.is_anomaly[0])),)
    np.testing.assert_allclose(found.lo[0], found.expected[0] + centre - threshold * scale, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.hi[0], found.expected[0] + centre + threshold * scale, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(found.is_anomaly[0], (y < found.lo[0]) | (y > found.hi[0]))
    assert found.profile is None
    assert found.discords is None
    assert method == "mad" or 200 in found.index[0]


def test_the_matrix_profile_finds_the_stretch_unlike_all_others():
    y = wave()
    y[200:212] = y[200:212][::-1] + 3 * np.cos(np.arange(12))
    found = anomaly(y, method="matrix_profile", season_length=12)
    profile = matrix_profile(y, 12)[0]
    np.testing.assert_allclose(found.profile[0], profile, rtol=1e-9)
    assert abs(found.discords[0][0] - 200) < 12
    above = profile - np.median(profile)
    scale = np.quantile(above, 0.75) / stats.norm.ppf(0.75)
    ordinary = judge(profile, 0.01, "up")
    assert ordinary.scale == pytest.approx(scale)
    assert found.threshold[0] == pytest.approx(np.median(profile) + ordinary.threshold * scale)
    covering = [profile[max(0, t - 11) : t + 1].max() for t in range(y.size)]
    np.testing.assert_allclose(found.score[0], covering)
    inside = np.zeros(y.size, dtype=bool)
    for start in found.discords[0]:
        assert profile[start] > found.threshold[0]
        inside[start : start + 12] = True
    np.testing.assert_array_equal(found.is_anomaly[0], inside)
    assert found.index == (tuple(np.flatnonzero(inside)),)
    assert (found.expected, found.lo, found.hi) == (None, None, None)
    assert len(found.axes["window"]) == y.size - 11


def test_several_seasons_are_smoothed_together():
    y = wave() + np.sin(np.arange(360) * np.pi / 30)
    found = anomaly(y, method="stl", season_length=(12, 60))
    fit = MSTL(y, periods=(12, 60)).fit()
    np.testing.assert_allclose(found.expected[0], fit.trend + fit.seasonal.sum(axis=1), atol=1e-9)


def test_a_rolling_median_follows_a_level_that_moves():
    y = np.random.default_rng(0).normal(size=301) + np.linspace(0, 60, 301)
    y[150] += 15
    found = anomaly(y, method="mad", window=15, max_anomalies=1)
    assert found.index == ((150,),)
    assert found.expected[0, 150] == np.median(y[143:158])
    assert found.expected[0, 0] == found.expected[0, 3] == np.median(y[:15])
    cuts = [y[max(0, min(t - 7, 286)) :][:15] for t in range(301)]
    away = np.array(
        [(v - np.median(c)) / stats.median_abs_deviation(c, scale="normal") for v, c in zip(y, cuts, strict=True)]
    )
    ordinary = judge(away, 0.01, "both")
    np.testing.assert_allclose(found.score[0], np.abs(away - ordinary.centre) / ordinary.scale, rtol=1e-9, atol=1e-9)
    assert anomaly(y, method="mad").index == ((),)


@pytest.mark.parametrize(
    ("draw", "most"),
    [
        (lambda r, n: r.normal(size=n), 1.15),
        (lambda r, n: r.standard_t(5, size=n), 1.6),
        (lambda r, n: r.standard_t(3, size=n), 1.6),
        (lambda r, n: r.laplace(size=n), 1.3),
        (lambda r, n: r.uniform(size=n), 1.0),
    ],
)
@pytest.mark.parametrize("direction", ["both", "up", "down"])
def test_ordinary_values_are_called_anomalies_about_as_often_as_alpha_says(draw, most, direction):
    noise = draw(np.random.default_rng(0), (60, 1000))
    found = anomaly(noise, method="mad", alpha=0.01, direction=direction)
    assert found.is_anomaly.mean() <= 0.01 * most


def test_a_few_anomalies_hardly_move_the_threshold():
    noise = np.random.default_rng(0).normal(size=2000)
    spoilt = noise.copy()
    spoilt[::25] += 12
    clean, dirty = anomaly(noise, method="mad"), anomaly(spoilt, method="mad")
    assert dirty.threshold[0] < 1.35 * clean.threshold[0]
    assert dirty.is_anomaly[0, ::25].all()


@pytest.mark.parametrize("method", METHODS)
def test_anomalies_stay_in_the_callers_library_and_place(on, method):
    y = np.stack([wave(), wave(seed=1)])
    y[0, 100] += 20
    here = anomaly(y, method=method, **season_for(method))
    there = anomaly(on(y), method=method, **season_for(method))
    assert there.index == here.index
    assert there.discords == here.discords
    for name in ("score", "is_anomaly", "threshold", "expected", "lo", "hi", "profile"):
        value = getattr(there, name)
        assert (value is None) == (getattr(here, name) is None)
        if value is not None:
            assert on.owns(value), name
            np.testing.assert_allclose(getattr(there.to_numpy(), name), getattr(here, name), atol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_a_series_in_a_ragged_batch_is_judged_as_if_alone(method):
    short, long = wave(150, seed=3), wave(240, seed=4)
    short[70] += 30
    batch = anomaly([short, long], method=method, **season_for(method))
    alone = anomaly(short, method=method, **season_for(method))
    assert batch.index[0] == tuple(t + 90 for t in alone.index[0])
    np.testing.assert_allclose(batch.score[0, 90:], alone.score[0], rtol=1e-6, atol=1e-9)
    assert np.isnan(batch.score[0, :90]).all()
    assert not batch.is_anomaly[0, :90].any()
    assert batch.threshold[0] == pytest.approx(alone.threshold[0], rel=1e-6)
    if method == "matrix_profile":
        assert batch.discords[0] == tuple(d + 90 for d in alone.discords[0])


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_series_has_no_anomaly(method):
    found = anomaly(np.stack([np.full(60, 0.1), wave(60)]), method=method, **season_for(method))
    assert found.index[0] == ()
    assert np.nanmax(np.abs(found.score[0])) < 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_numbers_of_any_size_are_judged_alike(method):
    y = wave(120)
    y[60] += 30
    plain = anomaly(y, method=method, **season_for(method))
    for size in (1e200, 1e-200):
        found = anomaly(y * size, method=method, **season_for(method))
        assert found.index == plain.index
        np.testing.assert_allclose(found.score, plain.score, rtol=1e-3, atol=1e-6)


def test_direction_and_number_are_kept_to():
    y = np.random.default_rng(0).normal(size=300)
    y[[50, 100, 150]] = 9, -8, 7
    assert anomaly(y, method="mad", max_anomalies=2).index == ((50, 100),)
    up, down = (anomaly(y, method="mad", direction=d) for d in ("up", "down"))
    assert {50, 150} <= set(up.index[0])
    assert 100 not in up.index[0]
    assert 100 in down.index[0]
    assert not {50, 150} & set(down.index[0])
    assert np.isneginf(up.lo).all()
    assert np.isposinf(down.hi).all()
    assert len(anomaly(SEA, method="matrix_profile", max_anomalies=2).discords[0]) == 2


@settings(max_examples=25)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["stl", "mad"]),
    st.floats(0.01, 100),
    st.floats(-1e4, 1e4),
)
def test_unit_and_offset_do_not_matter(seed, method, scale, shift):
    y = wave(60, seed)
    here = anomaly(y, method=method, **season_for(method))
    there = anomaly(scale * y + shift, method=method, **season_for(method))
    np.testing.assert_allclose(there.score, here.score, rtol=1e-5, atol=1e-5)
    assert there.threshold == pytest.approx(here.threshold, rel=1e-6)


@pytest.mark.parametrize(
    ("y", "given", "message"),
    [
        (SEA, {"window": 9}, "window has no meaning for method 'forecast'"),
        (SEA, {"method": "mad", "season_length": 12}, "season_length has no meaning for method 'mad'"),
        (SEA, {"season_length": (12, 60)}, "method 'forecast' takes one season_length, and 2 were given"),
        (SEA, {"method": "stl", "season_length": 1}, "method 'stl' needs a season, and season_length is 1"),
        (SEA, {"method": "matrix_profile", "direction": "up"}, "direction 'up' has no meaning"),
        (wave(), {"method": "stl"}, "season_length is needed, since y has no dates"),
        (wave(), {"method": "matrix_profile"}, "window is needed, since y tells no season"),
        (wave(30), {"method": "stl", "season_length": 16}, "season_length 16 needs 32 values or more, and y has 30"),
        (wave(20), {"method": "matrix_profile", "window": 16}, "window 16 needs 25 values or more, and y has 20"),
        (wave(20), {"season_length": 12}, "season_length 12 needs 27 values or more, and y has 20"),
        (wave(20), {"method": "mad", "window": 21}, "window 21 needs 21 values or more, and y has 20"),
        (sample("co2"), {}, "y has 59 missing values"),
        (SEA, {"alpha": 0.5}, "alpha must be a number above 0 and below 0.5"),
        (SEA, {"method": "prophet"}, "method must be one of"),
    ],
)
def test_what_cannot_be_judged_is_refused(y, given, message):
    with pytest.raises(InvalidInput, match=message):
        anomaly(y, **given)


LABELLED = {  # periods in a day; the readings of the second come every five minutes, and repeat by the hour at most
    "ambient_temperature_system_failure.csv": 24,
    "ec2_request_latency_system_failure.csv": 12,
    "nyc_taxi.csv": 48,
}


def labelled(shared_data, name):
    folder = shared_data / "nab"
    if not folder.is_dir():
        pytest.skip("no ../shared/data/nab beside this checkout")
    frame = pd.read_csv(folder / name, parse_dates=["timestamp"])
    windows = json.loads((folder / "windows.json").read_text())[name]
    inside = [frame["timestamp"].between(pd.Timestamp(a), pd.Timestamp(b)).to_numpy() for a, b in windows]
    return frame["value"].to_numpy(float), inside


def test_labelled_anomalies_of_real_series_are_hit_with_few_false_alarms(shared_data):
    """At the defaults (and the season), 9 of 10 windows are hit, and 1 % of the periods outside are called."""
    hits, shares = [], []
    for name, season in LABELLED.items():
        y, windows = labelled(shared_data, name)
        found = anomaly(y, season_length=season)
        hits += [bool(found.is_anomaly[0, inside].any()) for inside in windows]
        shares.append(found.is_anomaly[0, ~np.any(windows, axis=0)].mean())
    assert sum(hits) >= 9
    assert max(shares) <= 0.0125


def test_the_days_unlike_all_others_are_found_in_taxi_rides(shared_data):
    y, windows = labelled(shared_data, "nyc_taxi.csv")
    found = anomaly(y, method="matrix_profile", season_length=48)
    assert all(found.is_anomaly[0, inside].any() for inside in windows)
    assert found.is_anomaly[0, ~np.any(windows, axis=0)].mean() < 0.04
    assert Series.of(y).length == 10_320


def test_a_series_without_a_value_is_refused_by_name():
    y = np.vstack([np.arange(40.0) ** 0.5, np.full(40, np.nan)])
    with pytest.raises(InvalidInput, match="needs 10 values or more, and y has 0 in series 1"):
        anomaly(y)
