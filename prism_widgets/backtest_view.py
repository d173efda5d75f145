"""The path of one point of a backtest: value beside the asset's, and drawdown."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_kernels.arrays import to_numpy
from prism_widgets.views.backtest_path import PathPicture, drawdown_of
from prism_widgets.views.plot import axis_values, is_time
from prism_widgets.views.view import View, words

__all__ = ["PathView"]


class PathView(View):
    """Shows the values of a backtest with one point and one asset, above its drawdowns."""

    def _names(self) -> Any:
        return ()

    def _holds(self, result: Any) -> bool:
        return is_time(result.axes.get("time")) == self._time

    def _build(self, result: Any) -> Any:
        self._time = is_time(result.axes.get("time"))
        self._path = PathPicture(time=self._time, dressed=lambda made: made)
        return self._path.figure

    def _draw(self, result: Any, place: int) -> None:
        values = result.equity[0, 0]
        x = axis_values(result.axes.get("time"), len(values))
        self._path.show(x, values, self._held(values))

    def _held(self, values: Any) -> Any:
        """Return what holding the asset would be worth, where the data is of one asset and fits."""
        prices = self.inputs.get("prices")
        close = None if prices is None else np.asarray(to_numpy(prices.values), dtype=float)
        there = np.flatnonzero(np.isfinite(values))
        if close is None or close.shape != (len(values), 1) or not len(there):
            return None
        return close[:, 0] * values[there[0]] / close[there[0], 0]

    def _describe(self, result: Any, place: int) -> str:
        values = result.equity[0, 0]
        there = np.flatnonzero(np.isfinite(values))
        if not len(there):
            return "No path: there is nothing to trade."
        labels = result.labels("time", len(values))
        first, last = there[0], there[-1]
        fall = drawdown_of(values[there])
        worst = labels[there[int(fall.argmin())]]
        begin, end = (words(np.datetime64(labels[k], "D") if self._time else labels[k]) for k in (first, last))
        deepest = words(np.datetime64(worst, "D") if self._time else worst)
        trades, costs = words(float(result.trades[0, 0])), words(float(result.costs[0, 0]))
        return (
            f"From {begin} to {end} the value went from {words(values[first])} to {words(values[last])}, with {trades} "
            f"trades that cost {costs}. The deepest drawdown was {100 * float(fall.min()):.0f} %, on {deepest}."
        )
