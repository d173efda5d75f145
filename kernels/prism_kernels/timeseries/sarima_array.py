"""Seasonal ARIMA where the series live: the exact likelihood over the Array API, batched over series.

The same model and estimator as the lane kernels', for tensors on a GPU: a Python loop over time, all series at once.
Complete series of one length and one order, with a constant but without regressors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prism_kernels.arrays import Array, device_of, namespace_of
from prism_kernels.timeseries.sarima_estimate import difference, integrated_ones

__all__ = ["ArrayLikelihood", "ArraySarima", "forecast", "likelihood"]

_HALF_LOG_2PI = 0.9189385332046727


@dataclass(frozen=True, kw_only=True)
class ArrayLikelihood:
    """Exact likelihood of each series, constant and variance concentrated out.

    Attributes
    ----------
    loglik, sigma2, constant
        Log-likelihood, innovation variance and mean of the differenced series, of each series.
    innovations
        series × differenced time: one-step errors.
    state, covariance
        Harvey form after the last period, series × r, and its covariance for σ² = 1, series × r × r.
    """

    loglik: Array
    sigma2: Array
    constant: Array
    innovations: Array
    state: Array
    covariance: Array | None


@dataclass(frozen=True, kw_only=True)
class ArraySarima:
    """An ARIMA of one order, fitted to each series where they live.

    Attributes
    ----------
    order
        p, d, q, P, D, Q, s, whether there is a constant.
    coefs
        series × coefficient: AR, MA, seasonal AR, seasonal MA.
    constant, sigma2, loglik
        As in :class:`ArrayLikelihood`.
    converged
        Whether the gradient of each series vanished.
    """

    order: tuple[int, ...]
    coefs: Array
    constant: Array
    sigma2: Array
    loglik: Array
    converged: Array


def likelihood(y: Array, coefs: Array, order: tuple[int, ...], *, keep: bool = False) -> ArrayLikelihood:
    """Return the exact Gaussian likelihood of each series at given coefficients.

    Parameters
    ----------
    y
        series × time, floating, without gaps.
    coefs
        series × coefficient: AR, MA, seasonal AR, seasonal MA; stationary.
    order
        p, d, q, P, D, Q, s, whether there is a constant.
    keep
        Whether to carry the state's covariance along, for forecasts.
    """
    xp = namespace_of(y=y, coefs=coefs)
    return filtered(xp, difference(y, order), coefs, order, keep=keep)


def filtered(xp: Any, w: Array, coefs: Array, order: tuple[int, ...], *, keep: bool = False) -> ArrayLikelihood:
    """Run the Chandrasekhar recursions of Morf, Sidhu and Kailath (1974) over the series and a series of ones."""
    phi, theta = _expanded(xp, coefs, order)
    column = _first_column(xp, phi, theta)
    length = w.shape[1]
    gain = phi * column[:, :1] + _shifted(xp, column)
    factor, variance = gain, column[:, 0]
    middle = -1.0 / variance
    state, ones = xp.zeros_like(phi), xp.zeros_like(phi)
    covariance = _full_covariance(xp, phi, theta, column) if keep else None
    errors, levels, variances = [], [], []
    for t in range(length):
        known, level = state[:, :1], ones[:, :1]
        errors.append(w[:, t] - known[:, 0])
        levels.append(1.0 - level[:, 0])
        variances.append(variance)
        scaled = gain / variance[:, None]
        state = phi * known + _shifted(xp, state) + scaled * errors[-1][:, None]
        ones = phi * level + _shifted(xp, ones) + scaled * levels[-1][:, None]
        if covariance is not None:
            covariance = covariance + middle[:, None, None] * factor[:, :, None] * factor[:, None, :]
        lead = factor[:, 0]
        moved = phi * lead[:, None] + _shifted(xp, factor)
        after = variance + middle * lead**2
        factor = moved - scaled * lead[:, None]
        gain = gain + (middle * lead)[:, None] * moved
        middle, variance = middle * variance / after, after
    v, u, f = xp.stack(errors, axis=1), xp.stack(levels, axis=1), xp.stack(variances, axis=1)
    constant = xp.sum(u * v / f, axis=1) / xp.sum(u * u / f, axis=1) * float(order[7])
    v = v - constant[:, None] * u
    sigma2 = xp.sum(v * v / f, axis=1) / length
    loglik = -length * (_HALF_LOG_2PI + 0.5 + 0.5 * xp.log(sigma2)) - 0.5 * xp.sum(xp.log(f), axis=1)
    state = state - constant[:, None] * ones
    return ArrayLikelihood(
        loglik=loglik, sigma2=sigma2, constant=constant, innovations=v, state=state, covariance=covariance
    )


def _shifted(xp: Any, values: Array) -> Array:
    """Move the columns one place to the left; the last becomes zero."""
    return xp.concat([values[:, 1:], xp.zeros_like(values[:, :1])], axis=1)


def _expanded(xp: Any, coefs: Array, order: tuple[int, ...]) -> tuple[Array, Array]:
    """Multiply out the seasonal polynomials into r columns each, as the lane kernels do."""
    p, _, q, sp, _, sq, s = order[:7]
    r = max(p + s * sp, q + s * sq + 1)
    zero = xp.zeros(coefs.shape[0], dtype=coefs.dtype, device=device_of(coefs))
    phi, theta = [zero] * r, [zero + 1.0] + [zero] * (r - 1)
    for i in range(p):
        phi[i] = phi[i] + coefs[:, i]
    for j in range(sp):
        lag, seasonal = s * (j + 1), coefs[:, p + q + j]
        phi[lag - 1] = phi[lag - 1] + seasonal
        for i in range(p):
            phi[lag + i] = phi[lag + i] - seasonal * coefs[:, i]
    for i in range(q):
        theta[i + 1] = theta[i + 1] + coefs[:, p + i]
    for j in range(sq):
        lag, seasonal = s * (j + 1), coefs[:, p + q + sp + j]
        theta[lag] = theta[lag] + seasonal
        for i in range(q):
            theta[lag + i + 1] = theta[lag + i + 1] + seasonal * coefs[:, p + i]
    return xp.stack(phi, axis=1), xp.stack(theta, axis=1)


def _first_column(xp: Any, phi: Array, theta: Array) -> Array:
    """Return the first column of the stationary covariance: Yule and Walker's equations with moving averages."""
    r = phi.shape[1]
    response = [theta[:, 0]]
    for k in range(1, r):
        past = xp.stack(response[::-1], axis=1)
        response.append(theta[:, k] + xp.sum(phi[:, :k] * past, axis=1))
    psi = xp.stack(response, axis=1)
    shocks = xp.stack([xp.sum(theta[:, i:] * psi[:, : r - i], axis=1) for i in range(r)], axis=1)
    lags = xp.arange(r + 1, device=device_of(phi))
    shape = (phi.shape[0], r + 1, r + 1)
    system = xp.zeros(shape, dtype=phi.dtype, device=device_of(phi)) + xp.astype(lags[:, None] == lags, phi.dtype)
    for j in range(r):
        place = xp.abs(lags - (j + 1))
        system = system - phi[:, j][:, None, None] * xp.astype(place[:, None] == lags, phi.dtype)
    right = xp.concat([shocks, xp.zeros_like(shocks[:, :1])], axis=1)
    gamma = xp.linalg.solve(system, right[:, :, None])[:, :, 0]
    return xp.stack([xp.sum(phi[:, i:] * gamma[:, 1 : r - i + 1], axis=1) for i in range(r)], axis=1) + shocks


def _full_covariance(xp: Any, phi: Array, theta: Array, column: Array) -> Array:
    """Return the stationary covariance, from its first column, last row first."""
    after = _shifted(xp, column)
    rows = [xp.zeros_like(phi)]
    for i in range(phi.shape[1] - 1, -1, -1):
        own, mixed = phi[:, i : i + 1], phi * after[:, i : i + 1]
        rows.append(own * (phi * column[:, :1] + after) + mixed + theta[:, i : i + 1] * theta + _shifted(xp, rows[-1]))
    return xp.stack(rows[:0:-1], axis=1)


def forecast(y: Array, model: ArraySarima, h: int) -> tuple[Array, Array]:
    """Return mean and standard error, series × h, of the periods after the series, where they live.

    Parameters
    ----------
    y
        series × time, floating, without gaps.
    model
        What :func:`prism_kernels.timeseries.sarima_array_fit.fit` returned.
    h
        Number of periods.
    """
    xp = namespace_of(y=y, coefs=model.coefs)
    order, lost = model.order, model.order[1] + model.order[6] * model.order[4]
    drift = integrated_ones(order, y.shape[1] + h)
    trend = xp.asarray(drift, dtype=y.dtype, device=device_of(y)) * model.constant[:, None]
    left = y - trend[:, : y.shape[1]]
    found = filtered(xp, difference(left, order), model.coefs, (*order[:7], 0), keep=True)
    observe, moves, shocks = _transition(xp, model.coefs, order)
    lags = [left[:, -1 - k] for k in range(lost)]
    state = xp.concat([xp.stack(lags, axis=1), found.state], axis=1) if lost else found.state
    covariance = xp.zeros_like(moves)
    covariance[:, lost:, lost:] = found.covariance
    means, variances = [], []
    for _ in range(h):
        means.append(xp.sum(state * observe, axis=1))
        variances.append(xp.sum(xp.sum(covariance * observe, axis=2) * observe, axis=1))
        state = xp.sum(moves * state[:, None, :], axis=2)
        covariance = moves @ covariance @ xp.matrix_transpose(moves) + shocks[:, :, None] * shocks[:, None, :]
    mean = xp.stack(means, axis=1) + trend[:, y.shape[1] :]
    return mean, xp.sqrt(xp.stack(variances, axis=1) * model.sigma2[:, None])


def _transition(xp: Any, coefs: Array, order: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Return what observes, moves and shocks the lagged values and the Harvey form."""
    phi, theta = _expanded(xp, coefs, order)
    weights = [1.0]
    for lag in (1,) * order[1] + (order[6],) * order[4]:
        none = [0.0] * lag
        weights = [now - before for now, before in zip(weights + none, none + weights, strict=True)]
    lost, r = len(weights) - 1, phi.shape[1]
    observe = [-w for w in weights[1:]] + [1.0] + [0.0] * (r - 1)
    fixed = [[float(k == (row - 1 if row < lost else row + 1)) for k in range(lost + r)] for row in range(lost + r)]
    fixed[:1] = [observe] if lost else fixed[:1]
    where = {"dtype": coefs.dtype, "device": device_of(coefs)}
    moves = xp.zeros((coefs.shape[0], lost + r, lost + r), **where) + xp.asarray(fixed, **where)
    moves[:, lost:, lost] = moves[:, lost:, lost] + phi
    return xp.asarray(observe, **where), moves, xp.concat([xp.zeros((coefs.shape[0], lost), **where), theta], axis=1)
