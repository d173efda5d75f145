"""Numbers of any size: a unit for each series, so that squares neither overflow nor vanish."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.arrays import Array, namespace_of

__all__ = ["ordinary_unit", "unit_of"]

_SINGLE = 128  # exponents of single precision; half has none to spare

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


def unit_of(y: Floats) -> Floats:
    """Return a power of two near each series' largest value: dividing by it is exact.

    Parameters
    ----------
    y
        Series × time; NaN is passed over.
    """
    largest = np.nanmax(np.abs(y), axis=1, initial=0.0)
    return np.asarray(np.ldexp(1.0, np.frexp(np.where(largest > 0, largest, 1.0))[1] - 1))


def ordinary_unit(*values: Array) -> Array:
    """Return 1 for each series of ordinary size, and a power of two that brings others near it, where they live.

    Parameters
    ----------
    *values
        Series × time, of equal shapes; NaN is passed over.
    """
    xp = namespace_of(values=values[0])
    sizes = [xp.max(xp.where(xp.isnan(v), xp.zeros_like(v), xp.abs(v)), axis=1) for v in values]
    largest = xp.max(xp.stack(sizes), axis=0)
    one = xp.ones_like(largest)
    exponent = round(math.log2(float(xp.finfo(largest.dtype).max)))
    if exponent < _SINGLE:
        return one
    far, step = 2.0 ** (3 * exponent // 10), 2.0 ** (7 * exponent // 10)
    return xp.where(largest > far, step * one, xp.where((largest < 1 / far) & (largest > 0), one / step, one))
