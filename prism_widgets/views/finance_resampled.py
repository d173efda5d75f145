"""Resampled frontiers: how far an asset's efficient weight moves, and what the mean weights earn."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_widgets.views.plot import figure, fill
from prism_widgets.views.view import BLUE, GREY, ORANGE, View

__all__ = ["ResampledFrontierView"]

_HEIGHT = 240


class ResampledFrontierView(View):
    """Shows the efficient and the resampled frontier, and below them the weights of one asset along both."""

    def __init__(self) -> None:
        super().__init__()
        self._series.label = "Asset shown"

    def _names(self) -> Any:
        return self.result.axes["asset"]

    def _build(self, result: Any) -> Any:
        from bokeh.layouts import column
        from bokeh.models import ColumnDataSource, NumeralTickFormatter

        empty: dict[str, Any] = {"x": [], "y": []}
        self._plain, self._mean = ColumnDataSource(dict(empty)), ColumnDataSource(dict(empty))
        self._band = ColumnDataSource({"x": [], "low": [], "high": [], "mean": [], "plain": []})
        top = figure(x_label="volatility a year", y_label="expected return a year", height=_HEIGHT)
        top.line("x", "y", source=self._plain, color=GREY, line_width=2, legend_label="frontier")
        top.line("x", "y", source=self._mean, color=BLUE, line_width=2.4, legend_label="resampled")
        top.legend.location, top.legend.background_fill_alpha = "bottom_right", 0.6
        low = figure(x_label="point on the frontier", y_label="weight", height=_HEIGHT)
        low.varea("x", "low", "high", source=self._band, color=BLUE, fill_alpha=0.25)
        low.line("x", "mean", source=self._band, color=BLUE, line_width=2.4, legend_label="mean of the draws")
        low.line("x", "plain", source=self._band, color=ORANGE, line_width=2, legend_label="frontier")
        low.legend.location, low.legend.background_fill_alpha = "top_left", 0.6
        top.xaxis.formatter = top.yaxis.formatter = NumeralTickFormatter(format="0.0 %")
        low.yaxis.formatter = NumeralTickFormatter(format="0 %")
        return column(top, low, sizing_mode="stretch_width")

    def _draw(self, result: Any, place: int) -> None:
        fill(self._plain, x=result.efficient_volatilities, y=result.efficient_returns)
        fill(self._mean, x=result.volatilities, y=result.returns)
        fill(
            self._band, x=np.asarray(result.axes["point"]), low=result.low[:, place], high=result.high[:, place],
            mean=result.weights[:, place], plain=result.efficient_weights[:, place],
        )  # fmt: skip

    def _describe(self, result: Any, place: int) -> str:
        width = (result.high - result.low).mean(axis=0)
        least, most = int(width.argmin()), int(width.argmax())
        names = result.axes["asset"]
        own = f"{100 * float(width[place]):.1f} %"
        return (
            f"Over {result.draws} histories the efficient weight of {names[place]} moves within a band of {own} on "
            f"average; the surest is {names[least]} ({100 * float(width[least]):.1f} %), the least sure {names[most]} "
            f"({100 * float(width[most]):.1f} %)."
        )
