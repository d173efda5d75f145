"""``FrontierExplorer``: the exact frontier while a limit moves, and its portfolios beside each other."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import math
from typing import Any

import panel as pn
import panel_material_ui as pmui

from prism_kernels import InvalidInput, find
from prism_kernels.rules import Many
from prism_widgets import runtime
from prism_widgets.controls import control_for
from prism_widgets.explorer import Explorer
from prism_widgets.folds import Folds
from prism_widgets.frontier_view import COLOURS, FrontierView, Portfolio, told
from prism_widgets.job import Job, Outcome, Request, sentence
from prism_widgets.outcome import escaped
from prism_widgets.portfolio_comparison import PortfolioComparison, losses_table
from prism_widgets.views import View, view_for

__all__ = ["FrontierExplorer"]

_WIDE = "stretch_width"
_FIRST = {"objective": "max_sharpe", "weight_bounds": (0.0, 1.0), "covariance_estimator": "sample"}
_POINTS = 60
_STEP = 0.01
_DIGITS, _ALIKE = 6, 1e-6
_REST_SECONDS = 0.2
_MOST_PINNED = len(COLOURS) - 2
_TABLE, _STRESS = "Weights and risk as a table", "Stress"
_FALL = {"name": "all fall by a fifth", "change": -0.2}


class FrontierExplorer(Explorer):
    """See the efficient frontier move with the largest weight, look at its corners, pin, compare and stress portfolios.

    Parameters
    ----------
    returns
        What to invest in first: a sample's name, or anything ``optimize`` reads.
    **first
        What settings hold first.
    """

    def __init__(self, returns: Any = "sp500_stocks", **first: Any) -> None:
        self._pinned: list[Portfolio] = []
        self._marked: list[Portfolio] = []
        self._compared = 0
        super().__init__("finance.optimize", returns, **{"frontier_points": _POINTS, **_FIRST, **first})

    def _build(self) -> None:
        self.form.fold("frontier_points")
        super()._build()
        self._limit = _slider(pmui.FloatSlider, "Largest weight", start=_STEP, end=1.0, step=_STEP, value=1.0)
        self._corner = _slider(pmui.IntSlider, "Corner portfolio", start=1, end=2, step=1, value=1)
        self._said = pn.pane.HTML("", sizing_mode=_WIDE, margin=(0, 16))
        self._pin = pmui.Button(label="Pin", variant="outlined", size="small", width=90)
        self._unpin = pmui.Button(label="Unpin all", variant="outlined", size="small", width=110, disabled=True)
        self._comparison = PortfolioComparison()
        self._scenarios = _scenarios()
        self._losses = pn.pane.HTML("", sizing_mode=_WIDE, margin=(4, 10))
        self._stress_job, self._round = Job(), 0
        self._beside = Folds(
            {_TABLE: lambda: [self._comparison.table], _STRESS: lambda: [self._scenarios, self._losses]},
            opened=lambda name: self._stress() if name == _STRESS else None,
        )
        self._chooser = pn.Row(
            self._limit, self._corner, self._pin, self._unpin, sizing_mode=_WIDE, margin=0,
            styles={"flex-wrap": "wrap", "align-items": "center"},
        )  # fmt: skip
        self._right.insert(0, self._chooser)
        self._right.insert(1, self._said)
        self._right.extend([self._comparison, self._beside])
        self._shown(False)
        self._bounded()

    def _wire(self) -> None:
        super()._wire()
        self.form.controls["weight_bounds"].param.watch(self._bounded, "value")
        self._limit.param.watch(self._limited, "value")
        self._corner.param.watch(lambda _: runtime.on_screen(self._look), "value")
        self._pin.on_click(lambda _: runtime.on_screen(self._pin_it))
        self._unpin.on_click(lambda _: runtime.on_screen(self._unpin_all))
        self._scenarios.param.watch(lambda _: self._stress(), "value")

    def _view_for(self, result: Any) -> View:
        return FrontierView() if type(result).__name__ == "OptimalPortfolio" else view_for(result)

    # --- the limit

    def _bounded(self, *_: Any) -> None:
        """Let the slider say what the setting holds, where it is a number that a slider can say."""
        value = self.form.controls["weight_bounds"].value
        most = value[1] if isinstance(value, list | tuple) and len(value) == 2 else None
        if not isinstance(most, int | float) or isinstance(most, bool) or most < self._limit.start:
            return
        if abs(most - self._limit.value) > _ALIKE:  # writing the last bit back would take a moving slider with it
            self._limit.param.update(end=max(self._limit.end, float(most)), value=float(most))

    def _reach(self) -> None:
        """Let the slider begin where the limit can still be met: all assets at the largest weight."""
        least = math.ceil(100 * float(self.form.values()["budget"]) / len(self.result.assets)) / 100
        self._limit.start = min(max(least, _STEP), self._limit.value)

    def _limited(self, *_: Any) -> None:
        control, most = self.form.controls["weight_bounds"], round(float(self._limit.value), _DIGITS)
        if isinstance(control.value, list | tuple) and len(control.value) == 2 and control.value[1] != most:
            control.value = (control.value[0], most)

    # --- portfolios

    def _show_done(self) -> None:
        super()._show_done()
        found = self.result.frontier
        corners = 0 if found is None else len(found.corners)
        place = min(self._corner.value, max(corners, 1))
        self._corner.param.update(end=max(corners, 2), value=place, disabled=corners < 2)
        self._reach()
        names = self.result.assets
        self._pinned = [p for p in self._pinned if p.assets == tuple(names)]
        self._shown(True)
        self._compare(soon=bool(self._comparison.portfolios))

    def _shown(self, there: bool) -> None:
        """Show what compares portfolios once there are some."""
        for part in (self._corner, self._pin, self._unpin, self._said, self._beside):
            part.visible = there

    def _look(self) -> None:
        self._compare(soon=True)

    def compared(self) -> list[Portfolio]:
        """Return the portfolios that stand beside each other: the best, the corner looked at, and those pinned."""
        if self.result is None:
            return []
        result = self.result.to_numpy()
        looked = [] if result.frontier is None else [Portfolio.corner(result, self._place(result))]
        return [Portfolio.best(result), *looked, *self._pinned]

    def _place(self, result: Any) -> int:
        return min(int(self._corner.value), len(result.frontier.corners)) - 1

    def _compare(self, *, soon: bool = False) -> None:
        """Mark the portfolios in the picture, and put them beside each other; a moment later while a slider moves."""
        view, shown = self._outcome.view, self.compared()
        if not isinstance(view, FrontierView) or not shown:
            return
        self._marked = shown
        view.choose(shown)
        self._compared += 1
        if not (soon and runtime.spawn(functools.partial(self._settle, self._compared))):
            self._lay_out()

    async def _settle(self, mine: int) -> None:
        await asyncio.sleep(_REST_SECONDS)
        if mine == self._compared:
            runtime.on_screen(self._lay_out)

    def _lay_out(self) -> None:
        shown = self._marked
        self._comparison.show(shown)
        looked = shown[1] if self.result.frontier is not None else shown[0]
        full = len(self._pinned) >= _MOST_PINNED
        rest = f" {_MOST_PINNED} are pinned, which is all there is room for." if full else ""
        self._said.object = f'<div style="font-size:14px">{escaped(f"{looked.name}: {told(looked)}.{rest}")}</div>'
        self._pin.disabled = full
        self._unpin.disabled = not self._pinned
        if self._beside.is_open(_STRESS):
            self._stress()

    def _pin_it(self) -> None:
        shown = self.compared()
        if len(shown) < 2 or len(self._pinned) >= _MOST_PINNED:
            return
        letter = "ABCDEFGH"[len(self._pinned)]
        most = f"{self._limit.value:.2g}"
        name = f"{letter}: {shown[1].name.lower()}, largest weight {most}"
        self._pinned = [*self._pinned, dataclasses.replace(shown[1], name=name)]
        self._compare()

    def _unpin_all(self) -> None:
        self._pinned = []
        self._compare()

    # --- stress

    def _stress(self) -> None:
        self._round += 1
        runtime.spawn(functools.partial(self._stressed, self._round))

    async def _stressed(self, mine: int) -> None:
        """Suffer the scenarios with each portfolio that is compared, one after another; a newer round ends it."""
        rows: list[tuple[Portfolio, Any]] = []
        for portfolio in list(self._marked):
            outcome = await self._stress_job.start(self._request_for(portfolio))
            if self._round != mine:
                return
            if outcome is None:
                error = self._stress_job.error
                runtime.on_screen(functools.partial(self._refuse_stress, error))
                return
            rows.append((portfolio, _losses(outcome)))
        runtime.on_screen(functools.partial(self._show_stress, rows))

    def _request_for(self, portfolio: Portfolio) -> Request:
        weights = dict(zip(portfolio.assets, portfolio.weights.tolist(), strict=True))
        settings = {"scenarios": self._scenarios.value, "budget": float(portfolio.weights.sum())}
        data = {"returns": self.pickers["returns"].value, "weights": weights}
        return Request(operation=find("finance.risk"), data=data, settings=settings)

    def _show_stress(self, rows: list[tuple[Portfolio, Any]]) -> None:
        self._scenarios.refuse("")
        self._losses.object = losses_table(rows)

    def _refuse_stress(self, error: BaseException | None) -> None:
        if error is None:
            return
        where = error.where if isinstance(error, InvalidInput) else ""
        self._scenarios.refuse(sentence(error), where)
        self._losses.object = ""


def _losses(outcome: Outcome) -> Any:
    return outcome.run.result.stress or ()


def _scenarios() -> Any:
    """Return the control of the scenarios that ``finance.risk`` takes, with one to begin with."""
    row = find("finance.risk")
    rule = row.rules["scenarios"]
    many: Any = next((o for o in getattr(rule, "options", (rule,)) if isinstance(o, Many)), rule)
    first = (many.item.kind(**_FALL),)
    return control_for(many, label="Scenarios", value=first, about=row.documentation.get("scenarios", ""))


def _slider(kind: Any, label: str, **options: Any) -> Any:
    made = kind(label=label, size="small", min_width=200, margin=(4, 16), styles={"flex": "1 1 200px"}, **options)
    made._debounce = 1  # ms; a run under way gathers further changes by itself
    return made
