"""The smooth trend of Hodrick and Prescott, and how smooth it is for a spacing of dates."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from prism_kernels import progress
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Series
from prism_kernels.timeseries.trend_refusals import require_finite
from prism_kernels.timeseries.units import unit_of

__all__ = ["smooth", "usual_smoothing"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_QUARTERLY_SMOOTHING = 1600.0  # of Hodrick and Prescott, for quarters
_PER_YEAR = {"Y": 1, "Q": 4, "M": 12, "W": 52, "B": 260, "D": 365}


def usual_smoothing(frequency: str | None) -> float:
    """Return Ravn and Uhlig's λ for the spacing of the dates; Hodrick and Prescott's without dates.

    Parameters
    ----------
    frequency
        pandas' alias of the spacing.
    """
    unit = (frequency or "Q").partition("-")[0].lstrip("0123456789").removesuffix("S").removesuffix("E")
    if unit not in _PER_YEAR:
        msg = f"the spacing of the dates ({frequency}) tells no usual smoothing; give penalty=λ, such as penalty=1600"
        raise InvalidInput(msg, field="penalty")
    every = (frequency or "").partition("-")[0]
    digits = every[: len(every) - len(every.lstrip("0123456789"))]
    return _QUARTERLY_SMOOTHING * (_PER_YEAR[unit] / int(digits or 1) / 4) ** 4


def smooth(series: Series, smoothing: float) -> Floats:
    """Return the smooth trend of each series, series × time; NaN in the padding.

    Parameters
    ----------
    series
        Complete but for leading padding.
    smoothing
        What λ is.

    Raises
    ------
    InvalidInput
        For a trend beyond the largest number.
    """
    level, unit = np.full(series.lanes.shape, np.nan), unit_of(series.lanes)
    for k in progress.track(range(series.count), "smoothing"):
        inside = slice(int(series.first[k]), None)
        level[k, inside] = _hodrick_prescott(series.lanes[k, inside] / unit[k], smoothing)
    with np.errstate(over="ignore"):
        level = level * unit[:, None]
    require_finite(series, level, "trend")
    return level


def _hodrick_prescott(y: Floats, smoothing: float) -> Floats:
    """Return the trend τ that makes Σ(y - τ)² + λ·Σ(second differences of τ)² least."""
    from scipy.linalg import solveh_banded

    n = y.size
    bands = np.zeros((3, n))  # of the second differences' square: 1, -2, 1 laid over each other
    bands[0, 2:] = 1
    bands[1, 1:] = -2
    bands[1, 2:] -= 2
    bands[1, -1] += 2
    bands[2, :-2] += 1
    bands[2, 1:-1] += 4
    bands[2, 2:] += 1
    system = smoothing * bands
    system[2] += 1
    middle = y.mean()  # solved around 0, where rounding is least
    tau: Floats = solveh_banded(system, y - middle) + middle
    return tau
