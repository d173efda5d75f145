# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Lane kernels of the dynamic optimised theta model: seasonal adjustment, estimation, recursion, extrapolation.

Written for values that were divided by their size, so that squares neither overflow nor vanish. Times count from 1 at
a series' first value. The state after ``t`` values is the level ℓ and the intercept and slope of the regression line
through them, of which the intercept is written with their mean: ``A = mean - (t + 1) / 2 · B``.
"""

from __future__ import annotations

from prism_kernels.lanes import inner, lane

NONE, MULTIPLICATIVE, ADDITIVE = 0, 1, 2
BURN = 3  # values before the likelihood starts: a line through fewer has no error to learn from

_LOWEST, _HIGHEST = 0.1, 0.99  # of alpha, as in the paper's software
_STEEPEST = 1 - 1e-6  # of 1 - 1/theta
_GRID = 24
_GOLDEN = 0.6180339887498949
_STEPS = 32
_NORMAL_95 = 1.6448536269514722
_SMALLEST_INDEX = 0.01
_SINGULAR = 1e-12


@inner
def _seasonal(y, i, first, m):
    """Tell whether the autocorrelation at lag m stands out at 90 % (two-sided, Bartlett's standard error)."""
    end = y.shape[1]
    n = end - first
    mean = 0.0
    for t in range(first, end):
        mean += y[i, t]
    mean /= n
    power = 0.0
    for t in range(first, end):
        power += (y[i, t] - mean) ** 2
    if power <= 0.0:
        return False
    total = 0.0
    r = 0.0
    for lag in range(1, m + 1):
        total += r * r
        r = 0.0
        for t in range(first, end - lag):
            r += (y[i, t] - mean) * (y[i, t + lag] - mean)
        r /= power
    return abs(r) > _NORMAL_95 * ((1.0 + 2.0 * total) / n) ** 0.5


@inner
def _moving_average(y, i, t, m):
    """Return the centred average over a season; the two ends weigh half where m is even."""
    half = m // 2
    total = 0.0
    for k in range(t - half, t + half + 1):
        total += y[i, k]
    if m % 2 == 0:
        total -= 0.5 * (y[i, t - half] + y[i, t + half])
    return total / m


@inner
def _indices(y, i, first, m, multiplicative, seasonal):
    """Fill the seasonal indices of classical decomposition and return the smallest."""
    begin, end = first + m // 2, y.shape[1] - m // 2
    mean = 0.0
    for k in range(m):
        total, count = 0.0, 0
        for t in range(begin + (k - begin) % m, end, m):
            average = _moving_average(y, i, t, m)
            total += y[i, t] / average if multiplicative else y[i, t] - average
            count += 1
        seasonal[i, k] = total / count
        mean += seasonal[i, k] / m
    smallest = 1e300
    for k in range(m):
        seasonal[i, k] = seasonal[i, k] / mean if multiplicative else seasonal[i, k] - mean
        smallest = min(smallest, seasonal[i, k])
    return smallest


@lane("f8[:,:] i8[:]", "f8[:,:] i8[:]")
def indices(first, last, y, start, seasonal, kind):
    """Fill seasonal indices (by time modulo m) and the kind of adjustment of each series.

    y: series × time; start: first value of each series; seasonal: series × m; kind: NONE, MULTIPLICATIVE or ADDITIVE.
    """
    m = seasonal.shape[1]
    for i in range(first, last):
        kind[i] = NONE
        if m > 1 and y.shape[1] - start[i] >= 2 * m and _seasonal(y, i, start[i], m):
            lowest = y[i, start[i]]
            for t in range(start[i], y.shape[1]):
                lowest = min(lowest, y[i, t])
            if lowest > 0.0 and _indices(y, i, start[i], m, True, seasonal) >= _SMALLEST_INDEX:
                kind[i] = MULTIPLICATIVE
            else:
                _indices(y, i, start[i], m, False, seasonal)
                kind[i] = ADDITIVE


@inner
def _line(alpha, decay, t, mean, slope):
    """Return the theta line's part of the prediction of value t; decay is (1 - alpha)^(t - 1)."""
    return decay * (mean - 0.5 * t * slope) + (1.0 - decay * (1.0 - alpha)) / alpha * slope


@inner
def _slope(t, value, mean, slope):
    """Return the slope of the line through t values; mean and slope are those of the values before."""
    return ((t - 2) * slope + 6.0 / t * (value - mean)) / (t + 1)


@inner
def _normal(z, i, begin, alpha):
    """Return level and weight that minimise the squared errors for one alpha.

    The predictions are linear in both: in the level after three values, and in the weight 1 - 1/theta of the line.
    """
    cc, cd, dd, cr, dr = 0.0, 0.0, 0.0, 0.0, 0.0
    slope = 0.5 * (z[i, begin + 2] - z[i, begin])
    mean = (z[i, begin] + z[i, begin + 1] + z[i, begin + 2]) / 3.0
    smooth, fade, decay = 0.0, 1.0, (1.0 - alpha) ** BURN
    for t in range(BURN + 1, z.shape[1] - begin + 1):
        value = z[i, begin + t - 1]
        line = _line(alpha, decay, t, mean, slope)
        rest = value - smooth
        cc += fade * fade
        cd += fade * line
        dd += line * line
        cr += fade * rest
        dr += line * rest
        slope = _slope(t, value, mean, slope)
        mean += (value - mean) / t
        smooth += alpha * (value - smooth)
        fade *= 1.0 - alpha
        decay *= 1.0 - alpha
    free = dd - cd * cd / cc
    weight = 0.0
    if free > _SINGULAR * dd:
        weight = min(max((dr - cd * cr / cc) / free, 0.0), _STEEPEST)
    return (cr - weight * cd) / cc, weight


@inner
def _squares(z, i, begin, alpha, weight, level):
    """Return the sum of squared one-step errors after the first three values."""
    total = 0.0
    slope = 0.5 * (z[i, begin + 2] - z[i, begin])
    mean = (z[i, begin] + z[i, begin + 1] + z[i, begin + 2]) / 3.0
    decay = (1.0 - alpha) ** BURN
    for t in range(BURN + 1, z.shape[1] - begin + 1):
        value = z[i, begin + t - 1]
        error = value - level - weight * _line(alpha, decay, t, mean, slope)
        total += error * error
        slope = _slope(t, value, mean, slope)
        mean += (value - mean) / t
        level += alpha * (value - level)
        decay *= 1.0 - alpha
    return total


@inner
def _profile(z, i, begin, alpha):
    """Return the sum of squared errors of the best level and weight for one alpha."""
    level, weight = _normal(z, i, begin, alpha)
    return _squares(z, i, begin, alpha, weight, level)


@lane("f8[:,:] i8[:]", "f8[:] f8[:] f8[:]", stop=True)
def estimate(first, last, z, start, alpha, weight, level, stop):
    """Fill alpha, weight and level that minimise each series' squared one-step errors.

    For one alpha the best level and weight solve two equations; alpha is found on a grid, then by golden section.
    z: series × time, adjusted and standardised; start: first value of each series.
    """
    step = (_HIGHEST - _LOWEST) / (_GRID - 1)
    for i in range(first, last):
        best, at = 1e300, 0
        for k in range(_GRID):
            if stop[0]:
                return
            squares = _profile(z, i, start[i], _LOWEST + k * step)
            if squares < best:
                best, at = squares, k
        low, high = _LOWEST + max(at - 1, 0) * step, _LOWEST + min(at + 1, _GRID - 1) * step
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        at_left, at_right = _profile(z, i, start[i], left), _profile(z, i, start[i], right)
        for _ in range(_STEPS):
            if stop[0]:
                return
            if at_left <= at_right:
                high, right, at_right = right, left, at_left
                left = high - _GOLDEN * (high - low)
                at_left = _profile(z, i, start[i], left)
            else:
                low, left, at_left = left, right, at_right
                right = low + _GOLDEN * (high - low)
                at_right = _profile(z, i, start[i], right)
        alpha[i] = 0.5 * (low + high)
        if best < _profile(z, i, start[i], alpha[i]):  # the optimum is an end of the grid
            alpha[i] = _LOWEST + at * step
        level[i], weight[i] = _normal(z, i, start[i], alpha[i])


@lane("f8[:,:] i8[:] f8[:] f8[:] f8[:]", "f8[:,:] f8[:,:]")
def recurse(first, last, z, start, alpha, weight, level, fitted, state):
    """Fill one-step predictions (from the fourth value on) and the state after the last value: level, mean, slope."""
    for i in range(first, last):
        begin = start[i]
        slope = 0.5 * (z[i, begin + 2] - z[i, begin])
        mean = (z[i, begin] + z[i, begin + 1] + z[i, begin + 2]) / 3.0
        height = level[i]
        decay = (1.0 - alpha[i]) ** BURN
        for t in range(BURN + 1, z.shape[1] - begin + 1):
            value = z[i, begin + t - 1]
            fitted[i, begin + t - 1] = height + weight[i] * _line(alpha[i], decay, t, mean, slope)
            slope = _slope(t, value, mean, slope)
            mean += (value - mean) / t
            height += alpha[i] * (value - height)
            decay *= 1.0 - alpha[i]
        state[i, 0], state[i, 1], state[i, 2] = height, mean, slope


@inner
def _ahead(alpha, weight, t, level, mean, slope):
    """Return the prediction of value t and the state after it, when the prediction comes true."""
    value = level + weight * _line(alpha, (1.0 - alpha) ** (t - 1), t, mean, slope)
    slope = _slope(t, value, mean, slope)
    return value, level + alpha * (value - level), mean + (value - mean) / t, slope


@lane("i8[:] f8[:] f8[:] f8[:,:]", "f8[:,:] f8[:,:]", stop=True)
def extrapolate(first, last, count, alpha, weight, state, mean, spread, stop):
    """Fill the expectation and the variance (in units of the innovation variance) of the values to come.

    count: number of values each state is after; mean, spread: series × horizon. The recursion is linear, so the
    expectation follows from predictions that come true, and each future innovation adds the square of its response.
    """
    h = mean.shape[1]
    for i in range(first, last):
        a, w, n = alpha[i], weight[i], count[i]
        level, average, slope = state[i, 0], state[i, 1], state[i, 2]
        for k in range(h):
            mean[i, k], level, average, slope = _ahead(a, w, n + k + 1, level, average, slope)
            spread[i, k] = 1.0
        for j in range(h - 1):
            if stop[0]:
                return
            t = n + j + 1
            level, average, slope = a, 1.0 / t, _slope(t, 1.0, 0.0, 0.0)
            for k in range(j + 1, h):
                response, level, average, slope = _ahead(a, w, n + k + 1, level, average, slope)
                spread[i, k] += response * response
