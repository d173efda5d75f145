"""How alike two series are, by Pearson, Spearman, Kendall or distances.

Matrix measures take two arrays series × period of the same shape and return series × series: row ``i`` of the first
against row ``j`` of the second. A row without variation gives NaN.

References
----------
Kendall (1945). The treatment of ties in ranking problems. (τ_b)
Székely, Rizzo, Bakirov (2007). Measuring and testing dependence by correlation of distances.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float

from prism_kernels import progress
from prism_kernels.arrays import Array, namespace_of, to_numpy

__all__ = ["distance", "kendall", "pearson", "ranks", "spearman", "standardised"]

_PLACES = 1 << 22  # distances held at a time: 32 MB


def standardised(values: Float[Array, "series time"]) -> Float[Array, "series time"]:
    """Return series with mean 0 and mean square 1; one without variation is NaN.

    Parameters
    ----------
    values
        series × time, of any size up to the ends of the range of floats.
    """
    xp = namespace_of(values=values)
    peak = xp.max(xp.abs(values), axis=1, keepdims=True)
    small = values / xp.where(peak > 0, peak, xp.ones_like(peak))
    flat = xp.max(values, axis=1, keepdims=True) == xp.min(values, axis=1, keepdims=True)
    centred = small - xp.mean(small, axis=1, keepdims=True)
    spread = xp.sqrt(xp.mean(centred * centred, axis=1, keepdims=True))
    return centred / xp.where(flat, xp.full_like(spread, xp.nan), spread)


def pearson(early: Float[Array, "series period"], late: Float[Array, "series period"]) -> Float[Array, "series other"]:
    """Return Pearson's correlation of every early with every late row."""
    xp = namespace_of(early=early, late=late)
    product = standardised(early) @ xp.matrix_transpose(standardised(late)) / early.shape[1]
    return xp.clip(product, -1.0, 1.0)


def ranks(values: Array) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the rank of each value in its row, equal values sharing their mean rank, on the CPU.

    Parameters
    ----------
    values
        series × time.
    """
    ranked = np.empty(values.shape, dtype=np.float64)
    for row, line in zip(ranked, to_numpy(values), strict=True):
        _, place, count = np.unique(line, return_inverse=True, return_counts=True)
        row[:] = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranked


def spearman(early: Array, late: Array) -> Array:
    """Return Spearman's correlation: Pearson's of the ranks, on the CPU."""
    return pearson(ranks(early), ranks(late))


def distance(early: Float[Array, "series period"], late: Float[Array, "series period"]) -> Float[Array, "series other"]:
    """Return the distance correlation of every early with every late row, a block of periods at a time.

    Notes
    -----
    With distances a, b between periods, their row sums a., b. and totals a.., b.., n² dCov² = ⟨a, b⟩ − 2 ⟨a., b.⟩ / n +
    a.. b.. / n². The inner products of all pairs are one matrix product a block.
    """
    xp = namespace_of(early=early, late=late)
    series, size = early.shape
    one, two = standardised(early), standardised(late)
    step = max(1, _PLACES // (series * size))
    blocks = [_block(one, two, first, min(first + step, size)) for first in range(0, size, step)]
    products, squares_one, squares_two, rows_one, rows_two = zip(*blocks, strict=True)
    sums_one, sums_two = xp.concat(rows_one, axis=1), xp.concat(rows_two, axis=1)
    total_one, total_two = xp.sum(sums_one, axis=1), xp.sum(sums_two, axis=1)
    crossed = sums_one @ xp.matrix_transpose(sums_two)
    covariance = sum(products) - 2 * crossed / size + total_one[:, None] * total_two[None, :] / size**2
    variance_one = sum(squares_one) - 2 * xp.sum(sums_one**2, axis=1) / size + total_one**2 / size**2
    variance_two = sum(squares_two) - 2 * xp.sum(sums_two**2, axis=1) / size + total_two**2 / size**2
    return xp.sqrt(xp.clip(covariance / xp.sqrt(variance_one[:, None] * variance_two[None, :]), 0.0, 1.0))


def _block(one: Array, two: Array, first: int, last: int) -> tuple[Array, Array, Array, Array, Array]:
    """Return what periods ``first … last`` add: inner products, squares, and their own sums of distances."""
    progress.checkpoint()
    xp = namespace_of(one=one, two=two)
    apart = [xp.abs(v[:, first:last][:, :, None] - v[:, None, :]) for v in (one, two)]
    a, b = (xp.reshape(d, (d.shape[0], -1)) for d in apart)
    sums = [xp.sum(d, axis=2) for d in apart]
    return a @ xp.matrix_transpose(b), xp.sum(a * a, axis=1), xp.sum(b * b, axis=1), sums[0], sums[1]


def kendall(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Return Kendall's τ_b of two rows; NaN where one of them does not vary.

    Parameters
    ----------
    one, other
        Two rows of equal length.
    """
    from scipy.stats import kendalltau

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return math.nan
    return float(kendalltau(one, other, method="asymptotic").statistic)
