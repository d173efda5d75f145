"""Correlation: values of scipy, scikit-learn, pandas and statsmodels; lags, certainty, and what memory costs."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_kernels import Cancelled, InvalidInput, Listener, sample
from prism_kernels.information import mutual_information, transfer_entropy
from prism_kernels.progress import listen
from prism_kernels.timeseries import correlation

METHODS = ("pearson", "spearman", "kendall", "cross", "distance", "mutual_information", "transfer_entropy")
SIGNED = METHODS[:4]

RNG = np.random.default_rng(11)
NOISE = RNG.standard_normal((4, 300))
MIXED = np.stack([NOISE[0], 0.7 * NOISE[0] + NOISE[1], NOISE[2], np.round(NOISE[3] - NOISE[2], 1)])


def autoregressions(rng, series, size, memory):
    values = rng.standard_normal((series, size + 50))
    for t in range(1, size + 50):
        values[:, t] += memory * values[:, t - 1]
    return values[:, 50:]


def off_diagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_the_matrix_is_that_of_pandas(method):
    import pandas as pd

    found = correlation(MIXED, method=method)
    np.testing.assert_allclose(found.matrix, pd.DataFrame(MIXED.T).corr(method=method), atol=1e-12)
    assert (found.lag == 0).all()


def test_the_cross_correlation_is_that_of_statsmodels_at_its_strongest_lag():
    from statsmodels.tsa.stattools import ccf

    x, y = MIXED[0], np.roll(MIXED[1], 4)
    found = correlation(np.stack([x, y]), method="cross", max_lag=6)
    later, earlier = (
        ccf(y, x, adjusted=False)[:7],
        ccf(x, y, adjusted=False)[:7],
    )  # ccf(a, b)[l] pairs a(t + l) with b(t)
    both = np.concatenate([earlier[:0:-1], later])
    best = np.abs(both).argmax()
    assert found.matrix[0, 1] == pytest.approx(both[best], abs=1e-12)
    assert found.lag[0, 1] == best - 6 == 4
    assert found.lag[1, 0] == -4
    assert found.matrix[1, 0] == found.matrix[0, 1]


def brute_distance_correlation(x, y):
    def centred(v):
        d = np.abs(v[:, None] - v[None, :])
        return d - d.mean(axis=0) - d.mean(axis=1)[:, None] + d.mean()

    a, b = centred(x), centred(y)
    return np.sqrt((a * b).mean() / np.sqrt((a * a).mean() * (b * b).mean()))


def test_distance_correlation_is_that_of_doubly_centred_distances(monkeypatch):
    monkeypatch.setattr("prism_kernels.timeseries.correlation_measures._PLACES", 4 * 300 * 70)  # blocks with a rest
    found = correlation(MIXED, method="distance")
    expected = [[brute_distance_correlation(a, b) for a in MIXED] for b in MIXED]
    np.testing.assert_allclose(found.matrix, expected, atol=1e-10)


def test_distance_correlation_sees_what_pearson_does_not():
    x = np.linspace(-1, 1, 201)
    both = np.stack([x, x**2])
    assert abs(correlation(both).matrix[0, 1]) < 1e-12
    assert correlation(both, method="distance").matrix[0, 1] > 0.4


def test_mutual_information_is_that_of_scikit_learn():
    from sklearn.feature_selection import mutual_info_regression

    found = correlation(MIXED[:3], method="mutual_information", k=5)
    peer = mutual_info_regression(MIXED[:1].T, MIXED[1], discrete_features=False, n_neighbors=5)[0]
    assert found.matrix[0, 1] == pytest.approx(peer, abs=1e-4)
    assert found.matrix[1, 0] == found.matrix[0, 1]
    assert np.isnan(np.diag(found.matrix)).all()
    assert found.matrix[0, 2] == float(mutual_information(MIXED[0], MIXED[2], k=5).value)


def test_transfer_entropy_goes_from_row_to_column_at_its_delay():
    import npeet_plus

    x, y = NOISE[0], NOISE[1].copy()
    y[3:] += x[:-3]
    found = correlation(np.stack([x, y]), method="transfer_entropy", max_lag=5)
    assert found.lag[0, 1] == 3
    assert found.matrix[0, 1] == float(transfer_entropy(x, y, delay=3).value)
    assert found.matrix[0, 1] > found.matrix[1, 0] + 0.1
    xs, ys = ((v - v.mean()) / v.std() for v in (x, y))
    peer = npeet_plus.mi(xs[:-3, None], ys[3:, None], ys[2:-1, None], k=4, base=np.e)
    assert found.matrix[0, 1] == pytest.approx(peer, abs=1e-4)
    assert correlation(np.stack([x, y]), method="transfer_entropy").lag[0, 1] == 1


@pytest.mark.parametrize("method", METHODS[:6])
def test_a_series_that_follows_by_three_is_found_to_follow_by_three(method):
    x = NOISE[0]
    y = np.concatenate([NOISE[1][:3], x[:-3]]) + 0.3 * NOISE[2]
    found = correlation(np.stack([x, y]), method=method, max_lag=5)
    assert found.lag.tolist() == [[0, 3], [-3, 0]]
    assert found.n_effective[0, 1] <= 297
    straight = correlation(np.stack([x[:-3], y[3:]]), method=method)
    if method != "cross":
        assert found.matrix[0, 1] == pytest.approx(straight.matrix[0, 1], abs=1e-12)


def expected_effective(x, y, overlap):
    from statsmodels.tsa.stattools import acf

    top = len(x) // 5
    rx, ry = (acf(v, nlags=top, fft=False)[1:] for v in (x, y))
    total = sum((1 - (j + 1) / overlap) * rx[j] * ry[j] for j in range(top))
    return min(overlap, overlap / (1 + 2 * total)) if 1 + 2 * total > 0 else overlap


@pytest.mark.parametrize("method", ["pearson", "spearman", "cross"])
def test_effective_size_p_value_and_interval_are_those_of_the_books(method):
    from scipy import stats

    pair = autoregressions(RNG, 2, 150, 0.7)
    found = correlation(pair, method=method, max_lag=2, alpha=0.1)
    lag = abs(int(found.lag[0, 1]))
    ranked = stats.rankdata(pair, axis=1) if method == "spearman" else pair
    size = expected_effective(*ranked, 150 - lag)
    assert found.n_effective[0, 1] == pytest.approx(size, rel=1e-10)
    assert size < 100
    r = found.matrix[0, 1]
    t = r * np.sqrt((size - 2) / (1 - r * r))
    assert found.p_value[0, 1] == pytest.approx(min(1, 5 * 2 * stats.t.sf(abs(t), size - 2)), rel=1e-9)
    error = np.sqrt((1.06 if method == "spearman" else 1.0) / (size - 3))
    limits = np.tanh(np.arctanh(r) + stats.norm.ppf([0.05, 0.95]) * error)
    np.testing.assert_allclose(found.ci[0, 1], limits, rtol=1e-9)
    assert found.alpha == 0.1
    assert found.method == method


def test_kendall_is_judged_by_its_normal_limit():
    from scipy import stats

    pair = NOISE[:2, :60]
    found = correlation(pair, method="kendall")
    size = expected_effective(*stats.rankdata(pair, axis=1), 60)
    tau = found.matrix[0, 1]
    z = tau / np.sqrt(2 * (2 * size + 5) / (9 * size * (size - 1)))
    assert found.p_value[0, 1] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)
    assert found.p_value[0, 1] == pytest.approx(stats.kendalltau(*pair, method="asymptotic").pvalue, abs=0.1)
    limits = np.tanh(np.arctanh(tau) + stats.norm.ppf([0.025, 0.975]) * np.sqrt(0.437 / (size - 4)))
    np.testing.assert_allclose(found.ci[0, 1], limits, rtol=1e-9)


def test_short_memoryless_series_have_nearly_the_p_value_of_scipy():
    from scipy import stats

    found = correlation(NOISE[:2])
    assert found.n_effective[0, 1] == pytest.approx(300, rel=0.15)
    assert found.p_value[0, 1] == pytest.approx(stats.pearsonr(*NOISE[:2]).pvalue, abs=0.05)


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_unrelated_series_with_memory_are_called_related_about_as_often_as_promised(method):
    rng, promised, series = np.random.default_rng(8), 0.05, 30
    found = correlation(autoregressions(rng, series, 200, 0.8), method=method)
    p = found.p_value[np.triu_indices(series, 1)]
    naive = np.abs(found.matrix[np.triu_indices(series, 1)]) > (
        0.139 if method != "kendall" else 0.093
    )  # 5 % at n = 200
    assert (p < promised).mean() < 0.09
    assert naive.mean() > 0.2
    covered = (found.ci[..., 0] < 0) & (found.ci[..., 1] > 0)
    assert covered[np.triu_indices(series, 1)].mean() > 0.9


def test_looking_at_lags_costs_and_the_price_is_right():
    rng = np.random.default_rng(3)
    pairs = [correlation(rng.standard_normal((2, 100)), max_lag=3).p_value[0, 1] for _ in range(300)]
    share = np.mean(np.array(pairs) < 0.1)
    assert share < 0.1 + 4 * np.sqrt(0.09 / 300)
    assert share > 0.02


@pytest.mark.parametrize("method", METHODS)
def test_surrogates_give_unrelated_series_any_p_value_and_related_ones_the_smallest(method):
    rng = np.random.default_rng(6)
    related = NOISE[:2].copy()[:, :120]
    related[1, 1:] += 3 * related[0, :-1]
    found = correlation(related, method=method, max_lag=1, n_surrogates=19)
    assert found.p_value[0, 1] <= 2 / 20  # a surrogate may turn both alike by chance
    repeats = 40
    p = [
        correlation(rng.standard_normal((2, 40)), method=method, n_surrogates=9, seed=s).p_value[0, 1]
        for s in range(repeats)
    ]
    assert abs(np.mean(p) - 0.55) < 4 * np.sqrt(99 / 12 / 100 / repeats)


def test_surrogate_p_values_are_the_count_of_turned_series_that_reach_the_data():
    x = MIXED[:3, :80]
    found = correlation(x, n_surrogates=9, seed=4)
    strengths = []
    for number in range(9):
        offsets = np.random.default_rng([4, number]).integers(80, size=3)
        turned = np.stack([np.roll(row, -o) for row, o in zip(x, offsets, strict=True)])
        strengths.append(np.abs(np.corrcoef(turned)))
    expected = (1 + sum(s >= np.abs(np.corrcoef(x)) for s in strengths)) / 10
    np.testing.assert_allclose(off_diagonal(found.p_value), off_diagonal(expected))


@pytest.mark.parametrize("method", ["pearson", "transfer_entropy"])
def test_adjusted_p_values_count_each_pair_once(method):
    from scipy.stats import false_discovery_control

    found = correlation(MIXED[:3, :150], method=method, n_surrogates=19)
    above, below = np.triu_indices(3, 1), np.tril_indices(3, -1)
    if method == "pearson":
        np.testing.assert_allclose(found.p_adjusted[above], false_discovery_control(found.p_value[above]))
        np.testing.assert_array_equal(found.p_adjusted, found.p_adjusted.T)
    else:
        tested = np.concatenate([found.p_value[above], found.p_value[below]])
        adjusted = np.concatenate([found.p_adjusted[above], found.p_adjusted[below]])
        np.testing.assert_allclose(adjusted, false_discovery_control(tested))
    assert np.isnan(np.diag(found.p_value)).all()
    assert np.isnan(np.diag(found.p_adjusted)).all()


def test_measures_without_a_theory_say_so_by_none():
    found = correlation(MIXED[:2], method="distance")
    assert (found.p_value, found.p_adjusted, found.ci) == (None, None, None)
    assert (found.n_effective == 300).all()


@settings(max_examples=20)
@given(
    method=st.sampled_from(SIGNED),
    scale=st.floats(1e-3, 1e3),
    shift=st.floats(-100, 100),
    seed=st.integers(0, 99),
    max_lag=st.integers(0, 4),
)
def test_units_do_not_matter_signs_turn_and_bounds_hold(method, scale, shift, seed, max_lag):
    values = np.random.default_rng(seed).standard_normal((3, 40))
    plain = correlation(values, method=method, max_lag=max_lag)
    other = correlation(values * np.array([[scale], [1.0], [-scale]]) + shift, method=method, max_lag=max_lag)
    np.testing.assert_allclose(other.matrix, plain.matrix * [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-9)
    np.testing.assert_array_equal(other.lag, plain.lag)
    np.testing.assert_array_equal(plain.lag, -plain.lag.T)
    assert (np.abs(plain.matrix) <= 1).all()
    pairs = ~np.eye(3, dtype=bool)
    assert (plain.ci[pairs][:, 0] <= plain.matrix[pairs]).all()
    assert (plain.ci[pairs][:, 1] >= plain.matrix[pairs]).all()
    assert (plain.n_effective > 0).all()
    assert (plain.n_effective <= 40).all()


def test_a_series_and_itself_are_certain():
    found = correlation(np.stack([NOISE[0], NOISE[0]]))
    assert found.matrix[0, 1] == pytest.approx(1, abs=1e-12)
    assert found.p_value[0, 1] < 1e-100
    assert found.ci[0, 1].min() > 0.999


def test_series_at_the_ends_of_the_range_of_floats_are_scaled_first():
    wild = MIXED[:2] * np.array([[1e300], [1e-300]])
    for method in ("pearson", "cross", "distance"):
        assert correlation(wild, method=method).matrix[0, 1] == pytest.approx(
            correlation(MIXED[:2], method=method).matrix[0, 1]
        )


@pytest.mark.parametrize("method", METHODS)
def test_answers_live_where_the_data_live(on, method):
    x = MIXED[:3, :60]
    found = correlation(on(x), method=method, max_lag=1, n_surrogates=2)
    fields = [
        f
        for f in (found.matrix, found.lag, found.p_value, found.p_adjusted, found.ci, found.n_effective)
        if f is not None
    ]
    assert len(fields) == (6 if method in SIGNED else 5)
    assert all(on.owns(f) for f in fields)
    here = correlation(x, method=method, max_lag=1, n_surrogates=2)
    moved = found.to_numpy()
    for name in ("matrix", "lag", "p_value"):
        np.testing.assert_allclose(getattr(moved, name), getattr(here, name), atol=1e-12)


def test_names_travel_into_the_frame_and_limits_become_columns():
    frame = correlation(sample("interest_inflation"), max_lag=4, method="cross").to_frame()
    assert frame.iloc[1][["series", "other"]].tolist() == ["inflation", "interest"]
    assert list(frame.columns)[:7] == ["series", "other", "matrix", "lag", "p_value", "p_adjusted", "n_effective"]
    assert list(frame.columns)[7:] == ["lower", "upper"]
    assert len(frame) == 4


def test_equal_values_are_reported_for_measures_of_information():
    found = correlation(sample("interest_inflation"), method="mutual_information")
    assert found.warnings[0].endswith("seeded noise of 1e-10 standard deviations parts them")
    assert correlation(sample("interest_inflation")).warnings == ()


def test_progress_is_reported_and_cancelling_stops():
    heard = []
    ear = Listener(lambda done, total, label: heard.append((done, total, label)))
    with listen(ear):
        correlation(MIXED, max_lag=2, n_surrogates=3)
    assert (3, 3, "lags") in heard
    assert heard[-1] == (3, 3, "surrogates")
    ear.cancel()
    with listen(ear), pytest.raises(Cancelled):
        correlation(MIXED, method="kendall")


def broken(place, value):
    values = MIXED.copy()
    values[place] = value
    return values


CASES = {
    "x has one series; a correlation needs two or more": functools.partial(correlation, MIXED[0]),
    "series 2 of x is constant": functools.partial(correlation, broken(2, 5.0)),
    r"x has 1 missing value \(first: series 1 at index 9\)": functools.partial(correlation, broken((1, 9), np.nan)),
    r"series 1 of x has no values in its first period; cut": functools.partial(correlation, broken((1, 0), np.nan)),
    r"x has 1 infinite value \(first: series 0 at index 3\)": functools.partial(correlation, broken((0, 3), np.inf)),
    "max_lag=298 needs 302 periods or more, and x has 300": functools.partial(correlation, MIXED, max_lag=298),
    "max_lag=0 with k=400 needs 401 periods or more": functools.partial(
        correlation, MIXED, method="mutual_information", k=400
    ),
    "method must be one of .*; did you mean 'spearman'": functools.partial(correlation, MIXED, method="spearmann"),
    "alpha must be a number above 0 and below 1, and 5 was given": functools.partial(correlation, MIXED, alpha=5),
}


@pytest.mark.parametrize("message", CASES)
def test_what_cannot_be_correlated_is_refused(message):
    with pytest.raises(InvalidInput, match=message):
        CASES[message]()
