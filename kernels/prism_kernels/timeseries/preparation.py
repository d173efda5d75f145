"""From series and settings to a problem that a model can solve: what is refused, what is constant, what is scaled."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.arrays import namespace_of
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Series
from prism_kernels.inputs.calendar import stamp
from prism_kernels.refusal import counted
from prism_kernels.timeseries.model import OK, Floats, Model, Problem
from prism_kernels.timeseries.models import models_that

__all__ = [
    "CONSTANT",
    "INVALID",
    "TOO_SHORT",
    "Fault",
    "Plan",
    "Prepared",
    "is_constant",
    "prepare",
    "refuse",
    "regressors",
    "short_faults",
]

CONSTANT, TOO_SHORT, INVALID = "constant", "too_short", "invalid"

Integers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_LARGEST = 2.0**300  # squares and products of a few hundred stay finite in float64
_SMALLEST = 2.0**-300
_NAMED = 10  # faults told in full


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a forecast is made around its model.

    Attributes
    ----------
    h, model, level, interval, calibration_windows, missing, on_error, seed
        As in :func:`prism_kernels.timeseries.forecast`.
    """

    h: int
    model: str
    level: tuple[float, ...]
    interval: str
    calibration_windows: int | None
    missing: str
    on_error: str
    seed: int


@dataclass(frozen=True)
class Fault:
    """Why one series cannot be forecast.

    Attributes
    ----------
    series
        Its number.
    status
        ``too_short`` or ``invalid``.
    reason
        The rest of the sentence after its name.
    """

    series: int
    status: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What is to be fitted, and what is to be said of the other series.

    Attributes
    ----------
    problem
        The series that can be fitted, scaled.
    rows
        Number of each of them among all series.
    exponent
        Power of two each of them was divided by, zero for ordinary magnitudes.
    status
        Of all series.
    """

    problem: Problem
    rows: Integers
    exponent: Integers
    status: tuple[str, ...]

    def without(self, faults: Sequence[Fault]) -> Prepared:
        """Return the same with some more series taken out."""
        if not faults:
            return self
        keep = ~np.isin(self.rows, [f.series for f in faults])
        return dataclasses.replace(
            self,
            problem=self.problem.with_data(self.problem.y[keep], self.problem.exog),
            rows=self.rows[keep],
            exponent=self.exponent[keep],
            status=_marked(self.status, faults),
        )


def regressors(y: Series, exog: Any, exog_future: Any, h: int, model: Model) -> tuple[Floats | None, Floats | None]:
    """Return the regressors and their future values as time × regressor, checked against the series.

    Parameters
    ----------
    y
        The series.
    exog, exog_future
        Regressors over the periods of ``y`` and over the ``h`` that follow; both or neither.
    h
        Number of periods ahead.
    model
        Whose traits tell whether it takes regressors.
    """
    if exog is None and exog_future is None:
        return None, None
    if not model.traits.exog:
        able = ", ".join(map(repr, models_that("exog")))
        msg = f"model {model.name!r} takes no regressors; use one of {able}, or leave exog out"
        raise InvalidInput(msg, field="exog")
    past = _table(exog, "exog", "exog_future", y.length, "as many as y")
    ahead = _table(exog_future, "exog_future", "exog", h, "as many as h")
    namespace_of(y=y.values, exog=past.values, exog_future=ahead.values)
    if past.count != ahead.count:
        msg = (
            f"exog has {counted(past.count, 'regressor')} and exog_future {ahead.count}; "
            "give the same ones in the same order"
        )
        raise InvalidInput(msg, field="exog_future")
    _same_dates(past, y.index, "exog", "y")
    _same_dates(ahead, y.future(h) if y.index is not None else None, "exog_future", "the periods after y")
    return np.ascontiguousarray(past.lanes.T), np.ascontiguousarray(ahead.lanes.T)


def _table(given: Any, field: str, other: str, length: int, rule: str) -> Series:
    if given is None:
        msg = f"{other} was given without {field}; give both: the regressors of the past and of the periods ahead"
        raise InvalidInput(msg, field=field)
    table = Series.of(given, field=field)
    if table.length != length:
        msg = f"{field} has {counted(table.length, 'period')} and must have {length}, {rule}; a row is a period"
        raise InvalidInput(msg, field=field)
    bad = np.argwhere(np.isnan(table.lanes))
    if len(bad):
        where = table.place(int(bad[0][0]), int(bad[0][1]))
        count = counted(len(bad), "missing value")
        msg = f"{field} has {count} (first: {where}); fill in all regressors, which must be complete"
        raise InvalidInput(msg, field=field, where=where)
    return table


def _same_dates(table: Series, dates: Any, field: str, other: str) -> None:
    if table.index is None or dates is None:
        return
    differ = np.asarray(table.index != dates)
    if differ.any():
        k = int(differ.argmax())
        msg = (
            f"{field} has {stamp(table.index[k])} in row {k + 1} where {other} has {stamp(dates[k])}; align their dates"
        )
        raise InvalidInput(msg, field=field, where=stamp(table.index[k]))


def prepare(y: Series, template: Problem, model: Model, plan: Plan) -> Prepared:
    """Sort out what cannot be fitted and what need not be, and scale the rest where its magnitude asks for it.

    Parameters
    ----------
    y
        The series.
    template
        The problem of all of them, unscaled.
    model
        What will be fitted.
    plan
        What is to be done about missing values and bad series.

    Raises
    ------
    InvalidInput
        With ``on_error="raise"``, when a series cannot be forecast; all of them are listed.
    """
    faults = _missing_faults(y, model, plan.missing)
    if faults and plan.on_error == "raise":
        y.require_complete("y", _way_out(model))
    known = {f.series for f in faults}
    still = is_constant(y.lanes)
    faults += [f for f in short_faults(y, template, model) if f.series not in known]
    refuse(y, faults, plan.on_error)
    bad = {f.series for f in faults}
    still &= ~np.isin(np.arange(y.count), list(bad))
    rows = np.flatnonzero(~still & ~np.isin(np.arange(y.count), list(bad)))
    status = _marked(tuple(CONSTANT if c else OK for c in still), faults)
    exponent = _exponents(y.lanes[rows])
    scaled = np.ldexp(y.lanes[rows], -exponent[:, None])
    problem = template.with_data(scaled, template.exog)
    return Prepared(problem=problem, rows=rows, exponent=exponent, status=status)


def _marked(status: tuple[str, ...], faults: Sequence[Fault]) -> tuple[str, ...]:
    marks = {f.series: f.status for f in faults}
    return tuple(marks.get(k, s) for k, s in enumerate(status))


def refuse(y: Series, faults: Sequence[Fault], on_error: str) -> None:
    """Raise one error that lists all faults, unless they are to be told as statuses."""
    if not faults or on_error == "status":
        return
    name = y.names[faults[0].series]
    if y.count == 1:
        msg = f"y {faults[0].reason}"
        raise InvalidInput(msg, field="y", where=name)
    alike: dict[str, list[str]] = {}
    for fault in faults:
        alike.setdefault(fault.reason, []).append(y.names[fault.series])
    reasons = [(f"{first} {reason}", others) for reason, (first, *others) in alike.items()]
    told = "; ".join(f"{text} (likewise {', '.join(others)})" if others else text for text, others in reasons[:_NAMED])
    rest = ", ".join(name for _, names in list(alike.items())[_NAMED:] for name in names)
    many = f"{len(faults)} of {y.count} series"
    more = f"; and likewise {rest}" if rest else ""
    msg = f"y: {many} cannot be forecast: {told}{more}; remove them, or use on_error='status' to forecast the others"
    raise InvalidInput(msg, field="y", where=name)


def _way_out(model: Model) -> str:
    if model.traits.missing:
        return "fill them, or use missing='kalman'"
    return f"fill them, or use missing='kalman' with model {' or '.join(map(repr, models_that('missing')))}"


def _missing_faults(y: Series, model: Model, missing: str) -> list[Fault]:
    if missing == "kalman" and model.traits.missing:
        return []
    counts = y.missing.sum(axis=1)
    return [Fault(int(s), INVALID, f"has {counted(int(counts[s]), 'missing value')}") for s in np.flatnonzero(counts)]


def short_faults(y: Series, template: Problem, model: Model) -> list[Fault]:
    """Return the series that have fewer values than a model needs, but for constant ones, which need no model.

    Parameters
    ----------
    y
        The series.
    template
        The problem of all of them.
    model
        What will be fitted.
    """
    needed = model.needed(template)
    present = (~np.isnan(y.lanes)).sum(axis=1)
    season = max(template.season_length)
    hint = f" with season_length {season} (1 for no season)" if season > 1 else ""
    rule = f"model {model.name!r} needs {needed} or more{hint}"
    return [
        Fault(int(s), TOO_SHORT, f"has {counted(int(present[s]), 'value')}, and {rule}")
        for s in np.flatnonzero((present < needed) & ~is_constant(y.lanes))
    ]


def is_constant(values: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which rows hold one value over and over, at least twice; NaN is passed over."""
    there = ~np.isnan(values)
    low = np.where(there, values, np.inf).min(axis=1)
    high = np.where(there, values, -np.inf).max(axis=1)
    still: np.ndarray[Any, np.dtype[np.bool_]] = (low == high) & (there.sum(axis=1) > 1)
    return still


def _exponents(values: Floats) -> Integers:
    """Return the power of two that brings the largest value of each row near one, zero where none is needed."""
    size = np.nanmax(np.abs(values), axis=1, initial=0.0) if values.size else np.zeros(len(values))
    exponent = np.frexp(size)[1].astype(np.int64)
    return np.where((size > _LARGEST) | ((size < _SMALLEST) & (size > 0)), exponent, 0).astype(np.int64)
