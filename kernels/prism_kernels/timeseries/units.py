"""Numbers of any size: a unit for each series, so that squares neither overflow nor vanish."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["unit_of"]

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
