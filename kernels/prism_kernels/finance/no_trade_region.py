"""Where trading costs more than it brings, and the least trade that leads back there."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

__all__ = ["into_band", "region", "scaled", "worthless"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


def into_band(weights: Floats, target: Floats, width: float) -> Floats:
    """Return the weights nearest to the target that the least turnover leads to, all within a band around it.

    Parameters
    ----------
    weights, target
        One weight an asset; both of the same sum.
    width
        How far a weight may be from its target.

    Notes
    -----
    Assets beyond the band go to its nearer edge. What that leaves over or takes is settled with the assets farthest
    from their target on the other side, up to one level, which is never beyond the target.
    """
    apart = np.clip(weights - target, -width, width)
    rest = float(apart.sum())
    if rest > 0:
        return target + _levelled(apart, -rest)
    if rest < 0:
        return target - _levelled(-apart, rest)
    return target + apart


def _levelled(apart: Floats, rest: float) -> Floats:
    """Take -rest away from the highest, down to one level."""
    order = np.sort(apart)[::-1]
    falls = np.cumsum(order) - order * np.arange(1, len(order) + 1)
    reached = int(np.searchsorted(falls, -rest, side="left"))
    count = max(min(reached, len(order)), 1)
    level = (float(order[:count].sum()) + rest) / count
    return np.minimum(apart, level)


def region(covariance: Floats, target: Floats, lower: Floats, *, cost: float, aversion: float) -> Floats:
    """Return between which weights of an asset trading costs more than it brings, where only it has left its target.

    Parameters
    ----------
    covariance
        Asset × asset, over the time the weights are kept.
    target
        One weight an asset.
    lower
        Least weight of each asset.
    cost
        Of buying or selling, as a share of what is traded.
    aversion
        Utility lost for each half unit of variance.

    Returns
    -------
    array
        Asset × 2. The other assets share the rest in proportion to their targets.

    Notes
    -----
    Selling one unit of j for one of k brings a·(gⱼ − gₖ) at first, with g the product of the covariance and the
    distance to the target, and costs twice ``cost``: no trade as long as no such pair brings more.

    References
    ----------
    C. Donohue and K. Yip (2003), "Optimal portfolio rebalancing with transaction costs".
    """
    found = np.empty((len(target), 2))
    held = target > lower
    for k in range(len(target)):
        way = -target
        way[k] += 1.0
        slope = aversion * (covariance @ way)
        saleable = held.copy()
        saleable[k] = True
        over = float(slope[saleable].max() - slope.min())
        under = float(slope.max() - slope[held].min()) if held.any() else 0.0
        reach = np.array([2 * cost / gap if gap > 0 else (math.inf if cost > 0 else 0.0) for gap in (under, over)])
        room = 1.0 - float(target[k])
        low, high = (float(d) * room if room > 0 else 0.0 for d in reach)
        found[k] = max(float(target[k]) - low, float(lower[k])), min(float(target[k]) + high, 1.0)
    return found


def worthless(risk: Floats, weights: Floats, target: Floats, lower: Floats, cost: float) -> bool:
    """Tell whether no trade brings more than it costs: none of selling one asset for another does.

    Parameters
    ----------
    risk
        Asset × asset: the utility lost for each half unit of squared distance to the target.
    weights, target, lower
        One weight an asset: as it is, as it should be, and at least.
    cost
        Of buying or selling, as a share of what is traded.
    """
    slope = risk @ (weights - target)
    saleable = weights > lower
    return not saleable.any() or float(slope[saleable].max() - slope.min()) <= 2 * cost


def scaled(weights: Floats, wanted: Floats, max_turnover: float | None) -> Floats:
    """Return the weights as far on the straight way to those that are wanted as the turnover allows.

    Parameters
    ----------
    weights, wanted
        One weight an asset.
    max_turnover
        Largest ½ Σ|Δw|; None without.
    """
    moved = wanted - weights
    turnover = float(np.abs(moved).sum()) / 2
    if max_turnover is None or turnover <= max_turnover:
        return wanted
    return weights + moved * (max_turnover / turnover)
