"""Residuals: their autocorrelations, and how they are spread."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_widgets.views.plot import figure, fill
from prism_widgets.views.view import BLUE, GREY, ORANGE, View, words

__all__ = ["DiagnosisView"]

_HEIGHT = 220


class DiagnosisView(View):
    """Shows the autocorrelations with the band of white noise, and the histogram beside the normal curve."""

    def _build(self, result: Any) -> Any:
        from bokeh.layouts import row
        from bokeh.models import BoxAnnotation, ColumnDataSource

        self._acf = ColumnDataSource({"lag": [], "acf": []})
        self._bars = ColumnDataSource({"left": [], "right": [], "top": []})
        self._normal = ColumnDataSource({"x": [], "y": []})
        self._band = BoxAnnotation(fill_color=BLUE, fill_alpha=0.15)
        memory = figure(x_label="lag", y_label="autocorrelation", height=_HEIGHT)
        memory.vbar("lag", top="acf", width=0.6, source=self._acf, color=BLUE)
        memory.add_layout(self._band)
        shape = figure(x_label="residual", y_label="count", height=_HEIGHT)
        shape.quad(left="left", right="right", top="top", bottom=0, source=self._bars, color=GREY, alpha=0.6)
        shape.line("x", "y", source=self._normal, color=ORANGE, line_width=2)
        return row(memory, shape, sizing_mode="stretch_width")

    def _draw(self, result: Any, place: int) -> None:
        bound = float(result.acf_bound[place])
        self._band.update(bottom=-bound, top=bound)
        fill(self._acf, lag=np.asarray(result.axes["lag"]), acf=result.acf[place])
        edge, count = result.edge[place], result.count[place]
        fill(self._bars, left=edge[:-1], right=edge[1:], top=count)
        x = np.linspace(edge[0], edge[-1], 100)
        z = (x - result.mean[place]) / result.sd[place]
        height = count.sum() * (edge[1] - edge[0]) / (result.sd[place] * np.sqrt(2 * np.pi))
        fill(self._normal, x=x, y=height * np.exp(-z * z / 2))

    def _describe(self, result: Any, place: int) -> str:
        outside = int((np.abs(result.acf[place]) > result.acf_bound[place]).sum())
        return (
            f"Residuals of {result.axes['series'][place]}: {outside} of {result.acf.shape[1]} autocorrelations outside "
            f"the band of noise, Ljung–Box p {words(result.ljung_box_p[place])}, "
            f"normality p {words(result.jarque_bera_p[place])}."
        )
