"""What intervals are worth: coverage, the interval score, the quantile loss and the ranked probability score."""

from __future__ import annotations

import math
from typing import Any

from jaxtyping import Float

from prism_kernels.arrays import Array, namespace_of
from prism_kernels.timeseries.quadrature import NODES, WEIGHTS

__all__ = ["interval_scores", "mean_there"]

_ERF_IS_ONE = 6.0
_NO_WIDTH = 1e-20  # of an error: no float64 tells the score from the error


def mean_there(values: Float[Array, "series time"], there: Array) -> Float[Array, " series"]:
    """Return the mean of each row over the places that are there; NaN without any.

    Parameters
    ----------
    values
        Series × time; what is not there may be NaN.
    there
        Series × time, true for the places that count.
    """
    xp = namespace_of(values=values)
    total = xp.sum(xp.where(there, values, xp.zeros_like(values)), axis=1)
    count = xp.astype(xp.count_nonzero(there, axis=1), values.dtype)
    none = count == 0
    return xp.where(none, xp.full_like(total, xp.nan), total / xp.where(none, xp.ones_like(count), count))


def interval_scores(
    truth: Float[Array, "series time"],
    predicted: Float[Array, "series time"],
    lo: Float[Array, "series time"],
    hi: Float[Array, "series time"],
    level: float,
) -> dict[str, Any]:
    """Return ``coverage``, ``winkler``, ``pinball`` and ``crps`` of each series.

    Parameters
    ----------
    truth, predicted, lo, hi
        Series × time; a place where one of them is NaN is left out.
    level
        Share of truths that [lo, hi] should hold.
    """
    from scipy.special import erfinv

    xp = namespace_of(y_true=truth, y_pred=predicted, lo=lo, hi=hi)
    there = ~(xp.isnan(truth) | xp.isnan(predicted) | xp.isnan(lo) | xp.isnan(hi))
    zero = xp.zeros_like(truth)
    below, above = xp.where(truth < lo, lo - truth, zero), xp.where(truth > hi, truth - hi, zero)
    winkler = (hi - lo) + 2 / (1 - level) * (below + above)
    pinball = (
        _pinball(truth, lo, (1 - level) / 2) + _pinball(truth, predicted, 0.5) + _pinball(truth, hi, (1 + level) / 2)
    ) / 3
    sigma = (hi - lo) / (2 * math.sqrt(2) * float(erfinv(level)))
    return {
        "coverage": mean_there(xp.astype((truth >= lo) & (truth <= hi), truth.dtype), there),
        "winkler": mean_there(winkler, there),
        "pinball": mean_there(pinball, there),
        "crps": mean_there(_normal_crps(truth - predicted, sigma), there),
    }


def _pinball(truth: Array, quantile: Array, share: float) -> Array:
    xp = namespace_of(truth=truth, quantile=quantile)
    miss = truth - quantile
    return xp.where(miss < 0, (share - 1) * miss, share * miss)


def _normal_crps(error: Array, sigma: Array) -> Array:
    """Return the score of a normal distribution of width sigma that misses by error; |error| for no width."""
    xp = namespace_of(error=error, sigma=sigma)
    flat = sigma <= _NO_WIDTH * xp.abs(error)
    width = xp.where(flat, xp.ones_like(sigma), sigma)
    z = xp.where(flat, xp.zeros_like(error), error) / width
    density = xp.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    score = width * (z * _erf(z / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi))
    return xp.where(flat, xp.abs(error), score)


def _erf(x: Array) -> Array:
    """Return the error function, which the Array API lacks, by Gauss's quadrature of its integral."""
    xp = namespace_of(x=x)
    inside = xp.where(x > _ERF_IS_ONE, _ERF_IS_ONE, xp.where(x < -_ERF_IS_ONE, -_ERF_IS_ONE, x))
    total = xp.zeros_like(x)
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        part = inside * (0.5 * (node + 1))
        total = total + 0.5 * weight * xp.exp(-part * part)
    return 2 / math.sqrt(math.pi) * inside * total
