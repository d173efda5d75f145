"""Nearest neighbours under the maximum norm: how far the k-th is, and how many lie strictly within a radius.

Two ways to the same integers: a k-d tree and a compiled scan of sorted points where the caller's arrays lie on a CPU;
brute force over the Array API on the caller's device otherwise. Distances are differences, absolute values and maxima,
which IEEE arithmetic rounds alike everywhere, so both ways agree to the last neighbour.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import array_api_compat
import numpy as np

from prism_kernels import lanes, progress
from prism_kernels.arrays import Array, device_of, is_numpy, namespace_of, to_numpy
from prism_kernels.information.neighbour_arrays import count_closer, kth_smallest

__all__ = ["Brute", "Floats", "Integers", "Search", "Tree", "search_for"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Integers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_PLACES = 1 << 22  # numbers held at a time: 32 MB of distances
_ROWS = 1 << 14  # points asked about at a time: some 20 ms, after which the work can be stopped


class Search(Protocol):
    """What an estimator asks about points (sample × coordinate) whose rows are in the order of time."""

    def distances(self, points: Floats, k: int, theiler: int) -> Floats:
        """Return the distance from each point to its k-th neighbour more than ``theiler`` rows away."""
        ...

    def counts(self, points: Floats, radius: Floats, theiler: int) -> Integers:
        """Count for each point the others strictly closer than its radius and more than ``theiler`` rows away."""
        ...


def search_for(reference: Array) -> Search:
    """Return the search that fits where an array lives.

    Parameters
    ----------
    reference
        An array of the caller.
    """
    on_cpu = is_numpy(reference) or (array_api_compat.is_torch_array(reference) and device_of(reference).type == "cpu")
    return Tree() if on_cpu else Brute(reference)


class Tree:
    """Search on the CPU: distances by a k-d tree, counts by a lane kernel that scans points sorted along a line."""

    def distances(self, points: Floats, k: int, theiler: int) -> Floats:
        """Return the distance from each point to its k-th neighbour more than ``theiler`` rows away."""
        from scipy.spatial import cKDTree

        tree = cKDTree(points, leafsize=10, balanced_tree=False, compact_nodes=False)
        most = min(len(points), k + 2 * theiler + 1)  # the point itself is one of them
        reach = np.arange(1, most + 1) if theiler else np.array([most])
        step = max(1, min(_ROWS, _PLACES // len(reach)))
        found = np.empty(len(points))
        for first in range(0, len(points), step):
            progress.checkpoint()
            rows = tree.indices[first : first + step]  # neighbours in turn find each other's leaves in the cache
            distance, index = tree.query(points[rows], k=reach, p=np.inf, workers=lanes.threads())
            if theiler:
                outside = np.abs(index - rows[:, None]) > theiler
                place = np.argmax(np.cumsum(outside, axis=1) == k, axis=1)
                found[rows] = distance[np.arange(len(rows)), place]
            else:
                found[rows] = distance[:, 0]
        return found

    def counts(self, points: Floats, radius: Floats, theiler: int) -> Integers:
        """Count for each point the others strictly closer than its radius and more than ``theiler`` rows away."""
        from prism_kernels.information.neighbour_lanes import scan

        order = np.argsort(points[:, 0])
        line, others = points[order, 0], np.ascontiguousarray(points[order, 1:].T)
        found = np.empty(len(points), dtype=np.int64)
        lanes.launch(scan, len(points), line, others, radius[order], found, label="neighbours")
        counts = np.empty_like(found)
        counts[order] = found
        for lag in range(1, theiler + 1):
            apart = np.abs(points[lag:] - points[:-lag]).max(axis=1)
            counts[lag:] -= apart < radius[lag:]
            counts[:-lag] -= apart < radius[:-lag]
        return counts


class Brute:
    """Search on the device of an array: every distance, a block of rows at a time.

    Parameters
    ----------
    reference
        An array of the caller; its library and device are used.
    """

    def __init__(self, reference: Array) -> None:
        self._xp = namespace_of(reference=reference)
        self._device = device_of(reference)

    def _put(self, values: Floats) -> Array:
        return self._xp.asarray(np.ascontiguousarray(values), dtype=self._xp.float64, device=self._device)

    def distances(self, points: Floats, k: int, theiler: int) -> Floats:
        """Return the distance from each point to its k-th neighbour more than ``theiler`` rows away."""
        there = self._put(points)
        blocks = [kth_smallest(there, first, last, k, theiler) for first, last in _blocks(len(points))]
        return np.asarray(to_numpy(self._xp.concat(blocks)), dtype=np.float64)

    def counts(self, points: Floats, radius: Floats, theiler: int) -> Integers:
        """Count for each point the others strictly closer than its radius and more than ``theiler`` rows away."""
        there, reach = self._put(points), self._put(radius)
        blocks = [count_closer(there, reach, first, last, theiler) for first, last in _blocks(len(points))]
        return np.asarray(to_numpy(self._xp.concat(blocks)), dtype=np.int64)


def _blocks(size: int) -> list[tuple[int, int]]:
    step = max(1, _PLACES // size)
    return [(first, min(first + step, size)) for first in range(0, size, step)]
