"""A measure of every pair of series as a heat map: correlations and transfer entropies."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_widgets.views.plot import figure
from prism_widgets.views.view import View, words

__all__ = ["CorrelationView", "TransferEntropyMatrixView"]


class _PairsView(View):
    """A heat map with a cell for each pair."""

    field = ""
    signed = False
    unit = ""

    def _names(self) -> Any:
        return ()

    def _labels(self, result: Any) -> list[str]:
        size = getattr(result, self.field).shape[0]
        dims = type(result).dimensions()[self.field]
        return [str(n) for n in result.labels(dims[0], size)]

    def _build(self, result: Any) -> Any:
        from bokeh.models import ColumnDataSource, HoverTool, LinearColorMapper
        from bokeh.palettes import RdBu11, Viridis256

        self._source = ColumnDataSource({"row": [], "column": [], "value": [], "text": []})
        palette = list(reversed(RdBu11)) if self.signed else list(Viridis256)
        self._colours = LinearColorMapper(palette=palette, nan_color="#888888")
        names = self._labels(result)
        made = figure(height=self.height + 60, x_range=names, y_range=list(reversed(names)), x_axis_type="auto")
        fill = {"field": "value", "transform": self._colours}
        drawn = made.rect("column", "row", 1, 1, source=self._source, fill_color=fill, line_color=None)
        made.add_tools(HoverTool(tooltips=[("row", "@row"), ("column", "@column"), (self.field, "@text")]))
        made.add_layout(drawn.construct_color_bar(), "right")
        made.xaxis.major_label_orientation = 0.8
        return made

    def _draw(self, result: Any, place: int) -> None:
        values = np.asarray(getattr(result, self.field), dtype=float)
        names = self._labels(result)
        rows, columns = np.indices(values.shape).reshape(2, -1)
        flat = values.ravel()
        there = np.abs(flat[np.isfinite(flat)])
        top = 1.0 if self._unit(result) == "" and self.signed else float(there.max(initial=1e-12))
        self._colours.update(low=-top if self.signed else 0.0, high=top)
        self._figure.x_range.factors, self._figure.y_range.factors = names, list(reversed(names))
        self._source.data = {
            "row": [names[r] for r in rows],
            "column": [names[c] for c in columns],
            "value": flat,
            "text": [words(v) for v in flat],
        }

    def _unit(self, result: Any) -> str:
        return self.unit

    def _describe(self, result: Any, place: int) -> str:
        values = np.asarray(getattr(result, self.field), dtype=float).copy()
        names = self._labels(result)
        np.fill_diagonal(values, np.nan)
        if not np.isfinite(values).any():
            return f"{len(names)} series, no pair with a value."
        row, column = np.unravel_index(np.nanargmax(np.abs(values)), values.shape)
        unit = f" {self._unit(result)}" if self._unit(result) else ""
        return (
            f"{len(names)} series. The strongest pair is {names[row]} and {names[column]}: "
            f"{words(values[row, column])}{unit}."
        )


class CorrelationView(_PairsView):
    """Shows the measure of each pair; nats are never below zero in truth, correlations go from -1 to 1."""

    field = "matrix"
    signed = True

    def _unit(self, result: Any) -> str:
        return "nats" if result.method in ("mutual_information", "transfer_entropy") else ""


class TransferEntropyMatrixView(_PairsView):
    """Shows the transfer entropy from each row to each column."""

    field = "value"
    unit = "nats"
