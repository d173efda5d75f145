"""Portfolios beside each other: their weights, the risk that each asset carries, and what scenarios cost them."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import panel as pn

from prism_widgets import runtime
from prism_widgets.frontier_view import COLOURS, LEAST, Portfolio, percent
from prism_widgets.views.plot import darken, figure, fill

__all__ = ["PortfolioComparison", "losses_table"]

_WIDE = "stretch_width"
_HEIGHT = 260
_MOST = 40  # assets that are drawn, those with the largest weights
_TABLE = (
    "<style>.prism-table{border-collapse:collapse;font-size:13px}.prism-table td,.prism-table th"
    "{padding:2px 10px;text-align:right;border-bottom:1px solid rgba(128,128,128,.3)}</style>"
)


class PortfolioComparison(pn.viewable.Viewer):
    """Bars of weights above bars of risk, an asset at a time, one colour a portfolio; and the same as a table."""

    def __init__(self) -> None:
        super().__init__()
        self.portfolios: list[Portfolio] = []
        self._bars: dict[str, Any] = {}
        self._pane: Any = None
        self._legend = pn.pane.HTML("", sizing_mode=_WIDE, margin=(8, 10, 0, 10))
        self.table = pn.pane.HTML("", sizing_mode=_WIDE, margin=(4, 10))
        self._layout = pn.Column(self._legend, sizing_mode=_WIDE, margin=0)

    def _build(self) -> None:
        from bokeh.layouts import column
        from bokeh.models import ColumnDataSource, FactorRange, HoverTool, NumeralTickFormatter

        self._range = FactorRange("")
        rows = []
        for name, label in (("weights", "weight"), ("shares", "share of the risk")):
            source = ColumnDataSource({"x": [], "top": [], "colour": [], "asset": [], "name": []})
            made = figure(y_label=label, height=_HEIGHT, x_range=self._range, x_axis_type="auto", tools="save")
            made.toolbar_location = None
            made.vbar("x", width=0.8 / len(COLOURS), top="top", source=source, color="colour")
            tips = [("", "@name"), ("asset", "@asset"), (label, "@top{0.0 %}")]
            made.add_tools(HoverTool(tooltips=tips))
            made.yaxis.formatter = NumeralTickFormatter(format="0 %")
            made.xaxis.major_label_orientation = 0.8
            made.xgrid.grid_line_color = None
            self._bars[name] = source
            rows.append(made)
        whole = column(*rows, sizing_mode=_WIDE)
        if runtime.where() == "server" and pn.config.theme == "dark":
            darken(whole)
        self._pane = pn.pane.Bokeh(whole, sizing_mode=_WIDE, margin=(0, 8))
        self._layout.objects = [self._legend, self._pane]

    def show(self, portfolios: Sequence[Portfolio]) -> None:
        """Put portfolios beside each other in place of the last ones.

        Parameters
        ----------
        portfolios
            At most as many as there are colours; those of other assets than the first are left out of the bars.
        """
        self.portfolios = list(portfolios)
        if self._pane is None:
            self._build()
        names, places = _drawn(self.portfolios)
        if list(self._range.factors) != names:
            self._range.factors = names or [""]
        for field, source in self._bars.items():
            fill(source, **_bars(self.portfolios, names, places, field))
        keys = "".join(_key(p.name, c) for p, c in zip(self.portfolios, COLOURS, strict=False))
        self._legend.object = f'<div style="font-size:13px">{keys}</div>'
        self.table.object = self._table(names, places)

    def _table(self, names: list[str], places: list[int]) -> str:
        heads = "".join(f'<th scope="col">{html.escape(p.name)}</th>' for p in self.portfolios)
        rows = [
            ("expected return a year", [percent(p.expected_return) for p in self.portfolios]),
            ("volatility a year", [percent(p.volatility) for p in self.portfolios]),
        ]
        for name, k in zip(names, places, strict=True):
            cells = [f"{percent(p.weights[k])} · {percent(p.shares[k])}" for p in self.portfolios]
            rows.append((name, cells))
        note = '<p style="font-size:13px;margin:4px 0">Each asset: its weight · its share of the risk.</p>'
        return note + _region("Weights and risk of the portfolios compared", heads, rows)

    def __panel__(self) -> Any:
        return self._layout


def _key(name: str, colour: str) -> str:
    """Write what a colour stands for."""
    square = f'<span aria-hidden="true" style="color:{colour}">■</span>'
    return f'<span style="white-space:nowrap;margin-right:14px">{square} {html.escape(name)}</span> '


def losses_table(rows: Sequence[tuple[Portfolio, Sequence[Any]]]) -> str:
    """Write what each scenario costs each portfolio, and which asset costs most.

    Parameters
    ----------
    rows
        Portfolios with their losses, as ``finance.risk`` returns them.
    """
    heads = "".join(f'<th scope="col">{html.escape(p.name)}</th>' for p, _ in rows)
    names = [loss.scenario for loss in rows[0][1]] if rows else []
    cells = [(name, [_cell(p, losses[k]) for p, losses in rows]) for k, name in enumerate(names)]
    return _region("Losses by scenario and portfolio", heads, cells)


def _cell(portfolio: Portfolio, loss: Any) -> str:
    most = int(np.argmax(loss.by_asset))
    whose = f" · {portfolio.assets[most]} {percent(loss.by_asset[most])}" if loss.by_asset[most] > LEAST else ""
    return f"{percent(loss.loss)}{whose}"


def _drawn(portfolios: Sequence[Portfolio]) -> tuple[list[str], list[int]]:
    """Return the assets that any of the portfolios holds, those with the largest weights, in their own order."""
    if not portfolios:
        return [], []
    largest = np.max([np.abs(p.weights) for p in portfolios], axis=0)
    order = np.argsort(-largest, kind="stable")[:_MOST]
    places = sorted(int(k) for k in order if largest[k] > LEAST)
    return [str(portfolios[0].assets[k]) for k in places], places


def _bars(portfolios: Sequence[Portfolio], names: list[str], places: list[int], field: str) -> dict[str, Any]:
    step = 0.8 / len(COLOURS)
    found: dict[str, list[Any]] = {"x": [], "top": [], "colour": [], "asset": [], "name": []}
    for k, (one, colour) in enumerate(zip(portfolios, COLOURS, strict=False)):
        shift = (k - (len(portfolios) - 1) / 2) * step
        found["x"] += [(name, shift) for name in names]
        found["top"] += [float(getattr(one, field)[p]) for p in places]
        found["colour"] += [colour] * len(names)
        found["asset"] += names
        found["name"] += [one.name] * len(names)
    return dict(found)


def _region(label: str, heads: str, rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>{"".join(f"<td>{html.escape(c)}</td>" for c in cells)}</tr>'
        for name, cells in rows
    )
    region = f'tabindex="0" role="region" aria-label="{html.escape(label)}" style="overflow:auto;max-height:340px"'
    table = f'<table class="prism-table"><thead><tr><td></td>{heads}</tr></thead><tbody>{body}</tbody></table>'
    return f"{_TABLE}<div {region}>{table}</div>"
