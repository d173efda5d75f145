"""A backtest as it will be run: what is traded, on which terms, over which stretches of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput
from prism_kernels.finance import backtest_inputs, portfolios, walk_forward
from prism_kernels.finance.backtest_inputs import Bars
from prism_kernels.finance.paths import Terms, walk
from prism_kernels.finance.portfolios import Targets
from prism_kernels.finance.shares import refuse_debt
from prism_kernels.finance.strategies import Grid
from prism_kernels.finance.trading_measures import Moments, Tally
from prism_kernels.inputs import Weights

__all__ = ["Plan", "Strategy", "Walked", "spans"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Strategy: TypeAlias = Literal["buy_and_hold", "moving_average", "momentum", "weights", "signals", "walk_forward"]

_KINDS = {"buy_and_hold": 0, "moving_average": 1, "momentum": 2, "signals": 3}  # as the lanes know them
_MOST_PATHS = 5_000_000
_MOST_KEPT = 50_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Walked:
    """What came of one stretch of time.

    Attributes
    ----------
    tally, moments
        What was counted, and the moments of the returns; parameter × asset.
    equity
        Values, parameter × asset × time, where they were kept.
    targets
        Weights that were wanted, of a portfolio.
    notes
        What should be said of them.
    """

    tally: Tally
    moments: Moments
    equity: Floats | None
    targets: Targets | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """All that is traded, in one place.

    Attributes
    ----------
    bars
        Prices and signals.
    grid
        The points that are tried.
    strategy
        What decides.
    terms
        Costs and fills.
    weights
        Weights that were given.
    rebalance
        A calendar, the drift that asks for orders, or None.
    drift
        Whether weights drift between orders.
    keep
        Whether values are kept.
    """

    bars: Bars
    grid: Grid
    strategy: Strategy
    terms: Terms
    weights: Weights | None
    rebalance: Any
    drift: bool
    keep: bool

    @property
    def assets(self) -> tuple[str, ...]:
        """What the columns of the table are called."""
        return self.bars.prices.assets if self.strategy in _KINDS else ("portfolio",)

    def refuse_size(self) -> None:
        """Refuse more paths, or more values to keep, than memory should hold."""
        points, assets = len(self.grid.points), len(self.assets)
        if points * assets > _MOST_PATHS:
            msg = (
                f"parameters have {points} points for {assets} assets, and {_MOST_PATHS} paths are the most; give fewer"
            )
            raise InvalidInput(msg, field="parameters")
        values = points * assets * len(self.bars.market.close)
        if self.keep and values > _MOST_KEPT:
            msg = (
                f"keep 'equity' would hold {values} values, and {_MOST_KEPT} are the most; give fewer points or assets"
            )
            raise InvalidInput(msg, field="keep")

    def walked(self, span: tuple[int, int]) -> Walked:
        """Trade a stretch of time.

        Parameters
        ----------
        span
            Its first bar, and the one after its last.
        """
        if self.strategy in _KINDS:
            kind, grid = _KINDS[self.strategy], self.grid.numbers()
            padded = np.zeros((len(grid), 2))
            padded[:, : grid.shape[1]] = grid
            tally, moments, equity = walk(
                self.bars.market, kind, padded, self.terms, span, signals=self.bars.signals, keep=self.keep
            )
            return Walked(tally=tally, moments=moments, equity=equity, targets=None)
        targets, span, notes = self._targets(span)
        due = self._due(targets, span)
        if self.weights is not None:
            notes = backtest_inputs.listing_notes(self.bars, targets.weights[0, 0], span, due, late=self.terms.late)
        tally, moments, equity = portfolios.carry(
            self.bars.market, targets, self.terms, span,
            due=due, threshold=self.rebalance if isinstance(self.rebalance, float) else np.inf, drift=self.drift,
        )  # fmt: skip
        kept = equity if self.keep else None
        return Walked(tally=tally, moments=moments, equity=kept, targets=targets, notes=notes)

    def _due(self, targets: Targets, span: tuple[int, int]) -> Any:
        """Return 1 where orders are due: by the calendar, at a listing where there is none, and before a delisting."""
        market, calendar = self.bars.market, None if isinstance(self.rebalance, float) else self.rebalance
        due = portfolios.due_dates(calendar, self.bars.prices.index, self.bars.prices.periods)
        if self.weights is not None and calendar is None:
            due[portfolios.listings(market, targets, span)] = 1
        due[portfolios.last_orders(market, late=self.terms.late)] = 1
        return due

    def _targets(self, span: tuple[int, int]) -> tuple[Targets, tuple[int, int], tuple[str, ...]]:
        prices, market = self.bars.prices, self.bars.market
        if self.weights is None:
            backtest_inputs.refuse_still(prices)
            found = walk_forward.choose(prices, market, self.grid, span)
            return found.targets, (found.start, span[1]), found.notes
        own = self.weights.aligned(prices.assets)
        refuse_debt(own)
        one = np.ones(1, dtype=np.int64)
        targets = Targets(weights=np.ascontiguousarray(own[None, None, :]), at=one[:, None] * span[0], count=one)
        return targets, span, ()


def spans(bars: Bars, share: float) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """Return the bars the table is of, and those held out.

    Parameters
    ----------
    bars
        All there are.
    share
        How much of them is held out.
    """
    time = len(bars.market.close)
    if share == 0:
        return (0, time), None
    split = time - round(share * time)
    if split < 2 or split >= time:
        left = f"{split} to learn from and {time - split} to check"
        msg = f"out_of_sample {share:g} of {time} periods leaves {left}; two and one are the least"
        raise InvalidInput(msg, field="out_of_sample")
    return (0, split), (split - 1, time)
