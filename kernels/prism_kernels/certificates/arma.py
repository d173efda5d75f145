"""Exact likelihood and predictions of an ARMA process from its autocovariances, without state space or Kalman filter.

References
----------
Brockwell, P. J. and Davis, R. A. (1991), "Time Series: Theory and Methods", sections 3.3 and 5.2.
"""

from __future__ import annotations

import numpy as np

from prism_kernels.certificates.evidence import Floats

__all__ = ["autocovariances", "expand", "predicted"]


def expand(short: Floats, seasonal: Floats, season: int, sign: float) -> Floats:
    """Multiply 1 ± Σ aᵢ Bⁱ by 1 ± Σ Aᵢ Bˢⁱ and return the coefficients, the leading 1 included.

    Parameters
    ----------
    short, seasonal
        Coefficients a and A.
    season
        Periods s in a season.
    sign
        -1 for the autoregressive side, 1 for the moving average.
    """
    one, other = np.r_[1.0, sign * short], np.zeros(1 + season * len(seasonal))
    other[0] = 1.0
    other[season::season] = sign * seasonal
    return np.convolve(one, other)


def autocovariances(ar: Floats, ma: Floats, count: int) -> Floats:
    """Return the autocovariances at lags 0 … count - 1 for innovations of variance 1.

    Parameters
    ----------
    ar, ma
        Coefficients of both polynomials, the leading 1 included.
    count
        Number of lags.

    Notes
    -----
    The autocovariances solve Σᵢ φᵢ γ(k - i) = Σⱼ θⱼ₊ₖ ψⱼ for every k, with ψ the weights of the innovations: a linear
    system for the first of them, then a recursion.
    """
    p, q = len(ar) - 1, len(ma) - 1
    weights = np.zeros(q + 1)
    for j in range(q + 1):
        weights[j] = ma[j] - sum(ar[i] * weights[j - i] for i in range(1, min(p, j) + 1))
    right = np.array([ma[k:] @ weights[: q + 1 - k] if k <= q else 0.0 for k in range(max(p, q) + 1)])
    system = np.zeros((p + 1, p + 1))
    for k in range(p + 1):
        for i in range(p + 1):
            system[k, abs(k - i)] += ar[i]
    size = max(count, p + 1, q + 1)
    found = np.zeros(size)
    found[: p + 1] = np.linalg.solve(system, np.r_[right, np.zeros(max(0, p + 1 - len(right)))][: p + 1])
    for k in range(p + 1, size):
        found[k] = (right[k] if k < len(right) else 0.0) - sum(ar[i] * found[k - i] for i in range(1, p + 1))
    return found[:count]


def predicted(w: Floats, gamma: Floats, h: int) -> tuple[Floats, Floats, Floats]:
    """Return one-step predictions with their variances, and the predictions of the periods ahead.

    Parameters
    ----------
    w
        Values with mean zero.
    gamma
        Autocovariances at lags 0 … len(w) + h - 1.
    h
        Number of periods ahead.

    Notes
    -----
    By the recursion of Durbin and Levinson; ahead, its predictions stand for the values not yet seen.
    """
    n = len(w)
    known = np.r_[w, np.zeros(h)]
    guess, variance = np.zeros(n + h), np.zeros(n + h)
    weights, left = np.zeros(n + h), float(gamma[0])
    variance[0] = left
    for t in range(1, n + h):
        if t > n:
            known[t - 1] = guess[t - 1]
        reflection = (gamma[t] - weights[: t - 1] @ gamma[t - 1 : 0 : -1]) / left
        weights[: t - 1] -= reflection * weights[: t - 1][::-1].copy()
        weights[t - 1] = reflection
        left *= 1 - reflection * reflection
        guess[t], variance[t] = weights[:t] @ known[t - 1 :: -1][:t], left
    return guess[:n], variance[:n], guess[n:]
