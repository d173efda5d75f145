"""``Backtest``: what a strategy would have earned, at every point of its grid."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int

from prism_kernels.arrays import Array
from prism_kernels.result import Result

__all__ = ["Backtest"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Backtest(Result):
    """What a strategy would have earned.

    The asset of a strategy that holds several at once is called ``portfolio``.

    Attributes
    ----------
    table
        Every measure that was asked for, at every point of the grid.
    points
        The parameters of each point as numbers; objectives by their place in the list of all.
    best
        The point with the highest ``rank_by`` of each asset; -1 where none has one.
    trades
        Round trips begun; of a portfolio, orders.
    turnover
        Sum of ½ Σ|Δw| with cash counted as an asset, a year.
    costs
        Fees and slippage paid, in the unit of ``initial_cash``.
    deflated_sharpe
        Probability that the true Sharpe ratio is above what the best of all points would show by luck.
    out_of_sample
        The table again, over the last periods, that nothing else of the result has seen.
    equity
        Value at each close; NaN where an asset is not listed, and before and after the periods of the table.
    targets
        Weights that were chosen, by point and choice; NaN after the last choice.
    chosen
        The period at whose close each of them was decided on; -1 after the last.
    """

    table: Float[Array, "parameter asset metric"]
    points: Float[Array, "parameter setting"]
    best: Int[Array, " asset"]
    trades: Float[Array, "parameter asset"]
    turnover: Float[Array, "parameter asset"]
    costs: Float[Array, "parameter asset"]
    deflated_sharpe: Float[Array, "parameter asset"]
    out_of_sample: Float[Array, "parameter asset metric"] | None = None
    equity: Float[Array, "parameter asset time"] | None = None
    targets: Float[Array, "parameter choice holding"] | None = None
    chosen: Int[Array, "parameter choice"] | None = None

    def main_field(self) -> str:
        """Return the table, which is what a frame of this result shows."""
        return "table"
