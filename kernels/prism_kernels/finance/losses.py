"""What a portfolio loses in the tail, and what each asset adds to it: historical, Gaussian, Cornish and Fisher's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from jaxtyping import Float

from prism_kernels.arrays import Array, device_of, namespace_of
from prism_kernels.finance.tail import Quantile, tail_weights

__all__ = [
    "Moments",
    "TailLoss",
    "compounded",
    "cornish_fisher",
    "falls_back",
    "gaussian",
    "historical",
    "moments_of",
    "tail_mean",
]

_FARTHEST = -6.0  # normal quantile of one in a billion, up to which a quantile must keep falling


@dataclass(frozen=True)
class TailLoss:
    """Losses at one level, as positive shares.

    Attributes
    ----------
    value_at_risk
        The loss that is exceeded with probability 1 - level.
    expected_shortfall
        The mean loss from there on.
    component_var
        What each asset adds to the value at risk; their sum is the whole.
    """

    value_at_risk: Float[Array, ""]
    expected_shortfall: Float[Array, ""]
    component_var: Float[Array, " asset"]


@dataclass(frozen=True)
class Moments:
    """Moments of a portfolio over one period, with their derivatives by the weights.

    Attributes
    ----------
    mean, deviation
        Of the portfolio's returns; the deviation with divisor n - 1.
    skewness, kurtosis
        Standardised third moment, and fourth less 3; 0 where returns do not vary.
    means, by_deviation, by_skewness, by_kurtosis
        Derivatives of the four by each weight.
    """

    mean: Float[Array, ""]
    deviation: Float[Array, ""]
    skewness: Float[Array, ""]
    kurtosis: Float[Array, ""]
    means: Float[Array, " asset"]
    by_deviation: Float[Array, " asset"]
    by_skewness: Float[Array, " asset"]
    by_kurtosis: Float[Array, " asset"]


def compounded(returns: Float[Array, "time asset"], horizon: int) -> Float[Array, "window asset"]:
    """Return each asset's return over every stretch of so many periods; stretches overlap.

    Parameters
    ----------
    returns
        Simple returns.
    horizon
        Periods in a stretch.
    """
    if horizon == 1:
        return returns
    windows = returns.shape[0] - horizon + 1
    whole = 1 + returns[:windows, ...]
    for k in range(1, horizon):
        whole = whole * (1 + returns[k : k + windows, ...])
    return whole - 1


def historical(
    returns: Float[Array, "scenario asset"], weights: Float[Array, " asset"], level: float, quantile: Quantile
) -> TailLoss:
    """Measure the tail of what happened.

    Parameters
    ----------
    returns
        Simple returns of each asset over the horizon.
    weights
        Weight of each asset.
    level
        Share of the scenarios that are not in the tail.
    quantile
        See :func:`prism_kernels.finance.tail.tail_weights`.
    """
    xp = namespace_of(returns=returns, weights=weights)
    losses = -(returns @ weights)
    at, beyond = _placed(tail_weights(losses.shape[0], level, quantile), losses)
    worst = xp.argsort(losses, descending=True)[: at.shape[0]]
    largest = xp.take(losses, worst)
    component = -(at @ xp.take(returns, worst, axis=0)) * weights
    return TailLoss(at @ largest, beyond @ largest[: beyond.shape[0]], component)


def tail_mean(losses: Float[Array, " time"], level: float, quantile: Quantile) -> Float[Array, ""]:
    """Return the mean of the largest losses, as expected shortfall takes it.

    Parameters
    ----------
    losses
        One loss a period.
    level
        Share of the periods that are not in the tail.
    quantile
        See :func:`prism_kernels.finance.tail.tail_weights`.
    """
    xp = namespace_of(losses=losses)
    _, beyond = _placed(tail_weights(losses.shape[0], level, quantile), losses)
    return beyond @ xp.sort(losses, descending=True)[: beyond.shape[0]]


def _placed(weights: tuple[Any, ...], reference: Array) -> tuple[Array, ...]:
    xp = namespace_of(reference=reference)
    place = {"dtype": reference.dtype, "device": device_of(reference)}
    return tuple(xp.asarray(one, **place) for one in weights)


def moments_of(returns: Float[Array, "time asset"], weights: Float[Array, " asset"]) -> Moments:
    """Return the moments of a portfolio and how they change with its weights.

    Parameters
    ----------
    returns
        Simple returns.
    weights
        Weight of each asset.
    """
    xp = namespace_of(returns=returns, weights=weights)
    count = returns.shape[0]
    own = returns @ weights
    means = xp.mean(returns, axis=0)
    apart = returns - means
    flat = xp.max(own) == xp.min(own)
    scale = xp.where(flat, xp.ones_like(own[0]), xp.max(xp.abs(own - xp.mean(own))))
    unit = xp.where(flat, xp.zeros_like(own), (own - xp.mean(own)) / scale)  # no power of it over- or underflows
    second = xp.where(flat, xp.ones_like(scale), xp.mean(unit**2))
    third, fourth = xp.mean(unit**3), xp.mean(unit**4)
    skewness = third / second**1.5
    kurtosis = xp.where(flat, xp.zeros_like(second), fourth / second**2 - 3)
    by = [power * (xp.matrix_transpose(apart) @ unit ** (power - 1)) / (count * scale) for power in (2, 3, 4)]
    to_deviation = math.sqrt(count / max(count - 1, 1))
    deviation = xp.where(flat, xp.zeros_like(scale), scale * xp.sqrt(second) * to_deviation)
    return Moments(
        mean=means @ weights,
        deviation=deviation,
        skewness=skewness,
        kurtosis=kurtosis,
        means=means,
        by_deviation=scale * by[0] / (2 * xp.sqrt(second)) * to_deviation,
        by_skewness=by[1] / second**1.5 - 1.5 * third / second**2.5 * by[0],
        by_kurtosis=by[2] / second**2 - 2 * fourth / second**3 * by[0],
    )


def gaussian(moments: Moments, weights: Float[Array, " asset"], level: float, horizon: int) -> TailLoss:
    """Measure the tail of a normal distribution with the portfolio's mean and deviation.

    Parameters
    ----------
    moments
        Of the portfolio, over one period.
    weights
        Weight of each asset.
    level
        Probability that is not in the tail.
    horizon
        Periods ahead; returns are taken as independent, so that mean and variance grow with it.
    """
    z, density = _normal(level)
    root = math.sqrt(horizon)
    mean = horizon * moments.mean
    return TailLoss(
        value_at_risk=-mean - root * z * moments.deviation,
        expected_shortfall=-mean + root * density / (1 - level) * moments.deviation,
        component_var=weights * (-horizon * moments.means - root * z * moments.by_deviation),
    )


def cornish_fisher(moments: Moments, weights: Float[Array, " asset"], level: float, horizon: int) -> TailLoss:
    """Measure the tail by Cornish and Fisher's quantile, which adds skewness and kurtosis to the normal one.

    Parameters
    ----------
    moments
        Of the portfolio, over one period.
    weights
        Weight of each asset.
    level
        Probability that is not in the tail.
    horizon
        Periods ahead; returns are taken as independent, so that skewness and kurtosis fade with it.

    Notes
    -----
    With z the normal quantile of 1 - level, s the skewness and k the kurtosis less 3, the quantile is
    z + (z² - 1)·s/6 + (z³ - 3z)·k/24 - (2z³ - 5z)·s²/36. Expected shortfall is the mean of the quantile over all levels
    beyond, in closed form.

    References
    ----------
    E. A. Cornish and R. A. Fisher (1938), "Moments and cumulants in the specification of distributions". K. Boudt, B.
    Peterson and C. Croux (2008), "Estimation and decomposition of downside risk for portfolios with non-normal
    returns". D. Maillard (2012), "A user's guide to the Cornish Fisher expansion".
    """
    z, density = _normal(level)
    root = math.sqrt(horizon)
    s, k = moments.skewness / root, moments.kurtosis / horizon
    by_s, by_k = (z * z - 1) / 6 - (2 * z**3 - 5 * z) / 18 * s, (z**3 - 3 * z) / 24
    place = z + (z * z - 1) / 6 * s + by_k * k - (2 * z**3 - 5 * z) / 36 * s**2
    beyond = 1 + z / 6 * s + (z * z - 1) / 24 * k - (2 * z * z - 1) / 36 * s**2
    mean = horizon * moments.mean
    shape = by_s * moments.by_skewness / root + by_k * moments.by_kurtosis / horizon
    return TailLoss(
        value_at_risk=-mean - root * moments.deviation * place,
        expected_shortfall=-mean + root * moments.deviation * density / (1 - level) * beyond,
        component_var=weights
        * (-horizon * moments.means - root * (place * moments.by_deviation + moments.deviation * shape)),
    )


def falls_back(skewness: float, kurtosis: float, horizon: int) -> bool:
    """Tell whether Cornish and Fisher's quantile turns back between the median and the far tail.

    Where it does, a higher level can have a lower loss: it is the quantile of no distribution.

    Parameters
    ----------
    skewness, kurtosis
        Of one period; the kurtosis less 3.
    horizon
        Periods ahead.
    """
    s, k = skewness / math.sqrt(horizon), kurtosis / horizon
    bend, tilt, start = k / 8 - s * s / 6, s / 3, 1 - k / 8 + 5 * s * s / 36  # of the derivative by z
    turn = min(max(-tilt / (2 * bend), _FARTHEST), 0.0) if bend != 0 else 0.0
    return min(bend * at * at + tilt * at + start for at in (_FARTHEST, turn, 0.0)) < 0


def _normal(level: float) -> tuple[float, float]:
    """Return the normal quantile of 1 - level and the density there."""
    z = NormalDist().inv_cdf(1 - level)
    return z, math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
