"""Is there a trend, and how steep: the tests of Mann and Kendall, the slope of Theil and Sen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np

from prism_kernels import lanes
from prism_kernels.inputs import Series
from prism_kernels.timeseries.units import unit_of

__all__ = ["Monotone", "monotone_trend"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_LEAST_TAIL = 1e-300  # of a normal; beyond it every slope lies inside


@dataclass(frozen=True, kw_only=True, eq=False)
class Monotone:
    """Rank tests and slopes of a batch.

    Attributes
    ----------
    tau
        Kendall's tau-b of each series with time.
    p_value
        Two-sided, corrected for ties and for continuity.
    corrected_p
        The same with the variance that Hamed and Rao's autocorrelation correction gives.
    slope, intercept
        Median slope of all pairs, a period; the line passes through the medians of time and value. Both of the series
        divided by ``unit``.
    slope_ci
        Series × 2, ends of the interval of that slope.
    unit
        What each series was divided by.
    """

    tau: Floats
    p_value: Floats
    corrected_p: Floats
    slope: Floats
    slope_ci: Floats
    intercept: Floats
    unit: Floats


def monotone_trend(series: Series, alpha: float) -> Monotone:
    """Test each series for a monotone trend and estimate its slope.

    Parameters
    ----------
    series
        Complete but for leading padding, three values or more each.
    alpha
        1 minus the confidence of the slope's interval.
    """
    count = series.length - series.first
    pairs = count * (count - 1) // 2
    values = [row[f:] for row, f in zip(series.lanes, series.first, strict=True)]
    runs = [np.unique(v, return_counts=True)[1] for v in values]
    tied = np.array([int((r * (r - 1) // 2).sum()) for r in runs])
    score = (pairs - tied - 2 * _discordant(series)).astype(float)
    ties = np.array([float((r * (r - 1.0) * (2 * r + 5)).sum()) for r in runs])
    variance = np.maximum((count * (count - 1.0) * (2 * count + 5) - ties) / 18, 0.0)
    unit = unit_of(series.lanes)
    values = [v / u for v, u in zip(values, unit, strict=True)]  # whose differences are finite
    slope, slope_ci = _slopes(series, series.lanes / unit[:, None], pairs, variance, alpha)
    middle = np.array([np.median(v) for v in values])
    intercept = middle - slope * (series.first + (count - 1) / 2)
    inflation = [_inflation(v - s * np.arange(v.size)) for v, s in zip(values, slope, strict=True)]
    root = np.sqrt(pairs * (pairs - tied).astype(float))
    return Monotone(
        tau=np.divide(score, root, out=np.zeros_like(score), where=root > 0),
        p_value=_two_sided(score, variance),
        corrected_p=_two_sided(score, variance * np.array(inflation)),
        slope=slope,
        slope_ci=slope_ci,
        intercept=intercept,
        unit=unit,
    )


def _scratch(series: Series) -> tuple[Any, Any, Any]:
    shape = (series.count, series.length)
    return np.empty(shape), np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.int64)


def _discordant(series: Series) -> Any:
    from prism_kernels.timeseries.slopes_lanes import discordant

    count = np.zeros(series.count, dtype=np.int64)
    lanes.launch(discordant, series.count, series.lanes, series.first, count, *_scratch(series), label="counting pairs")
    return count


def _slopes(series: Series, y: Floats, pairs: Any, variance: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Return the median slope and the slopes whose ranks bound it (Sen 1968)."""
    from scipy.special import ndtri

    from prism_kernels.timeseries.slopes_lanes import ranked_slopes

    reach = -ndtri(max(alpha / 2, _LEAST_TAIL)) * np.sqrt(variance)
    low = np.maximum(np.rint((pairs - reach) / 2), 1)
    high = np.minimum(np.rint((pairs + reach) / 2) + 1, pairs)
    ranks = np.stack([(pairs + 1) // 2, pairs // 2 + 1, low, high], axis=1).astype(np.int64)
    found = np.empty(ranks.shape)
    scratch = _scratch(series)
    lanes.launch(ranked_slopes, series.count, y, series.first, ranks, found, *scratch, label="slopes")
    return found[:, :2].mean(axis=1), found[:, 2:]


def _two_sided(score: Floats, variance: Floats) -> Floats:
    """Return the p-value of Kendall's score under its normal limit, with the continuity correction."""
    from scipy.special import ndtr

    distance = np.maximum(np.abs(score) - 1, 0.0)
    sigma = np.sqrt(variance)
    z = np.divide(distance, sigma, out=np.zeros_like(score), where=sigma > 0)
    p: Floats = 2 * ndtr(-z)
    return p


def _inflation(residual: Floats) -> float:
    """Return by how much autocorrelation widens the variance of Kendall's score (Hamed and Rao 1998, eq. 16)."""
    n = residual.size
    order = np.unique(residual, return_inverse=True)[1].astype(float)
    counts = np.bincount(order.astype(np.int64))
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[order.astype(np.int64)]
    centred = ranks - ranks.mean()
    power = np.abs(np.fft.rfft(centred, 2 * n)) ** 2
    correlation = np.fft.irfft(power)[1:n]
    total = centred @ centred
    if total == 0 or n < 3:
        return 1.0
    correlation = correlation / total
    lag = np.arange(1, n)
    significant = np.abs(correlation) > NormalDist().inv_cdf(0.975) / math.sqrt(n)
    weights = (n - lag) * (n - lag - 1.0) * (n - lag - 2.0)
    factor = 1 + 2 / (n * (n - 1.0) * (n - 2.0)) * float((weights * correlation)[significant].sum())
    return max(factor, 1 / n)
