"""STL of many series at once, and the strength of their seasons: what the search for an ARIMA asks of it."""

from __future__ import annotations

import math

import numpy as np

from prism_kernels import lanes
from prism_kernels.timeseries.model import Floats
from prism_kernels.timeseries.sarima_estimate import Ints

__all__ = ["seasonal_strength", "stl"]

_WINDOW = 11  # seasons
_ROUNDING = 1e-12  # share of a series' largest value under which a part is none


def stl(y: Floats, season: int, first: Ints | None = None, *, window: int = _WINDOW) -> tuple[Floats, Floats, Floats]:
    """Split series into trend, season and remainder by local lines.

    Parameters
    ----------
    y
        Series × time, finite from each series' first value on, over two seasons or more.
    season
        Periods in a season, two or more.
    first
        First value of each series; what lies before is padding. The first column where absent.
    window
        Seasons that a local line through the values of one phase spans, odd, three or more.

    Returns
    -------
    trend, seasonal and residual, series × time; NaN in the padding

    Notes
    -----
    Five rounds without weights against outliers, and lines everywhere. The trend spans the least odd number of periods
    that is 1.5 · season / (1 - 1.5 / window) or more, the low pass the least odd one above the season. It runs on CPU.

    References
    ----------
    R. B. Cleveland, W. S. Cleveland, J. E. McRae and I. Terpenning (1990), "STL: a seasonal-trend decomposition
    procedure based on loess".
    """
    from prism_kernels.timeseries import stl_lanes

    y = np.ascontiguousarray(y)
    start = np.zeros(len(y), dtype=np.int64) if first is None else np.ascontiguousarray(first)
    spans = (window, season + 1, math.ceil(1.5 * season / (1 - 1.5 / window)))
    windows = np.array([span + (span % 2 == 0) for span in spans], dtype=np.int64)
    trend, seasonal = np.full(y.shape, np.nan), np.full(y.shape, np.nan)
    scratch = [np.empty((len(y), y.shape[1] + 2 * season)) for _ in range(2)]
    lanes.launch(stl_lanes.decompose, len(y), y, start, season, windows, trend, seasonal, *scratch, label="seasons")
    return trend, seasonal, y - trend - seasonal


def seasonal_strength(y: Floats, season: int, first: Ints | None = None) -> Floats:
    """Return 1 - var(residual) / var(seasonal + residual) of each series' STL, 0 at least.

    Parameters
    ----------
    y
        Series × time, or one series: finite from each series' first value on, over two seasons or more.
    season
        Periods in a season, two or more.
    first
        First value of each series; what lies before is padding. The first column where absent.

    References
    ----------
    Wang, Smith and Hyndman (2006), "Characteristic-based clustering for time series data".
    """
    y = np.atleast_2d(y)
    _, seasonal, residual = stl(y, season, first)
    rest, whole = np.nanvar(residual, axis=1), np.nanvar(seasonal + residual, axis=1)
    there = whole > (_ROUNDING * np.nanmax(np.abs(y), axis=1)) ** 2
    return np.where(there, np.maximum(0.0, 1 - rest / np.where(there, whole, 1.0)), 0.0)
