"""What a forecasting model must do, so that intervals, cross-validation and updates are written once for all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

__all__ = ["OK", "Fit", "Floats", "Model", "Problem", "Traits"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

OK = "ok"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The data and settings of one fit, as every model receives them: CPU, float64, C-contiguous.

    Attributes
    ----------
    y
        series × time; NaN before ``first`` is padding, NaN after it is missing (only with ``missing="kalman"``).
    first
        First period of each series that is not padding.
    season_length
        Periods in a season, one for each season; ``(1,)`` without one.
    order, seasonal_order
        (p, d, q) and (P, D, Q) for ``arima``.
    include_mean
        Constant of the differenced series; None lets the model decide.
    exog
        Regressors, time × regressor; None without.
    n_starts, seed, hidden_size, num_layers
        As in :func:`prism_kernels.timeseries.forecast`.
    h
        Horizon the user asked for; models that train for a horizon need it.
    """

    y: Floats
    first: np.ndarray[Any, np.dtype[np.int64]]
    h: int
    season_length: tuple[int, ...] = (1,)
    order: tuple[int, int, int] = (1, 1, 1)
    seasonal_order: tuple[int, int, int] = (0, 0, 0)
    include_mean: bool | None = None
    exog: Floats | None = None
    n_starts: int = 1
    seed: int = 0
    hidden_size: int = 48
    num_layers: int = 1

    def with_data(self, y: Floats, exog: Floats | None = None) -> Problem:
        """Return the same problem on other data of the same series."""
        there = ~np.isnan(y)
        first = np.where(there.any(axis=1), there.argmax(axis=1), y.shape[1]).astype(np.int64)
        return dataclasses.replace(self, y=np.ascontiguousarray(y), first=first, exog=exog)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A model with its parameters, applied to a problem's data.

    Attributes
    ----------
    problem
        What it was applied to.
    params
        series × parameter, NaN where a series' model has fewer.
    param_names
        Label of each column of ``params``.
    fitted
        series × time, one-step predictions; NaN where there is none.
    sigma2
        Innovation variance of each series.
    loglik
        Gaussian log-likelihood of each series; NaN for models without one.
    n_params
        Number of estimated parameters of each series, the variance included.
    n_effective
        Number of values each likelihood is over (after differencing).
    order
        series × 7: (p, d, q, P, D, Q, s); zeros for models without orders.
    converged
        Whether the optimiser of each series ended at an optimum; true for models without one.
    private
        What the model itself needs to forecast.
    """

    problem: Problem
    params: Floats
    param_names: tuple[str, ...]
    fitted: Floats
    sigma2: Floats
    loglik: Floats
    n_params: np.ndarray[Any, np.dtype[np.int64]]
    n_effective: np.ndarray[Any, np.dtype[np.int64]]
    order: np.ndarray[Any, np.dtype[np.int64]]
    converged: np.ndarray[Any, np.dtype[np.bool_]]
    private: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a model can take; the table in the documentation is printed from these."""

    exog: bool = False
    missing: bool = False
    several_seasons: bool = False
    update: bool = True
    analytic: bool = True


class Model(Protocol):
    """A forecasting model: three functions over a batch of series."""

    name: str
    traits: Traits

    def needed(self, problem: Problem) -> int:
        """Return how many values a series must have at least."""
        ...

    def fit(self, problem: Problem) -> Fit:
        """Estimate parameters, each series alone (global models: together); values were checked, lengths too.

        A constant series never arrives here.
        """
        ...

    def apply(self, fit: Fit, problem: Problem) -> Fit:
        """Return the same parameters applied to other data of the same series: longer, or cut off at an origin."""
        ...

    def forecast(self, fit: Fit, h: int, exog: Floats | None = None) -> tuple[Floats, Floats]:
        """Return mean and standard error, series × h, of the periods after the fit's data.

        Parameters
        ----------
        fit
            What :meth:`fit` or :meth:`apply` returned.
        h
            Number of periods.
        exog
            Future regressors, h × regressor.
        """
        ...
