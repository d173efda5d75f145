"""A series and where it goes."""

from __future__ import annotations

from typing import Any

from prism_widgets.views.plot import axis_values, figure, is_time
from prism_widgets.views.view import BLUE, GREY, ORANGE, View, thin, words

__all__ = ["TrendView"]

_WAYS = {1: "up", -1: "down", 0: "no trend"}


class TrendView(View):
    """Shows one series with its trend, and a line at each change."""

    def _build(self, result: Any) -> Any:
        from bokeh.models import ColumnDataSource

        self._time = is_time(result.axes.get("time"))
        self._line = ColumnDataSource({"x": [], "y": []})
        self._trend = ColumnDataSource({"x": [], "y": []})
        self._changes = ColumnDataSource({"x": []})
        made = figure(time=self._time, height=self.height)
        made.line("x", "y", source=self._line, color=GREY, line_width=1.4, legend_label="values")
        made.line("x", "y", source=self._trend, color=BLUE, line_width=2.4, legend_label="trend")
        made.vspan("x", source=self._changes, color=ORANGE, line_dash="dashed", line_width=1.5)
        made.legend.location, made.legend.background_fill_alpha = "top_left", 0.6
        return made

    def _holds(self, result: Any) -> bool:
        return is_time(result.axes.get("time")) == self._time

    def _draw(self, result: Any, place: int) -> None:
        trend = result.trend[place]
        x = axis_values(result.axes.get("time"), len(trend))
        series = next(iter(self.inputs.values()), None)
        known = series is not None and series.values.shape == result.trend.shape
        empty: dict[str, Any] = {"x": [], "y": []}
        self._line.data = dict(zip("xy", thin(x, series.lanes[place]), strict=True)) if known and series else empty
        self._trend.data = dict(zip("xy", thin(x, trend), strict=True))
        changes = result.changepoints[place] if result.changepoints is not None else ()
        self._changes.data = {"x": [x[c] for c in changes]}

    def _describe(self, result: Any, place: int) -> str:
        parts = []
        if result.direction is not None:
            parts.append(f"direction {_WAYS[int(result.direction[place])]}")
        if result.slope is not None:
            parts.append(f"slope {words(result.slope[place])} a period")
        if result.p_value is not None:
            parts.append(f"p-value {words(result.p_value[place])}")
        if result.changepoints is not None:
            labels = result.labels("time", result.trend.shape[1])
            found = result.changepoints[place]
            where = f" at {', '.join(words(labels[c]) for c in found[:5])}" if len(found) else ""
            parts.append(f"{len(found)} change{'s' if len(found) != 1 else ''}{where}")
        trend = result.trend[place]
        parts.append(f"the trend goes from {words(trend[0])} to {words(trend[-1])}")
        return f"{result.axes['series'][place]}: {', '.join(parts)}."
