"""The seasonal naive model: each period is what it was a season ago. What every other model must beat."""

from __future__ import annotations

import numpy as np

from prism_kernels.timeseries.model import Fit, Floats, Problem, Traits

__all__ = ["SeasonalNaive"]


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
        m = max(problem.season_length)
        errors = problem.y[:, m:] - problem.y[:, :-m]
        counts = (~np.isnan(errors)).sum(axis=1)
        sigma2 = np.nansum(errors**2, axis=1) / counts
        with np.errstate(divide="ignore"):
            loglik = -0.5 * counts * (np.log(2 * np.pi * sigma2) + 1)
        count = problem.y.shape[0]
        return Fit(
            problem=problem,
            params=np.empty((count, 0)),
            param_names=(),
            fitted=_shifted(problem.y, m),
            sigma2=sigma2,
            loglik=loglik,
            n_params=np.ones(count, dtype=np.int64),
            n_effective=counts.astype(np.int64),
            order=np.zeros((count, 7), dtype=np.int64),
            converged=np.ones(count, dtype=np.bool_),
        )

    def apply(self, fit: Fit, problem: Problem) -> Fit:
        """Return the same variance with other data of the same series."""
        from dataclasses import replace

        return replace(fit, problem=problem, fitted=_shifted(problem.y, max(problem.season_length)))

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
