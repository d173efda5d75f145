"""Maximum likelihood of a seasonal ARIMA where the series live: one quasi-Newton search over all series at once."""

from __future__ import annotations

from typing import Any

from prism_kernels import progress
from prism_kernels.arrays import Array, device_of, namespace_of
from prism_kernels.timeseries.sarima_array import ArraySarima, filtered
from prism_kernels.timeseries.sarima_estimate import difference
from prism_kernels.timeseries.sarima_starts import PATTERNS, PROBES

__all__ = ["fit"]

_STEPS = (1.0, 0.5, 0.2, 0.05, 0.005)


def _bounded(xp: Any, x: Array, order: tuple[int, ...]) -> Array:
    """Turn unbounded numbers into stationary and invertible coefficients (Monahan 1984), as the lane kernels do."""
    columns, at = [], 0
    for count, sign in ((order[0], 1.0), (order[2], -1.0), (order[3], 1.0), (order[5], -1.0)):
        block: list[Array] = []
        for k in range(count):
            partial = x[:, at + k] / xp.sqrt(1.0 + x[:, at + k] ** 2)
            block = [c - partial * block[k - 1 - i] for i, c in enumerate(block)] + [partial]
        columns += [sign * c for c in block]
        at += count
    return xp.stack(columns, axis=1) if columns else x


def fit(y: Array, order: tuple[int, ...], *, gtol: float = 1e-5, iterations: int = 100) -> ArraySarima:
    """Estimate an order for each series by exact maximum likelihood, all of them at once, where they live.

    Parameters
    ----------
    y
        series × time, floating, without gaps.
    order
        p, d, q, P, D, Q, s, whether there is a constant.
    gtol, iterations
        Largest gradient of the log-likelihood per value at which to stop, and most BFGS steps.
    """
    xp = namespace_of(y=y)
    w = difference(y, order)
    scale = xp.std(w, axis=1) if order[7] else xp.sqrt(xp.mean(w * w, axis=1))
    scale = xp.where(scale > 0, scale, xp.ones_like(scale))[:, None]
    center = xp.mean(w, axis=1)[:, None] / scale * float(order[7])
    w = w / scale - center
    x, g = _best(xp, w, order, gtol, iterations)
    coefs = _bounded(xp, x, order)
    found = filtered(xp, w, coefs, order)
    return ArraySarima(
        order=order,
        coefs=coefs,
        constant=(found.constant + center[:, 0]) * scale[:, 0],
        sigma2=found.sigma2 * scale[:, 0] ** 2,
        loglik=found.loglik - w.shape[1] * xp.log(scale[:, 0]),
        converged=_size(xp, g) < 10 * gtol,
    )


def _best(xp: Any, w: Array, order: tuple[int, ...], gtol: float, iterations: int) -> tuple[Array, Array]:
    """Return where the likelihood of every series is greatest, and the gradient there.

    A second search begins at the likeliest probe, for all series, since waiting for those that need it costs as much.
    """
    m = order[0] + order[2] + order[3] + order[5]
    where = {"dtype": w.dtype, "device": device_of(w)}
    if m == 0:
        return xp.zeros((w.shape[0], 0), **where), xp.zeros((w.shape[0], 1), **where)
    none = xp.zeros((w.shape[0], 1, m), **where)
    patterns, probes = (xp.asarray(_laid_out(table, order), **where) + none for table in (PATTERNS, PROBES[:, :5]))
    x, g = _minimise(xp, w, _lowest(xp, w, patterns, order), order, gtol, iterations)
    start = _lowest(xp, w, xp.where(xp.isnan(probes), x[:, None, :], probes), order)
    other, slope = _minimise(xp, w, start, order, gtol, iterations)
    value = _value(xp, w, xp.stack([x, other], axis=1), order)
    better = (value[:, 1] < value[:, 0])[:, None]
    return xp.where(better, other, x), xp.where(better, slope, g)


def _minimise(xp: Any, w: Array, x: Array, order: tuple[int, ...], gtol: float, iterations: int) -> tuple[Array, Array]:
    """Climb from x, all series at once, by BFGS; return where that ends, and the gradient there."""
    m = x.shape[1]
    where = {"dtype": w.dtype, "device": device_of(w)}
    eye = xp.eye(m, **where)
    inverse, g = xp.zeros((w.shape[0], m, m), **where) + eye, _gradient(xp, w, x, order)
    steps = xp.asarray([0.0, *_STEPS], **where)
    for k in range(iterations):
        progress.checkpoint()
        if bool(xp.all(_size(xp, g) < gtol)):  # the one wait for the device in an iteration
            break
        d = -xp.sum(inverse * g[:, None, :], axis=2)
        uphill = xp.sum(d * g, axis=1, keepdims=True) >= 0
        d = xp.where(uphill, -g, d)
        d = d * xp.clip((0.5 if k == 0 else 2.0) / (_size(xp, d)[:, None] + 1e-300), max=1.0)
        ahead = _lowest(xp, w, x[:, None, :] + steps[:, None] * d[:, None, :], order)
        s, before = ahead - x, g
        x, g = ahead, _gradient(xp, w, ahead, order)
        inverse = _updated(xp, inverse, s, g - before, eye, first=k == 0)
    return x, g


def _laid_out(table: Any, order: tuple[int, ...]) -> list[list[float]]:
    """Return the starts of the lane kernels for an order, start × coefficient; NaN where nothing is changed."""
    counts = (order[0], order[2], order[3], order[5])
    rows = [(zip(start[:4], counts, strict=True), start[4]) for start in table.tolist()]
    return [[first if k == 0 else later * first for first, count in row for k in range(count)] for row, later in rows]


def _value(xp: Any, w: Array, x: Array, order: tuple[int, ...]) -> Array:
    """Return minus the log-likelihood per value at series × trial × coefficient; series × trial."""
    series, trials, m = x.shape
    repeated = xp.reshape(w[:, None, :] + xp.zeros_like(x[:, :, :1]), (series * trials, w.shape[1]))
    found = filtered(xp, repeated, _bounded(xp, xp.reshape(x, (series * trials, m)), order), order)
    return xp.reshape(-found.loglik / w.shape[1], (series, trials))


def _lowest(xp: Any, w: Array, x: Array, order: tuple[int, ...]) -> Array:
    """Return the trial of each series where the objective is lowest."""
    value = _value(xp, w, x, order)
    value = xp.where(xp.isnan(value), xp.full_like(value, xp.inf), value)
    picked = xp.arange(x.shape[1], device=device_of(x)) == xp.argmin(value, axis=1)[:, None]
    return xp.sum(xp.where(picked[:, :, None], x, xp.zeros_like(x)), axis=1)


def _gradient(xp: Any, w: Array, x: Array, order: tuple[int, ...]) -> Array:
    """Return central differences, all in one evaluation."""
    m = x.shape[1]
    width = 1e-4 * (1.0 + xp.abs(x))
    shifts = xp.eye(m, dtype=x.dtype, device=device_of(x)) * width[:, None, :]
    value = _value(xp, w, xp.concat([x[:, None, :] + shifts, x[:, None, :] - shifts], axis=1), order)
    return (value[:, :m] - value[:, m:]) / (2.0 * width)


def _updated(xp: Any, inverse: Array, s: Array, change: Array, eye: Array, *, first: bool) -> Array:
    """Update inverse Hessians by the rule of Broyden, Fletcher, Goldfarb and Shanno, where curvature is positive."""
    along = xp.sum(s * change, axis=1)[:, None, None]
    fine = along > 1e-14
    safe = xp.where(fine, along, xp.ones_like(along))
    if first:
        inverse = eye * safe / (xp.sum(change * change, axis=1)[:, None, None] + 1e-300)
    product = xp.sum(inverse * change[:, None, :], axis=2)
    curve = xp.sum(product * change, axis=1)[:, None, None]
    cross = product[:, :, None] * s[:, None, :]
    new = (
        inverse
        + (1.0 + curve / safe) * s[:, :, None] * s[:, None, :] / safe
        - (cross + xp.matrix_transpose(cross)) / safe
    )
    return xp.where(fine, new, eye + xp.zeros_like(inverse))


def _size(xp: Any, values: Array) -> Array:
    return xp.max(xp.abs(values), axis=1)
