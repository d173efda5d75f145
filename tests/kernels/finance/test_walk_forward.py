"""Walking forward: weights chosen only on what lies behind, held until the next choice, measured as a loop does."""

import numpy as np
import pytest

from prism_kernels import InvalidInput, sample
from prism_kernels.finance import WalkForward, backtest, hrp
from prism_kernels.finance.trading_measures import MEASURES
from tests.kernels.finance import bar_by_bar


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


def test_a_window_shorter_than_the_number_of_assets_still_has_a_least_variance(close):
    result = walked(close, window=(4,), every=(100,))
    for bar, weights in zip(result.chosen[0], result.targets[0], strict=True):
        spread = np.cov(behind(close, bar, 4).T)
        slope = spread @ weights
        assert weights.sum() == pytest.approx(1, abs=1e-9)
        assert (slope >= weights @ slope - 1e-9 * np.trace(spread)).all()


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


def test_a_dask_client_chooses_the_same(close):
    distributed = pytest.importorskip("distributed")
    here = walked(close)
    with distributed.Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        there = walked(close)
        assert client.status == "running"
    assert np.array_equal(here.targets, there.targets)
    assert np.array_equal(here.table, there.table)
