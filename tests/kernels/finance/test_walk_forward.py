"""Walking forward: weights chosen only on what lies behind, held until the next choice, measured as a loop does."""

import dataclasses
from typing import get_args

import numpy as np
import pytest

from prism_kernels import InvalidInput, sample
from prism_kernels.finance import WalkForward, backtest, hrp
from prism_kernels.finance.strategies import Objective
from prism_kernels.finance.trading_measures import MEASURES
from tests.kernels.finance import bar_by_bar

OBJECTIVES = get_args(Objective)


@pytest.fixture(scope="module")
def close():
    return sample("sp500_stocks").iloc[-700:, :6]


def walked(close, **given):
    window, every = given.pop("window", (120,)), given.pop("every", (21,))
    grid = WalkForward(window=window, every=every, objective=given.pop("objective", ("min_variance",)))
    return backtest(close, strategy="walk_forward", parameters=grid, **given)


def behind(close, bar, window):
    return (close.to_numpy()[1:] / close.to_numpy()[:-1] - 1)[bar - window : bar]


def test_choices_are_made_at_equal_steps_from_the_longest_window_on(close):
    result = walked(close, window=(60, 120), every=(21, 50))
    assert result.points.tolist() == [[60, 21, 0], [60, 50, 0], [120, 21, 0], [120, 50, 0]]
    for p, every in enumerate((21, 50, 21, 50)):
        at = [b for b in result.chosen[p].tolist() if b >= 0]
        assert at == list(range(120, 699, every))
        assert np.isnan(result.targets[p, len(at) :]).all()


def test_least_variance_is_that_of_the_window_alone(close):
    result = walked(close)
    for bar, weights in zip(result.chosen[0], result.targets[0], strict=True):
        spread = np.cov(behind(close, bar, 120).T)
        slope = spread @ weights
        assert weights.sum() == pytest.approx(1, abs=1e-12)
        assert weights.min() >= -1e-12
        assert (slope >= weights @ slope - 1e-12).all()  # no asset would lower the variance
        assert slope[weights > 1e-9] == pytest.approx(weights @ slope, rel=1e-8)


def test_assets_that_stand_in_for_each_other_are_left_to_a_general_solver(close):
    twice = close.assign(AGAIN=2 * close["GE"] if "GE" in close else 2 * close.iloc[:, 0])
    result = walked(twice)
    alone = walked(close)
    for k, bar in enumerate(result.chosen[0]):
        spread = np.cov(behind(twice, bar, 120).T)
        own, best = result.targets[0, k], np.append(alone.targets[0, k], 0.0)
        assert own @ spread @ own == pytest.approx(best @ spread @ best, rel=1e-8)
        assert own.sum() == pytest.approx(1, abs=1e-9)


def test_a_window_no_longer_than_the_number_of_assets_has_no_least_variance_and_says_how_long_it_must_be(close):
    with pytest.raises(InvalidInput) as refused:
        walked(close, window=(4, 120), every=(100,))
    assert str(refused.value) == (
        "parameters ask for min_variance on a window of 4 returns of 6 assets, whose covariance is singular; choose 7 "
        "or more, or another objective, such as hrp"
    )
    assert refused.value.field == "parameters"
    with pytest.raises(InvalidInput, match="choose 7 or more"):
        walked(close, window=(6,), every=(100,))
    result = walked(close, window=(7,), every=(100,))
    for bar, weights in zip(result.chosen[0], result.targets[0], strict=True):
        slope = np.cov(behind(close, bar, 7).T) @ weights
        assert (slope >= weights @ slope * (1 - 1e-8)).all()


@pytest.mark.parametrize("objective", ["risk_parity", "hrp"])
def test_risk_can_be_shared_by_a_singular_covariance_with_a_warning(close, objective):
    result = walked(close, window=(6,), every=(100,), objective=(objective,))
    assert result.warnings[0] == (
        f"parameters ask for {objective} on a window of 6 returns of 6 assets, whose covariance is singular: choose 7 "
        "or more"
    )
    for bar, weights in zip(result.chosen[0], result.targets[0], strict=True):
        spread = np.cov(behind(close, bar, 6).T)
        if objective == "hrp":
            assert weights == pytest.approx(hrp.weights(spread).weights, abs=1e-12)
        else:
            parts = weights * (spread @ weights)
            assert parts / parts.sum() == pytest.approx(np.full(6, 1 / 6), abs=1e-9)


@pytest.mark.parametrize("objective", ["equal_weight", "inverse_volatility"])
def test_what_needs_no_covariance_takes_any_window_without_a_word(close, objective):
    result = walked(close, window=(3,), every=(100,), objective=(objective,))
    assert not result.warnings
    assert result.targets[0].sum(axis=1) == pytest.approx(1, abs=1e-12)


def test_the_length_that_is_needed_counts_the_assets_that_take_part(close):
    later = close.copy()
    later.iloc[:696, 3:] = np.nan  # listed for less than any window
    result = walked(later, window=(5,), every=(100,), missing="point_in_time")
    assert (result.targets[0, :, 3:] == 0).all()


def test_risk_parity_inverse_volatility_and_equal_weights_are_what_their_names_say(close):
    result = walked(close, objective=("risk_parity", "inverse_volatility", "equal_weight"))
    for k, bar in enumerate(result.chosen[0]):
        window = behind(close, bar, 120)
        parts = result.targets[0, k] * (np.cov(window.T) @ result.targets[0, k])
        assert parts / parts.sum() == pytest.approx(np.full(6, 1 / 6), abs=1e-9)
        calm = 1 / window.std(axis=0, ddof=1)
        assert result.targets[1, k] == pytest.approx(calm / calm.sum(), rel=1e-12)
        assert result.targets[2, k] == pytest.approx(np.full(6, 1 / 6), rel=1e-14)


def test_hierarchies_and_tails_are_those_of_the_domain_s_solvers_on_the_window(close):
    result = walked(close, objective=("hrp", "min_cvar"), every=(100,))
    for k, bar in enumerate(result.chosen[0]):
        window = behind(close, bar, 120)
        assert result.targets[0, k] == pytest.approx(hrp.weights(np.cov(window.T)).weights, abs=1e-12)
        losses = np.sort(-(window @ result.targets[1, k]))[::-1][:6]  # a twentieth of 120
        for other in np.vstack([np.eye(6), np.full(6, 1 / 6), result.targets[0, k]]):
            assert losses.mean() <= np.sort(-(window @ other))[::-1][:6].mean() + 1e-12


def test_a_window_without_a_tail_is_refused(close):
    with pytest.raises(InvalidInput, match="min_cvar on a window of 10 returns, whose worst twentieth is none"):
        walked(close, window=(10,), objective=("min_cvar",))


@pytest.mark.parametrize("drift", [True, False])
def test_holding_the_choices_equals_a_loop_over_bars(close, drift):
    result = walked(close, fees=0.002, slippage=0.0005, weight_drift=drift, keep="equity", initial_cash=500.0)
    targets = dict(zip(result.chosen[0].tolist(), result.targets[0], strict=True))
    prices, due = close.to_numpy(), np.zeros(len(close), dtype=bool)
    terms = {"fee": 0.002, "slip": 0.0005, "capital": 500.0, "begin": 120, "drift": drift}
    values, count = bar_by_bar.portfolio(prices, prices, targets, due, np.inf, **terms)
    assert np.isnan(result.equity[0, 0, :120]).all()
    assert result.equity[0, 0, 120:] == pytest.approx(values, rel=1e-11)
    found = dict(zip(MEASURES, result.table[0, 0], strict=True))
    for name, value in bar_by_bar.measured(values, 500.0, count).items():
        assert found[name] == pytest.approx(value, rel=1e-8), name


def test_what_comes_later_changes_no_choice(close):
    part, whole = walked(close.iloc[:400]), walked(close)
    count = part.chosen.shape[1]
    assert np.array_equal(whole.targets[0, :count], part.targets[0])


def test_the_held_out_periods_begin_with_a_choice_on_those_before(close):
    result = walked(close, out_of_sample=0.25)
    inside = walked(close.iloc[:525])
    assert result.table == pytest.approx(inside.table, rel=1e-12)
    assert (result.chosen < 525).all()
    assert np.isfinite(result.out_of_sample[0, 0, MEASURES.index("cagr")])


def test_an_asset_is_chosen_only_when_it_was_listed_all_the_window(close):
    later = close.copy()
    later.iloc[:300, 2] = np.nan
    result = walked(later, missing="point_in_time")
    for bar, weights in zip(result.chosen[0], result.targets[0], strict=True):
        if bar < 420:
            assert weights[2] == 0
        assert weights.sum() == pytest.approx(1, abs=1e-12)


def test_an_asset_that_never_moves_is_refused(close):
    still = close.assign(CASH=1.0)
    with pytest.raises(InvalidInput, match="prices has a constant price of CASH"):
        walked(still)


def halted(close, asset, first, last, growth=0.0):
    """Let an asset stand still, or rise evenly, from one bar to another."""
    frame = close.copy()
    frame.iloc[first:last, asset] = frame.iloc[first, asset] * (1 + growth) ** np.arange(last - first)
    return frame


@pytest.mark.parametrize("growth", [0.0, 0.0001])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_an_asset_that_stands_still_all_through_a_window_is_left_out_of_that_choice_and_named(close, objective, growth):
    frame = halted(close, 2, 200, 400, growth)
    result = walked(frame, window=(60,), objective=(objective,))
    at = result.chosen[0]
    gone = (at >= 260) & (at < 400)  # the 60 returns before are those of bars 201 to 399
    without = walked(frame.drop(columns=frame.columns[2]), window=(60,), objective=(objective,))
    np.testing.assert_allclose(np.delete(result.targets[0, gone], 2, axis=1), without.targets[0, gone], atol=1e-9)
    assert (result.targets[0, gone, 2] == 0).all()
    assert result.targets[0].max(axis=0)[2] < 1 - 1e-6
    assert (result.targets[0, ~gone, 2] > 0).any()
    days = [f"{close.index[t]:%Y-%m-%d}" for t in (at[gone][0], at[gone][-1])]
    name = close.columns[2]
    assert result.warnings == (
        f"{name} stood still all through the window of {gone.sum()} choices from {days[0]} to {days[1]}, and was left "
        "out there",
    )


def test_where_no_asset_moves_cash_is_held_and_said(close):
    frame = close.iloc[:300, :2].copy()
    for asset in (0, 1):
        frame = halted(frame, asset, 100, 200)
    result = walked(frame, window=(60,), every=(10,), keep="equity")
    gone = (result.chosen[0] >= 160) & (result.chosen[0] < 200)
    assert (result.targets[0, gone] == 0).all()
    assert result.targets[0, ~gone].sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert (result.equity[0, 0, 161:200] == result.equity[0, 0, 160]).all()
    said = "no asset moved all through the window of 4 choices from"
    assert result.warnings[-1].startswith(said)
    assert result.warnings[-1].endswith("and cash was held")


def test_more_than_three_that_stand_still_are_counted(close):
    frame = close
    for asset in range(5):
        frame = halted(frame, asset, 200, 300)
    said = walked(frame, window=(60,), every=(21,)).warnings
    assert [s.split()[0] for s in said[:3]] == list(close.columns[:3])
    assert said[3] == "2 more assets stood still all through a window, and were left out there"


def test_one_choice_is_named_by_its_day(close):
    frame = halted(close, 1, 100, 180)
    said = walked(frame, window=(60,), every=(50,), objective=("equal_weight",)).warnings
    day = f"{close.index[160]:%Y-%m-%d}"
    assert said == (
        f"{close.columns[1]} stood still all through the window of the choice at {day}, and was left out there",
    )


def test_a_choice_with_an_asset_that_stands_still_is_certified(close):
    from tests.kernels.finance.test_backtest_certificate import evidence_of, failed

    frame = halted(close, 2, 200, 400)
    given = {"strategy": "walk_forward", "parameters": {"window": [60], "every": [21], "objective": list(OBJECTIVES)}}
    evidence = evidence_of(frame, given)
    assert failed(evidence) == []
    wrong = np.array(evidence["targets"])
    wrong[:, 8, 2] += 0.1
    wrong[:, 8, 3] -= 0.1
    assert failed(dataclasses.replace(evidence, fields={**evidence.fields, "targets": wrong}))


def test_a_dask_client_chooses_the_same(close):
    distributed = pytest.importorskip("distributed")
    here = walked(close)
    with distributed.Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        there = walked(close)
        assert client.status == "running"
    assert np.array_equal(here.targets, there.targets)
    assert np.array_equal(here.table, there.table)
