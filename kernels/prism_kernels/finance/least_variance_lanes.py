# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Lane kernel of long-only portfolios of least variance: one window of returns a lane, by Lawson and Hanson's method.

Up to its size such a portfolio minimises ``½ z'Cz - b'z`` over ``z ≥ 0``, where C is the correlation of the assets,
``b`` one over their deviations, and ``z`` weights times deviations: the multiplier of the budget only sets the size.
Assets join one after another, the most wanted first; those whose weight would fall below zero leave again.
"""

from __future__ import annotations

import math

from prism_kernels.lanes import inner, lane

OUT, FREE, HELD = -1, 0, 1  # of an asset: without returns in the window, without weight, with one
COLUMNS = 7
STATE, MEAN, UNIT, WANT, POINT, STEP, PLACE = range(COLUMNS)

_PIVOT = 1e-10  # of a correlation matrix: below, assets stand in for each other and no answer is given
_JOINS = 1e-13


@inner
def _correlate(i, t, window, returns, work, matrix):
    """Fill the correlations of assets with all returns of the window, and return how many have; -1 for a flat one."""
    n = returns.shape[1]
    there = 0
    for j in range(n):
        total = 0.0
        for u in range(t - window, t):
            total += returns[u, j]
        work[i, MEAN, j] = total / window
        work[i, STATE, j] = FREE if total == total else OUT
        there += total == total
        for k in range(j + 1):
            matrix[i, 0, j, k] = 0.0
    for u in range(t - window, t):
        for j in range(n):
            work[i, STEP, j] = returns[u, j] - work[i, MEAN, j] if work[i, STATE, j] == FREE else 0.0
        for j in range(n):
            one = work[i, STEP, j]
            for k in range(j + 1):
                matrix[i, 0, j, k] += one * work[i, STEP, k]
    for j in range(n):
        if work[i, STATE, j] == FREE:
            if matrix[i, 0, j, j] <= 0.0:
                return -1
            work[i, UNIT, j] = math.sqrt(matrix[i, 0, j, j])
    for j in range(n):
        for k in range(j + 1):
            if work[i, STATE, j] == FREE and work[i, STATE, k] == FREE:
                matrix[i, 0, j, k] /= work[i, UNIT, j] * work[i, UNIT, k]
            matrix[i, 0, k, j] = matrix[i, 0, j, k]
    return there


@inner
def _solve(i, count, scale, work, matrix):
    """Fill the best point of the held assets, by Cholesky's factor; tell whether there is one."""
    for r in range(count):
        j = int(work[i, PLACE, r])
        for c in range(r + 1):
            total = matrix[i, 0, j, int(work[i, PLACE, c])]
            for k in range(c):
                total -= matrix[i, 1, r, k] * matrix[i, 1, c, k]
            if r == c:
                if total <= _PIVOT:
                    return False
                matrix[i, 1, r, r] = math.sqrt(total)
            else:
                matrix[i, 1, r, c] = total / matrix[i, 1, c, c]
    for r in range(count):
        total = scale / work[i, UNIT, int(work[i, PLACE, r])]
        for k in range(r):
            total -= matrix[i, 1, r, k] * work[i, STEP, k]
        work[i, STEP, r] = total / matrix[i, 1, r, r]
    for q in range(count):
        r = count - 1 - q
        total = work[i, STEP, r]
        for k in range(r + 1, count):
            total -= matrix[i, 1, k, r] * work[i, STEP, k]
        work[i, STEP, r] = total / matrix[i, 1, r, r]
    return True


@inner
def _settle(i, count, scale, work, matrix):
    """Walk to the best point of the held assets, leaving out those that reach zero; return how many stay, or -1."""
    while count > 0:
        if not _solve(i, count, scale, work, matrix):
            return -1
        share, out = 1.0, -1
        for r in range(count):
            z, s = work[i, POINT, int(work[i, PLACE, r])], work[i, STEP, r]
            if s <= 0.0 and z / (z - s) < share:
                share, out = z / (z - s), r
        for r in range(count):
            j = int(work[i, PLACE, r])
            work[i, POINT, j] += share * (work[i, STEP, r] - work[i, POINT, j])
        if out < 0:
            return count
        gone = int(work[i, PLACE, out])
        work[i, POINT, gone], work[i, STATE, gone] = 0.0, FREE
        for r in range(out, count - 1):
            work[i, PLACE, r] = work[i, PLACE, r + 1]
        count -= 1
    return count


@inner
def _join(i, count, scale, work, matrix):
    """Hold the asset that is wanted most; tell whether one is."""
    best, which = _JOINS, -1
    for j in range(work.shape[2]):
        if work[i, STATE, j] == FREE:
            want = scale / work[i, UNIT, j]
            for r in range(count):
                k = int(work[i, PLACE, r])
                want -= matrix[i, 0, j, k] * work[i, POINT, k]
            if want > best:
                best, which = want, j
    if which < 0:
        return False
    work[i, STATE, which], work[i, PLACE, count], work[i, POINT, which] = HELD, which, 0.0
    return True


@lane("i8 i8[:] f8[:,:]", "f8[:,:,:] f8[:,:,:,:] f8[:,:] i8[:]")
def least_variance(first, last, window, at, returns, work, matrix, weights, found):
    """Fill the weights of each window that ends before row ``at``, and whether they were found.

    returns: time × asset, NaN where an asset is not listed; work: lane × ``COLUMNS`` × asset and matrix: lane × 2 ×
    asset × asset, scratch.
    """
    n = returns.shape[1]
    for i in range(first, last):
        there = _correlate(i, at[i], window, returns, work, matrix)
        scale, count, total = 0.0, 0, 0.0
        for j in range(n):
            weights[i, j], work[i, POINT, j] = 0.0, 0.0
            if there > 0 and work[i, STATE, j] == FREE:
                scale = work[i, UNIT, j] if scale == 0.0 else min(scale, work[i, UNIT, j])
        if there > 0:
            for _ in range(4 * n):
                if not _join(i, count, scale, work, matrix):
                    break
                count = _settle(i, count + 1, scale, work, matrix)
                if count < 0:
                    break
        for r in range(max(count, 0)):
            j = int(work[i, PLACE, r])
            weights[i, j] = work[i, POINT, j] / work[i, UNIT, j]
            total += weights[i, j]
        found[i] = count > 0 and not _join(i, count, scale, work, matrix)
        for j in range(n):
            if found[i] != 0:
                weights[i, j] /= total
