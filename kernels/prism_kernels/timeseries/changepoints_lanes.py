"""Lane kernels that cut series into segments: optimal partitioning with pruning, and with a given number of cuts.

Positions count the values before a cut. A segment ``(s, t]`` costs, from running sums of values and of squares, the sum
of squared deviations from its mean (``L2``), or minus twice the Gaussian or Poisson log-likelihood at its own best
parameters, without constants (``NORMAL``, ``POISSON``).
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

import math

from prism_kernels.lanes import inner, lane

L2, NORMAL, POISSON = 0, 1, 2

PLACE, SUM, BASE, DUE, VALUE = range(5)
COLUMNS = 5
_SWEEP = 8  # cuts between two sweeps: a candidate that stays too long only costs its own evaluation


@inner
def _cost(kind, sums, squares, i, s, t, floor):
    """Return the cost of the segment from s to t; a variance is never taken below the floor."""
    n = t - s
    total = sums[i, t] - sums[i, s]
    if kind == POISSON:
        return 2.0 * total * (1.0 - math.log(total / n)) if total > 0.0 else 0.0
    spread = squares[i, t] - squares[i, s] - total * total / n
    if spread < 0.0:
        spread = 0.0
    if kind == L2:
        return spread
    variance = spread / n
    if variance < floor:
        variance = floor
    return n * math.log(variance) + spread / variance


@inner
def _values(kind, sums, squares, i, t, count, floor, live):
    """Fill in what each live candidate would cost as the last cut before t."""
    if kind == L2:
        total, square = sums[i, t], squares[i, t]
        for k in range(count):  # no branch and no gather, so that it runs four at a time
            part = total - live[i, SUM, k]
            live[i, VALUE, k] = live[i, BASE, k] + square - part * part / (t - live[i, PLACE, k])
    else:
        for k in range(count):
            cost = _cost(kind, sums, squares, i, int(live[i, PLACE, k]), t, floor)
            live[i, VALUE, k] = live[i, BASE, k] + cost


@inner
def _sweep(i, t, count, min_size, best, live):
    """Doom the candidates that lose at t, forget those whose time has come, and return how many are left."""
    kept = 0
    for k in range(count):
        if live[i, VALUE, k] > best and live[i, DUE, k] == math.inf:
            live[i, DUE, k] = t + min_size
        if live[i, DUE, k] > t + 1:
            if kept < k:
                for c in range(VALUE):
                    live[i, c, kept] = live[i, c, k]
            kept += 1
    return kept


@lane("i8 i8 i8[:] f8[:] f8[:] f8[:,:] f8[:,:]", "f8[:,:] i8[:,:] f8[:,:,:]", stop=True)
def prune_partition(first, last, kind, min_size, start, penalty, floor, sums, squares, best, previous, live, stop):
    """Find the segmentation of least cost plus a penalty a cut (PELT).

    A candidate that loses at ``t`` can be no last cut of any series that may be cut at ``t``: from ``t + min_size`` on.
    ``live`` is scratch, lane × ``COLUMNS`` × candidate: its place, running sum, cost so far (with ``L2``, less the
    running sum of squares), doom, and value at t.
    """
    end = sums.shape[1] - 1
    for i in range(first, last):
        begin = start[i]
        best[i, begin] = -penalty[i]
        count = 0
        for t in range(begin + min_size, end + 1):
            if t % 64 == 0 and stop[0] != 0:
                return
            fresh = t - min_size
            if fresh == begin or fresh >= begin + min_size:
                live[i, PLACE, count] = fresh
                live[i, SUM, count] = sums[i, fresh]
                live[i, BASE, count] = best[i, fresh] - (squares[i, fresh] if kind == L2 else 0.0)
                live[i, DUE, count] = math.inf
                count += 1
            _values(kind, sums, squares, i, t, count, floor[i], live)
            least = 0
            for k in range(1, count):
                if live[i, VALUE, k] < live[i, VALUE, least]:
                    least = k
            best[i, t] = live[i, VALUE, least] + penalty[i]
            previous[i, t] = int(live[i, PLACE, least])
            if t % _SWEEP == 0:
                count = _sweep(i, t, count, min_size, best[i, t], live)


@lane(
    "i8 i8 i8 i8[:] f8[:] f8[:,:] f8[:,:]",
    "f8[:,:] f8[:,:] i8[:,:,:]",
    stop=True,
)
def fixed_partition(first, last, kind, min_size, cuts, start, floor, sums, squares, best, spare, previous, stop):
    """Find the segmentation of least cost with a given number of cuts, by dynamic programming.

    ``best`` ends with the costs of the prefixes for the last number of cuts; both arrays come filled with infinity.
    """
    end = sums.shape[1] - 1
    for i in range(first, last):
        begin = start[i]
        for t in range(begin + min_size, end + 1):
            best[i, t] = _cost(kind, sums, squares, i, begin, t, floor[i])
        for k in range(cuts):
            for t in range(begin, end + 1):
                spare[i, t] = best[i, t]
                best[i, t] = math.inf
            for t in range(begin + (k + 2) * min_size, end + 1):
                if t % 64 == 0 and stop[0] != 0:
                    return
                for s in range(begin + (k + 1) * min_size, t - min_size + 1):
                    value = spare[i, s] + _cost(kind, sums, squares, i, s, t, floor[i])
                    if value < best[i, t]:
                        best[i, t] = value
                        previous[i, k, t] = s
