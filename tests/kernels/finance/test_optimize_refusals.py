"""What ``finance.optimize`` refuses, and the one sentence it says."""

import numpy as np
import pandas as pd
import pytest

from prism_kernels import InvalidInput
from prism_kernels.finance import Limits, View, optimize
from tests.kernels.finance.test_optimize import NAMES, frame_of, gaining

REFUSED = [
    ({"weight_bounds": (0, 0.1)}, "weight_bounds cannot reach the budget: 8 assets × max 0.1 = 0.80 < budget 1; "),
    ({"objective": "min_var"}, "objective must be one of "),
    ({"max_turnover": 0.1}, "max_turnover needs previous_weights, one for each asset; give them, 0 for each asset"),
    ({"transaction_costs": 0.1}, "transaction_costs needs previous_weights, one for each asset; give them, 0 for each"),
    (
        {"limits": Limits(tracking_error=0.1)},
        "limits.tracking_error needs benchmark_weights, one for each asset; give them",
    ),
    (
        {"objective": "black_litterman"},
        "objective 'black_litterman' needs market_weights, one for each asset; give them",
    ),
    (
        {"views": [View(("A",), 0.1)]},
        "views are for 'black_litterman', and objective is 'max_sharpe'; choose that, or leave them out",
    ),
    (
        {"limits": Limits(gross_exposure=0.5)},
        "limits.gross_exposure 0.5 is below the budget 1; raise it to that or more",
    ),
    (
        {"limits": Limits(max_positions=2), "weight_bounds": (0.0, 0.3)},
        "limits.max_positions is too low: 2 × max 0.3 = 0.6 < budget 1; raise it",
    ),
    (
        {"limits": Limits(max_positions=2), "weight_bounds": (0.01, 0.9)},
        "limits.max_positions is 2, and weight_bounds keep 8 assets from being zero; let the bounds include 0",
    ),
    (
        {"limits": Limits(min_position=0.4), "weight_bounds": (0.0, 0.3)},
        "limits.min_position 0.4 is above the largest weight 0.3 of weight_bounds; lower it",
    ),
    (
        {"previous_weights": dict.fromkeys(NAMES, 0.1)},
        "previous_weights add up to 0.8, and the budget is 1; scale them, or give cash a row of its own",
    ),
    ({"previous_weights": {"Z": 1.0}}, "previous_weights names 'Z', which is not among the 8 assets; "),
    ({"target_return": 9.0}, "target_return 9 is outside what the limits allow, from "),
    ({"target_return": -9.0}, "target_return -9 is outside what the limits allow, from "),
    (
        {"target_volatility": 0.001, "objective": "max_return"},
        "target_volatility 0.001 is below the least that the limits allow, 0.0",
    ),
    ({"risk_free_rate": 5.0}, "risk_free_rate 5 is not below the largest return that the limits allow, 0."),
    ({"level": 0.999}, "level 0.999 needs 1000 periods or more, and returns has 300; lower it or give more"),
    (
        {"objective": "hrp", "weight_bounds": (0.0, 0.13)},
        "objective 'hrp' cannot keep weight_bounds (0, 0.13): it gives ",
    ),
    (
        {"objective": "risk_parity", "limits": Limits(gross_exposure=1.0)},
        "objective 'risk_parity' cannot keep limits.gross_exposure; leave it out, or choose another objective",
    ),
    (
        {"objective": "min_cvar", "max_turnover": 0.2, "previous_weights": dict.fromkeys(NAMES, 0.125)},
        "objective 'min_cvar' cannot keep max_turnover; leave it out, or choose another objective",
    ),
    (
        {"objective": "hrp", "target_volatility": 0.3},
        "objective 'hrp' cannot keep target_volatility; leave it out, or choose another objective",
    ),
    (
        {"objective": "hrp", "limits": Limits(max_positions=3)},
        "objective 'hrp' cannot keep limits.max_positions 3: it holds all 8 assets; leave it out, or choose another ",
    ),
    (
        {"objective": "risk_parity", "limits": Limits(max_positions=7)},
        "objective 'risk_parity' cannot keep limits.max_positions 7: it holds all 8 assets; leave it out, or choose",
    ),
    (
        {"objective": "risk_parity", "limits": Limits(min_position=0.3)},
        "objective 'risk_parity' cannot keep limits.min_position 0.3: it gives ",
    ),
    (
        {"limits": Limits(min_position=0.3), "weight_bounds": (0.0, 0.32)},
        "limits.min_position 0.3 fits no number of positions: 3 × 0.32 = 0.96 < budget 1, and 4 × 0.3 = 1.2 > budget "
        "1; lower it to 0.25, or raise the largest weight to 0.3333",
    ),
    (
        {"limits": Limits(min_position=0.7, max_positions=8), "weight_bounds": (0.05, 1.0)},
        "limits.min_position 0.7 is too high: weight_bounds keep 8 assets from being zero, and 8 × 0.7 = 5.6 > budget "
        "1; lower it, or let the bounds include 0",
    ),
    (
        {"objective": "risk_parity", "budget": -0.5, "weight_bounds": (-1, 1)},
        "objective 'risk_parity' shares out a budget",
    ),
    ({"objective": "risk_parity", "risk_budget": {"A": 1.0}}, "risk_budget of B is 0 and must be above 0; "),
    ({"covariance": np.eye(3)}, "covariance has shape (3, 3), and there are 8 assets; "),
    ({"covariance": np.ones((2, 3))}, "covariance is 2 × 3; give a square table, a row and a column for each asset"),
    ({"covariance": np.eye(8) - 0.5}, "covariance is not positive semidefinite: its least eigenvalue is -3; "),
    ({"expected_returns": {"A": 0.1}}, "expected_returns and the assets differ in 'B'; "),
]


@pytest.mark.parametrize(("given", "sentence"), REFUSED)
def test_what_cannot_be_answered_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(InvalidInput) as refused:
        optimize(gaining(8, 1), **given)
    assert str(refused.value).startswith(sentence)
    assert refused.value.field in (*given, "risk_free_rate", "previous_weights", "benchmark_weights", "market_weights")


def test_the_interval_that_is_quoted_is_the_attainable_one():
    frame = gaining(8, 1)
    mean = frame.mean().to_numpy() * 252
    sentence = (
        f"target_return 9 is outside what the limits allow, from {mean.min():.6g} to {mean.max():.6g} a year; "
        "choose one within"
    )
    with pytest.raises(InvalidInput) as refused:
        optimize(frame, objective="min_variance", target_return=9.0)
    assert str(refused.value) == sentence


def test_the_least_volatility_that_is_quoted_is_attainable():
    frame = gaining(8, 1)
    least = optimize(frame, objective="min_variance").volatility
    with pytest.raises(InvalidInput, match=f"below the least that the limits allow, {least:.6g}; raise it"):
        optimize(frame, objective="max_return", target_volatility=0.5 * least)
    optimize(frame, objective="max_return", target_volatility=least * (1 + 1e-9))


def test_limits_that_contradict_only_together_are_named():
    frame = gaining(4, 2)
    mean = frame.mean() * 252
    worst = str(mean.idxmin())
    groups = [{"name": "worst", "assets": [worst, str(mean.sort_values().index[1])]}]
    with pytest.raises(InvalidInput) as refused:
        optimize(
            frame,
            objective="min_variance",
            groups=groups,
            group_bounds=[{"name": "worst", "least": 0.9, "most": 1.0}],
            target_return=float(mean.max()) - 1e-6,
        )
    assert str(refused.value).startswith("target_return ")


def test_data_that_no_portfolio_can_be_made_of_is_refused():
    frame = frame_of(4)
    frame.iloc[3, 2] = np.nan
    with pytest.raises(InvalidInput, match=r"returns has a missing return \(first: C at 2020-01-06\); fill it, or"):
        optimize(frame)
    still = frame_of(4).assign(D=0.001)
    with pytest.raises(
        InvalidInput, match="returns has a constant return of D; leave it out, or name it with cash='D'"
    ):
        optimize(still)
    few = frame_of(8).iloc[:8]
    with pytest.raises(InvalidInput, match="8 periods for 8 assets.*ledoit_wolf"):
        optimize(few, level=0.8, objective="min_variance")
    dates = pd.DatetimeIndex(["2020-01-02", "2020-01-01"])
    with pytest.raises(InvalidInput, match="returns"):
        optimize(pd.DataFrame([[0.1, 0.2], [0.0, 0.1]], index=dates, columns=["A", "B"]), level=0.5)


def test_a_portfolio_without_variance_has_no_best_sharpe_ratio():
    frame = gaining(3, 1).assign(cash=0.0001)
    with pytest.raises(
        InvalidInput, match="max_sharpe has no answer where the limits allow a portfolio without variance"
    ):
        optimize(frame, cash="cash")


@pytest.mark.parametrize("objective", ["risk_parity", "hrp"])
def test_a_return_that_an_objective_does_not_reach_is_said_a_year(objective):
    frame = gaining(8, 1)
    plain = optimize(frame, objective=objective)
    target = 0.5 * (plain.expected_return + float(frame.mean().max() * 252))
    with pytest.raises(InvalidInput) as refused:
        optimize(frame, objective=objective, target_return=target)
    assert str(refused.value) == (
        f"objective '{objective}' cannot keep target_return {target:.6g}: its portfolio is expected to return "
        f"{plain.expected_return:.6g} a year; loosen that, or choose another objective"
    )


@pytest.mark.parametrize("objective", ["risk_parity", "hrp"])
def test_positions_that_an_objective_has_anyway_are_no_reason_to_refuse(objective):
    frame = gaining(8, 1)
    plain = optimize(frame, objective=objective)
    limits = Limits(max_positions=8, min_position=0.5 * float(plain.weights.min()))
    found = optimize(frame, objective=objective, limits=limits)
    np.testing.assert_array_equal(found.weights, plain.weights)
    assert found.solver == plain.solver
