# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Lane kernels over all pairs of a series without visiting them: discordant pairs, and slopes by their rank.

A pair's slope is below m exactly when the pair is an inversion of y - m·t, and a merge sort counts inversions in
n log n steps (Knight 1966; Cole, Salowe, Steiger, Szemerédi 1989, "An optimal-time algorithm for slope selection").
"""

from __future__ import annotations

from prism_kernels.lanes import inner, lane

_HALVINGS = 80


@inner
def _inversions(y, i, begin, slope, key, order, spare):
    """Sort the places of a series by y - slope·t, stably, into ``order``; return the number of strict inversions."""
    n = y.shape[1] - begin
    for t in range(n):
        key[i, t] = y[i, begin + t] - slope * t
        order[i, t] = t
    inversions = 0
    width = 1
    while width < n:
        for low in range(0, n, 2 * width):
            middle = min(low + width, n)
            high = min(low + 2 * width, n)
            a, b = low, middle
            for k in range(low, high):
                if b >= high or (a < middle and key[i, order[i, a]] <= key[i, order[i, b]]):
                    spare[i, k] = order[i, a]
                    a += 1
                else:
                    spare[i, k] = order[i, b]
                    b += 1
                    inversions += middle - a
        for k in range(n):
            order[i, k] = spare[i, k]
        width *= 2
    return inversions


@lane("f8[:,:] i8[:]", "i8[:] f8[:,:] i8[:,:] i8[:,:]")
def discordant(first, last, y, start, count, key, order, spare):
    """Count the pairs of periods of which the later value is smaller."""
    for i in range(first, last):
        count[i] = _inversions(y, i, start[i], 0.0, key, order, spare)


@lane("f8[:,:] i8[:] i8[:,:]", "f8[:,:] f8[:,:] i8[:,:] i8[:,:]", stop=True)
def ranked_slopes(first, last, y, start, ranks, slopes, key, order, spare, stop):
    """Find the slopes of given ranks, from 1, among the slopes of all pairs of periods.

    Bisection between the extreme slopes of neighbours ends next to the slope sought; it is then read from a pair of
    neighbours in the order of y - slope·t, since the pairs about to change their order there are neighbours.
    """
    for i in range(first, last):
        begin = start[i]
        n = y.shape[1] - begin
        lowest = y[i, begin + 1] - y[i, begin]
        highest = lowest
        for t in range(begin + 2, y.shape[1]):
            lowest = min(lowest, y[i, t] - y[i, t - 1])
            highest = max(highest, y[i, t] - y[i, t - 1])
        for r in range(ranks.shape[1]):
            low, high = lowest, highest
            for _ in range(_HALVINGS):
                if stop[0] != 0:
                    return
                middle = 0.5 * (low + high)
                if middle <= low or middle >= high:
                    break
                if _inversions(y, i, begin, middle, key, order, spare) < ranks[i, r]:
                    low = middle
                else:
                    high = middle
            _inversions(y, i, begin, low, key, order, spare)
            found = lowest
            for k in range(n - 1):
                a, b = order[i, k], order[i, k + 1]
                slope = (y[i, begin + b] - y[i, begin + a]) / (b - a)
                if abs(slope - low) < abs(found - low):
                    found = slope
            slopes[i, r] = found
