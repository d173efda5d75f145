"""Nearest-neighbour estimators of information, in nats: arrays in, one local value for each sample out.

Points are sample × coordinate, rows in the order of time. Counts leave the point itself out.

References
----------
Kozachenko, Leonenko (1987). Sample estimate of the entropy of a random vector.
Kraskov, Stögbauer, Grassberger (2004). Estimating mutual information.
Frenzel, Pompe (2007). Partial mutual information for coupling analysis of multivariate time series.
Theiler (1986). Spurious dimension from correlation algorithms applied to limited time-series data.
"""

from __future__ import annotations

import numpy as np

from prism_kernels.information.neighbours import Floats, Integers, Search

__all__ = ["conditional", "entropy", "mutual"]


def _digamma(counts: Integers) -> Floats:
    """Return ψ of whole numbers, from a table up to the largest: counts of neighbours are small and many."""
    from scipy.special import digamma

    table: Floats = digamma(np.arange(1, counts.max() + 1, dtype=np.float64))
    return table[counts - 1]


def _candidates(size: int, theiler: int) -> Integers:
    """Return how many samples each one may have as neighbours, itself counted: all those outside its window."""
    place = np.arange(size)
    inside = np.minimum(place + theiler, size - 1) - np.maximum(place - theiler, 0)
    return np.asarray(size - inside, dtype=np.int64)


def mutual(x: Floats, y: Floats, search: Search, k: int, theiler: int) -> Floats:
    """Return the local mutual information of two variables: algorithm 1 of Kraskov, Stögbauer and Grassberger.

    Parameters
    ----------
    x, y
        The variables, sample × coordinate.
    search
        Finds neighbours.
    k
        Which neighbour in the joint space sets the scale.
    theiler
        Samples at most this far apart in time are no neighbours.
    """
    radius = search.distances(np.hstack([x, y]), k, theiler)
    around_x, around_y = (_digamma(search.counts(v, radius, theiler) + 1) for v in (x, y))
    return _digamma(np.asarray([k])) + _digamma(_candidates(len(x), theiler)) - around_x - around_y


def conditional(x: Floats, y: Floats, z: Floats, search: Search, k: int, theiler: int) -> Floats:
    """Return the local mutual information of two variables given a third, after Frenzel and Pompe.

    Parameters
    ----------
    x, y, z
        The variables and what is given, sample × coordinate.
    search, k, theiler
        As in :func:`mutual`.
    """
    radius = search.distances(np.hstack([x, y, z]), k, theiler)
    spaces = (np.hstack([z, x]), np.hstack([z, y]), z)
    around_xz, around_yz, around_z = (_digamma(search.counts(v, radius, theiler) + 1) for v in spaces)
    return _digamma(np.asarray([k])) - around_xz - around_yz + around_z


def entropy(x: Floats, search: Search, k: int, theiler: int) -> Floats:
    """Return the local differential entropy of a variable, after Kozachenko and Leonenko, under the maximum norm.

    Parameters
    ----------
    x
        The variable, sample × coordinate.
    search, k, theiler
        As in :func:`mutual`.
    """
    radius = search.distances(x, k, theiler)
    width: Floats = np.log(2 * radius)
    local: Floats = _digamma(_candidates(len(x), theiler)) - _digamma(np.asarray([k])) + x.shape[1] * width
    return local
