import itertools
import math

import numpy as np
import pytest
import ruptures
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_kernels import lanes, progress
from prism_kernels.errors import Cancelled, InvalidInput
from prism_kernels.inputs import Series
from prism_kernels.timeseries.changepoints import changepoints

LEVELS = np.random.default_rng(1)


def steps(segments, length, seed=0):
    noise = np.random.default_rng(seed)
    return np.repeat(noise.normal(0, 3, segments), length) + noise.normal(size=segments * length)


def cut(y, *, cost="l2", penalty="bic", n_changepoints=None, min_size=2):
    return changepoints(Series.of(y), cost=cost, penalty=penalty, n_changepoints=n_changepoints, min_size=min_size)


def segment_cost(kind, values, floor=0.0):
    """The definition: squares, or minus twice the log-likelihood at its maximum (Poisson's without Σ log x!)."""
    if kind == "l2":
        return ((values - values.mean()) ** 2).sum()
    if kind == "normal":
        variance = max(values.var(), floor)
        return values.size * math.log(2 * math.pi * variance) + ((values - values.mean()) ** 2).sum() / variance
    rate = values.mean()
    return 2 * (values.sum() - (values.sum() * math.log(rate) if rate > 0 else 0))


def total(kind, y, at, floor=0.0):
    edges = [0, *at, y.size]
    return sum(segment_cost(kind, y[a:b], floor) for a, b in itertools.pairwise(edges))


def every_segmentation(n, min_size):
    for count in range(n // min_size):
        for at in itertools.combinations(range(min_size, n - min_size + 1), count):
            if all(b - a >= min_size for a, b in itertools.pairwise([0, *at, n])):
                yield at


def rounding(y):
    gaps = np.diff(np.unique(y))
    return gaps.min() ** 2 / 12 if gaps.size else 1.0


@pytest.mark.parametrize("min_size", [1, 2, 20])
@pytest.mark.parametrize("penalty", [3.0, 20.0, 200.0])
def test_changes_are_those_of_ruptures(penalty, min_size):
    y = steps(8, 50)
    found = cut(y, penalty=penalty, min_size=min_size)[0]
    kernel = ruptures.KernelCPD("linear", min_size=min_size).fit(y).predict(pen=penalty)
    plain = ruptures.Pelt("l2", jump=1, min_size=min_size).fit(y).predict(penalty)
    assert [*found.at, y.size] == kernel == plain
    assert found.cost == pytest.approx(total("l2", y, found.at), rel=1e-10)
    assert found.penalty == pytest.approx(penalty, rel=1e-12)


@pytest.mark.parametrize("count", [0, 1, 3, 7])
@pytest.mark.parametrize("min_size", [1, 2, 5])
def test_a_given_number_of_changes_costs_what_dynamic_programming_finds(count, min_size):
    y = steps(6, 40, seed=2)
    found = cut(y, n_changepoints=count, min_size=min_size)[0]
    assert len(found.at) == count
    assert math.isnan(found.penalty)
    peer = ruptures.Dynp("l2", jump=1, min_size=min_size).fit(y).predict(count) if count else [y.size]
    assert [*found.at, y.size] == peer
    assert found.cost == pytest.approx(total("l2", y, peer[:-1]), rel=1e-10)


@settings(max_examples=25)
@given(
    kind=st.sampled_from(["l2", "normal", "poisson"]),
    y=st.lists(st.integers(0, 20), min_size=6, max_size=12),
    penalty=st.floats(0.1, 50),
    min_size=st.integers(2, 3),
)
def test_no_other_segmentation_is_cheaper(kind, y, penalty, min_size):
    y = np.array(y, dtype=float)
    floor = rounding(y)
    best = min(total(kind, y, at, floor) + penalty * len(at) for at in every_segmentation(y.size, min_size))
    found = cut(y, cost=kind, penalty=penalty, min_size=min_size)[0]
    assert found.cost + penalty * len(found.at) == pytest.approx(best, rel=1e-9, abs=1e-7)
    assert found.cost == pytest.approx(total(kind, y, found.at, floor), rel=1e-9, abs=1e-7)
    count = 1
    fewest = min(total(kind, y, at, floor) for at in every_segmentation(y.size, min_size) if len(at) == count)
    assert cut(y, cost=kind, n_changepoints=count, min_size=min_size)[0].cost == pytest.approx(
        fewest, rel=1e-9, abs=1e-7
    )


@pytest.mark.parametrize(("seed", "min_size"), [(9, 5), (42, 12), (59, 20)])
def test_a_long_least_size_is_still_exact_where_pruning_at_once_is_not(seed, min_size):
    y = 0.3 * np.random.default_rng(seed).normal(size=300).cumsum() + np.random.default_rng(seed + 99).normal(size=300)
    found = cut(y, penalty=0.5, min_size=min_size)[0]
    counts = range(max(0, len(found.at) - 4), min(len(found.at) + 5, y.size // min_size))
    exact = min(cut(y, n_changepoints=k, min_size=min_size)[0].cost + 0.5 * k for k in counts)
    assert found.cost + 0.5 * len(found.at) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "y", "at"),
    [
        ("normal", np.r_[LEVELS.normal(0, 1, 200), LEVELS.normal(0, 5, 200)], 200),
        ("poisson", np.r_[LEVELS.poisson(2, 200), LEVELS.poisson(6, 200)], 200),
        ("l2", np.r_[LEVELS.normal(0, 1, 200), LEVELS.normal(2, 1, 200)], 200),
    ],
)
def test_bic_finds_the_one_change_there_is(kind, y, at):
    found = cut(y, cost=kind, min_size=5)[0]
    assert len(found.at) == 1
    assert abs(found.at[0] - at) <= 5


def test_bic_finds_no_change_in_noise():
    noise = np.random.default_rng(5).normal(size=(60, 200))
    changed = [bool(c.at) for c in cut(noise)]
    assert np.mean(changed) <= 0.15  # each of some 200 places may win by chance; BIC's error shrinks with n, slowly


def test_the_bic_penalty_is_two_variances_times_log_n():
    y = np.random.default_rng(0).normal(10, 3, 400)
    sigma = np.median(np.abs(np.diff(y))) / (0.6744897501960817 * math.sqrt(2))
    assert cut(y)[0].penalty == pytest.approx(2 * sigma**2 * math.log(400), rel=1e-9)
    assert cut(y, cost="normal")[0].penalty == pytest.approx(3 * math.log(400), rel=1e-12)
    assert cut(np.round(y + 20), cost="poisson")[0].penalty == pytest.approx(2 * math.log(400), rel=1e-12)


@pytest.mark.parametrize("kind", ["l2", "normal", "poisson"])
def test_a_constant_series_does_not_change(kind):
    assert cut(np.full(50, 7.0), cost=kind)[0].at == ()


def test_changes_do_not_depend_on_unit_or_offset():
    y = steps(8, 50, seed=4)
    for kind in ("l2", "normal"):
        at = cut(y, cost=kind)[0].at
        assert cut(1e9 + 1e-3 * y, cost=kind)[0].at == at
        assert cut(1e200 * y, cost=kind)[0].at == at


@pytest.mark.parametrize("kind", ["l2", "normal"])
def test_a_series_in_a_ragged_batch_is_cut_as_if_alone(kind):
    parts = [steps(4, 30, seed=k)[: 120 - 20 * k] for k in range(3)]
    batch = cut(parts, cost=kind)
    for part, together in zip(parts, batch, strict=True):
        alone = cut(part, cost=kind)[0]
        shift = 120 - part.size
        assert tuple(t - shift for t in together.at) == alone.at
        assert together.cost == pytest.approx(alone.cost, rel=1e-12)


@pytest.mark.parametrize("given", [{"penalty": 20.0}, {"n_changepoints": 5}])
def test_any_number_of_threads_gives_the_same_bits(given):
    y = np.stack([steps(5, 30, seed=k) for k in range(9)])
    token = lanes.thread_limit.set(1)
    try:
        one = cut(y, **given)
    finally:
        lanes.thread_limit.reset(token)
    assert str(one) == str(cut(y, **given))


def test_a_cancelled_search_stops():
    ear = progress.Listener()
    ear.cancel()
    with progress.listen(ear), pytest.raises(Cancelled):
        cut(np.random.default_rng(0).normal(size=4000), n_changepoints=30)


@pytest.mark.parametrize(
    ("y", "given", "message"),
    [
        (
            np.arange(3.0),
            {},
            "2 segments of min_size 2 need 4 values or more, and y has 3; use a smaller min_size or a longer series",
        ),
        (
            np.arange(9.0),
            {"n_changepoints": 4},
            "5 segments of min_size 2 need 10 values or more, and y has 9; use fewer n_changepoints, a smaller",
        ),
        (np.arange(9.0), {"cost": "normal", "min_size": 1}, "cost 'normal' needs two values for a variance"),
        (np.array([1, 2, -3, 4.0]), {"cost": "poisson"}, "needs counts .* and y has -3 at index 2; use cost='l2'"),
        (np.array([1, 2.5, 3, 4.0]), {"cost": "poisson"}, "y has 2.5 at index 1"),
    ],
)
def test_what_cannot_be_cut_is_refused(y, given, message):
    with pytest.raises(InvalidInput, match=message):
        cut(y, **given)
