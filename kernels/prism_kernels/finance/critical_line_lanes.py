# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Lane kernel of the critical line algorithm: one mean and covariance a lane, traced from one λ up or down.

A lane minimises ``½ x'Σx - λ μ'x`` for every ``λ ≥ 0`` within bounds and linear limits. The weights that are free and
the limits that bind are its members; their inverse is kept by rank-one updates. Between two corners everything is
linear in λ: ``line[0] + λ line[1]`` holds weights of free assets, values of idle limits, and the multipliers of all
others. The next corner is where the first of them reaches its end. Elements count assets first, then limits.
"""

from __future__ import annotations

from prism_kernels.lanes import inner, lane

FREE, LOW, HIGH, FIXED = 0, -1, 1, 2  # of an asset: between its bounds, at one of them, without room; of a limit alike
DONE, FULL, DEGENERATE, STOPPED = 0, 1, 2, 3
UP, DOWN = 1.0, -1.0

_INFINITE = 1e300
_FLAT = 1e-11  # of a rate: slower than this against the fastest is standing still
_SINGULAR = 1e-12
_SAME = 1e-12
_FEASIBLE = 1e-7
_RESIDUAL = 1e-13


@inner
def _entry(S, rows, a, b):
    """Return what elements a and b have in common: a covariance, a limit's coefficient, or nothing."""
    n = S.shape[0]
    if a < n and b < n:
        return S[a, b]
    if a < n:
        return rows[b - n, a]
    if b < n:
        return rows[a - n, b]
    return 0.0


@inner
def _enter(S, rows, q, k, inverse, member, place, work):
    """Make element q a member, the k-th; tell whether the inverse still exists."""
    b, u = work[0], work[1]
    for t in range(k):
        b[t] = _entry(S, rows, member[t], q)
        u[t] = 0.0
    for t in range(k):
        if b[t] != 0.0:
            for p in range(k):
                u[p] += inverse[t, p] * b[t]
    pivot = _entry(S, rows, q, q)
    size = abs(pivot)
    for t in range(k):
        pivot -= u[t] * b[t]
        size += abs(u[t] * b[t])
    if not abs(pivot) > _SINGULAR * size:
        return False
    for p in range(k):
        share = u[p] / pivot
        for t in range(k):
            inverse[p, t] += share * u[t]
        inverse[p, k] = -share
        inverse[k, p] = -share
    inverse[k, k] = 1.0 / pivot
    member[k] = q
    place[q] = k
    return True


@inner
def _leave(q, k, inverse, member, place):
    """Take element q out of k members; tell whether the inverse still exists."""
    p = place[q]
    pivot = inverse[p, p]
    size = 0.0
    for t in range(k):
        size = max(size, abs(inverse[p, t]))
    if not abs(pivot) > _SINGULAR * _SINGULAR * size:
        return False
    for a in range(k):
        if a != p:
            share = inverse[a, p] / pivot
            for t in range(k):
                inverse[a, t] -= share * inverse[p, t]
    last = k - 1
    if p != last:
        for t in range(k):
            inverse[p, t] = inverse[last, t]
        for t in range(k):
            inverse[t, p] = inverse[t, last]
        member[p] = member[last]
        place[member[p]] = p
    place[q] = -1
    return True


@inner
def _settle(S, rows, q, value, offset):
    """Add to each element what asset q, held at a value, contributes to it; a negative value takes it back."""
    if value != 0.0:
        n = S.shape[0]
        for a in range(n):
            offset[a] += S[q, a] * value
        for r in range(rows.shape[0]):
            offset[n + r] += rows[r, q] * value


@inner
def _begin(S, rows, lower, upper, start, state, place, member, inverse, offset, work):
    """Set the state that a solver found and return the number of members, or -1 where no inverse exists."""
    n, k = S.shape[0], 0
    for q in range(n + rows.shape[0]):
        state[q], place[q], offset[q] = start[q], -1, 0.0
    for q in range(n):
        if state[q] == FREE:
            if not _enter(S, rows, q, k, inverse, member, place, work):
                return -1
            k += 1
        else:
            _settle(S, rows, q, upper[q] if state[q] == HIGH else lower[q], offset)
    for q in range(n, n + rows.shape[0]):
        if state[q] != FREE:
            if _enter(S, rows, q, k, inverse, member, place, work):
                k += 1
            elif state[q] != FIXED:  # an equality that follows from others, or from fixed assets, may stay out
                state[q] = FREE
    return k


@inner
def _wanted(q, n, state, least, most):
    """Return the value that an active limit holds; nothing for an asset, whose gradient vanishes."""
    if q < n:
        return 0.0
    return least[q - n] if state[q] == LOW else most[q - n]


@inner
def _spread(S, rows, k, member, z0, z1, mean, offset, line):
    """Fill the gradients of all assets and the values of all limits from the members' solution."""
    n, m = S.shape[0], rows.shape[0]
    for q in range(n + m):
        line[0, q] = offset[q]
        line[1, q] = -mean[q] if q < n else 0.0
    for t in range(k):
        q, a, b = member[t], z0[t], z1[t]
        if q < n:
            for v in range(n):
                line[0, v] += S[q, v] * a
            for v in range(n):
                line[1, v] += S[q, v] * b
            for r in range(m):
                line[0, n + r] += rows[r, q] * a
                line[1, n + r] += rows[r, q] * b
        else:
            for v in range(n):
                line[0, v] += rows[q - n, v] * a
                line[1, v] += rows[q - n, v] * b


@inner
def _correct(n, k, state, member, inverse, least, most, line, work):
    """Correct the members' solution by its own residual, and return how large that was."""
    worst = 0.0
    for t in range(k):
        q = member[t]
        work[4, t] = _wanted(q, n, state, least, most) - line[0, q]
        work[5, t] = -line[1, q]
        worst = max(worst, abs(work[4, t]), abs(work[5, t]))
    for t in range(k):
        for p in range(k):
            work[2, p] += inverse[t, p] * work[4, t]
        for p in range(k):
            work[3, p] += inverse[t, p] * work[5, t]
    return worst


@inner
def _trace(S, rows, mean, least, most, begin, way, k, state, member, inverse, offset, line, work):
    """Fill the line on which all moves while the members stay, by the distance of λ from where it starts."""
    n = S.shape[0]
    for t in range(k):
        work[2, t], work[3, t] = 0.0, 0.0
    for _ in range(4):
        _spread(S, rows, k, member, work[2], work[3], mean, offset, line)
        if _correct(n, k, state, member, inverse, least, most, line, work) <= _RESIDUAL:
            break
    for t in range(k):
        line[0, member[t]], line[1, member[t]] = work[2, t], work[3, t]
    for q in range(state.shape[0]):
        line[0, q] += begin * line[1, q]
        line[1, q] *= way


@inner
def _ends(q, n, state, lower, upper, least, most):
    """Return the ends between which an element's line may move."""
    if q < n:
        if state[q] == FREE:
            return lower[q], upper[q]
        if state[q] == FIXED:
            return -_INFINITE, _INFINITE
        return (0.0, _INFINITE) if state[q] == LOW else (-_INFINITE, 0.0)
    if state[q] == FREE:
        return least[q - n], most[q - n]
    if state[q] == FIXED:
        return -_INFINITE, _INFINITE
    return (-_INFINITE, 0.0) if state[q] == LOW else (0.0, _INFINITE)


@inner
def _scales(n, size, state, line):
    """Return below which rate weights and multipliers stand still; free elements' lines are weights, others' not."""
    weight, price = 1.0, 1.0
    for q in range(size):
        if state[q] == FREE:
            weight = max(weight, abs(line[1, q]))
        else:
            price = max(price, abs(line[1, q]))
    return _FLAT * weight, _FLAT * price


@inner
def _next(n, now, state, lower, upper, least, most, line):
    """Return the first element to reach an end, how far that is and which end; the least element where several do."""
    size = state.shape[0]
    weight, price = _scales(n, size, state, line)
    first, at, side = -1, _INFINITE, 0
    for q in range(size):
        rate = line[1, q]
        if abs(rate) <= (weight if state[q] == FREE else price):
            continue
        low, high = _ends(q, n, state, lower, upper, least, most)
        end = high if rate > 0.0 else low
        if abs(end) >= _INFINITE:
            continue
        when = max(now, (end - line[0, q]) / rate)
        if when < at - _SAME * (1.0 + abs(at)):
            first, at, side = q, when, HIGH if rate > 0.0 else LOW
    return first, at, side


@inner
def _switch(S, rows, lower, upper, q, side, k, state, place, member, inverse, offset, work):
    """Move an element across the end it reached and return the number of members, or -1 where no inverse exists."""
    n = S.shape[0]
    joins = state[q] != FREE if q < n else state[q] == FREE
    if joins:
        if not _enter(S, rows, q, k, inverse, member, place, work):
            return -1
        if q < n:
            _settle(S, rows, q, -upper[q] if state[q] == HIGH else -lower[q], offset)
            state[q] = FREE
        else:
            state[q] = side
        return k + 1
    if not _leave(q, k, inverse, member, place):
        return -1
    if q < n:
        state[q] = side
        _settle(S, rows, q, upper[q] if side == HIGH else lower[q], offset)
    else:
        state[q] = FREE
    return k - 1


@inner
def _worst(n, now, state, lower, upper, least, most, line):
    """Return by how much weights and limits leave their ends at a distance of λ."""
    worst = 0.0
    for q in range(state.shape[0]):
        if state[q] == FREE:
            low, high = _ends(q, n, state, lower, upper, least, most)
            value = line[0, q] + now * line[1, q]
            worst = max(worst, low - value, value - high)
    return worst


@inner
def _record(n, at, count, begin, way, state, lower, upper, line, weights, prices, since, until):
    """Keep the portfolio at λ unless it is the last one still; return the number of corners, -1 where all are taken."""
    if count == weights.shape[0]:
        return -1
    moved = count == 0
    for q in range(n):
        value = lower[q] if state[q] == LOW or state[q] == FIXED else upper[q]
        if state[q] == FREE:
            value = min(max(line[0, q] + at * line[1, q], lower[q]), upper[q])
        weights[count, q] = value
        if count > 0 and abs(value - weights[count - 1, q]) > _SAME:
            moved = True
    if not moved:
        since[count - 1] = min(since[count - 1], begin + way * at)
        until[count - 1] = max(until[count - 1], begin + way * at)
        return count
    for r in range(prices.shape[1]):
        prices[count, r] = 0.0 if state[n + r] == FREE else line[0, n + r] + at * line[1, n + r]
    since[count], until[count] = begin + way * at, begin + way * at
    return count + 1


@inner
def _finish(n, state, line, ray):
    """Fill the direction in which weights go on without end, if they do."""
    flat, _ = _scales(n, state.shape[0], state, line)
    for q in range(n):
        ray[q] = line[1, q] if state[q] == FREE and abs(line[1, q]) > flat else 0.0


@inner
def _walk(
    S, rows, mean, lower, upper, least, most, begin, way, reach, k, weights, prices, since, until, ray, state, place,
    member, inverse, offset, line, work, stop,
):  # fmt: skip
    """Go from corner to corner; return their number and how it ended."""
    n = S.shape[0]
    now, count, idle = 0.0, 0, 0
    while not stop[0]:
        _trace(S, rows, mean, least, most, begin, way, k, state, member, inverse, offset, line, work)
        if _worst(n, now, state, lower, upper, least, most, line) > _FEASIBLE:
            return count, DEGENERATE
        if count == 0:
            count = _record(n, now, 0, begin, way, state, lower, upper, line, weights, prices, since, until)
        q, at, side = _next(n, now, state, lower, upper, least, most, line)
        idle = 0 if at > now + _SAME * (1.0 + now) else idle + 1
        if idle > 4 * state.shape[0] + 20:  # several ends at one λ that no order of switches leaves
            return count, DEGENERATE
        now = min(at, reach)
        if now < _INFINITE:
            more = _record(n, now, count, begin, way, state, lower, upper, line, weights, prices, since, until)
            if more < 0:
                return count, FULL
            count = more
        else:
            _finish(n, state, line, ray)
        if at >= reach:
            return count, DONE
        k = _switch(S, rows, lower, upper, q, side, k, state, place, member, inverse, offset, work)
        if k < 0:
            return count, DEGENERATE
    return count, STOPPED


@lane(
    "f8[:,:] f8[:,:,:] f8[:] f8[:] f8[:,:] f8[:] f8[:] i8[:,:] f8[:] f8[:] f8[:]",
    "f8[:,:,:] f8[:,:,:] f8[:,:] f8[:,:] f8[:,:] i8[:] i8[:] i8[:,:] i8[:,:] i8[:,:] "
    "f8[:,:,:] f8[:,:] f8[:,:,:] f8[:,:,:]",
    stop=True,
)
def critical_lines(
    first, last, mean, covariance, lower, upper, rows, least, most, start, begin, way, reach, weights, prices, since,
    until, ray, count, status, state, place, member, inverse, offset, line, work, stop,
):  # fmt: skip
    """Fill the corner portfolios of each lane, from one λ up or down.

    mean: lane × asset; covariance: lane × asset × asset, or one for all lanes; begin: the λ to start from, and start:
    lane × element, the state there; way: UP or DOWN, and reach: how far λ goes; weights: lane × corner × asset; prices:
    the limits' multipliers, lane × corner × limit; since, until: between which λ a corner is optimal; ray: how weights
    go on after the last corner; the rest is scratch.
    """
    for i in range(first, last):
        S = covariance[i if covariance.shape[0] > 1 else 0]
        k = _begin(S, rows, lower, upper, start[i], state[i], place[i], member[i], inverse[i], offset[i], work[i])
        if k < 0:
            count[i], status[i] = 0, DEGENERATE
            continue
        count[i], status[i] = _walk(
            S, rows, mean[i], lower, upper, least, most, begin[i], way[i], reach[i], k, weights[i], prices[i],
            since[i], until[i], ray[i], state[i], place[i], member[i], inverse[i], offset[i], line[i], work[i], stop,
        )  # fmt: skip
