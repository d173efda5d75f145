"""Lane kernels of seasonal ARIMA: exact likelihoods, their maximisation, and forecasts, one series and order a lane.

Complete series are differenced first and filtered by the Chandrasekhar recursions of the Harvey form, O(r) a step;
series with gaps by the exact diffuse Kalman filter of the undifferenced series, O(m²) a step. Regression coefficients
and the innovation variance are concentrated out; the rest is maximised by BFGS over partial autocorrelations.

An order is a row of nine: p, d, q, P, D, Q, s, whether the first regressor (a constant) counts, whether there are gaps.

References
----------
Morf, Sidhu and Kailath (1974), "Some new algorithms for recursive estimation in constant, linear, discrete-time
systems".
Monahan (1984), "A note on enforcing stationarity in autoregressive-moving average models".
Jones (1980), "Maximum likelihood fitting of ARMA models to time series with missing observations".
Koopman (1997), "Exact initial Kalman filtering and smoothing for nonstationary time series models".
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
from __future__ import annotations

import math

from prism_kernels.lanes import inner, lane

__all__ = ["fit", "project"]

_TINY = 1e-30  # of a scaled variance: a series that its model repeats exactly
_NOTHING = 1e-7  # of log-likelihood a value: near a unit root steps go on without end, and gain less than this


@inner
def _sizes(order):
    """Return p + sP, q + sQ, the size r of the Harvey form, and the number d + sD of values lost to differencing."""
    s = order[6]
    ar, ma = order[0] + s * order[3], order[2] + s * order[5]
    return ar, ma, max(ar, ma + 1), order[1] + s * order[4]


@inner
def _padded(r):
    """Return the length of the loops over the Harvey form: long ones fill whole vectors, in multiples of 32."""
    return r if r <= 20 else (r + 31) // 32 * 32


@inner
def _stable(x, start, count, sign, out):
    """Write the coefficients of a stable polynomial whose partial autocorrelations are x / sqrt(1 + x²)."""
    for k in range(count):
        partial = x[start + k] / math.sqrt(1.0 + x[start + k] * x[start + k])
        for i in range((k + 1) // 2):
            low, high = out[start + i], out[start + k - 1 - i]
            out[start + i] = low - partial * high
            out[start + k - 1 - i] = high - partial * low
        out[start + k] = partial
    for k in range(count):
        out[start + k] *= sign


@inner
def _coefficients(x, order, out):
    """Turn unbounded numbers into AR, MA, seasonal AR and seasonal MA coefficients, stationary and invertible."""
    p, q, sp, sq = order[0], order[2], order[3], order[5]
    _stable(x, 0, p, 1.0, out)
    _stable(x, p, q, -1.0, out)
    _stable(x, p + q, sp, 1.0, out)
    _stable(x, p + q + sp, sq, -1.0, out)


@inner
def _expand(coefs, order, phi, theta):
    """Multiply out the seasonal polynomials: phi[i] is the coefficient of lag i + 1, theta[i] that of lag i."""
    p, q, sp, sq, s = order[0], order[2], order[3], order[5], order[6]
    phi[:] = 0.0
    theta[:] = 0.0
    theta[0] = 1.0
    for i in range(p):
        phi[i] += coefs[i]
    for j in range(sp):
        seasonal = coefs[p + q + j]
        phi[s * (j + 1) - 1] += seasonal
        for i in range(p):
            phi[s * (j + 1) + i] -= seasonal * coefs[i]
    for i in range(q):
        theta[i + 1] += coefs[p + i]
    for j in range(sq):
        seasonal = coefs[p + q + sp + j]
        theta[s * (j + 1)] += seasonal
        for i in range(q):
            theta[s * (j + 1) + i + 1] += seasonal * coefs[p + i]


@inner
def _differencing(order, delta):
    """Write the weights with which past values enter a value of the integrated series."""
    s, lost = order[6], order[1] + order[6] * order[4]
    for i in range(lost):
        delta[i] = 0.0
    width = 0
    for k in range(order[1] + order[4]):
        lag = 1 if k < order[1] else s
        for i in range(width - 1, -1, -1):
            delta[i + lag] -= delta[i]
        delta[lag - 1] += 1.0
        width += lag
    return lost


@inner
def _autocovariances(phi, ar, upto, partial, step, out):
    """Write autocovariances 0..upto of a unit-variance autoregression; false when it is not stationary."""
    for i in range(ar):
        step[i] = phi[i]
    variance = 1.0
    for k in range(ar - 1, -1, -1):
        partial[k] = step[k]
        left = 1.0 - partial[k] * partial[k]
        if not left > 0.0:
            return False
        variance /= left
        for i in range((k + 1) // 2):
            low, high = step[i], step[k - 1 - i]
            step[i] = (low + partial[k] * high) / left
            step[k - 1 - i] = (high + partial[k] * low) / left
    out[0] = variance
    for k in range(ar):
        value = partial[k] * variance
        for i in range(k):
            value += step[i] * out[k - i]
        out[k + 1] = value
        for i in range((k + 1) // 2):
            low, high = step[i], step[k - 1 - i]
            step[i] = low - partial[k] * high
            step[k - 1 - i] = high - partial[k] * low
        step[k] = partial[k]
        variance *= 1.0 - partial[k] * partial[k]
    for k in range(ar + 1, upto + 1):
        value = 0.0
        for i in range(ar):
            value += phi[i] * out[k - 1 - i]
        out[k] = value
    return True


@inner
def _first_column(phi, theta, ar, ma, r, column, work):
    """Write the first column of the stationary covariance of the Harvey form; false when it is not stationary."""
    auto, mixed = work[: ar + ma + 1], work[ar + ma + 1 : 2 * ar + ma + 2]
    pure, rest = work[2 * ar + ma + 2 : 2 * ar + 2 * ma + 3], work[2 * ar + 2 * ma + 3 :]
    if not _autocovariances(phi, ar, ar + ma, rest[:ar], rest[ar : 2 * ar], auto):
        return False
    for lag in range(ma + 1):
        value = 0.0
        for j in range(ma + 1 - lag):
            value += theta[j] * theta[j + lag]
        pure[lag] = value
    for k in range(ar + 1):
        value = pure[0] * auto[k]
        for lag in range(1, ma + 1):
            value += pure[lag] * (auto[k + lag] + auto[abs(k - lag)])
        mixed[k] = value
    for k in range(ma + 1):  # from here on `pure` holds the response to one shock
        value = theta[k]
        for j in range(min(k, ar)):
            value += phi[j] * pure[k - 1 - j]
        pure[k] = value
    for i in range(r):
        value = 0.0
        for j in range(i, ar):
            value += phi[j] * mixed[j - i + 1]
        for j in range(i, ma + 1):
            value += theta[j] * pure[j - i]
        column[i] = value
    column[r] = 0.0
    return True


@inner
def _full_covariance(phi, theta, column, r, P, offset, stride):
    """Write the stationary covariance of the Harvey form, from its first column, into a block of P."""
    for i in range(r - 1, -1, -1):
        for j in range(r - 1, -1, -1):
            value = phi[i] * phi[j] * column[0] + phi[i] * column[j + 1] + phi[j] * column[i + 1] + theta[i] * theta[j]
            if i + 1 < r and j + 1 < r:
                value += P[offset + (i + 1) * stride + j + 1]
            P[offset + i * stride + j] = value


@inner
def _gather(products, values, weight, columns):
    for a in range(columns):
        for b in range(a + 1):
            products[a * columns + b] += values[a] * values[b] * weight


@inner
def _regress(products, columns, skip, beta):
    """Solve for the regression coefficients and return the sum of squares they leave; NaN when they are not unique."""
    for a in range(1, columns):
        beta[a - 1] = 0.0
    for a in range(1 + skip, columns):  # Cholesky, in the lower triangle
        for b in range(1 + skip, a + 1):
            value = products[a * columns + b]
            for k in range(1 + skip, b):
                value -= products[a * columns + k] * products[b * columns + k]
            if a > b:
                products[a * columns + b] = value / products[b * columns + b]
            elif value > 0.0:
                products[a * columns + a] = math.sqrt(value)
            else:
                return math.nan
    left = products[0]
    for a in range(1 + skip, columns):
        value = products[a * columns]
        for k in range(1 + skip, a):
            value -= products[a * columns + k] * beta[k - 1]
        beta[a - 1] = value / products[a * columns + a]
        left -= beta[a - 1] * beta[a - 1]
    for a in range(columns - 1, skip, -1):
        value = beta[a - 1]
        for k in range(a + 1, columns):
            value -= products[k * columns + a] * beta[k - 1]
        beta[a - 1] = value / products[a * columns + a]
    return left


@inner
def _chandrasekhar(phi, column, r, wide, y, X, skip, begin, gain, factor, state, values, products, P, offset, width):
    """Filter a complete, differenced series and its regressors; return the sum of log F.

    Predictions stay in ``state``, period by period, and the state after the last period follows them. With
    ``width > 0`` the covariance of the state in P (of that row width, from ``offset`` on) is carried along.
    """
    n, columns = y.shape[0] - begin, X.shape[0] + 1
    stride = n + wide + 1
    factor[:] = 0.0
    state[:] = 0.0
    gain[:] = 0.0
    for i in range(r):
        gain[i] = factor[i] = phi[i] * column[0] + column[i + 1]
    F, middle = column[0], -1.0 / column[0]
    logs, product, steady = 0.0, 1.0, False
    for t in range(n):
        product *= F
        if product > 1e200:
            logs, product = logs + math.log(product), 1.0
        for c in range(columns):
            if 0 < c <= skip:
                continue
            here = c * stride + t  # a prediction made is never touched again: that of period t stays at index t
            known = state[here]
            values[c] = (y[begin + t] if c == 0 else X[0, t] if c == 1 else X[c - 1, begin + t]) - known
            scaled = values[c] / F
            ahead = state[here + 1 : here + 1 + wide]
            for i in range(wide):
                ahead[i] += phi[i] * known + gain[i] * scaled
        _gather(products, values, 1.0 / F, columns)
        if steady:
            continue
        for i in range(r if width > 0 else 0):
            for j in range(r):
                P[offset + i * width + j] += middle * factor[t + i] * factor[t + j]
        lead = factor[t]
        after, push = F + middle * lead * lead, lead / F
        ahead, pull = factor[t + 1 : t + 1 + wide], middle * lead
        for i in range(wide):
            moved = phi[i] * lead + ahead[i]
            ahead[i] = moved - gain[i] * push
            gain[i] += pull * moved
        middle *= F / after
        F = after
        if t % r == 0:
            steady = _largest(factor[t + 1 :], r) ** 2 * abs(middle) < 1e-20
    return logs + math.log(product)


@inner
def _advance(P, offset, across, width, step, phi, delta, lost, r):
    """Move a state, or the rows or columns of a covariance, one period on.

    Element k of vector j lies at ``offset + k * across + j * step``; each vector is the lost lags of the series, newest
    first, followed by the Harvey form.
    """
    for j in range(width):
        at = offset + j * step
        lead = P[at + lost * across] if r > 0 else 0.0
        value = lead
        for k in range(lost):
            value += delta[k] * P[at + k * across]
        for k in range(lost - 1, 0, -1):
            P[at + k * across] = P[at + (k - 1) * across]
        if lost > 0:
            P[at] = value
        for k in range(r):
            following = P[at + (lost + k + 1) * across] if k + 1 < r else 0.0
            P[at + (lost + k) * across] = phi[k] * lead + following


@inner
def _evolve(P, size, phi, theta, delta, lost, r):
    """Move a covariance one period on: T P T' + R R'."""
    _advance(P, 0, size, size, 1, phi, delta, lost, r)
    _advance(P, 0, 1, size, size, phi, delta, lost, r)
    for i in range(r):
        for j in range(r):
            P[(lost + i) * size + lost + j] += theta[i] * theta[j]


@inner
def _observe(P, size, delta, lost, r, out):
    """Write the covariance of each state element with the observation and return the observation's variance."""
    for i in range(size):
        value = P[i * size + lost] if r > 0 else 0.0
        for k in range(lost):
            value += delta[k] * P[i * size + k]
        out[i] = value
    variance = out[lost] if r > 0 else 0.0
    for k in range(lost):
        variance += delta[k] * out[k]
    return variance


@inner
def _expectation(state, at, delta, lost):
    """Return what a state says the observation will be."""
    value = state[at + lost]
    for k in range(lost):
        value += delta[k] * state[at + k]
    return value


@inner
def _settle(P, Q, size, lost, finite, infinite, F, diffuse):
    """Condition the covariance P, and its diffuse part Q, on an observation."""
    for i in range(size):
        for j in range(size):
            if diffuse > 0.0:
                left = infinite[i] if i < lost else 0.0
                right = infinite[j] if j < lost else 0.0
                P[i * size + j] -= (left * finite[j] + finite[i] * right - left * right * F / diffuse) / diffuse
            else:
                P[i * size + j] -= finite[i] * finite[j] / F
    if diffuse > 0.0:
        for i in range(lost):
            for j in range(lost):
                Q[i * lost + j] -= infinite[i] * infinite[j] / diffuse


@inner
def _kalman(
    phi, theta, column, delta, lost, r, y, X, skip, begin, P, Q, state, values, products, finite, infinite, said
):
    """Filter an undifferenced series with gaps, and its regressors, from a diffuse start.

    Returns the sum of log F and the number of values that the likelihood is over. Predictions of the series go to
    ``said``, NaN before there is one; the state after the last period and its covariance stay in ``state`` and ``P``.
    """
    n, columns, size = y.shape[0] - begin, X.shape[0] + 1, lost + r
    P[:] = 0.0
    Q[:] = 0.0
    state[:] = 0.0
    _full_covariance(phi, theta, column, r, P, lost * size + lost, size)
    for k in range(lost):
        Q[k * lost + k] = 1.0
    logs, count, unknown = 0.0, 0, lost
    for t in range(n):
        F = _observe(P, size, delta, lost, r, finite)
        diffuse = _observe(Q, lost, delta, lost, 0, infinite) if unknown > 0 else 0.0
        if diffuse < 1e-9:
            diffuse = 0.0
        said[t] = _expectation(state, 0, delta, lost) if diffuse == 0.0 else math.nan
        if not math.isnan(y[begin + t]):
            for c in range(columns):
                data = y[begin + t] if c == 0 else X[0, t] if c == 1 else X[c - 1, begin + t]
                values[c] = 0.0 if 0 < c <= skip else data - _expectation(state, c * size, delta, lost)
                for i in range(size):
                    share = finite[i] / F if diffuse == 0.0 else infinite[i] / diffuse if i < lost else 0.0
                    state[c * size + i] += share * values[c]
            _settle(P, Q, size, lost, finite, infinite, F, diffuse)
            if diffuse > 0.0:
                logs += math.log(diffuse)
                unknown -= 1
            else:
                logs += math.log(F)
                count += 1
                _gather(products, values, 1.0 / F, columns)
        _advance(state, 0, 1, columns, size, phi, delta, lost, r)
        _evolve(P, size, phi, theta, delta, lost, r)
        if unknown > 0:
            _advance(Q, 0, lost, lost, 1, phi, delta, lost, 0)
            _advance(Q, 0, 1, lost, lost, phi, delta, lost, 0)
    return logs, count if unknown == 0 else 0


@inner
def _filter(coefs, order, y, X, begin, beta, result, work, keep):
    """Filter a series at given coefficients; ``result`` gets what is left of squares, the sum of log F and the count.

    Returns where in ``work`` the predictions, the state and its covariance lie; the first is -1 when not stationary.
    """
    ar, ma, r, lost = _sizes(order)
    n, columns, skip, gaps = y.shape[0] - begin, X.shape[0] + 1, 1 - order[7], order[8] > 0
    size, wide = lost + r, _padded(r)
    phi, theta, gain = work[:wide], work[wide : 2 * wide], work[2 * wide : 3 * wide]
    column = work[3 * wide : 4 * wide + 1]
    at = 4 * wide + 1
    delta, finite, infinite = work[at : at + lost], work[at + lost : at + lost + size], work[at + lost + size :]
    at += lost + 2 * size
    products, values = work[at : at + columns * columns], work[at + columns * columns : at + columns * (columns + 1)]
    at += columns * (columns + 1)
    covariance = at
    whole = size * size if keep or gaps else 0
    vague = lost * lost if gaps else 0
    P, Q = work[at : at + whole], work[at + whole : at + whole + vague]
    at += whole + vague
    products[:] = 0.0
    values[:] = 0.0
    _expand(coefs, order, phi, theta)
    _differencing(order, delta)
    result[0], result[1], result[2] = math.nan, math.nan, 0.0
    if not _first_column(phi, theta, ar, ma, r, column, work[at:]):
        return -1, 0, 0
    if gaps:
        state, said = work[at : at + columns * size], work[at + columns * size : at + columns * size + n]
        result[1], result[2] = _kalman(
            phi, theta, column, delta, lost, r, y, X, skip, begin, P, Q, state, values, products, finite, infinite, said
        )
        result[0] = _regress(products, columns, skip, beta)
        return at + columns * size, at, covariance
    stride = n + wide + 1
    factor, state = work[at : at + stride], work[at + stride : at + (columns + 1) * stride]
    if keep:
        P[:] = 0.0
        _full_covariance(phi, theta, column, r, P, lost * size + lost, size)
    result[1] = _chandrasekhar(
        phi, column, r, wide, y, X, skip, begin, gain, factor, state, values, products, P, lost * size + lost,
        size if keep else 0,
    )  # fmt: skip
    result[0], result[2] = _regress(products, columns, skip, beta), n
    return at + stride, at + stride + n, covariance


@inner
def _update(H, s, g, change, product, m, fresh):
    """Update the inverse Hessian by the rule of Broyden, Fletcher, Goldfarb and Shanno; tell whether it is still I."""
    along, square = 0.0, 0.0
    for k in range(m):
        change[k] = g[k] - change[k]
        along += s[k] * change[k]
        square += change[k] * change[k]
    if not along > 1e-14:
        return fresh
    if fresh:
        _identity(H, m, along / square)
    curve = 0.0
    for k in range(m):
        product[k] = 0.0
        for j in range(m):
            product[k] += H[k * m + j] * change[j]
        curve += product[k] * change[k]
    for k in range(m):
        for j in range(m):
            H[k * m + j] += (1.0 + curve / along) * s[k] * s[j] / along - (
                product[k] * s[j] + s[k] * product[j]
            ) / along
    return False


@inner
def _identity(H, m, scale):
    for k in range(m * m):
        H[k] = scale if k % (m + 1) == 0 else 0.0


@inner
def _direction(H, g, d, m):
    """Write the quasi-Newton direction; return the slope along it."""
    slope = 0.0
    for k in range(m):
        d[k] = 0.0
        for j in range(m):
            d[k] -= H[k * m + j] * g[j]
        slope += d[k] * g[k]
    return slope


@inner
def _toward(point, x, d, step, m):
    for k in range(m):
        point[k] = x[k] + step * d[k]


@inner
def _shorter(step, slope, f, found):
    """Return the next, shorter step: where the parabola through what is known has its lowest point."""
    wanted = -0.5 * slope * step * step / (found - f - slope * step)
    return 0.2 * step if math.isnan(wanted) else min(max(wanted, 0.1 * step), 0.5 * step)


@inner
def _downhill(H, g, d, m):
    """Forget the curvature and go along the gradient; return the slope and the longest step to try."""
    _identity(H, m, 1.0)
    slope = _direction(H, g, d, m)
    return slope, 0.5 / max(0.5, _largest(d, m))


@inner
def _minimise(x, m, gtol, iterations, order, y, X, begin, coefs, beta, result, work, stop):
    """Minimise minus the concentrated log-likelihood of a value from x on; return it and whether it converged.

    One loop over evaluations, so that the filter is compiled in one place: a trial step while ``k`` is negative,
    coordinate ``k`` of the gradient otherwise (forward differences on the way, central ones near the end).
    """
    g, before, d, s, point, spare, H, rest = (
        work[:m], work[m : 2 * m], work[2 * m : 3 * m], work[3 * m : 4 * m], work[4 * m : 5 * m], work[5 * m : 6 * m],
        work[6 * m : 6 * m + m * m], work[6 * m + m * m :],
    )  # fmt: skip
    f, gain, above, width, step, slope = math.inf, math.inf, 0.0, 0.0, 0.0, 0.0
    k, tries, flat, done, central, fresh, moved = -1, 0, 0, 0, False, True, False
    _toward(point, x, x, 0.0, m)
    while True:
        _coefficients(point, order, coefs)
        _filter(coefs, order, y, X, begin, beta, result, rest, False)
        count = result[2]
        value = 0.5 * math.log(max(result[0] / count, _TINY)) + 0.5 * result[1] / count if count > 0 else math.nan
        if k >= 0 and central and point[k] > x[k]:
            above, point[k] = value, x[k] - width
            continue
        if k >= 0:
            g[k] = (above - value) / (2.0 * width) if central else (value - f) / width
        elif done == 0 or value <= f + 1e-4 * step * slope:
            gain, f, moved = f - value, value, done > 0
            flat = flat + 1 if gain < 1e-10 else 0
            for j in range(m):
                s[j], x[j], before[j] = point[j] - x[j], point[j], g[j]
            if done == iterations or stop[0] or math.isnan(f):
                return f, gain < _NOTHING
        else:
            step, tries = _shorter(step, slope, f, value), tries + 1
            if tries == 20 and fresh:  # no way down even along the gradient: the noise of the objective is reached
                return f, gain < _NOTHING or _largest(g, m) < 1e-3
            if tries == 20:
                (slope, step), fresh, tries = _downhill(H, g, d, m), True, 0
            _toward(point, x, d, step, m)
            continue
        k += 1
        _toward(point, x, x, 0.0, m)
        if moved and k == m:
            fresh, moved = _update(H, s, g, before, spare, m, fresh), False
        elif done == 0 and k == m:
            _identity(H, m, 1.0)
        if k == m and not central and gtol < 1e-3 and _largest(g, m) < 1e-3:
            central, k = True, 0
        if k < m:
            width = (1e-4 if central else 1e-6) * (1.0 + abs(x[k]))
            point[k] += width
            continue
        if _largest(g, m) < gtol or flat >= 2:
            return f, True
        slope = _direction(H, g, d, m)
        if not slope < 0.0:
            (slope, step), fresh = _downhill(H, g, d, m), True
        step = min(1.0, (0.5 if fresh else 2.0) / _largest(d, m))
        _toward(point, x, d, step, m)
        k, tries, done = -1, 0, done + 1


@inner
def _begin_at(pattern, order, x):
    """Lay out a start: the first AR, MA, seasonal AR and seasonal MA value, then how large the later ones are.

    NaN leaves the values of a kind as they are.
    """
    at = 0
    for kind in range(4):
        count = order[kind + (kind + 1) // 2]
        for k in range(0 if math.isnan(pattern[kind]) else count):
            x[at + k] = pattern[kind] if k == 0 else pattern[4] * pattern[kind]
        at += count


@inner
def _take_least(values):
    """Return where the least value is, and take it out."""
    at = 0
    for k in range(1, values.shape[0]):
        if values[k] < values[at]:
            at = k
    values[at] = math.inf
    return at


@lane("f8[:,:] f8[:,:] i8[:] i8[:] i8[:,:] f8[:,:] f8[:,:] f8[:,:] f8 i8", "f8[:,:] f8[:,:] f8[:,:] f8[:,:]", stop=True)
def fit(
    first, last, data, X, series, begin, orders, patterns, probes, starts, gtol, iterations, coefs, betas, summary,
    work, stop,
):  # fmt: skip
    """Maximise the likelihood of each lane's order for its series, and keep the best of all starts.

    ``data`` holds differenced series, or undifferenced ones with gaps; ``X`` the regressors likewise, the first of them
    counted from a series' own begin. The first starts are the likeliest of the ``patterns``: one, or all but two a
    coefficient where there are ``probes``. Then the best maximum is left for each of the probes, and what is nearly as
    likely there is followed, since it lies before another maximum. Rows of ``starts`` come last. ``summary`` gets σ²,
    the sum of log F, the count, and whether it converged.
    """
    for i in range(first, last):
        order, y, start = orders[i], data[series[i]], begin[series[i]]
        m, screened = order[0] + order[2] + order[3] + order[5], patterns.shape[0]
        x, kept, hint, result = work[i, :m], work[i, m : 2 * m], work[i, 2 * m : 3 * m], work[i, 3 * m : 3 * m + 3]
        seen, rest = work[i, 3 * m + 3 : 3 * m + 3 + screened], work[i, 3 * m + 3 + screened :]
        followed = screened + (min(max(1, m - 2), screened) if probes.shape[0] > 0 else 1)
        probed, end = followed + probes.shape[0], followed + probes.shape[0] + 1 + starts.shape[0]
        best, near, settled = math.inf, math.inf, 0.0
        for attempt in range(0 if m > 0 else end, end + 1):
            polish = screened <= attempt < followed or probed <= attempt < end
            if attempt == probed and not near < best:
                continue
            for k in range(m):
                x[k] = hint[k] if attempt == probed else kept[k]
            if attempt < followed:
                _begin_at(patterns[attempt if attempt < screened else _take_least(seen)], order, x)
            elif attempt < probed:
                _begin_at(probes[attempt - followed], order, x)
            elif probed < attempt < end:
                _toward(x, starts[attempt - probed - 1, :m], x, 0.0, m)
            steps = iterations if polish else 0
            f, converged = _minimise(x, m, gtol, steps, order, y, X, start, coefs[i], betas[i], result, rest, stop)
            if attempt < screened:
                seen[attempt] = math.inf if math.isnan(f) else f
            if polish and (f < best or attempt == screened):
                best, settled = f, 1.0 if converged else 0.0
                _toward(kept, x, x, 0.0, m)
            if followed <= attempt < probed and f - probes[attempt - followed, 5] / result[2] < near:
                near = f - probes[attempt - followed, 5] / result[2]
                _toward(hint, x, x, 0.0, m)
        summary[i, 0] = max(result[0] / result[2], _TINY) if result[2] > 0 else math.nan
        summary[i, 1], summary[i, 2], summary[i, 3] = result[1], result[2], settled if m > 0 else 1.0


@lane("f8[:,:] f8[:,:] i8[:] i8[:,:] f8[:,:]", "f8[:,:] f8[:,:] f8[:,:] f8[:,:] f8[:,:]")
def project(first, last, data, X, begin, orders, coefs, said, mean, spread, summary, work):
    """Filter each lane's series at given coefficients and forecast it.

    ``data`` are undifferenced, ``X`` has no rows. ``said`` gets the one-step predictions, NaN before there is one;
    ``mean`` and ``spread`` the forecasts and their variances for σ² = 1; ``summary`` the sum of v²/F, of log F, and the
    count.
    """
    for i in range(first, last):
        order, start = orders[i], begin[i]
        _, _, r, lost = _sizes(order)
        size, n = lost + r, data.shape[1] - start
        delta, moving = work[i, :lost], work[i, lost : lost + size]
        values, rest = work[i, lost + size :], work[i, lost + size + n :]
        for t in range(data.shape[1]):
            said[i, t] = math.nan
        for t in range(mean.shape[1]):
            mean[i, t] = spread[i, t] = math.nan
        for t in range(n):
            values[t] = data[i, start + t]
        _differencing(order, delta)
        gaps = order[8] > 0
        for t in range(n - 1, n if gaps else lost - 1, -1):
            for k in range(lost):
                values[t] -= delta[k] * values[t - 1 - k]
        y = values[:n] if gaps else values[lost:n]
        known, state, covariance = _filter(coefs[i], order, y, X, 0, spread[i, :0], summary[i], rest, True)
        if known < 0:
            continue
        _place(data[i], start, gaps, values, rest, known, state, lost, r, said[i], moving)
        wide = _padded(r)
        phi, theta, finite, P = rest[:wide], rest[wide : 2 * wide], rest[4 * wide + 1 + lost :], rest[covariance:]
        for t in range(mean.shape[1]):
            mean[i, t] = _expectation(moving, 0, delta, lost)
            spread[i, t] = _observe(P, size, delta, lost, r, finite)
            _advance(moving, 0, 1, 1, size, phi, delta, lost, r)
            _evolve(P, size, phi, theta, delta, lost, r)


@inner
def _place(data, start, gaps, values, work, known, state, lost, r, said, moving):
    """Write the one-step predictions of the undifferenced series, and its state after the last period."""
    n = data.shape[0] - start
    own = 0 if gaps else lost  # where the model's own state begins
    for t in range(own, n):
        said[start + t] = work[known + t] if gaps else data[start + t] - (values[t] - work[known + t - lost])
    for k in range(own):
        moving[k] = data[data.shape[0] - 1 - k]
    for k in range(own, lost + r):
        moving[k] = work[state + k - own]


@inner
def _largest(values, m):
    found = 0.0
    for k in range(m):
        found = max(found, abs(values[k]))
    return found
