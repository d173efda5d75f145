"""Mutual information, given a third variable or not: values of peers, of closed forms and of brute force."""

import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_kernels import Cancelled, InvalidInput, Listener, MixedArrays, Series, sample
from prism_kernels.information import conditional_mutual_information, mutual_information
from prism_kernels.progress import listen

sys.path.insert(0, str(Path(__file__).parent))

import oracles

RNG = np.random.default_rng(3)
X = RNG.standard_normal(800)
Y = 0.6 * X + 0.8 * RNG.standard_normal(800)
Z = 0.5 * X - 0.3 * Y + RNG.standard_normal(800)
XS, YS, ZS = (oracles.standardised(v) for v in (X, Y, Z))


@pytest.mark.parametrize("k", [1, 4, 9])
def test_mutual_information_is_that_of_scikit_learn(k):
    from sklearn.feature_selection import mutual_info_regression

    peer = mutual_info_regression(X[:, None], Y, discrete_features=False, n_neighbors=k)[0]
    assert float(mutual_information(X, Y, k=k).value) == pytest.approx(peer, abs=1e-4)


def test_mutual_information_is_that_of_npeet_plus_in_several_coordinates():
    import npeet_plus

    both = np.hstack([YS, ZS])
    peer = npeet_plus.mi(XS, both, k=4, base=np.e)
    assert float(mutual_information(X, np.stack([Y, Z]), k=4).value) == pytest.approx(peer, abs=1e-4)


def test_conditional_information_is_that_of_npeet_plus():
    import npeet_plus

    peer = npeet_plus.mi(XS, YS, ZS, k=4, base=np.e)
    assert float(conditional_mutual_information(X, Y, Z, k=4).value) == pytest.approx(peer, abs=1e-4)


@pytest.mark.parametrize("theiler", [0, 5])
def test_local_values_are_those_of_brute_force_and_their_mean_is_the_value(theiler):
    found = mutual_information(X, Y, k=3, theiler=theiler, local=True)
    np.testing.assert_allclose(found.local, oracles.mutual(XS, YS, 3, theiler), atol=1e-12)
    assert float(found.value) == pytest.approx(found.local.mean(), abs=1e-15)
    found = conditional_mutual_information(X, Y, Z, k=3, theiler=theiler, local=True)
    np.testing.assert_allclose(found.local, oracles.conditional(XS, YS, ZS, 3, theiler), atol=1e-12)
    assert float(found.value) == pytest.approx(found.local.mean(), abs=1e-15)


def repeated(measure, draw, repeats=20):
    values = np.array([float(measure(*draw(np.random.default_rng(seed))).value) for seed in range(repeats)])
    return values.mean(), values.std(ddof=1) / np.sqrt(repeats)


def test_gaussian_pairs_have_minus_half_log_of_one_minus_r_squared():
    def draw(rng):
        x, noise = rng.standard_normal((2, 1000))
        return x, 0.9 * x + np.sqrt(0.19) * noise

    mean, error = repeated(mutual_information, draw)
    assert abs(mean - -0.5 * np.log(1 - 0.9**2)) < 4 * error


def test_gaussian_information_given_a_third_follows_the_partial_correlation():
    def draw(rng):
        x, noise, z = rng.standard_normal((3, 1000))
        return x + z, 0.5 * x + noise + z, z  # given z: correlation of x and 0.5 x + noise, r² = 0.25 / 1.25 = 0.2

    mean, error = repeated(conditional_mutual_information, draw)
    assert abs(mean - -0.5 * np.log(1 - 0.2)) < 4 * error + 0.01  # bias of order 1/√N remains given a variable


@settings(max_examples=15)
@given(
    scale=st.floats(1e-6, 1e6),
    shift=st.floats(-10, 10),
    flip=st.booleans(),
    k=st.integers(1, 8),
    seed=st.integers(0, 99),
)
def test_units_signs_and_the_order_of_the_arguments_do_not_matter(scale, shift, flip, k, seed):
    x, y = np.random.default_rng(seed).standard_normal((2, 60))
    plain = float(mutual_information(x, y, k=k).value)
    other = float(mutual_information(y, (scale * x + shift * scale) * (-1 if flip else 1), k=k).value)
    assert other == pytest.approx(plain, abs=1e-6)


def test_values_at_the_ends_of_the_range_of_floats_are_scaled_first():
    assert float(mutual_information(X * 1e300, Y * 1e-300).value) == pytest.approx(
        float(mutual_information(X, Y).value)
    )


def test_coordinates_of_one_variable_may_come_in_any_order():
    one = mutual_information(np.stack([X, Z]), Y).value
    assert float(mutual_information(np.stack([Z, X]), Y).value) == float(one)


def test_n_k_and_the_places_in_time_are_recorded():
    found = mutual_information(sample("us_inflation"), sample("us_unemployment"), local=True)
    assert (found.n, found.k) == (203, 4)
    frame = found.to_frame()
    assert str(frame["time"].iloc[0])[:10] == "1959-01-01"
    np.testing.assert_array_equal(frame["local"], found.local)
    assert list(mutual_information(X, Y).to_frame()) == ["value", "n", "k", "ties", "jitter"]


def test_values_that_occur_twice_are_counted_parted_and_reported():
    x = np.array([1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 7.0, 7.0])  # five of ten occur more than once
    y = np.arange(10.0)
    found = mutual_information(x, y, k=2, seed=5)
    assert found.ties == pytest.approx(0.5)
    assert found.jitter == 1e-10
    assert found.warnings[0].startswith("50.0% of the values of x occur more than once")
    assert float(found.value) == float(mutual_information(x, y, k=2, seed=5).value)
    clean = mutual_information(X, Y)
    assert (clean.ties, clean.jitter, clean.warnings) == (0.0, 0.0, ())


def test_surrogates_lose_the_dependence_and_the_p_value_counts_those_that_reach_it():
    found = mutual_information(X, Y, n_surrogates=39)
    assert found.surrogates.shape == (39,)
    assert abs(found.surrogates.mean()) < 0.02
    assert float(found.p_value) == 1 / 40
    weak = mutual_information(X, RNG.standard_normal(800), n_surrogates=39)
    assert float(weak.p_value) == (1 + (weak.surrogates >= weak.value).sum()) / 40
    assert mutual_information(X, Y).p_value is None


def test_surrogates_depend_on_the_seed_and_on_nothing_else():
    first = mutual_information(X, Y, n_surrogates=5, surrogate="permute", seed=1).surrogates
    np.testing.assert_array_equal(
        mutual_information(X, Y, n_surrogates=9, surrogate="permute", seed=1).surrogates[:5], first
    )
    assert (mutual_information(X, Y, n_surrogates=5, surrogate="permute", seed=2).surrogates != first).all()


def test_the_answer_lives_where_the_data_live(on):
    x, y, z = (on(v[:120]) for v in (X, Y, Z))
    found = mutual_information(x, y, n_surrogates=3, local=True)
    given = conditional_mutual_information(x, y, z)
    for array in (found.value, found.p_value, found.surrogates, found.local, given.value):
        assert on.owns(array)
    assert float(found.value) == pytest.approx(
        oracles.mutual(*(oracles.standardised(v[:120]) for v in (X, Y)), 4).mean()
    )


def test_single_precision_comes_back_in_single_precision():
    assert mutual_information(X.astype(np.float32), Y.astype(np.float32)).value.dtype == np.float32


def test_progress_counts_surrogates_and_cancelling_stops_them():
    heard = []
    ear = Listener(lambda done, total, label: heard.append((done, total, label)))

    def stop_at_three(done, total, label):
        heard.append((done, total, label))
        if label == "surrogates" and done == 3:
            ear.cancel()

    ear.reporter = stop_at_three
    with listen(ear), pytest.raises(Cancelled):
        mutual_information(X, Y, n_surrogates=1000)
    assert heard[-1] == (3, 1000, "surrogates")


def test_cancelling_ends_a_long_estimate_long_before_its_end():
    x, y = RNG.standard_normal((2, 60_000))
    ear, pressed = Listener(), []

    def press():
        pressed.append(time.process_time())
        ear.cancel()

    mutual_information(X, Y)  # compiled before it is cancelled
    timer = threading.Timer(0.3, press)
    timer.start()
    with listen(ear), pytest.raises(Cancelled):
        mutual_information(x, y, n_surrogates=1000)
    spent = time.process_time() - pressed[0]
    assert spent < 0.2  # seconds of work of all threads, which a busy machine does not add to


@pytest.mark.parametrize(
    ("x", "y", "settings", "message"),
    [
        (X, Y[1:], {}, "x has 800 periods and y has 799; cut both to the periods they share"),
        (X[:5], Y[:5], {"k": 5}, "k=5 needs 6 periods or more, and x has 5; lower k or bring more data"),
        (X[:9], Y[:9], {"k": 4, "theiler": 3}, "k=4 and theiler=3 needs 11 periods or more, and x has 9"),
        (np.ones(50), Y[:50], {}, "x is constant, so it carries no information"),
        (np.where(np.arange(800) == 7, np.nan, X), Y, {}, r"x has 1 missing value \(first: index 7\); fill them"),
        (np.where(np.arange(800) < 3, np.nan, X), Y, {}, "x has no values in its first 3 periods; cut all series"),
        (np.where(np.arange(800) == 7, np.inf, X), Y, {}, r"x has 1 infinite value \(first: index 7\)"),
        (X, Y, {"k": 0}, "k must be a whole number at least 1, and 0 was given"),
        (X, Y, {"surrogate": "shuffle"}, "surrogate must be one of 'circular', 'permute', 'block'"),
    ],
)
def test_what_cannot_be_measured_is_refused(x, y, settings, message):
    with pytest.raises(InvalidInput, match=message):
        mutual_information(x, y, **settings)


def test_dates_that_differ_are_refused_with_the_first_place():
    y = Series.of(sample("us_unemployment"))
    shifted = sample("us_inflation")
    shifted.index = shifted.index.shift(1)
    with pytest.raises(InvalidInput, match=r"period 1 is 1959-01-01 in x and 1959-04-01 in y; align their dates"):
        mutual_information(y, shifted)


def test_arrays_of_two_libraries_are_not_mixed():
    import torch

    with pytest.raises(MixedArrays, match="x is an array of numpy and y one of torch"):
        mutual_information(X, torch.as_tensor(Y.copy()))
