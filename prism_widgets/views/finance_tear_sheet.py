"""A tear sheet: growth, drawdowns, months, and the tables that belong to them; on screen, and as one page of HTML."""

from __future__ import annotations

import html
import math
from typing import Any

import numpy as np
import panel as pn

from prism_widgets.views.plot import axis_values, figure, fill, is_time
from prism_widgets.views.view import BLUE, GREY, RED, View, thin, words

__all__ = ["TearSheetView"]

_ROW = 20  # pixels of a year in the map of months
_DARK_CELL = 0.55  # of the deepest colour, from which text on it is white
_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .7rem;border-bottom:1px solid #8886;text-align:right}
th:first-child,td:first-child{text-align:left}
caption{text-align:left;font-weight:600;padding:.3rem 0}
@media print{body{max-width:none;margin:0}}
"""
_RATIOS = ("ratio", "skewness", "kurtosis", "beta")


class TearSheetView(View):
    """Shows growth and drawdowns on one time axis, a map of months, and tables of measures, drawdowns and exposures."""

    height = 260

    def __init__(self) -> None:
        super().__init__()
        self._tables = pn.pane.HTML("", margin=(4, 12), sizing_mode="stretch_width")

    def build(self, result: Any) -> None:
        """Make the picture and the place of the tables; called once.

        Parameters
        ----------
        result
            The first of them.
        """
        super().build(result)
        self._layout.objects = [self._words, self._frame, self._tables]

    def _names(self) -> Any:
        return ()

    def _form(self, result: Any) -> tuple[bool, int, bool]:
        return is_time(result.axes.get("time")), result.growth.shape[1], result.monthly_returns is not None

    def _holds(self, result: Any) -> bool:
        return self._form(result) == self._shown

    def _build(self, result: Any) -> Any:
        from bokeh.layouts import column
        from bokeh.models import ColumnDataSource, NumeralTickFormatter

        self._shown = self._form(result)
        time, count, dated = self._shown
        self._lines = [ColumnDataSource({"x": [], "y": []}) for _ in range(count)]
        self._depth = ColumnDataSource({"x": [], "y": []})
        top = figure(y_label="growth of 1", time=time, height=self.height, y_axis_type="log")
        for name, colour, source in zip(result.axes["series"], (BLUE, GREY), self._lines, strict=False):
            top.line("x", "y", source=source, color=colour, line_width=1.8, legend_label=str(name))
        top.legend.location, top.legend.background_fill_alpha = "top_left", 0.6
        below = figure(y_label="drawdown", time=time, height=140, x_range=top.x_range)
        below.varea("x", 0, "y", source=self._depth, color=RED, alpha=0.5)
        below.yaxis.formatter = NumeralTickFormatter(format="0 %")
        below.toolbar_location = None
        return column(top, below, *([self._map(result)] if dated else []), sizing_mode="stretch_width")

    def _map(self, result: Any) -> Any:
        from bokeh.models import ColumnDataSource, HoverTool, LinearColorMapper
        from bokeh.palettes import RdBu11

        self._months = ColumnDataSource({n: [] for n in ("year", "month", "value", "text", "ink")})
        self._colours = LinearColorMapper(palette=list(reversed(RdBu11)), nan_color="rgba(128,128,128,0.15)")
        months = list(result.axes["month"])
        made = figure(height=self.height, x_range=months, y_range=["year"], x_axis_type="auto", tools="save")
        cell = {"field": "value", "transform": self._colours}
        made.rect("month", "year", 1, 1, source=self._months, fill_color=cell, line_color=None)
        made.text("month", "year", "text", source=self._months, text_align="center", text_baseline="middle",
                  text_font_size="11px", text_color="ink")  # fmt: skip
        made.add_tools(HoverTool(tooltips=[("month", "@month @year"), ("return", "@text")]))
        made.grid.grid_line_color = None
        made.xaxis.axis_label = "return of each month, %"
        self._calendar = made
        return made

    def _draw(self, result: Any, place: int) -> None:
        growth = np.asarray(result.growth, dtype=float)
        x = axis_values(result.axes.get("time"), len(growth))
        for k, source in enumerate(self._lines):
            fill(source, **dict(zip("xy", thin(x, np.where(growth[:, k] > 0, growth[:, k], np.nan)), strict=True)))
        fill(self._depth, **dict(zip("xy", thin(x, depths(growth[:, 0])), strict=True)))
        if result.monthly_returns is not None:
            self._draw_months(result)
        self._tables.object = (
            f'<div style="display:flex;flex-wrap:wrap;align-items:flex-start;gap:2rem">{tables(result)}</div>'
        )

    def _draw_months(self, result: Any) -> None:
        values = np.asarray(result.monthly_returns, dtype=float)
        years, months = [str(y) for y in result.axes["year"]], list(result.axes["month"])
        rows, columns = np.indices(values.shape).reshape(2, -1)
        flat = values.ravel()
        reach = float(np.nanmax(np.abs(flat), initial=1e-12))
        self._colours.update(low=-reach, high=reach)
        self._calendar.y_range.factors = years[::-1]
        self._calendar.height = _ROW * len(years) + 70
        fill(
            self._months,
            year=[years[r] for r in rows],
            month=[months[c] for c in columns],
            value=flat,
            text=["" if math.isnan(v) else f"{100 * v:.1f}" for v in flat],
            ink=["#ffffff" if abs(v) > _DARK_CELL * reach else "#1a1a1a" for v in flat],
        )

    def _describe(self, result: Any, place: int) -> str:
        table = dict(zip(result.axes["metric"], np.asarray(result.metrics, dtype=float), strict=True))
        name = result.title or str(result.axes["series"][0])
        parts = [
            f"{name}: {_number('cagr', table['cagr'][0])} a year at a volatility of "
            f"{_number('volatility', table['volatility'][0])}, Sharpe ratio {words(float(table['sharpe_ratio'][0]))}"
        ]
        if result.drawdowns:
            deepest = result.drawdowns[0]
            back = f"back {deepest.recovery}" if deepest.recovery else "not back yet"
            parts.append(f"deepest drawdown {_number('depth', deepest.depth)} ({deepest.trough}, {back})")
        if result.beta is not None:
            parts.append(f"beta to {result.axes['series'][1]} {words(float(result.beta))}")
        return "; ".join(parts) + "."

    def details(self) -> str:
        """Return the tables: measures, drawdowns, years and exposures."""
        inside = tables(self.result)
        return f'<div style="display:flex;flex-wrap:wrap;align-items:flex-start;gap:2rem">{inside}</div>'

    def html(self) -> str:
        """Return the tear sheet as one page that needs nothing from elsewhere: scripts and styles are inside.

        Raises
        ------
        ValueError
            Before a result was shown.
        """
        from bokeh.embed import components

        from prism_widgets.downloads import bokeh_scripts

        if self.result is None or self._figure is None:
            msg = "no tear sheet is shown yet; call update(result) first"
            raise ValueError(msg)
        script, drawn = components(self._figure)
        title = html.escape(self.result.title or str(self.result.axes["series"][0]))
        notes = "".join(f"<li>{html.escape(w)}</li>" for w in self.result.warnings)
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
            f"{bokeh_scripts()}</head>"
            f"<body><h1>{title}</h1><p>{html.escape(self.summary(self.result, 0))}</p>{drawn}"
            f"{self.details()}{f'<ul>{notes}</ul>' if notes else ''}{script}"
            "</body></html>"
        )


def depths(growth: Any) -> Any:
    """Return how far each value is below the highest so far, the beginning at 1 counted.

    Parameters
    ----------
    growth
        What one unit of money has become.
    """
    return growth / np.maximum.accumulate(np.maximum(growth, 1.0)) - 1


def tables(result: Any) -> str:
    """Return the tables of a tear sheet as HTML: measures, years, drawdowns and exposures.

    Parameters
    ----------
    result
        A ``TearSheet``, in numpy.
    """
    series = [str(n) for n in result.axes["series"]]
    measures = [
        (_title(name), *(_number(name, v) for v in row))
        for name, row in zip(result.axes["metric"], np.asarray(result.metrics, dtype=float), strict=True)
    ]
    for name in ("beta", "alpha", "tracking_error", "information_ratio"):
        if getattr(result, name) is not None:
            measures.append((_title(name), _number(name, float(getattr(result, name))), *([""] * (len(series) - 1))))
    made = [_table("Measures", ["", *series], measures)]
    falls = [
        (d.start, d.trough, d.recovery or "not yet", _number("depth", d.depth), str(d.length)) for d in result.drawdowns
    ]
    made.append(_table("Drawdowns", ["from", "lowest", "back", "depth", "periods"], falls))
    if result.yearly_returns is not None:
        years = zip(result.axes["year"], np.asarray(result.yearly_returns, dtype=float), strict=True)
        rows = [(str(year), *(_number("return", v) for v in row)) for year, row in years]
        made.append(_table("Years", ["", *series], rows))
    if result.weights is not None:
        parts = (result.weights, result.return_contributions, result.risk_contributions)
        columns = zip(result.axes["asset"], *(np.asarray(p, dtype=float) for p in parts), strict=True)
        rows = [(str(asset), *(_number("share", v) for v in row)) for asset, *row in columns]
        made.append(_table("Exposures", ["", "weight", "of the return a year", "of the volatility"], rows))
    return "".join(made)


def _table(caption: str, head: list[str], rows: list[Any]) -> str:
    left, right = "text-align:left;padding:0 .7rem 0 0", "text-align:right;padding:0 .7rem"
    top = "".join(
        f'<th scope="col" style="{left if k == 0 else right}">{html.escape(h)}</th>' for k, h in enumerate(head)
    )
    body = "".join(
        f'<tr><th scope="row" style="{left}">{html.escape(first)}</th>'
        + "".join(f'<td style="{right}">{html.escape(v)}</td>' for v in rest)
        + "</tr>"
        for first, *rest in rows
    )
    title = f'<caption style="text-align:left;font-weight:600">{caption}</caption>'
    return f"<table>{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _title(name: str) -> str:
    return "CAGR" if name == "cagr" else name.replace("_", " ").capitalize()


def _number(name: str, value: float) -> str:
    """Write a share in percent, and a ratio as it is."""
    if math.isnan(value):
        return "–"
    return f"{value:.2f}" if any(one in name for one in _RATIOS) else f"{100 * value:,.2f} %"
