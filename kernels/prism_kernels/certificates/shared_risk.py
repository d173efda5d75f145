"""Risk that is shared by budget or down a hierarchy, looked at asset by asset."""

from __future__ import annotations

import numpy as np

from prism_kernels.certificates.evidence import Floats

__all__ = ["by_hierarchy", "farthest", "unshared"]

_AT = 1e-12  # from a bound, at which an asset is held there


def farthest(weights: Floats, covariance: Floats, share: Floats | None) -> float:
    """Return the largest difference of a contribution to risk to its budget.

    Parameters
    ----------
    weights, share
        Weight and budget of each asset; equal budgets for None.
    covariance
        Asset × asset.
    """
    parts, share = weights * (covariance @ weights), _budget(share, len(weights))
    return float(np.abs(parts / parts.sum() - share).max())


def unshared(weights: Floats, covariance: Floats, share: Floats | None, bounds: tuple[float, float]) -> float:
    """Return by how much the worst contribution misses its budget; an asset at a bound may only miss it that way.

    Parameters
    ----------
    weights, share
        Weight and budget of each asset; equal budgets for None.
    covariance
        Asset × asset.
    bounds
        Of every weight.
    """
    parts, share = weights * (covariance @ weights), _budget(share, len(weights))
    bottom, top = weights <= max(bounds[0], 0.0) + _AT, weights >= bounds[1] - _AT
    free = ~(bottom | top)
    if not free.any():
        return 0.0
    off = parts / (parts[free].sum() / share[free].sum()) - share
    wrong = np.where(top, np.maximum(off, 0.0), np.where(bottom, np.maximum(-off, 0.0), np.abs(off)))
    return float(wrong.max())


def by_hierarchy(covariance: Floats) -> Floats:
    """Return the weights down the tree of nearest neighbours, merged by looking at every pair.

    Parameters
    ----------
    covariance
        Asset × asset.
    """
    deviation = np.sqrt(np.diag(covariance))
    apart = np.sqrt(np.clip((1 - covariance / np.outer(deviation, deviation)) / 2, 0, 1))
    clusters: dict[int, list[int]] = {k: [k] for k in range(len(covariance))}
    for number in range(len(covariance), 2 * len(covariance) - 1):
        pairs = [(a, b) for a in clusters for b in clusters if a < b]
        near = {p: min(apart[i, j] for i in clusters[p[0]] for j in clusters[p[1]]) for p in pairs}
        left, right = min(near, key=lambda p: near[p])
        clusters[number] = clusters.pop(left) + clusters.pop(right)
    weights = np.ones(len(covariance))

    def share(part: list[int]) -> None:
        if len(part) < 2:
            return
        halves = part[: len(part) // 2], part[len(part) // 2 :]
        risks = []
        for half in halves:
            own = (1 / np.diag(covariance)[half]) / (1 / np.diag(covariance)[half]).sum()
            risks.append(float(own @ covariance[np.ix_(half, half)] @ own))
        for half, other in zip(halves, reversed(risks), strict=True):
            weights[half] *= other / sum(risks)
            share(half)

    share(next(iter(clusters.values())))
    return weights


def _budget(share: Floats | None, count: int) -> Floats:
    return np.full(count, 1 / count) if share is None else share
