"""``Forecast``: what a forecast is made of, and the memory that an update needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from prism_kernels.arrays import Array, to_numpy
from prism_kernels.inputs import Series
from prism_kernels.result import Result
from prism_kernels.timeseries.model import Fit, Floats
from prism_kernels.timeseries.preparation import Plan, Prepared

__all__ = ["Forecast", "Memory", "percent"]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a forecast remembers for :func:`prism_kernels.timeseries.update`.

    Attributes
    ----------
    plan
        The settings.
    y
        The series.
    prepared
        The problem that was fitted.
    fit
        The model with its parameters.
    factors
        series × level, half widths of the conformal intervals in standard errors; None for other intervals.
    """

    plan: Plan
    y: Series
    prepared: Prepared
    fit: Fit | None
    factors: Floats | None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Forecast(Result):
    """The future of each series, with intervals and the model that says so.

    Attributes
    ----------
    mean
        Expected value of each future period.
    lo, hi
        Ends of the interval of each level.
    fitted
        One-step predictions of the past; NaN where there is none.
    residuals
        The past minus ``fitted``.
    params
        Parameters of each series, named by ``axes["parameter"]``; NaN where its model has fewer.
    sigma2
        Variance of the one-step errors, in squared units of the series.
    loglik
        Gaussian log-likelihood, natural logarithm; NaN for models without one.
    aic, aicc, bic
        Information criteria from ``loglik``: Akaike's, the same corrected for few values (infinite where there are too
        few for the correction), and the Bayesian one.
    order
        (p, d, q, P, D, Q, s) of an ARIMA; zeros for other models.
    converged
        Whether the optimiser ended at an optimum.
    status
        Of each series: ``ok``, ``constant``, ``too_short``, ``not_converged`` or ``invalid``.
    model
        Name of the model.
    """

    mean: Float[Array, "series horizon"]
    lo: Float[Array, "series level horizon"]
    hi: Float[Array, "series level horizon"]
    fitted: Float[Array, "series time"]
    residuals: Float[Array, "series time"]
    params: Float[Array, "series parameter"]
    sigma2: Float[Array, " series"]
    loglik: Float[Array, " series"]
    aic: Float[Array, " series"]
    aicc: Float[Array, " series"]
    bic: Float[Array, " series"]
    order: Int[Array, "series order"]
    converged: Bool[Array, " series"]
    status: tuple[str, ...]
    model: str
    _memory: Memory | None

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the columns of ``params``."""
        return tuple(self.axes["parameter"])

    def to_frame(self) -> Any:
        """Return a pandas frame, a row for each series and future period: ``unique_id, ds, mean, lo-80, hi-80, …``."""
        import pandas as pd

        mean, lo, hi = map(to_numpy, (self.mean, self.lo, self.hi))
        count, h = mean.shape
        frame = pd.DataFrame(
            {
                "unique_id": np.repeat(np.asarray(self.axes["series"], dtype=object), h),
                "ds": list(self.axes["horizon"]) * count,
                "mean": mean.ravel(),
            }
        )
        for k, level in enumerate(self.axes["level"]):
            frame[f"lo-{percent(level)}"] = lo[:, k].ravel()
            frame[f"hi-{percent(level)}"] = hi[:, k].ravel()
        return frame


def percent(level: float) -> str:
    """Write a share as a percentage without the sign: 0.8 as ``80``, 0.975 as ``97.5``."""
    return f"{100 * level:.10g}"
