"""Surrogates keep what they promise, and p-values and their adjustment are those of the books."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels.information import benjamini_hochberg
from prism_kernels.information.surrogates import orders, p_value


@given(size=st.integers(2, 200), kind=st.sampled_from(["circular", "permute", "block"]), seed=st.integers(0, 99))
def test_every_order_holds_each_sample_once(size, kind, seed):
    for order in orders(size, 3, kind, (seed,)):
        np.testing.assert_array_equal(np.sort(order), np.arange(size))


@given(size=st.integers(20, 300), nearest=st.integers(1, 9), seed=st.integers(0, 99))
def test_a_circular_shift_is_one_turn_no_nearer_than_asked(size, nearest, seed):
    for order in orders(size, 5, "circular", (seed,), nearest=nearest):
        np.testing.assert_array_equal((order - order[0]) % size, np.arange(size))
        assert nearest <= order[0] <= size - nearest


def test_shuffled_blocks_keep_neighbours_together_inside_them():
    order = next(orders(400, 1, "block", (0,)))
    together = ((order[1:] - order[:-1]) % 400 == 1).sum()
    assert together >= 400 - 20  # 20 blocks of 20 have 19 seams
    assert together < 399


def test_the_p_value_counts_the_data_among_its_surrogates():
    assert p_value(3.0, np.array([1.0, 2.0, 3.0, 4.0])) == 3 / 5
    assert p_value(9.0, np.array([1.0, 2.0, 3.0, 4.0])) == 1 / 5


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_adjustment_is_that_of_statsmodels(p_values):
    from statsmodels.stats.multitest import fdrcorrection

    np.testing.assert_allclose(benjamini_hochberg(np.array(p_values)), fdrcorrection(p_values)[1], atol=1e-15)


def test_what_is_no_test_is_not_counted_and_the_shape_stays():
    adjusted = benjamini_hochberg(np.array([[np.nan, 0.01], [0.04, np.nan]]))
    np.testing.assert_allclose(adjusted, [[np.nan, 0.02], [0.04, np.nan]])


def test_no_tests_are_no_error():
    assert np.isnan(benjamini_hochberg(np.array([np.nan]))).all()


@pytest.mark.parametrize("kind", ["circular", "permute", "block"])
def test_an_order_depends_on_its_own_number_alone(kind):
    few, many = list(orders(50, 2, kind, (4, 2))), list(orders(50, 6, kind, (4, 2)))
    for one, other in zip(few, many, strict=False):
        np.testing.assert_array_equal(one, other)
    assert any((a != b).any() for a, b in zip(many, orders(50, 6, kind, (4, 3)), strict=True))
