"""How much of a Sharpe ratio is left after counting how many were tried."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

__all__ = ["deflated_sharpe", "expected_maximum", "probabilistic_sharpe"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_EULER = 0.57721566490153286061


def probabilistic_sharpe(sharpe: Floats, benchmark: Any, periods: Any, skewness: Floats, kurtosis: Floats) -> Floats:
    r"""Return the probability that true Sharpe ratios are above a benchmark.

    Parameters
    ----------
    sharpe
        Observed Sharpe ratios a period, not annualised.
    benchmark
        What they are compared with, a period.
    periods
        Number of returns behind each.
    skewness, kurtosis
        Of the returns; the kurtosis of a normal distribution is 3.

    Notes
    -----
    .. math:: Φ\left[\frac{(SR - SR^*) \sqrt{T - 1}}{\sqrt{1 - γ_3 SR + \frac{γ_4 - 1}{4} SR^2}}\right]

    References
    ----------
    D. H. Bailey and M. López de Prado (2012), "The Sharpe ratio efficient frontier".
    """
    from scipy.special import ndtr

    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2)
        found: Floats = ndtr((sharpe - benchmark) * np.sqrt(np.maximum(periods - 1, 0)) / spread)
    return found


def expected_maximum(trials: int, variance: Floats) -> Floats:
    r"""Return the Sharpe ratio that the best of so many worthless trials is expected to show.

    Parameters
    ----------
    trials
        Number of independent trials.
    variance
        Variance of the Sharpe ratios over the trials.

    Notes
    -----
    .. math:: \sqrt{V}\left[(1 - γ) Φ^{-1}(1 - 1/N) + γ Φ^{-1}(1 - 1/(N e))\right]

    with Euler's constant γ; 0 for one trial.
    """
    from scipy.special import ndtri

    if trials < 2:
        return np.zeros_like(variance)
    size = (1 - _EULER) * float(ndtri(1 - 1 / trials)) + _EULER * float(ndtri(1 - 1 / (trials * math.e)))
    return np.asarray(np.sqrt(variance) * size)


def deflated_sharpe(sharpe: Floats, periods: Floats, skewness: Floats, kurtosis: Floats) -> Floats:
    """Return the probability that each trial's true Sharpe ratio is above what luck alone gives the best trial.

    Parameters
    ----------
    sharpe
        trial × asset, a period; NaN where there is none, which then is no trial.
    periods, skewness, kurtosis
        trial × asset, of the returns.

    References
    ----------
    D. H. Bailey and M. López de Prado (2014), "The deflated Sharpe ratio: correcting for selection bias, backtest
    overfitting, and non-normality".
    """
    found = np.full(sharpe.shape, np.nan)
    for asset in range(sharpe.shape[1]):
        own = sharpe[:, asset]
        there = np.isfinite(own)
        trials = int(there.sum())
        variance = np.array(np.var(own[there], ddof=1) if trials > 1 else 0.0)
        bar = expected_maximum(trials, variance)
        rest = (a[:, asset] for a in (periods, skewness, kurtosis))
        found[:, asset] = np.where(there, probabilistic_sharpe(own, bar, *rest), np.nan)
    return found
