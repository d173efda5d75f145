"""Neighbour searches: both give the integers of brute force, ties and all."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prism_kernels.information.neighbours import Brute, Tree, search_for

sys.path.insert(0, str(Path(__file__).parent))

import oracles

RNG = np.random.default_rng(7)
POINTS = {
    "integers": lambda d: RNG.integers(0, 6, size=(240, d)).astype(float),
    "tenths": lambda d: RNG.integers(-9, 9, size=(240, d)) / 10,  # differences of tenths round differently from sums
    "normal": lambda d: RNG.standard_normal((240, d)),
    "far_from_zero": lambda d: 1e8 + np.round(RNG.standard_normal((240, d)), 6),
    "one_value": lambda d: np.zeros((240, d)),
}


@pytest.mark.parametrize("kind", POINTS)
@pytest.mark.parametrize("coordinates", [1, 2, 3, 5])
@pytest.mark.parametrize("theiler", [0, 3])
def test_tree_and_brute_force_agree_to_the_last_neighbour(kind, coordinates, theiler):
    points = POINTS[kind](coordinates)
    radius = oracles.kth_distance(points, 4, theiler)
    counts = oracles.count(points, radius, theiler)
    for search in (Tree(), Brute(np.zeros(1))):
        np.testing.assert_array_equal(search.distances(points, 4, theiler), radius)
        np.testing.assert_array_equal(search.counts(points, radius, theiler), counts)


@pytest.mark.parametrize("theiler", [0, 2])
def test_brute_force_gives_the_same_integers_in_every_array_library(on, theiler):
    points = POINTS["tenths"](2)
    search = Brute(on(np.zeros(1)))
    radius = oracles.kth_distance(points, 3, theiler)
    np.testing.assert_array_equal(search.distances(points, 3, theiler), radius)
    np.testing.assert_array_equal(search.counts(points, radius, theiler), oracles.count(points, radius, theiler))


def test_blocks_of_rows_leave_no_seam(monkeypatch):
    monkeypatch.setattr("prism_kernels.information.neighbours._PLACES", 240 * 7)
    points = POINTS["tenths"](2)
    radius = oracles.kth_distance(points, 3, 2)
    for search in (Tree(), Brute(np.zeros(1))):
        np.testing.assert_array_equal(search.distances(points, 3, 2), radius)
        np.testing.assert_array_equal(search.counts(points, radius, 2), oracles.count(points, radius, 2))


@given(
    values=arrays(float, st.integers(2, 40), elements=st.floats(-1e3, 1e3).map(lambda v: round(v, 1))),
    reach=st.floats(0, 100).map(lambda v: round(v, 1)),
)
def test_a_count_on_a_line_is_exact_for_any_radius(values, reach):
    points, radius = values[:, None], np.full(len(values), reach)
    np.testing.assert_array_equal(Tree().counts(points, radius, 0), oracles.count(points, radius))


@given(
    values=arrays(float, (25, 1), elements=st.floats(allow_nan=False, min_value=-1e300, max_value=1e300)),
    reach=arrays(float, 25, elements=st.floats(0, 1e300)),
)
def test_a_count_on_a_line_is_exact_for_any_floats(values, reach):
    np.testing.assert_array_equal(Tree().counts(values, reach, 0), oracles.count(values, reach))


def test_arrays_on_a_cpu_are_searched_by_tree_and_others_where_they_are(on):
    found = search_for(on(np.zeros(1)))
    assert isinstance(found, Tree) == (on.name in ("numpy", "torch"))
