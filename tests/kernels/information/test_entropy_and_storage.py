"""Entropy and active information storage: values of peers, closed forms and brute force."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_kernels import InvalidInput, sample
from prism_kernels.information import active_information_storage, entropy, mutual_information

sys.path.insert(0, str(Path(__file__).parent))

import oracles

RNG = np.random.default_rng(5)
THREE = RNG.standard_normal((3, 500))


@pytest.mark.parametrize("coordinates", [1, 3])
def test_entropy_is_that_of_npeet_plus(coordinates):
    import npeet_plus

    values = oracles.standardised(THREE[:coordinates])
    scale = np.log(THREE[:coordinates].std(axis=1)).sum()
    peer = npeet_plus.entropy(values, k=4, base=np.e) + scale
    assert float(entropy(THREE[:coordinates]).value) == pytest.approx(peer, abs=1e-4)


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng: rng.standard_normal((1, 2000)), 0.5 * np.log(2 * np.pi * np.e)),
        (lambda rng: rng.uniform(0, 5, (1, 2000)), np.log(5)),
        (lambda rng: rng.exponential(2, (1, 2000)), 1 + np.log(2)),
        (lambda rng: rng.standard_normal((2, 2000)), np.log(2 * np.pi * np.e)),
    ],
)
def test_entropy_is_that_of_the_closed_form(draw, truth):
    values = np.array([float(entropy(draw(np.random.default_rng(s))).value) for s in range(15)])
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert abs(values.mean() - truth) < 4 * error + 0.01  # the boundary of the uniform leaves a bias of order k/N


@settings(max_examples=15)
@given(factor=st.floats(1e-8, 1e8), seed=st.integers(0, 99))
def test_a_change_of_unit_adds_its_logarithm(factor, seed):
    x = np.random.default_rng(seed).standard_normal(80)
    assert float(entropy(factor * x).value) == pytest.approx(float(entropy(x).value) + np.log(factor), abs=1e-9)


def test_local_entropies_are_those_of_brute_force_with_a_theiler_window():
    from scipy.special import digamma

    x = THREE[:2, :200]
    points = oracles.standardised(x)
    candidates = oracles.outside(200, 4).sum(axis=1) + 1
    radius = oracles.kth_distance(points, 3, 4)
    expected = digamma(candidates) - digamma(3) + 2 * np.log(2 * radius) + np.log(x.std(axis=1)).sum()
    found = entropy(x, k=3, theiler=4, local=True)
    np.testing.assert_allclose(found.local, expected, atol=1e-12)
    assert float(found.value) == pytest.approx(expected.mean())
    assert (found.n, found.k, found.ties, found.jitter) == (200, 3, 0.0, 0.0)
    assert found.p_value is None
    assert found.surrogates is None


def test_storage_is_the_information_between_past_and_present():
    values = oracles.autoregression(RNG, 400, 0.7, 2)
    found = active_information_storage(values, history=2, k=3, local=True)
    for row in range(2):
        points = oracles.standardised(values[row])
        past = np.hstack([points[1:-1], points[:-2]])
        expected = oracles.mutual(past, points[2:], 3)
        np.testing.assert_allclose(found.local[row], expected, atol=1e-12)
        assert found.value[row] == pytest.approx(expected.mean())
    assert (found.n, found.k, found.ties, found.jitter) == (398, 3, 0.0, 0.0)
    np.testing.assert_array_equal(found.axes["time"], np.arange(2, 400))
    assert set(found.to_frame().columns) >= {"series", "time", "local", "value"}


def test_a_gaussian_autoregression_stores_minus_half_log_of_one_minus_its_square():
    values = oracles.autoregression(np.random.default_rng(4), 1500, 0.8, 15)[:, 200:]
    found = active_information_storage(values).value
    assert abs(found.mean() - -0.5 * np.log(1 - 0.8**2)) < 4 * found.std(ddof=1) / np.sqrt(15)


def test_noise_stores_nothing_and_a_cycle_stores_much():
    noise = active_information_storage(THREE, n_surrogates=19)
    assert np.abs(noise.value).max() < 0.06
    assert (noise.p_value > 0.05).all()
    assert noise.surrogates.shape == (3, 19)
    expected = (1 + (noise.surrogates >= noise.value[:, None]).sum(axis=1)) / 20
    np.testing.assert_array_equal(noise.p_value, expected)
    sunspots = active_information_storage(sample("sunspots"), history=2, n_surrogates=19)
    assert sunspots.p_value.tolist() == [1 / 20]
    assert list(sunspots.axes["series"]) == ["sunactivity"]


def test_a_series_in_a_batch_is_the_series_alone():
    together, alone = active_information_storage(THREE), active_information_storage(THREE[:1])
    assert together.value[0] == alone.value[0]


def test_answers_live_where_the_data_live(on):
    x = on(THREE[:2, :80])
    one, stored = entropy(x, local=True), active_information_storage(x, n_surrogates=2, local=True)
    for array in (one.value, one.local, stored.value, stored.p_value, stored.local, stored.surrogates):
        assert on.owns(array)


def test_the_chain_rule_holds_in_the_mean():
    # I(x; y) = H(x) + H(y) - H(x, y); each estimate has its own bias, of a few hundredths at n = 500.
    x, y = THREE[0], THREE[0] + THREE[1]
    parts = float(entropy(x).value) + float(entropy(y).value) - float(entropy(np.stack([x, y])).value)
    assert parts == pytest.approx(float(mutual_information(x, y).value), abs=0.1)


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (lambda: entropy([1.0, 2.0, 4.0]), "k=4 needs 5 periods or more, and x has 3"),
        (lambda: entropy(np.stack([THREE[0], np.ones(500)])), "series 1 of x is constant"),
        (lambda: active_information_storage([1.0, 2.0, 4.0, 7.0], history=2, k=2), "k=2 after a history of 2 needs 5"),
        (lambda: active_information_storage(THREE, history=0), "history must be a whole number at least 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(measure, message):
    with pytest.raises(InvalidInput, match=message):
        measure()


def test_equal_values_of_one_series_leave_the_others_as_they_are():
    rng = np.random.default_rng(8)
    y = np.stack([rng.standard_normal(60), np.round(rng.standard_normal(60))])
    together = active_information_storage(y)
    assert together.value[0] == active_information_storage(y[:1]).value[0]
    assert active_information_storage(y[::-1]).value[0] == active_information_storage(y[1:]).value[0]
