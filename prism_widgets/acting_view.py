"""What acting costs against what it brings: every turnover there could be, and where the policies stand."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import panel as pn

from prism_widgets import runtime
from prism_widgets.views.finance_orders import orders_table, percent
from prism_widgets.views.plot import darken, figure, fill
from prism_widgets.views.view import BLUE, GREEN, GREY, ORANGE, PURPLE, RED

__all__ = ["ActingView", "basis_points", "named"]

_WIDE = "stretch_width"
_HEIGHT = 280
_UNIT = 1e4  # basis points in one
_MARKERS = {
    "full": ("square", PURPLE),
    "threshold": ("triangle", ORANGE),
    "no_trade_region": ("diamond", GREY),
    "cost_aware": ("circle", GREEN),
}
_EMPTY: dict[str, list[float]] = {"x": [], "y": []}


class ActingView(pn.viewable.Viewer):
    """Draws the most that each turnover can bring, what it costs, and the policies; and the policies as a table."""

    def __init__(self) -> None:
        super().__init__()
        self._figure: Any = None
        self.table = pn.pane.HTML("", sizing_mode=_WIDE, margin=(4, 4))
        self._words = pn.pane.HTML("", sizing_mode=_WIDE, margin=(4, 12))
        self._layout = pn.Column(sizing_mode=_WIDE, margin=0, visible=False)

    def _build(self) -> None:
        from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter

        self._most, self._cost = ColumnDataSource(_EMPTY), ColumnDataSource(_EMPTY)
        self._points = {n: ColumnDataSource({c: [] for c in ("x", "y", "net", "name")}) for n in _MARKERS}
        made = figure(x_label="turnover", y_label="basis points", height=_HEIGHT, tools="save,reset")
        made.line("x", "y", source=self._most, color=BLUE, line_width=2.4, legend_label="the most it can bring")
        made.line(
            "x", "y", source=self._cost, color=RED, line_width=2, line_dash="dashed", legend_label="what it costs"
        )
        marks = []
        for (name, (marker, colour)), source in zip(_MARKERS.items(), self._points.values(), strict=True):
            look = {"marker": marker, "size": 12, "color": colour, "line_color": "white", "legend_label": named(name)}
            marks.append(made.scatter("x", "y", source=source, **look))
        tips = [("", "@name"), ("turnover", "@x{0.0 %}"), ("brings", "@y{0.00}"), ("after cost", "@net{0.00}")]
        made.add_tools(HoverTool(tooltips=tips, renderers=marks))
        made.xaxis.formatter = NumeralTickFormatter(format="0 %")
        made.add_layout(made.legend[0], "right")
        if runtime.where() == "server" and pn.config.theme == "dark":
            darken(made)
        self._figure = made
        title = '<h3 style="font-size:16px;font-weight:600;margin:0">What acting costs, and what it brings</h3>'
        self._layout.objects = [
            pn.pane.HTML(title, margin=(12, 12, 0, 12)),
            pn.pane.Bokeh(made, sizing_mode=_WIDE, margin=(4, 8)),
            self._words,
            self.table,
        ]

    def show(self, results: Mapping[str, Any], chosen: str) -> None:
        """Show where policies stand.

        Parameters
        ----------
        results
            Rebalancings by the name of their policy, in numpy.
        chosen
            The policy on screen.
        """
        known = {n: r for n, r in results.items() if r.utility_gain is not None}
        self._layout.visible = bool(known)
        if not known:
            return
        if self._figure is None:
            self._build()
        for name, source in self._points.items():
            there = [known[name]] if name in known else []
            net = [_UNIT * r.utility_gain for r in there]
            before = [_UNIT * (r.utility_gain + r.cost) for r in there]
            fill(source, x=[r.turnover for r in there], y=before, net=net, name=[named(name)] * len(there))
        rows = [(f"{named(n)} (shown)" if n == chosen else named(n), *_numbers(r)) for n, r in known.items()]
        head = ("policy", "turnover", "brings", "costs", "after costs", "orders")
        self.table.object = orders_table("Policies beside each other, in basis points of the portfolio", head, rows)
        self._words.object = f'<p style="margin:0;font-size:14px">{html.escape(_said(known, chosen))}</p>'

    def draw(self, turnover: Sequence[float], most: Sequence[float], cost: float) -> None:
        """Draw the most that each turnover can bring, and what it costs.

        Parameters
        ----------
        turnover
            Half sums of absolute changes.
        most
            What the best trades of each bring before costs, as shares of the portfolio.
        cost
            Of trading, as a share of what is traded.
        """
        if self._figure is None:
            return
        x = np.asarray(turnover, dtype=float)
        fill(self._most, x=x, y=_UNIT * np.asarray(most, dtype=float))
        fill(self._cost, x=x, y=_UNIT * 2 * cost * x)

    def grey(self, stale: bool) -> None:
        """Fade what is not of the run on screen any more.

        Parameters
        ----------
        stale
            Whether it is not.
        """
        self._layout.styles = {"opacity": "0.45"} if stale else {}

    def __panel__(self) -> Any:
        return self._layout


def basis_points(share: float) -> str:
    """Write a share in basis points.

    Parameters
    ----------
    share
        0.0001 for one.
    """
    number = _UNIT * float(share)
    return f"{0.0 if abs(number) < 5e-3 else number:,.2f}"


def named(policy: str) -> str:
    """Write the name of a policy as words.

    Parameters
    ----------
    policy
        Its name.
    """
    return policy.replace("_", " ")


def _numbers(result: Any) -> tuple[str, ...]:
    gain = result.utility_gain
    orders = int(np.count_nonzero(np.asarray(result.trades)))
    return (
        percent(result.turnover),
        basis_points(gain + result.cost),
        basis_points(result.cost),
        basis_points(gain),
        str(orders),
    )


def _said(results: Mapping[str, Any], chosen: str) -> str:
    best = max(results, key=lambda n: results[n].utility_gain)
    shown = results.get(chosen)
    if shown is None:
        return ""
    told = f"{named(chosen)} brings {basis_points(shown.utility_gain)} basis points after costs"
    if best == chosen or results[best].utility_gain - shown.utility_gain < 5e-7:
        return f"{told.capitalize()}; none of the others brings more."
    return f"{told.capitalize()}; {named(best)} brings {basis_points(results[best].utility_gain)}."
