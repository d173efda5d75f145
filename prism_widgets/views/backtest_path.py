"""One path of a backtest as a picture: its value beside that of holding the asset, and its drawdowns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from prism_widgets.views.plot import figure, fill
from prism_widgets.views.view import BLUE, GREY, RED, thin

__all__ = ["PathPicture", "drawdown_of"]

_MOST = 2000


class PathPicture:
    """Value and drawdown of one path, on one time axis.

    Parameters
    ----------
    time
        Whether the axis has dates.
    dressed
        Gives a figure the colours of the page.
    """

    def __init__(self, *, time: bool, dressed: Callable[[Any], Any]) -> None:
        from bokeh.layouts import column
        from bokeh.models import ColumnDataSource, NumeralTickFormatter

        empty: dict[str, Any] = {"x": [], "y": []}
        self._value, self._held, self._fall = (ColumnDataSource(dict(empty)) for _ in range(3))
        above = figure(y_label="value, log scale", time=time, height=220, y_axis_type="log")
        above.line("x", "y", source=self._held, color=GREY, line_width=1.2, legend_label="asset held")
        above.line("x", "y", source=self._value, color=BLUE, line_width=1.8, legend_label="strategy")
        above.legend.location, above.legend.background_fill_alpha = "top_left", 0.6
        below = figure(y_label="drawdown", time=time, height=120, x_range=above.x_range)
        below.varea("x", y1=0, y2="y", source=self._fall, fill_color=RED, fill_alpha=0.35)
        below.line("x", "y", source=self._fall, color=RED, line_width=1)
        below.yaxis.formatter = NumeralTickFormatter(format="0 %")
        below.toolbar_location = None
        self.figure = column(dressed(above), dressed(below), sizing_mode="stretch_width")

    def show(self, x: Any, values: Any, held: Any = None) -> None:
        """Draw a path.

        Parameters
        ----------
        x
            Dates, or numbers of periods.
        values
            Value at each close; NaN where there is none.
        held
            Value of the asset held all the time.
        """
        there = np.isfinite(values) & (np.asarray(values) > 0)
        x, values = np.asarray(x)[there], np.asarray(values)[there]
        fill(self._value, **dict(zip("xy", thin(x, values, most=_MOST), strict=True)))
        fill(self._fall, **dict(zip("xy", thin(x, drawdown_of(values), most=_MOST), strict=True)))
        beside: dict[str, Any] = {"x": [], "y": []}
        if held is not None:
            beside = dict(zip("xy", thin(x, np.asarray(held)[there], most=_MOST), strict=True))
        fill(self._held, **beside)


def drawdown_of(values: Any) -> Any:
    """Return by which share each value is below the highest before it, at most 0.

    Parameters
    ----------
    values
        Values above zero.
    """
    return values / np.maximum.accumulate(values) - 1 if len(values) else values
