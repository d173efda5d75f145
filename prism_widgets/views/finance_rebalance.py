"""Rebalancing: where each weight is, where it should be, where no trade is worth it, and the orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn

from prism_widgets.views.finance_orders import orders_table, percent, shares_text
from prism_widgets.views.plot import figure, fill
from prism_widgets.views.view import BLUE, GREY, ORANGE, View

__all__ = ["RebalanceView"]

_MOST = 60  # assets that are drawn, those farthest from their target
_ROW = 22  # pixels of an asset


class RebalanceView(View):
    """Shows each weight before and after, its target and the band without trades; and the orders as a table."""

    height = 130

    def __init__(self) -> None:
        super().__init__()
        self._table = pn.pane.HTML("", margin=(4, 4), sizing_mode="stretch_width")

    def build(self, result: Any) -> None:
        """Make the picture and the place of the table; called once.

        Parameters
        ----------
        result
            The first of them.
        """
        super().build(result)
        self._layout.objects = [self._frame, self._words, self._table]

    def _build(self, result: Any) -> Any:
        from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter

        names = ("asset", "before", "after", "target", "low", "high")
        self._source = ColumnDataSource({n: [] for n in names})
        made = figure(x_label="weight", height=self.height, y_range=["asset"], x_axis_type="auto", tools="save,reset")
        made.hbar("asset", 0.62, "high", "low", source=self._source, color=GREY, alpha=0.3, legend_label="no trade")
        made.segment("before", "asset", "after", "asset", source=self._source, color=BLUE, line_width=3)
        look = {"source": self._source, "size": 10, "line_width": 2}
        made.scatter("before", "asset", marker="circle", fill_color=None, line_color=BLUE, legend_label="now", **look)
        made.scatter("after", "asset", marker="circle", color=BLUE, legend_label="after", **look)
        look = {"source": self._source, "size": 18, "line_width": 3, "angle": np.pi / 2}
        made.scatter("target", "asset", marker="dash", color=ORANGE, legend_label="target", **look)
        tips = [("asset", "@asset"), ("now", "@before{0.00 %}"), ("target", "@target{0.00 %}")]
        made.add_tools(HoverTool(tooltips=[*tips, ("after", "@after{0.00 %}")]))
        made.xaxis.formatter = NumeralTickFormatter(format="0 %")
        made.ygrid.grid_line_color = None
        made.legend.orientation, made.legend.background_fill_alpha = "horizontal", 0.6
        made.add_layout(made.legend[0], "above")
        return made

    def _draw(self, result: Any, place: int) -> None:
        before, target, after = (
            np.asarray(v, dtype=float) for v in (result.weights_before, result.target_weights, result.weights_after)
        )
        kept = np.sort(np.argsort(-np.abs(before - target), kind="stable")[:_MOST])
        names = [str(result.axes["asset"][k]) for k in kept]
        band = np.asarray(result.no_trade, dtype=float)[kept]
        self._figure.y_range.factors = names[::-1]
        self._figure.height = self.height + _ROW * len(names)
        columns = {"before": before[kept], "after": after[kept], "target": target[kept]}
        fill(self._source, asset=names, low=band[:, 0], high=band[:, 1], **columns)
        self._table.object = rebalance_table(result)

    def _describe(self, result: Any, place: int) -> str:
        trades = np.asarray(result.trades, dtype=float)
        apart = np.asarray(result.weights_before, dtype=float) - np.asarray(result.target_weights, dtype=float)
        far = int(np.abs(apart).argmax())
        drift = f"{result.axes['asset'][far]} is farthest from its target, by {percent(apart[far], signed=True)}"
        if not trades.any():
            return f"Nothing to trade; {drift}."
        buys, sells = int((trades > 0).sum()), int((trades < 0).sum())
        parts = [
            f"{buys} to buy and {sells} to sell, turnover {percent(result.turnover)}",
            f"cost {percent(result.cost)}",
        ]
        if result.utility_gain is not None:
            parts.append(f"gain after cost {1e4 * result.utility_gain:+.2f} basis points")
        return "; ".join([*parts, drift]) + "."


def rebalance_table(result: Any) -> str:
    """Return the orders of a rebalancing as a table in HTML.

    Parameters
    ----------
    result
        A ``Rebalance``, in numpy.
    """
    head = ["asset", "now", "target", "after", "trade"]
    columns = [result.weights_before, result.target_weights, result.weights_after, result.trades]
    rows = [
        [str(name), *(percent(v) for v in row[:-1]), percent(row[-1], signed=True)]
        for name, *row in zip(result.axes["asset"], *(np.asarray(c, dtype=float) for c in columns), strict=True)
    ]
    if result.orders is not None:
        head.append("shares")
        for row, order in zip(rows, np.asarray(result.orders, dtype=float), strict=True):
            row.append(shares_text(order, signed=True))
    return orders_table("Orders", head, rows)
