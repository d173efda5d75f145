"""A backtest: a heat map of two parameters, bars of one or of the assets, and the path where values were kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from prism_widgets.views.backtest_path import PathPicture
from prism_widgets.views.plot import axis_values, figure, fill, is_time
from prism_widgets.views.view import BLUE, View, words

__all__ = ["BacktestView", "said_of"]

_Grid: TypeAlias = tuple[Any, Any, tuple[Any, Any]]

_TICKS = 10
_SURE = 0.95


class BacktestView(View):
    """Shows a measure at every point of a grid for one asset, and the path of a point where values were kept.

    Attributes
    ----------
    metric
        The measure that is drawn; the first of the result where it has no such.
    chosen
        Called with the number of a point that was tapped.
    """

    height = 360

    def __init__(self) -> None:
        super().__init__()
        self._series.label = "Asset shown"
        self.metric = "sharpe_ratio"
        self.chosen: Callable[[int], None] | None = None
        self.point = -1
        self._busy = False

    def _names(self) -> Any:
        return self.result.axes["asset"] if len(self.result.axes["parameter"]) > 1 else ()

    def _shape(self, result: Any) -> tuple[Any, ...]:
        return _grid(result) is not None, result.equity is not None, is_time(result.axes.get("time"))

    def _holds(self, result: Any) -> bool:
        return self._shape(result) == self._drawn

    def _build(self, result: Any) -> Any:
        from bokeh.layouts import column

        self._drawn = self._shape(result)
        self._map = self._heat_map() if self._drawn[0] else self._bars()
        self._path = PathPicture(time=self._drawn[2], dressed=lambda f: f) if self._drawn[1] else None
        below = [] if self._path is None else self._path.figure.children
        return column(self._map, *below, sizing_mode="stretch_width")

    def _heat_map(self) -> Any:
        from bokeh.models import ColumnDataSource, HoverTool, LinearColorMapper, TapTool

        columns = ("x", "y", "value", "name", "text")
        self._source = ColumnDataSource({name: [] for name in columns})
        self._colours = LinearColorMapper(palette="Viridis256", nan_color="#888888")
        made = figure(height=self.height, tools="reset,save", x_axis_type="linear")
        fills = {"field": "value", "transform": self._colours}
        drawn = made.rect("x", "y", 1, 1, source=self._source, fill_color=fills, line_color=None)
        drawn.nonselection_glyph = drawn.glyph
        drawn.selection_glyph = drawn.glyph.clone()
        drawn.selection_glyph.update(line_color="#e5484d", line_width=3)
        made.add_tools(TapTool(renderers=[drawn]), HoverTool(tooltips=[("", "@name"), ("", "@text")]))
        made.add_layout(drawn.construct_color_bar(width=12), "right")
        made.x_range.range_padding = made.y_range.range_padding = 0
        made.grid.visible = False
        self._source.selected.on_change("indices", self._tapped)
        return made

    def _bars(self) -> Any:
        from bokeh.models import ColumnDataSource, FactorRange, HoverTool

        self._source = ColumnDataSource({"name": [], "value": [], "text": []})
        made = figure(height=self.height, x_range=FactorRange(), x_axis_type="auto")
        made.vbar("name", top="value", width=0.8, source=self._source, fill_color=BLUE, line_color=None)
        made.add_tools(HoverTool(tooltips=[("", "@name"), ("", "@text")]))
        made.xaxis.major_label_orientation = 0.8
        return made

    def _tapped(self, _: str, old: Any, new: Any) -> None:
        if not self._busy and new and self.chosen is not None:
            self.chosen(int(new[0]))

    def choose(self, point: int) -> None:
        """Mark a point of the grid, and draw its path where values were kept.

        Parameters
        ----------
        point
            Its number; -1 for the best of the asset shown.
        """
        self.point = point
        if self.result is not None:
            self._again()

    def column_of(self, result: Any) -> int:
        """Return the place of the measure that is drawn.

        Parameters
        ----------
        result
            A backtest.
        """
        names = list(result.axes["metric"])
        return names.index(self.metric) if self.metric in names else 0

    def _draw(self, result: Any, place: int) -> None:
        which = self.column_of(result)
        name = str(result.axes["metric"][which]).replace("_", " ")
        labels = [str(n) for n in result.axes["parameter"]]
        best = int(result.best[place])
        point = self.point if 0 <= self.point < len(labels) else best
        self._busy = True
        grid = _grid(result)
        if grid is not None:
            self._draw_map(result, grid, result.table[:, place, which], name, labels)
            self._source.selected.indices = [point] if point >= 0 else []
        else:
            several = len(labels) > 1
            names = labels if several else [str(n) for n in result.axes["asset"]]
            values = result.table[:, place, which] if several else result.table[0, :, which]
            self._map.x_range.factors = names
            self._map.yaxis.axis_label = name
            fill(self._source, name=names, value=values, text=[f"{name} {words(v)}" for v in values])
        self._busy = False
        if self._path is not None and point >= 0:
            x = axis_values(result.axes.get("time"), result.equity.shape[2])
            self._path.show(x, result.equity[point, place])

    def _draw_map(self, result: Any, grid: _Grid, values: Any, name: str, labels: list[str]) -> None:
        rows, columns, ticks = grid
        there = values[np.isfinite(values)]
        low, high = (float(there.min()), float(there.max())) if there.size else (0.0, 1.0)
        self._colours.update(low=low, high=high if high > low else low + 1.0)
        for axis, setting, tick in zip(
            (self._map.xaxis, self._map.yaxis), reversed(result.axes["setting"]), reversed(ticks), strict=True
        ):
            every = max(1, -(-len(tick) // _TICKS))
            axis[0].axis_label = str(setting).replace("_", " ")
            axis[0].ticker = list(range(0, len(tick), every))
            axis[0].major_label_overrides = {k: words(float(v)) for k, v in enumerate(tick)}
        text = [f"{name} {words(v)}" for v in values]
        fill(self._source, x=columns, y=rows, value=values, name=labels, text=text)

    def _describe(self, result: Any, place: int) -> str:
        if len(result.axes["parameter"]) == 1:
            return _over_assets(result, self.column_of(result))
        return said_of(result, place, self.point, self.column_of(result))


def _grid(result: Any) -> _Grid | None:
    """Return row and column of each point of a grid of two parameters, and their values; None for another one."""
    points = np.asarray(result.points)
    if points.shape[1] != 2:
        return None
    rows, columns = (np.unique(points[:, k], return_inverse=True) for k in (0, 1))
    if len(rows[0]) < 2 or len(columns[0]) < 2:
        return None
    return rows[1], columns[1], (rows[0], columns[0])


def _over_assets(result: Any, which: int) -> str:
    name = str(result.axes["metric"][which]).replace("_", " ")
    values, assets = result.table[0, :, which], result.axes["asset"]
    if not np.isfinite(values).any():
        return f"No {name} of {len(assets)} assets."
    if len(assets) == 1:
        return f"{assets[0]}: {name} {words(values[0])}."
    high, low = int(np.nanargmax(values)), int(np.nanargmin(values))
    ends = f"the highest is {words(values[high])} ({assets[high]}), the lowest {words(values[low])} ({assets[low]})"
    return f"The {name} of {len(assets)} assets: {ends}."


def said_of(result: Any, place: int, point: int, which: int) -> str:
    """Say what a point of a grid earned with an asset, and whether that is more than luck.

    Parameters
    ----------
    result
        A backtest.
    place
        Number of the asset.
    point
        Number of the point; -1 for the best.
    which
        Number of the measure.
    """
    asset, name = result.axes["asset"][place], str(result.axes["metric"][which]).replace("_", " ")
    count, best = len(result.axes["parameter"]), int(result.best[place])
    if best < 0:
        return f"{asset}: none of {count} points ever traded."
    chosen = point if 0 <= point < count else best
    rank = f"the best of {count}" if chosen == best else f"one of {count}"
    text = f"{asset}, {result.axes['parameter'][chosen]} ({rank}): {name} {words(result.table[chosen, place, which])}."
    chance = float(result.deflated_sharpe[chosen, place])
    if not np.isfinite(chance):
        return f"{text} It has no Sharpe ratio."
    sure = f"{100 * chance:.0f} %" if chance < _SURE else f"{100 * chance:.1f} %"
    tried = f"After counting that {count} were tried, it is {sure} sure to be more than luck (deflated Sharpe ratio)"
    verdict = "so do not rely on it: it may be overfitted" if chance < _SURE else "which is more than luck explains"
    return f"{text} {tried}, {verdict}."
