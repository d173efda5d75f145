"""The seasonal naive model: each period is what it was a season ago. What every other model must beat."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from prism_kernels.timeseries.model import Fit, Floats, Problem, Traits

__all__ = ["SeasonalNaive", "gaussian", "squares_of"]


class SeasonalNaive:
    r"""Repeats the last season.

    Notes
    -----
    :math:`\hat y_{t+h} = y_{t+h-m\lceil h/m \rceil}` with standard error
    :math:`\sigma\sqrt{\lceil h/m \rceil}`, where :math:`\sigma^2` is the mean squared seasonal difference: a seasonal
    random walk without drift, with its Gaussian likelihood of the differences.
    """

    name = "seasonal_naive"
    traits = Traits()

    def needed(self, problem: Problem) -> int:
        """Return how many values a series must have at least: a season and two differences."""
        return max(problem.season_length) + 2

    def fit(self, problem: Problem) -> Fit:
        """Estimate the variance of the seasonal differences of each series."""
        errors = problem.y - _shifted(problem.y, max(problem.season_length))
        count = len(problem.y)
        found = Fit(
            problem=problem,
            params=np.empty((count, 0)),
            param_names=(),
            fitted=np.empty_like(problem.y),
            sigma2=squares_of(errors) / (~np.isnan(errors)).sum(axis=1),
            loglik=np.empty(count),
            n_params=np.ones(count, dtype=np.int64),
            n_effective=np.empty(count, dtype=np.int64),
            order=np.zeros((count, 7), dtype=np.int64),
            converged=np.ones(count, dtype=np.bool_),
        )
        return self.apply(found, problem)

    def apply(self, fit: Fit, problem: Problem) -> Fit:
        """Return the same variance with other data of the same series."""
        fitted = _shifted(problem.y, max(problem.season_length))
        errors = problem.y - fitted
        count = (~np.isnan(errors)).sum(axis=1)
        loglik = gaussian(squares_of(errors), fit.sigma2, count)
        return dataclasses.replace(
            fit, problem=problem, fitted=fitted, loglik=loglik, n_effective=count.astype(np.int64)
        )

    def forecast(self, fit: Fit, h: int, exog: Floats | None = None) -> tuple[Floats, Floats]:
        """Return the last season over and over, and its standard error, series × h."""
        m = max(fit.problem.season_length)
        ahead = np.arange(h)
        mean = fit.problem.y[:, -m:][:, ahead % m]
        return mean, np.sqrt(fit.sigma2)[:, None] * np.sqrt(ahead // m + 1.0)[None, :]


def _shifted(y: Floats, m: int) -> Floats:
    fitted = np.full_like(y, np.nan)
    fitted[:, m:] = y[:, :-m]
    return fitted


def squares_of(errors: Floats) -> Floats:
    """Return the sum of squares of each row, NaN passed over; padding in front changes no bit of it.

    Parameters
    ----------
    errors
        series × time.
    """
    return np.asarray(np.cumsum(np.nan_to_num(errors) ** 2, axis=1)[:, -1])  # numpy's sum adds in pairs, by length


def gaussian(squares: Floats, variance: Floats, count: np.ndarray[Any, np.dtype[np.int64]]) -> Floats:
    """Return the log-likelihood of independent Gaussian errors; infinite for errors that are all zero.

    Parameters
    ----------
    squares
        Sum of squared errors of each series.
    variance
        Their variance.
    count
        How many there are.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(squares == 0, 0.0, squares / variance)
        return np.asarray(-0.5 * (count * np.log(2 * np.pi * variance) + share))
