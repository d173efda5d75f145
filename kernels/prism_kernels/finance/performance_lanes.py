"""The lane kernel that measures returns: one series a lane, every measure from two walks over it and one selection.

A row of the output holds the measures in the order of the places below. The scratch row holds the returns, of which the
largest losses come first once the tail was selected.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

import math

from prism_kernels.lanes import inner, lane

TOTAL, CAGR, VOLATILITY, DOWNSIDE, SHARPE, SORTINO, CALMAR, OMEGA, DRAWDOWN, ULCER = range(10)
VALUE_AT_RISK, SHORTFALL, TAIL_RATIO, SKEWNESS, KURTOSIS = range(10, 15)
COLUMNS = 15

_ENDS = 0.05  # share of the returns at either end whose quantiles the tail ratio compares
_DIGITS = 1e-9  # of a place among sorted returns, so that 0.05 · 1000 is 50


@inner
def _mean(values, i, count):
    """Return the mean of a row."""
    a = b = c = d = 0.0
    whole = count - count % 4
    for t in range(0, whole, 4):
        a += values[i, t]
        b += values[i, t + 1]
        c += values[i, t + 2]
        d += values[i, t + 3]
    for t in range(whole, count):
        a += values[i, t]
    return ((a + b) + (c + d)) / count


@inner
def _shape(values, i, count, mean, rate, periods_per_year, out):
    """Fill in what the moments give: deviations, ratios of the mean to them, skewness and kurtosis."""
    low = high = values[i, 0]
    reach = 0.0
    for t in range(count):
        low, high = min(low, values[i, t]), max(high, values[i, t])
    reach = max(high - mean, mean - low)
    second = third = fourth = lost = gains = losses = 0.0
    scale = 1.0 / reach if high > low else 0.0
    for t in range(count):
        unit = (values[i, t] - mean) * scale
        square = unit * unit
        second += square
        third += square * unit
        fourth += square * square
        excess = values[i, t] - rate
        down = min(excess, 0.0)
        lost += down * down
        losses -= down
        gains += excess - down
    root = math.sqrt(periods_per_year)
    deviation = reach * math.sqrt(second / (count - 1)) if high > low else 0.0
    below = math.sqrt(lost / count)
    out[i, VOLATILITY] = deviation * root
    out[i, DOWNSIDE] = below * root
    out[i, SHARPE] = (mean - rate) / deviation * root if deviation > 0.0 else math.nan
    out[i, SORTINO] = (mean - rate) / below * root if below > 0.0 else math.nan
    out[i, OMEGA] = gains / losses if losses > 0.0 else math.nan
    if high > low:
        second, third, fourth = second / count, third / count, fourth / count
        out[i, SKEWNESS] = third / (second * math.sqrt(second))
        out[i, KURTOSIS] = fourth / (second * second) - 3.0
    else:
        out[i, SKEWNESS] = out[i, KURTOSIS] = 0.0


@inner
def _path(values, i, count, periods_per_year, out):
    """Fill in what compounding gives: growth, drawdowns and their ratio."""
    value = peak = 1.0
    deepest = squares = 0.0
    for t in range(count):
        value *= 1.0 + values[i, t]
        peak = max(peak, value)
        depth = value / peak - 1.0
        deepest = min(deepest, depth)
        squares += depth * depth
    growth = math.pow(value, periods_per_year / count) - 1.0 if value >= 0.0 else math.nan
    out[i, TOTAL] = value - 1.0
    out[i, CAGR] = growth
    out[i, DRAWDOWN] = deepest
    out[i, ULCER] = math.sqrt(squares / count)
    out[i, CALMAR] = growth / -deepest if deepest < 0.0 else math.nan


@inner
def _select(row, i, first, last, place):
    """Reorder ``first <= t < last`` of a row so that its smallest values stand up to a place (Hoare's selection)."""
    last -= 1
    while first < last:
        middle = first + (last - first) // 2
        a, b, c = row[i, first], row[i, middle], row[i, last]
        pivot = max(min(a, b), min(max(a, b), c))
        left, right = first, last
        while left <= right:
            while row[i, left] < pivot:
                left += 1
            while row[i, right] > pivot:
                right -= 1
            if left <= right:
                row[i, left], row[i, right] = row[i, right], row[i, left]
                left += 1
                right -= 1
        if place <= right:
            last = right
        elif place >= left:
            first = left
        else:
            return


@inner
def _gather(values, i, count, low, high, row):
    """Put what is below ``low`` to the left of the scratch row and what is above ``high`` to its right, unsorted."""
    left, right = 0, count - 1
    for t in range(count):  # without a branch: what is not wanted is written too, and then written over
        row[i, left] = row[i, right] = values[i, t]
        left += values[i, t] < low
        right -= values[i, t] > high
    return left, right + 1


@inner
def _quantile(row, i, first, stop, where):
    """Return the value at a place of the sorted row, between two of them where need be; smaller ones end up before."""
    place = int(where + _DIGITS)
    part = max(where - place, 0.0)
    _select(row, i, first, stop, place)
    low = row[i, place]
    if part == 0.0 or place + 1 >= stop:
        return low
    after = row[i, place + 1]
    for t in range(place + 2, stop):
        after = min(after, row[i, t])
    return low + part * (after - low)


@inner
def _tail(values, i, count, mean, deviation, level, out, row):
    """Fill in what sorted returns give: value at risk, the mean beyond it, and how the ends compare."""
    where, below, above = (count - 1) * (1.0 - level), (count - 1) * _ENDS, (count - 1) * (1.0 - _ENDS)
    left, right = _gather(values, i, count, mean - deviation, mean + deviation, row)
    if left < max(where, below) + 2.0 or right > above - 1.0:  # too few at an end: take them all
        left, right = count, 0
        for t in range(count):
            row[i, t] = values[i, t]
    out[i, VALUE_AT_RISK] = -_quantile(row, i, 0, left, where)
    place = int(where + _DIGITS)
    total = 0.0
    for t in range(place + 1):
        total += row[i, t]
    out[i, SHORTFALL] = -total / (place + 1)
    low = _quantile(row, i, 0, left, below)
    high = _quantile(row, i, right, count, above)
    out[i, TAIL_RATIO] = abs(high) / abs(low) if low != 0.0 else math.nan


@lane("f8[:,:] f8 f8 f8", "f8[:,:] f8[:,:]")
def measure(first, last, returns, rate, periods_per_year, level, out, row):
    """Measure every series.

    ``returns`` is lane × time, ``rate`` the return of a period without risk, ``level`` the share outside the tail;
    ``out`` is lane × measure and ``row`` scratch, lane × time.
    """
    count = returns.shape[1]
    for i in range(first, last):
        mean = _mean(returns, i, count)
        _shape(returns, i, count, mean, rate, periods_per_year, out)
        _path(returns, i, count, periods_per_year, out)
        deviation = out[i, VOLATILITY] / math.sqrt(periods_per_year)
        _tail(returns, i, count, mean, deviation, level, out, row)
