"""Seasons beyond the shortest one, which exponential smoothing holds as fixed patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.timeseries.model import Floats, Problem

__all__ = ["Patterns", "adjusted", "fixed_patterns", "laid_out", "pattern_names"]

Patterns: TypeAlias = Mapping[int, Floats]
"""Pattern of each longer season by its length, series × period, counted from a series' first value."""

_ROUNDS = 5


def fixed_patterns(problem: Problem) -> Patterns:
    """Estimate the patterns of all seasons together and return those of all but the shortest.

    Parameters
    ----------
    problem
        Series and season lengths.

    Notes
    -----
    A moving average over each season, one after another, leaves the trend; what remains is fitted by period means of
    the seasons in turn, shortest first (backfitting), each with mean zero.
    """
    seasons = sorted(problem.season_length)
    found = {m: np.zeros((len(problem.y), m)) for m in seasons[1:]}
    if found:
        for k, start in enumerate(problem.first):
            for m, pattern in _backfitted(problem.y[k, int(start) :], seasons).items():
                found[m][k] = pattern
    return found


def _backfitted(y: Floats, seasons: list[int]) -> dict[int, Floats]:
    left, begin = y, 0
    for m in seasons:
        left, begin = _moving_average(left, m), begin + m // 2
    time = np.arange(begin, begin + len(left))
    rest = y[time] - left
    means = {m: np.zeros(m) for m in seasons}
    for _ in range(_ROUNDS):
        for m in seasons:
            own = rest - sum(means[other][time % other] for other in seasons if other != m)
            found = np.bincount(time % m, own, m) / np.bincount(time % m, minlength=m)
            means[m] = found - found.mean()
    return {m: means[m] for m in seasons[1:]}


def _moving_average(y: Floats, m: int) -> Floats:
    weights = np.full(m + 1 - m % 2, 1 / m)
    if m % 2 == 0:
        weights[[0, -1]] /= 2
    return np.convolve(y, weights, mode="valid")


def laid_out(patterns: Patterns, first: np.ndarray[Any, np.dtype[np.int64]], begin: int, count: int) -> Floats:
    """Return the sum of all patterns over some periods, series × time.

    Parameters
    ----------
    patterns
        What :func:`fixed_patterns` returned.
    first
        First period of each series, where its patterns begin.
    begin, count
        First period wanted, and how many.
    """
    total = np.zeros((len(first), count))
    for m, pattern in patterns.items():
        total += np.take_along_axis(pattern, (np.arange(begin, begin + count) - first[:, None]) % m, axis=1)
    return total


def adjusted(problem: Problem, patterns: Patterns) -> Problem:
    """Return the problem without its patterns."""
    if not patterns:
        return problem
    return problem.with_data(problem.y - laid_out(patterns, problem.first, 0, problem.y.shape[1]))


def pattern_names(patterns: Patterns) -> tuple[str, ...]:
    """Return a label for each value of each pattern."""
    return tuple(f"pattern_{m}_{k}" for m in patterns for k in range(m))
