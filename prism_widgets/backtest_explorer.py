"""``BacktestExplorer``: every point of a grid while costs move, the path of the one that is looked at, and its luck."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import panel as pn
import panel_material_ui as pmui

from prism_kernels import Run
from prism_kernels.finance.strategies import Objective
from prism_widgets import runtime
from prism_widgets.backtest_view import PathView
from prism_widgets.controls import title_of
from prism_widgets.explorer import Explorer
from prism_widgets.job import Job, Outcome, Request, sentence
from prism_widgets.outcome import card
from prism_widgets.views import View, view_for
from prism_widgets.views.finance_backtest import BacktestView

__all__ = ["BacktestExplorer"]

_WIDE = "stretch_width"
_FIRST = {
    "strategy": "moving_average",
    "parameters": {"fast": list(range(2, 62, 2)), "slow": list(range(70, 370, 10))},
    "fees": 0.001,
    "live": True,
}
_MOST_POINTS = 100  # basis points on the slider of costs
_SINGLE = ("buy_and_hold", "moving_average", "momentum", "signals")
_TABLES = ("prices", "open_prices", "entries", "exits")


class BacktestExplorer(Explorer):
    """See a measure at every point of a strategy's grid while costs move, and the path of the point looked at.

    Parameters
    ----------
    prices
        What to trade first: a sample's name, or anything ``backtest`` reads.
    **first
        What settings hold first.
    """

    def __init__(self, prices: Any = "sp500_stocks", **first: Any) -> None:
        own = {k: v for k, v in _FIRST.items() if k != "parameters" or "strategy" not in first}
        self._point, self._round, self._busy = -1, 0, False
        self._grid: tuple[Any, ...] = ()
        super().__init__("finance.backtest", prices, **{**own, **first})

    def _build(self) -> None:
        super()._build()
        self._costs = _slider(pmui.IntSlider, "Costs of an order, basis points", start=0, end=_MOST_POINTS, value=0)
        self._measure = pmui.Select(label="Measure", options=[], size="small", width=200, margin=(4, 16))
        self._best = pmui.Button(label="Go to the best", variant="outlined", size="small", width=150, margin=(16, 8))
        self._moves = [_slider(pmui.DiscreteSlider, "Parameter", options=[0, 1], value=0) for _ in range(3)]
        self._path_job, self._path = Job(), PathView()
        self._path.height = 220
        self._trouble = pn.pane.HTML("", visible=False, sizing_mode=_WIDE, margin=(4, 10))
        self._chooser = pn.Column(
            pn.Row(self._measure, self._best, margin=0), *self._moves, self._trouble, self._path,
            sizing_mode=_WIDE, margin=0, visible=False,
        )  # fmt: skip
        self._right.insert(0, self._costs)
        self._outcome.below.append(self._chooser)
        self._priced()

    def _wire(self) -> None:
        super()._wire()
        self.form.controls["fees"].param.watch(self._priced, "value")
        self._costs.param.watch(self._charged, "value")
        self._measure.param.watch(lambda _: runtime.on_screen(self._measured), "value")
        self._best.on_click(lambda _: runtime.on_screen(lambda: self._pick(-1)))
        for move in self._moves:
            move.param.watch(lambda _: runtime.on_screen(self._moved), "value")

    def _view_for(self, result: Any) -> View:
        if type(result).__name__ != "Backtest":
            return view_for(result)
        made = BacktestView()
        made.chosen = lambda point: runtime.on_screen(lambda: self._pick(point))
        made._series.param.watch(lambda _: runtime.on_screen(lambda: self._pick(self._point)), "value")
        return made

    # --- costs

    def _priced(self, *_: Any) -> None:
        """Let the slider say what the setting holds, where it can."""
        fees = self.form.controls["fees"].value
        if isinstance(fees, int | float) and not isinstance(fees, bool) and 0 <= fees <= _MOST_POINTS / 1e4:
            self._costs.value = round(1e4 * fees)

    def _charged(self, *_: Any) -> None:
        control, fees = self.form.controls["fees"], self._costs.value / 1e4
        if not isinstance(control.value, int | float) or round(1e4 * control.value) != self._costs.value:
            control.value = fees

    # --- the point that is looked at

    def _show_done(self) -> None:
        result, view = self.job.outcome.run.result, self._outcome.view
        grid = tuple(result.axes["parameter"])
        if grid != self._grid:
            self._grid, self._point = grid, -1
            self._offer(result)
        names = {title_of(str(m)): str(m) for m in result.axes["metric"]}
        if self._measure.options != names:
            shown = "sharpe_ratio" if "sharpe_ratio" in names.values() else next(iter(names.values()))
            self._measure.param.update(options=names, value=shown)
        if isinstance(view, BacktestView):
            view.point = self._point
        super()._show_done()
        self._chooser.visible = True
        self._pick(self._point)

    def _offer(self, result: Any) -> None:
        """Give each parameter a slider over its values."""
        names = [str(n) for n in result.axes["setting"]]
        points = np.asarray(result.to_numpy().points)
        for k, move in enumerate(self._moves):
            values = sorted(set(points[:, k].tolist())) if k < len(names) else []
            move.visible = len(values) > 1
            if move.visible:
                options = {_written(names[k], v): v for v in values}
                with pn.io.hold():
                    move.param.update(label=title_of(names[k]), options=options, value=values[0])

    def _moved(self) -> None:
        """Look at the point that the sliders say, the nearest one where a grid has gaps."""
        if self.result is None or self._busy:
            return
        points = np.asarray(self.result.to_numpy().points)
        wish = [m.value if m.visible else points[0, k] for k, m in enumerate(self._moves[: points.shape[1]])]
        spread = np.ptp(points, axis=0)
        away = np.abs(points - np.asarray(wish, dtype=float)) / np.where(spread > 0, spread, 1.0)
        found = int(away.sum(axis=1).argmin())
        if found != self.point:
            self._pick(found)

    @property
    def point(self) -> int:
        """Number of the point that is looked at: the one chosen, or the best of the asset shown."""
        view = self._outcome.view
        if self.result is None or view is None:
            return -1
        return self._point if self._point >= 0 else int(self.result.best[view.place])

    def _pick(self, point: int) -> None:
        """Look at a point; -1 is the best of the asset shown, whatever the costs."""
        view = self._outcome.view
        if self.result is None or not isinstance(view, BacktestView):
            return
        self._point = point
        view.choose(point)
        here = self.point
        if here < 0:
            return
        values = np.asarray(self.result.to_numpy().points)[here]
        self._busy = True
        for move, value in zip(self._moves, values, strict=False):
            if move.visible:
                move.value = float(value)
        self._busy = False
        self._look()

    def _measured(self) -> None:
        view = self._outcome.view
        if isinstance(view, BacktestView) and self._measure.value:
            view.metric = str(self._measure.value)
            view.choose(self._point)

    # --- its path

    def _look(self) -> None:
        self._round += 1
        runtime.spawn(functools.partial(self._looked, self._round))

    async def _looked(self, mine: int) -> None:
        """Compute the path of the point looked at; a newer one ends it."""
        view = self._outcome.view
        if self.job.outcome is None or view is None:
            return
        request = _request(self.job.outcome.run, self.point, view.place)
        outcome = await self._path_job.start(request)
        if self._round == mine:
            runtime.on_screen(functools.partial(self._show_path, outcome, self._path_job.error))

    def _show_path(self, outcome: Outcome | None, error: BaseException | None) -> None:
        self._trouble.param.update(object=card("Path", sentence(error)) if error else "", visible=error is not None)
        if outcome is not None:
            self._path.update(outcome.run.result, outcome.run.provenance.inputs)


def _request(run: Run, point: int, asset: int) -> Request:
    """Return the run of one point, with one asset where each has a path of its own, that keeps the values."""
    result = run.result.to_numpy()
    settings: dict[str, Any] = {**run.given, "keep": "equity"}
    settings.pop("parameters", None)
    if result.axes["setting"]:
        settings["parameters"] = _one(dict(zip(result.axes["setting"], result.points[point].tolist(), strict=True)))
    data = dict(run.provenance.inputs)
    if settings.get("strategy", "buy_and_hold") in _SINGLE:
        data = {n: _column(d, result.axes["asset"][asset], asset) if n in _TABLES else d for n, d in data.items()}
    return Request(operation=run.row, data=data, settings=settings)


def _column(table: Any, name: str, place: int) -> Any:
    """Return one asset of a table, by its name where it has it."""
    return table.take(assets=[table.assets.index(name) if name in table.assets else place])


def _one(values: Mapping[str, float]) -> dict[str, list[Any]]:
    """Write a point as a grid of one."""
    found: dict[str, list[Any]] = {}
    for name, value in values.items():
        if name == "objective":
            found[name] = [get_args(Objective)[int(value)]]
        else:
            found[name] = [int(value) if name in ("fast", "slow", "lookback", "window", "every") else value]
    return found


def _written(name: str, value: float) -> str:
    return get_args(Objective)[int(value)].replace("_", " ") if name == "objective" else f"{value:g}"


def _slider(kind: Any, label: str, **options: Any) -> Any:
    made = kind(label=label, size="small", sizing_mode=_WIDE, margin=(4, 16), **options)
    made._debounce = 1  # ms; a run under way gathers further changes by itself
    return made
