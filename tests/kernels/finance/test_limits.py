"""Limits as a polytope: what they allow, and the arithmetic of what contradicts what."""

import numpy as np
import pytest

from prism_kernels import InvalidInput
from prism_kernels.finance import linear_program
from prism_kernels.finance.limits import conflict, polytope_of, with_row
from prism_kernels.finance.settings import GroupBounds, Groups

NAMES = tuple("abcdefgh")


def test_bounds_groups_and_budget_become_rows_and_ends():
    groups = (Groups("left", ("a", "b")), Groups("alone", ("c",)))
    bounds = (GroupBounds("left", 0.1, 0.5), GroupBounds("alone", 0.05, 0.2))
    made = polytope_of(NAMES, weight_bounds=(0.0, 0.4), groups=groups, group_bounds=bounds, budget=0.9)
    np.testing.assert_array_equal(made.rows, [np.ones(8), [1, 1, 0, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(made.least, [0.9, 0.1])
    np.testing.assert_array_equal(made.most, [0.9, 0.5])
    np.testing.assert_array_equal(made.lower, [0, 0, 0.05, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(made.upper, [0.4, 0.4, 0.2, 0.4, 0.4, 0.4, 0.4, 0.4])
    assert made.names == ("budget", "group left")
    assert conflict(made) is None


def test_a_budget_of_none_leaves_the_sum_free():
    made = polytope_of(NAMES, budget=None)
    assert made.rows.shape == (0, 8)
    assert made.names == ()


REFUSED = [
    (
        {"weight_bounds": (0.0, 0.1)},
        "weight_bounds cannot reach the budget: 8 assets × max 0.1 = 0.80 < budget 1; raise the largest weight to "
        "0.125 or more, or lower the budget",
    ),
    (
        {"weight_bounds": (0.2, 0.4)},
        "weight_bounds exceed the budget: 8 assets × min 0.2 = 1.60 > budget 1; lower the least weight to "
        "0.125 or less, or raise the budget",
    ),
    ({"weight_bounds": (0.5, 0.4)}, "weight_bounds are (0.5, 0.4), the least above the largest; swap them"),
    (
        {"groups": [Groups("x", ("a", "z"))]},
        "groups: 'x' names 'z', which is not among the assets; known are 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'",
    ),
    ({"groups": [Groups("x", ())]}, "groups: 'x' names no asset; list its assets, or leave it out"),
    (
        {"groups": [Groups("x", ("a",)), Groups("x", ("b",))]},
        "groups has 'x' twice; list all its assets in one row",
    ),
    (
        {"group_bounds": [GroupBounds("x")]},
        "group_bounds speaks of 'x', which is not in groups; name its assets in groups",
    ),
    (
        {"groups": [Groups("tech", ("a", "b"))], "group_bounds": [GroupBounds("tec")]},
        "group_bounds speaks of 'tec', which is not in groups; did you mean 'tech'?",
    ),
    (
        {"groups": [Groups("x", ("a", "b"))], "group_bounds": [GroupBounds("x", 0.6, 0.5)]},
        "group_bounds: 'x' has at least 0.6 above at most 0.5; swap them",
    ),
    (
        {"weight_bounds": (0, 0.2), "groups": [Groups("x", ("a", "b"))], "group_bounds": [GroupBounds("x", 0.6, 0.8)]},
        "group_bounds: 'x' holds 2 assets × max 0.2 = 0.40 < its least 0.6; loosen one of them",
    ),
    (
        {"weight_bounds": (0.1, 0.2), "groups": [Groups("x", ("a", "b"))], "group_bounds": [GroupBounds("x", 0, 0.1)]},
        "group_bounds: 'x' holds 2 assets × min 0.1 = 0.20 > its most 0.1; loosen one of them",
    ),
    (
        {"weight_bounds": (0, 0.4), "groups": [Groups("x", ("a",))], "group_bounds": [GroupBounds("x", 0.5, 0.6)]},
        "group_bounds: 'x' wants a from 0.5 to 0.6, and weight_bounds are (0, 0.4); loosen one of them",
    ),
    (
        {
            "groups": [Groups("x", ("a", "b")), Groups("y", tuple("cdef"))],
            "group_bounds": [GroupBounds("x", 0, 0.3), GroupBounds("y", 0, 0.2)],
            "weight_bounds": (0.0, 0.2),
        },
        "group_bounds at most: x 0.3 + y 0.2 + 2 other assets 0.4 = 0.9 < budget 1; loosen a group",
    ),
    (
        {
            "groups": [Groups("x", ("a", "b")), Groups("y", tuple("cdef"))],
            "group_bounds": [GroupBounds("x", 0.7, 1), GroupBounds("y", 0.5, 1)],
        },
        "group_bounds at least: x 0.7 + y 0.5 + 2 other assets 0 = 1.2 > budget 1; loosen a group",
    ),
]


@pytest.mark.parametrize(("given", "sentence"), REFUSED)
def test_limits_that_contradict_are_refused_with_the_arithmetic(given, sentence):
    with pytest.raises(InvalidInput) as refused:
        polytope_of(NAMES, **given)
    assert str(refused.value) == sentence
    assert refused.value.field in ("weight_bounds", "groups", "group_bounds")


def test_a_conflict_names_only_the_rows_that_make_it():
    made = with_row(polytope_of(NAMES), np.arange(8.0), least=5, name="first")
    made = with_row(made, np.arange(8.0), most=4, name="second")
    made = with_row(made, np.ones(8), most=3, name="third")
    assert set(conflict(made)) == {"first", "second"}


def test_the_interval_of_a_linear_function_is_its_least_and_largest_value():
    made = polytope_of(NAMES, weight_bounds=(0.0, 0.5))
    assert linear_program.interval(np.arange(8.0), made) == pytest.approx((0.5, 6.5))
    low, high = linear_program.interval(np.arange(8.0), polytope_of(NAMES, weight_bounds=(-1, 1), budget=None))
    assert (low, high) == pytest.approx((-28.0, 28.0))
