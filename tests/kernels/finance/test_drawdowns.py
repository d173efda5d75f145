"""Drawdowns: depths against a walk, falls against a list made by hand, and laws."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels.arrays import to_numpy
from prism_kernels.finance.drawdowns import drawdowns_of, growth, underwater


def test_a_fall_has_its_start_trough_and_recovery():
    """Value 1, 1.1, 0.99, 0.88, 1.1 (back), 1.21, 1.089 (open): two falls, of a fifth and of a tenth."""
    value = np.array([1, 1.1, 0.99, 0.88, 1.1, 1.21, 1.089])
    returns = value[1:] / value[:-1] - 1
    days = pd.date_range("2024-01-01", periods=6)
    deep, shallow = drawdowns_of(np.round(underwater(returns), 12), days)
    assert (deep.start, deep.trough, deep.recovery) == ("2024-01-01", "2024-01-03", "2024-01-04")
    assert (deep.depth, deep.fall, deep.length) == (-0.2, 2, 3)
    assert (shallow.start, shallow.trough, shallow.recovery) == ("2024-01-05", "2024-01-06", None)
    assert (shallow.depth, shallow.fall, shallow.length) == (-0.1, 1, 1)


def test_a_fall_from_the_first_period_starts_there():
    (only,) = drawdowns_of(underwater(np.array([-0.5, 0.5, 1.0])), range(3))
    assert (only.start, only.trough, only.recovery, only.depth) == ("0", "0", "2", -0.5)


def test_what_only_rises_has_no_drawdown():
    assert drawdowns_of(underwater(np.full(10, 0.01)), range(10)) == ()


@given(seed=st.integers(0, 1000), periods=st.integers(1, 70))
def test_depths_are_those_of_a_walk_over_the_periods(seed, periods):
    returns = np.random.default_rng(seed).normal(0, 0.05, periods)
    value, peak = 1.0, 1.0
    for one, depth, size in zip(returns, underwater(returns), growth(returns), strict=True):
        value *= 1 + one
        peak = max(peak, value)
        np.testing.assert_allclose([depth, size], [value / peak - 1, value], rtol=1e-12, atol=1e-15)


@given(seed=st.integers(0, 1000))
def test_falls_do_not_overlap_and_cover_every_period_below_a_high(seed):
    depths = underwater(np.random.default_rng(seed).normal(0, 0.05, 60))
    found = drawdowns_of(depths, range(60))
    covered = np.zeros(60, dtype=int)
    for one in found:
        first = int(one.trough) - one.fall + 1
        covered[first : int(one.recovery) if one.recovery else 60] += 1
        assert depths[int(one.trough)] == one.depth
    assert (covered == (depths < 0)).all()
    assert [one.depth for one in found] == sorted(one.depth for one in found)


def test_every_library_gets_its_own_arrays_back(on):
    returns = np.random.default_rng(0).normal(0, 0.05, (50, 2))
    found = underwater(on(returns))
    assert on.owns(found)
    np.testing.assert_allclose(to_numpy(found)[:, 1], underwater(returns[:, 1]), rtol=1e-12, atol=1e-15)
