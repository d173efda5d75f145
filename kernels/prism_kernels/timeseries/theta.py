"""The dynamic optimised theta model: a level that learns, pulled along a regression line that learns too."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from prism_kernels import lanes
from prism_kernels.timeseries.model import Fit, Floats, Problem, Traits

__all__ = ["Theta"]

_NAMES = ("alpha", "theta", "level")
_BURN = 3
_MULTIPLICATIVE, _ADDITIVE = 1, 2


class Theta:
    r"""Dynamic optimised theta model, one lane for each series.

    The series is decomposed into theta lines; the forecast adds to the exponentially smoothed level ``1 - 1/theta`` of
    the line through all values so far. ``alpha``, ``theta`` and the level have the least squared one-step errors.

    Notes
    -----
    With :math:`w = 1 - 1/θ`,

    .. math:: μ_t = ℓ_{t-1} + w \left[(1-α)^{t-1} A_{t-1} + \frac{1-(1-α)^t}{α} B_{t-1}\right],
              \qquad ℓ_t = α y_t + (1-α) ℓ_{t-1},

    where :math:`A_t, B_t` are intercept and slope of the line through the first :math:`t` values. The predictions are
    linear in :math:`w` and in the level, so both are solved for exactly and only :math:`α ∈ [0.1, 0.99]` is searched.
    The likelihood starts at the fourth value, since a line through fewer has no error; ``level`` is :math:`ℓ_3`.

    A season of length m is taken out first where the autocorrelation at lag m stands out at the 90 % level: by
    classical multiplicative decomposition, or additive where values or indices are not positive. Then ``sigma2`` is
    that of the adjusted series (over its degrees of freedom), and standard errors are scaled by the season.

    References
    ----------
    Fiorucci, Pellegrini, Louzada, Petropoulos (2016), "Models for optimising the theta method and their relationship to
    state space models". Assimakopoulos, Nikolopoulos (2000), "The theta model: a decomposition approach to
    forecasting".
    """

    name = "theta"
    traits = Traits()

    def needed(self, problem: Problem) -> int:
        """Return how many values a series must have: three for the first line, three parameters, one more."""
        del problem
        return _BURN + len(_NAMES) + 1

    def fit(self, problem: Problem) -> Fit:
        """Take out the season and estimate alpha, theta and level of each series."""
        from prism_kernels.timeseries import theta_lanes

        unit = _unit(problem.y)
        season, kind = _season(problem, unit)
        adjusted = _adjust(problem.y / unit[:, None], season, kind)
        series = adjusted.shape[0]
        count = adjusted.shape[1] - problem.first
        centre = _total(adjusted) / count
        scale = np.sqrt(_total((adjusted - centre[:, None]) ** 2) / count)
        scale = np.where(scale > 0, scale, 1.0)
        z = np.ascontiguousarray((adjusted - centre[:, None]) / scale[:, None])
        alpha, weight, level = np.empty(series), np.empty(series), np.empty(series)
        lanes.launch(theta_lanes.estimate, series, z, problem.first, alpha, weight, level, label="theta")
        private = {"unit": unit, "season": season, "kind": kind, "centre": centre, "scale": scale}
        params = np.stack([alpha, 1 / (1 - weight), level], axis=1)
        params[:, 2] = (level * scale + _lift(alpha, weight, centre)) * unit
        blank = np.full(series, np.nan)
        draft = Fit(
            problem=problem,
            params=params,
            param_names=_NAMES,
            fitted=problem.y,
            sigma2=blank,
            loglik=blank,
            n_params=len(_NAMES) + 1 + np.where(kind > 0, season.shape[1] - 1, 0),
            n_effective=np.zeros(series, dtype=np.int64),
            order=np.zeros((series, 7), dtype=np.int64),
            converged=np.ones(series, dtype=np.bool_),
            private=private,
        )
        return self.apply(draft, problem)

    def apply(self, fit: Fit, problem: Problem) -> Fit:
        """Run the recursion with the same parameters and seasonal indices over other data."""
        from prism_kernels.timeseries import theta_lanes

        own = dict(fit.private)
        alpha, weight = np.ascontiguousarray(fit.params[:, 0]), 1 - 1 / fit.params[:, 1]
        level = (fit.params[:, 2] / own["unit"] - _lift(alpha, weight, own["centre"])) / own["scale"]
        adjusted = _adjust(problem.y / own["unit"][:, None], own["season"], own["kind"])
        z = np.ascontiguousarray((adjusted - own["centre"][:, None]) / own["scale"][:, None])
        series, time = z.shape
        fitted, state = np.full((series, time), np.nan), np.empty((series, 3))
        lanes.launch(theta_lanes.recurse, series, z, problem.first, alpha, weight, level, fitted, state)
        effective = time - problem.first - _BURN
        squares = _total((z - fitted) ** 2)
        if "variance" not in own:  # estimated once, kept for other data
            own["variance"] = squares / effective
            own["deviation"] = np.sqrt(squares / (effective - len(_NAMES)))
        own |= {"state": state, "alpha": alpha, "weight": weight, "count": effective + _BURN}
        size = own["scale"] * own["unit"]
        with np.errstate(over="ignore"):  # of values around 1e300, whose variance no float64 can hold
            sigma2 = (own["deviation"] * size) ** 2
        return dataclasses.replace(
            fit,
            problem=problem,
            fitted=_restore(fitted, own, 0),
            sigma2=sigma2,
            loglik=_loglik(squares, effective, own, problem),
            n_effective=effective,
            private=own,
        )

    def forecast(self, fit: Fit, h: int, exog: Floats | None = None) -> tuple[Floats, Floats]:
        """Return expectation and standard error, series × h, exact for the recursion with its parameters."""
        from prism_kernels.timeseries import theta_lanes

        del exog
        own = fit.private
        series, time = fit.problem.y.shape
        mean, spread = np.empty((series, h)), np.empty((series, h))
        given = (own["count"], own["alpha"], own["weight"], own["state"])
        lanes.launch(theta_lanes.extrapolate, series, *given, mean, spread, label="theta")
        error = np.sqrt(spread) * (own["deviation"] * own["scale"])[:, None]
        index = _phases(own["season"], time, h)
        error = np.where(own["kind"][:, None] == _MULTIPLICATIVE, error * index, error)
        return _restore(mean, own, time), error * own["unit"][:, None]


def _unit(y: Floats) -> Floats:
    """Return a power of two near each series' largest value: dividing by it is exact."""
    peak = np.nanmax(np.abs(y), axis=1)
    exponent = np.frexp(np.where(peak > 0, peak, 1.0))[1]
    return np.asarray(np.ldexp(1.0, exponent - 1))


def _total(values: Floats) -> Floats:
    """Return the sum of each row from left to right, so that padding before a series changes no bit of it."""
    return np.asarray(np.cumsum(np.nan_to_num(values), axis=1)[:, -1])


def _lift(alpha: Floats, weight: Floats, centre: Floats) -> Floats:
    """Return what moving all values by ``centre`` adds to the level after three values."""
    return centre * (1 - weight * (1 - alpha) ** _BURN)


def _season(problem: Problem, unit: Floats) -> tuple[Floats, Any]:
    """Return each series' seasonal indices and the kind of its adjustment."""
    from prism_kernels.timeseries import theta_lanes

    series = problem.y.shape[0]
    season = np.zeros((series, max(1, problem.season_length[0])))
    kind = np.zeros(series, dtype=np.int64)
    y = np.ascontiguousarray(problem.y / unit[:, None])
    lanes.launch(theta_lanes.indices, series, y, problem.first, season, kind)
    season[kind == 0] = 0.0
    return season, kind


def _phases(season: Floats, start: int, count: int) -> Floats:
    """Return the seasonal indices of ``count`` periods from column ``start`` on."""
    return np.asarray(season[:, (start + np.arange(count)) % season.shape[1]])


def _adjust(y: Floats, season: Floats, kind: Any) -> Floats:
    index, kind = _phases(season, 0, y.shape[1]), kind[:, None]
    return np.asarray(y / np.where(kind == _MULTIPLICATIVE, index, 1.0) - np.where(kind == _ADDITIVE, index, 0.0))


def _restore(z: Floats, own: dict[str, Any] | Any, start: int) -> Floats:
    """Return standardised values of columns from ``start`` on in the series' own unit, with their season."""
    index, kind = _phases(own["season"], start, z.shape[1]), own["kind"][:, None]
    values = z * own["scale"][:, None] + own["centre"][:, None]
    values = np.where(kind == _MULTIPLICATIVE, values * index, values) + np.where(kind == _ADDITIVE, index, 0.0)
    return np.asarray(values * own["unit"][:, None])


def _loglik(squares: Floats, effective: Any, own: dict[str, Any], problem: Problem) -> Floats:
    """Return the Gaussian log-likelihood of the observed values, the season's scaling included."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a series the recursion predicts without error
        fit = -0.5 * (effective * np.log(2 * np.pi * own["variance"]) + squares / own["variance"])
    index = _phases(own["season"], 0, problem.y.shape[1])
    counted = np.arange(problem.y.shape[1]) >= (problem.first + _BURN)[:, None]
    scaled = counted & (own["kind"][:, None] == _MULTIPLICATIVE)
    stretch = _total(np.log(np.where(scaled, index, 1.0)))
    return np.asarray(fit - stretch - effective * (np.log(own["scale"]) + np.log(own["unit"])))
