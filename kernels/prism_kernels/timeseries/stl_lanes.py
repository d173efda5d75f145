# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Lane kernel of STL: season and trend of each series by local lines, without weights against outliers.

Windows are odd numbers of points. A local line weighs the points of its window by the tricube of their distance, over
the distance to the farthest of them; where the window is longer than the data, half the excess is added to that.
"""

from __future__ import annotations

from prism_kernels.lanes import inner, lane

_ROUNDS = 5  # the paper asks one or two where weights follow, and more where none do
_FARTHEST, _NEAREST = 0.999, 0.001  # shares of the reach from which a weight is 0, and up to which it is 1
_FLAT = 0.001  # share of the data's extent under which the spread of a window is too small for a slope


@inner
def _local(x, i, begin, step, count, window, at):
    """Return the local line at point ``at`` of x[i, begin], x[i, begin + step], …; it may lie one beyond an end.

    Values are measured from the nearest one, so that a line through equal values is exact.
    """
    left = min(max(at - window // 2, 0), max(count - window, 0))
    right = min(left + window, count) - 1
    reach = float(max(at - left, right - at) + max(window - count, 0) // 2)
    base = x[i, begin + step * min(max(at, 0), count - 1)]
    weights, first, second, value, cross = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(left, right + 1):
        far = float(k - at)
        share = abs(far) / reach
        if share <= _FARTHEST:
            weight = 1.0
            if share > _NEAREST:
                weight = 1.0 - share * share * share
                weight = weight * weight * weight
            height = x[i, begin + step * k] - base
            weights += weight
            first += weight * far
            second += weight * far * far
            value += weight * height
            cross += weight * far * height
    centre, level = first / weights, value / weights
    spread = second / weights - centre * centre
    if spread > (_FLAT * (count - 1)) ** 2:
        level -= centre * (cross / weights - centre * level) / spread
    return base + level


@inner
def _cycles(x, i, begin, count, period, window, cycles, stop):
    """Smooth each phase of the season, and extend it by one season at both ends."""
    for phase in range(period):
        size = (count - 1 - phase) // period + 1
        for k in range(-1, size + 1):
            if stop[0]:
                return
            cycles[i, (k + 1) * period + phase] = _local(x, i, begin + phase, period, size, window, k)


@inner
def _average(x, i, count, width):
    """Replace the first values by their moving averages over ``width`` points and return how many there are."""
    total = 0.0
    for t in range(width):
        total += x[i, t]
    for t in range(count - width + 1):
        leaving = x[i, t]
        x[i, t] = total / width
        if t + width < count:
            total += x[i, t + width] - leaving
    return count - width + 1


@inner
def _low_pass(cycles, i, count, period, smooth):
    """Fill what two moving averages over a season and one over three points leave of the smoothed phases."""
    size = count + 2 * period
    for t in range(size):
        smooth[i, t] = cycles[i, t]
    size = _average(smooth, i, size, period)
    size = _average(smooth, i, size, period)
    _average(smooth, i, size, 3)


@lane("f8[:,:] i8[:] i8 i8[:]", "f8[:,:] f8[:,:] f8[:,:] f8[:,:]", stop=True)
def decompose(first, last, y, start, period, windows, trend, seasonal, cycles, smooth, stop):
    """Fill trend and season of each series from its first value on.

    y: series × time; start: first value of each series, two seasons or more before its end; windows: of the seasons, of
    the low pass and of the trend; cycles, smooth: scratch, series × (time + 2 · period).
    """
    for i in range(first, last):
        begin = start[i]
        count = y.shape[1] - begin
        for t in range(begin, y.shape[1]):
            trend[i, t] = 0.0
        for _ in range(_ROUNDS):
            for t in range(begin, y.shape[1]):
                seasonal[i, t] = y[i, t] - trend[i, t]
            _cycles(seasonal, i, begin, count, period, windows[0], cycles, stop)
            _low_pass(cycles, i, count, period, smooth)
            for t in range(count):
                if stop[0]:
                    return
                low = _local(smooth, i, 0, 1, count, windows[1], t)
                seasonal[i, begin + t] = cycles[i, period + t] - low
            for t in range(count):
                smooth[i, t] = y[i, begin + t] - seasonal[i, begin + t]
            for t in range(count):
                if stop[0]:
                    return
                trend[i, begin + t] = _local(smooth, i, 0, 1, count, windows[2], t)
