"""Forecasts from several origins beside what happened."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_widgets.views.plot import axis_values, figure, fill, is_time
from prism_widgets.views.view import BLUE, GREY, View, thin, words

__all__ = ["CrossValidationView"]


class CrossValidationView(View):
    """Shows one series: the truth as dots, the forecast of each window as a line in the widest interval."""

    def _build(self, result: Any) -> Any:
        from bokeh.models import ColumnDataSource

        self._time = is_time(np.asarray(result.axes["ds"][0]))
        self._truth = ColumnDataSource({"x": [], "y": []})
        self._means = ColumnDataSource({"x": [], "y": []})
        self._bands = ColumnDataSource({"x": [], "lo": [], "hi": []})
        made = figure(time=self._time, height=self.height)
        made.segment(
            "x", "lo", "x", "hi", source=self._bands, color=BLUE, alpha=0.3, line_width=4, legend_label="interval"
        )
        made.line("x", "y", source=self._means, color=BLUE, line_width=2, legend_label="forecast")
        made.scatter("x", "y", source=self._truth, color=GREY, size=5, legend_label="truth")
        made.legend.location, made.legend.background_fill_alpha = "top_left", 0.6
        return made

    def _holds(self, result: Any) -> bool:
        return is_time(np.asarray(result.axes["ds"][0])) == self._time

    def _draw(self, result: Any, place: int) -> None:
        xs = [axis_values(np.asarray(ds), len(ds)) for ds in result.axes["ds"]]
        flat = np.concatenate(xs)
        truth, mean = result.y_true[:, place].ravel(), result.mean[:, place].ravel()
        fill(self._truth, **dict(zip("xy", thin(flat, truth), strict=True)))
        gap = np.full(1, np.nan)  # between windows, so that no line joins them
        line = np.concatenate([np.concatenate([m, gap]) for m in result.mean[:, place]])
        where = np.concatenate([np.concatenate([x, x[-1:]]) for x in xs])
        self._means.data = (
            {"x": where, "y": line} if len(line) <= 4000 else dict(zip("xy", thin(flat, mean), strict=True))
        )
        if result.lo.shape[2]:
            x, lo, hi = thin(flat, result.lo[:, place, -1].ravel(), result.hi[:, place, -1].ravel())
            fill(self._bands, x=x, lo=lo, hi=hi)

    def _describe(self, result: Any, place: int) -> str:
        names = list(result.axes["score"])
        scores = ", ".join(f"{n} {words(result.scores[k, place])}" for k, n in enumerate(names))
        count, _, h = result.mean.shape
        return f"{result.axes['series'][place]}: {count} windows of {h} periods. {scores}."
