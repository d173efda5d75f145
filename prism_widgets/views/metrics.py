"""Errors of predictions, a bar for each measure."""

from __future__ import annotations

from typing import Any

from prism_widgets.views.plot import figure
from prism_widgets.views.view import BLUE, View, words

__all__ = ["MetricsView"]

_SCALE_FREE = ("mape", "smape", "wape", "mase", "rmsse", "coverage")


class MetricsView(View):
    """Shows the measures without unit of one series as bars; those in the unit of the series are said in words."""

    def _build(self, result: Any) -> Any:
        from bokeh.models import ColumnDataSource

        self._source = ColumnDataSource({"x": [], "y": []})
        made = figure(x_range=list(_SCALE_FREE), x_axis_type="auto", height=self.height - 80, y_label="without unit")
        made.vbar("x", 0.7, "y", source=self._source, color=BLUE)
        return made

    def _draw(self, result: Any, place: int) -> None:
        there = {n: float(v[place]) for n, v in result.fields().items() if n in _SCALE_FREE}
        self._figure.x_range.factors = list(there)
        self._source.data = {"x": list(there), "y": list(there.values())}

    def _describe(self, result: Any, place: int) -> str:
        said = ", ".join(f"{n} {words(float(v[place]))}" for n, v in result.fields().items())
        return f"{result.axes['series'][place]}: {said}."
