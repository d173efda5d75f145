"""Hierarchical risk parity: weights shared down a tree of assets that move alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from prism_kernels.errors import InvalidInput, nearest

__all__ = ["Hierarchy", "Linkage", "weights"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Linkage: TypeAlias = Literal["single", "complete", "average", "weighted", "centroid", "median", "ward"]


@dataclass(frozen=True, kw_only=True)
class Hierarchy:
    """What the hierarchy of assets says.

    Attributes
    ----------
    weights
        One weight an asset, in the assets' own order; they add up to 1.
    order
        Places of the assets as they stand below the tree, like beside like.
    tree
        A row for each merger: the two clusters, their distance, how many assets the new one holds.
    linkage
        How the distance of two clusters was measured.
    """

    weights: Floats
    order: tuple[int, ...]
    tree: Floats
    linkage: Linkage


def weights(covariance: Floats, *, linkage: Linkage = "single", assets: Sequence[str] = ()) -> Hierarchy:
    """Return the weights of hierarchical risk parity, with the tree they come from.

    Parameters
    ----------
    covariance
        Asset × asset, symmetric and positive semidefinite.
    linkage
        How the distance of two clusters is measured: by their nearest assets (``single``, as published), their
        farthest (``complete``), and so on, as SciPy names them.
    assets
        Names, for messages.

    Raises
    ------
    InvalidInput
        For an asset without variance, and an unknown linkage.

    Notes
    -----
    Assets stand √((1 − ρ)/2) apart; the tree's leaves, read from left to right, are halved again and again, and each
    half gets weight in inverse proportion to the variance of its inverse-variance portfolio. Runs on CPU.

    References
    ----------
    M. López de Prado (2016), "Building diversified portfolios that outperform out of sample".
    """
    if linkage not in get_args(Linkage):
        msg = f"linkage is {linkage!r}; {nearest(linkage, get_args(Linkage))}"
        raise InvalidInput(msg, field="linkage")
    variance = np.diag(covariance)
    for k in np.flatnonzero(~(variance > 0)).tolist():
        name = assets[k] if assets else f"asset {k}"
        msg = f"covariance gives {name} no variance, and hierarchical risk parity divides by it; leave the asset out"
        raise InvalidInput(msg, field="covariance", where=name)
    tree = _tree(covariance, linkage)
    order = _leaves(tree, len(covariance))
    return Hierarchy(weights=_shared(covariance, order), order=tuple(order.tolist()), tree=tree, linkage=linkage)


def _tree(covariance: Floats, linkage: str) -> Floats:
    if len(covariance) == 1:
        return np.empty((0, 4))
    from scipy.cluster.hierarchy import linkage as merge

    deviation = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviation, deviation)
    above = np.triu_indices(len(covariance), 1)
    apart = np.sqrt(np.clip((1 - correlation[above]) / 2, 0.0, 1.0))
    return np.asarray(merge(apart, linkage), dtype=np.float64)


def _leaves(tree: Floats, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the assets as they stand below the tree, the left branch of each merger first."""
    below = [2 * count - 2]
    found: list[int] = []
    while below:
        node = below.pop()
        if node < count:
            found.append(node)
        else:
            left, right = tree[node - count, :2].astype(int).tolist()
            below += [right, left]
    return np.array(found, dtype=np.int64)


def _shared(covariance: Floats, order: np.ndarray[Any, np.dtype[np.int64]]) -> Floats:
    """Halve the ordered assets again and again, and give each half its part."""
    inverse = 1 / np.diag(covariance)
    found = np.ones(len(covariance))
    waiting = [order]
    while waiting:
        part = waiting.pop()
        if len(part) < 2:
            continue
        left, right = part[: len(part) // 2], part[len(part) // 2 :]
        risk, other = (_variance(covariance, half, inverse) for half in (left, right))
        found[left] *= 1 - risk / (risk + other)
        found[right] *= risk / (risk + other)
        waiting += [left, right]
    return found


def _variance(covariance: Floats, part: np.ndarray[Any, np.dtype[np.int64]], inverse: Floats) -> float:
    held = inverse[part] / inverse[part].sum()
    return float(held @ covariance[np.ix_(part, part)] @ held)
