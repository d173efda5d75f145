"""What strategies would have earned: thousands of parameters over many assets, with their costs, in one sweep."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from annotated_types import Ge, Gt, Lt, MinLen

from prism_kernels.arrays import like
from prism_kernels.finance import backtest_inputs
from prism_kernels.finance.backtest_plan import Plan, Strategy, Walked, spans
from prism_kernels.finance.backtest_result import Backtest
from prism_kernels.finance.deflated_sharpe import deflated_sharpe
from prism_kernels.finance.paths import Terms
from prism_kernels.finance.portfolios import Calendar, Targets
from prism_kernels.finance.strategies import Momentum, MovingAverage, Stops, WalkForward, grid_of
from prism_kernels.finance.trading_measures import MEASURES, Measure, measures
from prism_kernels.inputs import AnyPrices, AnySignals, AnyWeights, Prices, Signals, Weights
from prism_kernels.operation import operation

__all__ = ["backtest"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_SURE = 0.95


@operation(
    "finance.backtest",
    example={
        "prices": "sp500_stocks",
        "strategy": "moving_average",
        "parameters": {"fast": [10, 20, 50], "slow": [100, 200]},
        "fees": 0.001,
    },
)
def backtest(
    prices: AnyPrices,
    *,
    open_prices: AnyPrices | None = None,
    weights: AnyWeights | None = None,
    entries: AnySignals | None = None,
    exits: AnySignals | None = None,
    strategy: Strategy = "buy_and_hold",
    parameters: MovingAverage | Momentum | Stops | WalkForward | None = None,
    fees: Annotated[float, Ge(0), Lt(1)] = 0.0,
    slippage: Annotated[float, Ge(0), Lt(1)] = 0.0,
    fill: Literal["same_close", "next_open"] = "same_close",
    initial_cash: Annotated[float, Gt(0)] = 1.0,
    weight_drift: bool = True,
    rebalance: Calendar | Annotated[float, Gt(0), Lt(1)] | None = None,
    metrics: Annotated[tuple[Measure, ...], MinLen(1)] = MEASURES,
    rank_by: Literal[
        "sharpe_ratio", "sortino_ratio", "calmar_ratio", "total_return", "cagr", "max_drawdown", "win_rate"
    ] = "sharpe_ratio",
    keep: Literal["metrics", "equity"] = "metrics",
    out_of_sample: Annotated[float, Ge(0), Lt(1)] = 0.0,
    periods_per_year: Annotated[float, Gt(0)] = 252,
    missing: Literal["refuse", "drop_assets", "intersect", "point_in_time"] = "refuse",
) -> Backtest:
    """Trade prices of the past by a strategy, at every point of a grid of parameters, and measure what came of it.

    Parameters
    ----------
    prices
        Closes, time × asset, above zero: positions are valued at them, and decisions made.
    open_prices
        Opens of the same periods and assets, for ``fill="next_open"``.
    weights
        Weights to hold, for the strategy ``weights``, adding up to at most 1; what is left is cash that earns nothing.
    entries, exits
        When to buy and sell each asset, time × asset, for the strategy ``signals``. An entry together with an exit is
        none.
    strategy
        ``buy_and_hold``, ``moving_average``, ``momentum`` and ``signals`` put all cash into one asset or none, a path
        for each asset. ``weights`` and ``walk_forward`` hold one portfolio of all assets.
    parameters
        The grid of the strategy, whose points are all tried: ``fast`` and ``slow``; ``lookback`` and ``threshold``;
        ``stop_loss`` and ``take_profit``; ``window``, ``every`` and ``objective``. Absent, the strategy's own.
    fees
        Share of each order's value.
    slippage
        Share by which an order buys dearer and sells cheaper.
    fill
        Orders are filled at the close that decided them, or at the next period's open.
    initial_cash
        Money at the beginning.
    weight_drift
        Whether weights of a portfolio drift with prices between orders; otherwise they are held every period at no
        cost, as most optimisers count.
    rebalance
        When a portfolio is brought back to its target besides: at the first period of each day, week, month, quarter
        or year, or when a weight is off by more than this share.
    metrics
        What to measure. Returns are simple, a year has ``periods_per_year``. ``cagr`` compounds; ``sharpe_ratio`` is
        mean over standard deviation (divisor n - 1), NaN without one; ``sortino_ratio`` is over the root of the mean
        square of losses; ``max_drawdown`` is at most 0; ``win_rate`` is of closed round trips after costs, of a
        portfolio of the spells between orders; ``exposure`` is the share of periods with a position.
    rank_by
        What makes a point the best of its asset.
    keep
        ``equity`` keeps the value at every close too.
    out_of_sample
        Share of the periods, the last ones, that the table and the best do not see; they are measured by themselves,
        beginning in cash.
    periods_per_year
        Periods in a year.
    missing
        What is done about missing prices; ``point_in_time`` trades each asset while it is listed. The weight of one
        that is not is with the others, in proportion. It is bought when it is listed, with a calendar at its next date,
        and sold before it no longer is; all are brought to their weights then.

    Raises
    ------
    InvalidInput
        For missing prices, parameters of another strategy, data a strategy needs or has no use for, weights of more
        than all there is, windows longer than the data or too short for their objective, and more paths or values than
        memory should hold.

    Notes
    -----
    An average is above another when it exceeds it by more than 1e-12 of the price; a gain exceeds its threshold alike.
    Averages count from the first period on, also before ``out_of_sample`` begins. Stops look at closes. Costs of an
    order: buying x costs x(1 + slippage)(1 + fees), selling it brings x(1 - slippage)(1 - fees), and orders of a
    portfolio are sized so that weights after costs are the target's. The first return is against the cash before any
    order. Walk-forward begins at the longest window, and runs through Dask where a client is active; its long-only
    choices are solved to rounding. An asset that is not listed all through a window, or stands still all through it,
    takes no part in that choice, which a warning says. All of it runs on CPU, in memory that does not grow with time.

    References
    ----------
    D. H. Bailey and M. López de Prado (2014), "The deflated Sharpe ratio: correcting for selection bias, backtest
    overfitting, and non-normality".
    """
    traded = Prices.of(prices)
    given: dict[str, Any] = {
        "open_prices": None if open_prices is None else Prices.of(open_prices, field="open_prices"),
        "weights": None if weights is None else Weights.of(weights),
        "entries": None if entries is None else Signals.of(entries, field="entries"),
        "exits": None if exits is None else Signals.of(exits, field="exits"),
    }
    terms = Terms(fee=fees, slippage=slippage, late=fill == "next_open", capital=initial_cash)
    rest = {"weight_drift": not weight_drift, "rebalance": rebalance is not None}
    backtest_inputs.refuse_idle(strategy, traded, given, late=terms.late, settings=rest)
    grid = grid_of(strategy, parameters)
    bars = backtest_inputs.bars_of(traded, given["open_prices"], given["entries"], given["exits"], missing=missing)
    plan = Plan(
        bars=bars,
        grid=grid,
        strategy=strategy,
        terms=terms,
        weights=given["weights"],
        rebalance=rebalance,
        drift=weight_drift,
        keep=keep == "equity",
    )
    inside, outside = spans(bars, out_of_sample)
    plan.refuse_size()
    walked = plan.walked(inside)
    held_out = None if outside is None else plan.walked(outside)
    return _result(plan, walked, held_out, metrics, rank_by, periods_per_year)


def _result(
    plan: Plan,
    walked: Walked,
    held_out: Walked | None,
    metrics: tuple[Measure, ...],
    rank_by: str,
    periods_per_year: float,
) -> Backtest:
    found = measures(walked.tally, walked.moments, periods_per_year)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(walked.moments.deviation > 0, walked.moments.mean / walked.moments.deviation, np.nan)
    deflated = deflated_sharpe(each, walked.tally.periods, walked.moments.skewness, walked.moments.kurtosis)
    best = _best(found[rank_by])
    reference, prices = plan.bars.prices.values, plan.bars.prices

    def table(of: dict[str, Floats]) -> Any:
        return like(np.stack([of[m] for m in metrics], axis=-1), reference)

    notes = (*plan.bars.notes, *walked.notes, *(held_out.notes if held_out is not None else ()))
    return Backtest(
        table=table(found),
        points=like(plan.grid.numbers(), reference),
        best=like(best, reference),
        trades=like(found["trades"], reference),
        turnover=like(found["turnover"], reference),
        costs=like(found["costs"], reference),
        deflated_sharpe=like(deflated, reference),
        out_of_sample=held_out and table(measures(held_out.tally, held_out.moments, periods_per_year)),
        equity=None if walked.equity is None else like(walked.equity, reference),
        **_chosen(walked.targets if plan.strategy == "walk_forward" else None, reference),
        axes={
            "parameter": plan.grid.labels(),
            "asset": plan.assets,
            "metric": metrics,
            "setting": plan.grid.names,
            "time": prices.axis(),
            "holding": prices.assets,
        },
        warnings=(*dict.fromkeys(notes), *_ruined(walked.tally.drawdown), *_doubts(each, deflated, best)),
    )


def _best(rank: Floats) -> Any:
    """Return the point with the highest rank of each asset; -1 where none has one."""
    known = np.where(np.isnan(rank), -np.inf, rank)
    return np.where(np.isfinite(known).any(axis=0), known.argmax(axis=0), -1).astype(np.int64)


def _chosen(targets: Targets | None, reference: Any) -> dict[str, Any]:
    """Return the weights of a walk forward and when they were chosen, filled up behind the last choice."""
    if targets is None:
        return {}
    there = np.arange(targets.at.shape[1]) < targets.count[:, None]
    weights = np.where(there[..., None], targets.weights, np.nan)
    return {"targets": like(weights, reference), "chosen": like(np.where(there, targets.at, -1), reference)}


def _ruined(drawdown: Floats) -> tuple[str, ...]:
    """Say how many paths lost all they had, which short positions or debt can do."""
    lost = int((drawdown <= -1).sum())
    paths = "the path" if drawdown.size == 1 else f"{lost} of {drawdown.size} paths"
    return (f"{paths} lost all there was, and the numbers after that mean nothing",) if lost else ()


def _doubts(sharpe: Floats, deflated: Floats, best: Any) -> tuple[str, ...]:
    """Say which paths have no Sharpe ratio, and where the best of many points may be luck."""
    said = []
    flat = int(np.isnan(sharpe).sum())
    if flat:
        paths = "1 path" if sharpe.size == 1 else f"{flat} of {sharpe.size} paths"
        said.append(
            f"{paths} never moved, or always by the same share, and {'has' if flat == 1 else 'have'} no Sharpe ratio"
        )
    points, assets = sharpe.shape
    if points > 1:
        known = best >= 0
        chance = deflated[np.where(known, best, 0), np.arange(assets)]
        doubtful = known & ~(chance >= _SURE)
        if doubtful.any():
            where = "" if assets == 1 else f" for {int(doubtful.sum())} of {assets} assets"
            said.append(
                f"the best of {points} points is less than {_SURE:.0%} sure to be more than luck{where} "
                "(deflated Sharpe ratio)"
            )
    return tuple(said)
