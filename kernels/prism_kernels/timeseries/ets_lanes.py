"""Lane kernels of exponential smoothing with additive errors: estimation, recursion, extrapolation.

States of a lane: level, slope, then the seasonal of each place in the season, places counted from the series' first
value. Without a season its seasonals are neutral (0, or 1 where they multiply) and ``gamma`` is 0. Equations as in
Hyndman, Koehler, Ord, Snyder (2008), "Forecasting with Exponential Smoothing", table 2.2.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

import math

from prism_kernels.lanes import inner, lane

NONE, ADDITIVE, DAMPED = 0, 1, 2  # trends
MULTIPLICATIVE = 2  # of seasons; NONE and ADDITIVE as above

SIZE = 4  # parameters an optimiser moves at most: alpha, beta, gamma, phi
SCRATCH = SIZE * (SIZE + 1) + (SIZE + 1) + 3 * SIZE

_LEAST, _MOST = 1e-4, 0.9999  # of alpha, and of the shares that beta and gamma are
_DAMP_LEAST, _DAMP_MOST = 0.8, 0.98
_STEPS = 200  # a dimension
_ROUNDS = 2  # the simplex may close in early: spread it again around what it found
_CLOSE = 1e-7
_HUGE = 1e300


@inner
def _between(x, low, high):
    return low + (high - low) / (1.0 + math.exp(-x))


@inner
def _decode(point, i, at, trend, season):
    """Return alpha, beta, gamma and phi of an unconstrained point."""
    alpha = _between(point[i, at], _LEAST, _MOST)
    k = at + 1
    beta, gamma, phi = 0.0, 0.0, 1.0
    if trend != 0:
        beta = alpha * _between(point[i, k], _LEAST, _MOST)
        k += 1
    if season != 0:
        gamma = (1.0 - alpha) * _between(point[i, k], _LEAST, _MOST)
        k += 1
    if trend == 2:
        phi = _between(point[i, k], _DAMP_LEAST, _DAMP_MOST)
    return alpha, beta, gamma, phi


@inner
def _loss(y, r, begin, m, season, alpha, beta, gamma, phi, initial, states, i):
    """Return the sum of squared one-step errors; the seasonals of row i of states are used up."""
    level, slope = initial[i, 0], initial[i, 1]
    for k in range(m):
        states[i, 2 + k] = initial[i, 2 + k]
    total = 0.0
    place = 2
    for t in range(begin, y.shape[1]):
        base = level + phi * slope
        s = states[i, place]
        if season == 2:
            error = y[r, t] - base * s
            if abs(s) < 1e-12 or abs(base) < 1e-12:
                return _HUGE
            level = base + alpha * error / s
            slope = phi * slope + beta * error / s
            states[i, place] = s + gamma * error / base
        else:
            error = y[r, t] - base - s
            level = base + alpha * error
            slope = phi * slope + beta * error
            states[i, place] = s + gamma * error
        total += error * error
        place = place + 1 if place < m + 1 else 2
    return total if total < _HUGE else _HUGE


@inner
def _try(y, r, begin, m, trend, season, initial, states, w, i, at):
    alpha, beta, gamma, phi = _decode(w, i, at, trend, season)
    return _loss(y, r, begin, m, season, alpha, beta, gamma, phi, initial, states, i)


@inner
def _sort(w, i, d, values):
    """Order the corners of the simplex by their values."""
    for a in range(1, d + 1):
        b = a
        while b > 0 and w[i, values + b] < w[i, values + b - 1]:
            w[i, values + b], w[i, values + b - 1] = w[i, values + b - 1], w[i, values + b]
            for k in range(d):
                low, high = (b - 1) * d + k, b * d + k
                w[i, low], w[i, high] = w[i, high], w[i, low]
            b -= 1


@inner
def _mix(w, i, d, centre, worst, share, at):
    """Write the point a share of the way from the worst corner through the centre."""
    for k in range(d):
        w[i, at + k] = w[i, centre + k] + share * (w[i, centre + k] - w[i, worst + k])


@inner
def _replace(w, i, d, values, at, value):
    for k in range(d):
        w[i, d * d + k] = w[i, at + k]
    w[i, values + d] = value


@inner
def _descend(y, r, begin, m, trend, season, initial, states, w, i, d, stop):
    """Walk the simplex of Nelder and Mead (1965) downhill; return 1 where it closed in."""
    values = d * (d + 1)
    centre = values + d + 1
    here, there = centre + d, centre + 2 * d
    for a in range(d + 1):
        w[i, values + a] = _try(y, r, begin, m, trend, season, initial, states, w, i, a * d)
    for _ in range(_STEPS * d):
        if stop[0]:
            return 0
        _sort(w, i, d, values)
        best, worst = w[i, values], w[i, values + d]
        if worst - best <= _CLOSE * (abs(best) + 1e-300):
            return 1
        for k in range(d):
            w[i, centre + k] = 0.0
            for a in range(d):
                w[i, centre + k] += w[i, a * d + k] / d
        _mix(w, i, d, centre, d * d, 1.0, here)
        value = _try(y, r, begin, m, trend, season, initial, states, w, i, here)
        if value < best:
            _mix(w, i, d, centre, d * d, 2.0, there)
            far = _try(y, r, begin, m, trend, season, initial, states, w, i, there)
            if far < value:
                _replace(w, i, d, values, there, far)
            else:
                _replace(w, i, d, values, here, value)
        elif value < w[i, values + d - 1]:
            _replace(w, i, d, values, here, value)
        else:
            _mix(w, i, d, centre, d * d, 0.5 if value < worst else -0.5, there)
            near = _try(y, r, begin, m, trend, season, initial, states, w, i, there)
            if near < min(value, worst):
                _replace(w, i, d, values, there, near)
            else:
                for a in range(1, d + 1):
                    for k in range(d):
                        w[i, a * d + k] = 0.5 * (w[i, a * d + k] + w[i, k])
                    w[i, values + a] = _try(y, r, begin, m, trend, season, initial, states, w, i, a * d)
    return 0


@inner
def _corners(w, i, d, trend, season, quick):
    """Lay a first simplex: around alpha 0.3, beta 0.03, gamma 0.07 and phi 0.95, or around an alpha and beta of 0.9."""
    w[i, 0] = 2.2 if quick else -0.85
    k = 1
    if trend != 0:
        w[i, k] = 2.2 if quick else -2.2
        k += 1
    if season != 0:
        w[i, k] = -2.2
        k += 1
    if trend == 2:
        w[i, k] = 1.6
    _spread(w, i, d, 1.0)


@inner
def _spread(w, i, d, size):
    """Lay the corners of the simplex around its first one."""
    for a in range(1, d + 1):
        for k in range(d):
            w[i, a * d + k] = w[i, k]
        w[i, a * d + a - 1] += size


@lane("f8[:,:] i8[:] i8[:] i8 i8[:] i8[:] f8[:,:]", "f8[:,:] f8[:] i8[:] f8[:,:] f8[:,:]", stop=True)
def fit(first, last, y, row, start, m, trend, season, initial, params, loss, converged, states, work, stop):
    """Estimate alpha, beta, gamma and phi of each lane by least squares, from two starting points.

    y: series × time; row: series of each lane; start: first value of each series; trend, season: form of each lane;
    initial: lane × (level, slope, seasonals).
    """
    for i in range(first, last):
        r = row[i]
        d = 1 + (1 if trend[i] != 0 else 0) + (1 if season[i] != 0 else 0) + (1 if trend[i] == 2 else 0)
        loss[i] = _HUGE
        converged[i] = 0
        for quick in range(2):
            _corners(work, i, d, trend[i], season[i], quick == 1)
            closed = 0
            for _ in range(_ROUNDS):
                closed = _descend(y, r, start[r], m, trend[i], season[i], initial, states, work, i, d, stop)
                _spread(work, i, d, 0.5)
            if work[i, d * (d + 1)] < loss[i]:
                loss[i] = work[i, d * (d + 1)]
                converged[i] = closed
                params[i, 0], params[i, 1], params[i, 2], params[i, 3] = _decode(work, i, 0, trend[i], season[i])


@lane("f8[:,:] i8[:] i8 i8[:] f8[:,:]", "f8[:,:] f8[:,:]")
def smooth(first, last, y, start, m, season, params, fitted, states):
    """Run the recursion of each series: one-step predictions, and the states after the last value.

    params: series × (alpha, beta, gamma, phi, level, slope, seasonals).
    """
    for i in range(first, last):
        alpha, beta, gamma, phi = params[i, 0], params[i, 1], params[i, 2], params[i, 3]
        level, slope = params[i, 4], params[i, 5]
        for k in range(m):
            states[i, 2 + k] = params[i, 6 + k]
        for t in range(start[i], y.shape[1]):
            place = 2 + (t - start[i]) % m
            base = level + phi * slope
            s = states[i, place]
            if season[i] == 2:
                fitted[i, t] = base * s
                error = y[i, t] - fitted[i, t]
                level = base + alpha * error / s
                slope = phi * slope + beta * error / s
                states[i, place] = s + gamma * error / base
            else:
                fitted[i, t] = base + s
                error = y[i, t] - fitted[i, t]
                level = base + alpha * error
                slope = phi * slope + beta * error
                states[i, place] = s + gamma * error
        states[i, 0] = level
        states[i, 1] = slope


@inner
def _ahead(i, h, shock, size, length, m, season, params, states, seasonal, path):
    """Fill the path of a lane in which one period has an error; shock -1 has none."""
    alpha, beta, gamma, phi = params[i, 0], params[i, 1], params[i, 2], params[i, 3]
    level, slope = states[i, 0], states[i, 1]
    for k in range(m):
        seasonal[i, k] = states[i, 2 + k]
    for j in range(h):
        place = (length + j) % m
        base = level + phi * slope
        s = seasonal[i, place]
        path[i, j] = base * s if season == 2 else base + s
        error = size if j == shock else 0.0
        push = error / s if season == 2 else error
        level = base + alpha * push
        slope = phi * slope + beta * push
        seasonal[i, place] = s + gamma * error / (base if season == 2 else 1.0)


@lane("i8[:] i8 i8[:] f8[:,:] f8[:,:] f8[:]", "f8[:,:] f8[:,:] f8[:,:] f8[:,:]", stop=True)
def extrapolate(first, last, length, m, season, params, states, sigma, mean, error, seasonal, path, stop):
    """Continue each series without errors, and add up what an error of one sigma in each period would change.

    The standard error is exact where the season adds, and of first order in the errors where it multiplies.
    length: values that each series has had.
    """
    h = mean.shape[1]
    for i in range(first, last):
        _ahead(i, h, -1, 0.0, length[i], m, season[i], params, states, seasonal, mean)
        for j in range(h):
            error[i, j] = 0.0
        if season[i] == 2:
            for shock in range(h):
                if stop[0]:
                    return
                _ahead(i, h, shock, sigma[i], length[i], m, season[i], params, states, seasonal, path)
                for j in range(shock + 1, h):
                    error[i, j] += (path[i, j] - mean[i, j]) ** 2
            for j in range(h):
                error[i, j] = (sigma[i] * sigma[i] + error[i, j]) ** 0.5
        else:
            variance, damp, power = 1.0, 0.0, 1.0
            for j in range(h):
                error[i, j] = sigma[i] * variance**0.5
                power *= params[i, 3]
                damp += power
                weight = params[i, 0] + params[i, 1] * damp
                weight += params[i, 2] if (j + 1) % m == 0 else 0.0
                variance += weight * weight
