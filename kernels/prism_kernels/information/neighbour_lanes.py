"""Count neighbours in several coordinates by walking outwards along the one the points are sorted by."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from prism_kernels.lanes import inner, lane


@inner
def _close(points, i, j, radius):
    axis = 1
    while axis < points.shape[1] and abs(points[j, axis] - points[i, axis]) < radius:
        axis += 1
    return axis == points.shape[1]


@lane("f8[:,:] f8[:]", "i8[:]")
def scan(first, last, points, radius, counts):
    """Count for each point the others strictly closer, under the maximum norm, than its radius.

    Points are sorted by their first coordinate.
    """
    size = points.shape[0]
    for i in range(first, last):
        here = points[i, 0]
        reach = radius[i]
        found = 0
        j = i + 1
        while j < size and points[j, 0] - here < reach:
            if _close(points, i, j, reach):
                found += 1
            j += 1
        j = i - 1
        while j >= 0 and here - points[j, 0] < reach:
            if _close(points, i, j, reach):
                found += 1
            j -= 1
        counts[i] = found
