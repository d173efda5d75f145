# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Lane kernel of long-only portfolios: one quadratic program a lane, by an active set that assets join and leave.

A lane minimises ``½x'Px + q'x`` over ``x ≥ 0`` with ``Σx`` fixed or free. As Lawson and Hanson do for least squares, it
walks from the best point of the assets held to that of those and the most wanted others, leaves out what would fall
below zero on the way, and ends when nothing is wanted. Cholesky's factor of P of the held assets grows by a row for
each that joins, and is done again only behind one that leaves; ``Σx`` enters by a second right-hand side, of ones.

As many assets may join at once as are held, so that many are found in few rounds. What an asset wants is measured in
its own deviations, and every tolerance is relative, so that units do not matter.

References
----------
Lawson, Hanson (1974). Solving least squares problems. Chapter 23.
Gill, Golub, Murray, Saunders (1974). Methods for modifying matrix factorizations.
Portugal, Júdice, Vicente (1994). A comparison of block pivoting and interior-point algorithms for linear least squares
problems with nonnegative variables.
"""

from __future__ import annotations

import math

from prism_kernels.lanes import inner, lane

ROWS = 10
STATE, UNIT, PULL, SLOPE, WANT, PLACE, POINT, STEP, ONES, LOAD = range(ROWS)
FREE, HELD = 0, 1

_PIVOT = 1e-12  # of an asset's variance that others do not explain: below, they stand in for it, and no answer is given
_WANTED = 1e-14  # of the terms of a slope: less is rounding
_NEAR = 0.5  # of what the most wanted asset wants: others that want as much join with it
_ROUNDS = 4  # for each asset, after which no answer is given


@inner
def _begin(i, total, quadratic, linear, work):
    """Fill what each lane starts from, and return the best asset alone, or -1.

    As the sum is fixed, a number taken off every slope changes nothing: that of the best asset keeps a steep linear
    term from drowning the curvature.
    """
    n = quadratic.shape[1]
    least, best = math.inf, -1
    for j in range(n):
        value = 0.5 * total * quadratic[i, j, j] + linear[i, j]
        if value < least:
            least, best = value, j
    shift = linear[i, best] if total != 0.0 and best >= 0 else 0.0
    for j in range(n):
        work[i, UNIT, j] = math.sqrt(quadratic[i, j, j])
        work[i, PULL, j] = linear[i, j] - shift
        work[i, STATE, j] = FREE
    return best


@inner
def _append(i, r, quadratic, work, factor):
    """Factor the row of the asset at place ``r``; tell whether others do not stand in for it.

    Below the diagonal stands the factor, above it the same once more, so that each loop runs along a row, and from
    zero, or compilers would not use vectors; on it stand the inverses.
    """
    j = int(work[i, PLACE, r])
    for c in range(r):
        factor[i, r, c] = quadratic[i, j, int(work[i, PLACE, c])]
    square, ones, load = 0.0, 0.0, 0.0
    for c in range(r):
        one = factor[i, r, c] * factor[i, c, c]
        factor[i, r, c], factor[i, c, r] = one, one
        square += one * one
        ones += one * work[i, ONES, c]
        load += one * work[i, LOAD, c]
        for t in range(r - c - 1):
            factor[i, r, c + 1 + t] -= one * factor[i, c, c + 1 + t]
    own = quadratic[i, j, j]
    if not own - square > _PIVOT * own:
        return False
    inverse = 1.0 / math.sqrt(own - square)
    factor[i, r, r] = inverse
    work[i, ONES, r] = (1.0 - ones) * inverse
    work[i, LOAD, r] = -(work[i, PULL, j] + load) * inverse
    return True


@inner
def _price(i, count, total, row, work):
    """Return the slope that all held assets share at the point of a right-hand side that adds up to ``total``."""
    square, along = 0.0, 0.0
    for r in range(count):
        square += work[i, ONES, r] * work[i, ONES, r]
        along += work[i, ONES, r] * work[i, row, r]
    return (total - along) / square


@inner
def _back(i, count, price, row, work, factor):
    """Fill the point of a right-hand side and a price that are divided by the factor already."""
    for r in range(count):
        work[i, STEP, r] = work[i, row, r] + price * work[i, ONES, r]
    for q in range(count):
        r = count - 1 - q
        one = work[i, STEP, r] * factor[i, r, r]
        work[i, STEP, r] = one
        for t in range(r):
            work[i, STEP, t] -= one * factor[i, r, t]


@inner
def _slopes(i, count, quadratic, work):
    """Fill the slope of every asset, and return the sum of what is held times its unit."""
    n = quadratic.shape[1]
    spread = 0.0
    for j in range(n):
        work[i, SLOPE, j] = work[i, PULL, j]
    for r in range(count):
        k, one = int(work[i, PLACE, r]), work[i, POINT, r]
        spread += one * work[i, UNIT, k]
        for j in range(n):
            work[i, SLOPE, j] += one * quadratic[i, k, j]
    return spread


@inner
def _join(i, count, price, quadratic, work, factor):
    """Hold the most wanted assets; return how many are held then, or -1 where others stand in for the first of them."""
    n = quadratic.shape[1]
    spread, best = _slopes(i, count, quadratic, work), 0.0
    for j in range(n):
        want, unit = price - work[i, SLOPE, j], work[i, UNIT, j]
        rounding = _WANTED * (abs(price) + abs(work[i, PULL, j]) + spread * unit)
        work[i, WANT, j] = want / unit if work[i, STATE, j] == FREE and want > rounding else 0.0
        best = max(best, work[i, WANT, j])
    if best == 0.0:
        return count
    room = 2 * count if count > 0 else 1
    held = count
    for j in range(n):
        if work[i, WANT, j] >= _NEAR * best and held < room:
            work[i, PLACE, held], work[i, POINT, held] = j, 0.0
            if _append(i, held, quadratic, work, factor):
                work[i, STATE, j] = HELD
                held += 1
            elif work[i, WANT, j] == best and held == count:
                return -1
    return held


@inner
def _settle(i, count, total, quadratic, work, factor):
    """Walk to the best point of the held assets, leaving out those that reach zero; return how many stay, or -1."""
    while count > 0:
        _back(i, count, _price(i, count, total, LOAD, work) if total != 0.0 else 0.0, LOAD, work, factor)
        share, kept, behind = 1.0, 0, -1
        for r in range(count):
            z, s = work[i, POINT, r], work[i, STEP, r]
            if s <= 0.0:
                share = min(share, z / (z - s)) if z > 0.0 else 0.0
        for r in range(count):
            j, z, s = int(work[i, PLACE, r]), work[i, POINT, r], work[i, STEP, r]
            if s <= 0.0 and (z == 0.0 or z / (z - s) <= share):
                work[i, STATE, j] = FREE
                behind = r if behind < 0 else behind
            else:
                work[i, PLACE, kept], work[i, POINT, kept] = j, z + share * (s - z) if share < 1.0 else s
                kept += 1
        if kept == count:
            return count
        count = kept
        for r in range(behind, count):
            if not _append(i, r, quadratic, work, factor):
                return -1
    return count


@inner
def _refine(i, count, total, quadratic, work, factor):
    """Solve for what rounding left of the held assets' conditions, and return the price."""
    price = _price(i, count, total, LOAD, work) if total != 0.0 else 0.0
    _slopes(i, count, quadratic, work)
    left = total
    for r in range(count):
        work[i, WANT, r] = price - work[i, SLOPE, int(work[i, PLACE, r])]
        left -= work[i, POINT, r]
    for c in range(count):
        one = work[i, WANT, c] * factor[i, c, c]
        work[i, WANT, c] = one
        for t in range(count - c - 1):
            work[i, WANT, c + 1 + t] -= one * factor[i, c, c + 1 + t]
    more = _price(i, count, left, WANT, work) if total != 0.0 else 0.0
    _back(i, count, more, WANT, work, factor)
    for r in range(count):
        work[i, POINT, r] = max(work[i, POINT, r] + work[i, STEP, r], 0.0)
    return price + more


@inner
def _find(i, total, best, quadratic, work, factor):
    """Hold the assets of the optimum; return how many rounds it took, and how many are held, or -1."""
    count = 0
    if total != 0.0:
        work[i, PLACE, 0], work[i, POINT, 0], work[i, STATE, best] = best, total, HELD
        count = 1 if _append(i, 0, quadratic, work, factor) else -1
    for turn in range(_ROUNDS * quadratic.shape[1]):
        if count < 0:
            return turn, count
        price = _price(i, count, total, LOAD, work) if total != 0.0 else 0.0
        held = _join(i, count, price, quadratic, work, factor)
        if held == count:
            return turn, count
        count = _settle(i, held, total, quadratic, work, factor) if held > 0 else -1
    return 0, -1


@lane("f8[:,:,:] f8[:,:] f8[:]", "f8[:,:,:] f8[:,:,:] f8[:,:] f8[:] i8[:]")
def long_only(first, last, quadratic, linear, budget, work, factor, weights, price, rounds):
    """Fill the weights of least ``½x'Px + q'x``, the multiplier of their sum, and the rounds it took, or -1.

    linear: infinite for an asset that may not be held; budget: the sum, above 0, or 0 where it is free; work: lane ×
    ``ROWS`` × asset and factor: lane × asset × asset, scratch; price: such that ``Px + q + price`` is 0 where held.
    """
    for i in range(first, last):
        total = budget[i]
        best = _begin(i, total, quadratic, linear, work)
        rounds[i], price[i], count = 0, 0.0, -1
        if best >= 0:
            rounds[i], count = _find(i, total, best, quadratic, work, factor)
        for j in range(quadratic.shape[1]):
            weights[i, j] = 0.0
        if count < 0:
            rounds[i] = -1
        elif count > 0:
            common = _refine(i, count, total, quadratic, work, factor)
            for r in range(count):
                weights[i, int(work[i, PLACE, r])] = work[i, POINT, r]
            if total != 0.0:
                price[i] = -(common + linear[i, best])
