"""Between arrays of series and the lane kernels of seasonal ARIMA: differencing, regressors, scale, and back again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels import lanes
from prism_kernels.arrays import Array
from prism_kernels.timeseries.model import Floats
from prism_kernels.timeseries.sarima_refusals import refuse_collinear, refuse_extremes
from prism_kernels.timeseries.sarima_starts import PATTERNS, PROBES

__all__ = ["Estimates", "Projection", "difference", "estimate", "integrated_ones", "lost_values", "project"]

Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_LANES_AT_ONCE = 2048  # scratch stays below some 50 MB for monthly series


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """Maximum-likelihood estimates, one order of one series a row.

    Attributes
    ----------
    coefs
        AR, MA, seasonal AR and seasonal MA coefficients in this order, then zeros.
    betas
        Coefficient of the constant (zero without one), then of each regressor.
    sigma2, loglik
        Innovation variance and log-likelihood.
    count
        Number of values the likelihood is over.
    converged
        Whether the optimiser ended at an optimum.
    """

    coefs: Floats
    betas: Floats
    sigma2: Floats
    loglik: Floats
    count: Ints
    converged: Flags


@dataclass(frozen=True, kw_only=True)
class Projection:
    """What a model with given coefficients says of the past and the future, series × period.

    Attributes
    ----------
    fitted
        One-step predictions, NaN before there is one.
    mean, variance
        Forecasts, and their variances for an innovation variance of one.
    squares, logs, count
        Σ v²/F, Σ log F and the number of values: the likelihood's parts.
    """

    fitted: Floats
    mean: Floats
    variance: Floats
    squares: Floats
    logs: Floats
    count: Ints


def lost_values(order: Ints) -> int:
    """Return d + sD, the number of values an order loses to differencing."""
    return int(order[1] + order[6] * order[4])


def difference(values: Array, order: Ints | Sequence[int]) -> Array:
    """Apply (1 - B)^d (1 - B^s)^D along the last axis, which becomes d + sD shorter.

    Parameters
    ----------
    values
        Anything whose last axis is time.
    order
        p, d, q, P, D, Q, s.
    """
    for _ in range(int(order[4])):
        values = values[..., int(order[6]) :] - values[..., : -int(order[6])]
    for _ in range(int(order[1])):
        values = values[..., 1:] - values[..., :-1]
    return values


def integrated_ones(order: Ints | Sequence[int], length: int) -> Floats:
    """Return the series whose differences by an order are one: the constant, a drift, or a higher trend."""
    values = np.ones(length)
    for _ in range(int(order[1])):
        values = np.cumsum(values)
    for _ in range(int(order[4])):
        season = int(order[6])
        for t in range(season, length):
            values[t] += values[t - season]
    return values


def estimate(
    y: Floats,
    first: Ints,
    exog: Floats | None,
    series: Ints,
    orders: Ints,
    *,
    starts: Floats,
    thorough: bool = True,
    gtol: float = 1e-5,
    iterations: int = 200,
    label: str = "arima",
) -> Estimates:
    """Estimate orders that share d, D, s and the presence of gaps, each for its series.

    Parameters
    ----------
    y
        series × time, NaN before ``first``.
    first
        First period of each series.
    exog
        time × regressor, or None.
    series
        Series of each lane.
    orders
        lane × 9: p, d, q, P, D, Q, s, constant, gaps.
    starts
        start × coefficient: unbounded partial autocorrelations to begin from, after those of ``PATTERNS``.
    thorough
        Whether to follow several ``PATTERNS`` of orders with four coefficients or more, and the ``PROBES``.
    gtol
        Largest element of the gradient of the log-likelihood per value at which to stop.
    iterations
        Most BFGS steps of a start.
    label
        What the work is called on screen.
    """
    rows = _Rows(y, first, exog, orders[0])
    row_of, kinds = np.unique(np.stack([series, orders[:, 7]], axis=1), axis=0, return_inverse=True)
    data, begin, scale, ahead = rows.prepare(row_of)
    most = max(1, int((orders[:, 0] + orders[:, 2] + orders[:, 3] + orders[:, 5]).max()))
    coefs, betas = np.zeros((len(orders), most)), np.zeros((len(orders), rows.X.shape[0]))
    summary = np.zeros((len(orders), 4))
    kinds = np.ascontiguousarray(kinds.reshape(-1), dtype=np.int64)
    from prism_kernels.timeseries import sarima_lanes

    probes = PROBES if thorough else PROBES[:0]
    parts = -(-len(orders) // _LANES_AT_ONCE)
    for at in range(0, len(orders), _LANES_AT_ONCE):
        part = slice(at, at + _LANES_AT_ONCE)
        said = f"{label}, part {at // _LANES_AT_ONCE + 1} of {parts}" if parts > 1 else label
        chunk = np.ascontiguousarray(orders[part])
        work = np.empty((len(chunk), _work_size(chunk, betas.shape[1] + 1, y.shape[1], keep=False)))
        given = (data, rows.X, kinds[part], begin, chunk, PATTERNS, probes, starts, gtol, iterations)
        lanes.launch(sarima_lanes.fit, len(chunk), *given, coefs[part], betas[part], summary[part], work, label=said)
    spread, count = scale[kinds], summary[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        loglik = -0.5 * (count * (np.log(2 * np.pi * summary[:, 0]) + 1) + summary[:, 1]) - count * np.log(spread)
    return Estimates(
        coefs=coefs,
        betas=(betas * spread[:, None] + ahead[kinds]) / rows.unit,
        sigma2=summary[:, 0] * spread**2,
        loglik=loglik,
        count=count.astype(np.int64),
        converged=summary[:, 3] > 0,
    )


class _Rows:
    """The rows that lanes read: differenced (with gaps: undifferenced), freed of regressors, of unit scale."""

    def __init__(self, y: Floats, first: Ints, exog: Floats | None, order: Ints) -> None:
        self.y, self.first, self.order, self.gaps = y, first, order, bool(order[8])
        self.lost = lost_values(order)
        length = y.shape[1]
        outer = np.zeros((0, length)) if exog is None else np.ascontiguousarray(exog.T)
        size = np.array([_power_of_two(row) for row in outer])
        outer = outer / size[:, None]  # whose squares are finite
        inside = difference(outer, order)
        spread = np.std(inside, axis=1)
        if len(outer):
            refuse_collinear(inside, spread)
        self.unit = np.concatenate([np.ones(1), spread * size])
        self.outer = outer / spread[:, None]
        self.inside = np.zeros((len(outer), length))
        self.inside[:, self.lost :] = inside / spread[:, None]
        ones = integrated_ones(order, length) if self.gaps else np.ones(length)
        self.X = np.ascontiguousarray(np.vstack([ones, self.outer if self.gaps else self.inside]))

    def prepare(self, rows: Ints) -> tuple[Floats, Ints, Floats, Floats]:
        """Return data, begin, scale and the regression coefficients already taken out, for (series, constant) rows."""
        length = self.y.shape[1]
        data, scale = np.zeros((len(rows), length)), np.ones(len(rows))
        ahead = np.zeros((len(rows), self.X.shape[0]))
        for k, (s, constant) in enumerate(rows):
            start = int(self.first[s])
            values = self.y[s, start:]
            unit = _power_of_two(values)
            left = difference(values / unit, self.order)
            there = ~np.isnan(left)
            design = np.ones((len(left), 1 + len(self.inside)))
            design[:, 1:] = self.inside[:, start + self.lost :].T
            used = np.arange(1 - int(constant), design.shape[1])
            if len(used) and there.sum() > len(used):
                ahead[k, used] = np.linalg.lstsq(design[there][:, used], left[there], rcond=None)[0]
                left = left - design @ ahead[k]
            spread = np.sqrt(np.mean(left[there] ** 2)) if there.any() else np.sqrt(np.nanvar(values / unit))
            scale[k] = (spread if spread > 0 else 1.0) * unit
            if self.gaps:
                level = values / unit - ahead[k] @ self._undifferenced(start)
                left = level - level[0] if self.lost else level
            data[k, length - len(left) :] = left / (scale[k] / unit)
            ahead[k] *= unit
        refuse_extremes(scale, rows[:, 0])
        begin = self.first[rows[:, 0]] + (0 if self.gaps else self.lost)
        return data, np.ascontiguousarray(begin), scale, ahead

    def _undifferenced(self, start: int) -> Floats:
        length = self.y.shape[1]
        return np.vstack([self.X[0, : length - start], self.outer[:, start:]])


def _power_of_two(values: Floats) -> float:
    """Return the power of two next above the largest value, so that dividing by it is exact; 1 for zeros."""
    largest = float(np.nanmax(np.abs(values)))
    return float(np.ldexp(1.0, min(int(np.frexp(largest)[1]), 1023))) if largest > 0 else 1.0


def project(y: Floats, first: Ints, orders: Ints, coefs: Floats, h: int) -> Projection:
    """Filter each series at given coefficients, and forecast it.

    Parameters
    ----------
    y
        series × time, undifferenced, freed of constant and regressors.
    first
        First period of each series.
    orders
        series × 9, as in :func:`estimate`.
    coefs
        As in :class:`Estimates`.
    h
        Number of periods, at least 1.
    """
    from prism_kernels.timeseries import sarima_lanes

    count, length = y.shape
    unit = np.array([_power_of_two(row[int(f) :]) for row, f in zip(y, first, strict=True)])
    fitted, mean, variance = np.empty((count, length)), np.empty((count, h)), np.empty((count, h))
    summary = np.zeros((count, 3))
    none = np.zeros((0, length))
    scaled = np.where(np.arange(length) < first[:, None], 0.0, y / unit[:, None])
    for at in range(0, count, _LANES_AT_ONCE):
        part = slice(at, at + _LANES_AT_ONCE)
        chunk = np.ascontiguousarray(orders[part])
        work = np.empty((len(chunk), _work_size(chunk, 1, length, keep=True)))
        given = (scaled[part], none, first[part], chunk, np.ascontiguousarray(coefs[part]))
        out = (fitted[part], mean[part], variance[part], summary[part], work)
        lanes.launch(sarima_lanes.project, len(chunk), *given, *out, label="arima")
    return Projection(
        fitted=fitted * unit[:, None],
        mean=mean * unit[:, None],
        variance=variance,
        squares=summary[:, 0] * unit**2,
        logs=summary[:, 1],
        count=summary[:, 2].astype(np.int64),
    )


def _work_size(orders: Ints, columns: int, length: int, *, keep: bool) -> int:
    """Return how many numbers of scratch a lane needs: the kernels lay them out, in this order."""
    p, d, q, sp, sd, sq, s, _, gaps = orders.T
    r, lost, m = np.maximum(p + s * sp, q + s * sq + 1), d + s * sd, p + q + sp + sq
    size, wide = r + lost, np.where(r <= 20, r, (r + 31) // 32 * 32)
    own = lost + size + length if keep else 3 + 9 * m + m * m + len(PATTERNS)
    tables = 4 * wide + 1 + lost + 2 * size + columns * (columns + 1)
    squares = np.where(keep | (gaps > 0), size * size, 0) + np.where(gaps > 0, lost * lost, 0)
    paths = np.where(gaps > 0, columns * size + length, (columns + 1) * (length + wide + 1))
    return int(np.max(own + tables + squares + np.maximum(paths, 8 * r + 8)))
