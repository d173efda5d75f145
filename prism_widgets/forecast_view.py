"""A forecast with everything that shares its time axis: anomalies, change points, the series' parts, the residuals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from prism_widgets.views.forecast import ForecastView
from prism_widgets.views.plot import axis_values, figure, fill
from prism_widgets.views.view import BLUE, GREEN, GREY, ORANGE, RED, thin

__all__ = ["LinkedForecastView"]

_HEIGHT = 110
_PARTS = {"trend": BLUE, "season": GREEN, "remainder": GREY, "residual": ORANGE}


class LinkedForecastView(ForecastView):
    """Shows a forecast above the parts of its series; panning one picture pans all.

    What is found beside the forecast arrives later, by :meth:`show_beside`.
    """

    height = 300

    def _build(self, result: Any) -> Any:
        from bokeh.layouts import column
        from bokeh.models import ColumnDataSource

        main = super()._build(result)
        self._marks = ColumnDataSource({"x": [], "y": []})
        self._changes = ColumnDataSource({"x": []})
        self._parts = {name: ColumnDataSource({"x": [], "y": []}) for name in _PARTS}
        self._rows: dict[str, Any] = {}
        self._beside: dict[str, Any] = {}
        main.scatter("x", "y", source=self._marks, color=RED, size=7, legend_label="anomaly")
        main.vspan("x", source=self._changes, color=ORANGE, line_dash="dashed", line_width=1.5)
        return column(main, sizing_mode="stretch_width")

    def update(self, result: Any, inputs: Mapping[str, Any] | None = None) -> None:
        """Show a forecast; what was found beside another series goes, and beside this one stays until it is found anew.

        Parameters
        ----------
        result
            The forecast.
        inputs
            The data it was computed from, by parameter, where that is known.
        """
        if self._figure is not None and _digests(inputs) != _digests(self.inputs):
            self._beside = dict.fromkeys(self._beside)
        super().update(result, inputs)

    def _draw(self, result: Any, place: int) -> None:
        super()._draw(result, place)
        x = axis_values(result.axes.get("time"), result.residuals.shape[1])
        fill(self._parts["residual"], **dict(zip("xy", thin(x, result.residuals[place]), strict=True)))
        for name in list(self._beside):
            self._draw_beside(name, place)

    def _show_rows(self, names: Collection[str]) -> None:
        """Put the pictures of these parts below the forecast; a picture is made when it is first needed."""
        for name in _PARTS:
            if name in names and name not in self._rows:
                one = figure(y_label=name, time=self._time, height=_HEIGHT, x_range=self._range)
                one.toolbar_location = None
                one.line("x", "y", source=self._parts[name], color=_PARTS[name], line_width=1.3)
                self._rows[name] = self._dressed(one)
        main, *rest = self._figure.children
        wanted = [self._rows[name] for name in _PARTS if name in names]
        if rest != wanted:
            self._figure.children = [main, *wanted]

    def show_beside(self, name: str, result: Any) -> None:
        """Draw what was found beside the forecast; None takes it away.

        Parameters
        ----------
        name
            ``parts``, ``anomalies`` or ``changes``.
        result
            A decomposition, anomalies or a trend of the same series.
        """
        self._beside[name] = None if result is None else result.to_numpy()
        self._draw_beside(name, self.place)

    def _draw_beside(self, name: str, place: int) -> None:
        found = self._beside[name]
        {"parts": self._draw_parts, "anomalies": self._draw_anomalies, "changes": self._draw_changes}[name](
            found, place
        )

    def _draw_parts(self, found: Any, place: int) -> None:
        empty: dict[str, Any] = {"x": [], "y": []}
        lines = {}
        if found is not None:
            season = found.seasonal[place].sum(axis=0)
            lines = {"trend": found.trend[place], "season": season, "remainder": found.residual[place]}
        x = axis_values(self.result.axes.get("time"), self.result.residuals.shape[1])
        for name in ("trend", "season", "remainder"):
            fill(self._parts[name], **(dict(zip("xy", thin(x, lines[name]), strict=True)) if name in lines else empty))
        self._show_rows({*lines, "residual"})

    def _draw_anomalies(self, found: Any, place: int) -> None:
        if found is None:
            fill(self._marks, x=[], y=[])
            return
        series = next(iter(self.inputs.values()))
        where = np.asarray(found.index[place], dtype=int)
        x = axis_values(self.result.axes.get("time"), series.length)
        fill(self._marks, x=x[where], y=series.lanes[place][where])

    def _draw_changes(self, found: Any, place: int) -> None:
        x = axis_values(self.result.axes.get("time"), self.result.residuals.shape[1])
        places = [] if found is None else list(found.changepoints[place])
        fill(self._changes, x=[x[k] for k in places])


def _digests(inputs: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: data.digest for name, data in (inputs or {}).items()}
