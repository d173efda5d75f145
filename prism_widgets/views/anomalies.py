"""A series, its ordinary range, and the periods outside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_widgets.views.plot import axis_values, figure, is_time
from prism_widgets.views.view import BLUE, GREY, ORANGE, RED, View, thin, words

__all__ = ["AnomaliesView"]


class AnomaliesView(View):
    """Shows one series with its anomalies marked; where the data is not known, its scores and their threshold."""

    def _build(self, result: Any) -> Any:
        from bokeh.models import ColumnDataSource

        self._time = is_time(result.axes.get("time"))
        self._line = ColumnDataSource({"x": [], "y": []})
        self._range = ColumnDataSource({"x": [], "lo": [], "hi": []})
        self._expected = ColumnDataSource({"x": [], "y": []})
        self._marks = ColumnDataSource({"x": [], "y": []})
        self._limit = ColumnDataSource({"x": [], "y": []})
        made = figure(time=self._time, height=self.height)
        made.varea("x", "lo", "hi", source=self._range, color=BLUE, alpha=0.15, legend_label="ordinary")
        made.line("x", "y", source=self._line, color=GREY, line_width=1.4, legend_label="values")
        made.line("x", "y", source=self._expected, color=BLUE, line_width=1, legend_label="expected")
        made.line("x", "y", source=self._limit, color=ORANGE, line_dash="dashed", legend_label="threshold")
        made.scatter("x", "y", source=self._marks, color=RED, size=8, legend_label="anomaly")
        made.legend.location, made.legend.click_policy = "top_left", "hide"
        made.legend.background_fill_alpha = 0.6
        return made

    def _holds(self, result: Any) -> bool:
        return is_time(result.axes.get("time")) == self._time

    def _draw(self, result: Any, place: int) -> None:
        count = result.score.shape[1]
        x = axis_values(result.axes.get("time"), count)
        series = next(iter(self.inputs.values()), None)
        known = series is not None and series.values.shape == result.score.shape
        values = series.lanes[place] if known and series is not None else result.score[place]
        marks = result.is_anomaly[place].astype(bool)
        self._line.data = dict(zip("xy", thin(x, values), strict=True))
        self._marks.data = {"x": x[marks], "y": values[marks]}
        empty: dict[str, Any] = {"x": [], "y": []}
        limit = {"x": x[[0, -1]], "y": np.full(2, result.threshold[place])}
        self._limit.data = empty if known else limit
        shown = known and result.expected is not None
        self._expected.data = dict(zip("xy", thin(x, result.expected[place]), strict=True)) if shown else empty
        if shown and result.lo is not None:
            low, high = np.nanmin(values), np.nanmax(values)
            lo, hi = (np.clip(e[place], low - (high - low), high + (high - low)) for e in (result.lo, result.hi))
            self._range.data = dict(zip(("x", "lo", "hi"), thin(x, lo, hi), strict=True))
        else:
            self._range.data = {"x": [], "lo": [], "hi": []}

    def _describe(self, result: Any, place: int) -> str:
        found = result.index[place]
        name = result.axes["series"][place]
        labels = result.labels("time", result.score.shape[1])
        first = ", ".join(words(labels[t]) for t in found[:5])
        more = ", …" if len(found) > 5 else ""
        noun = "anomaly" if len(found) == 1 else "anomalies"
        where = f": {first}{more}" if len(found) else ""
        periods, limit = result.score.shape[1], words(result.threshold[place])
        return f"{name}: {len(found)} {noun} of {periods} periods above {limit}{where}."
