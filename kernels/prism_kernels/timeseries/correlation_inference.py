"""How sure a correlation of autocorrelated series is: effective sample size, p-value, confidence interval.

References
----------
Bartlett (1935). Some aspects of the time-correlation problem in regard to tests of significance.
Pyper, Peterman (1998). Comparison of methods to account for autocorrelation in correlation analyses of fish data.
Fisher (1915). Frequency distribution of the values of the correlation coefficient in samples from an indefinitely large
population.
Fieller, Hartley, Pearson (1957). Tests for rank correlation coefficients. (The variance of z for ranks.)
Kendall (1938). A new measure of rank correlation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from prism_kernels.timeseries.model import Floats

__all__ = ["autocorrelations", "effective_size", "interval", "p_values"]

_FISHER = {"pearson": (1.0, 3), "cross": (1.0, 3), "spearman": (1.06, 3), "kendall": (0.437, 4)}
"""Variance of Fisher's z times the sample size less this many."""


def autocorrelations(values: Floats) -> Floats:
    """Return the autocorrelations of each series at lags 1 to a fifth of its length, series × lag.

    Parameters
    ----------
    values
        series × time; none of them constant.
    """
    size = values.shape[1]
    peak = np.abs(values).max(axis=1, keepdims=True)
    centred = values / peak
    centred = centred - centred.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, n=2 * size, axis=1)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, n=2 * size, axis=1)[:, : size // 5 + 1]
    return np.asarray(covariance[:, 1:] / covariance[:, :1], dtype=np.float64)


def effective_size(memory: Floats, overlap: np.ndarray[Any, np.dtype[np.int64]]) -> Floats:
    """Return how many independent periods each pair of series is worth.

    Parameters
    ----------
    memory
        Autocorrelations of each series, series × lag.
    overlap
        Number of periods n compared, series × series.

    Notes
    -----
    1/n* = 1/n + (2/n) Σⱼ (1 − j/n) ρ_x(j) ρ_y(j) over lags to a fifth of the length (Bartlett; Pyper and Peterman), and
    n* at most n: memories that cancel make nothing surer.
    """
    lag = np.arange(1, memory.shape[1] + 1)
    plain = memory @ memory.T
    weighted = (memory * lag) @ memory.T
    inflation = 1 + 2 * (plain - weighted / overlap)
    return np.where(inflation > 1, overlap / np.where(inflation > 1, inflation, 1), overlap).astype(np.float64)


def p_values(matrix: Floats, effective: Floats, method: str, lags: int) -> Floats:
    """Return two-sided p-values of no correlation, multiplied by the number of lags among which each was chosen.

    Parameters
    ----------
    matrix
        Correlations, series × series.
    effective
        Effective number of periods of each.
    method
        ``kendall`` is judged by its normal limit, the others by Student's t with effective − 2 degrees of freedom.
    lags
        Number of lags looked at.
    """
    from scipy.special import betainc, ndtr

    if method == "kendall":
        size = np.maximum(effective, 2)
        z = np.abs(matrix) * np.sqrt(9 * size * (size - 1) / (2 * (2 * size + 5)))
        p = 2 * ndtr(-z)
    else:
        freedom = np.maximum(effective - 2, 1)
        p = betainc(freedom / 2, 0.5, 1 - matrix**2)
    return np.asarray(np.where(effective > 2, np.minimum(1, lags * p), 1.0), dtype=np.float64)


def interval(matrix: Floats, effective: Floats, method: str, alpha: float) -> Floats:
    """Return confidence limits by Fisher's z, series × series × (lower, upper); −1 and 1 where too little is known.

    Parameters
    ----------
    matrix, effective, method
        As in :func:`p_values`.
    alpha
        Share of intervals that may miss.
    """
    from scipy.special import ndtri

    factor, less = _FISHER[method]
    known = effective > less
    error = np.sqrt(factor / np.where(known, effective - less, 1))
    with np.errstate(divide="ignore"):  # the z of ±1 is infinite, and its limits are ±1 again
        z = np.arctanh(np.clip(matrix, -1, 1))
    half = -ndtri(alpha / 2) * error
    lower, upper = np.where(known, np.tanh(z - half), -1), np.where(known, np.tanh(z + half), 1)
    return np.stack([lower, upper], axis=-1)
