"""Shares to hold: how near they come to the weights asked for, and the orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn

from prism_widgets.views.finance_orders import orders_table, percent, shares_text
from prism_widgets.views.plot import figure, fill
from prism_widgets.views.view import BLUE, ORANGE, View

__all__ = ["AllocationView"]

_MOST = 60  # assets that are drawn, those with the largest weights


class AllocationView(View):
    """Shows the weight that each asset gets beside the one asked for, and the orders as a table."""

    height = 300

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

        self._bars = ColumnDataSource({n: [] for n in ("asset", "target", "achieved", "shares")})
        made = figure(y_label="weight", height=self.height, x_range=["asset"], x_axis_type="auto")
        made.vbar("asset", 0.7, "achieved", source=self._bars, color=BLUE, legend_label="achieved")
        made.scatter(
            "asset",
            "target",
            marker="dash",
            source=self._bars,
            size=22,
            color=ORANGE,
            line_width=3,
            legend_label="target",
        )
        tips = [("asset", "@asset"), ("target", "@target{0.00 %}"), ("achieved", "@achieved{0.00 %}")]
        made.add_tools(HoverTool(tooltips=[*tips, ("shares", "@shares{0,0.[000]}")]))
        made.xaxis.major_label_orientation = 0.8
        made.yaxis.formatter = NumeralTickFormatter(format="0 %")
        made.y_range.start = 0
        made.legend.background_fill_alpha = 0.6
        return made

    def _draw(self, result: Any, place: int) -> None:
        target, achieved = (np.asarray(v, dtype=float) for v in (result.target_weights, result.achieved_weights))
        kept = np.sort(np.argsort(-np.maximum(target, achieved), kind="stable")[:_MOST])
        names = [str(result.axes["asset"][k]) for k in kept]
        self._figure.x_range.factors = names
        shares = np.asarray(result.shares, dtype=float)
        fill(self._bars, asset=names, target=target[kept], achieved=achieved[kept], shares=shares[kept])
        self._table.object = _orders(result)

    def _describe(self, result: Any, place: int) -> str:
        trades = np.asarray(result.trades, dtype=float)
        buys, sells = int((trades > 0).sum()), int((trades < 0).sum())
        parts = [f"{buys} to buy and {sells} to sell", f"{result.leftover_cash:,.2f} in cash left over"]
        if result.fees:
            parts.append(f"fees {result.fees:,.2f}")
        parts.append(f"{result.objective:,.2f} is not where it should be")
        if result.status == "optimal":
            parts.append("no orders come nearer")
        elif result.status == "time limit":
            parts.append(f"others could be better by {percent(result.optimality_gap)} at most")
        return "; ".join(parts) + "."


def _orders(result: Any) -> str:
    columns = (result.trades, result.shares, result.prices, result.target_weights, result.achieved_weights)
    rows = [
        (
            str(name),
            shares_text(trade, signed=True),
            shares_text(shares),
            f"{price:,.2f}",
            f"{trade * price:,.2f}",
            percent(target),
            percent(achieved),
        )
        for name, trade, shares, price, target, achieved in zip(
            result.axes["asset"], *(np.asarray(c, dtype=float) for c in columns), strict=True
        )
    ]
    head = ("asset", "order", "shares after", "price", "value of the order", "target", "achieved")
    return orders_table("Orders", head, rows)
