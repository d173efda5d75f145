"""Amounts of information, in nats: the value among its surrogates, or what each sample contributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_widgets.views.plot import figure
from prism_widgets.views.view import BLUE, GREY, ORANGE, View, thin, words

__all__ = ["InformationView"]


class InformationView(View):
    """Shows local values as a line, or surrogates as a histogram with the estimate as a line across."""

    def _row(self, result: Any, field: str, place: int) -> Any:
        value = getattr(result, field)
        if value is None:
            return None
        value = np.asarray(value, dtype=float)
        return value[place] if "series" in type(result).dimensions()[field] else value

    def _form(self, result: Any) -> str:
        return "local" if result.local is not None else "surrogates" if result.surrogates is not None else "value"

    def _holds(self, result: Any) -> bool:
        return self._form(result) == self._made

    def _build(self, result: Any) -> Any:
        from bokeh.models import ColumnDataSource

        self._made = self._form(result)
        self._source = ColumnDataSource({"x": [], "y": [], "next": []})
        self._mark = ColumnDataSource({"x": []})
        if self._made == "local":
            made = figure(x_label="sample", y_label="nats", height=self.height)
            made.line("x", "y", source=self._source, color=BLUE, line_width=1.4)
        else:
            made = figure(x_label="nats", y_label="surrogates", height=self.height)
            made.quad(left="x", right="next", bottom=0, top="y", source=self._source, color=GREY, alpha=0.7)
            made.vspan("x", source=self._mark, color=ORANGE, line_width=3)
        return made

    def _draw(self, result: Any, place: int) -> None:
        value = float(self._row(result, "value", place))
        if self._made == "local":
            local = self._row(result, "local", place)
            x, y = thin(np.arange(len(local)), local)
            self._source.data = {"x": x, "y": y, "next": x}
            return
        drawn = self._row(result, "surrogates", place)
        counts, edges = np.histogram([] if drawn is None else drawn, bins=20)
        if drawn is not None:
            self._source.data = {"x": edges[:-1], "next": edges[1:], "y": counts}
        self._mark.data = {"x": [value]}

    def _describe(self, result: Any, place: int) -> str:
        p_value = self._row(result, "p_value", place)
        tail = "" if p_value is None else f", p-value {words(float(p_value))} from surrogates"
        return f"{words(float(self._row(result, 'value', place)))} nats from {result.n} samples, k {result.k}{tail}."
