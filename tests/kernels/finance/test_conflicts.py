"""Limits that contradict each other: which of them, and by how much, against the arithmetic and against solvers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_kernels import InvalidInput
from prism_kernels.finance import GroupBounds, Groups, Limits, optimize
from tests.kernels.finance.test_optimize import NAMES, gaining

FIRST = np.eye(8)[0]  # all in asset A
PAIRS = {
    "groups": [Groups("ab", ("A", "B")), Groups("cd", ("C", "D")), Groups("ef", ("E", "F"))],
    "group_bounds": [GroupBounds("ab", 0.2, 1.0), GroupBounds("cd", 0.2, 1.0), GroupBounds("ef", 0.2, 1.0)],
}
SHORT = {"groups": [Groups("ab", ("A", "B"))], "group_bounds": [GroupBounds("ab", -0.8, -0.5)]}

REFUSED = [
    (  # A goes from 1 to 0.4
        {"previous_weights": FIRST, "max_turnover": 0.1, "weight_bounds": (0.0, 0.4)},
        "max_turnover 0.1 cannot bring previous_weights within weight_bounds: 0.6 is needed; raise it, or loosen "
        "weight_bounds",
        ("max_turnover", ""),
    ),
    (  # 0.2 go to C or D, and 0.2 to E or F; A and B have enough
        {"previous_weights": FIRST, "max_turnover": 0.3, **PAIRS},
        "max_turnover 0.3 cannot bring previous_weights within group cd and group ef: 0.4 is needed; raise it, or "
        "loosen group cd and group ef",
        ("max_turnover", ""),
    ),
    (  # -0.5 and 1.5
        {"limits": Limits(gross_exposure=1.2), "weight_bounds": (-1.0, 1.0), **SHORT},
        "limits.gross_exposure 1.2 is too low for group ab: 2 is needed; raise it, or loosen group ab",
        ("limits", "gross_exposure"),
    ),
    (
        {"limits": Limits(max_positions=2), **PAIRS},
        "limits.max_positions 2 is too low for group ab, group cd and group ef: 3 positions are needed; raise it, or "
        "loosen group ab, group cd and group ef",
        ("limits", "max_positions"),
    ),
    (  # of eight eighths two can stay, and 6/8 are sold
        {"limits": Limits(max_positions=2), "previous_weights": np.full(8, 0.125), "max_turnover": 0.5},
        "max_turnover 0.5 cannot bring previous_weights within limits.max_positions: 0.75 is needed; raise it, or "
        "loosen limits.max_positions",
        ("max_turnover", ""),
    ),
    (  # a position in each group is 3 × 0.3 of 0.6, and without short ones nothing makes up for it
        {"limits": Limits(min_position=0.3), **PAIRS, "weight_bounds": (0.0, 0.5), "budget": 0.6},
        "limits.min_position 0.3 cannot be kept within weight_bounds, group ab, group cd and group ef; lower it, or "
        "loosen weight_bounds, group ab, group cd and group ef",
        ("limits", "min_position"),
    ),
]


@pytest.mark.parametrize(("given_", "sentence", "place"), REFUSED)
def test_a_contradiction_is_stated_in_numbers_with_the_limit_that_needs_them(given_, sentence, place):
    with pytest.raises(InvalidInput) as refused:
        optimize(gaining(8, 1), objective="min_variance", **given_)
    assert str(refused.value) == sentence
    assert (refused.value.field, refused.value.where) == place


@pytest.mark.parametrize("objective", ["min_variance", "mean_variance", "max_return", "max_sharpe"])
def test_every_objective_states_it(objective):
    with pytest.raises(InvalidInput, match="max_turnover 0.1 cannot bring previous_weights within weight_bounds: 0.6"):
        optimize(gaining(8, 1), objective=objective, **REFUSED[0][0])


def test_a_return_out_of_reach_of_the_turnover_quotes_the_largest():
    frame = gaining(8, 1)
    mean = frame.mean().to_numpy() * 252
    worst, best = int(mean.argmin()), int(mean.argmax())
    held = np.eye(8)[worst]
    largest = 0.9 * mean[worst] + 0.1 * mean[best]  # a tenth goes from the worst to the best
    given_ = {"objective": "min_variance", "previous_weights": held, "max_turnover": 0.1}
    with pytest.raises(InvalidInput) as refused:
        optimize(frame, target_return=float(mean[best]) - 1e-3, **given_)
    assert str(refused.value) == (
        f"target_return {mean[best] - 1e-3:.6g} is out of reach: the largest within max_turnover is "
        f"{np.floor(largest * 1e6) / 1e6:.6g} a year; lower it, or loosen max_turnover"
    )
    assert refused.value.field == "target_return"
    optimize(frame, target_return=float(np.floor(largest * 1e6) / 1e6), **given_)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.14, 0.5), st.floats(0.0, 0.3))
def test_what_is_said_to_be_needed_is_enough_and_no_more_than_that(seed, most, turnover):
    frame = gaining(8, 1)
    held = np.random.default_rng(seed).dirichlet(np.full(8, 0.3))
    needed = np.maximum(held - most, 0).sum()  # all that is above the largest weight is sold
    given_ = {"objective": "min_variance", "weight_bounds": (0.0, most), "previous_weights": held}
    if needed <= turnover + 1e-6:
        assert optimize(frame, max_turnover=turnover + 1e-6, **given_).turnover <= turnover + 1e-5
        return
    with pytest.raises(InvalidInput) as refused:
        optimize(frame, max_turnover=turnover, **given_)
    said = float(str(refused.value).partition(": ")[2].partition(" is needed")[0])
    assert needed - 1e-9 <= said <= needed + 2e-6
    assert optimize(frame, max_turnover=said, **given_).turnover <= said + 1e-9


def test_limits_that_can_be_kept_together_are_kept():
    held = dict(zip(NAMES, FIRST, strict=True))
    found = optimize(gaining(8, 1), objective="min_variance", previous_weights=held, max_turnover=0.4, **PAIRS)
    assert found.turnover == pytest.approx(0.4, abs=1e-9)
    three = optimize(gaining(8, 1), objective="min_variance", limits=Limits(max_positions=3), **PAIRS)
    assert (three.weights > 1e-9).sum() == 3


def test_a_search_that_ends_too_early_does_not_call_the_limits_contradictory(monkeypatch):
    from prism_kernels import NotConverged
    from prism_kernels.finance import cardinality

    monkeypatch.setattr(cardinality, "_NODES", 1)
    monkeypatch.setattr(cardinality._Search, "_round", lambda *_: None)
    with pytest.raises(NotConverged, match="no portfolio was found that keeps limits.max_positions"):
        optimize(gaining(8, 1), objective="min_variance", limits=Limits(max_positions=2))
