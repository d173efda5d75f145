"""A series taken apart: trend, seasons and what is left, one below the other on one time axis."""

from __future__ import annotations

from typing import Any

from prism_widgets.views.plot import axis_values, figure, is_time
from prism_widgets.views.view import BLUE, GREEN, GREY, PURPLE, View, thin, words

__all__ = ["DecompositionView"]

_HEIGHT = 140


class DecompositionView(View):
    """Shows the parts of one series below each other; their time axes move together."""

    def _build(self, result: Any) -> Any:
        from bokeh.layouts import column
        from bokeh.models import ColumnDataSource

        self._time = is_time(result.axes.get("time"))
        self._seasons = len(result.period)
        names = ["trend", *(f"season of {p}" for p in result.period), "remainder"]
        colours = [BLUE, *([GREEN, PURPLE, GREY] * len(names))[: self._seasons], GREY]
        self._sources = [ColumnDataSource({"x": [], "y": []}) for _ in names]
        figures: list[Any] = []
        for name, colour, source in zip(names, colours, self._sources, strict=True):
            shared = {"x_range": figures[0].x_range} if figures else {}
            made = figure(y_label=name, time=self._time, height=_HEIGHT, **shared)
            made.toolbar_location = "right" if not figures else None
            made.line("x", "y", source=source, color=colour, line_width=1.5)
            figures.append(made)
        self._figures = figures
        return column(*figures, sizing_mode="stretch_width")

    def _holds(self, result: Any) -> bool:
        return (is_time(result.axes.get("time")), len(result.period)) == (self._time, self._seasons)

    def _draw(self, result: Any, place: int) -> None:
        x = axis_values(result.axes.get("time"), result.trend.shape[1])
        for made, period in zip(self._figures[1:-1], result.period, strict=True):
            made.yaxis.axis_label = f"season of {period}"
        parts = [result.trend[place], *result.seasonal[place], result.residual[place]]
        for source, part in zip(self._sources, parts, strict=True):
            source.data = dict(zip("xy", thin(x, part), strict=True))

    def _describe(self, result: Any, place: int) -> str:
        seasons = ", ".join(
            f"season of {p} periods {words(s)}"
            for p, s in zip(result.period, result.seasonal_strength[place], strict=True)
        )
        name, trend = result.axes["series"][place], words(result.trend_strength[place])
        return f"{name}, {result.model}: strength of the trend {trend}, of the {seasons} (0 none, 1 nothing else)."
