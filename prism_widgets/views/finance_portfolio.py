"""The best portfolio: its weights beside the risk they carry, and where it stands on the efficient frontier."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_widgets.views.plot import figure, fill
from prism_widgets.views.view import BLUE, GREEN, GREY, ORANGE, View, words

__all__ = ["PortfolioView"]

_MOST = 60  # assets that are drawn, those that weigh most
_TABLE_HEIGHT = 220
_HELD = 1e-9


class PortfolioView(View):
    """Shows weights and shares of risk as bars, the frontier with its corner portfolios, and a table of both."""

    def _names(self) -> Any:
        return ()

    def _build(self, result: Any) -> Any:
        from bokeh.layouts import column
        from bokeh.models import ColumnDataSource

        self._shares = ColumnDataSource({"asset": [], "weight": [], "share": []})
        self._line = ColumnDataSource({"volatility": [], "return": []})
        self._corners = ColumnDataSource({"volatility": [], "return": [], "held": []})
        self._here = ColumnDataSource({"volatility": [], "return": []})
        self._bars, self._curve = self._build_bars(), self._build_curve()
        return column(self._bars, self._curve, self._build_table(), sizing_mode="stretch_width")

    def _build_bars(self) -> Any:
        from bokeh.models import HoverTool, NumeralTickFormatter
        from bokeh.transform import dodge

        made = figure(y_label="share", height=self.height, x_range=["asset"], x_axis_type="auto")
        for name, colour, label, place in (("weight", BLUE, "of the capital", -0.2), ("share", ORANGE, "of risk", 0.2)):
            where = dodge("asset", place, range=made.x_range)
            made.vbar(where, 0.36, name, source=self._shares, color=colour, legend_label=label)
        tips = [("asset", "@asset"), ("weight", "@weight{0.00 %}"), ("share of risk", "@share{0.00 %}")]
        made.add_tools(HoverTool(tooltips=tips))
        made.xaxis.major_label_orientation = 0.8
        made.yaxis.formatter = NumeralTickFormatter(format="0 %")
        made.legend.background_fill_alpha = 0.6
        return made

    def _build_curve(self) -> Any:
        from bokeh.models import HoverTool, NumeralTickFormatter

        made = figure(x_label="volatility a year", y_label="expected return a year", height=self.height)
        made.line("volatility", "return", source=self._line, color=GREY, line_width=2, legend_label="frontier")
        corners = made.scatter(
            "volatility", "return", source=self._corners, color=GREEN, size=7, legend_label="corner portfolios"
        )
        made.scatter(
            "volatility", "return", source=self._here, color=ORANGE, size=13, marker="diamond", legend_label="this one"
        )
        tips = [("return", "@return{0.0 %}"), ("volatility", "@volatility{0.0 %}"), ("holds", "@held")]
        made.add_tools(HoverTool(renderers=[corners], tooltips=tips))
        made.xaxis.formatter = made.yaxis.formatter = NumeralTickFormatter(format="0.0 %")
        made.legend.location, made.legend.background_fill_alpha = "bottom_right", 0.6
        return made

    def _build_table(self) -> Any:
        from bokeh.models import DataTable, NumberFormatter, TableColumn

        share = NumberFormatter(format="0.00 %")
        columns = [
            TableColumn(field="asset", title="Asset"),
            TableColumn(field="weight", title="Weight", formatter=share),
            TableColumn(field="share", title="Share of risk", formatter=share),
        ]
        return DataTable(
            source=self._shares, columns=columns, index_position=None, height=_TABLE_HEIGHT, sizing_mode="stretch_width"
        )

    def _draw(self, result: Any, place: int) -> None:
        weights = np.asarray(result.weights, dtype=float)
        kept = np.sort(np.argsort(-np.abs(weights), kind="stable")[:_MOST])
        names = [str(result.assets[k]) for k in kept]
        self._bars.x_range.factors = names
        fill(self._shares, asset=names, weight=weights[kept], share=_shares(result)[kept])
        fill(self._here, **{"volatility": [result.volatility], "return": [result.expected_return]})
        frontier = result.frontier
        self._curve.visible = frontier is not None
        if frontier is None:
            fill(self._line, **{"volatility": [], "return": []})
            fill(self._corners, **{"volatility": [], "return": [], "held": []})
            return
        fill(self._line, **{"volatility": frontier.volatilities, "return": frontier.returns})
        held = [_largest(row, result.assets) for row in frontier.corners]
        where = {"volatility": frontier.corner_volatilities, "return": frontier.corner_returns}
        fill(self._corners, **where, held=held)

    def _describe(self, result: Any, place: int) -> str:
        weights = np.asarray(result.weights, dtype=float)
        held = int((np.abs(weights) > _HELD).sum())
        most = int(np.abs(weights).argmax())
        parts = [
            f"{held} of {len(weights)} assets are held, most {result.assets[most]} with {_percent(weights[most])}",
            f"expected return {_percent(result.expected_return)} and volatility {_percent(result.volatility)} a year",
        ]
        if np.isfinite(result.sharpe_ratio):
            parts.append(f"Sharpe ratio {words(float(result.sharpe_ratio))}")
        parts.append(
            f"in the worst periods it loses {_percent(result.expected_shortfall)} on average "
            f"(value at risk {_percent(result.value_at_risk)})"
        )
        if result.turnover is not None:
            parts.append(f"turnover {_percent(result.turnover)}, which costs {_percent(result.trading_cost)}")
        if result.frontier is not None and result.frontier.ignores:
            names = ", ".join(result.frontier.ignores)
            parts.append(f"the frontier does not know {names}, with which this portfolio may lie below it")
        parts.append(f"{result.status} by {result.solver}, residual {result.residual:.0e}")
        return "; ".join(parts) + "."


def _shares(result: Any) -> np.ndarray[Any, Any]:
    """Return the share of the risk that each asset carries; nothing where there is none."""
    parts = np.asarray(result.risk_contributions, dtype=float)
    total = float(parts.sum())
    return parts / total if total else parts


def _largest(weights: Any, assets: Any) -> str:
    """Name the largest positions of a portfolio."""
    order = np.argsort(-np.abs(weights), kind="stable")[:4]
    return ", ".join(f"{assets[k]} {100 * weights[k]:.0f} %" for k in order if abs(weights[k]) > _HELD)


def _percent(share: Any) -> str:
    return f"{100 * float(share):.3g} %"
