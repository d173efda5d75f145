"""Seasonal ARIMA by exact maximum likelihood, with regressors and gaps, many series at once."""

from __future__ import annotations

import numpy as np

from prism_kernels.timeseries.model import Fit, Floats, Problem, Traits
from prism_kernels.timeseries.sarima_estimate import (
    Estimates,
    Flags,
    Ints,
    Projection,
    estimate,
    integrated_ones,
    lost_values,
    project,
)

__all__ = ["Arima"]


class Arima:
    """ARIMA(p, d, q)(P, D, Q)ₛ with a constant and regressors, by exact Gaussian maximum likelihood.

    Notes
    -----
    The model is φ(B) Φ(Bˢ) (w - μ - x'β) = θ(B) Θ(Bˢ) ε, where w and x are the series and the regressors after
    (1 - B)^d (1 - Bˢ)^D: a regression with ARIMA errors. μ is the mean of the differenced series. It is estimated by
    default where nothing is differenced. Differencing costs the first d + sD values, so likelihoods of different d or D
    are over different data. μ, β and σ² are concentrated out (generalised least squares), so all of them are maximum
    likelihood. A series with gaps is filtered undifferenced from a diffuse start, which gives the same likelihood where
    nothing is missing. Estimation runs on the CPU.

    References
    ----------
    Box, Jenkins, Reinsel and Ljung (2015), "Time Series Analysis: Forecasting and Control".
    Durbin and Koopman (2012), "Time Series Analysis by State Space Methods".
    """

    name = "arima"
    traits = Traits(exog=True, missing=True)

    def needed(self, problem: Problem) -> int:
        """Return how many values a series must have: those lost to differencing, one a parameter, and two."""
        order = order_row(problem)
        regressors = 0 if problem.exog is None else problem.exog.shape[1]
        return lost_values(order) + int(order[[0, 2, 3, 5, 7]].sum()) + regressors + 2

    def fit(self, problem: Problem) -> Fit:
        """Estimate the given order for each series."""
        orders = np.tile(order_row(problem), (len(problem.y), 1))
        orders[:, 8] = has_gaps(problem)
        return fit_orders(problem, orders, label=self.name)

    def apply(self, fit: Fit, problem: Problem) -> Fit:
        """Return the same coefficients applied to other data of the same series."""
        return applied(fit, problem)

    def forecast(self, fit: Fit, h: int, exog: Floats | None = None) -> tuple[Floats, Floats]:
        """Return mean and standard error of the periods after the fit's data."""
        return forecasts(fit, h, exog)


def order_row(problem: Problem) -> Ints:
    """Return p, d, q, P, D, Q, s, constant, gaps (zero) as a problem asks for them."""
    (p, d, q), (sp, sd, sq) = problem.order, problem.seasonal_order
    season = problem.season_length[0] if sp or sd or sq else 1
    constant = problem.include_mean if problem.include_mean is not None else d + sd == 0
    return np.array([p, d, q, sp, sd, sq, season, int(constant), 0], dtype=np.int64)


def has_gaps(problem: Problem) -> Ints:
    """Tell, as 0 or 1, which series miss values after their first."""
    inside = np.arange(problem.y.shape[1]) >= problem.first[:, None]
    return np.asarray((np.isnan(problem.y) & inside).any(axis=1), dtype=np.int64)


def starting_points(problem: Problem, most: int) -> Floats:
    """Return where the optimiser begins again, after its own first start: at seeded draws."""
    return np.random.default_rng(problem.seed).standard_normal((problem.n_starts - 1, most))


def fit_orders(problem: Problem, orders: Ints, *, label: str) -> Fit:
    """Estimate one order (a row of nine) for each series of a problem.

    Parameters
    ----------
    problem
        Data and settings.
    orders
        series × 9.
    label
        What the work is called on screen.
    """
    most = max(1, int(orders[:, [0, 2, 3, 5]].sum(axis=1).max()))
    starts = starting_points(problem, most)
    regressors = 0 if problem.exog is None else problem.exog.shape[1]
    coefs, betas = np.zeros((len(orders), most)), np.zeros((len(orders), 1 + regressors))
    sigma2, converged = np.zeros(len(orders)), np.zeros(len(orders), dtype=np.bool_)
    for key in np.unique(orders[:, [1, 4, 6, 8]], axis=0):
        rows = np.flatnonzero((orders[:, [1, 4, 6, 8]] == key).all(axis=1)).astype(np.int64)
        found: Estimates = estimate(
            problem.y, problem.first, problem.exog, rows, np.ascontiguousarray(orders[rows]), starts=starts, label=label
        )
        coefs[rows, : found.coefs.shape[1]], betas[rows] = found.coefs, found.betas
        sigma2[rows], converged[rows] = found.sigma2, found.converged
    return _as_fit(problem, orders, coefs, betas, sigma2, converged)


def _as_fit(problem: Problem, orders: Ints, coefs: Floats, betas: Floats, sigma2: Floats, converged: Flags) -> Fit:
    """Filter a problem's data at given parameters and describe the model that did it."""
    effects = _effects(problem, orders, betas, problem.exog, problem.y.shape[1])
    said = project(problem.y - effects, problem.first, orders, coefs, 1)
    params, names = _labelled(orders, coefs, betas)
    loglik = _loglik(said, sigma2)
    return Fit(
        problem=problem,
        params=params,
        param_names=names,
        fitted=said.fitted + effects,
        sigma2=sigma2,
        loglik=loglik,
        n_params=orders[:, [0, 2, 3, 5, 7]].sum(axis=1) + betas.shape[1],
        n_effective=said.count,
        order=orders[:, :7].copy(),
        converged=converged,
        private={"orders": orders, "coefs": coefs, "betas": betas},
    )


def _loglik(said: Projection, sigma2: Floats) -> Floats:
    return -0.5 * (said.count * np.log(2 * np.pi * sigma2) + said.logs + said.squares / sigma2)


def applied(fit: Fit, problem: Problem) -> Fit:
    """Return a fit's coefficients applied to another problem's data."""
    orders = fit.private["orders"].copy()
    orders[:, 8] = has_gaps(problem)
    return _as_fit(problem, orders, fit.private["coefs"], fit.private["betas"], fit.sigma2, fit.converged)


def forecasts(fit: Fit, h: int, exog: Floats | None) -> tuple[Floats, Floats]:
    """Return mean and standard error, series × h, of the periods after a fit's data."""
    problem, orders, betas = fit.problem, fit.private["orders"], fit.private["betas"]
    length = problem.y.shape[1]
    known = None if problem.exog is None or exog is None else np.vstack([problem.exog, exog])
    with np.errstate(over="ignore", invalid="ignore"):  # a future beyond float64 is refused with its series' name
        effects = _effects(problem, orders, betas, known, length + h)
    said = project(problem.y - effects[:, :length], problem.first, orders, fit.private["coefs"], h)
    return said.mean + effects[:, length:], np.sqrt(said.variance * fit.sigma2[:, None])


def _effects(problem: Problem, orders: Ints, betas: Floats, exog: Floats | None, length: int) -> Floats:
    """Return what constant and regressors add to each series, series × time."""
    effects = np.zeros((len(orders), length))
    if exog is not None:
        effects += betas[:, 1:] @ exog.T
    for row, order, start, beta in zip(effects, orders, problem.first, betas, strict=True):
        if order[7]:
            row[int(start) :] += beta[0] * integrated_ones(order, length - int(start))
    return effects


def _labelled(orders: Ints, coefs: Floats, betas: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Lay the parameters of series with different orders out in one table, NaN where a series has fewer."""
    season = int(orders[:, 6].max())
    kinds = ((0, "ar.L", 1), (2, "ma.L", 1), (3, "ar.S.L", season), (5, "ma.S.L", season))
    columns, names = [], []
    taken = np.zeros(len(orders), dtype=np.int64)
    for place, text, step in kinds:
        for k in range(int(orders[:, place].max())):
            has = k < orders[:, place]
            at = np.minimum(taken + k, coefs.shape[1] - 1)
            columns.append(np.where(has, coefs[np.arange(len(orders)), at], np.nan))
            names.append(f"{text}{step * (k + 1)}")
        taken += orders[:, place]
    if orders[:, 7].any():
        columns.append(np.where(orders[:, 7] > 0, betas[:, 0], np.nan))
        names.append("mean")
    columns += list(betas[:, 1:].T)
    names += [f"x{k + 1}" for k in range(betas.shape[1] - 1)]
    return np.stack(columns, axis=1) if columns else np.zeros((len(orders), 0)), tuple(names)
