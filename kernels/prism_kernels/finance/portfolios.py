"""Paths of whole portfolios: targets and dates laid out for the lanes, and what the lanes count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from prism_kernels import lanes
from prism_kernels.errors import InvalidInput
from prism_kernels.finance.paths import Market, Terms
from prism_kernels.finance.trading_measures import Moments, Tally, moments_of

__all__ = ["Calendar", "Targets", "carry", "due_dates", "last_orders", "listings"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Calendar: TypeAlias = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]

_SPANS = {"weekly": "W", "monthly": "M", "quarterly": "Q", "yearly": "Y"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """What weights portfolios are to have, and from when on.

    Attributes
    ----------
    weights
        portfolio × change × asset.
    at
        portfolio × change: the bar at whose close each set is decided on.
    count
        How many changes each portfolio has.
    """

    weights: Floats
    at: np.ndarray[Any, np.dtype[np.int64]]
    count: np.ndarray[Any, np.dtype[np.int64]]


def due_dates(rebalance: Calendar | None, index: Any, periods: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return 1 at each bar that begins a day, week, month, quarter or year.

    Parameters
    ----------
    rebalance
        Which of them; None for none.
    index
        Dates; None where there are none.
    periods
        Number of bars.

    Raises
    ------
    InvalidInput
        For a calendar without dates.
    """
    due = np.zeros(periods, dtype=np.uint8)
    if rebalance == "daily":
        due[:] = 1
    elif rebalance is not None:
        if index is None:
            msg = f"rebalance {rebalance!r} needs dates, and prices have none; give a frame with dates, or a threshold"
            raise InvalidInput(msg, field="rebalance")
        bare = index.tz_localize(None) if index.tz is not None else index
        spans = bare.to_period(_SPANS[rebalance])
        due[1:] = spans[1:] != spans[:-1]
    return due


def listings(market: Market, targets: Targets, span: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the bars after the first at which an asset that some portfolio wants is listed.

    Parameters
    ----------
    market
        Prices.
    targets
        What weights are wanted.
    span
        First bar, and the one after the last.
    """
    first, wanted = market.lives[:, 0], (targets.weights != 0).any(axis=(0, 1))
    return np.asarray(first[wanted & (first > span[0]) & (first < span[1])])


def last_orders(market: Market, *, late: bool) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the bars at which assets that are delisted later are still to be sold.

    Parameters
    ----------
    market
        Prices.
    late
        Whether orders are filled at the open after the decision.
    """
    ending = market.lives[:, 1][market.lives[:, 1] < len(market.close)]
    return np.clip(ending - 1 - int(late), 0, None)


def carry(
    market: Market,
    targets: Targets,
    terms: Terms,
    span: tuple[int, int],
    *,
    due: np.ndarray[Any, np.dtype[np.uint8]],
    threshold: float,
    drift: bool,
) -> tuple[Tally, Moments, Floats]:
    """Carry portfolios through time; return what was counted, and their values, portfolio × 1 × time.

    Parameters
    ----------
    market
        Prices.
    targets
        What weights are wanted.
    terms
        Costs and fills.
    span
        First bar, and the one after the last.
    due
        1 at the bars at which every portfolio is brought to its target, those before a delisting among them.
    threshold
        Difference of a weight to its target from which it is, too.
    drift
        Whether weights drift in between; otherwise they are held at no cost.
    """
    from prism_kernels.finance import portfolio_lanes as lane

    count, _, assets = targets.weights.shape
    sums = np.zeros((count, lane.COLUMNS))
    equity = np.full((count, len(market.close)), np.nan)
    given = (
        int(terms.late), int(drift), np.array(span, dtype=np.int64), market.lives, market.close, market.fill, due,
        np.full(count, threshold), targets.weights, targets.at, targets.count, terms.costs,
    )  # fmt: skip
    lanes.launch(lane.carry, count, *given, np.zeros((count, 2, assets)), sums, equity, label="backtest")
    tally, moments = _counted(sums, equity[:, span[0] : span[1]], terms.capital)
    return tally, moments, equity[:, None, :]


def _counted(sums: Floats, equity: Floats, capital: float) -> tuple[Tally, Moments]:
    from prism_kernels.finance import portfolio_lanes as lane

    periods = np.full((len(equity), 1), float(equity.shape[1] - 1))
    base = equity[:, :-1].copy()
    if base.shape[1]:
        base[:, 0] = capital
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = equity[:, 1:] / base - 1
    centre = returns.mean(axis=1, keepdims=True) if returns.shape[1] else np.zeros_like(periods)
    away = returns - centre
    powers = np.stack([(away**k).sum(axis=1, keepdims=True) for k in range(1, 5)])
    peak = np.maximum(np.maximum.accumulate(equity, axis=1), capital)
    tally = Tally(
        growth=equity[:, -1:] / capital,
        drawdown=(equity / peak).min(axis=1, keepdims=True) - 1,
        periods=periods,
        trades=sums[:, lane.TRADES, None],
        closed=sums[:, lane.CLOSED, None],
        wins=sums[:, lane.WINS, None],
        held=sums[:, lane.HELD, None],
        costs=sums[:, lane.COSTS, None],
        turnover=sums[:, lane.TURNOVER, None],
    )
    losses = (np.minimum(returns, 0.0) ** 2).sum(axis=1, keepdims=True)
    return tally, moments_of(powers, centre, losses, periods)
