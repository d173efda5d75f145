import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.tsa.seasonal import STL

from prism_kernels import Listener, sample
from prism_kernels.errors import Cancelled
from prism_kernels.progress import listen
from prism_kernels.timeseries.auto_arima import differences
from prism_kernels.timeseries.stl import seasonal_strength, stl


def agrees(y, season, window=11):
    """Compare all parts with those of statsmodels, in units of the largest value."""
    theirs = STL(np.array(y), period=season, seasonal=window).fit()
    ours = stl(np.asarray(y)[None], season, window=window)
    unit = np.abs(y).max() or 1.0
    for one, other in zip(ours, (theirs.trend, theirs.seasonal, theirs.resid), strict=True):
        np.testing.assert_allclose(one[0] / unit, other / unit, rtol=0, atol=1e-9)


def strength_of(y, season):
    """Compute the definition from the parts of statsmodels."""
    theirs = STL(np.array(y), period=season, seasonal=11).fit()
    return max(0.0, 1 - np.var(theirs.resid) / np.var(theirs.seasonal + theirs.resid))


@pytest.mark.parametrize("window", [3, 7, 11, 35])
@pytest.mark.parametrize(("name", "season"), [("elnino", 12), ("sunspots", 11), ("nile", 2), ("co2", 52)])
def test_real_series_have_the_parts_of_statsmodels(name, season, window):
    y = sample(name).dropna().to_numpy(dtype=float)
    agrees(y, season, window)
    assert seasonal_strength(y, season)[0] == pytest.approx(strength_of(y, season), abs=1e-9)


@pytest.mark.parametrize("season", [2, 3, 4, 12, 23, 52, 365])
def test_two_seasons_are_enough(season):
    walk = np.random.default_rng(season).standard_normal(2 * season + 1).cumsum()
    agrees(walk[:-1], season)
    agrees(walk, season)


def test_windows_too_narrow_for_a_slope_stay_level_as_in_the_program_of_the_authors():
    agrees(np.arange(2000.0), 4)  # windows spread over less than a thousandth of the series


@settings(max_examples=150, deadline=None)
@given(data=st.data(), season=st.integers(2, 13), window=st.sampled_from([3, 5, 11]))
def test_any_series_has_the_parts_of_statsmodels(data, season, window):
    count = data.draw(st.integers(2 * season, 6 * season))
    values = st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-3, 3).map(float)
    agrees(data.draw(arrays(np.float64, count, elements=values)), season, window)


@settings(max_examples=30, deadline=None)
@given(value=st.floats(-1e6, 1e6, allow_subnormal=False), season=st.integers(2, 12), more=st.integers(0, 30))
def test_a_constant_is_trend_and_has_no_season(value, season, more):
    y = np.full((1, 2 * season + more), value)
    trend, seasonal, residual = stl(y, season)
    unit = abs(value) or 1.0
    np.testing.assert_allclose(trend / unit, y / unit, rtol=0, atol=1e-12)
    np.testing.assert_allclose(seasonal / unit, 0, atol=1e-12)
    np.testing.assert_allclose(residual / unit, 0, atol=1e-12)
    assert seasonal_strength(y, season)[0] == 0


def test_a_straight_line_is_trend_and_has_no_season():
    line = 7 + 0.3 * np.arange(60.0)
    trend, _, _ = stl(line[None], 12)
    np.testing.assert_allclose(trend[0], line, rtol=1e-12)
    assert seasonal_strength(line, 12)[0] == 0
    assert differences(line, 12) == (1, 0)


def test_a_series_in_a_batch_has_the_bits_it_has_alone():
    rng = np.random.default_rng(0)
    y = rng.standard_normal((5, 90)).cumsum(axis=1)
    first = np.array([0, 17, 66, 3, 40])
    y[np.arange(90) < first[:, None]] = np.nan
    together = stl(y, 12, first)
    for k, start in enumerate(first):
        for part, alone in zip(together, stl(y[k : k + 1, start:], 12), strict=True):
            assert np.isnan(part[k, :start]).all()
            assert np.array_equal(part[k, start:], alone[0])
        expected = strength_of(y[k, start:], 12)
        assert seasonal_strength(y, 12, first)[k] == pytest.approx(expected, abs=1e-9)


def test_no_season_is_sought_when_told_to_stop():
    ear = Listener()
    ear.cancel()
    with listen(ear), pytest.raises(Cancelled):
        stl(np.zeros((2, 48)), 12)


def test_a_long_season_is_left_at_once_when_told_to_stop():
    from prism_kernels.timeseries import stl_lanes

    y = np.random.default_rng(0).standard_normal((1, 20_000))
    trend, seasonal, cycles, smooth = np.ones_like(y), np.ones_like(y), np.zeros((1, 30_000)), np.zeros((1, 30_000))
    given = (np.zeros(1, dtype=np.int64), 5_000, np.array([11, 5_001, 8_685]), trend, seasonal, cycles, smooth)
    stl_lanes.decompose.compiled()(0, 1, y, *given, np.ones(1, dtype=np.int64))
    assert not cycles.any()
    assert not trend.any()
