"""Where the windows of a cross-validation are cut, and how many of them a series is long enough for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Series
from prism_kernels.operation import find
from prism_kernels.refusal import counted
from prism_kernels.timeseries import intervals
from prism_kernels.timeseries.forecast_settings import posed
from prism_kernels.timeseries.models import model_named
from prism_kernels.timeseries.preparation import TOO_SHORT, Fault, prepare, short_faults

__all__ = ["cuts_of", "part"]


def part(series: Series, begin: int, end: int) -> Series:
    """Return the periods of a series from one to before another.

    Parameters
    ----------
    series
        The data.
    begin, end
        First period, and the one after the last.
    """
    index = None if series.index is None else series.index[begin:end]
    return Series(series.values[:, begin:end], series.names, index, series.frequency)


def cuts_of(y: Series, exog: Series | None, windows: tuple[int, int, int], settings: Mapping[str, Any]) -> list[int]:
    """Return the first period ahead of each window.

    Parameters
    ----------
    y, exog
        The series, and regressors over the same periods.
    windows
        Number of windows, periods of each, and periods from one to the next.
    settings
        Those of the forecasts.

    Raises
    ------
    InvalidInput
        Where the first window leaves too little of a series for the model or its intervals; the number of windows that
        fit is named.
    """
    count, h, step = windows
    whole = {**find("timeseries.forecast").defaults, **settings, "h": h}
    last = y.length - h
    first = last - (count - 1) * step
    faults = _faults(y, exog, first, whole)
    if not faults:
        return [first + k * step for k in range(count)]
    least, most = 0, count - 1  # so many fit, and no more than so many
    while least < most:
        middle = (least + most + 1) // 2
        fits = not _faults(y, exog, last - (middle - 1) * step, whole)
        least, most = (middle, most) if fits else (least, middle - 1)
    raise _too_many(y, windows, faults, least)


def _faults(y: Series, exog: Series | None, cut: int, settings: Mapping[str, Any]) -> Sequence[Fault]:
    """Return what the periods before a cut are too few for; nothing where bad series only get a status."""
    if cut < 1:
        return [Fault(0, TOO_SHORT, "")]
    if settings["on_error"] == "status":
        return []
    known, model = part(y, 0, cut), model_named(settings["model"])
    past = None if exog is None else np.ascontiguousarray(part(exog, 0, cut).lanes.T)
    problem, plan = posed(known, model, past, {**settings, "on_error": "status"})
    short = short_faults(known, problem, model)
    if short or plan.interval != "conformal":
        return short
    return intervals.calibration_faults(prepare(known, problem, model, plan), model, plan)


def _too_many(y: Series, windows: tuple[int, int, int], faults: Sequence[Fault], fit: int) -> InvalidInput:
    """Say what the first window has too few periods for, and how many windows fit."""
    count, h, step = windows
    what = f"{counted(count, 'window')} of h={h}" + (f", {step} apart," if count > 1 else "")
    ahead = h + (count - 1) * step
    if ahead >= y.length:
        have, need = counted(y.length, "period"), "need" if count > 1 else "needs"
        said = f"y has {have}, and {what} {need} {ahead + 1} or more beside what the model needs"
    else:
        name = y.names[faults[0].series] if y.count > 1 else "y"
        more = f" (likewise {len(faults) - 1} more)" if len(faults) > 1 else ""
        left = f"{y.length - ahead} of {counted(y.length, 'period')} before the first"
        leave = "leave" if count > 1 else "leaves"
        said = f"{what} {leave} {left}, where {name} {faults[0].reason.partition(';')[0]}{more}"
    way = f"use n_windows={fit}{' or fewer' if fit > 1 else ''}{', or a smaller step_size' if step > 1 else ''}"
    way = way if fit else "use a shorter h, or a longer series"
    return InvalidInput(f"{said}; {way}", field="n_windows", where=y.names[faults[0].series])
