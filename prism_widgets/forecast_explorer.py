"""``ForecastExplorer``: a forecast, and beside it all that tells whether to believe it."""

from __future__ import annotations

import dataclasses
import functools
import html
from collections.abc import Mapping
from typing import Any

import panel as pn
import panel_material_ui as pmui

from prism_kernels import Run, Series, find
from prism_widgets import runtime
from prism_widgets.explorer import Explorer
from prism_widgets.forecast_view import LinkedForecastView
from prism_widgets.job import Job, Request, known, sentence
from prism_widgets.views import View, view_for

__all__ = ["ForecastExplorer"]

_WIDE = "stretch_width"
_HORIZON = 24
_IN_SIGHT = ("model", "season_length", "interval")  # beside what is required
_WINDOWS = 3
# What is computed beside a forecast, in this order, and what it is called on screen.
_BESIDE = {
    "diagnosis": ("timeseries.diagnose", "Residuals"),
    "parts": ("timeseries.decompose", "Parts"),
    "anomalies": ("timeseries.anomaly", "Anomalies"),
    "changes": ("timeseries.trend", "Change points"),
    "checked": ("timeseries.cross_validate", "Cross-validation"),
}
_ON_TIME_AXIS = ("parts", "anomalies", "changes")


class ForecastExplorer(Explorer):
    """Forecast a series and look at its parts, residuals, past scores, anomalies and changes at the same time.

    Parameters
    ----------
    y
        What to forecast first: a sample's name, or anything ``forecast`` reads.
    **first
        What settings hold first.
    """

    def __init__(self, y: Any = "elnino", **first: Any) -> None:
        defaults = find("timeseries.forecast").defaults
        super().__init__("timeseries.forecast", y, **{"h": _HORIZON, **{n: defaults[n] for n in _IN_SIGHT}, **first})

    def _build(self) -> None:
        super()._build()
        self._jobs = {name: Job() for name in _BESIDE}
        self._round = 0
        self._views: dict[type, View] = {}
        self._said: dict[str, str] = {}
        self._words = pn.pane.HTML("", sizing_mode=_WIDE, margin=(4, 10))
        self._scores = pn.pane.HTML("", sizing_mode=_WIDE, margin=(4, 10))
        self._diagnosis, self._checked = (pn.Column(sizing_mode=_WIDE, margin=0) for _ in range(2))
        self._beside = pmui.Accordion(
            ("Residuals", self._diagnosis),
            ("Cross-validation", self._checked),
            title_variant="body1", active=[0, 1], visible=False, sizing_mode=_WIDE, margin=(8, 8),
        )  # fmt: skip
        self._right.extend([self._words, self._beside])
        self._stop.on_click(lambda _: self._leave())

    def _view_for(self, result: Any) -> View:
        return LinkedForecastView() if type(result).__name__ == "Forecast" else view_for(result)

    def _show_done(self) -> None:
        super()._show_done()
        runtime.when_shown(self._look_beside)

    def _show_running(self) -> None:
        super()._show_running()
        self._leave()

    def _leave(self) -> None:
        self._round += 1
        for job in self._jobs.values():
            job.cancel()

    async def _look_beside(self) -> None:
        """Compute what stands beside the forecast on screen, one after another; a newer round ends it."""
        run, self._round = self.job.outcome.run, self._round + 1
        mine = self._round
        found: dict[str, Any] = {}
        waiting: dict[str, BaseException | None] = {}
        for name in _BESIDE:
            request = _request(name, run, found)
            if waiting and not known(request):  # what is there need not wait for what takes its time
                runtime.on_screen(functools.partial(self._show_all, found, waiting))
                waiting = {}
            outcome = await self._jobs[name].start(request)
            if self._round != mine:
                return
            found[name] = None if outcome is None else outcome.run.result
            waiting[name] = self._jobs[name].error
        runtime.on_screen(functools.partial(self._show_all, found, waiting))

    def _show_all(self, found: Mapping[str, Any], waiting: Mapping[str, BaseException | None]) -> None:
        for name, error in waiting.items():
            self._show_beside(name, found[name], error)

    def _show_beside(self, name: str, result: Any, error: BaseException | None) -> None:
        view = self._outcome.view
        self._said.pop(name, None)
        if name in _ON_TIME_AXIS and isinstance(view, LinkedForecastView):
            view.show_beside(name, result)
        if error is not None:
            self._said[name] = f"{_BESIDE[name][1]}: {sentence(error)}"
        elif result is not None and name in _ON_TIME_AXIS:
            shown = self._view_of(result)
            shown.result = result.to_numpy()
            place = view.place if view is not None else 0
            self._said[name] = f"{_BESIDE[name][1]}. {shown.summary(shown.result, place)}"
        if result is not None and name == "diagnosis":
            self._fill(self._diagnosis, result)
        if result is not None and name == "checked":
            self._scores.object = _scores(result)
            self._fill(self._checked, result, self._scores)
        said = [html.escape(self._said[n]) for n in _BESIDE if n in self._said]
        self._words.object = "".join(f"<p style='margin:2px 0;font-size:14px'>{text}</p>" for text in said)
        self._beside.visible = bool(self._diagnosis.objects or self._checked.objects)

    def _view_of(self, result: Any) -> View:
        """Return the one view of results of this kind; making another costs a moved slider several milliseconds."""
        if type(result) not in self._views:
            self._views[type(result)] = view_for(result)
        return self._views[type(result)]

    def _fill(self, place: Any, result: Any, *more: Any) -> None:
        shown = self._view_of(result)
        shown.update(result)
        if not place.objects:
            place.objects = [shown, *more]


def _request(name: str, run: Run, found: Mapping[str, Any]) -> Request:
    """Return what to compute beside a forecast, with the settings that both share.

    Residuals are those of the forecast; changes are sought in the series without its season, where that was found.
    """
    series = Series.of(run.provenance.inputs["y"])
    data: dict[str, Any] = {"y": series}
    settings: dict[str, Any] = {}
    if name == "diagnosis":
        data = {"y": _in_place_of(series, run.result.residuals)}
    elif name == "parts":
        season = run.given.get("season_length")
        settings = {} if season in (None, 1) else {"period": season}
    elif name == "changes":
        parts = found.get("parts")
        settings = {"method": "changepoint", "min_size": 2 if parts is None else 2 * parts.period[-1]}
        data = data if parts is None else {"y": _in_place_of(series, parts.adjusted())}
    elif name == "checked":
        settings = {**_shared(run, "timeseries.cross_validate"), "n_windows": _WINDOWS}
        exog = run.provenance.inputs.get("exog")
        data = data if exog is None else {**data, "exog": exog}
    return Request(operation=find(_BESIDE[name][0]), data=data, settings=settings)


def _in_place_of(series: Series, values: Any) -> Series:
    """Return other values at the same dates, under the same names."""
    return dataclasses.replace(series, values=values, source="")


def _shared(run: Run, other: str) -> dict[str, Any]:
    rules = find(other).rules
    return {k: v for k, v in run.given.items() if k in rules}


def _scores(result: Any) -> str:
    """Write the scores of a cross-validation as a table."""
    import pandas as pd

    names, scores = list(result.axes["series"]), list(result.axes["score"])
    frame = pd.DataFrame(result.to_numpy().scores.T, index=names, columns=scores)
    table = frame.to_html(border=0, float_format=lambda v: f"{v:.4g}", classes="prism-table")
    region = 'tabindex="0" role="region" aria-label="Scores over all windows" style="overflow:auto"'
    return f"<div {region}>{table}</div>"
