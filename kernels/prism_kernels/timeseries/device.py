"""ARIMA where the series live: which problems an accelerator takes, and the model that solves them there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from prism_kernels import progress
from prism_kernels.arrays import Array, device_of, namespace_of, to_numpy
from prism_kernels.timeseries import sarima_array
from prism_kernels.timeseries.model import Fit, Floats, Model, Problem
from prism_kernels.timeseries.sarima import Arima, order_row
from prism_kernels.timeseries.sarima_array_fit import fit as fit_array
from prism_kernels.timeseries.sarima_estimate import difference, integrated_ones, lost_values

__all__ = ["DeviceArima", "on_accelerator", "on_cpu", "placed"]

_NUMBERS = 1 << 27  # held at a time on the device: 1 GiB
_ROUNDING = 1e-12  # range after differencing, as a share of the largest value, below which nothing is left to model
_STARTS = 6


def on_accelerator(values: Array) -> bool:
    """Tell whether an array lives on a device that does not call itself a CPU."""
    return "cpu" not in str(device_of(values)).lower()


def placed(model: Model, values: Array, problem: Problem) -> Model:
    """Return the model that solves a problem where its series live, or the given one, which solves it on the CPU.

    Parameters
    ----------
    model
        What was asked for.
    values
        An array of the caller, whose library and device are used.
    problem
        What will be fitted.
    """
    able = on_accelerator(values) and not _obstacle(model, values, problem)
    return DeviceArima(values) if able else model


def on_cpu(model: Model, values: Array, problem: Problem) -> tuple[str, ...]:
    """Return the warning that series of an accelerator were forecast on the CPU, and why; nothing where they were not.

    Parameters
    ----------
    model
        What was used.
    values, problem
        As in :func:`placed`.
    """
    if isinstance(model, DeviceArima) or not on_accelerator(values):
        return ()
    return (f"computed on CPU: {_obstacle(model, values, problem) or 'an update filters there'}",)


def _obstacle(model: Model, values: Array, problem: Problem) -> str:
    """Say what keeps a problem from an accelerator; nothing where nothing does."""
    if model.name != "arima":
        return f"model {model.name!r} runs only there"
    if problem.exog is not None:
        return "regressors are estimated only there"
    if problem.n_starts > 1:
        return "n_starts above 1 is searched only there"
    if np.isnan(problem.y).any():
        return "series with gaps or of unequal length are filtered only there"
    if _is_flat(problem):
        return "a series that is constant after differencing is fitted only there"
    kinds = namespace_of(y=values).__array_namespace_info__().dtypes(device=device_of(values), kind="real floating")
    return "" if "float64" in kinds else f"{device_of(values)} has no float64"


def _is_flat(problem: Problem) -> bool:
    """Tell whether what is left of a series after differencing is one value, or rounding."""
    left = difference(problem.y, order_row(problem))
    reach = left.max(axis=1, initial=-np.inf) - left.min(axis=1, initial=np.inf)
    return bool((reach <= _ROUNDING * np.abs(problem.y).max(axis=1, initial=0.0)).any())


class DeviceArima(Arima):
    """ARIMA that is fitted, filtered and forecast in the library and on the device of an array.

    Takes and returns the same as :class:`~prism_kernels.timeseries.sarima.Arima`, so a fit of one can be applied by
    the other. Complete series of one length, without regressors.

    Parameters
    ----------
    reference
        An array of the caller; its library and device are used, in float64.
    """

    def __init__(self, reference: Array) -> None:
        self._xp = namespace_of(y=reference)
        self._device = device_of(reference)

    def fit(self, problem: Problem) -> Fit:
        """Estimate the given order for all series at once."""
        order = _order(problem)
        count = sum(order[k] for k in (0, 2, 3, 5))
        trials = max(2 * count, _STARTS)

        def estimated(part: slice) -> tuple[Array, ...]:
            found = fit_array(self._put(problem.y[part]), order)
            return found.coefs, found.constant, found.sigma2, found.converged

        coefs, constant, sigma2, converged = self._in_parts(problem, trials, estimated)
        return self._filtered(problem, coefs, constant, sigma2, converged)

    def apply(self, fit: Fit, problem: Problem) -> Fit:
        """Return the same coefficients applied to other data of the same series."""
        return self._filtered(problem, *_estimates(fit))

    def forecast(self, fit: Fit, h: int, exog: Floats | None = None) -> tuple[Floats, Floats]:
        """Return mean and standard error of the periods after the fit's data."""
        del exog
        order, (coefs, constant, sigma2, converged) = _order(fit.problem), _estimates(fit)

        def ahead(part: slice) -> tuple[Array, ...]:
            model = sarima_array.ArraySarima(
                order=order,
                coefs=self._put(coefs[part]),
                constant=self._put(constant[part]),
                sigma2=self._put(sigma2[part]),
                loglik=self._put(fit.loglik[part]),
                converged=self._xp.asarray(converged[part], device=self._device),
            )
            return sarima_array.forecast(self._put(fit.problem.y[part]), model, h)

        mean, error = self._in_parts(fit.problem, 1, ahead)
        return mean, error

    def _filtered(
        self, problem: Problem, coefs: Floats, constant: Floats, sigma2: Floats, converged: np.ndarray[Any, Any]
    ) -> Fit:
        """Filter a problem's data at given parameters and describe the model that did it."""
        order, (count, length) = _order(problem), problem.y.shape
        effects = constant[:, None] * integrated_ones(order, length)

        def passed(part: slice) -> tuple[Array, ...]:
            left = self._put(problem.y[part] - effects[part])
            said = sarima_array.likelihood(left, self._put(coefs[part]), (*order[:7], 0))
            return said.loglik, said.sigma2, said.innovations

        loglik, own, innovations = self._in_parts(problem, 1, passed)
        lost = length - innovations.shape[1]
        fitted = np.concatenate([np.full((count, lost), np.nan), problem.y[:, lost:] - innovations], axis=1)
        ratio = own / sigma2  # the filter maximises over the variance, which is given here
        orders = np.tile(order_row(problem), (count, 1))
        return Fit(
            problem=problem,
            params=np.concatenate([coefs, constant[:, None]], axis=1) if order[7] else coefs,
            param_names=_names(order),
            fitted=fitted,
            sigma2=sigma2,
            loglik=loglik + 0.5 * (length - lost) * (1 + np.log(ratio) - ratio),
            n_params=orders[:, [0, 2, 3, 5, 7]].sum(axis=1) + 1,
            n_effective=np.full(count, length - lost, dtype=np.int64),
            order=orders[:, :7].copy(),
            converged=converged,
            private={"orders": orders, "coefs": _never_empty(coefs), "betas": constant[:, None].copy()},
        )

    def _put(self, values: Floats) -> Array:
        return self._xp.asarray(np.ascontiguousarray(values), dtype=self._xp.float64, device=self._device)

    def _in_parts(
        self, problem: Problem, trials: int, work: Callable[[slice], tuple[Array, ...]]
    ) -> tuple[np.ndarray[Any, Any], ...]:
        """Do some work on as many series at a time as the device should hold, and bring what it returns to the host."""
        count, length = problem.y.shape
        order = _order(problem)
        size = max(order[0] + order[6] * order[3], order[2] + order[6] * order[5] + 1) + lost_values(order_row(problem))
        step = max(1, _NUMBERS // (trials * 4 * (length + (size + 1) ** 2)))
        parts = [slice(at, at + step) for at in range(0, count, step)]
        found = [tuple(map(to_numpy, work(part))) for part in progress.track(parts, self.name)]
        return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def _order(problem: Problem) -> tuple[int, ...]:
    """Return p, d, q, P, D, Q, s and whether there is a constant, as the array functions take them."""
    return tuple(int(k) for k in order_row(problem)[:8])


def _estimates(fit: Fit) -> tuple[Floats, Floats, Floats, np.ndarray[Any, Any]]:
    """Return coefficients, constants, variances and convergence of a fit, its own or that of the lane kernels."""
    count = int(fit.private["orders"][0, [0, 2, 3, 5]].sum())
    return fit.private["coefs"][:, :count], fit.private["betas"][:, 0], fit.sigma2, fit.converged


def _never_empty(coefs: Floats) -> Floats:
    """Give models without coefficients the column of zeros that the lane kernels expect."""
    return np.ascontiguousarray(coefs) if coefs.shape[1] else np.zeros((len(coefs), 1))


def _names(order: tuple[int, ...]) -> tuple[str, ...]:
    kinds = (("ar.L", 0, 1), ("ma.L", 2, 1), ("ar.S.L", 3, order[6]), ("ma.S.L", 5, order[6]))
    names = [f"{text}{step * (k + 1)}" for text, at, step in kinds for k in range(order[at])]
    return (*names, *["mean"] * order[7])
