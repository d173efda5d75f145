"""Backtests against vectorbt, and walk-forward choices against skfolio, on 33 years of 20 real stocks."""

import time
import tracemalloc
import warnings

import numpy as np
import pytest

from benchmarks.vectorbt_peer import vectorbt
from prism_kernels import lanes
from prism_kernels.engine import one_thread
from prism_kernels.finance import MovingAverage, WalkForward, backtest
from prism_kernels.finance.trading_measures import MEASURES
from prism_kernels.inputs import Prices, sample

FEES = 0.001
WINDOW, EVERY = 252, 21
MEGABYTES = 1000


@pytest.fixture(scope="module")
def frame(small):
    """Return prices as a frame, all of them or a few, each off by a millionth so that no two averages tie."""
    every = sample("sp500_stocks")
    every = every * (1 + 1e-6 * np.random.default_rng(0).standard_normal(every.shape))
    return every.iloc[-600:, :3] if small else every


def pairs_of(small):
    """Return fast and slow lengths whose product is the grid."""
    return ((5, 20), (50, 90)) if small else (tuple(range(2, 62, 2)), tuple(range(70, 370, 10)))


def seconds(work, repeat):
    """Return what comes of some work, and the least CPU seconds it took."""
    spent = []
    for _ in range(repeat):
        start = time.process_time()
        found = work()
        spent.append(time.process_time() - start)
    return found, min(spent)


def by_vectorbt(vbt, frame, points):
    """Return total return and deepest drawdown, pair × asset."""
    fast, slow = (vbt.MA.run(frame, window=[int(p[k]) for p in points], per_column=False).ma for k in (0, 1))
    wide = np.tile(frame.to_numpy(), len(points))
    above, below = (fast.to_numpy() > slow.to_numpy()), (fast.to_numpy() < slow.to_numpy())
    run = vbt.Portfolio.from_signals(wide, above, below, fees=FEES, init_cash=1.0, freq="1D")
    shape = (len(points), frame.shape[1])
    return np.stack([run.total_return().to_numpy().reshape(shape), run.max_drawdown().to_numpy().reshape(shape)])


@pytest.mark.filterwarnings("ignore")  # vectorbt's own, of numba, pandas and others
def test_moving_averages_against_vectorbt(row, frame):
    vbt = vectorbt()
    fast, slow = pairs_of(row.small)
    prices, grid = Prices.of(frame), MovingAverage(fast=fast, slow=slow)

    def sweep():
        return backtest(prices, strategy="moving_average", parameters=grid, fees=FEES)

    token = lanes.thread_limit.set(1)
    try:
        with one_thread():
            result, ours = seconds(sweep, 1 if row.small else 4)
            some = np.linspace(0, len(result.points) - 1, min(50, len(result.points))).astype(int)
            points = result.points[some]
            by_vectorbt(vbt, frame, points[:1])  # compiles
            theirs, peer = seconds(lambda: by_vectorbt(vbt, frame, points), 1)
    finally:
        lanes.thread_limit.reset(token)
    for k, name in enumerate(("total_return", "max_drawdown")):
        np.testing.assert_allclose(result.table[some][:, :, MEASURES.index(name)], theirs[k], rtol=1e-10, atol=1e-12)
    scale = len(result.points) / len(points)
    row.note(
        f"{len(result.points)} pairs of moving averages, {frame.shape[1]} assets × {len(frame)} days",
        against=f"vectorbt ({len(points)} pairs, scaled)",
        asked=200,
        measured=scale * peer / max(ours, 1e-9),
        unit="x",
        peer_cpu_s=peer,
        our_cpu_s=ours,
    )


def test_a_sweep_takes_less_than_a_gigabyte(row, frame):
    fast, slow = pairs_of(row.small)
    tracemalloc.start()
    try:
        backtest(frame, strategy="moving_average", parameters=MovingAverage(fast=fast, slow=slow), fees=FEES)
        peak = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTES
    name = f"memory of {len(fast) * len(slow)} pairs of moving averages, {frame.shape[1]} assets × {len(frame)} days"
    row.note(name, against="", asked=MEGABYTES, measured=peak, unit=" MB", at_most=True)


def test_walk_forward_against_skfolio(row, frame):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own libraries
        from skfolio.model_selection import WalkForward as Windows
        from skfolio.model_selection import cross_val_predict
        from skfolio.optimization import MeanRisk
    prices = Prices.of(frame)
    returns = frame.pct_change().iloc[1:]
    grid = WalkForward(window=(WINDOW,), every=(EVERY,))

    def peer():
        return cross_val_predict(MeanRisk(), returns, cv=Windows(test_size=EVERY, train_size=WINDOW))

    def equal(theirs, ours):
        count = len(theirs.portfolios)
        for bar, own, other in zip(ours.chosen[0], ours.targets[0], theirs.portfolios, strict=False):
            spread = np.cov(returns.to_numpy()[bar - WINDOW : bar].T)
            assert own @ spread @ own <= other.weights @ spread @ other.weights * (1 + 1e-9)
            np.testing.assert_allclose(own, other.weights, atol=0.02)
        growth = ours.equity[0, 0, WINDOW : WINDOW + EVERY * count + 1]
        np.testing.assert_allclose(growth[1:] / growth[:-1] - 1, theirs.returns, atol=2e-3)
        return {"rebalances": count}

    row(
        f"walk-forward, {(len(returns) - WINDOW) // EVERY} choices of {frame.shape[1]} assets, least variance",
        peer=peer,
        ours=lambda: backtest(prices, strategy="walk_forward", parameters=grid, weight_drift=False, keep="equity"),
        equal=equal,
        against="skfolio WalkForward + cross_val_predict",
        at_least=150,
    )
