"""From a fitted model to a :class:`Forecast`: predict, widen, scale back, and give every series its place."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_kernels import telemetry
from prism_kernels.arrays import Array, like, to_numpy
from prism_kernels.inputs import Series
from prism_kernels.timeseries import intervals
from prism_kernels.timeseries.device import on_cpu
from prism_kernels.timeseries.forecast_result import Forecast, Memory
from prism_kernels.timeseries.model import OK, Fit, Floats, Model
from prism_kernels.timeseries.preparation import CONSTANT, INVALID, Fault, Plan, Prepared, refuse

__all__ = ["assemble"]

_ORDER = ("p", "d", "q", "P", "D", "Q", "s")
_LOG2 = float(np.log(2.0))
_NAMED = 5


def assemble(
    y: Series,
    prepared: Prepared,
    plan: Plan,
    model: Model,
    fit: Fit | None,
    factors: Floats | None,
    exog: Floats | None,
) -> Forecast:
    """Return the forecast of all series.

    Parameters
    ----------
    y
        All of them.
    prepared
        What was fitted.
    plan
        How.
    model, fit
        The model and its parameters; None when there was nothing to fit.
    factors
        Conformal half widths, series × level.
    exog
        Future regressors, horizon × regressor.
    """
    table = _Table(y.count, y.length, plan, fit.params.shape[1] if fit is not None else 0)
    status = list(prepared.status)
    if fit is not None:
        with telemetry.span("predict"):
            mean, lo, hi = _predict(model, fit, plan, factors, exog)
        table.put(prepared, fit, mean, lo, hi)
        faults = table.faults(prepared)
        refuse(y, faults, plan.on_error)
        for k, converged in zip(prepared.rows, fit.converged, strict=True):
            status[k] = OK if converged else "not_converged"
        for fault in faults:
            status[fault.series] = fault.status
    table.put_constants(y.lanes, np.asarray([s == CONSTANT for s in status]))
    memory = Memory(plan=plan, y=y, prepared=prepared, fit=fit, factors=factors)
    arrays = {name: _back(values, y.values) for name, values in table.columns(y.lanes).items()}
    return Forecast(
        **arrays,
        status=tuple(status),
        model=plan.model,
        axes={
            "series": y.names,
            "horizon": y.future(plan.h),
            "level": plan.level,
            "time": y.axis(),
            "parameter": fit.param_names if fit is not None else (),
            "order": _ORDER,
        },
        warnings=(
            *on_cpu(model, y.values, prepared.problem),
            *_warnings(y, prepared, status),
            *(() if fit is None else _lost(y, prepared, fit, arrays["sigma2"])),
        ),
        _memory=memory,
    )


def _predict(
    model: Model, fit: Fit, plan: Plan, factors: Floats | None, exog: Floats | None
) -> tuple[Floats, Floats, Floats]:
    mean, error = model.forecast(fit, plan.h, exog)
    if plan.interval == "bootstrap":
        return (mean, *intervals.bootstrap(fit, model, mean, plan, exog))
    if factors is None:
        return (mean, *intervals.analytic(mean, error, plan.level))
    return (mean, *intervals.widen(mean, np.maximum(error, intervals.floor_of(fit.problem)), factors))


class _Table:
    """Every array of a forecast, NaN until a series is put in its place."""

    def __init__(self, count: int, length: int, plan: Plan, n_params: int) -> None:
        self.mean = np.full((count, plan.h), np.nan)
        self.lo = np.full((count, len(plan.level), plan.h), np.nan)
        self.hi = np.full((count, len(plan.level), plan.h), np.nan)
        self.fitted = np.full((count, length), np.nan)
        self.params = np.full((count, n_params), np.nan)
        self.sigma2, self.loglik, self.aic, self.aicc, self.bic = np.full((5, count), np.nan)
        self.order = np.zeros((count, len(_ORDER)), dtype=np.int64)
        self.converged = np.zeros(count, dtype=np.bool_)

    def put(self, prepared: Prepared, fit: Fit, mean: Floats, lo: Floats, hi: Floats) -> None:
        rows, e = prepared.rows, prepared.exponent
        with np.errstate(over="ignore", under="ignore"):
            self.mean[rows] = np.ldexp(mean, e[:, None])
            self.lo[rows] = np.ldexp(lo, e[:, None, None])
            self.hi[rows] = np.ldexp(hi, e[:, None, None])
            self.fitted[rows] = np.ldexp(fit.fitted, e[:, None])
            self.sigma2[rows] = np.ldexp(fit.sigma2, 2 * e)
        self.params[rows], self.order[rows], self.converged[rows] = fit.params, fit.order, fit.converged
        n, k = fit.n_effective, fit.n_params
        loglik = fit.loglik - n * e * _LOG2
        self.loglik[rows] = loglik
        self.aic[rows] = 2 * k - 2 * loglik
        self.bic[rows] = k * np.log(n) - 2 * loglik
        left = n - k - 1
        correction = 2.0 * k * (k + 1) / np.maximum(left, 1)
        self.aicc[rows] = np.where(left > 0, self.aic[rows] + correction, np.where(np.isnan(loglik), np.nan, np.inf))

    def faults(self, prepared: Prepared) -> list[Fault]:
        """Find the series whose forecast is not finite, and take their numbers out again."""
        ends = np.concatenate([self.mean[:, None], self.lo, self.hi], axis=1)[prepared.rows]
        bad = prepared.rows[~np.isfinite(ends).all(axis=(1, 2))]
        self.mean[bad] = self.lo[bad] = self.hi[bad] = np.nan
        big = np.abs(ends[~np.isnan(ends)]).max(initial=0.0) == np.inf
        reason = "has a forecast beyond the largest float64; divide it by a power of ten" if big else _NOT_FINITE
        return [Fault(int(k), INVALID, reason) for k in bad]

    def put_constants(self, y: Floats, constant: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        values = np.nanmax(y[constant], axis=1, initial=-np.inf)
        self.mean[constant] = values[:, None]
        self.lo[constant] = self.hi[constant] = values[:, None, None]
        self.fitted[constant] = np.where(np.isnan(y[constant]), np.nan, values[:, None])
        self.sigma2[constant] = 0.0
        self.converged[constant] = True

    def columns(self, y: Floats) -> dict[str, Any]:
        return {**vars(self), "residuals": y - self.fitted}


_NOT_FINITE = "has a forecast that is not finite; try another model"


def _back(values: Any, reference: Array) -> Array:
    with np.errstate(over="ignore"):  # sigma2 of large float32 data may exceed float32
        return like(values, reference)


def _warnings(y: Series, prepared: Prepared, status: list[str]) -> tuple[str, ...]:
    said = []
    unsure = [y.names[k] for k, s in enumerate(status) if s == "not_converged"]
    if unsure:
        said.append(f"the optimiser did not converge for {_some(unsure)}")
    scaled = [y.names[k] for k in prepared.rows[prepared.exponent != 0]]
    if scaled:
        said.append(f"params are those of the series divided by a power of two near its size, for {_some(scaled)}")
    return tuple(said)


def _lost(y: Series, prepared: Prepared, fit: Fit, sigma2: Array) -> tuple[str, ...]:
    """Say of which series the variance is a number that the type of the series cannot hold."""
    held = to_numpy(sigma2)[prepared.rows]
    said = []
    for reads, lost in (("infinite", np.isinf(held)), ("0", (held == 0) & (fit.sigma2 > 0))):
        names = [y.names[k] for k in prepared.rows[lost]]
        if names:
            said.append(f"sigma2 of {_some(names)} is beyond {held.dtype} and reads {reads}; rescale y to have it")
    return tuple(said)


def _some(names: list[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
