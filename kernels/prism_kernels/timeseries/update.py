"""``update``: carry a forecast forward over new values, with the parameters it has."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from prism_kernels import telemetry
from prism_kernels.arrays import namespace_of
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import AnySeries, Series
from prism_kernels.inputs.calendar import stamp
from prism_kernels.refusal import counted
from prism_kernels.timeseries.assembly import assemble
from prism_kernels.timeseries.forecast_result import Forecast, Memory
from prism_kernels.timeseries.model import Floats
from prism_kernels.timeseries.models import model_named
from prism_kernels.timeseries.preparation import CONSTANT, regressors

__all__ = ["update"]


def update(
    forecast: Forecast, new_y: AnySeries, *, exog: AnySeries | None = None, exog_future: AnySeries | None = None
) -> Forecast:
    """Return the forecast that follows new values, with the same parameters and no refit.

    Parameters
    ----------
    forecast
        What :func:`prism_kernels.timeseries.forecast` or this function returned.
    new_y
        The periods that follow those of the forecast, series × time, of the same series.
    exog
        Regressors over the new periods, for a forecast that has some.
    exog_future
        The same regressors over the periods after those.

    Raises
    ------
    InvalidInput
        For what is no forecast, other series, dates that do not follow, missing values that the model cannot pass over,
        and a series that was constant and is no longer.

    Notes
    -----
    Conformal intervals keep their width in standard errors; bootstrap ones draw from old and new errors. ``loglik`` and
    the criteria are those of the same model on all the data, old and new.
    """
    given: Any = forecast
    if not isinstance(given, Forecast):
        kind = type(given).__name__
        msg = f"forecast must be what forecast(…) or update(…) returned, and {kind} was given; make one first"
        raise InvalidInput(msg, field="forecast")
    memory = forecast._memory
    if memory is None:  # of a forecast that was read from a file
        msg = "forecast was read from a saved run, which holds no model; make it again with forecast(…), then update it"
        raise InvalidInput(msg, field="forecast")
    exog, exog_future = _read(exog, "exog"), _read(exog_future, "exog_future")
    new = Series.of(new_y, field="new_y")
    y = _joined(memory, new)
    model = model_named(memory.plan.model)
    past, ahead = _more_regressors(memory, y, exog, exog_future)
    prepared = memory.prepared
    _check_constants(memory, y)
    scaled = np.ldexp(y.lanes[prepared.rows], -prepared.exponent[:, None])
    prepared = dataclasses.replace(prepared, problem=prepared.problem.with_data(scaled, past))
    fit = memory.fit
    if fit is not None:
        with telemetry.span("update"):
            fit = model.apply(fit, prepared.problem)
    found = assemble(y, prepared, memory.plan, model, fit, memory.factors, ahead)
    notes = [note for one in (new, exog, exog_future) if one is not None for note in one.notes]
    return dataclasses.replace(found, warnings=(*notes, *found.warnings))


def _read(given: Any, field: str) -> Series | None:
    return None if given is None else Series.of(given, field=field)


def _joined(memory: Memory, new: Series) -> Series:
    old = memory.y
    if new.count != old.count:
        msg = f"new_y has {new.count} series and the forecast {old.count}; give the same series"
        raise InvalidInput(msg, field="new_y")
    if new.names != old.names and set(new.names) == set(old.names):
        msg = f"new_y has its series in another order than the forecast, {', '.join(old.names[:5])}; bring them into it"
        raise InvalidInput(msg, field="new_y")
    _check_dates(old, new)
    _check_missing(memory, new)
    xp = namespace_of(y=old.values, new_y=new.values)
    values = xp.concat([old.values, xp.astype(new.values, old.values.dtype)], axis=1)
    index = None if old.index is None else old.index.append(old.future(new.length))
    return Series(values, old.names, index, old.frequency)


def _check_dates(old: Series, new: Series) -> None:
    if new.index is None:
        return
    if old.index is None:
        msg = "new_y has dates and the forecast's series has none; give both dates, or neither"
        raise InvalidInput(msg, field="new_y")
    due = old.future(new.length)
    differ = np.asarray(new.index != due)
    if differ.any():
        k = int(differ.argmax())
        here, there = stamp(new.index[k]), stamp(due[k])
        msg = f"new_y has {here} where {there} follows; give every period after the forecast's last"
        raise InvalidInput(msg, field="new_y", where=here)


def _check_missing(memory: Memory, new: Series) -> None:
    known = memory.prepared.rows
    gaps = np.argwhere(np.isnan(new.lanes[known]))
    able = memory.plan.missing == "kalman" and model_named(memory.plan.model).traits.missing
    if len(gaps) and not able:
        where = new.place(int(known[gaps[0][0]]), int(gaps[0][1]))
        count = counted(len(gaps), "missing value")
        msg = f"new_y has {count} (first: {where}); fill them, or forecast with missing='kalman'"
        raise InvalidInput(msg, field="new_y", where=where)


def _more_regressors(memory: Memory, y: Series, exog: Any, exog_future: Any) -> tuple[Floats | None, Floats | None]:
    old = memory.prepared.problem.exog
    if old is None:
        if exog is not None or exog_future is not None:
            msg = "the forecast has no regressors, so its update takes none; leave exog out"
            raise InvalidInput(msg, field="exog")
        return None, None
    if exog is None:
        msg = "the forecast has regressors; give exog over the new periods and exog_future over those after them"
        raise InvalidInput(msg, field="exog")
    added = y.length - memory.y.length
    index = None if y.index is None else y.index[-added:]
    fresh = Series(y.values[:, -added:], y.names, index, y.frequency)
    new, ahead = regressors(fresh, exog, exog_future, memory.plan.h, model_named(memory.plan.model))
    if new is None or new.shape[1] != old.shape[1]:
        msg = f"exog must have the {counted(old.shape[1], 'regressor')} of the forecast; give the same ones"
        raise InvalidInput(msg, field="exog")
    return np.concatenate([old, new]), ahead


def _check_constants(memory: Memory, y: Series) -> None:
    for k in np.flatnonzero(np.asarray(memory.prepared.status) == CONSTANT):
        values = y.lanes[k][~np.isnan(y.lanes[k])]
        if (values != values[0]).any():
            msg = f"new_y: {y.names[k]} was constant and is no longer; forecast it anew"
            raise InvalidInput(msg, field="new_y", where=y.names[k])
