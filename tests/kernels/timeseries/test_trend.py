import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.tsa.filters.hp_filter import hpfilter

from prism_kernels import sample
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Series
from prism_kernels.timeseries import trend
from prism_kernels.timeseries.mann_kendall import monotone_trend

NILE = sample("nile")


def test_the_nile_changes_in_1899():
    found = trend(NILE)
    assert found.changepoints == ((28,),)
    before, after = found.segments
    assert (before.series, before.start, before.stop, before.first, before.last) == (
        "volume",
        0,
        28,
        "1871-01-01",
        "1898-01-01",
    )
    assert (after.first, after.last) == ("1899-01-01", "1970-01-01")
    values = NILE.to_numpy()
    assert before.mean == pytest.approx(values[:28].mean())
    assert after.sd == pytest.approx(values[28:].std())
    np.testing.assert_allclose(found.trend[0], np.repeat([before.mean, after.mean], [28, 72]))
    squares = 28 * values[:28].var() + 72 * values[28:].var()
    assert found.cost[0] == pytest.approx(squares, rel=1e-12)
    step = np.median(np.abs(np.diff(values))) / (0.6744897501960817 * math.sqrt(2))
    assert found.penalty[0] == pytest.approx(2 * step**2 * math.log(100), rel=1e-9)
    assert found.warnings == ()


def test_spurious_changes_are_called_so():
    walk = np.zeros(400)
    noise = np.random.default_rng(0).normal(size=400)
    for t in range(1, 400):
        walk[t] = 0.8 * walk[t - 1] + noise[t]
    assert "neighbours correlate by" in trend(walk, penalty=1e6).warnings[0]
    assert "counts vary" in trend(NILE, cost="poisson", n_changepoints=0).warnings[-1]


def brute_force(y):
    """Kendall's score with its tie-corrected variance, and the sorted slopes of all pairs, by their definitions."""
    pairs = list(itertools.combinations(range(y.size), 2))
    score = sum(np.sign(y[j] - y[i]) for i, j in pairs)
    ties = sum(t * (t - 1) * (2 * t + 5) for t in np.unique(y, return_counts=True)[1])
    variance = (y.size * (y.size - 1) * (2 * y.size + 5) - ties) / 18
    return score, variance, np.sort([(y[j] - y[i]) / (j - i) for i, j in pairs])


@settings(max_examples=60)
@given(
    st.one_of(
        arrays(float, st.integers(3, 25), elements=st.integers(-3, 3).map(float)),
        arrays(float, st.integers(3, 25), elements=st.floats(-1e6, 1e6, allow_subnormal=False)),
    )
)
def test_rank_statistics_are_those_of_all_pairs(y):
    found = trend(y, method="mann_kendall")
    score, variance, slopes = brute_force(y)
    scale = max(1.0, np.abs(y).max())
    assert found.slope[0] == pytest.approx(np.median(slopes), rel=1e-12, abs=1e-14 * scale)
    z = max(abs(score) - 1, 0) / math.sqrt(variance) if variance > 0 else 0
    assert found.p_value[0] == pytest.approx(2 * stats.norm.sf(z), rel=1e-9)
    if variance > 0:
        assert found.tau[0] == pytest.approx(stats.kendalltau(np.arange(y.size), y).statistic, abs=1e-12)
    else:
        assert found.tau[0] == 0
    assert found.direction[0] == (np.sign(score) if found.p_value[0] < 0.05 else 0)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("y", [NILE.to_numpy(), np.round(sample("elnino").to_numpy()[:150])])
def test_slope_and_its_interval_are_those_of_scipy(y, alpha):
    found, peer = trend(y, method="theil_sen", alpha=alpha), stats.theilslopes(y, alpha=1 - alpha)
    assert found.slope[0] == pytest.approx(peer.slope, rel=1e-12)
    assert found.slope_ci[0] == pytest.approx([peer.low_slope, peer.high_slope], rel=1e-12)
    np.testing.assert_allclose(found.trend[0], peer.intercept + peer.slope * np.arange(y.size), rtol=1e-12)
    assert found.direction[0] == (np.sign(peer.low_slope) if peer.low_slope * peer.high_slope > 0 else 0)


def test_the_trend_test_errs_as_often_as_alpha_says():
    noise = np.random.default_rng(0).normal(size=(2000, 40))
    share = (trend(noise, method="mann_kendall").p_value < 0.05).mean()
    assert abs(share - 0.05) < 4 * math.sqrt(0.05 * 0.95 / 2000)


def hamed_rao(y):
    """Hamed and Rao's factor by the definition: significant autocorrelations of the ranks of what the line leaves."""
    n = y.size
    line = stats.theilslopes(y).slope * np.arange(n)
    ranks = stats.rankdata(y - line)
    ranks = ranks - ranks.mean()
    total = 0.0
    for lag in range(1, n):
        rho = (ranks[lag:] * ranks[:-lag]).sum() / (ranks**2).sum()
        if abs(rho) > 1.959963984540054 / math.sqrt(n):
            total += (n - lag) * (n - lag - 1) * (n - lag - 2) * rho
    return 1 + 2 * total / (n * (n - 1) * (n - 2))


def test_autocorrelated_values_are_judged_by_hamed_and_rao_in_a_warning():
    noise, y = np.random.default_rng(7).normal(size=120), np.zeros(120)
    for t in range(1, 120):
        y[t] = 0.85 * y[t - 1] + noise[t]
    both = monotone_trend(Series.of(y), 0.05)
    score, variance, _ = brute_force(y)
    z = (abs(score) - 1) / math.sqrt(variance * hamed_rao(y))
    assert both.corrected_p[0] == pytest.approx(2 * stats.norm.sf(z), rel=1e-6)
    assert both.p_value[0] < 0.05 < both.corrected_p[0]
    assert "by Hamed and Rao's variance p is" in trend(y, method="mann_kendall").warnings[0]
    assert trend(y, method="theil_sen").warnings == ()


@pytest.mark.parametrize("n", [3, 4, 5, 80])
@pytest.mark.parametrize("smoothing", [6.25, 1600.0, 129600.0])
def test_the_smooth_trend_is_that_of_statsmodels(n, smoothing):
    y = 100 + np.random.default_rng(0).normal(size=n).cumsum()
    found = trend(y, method="hp", penalty=smoothing)
    np.testing.assert_allclose(found.trend[0], hpfilter(y, smoothing)[1], rtol=1e-10)
    assert found.penalty[0] == smoothing


@pytest.mark.parametrize(("frequency", "smoothing"), [("QS", 1600.0), ("YS", 6.25), ("MS", 129600.0), ("2QS", 100.0)])
def test_smoothing_follows_from_the_dates(frequency, smoothing):
    index = pd.date_range("2000-01-01", periods=20, freq=frequency)
    assert trend(pd.Series(np.arange(20.0), index=index), method="hp").penalty[0] == smoothing


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(1, 1e6))
def test_every_trend_of_a_straight_line_is_the_line(level, slope, smoothing):
    line = level + slope * np.arange(12)
    near = {"rtol": 1e-9, "atol": 1e-9 * max(1, np.abs(line).max())}
    np.testing.assert_allclose(trend(line, method="hp", penalty=smoothing).trend[0], line, **near)
    np.testing.assert_allclose(trend(line, method="theil_sen").trend[0], line, **near)


@pytest.mark.parametrize("method", ["changepoint", "mann_kendall", "theil_sen", "hp"])
def test_trends_stay_in_the_callers_library_and_place(on, method):
    y = np.stack([NILE.to_numpy(), NILE.to_numpy()[::-1]])
    here, there = trend(y, method=method), trend(on(y), method=method)
    assert there.changepoints == here.changepoints
    for name in ("trend", "direction", "slope", "slope_ci", "tau", "p_value", "cost", "penalty"):
        value = getattr(there, name)
        assert (value is None) == (getattr(here, name) is None)
        if value is not None:
            assert on.owns(value), name
            np.testing.assert_allclose(getattr(there.to_numpy(), name), getattr(here, name), rtol=1e-9)


@pytest.mark.parametrize("method", ["changepoint", "mann_kendall", "theil_sen", "hp"])
def test_a_series_in_a_ragged_batch_has_the_trend_it_has_alone(method):
    y = NILE.to_numpy()
    batch, alone = trend([y[30:], y], method=method), trend(y[30:], method=method)
    np.testing.assert_allclose(batch.trend[0, 30:], alone.trend[0], rtol=1e-10)
    assert np.isnan(batch.trend[0, :30]).all()
    for name in ("direction", "slope", "slope_ci", "tau", "p_value", "cost", "penalty"):
        if getattr(alone, name) is not None:
            np.testing.assert_allclose(getattr(batch, name)[0], getattr(alone, name)[0], rtol=1e-10, err_msg=name)
    if method == "changepoint":
        assert batch.changepoints[0] == tuple(t + 30 for t in alone.changepoints[0])


@pytest.mark.parametrize("method", ["changepoint", "mann_kendall", "theil_sen", "hp"])
def test_a_constant_series_has_no_trend(method):
    found = trend(np.full(30, 5.0), method=method)
    np.testing.assert_allclose(found.trend[0], 5, rtol=1e-12)
    assert found.direction is None or found.direction[0] == 0
    assert found.p_value is None or found.p_value[0] == 1


@pytest.mark.parametrize("method", ["changepoint", "mann_kendall", "theil_sen", "hp"])
def test_numbers_of_any_size_have_a_trend(method):
    y = NILE.to_numpy()
    for size in (1e200, 1e-200):
        found, plain = trend(size * y, method=method), trend(y, method=method)
        np.testing.assert_allclose(found.trend / size, plain.trend, rtol=1e-9)
        assert found.changepoints == plain.changepoints


@pytest.mark.parametrize(
    ("y", "settings", "message"),
    [
        (sample("co2"), {}, r"y has 59 missing values \(first: 1958-05-10, .*; fill them, or use resample"),
        (np.arange(2.0), {"method": "hp"}, "a trend needs 3 values or more, and y has 2; give a longer series"),
        (np.arange(9.0), {"method": "hp", "penalty": 0.0}, "penalty must be 'bic' or a number above 0"),
        (np.arange(9.0), {"method": "changepoints"}, "did you mean 'changepoint'"),
        (
            np.arange(9.0),
            {"method": "hp", "n_changepoints": 2},
            "n_changepoints has no meaning for method 'hp'; leave it out, or use method='changepoint'",
        ),
        (
            np.arange(9.0),
            {"method": "theil_sen", "penalty": 3.0},
            "penalty has no meaning for method 'theil_sen'; leave it at 'bic', or use method 'changepoint' or 'hp'",
        ),
        (
            np.arange(9.0),
            {"penalty": 3.0, "n_changepoints": 1},
            "penalty 3 decides nothing where n_changepoints is 1; leave one of them out",
        ),
        (np.arange(9.0), {"alpha": 5.0}, "alpha must be a number above 0 and below 1"),
    ],
)
def test_what_has_no_trend_is_refused(y, settings, message):
    with pytest.raises(InvalidInput, match=message):
        trend(y, **settings)


def test_a_spacing_without_usual_smoothing_is_refused():
    index = pd.date_range("2024-01-01", periods=20, freq="h")
    with pytest.raises(InvalidInput, match=r"the spacing of the dates \(h\) tells no usual smoothing; give penalty"):
        trend(pd.Series(np.arange(20.0), index=index), method="hp")


def test_a_frame_keeps_the_ends_of_the_slope():
    batch = pd.DataFrame({"a": np.arange(9.0) ** 2, "b": -np.arange(9.0)})
    found = trend(batch, method="theil_sen")
    frame = found.to_frame()
    assert list(frame.columns) == [
        "series", "time", "trend", "direction", "slope", "slope_lower", "slope_upper", "tau", "p_value"
    ]  # fmt: skip
    for k, name in enumerate(batch):
        ends = frame.loc[frame["series"] == name, ["slope_lower", "slope_upper"]].drop_duplicates()
        np.testing.assert_array_equal(ends, found.slope_ci[[k]])
    assert not any(c.startswith("slope") for c in trend(batch).to_frame().columns)


def test_an_interval_that_nothing_may_miss_spans_all_slopes():
    y = np.random.default_rng(6).standard_normal(12)
    slopes = [(y[j] - y[i]) / (j - i) for i in range(12) for j in range(i + 1, 12)]
    found = trend(y, method="theil_sen", alpha=1e-300)
    assert found.slope_ci[0].tolist() == pytest.approx([min(slopes), max(slopes)])


def test_a_penalty_beyond_all_costs_leaves_one_segment_and_is_reported_as_given():
    y = np.r_[np.zeros(20), np.ones(20)] * 1e-200
    found = trend(y, penalty=1e6)
    assert found.changepoints == ((),)
    assert found.penalty[0] == 1e6
