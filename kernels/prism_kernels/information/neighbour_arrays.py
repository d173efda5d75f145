"""Neighbours by brute force where the points live: every max-norm distance of some rows, over the Array API."""

from __future__ import annotations

from jaxtyping import Float, Int

from prism_kernels import progress
from prism_kernels.arrays import Array, device_of, namespace_of

__all__ = ["count_closer", "kth_smallest"]


def _apart(
    points: Float[Array, "sample coordinate"], first: int, last: int, theiler: int
) -> Float[Array, "row sample"]:
    """Return max-norm distances from rows ``first … last`` to all points, infinite within the Theiler window."""
    progress.checkpoint()
    xp, device = namespace_of(points=points), device_of(points)
    apart = xp.abs(points[first:last, 0][:, None] - points[:, 0][None, :])
    for axis in range(1, points.shape[1]):
        apart = xp.maximum(apart, xp.abs(points[first:last, axis][:, None] - points[:, axis][None, :]))
    row = xp.arange(first, last, dtype=xp.int64, device=device)[:, None]
    column = xp.arange(points.shape[0], dtype=xp.int64, device=device)[None, :]
    infinite = xp.asarray(xp.inf, dtype=points.dtype, device=device)
    return xp.where(xp.abs(row - column) <= theiler, infinite, apart)


def kth_smallest(
    points: Float[Array, "sample coordinate"], first: int, last: int, k: int, theiler: int
) -> Float[Array, " row"]:
    """Return the k-th smallest distance of each of some rows.

    Parameters
    ----------
    points
        All points, in the order of time.
    first, last
        The rows asked about, the last not included.
    k
        Which neighbour.
    theiler
        Rows at most this far away are no neighbours.
    """
    xp, device = namespace_of(points=points), device_of(points)
    apart = _apart(points, first, last, theiler)
    column = xp.arange(points.shape[0], dtype=xp.int64, device=device)[None, :]
    infinite = xp.asarray(xp.inf, dtype=points.dtype, device=device)
    for _ in range(k - 1):  # the standard has no partial sort, and k is small
        nearest = xp.argmin(apart, axis=1, keepdims=True)
        apart = xp.where(column == nearest, infinite, apart)
    return xp.min(apart, axis=1)


def count_closer(
    points: Float[Array, "sample coordinate"], radius: Float[Array, " sample"], first: int, last: int, theiler: int
) -> Int[Array, " row"]:
    """Count the points strictly closer than the radius of each of some rows.

    Parameters
    ----------
    points, first, last, theiler
        As in :func:`kth_smallest`.
    radius
        One for each point.
    """
    xp = namespace_of(points=points, radius=radius)
    closer = _apart(points, first, last, theiler) < radius[first:last][:, None]
    return xp.sum(xp.astype(closer, xp.int64), axis=1, dtype=xp.int64)
