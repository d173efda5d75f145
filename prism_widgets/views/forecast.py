"""The past, what was fitted to it, and the future with its intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_widgets.views.plot import axis_values, figure, fill, is_time
from prism_widgets.views.view import BLUE, GREY, ORANGE, View, thin, words

__all__ = ["ForecastView"]


_PAST = 8  # horizons of the past that are looked at first


class ForecastView(View):
    """Shows one series of a forecast: its past, one-step predictions, the mean and the interval of each level."""

    def _build(self, result: Any) -> Any:
        from bokeh.models import ColumnDataSource, Range1d

        self._levels = len(result.axes["level"])
        self._time = is_time(result.axes["horizon"])
        self._past = ColumnDataSource({"x": [], "y": []})
        self._fitted = ColumnDataSource({"x": [], "y": []})
        ends: dict[str, list[float]] = {f"{e}{k}": [] for k in range(self._levels) for e in ("lo", "hi")}
        self._future = ColumnDataSource({"x": [], "mean": [], **ends})
        self._range = Range1d(0, 1)
        made = figure(time=self._time, height=self.height, x_range=self._range)
        for k in reversed(range(self._levels)):
            made.varea("x", f"lo{k}", f"hi{k}", source=self._future, color=BLUE, alpha=0.18, legend_label="interval")
        made.line("x", "y", source=self._fitted, color=ORANGE, line_width=1, alpha=0.8, legend_label="fitted")
        made.line("x", "y", source=self._past, color=GREY, line_width=1.6, legend_label="past")
        made.line("x", "mean", source=self._future, color=BLUE, line_width=2.2, legend_label="forecast")
        made.legend.click_policy, made.legend.orientation = "hide", "horizontal"
        made.legend.border_line_alpha, made.legend.background_fill_alpha = 0, 0
        made.add_layout(made.legend[0], "above")
        return made

    def _holds(self, result: Any) -> bool:
        return (len(result.axes["level"]), is_time(result.axes["horizon"])) == (self._levels, self._time)

    def _draw(self, result: Any, place: int) -> None:
        past = result.fitted[place] + result.residuals[place]
        series = next(iter(self.inputs.values()), None)
        if series is not None and series.values.shape == result.fitted.shape:
            past = series.lanes[place]  # the whole past, also where nothing was fitted
        x = axis_values(result.axes.get("time"), len(past))
        fill(self._past, **dict(zip("xy", thin(x, past), strict=True)))
        fill(self._fitted, **dict(zip("xy", thin(x, result.fitted[place]), strict=True)))
        ahead = axis_values(result.axes["horizon"], result.mean.shape[1])
        if not is_time(ahead) and np.asarray(result.axes["horizon"]).dtype.kind not in "if":
            ahead = ahead + len(past)
        self._look(x, ahead)
        ends = {f"lo{k}": result.lo[place, k] for k in range(self._levels)}
        ends |= {f"hi{k}": result.hi[place, k] for k in range(self._levels)}
        fill(self._future, x=ahead, mean=result.mean[place], **ends)

    def _look(self, past: Any, ahead: Any) -> None:
        """Look at the forecast and the latest past; panning and zooming out show the rest."""
        first = past[max(0, len(past) - _PAST * len(ahead))]
        step = ahead[-1] - past[-1]
        start, end, last = (_number(t) for t in (first, ahead[-1] + step / 10, ahead[-1]))
        self._range.update(start=start, end=end, reset_start=start, reset_end=max(end, last))

    def _describe(self, result: Any, place: int) -> str:
        name, h = result.axes["series"][place], result.mean.shape[1]
        if not np.isfinite(result.mean[place]).all():
            return f"No forecast of {name}: {result.status[place]}."
        first, last = result.axes["horizon"][0], result.axes["horizon"][-1]
        text = (
            f"Forecast of {name} by {result.model}: {h} periods from {words(first)} to {words(last)}; "
            f"the mean goes from {words(result.mean[place, 0])} to {words(result.mean[place, -1])}"
        )
        if self._levels:
            level = 100 * float(result.axes["level"][-1])
            low, high = words(result.lo[place, -1, -1]), words(result.hi[place, -1, -1])
            text += f", and the {level:g} % interval of the last period is {low} to {high}"
        return text + ("." if result.status[place] == "ok" else f". Status: {result.status[place]}.")


def _number(value: Any) -> float:
    """Return a place on the axis as Bokeh counts it: milliseconds for dates."""
    if isinstance(value, np.datetime64):
        return float(value.astype("datetime64[ms]").astype(np.int64))
    return float(value)
