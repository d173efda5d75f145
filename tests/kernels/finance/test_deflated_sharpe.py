"""The deflated Sharpe ratio: the paper's example, its definition computed otherwise, and what luck alone shows."""

import math
import statistics

import numpy as np
import pytest

from prism_kernels.finance import MovingAverage, backtest
from prism_kernels.finance.deflated_sharpe import deflated_sharpe, expected_maximum, probabilistic_sharpe
from tests.kernels.finance import bar_by_bar

NORMAL = statistics.NormalDist()


def test_the_example_of_the_paper():
    """Bailey and López de Prado (2014), p. 10: 100 trials, V 1/2 and SR 2.5 a year, 1250 days, skew -3, kurtosis 10."""
    bar = expected_maximum(100, np.array(0.5 / 250))
    assert bar == pytest.approx(0.1132, abs=5e-5)
    found = probabilistic_sharpe(
        np.array(2.5 / math.sqrt(250)), bar, 1250, skewness=np.array(-3.0), kurtosis=np.array(10.0)
    )
    assert found == pytest.approx(0.9004, abs=5e-5)


def test_one_trial_is_compared_with_zero():
    found = deflated_sharpe(*(np.array([[v]]) for v in (0.05, 400.0, 0.0, 3.0)))
    expected = NORMAL.cdf(0.05 * math.sqrt(399) / math.sqrt(1 + 0.5 * 0.05**2))
    assert found[0, 0] == pytest.approx(expected, rel=1e-12)


def test_the_best_of_many_is_expected_where_simulation_finds_it():
    rng = np.random.default_rng(0)
    best = rng.standard_normal((4000, 200)).max(axis=1).mean()
    assert expected_maximum(200, np.array(1.0)) == pytest.approx(best, abs=0.03)


def test_a_backtest_deflates_every_point_of_an_asset_by_all_of_them():
    rng = np.random.default_rng(3)
    close = 100 * np.exp(rng.normal(0.0003, 0.01, (900, 2)).cumsum(axis=0))
    grid = MovingAverage(fast=(2, 5, 9), slow=(20, 50))
    result = backtest(close, strategy="moving_average", parameters=grid, fees=0.001)
    for j in range(2):
        rows = []
        for fast, slow in result.points.astype(int):
            own = close[:, j]
            values, _ = bar_by_bar.single(own, own, bar_by_bar.crossing(own, fast, slow), fee=0.001)
            returns = values[1:] / values[:-1] - 1
            away = returns - returns.mean()
            second = (away**2).mean()
            shape = (away**3).mean() / second**1.5, (away**4).mean() / second**2
            rows.append((returns.mean() / returns.std(ddof=1), *shape))
        sharpes = [r[0] for r in rows]
        gamma = 0.5772156649015329
        n, spread = len(rows), statistics.stdev(sharpes)
        bar = spread * ((1 - gamma) * NORMAL.inv_cdf(1 - 1 / n) + gamma * NORMAL.inv_cdf(1 - 1 / (n * math.e)))
        for p, (sharpe, skewness, kurtosis) in enumerate(rows):
            error = math.sqrt(1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2)
            expected = NORMAL.cdf((sharpe - bar) * math.sqrt(898) / error)
            assert result.deflated_sharpe[p, j] == pytest.approx(expected, rel=1e-9)


def test_the_best_of_many_on_pure_noise_is_said_to_be_doubtful():
    rng = np.random.default_rng(5)
    close = 100 * np.exp(rng.normal(0, 0.01, (2000, 1)).cumsum(axis=0))
    grid = MovingAverage(fast=tuple(range(2, 22, 2)), slow=tuple(range(30, 130, 10)))
    result = backtest(close, strategy="moving_average", parameters=grid)
    assert result.deflated_sharpe[result.best[0], 0] < 0.95
    assert (
        "the best of 100 points is less than 95% sure to be more than luck (deflated Sharpe ratio)" in result.warnings
    )


def test_a_trend_that_no_luck_explains_is_not_doubted():
    rng = np.random.default_rng(6)
    drift = np.where(np.arange(4000) // 250 % 2 == 0, 0.004, -0.004)
    close = 100 * np.exp((drift + rng.normal(0, 0.01, 4000)).cumsum())[:, None]
    grid = MovingAverage(fast=(5, 10), slow=(40, 60))
    result = backtest(close, strategy="moving_average", parameters=grid)
    assert result.deflated_sharpe[result.best[0], 0] > 0.95
    assert result.warnings == ()
