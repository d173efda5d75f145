"""Where series change: segmentations of least cost, by PELT or with a given number of changes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from prism_kernels import lanes
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Series
from prism_kernels.refusal import counted
from prism_kernels.timeseries.units import unit_of

__all__ = ["Cut", "changepoints"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Cost: TypeAlias = Literal["l2", "normal", "poisson"]

_PARAMETERS = {"l2": 2, "normal": 3, "poisson": 2}  # of one more segment: where it starts, and what it is like
_KINDS = {"l2": 0, "normal": 1, "poisson": 2}
_NORMAL_MAD = 0.6744897501960817
_MOST = 1e300  # as a penalty: no change is worth it


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Where one series changes.

    Attributes
    ----------
    at
        First period of each segment but the first.
    cost
        Cost of the segments, without penalties: sum of squares, or minus twice the log-likelihood.
    penalty
        What one more change had to save; NaN where the number of changes was given.
    """

    at: tuple[int, ...]
    cost: float
    penalty: float


def changepoints(
    series: Series, *, cost: Cost, penalty: Literal["bic"] | float, n_changepoints: int | None, min_size: int
) -> list[Cut]:
    """Cut each series into the segments of least cost.

    Parameters
    ----------
    series
        Complete but for leading padding.
    cost
        ``l2``, ``normal`` or ``poisson``.
    penalty
        What one more change must save, in the unit of the cost, or ``bic``.
    n_changepoints
        Number of changes; None leaves it to the penalty.
    min_size
        Least number of values in a segment.

    Raises
    ------
    InvalidInput
        For series too short, and for data that the cost cannot describe.

    Notes
    -----
    ``bic`` asks for log(n) a parameter of a segment, its start among them: 2·σ²·log(n) for ``l2``, with σ from the
    median absolute difference of neighbours, 3·log(n) for ``normal`` and 2·log(n) for ``poisson``. A variance is never
    taken below that of rounding to the smallest step between values (step² / 12), so that two equal values are no
    segment of infinite likelihood.
    """
    _check(series, cost, n_changepoints, min_size)
    y = np.where(np.isnan(series.lanes), 0.0, series.lanes)
    there = np.arange(series.length) >= series.first[:, None]
    count = (series.length - series.first).astype(float)
    centre, scale = _standard(y, there, count) if cost != "poisson" else (np.zeros(len(y)), np.ones(len(y)))
    scaled = np.where(there, (y - centre[:, None]) / scale[:, None], 0.0)
    problem = _Problem(
        cost=cost,
        min_size=min_size,
        start=series.first,
        floor=_rounding(scaled, there) if cost == "normal" else np.ones(len(y)),
        sums=_running(scaled),
        squares=_running(scaled * scaled),
    )
    back = scale if cost == "l2" else np.ones(len(y))
    with np.errstate(over="ignore"):  # squares of values around 1e±200, which no float64 can hold, are infinite
        if n_changepoints is not None:
            ends, costs = problem.fixed(n_changepoints)
            each = np.full(len(y), np.nan)
        elif penalty == "bic":
            each = _bic(cost, scaled, there, count)
            ends, costs = problem.pruned(each)
            each = each * back * back
        else:
            each = np.full(len(y), float(penalty))
            ends, costs = problem.pruned(np.minimum(each / back / back, _MOST))
    if cost == "normal":
        costs = costs + count * (math.log(2 * math.pi) + 2 * np.log(scale))
    if cost == "l2":
        costs = np.maximum(costs, 0.0)  # sums of squares, a rounding below 0 where nothing varies
    with np.errstate(over="ignore"):
        rows = zip(ends, costs * back * back, each, strict=True)
    return [Cut(at=tuple(at), cost=float(c), penalty=float(p)) for at, c, p in rows]


def _check(series: Series, cost: str, n_changepoints: int | None, min_size: int) -> None:
    if cost == "normal" and min_size < 2:
        msg = "cost 'normal' needs two values for a variance, and min_size is 1; use min_size=2 or more"
        raise InvalidInput(msg, field="min_size")
    segments = 2 if n_changepoints is None else n_changepoints + 1
    lengths = series.length - series.first
    if lengths.min() < segments * min_size:
        k = int(lengths.argmin())
        inside = f" in {series.names[k]}" if series.count > 1 else ""
        parts = f"{counted(segments, 'segment')} of min_size {min_size} {'need' if segments > 1 else 'needs'}"
        way = f"use {'' if n_changepoints is None else 'fewer n_changepoints, '}a smaller min_size or a longer series"
        msg = f"{parts} {segments * min_size} values or more, and y has {lengths[k]}{inside}; {way}"
        raise InvalidInput(msg, field="y", where=series.names[k])
    if cost == "poisson":
        bad = (series.lanes < 0) | (series.lanes % 1 > 0)
        if bad.any():
            s, t = (int(k) for k in np.argwhere(bad)[0])
            place = series.place(s, t)
            msg = (
                f"cost 'poisson' needs counts (0, 1, 2, …), and y has {series.lanes[s, t]:g} at {place}; use cost='l2'"
            )
            raise InvalidInput(msg, field="y", where=place)


def _standard(y: Floats, there: Any, count: Floats) -> tuple[Floats, Floats]:
    unit = unit_of(y)
    shares = y / unit[:, None]
    centre = shares.sum(axis=1, where=there) / count
    scale = np.sqrt(((shares - centre[:, None]) ** 2).sum(axis=1, where=there) / count)
    return centre * unit, np.where(scale > 0, scale, 1.0) * unit


def _running(values: Floats) -> Floats:
    sums = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def _rounding(scaled: Floats, there: Any) -> Floats:
    """Return the variance of rounding to the smallest step between different values of each series."""
    floors = np.ones(len(scaled))
    for k, row in enumerate(scaled):
        steps = np.diff(np.unique(row[there[k]]))
        steps = steps[steps > 1e-12]  # of numbers around 1: less is the rounding of the standardisation
        floors[k] = steps.min() ** 2 / 12 if steps.size else 1.0
    return floors


def _bic(cost: Cost, scaled: Floats, there: Any, count: Floats) -> Floats:
    base: Floats = _PARAMETERS[cost] * np.log(count)
    return base * _noise(scaled, there) if cost == "l2" else base


def _noise(scaled: Floats, there: Any) -> Floats:
    """Return the variance of what changes from one period to the next, hardly moved by a few jumps."""
    variances = np.ones(len(scaled))
    for k, row in enumerate(scaled):
        step = np.abs(np.diff(row[there[k]]))
        robust = np.median(step) / (_NORMAL_MAD * math.sqrt(2))
        variance = robust**2 if robust > 0 else (step @ step) / (2 * step.size)
        variances[k] = variance if variance > 0 else 1.0
    return variances


@dataclass(frozen=True, kw_only=True, eq=False)
class _Problem:
    cost: Cost
    min_size: int
    start: Any
    floor: Floats
    sums: Floats
    squares: Floats

    def pruned(self, penalty: Floats) -> tuple[list[list[int]], Floats]:
        from prism_kernels.timeseries.changepoints_lanes import COLUMNS, prune_partition

        shape = self.sums.shape
        best, previous = np.full(shape, np.inf), np.zeros(shape, dtype=np.int64)
        live = np.empty((shape[0], COLUMNS, shape[1]))
        lanes.launch(
            prune_partition,
            shape[0],
            _KINDS[self.cost],
            self.min_size,
            self.start,
            np.ascontiguousarray(penalty),
            self.floor,
            self.sums,
            self.squares,
            best,
            previous,
            live,
            label="change points",
        )
        ends = [_back(previous[k].tolist(), int(begin)) for k, begin in enumerate(self.start)]
        cuts = np.array([len(at) for at in ends])
        return ends, best[:, -1] - penalty * cuts

    def fixed(self, cuts: int) -> tuple[list[list[int]], Floats]:
        from prism_kernels.timeseries.changepoints_lanes import fixed_partition

        shape = self.sums.shape
        best, spare = np.full(shape, np.inf), np.full(shape, np.inf)
        previous = np.zeros((shape[0], max(cuts, 1), shape[1]), dtype=np.int64)
        lanes.launch(
            fixed_partition,
            shape[0],
            _KINDS[self.cost],
            self.min_size,
            cuts,
            self.start,
            self.floor,
            self.sums,
            self.squares,
            best,
            spare,
            previous,
            label="change points",
        )
        ends = [_back_through(table.tolist(), cuts) for table in previous]
        return ends, best[:, -1]


def _back(previous: list[int], begin: int) -> list[int]:
    """Follow the last cuts from the end to the beginning."""
    at, t = [], previous[-1]
    while t > begin:
        at.append(t)
        t = previous[t]
    return at[::-1]


def _back_through(previous: list[list[int]], cuts: int) -> list[int]:
    """Follow the last cuts, one table for each number of cuts."""
    at: list[int] = []
    for table in reversed(previous[:cuts]):
        at.append(table[at[-1] if at else -1])
    return at[::-1]
