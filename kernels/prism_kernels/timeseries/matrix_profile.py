"""How far each stretch of a series is from the stretch most like it, and which are unlike all others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from prism_kernels import progress
from prism_kernels.arrays import Array, device_of, namespace_of

__all__ = ["discords", "exclusion_of", "matrix_profile", "needed_length"]

_BLOCK = 500_000  # correlations held at a time: what a core keeps in its cache


def exclusion_of(window: int) -> int:
    """Return how many neighbouring windows on each side are too much the same stretch to count as a match."""
    return math.ceil(window / 4)


def needed_length(window: int) -> int:
    """Return the length from which every window has a match outside its own neighbourhood."""
    return window + 2 * exclusion_of(window) + 1


def matrix_profile(y: Float[Array, " time"], window: int) -> tuple[Float[Array, " window"], Int[Array, " window"]]:
    """Find the nearest match of each window of a series, in shape alone.

    Parameters
    ----------
    y
        One complete series of :func:`needed_length` or more.
    window
        Periods in a window.

    Returns
    -------
    the z-normalised Euclidean distance of each window to its match, and where the match begins

    Notes
    -----
    Windows are brought to mean 0 and length 1, so that the closest pair is the one with the largest product: blocks of
    windows are multiplied with all windows. The distance is then taken from the difference of the two, which keeps
    all its digits where the correlation is nearly 1. Windows that overlap by more than three quarters do not match.
    A constant window is at 0 from another constant one and at √window from any other.

    References
    ----------
    C.-C. M. Yeh, Y. Zhu, L. Ulanova and others (2016), "Matrix profile I: all pairs similarity joins for time series".
    """
    xp = namespace_of(y=y)
    shapes, flat = _normalised(y, window)
    half, one = 0.5 * flat, xp.ones_like(flat)
    left = xp.concat([shapes, half[:, None], one[:, None]], axis=1)
    right = xp.concat([shapes, one[:, None], half[:, None]], axis=1).T
    count, apart = shapes.shape[0], exclusion_of(window)
    size = max(32, _BLOCK // count)
    matches = []
    for first in progress.track(range(0, count, size), "matrix profile"):
        last = min(first + size, count)
        likeness = left[first:last, :] @ right
        low, high = max(0, first - apart), min(count, last + apart)
        row = xp.arange(first, last, device=device_of(y))
        column = xp.arange(low, high, device=device_of(y))
        near = xp.abs(row[:, None] - column[None, :]) <= apart
        band = likeness[:, low:high]
        likeness[:, low:high] = xp.where(near, xp.full_like(band, -xp.inf), band)
        matches.append(xp.argmax(likeness, axis=1))
    match = xp.concat(matches)
    gap = shapes - xp.take(shapes, match, axis=0)
    distance = math.sqrt(window) * xp.sqrt(xp.sum(gap * gap, axis=1))
    return xp.astype(distance, y.dtype), match


def _normalised(y: Float[Array, " time"], window: int) -> tuple[Float[Array, "window time"], Float[Array, " window"]]:
    """Return each window with mean 0 and length 1, zeros where it is constant, and 1 for those that are."""
    xp = namespace_of(y=y)
    count = y.shape[0] - window + 1
    place = xp.arange(count, device=device_of(y))[:, None] + xp.arange(window, device=device_of(y))[None, :]
    wide = xp.astype(y, xp.float64)
    cut = xp.reshape(xp.take(wide - xp.mean(wide), xp.reshape(place, (-1,)), axis=0), (count, window))
    flat = xp.max(cut, axis=1) == xp.min(cut, axis=1)
    cut = cut - xp.mean(cut, axis=1, keepdims=True)
    length = xp.sqrt(xp.sum(cut * cut, axis=1))
    shapes = cut / xp.where(flat, xp.ones_like(length), length)[:, None]
    shapes = xp.where(flat[:, None], xp.zeros_like(shapes), shapes)
    return shapes, xp.astype(flat, xp.float64)


def discords(
    profile: np.ndarray[Any, np.dtype[np.float64]], window: int, *, above: float, most: int | None
) -> tuple[int, ...]:
    """Return where the windows begin that are farthest from their match, the farthest first, none overlapping another.

    Parameters
    ----------
    profile
        Distance of each window to its match.
    window
        Periods in a window.
    above
        Distance from which a window counts.
    most
        How many at most; None for all.
    """
    left = np.where(profile > above, profile, -np.inf)
    found: list[int] = []
    while left.size and (most is None or len(found) < most):
        k = int(left.argmax())
        if left[k] == -np.inf:
            break
        found.append(k)
        left[max(0, k - window + 1) : k + window] = -np.inf
    return tuple(found)
