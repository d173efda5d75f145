"""What a portfolio can lose, and which asset adds how much to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_widgets.views.plot import figure, fill
from prism_widgets.views.view import BLUE, ORANGE, RED, View, words

__all__ = ["RiskView"]

_STRESS_HEIGHT = 200
_MOST = 60  # assets that are drawn, those that add most


class RiskView(View):
    """Shows what each asset adds to the value at risk beside its weight, and the loss of each scenario."""

    def __init__(self) -> None:
        super().__init__()
        self._series.label = "Level shown"

    def _names(self) -> Any:
        return [f"{level:.4g}" for level in self.result.axes["level"]]

    def _build(self, result: Any) -> Any:
        from bokeh.layouts import column
        from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter
        from bokeh.transform import dodge

        self._shares = ColumnDataSource({"asset": [], "weight": [], "component": [], "share": []})
        made = figure(y_label="share", height=self.height, x_range=["asset"], x_axis_type="auto")
        for name, colour, label, place in (("weight", BLUE, "of the weights", -0.2), ("share", ORANGE, "of VaR", 0.2)):
            where = dodge("asset", place, range=made.x_range)
            made.vbar(where, 0.36, name, source=self._shares, color=colour, legend_label=label)
        tips = [("asset", "@asset"), ("weight", "@weight{0.0 %}"), ("adds to VaR", "@component{0.00 %}")]
        made.add_tools(HoverTool(tooltips=tips))
        made.xaxis.major_label_orientation = 0.8
        made.yaxis.formatter = NumeralTickFormatter(format="0 %")
        made.legend.background_fill_alpha = 0.6
        self._made, self._stress = made, ColumnDataSource({"scenario": [], "loss": []})
        self._stressed = figure(y_label="loss", height=_STRESS_HEIGHT, x_range=["scenario"], x_axis_type="auto")
        self._stressed.vbar("scenario", 0.5, "loss", source=self._stress, color=RED)
        self._stressed.yaxis.formatter = NumeralTickFormatter(format="0 %")
        self._stressed.add_tools(HoverTool(tooltips=[("scenario", "@scenario"), ("loss", "@loss{0.0 %}")]))
        return column(made, self._stressed, sizing_mode="stretch_width")

    def _draw(self, result: Any, place: int) -> None:
        component = np.asarray(result.component_var[place], dtype=float)
        kept = np.sort(np.argsort(-np.abs(component), kind="stable")[:_MOST])
        names = [str(result.axes["asset"][k]) for k in kept]
        whole = float(result.value_at_risk[place])
        share = component[kept] / whole if whole else np.zeros(len(kept))
        self._made.x_range.factors = names
        weights = np.asarray(result.weights, dtype=float)[kept]
        fill(self._shares, asset=names, weight=weights, component=component[kept], share=share)
        told = result.stress or ()
        self._stressed.visible = bool(told)
        self._stressed.x_range.factors = [one.scenario for one in told] or [""]
        fill(self._stress, scenario=[one.scenario for one in told], loss=[one.loss for one in told])

    def _describe(self, result: Any, place: int) -> str:
        level = result.axes["level"][place]
        parts = [
            f"Value at risk at {level:.4g} is {_percent(result.value_at_risk[place])} "
            f"and expected shortfall {_percent(result.expected_shortfall[place])}"
        ]
        component = np.asarray(result.component_var[place], dtype=float)
        if len(component) > 1:
            most = int(component.argmax())
            parts.append(f"{result.axes['asset'][most]} adds most, {_percent(component[most])}")
        parts.append(f"volatility {_percent(result.volatility)} a year")
        if result.drawdowns:
            deepest = result.drawdowns[0]
            back = f"back {deepest.recovery}" if deepest.recovery else "not back yet"
            fall = f"deepest drawdown {_percent(deepest.depth)}, from {deepest.start} to {deepest.trough}, {back}"
            parts.append(fall)
        if result.beta is not None:
            parts.append(f"beta {words(float(result.beta))}")
        if result.stress:
            worst = max(result.stress, key=lambda one: one.loss)
            parts.append(f"the worst scenario, {worst.scenario}, costs {_percent(worst.loss)}")
        return "; ".join(parts) + "."


def _percent(share: Any) -> str:
    return f"{100 * float(share):.3g} %"
