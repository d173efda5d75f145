"""Exponential smoothing: level, trend and season that move with the errors, in the form the data ask for."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from prism_kernels.lanes import launch
from prism_kernels.timeseries.ets_patterns import adjusted, fixed_patterns, laid_out, pattern_names
from prism_kernels.timeseries.model import Fit, Floats, Problem, Traits
from prism_kernels.timeseries.seasonal_naive import gaussian, squares_of

__all__ = ["Ets"]

_NONE, _ADDITIVE, _DAMPED, _MULTIPLICATIVE = 0, 1, 2, 2
_FEW = 10  # values that the first level and slope are read from

_Integers = np.ndarray[Any, np.dtype[np.int64]]


class Ets:
    r"""Exponential smoothing with additive errors; the form is chosen by the corrected information criterion.

    Notes
    -----
    Nine forms are fitted: no, additive or damped trend, with no, additive or (for positive series) multiplicative
    season. The smoothing parameters minimise the squared one-step errors. The first states come from the first values:
    seasonals from a classical decomposition of five seasons, level and slope from a line through ten values. All of
    them, and the variance, count as parameters of
    :math:`\text{AICc}` with :math:`\log L = -\tfrac n2(\log 2\pi\hat\sigma^2 + 1)`. Standard errors are exact for
    additive seasons and of first order in the errors for multiplicative ones. Of several seasons the shortest moves;
    the longer ones are patterns that are estimated once and stay, and count as parameters too.

    References
    ----------
    Hyndman, Koehler, Snyder, Grose (2002), "A state space framework for automatic forecasting using exponential
    smoothing methods". Hyndman, Koehler, Ord, Snyder (2008), "Forecasting with Exponential Smoothing". Nelder, Mead
    (1965), "A simplex method for function minimization".
    """

    name = "ets"
    traits = Traits(several_seasons=True)

    def needed(self, problem: Problem) -> int:
        """Return how many values a series must have at least: ten, or two seasons and a few for the parameters."""
        longest, all_seasons = max(problem.season_length), sum(problem.season_length)
        return _FEW if longest == 1 else max(_FEW, longest + all_seasons + 3)

    def fit(self, problem: Problem) -> Fit:
        """Fit every form to every series and keep the best form of each."""
        m = min(problem.season_length)
        patterns = fixed_patterns(problem)
        plain = adjusted(problem, patterns)
        trend, season = _forms(m)
        lanes = len(trend)
        row = np.repeat(np.arange(len(problem.y)), lanes)
        trends, seasons = np.tile(trend, len(problem.y)), np.tile(season, len(problem.y))
        tried = _estimate(plain, m, row, trends, seasons)
        count = np.repeat((~np.isnan(problem.y)).sum(axis=1), lanes)
        k = 3 + np.where(trends > 0, 2, 0) + (trends == _DAMPED) + np.where(seasons > 0, m, 0)
        k = k + sum(longer - 1 for longer in patterns)
        positive = np.repeat(np.nanmin(plain.y, axis=1) > 0, lanes)
        scores = _aicc(tried["loss"], count, k)
        scores[(seasons == _MULTIPLICATIVE) & ~positive] = np.inf
        best = np.arange(len(problem.y)) * lanes + scores.reshape(-1, lanes).argmin(axis=1)
        params = np.concatenate([tried["params"][best], tried["initial"][best]], axis=1)
        found = Fit(
            problem=problem,
            params=np.concatenate([_shown(params, trends[best], seasons[best]), *patterns.values()], axis=1),
            param_names=_names(m) + pattern_names(patterns),
            fitted=np.empty_like(problem.y),
            sigma2=tried["loss"][best] / count[best],
            loglik=np.empty(len(best)),
            n_params=k[best].astype(np.int64),
            n_effective=np.empty(len(best), dtype=np.int64),
            order=np.zeros((len(best), 7), dtype=np.int64),
            converged=tried["converged"][best] == 1,
            private={"params": params, "season": seasons[best], "patterns": patterns},
        )
        return self.apply(found, problem)

    def apply(self, fit: Fit, problem: Problem) -> Fit:
        """Return the same parameters run over other data of the same series."""
        from prism_kernels.timeseries import ets_lanes

        m, patterns = min(problem.season_length), fit.private["patterns"]
        plain = adjusted(problem, patterns)
        fitted = np.full_like(problem.y, np.nan)
        states = np.zeros((len(problem.y), 2 + m))
        given = (plain.y, problem.first, m, fit.private["season"], fit.private["params"])
        launch(ets_lanes.smooth, len(problem.y), *given, fitted, states, label="smooth")
        errors = plain.y - fitted
        count = (~np.isnan(errors)).sum(axis=1)
        return dataclasses.replace(
            fit,
            problem=problem,
            fitted=fitted + laid_out(patterns, problem.first, 0, problem.y.shape[1]),
            loglik=gaussian(squares_of(errors), fit.sigma2, count),
            n_effective=count.astype(np.int64),
            private={**fit.private, "states": states},
        )

    def forecast(self, fit: Fit, h: int, exog: Floats | None = None) -> tuple[Floats, Floats]:
        """Return mean and standard error, series × h."""
        from prism_kernels.timeseries import ets_lanes

        problem, m = fit.problem, min(fit.problem.season_length)
        count = len(problem.y)
        mean, error, path = np.empty((3, count, h))
        length, own = problem.y.shape[1] - problem.first, fit.private
        given = (length, m, own["season"], own["params"], own["states"], np.sqrt(fit.sigma2))
        launch(ets_lanes.extrapolate, count, *given, mean, error, np.empty((count, m)), path, label="forecast")
        return mean + laid_out(own["patterns"], problem.first, problem.y.shape[1], h), error


def _forms(m: int) -> tuple[_Integers, _Integers]:
    """Return trend and season of each form."""
    seasons = (_NONE, _ADDITIVE, _MULTIPLICATIVE) if m > 1 else (_NONE,)
    forms = [(trend, season) for trend in (_NONE, _ADDITIVE, _DAMPED) for season in seasons]
    return tuple(np.asarray(column, dtype=np.int64) for column in zip(*forms, strict=True))  # type: ignore[return-value]


def _estimate(problem: Problem, m: int, row: _Integers, trend: _Integers, season: _Integers) -> dict[str, Any]:
    from prism_kernels.timeseries import ets_lanes

    starts = [_starting(y[f:], m) for y, f in zip(problem.y, problem.first, strict=True)]
    initial = np.stack([starts[r][s] for r, s in zip(row, season, strict=True)])
    flat = trend == _NONE
    initial[flat, 0] += 0.5 * (_FEW + 1) * initial[flat, 1]  # the line's middle
    initial[flat, 1] = 0.0
    lanes = len(row)
    params, states = np.empty((lanes, ets_lanes.SIZE)), np.empty((lanes, 2 + m))
    loss, work = np.empty(lanes), np.empty((lanes, ets_lanes.SCRATCH))
    converged = np.empty(lanes, dtype=np.int64)
    given = (problem.y, row, problem.first, m, trend, season, initial)
    launch(ets_lanes.fit, lanes, *given, params, loss, converged, states, work, label="fit")
    return {"params": params, "loss": loss, "converged": converged, "initial": initial}


def _starting(y: Floats, m: int) -> list[Floats]:
    """Return first level, slope and seasonals, one vector a kind of season: none, additive, multiplicative."""
    plain = [np.zeros(m)] if m == 1 else [np.zeros(m), _seasonals(y, m, multiply=False)]
    found = [np.concatenate([_line(y - np.resize(s, len(y))), s]) for s in plain]
    if m > 1 and y.min() > 0:
        s = _seasonals(y, m, multiply=True)
        found.append(np.concatenate([_line(y / np.resize(s, len(y))), s]))
    return [*found, *found[-1:] * (3 - len(found))]


def _seasonals(y: Floats, m: int, *, multiply: bool) -> Floats:
    """Return the seasonals of a classical decomposition of the first five seasons at most."""
    part = y[: m * min(5, len(y) // m)]
    weights = np.full(m + 1 - m % 2, 1 / m)
    if m % 2 == 0:
        weights[[0, -1]] /= 2
    trend = np.full(len(part), np.nan)
    middle = np.convolve(part, weights, mode="valid")
    trend[m // 2 : m // 2 + len(middle)] = middle
    ratio = (part / trend if multiply else part - trend).reshape(-1, m)
    means = np.nanmean(ratio, axis=0)
    return np.asarray(means / means.mean() if multiply else means - means.mean())


def _line(y: Floats) -> Floats:
    """Return level and slope before the first value, from a line through the first ten."""
    slope, level = np.polyfit(np.arange(1, 1 + len(y[:_FEW])), y[:_FEW], 1)
    return np.asarray([level, slope])


def _aicc(loss: Floats, count: _Integers, k: _Integers) -> Floats:
    left = count - k - 1
    correction = np.where(left > 0, 2.0 * k * (k + 1) / np.maximum(left, 1), np.inf)
    return np.asarray(2 * k - 2 * gaussian(loss, loss / count, count) + correction)


def _names(m: int) -> tuple[str, ...]:
    seasonals = tuple(f"seasonal_{k}" for k in range(m)) if m > 1 else ()
    return ("alpha", "beta", "gamma", "phi", "level", "slope", *seasonals)


def _shown(params: Floats, trend: _Integers, season: _Integers) -> Floats:
    """Return the parameters with NaN where a form has none."""
    shown = params if params.shape[1] > 7 else params[:, :6]
    shown = shown.copy()
    shown[trend == _NONE, 1] = shown[trend == _NONE, 5] = np.nan
    shown[season == _NONE, 2] = np.nan
    shown[season == _NONE, 6:] = np.nan
    shown[trend != _DAMPED, 3] = np.nan
    return shown
