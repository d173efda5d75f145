import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prism_kernels.timeseries.matrix_profile import discords, exclusion_of, matrix_profile, needed_length

WALK = np.random.default_rng(0).normal(size=400).cumsum()


def brute_force(y, window):
    """Distances of all pairs by the definition, those within the exclusion zone left out."""
    cuts = np.lib.stride_tricks.sliding_window_view(y, window)
    sd = cuts.std(axis=1)
    constant = np.ptp(cuts, axis=1) == 0
    shapes = (cuts - cuts.mean(axis=1, keepdims=True)) / np.where(constant, 1, sd)[:, None]
    shapes[constant] = 0
    distance = np.sqrt(((shapes[:, None, :] - shapes[None, :, :]) ** 2).sum(axis=2))
    apart = np.abs(np.subtract.outer(np.arange(len(cuts)), np.arange(len(cuts))))
    return np.where(apart <= math.ceil(window / 4), np.inf, distance)


@pytest.mark.parametrize("window", [3, 8, 30])
def test_the_profile_is_that_of_all_pairs(window):
    profile, match = matrix_profile(WALK, window)
    distance = brute_force(WALK, window)
    np.testing.assert_allclose(profile, distance.min(axis=1), atol=1e-8)
    np.testing.assert_array_equal(match, distance.argmin(axis=1))


def test_constant_stretches_are_near_each_other_and_root_window_from_the_rest():
    y = WALK[:120].copy()
    y[20:40] = 3.0
    y[70:90] = -8.0
    profile, match = matrix_profile(y, 10)
    distance = brute_force(y, 10)
    np.testing.assert_allclose(profile, distance.min(axis=1), atol=1e-8)
    assert (profile[20:31] == 0).all()
    only = y.copy()
    only[70:90] = WALK[70:90]
    alone = matrix_profile(np.r_[WALK[:40], np.full(10, 2.0), WALK[40:80]], 10)[0]
    assert alone[40] == pytest.approx(math.sqrt(10))
    assert 20 <= match[75] <= 30


def test_repeats_are_found_at_distance_zero_whatever_their_size():
    y = WALK.copy()
    y[300:340] = 2.5 * y[50:90] + 7
    profile, match = matrix_profile(y, 40)
    assert profile[300] < 1e-12
    assert match[300] == 50
    assert match[50] == 300


def test_blocks_do_not_change_the_answer(monkeypatch):
    from prism_kernels.timeseries import matrix_profile as module

    whole = matrix_profile(WALK, 20)
    monkeypatch.setattr(module, "_BLOCK", 1)
    pieces = matrix_profile(WALK, 20)
    np.testing.assert_allclose(pieces[0], whole[0], rtol=1e-12)
    np.testing.assert_array_equal(pieces[1], whole[1])


def test_the_profile_stays_in_the_callers_library_and_place(on):
    profile, match = matrix_profile(on(WALK), 20)
    assert on.owns(profile)
    assert on.owns(match)
    from prism_kernels.arrays import to_numpy

    np.testing.assert_allclose(to_numpy(profile), matrix_profile(WALK, 20)[0], atol=1e-10)


@given(
    arrays(float, 60, elements=st.integers(-5, 5).map(float)),
    st.floats(0.01, 100),
    st.floats(-1e3, 1e3),
    st.integers(3, 12),
)
def test_shape_alone_counts(y, scale, shift, window):
    here = matrix_profile(y, window)[0]
    there = matrix_profile(scale * y + shift, window)[0]
    np.testing.assert_allclose(there, here, atol=1e-6)
    assert (here <= 2 * math.sqrt(window) + 1e-9).all()


def test_the_shortest_series_gives_every_window_a_match():
    for window in (3, 4, 9, 20):
        assert exclusion_of(window) == math.ceil(window / 4)
        assert np.isfinite(matrix_profile(WALK[: needed_length(window)], window)[0]).all()


def test_discords_are_the_farthest_windows_that_do_not_overlap():
    profile = np.array([1.0, 5.0, 6.0, 5.5, 1.0, 1.0, 7.0, 3.0, 1.0, 4.0])
    assert discords(profile, 3, above=2.0, most=None) == (6, 2, 9)
    assert discords(profile, 3, above=2.0, most=2) == (6, 2)
    assert discords(profile, 3, above=7.0, most=None) == ()
