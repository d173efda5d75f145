"""Seasonal ARIMA of orders found from the data: differences by tests, the rest by an exhaustive search of AICc."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from prism_kernels import progress
from prism_kernels.timeseries.model import Fit, Floats, Problem, Traits
from prism_kernels.timeseries.sarima import applied, fit_orders, forecasts, has_gaps
from prism_kernels.timeseries.sarima_estimate import Estimates, Flags, Ints, estimate, lost_values
from prism_kernels.timeseries.stl import seasonal_strength

__all__ = ["AutoArima", "differences", "kpss_statistic", "seasonal_strength"]

_MOST_AR_MA, _MOST_SEASONAL, _MOST_TOGETHER = 3, 2, 5
_STRONG = 0.64  # Wang, Smith and Hyndman: a season stronger than this is differenced away
_KPSS_5_PERCENT = 0.463
_FINALISTS = 4
_CLOSE = 1e-4  # of gradient: near enough to tell finalists apart; the one chosen is fitted to the end afterwards
_NEAREST_ROOT = 1.01
_SHORTEST = 6


class AutoArima:
    """The ARIMA(p, d, q)(P, D, Q)ₛ of least AICc, for each series.

    Notes
    -----
    D is 1 where the strength of the season (of an STL decomposition) exceeds 0.64, and d the number of differences,
    two at most with D, after which a KPSS test at 5 % accepts a constant level. Then every p, q ≤ 3 and P, Q ≤ 2 with
    p + q + P + Q ≤ 5 is fitted by exact likelihood; the four best are fitted thoroughly with and without a constant
    (where d + D ≤ 1), and the least AICc wins among those that converged with all roots beyond 1.01, save those of the
    seasonal moving average: a season that never changes brings it to the unit circle, where the exact likelihood still
    holds. Series with gaps are interpolated for the search, and differences are tested on what a regression on the
    regressors leaves; the final fit is exact in both cases, as that of ``arima``. The search runs on the CPU.

    References
    ----------
    Hyndman and Khandakar (2008), "Automatic time series forecasting: the forecast package for R".
    Wang, Smith and Hyndman (2006), "Characteristic-based clustering for time series data".
    Kwiatkowski, Phillips, Schmidt and Shin (1992), "Testing the null hypothesis of stationarity against the alternative
    of a unit root".
    """

    name = "auto_arima"
    traits = Traits(exog=True, missing=True)

    def needed(self, problem: Problem) -> int:
        """Return how many values a series must have: enough to test for a unit root, and one a regressor."""
        return _SHORTEST + (0 if problem.exog is None else problem.exog.shape[1])

    def fit(self, problem: Problem) -> Fit:
        """Find the order of each series, and estimate it."""
        orders = _search(_filled(problem))
        orders[:, 8] = has_gaps(problem)
        return fit_orders(problem, orders, label=self.name)

    def apply(self, fit: Fit, problem: Problem) -> Fit:
        """Return the same orders and coefficients applied to other data of the same series."""
        return applied(fit, problem)

    def forecast(self, fit: Fit, h: int, exog: Floats | None = None) -> tuple[Floats, Floats]:
        """Return mean and standard error of the periods after the fit's data."""
        return forecasts(fit, h, exog)


def kpss_statistic(values: Floats) -> float:
    """Return the KPSS statistic of a constant level, with Bartlett weights up to lag 4 (n / 100)^¼.

    Parameters
    ----------
    values
        One series without gaps.
    """
    n = len(values)
    left = values - values.mean()
    lags = int(4 * (n / 100) ** 0.25)
    long_run = left @ left
    for lag in range(1, lags + 1):
        long_run += 2 * (1 - lag / (lags + 1)) * (left[lag:] @ left[:-lag])
    return float(np.sum(np.cumsum(left) ** 2) / (n * long_run)) if long_run > 0 else 0.0


def differences(values: Floats, season: int) -> tuple[int, int]:
    """Return d and D that make a series stationary.

    Parameters
    ----------
    values
        One series without gaps.
    season
        Periods in a season; 1 without one.
    """
    ordinary, seasonal = _differences(values[None], np.zeros(1, dtype=np.int64), season)[0]
    return int(ordinary), int(seasonal)


def _differences(y: Floats, first: Ints, season: int) -> Ints:
    """Return d and D of each series; y is series × time, without gaps from each series' first value on."""
    there = np.arange(y.shape[1]) >= first[:, None]
    peak = np.max(np.abs(y), axis=1, where=there, initial=0.0)
    y = y / np.where(peak > 0, peak, 1.0)[:, None]
    found = np.zeros((len(y), 2), dtype=np.int64)
    long = np.flatnonzero((season > 1) & (y.shape[1] - first >= 2 * season + _SHORTEST))
    if len(long):
        found[long, 1] = seasonal_strength(y[long], season, first[long]) > _STRONG
    for orders, row, start in zip(found, y, first, strict=True):
        progress.checkpoint()
        values = row[int(start) :]
        if orders[1]:
            values = values[season:] - values[:-season]
        while orders.sum() < 2 and len(values) > _SHORTEST and kpss_statistic(values) > _KPSS_5_PERCENT:
            values = np.diff(values)
            orders[0] += 1
    return found


def _filled(problem: Problem) -> Problem:
    """Return the problem with gaps bridged by straight lines."""
    if not has_gaps(problem).any():
        return problem
    y = problem.y.copy()
    for row, start in zip(y, problem.first, strict=True):
        inside = row[int(start) :]
        there = np.flatnonzero(~np.isnan(inside))
        inside[:] = np.interp(np.arange(len(inside)), there, inside[there])
    return dataclasses.replace(problem, y=y)


def _regressed(problem: Problem) -> Floats:
    """Return what a regression on the regressors leaves of each series."""
    if problem.exog is None:
        return problem.y
    y = problem.y.copy()
    for row, start in zip(y, problem.first, strict=True):
        progress.checkpoint()
        values = row[int(start) :]
        design = np.column_stack([np.ones(len(values)), problem.exog[int(start) :]])
        values -= design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return y


def _search(problem: Problem) -> Ints:
    """Return the order of each series as a row of nine."""
    season = problem.season_length[0]
    found = np.zeros((len(problem.y), 9), dtype=np.int64)
    found[:, 6] = season
    found[:, [1, 4]] = _differences(_regressed(problem), problem.first, season)
    for kind in np.unique(found[:, [1, 4]], axis=0):
        rows = np.flatnonzero((found[:, [1, 4]] == kind).all(axis=1))
        found[rows] = _best(problem, rows, found[rows[0]])
    return found


def _candidates(season: int) -> Ints:
    """Return all p, q, P, Q of the search."""
    few, seasonal = range(_MOST_AR_MA + 1), range(_MOST_SEASONAL + 1 if season > 1 else 1)
    every = itertools.product(few, few, seasonal, seasonal)
    return np.array([c for c in every if sum(c) <= _MOST_TOGETHER], dtype=np.int64)


def _best(problem: Problem, rows: Ints, differenced: Ints) -> Ints:
    """Return the orders of series that share d and D."""
    optional = problem.include_mean is None and differenced[1] + differenced[4] <= 1
    constants = [0, 1] if optional else [int(bool(problem.include_mean))]
    candidates = _candidates(int(differenced[6]))
    score = _first_scores(problem, rows, differenced, candidates, constants[-1])
    best = np.tile(differenced, (len(rows), 1))
    reached = np.full(len(rows), np.inf)
    pending = np.arange(len(rows))
    while len(pending):  # white noise has no roots, so that the search ends
        taken = np.argsort(score[pending], axis=1, kind="stable")[:, :_FINALISTS]
        for constant in constants:
            orders = _rows(differenced, candidates[taken.reshape(-1)], constant)
            found = _estimated(problem, np.repeat(rows[pending], taken.shape[1]), orders, thorough=True)
            fine = found.converged & _well_inside(orders, found.coefs)
            final = np.where(fine, _aicc(found, orders, problem), np.inf).reshape(taken.shape)
            first = final.argmin(axis=1)
            better = final.min(axis=1) < reached[pending]
            best[pending[better]] = orders.reshape(*taken.shape, -1)[better, first[better]]
            reached[pending] = np.minimum(reached[pending], final.min(axis=1))
        score[pending[:, None], taken] = np.inf
        pending = pending[np.isinf(reached[pending]) & np.isfinite(score[pending]).any(axis=1)]
    return best


def _first_scores(problem: Problem, rows: Ints, differenced: Ints, candidates: Ints, constant: int) -> Floats:
    """Return series × candidate: AICc of a quick fit, infinite for those that are out."""
    lengths = problem.y.shape[1] - problem.first[rows] - lost_values(differenced)
    spare = lengths[:, None] - candidates.sum(axis=1) - candidates[:, 2:].sum(axis=1) * (differenced[6] - 1)
    candidate, series = np.nonzero(((spare > constant + 2) | (candidates.sum(axis=1) == 0)).T)
    orders = _rows(differenced, candidates[candidate], constant)
    found = _estimated(problem, rows[series], orders, thorough=False)
    score = np.full((len(rows), len(candidates)), np.inf)
    score[series, candidate] = np.where(_well_inside(orders, found.coefs), _aicc(found, orders, problem), np.inf)
    return score


def _rows(differenced: Ints, candidates: Ints, constant: int) -> Ints:
    orders = np.tile(differenced, (len(candidates), 1))
    orders[:, [0, 2, 3, 5]] = candidates
    orders[:, 7] = constant
    return orders


def _estimated(problem: Problem, series: Ints, orders: Ints, *, thorough: bool) -> Estimates:
    starts = np.zeros((0, max(1, int(orders[:, [0, 2, 3, 5]].sum(axis=1).max()))))
    return estimate(
        problem.y,
        problem.first,
        problem.exog,
        series,
        orders,
        starts=starts,
        thorough=thorough,
        gtol=_CLOSE if thorough else 1e-2,
        iterations=200 if thorough else 30,
        label="auto_arima",
    )


def _aicc(found: Estimates, orders: Ints, problem: Problem) -> Floats:
    k = orders[:, [0, 2, 3, 5, 7]].sum(axis=1) + 1 + (0 if problem.exog is None else problem.exog.shape[1])
    left = found.count - k - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(left > 0, 2 * k * found.count / left, 1e30 + k) - 2 * found.loglik
    return np.where(np.isnan(score), np.inf, score)


def _well_inside(orders: Ints, coefs: Floats) -> Flags:
    """Tell which models have all roots of their polynomials, but the seasonal MA's, beyond the unit circle by a margin.

    A polynomial whose k-th coefficient is multiplied by the k-th power of the margin is stable when all its roots lie
    beyond the margin: all its partial autocorrelations are then below one.
    """
    inside = np.ones(len(orders), dtype=np.bool_)
    at = np.zeros(len(orders), dtype=np.int64)
    for place, sign in ((0, 1.0), (2, -1.0), (3, 1.0)):
        count = orders[:, place]
        for degree in range(1, int(count.max()) + 1):
            rows = np.flatnonzero(count == degree)
            values = sign * coefs[rows[:, None], at[rows, None] + np.arange(degree)]
            inside[rows] &= _stable(values * _NEAREST_ROOT ** np.arange(1, degree + 1))
        at += count
    return inside


def _stable(values: Floats) -> Flags:
    """Tell which autoregressions (row × lag) are stationary, by the step-down recursion of Levinson and Durbin."""
    stable = np.ones(len(values), dtype=np.bool_)
    while values.shape[1]:
        last, rest = values[:, -1:], values[:, :-1]
        stable &= np.abs(last[:, 0]) < 1
        values = (rest + last * rest[:, ::-1]) / np.maximum(1 - last**2, 1e-12)
    return stable
