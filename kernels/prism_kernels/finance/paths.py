"""Paths of one asset each: prices laid out for the lanes, and what the lanes add up."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels import engine, lanes
from prism_kernels.finance.trading_measures import Moments, Tally, moments_of

__all__ = ["Market", "Terms", "walk"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_POWERS = 5
_PARTS = 8  # that a sweep is cut into on a cluster


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On which terms orders are filled.

    Attributes
    ----------
    fee, slippage
        Shares of what is traded.
    late
        Whether an order is filled at the open after the decision, not at its close.
    capital
        Cash at the beginning.
    """

    fee: float
    slippage: float
    late: bool
    capital: float

    @property
    def costs(self) -> Floats:
        """As the lanes take them."""
        return np.array([self.fee, self.slippage, self.capital])


@dataclass(frozen=True, eq=False)
class Market:
    """Closes and the prices at which orders are filled, time × asset; NaN where an asset is not listed."""

    close: Floats
    fill: Floats

    def __reduce__(self) -> tuple[Any, ...]:
        return Market, (self.close, self.fill)  # what follows from them is made again where it is needed

    @functools.cached_property
    def lives(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Asset × 3: the first bar of each, the one after its last, and the bar from which it is not bought."""
        there = ~np.isnan(self.close)
        time = len(self.close)
        stop = time - there[::-1].argmax(axis=0)
        return np.ascontiguousarray(
            np.stack([there.argmax(axis=0), stop, np.where(stop < time, stop - 1, time)], axis=1), dtype=np.int64
        )

    @functools.cached_property
    def rows(self) -> tuple[Floats, Floats]:
        """Closes and prices of orders, asset × time, 0 where there is none."""
        close, fill = (np.ascontiguousarray(np.nan_to_num(a.T)) for a in (self.close, self.fill))
        return close, fill

    @functools.cached_property
    def totals(self) -> Floats:
        """Asset × 2 × time + 1: the running sum of closes, and what rounding took from it."""
        close = self.rows[0]
        found = np.zeros((close.shape[0], 2, close.shape[1] + 1))
        high = found[:, 0]
        np.cumsum(close, axis=1, out=high[:, 1:])
        step = high[:, 1:] - high[:, :-1]
        np.cumsum((high[:, :-1] - (high[:, 1:] - step)) + (close - step), axis=1, out=found[:, 1, 1:])
        return found

    @functools.cached_property
    def returns(self) -> Floats:
        """Asset × time, 0 where there is none."""
        close = self.rows[0]
        found = np.zeros_like(close)
        with np.errstate(divide="ignore", invalid="ignore"):
            found[:, 1:] = close[:, 1:] / close[:, :-1] - 1
        live = np.arange(close.shape[1])
        found[(live <= self.lives[:, :1]) | (live >= self.lives[:, 1:2])] = 0.0
        return found

    @functools.cached_property
    def centre(self) -> Floats:
        """The mean return of each asset."""
        count = np.maximum(self.lives[:, 1] - self.lives[:, 0] - 1, 1)
        return np.asarray(self.returns.sum(axis=1) / count)

    @functools.cached_property
    def powers(self) -> Floats:
        """Asset × time + 1 × 5: running sums of the powers of returns around their mean, and of squares of losses."""
        away = self.returns - self.centre[:, None]
        found = np.zeros((*away.shape[:1], away.shape[1] + 1, _POWERS))
        loss = np.minimum(self.returns, 0.0) ** 2
        for k, column in enumerate((away, away**2, away**3, away**4, loss)):
            np.cumsum(column, axis=1, out=found[:, 1:, k])
        return found


def walk(
    market: Market,
    kind: int,
    grid: Floats,
    terms: Terms,
    span: tuple[int, int],
    *,
    signals: tuple[Any, Any] | None = None,
    keep: bool = False,
) -> tuple[Tally, Moments, Floats | None]:
    """Walk every combination of parameters over every asset; return what was counted, and the values if kept.

    Parameters
    ----------
    market
        Prices.
    kind
        What decides, by the number the lanes know it by.
    grid
        point × 2.
    terms
        Costs and fills.
    span
        First bar, and the one after the last.
    signals
        Entries and exits, asset × time.
    keep
        Whether to return parameter × asset × time of values too.
    """
    from prism_kernels.finance import backtest_lanes as lane

    count = min(_PARTS if engine.elsewhere() else 1, len(grid))
    sweep = functools.partial(_sweep, market, kind, terms, span, signals, keep)
    parts = engine.map_runs(sweep, np.array_split(grid, count), label="backtest")
    table = np.concatenate([sums for sums, _ in parts], axis=1)
    centre = np.broadcast_to(market.centre, table.shape[1:])
    moments = moments_of(
        table[lane.FIRST : lane.FOURTH + 1], centre, table[lane.DOWNSIDE], np.asarray(table[lane.PERIODS])
    )
    values = [kept for _, kept in parts if kept is not None]
    equity = np.concatenate(values) if len(values) > 1 else values[0] if values else None
    return _tally(table, terms), moments, equity


def _sweep(
    market: Market, kind: int, terms: Terms, span: tuple[int, int], signals: Any, keep: bool, grid: Floats
) -> tuple[Floats, Floats | None]:
    """Walk some combinations; return what the lanes added up, column × point × asset, and the values if kept."""
    from prism_kernels.finance import backtest_lanes as lane

    points, (assets, time) = len(grid), market.rows[0].shape
    none = np.zeros((1, 1), dtype=np.uint8)
    given = (
        kind, int(terms.late), np.array(span, dtype=np.int64), market.lives, *market.rows, market.totals, market.powers,
        market.centre, np.ascontiguousarray(grid), *(signals or (none, none)), terms.costs,
    )  # fmt: skip
    sums = np.zeros((assets * points, lane.COLUMNS))
    kept = np.full((assets * points, time), np.nan) if keep else None
    if kept is None:
        lanes.launch(lane.trade, assets * points, *given, sums, label="backtest")
    else:
        lanes.launch(lane.trade_kept, assets * points, *given, sums, kept, label="backtest")
    equity = None if kept is None else kept.reshape(assets, points, time).transpose(1, 0, 2)
    return np.ascontiguousarray(sums.reshape(assets, points, -1).transpose(2, 1, 0)), equity


def _tally(table: Floats, terms: Terms) -> Tally:
    from prism_kernels.finance import backtest_lanes as lane

    return Tally(
        growth=table[lane.FINAL] / terms.capital,
        drawdown=table[lane.FLOOR] - 1,
        periods=table[lane.PERIODS],
        trades=table[lane.TRADES],
        closed=table[lane.CLOSED],
        wins=table[lane.WINS],
        held=table[lane.HELD],
        costs=table[lane.COSTS],
        turnover=table[lane.TURNOVER],
    )
